//! The noisy channel's numbers: how often which slip happens (`data/typo-model.toml`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Edit,
    edit::{Change, tail_start},
    homes, homoglyph, keyboard,
    person::Way,
    signs::Signs,
};
use crate::error::Error;

/// Letters a finger or a chance may put anywhere: a to z, digits, hyphen.
const ALPHABET: f64 = 37.0;
/// The least anything is given, so that an unseen kind is unlikely and not impossible.
const FLOOR: f64 = 1e-9;

const SHIPPED: &str = include_str!("../../data/typo-model.toml");

/// See `data/typo-model.toml` for what each means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// Weight of slips among domains whose mail came back, beside `unlisted`.
    pub slip: f64,
    /// Share of slips that are two at once.
    pub second: f64,
    /// Weight of names that are somebody's own and that nobody listed.
    pub unlisted: f64,
    /// Share of wrong letters that are neighbours of the right one.
    pub neighbour: f64,
    /// Rank r has weight 1 / (r + offset) ^ exponent.
    pub rank_offset: f64,
    /// See `rank_offset`.
    pub rank_exponent: f64,
    /// With n mails of our own, our own shares weigh n / (n + half).
    pub own_half: f64,
    /// How much likelier a slip a name is that does not resolve.
    pub dead: f64,
    /// The same of a name whose server refused the user.
    pub served: f64,
    /// How much rarer a slip a number for another is than a letter for another.
    pub numbered: f64,
    /// Look-alikes a letter has.
    pub look_alikes: f64,
    /// Share of each edit by name.
    pub kinds: BTreeMap<String, f64>,
    /// Slips in the suffix.
    pub tld: Tails,
    /// Names that nobody listed.
    pub strangers: Strangers,
    /// The weights of what speaks for a slip and against.
    pub signs: Signs,
    /// Slips in usernames.
    pub usernames: Usernames,
    /// What makes a suspect of a refused name.
    pub suspects: Suspicion,
}

/// When a refused name is a suspect, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Suspicion {
    /// Confidence in a domain that never took mail and resembles nothing: only the registry can tell what it is.
    pub unexplained: f64,
    /// Confidence in a lapsed name grows with what it accepted before and was refused since: n / (n + half) of each.
    pub lapse_half: f64,
    /// A domain that took this many mails for each it now refuses has not lapsed.
    pub weather: u64,
    /// How sure a slip must be where the domain exists and refuses its users (a parked one).
    pub parked: f64,
}

impl Suspicion {
    /// Confidence in a lapse.
    pub(super) fn lapse(&self, accepted: u64, refused: u64) -> f64 {
        let sure = |n: u64| n as f64 / (n as f64 + self.lapse_half);
        sure(accepted) * sure(refused)
    }
}

/// How names look that are somebody's own and on no list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Strangers {
    /// Share under a suffix that does not exist.
    pub no_home: f64,
    /// Share under each suffix that is shared out and no listed name has.
    pub shared: f64,
    /// Suffixes that no listed name has, taken as so many of one name each.
    pub rare_tails: f64,
    /// Where a word may end, another begins in the same name this often.
    pub joined: f64,
    /// A word may end anywhere this often.
    pub ends: f64,
    /// Share of initials, numbers and codes.
    pub initials: f64,
    /// Letters that these are made of.
    pub any_letter: f64,
    /// How often they have a given length.
    pub any_length: f64,
    /// A context of two letters speaks for itself when it was seen about this often.
    pub short_half: f64,
    /// The same of three letters.
    pub long_half: f64,
    /// A suffix speaks for itself when so many names have it.
    pub tail_half: f64,
}

impl Strangers {
    /// Whether shares are shares, and weights above 0.
    pub(super) fn is_sound(&self) -> bool {
        let Strangers { no_home, shared, rare_tails, joined, ends, initials, .. } = *self;
        let Strangers { any_letter, any_length, short_half, long_half, tail_half, .. } = *self;
        let weights = [rare_tails, any_letter, short_half, long_half, tail_half];
        [no_home, shared, joined, ends, initials, any_length].iter().all(|s| (0.0..=1.0).contains(s))
            && weights.iter().all(|w| w.is_finite() && *w > 0.0)
            && any_letter >= 1.0
    }
}

