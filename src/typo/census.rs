//! Who receives mail, per domain and per sender, read off the ledger.

use std::ops::Range;

use rayon::prelude::*;

use super::person::Look;
use crate::{
    address::local_of,
    delivery::Direction,
    hash::stable_hash,
    ledger::{Contact, ContactKey, Domain, Ledger, Name, Names},
    merge::Merge,
    moment::{Timestamp, Window},
};

/// Of one sender's correspondents at a domain so many are compared with a wrong address: those with the most mail.
const MAX_CORRESPONDENTS: usize = 5_000;
/// Of one domain's users so many are compared: those with the most mail.
const MAX_LOCALS: usize = 200_000;

/// So many mails that a domain's users send away stand for one that they write to each other.
const OWN: u64 = 20;

/// What is known of one domain or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Mails accepted.
    pub accepted: u64,
    /// Distinct senders whose mail was accepted.
    pub senders: u64,
    /// First and last accepted mail.
    pub accepted_span: Window,
    /// Of a domain: mails of its users that were accepted.
    pub sent: u64,
    /// Of a domain: whether we take mail in for it.
    pub ours: bool,
}

/// An address's [`Standing`] in 16 bytes, as there are millions; [`Ledger::contacts`] hold no more either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Reached {
    accepted: u32,
    senders: u32,
    /// Of accepted mail, where there is any.
    first: u32,
    last: u32,
}

/// That a sender reached a recipient, with how much of its own mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    sender: Name,
    recipient: Name,
    sent: u32,
}

impl Pair {
    /// Those of one place stand together.
    fn place(&self, names: &Names) -> (Name, Domain) {
        (self.sender, names.domain(self.recipient))
    }
}

