//! How good the search is: planted attacks found whole, early and with exactly their hits, innocents left alone; the
//! worst world beside the mean.

use std::{collections::BTreeMap, fmt};

use hashbrown::HashSet;

use super::{Campaign, Test, find};
use crate::{
    address::domain_of,
    ledger::Ledger,
    moment::{Timestamp, Window},
};

/// An attack that is known to be there.
#[derive(Debug, Clone, Default)]
pub struct Planted {
    /// `paper_case`, `slow` …
    pub kind: String,
    /// Envelope senders and client addresses.
    pub origins: HashSet<String>,
    /// Domains guessed at.
    pub targets: HashSet<String>,
    /// Addresses it confirmed, sorted.
    pub confirmed: Vec<String>,
    /// First and last guess.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
}

/// Somebody who only looks like one.
#[derive(Debug, Clone, Default)]
pub struct Innocent {
    /// `stale_list` …
    pub kind: String,
    /// Envelope sender or client address.
    pub origin: String,
}

/// Scores of one kind of story over all worlds.
#[derive(Debug, Clone, Default, PartialEq)]
struct Row {
    planted: usize,
    found: usize,
    exact: usize,
    /// Guesses before the first alert, one entry a found attack.
    delays: Vec<usize>,
    /// Share of the attack's origins in its campaign, and of the campaign's that are its own.
    whole: Vec<f64>,
    pure: Vec<f64>,
}

/// Scores over worlds.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    worlds: usize,
    attacks: BTreeMap<String, Row>,
    /// By kind: how many there were, how many were flagged.
    innocents: BTreeMap<String, (usize, usize)>,
    /// Senders and clients in campaigns that belong to nothing planted, and in how many worlds.
    strays: Vec<String>,
    stray_worlds: usize,
    /// Senders in all.
    senders: usize,
    misses: Vec<String>,
}

/// The class of a kind of attack, for the classes that are held to a recall each.
fn class(kind: &str) -> &'static str {
    match kind {
        "name_mutations" => "name permutations",
        "slow" => "low and slow",
        "diluted" => "diluted",
        "colluding" | "shared_account" => "shared account",
        "distributed" | "crowd" | "snowshoe_24" | "snowshoe_48" | "shared_botnet" => "distributed",
        _ => "fast",
    }
}

impl Evaluation {
    /// Takes in one world, called `name`.
    pub fn add(&mut self, name: &str, ledger: &Ledger, planted: &[Planted], innocents: &[Innocent], test: &Test) {
        self.worlds += 1;
        let campaigns = find(ledger, test);
        let origins = |c: &Campaign| c.senders.iter().chain(&c.ips).cloned().collect::<HashSet<String>>();
        let found: Vec<HashSet<String>> = campaigns.iter().map(origins).collect();
        for attack in planted {
            let row = self.attacks.entry(attack.kind.clone()).or_default();
            row.planted += 1;
            let Some(best) = best(attack, &campaigns, &found) else {
                self.misses.push(format!("{name}: {} was not found", attack.kind));
                continue;
            };
            row.found += 1;
            let exact = campaigns[best].confirmed == attack.confirmed;
            row.exact += usize::from(exact);
            let shared = found[best].intersection(&attack.origins).count() as f64;
            let (whole, pure) = (shared / attack.origins.len() as f64, shared / found[best].len() as f64);
            row.whole.push(whole);
            row.pure.push(pure);
            if !exact || whole < 0.95 || pure < 0.99 {
                self.misses.push(format!(
                    "{name}: {}: {} of {} hits told, {whole:.2} whole, {pure:.2} pure",
                    attack.kind,
                    campaigns[best].confirmed.len(),
                    attack.confirmed.len()
                ));
            }
            if let Some(delay) = delay(attack, ledger, test) {
                row.delays.push(delay);
            }
        }
        let flagged: HashSet<&String> = found.iter().flatten().collect();
        for innocent in innocents {
            let row = self.innocents.entry(innocent.kind.clone()).or_default();
            row.0 += 1;
            if flagged.contains(&innocent.origin) {
                row.1 += 1;
                self.misses.push(format!("{name}: innocent {} {} is flagged", innocent.kind, innocent.origin));
            }
        }
        let guilty: HashSet<&String> = planted.iter().flat_map(|attack| &attack.origins).collect();
        let mut strays: Vec<String> =
            flagged.iter().filter(|o| !guilty.contains(*o)).map(|o| format!("{name}: {o}")).collect();
        strays.sort();
        self.stray_worlds += usize::from(!strays.is_empty());
        self.strays.extend(strays);
        self.senders += ledger.contacts.keys().map(|key| key.sender).collect::<HashSet<_>>().len();
    }

