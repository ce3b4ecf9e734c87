//! An RDAP domain or network object (RFC 9083) → what the registry says about it. Pure.

use std::net::IpAddr;

use serde_json::Value;

use super::{
    Contact, Details, Source,
    verdict::{Registry, drop_after},
};
use crate::moment::Timestamp;

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) registry: Registry,
    /// The evidence's answer.
    pub(super) word: &'static str,
    /// When it will be free, as far as its events tell.
    pub(super) drops_at: Option<Timestamp>,
    pub(super) details: Details,
    /// First and last address of a network.
    pub(super) covers: Option<(IpAddr, IpAddr)>,
}

/// Reads a 200's body. `Err` names why it is no answer to the question.
pub(super) fn parse(body: &[u8], domain: &str, now: Timestamp) -> Result<Record, &'static str> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "garbage")?;
    let names = ["ldhName", "unicodeName"].map(|key| value[key].as_str().unwrap_or_default());
    let ours = names.iter().any(|name| {
        !name.is_empty() && idna::domain_to_ascii(name.trim_end_matches('.')).is_ok_and(|ascii| ascii == domain)
    });
    if !ours {
        return Err(if names.iter().all(|n| n.is_empty()) { "garbage" } else { "other_name" });
    }
    if value["objectClassName"].as_str().is_some_and(|class| class != "domain") {
        return Err("garbage");
    }
    let statuses: Vec<String> = array(&value["status"]).iter().filter_map(Value::as_str).map(squeezed).collect();
    let any = |wanted: &[&str]| statuses.iter().any(|s| wanted.contains(&s.as_str()));
    // A name in redemption carries `pending delete` too: redemption is asked first.
    let (registry, word) = if any(&["redemptionperiod", "pendingrestore"]) {
        (Registry::Redemption, "redemption")
    } else if any(&["pendingdelete"]) {
        (Registry::PendingDelete, "pending_delete")
    } else if any(&["reserved", "blocked", "withheld"]) {
        (Registry::Reserved, "reserved")
    } else if any(&["clienthold", "serverhold"]) {
        (Registry::Registered, "on_hold")
    } else {
        (Registry::Registered, "registered")
    };
    Ok(Record { registry, word, drops_at: drop_date(registry, &value, now), details: details(&value), covers: None })
}

/// Reads a 200's body about the network around `ip`. `Err` names why it is no answer to the question.
pub(super) fn network(body: &[u8], ip: IpAddr) -> Result<Record, &'static str> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "garbage")?;
    let end = |key: &str| value[key].as_str().and_then(|text| text.trim().parse::<IpAddr>().ok()).ok_or("garbage");
    let (first, last) = (end("startAddress")?, end("endAddress")?);
    if !(first..=last).contains(&ip) || first.is_ipv4() != last.is_ipv4() {
        return Err("other_name");
    }
    Ok(Record {
        registry: Registry::Registered,
        word: "registered",
        drops_at: None,
        details: details(&value),
        covers: Some((first, last)),
    })
}

/// What a 404's body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No more than the status, and that not in RDAP.
    Unproven,
    /// An RDAP error (RFC 9083, section 6): no such name.
    NotFound,
    /// The name is not free although nobody holds it.
    Refused,
    /// Something else than "not found", by the evidence's word: another error, a limit, or the very object.
    Else(&'static str),
}

/// Reads a 404's body.
pub(super) fn missing(body: &[u8]) -> Missing {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Missing::Unproven;
    };
    let folded = |text: &Value| text.as_str().map(str::to_ascii_lowercase);
    let said = [&value["title"]].into_iter().chain(array(&value["description"]));
    let said: Vec<String> = said.filter_map(folded).collect();
    let notices = array(&value["notices"]).iter().filter_map(|notice| folded(&notice["title"]));
    let code = &value["errorCode"];
    if *code == 429 || said.iter().any(|text| LIMITS.iter().any(|l| text.contains(l))) {
        Missing::Else("rate_limited")
    } else if code.is_number() && *code != 404 || value["objectClassName"].is_string() {
        Missing::Else("garbage")
    } else if said.iter().cloned().chain(notices).any(|text| is_refusal(&text)) {
        Missing::Refused
    } else if *code == 404 || value["rdapConformance"].is_array() {
        Missing::NotFound
    } else {
        Missing::Unproven
    }
}

