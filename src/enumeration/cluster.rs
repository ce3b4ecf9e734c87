//! Suspects that work together → one campaign each.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::{
    Campaign, Pattern,
    bond::{self, Bond, Bonds},
    join::{self, Join},
    origin::Origin,
    pattern,
    sequential::Crossing,
    trail::{Bystanders, Try},
};
use crate::{
    address::domain_of,
    hash::stable_hash,
    ledger::{Ledger, Name},
    moment::Timestamp,
};

/// An origin that crossed a bound.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    pub(super) origin: Origin,
    pub(super) crossing: Crossing,
    pub(super) pattern: Pattern,
    /// Whose mail to addresses that exist may be taken for its own, and the other way round.
    pub(super) bystanders: Bystanders,
}

/// Joins suspects with the same targets at the same time that share tried addresses or an uncommon HELO name, or whose
/// lists are of one make and about one length; whatever one account sent; and who comes back. Sharing a client alone joins
/// nobody: two tenants of a botnet are two campaigns. `common` are words that bind nobody.
pub(super) fn campaigns(suspects: Vec<Suspect>, ledger: &Ledger, common: &HashSet<Bond>) -> Vec<Campaign> {
    let mut groups: Vec<Group> = Vec::new();
    for suspect in suspects {
        let mut group = Group::of(suspect, ledger, common);
        // What a group has taken in may work with yet another one.
        while let Some((at, join)) =
            groups.iter().enumerate().find_map(|(at, known)| Some((at, known.works_with(&group, ledger)?)))
        {
            let mut known = groups.remove(at);
            known.take(group, join);
            group = known;
        }
        groups.push(group);
    }
    groups.into_iter().map(|group| group.campaign(ledger)).collect()
}

/// Suspects found to work together so far.
pub(super) struct Group<'l> {
    pub(super) origins: BTreeSet<Origin>,
    inbound: bool,
    pub(super) tries: Vec<Try>,
    pub(super) tried: BTreeSet<Name>,
    pub(super) targets: BTreeSet<&'l str>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    peak: f64,
    delay: usize,
    pub(super) pattern: Pattern,
    bystanders: Bystanders,
    bonds: Bonds,
    clients: BTreeSet<Name>,
    joins: Vec<Join>,
}

impl<'l> Group<'l> {
    fn of(suspect: Suspect, ledger: &'l Ledger, common: &HashSet<Bond>) -> Self {
        let tries: Vec<Try> = suspect.crossing.guesses.iter().map(|(_, one)| *one).collect();
        let failed = || tries.iter().filter(|one| !one.exists);
        Group {
            inbound: !suspect.origin.is_ours(),
            origins: [suspect.origin].into(),
            tried: tries.iter().map(|one| one.recipient).collect(),
            targets: failed().map(|one| domain_of(ledger.names.text(one.recipient))).collect(),
            first: failed().map(|one| one.at).min().unwrap_or_default(),
            last: failed().map(|one| one.at).max().unwrap_or_default(),
            peak: suspect.crossing.peak,
            delay: suspect.crossing.delay,
            pattern: suspect.pattern,
            bystanders: suspect.bystanders,
            bonds: bond::of(tries.iter(), ledger, common),
            clients: tries.iter().map(|one| one.client).collect(),
            joins: Vec::new(),
            tries,
        }
    }

    /// Why the two are one campaign, if they are.
    fn works_with(&self, other: &Self, ledger: &Ledger) -> Option<Join> {
        const DAY: i64 = 86_400;
        if self.origins.intersection(&other.origins).any(|origin| !origin.is_crowd()) {
            return Some(Join::again(self, other));
        }
        let together = self.first.0 <= other.last.0 + DAY && other.first.0 <= self.last.0 + DAY;
        if self.inbound != other.inbound || !together {
            return None;
        }
        let bond = bond::shared(&self.bonds, &other.bonds, [self.clients.len(), other.clients.len()]);
        let common = self.targets.intersection(&other.targets).count();
        let one_account = matches!(bond, Some(Bond::Login(_)));
        if !one_account && common * 2 < self.targets.len().max(other.targets.len()) {
            return None;
        }
        let (small, large) = (self.tried.len().min(other.tried.len()), self.tried.len().max(other.tried.len()));
        let shared = self.tried.intersection(&other.tried).count();
        let one_make = self.pattern == other.pattern && self.pattern != Pattern::Unclear && large <= 3 * small;
        (shared * 10 >= small || one_make || bond.is_some()).then(|| Join::of(self, other, shared, bond, ledger))
    }

    fn take(&mut self, other: Self, join: Join) {
        self.joins.extend(other.joins);
        self.joins.push(join);
        self.bystanders.left_out += other.bystanders.left_out;
        self.bystanders.by_chance = match (self.bystanders.by_chance, other.bystanders.by_chance) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.origins.extend(other.origins);
        self.clients.extend(other.clients);
        for (bond, who) in other.bonds {
            self.bonds.entry(bond).or_default().extend(who);
        }
        self.tried.extend(other.tried);
        self.targets.extend(other.targets);
        self.tries.extend(other.tries);
        self.tries.sort_by_key(|one| (one.at, one.recipient));
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.peak = self.peak.max(other.peak);
        self.delay = self.delay.min(other.delay);
        if self.pattern == Pattern::Unclear {
            self.pattern = other.pattern;
        }
    }

    fn campaign(self, ledger: &Ledger) -> Campaign {
        let text = |name: Name| ledger.names.text(name).to_owned();
        let sorted = |names: BTreeSet<String>| names.into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>();
        let confirmed: BTreeSet<String> =
            self.tries.iter().filter(|one| one.exists).map(|one| text(one.recipient)).collect();
        let senders: BTreeSet<String> = self.tries.iter().map(|one| text(one.sender)).collect();
        let ips: BTreeSet<String> = self.tries.iter().map(|one| text(one.client)).collect();
        let introduced: BTreeSet<Bond> = bond::of(self.tries.iter(), ledger, &HashSet::new()).into_keys().collect();
        let guesses = self.tried.len() as u64;
        let addresses: Vec<&str> = self.tries.iter().map(|one| ledger.names.text(one.recipient)).collect();
        let pattern = if self.pattern == Pattern::Unclear { pattern::of(&addresses) } else { self.pattern };
        let key = format!("{:?} {}", self.origins, self.first.day());
        let mut why =
            super::score::why(guesses, confirmed.len() as u64, self.targets.len(), self.delay, pattern, &senders, &ips);
        why.extend(join::reasons(&self.origins, &self.joins, &introduced, ledger));
        let lost = self.targets.iter().map(|domain| ledger.let_go_at(domain)).sum();
        why.extend(super::score::doubts(&self.bystanders, if self.inbound { lost } else { 0 }));
        let (mut logins, mut helos) = (BTreeSet::new(), BTreeSet::new());
        for bond in introduced {
            match bond {
                Bond::Login(name) => logins.insert(text(name)),
                Bond::Helo(name) => helos.insert(text(name)),
            };
        }
        let success_rate = confirmed.len() as f64 / guesses.max(1) as f64;
        Campaign {
            id: format!("{:016x}", stable_hash(key.as_bytes())),
            why,
            confidence: super::score::confidence(self.peak, pattern),
            senders: sorted(senders),
            ips: sorted(ips),
            logins: sorted(logins),
            helos: sorted(helos),
            target_domains: self.targets.iter().map(|t| (*t).to_owned()).collect(),
            first_seen: self.first,
            last_seen: self.last,
            guesses,
            confirmed: sorted(confirmed),
            success_rate,
            pattern,
        }
    }
}
