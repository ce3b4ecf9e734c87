//! The sequential test: is this a guesser, or somebody with an old list?
//!
//! Threshold random walk after Jung et al. (IEEE S&P 2004) as a CUSUM: every first contact moves the log-likelihood
//! ratio of "guesser" against "honest"; it never falls below zero, so that years of honesty hide nothing.

use std::collections::BTreeMap;

use super::trail::Try;
use crate::{
    address::{domain_of, local_of},
    ledger::Ledger,
};

/// Chance that an honest origin's first contact is unknown: that of the worst lists in use, 25 to 40 %.
const HONEST: f64 = 0.45;
/// The same for a guesser; the paper's hit 0.91 % of tries.
const GUESSER: f64 = 0.95;
/// What an existing address weighs that others write to anyway: guessers hide among such.
const POPULAR: f64 = 0.25;
/// Failures at one domain that make it a target; slips are single.
const TARGET: usize = 3;
/// Names tried at as many domains are a word list sent round.
const ROUND: usize = 3;
/// Bound of the ratio: 14 failures in a row. Word lists and numbered names get no lower one: honest lists hold `info@`
/// of a thousand firms and `student001` to `student999`.
pub(super) const BOUND: f64 = 10.0;
/// Bound where the names are spellings of the same people's: 7 failures in a row. Nobody's list holds those.
pub(super) const BOUND_VARIANTS: f64 = 5.0;

/// The walk's result: which tries are the campaign's.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Highest value reached.
    pub(super) peak: f64,
    /// Failures it took until [`BOUND_VARIANTS`] was crossed.
    pub(super) delay: usize,
    /// Tries at the targets, failed and not, from first to last guess.
    pub(super) guesses: Vec<(usize, Try)>,
}

/// Walks an origin's tries at its targets; `None` where it has none or never crosses a bound.
pub(super) fn walk(tries: &[(usize, Try)], ledger: &Ledger) -> Option<Walk> {
    let at_targets = targeted(tries, ledger);
    let (mut value, mut peak, mut failed, mut delay, mut crossed) = (0.0_f64, 0.0_f64, 0, 0, None);
    for (i, (_, one)) in at_targets.iter().enumerate() {
        let step = match (one.exists, one.popular) {
            (false, _) => (GUESSER / HONEST).ln(),
            (true, false) => ((1.0 - GUESSER) / (1.0 - HONEST)).ln(),
            (true, true) => POPULAR * ((1.0 - GUESSER) / (1.0 - HONEST)).ln(),
        };
        value = (value + step).max(0.0);
        peak = peak.max(value);
        failed += usize::from(!one.exists);
        if crossed.is_none() && value >= BOUND_VARIANTS {
            (crossed, delay) = (Some(i), failed);
        }
    }
    let crossed = crossed?;
    Some(Walk { peak, delay, guesses: around(&at_targets, crossed) })
}

/// Tries at domains where more failed than slips explain, or of names tried at several domains.
fn targeted(tries: &[(usize, Try)], ledger: &Ledger) -> Vec<(usize, Try)> {
    let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
    let mut locals: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, one) in tries.iter().filter(|(_, one)| !one.exists) {
        let address = ledger.names.text(one.recipient);
        *domains.entry(domain_of(address)).or_default() += 1;
        *locals.entry(local_of(address)).or_default() += 1;
    }
    let aimed = |one: &Try| {
        let address = ledger.names.text(one.recipient);
        domains.get(domain_of(address)).is_some_and(|n| *n >= TARGET)
            || locals.get(local_of(address)).is_some_and(|n| *n >= ROUND)
    };
    tries.iter().filter(|(_, one)| aimed(one)).copied().collect()
}

/// The tries that belong together with the one at `crossed`: no pause between failures longer than eight times the
/// usual one, or two days. An address that exists belongs to them if it was tried among them, or one usual pause apart.
fn around(tries: &[(usize, Try)], crossed: usize) -> Vec<(usize, Try)> {
    let failed: Vec<usize> = (0..tries.len()).filter(|&i| !tries[i].1.exists).collect();
    let pause = |a: usize, b: usize| tries[b].1.at.0 - tries[a].1.at.0;
    let here = failed.partition_point(|&i| i < crossed).min(failed.len() - 1);
    let mut usual: Vec<i64> = failed[..=here].windows(2).map(|w| pause(w[0], w[1])).collect();
    usual.sort_unstable();
    let usual = usual.get(usual.len() / 2).copied().unwrap_or(0);
    let longest = (8 * usual).max(2 * 86_400);
    let (mut first, mut last) = (here, here);
    while first > 0 && pause(failed[first - 1], failed[first]) <= longest {
        first -= 1;
    }
    while last + 1 < failed.len() && pause(failed[last], failed[last + 1]) <= longest {
        last += 1;
    }
    let (from, to) = (tries[failed[first]].1.at.0 - 3 * usual.max(60), tries[failed[last]].1.at.0 + 3 * usual.max(60));
    tries.iter().filter(|(_, one)| (from..=to).contains(&one.at.0)).copied().collect()
}
