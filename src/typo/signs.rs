//! Whether a name is a slip at all: what speaks for it and what against, each in logarithms, weighed against names that
//! are somebody's own. Which name was meant is not asked here.

use serde::{Deserialize, Serialize};

/// How many signs there are.
pub(super) const SIGNS: usize = 11;

/// The signs of one name, or the weight of each (`[signs]` of `data/typo-model.toml`): their products' sum is the
/// logarithm of the odds that it is a slip.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Signs {
    /// Always 1.
    pub base: f64,
    /// ln P(the name meant).
    pub meant: f64,
    /// ln P(these slips | the name meant).
    pub slips: f64,
    /// ln P(the letters typed | somebody's own name).
    pub letters: f64,
    /// ln P(a suffix with a stem that long | somebody's own name).
    pub tail: f64,
    /// ln P(the letters meant | somebody's own name), as if that name had not been seen.
    pub meant_letters: f64,
    /// `tail` of the name meant.
    pub meant_tail: f64,
    /// ln of the meant name's share among all names that may have been meant.
    pub alone: f64,
    /// 1 for two slips.
    pub twice: f64,
    /// 1 where a digit was put in, left out or exchanged, unless the eye takes it for a letter.
    pub digits: f64,
    /// Letters of the stem, [`MAX_LENGTH`] at most.
    pub length: f64,
}

/// Longer stems say no more.
pub(super) const MAX_LENGTH: usize = 12;

impl Signs {
    /// In the order of the fields.
    pub(super) fn all(&self) -> [f64; SIGNS] {
        let Signs { base, meant, slips, letters, tail, meant_letters, meant_tail, alone, .. } = *self;
        let Signs { twice, digits, length, .. } = *self;
        [base, meant, slips, letters, tail, meant_letters, meant_tail, alone, twice, digits, length]
    }

    /// The reverse of [`Signs::all`].
    pub(super) fn from_all(all: [f64; SIGNS]) -> Self {
        let [base, meant, slips, letters, tail, meant_letters, meant_tail, alone, twice, digits, length] = all;
        Signs { base, meant, slips, letters, tail, meant_letters, meant_tail, alone, twice, digits, length }
    }

    /// ln of the odds, where `self` are the weights.
    pub(super) fn weigh(&self, signs: &Signs) -> f64 {
        self.all().iter().zip(signs.all()).map(|(weight, sign)| weight * sign).sum()
    }
}

/// The probability of these odds.
pub(super) fn share(ln_odds: f64) -> f64 {
    1.0 / (1.0 + (-ln_odds).exp())
}
