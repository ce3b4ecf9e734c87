//! Who receives mail and who is refused, per domain and per sender, read off the ledger.

use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

use hashbrown::{HashMap, HashSet};

use super::Weekly;
use crate::{
    bounce::BounceType,
    delivery::Direction,
    ledger::{Contact, Domain, Ledger, Name, Names},
    merge::Merge,
    moment::{Day, Timestamp, Week, Window},
};

/// Of one sender's correspondents at a domain so many are compared with a wrong address: those with the most mail.
const MAX_CORRESPONDENTS: usize = 5_000;
/// Of one domain's users so many are compared: those with the most mail.
const MAX_LOCALS: usize = 200_000;

/// What is known of one domain or one address as a receiver of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Mails accepted.
    pub accepted: u64,
    /// Distinct senders whose mail was accepted.
    pub senders: u64,
    /// First and last accepted mail.
    pub accepted_span: Window,
}

/// Refusals of one kind (T2 or T8) by a domain or address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Refusals {
    /// Mails by week, with each week's distinct senders.
    pub weeks: BTreeMap<Week, WeekTally>,
    /// Mails by sender, sorted by name.
    pub senders: BTreeMap<Box<str>, u64>,
    /// First and last day.
    pub days: Option<(Day, Day)>,
    /// Mails.
    pub mails: u64,
}

/// One week's refusals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct WeekTally {
    /// Mails.
    pub mails: u64,
    /// Who wrote, as numbers of the ledger's names.
    senders: HashSet<u32>,
}

