//! The sequential test: is this a guesser, or somebody with an old list?
//!
//! Threshold random walk after Jung et al. (IEEE S&P 2004) as a CUSUM: every first contact moves the log-likelihood
//! ratio of "guesser" against "honest"; it never falls below zero, so that years of honesty hide nothing, and it fades
//! over weeks, so that a slip now and then never adds up.

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};

use super::{
    Test,
    base::Base,
    letters::{Letters, Pace},
    origin::Origin,
    trail::{Trails, Try},
};
use crate::{
    address::local_of,
    ledger::{Domain, Ledger, Name},
};

/// Chance that a guesser's first contact is unknown; the paper's hit 0.91 % of tries.
const GUESSER: f64 = 0.95;
/// What an existing address weighs that others write to anyway: guessers hide among such.
const POPULAR: f64 = 0.25;
/// Failures at one domain that make it a target; slips are single.
const TARGET: usize = 3;
/// The same for an origin of whose first contacts hardly one in ten exists.
const TARGET_OF_MANY: usize = 2;
/// Names tried at as many domains are a word list sent round.
const ROUND: usize = 3;
/// Such names that one domain took, and none it refused, tell that it takes everything.
const TAKES_ALL: usize = 8;
/// Failures beside the present run from which an origin may be a list going stale.
const SLIPS: usize = 3;
/// Domains from which failures are scattered, none of them with more than twice its share of so many.
const SCATTERED: usize = 10;
/// What has been seen weighs half after three weeks.
const HALF_LIFE: f64 = 21.0 * 86_400.0;
/// Seconds within which a visitor writes to whom it found.
const COMES_BACK: i64 = 86_400;
/// What a letter to somebody reached before weighs for honesty, a twentieth of a failure: nobody slips more often.
const LETTER: f64 = 0.0375;
/// What letters weigh together that outweigh a slip.
const ENOUGH: f64 = 20.0 * LETTER;
/// Log-likelihood ratio of names that are spellings of the same people's: nobody's list holds those. Word lists and
/// numbered names add nothing: honest lists hold `info@` of a thousand firms and `student001` to `student999`.
const VARIANTS: f64 = 5.0;

/// An origin's way through its tries at its targets.
pub(super) struct Walk<'o> {
    origin: &'o Origin,
    trails: &'o Trails<'o>,
    /// All of them.
    all: &'o [(usize, Try)],
    /// Those at its targets.
    tries: Vec<(usize, Try)>,
    steps: Vec<Step>,
}

/// After a try.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// The ratio.
    value: f64,
    /// The same with the origin's head start.
    headed: f64,
    /// Failures so far.
    failures: usize,
    /// Whether so many letters came before it that what was earlier is another story.
    anew: bool,
}

/// Where a walk crossed its bound.
#[derive(Debug, Clone)]
pub(super) struct Crossing {
    /// Highest value reached.
    pub(super) peak: f64,
    /// Failures it took.
    pub(super) delay: usize,
    /// Tries at the targets, failed and not, from first to last guess.
    pub(super) guesses: Vec<(usize, Try)>,
}

impl<'o> Walk<'o> {
    /// Walks an origin's tries in the order of time, beside its letters to those it has reached.
    pub(super) fn of(
        origin: &'o Origin,
        tries: &'o [(usize, Try)],
        trails: &'o Trails<'o>,
        letters: &[Letters],
    ) -> Self {
        let aimed = aimed(tries, trails.ledger());
        let mut pace = pace(tries, &aimed, letters, trails.ledger());
        let base = &trails.base;
        let (mut value, mut failures, mut inside, mut before, mut starts) = (0.0_f64, 0, 0, None, 0_u32);
        let mut walk = Walk { origin, trails, all: tries, tries: Vec::new(), steps: Vec::new() };
        for (&(row, one), aimed) in tries.iter().zip(aimed) {
            failures += usize::from(!one.exists);
            if !aimed {
                continue;
            }
            let pause = before.map_or(0, |at: i64| one.at.0 - at) as f64;
            before = Some(one.at.0);
            let weight = weight(&one, base, trails.ledger());
            let letters = pace.as_mut().map_or(0.0, |pace| LETTER * pace.until(one.at.0));
            value = (value * (-pause / HALF_LIFE).exp2() - letters).max(0.0);
            inside = if value > 0.0 { inside } else { 0 };
            let anew = value == 0.0 && letters >= ENOUGH;
            value = (value + weight).max(0.0);
            // Each new start is one more chance to be wrong: a list of thousands has many.
            starts += u32::from(value > 0.0 && inside == 0);
            inside = if value > 0.0 { inside + usize::from(!one.exists) } else { 0 };
            let chances = f64::from(starts.max(1)).ln();
            // Whoever failed nowhere else is no stale list, unless it is one of the operator's few that just begins.
            let head = if value > 0.0 && failures - inside < SLIPS { base.head_start() } else { 0.0 };
            walk.tries.push((row, one));
            walk.steps.push(Step { value: value - chances, headed: value + head - chances, failures, anew });
        }
        walk
    }

