//! `report.json` as types, field for field as INTERFACE.md promises it; fields beyond it are marked "added".
//!
//! Every renderer draws from these structs, so what a stranger wrote passes one gate: [`shown`].

mod changes;
mod lookups;
mod squatting;
mod strangers;

use serde::{Deserialize, Serialize};

pub use changes::{Change, Changes};
pub use lookups::{Lookups, Server};
pub use squatting::{Answer, Domain, DomainStatus, Squatting, Username, UsernameStatus, VulnerableWeek, Week};
pub use strangers::Strangers;

use crate::{
    address,
    bounce::{BounceType, RootCause},
    enumeration,
    findings::{self, Findings},
    moment::Window,
};

/// The longest string any report holds, in characters: longer than every honest reply, short enough to bound a page.
pub const MAX_TEXT: usize = 2_000;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// RFC 3339.
    pub generated_at: String,
    /// First to last mail.
    pub window: Span,
    /// What was read.
    pub inputs: Vec<Input>,
    /// Bounce degrees.
    pub deliveries: Deliveries,
    /// All sixteen, T1 first.
    pub bounce_types: Vec<Type>,
    /// All six.
    pub root_causes: Vec<Cause>,
    /// NDR templates.
    pub templates: Templates,
    /// T5 by list.
    pub blocklists: Vec<Blocklist>,
    /// T3 by sender domain.
    pub authentication: Vec<Authentication>,
    /// Names a stranger could take.
    pub squatting: Squatting,
    /// Address guessing.
    pub campaigns: Vec<Campaign>,
    /// Who only looked like one.
    pub dismissed: Vec<Dismissed>,
    /// Added: what is different from the night before.
    pub changes: Changes,
    /// Added: domains that refused most of our mail.
    pub receivers: Vec<Receiver>,
    /// Added: our mail by receiver country, most timeouts first; only where `--geoip` told countries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<Country>,
    /// What somebody should hear.
    pub alerts: Vec<Alert>,
    /// Added: how asking the registries went.
    pub lookups: Lookups,
    /// Only where there were too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strangers: Option<Strangers>,
}

/// Added: a domain we send to, and what it refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receiver {
    /// Whose mail.
    pub domain: String,
    /// Mails sent there.
    pub emails: u64,
    /// Never delivered.
    pub refused: u64,
    /// Of those, for an unknown user.
    pub unknown_user: u64,
}

/// Added: a country whose servers we send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Country {
    /// `DE`
    pub country: String,
    /// Mails with an attempt there.
    pub emails: u64,
    /// Attempts.
    pub attempts: u64,
    /// Attempts that timed out (T14).
    pub timeouts: u64,
    /// Attempts cut off (T15).
    pub interrupted: u64,
    /// The first day counted.
    pub since: String,
}

/// A window; both `null` where nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First mail.
    pub from: Option<String>,
    /// Last mail.
    pub to: Option<String>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// As named.
    pub path: String,
    /// Its format.
    pub format: String,
    /// Mails.
    pub records: u64,
    /// Lines refused.
    pub rejected: u64,
    /// Mails known before.
    pub already_seen: u64,
    /// Events and mails that tell of no delivery.
    #[serde(skip_serializing_if = "is_none", default)]
    pub ignored: u64,
    /// What such an input cannot show.
    pub blind_to: Vec<String>,
}

impl Report {
    /// Alerts that need somebody.
    pub fn open_alerts(&self) -> Vec<&Alert> {
        self.alerts.iter().filter(|alert| !alert.over).collect()
    }

