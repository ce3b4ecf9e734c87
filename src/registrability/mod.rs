//! Domains → registrability with evidence. The only stage that asks the network.
//!
//! In: registrable domains, most worth asking about first, and what was known of them before.
//! Out: one [`Registrability`] each, as it comes; or whom to write to about them.
//! Never: guesses (no answer is `unknown`), asks about anything but an eTLD+1 or a guesser's network, registers or probes a mailbox.

mod address;
mod answer;
mod bootstrap;
mod contacts;
mod denial;
mod dns;
mod dns_answer;
mod limits;
mod pace;
mod phrases;
mod question;
mod rdap;
mod rdap_answer;
mod stages;
mod verdict;
mod web;
mod whois;

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

pub use answer::{Contact, Details, Evidence, Registrability, Source, Status};
use answer::{from_syntax, lifetime};
use hashbrown::HashMap;
pub use pace::{Manners, ServerTally};
use question::Question;
use stages::{Depth, Sent, Stages};

use crate::{error::Error, moment::Timestamp, suffix::Suffixes};

/// Asks about each of `names` (mail domains, most at risk first) and hands every answer to `each` as it comes, in no
/// particular order. Names of the same eTLD+1 are one question. `before` holds earlier answers by [`asked_about`]: of a
/// name that was free then, its new holder is asked for too. `now` stamps the answers.
pub fn check(
    names: &[String],
    before: &HashMap<String, Registrability>,
    suffixes: &Suffixes,
    network: &Network,
    now: Timestamp,
    each: &mut dyn FnMut(Registrability),
) -> Result<Tally, Error> {
    check_with(names, before, suffixes, network, &Manners::default(), now, each)
}