/// Slips in usernames; those of the hand are [`Parameters::kinds`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usernames {
    /// Share of addresses whose username is written wrongly.
    pub slip: f64,
    /// Of wrong usernames, how many were meant for somebody the same sender reaches at that domain.
    pub known: f64,
    /// And how many for somebody others reach there; the rest were made up, guessed or have gone.
    pub others: f64,
    /// Of wrong usernames, those with given and family name exchanged.
    pub order: f64,
    /// With another separator, or none.
    pub separator: f64,
    /// With an initial for a name, or a name for an initial.
    pub initial: f64,
    /// With digits at the end, or without them.
    pub digits: f64,
    /// What a slip weighs that makes one number of another: most such names are of two people.
    pub number: f64,
    /// With or without a plus-tag.
    pub tag: f64,
    /// How usernames look that are nobody's slip: as [`Strangers::joined`], which is of domains.
    pub joined: f64,
    /// As [`Strangers::ends`].
    pub ends: f64,
    /// As [`Strangers::initials`].
    pub initials: f64,
    /// As [`Strangers::short_half`].
    pub short_half: f64,
    /// As [`Strangers::long_half`].
    pub long_half: f64,
}

impl Usernames {
    /// How they look, where domains look like `domains`.
    pub(super) fn made_up(&self, domains: Strangers) -> Strangers {
        let Usernames { joined, ends, initials, short_half, long_half, .. } = *self;
        Strangers { joined, ends, initials, short_half, long_half, ..domains }
    }
}

