//! First contacts → campaigns of address guessing.
//!
//! In: the ledger's contacts: who wrote to whom for the first time, and whether that address existed.
//! Out: [`Campaign`]s with their window, guesses, the addresses they confirmed, and the reasons in words.
//! Never: alerts, counts attempts (a failed mail has about five replies; distinct recipients count), or takes one of
//! our own outgoing servers for an attacker.

use crate::moment::Timestamp;

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