    /// Alerts that are over, and only told of.
    pub fn over_alerts(&self) -> Vec<&Alert> {
        self.alerts.iter().filter(|alert| alert.over).collect()
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What inputs of each format cannot show, one sentence a format, for people.
pub fn blind_spots(r: &Report) -> Vec<String> {
    let by_format: std::collections::BTreeMap<&str, &[String]> =
        r.inputs.iter().filter(|i| !i.blind_to.is_empty()).map(|i| (&*i.format, &*i.blind_to)).collect();
    by_format
        .into_iter()
        .map(|(format, what)| format!("Not to be seen in {format} logs: {}.", what.join("; ")))
        .chain(r.strangers.as_ref().map(Strangers::sentence))
        .collect()
}

/// Bounce degrees of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deliveries {
    /// Sum of the three.
    pub total: u64,
    /// First attempt succeeded.
    pub non_bounced: u64,
    /// A later one did.
    pub soft_bounced: u64,
    /// None did.
    pub hard_bounced: u64,
    /// Added: the same by day, oldest first.
    pub by_day: Vec<DayDegrees>,
}

/// Bounce degrees of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayDegrees {
    /// `2022-07-04`
    pub day: String,
    /// See [`Deliveries`].
    pub non_bounced: u64,
    /// See [`Deliveries`].
    pub soft_bounced: u64,
    /// See [`Deliveries`].
    pub hard_bounced: u64,
}

/// One bounce type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Type {
    /// `T8`
    #[serde(rename = "type")]
    pub id: &'static str,
    /// `user_unknown`
    pub name: &'static str,
    /// Added: the type in words.
    pub meaning: &'static str,
    /// Attempts refused for it.
    pub attempts: u64,
    /// Mails.
    pub soft_bounced: u64,
    /// Mails.
    pub hard_bounced: u64,
}

/// One root cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// `improper_user_operation`
    pub cause: &'static str,
    /// Mails.
    pub soft_bounced: u64,
    /// Mails.
    pub hard_bounced: u64,
}

/// NDR templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Templates {
    /// How many.
    pub distinct: u64,
    /// The most frequent.
    pub top: Vec<Template>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Template {
    /// 16 hexadecimal digits.
    pub id: String,
    /// Masked text.
    pub template: String,
    /// `T8`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Replies.
    pub count: u64,
}

/// One blocklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocklist {
    /// `spamhaus`
    pub name: String,
    /// Refused attempts.
    pub attempts: u64,
    /// Domains that refused.
    pub receiver_domains: u64,
    /// By day, oldest first.
    pub daily: Vec<BlockDay>,
}

/// A day of a blocklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockDay {
    /// `2022-07-04`
    pub day: String,
    /// Mails refused.
    pub emails: u64,
    /// Our servers it named.
    pub blocked_ips: u64,
}

/// A sender domain's authentication failures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Authentication {
    /// Whose.
    pub sender_domain: String,
    /// Mails.
    pub failures: u64,
    /// First failure.
    pub first: Option<String>,
    /// Last failure.
    pub last: Option<String>,
    /// `null` while it lasts.
    pub fixed_after_days: Option<f64>,
}

/// An origin that was looked at and let go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dismissed {
    /// A sender, a client address, or an address many wrote to; empty for the null sender.
    pub origin: String,
    /// `old_list`, `moved_or_outage` …
    pub considered: &'static str,
    /// For people.
    pub why: String,
}

/// One campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Campaign {
    /// The same in every run.
    pub id: String,
    /// Envelope senders.
    pub senders: Vec<String>,
    /// Client addresses.
    pub ips: Vec<String>,
    /// Added: accounts that sent it.
    pub logins: Vec<String>,
    /// Added: what its clients call themselves.
    pub helos: Vec<String>,
    /// Domains guessed at.
    pub target_domains: Vec<String>,
    /// First guess.
    pub first_seen: String,
    /// Last guess.
    pub last_seen: String,
    /// Distinct addresses tried.
    pub guesses: u64,
    /// Those that exist.
    pub confirmed: Vec<String>,
    /// `confirmed / guesses`.
    pub success_rate: f64,
    /// `name_variants`
    pub pattern: &'static str,
    /// 0 to 1.
    pub confidence: f64,
    /// For people.
    pub why: Vec<String>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The same every night.
    pub id: String,
    /// `high`
    pub severity: &'static str,
    /// `squatting`
    pub kind: &'static str,
    /// One line.
    pub subject: String,
    /// When first raised.
    pub raised_at: String,
    /// Channels it went to.
    pub sent_to: Vec<String>,
    /// Added: whether it is over, only where it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl From<&Findings> for Report {
    fn from(f: &Findings) -> Self {
        Report {
            generated_at: f.generated_at.to_string(),
            window: f.window.into(),
            inputs: f.inputs.iter().map(Input::from).collect(),
            deliveries: Deliveries::from(f),
            bounce_types: types(f),
            root_causes: causes(f),
            templates: Templates {
                distinct: f.templates.distinct,
                top: f.templates.top.iter().map(Template::from).collect(),
            },
            blocklists: f.blocklists.iter().map(Blocklist::from).collect(),
            authentication: f.authentication.iter().map(Authentication::from).collect(),
            squatting: Squatting::from(f),
            campaigns: f.campaigns.iter().map(Campaign::from).collect(),
            changes: Changes::from(&f.changes),
            receivers: f.receivers.iter().map(Receiver::from).collect(),
            countries: f.countries.iter().map(Country::from).collect(),
            dismissed: f.dismissed.iter().map(Dismissed::from).collect(),
            alerts: f.alerts.iter().map(Alert::from).collect(),
            lookups: Lookups::from(&f.lookups),
            strangers: f.strangers.as_ref().map(Strangers::from),
        }
    }
}

