//! Domains → registrability with evidence. The only stage that asks the network.
//!
//! In: registrable domains, most worth asking about first.
//! Out: one [`Registrability`] each, as it comes.
//! Never: guesses (no answer is `unknown`), asks about anything but an eTLD+1, registers or probes a mailbox.

mod address;
mod bootstrap;
mod dns;
mod pace;
mod phrases;
mod question;
mod rdap;
mod rdap_answer;
mod stages;
mod verdict;
mod whois;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

pub use pace::Manners;
use question::Question;

use crate::{error::Error, moment::Timestamp, suffix::Suffixes};

/// Asks about each of `names` (mail domains, most at risk first) and hands every answer to `each` as it comes, in no
/// particular order. Names of the same eTLD+1 are one question. `now` stamps the answers.
pub fn check(
    names: &[String],
    suffixes: &Suffixes,
    network: &Network,
    now: Timestamp,
    each: &mut dyn FnMut(Registrability),
) -> Result<Tally, Error> {
    check_with(names, suffixes, network, &Manners::default(), now, each)
}

/// As [`check`], with other time and courtesy limits.
pub fn check_with(
    names: &[String],
    suffixes: &Suffixes,
    network: &Network,
    manners: &Manners,
    now: Timestamp,
    each: &mut dyn FnMut(Registrability),
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let (mut seen, mut to_ask) = (BTreeSet::new(), Vec::new());
    for name in names {
        let question = Question::of(name, suffixes);
        if !seen.insert(question.domain().to_owned()) {
            continue;
        }
        tally.names += 1;
        match question {
            Question::Decided { domain, status, answer } => {
                each(from_syntax(domain, status, answer, "public_suffix_list", now))
            }
            Question::Ask { domain, .. } if network.offline => {
                each(from_syntax(domain, Status::Unknown, "offline", "--offline", now))
            }
            Question::Ask { domain, .. } if network.max_lookups.is_some_and(|most| to_ask.len() >= most) => {
                tally.skipped_by_budget += 1;
                each(from_syntax(domain, Status::Unknown, "budget", "--max-lookups", now));
            }
            Question::Ask { domain, suffix } => to_ask.push((domain, suffix)),
        }
    }
    if to_ask.is_empty() {
        return Ok(tally);
    }
    let stages = stages::Stages::new(network, manners, now)?;
    let workers = match network.concurrency {
        0 => DEFAULT_CONCURRENCY,
        asked_for => asked_for.min(MAX_CONCURRENCY),
    };
    let mut put_off = Vec::new();
    ask_all(&stages, workers, &to_ask, &mut |question, answer, sent| {
        tally.add(&sent);
        match sent.turned_away && answer.status == Status::Unknown {
            true => put_off.push(question),
            false => each(answer),
        }
    });
    // Their registry was failing or had enough of us: once more when it has had a rest, at the price of DNS again.
    stages.rest();
    put_off.sort_unstable();
    let again: Vec<_> = put_off.into_iter().map(|at| to_ask[at].clone()).collect();
    ask_all(&stages, workers, &again, &mut |_, answer, sent| {
        tally.add(&sent);
        each(answer);
    });
    tally.asked = to_ask.len() as u64;
    Ok(tally)
}

/// Asks about `(domain, suffix)` each on `workers` threads; `on` is told which question was answered.
fn ask_all(
    stages: &stages::Stages,
    workers: usize,
    questions: &[(String, String)],
    on: &mut dyn FnMut(usize, Registrability, stages::Sent),
) {
    let (next, (to_us, answers)) = (AtomicUsize::new(0), mpsc::sync_channel(workers));
    std::thread::scope(|scope| {
        for _ in 0..workers.min(questions.len()) {
            let (next, to_us) = (&next, to_us.clone());
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((domain, suffix)) = questions.get(at) else {
                        break;
                    };
                    if to_us.send((at, stages.ask(domain, suffix))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_us);
        for (at, (answer, sent)) in answers {
            on(at, answer, sent);
        }
    });
}

/// The name that [`check`] answers under for a mail domain: its eTLD+1 in A-label form, or the name itself.
pub fn asked_about(name: &str, suffixes: &Suffixes) -> String {
    Question::of(name, suffixes).domain().to_owned()
}

/// What a run of [`check`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Distinct eTLD+1 handed in.
    pub names: u64,
    /// Those for which the network was asked.
    pub asked: u64,
    /// DNS questions.
    pub dns_queries: u64,
    /// RDAP questions.
    pub rdap_queries: u64,
    /// WHOIS questions.
    pub whois_queries: u64,
    /// Names not asked about for `max_lookups`.
    pub skipped_by_budget: u64,
}

