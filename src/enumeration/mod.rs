//! First contacts → campaigns of address guessing.
//!
//! In: the ledger's contacts: who wrote to whom for the first time, and whether that address existed.
//! Out: [`Campaign`]s with their window, guesses, the addresses they confirmed, and the reasons in words.
//! Never: alerts, counts attempts (a failed mail has about five replies; distinct recipients count), or takes one of
//! our own outgoing servers for an attacker.

mod base;
mod bond;
mod cluster;
mod dismissed;
pub mod eval;
mod faces;
mod join;
mod letters;
mod origin;
mod pattern;
mod score;
mod sequential;
#[cfg(test)]
mod tests;
mod trail;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::{ledger::Ledger, moment::Timestamp};
use cluster::Suspect;
pub use dismissed::Dismissed;
use letters::Letters;
use origin::{KINDS, LEAST, Origin};
use sequential::Walk;
use trail::{Trails, Try};

/// The test's stated error rates (Wald).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Share of honest origins that may be called guessers.
    pub alpha: f64,
    /// Share of guessers that may be missed.
    pub beta: f64,
}

/// The campaigns in a ledger, most guesses first. Origins are judged one kind after another; a contact one campaign
/// explains is no evidence for the next.
pub fn find(ledger: &Ledger, test: &Test) -> Vec<Campaign> {
    let trails = Trails::of(ledger, LEAST);
    let mut explained = vec![false; trails.len()];
    let mut suspects = Vec::new();
    for kind in KINDS {
        let origins = trails.by(kind, &explained, Origin::least(kind));
        let found: Vec<(Vec<Suspect>, Vec<usize>)> =
            origins.into_par_iter().map(|(origin, rows)| crossings(&origin, &rows, &trails, test)).collect();
        for (found, rows) in found {
            suspects.extend(found);
            rows.into_iter().for_each(|row| explained[row] = true);
        }
    }
    let common = bond::common(&suspects, &trails);
    let mut campaigns = cluster::campaigns(suspects, ledger, &common);
    campaigns.sort_by(|a, b| b.guesses.cmp(&a.guesses).then_with(|| a.id.cmp(&b.id)));
    campaigns
}

/// An origin each time it crosses the test's bound: whoever was found may come back, and a crowd hide another. And the rows
/// that explains, those among them that try an address again.
fn crossings(origin: &Origin, rows: &[usize], trails: &Trails<'_>, test: &Test) -> (Vec<Suspect>, Vec<usize>) {
    let pattern = |guesses: &[(usize, Try)]| {
        let names: Vec<&str> = guesses.iter().map(|(_, one)| trails.ledger().names.text(one.recipient)).collect();
        pattern::of(&names)
    };
    let (mut tries, mut found) = (trails.tries(rows), Vec::new());
    let mut letters: Option<Vec<Letters>> = None;
    loop {
        let walk = Walk::of(origin, &tries, trails, &[]);
        // Letters make nobody's ratio higher, so that they are counted for few.
        if !walk.reaches(test) {
            break;
        }
        let letters = letters.get_or_insert_with(|| Letters::of(rows, trails));
        let walk = if letters.is_empty() { walk } else { Walk::of(origin, &tries, trails, letters) };
        let Some(early) = walk.crossing_of_variants(test) else { break };
        let variants = pattern(&early.guesses) == Pattern::NameVariants;
        let Some(mut crossing) = (if variants { Some(early) } else { walk.crossing(test) }) else { break };
        let explained: HashSet<usize> = crossing.guesses.iter().map(|(row, _)| *row).collect();
        tries.retain(|(row, _)| !explained.contains(row));
        let bystanders = trails.without_bystanders(origin, &mut crossing.guesses);
        let pattern = pattern(&crossing.guesses);
        if !crossing.guesses.is_empty() {
            found.push(Suspect { origin: origin.clone(), crossing, pattern, bystanders });
        }
    }
    let guesses = || found.iter().flat_map(|one| &one.crossing.guesses);
    let failed: HashSet<_> = guesses().filter(|(_, one)| !one.exists).map(|(_, one)| one.recipient).collect();
    let again = rows.iter().copied().filter(|row| failed.contains(&trails.recipient(*row)));
    let rows = guesses().map(|(row, _)| *row).chain(again).collect();
    (found, rows)
}

/// Who looked like a guesser and is in none of `campaigns`, with the innocent explanation; at most fifty.
pub fn dismissed(ledger: &Ledger, campaigns: &[Campaign]) -> Vec<Dismissed> {
    dismissed::of(ledger, campaigns)
}

/// Who guessed at which domains: what the same sender mistypes elsewhere is a slip all the same.
#[derive(Debug, Default)]
pub struct Guessers<'c>(HashMap<&'c str, Vec<&'c [String]>>);

impl<'c> Guessers<'c> {
    /// Those of `campaigns`.
    pub fn of(campaigns: &'c [Campaign]) -> Self {
        let mut guessers: HashMap<&str, Vec<&[String]>> = HashMap::new();
        for campaign in campaigns {
            for sender in &campaign.senders {
                guessers.entry(sender).or_default().push(&campaign.target_domains);
            }
        }
        Guessers(guessers)
    }

    /// Whether an envelope sender guessed at a domain.
    pub fn guessed(&self, sender: &str, domain: &str) -> bool {
        self.0
            .get(sender)
            .is_some_and(|targets| targets.iter().any(|t| t.binary_search_by(|target| (**target).cmp(domain)).is_ok()))
    }
}

/// How the guessed names were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Spellings of few people's names: `to.p`, `p_to`, `pto`.
    NameVariants,
    /// A word list.
    Dictionary,
    /// Counting: `user001`, `user002`.
    Sequence,
    /// The same names over many domains.
    Wide,
    /// None of these.
    Unclear,
}

/// Senders or client IPs that guess addresses together.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Hash of its origins and first day: the same in every run.
    pub id: String,
    /// Envelope senders, sorted.
    pub senders: Vec<String>,
    /// Client IPs, sorted.
    pub ips: Vec<String>,
    /// Accounts that sent it, sorted.
    pub logins: Vec<String>,
    /// What its clients call themselves (HELO), sorted.
    pub helos: Vec<String>,
    /// Domains guessed at, sorted.
    pub target_domains: Vec<String>,
    /// First and last guess.
    pub first_seen: Timestamp,
    /// See `first_seen`.
    pub last_seen: Timestamp,
    /// Distinct addresses tried for the first time.
    pub guesses: u64,
    /// Those of them that exist, sorted.
    pub confirmed: Vec<String>,
    /// `confirmed / guesses`.
    pub success_rate: f64,
    /// How the names were made.
    pub pattern: Pattern,
    /// 0 to 1.
    pub confidence: f64,
    /// For people.
    pub why: Vec<String>,
}

impl Test {
    /// Log-likelihood ratio at which "guesser" is accepted.
    pub fn bound(&self) -> f64 {
        ((1.0 - self.beta) / self.alpha).ln()
    }
}

impl Default for Test {
    /// One honest origin in twenty thousand, one guesser in a hundred.
    fn default() -> Self {
        Test { alpha: 5e-5, beta: 0.01 }
    }
}

impl Pattern {
    /// `name_variants`
    pub fn name(self) -> &'static str {
        match self {
            Pattern::NameVariants => "name_variants",
            Pattern::Dictionary => "dictionary",
            Pattern::Sequence => "sequence",
            Pattern::Wide => "wide",
            Pattern::Unclear => "unclear",
        }
    }
}