    /// Whether it reaches the bound at all, whatever the names.
    pub(super) fn reaches(&self, test: &Test) -> bool {
        self.steps.iter().any(|step| step.reaches_as_variants(test))
    }

    /// Where it first reaches the test's bound.
    pub(super) fn crossing(&self, test: &Test) -> Option<Crossing> {
        self.first(|step| step.headed >= test.bound())
    }

    /// Where it would, if the names are spellings of the same people's.
    pub(super) fn crossing_of_variants(&self, test: &Test) -> Option<Crossing> {
        self.first(|step| step.reaches_as_variants(test))
    }

    /// The first crossing that all tries around it bear out: a list may begin with members who left, but goes on with
    /// ever more who did not; whoever guesses goes on failing.
    fn first(&self, reached: impl Fn(&Step) -> bool) -> Option<Crossing> {
        let mut from = 0;
        while let Some(at) = self.steps.iter().skip(from).position(&reached).map(|n| from + n) {
            let (first, last) = around(&self.tries, at);
            let anew = self.steps[..=at].iter().rposition(|step| step.anew).map_or(first, |n| self.tries[n].1.at.0);
            let first = first.max(anew);
            if self.bears_out(first, last) {
                let peak = self.steps.iter().map(|step| step.headed).fold(0.0, f64::max);
                return Some(Crossing { peak, delay: self.steps[at].failures, guesses: self.guesses(first, last) });
            }
            from = self.tries.partition_point(|(_, one)| one.at.0 <= last).max(at + 1);
        }
        None
    }

    /// Whether what was tried from `first` to `last` looks like guessing, too. Who guesses hides among a few whom others
    /// know; a list that is nowhere at home knows them by itself, and that at some domain most of its few members left is
    /// chance.
    fn bears_out(&self, first: i64, last: i64) -> bool {
        let within = |(_, one): &&(usize, Try)| (first..=last).contains(&one.at.0);
        let weight = |one: &Try| weight(one, &self.trails.base, self.trails.ledger());
        let full = |one: &Try| if one.popular { weight(one) / POPULAR } else { weight(one) };
        let aimed = || self.tries.iter().filter(within).map(|(_, one)| one);
        let sum: f64 = if is_scattered(aimed(), self.trails.ledger()) {
            self.all.iter().filter(within).map(|(_, one)| full(one)).sum()
        } else {
            aimed().map(weight).sum()
        };
        sum > 0.0
    }

    /// What was tried from `first` to `last`. A visitor who did nothing else before comes for mail to those it found within
    /// a day; of ours, what others wrote to before is no guess from a client that guesses nothing.
    fn guesses(&self, first: i64, last: i64) -> Vec<(usize, Try)> {
        let tries = || self.tries.iter().copied();
        let alone = self.origin.is_one_visitor() && !tries().any(|(_, one)| one.exists && one.at.0 < first);
        let until = if alone { last + COMES_BACK } else { last };
        let among = || tries().filter(|(_, one)| (first..=if one.exists { until } else { last }).contains(&one.at.0));
        let guessing: BTreeSet<Name> = among().filter(|(_, one)| !one.exists).map(|(_, one)| one.client).collect();
        let is_letter =
            |one: &Try| self.origin.is_ours() && one.exists && one.popular && !guessing.contains(&one.client);
        among().filter(|(_, one)| !is_letter(one)).collect()
    }
}