/// As [`check`], with other time and courtesy limits.
pub fn check_with(
    names: &[String],
    before: &HashMap<String, Registrability>,
    suffixes: &Suffixes,
    network: &Network,
    manners: &Manners,
    now: Timestamp,
    each: &mut dyn FnMut(Registrability),
) -> Result<Tally, Error> {
    let each = &mut |answer: Registrability| {
        let earlier = before.get(&answer.domain);
        each(answer.after(earlier));
    };
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
            Question::Ask { domain, suffix } => {
                let was_free = before.get(&domain).is_some_and(|b| b.open_at.is_some() || b.status.is_open());
                let depth = match (network.fetch_security_txt, was_free) {
                    (true, _) => Depth::Contacts,
                    (false, true) => Depth::Holder,
                    (false, false) => Depth::Status,
                };
                to_ask.push(Asking { domain, suffix, depth });
            }
        }
    }
    if to_ask.is_empty() {
        return Ok(tally);
    }
    let stages = Stages::new(network, manners, now)?;
    let mut put_off = Vec::new();
    ask_all(&stages, network, &to_ask, &mut |question, answer, sent| {
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
    ask_all(&stages, network, &again, &mut |_, answer, sent| {
        tally.add(&sent);
        each(answer);
    });
    tally.asked = to_ask.len() as u64;
    tally.servers = stages.pace.tally();
    [tally.silent, tally.failing] = stages.deaf();
    Ok(tally)
}

/// Whom to write to about each of `names`, best first: the domain's own `security.txt` (only with
/// [`Network::fetch_security_txt`]), whom its registry names, who runs its zone (the SOA record), and last the mailboxes
/// every domain should have. Handed to `each` under the eTLD+1, as they come. Offline, only those last are left; a name
/// that is nobody's has no contacts.
pub fn contacts(
    names: &[String],
    suffixes: &Suffixes,
    network: &Network,
    manners: &Manners,
    now: Timestamp,
    each: &mut dyn FnMut(&str, Vec<Contact>),
) -> Result<Tally, Error> {
    let (mut seen, mut to_ask) = (BTreeSet::new(), Vec::new());
    for name in names {
        if let Question::Ask { domain, suffix } = Question::of(name, suffixes)
            && seen.insert(domain.clone())
        {
            to_ask.push(Asking { domain, suffix, depth: Depth::Contacts });
        }
    }
    let mut tally = Tally { names: to_ask.len() as u64, ..Tally::default() };
    if network.offline {
        to_ask.iter().for_each(|asking| each(&asking.domain, contacts::by_convention(&asking.domain)));
        return Ok(tally);
    }
    if let Some(most) = network.max_lookups.filter(|most| *most < to_ask.len()) {
        tally.skipped_by_budget = (to_ask.len() - most) as u64;
        to_ask.truncate(most);
    }
    let stages = Stages::new(network, manners, now)?;
    ask_all(&stages, network, &to_ask, &mut |_, answer, sent| {
        tally.add(&sent);
        each(&answer.domain, answer.details.contacts);
    });
    tally.asked = to_ask.len() as u64;
    tally.servers = stages.pace.tally();
    Ok(tally)
}

/// Whom to write to about the network around each address, its abuse desk first: who its registry names. Handed to `each`
/// in the order of `addresses`; one question for all that lie in the same network. Offline nobody is asked.
pub fn network_contacts(
    addresses: &[IpAddr],
    network: &Network,
    manners: &Manners,
    now: Timestamp,
    each: &mut dyn FnMut(IpAddr, Vec<Contact>),
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    if network.offline || addresses.is_empty() {
        return Ok(tally);
    }
    let stages = Stages::new(network, manners, now)?;
    let mut known: Vec<((IpAddr, IpAddr), Vec<Contact>)> = Vec::new();
    for ip in addresses {
        tally.names += 1;
        if let Some((_, contacts)) = known.iter().find(|((first, last), _)| (first..=last).contains(&ip)) {
            each(*ip, contacts.clone());
            continue;
        }
        if network.max_lookups.is_some_and(|most| tally.asked >= most as u64) {
            tally.skipped_by_budget += 1;
            continue;
        }
        let mut sent = Sent::default();
        tally.asked += 1;
        if let Some((contacts, reach)) = stages.network(*ip, &mut sent) {
            known.push((reach, contacts.clone()));
            each(*ip, contacts);
        }
        tally.add(&sent);
    }
    tally.servers = stages.pace.tally();
    Ok(tally)
}

/// Fails on a file named in `network` that cannot be used, as a run would; asks nobody.
pub fn usable(network: &Network) -> Result<(), Error> {
    Stages::new(network, &Manners::default(), Timestamp(0)).map(drop)
}

/// The name that [`check`] answers under for a mail domain: its eTLD+1 in A-label form, or the name itself.
pub fn asked_about(name: &str, suffixes: &Suffixes) -> String {
    Question::of(name, suffixes).domain().to_owned()
}

/// What a run of [`check`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// RDAP, WHOIS and web servers, by name.
    pub servers: Vec<ServerTally>,
    /// Resolvers that were silent to the last.
    pub silent: Vec<SocketAddr>,
    /// Resolvers that had nothing but errors to the last.
    pub failing: Vec<SocketAddr>,
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
    /// Registries' limits as TOML, over the shipped ones.
    pub registry_limits: Option<PathBuf>,
    /// PEM file of the authorities trusted for TLS; the shipped ones when `None`.
    pub ca_file: Option<PathBuf>,
    /// Domains asked about at most.
    pub max_lookups: Option<usize>,
    /// Look-ups under way at once, 1 to 256; 0 means the default.
    pub concurrency: usize,
    /// Whether a held domain's `security.txt` is fetched; [`check`] then gathers all [`contacts`] too.
    pub fetch_security_txt: bool,
    /// Where from, `{domain}` standing for the domain; `https://{domain}` when `None`. Plain http only to this machine.
    pub security_txt_base: Option<String>,
    /// DNSKEY records of the root, as a zone file has them; IANA's when `None`.
    pub trust_anchor: Option<PathBuf>,
}

/// One question for the network.
#[derive(Debug, Clone)]
struct Asking {
    domain: String,
    suffix: String,
    depth: Depth,
}

/// Asks on as many threads as `network` allows; `on` is told which question was answered.
fn ask_all(stages: &Stages, network: &Network, questions: &[Asking], on: &mut dyn FnMut(usize, Registrability, Sent)) {
    let workers = match network.concurrency {
        0 => DEFAULT_CONCURRENCY,
        asked_for => asked_for.min(MAX_CONCURRENCY),
    };
    // No answer waits in the channel: what a worker has done is kept before it asks about the next name.
    let (next, (to_us, answers)) = (AtomicUsize::new(0), mpsc::sync_channel(0));
    std::thread::scope(|scope| {
        for _ in 0..workers.min(questions.len()) {
            let (next, to_us) = (&next, to_us.clone());
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(asking) = questions.get(at) else {
                        break;
                    };
                    if to_us.send((at, stages.ask(asking))).is_err() {
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

impl Tally {
    fn add(&mut self, sent: &Sent) {
        self.dns_queries += sent.dns;
        self.rdap_queries += sent.rdap;
        self.whois_queries += sent.whois;
    }
}

/// Look-ups under way at once where nobody says.
const DEFAULT_CONCURRENCY: usize = 8;
const MAX_CONCURRENCY: usize = 256;