    /// Whether every promise holds (README, "eval campaigns").
    pub fn holds(&self) -> bool {
        self.failures().is_empty()
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut demand = |what: String, holds: bool| {
            if !holds {
                failures.push(what);
            }
        };
        for (class, row) in self.classes() {
            let floor = if matches!(class, "low and slow" | "diluted") { 0.95 } else { 1.0 };
            demand(
                format!("{class}: recall {:.3} of {floor}", share(row.found, row.planted)),
                share(row.found, row.planted) >= floor,
            );
            demand(format!("{class}: {} of {} lists exact", row.exact, row.found), row.exact == row.found);
            demand(format!("{class}: campaigns whole {:.3}", mean(&row.whole)), mean(&row.whole) >= 0.95);
            demand(format!("{class}: campaigns pure {:.3}", mean(&row.pure)), mean(&row.pure) >= 0.99);
        }
        let classes = self.classes();
        for (kind, most) in [("fast", 8), ("name permutations", 20)] {
            if let Some(row) = classes.get(kind).filter(|row| !row.delays.is_empty()) {
                let median = median(&row.delays);
                demand(format!("{kind}: {median} guesses before the alert, not {most}"), median <= most);
            }
        }
        let (all, flagged) = self.innocents.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        demand(format!("{flagged} of {all} innocents flagged"), flagged * 1000 <= all);
        failures
    }

    fn classes(&self) -> BTreeMap<&'static str, Row> {
        let mut classes: BTreeMap<&'static str, Row> = BTreeMap::new();
        for (kind, row) in &self.attacks {
            let sum = classes.entry(class(kind)).or_default();
            sum.planted += row.planted;
            sum.found += row.found;
            sum.exact += row.exact;
            sum.delays.extend(&row.delays);
            sum.whole.extend(&row.whole);
            sum.pure.extend(&row.pure);
        }
        classes
    }
}

/// The campaign that shares most origins with the attack, at its targets.
fn best(attack: &Planted, campaigns: &[Campaign], found: &[HashSet<String>]) -> Option<usize> {
    (0..campaigns.len())
        .filter(|&i| campaigns[i].target_domains.iter().any(|t| attack.targets.contains(t)))
        .map(|i| (found[i].intersection(&attack.origins).count(), i))
        .filter(|(shared, _)| *shared > 0)
        .max_by_key(|&(shared, i)| (shared, std::cmp::Reverse(i)))
        .map(|(_, i)| i)
}