/// Who receives mail and who is refused; borrows the ledger's names.
#[derive(Debug, Clone, Default)]
pub struct Census<'l> {
    names: Option<&'l Names>,
    /// By domain.
    domains: Vec<Standing>,
    /// By name.
    addresses: Vec<Standing>,
    /// Those that one sender reached at one domain stand together, most mail first.
    correspondents: Vec<(&'l str, u64)>,
    /// Where in `correspondents`.
    reached: HashMap<(Name, Domain), Range<usize>>,
    /// Addresses by domain, then most mail first.
    by_domain: Vec<(&'l str, u64)>,
    /// Where in `by_domain`, by domain.
    users: Vec<Range<usize>>,
    /// Domains that accepted mail, by name.
    sorted: Vec<Domain>,
    mails: u64,
}

impl<'l> Census<'l> {
    /// Of everything a ledger holds. Mail accepted in either direction shows that an address lives.
    pub fn from_ledger(ledger: &'l Ledger) -> Self {
        let names = &ledger.names;
        let mut census = Census {
            names: Some(names),
            domains: vec![Standing::default(); names.domains()],
            addresses: vec![Standing::default(); names.len()],
            users: vec![0..0; names.domains()],
            ..Census::default()
        };
        let accepted =
            ledger.contacts.iter().filter(|(key, c)| c.accepted > 0 && names.domain(key.recipient) != Domain(0));
        let mut rows: Vec<(Name, Domain, Name, Direction, &Contact)> = accepted
            .map(|(key, contact)| (key.sender, names.domain(key.recipient), key.recipient, key.direction, contact))
            .collect();
        // The same sender through several clients is one: sorted, they stand together.
        rows.sort_unstable_by_key(|(sender, domain, recipient, ..)| (*sender, *domain, *recipient));
        for of_sender in rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (sender, domain, ..) = of_sender[0];
            let start = census.correspondents.len();
            for of_pair in of_sender.chunk_by(|a, b| a.2 == b.2) {
                let (mut one, mut sent) = (Standing { senders: 1, ..Standing::default() }, 0);
                for (.., direction, contact) in of_pair {
                    one.accepted += contact.accepted;
                    one.accepted_span.merge(contact.accepted_span);
                    sent += if *direction == Direction::Out { contact.accepted } else { 0 };
                }
                let recipient = of_pair[0].2;
                census.addresses[recipient.0 as usize].absorb(one);
                census.domains[domain.0 as usize].absorb(Standing { senders: 0, ..one });
                if sent > 0 && sender != Name::NONE {
                    census.correspondents.push((names.text(recipient), sent));
                }
            }
            census.domains[domain.0 as usize].senders += 1;
            if census.correspondents.len() > start {
                let known = &mut census.correspondents[start..];
                known.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
                census.reached.insert((sender, domain), start..start + known.len().min(MAX_CORRESPONDENTS));
            }
        }
        census.mails = census.domains.iter().map(|d| d.accepted).sum();
        census.sort();
        census
    }

    /// Brings domains and their users in order.
    fn sort(&mut self) {
        let Some(names) = self.names else { return };
        let numbers = (0..).map(Domain).take(self.domains.len());
        self.sorted = numbers.filter(|d| self.domains[d.0 as usize].accepted > 0).collect();
        self.sorted.sort_unstable_by_key(|domain| names.domain_text(*domain));
        let mut ranks = vec![0_u32; self.domains.len()];
        (0..).zip(&self.sorted).for_each(|(rank, domain)| ranks[domain.0 as usize] = rank);
        let mut users: Vec<(u32, Reverse<u64>, &str, Domain)> = (0..)
            .map(Name)
            .zip(&self.addresses)
            .filter(|(_, standing)| standing.accepted > 0)
            .map(|(name, standing)| {
                let domain = names.domain(name);
                (ranks[domain.0 as usize], Reverse(standing.accepted), names.text(name), domain)
            })
            .collect();
        users.sort_unstable();
        self.by_domain.reserve(users.len());
        for of_domain in users.chunk_by(|a, b| a.3 == b.3) {
            let start = self.by_domain.len();
            self.by_domain.extend(of_domain.iter().map(|(_, Reverse(mails), text, _)| (*text, *mails)));
            self.users[of_domain[0].3.0 as usize] = start..self.by_domain.len();
        }
    }

    /// A domain's standing; `None` when it never accepted mail.
    pub fn domain(&self, domain: &str) -> Option<&Standing> {
        let known = &self.domains[self.names?.find_domain(domain)?.0 as usize];
        (known.accepted > 0).then_some(known)
    }

    /// An address's standing; `None` when it never accepted mail.
    pub fn address(&self, address: &str) -> Option<&Standing> {
        let known = &self.addresses[self.names?.find(address)?.0 as usize];
        (known.accepted > 0).then_some(known)
    }

    /// Domains that accepted mail with how many mails they took, sorted by name.
    pub fn domains(&self) -> Vec<(&'l str, u64)> {
        let Some(names) = self.names else { return Vec::new() };
        self.sorted.iter().map(|d| (names.domain_text(*d), self.domains[d.0 as usize].accepted)).collect()
    }

    /// Mails accepted in all.
    pub fn mails(&self) -> u64 {
        self.mails
    }

    /// Whom a sender reached at a domain, with how many mails, most first: at most a few thousand.
    pub fn correspondents(&self, sender: &str, domain: &str) -> &[(&'l str, u64)] {
        let known = || {
            let names = self.names?;
            self.reached.get(&(names.find(sender)?, names.find_domain(domain)?))
        };
        known().map_or(&[], |range| &self.correspondents[range.clone()])
    }

    /// Up to `most` addresses that receive mail, spread evenly.
    pub fn addresses_sample(&self, most: usize) -> Vec<&'l str> {
        let step = self.by_domain.len().div_ceil(most.max(1)).max(1);
        self.by_domain.iter().step_by(step).map(|(a, _)| *a).collect()
    }

    /// The addresses of a domain that receive mail, most mail first, at most [`MAX_LOCALS`].
    pub fn locals(&self, domain: &str) -> &[(&'l str, u64)] {
        let users = self.names.and_then(|names| self.users.get(names.find_domain(domain)?.0 as usize));
        users.map_or(&[], |range| &self.by_domain[range.start..range.end.min(range.start + MAX_LOCALS)])
    }
}

impl Standing {
    fn absorb(&mut self, other: Standing) {
        self.accepted += other.accepted;
        self.senders += other.senders;
        self.accepted_span.merge(other.accepted_span);
    }
}

/// Outbound hard bounces of one type, by what `key` makes of the recipient (its domain, or itself), sorted.
pub(super) fn refusals<'l>(
    ledger: &'l Ledger,
    kind: BounceType,
    key: impl Fn(&'l str) -> &'l str,
) -> BTreeMap<&'l str, Refusals> {
    let mut found: BTreeMap<&str, Refusals> = BTreeMap::new();
    let mut rows: Vec<_> =
        ledger.refusals.iter().filter(|(k, _)| k.kind == kind && k.direction == Direction::Out).collect();
    rows.sort_unstable_by_key(|(k, _)| (k.recipient, k.day, k.sender));
    for (row, mails) in rows {
        let of = found.entry(key(ledger.names.text(row.recipient))).or_default();
        of.mails += mails;
        *of.senders.entry(ledger.names.text(row.sender).into()).or_default() += mails;
        of.days = Some(of.days.map_or((row.day, row.day), |(a, b)| (a.min(row.day), b.max(row.day))));
        let week = of.weeks.entry(row.day.week()).or_default();
        week.mails += mails;
        week.senders.insert(row.sender.0);
    }
    found.remove("");
    found
}

impl Refusals {
    /// Oldest week first.
    pub(super) fn weekly(&self) -> Vec<Weekly> {
        self.weeks
            .iter()
            .map(|(week, t)| Weekly { week: *week, senders: t.senders.len() as u64, emails: t.mails })
            .collect()
    }

    /// First and last moment, as far as days tell.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        self.days.map_or((Timestamp(0), Timestamp(0)), |(a, b)| (a.start(), b.start()))
    }
}
