//! Who looked like a guesser and is none, and why: unknown users have many honest causes.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::{Campaign, origin::LEAST};
use crate::{
    address::{is_server, person},
    delivery::Direction,
    ledger::{Answer, ByName, ContactKey, Domain, Ledger, Name},
    plural::many,
};

/// Told at most, those with most unknown users first.
const MOST: usize = 50;
/// Senders to one unknown address from which it is somebody known who left.
const WRITERS: usize = 7;

/// An origin that was looked at and let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissed {
    /// A sender, a client address, or the address many wrote to; empty for the null sender.
    pub origin: String,
    /// What it was taken for: `old_list`, `moved_domain` …
    pub considered: &'static str,
    /// For people.
    pub why: String,
}

/// What came of an origin's mails.
#[derive(Debug, Default)]
struct Tally {
    mails: u64,
    unknown: HashSet<Name>,
    /// Of these, addresses that took mail at another time.
    served: usize,
    exist: HashSet<Name>,
    senders: HashSet<Name>,
    domains: HashMap<Domain, usize>,
}

/// Origins with as many unknown users as a guesser needs, that no campaign has.
pub(super) fn of(ledger: &Ledger, campaigns: &[Campaign]) -> Vec<Dismissed> {
    let text = |name: Name| ledger.names.text(name);
    let named = campaigns.iter().flat_map(|c| c.senders.iter().chain(&c.ips));
    let guilty: HashSet<Name> = named.clone().filter_map(|name| ledger.names.find(name)).collect();
    let guilty_texts: HashSet<&str> = named.map(String::as_str).collect();
    let mut takes: ByName<bool> = ledger.names.each();
    ledger.contacts.iter().for_each(|(key, contact)| takes[key.recipient] |= contact.accepted > 0);
    let mut origins =
        Origins { ledger, texts: Vec::new(), failures: Vec::new(), numbers: HashMap::new(), met: HashMap::new() };
    // What strangers left behind that were let go (`@domain`) is nobody's.
    let somebodys = |key: &ContactKey| !text(key.recipient).starts_with('@');
    for (key, contact) in ledger.contacts.iter().filter(|(key, c)| c.unknown > 0 && somebodys(key)) {
        let origin = origins.of(&key);
        origins.failures[origin] += contact.unknown;
    }
    let looked_at: Vec<bool> = origins
        .texts
        .iter()
        .zip(&origins.failures)
        .map(|(text, n)| *n >= LEAST as u64 && !guilty_texts.contains(text.as_str()))
        .collect();
    let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
    let mut writers: BTreeMap<&str, HashSet<Name>> = BTreeMap::new();
    for (key, contact) in ledger.contacts.iter() {
        // Who never failed was not looked at.
        let origin = origins.known(&key).filter(|origin| looked_at[*origin]);
        if (contact.unknown == 0 && origin.is_none()) || !somebodys(&key) {
            continue;
        }
        if contact.unknown > 0 && key.sender != Name::NONE && !guilty.contains(&key.sender) {
            writers.entry(text(key.recipient)).or_default().insert(key.sender);
        }
        let Some(origin) = origin.filter(|_| !guilty.contains(&key.sender) && !guilty.contains(&key.client)) else {
            continue;
        };
        let tally = tallies.entry(origin).or_default();
        tally.senders.insert(key.sender);
        if contact.first_answer == Answer::Accepted {
            tally.exist.insert(key.recipient);
        }
        if contact.unknown > 0 && tally.unknown.insert(key.recipient) {
            tally.served += usize::from(takes[key.recipient]);
            *tally.domains.entry(ledger.names.domain(key.recipient)).or_default() += 1;
        }
        tally.mails += contact.unknown;
    }
    let mut told: Vec<(u64, Dismissed)> = tallies
        .into_iter()
        .map(|(origin, tally)| {
            let origin = std::mem::take(&mut origins.texts[origin]);
            let (considered, why) = explain(&origin, &tally);
            (tally.mails, Dismissed { origin, considered, why })
        })
        .collect();
    told.extend(writers.into_iter().filter(|(_, senders)| senders.len() >= WRITERS).map(|(address, senders)| {
        let n = senders.len();
        let (considered, why) = if ledger.names.find(address).is_some_and(|name| takes[name]) {
            ("moved_address", format!("{n} senders write to it, and it took mail at another time"))
        } else {
            ("ex_employee", format!("{n} senders write to this one address: somebody who left, not a guess"))
        };
        (n as u64, Dismissed { origin: address.to_owned(), considered, why })
    }));
    told.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.origin.cmp(&b.1.origin)));
    told.truncate(MOST);
    told.into_iter().map(|(_, one)| one).collect()
}

/// Whose mails are counted together, by number.
struct Origins<'l> {
    ledger: &'l Ledger,
    texts: Vec<String>,
    /// Mails to unknown users.
    failures: Vec<u64>,
    numbers: HashMap<String, usize>,
    met: HashMap<(Direction, Name), usize>,
}

impl Origins<'_> {
    /// By what an origin is told from others.
    fn key(&self, key: &ContactKey) -> (Direction, Name) {
        match key.direction {
            // Servers that bounce or call out are told of once, wherever they are.
            _ if is_server(self.ledger.names.text(key.sender)) => (Direction::In, Name::NONE),
            Direction::Out | Direction::Stopped => (Direction::Out, key.sender),
            Direction::In => (Direction::In, key.client),
        }
    }

    fn known(&self, key: &ContactKey) -> Option<usize> {
        self.met.get(&self.key(key)).copied()
    }

    fn of(&mut self, key: &ContactKey) -> usize {
        let (direction, name) = self.key(key);
        *self.met.entry((direction, name)).or_insert_with(|| {
            let text = self.ledger.names.text(name);
            let origin = if direction == Direction::In { text.into() } else { person(text) };
            *self.numbers.entry_ref(&*origin).or_insert_with(|| {
                self.texts.push(origin.to_string());
                self.failures.push(0);
                self.texts.len() - 1
            })
        })
    }
}

fn explain(origin: &str, tally: &Tally) -> (&'static str, String) {
    let (unknown, exist) = (tally.unknown.len(), tally.exist.len());
    let all = (unknown + exist).max(1);
    let percent = unknown * 100 / all;
    if origin.is_empty() {
        let why = format!(
            "{unknown} unknown addresses asked for by servers, with the null sender or as one: bounces of forged mail, or callouts"
        );
        return ("backscatter", why);
    }
    if unknown == 1 {
        return (
            "one_address",
            format!("one unknown address, {} times: a mistyped one retried, or a monitor's probe", tally.mails),
        );
    }
    if tally.served * 2 >= unknown {
        let why = format!(
            "{} of {unknown} unknown addresses took mail at another time: they moved, left, or their directory was down",
            tally.served
        );
        return ("moved_or_outage", why);
    }
    if tally.senders.len() >= 5 && percent <= 50 {
        let why = format!(
            "{} senders share it, {percent} % of their {all} addresses unknown: a forwarder, a campus, a provider",
            tally.senders.len()
        );
        return ("shared_address", why);
    }
    if percent <= 20 {
        return (
            "slips",
            format!("{percent} % of {all} addresses unknown: a list with members who left, or a form with slips"),
        );
    }
    if exist * 5 >= all || tally.domains.len() * 2 > unknown {
        let why = format!(
            "{percent} % of {all} addresses unknown, over {}: an old list, or one being cleaned",
            many(tally.domains.len() as u64, "domain")
        );
        return ("old_list", why);
    }
    ("too_little", format!("{unknown} of {all} addresses unknown: not enough to tell guessing from an old list"))
}
