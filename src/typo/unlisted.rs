//! How likely a domain is as somebody's own: its letters, each stem and each suffix counted for itself so that one
//! house's many countries (`yahoo.*`) teach its letters once, and how long names under that suffix are (`xyz.edu` is
//! a university, `xyzw.tk` nobody knows). `gmail.con` and `hotmzil.com` are nobody's.

use hashbrown::HashMap;

use super::{edit::tail_start, homes, letters::Letters, parameters::Strangers};

/// Lengths of stems that are told apart.
const LENGTHS: usize = 14;

/// The model.
#[derive(Debug, Clone)]
pub(super) struct Unlisted {
    strangers: Strangers,
    letters: Letters,
    /// How many stems of each length, by suffix and in all.
    tails: HashMap<Box<str>, [f64; LENGTHS]>,
    all: [f64; LENGTHS],
}

impl Unlisted {
    /// Learns how domains look. Every stem counts the same, however popular.
    pub(super) fn learn<'a>(names: impl IntoIterator<Item = &'a str>, strangers: Strangers) -> Self {
        let mut stems: Vec<&str> = Vec::new();
        let mut tails: HashMap<&str, [f64; LENGTHS]> = HashMap::new();
        let mut all = [1.0; LENGTHS];
        for name in names {
            let (stem, tail) = halves(name);
            stems.push(stem);
            tails.entry(tail).or_default()[length(stem)] += 1.0;
            all[length(stem)] += 1.0;
        }
        let tails = tails.into_iter().map(|(tail, n)| (tail.into(), n)).collect();
        Unlisted { strangers, letters: Letters::learn(stems, strangers), tails, all }
    }

    /// ln P(letters | somebody's own) and ln P(suffix and length | somebody's own), as if the name `but` had not been seen.
    pub(super) fn ln_parts(&self, name: &str, but: &str) -> (f64, f64) {
        let (word, tail) = halves(name);
        let ln = |p: f64| p.max(f64::MIN_POSITIVE).ln();
        (ln(self.letters.probability(word, &[halves(but).0])), ln(self.tail(tail, length(word))))
    }

    /// The suffix's share of all names, leaned to the lengths it has.
    fn tail(&self, tail: &str, length: usize) -> f64 {
        let Strangers { no_home, shared, rare_tails, tail_half, .. } = self.strangers;
        let all: f64 = self.all.iter().sum::<f64>() + rare_tails;
        let Some(here) = self.tails.get(tail) else {
            return if tail.contains('.') && homes::is_suffix(tail) {
                shared
            } else if homes::exists(tail) {
                1.0 / all / rare_tails
            } else {
                no_home
            };
        };
        let (n, usual) = (here.iter().sum::<f64>(), self.all[length] / self.all.iter().sum::<f64>());
        n / all * (here[length] + tail_half * usual) / (n + tail_half) / usual
    }
}

/// Bytes of what stands before the suffix.
pub(super) fn stem_length(name: &str) -> usize {
    halves(name).0.len()
}

fn length(stem: &str) -> usize {
    stem.len().min(LENGTHS - 1)
}

fn halves(name: &str) -> (&str, &str) {
    let tail = homes::shared_tail(name).unwrap_or_else(|| tail_start(name));
    (name.get(..tail.saturating_sub(1)).unwrap_or(""), name.get(tail..).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Parameters, Popular},
        *,
    };

    #[test]
    fn short_and_spoken_names_are_likelier() {
        let model = Unlisted::learn(Popular::shipped().names(), Parameters::shipped().unwrap().strangers);
        let p = |n: &str| {
            let (letters, tail) = model.ln_parts(n, "");
            (letters + tail).exp()
        };
        assert!(p("tma.com") > 100.0 * p("xvzwl.com"));
        assert!(p("marino.com") > 100.0 * p("xqzkvj.com"));
        assert!(p("gmail.com") > 50.0 * p("gmail.con"));
        assert!(p("xqv.edu") / p("xqvwkz.edu") > p("xqv.com") / p("xqvwkz.com"));
        let one: f64 = (b'a'..=b'z').map(|c| p(&format!("{}.com", c as char))).sum();
        assert!(one < 1.0);
    }
}
