//! How sure, and why, in words.

use std::collections::BTreeSet;

use super::{Pattern, trail::Bystanders};
use crate::plural::many;

/// Log odds that an origin with targets is a guesser before anything is seen: one in a thousand.
const PRIOR: f64 = -6.9;
/// What names made by rule add.
const STRUCTURE: f64 = 6.0;

/// Posterior probability from the walk's peak and the names' structure, at most 0.9999.
pub(super) fn confidence(peak: f64, pattern: Pattern) -> f64 {
    let structure = if pattern == Pattern::Unclear { 0.0 } else { STRUCTURE };
    (1.0 / (1.0 + (-(PRIOR + peak + structure)).exp())).min(0.9999)
}

/// The reasons, most telling first.
pub(super) fn why(
    guesses: u64,
    confirmed: u64,
    targets: usize,
    delay: usize,
    pattern: Pattern,
    senders: &BTreeSet<String>,
    ips: &BTreeSet<String>,
) -> Vec<String> {
    let mut why = vec![format!(
        "{} of {guesses} addresses tried for the first time at {} do not exist",
        guesses - confirmed,
        many(targets as u64, "domain")
    )];
    why.push(format!(
        "told from honest mail after {delay} unknown addresses; none of them ever took mail from anybody"
    ));
    match pattern {
        Pattern::NameVariants => why.push("the names are spellings of the same people's names".to_owned()),
        Pattern::Dictionary => why.push("the names come from a word list".to_owned()),
        Pattern::Sequence => why.push("the names are counted up".to_owned()),
        Pattern::Wide => why.push("the same names were tried at several domains".to_owned()),
        Pattern::Unclear => {}
    }
    if senders.len() > 1 || ips.len() > 1 {
        why.push(format!(
            "spread over {} and {}",
            many(senders.len() as u64, "sender"),
            many(ips.iter().filter(|ip| !ip.is_empty()).count() as u64, "client address")
        ));
    }
    if confirmed > 0 {
        why.push(format!("{confirmed} of the addresses exist, and whoever tried them knows it now"));
    }
    why
}

/// What is not certain, and what is all the same.
pub(super) fn doubts(bystanders: &Bystanders, let_go: u64) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(by_chance) = bystanders.by_chance {
        doubts.push(format!(
            "addresses that others write to are listed where the visitor's network and sender domain were met nowhere \
             else, as with the refused ones; {by_chance:.1} of these visits are expected to be honest"
        ));
    }
    if bystanders.left_out > 0 {
        doubts.push(format!(
            "{} more addresses took mail from visitors who came once, and others write to them: whether they were \
             guessed is not known, and they are not listed",
            bystanders.left_out
        ));
    }
    if let_go > 0 {
        doubts.push(format!(
            "{let_go} visits of strangers at these domains were let go for lack of room: what visitors who came once \
             tried and confirmed may be more than is listed"
        ));
    }
    doubts
}
