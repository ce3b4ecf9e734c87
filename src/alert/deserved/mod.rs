//! Which findings somebody should hear of. Whether they did is the store's to know.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address,
    enumeration::Campaign,
    findings::{self, Alert, AlertKind, DomainRisk, Findings, Severity, Size},
    plural::many,
    registrability::{Registrability, Status},
    typo::SuspectKind,
};

/// From this confidence on a campaign is taken for one.
const SURE: f64 = 0.9;
/// Confirmed addresses from which a sure campaign cannot wait: one may be luck, three are a harvest.
const HARVEST: usize = 3;
/// Risk from which a name that can be had cannot wait.
const GRAVE_RISK: f64 = 0.5;
/// Mails that make such a name grave whatever its risk: the mean of a registrable name in "Bounce in the Wild".
const GRAVE_MAILS: u64 = 50;
/// Mails from which it is worth this week.
const SOME_MAILS: u64 = 5;
/// Risk from which it is.
const SOME_RISK: f64 = 0.1;
/// Names of a list in a subject.
const MAX_LISTED: usize = 4;
/// Characters of a name in a subject.
const MAX_NAME: usize = 80;

/// Every alert these findings deserve, said before or not; sorted by severity, then kind, then subject.
pub fn deserved(findings: &Findings) -> Vec<Alert> {
    let raised_at = findings.generated_at;
    let campaigns = findings.campaigns.iter().map(|c| Alert {
        id: id(AlertKind::GuessingBurst, &c.id),
        severity: grade_campaign(c),
        kind: AlertKind::GuessingBurst,
        subject: tell_campaign(c),
        raised_at,
        sent_to: vec![],
        over: false,
        size: Size { confirmed: c.confirmed.len() as u64, volume: c.guesses },
        last_seen: c.last_seen,
        origins: c.senders.iter().chain(&c.ips).filter(|o| !o.is_empty()).cloned().collect(),
    });
    let domains = findings.domains.iter().filter_map(|d| {
        Some(Alert {
            id: id(AlertKind::Squatting, d.sold().0),
            severity: grade_domain(d)?,
            kind: AlertKind::Squatting,
            subject: tell_domain(d),
            raised_at,
            sent_to: vec![],
            over: false,
            size: Size { confirmed: 0, volume: d.suspect.emails },
            last_seen: d.suspect.last_seen,
            origins: vec![],
        })
    });
    let taken = findings.taken.iter().map(|r| Alert {
        // Dropped and taken again, it is another story.
        id: id(AlertKind::TakenOver, &format!("{} {}", r.domain, r.open_at.map_or(0, |at| at.0))),
        severity: if r.details.null_mx { Severity::Medium } else { Severity::High },
        kind: AlertKind::TakenOver,
        subject: tell_taken(r, findings),
        raised_at,
        sent_to: vec![],
        over: false,
        size: Size { confirmed: 0, volume: 0 },
        last_seen: r.checked_at,
        origins: vec![],
    });
    // What a registry sells may be found twice, by its hosts or in letters and punycode: the graver one is told.
    let mut by_id = BTreeMap::<String, Alert>::new();
    for alert in campaigns.chain(domains).chain(taken) {
        match by_id.get(&alert.id) {
            Some(known) if known.severity >= alert.severity => {}
            _ => {
                by_id.insert(alert.id.clone(), alert);
            }
        }
    }
    let mut alerts: Vec<Alert> = by_id.into_values().collect();
    alerts.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then(a.kind.cmp(&b.kind))
            .then_with(|| a.subject.cmp(&b.subject))
            .then_with(|| a.id.cmp(&b.id))
    });
    alerts
}

/// Alerts that would be of names nobody gave an answer about: that they are not deserved tonight means nothing.
pub fn undecided(findings: &Findings) -> BTreeSet<String> {
    let open = findings.domains.iter().filter(|d| d.registrability.status == Status::Unknown);
    open.map(|d| id(AlertKind::Squatting, d.sold().0)).collect()
}

/// 16 hexadecimal digits of kind and key.
pub fn id(kind: AlertKind, key: &str) -> String {
    findings::id(kind.name(), key)
}

fn grade_campaign(c: &Campaign) -> Severity {
    let (sure, hits) = (c.confidence >= SURE, c.confirmed.len());
    if sure && hits >= HARVEST {
        Severity::High
    } else if sure || hits > 0 {
        Severity::Medium
    } else {
        Severity::Low
    }
}