impl Step {
    fn reaches_as_variants(&self, test: &Test) -> bool {
        self.value + VARIANTS >= test.bound() || self.headed >= test.bound()
    }
}

fn weight(one: &Try, base: &Base, ledger: &Ledger) -> f64 {
    let honest = base.unknown(ledger.names.domain(one.recipient), one.at.day());
    match (one.exists, one.popular) {
        (false, _) => (GUESSER / honest).ln().max(0.0),
        (true, false) => ((1.0 - GUESSER) / (1.0 - honest)).ln().min(0.0),
        (true, true) => POPULAR * ((1.0 - GUESSER) / (1.0 - honest)).ln().min(0.0),
    }
}

/// How letters come to the domains aimed at; nothing where there are none.
fn pace(tries: &[(usize, Try)], aimed: &[bool], letters: &[Letters], ledger: &Ledger) -> Option<Pace> {
    if letters.is_empty() {
        return None;
    }
    let failed = tries.iter().zip(aimed).filter(|((_, one), aimed)| **aimed && !one.exists);
    let targets: HashSet<Domain> = failed.map(|((_, one), _)| ledger.names.domain(one.recipient)).collect();
    Some(Pace::of(letters, |domain| targets.contains(&domain)))
}

/// Which tries are at domains where more failed than slips explain, or of names tried at several domains.
fn aimed(tries: &[(usize, Try)], ledger: &Ledger) -> Vec<bool> {
    let (mut domains, mut locals): (HashMap<Domain, usize>, HashMap<&str, usize>) = Default::default();
    for (_, one) in tries.iter().filter(|(_, one)| !one.exists) {
        *domains.entry(ledger.names.domain(one.recipient)).or_default() += 1;
        *locals.entry(local_of(ledger.names.text(one.recipient))).or_default() += 1;
    }
    let failed: usize = domains.values().sum();
    let target = if failed * 10 >= tries.len() * 9 { TARGET_OF_MANY } else { TARGET };
    locals.retain(|_, n| *n >= ROUND);
    let round = |one: &Try| !locals.is_empty() && locals.contains_key(local_of(ledger.names.text(one.recipient)));
    // Who asks at a domain that takes everything has confirmed nobody, nor shown to be honest.
    let mut taken: HashMap<Domain, usize> = HashMap::new();
    for domain in
        tries.iter().filter(|(_, one)| one.exists && round(one)).map(|(_, one)| ledger.names.domain(one.recipient))
    {
        *taken.entry(domain).or_default() += usize::from(!domains.contains_key(&domain));
    }
    taken.retain(|_, n| *n >= TAKES_ALL);
    domains.retain(|_, n| *n >= target);
    let aimed = |one: &Try| {
        let domain = ledger.names.domain(one.recipient);
        domains.contains_key(&domain) || round(one) && !taken.contains_key(&domain)
    };
    tries.iter().map(|(_, one)| aimed(one)).collect()
}

/// Whether failures are at many domains, few at each, and hardly a name comes twice: nothing that could be a target, nor a
/// word list sent round.
fn is_scattered<'a>(tries: impl Iterator<Item = &'a Try>, ledger: &Ledger) -> bool {
    let (mut domains, mut locals): (HashMap<Domain, usize>, BTreeSet<&str>) = Default::default();
    for one in tries.filter(|one| !one.exists) {
        *domains.entry(ledger.names.domain(one.recipient)).or_default() += 1;
        locals.insert(local_of(ledger.names.text(one.recipient)));
    }
    let failed: usize = domains.values().sum();
    let most = domains.values().copied().max().unwrap_or(0);
    domains.len() >= SCATTERED && most * SCATTERED <= 2 * failed && locals.len() * 10 >= failed * 9
}

/// From when to when tries belong together with the one at `crossed`: no pause between failures longer than eight times the
/// usual one, or two days. An address that exists belongs to them if it was tried among them, or one usual pause apart.
fn around(tries: &[(usize, Try)], crossed: usize) -> (i64, i64) {
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
    (tries[failed[first]].1.at.0 - 3 * usual.max(60), tries[failed[last]].1.at.0 + 3 * usual.max(60))
}
