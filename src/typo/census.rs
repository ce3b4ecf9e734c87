//! Who receives mail and who is refused, per domain and per sender, read off the ledger.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::Weekly;
use crate::{
    address::domain_of,
    bounce::BounceType,
    delivery::Direction,
    ledger::Ledger,
    merge::Merge,
    moment::{Day, Timestamp, Week, Window},
};

/// Of one sender's correspondents so many are compared with a wrong address.
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
    domains: HashMap<&'l str, Standing>,
    addresses: HashMap<&'l str, Standing>,
    correspondents: HashMap<&'l str, Vec<(&'l str, u64)>>,
    /// Addresses by domain, then most mail first.
    by_domain: Vec<(&'l str, u64)>,
    mails: u64,
}

impl<'l> Census<'l> {
    /// Of everything a ledger holds. Mail accepted in either direction shows that an address lives.
    pub fn from_ledger(ledger: &'l Ledger) -> Self {
        let mut census = Census::default();
        let mut pairs: Vec<_> = ledger.contacts.iter().filter(|(_, c)| c.accepted > 0).collect();
        // The same sender through several clients is one: sorted, they stand together.
        pairs.sort_unstable_by_key(|(k, _)| **k);
        let mut before = None;
        let mut by_domain: HashSet<(u32, &str)> = HashSet::new();
        for (key, contact) in pairs {
            let (sender, recipient) = (ledger.names.text(key.sender), ledger.names.text(key.recipient));
            let domain = domain_of(recipient);
            if domain.is_empty() {
                continue;
            }
            let again = before.replace((key.sender, key.recipient)) == Some((key.sender, key.recipient));
            census.mails += contact.accepted;
            let address = census.addresses.entry(recipient).or_default();
            address.accepted += contact.accepted;
            address.senders += u64::from(!again);
            address.accepted_span.merge(contact.accepted_span);
            let standing = census.domains.entry(domain).or_default();
            standing.accepted += contact.accepted;
            standing.senders += u64::from(by_domain.insert((key.sender.0, domain)));
            standing.accepted_span.merge(contact.accepted_span);
            if key.direction == Direction::Out && !sender.is_empty() {
                let known = census.correspondents.entry(sender).or_default();
                let room = known.len() < MAX_CORRESPONDENTS;
                match known.last_mut() {
                    Some((last, mails)) if *last == recipient => *mails += contact.accepted,
                    _ if room => known.push((recipient, contact.accepted)),
                    _ => {}
                }
            }
        }
        census.by_domain = census.addresses.iter().map(|(a, s)| (*a, s.accepted)).collect();
        sort_by_domain(&mut census.by_domain);
        census.correspondents.values_mut().for_each(|known| sort_by_domain(known));
        census
    }

    /// A domain's standing; `None` when it never accepted mail.
    pub fn domain(&self, domain: &str) -> Option<&Standing> {
        self.domains.get(domain)
    }

    /// An address's standing; `None` when it never accepted mail.
    pub fn address(&self, address: &str) -> Option<&Standing> {
        self.addresses.get(address)
    }

    /// Domains that accepted mail with how many mails they took, sorted by name.
    pub fn domains(&self) -> Vec<(&'l str, u64)> {
        let mut all: Vec<_> = self.domains.iter().map(|(d, s)| (*d, s.accepted)).collect();
        all.sort_unstable();
        all
    }

    /// Mails accepted in all.
    pub fn mails(&self) -> u64 {
        self.mails
    }

    /// Whom a sender reached at a domain, with how many mails: at most a few thousand.
    pub fn correspondents(&self, sender: &str, domain: &str) -> &[(&'l str, u64)] {
        let known = self.correspondents.get(sender).map_or(&[][..], Vec::as_slice);
        at_domain(known, domain)
    }

    /// Up to `most` addresses that receive mail, spread evenly.
    pub fn addresses_sample(&self, most: usize) -> Vec<&'l str> {
        let step = self.by_domain.len().div_ceil(most.max(1)).max(1);
        self.by_domain.iter().step_by(step).map(|(a, _)| *a).collect()
    }

    /// The addresses of a domain that receive mail, most mail first, at most [`MAX_LOCALS`].
    pub fn locals(&self, domain: &str) -> &[(&'l str, u64)] {
        let all = at_domain(&self.by_domain, domain);
        &all[..all.len().min(MAX_LOCALS)]
    }
}

/// Those at `domain`, of addresses sorted by domain.
fn at_domain<'a, 'l>(sorted: &'a [(&'l str, u64)], domain: &str) -> &'a [(&'l str, u64)] {
    let start = sorted.partition_point(|(a, _)| domain_of(a) < domain);
    let len = sorted[start..].partition_point(|(a, _)| domain_of(a) == domain);
    &sorted[start..start + len]
}

/// By domain, then most mail first.
fn sort_by_domain(addresses: &mut [(&str, u64)]) {
    addresses.sort_unstable_by(|a, b| domain_of(a.0).cmp(domain_of(b.0)).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
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