fn is_refusal(text: &str) -> bool {
    REFUSALS.iter().any(|r| text.contains(r)) && !text.contains("rights reserved")
}

const LIMITS: [&str; 4] = ["too many requests", "rate limit", "limit exceeded", "quota"];
const REFUSALS: [&str; 5] =
    ["reserved", "blocked", "not available for registration", "cannot be registered", "prohibited"];

/// The registry's own plan where it tells one, else reckoned from when the name was deleted.
fn drop_date(registry: Registry, value: &Value, now: Timestamp) -> Option<Timestamp> {
    if !matches!(registry, Registry::Redemption | Registry::PendingDelete) {
        return None;
    }
    match event(value, "deletion") {
        Some(planned) if planned > now => Some(planned),
        Some(deleted) => drop_after(registry, deleted, now),
        None => drop_after(registry, event(value, "last changed")?, now),
    }
}

fn event(value: &Value, action: &str) -> Option<Timestamp> {
    array(&value["events"])
        .iter()
        .find(|e| e["eventAction"].as_str() == Some(action))
        .and_then(|e| Timestamp::parse(e["eventDate"].as_str()?))
}

fn details(value: &Value) -> Details {
    let mut out =
        Details { created: event(value, "registration"), expires: event(value, "expiration"), ..Details::default() };
    out.nameservers = array(&value["nameservers"])
        .iter()
        .filter_map(|n| n["ldhName"].as_str())
        .map(|n| text(n.trim_end_matches('.')).to_ascii_lowercase())
        .collect();
    out.nameservers.sort();
    out.nameservers.dedup();
    entities(value, 0, &mut out);
    out.contacts.sort();
    out.contacts.dedup();
    out.contacts.truncate(MAX_CONTACTS);
    out
}

/// Records name three or four.
const MAX_CONTACTS: usize = 32;

/// Walks entities within entities: a registrar's abuse contact is one of its own.
fn entities(value: &Value, depth: usize, out: &mut Details) {
    if depth > 3 {
        return;
    }
    for entity in array(&value["entities"]) {
        let roles: Vec<&str> = array(&entity["roles"]).iter().filter_map(Value::as_str).collect();
        if roles.contains(&"registrar") && out.registrar.is_none() {
            out.registrar = vcard(entity, "fn").next().map(text);
        }
        let role = ["abuse", "registrant", "technical", "administrative"].into_iter().find(|r| roles.contains(r));
        if let Some(role) = role {
            out.contacts.extend(
                vcard(entity, "email").filter(|m| m.contains('@') && !m.contains(char::is_control)).map(|m| Contact {
                    address: text(m),
                    role: role.to_owned(),
                    source: Source::Rdap,
                }),
            );
        }
        entities(entity, depth + 1, out);
    }
}

/// Values of a property of the entity's jCard (RFC 7095).
fn vcard<'a>(entity: &'a Value, property: &'a str) -> impl Iterator<Item = &'a str> {
    array(&entity["vcardArray"][1])
        .iter()
        .filter(move |p| p[0].as_str() == Some(property))
        .filter_map(|p| p[3].as_str())
        .filter(|v| !v.is_empty())
}

fn array(value: &Value) -> &[Value] {
    // Lists are as long as a stranger likes.
    value.as_array().map_or(&[], |all| &all[..all.len().min(64)])
}

