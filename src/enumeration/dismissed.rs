//! Who looked like a guesser and is none, and why: unknown users have many honest causes.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::{Campaign, trail::LEAST};
use crate::{
    address::{domain_of, person},
    delivery::Direction,
    ledger::{Answer, Ledger, Name},
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
    domains: HashMap<Name, usize>,
}

/// Origins with as many unknown users as a guesser needs, that no campaign has.
pub(super) fn of(ledger: &Ledger, campaigns: &[Campaign]) -> Vec<Dismissed> {
    let guilty: HashSet<&str> =
        campaigns.iter().flat_map(|c| c.senders.iter().chain(&c.ips)).map(String::as_str).collect();
    let text = |name: Name| ledger.names.text(name);
    let takes: HashSet<Name> =
        ledger.contacts.iter().filter(|(_, c)| c.accepted > 0).map(|(key, _)| key.recipient).collect();
    let origin = |key: &crate::ledger::ContactKey| match key.direction {
        Direction::Out | Direction::Stopped => person(text(key.sender)).into_owned(),
        // Who asks with the null sender is told of once, whatever servers it comes from.
        Direction::In if key.sender == Name::NONE => String::new(),
        Direction::In => text(key.client).to_owned(),
    };
    let mut failures: HashMap<String, u64> = HashMap::new();
    // What strangers left behind that were let go (`@domain`) is nobody's.
    let somebodys = |key: &crate::ledger::ContactKey| !text(key.recipient).starts_with('@');
    for (key, contact) in ledger.contacts.iter().filter(|(key, c)| c.unknown > 0 && somebodys(key)) {
        *failures.entry(origin(key)).or_default() += contact.unknown;
    }
    failures.retain(|origin, n| *n >= LEAST as u64 && !guilty.contains(origin.as_str()));
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut writers: BTreeMap<&str, HashSet<Name>> = BTreeMap::new();
    for (key, contact) in ledger.contacts.iter().filter(|(key, _)| somebodys(key)) {
        if contact.unknown > 0 && key.sender != Name::NONE && !guilty.contains(text(key.sender)) {
            writers.entry(text(key.recipient)).or_default().insert(key.sender);
        }
        let origin = origin(key);
        if guilty.contains(text(key.sender)) || guilty.contains(text(key.client)) || !failures.contains_key(&origin) {
            continue;
        }
        let tally = tallies.entry(origin).or_default();
        tally.senders.insert(key.sender);
        if contact.first_answer == Answer::Accepted {
            tally.exist.insert(key.recipient);
        }
        if contact.unknown > 0 && tally.unknown.insert(key.recipient) {
            tally.served += usize::from(takes.contains(&key.recipient));
            if let Some(domain) = ledger.names.find(domain_of(text(key.recipient))).or(Some(key.recipient)) {
                *tally.domains.entry(domain).or_default() += 1;
            }
        }
        tally.mails += contact.unknown;
    }
    let mut told: Vec<(u64, Dismissed)> = tallies
        .into_iter()
        .map(|(origin, tally)| {
            let (considered, why) = explain(&origin, &tally);
            (tally.mails, Dismissed { origin, considered, why })
        })
        .collect();
    told.extend(writers.into_iter().filter(|(_, senders)| senders.len() >= WRITERS).map(|(address, senders)| {
        let n = senders.len();
        let (considered, why) = if ledger.names.find(address).is_some_and(|name| takes.contains(&name)) {
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

fn explain(origin: &str, tally: &Tally) -> (&'static str, String) {
    let (unknown, exist) = (tally.unknown.len(), tally.exist.len());
    let all = (unknown + exist).max(1);
    let percent = unknown * 100 / all;
    if origin.is_empty() {
        let why =
            format!("{unknown} unknown addresses asked for with the null sender: bounces of forged mail, or callouts");
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
            "{percent} % of {all} addresses unknown, over {} domains: an old list, or one being cleaned",
            tally.domains.len()
        );
        return ("old_list", why);
    }
    ("too_little", format!("{unknown} of {all} addresses unknown: not enough to tell guessing from an old list"))
}