/// How many of its guesses were made when the search, knowing nothing of what came later, first finds the attack.
fn delay(attack: &Planted, ledger: &Ledger, test: &Test) -> Option<usize> {
    let named = |n| attack.origins.contains(ledger.names.text(n));
    let mut tries: Vec<Timestamp> = ledger
        .contacts
        .iter()
        .filter(|(key, contact)| {
            (named(key.sender) || named(key.client))
                && attack.targets.contains(domain_of(ledger.names.text(key.recipient)))
                && (attack.first..=attack.last).contains(&contact.first)
        })
        .map(|(_, contact)| contact.first)
        .collect();
    tries.sort_unstable();
    let seen = |n: usize| {
        let past = before(ledger, *tries.get(n.checked_sub(1)?)?);
        let campaigns = find(&past, test);
        let found: Vec<HashSet<String>> =
            campaigns.iter().map(|c| c.senders.iter().chain(&c.ips).cloned().collect()).collect();
        Some(best(attack, &campaigns, &found).is_some())
    };
    // Ever longer beginnings, then the shortest that is enough.
    let (mut short, mut enough) = (0, 6.min(tries.len()));
    while !seen(enough)? {
        if enough == tries.len() {
            return None;
        }
        short = enough;
        enough = (enough + enough / 3 + 1).min(tries.len());
    }
    while short + 1 < enough {
        let middle = (short + enough) / 2;
        if seen(middle)? { enough = middle } else { short = middle }
    }
    Some(enough)
}

/// What was known at a moment.
fn before(ledger: &Ledger, now: Timestamp) -> Ledger {
    let (names, introduced) = (ledger.names.clone(), ledger.introduced.clone());
    let mut past = Ledger { names, introduced, ..Ledger::default() };
    for (key, mut contact) in ledger.contacts.iter().filter(|(_, contact)| contact.first <= now) {
        contact.last = contact.last.min(now);
        contact.accepted_span = match contact.accepted_span.bounds() {
            Some((first, last)) if first <= now => Window::between(first, last.min(now)),
            _ => Window::default(),
        };
        past.contacts.meet(key, contact);
    }
    past.refusals = ledger.refusals.iter().filter(|(key, _)| key.day <= now.day()).map(|(key, n)| (*key, *n)).collect();
    past
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} worlds; each line: found / planted, exact hit lists, guesses before the alert (median, worst),",
            self.worlds
        )?;
        writeln!(f, "origins of the attack in its campaign and of the campaign in the attack (mean, worst)\n")?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, row: &Row| {
            writeln!(
                f,
                "{name:<22} {:>4}/{:<4} exact {:>4}  alert {:>4} {:>5}  whole {:.3} {:.3}  pure {:.3} {:.3}",
                row.found,
                row.planted,
                row.exact,
                median(&row.delays),
                row.delays.iter().max().copied().unwrap_or(0),
                mean(&row.whole),
                worst(&row.whole),
                mean(&row.pure),
                worst(&row.pure)
            )
        };
        for (kind, row) in &self.attacks {
            line(f, kind, row)?;
        }
        writeln!(f)?;
        for (class, row) in &self.classes() {
            line(f, class, row)?;
        }
        writeln!(f, "\ninnocents flagged, of all:")?;
        for (kind, (all, flagged)) in &self.innocents {
            writeln!(f, "{kind:<22} {flagged:>4} of {all}")?;
        }
        let (all, flagged) = self.innocents.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        writeln!(f, "{:<22} {flagged:>4} of {all}: {:.2} per 1,000", "together", 1000.0 * share(flagged, all))?;
        writeln!(
            f,
            "origins in campaigns that nobody planted: {} of {} senders, in {} worlds",
            self.strays.len(),
            self.senders,
            self.stray_worlds
        )?;
        for stray in self.misses.iter().chain(&self.strays).take(60) {
            writeln!(f, "  {stray}")?;
        }
        let failures = self.failures();
        writeln!(f, "\n{}", if failures.is_empty() { "every promise holds" } else { "promises that do not hold:" })?;
        failures.iter().try_for_each(|failure| writeln!(f, "  {failure}"))
    }
}

fn share(n: usize, of: usize) -> f64 {
    if of == 0 { 1.0 } else { n as f64 / of as f64 }
}

fn mean(of: &[f64]) -> f64 {
    if of.is_empty() { 1.0 } else { of.iter().sum::<f64>() / of.len() as f64 }
}

fn worst(of: &[f64]) -> f64 {
    of.iter().copied().fold(1.0, f64::min)
}

fn median(of: &[usize]) -> usize {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