/// `pending delete`, `pendingDelete`, `pending_delete` → `pendingdelete`.
fn squeezed(status: &str) -> String {
    status.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn text(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_656_900_000);

    #[test]
    fn a_404_may_say_something_else() {
        use Missing::{Else, NotFound, Refused, Unproven};
        for (body, says) in [
            (r#"{"errorCode":404,"title":"Not Found","description":["no such object"]}"#, NotFound),
            (r#"{"rdapConformance":["rdap_level_0"],"title":"Domain not found"}"#, NotFound),
            (r#"{"errorCode":404,"title":"Not Found","description":["All rights reserved."]}"#, NotFound),
            (r#"{"title":"Not Found"}"#, Unproven),
            ("<html>404</html>", Unproven),
            ("", Unproven),
            (r#"{"errorCode":404,"title":"Reserved name","description":["x"]}"#, Refused),
            (r#"{"errorCode":404,"description":["This name is not available for registration"]}"#, Refused),
            (r#"{"errorCode":404,"notices":[{"title":"Blocked"}]}"#, Refused),
            (r#"{"errorCode":429,"title":"Rate limit exceeded"}"#, Else("rate_limited")),
            (
                r#"{"errorCode":404,"title":"Too many requests","description":["query limit exceeded"]}"#,
                Else("rate_limited"),
            ),
            (r#"{"errorCode":400,"title":"Bad request"}"#, Else("garbage")),
            (r#"{"objectClassName":"domain","ldhName":"gmial.com","status":["active"]}"#, Else("garbage")),
        ] {
            assert_eq!(missing(body.as_bytes()), says, "{body}");
        }
    }

    #[test]
    fn statuses_and_drop_dates() {
        let check = |json: &str, want: Result<(&str, Option<&str>), &str>| {
            let got = parse(json.as_bytes(), "gmial.com", NOW);
            let shown = got.as_ref().map(|r| (r.word, r.drops_at.map(|d| d.to_string()))).map_err(|e| *e);
            assert_eq!(shown.as_ref().map(|(w, d)| (*w, d.as_deref())).map_err(|e| *e), want, "{json}");
        };
        check(r#"{"objectClassName":"domain","ldhName":"GMIAL.com.","status":["active"]}"#, Ok(("registered", None)));
        check(r#"{"ldhName":"gmial.com","status":["client hold"]}"#, Ok(("on_hold", None)));
        check(
            r#"{"ldhName":"gmial.com","status":["pending delete","redemption period"],"events":[{"eventAction":"last changed","eventDate":"2022-07-01T00:00:00Z"}]}"#,
            Ok(("redemption", Some("2022-08-05T00:00:00Z"))),
        );
        check(
            r#"{"ldhName":"gmial.com","status":["pendingDelete"],"events":[{"eventAction":"deletion","eventDate":"2022-07-09T00:00:00Z"}]}"#,
            Ok(("pending_delete", Some("2022-07-09T00:00:00Z"))),
        );
        check(r#"{"ldhName":"gmial.com","status":["reserved"]}"#, Ok(("reserved", None)));
        check(r#"{"ldhName":"gmail.com","status":["active"]}"#, Err("other_name"));
        check(r#"{"objectClassName":"help"}"#, Err("garbage"));
        check(r#"{"ldhName":"gmial.com","objectClassName":"nameserver"}"#, Err("garbage"));
        check("<html>", Err("garbage"));
        check("[1,2]", Err("garbage"));
    }

    #[test]
    fn details_come_from_entities_and_events() {
        let json = r#"{"ldhName":"gmial.com","events":[{"eventAction":"registration","eventDate":"2020-01-02T03:04:05Z"}],
            "nameservers":[{"ldhName":"NS2.x.net"},{"ldhName":"ns1.x.net."}],
            "entities":[{"roles":["registrar"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Some Registrar"]]],
              "entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","abuse@registrar.example"]]]}]}]}"#;
        let got = parse(json.as_bytes(), "gmial.com", NOW).unwrap().details;
        assert_eq!(got.registrar.as_deref(), Some("Some Registrar"));
        assert_eq!(got.nameservers, ["ns1.x.net", "ns2.x.net"]);
        assert_eq!(got.created.map(|t| t.to_string()).as_deref(), Some("2020-01-02T03:04:05Z"));
        assert_eq!(
            got.contacts,
            [Contact { address: "abuse@registrar.example".into(), role: "abuse".into(), source: Source::Rdap }]
        );
    }

    #[test]
    fn no_bytes_make_it_stumble() {
        let seed = br#"{"ldhName":"gmial.com","status":["active",1],"events":[{"eventAction":"deletion","eventDate":"2022-07-09T00:00:00Z"}],"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn",{},"text","x"]]]}],"nameservers":[{}]}"#;
        for at in 0..seed.len() {
            parse(&seed[..at], "gmial.com", NOW).ok();
            for flip in [0x01, 0x02, 0x20, 0xff] {
                let mut bytes = seed.to_vec();
                bytes[at] ^= flip;
                parse(&bytes, "gmial.com", NOW).ok();
            }
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), "gmial.com", NOW), Err("garbage"));
    }
}
