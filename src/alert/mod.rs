//! Which findings somebody should hear of; the store knows which were told before.
//!
//! In: [`Findings`] of one run.
//! Out: [`Alert`]s, most severe first, with ids that are the same every night.
//! Never: sends anything, reads a clock, decides what is a campaign or a typo.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address,
    enumeration::Campaign,
    findings::{Alert, AlertKind, DomainRisk, Findings, Severity},
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
    let campaigns = findings.campaigns.iter().map(|c| {
        let id = id(AlertKind::GuessingBurst, &c.id);
        (id, grade_campaign(c), AlertKind::GuessingBurst, tell_campaign(c))
    });
    let domains = findings.domains.iter().filter_map(|d| {
        let id = id(AlertKind::Squatting, &d.suspect.domain);
        Some((id, grade_domain(d)?, AlertKind::Squatting, tell_domain(d)))
    });
    let taken = findings.taken.iter().map(|r| {
        // Dropped and taken again, it is another story.
        let key = format!("{} {}", r.domain, r.open_at.map_or(0, |at| at.0));
        let severity = if r.details.null_mx { Severity::Medium } else { Severity::High };
        (id(AlertKind::TakenOver, &key), severity, AlertKind::TakenOver, tell_taken(r, findings))
    });
    // One name may be found twice, as a typo and as expired: the graver one is told.
    let mut by_id = BTreeMap::<String, Alert>::new();
    for (id, severity, kind, subject) in campaigns.chain(domains).chain(taken) {
        let alert =
            Alert { id: id.clone(), severity, kind, subject, raised_at: findings.generated_at, sent_to: vec![] };
        match by_id.get(&id) {
            Some(known) if known.severity >= severity => {}
            _ => {
                by_id.insert(id, alert);
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

/// 16 hexadecimal digits of kind and key.
pub fn id(kind: AlertKind, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.name().as_bytes()).update(&[0]).update(key.as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
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
    let origins: Vec<&String> = c.senders.iter().chain(&c.ips).filter(|o| !o.is_empty()).collect();
    let who = match origins.as_slice() {
        [] => "somebody".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {}", name(first), many(rest.len() as u64, "other origin")),
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
    let s = &d.suspect;
    let fate = match d.registrability.status {
        Status::PendingDelete => "is about to become free for anyone",
        Status::Redemption => "was deleted and may soon be free for anyone",
        _ => "can be registered by anyone",
    };
    let origin = match s.kind {
        SuspectKind::Typo => format!("meant {}", name(&s.intended)),
        SuspectKind::Lapsed => "worked before".to_owned(),
    };
    format!(
        "{} {fate} ({origin}): {} of {} went there",
        name(&s.domain),
        many(s.emails, "mail"),
        many(s.senders, "sender")
    )
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

fn many(n: u64, thing: &str) -> String {
    match (n, thing) {
        (1, _) => format!("1 {thing}"),
        (_, "address") => format!("{n} addresses"),
        _ => format!("{n} {thing}s"),
    }
}