/// `None` where nobody could take the name.
fn grade_domain(d: &DomainRisk) -> Option<Severity> {
    let grave = d.risk >= GRAVE_RISK || d.suspect.emails >= GRAVE_MAILS;
    let some = d.risk >= SOME_RISK || d.suspect.emails >= SOME_MAILS;
    match d.registrability.status {
        Status::Registrable | Status::PendingDelete if grave => Some(Severity::High),
        Status::Registrable | Status::PendingDelete if some => Some(Severity::Medium),
        // Its last holder has weeks left to take it back.
        Status::Redemption if grave => Some(Severity::Medium),
        Status::Registrable | Status::PendingDelete | Status::Redemption => Some(Severity::Low),
        Status::Registered | Status::Reserved | Status::NotAPublicSuffix | Status::Unknown => None,
    }
}

fn tell_campaign(c: &Campaign) -> String {
    let named = |list: &[String]| list.iter().filter(|o| !o.is_empty()).cloned().collect::<Vec<_>>();
    let (senders, ips) = (named(&c.senders), named(&c.ips));
    let first = |list: &[String], other: &str| match list {
        [] => "somebody".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {}", name(first), many(rest.len() as u64, other)),
    };
    // Senders can be forged, and then are many: who hides behind them is first.
    let who = match (senders.as_slice(), ips.as_slice()) {
        (_, []) => first(&senders, "other sender"),
        ([], _) => first(&ips, "other client address"),
        (_, [ip]) if senders.len() == 1 => format!("{} through {}", name(&senders[0]), name(ip)),
        _ if senders.len() > ips.len() => {
            format!("{} with {}", first(&ips, "other client address"), many(senders.len() as u64, "sender"))
        }
        _ => format!("{} through {}", first(&senders, "other sender"), many(ips.len() as u64, "client address")),
    };
    let targets = match c.target_domains.as_slice() {
        [] => String::new(),
        [one] => format!(" at {}", name(one)),
        many => format!(" at {} domains", many.len()),
    };
    let exist = match c.confirmed.len() {
        0 => "none of which exists".to_owned(),
        1 => "1 of which exists".to_owned(),
        n => format!("{n} of which exist"),
    };
    format!("{who} guessed {}{targets}, {exist}", many(c.guesses, "address"))
}

fn tell_domain(d: &DomainRisk) -> String {
    let (s, (sold, meant)) = (&d.suspect, d.sold());
    let fate = match d.registrability.status {
        Status::PendingDelete => "is about to become free for anyone",
        Status::Redemption => "was deleted and may soon be free for anyone",
        _ => "can be registered by anyone",
    };
    let origin = match s.kind {
        SuspectKind::Typo => format!("meant {}", name(meant)),
        SuspectKind::Lapsed if s.delivered_before > 0 => "worked before".to_owned(),
        // Refused from the first mail on: nothing says that it ever was right.
        SuspectKind::Lapsed => "never took mail from here".to_owned(),
    };
    format!("{} {fate} ({origin}): {} of {} went there", name(sold), many(s.emails, "mail"), many(s.senders, "sender"))
}

fn tell_taken(r: &Registrability, findings: &Findings) -> String {
    let d = &r.details;
    let about = findings.domains.iter().filter(|found| found.registrability.domain == r.domain);
    let intended: BTreeSet<&str> =
        about.map(|found| found.suspect.intended.as_str()).filter(|intended| !intended.is_empty()).collect();
    let list = |names: &mut dyn Iterator<Item = &str>| names.take(MAX_LISTED).map(name).collect::<Vec<_>>().join(", ");
    let meant = match intended.is_empty() {
        true => String::new(),
        false => format!(" (meant {})", list(&mut intended.into_iter())),
    };
    let mut facts = Vec::new();
    facts.extend(d.created.map(|at| format!("created {at}")));
    facts.extend(d.registrar.as_ref().map(|registrar| format!("registrar {}", name(registrar))));
    if !d.nameservers.is_empty() {
        facts.push(format!("name servers {}", list(&mut d.nameservers.iter().map(String::as_str))));
    }
    facts.push(match (d.null_mx, d.mx.is_empty()) {
        (true, _) => "takes no mail (null MX)".to_owned(),
        (false, true) => "no MX".to_owned(),
        (false, false) => format!("mail to {}", list(&mut d.mx.iter().map(String::as_str))),
    });
    let open = r.open_at.map(|at| format!(", free on {},", at.day())).unwrap_or_default();
    format!("somebody took {}{meant}{open} now held: {}", name(&r.domain), facts.join("; "))
}

fn name(text: &str) -> String {
    let text = address::printable(text);
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