/// Text of a stranger as every report shows it: no control or bidirectional characters, at most [`MAX_TEXT`] characters.
pub fn shown(text: &str) -> String {
    clipped(&address::printable(text), MAX_TEXT)
}

/// At most `max` characters of `text`, the last one `…` where some are missing.
pub fn clipped(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A bounce type in a user's words.
pub fn meaning(kind: BounceType) -> &'static str {
    use BounceType::*;
    match kind {
        SenderDns => "the sender's domain could not be looked up",
        ReceiverDns => "the receiver's domain could not be looked up",
        Authentication => "the sender failed DKIM, SPF or DMARC",
        Starttls => "encryption (STARTTLS) is wrong or missing",
        Blocklisted => "the sending server is on a blocklist",
        Greylisted => "asked to try again later (greylisting)",
        SendingTooFast => "our server sent too fast",
        UserUnknown => "the address does not exist",
        MailboxFull => "the mailbox is full or inactive",
        TooManyRecipients => "too many recipients in one message",
        RecipientRateLimited => "this receiver gets too much mail",
        MessageTooLarge => "the message is too large",
        ContentSpam => "the content was taken for spam",
        Timeout => "the connection timed out",
        Interrupted => "the connection was refused or cut off",
        Other => "the reply does not say why",
    }
}

/// Four decimals, and 0 for what is no number: JSON has neither NaN nor infinity.
fn rounded(x: f64) -> f64 {
    if x.is_finite() { (x * 1e4).round() / 1e4 } else { 0.0 }
}

fn all_shown(texts: &[String]) -> Vec<String> {
    texts.iter().map(|t| shown(t)).collect()
}

fn types(f: &Findings) -> Vec<Type> {
    BounceType::ALL
        .into_iter()
        .zip(f.types())
        .map(|(kind, [attempts, soft_bounced, hard_bounced])| Type {
            id: kind.id(),
            name: kind.name(),
            meaning: meaning(kind),
            attempts,
            soft_bounced,
            hard_bounced,
        })
        .collect()
}

/// All six, also those nobody counted: a reader looks a cause up by name.
fn causes(f: &Findings) -> Vec<Cause> {
    RootCause::ALL
        .into_iter()
        .map(|cause| {
            let (soft_bounced, hard_bounced) = f
                .root_causes
                .iter()
                .filter(|(c, _, _)| *c == cause)
                .fold((0, 0), |(s, h), (_, soft, hard)| (s + soft, h + hard));
            Cause { cause: cause.name(), soft_bounced, hard_bounced }
        })
        .collect()
}

impl From<Window> for Span {
    fn from(window: Window) -> Self {
        let bounds = window.bounds();
        Span { from: bounds.map(|b| b.0.to_string()), to: bounds.map(|b| b.1.to_string()) }
    }
}