/// Who receives mail; borrows the ledger's names.
#[derive(Debug, Clone, Default)]
pub struct Census<'l> {
    names: Option<&'l Names>,
    /// By domain.
    domains: Vec<Standing>,
    /// By name.
    addresses: Vec<Reached>,
    /// Who reached whom, sorted: those that one sender reached at one domain stand together.
    pairs: Vec<Pair>,
    /// Where in `pairs` a sender's begin, by name; those of the next one begin where they end. Four billion would take
    /// 48 GB.
    sent: Vec<u32>,
    /// Addresses by domain.
    by_domain: Vec<Name>,
    /// Where in `by_domain` a domain's begin, by domain.
    users: Vec<u32>,
    /// What those in `by_domain` look like, by name.
    looks: Vec<Look>,
    /// Domains that were met, by name.
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
            addresses: vec![Reached::default(); names.len()],
            ..Census::default()
        };
        let reached = || {
            let accepted = ledger.contacts.iter().filter(|(_, contact)| contact.accepted > 0);
            accepted.filter(|(key, _)| names.domain(key.recipient) != Domain(0))
        };
        census.sent = starts(names.len(), reached().map(|(key, _)| key.sender.0));
        let mut next = census.sent.clone();
        // Each beside the others of its sender at once, where it stands: there are millions.
        let mut pairs = vec![Pair { sender: Name::NONE, recipient: Name::NONE, sent: 0 }; next[names.len()] as usize];
        for (ContactKey { sender, recipient, direction, .. }, contact) in reached() {
            let domain = names.domain(recipient);
            let Contact { accepted, accepted_span, .. } = contact;
            census.addresses[recipient.0 as usize].absorb(&contact);
            let ours = direction == Direction::In;
            census.domains[domain.0 as usize].absorb(Standing { accepted, accepted_span, ours, ..Standing::default() });
            let sent = if direction == Direction::Out { saturated(accepted) } else { 0 };
            census.domains[names.domain(sender).0 as usize].sent += u64::from(sent);
            let at = &mut next[sender.0 as usize];
            pairs[*at as usize] = Pair { sender, recipient, sent };
            *at += 1;
        }
        // The same sender through several clients is one: sorted, they stand together.
        pairs.par_chunk_by_mut(|a, b| a.sender == b.sender).for_each(|of_sender| {
            of_sender.sort_unstable_by_key(|pair| (names.domain(pair.recipient), pair.recipient))
        });
        for of_sender in pairs.chunk_by(|a, b| a.place(names) == b.place(names)) {
            let (_, domain) = of_sender[0].place(names);
            census.domains[domain.0 as usize].senders += 1;
            for of_pair in of_sender.chunk_by(|a, b| a.recipient == b.recipient) {
                census.addresses[of_pair[0].recipient.0 as usize].senders += 1;
            }
        }
        census.pairs = pairs;
        census.mails = census.domains.iter().map(|d| d.accepted).sum();
        census.group();
        census
    }

    /// Brings domains and their users together; most are never asked for, and so in no order yet.
    fn group(&mut self) {
        let Some(names) = self.names else { return };
        let numbers = (0..).map(Domain).take(self.domains.len());
        self.sorted = numbers.filter(|d| *d != Domain(0) && self.domains[d.0 as usize].met() > 0).collect();
        self.sorted.sort_unstable_by_key(|domain| names.domain_text(*domain));
        let users = || (0..).map(Name).zip(&self.addresses).filter(|(_, s)| s.accepted > 0).map(|(name, _)| name);
        self.users = starts(self.domains.len(), users().map(|name| names.domain(name).0));
        let mut next = self.users.clone();
        let mut by_domain = vec![Name::NONE; next[self.domains.len()] as usize];
        for name in users() {
            let at = &mut next[names.domain(name).0 as usize];
            by_domain[*at as usize] = name;
            *at += 1;
        }
        self.by_domain = by_domain;
        let numbered = self.addresses.par_iter().zip(0..self.addresses.len() as u32);
        let look = |(known, n): (&Reached, u32)| match known.accepted {
            0 => Look::default(),
            _ => Look::of(local_of(names.text(Name(n)))),
        };
        self.looks = numbered.map(look).collect();
    }

    /// A domain's standing; `None` when it never accepted mail.
    pub fn domain(&self, domain: &str) -> Option<&Standing> {
        let known = &self.domains[self.names?.find_domain(domain)?.0 as usize];
        (known.accepted > 0).then_some(known)
    }

    /// Whether we take mail in for a domain.
    pub fn is_ours(&self, domain: &str) -> bool {
        let known = || self.names?.find_domain(domain).map(|found| self.domains[found.0 as usize].ours);
        known().unwrap_or(false)
    }

    /// An address's standing; `None` when it never accepted mail.
    pub fn address(&self, address: &str) -> Option<Standing> {
        let known = self.addresses[self.names?.find(address)?.0 as usize];
        (known.accepted > 0).then(|| known.standing())
    }

    /// Domains that accepted mail, or whose users write much, with how many mails they took, sorted by name.
    pub fn domains(&self) -> Vec<(&'l str, u64)> {
        let Some(names) = self.names else { return Vec::new() };
        self.sorted.iter().map(|d| (names.domain_text(*d), self.domains[d.0 as usize].met())).collect()
    }

    /// Mails accepted in all.
    pub fn mails(&self) -> u64 {
        self.mails
    }

    /// Whom a sender reached at a domain, with how many mails, of those who look right; and how many mails it sent to all
    /// of them: at most a few thousand, those with most mail.
    pub(super) fn correspondents(
        &self,
        sender: &str,
        domain: &str,
        looks_right: impl Fn(Look) -> bool,
    ) -> (Vec<(&'l str, u64)>, u64) {
        let known = || {
            let names = self.names?;
            let (sender, domain) = (names.find(sender).filter(|name| *name != Name::NONE)?, names.find_domain(domain)?);
            let pairs = &self.pairs[place(&self.sent, sender.0)];
            let start = pairs.partition_point(|pair| names.domain(pair.recipient) < domain);
            let reached = &pairs[start..];
            let end = reached.partition_point(|pair| names.domain(pair.recipient) == domain);
            let of_each = reached[..end]
                .chunk_by(|a, b| a.recipient == b.recipient)
                .map(|pairs| (pairs[0].recipient, pairs.iter().map(|pair| u64::from(pair.sent)).sum()));
            let mut known: Vec<(Name, u64)> = of_each.filter(|(_, sent)| *sent > 0).collect();
            if known.len() > MAX_CORRESPONDENTS {
                known = most(known, MAX_CORRESPONDENTS, |name| names.text(name));
            }
            let all = known.iter().map(|(_, sent)| sent).sum();
            let right = known.into_iter().filter(|(name, _)| looks_right(self.looks[name.0 as usize]));
            Some((right.map(|(name, sent)| (names.text(name), sent)).collect(), all))
        };
        known().unwrap_or_default()
    }

    /// About `most` addresses that receive mail, drawn by lot: the same ones for the same mail.
    pub fn addresses_sample(&self, most: usize) -> Vec<&'l str> {
        let Some(names) = self.names else { return Vec::new() };
        let each = self.by_domain.len().div_ceil(most.max(1)).max(1) as u64;
        let texts = self.by_domain.iter().map(|name| names.text(*name));
        let mut drawn: Vec<&str> = texts.filter(|text| stable_hash(text.as_bytes()).is_multiple_of(each)).collect();
        drawn.sort_unstable();
        drawn
    }

    /// The addresses of a domain that receive mail, most mail first, at most [`MAX_LOCALS`].
    pub fn locals(&self, domain: &str) -> Vec<(&'l str, u64)> {
        let known = || {
            let names = self.names?;
            let users = &self.by_domain[place(&self.users, names.find_domain(domain)?.0)];
            let mails = |name: &Name| u64::from(self.addresses[name.0 as usize].accepted);
            Some(most(users.iter().map(|name| (names.text(*name), mails(name))).collect(), MAX_LOCALS, |text| text))
        };
        known().unwrap_or_default()
    }
}

