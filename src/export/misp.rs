//! A MISP event: attacking addresses and senders, and the names that can be had.

use serde_json::{Value, json};

use super::{
    Wish,
    domains::{is_address, open, orderable},
    id::uuid,
    origins::Origin,
};
use crate::{findings::Findings, moment::Timestamp, report::contract::shown};

/// One event a day; importing it again updates it.
pub(super) fn event(findings: &Findings, attackers: &[Origin<'_>], wish: &Wish) -> String {
    let mut attributes = Vec::new();
    for origin in attackers {
        let c = origin.campaign;
        let comment = format!("address guessing {}, until {}", origin.id(), origin.until);
        attributes.push(attribute(
            "ip-src",
            "Network activity",
            &origin.ip.to_string(),
            &comment,
            true,
            c.first_seen,
            c.last_seen,
        ));
    }
    for c in &findings.campaigns {
        let comment = format!("address guessing {}", shown(&c.id));
        for sender in c.senders.iter().filter(|s| is_address(s)) {
            // A sender may be forged, or one of our own whose password was stolen: to look at, not to act on.
            attributes.push(attribute(
                "email-src",
                "Payload delivery",
                sender,
                &comment,
                false,
                c.first_seen,
                c.last_seen,
            ));
        }
    }
    for d in open(findings) {
        let Some(name) = orderable(d) else { continue };
        let comment = format!("mail goes there and anyone can have it: {}", d.registrability.status.name());
        let (first, last) = (d.suspect.first_seen, d.suspect.last_seen);
        attributes.push(attribute("domain", "Network activity", &name, &comment, false, first, last));
    }
    let key = |a: &Value| a["uuid"].as_str().unwrap_or("").to_owned();
    attributes.sort_by_key(key);
    attributes.dedup_by_key(|a| key(a));
    let name = wish.reporter.organization.as_deref().unwrap_or("bouncewatch");
    let day = wish.now.day().to_string();
    let event = json!({ "Event": {
        "uuid": uuid("misp event", &format!("{name} {day}")),
        "info": format!("Address guessing and squattable names, {day}"),
        "date": day,
        "timestamp": wish.now.0.to_string(),
        "threat_level_id": "3",
        "analysis": "2",
        "distribution": "0",
        "published": false,
        "Orgc": { "name": shown(name), "uuid": uuid("identity", name) },
        "Tag": [{ "name": "tlp:amber" }],
        "Attribute": attributes,
    }});
    format!("{event:#}\n")
}

fn attribute(
    kind: &str,
    category: &str,
    value: &str,
    comment: &str,
    to_ids: bool,
    first: Timestamp,
    last: Timestamp,
) -> Value {
    json!({
        "uuid": uuid("misp attribute", &format!("{kind} {value}")), "type": kind, "category": category, "value": value,
        "comment": comment, "to_ids": to_ids, "distribution": "5", "timestamp": last.0.max(0).to_string(),
        "first_seen": first.to_string(), "last_seen": last.max(first).to_string(),
    })
}
