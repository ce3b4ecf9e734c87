//! Everything one run found. Knows the stages above; the store, report and alert know only this.

mod changes;
mod gather;
mod slips;

use std::collections::BTreeSet;

pub use changes::{Changes, Headline, changes};
pub use slips::Slip;

use crate::{
    bounce::{BounceType, RootCause},
    enumeration::{Campaign, Dismissed},
    geo::Country,
    ledger::{CountryTally, DayTally},
    moment::{Day, Timestamp, Window},
    registrability::{Registrability, Tally},
    typo::{DomainSuspect, UsernameSuspect, Weekly},
};

/// One night's result, complete and sorted: rendering it needs nothing else.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// The run's clock.
    pub generated_at: Timestamp,
    /// First to last mail.
    pub window: Window,
    /// What was read this time.
    pub inputs: Vec<InputLine>,
    /// Visitors of whom only sums are kept, for lack of room.
    pub strangers: Option<Strangers>,
    /// Bounce degrees and types by day, oldest first.
    pub days: Vec<(Day, DayTally)>,
    /// Mails by root cause, soft- and hard-bounced; malicious ones are those of campaigns.
    pub root_causes: Vec<(RootCause, u64, u64)>,
    /// NDR templates: how many, and the most frequent.
    pub templates: Templates,
    /// T5 by list, most attempts first.
    pub blocklists: Vec<Blocklist>,
    /// T3 by sender domain, most failures first.
    pub authentication: Vec<AuthFailures>,
    /// Domains a stranger could take, highest risk first.
    pub domains: Vec<DomainRisk>,
    /// Names that were free and now are somebody's, by name.
    pub taken: Vec<Registrability>,
    /// What asking the registries came to.
    pub lookups: Tally,
    /// Usernames a stranger could take, highest risk first.
    pub usernames: Vec<UsernameRisk>,
    /// Vulnerable senders and mails by week, oldest first.
    pub vulnerable: Vec<Weekly>,
    /// Address guessing, most guesses first.
    pub campaigns: Vec<Campaign>,
    /// Who only looked like one, and why, most unknown users first.
    pub dismissed: Vec<Dismissed>,
    /// Our senders' mails to suspect names, by sender.
    pub slips: Vec<Slip>,
    /// Domains we send from or take mail for.
    pub own_domains: BTreeSet<String>,
    /// Domains that refused most of our mail.
    pub receivers: Vec<Receiver>,
    /// Mail by receiver country, most timeouts first; none without a file of countries.
    pub countries: Vec<CountryLine>,
    /// What is different from the night before.
    pub changes: Changes,
    /// What an operator should hear of tonight, most severe first.
    pub alerts: Vec<Alert>,
}

/// Visitors let go beyond `--strangers`, in all nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strangers {
    /// Their mails.
    pub mails: u64,
    /// Distinct ones: at least, about, at most, from a sketch.
    pub visitors: [u64; 3],
}

/// One input as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputLine {
    /// As named on the command line or found in a folder.
    pub path: String,
    /// `coremail`, `postfix` …
    pub format: String,
    /// Mails read.
    pub records: u64,
    /// Lines refused and quarantined.
    pub rejected: u64,
    /// Mails an earlier run had read.
    pub already_seen: u64,
    /// Events and mails that tell of no delivery: opens, complaints, answers of people away.
    pub ignored: u64,
    /// What an input of this format cannot show, in words.
    pub blind_to: Vec<String>,
}

/// NDR templates of the window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Templates {
    /// How many.
    pub distinct: u64,
    /// The most frequent, at most 50.
    pub top: Vec<TemplateLine>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateLine {
    /// 16 hexadecimal digits.
    pub id: String,
    /// Masked text.
    pub template: String,
    /// Its type.
    pub kind: BounceType,
    /// Replies.
    pub count: u64,
}

/// One blocklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocklist {
    /// `spamhaus`; `unnamed` where the replies name none.
    pub name: String,
    /// Refused attempts.
    pub attempts: u64,
    /// Distinct domains that refused for it.
    pub receiver_domains: u64,
    /// Day, mails, our distinct blocked servers.
    pub daily: Vec<(Day, u64, u64)>,
}

/// One sender domain's authentication failures.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthFailures {
    /// Whose.
    pub sender_domain: String,
    /// Mails.
    pub failures: u64,
    /// First and last.
    pub failed: Window,
    /// Days from the first failure to the first clean day after the last; `None` while it lasts.
    pub fixed_after_days: Option<f64>,
}

