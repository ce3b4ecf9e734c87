//! A STIX 2.1 bundle: who guessed, from where, and which names can be had. Ids are hashes: a second export of the same
//! finding updates the first where it is imported.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Wish,
    domains::{is_address, open, orderable},
    id::uuid,
    origins::Origin,
};
use crate::{
    findings::Findings,
    moment::Timestamp,
    report::contract::{clipped, shown},
};

/// The namespace STIX 2.1 gives for the ids of observables (section 2.9).
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// The largest count the standard allows.
const MAX_COUNT: u64 = 999_999_999;

/// The whole bundle, indented.
pub(super) fn bundle(findings: &Findings, attackers: &[Origin<'_>], wish: &Wish) -> String {
    let identity = identity(wish);
    let by = identity["id"].clone();
    let mut objects = vec![identity];
    for campaign in &findings.campaigns {
        let id: String = shown(&campaign.id);
        let mut seen = Vec::new();
        for ip in campaign.ips.iter().filter_map(|ip| ip.parse::<std::net::IpAddr>().ok()) {
            let kind = if ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
            seen.push(observable(kind, &ip.to_string()));
        }
        seen.extend(campaign.senders.iter().filter(|s| is_address(s)).map(|s| observable("email-addr", s)));
        if seen.is_empty() {
            continue;
        }
        let observed = observed("campaign", &id, campaign.first_seen, campaign.last_seen, campaign.guesses, &seen, &by);
        let mine: Vec<&Origin<'_>> = attackers.iter().filter(|o| o.campaign.id == campaign.id).collect();
        if !mine.is_empty() {
            let pattern: Vec<String> = mine.iter().map(|o| comparison(o)).collect();
            let until = mine.iter().map(|o| o.until).max().unwrap_or(wish.now);
            let indicator = json!({
                "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid("indicator", &id)),
                "created_by_ref": by, "created": time(campaign.first_seen), "modified": time(campaign.last_seen),
                "name": format!("Address guessing {id}"),
                "description": clipped(&campaign.why.iter().map(|w| shown(w)).collect::<Vec<_>>().join("; "), 2_000),
                "indicator_types": ["malicious-activity"],
                "pattern": format!("[{}]", pattern.join(" OR ")), "pattern_type": "stix", "pattern_version": "2.1",
                "valid_from": time(campaign.first_seen), "valid_until": time(until),
                "confidence": (campaign.confidence.clamp(0.0, 1.0) * 100.0).round() as u64,
            });
            objects.push(json!({
                "type": "sighting", "spec_version": "2.1", "id": format!("sighting--{}", uuid("sighting", &id)),
                "created_by_ref": by, "created": time(campaign.first_seen), "modified": time(campaign.last_seen),
                "first_seen": time(campaign.first_seen), "last_seen": time(campaign.last_seen),
                "count": campaign.guesses.min(MAX_COUNT), "sighting_of_ref": indicator["id"],
                "observed_data_refs": [observed["id"]], "where_sighted_refs": [by],
            }));
            objects.push(indicator);
        }
        objects.push(observed);
        objects.extend(seen);
    }
    for domain in open(findings) {
        let Some(name) = orderable(domain) else { continue };
        let s = &domain.suspect;
        let seen = [observable("domain-name", &name)];
        objects.push(observed("domain", &name, s.first_seen, s.last_seen, s.emails, &seen, &by));
        objects.push(json!({
            "type": "note", "spec_version": "2.1", "id": format!("note--{}", uuid("note", &name)),
            "created_by_ref": by, "created": time(s.first_seen), "modified": time(s.last_seen.max(s.first_seen)),
            "abstract": format!("{name}: {}", domain.registrability.status.name()),
            "content": format!(
                "Mail of {} senders goes to a name a stranger can have ({}); meant was {}.",
                s.senders, domain.registrability.status.name(), match s.intended.as_str() { "" => "nothing known".into(), meant => shown(meant) }
            ),
            "object_refs": [seen[0]["id"]],
        }));
        objects.extend(seen);
    }
    let key = |o: &Value| o["id"].as_str().unwrap_or("").to_owned();
    objects.sort_by_key(key);
    objects.dedup_by_key(|o| key(o));
    let ids: Vec<String> = objects.iter().map(key).collect();
    let bundle =
        json!({ "type": "bundle", "id": format!("bundle--{}", uuid("bundle", &ids.join(" "))), "objects": objects });
    format!("{bundle:#}\n")
}

fn identity(wish: &Wish) -> Value {
    let name = wish.reporter.organization.as_deref().unwrap_or("bouncewatch");
    // An identity is as old as this form of it.
    let since = time(Timestamp(1_640_995_200));
    json!({
        "type": "identity", "spec_version": "2.1", "id": format!("identity--{}", uuid("identity", name)),
        "created": since, "modified": since, "name": shown(name), "identity_class": "organization",
    })
}

/// With the id the standard computes: UUID version 5 of the canonical JSON of the properties that make it.
fn observable(kind: &str, value: &str) -> Value {
    let id = Uuid::new_v5(&OBSERVABLES, json!({ "value": value }).to_string().as_bytes());
    json!({ "type": kind, "spec_version": "2.1", "id": format!("{kind}--{id}"), "value": value })
}

fn observed(kind: &str, key: &str, first: Timestamp, last: Timestamp, count: u64, seen: &[Value], by: &Value) -> Value {
    let refs: Vec<&Value> = seen.iter().map(|o| &o["id"]).collect();
    json!({
        "type": "observed-data", "spec_version": "2.1", "id": format!("observed-data--{}", uuid(kind, key)),
        "created_by_ref": by, "created": time(first), "modified": time(last.max(first)),
        "first_observed": time(first), "last_observed": time(last.max(first)),
        "number_observed": count.clamp(1, MAX_COUNT), "object_refs": refs,
    })
}

/// An IP address holds nothing a pattern would have to escape.
fn comparison(origin: &Origin<'_>) -> String {
    let kind = if origin.ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    format!("{kind}:value = '{}'", origin.ip)
}

/// RFC 3339 with the milliseconds STIX wants.
fn time(at: Timestamp) -> String {
    at.to_string().replace('Z', ".000Z")
}
