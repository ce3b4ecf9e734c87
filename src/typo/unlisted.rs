//! How likely a name is as somebody's own: a three-letter model of names, learned from the known ones, each stem and each
//! suffix counted for itself so that one house's many countries (`yahoo.*`) teach its letters once. Short and
//! pronounceable names are likely to be real, `gmail.con` and `hotmzil.com` are not.

use hashbrown::HashMap;

use super::{edit::tail_start, homes, parameters::stem};

/// a–z, digits, dot, hyphen, anything else, end.
const KINDS: usize = 40;
const END: usize = 39;
/// A context speaks for itself when it was seen about this often.
const HALF: f32 = 8.0;
/// Share of names under a suffix that does not exist: inner hosts (`.lan`), junk.
const NO_HOME: f64 = 1e-8;
/// Share of names that are initials, numbers or codes; their letters, and how often one has a given length.
const INITIALS: f64 = 0.1;
const ANY_LETTER: f64 = 30.0;
const ANY_LENGTH: f64 = 0.15;
/// Suffixes that no known name has, taken as so many of one name each.
const RARE_TAILS: f64 = 50.0;

/// The model: how often which letter followed which two, and the suffixes' shares.
#[derive(Debug, Clone)]
pub(super) struct Unlisted {
    /// Counts by the two letters before and the letter; their sums by the two before.
    three: Vec<f32>,
    sums: Vec<f32>,
    /// P(letter | one letter before).
    double: Vec<f32>,
    tails: HashMap<Box<str>, f64>,
    /// The share of a suffix that no known name has.
    rare: f64,
}

impl Unlisted {
    /// Learns how domains look. Every stem counts the same, however popular.
    pub(super) fn learn<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut stems: Vec<&str> = Vec::new();
        let mut tails: HashMap<&str, f64> = HashMap::new();
        for name in names {
            let (stem, tail) = halves(name);
            stems.push(stem);
            *tails.entry(tail).or_default() += 1.0;
        }
        let all = stems.len() as f64 + RARE_TAILS;
        let tails = tails.into_iter().map(|(t, n)| (t.into(), n / all)).collect();
        Unlisted { tails, rare: 1.0 / all, ..Self::learn_words(stems) }
    }

    /// Learns how words look: usernames, stems.
    pub(super) fn learn_words(mut words: Vec<&str>) -> Self {
        words.sort_unstable();
        words.dedup();
        let mut three = vec![0f32; KINDS * KINDS * KINDS];
        let mut two = vec![0f32; KINDS * KINDS];
        let mut one = [0f32; KINDS];
        for word in words {
            for (context, k) in steps(word) {
                three[context * KINDS + k] += 1.0;
                two[context % KINDS * KINDS + k] += 1.0;
                one[k] += 1.0;
            }
        }
        let all: f32 = one.iter().sum();
        let single = |k: usize| (one[k] + 0.5) / (all + 0.5 * KINDS as f32);
        let sums2: Vec<f32> = two.chunks(KINDS).map(|c| c.iter().sum()).collect();
        let double =
            (0..two.len()).map(|bk| (two[bk] + HALF * single(bk % KINDS)) / (sums2[bk / KINDS] + HALF)).collect();
        let sums = three.chunks(KINDS).map(|c| c.iter().sum()).collect();
        Unlisted { three, sums, double, tails: HashMap::new(), rare: 1.0 }
    }

    /// P(domain | somebody's own), as if the names of `but` had not been seen: what looks like one of them may be a
    /// slip of it, and its own letters shall not speak for the slip.
    pub(super) fn probability(&self, name: &str, but: &[&str]) -> f64 {
        let (word, tail) = halves(name);
        let but: Vec<&str> = but.iter().map(|b| stem(b)).collect();
        let tail =
            self.tails.get(tail).copied().unwrap_or(if homes::exists(tail) { self.rare / RARE_TAILS } else { NO_HOME });
        self.word(word, &but) * tail
    }

    /// P(word | somebody's own), as if the words of `but` had not been seen.
    pub(super) fn word(&self, word: &str, but: &[&str]) -> f64 {
        let unseen: Vec<(usize, usize)> = but.iter().flat_map(|b| steps(b)).collect();
        let spoken: f64 = steps(word)
            .map(|(context, k)| {
                let (mut n, mut of) = (self.three[context * KINDS + k], self.sums[context]);
                for (c, l) in &unseen {
                    of -= if *c == context { 1.0 } else { 0.0 };
                    n -= if (*c, *l) == (context, k) { 1.0 } else { 0.0 };
                }
                let back = self.double[context % KINDS * KINDS + k];
                f64::from((n.max(0.0) + HALF * back) / (of.max(n).max(0.0) + HALF))
            })
            .product();
        // Initials and numbers follow no tongue: any letter is as good as another.
        let any = (1.0 / ANY_LETTER).powi(i32::try_from(word.len()).unwrap_or(i32::MAX)) * ANY_LENGTH;
        (1.0 - INITIALS) * spoken + INITIALS * any
    }
}

fn halves(name: &str) -> (&str, &str) {
    (stem(name), name.get(tail_start(name)..).unwrap_or(""))
}

/// Each letter of a word and its end, with the number of the two letters before.
fn steps(word: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut context = END * KINDS + END;
    kinds(word).map(move |k| {
        let before = context;
        context = context % KINDS * KINDS + k;
        (before, k)
    })
}

fn kinds(name: &str) -> impl Iterator<Item = usize> + '_ {
    let kind = |b: u8| match b {
        b'a'..=b'z' => usize::from(b - b'a'),
        b'0'..=b'9' => 26 + usize::from(b - b'0'),
        b'.' => 36,
        b'-' => 37,
        _ => 38,
    };
    name.bytes().map(kind).chain([END])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_spoken_names_are_likelier() {
        let model = Unlisted::learn(super::super::popular::Popular::shipped().names());
        let p = |n: &str| model.probability(n, &[]);
        assert!(p("tma.com") > 100.0 * p("gmzil.com"));
        assert!(p("marino.com") > 100.0 * p("xqzkvj.com"));
        assert!(p("gmail.com") > 50.0 * p("gmail.con"));
        let two: f64 = (b'a'..=b'z').map(|c| p(&format!("{}.com", c as char))).sum();
        assert!(two < 1.0);
    }
}