/// Where each of so many numbers' begin, when all that have the numbers `of` are brought together, and where the last ends.
fn starts(numbers: usize, of: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut starts = vec![0; numbers + 1];
    of.for_each(|number| starts[number as usize + 1] += 1);
    for number in 1..starts.len() {
        starts[number] += starts[number - 1];
    }
    starts
}

fn place(starts: &[u32], number: u32) -> Range<usize> {
    starts[number as usize] as usize..starts[number as usize + 1] as usize
}

/// The first ones by mail, then by name.
fn most<'t, T: Copy>(mut known: Vec<(T, u64)>, most: usize, text: impl Fn(T) -> &'t str) -> Vec<(T, u64)> {
    known.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| text(a.0).cmp(text(b.0))));
    known.truncate(most);
    known
}

impl Reached {
    fn absorb(&mut self, contact: &Contact) {
        let Some((first, last)) = contact.accepted_span.bounds() else { return };
        let moment = |at: Timestamp| saturated(u64::try_from(at.0).unwrap_or_default());
        self.first = if self.accepted == 0 { moment(first) } else { self.first.min(moment(first)) };
        self.last = self.last.max(moment(last));
        self.accepted = self.accepted.saturating_add(saturated(contact.accepted));
    }

    fn standing(self) -> Standing {
        let moment = |at: u32| Timestamp(i64::from(at));
        Standing {
            accepted: u64::from(self.accepted),
            senders: u64::from(self.senders),
            accepted_span: Window::between(moment(self.first), moment(self.last)),
            ..Standing::default()
        }
    }
}

fn saturated(n: u64) -> u32 {
    n.min(u64::from(u32::MAX)) as u32
}

impl Standing {
    fn absorb(&mut self, other: Standing) {
        self.accepted += other.accepted;
        self.senders += other.senders;
        self.accepted_span.merge(other.accepted_span);
        self.sent += other.sent;
        self.ours |= other.ours;
    }

    /// How often a domain was met as somebody's to write to: mail among its own users need not be in these logs.
    fn met(&self) -> u64 {
        self.accepted.max(self.sent / OWN)
    }
}