/// Slips in the suffix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    /// Each suffix one edit away and not named.
    pub near: f64,
    /// Each other country one edit away under the same second level (`yahoo.com.cm`).
    pub other: f64,
    /// Each other suffix.
    pub far: f64,
    /// The same where the operator's users, or everybody's, write to the name meant, and the one typed is dead.
    pub own: f64,
    /// A country's second level left out or put in.
    pub level: f64,
    /// From, to, share.
    #[serde(flatten)]
    pub named: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Parameters {
    /// Those shipped in `data/`.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse("")
    }

    /// In the form of `data/typo-model.toml`. What the text leaves out is as shipped, so that a file fitted by an earlier
    /// version, which knew fewer parameters, goes on to serve.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |e: toml::de::Error| Error::Data { name: "typo-model.toml".into(), cause: e.to_string() };
        let mut all: toml::Table = toml::from_str(SHIPPED).map_err(wrong)?;
        lay_over(&mut all, toml::from_str(text).map_err(wrong)?);
        let p: Self = all.try_into().map_err(wrong)?;
        let Usernames { slip, known, others, order, separator, initial, digits, number, tag, .. } = p.usernames;
        let users = [slip, known, others, known + others, order, separator, initial, digits, number, tag];
        let shares = [p.slip, p.second, p.unlisted, p.neighbour, p.numbered, p.suspects.unexplained, p.suspects.parked];
        if p.signs.all().iter().any(|w| !w.is_finite()) || p.slip <= 0.0 || p.unlisted <= 0.0 {
            return Err(Error::Data {
                name: "typo-model.toml".into(),
                cause: "every weight of [signs] must be a number, slip and unlisted above 0".into(),
            });
        }
        let weights = [p.dead, p.served, p.look_alikes, p.suspects.lapse_half];
        if weights.iter().any(|w| !w.is_finite() || *w <= 0.0) {
            return Err(Error::Data {
                name: "typo-model.toml".into(),
                cause: "dead, served, look_alikes and lapse_half must be above 0".into(),
            });
        }
        if shares.iter().chain(&users).chain(p.kinds.values()).any(|s| !(0.0..=1.0).contains(s))
            || !p.strangers.is_sound()
            || !p.usernames.made_up(p.strangers).is_sound()
            || !p.rank_offset.is_finite()
            || p.rank_offset <= -1.0
        {
            return Err(Error::Data {
                name: "typo-model.toml".into(),
                cause: "every share must lie between 0 and 1".into(),
            });
        }
        Ok(p)
    }

    /// The same in text, for `bouncewatch train`.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// P(these slips | this name meant), without the share of names written wrongly at all.
    pub fn likelihood(&self, intended: &[char], changes: &[Change]) -> f64 {
        let each: f64 = changes.iter().map(|c| self.one(intended, c)).product();
        match changes.len() {
            0 => 0.0,
            1 => each,
            _ => each * self.second * 2.0,
        }
    }

    /// P(another suffix | this name meant), of names that the operator's users, or everybody's, write to.
    pub(super) fn another_suffix(&self) -> f64 {
        self.kinds.get(Edit::Tld.name()).copied().unwrap_or(0.0) * self.tld.own
    }

    /// How often a person's name is written this other way.
    pub(super) fn way(&self, way: Way) -> f64 {
        let users = &self.usernames;
        match way {
            Way::Order => users.order,
            Way::Separator => users.separator,
            Way::Initial => users.initial,
            Way::Digits => users.digits,
            Way::Tag => users.tag,
        }
    }

    fn one(&self, intended: &[char], change: &Change) -> f64 {
        let n = intended.len().max(2) as f64;
        let share = self.kinds.get(change.edit.name()).copied().unwrap_or(0.0).max(FLOOR);
        let (from, to) = (change.from.chars().next(), change.to.chars().next());
        let within = match change.edit {
            Edit::Omission | Edit::Repetition | Edit::Hyphenation => 1.0 / n,
            Edit::Transposition => 1.0 / (n - 1.0),
            Edit::Insertion => {
                let beside = change.at.checked_sub(1).and_then(|at| intended.get(at)).or(intended.first());
                let after = intended.get(change.at);
                let key =
                    [beside, after].into_iter().flatten().find(|k| to.is_some_and(|to| keyboard::neighbours(**k, to)));
                self.letter(key.copied()) / (n + 1.0)
            }
            Edit::Substitution => {
                let key = from.filter(|f| to.is_some_and(|to| keyboard::neighbours(*f, to)));
                self.letter(key) / n
            }
            Edit::Homoglyph => 1.0 / (n * self.look_alikes),
            Edit::Bitflip => 1.0 / (n * 8.0),
            Edit::MissingDot => 1.0 / intended.iter().filter(|c| **c == '.').count().max(1) as f64,
            Edit::Tld => self.tail(&change.from, &change.to),
        };
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let numbered = change.edit == Edit::Substitution && digit(from) && digit(to);
        share * within * if numbered { self.numbered } else { 1.0 }
    }

    fn letter(&self, beside: Option<char>) -> f64 {
        beside.map_or((1.0 - self.neighbour) / ALPHABET, |key| self.neighbour / keyboard::degree(key))
    }

    fn tail(&self, from: &str, to: &str) -> f64 {
        if let Some(share) = self.tld.named.get(from).and_then(|slips| slips.get(to)) {
            return *share;
        }
        // `com.con`, `con.br`: the slip is in one label of two.
        let (mut a, mut b) = (from.split('.'), to.split('.'));
        if let (Some(a1), Some(a2), None, Some(b1), Some(b2), None) =
            (a.next(), a.next(), a.next(), b.next(), b.next(), b.next())
        {
            if a2 == b2 {
                return self.tail(a1, b1);
            }
            if a1 == b1 {
                let other = homes::exists(b2) && super::edit::distance(a2, b2) == 1;
                return if other { self.tld.other } else { self.tail(a2, b2) };
            }
        }
        let level = from.strip_suffix(to).is_some_and(|rest| rest.ends_with('.'));
        let real = homes::exists(to);
        match super::edit::distance(from, to) {
            _ if level => self.tld.level,
            0 | 1 if !real => self.tld.near,
            0..=2 if !real => self.tld.near * self.second,
            // Somebody else's name under another suffix, far oftener than a slip.
            _ => self.tld.far,
        }
    }
}

/// Puts the values of `over` into `under`, table by table.
fn lay_over(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(value)) => lay_over(below, value),
            (_, value) => drop(under.insert(key, value)),
        }
    }
}

/// How a letter changed, named by what most likely did it.
pub(super) fn name_substitution(meant: char, seen: char) -> Edit {
    let one_bit = meant.is_ascii() && seen.is_ascii() && (meant as u8 ^ seen as u8).count_ones() == 1;
    if homoglyph::alike(&[meant], &[seen]) {
        Edit::Homoglyph
    } else if keyboard::neighbours(meant, seen) || !one_bit {
        Edit::Substitution
    } else {
        Edit::Bitflip
    }
}

/// The stem of a name: what stands before its suffix and dot.
pub(super) fn stem(name: &str) -> &str {
    let tail = tail_start(name);
    if tail == name.len() { name } else { name.get(..tail.saturating_sub(1)).unwrap_or("") }
}