impl From<&findings::InputLine> for Input {
    fn from(i: &findings::InputLine) -> Self {
        Input {
            path: shown(&i.path),
            format: shown(&i.format),
            records: i.records,
            rejected: i.rejected,
            already_seen: i.already_seen,
            ignored: i.ignored,
            blind_to: i.blind_to.iter().map(|what| shown(what)).collect(),
        }
    }
}

impl From<Input> for findings::InputLine {
    fn from(i: Input) -> Self {
        let Input { path, format, records, rejected, already_seen, ignored, blind_to } = i;
        findings::InputLine { path, format, records, rejected, already_seen, ignored, blind_to }
    }
}

impl From<&Findings> for Deliveries {
    fn from(f: &Findings) -> Self {
        let [non_bounced, soft_bounced, hard_bounced] = f.degrees();
        let by_day = f
            .days
            .iter()
            .map(|(day, tally)| {
                let [non_bounced, soft_bounced, hard_bounced] = tally.degrees;
                DayDegrees { day: day.to_string(), non_bounced, soft_bounced, hard_bounced }
            })
            .collect();
        let total = non_bounced + soft_bounced + hard_bounced;
        Deliveries { total, non_bounced, soft_bounced, hard_bounced, by_day }
    }
}

impl From<&findings::TemplateLine> for Template {
    fn from(t: &findings::TemplateLine) -> Self {
        Template { id: shown(&t.id), template: shown(&t.template), kind: t.kind.id(), count: t.count }
    }
}

impl From<&findings::Blocklist> for Blocklist {
    fn from(b: &findings::Blocklist) -> Self {
        let daily = b
            .daily
            .iter()
            .map(|&(day, emails, blocked_ips)| BlockDay { day: day.to_string(), emails, blocked_ips })
            .collect();
        Blocklist { name: shown(&b.name), attempts: b.attempts, receiver_domains: b.receiver_domains, daily }
    }
}

impl From<&findings::AuthFailures> for Authentication {
    fn from(a: &findings::AuthFailures) -> Self {
        let Span { from, to } = a.failed.into();
        Authentication {
            sender_domain: shown(&a.sender_domain),
            failures: a.failures,
            first: from,
            last: to,
            fixed_after_days: a.fixed_after_days.map(rounded),
        }
    }
}

impl From<&enumeration::Campaign> for Campaign {
    fn from(c: &enumeration::Campaign) -> Self {
        Campaign {
            id: shown(&c.id),
            senders: all_shown(&c.senders),
            ips: all_shown(&c.ips),
            logins: all_shown(&c.logins),
            helos: all_shown(&c.helos),
            target_domains: all_shown(&c.target_domains),
            first_seen: c.first_seen.to_string(),
            last_seen: c.last_seen.to_string(),
            guesses: c.guesses,
            confirmed: all_shown(&c.confirmed),
            success_rate: rounded(c.success_rate),
            pattern: c.pattern.name(),
            confidence: rounded(c.confidence),
            why: all_shown(&c.why),
        }
    }
}

impl From<&findings::Receiver> for Receiver {
    fn from(r: &findings::Receiver) -> Self {
        Receiver { domain: shown(&r.domain), emails: r.emails, refused: r.refused, unknown_user: r.unknown }
    }
}

impl From<&findings::CountryLine> for Country {
    fn from(c: &findings::CountryLine) -> Self {
        let [emails, attempts, timeouts, interrupted] = c.tally.counts();
        let (country, since) = (c.country.code().to_owned(), c.since.to_string());
        Country { country, emails, attempts, timeouts, interrupted, since }
    }
}

impl From<&enumeration::Dismissed> for Dismissed {
    fn from(d: &enumeration::Dismissed) -> Self {
        Dismissed { origin: shown(&d.origin), considered: d.considered, why: shown(&d.why) }
    }
}

impl From<&findings::Alert> for Alert {
    fn from(a: &findings::Alert) -> Self {
        Alert {
            id: shown(&a.id),
            severity: a.severity.name(),
            kind: a.kind.name(),
            subject: shown(&a.subject),
            raised_at: a.raised_at.to_string(),
            sent_to: all_shown(&a.sent_to),
            over: a.over,
        }
    }
}
