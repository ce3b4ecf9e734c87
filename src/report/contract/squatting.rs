//! The part of the contract about names a stranger could take.

use serde::Serialize;

use super::{all_shown, rounded, shown};
use crate::{
    findings::{DomainRisk, Findings, UsernameRisk},
    registrability::{Evidence, Registrability},
    typo::{Edit, SuspectKind, Weekly},
};

/// Names a stranger could take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Squatting {
    /// Highest risk first.
    pub domains: Vec<Domain>,
    /// Highest risk first.
    pub usernames: Vec<Username>,
    /// Oldest first.
    pub weekly: Vec<VulnerableWeek>,
    /// Added: names that were free and now are somebody's, by name; also those whose mail no longer bounces.
    pub taken: Vec<DomainStatus>,
}

/// One domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Domain {
    /// Added: the finding's permanent id.
    pub id: String,
    /// As bounced.
    pub domain: String,
    /// `typo` or `expired`.
    pub kind: &'static str,
    /// What was meant; empty for an expired domain.
    pub intended: String,
    /// From intended to bounced.
    pub edits: Vec<&'static str>,
    /// 0 to 1.
    pub confidence: f64,
    /// Hard-bounced mails.
    pub emails: u64,
    /// Distinct senders.
    pub senders: u64,
    /// Mails accepted before.
    pub delivered_before: u64,
    /// First refusal.
    pub first_seen: String,
    /// Last refusal.
    pub last_seen: String,
    /// Oldest first.
    pub weekly: Vec<Week>,
    /// Whether it can be had.
    pub registrability: DomainStatus,
    /// 0 to 1.
    pub risk: f64,
}

/// A week's mail to one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Week {
    /// `2022-W23`
    pub week: String,
    /// Distinct.
    pub senders: u64,
    /// Mails.
    pub emails: u64,
}

/// A week's mail to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VulnerableWeek {
    /// `2022-W23`
    pub week: String,
    /// Distinct senders.
    pub vulnerable_senders: u64,
    /// Mails.
    pub vulnerable_emails: u64,
}

/// What the registries say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainStatus {
    /// `registrable` …
    pub status: &'static str,
    /// When.
    pub checked_at: String,
    /// Answers.
    pub evidence: Vec<Answer>,
    /// Added: the name that was asked about.
    pub domain: String,
    /// Added: when it is expected to drop.
    pub drops_at: Option<String>,
    /// Added: through whom it was registered.
    pub registrar: Option<String>,
    /// Added: when.
    pub created: Option<String>,
    /// Added: its name servers.
    pub nameservers: Vec<String>,
    /// Added: its mail exchangers by preference.
    pub mx: Vec<String>,
    /// Added: it says that it takes no mail (RFC 7505).
    pub null_mx: bool,
    /// Added: when a stranger could last have had it, as far as we asked.
    pub open_at: Option<String>,
    /// Added: somebody took it after that.
    pub taken_over: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `dns`, `rdap` or `whois`; added: `syntax`, decided without the network.
    pub source: &'static str,
    /// `nxdomain`
    pub answer: String,
    /// Who said so.
    pub server: String,
    /// When.
    pub at: String,
}

/// One username.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Username {
    /// Added: the finding's permanent id.
    pub id: String,
    /// As bounced.
    pub address: String,
    /// `typo` or `gone`.
    pub kind: &'static str,
    /// What was meant; empty for a gone mailbox.
    pub intended: String,
    /// From intended to bounced.
    pub edits: Vec<&'static str>,
    /// 0 to 1.
    pub confidence: f64,
    /// Hard-bounced mails.
    pub emails: u64,
    /// Distinct senders.
    pub senders: u64,
    /// Added: mails accepted before.
    pub delivered_before: u64,
    /// Added: first refusal.
    pub first_seen: String,
    /// Added: last refusal.
    pub last_seen: String,
    /// Whether it can be had.
    pub registrability: UsernameStatus,
    /// 0 to 1.
    pub risk: f64,
}

/// What the provider's rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsernameStatus {
    /// `allowed_by_provider_rules` …
    pub status: &'static str,
    /// For people.
    pub why: String,
}

impl From<&Findings> for Squatting {
    fn from(f: &Findings) -> Self {
        Squatting {
            domains: f.domains.iter().map(Domain::from).collect(),
            usernames: f.usernames.iter().map(Username::from).collect(),
            weekly: f
                .vulnerable
                .iter()
                .map(|w| VulnerableWeek {
                    week: w.week.to_string(),
                    vulnerable_senders: w.senders,
                    vulnerable_emails: w.emails,
                })
                .collect(),
            taken: f.taken.iter().map(DomainStatus::from).collect(),
        }
    }
}

impl From<&DomainRisk> for Domain {
    fn from(d: &DomainRisk) -> Self {
        let s = &d.suspect;
        Domain {
            id: s.finding_id(),
            domain: shown(&s.domain),
            kind: match s.kind {
                SuspectKind::Typo => "typo",
                SuspectKind::Lapsed => "expired",
            },
            intended: shown(&s.intended),
            edits: names(&s.edits),
            confidence: rounded(s.confidence),
            emails: s.emails,
            senders: s.senders,
            delivered_before: s.delivered_before,
            first_seen: s.first_seen.to_string(),
            last_seen: s.last_seen.to_string(),
            weekly: s.weekly.iter().map(Week::from).collect(),
            registrability: DomainStatus::from(&d.registrability),
            risk: rounded(d.risk),
        }
    }
}

impl From<&Weekly> for Week {
    fn from(w: &Weekly) -> Self {
        Week { week: w.week.to_string(), senders: w.senders, emails: w.emails }
    }
}

impl From<&Registrability> for DomainStatus {
    fn from(r: &Registrability) -> Self {
        DomainStatus {
            status: r.status.name(),
            checked_at: r.checked_at.to_string(),
            evidence: r.evidence.iter().map(Answer::from).collect(),
            domain: shown(&r.domain),
            drops_at: r.drops_at.map(|at| at.to_string()),
            registrar: r.details.registrar.as_deref().map(shown),
            created: r.details.created.map(|at| at.to_string()),
            nameservers: all_shown(&r.details.nameservers),
            mx: all_shown(&r.details.mx),
            null_mx: r.details.null_mx,
            open_at: r.open_at.map(|at| at.to_string()),
            taken_over: r.taken_over(),
        }
    }
}

impl From<&Evidence> for Answer {
    fn from(e: &Evidence) -> Self {
        Answer { source: e.stands_for(), answer: shown(&e.answer), server: shown(&e.server), at: e.at.to_string() }
    }
}

impl From<&UsernameRisk> for Username {
    fn from(u: &UsernameRisk) -> Self {
        let s = &u.suspect;
        Username {
            id: s.finding_id(),
            address: shown(&s.address),
            kind: match s.kind {
                SuspectKind::Typo => "typo",
                SuspectKind::Lapsed => "gone",
            },
            intended: shown(&s.intended),
            edits: names(&s.edits),
            confidence: rounded(s.confidence),
            emails: s.emails,
            senders: s.senders.len() as u64,
            delivered_before: s.delivered_before,
            first_seen: s.first_seen.to_string(),
            last_seen: s.last_seen.to_string(),
            registrability: UsernameStatus { status: u.status, why: shown(&u.why) },
            risk: rounded(u.risk),
        }
    }
}

fn names(edits: &[Edit]) -> Vec<&'static str> {
    edits.iter().map(|e| e.name()).collect()
}