/// Whether a stranger could register a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Independent sources agree that nobody holds it.
    Registrable,
    /// Somebody holds it.
    Registered,
    /// Deleted, its last holder may still take it back.
    Redemption,
    /// About to drop.
    PendingDelete,
    /// The registry keeps it.
    Reserved,
    /// Nothing can be registered under that suffix (`gmail.con`).
    NotAPublicSuffix,
    /// No answer, or answers that contradict each other.
    Unknown,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The name's own form (IDNA) or the public suffix list; no network.
    Syntax,
    /// DNS.
    Dns,
    /// RDAP, RFC 9082 and 9083.
    Rdap,
    /// WHOIS, RFC 3912.
    Whois,
}

/// One answer, kept as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who was asked.
    pub source: Source,
    /// `nxdomain`, `not_found`, `registered`, `servfail`, `timeout`, `rate_limited` …
    pub answer: String,
    /// `192.0.2.53:53`, `https://rdap.example/`, or the list's name.
    pub server: String,
    /// When.
    pub at: Timestamp,
}

/// A status and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrability {
    /// The eTLD+1 asked about, in A-label form; the name itself where it has none.
    pub domain: String,
    /// What the evidence adds up to.
    pub status: Status,
    /// When.
    pub checked_at: Timestamp,
    /// Until when the answer holds; afterwards it is asked again.
    pub fresh_until: Timestamp,
    /// Never empty.
    pub evidence: Vec<Evidence>,
    /// When a name in redemption or pending delete is expected to drop.
    pub drops_at: Option<Timestamp>,
    /// What else the same answers said about a name somebody holds.
    pub details: Details,
}

/// Who holds a name, where its mail goes, and whom to write to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Through whom it was registered.
    pub registrar: Option<String>,
    /// When it was registered.
    pub created: Option<Timestamp>,
    /// Until when it is paid.
    pub expires: Option<Timestamp>,
    /// Its name servers, sorted.
    pub nameservers: Vec<String>,
    /// Its mail exchangers by preference.
    pub mx: Vec<String>,
    /// It says that it takes no mail (RFC 7505).
    pub null_mx: bool,
    /// Mailboxes named for it, sorted.
    pub contacts: Vec<Contact>,
}

/// A mailbox and where it was named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// `abuse@registrar.example`
    pub address: String,
    /// `abuse`, `registrant`, `technical` or `administrative`.
    pub role: String,
    /// Who named it.
    pub source: Source,
}

/// Whom to ask, and how hard.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// No network at all: everything is `unknown`.
    pub offline: bool,
    /// Resolvers; empty means the system's.
    pub nameservers: Vec<SocketAddr>,
    /// IANA `dns.json`; the shipped one when `None`.
    pub rdap_bootstrap: Option<PathBuf>,
    /// TLD → `host:port` as JSON; the shipped one when `None`.
    pub whois_servers: Option<PathBuf>,
    /// Domains asked about at most.
    pub max_lookups: Option<usize>,
    /// Look-ups under way at once, 1 to 256; 0 means the default.
    pub concurrency: usize,
}

impl Tally {
    fn add(&mut self, sent: &stages::Sent) {
        self.dns_queries += sent.dns;
        self.rdap_queries += sent.rdap;
        self.whois_queries += sent.whois;
    }
}

impl Status {
    /// Whether a stranger can have the name, now or as soon as it drops.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Registrable | Status::Redemption | Status::PendingDelete)
    }

    /// `registrable`
    pub fn name(self) -> &'static str {
        match self {
            Status::Registrable => "registrable",
            Status::Registered => "registered",
            Status::Redemption => "redemption",
            Status::PendingDelete => "pending_delete",
            Status::Reserved => "reserved",
            Status::NotAPublicSuffix => "not_a_public_suffix",
            Status::Unknown => "unknown",
        }
    }
}

impl Source {
    /// `dns`
    pub fn name(self) -> &'static str {
        match self {
            Source::Syntax => "syntax",
            Source::Dns => "dns",
            Source::Rdap => "rdap",
            Source::Whois => "whois",
        }
    }
}

/// Look-ups under way at once where nobody says.
const DEFAULT_CONCURRENCY: usize = 8;
const MAX_CONCURRENCY: usize = 256;

/// An answer that needed no network.
fn from_syntax(domain: String, status: Status, answer: &str, server: &str, now: Timestamp) -> Registrability {
    let evidence =
        vec![Evidence { source: Source::Syntax, answer: answer.to_owned(), server: server.to_owned(), at: now }];
    // Skipped names are asked again as soon as there is a network or a budget.
    let fresh_until = if status == Status::Unknown { now } else { now.plus(lifetime(status)) };
    Registrability {
        domain,
        status,
        checked_at: now,
        fresh_until,
        evidence,
        drops_at: None,
        details: Details::default(),
    }
}

/// Seconds an answer holds: a registrable name is asked again every night, a registered one every month.
fn lifetime(status: Status) -> i64 {
    const HOUR: i64 = 3600;
    match status {
        Status::Registrable => 20 * HOUR,
        Status::Registered | Status::NotAPublicSuffix | Status::Reserved => 30 * 24 * HOUR,
        Status::Redemption | Status::PendingDelete => 24 * HOUR,
        Status::Unknown => 6 * HOUR,
    }
}