/// A domain, its registrability and its risk.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainRisk {
    /// What the mail says.
    pub suspect: DomainSuspect,
    /// What the registries say.
    pub registrability: Registrability,
    /// 0 to 1.
    pub risk: f64,
}

/// A username and its risk.
#[derive(Debug, Clone, PartialEq)]
pub struct UsernameRisk {
    /// What the mail says.
    pub suspect: UsernameSuspect,
    /// `allowed_by_provider_rules`, `not_allowed`, `recycled_by_provider`, `not_public` or `unknown`.
    pub status: &'static str,
    /// For people.
    pub why: String,
    /// 0 to 1.
    pub risk: f64,
}

/// A domain we send to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receiver {
    /// Whose mail.
    pub domain: String,
    /// Mails sent there.
    pub emails: u64,
    /// Never delivered.
    pub refused: u64,
    /// Of those, for an unknown user.
    pub unknown: u64,
}

/// A country we send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryLine {
    /// Which.
    pub country: Country,
    /// Its mail.
    pub tally: CountryTally,
    /// First day counted.
    pub since: Day,
}

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// This month.
    Low,
    /// This week.
    Medium,
    /// Tonight.
    High,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// A campaign.
    GuessingBurst,
    /// A registrable domain.
    Squatting,
    /// A domain that was registrable, and that somebody took.
    TakenOver,
}

/// One thing to tell the operator, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Hash of kind and subject's key: the same every night, so it is told once.
    pub id: String,
    /// How soon.
    pub severity: Severity,
    /// About what.
    pub kind: AlertKind,
    /// One line.
    pub subject: String,
    /// When first raised.
    pub raised_at: Timestamp,
    /// Channels it went to.
    pub sent_to: Vec<String>,
    /// Whether there was nothing new for so long that it is over: it needs nobody any more.
    pub over: bool,
    /// How large it is, to tell when it has grown.
    pub size: Size,
    /// Last mail it rests on.
    pub last_seen: Timestamp,
    /// Senders and IPs behind it: a campaign that more of them joined gets another id, and is the same alert still.
    pub origins: Vec<String>,
}

/// What an alert grows by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Addresses a guesser has confirmed.
    pub confirmed: u64,
    /// Guesses, or mails.
    pub volume: u64,
}

impl DomainRisk {
    /// What a registry sells of the name, and what that was meant to be: of `mail.gmial.com` it is `gmial.com`, and
    /// `gmail.com` is whose it should have been.
    pub fn sold(&self) -> (&str, &str) {
        let (sold, DomainSuspect { domain, intended, .. }) = (self.registrability.domain.as_str(), &self.suspect);
        let labels = |name: &str| name.split('.').count();
        let host =
            (0..labels(domain).saturating_sub(labels(sold))).try_fold((&**domain, &**intended), |(typed, meant), _| {
                let ((host, typed), (same, meant)) = (typed.split_once('.')?, meant.split_once('.')?);
                (host == same).then_some((typed, meant))
            });
        (sold, host.map_or(&**intended, |(_, meant)| meant))
    }
}

impl Severity {
    /// `high`
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    /// From `high`.
    pub fn parse(text: &str) -> Option<Self> {
        [Severity::Low, Severity::Medium, Severity::High].into_iter().find(|s| s.name() == text)
    }
}

impl AlertKind {
    /// `guessing_burst`
    pub fn name(self) -> &'static str {
        match self {
            AlertKind::GuessingBurst => "guessing_burst",
            AlertKind::Squatting => "squatting",
            AlertKind::TakenOver => "taken_over",
        }
    }

    /// From `taken_over`.
    pub fn parse(text: &str) -> Option<Self> {
        [AlertKind::GuessingBurst, AlertKind::Squatting, AlertKind::TakenOver].into_iter().find(|k| k.name() == text)
    }
}

impl Findings {
    /// Non-, soft- and hard-bounced mails of the window.
    pub fn degrees(&self) -> [u64; 3] {
        self.days.iter().fold([0; 3], |mut sum, (_, day)| {
            for (s, n) in sum.iter_mut().zip(day.degrees) {
                *s += n;
            }
            sum
        })
    }

    /// Attempts, soft- and hard-bounced mails of each type T1 to T16.
    pub fn types(&self) -> [[u64; 3]; 16] {
        self.days.iter().fold([[0; 3]; 16], |mut sum, (_, day)| {
            for (s, n) in sum.iter_mut().flatten().zip(day.types.iter().flatten()) {
                *s += n;
            }
            sum
        })
    }
}

/// The permanent id of a finding: 16 hexadecimal digits of kind and key.
pub fn id(kind: &str, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(key.as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}
