//! The noisy channel's numbers fitted to confirmed typos.

use std::collections::BTreeMap;

use super::{
    Edit, Parameters,
    domain::domain_or_all,
    edit::{Change, changes, word_changes},
    keyboard,
    person::{self, Way},
};
use crate::address::{domain_of, fold, local_of};

/// What is known beforehand counts as so many pairs, so that a few pairs do not forbid the kinds they lack.
const PRIOR: f64 = 20.0;

/// What somebody found out about a bounced address or domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// As typed.
    pub typed: String,
    /// As meant; `None` where it was no typo at all.
    pub meant: Option<String>,
}

/// How much of what was given taught something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learned {
    /// Wrong domains within two slips.
    pub domains: usize,
    /// Wrong usernames within two slips, or the same person's name written another way.
    pub usernames: usize,
    /// Names that were no typo.
    pub strangers: usize,
    /// Pairs that no slip explains.
    pub unexplained: usize,
}

/// Counted shares: of each kind, how often.
#[derive(Default)]
struct Counts {
    kinds: BTreeMap<String, f64>,
    tails: BTreeMap<String, BTreeMap<String, f64>>,
    ways: BTreeMap<Way, f64>,
    all: f64,
    twice: f64,
    letters: f64,
    beside: f64,
    learned: Learned,
}

/// Fits the shares; what the pairs cannot tell stays as in `base`. An address teaches its wrong half.
pub fn learn(confirmed: &[Confirmed], base: &Parameters) -> (Parameters, Learned) {
    let mut counts = Counts::default();
    for pair in confirmed {
        counts.take(pair, base);
    }
    (counts.fit(base), counts.learned)
}

impl Counts {
    fn take(&mut self, pair: &Confirmed, base: &Parameters) {
        let typed = fold(&pair.typed);
        let Some(meant) = pair.meant.as_deref().map(fold).filter(|meant| *meant != typed) else {
            self.learned.strangers += 1;
            return;
        };
        if domain_of(&typed) == domain_of(&meant) && typed.contains('@') {
            let (local, wrong) = (local_of(&meant), local_of(&typed));
            if let Some(found) = word_changes(local, wrong, base) {
                self.learned.usernames += 1;
                self.count(&found);
            } else if let Some((_, way)) = person::variant(local, wrong) {
                self.learned.usernames += 1;
                *self.ways.entry(way).or_default() += 1.0;
            } else {
                self.learned.unexplained += 1;
            }
            return;
        }
        match changes(domain_or_all(&meant), domain_or_all(&typed), base) {
            Some(found) => {
                self.learned.domains += 1;
                self.count(&found);
            }
            None => self.learned.unexplained += 1,
        }
    }

    fn count(&mut self, found: &[Change]) {
        self.all += 1.0;
        self.twice += f64::from(u8::from(found.len() > 1));
        for change in found {
            *self.kinds.entry(change.edit.name().to_owned()).or_default() += 1.0;
            if change.edit == Edit::Tld {
                *self.tails.entry(change.from.clone()).or_default().entry(change.to.clone()).or_default() += 1.0;
            }
            let letters = (change.edit, change.from.chars().next(), change.to.chars().next());
            if let (Edit::Substitution, Some(a), Some(b)) = letters {
                self.letters += 1.0;
                self.beside += f64::from(u8::from(keyboard::neighbours(a, b)));
            }
        }
    }

    fn fit(&self, base: &Parameters) -> Parameters {
        let mut fitted = base.clone();
        let share = |before: f64, n: f64, of: f64| (before * PRIOR + n) / (PRIOR + of);
        for (kind, n) in &self.kinds {
            *fitted.kinds.entry(kind.clone()).or_default() += n / PRIOR;
        }
        let sum: f64 = fitted.kinds.values().sum();
        fitted.kinds.values_mut().for_each(|k| *k /= sum.max(f64::MIN_POSITIVE));
        for (from, slips) in &self.tails {
            let of: f64 = slips.values().sum();
            let row = fitted.tld.named.entry(from.clone()).or_default();
            for to in slips.keys() {
                row.entry(to.clone()).or_default();
            }
            row.iter_mut().for_each(|(to, s)| *s = share(*s, slips.get(to).copied().unwrap_or(0.0), of));
        }
        fitted.second = share(base.second, self.twice, self.all);
        fitted.neighbour = share(base.neighbour, self.beside, self.letters);
        let (typos, strangers) = (self.learned.domains as f64, self.learned.strangers as f64);
        if strangers > 0.0 {
            // Slips beside `unlisted`, whose weight stays.
            let odds = share(base.slip / (base.slip + base.unlisted), typos, typos + strangers);
            fitted.slip = (base.unlisted * odds / (1.0 - odds)).min(1.0);
        }
        let of = self.learned.usernames as f64;
        let users = &mut fitted.usernames;
        for (way, s) in [
            (Way::Order, &mut users.order),
            (Way::Separator, &mut users.separator),
            (Way::Initial, &mut users.initial),
            (Way::Digits, &mut users.digits),
            (Way::Tag, &mut users.tag),
        ] {
            *s = share(*s, self.ways.get(&way).copied().unwrap_or(0.0), of);
        }
        fitted
    }
}
