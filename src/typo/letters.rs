//! How likely a word is as somebody's own name: letters by the one to three before them, each order backed by the
//! shorter one, and names made of two words (`picloud`: a word may begin anew inside). Learned from words as they come.

use super::parameters::Strangers;

/// a–z, digits, dot, hyphen, anything else, end.
const KINDS: usize = 40;
const END: usize = 39;
const KINDS2: usize = KINDS * KINDS;
const KINDS3: usize = KINDS2 * KINDS;
/// Before a word: three ends.
const START: usize = END * KINDS2 + END * KINDS + END;
/// Contexts of three letters are kept in so many places at most; two that fall into one share it.
const MAX_SLOTS: usize = 1 << 20;

/// The model.
#[derive(Debug, Clone)]
pub(super) struct Letters {
    strangers: Strangers,
    /// P(letter | one letter before).
    two: Vec<f32>,
    /// Counts by the two letters before and the letter; their sums by the two before.
    three: [Vec<f32>; 2],
    /// The same by three before, at [`Letters::slot`].
    four: [Vec<f32>; 2],
}

/// What the words that shall not speak have added.
struct Unseen(Vec<(usize, usize)>);

impl Letters {
    /// Every word counts the same, however often it is given.
    pub(super) fn learn(mut words: Vec<&str>, strangers: Strangers) -> Self {
        words.sort_unstable();
        words.dedup();
        let slots = words.iter().map(|w| w.len() + 1).sum::<usize>().next_power_of_two().clamp(1 << 10, MAX_SLOTS);
        let mut model = Letters {
            strangers,
            two: vec![0.0; KINDS2],
            three: [vec![0.0; KINDS3], vec![0.0; KINDS2]],
            four: [vec![0.0; slots], vec![0.0; slots]],
        };
        let mut one = [0f32; KINDS];
        for (before, k) in words.iter().flat_map(|word| steps(word)) {
            let (times, of) = (model.slot(before * KINDS + k), model.slot(before));
            model.four[0][times] += 1.0;
            model.four[1][of] += 1.0;
            model.three[0][before % KINDS2 * KINDS + k] += 1.0;
            model.three[1][before % KINDS2] += 1.0;
            model.two[before % KINDS * KINDS + k] += 1.0;
            one[k] += 1.0;
        }
        let (all, half) = (one.iter().sum::<f32>(), strangers.short_half as f32);
        for row in model.two.chunks_mut(KINDS) {
            let of: f32 = row.iter().sum();
            for (n, single) in row.iter_mut().zip(one) {
                *n = (*n + half * (single + 0.5) / (all + 0.5 * KINDS as f32)) / (of + half);
            }
        }
        model
    }

    /// P(word | somebody's own), as if the words of `but` had not been seen: what looks like one of them may be a slip
    /// of it, and its own letters shall not speak for the slip.
    pub(super) fn probability(&self, word: &str, but: &[&str]) -> f64 {
        let unseen = Unseen(but.iter().flat_map(|b| steps(b)).collect());
        // (letters before, probability) of every way to have come here: in one word, or in a new one begun a few
        // letters ago; after three letters these are one again.
        let mut ways = vec![(START, 1.0)];
        for k in kinds(word) {
            let mut next: Vec<(usize, f64)> = Vec::with_capacity(ways.len() + 1);
            let mut anew = 0.0;
            for &(before, p) in &ways {
                let mut stays = 1.0;
                if before != START {
                    let begins = self.strangers.joined * self.one(before, END, &unseen).max(self.strangers.ends);
                    stays -= begins;
                    if k != END {
                        anew += p * begins;
                    }
                }
                let (then, p) = ((before * KINDS + k) % KINDS3, p * stays * self.one(before, k, &unseen));
                match next.iter_mut().find(|(known, _)| *known == then) {
                    Some((_, sum)) => *sum += p,
                    None => next.push((then, p)),
                }
            }
            if anew > 0.0 {
                next.push(((START * KINDS + k) % KINDS3, anew * self.one(START, k, &unseen)));
            }
            ways = next;
        }
        let spoken: f64 = ways.iter().map(|(_, p)| p).sum();
        // Initials and numbers follow no tongue: any letter is as good as another.
        let any =
            self.strangers.any_letter.powi(-i32::try_from(word.len()).unwrap_or(i32::MAX)) * self.strangers.any_length;
        let initials = self.strangers.initials;
        (1.0 - initials) * spoken + initials * any
    }

    /// P(letter | three before).
    fn one(&self, before: usize, k: usize, unseen: &Unseen) -> f64 {
        let (short, long) = unseen.of(before, k);
        let three = before % KINDS2;
        let rest = |n: f32, of: f32, but: (f32, f32), half: f32, back: f32| {
            let n = (n - but.0).max(0.0);
            (n + half * back) / ((of - but.1).max(n) + half)
        };
        let back = self.two[before % KINDS * KINDS + k];
        let back =
            rest(self.three[0][three * KINDS + k], self.three[1][three], short, self.strangers.short_half as f32, back);
        let (n, of) = (self.four[0][self.slot(before * KINDS + k)], self.four[1][self.slot(before)]);
        f64::from(rest(n, of, long, self.strangers.long_half as f32, back))
    }

    fn slot(&self, of: usize) -> usize {
        let spread = (of as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (spread >> 40) as usize & (self.four[0].len() - 1)
    }
}

impl Unseen {
    /// How often the letter, and any letter, came after the two before, and after the three before.
    fn of(&self, before: usize, k: usize) -> ((f32, f32), (f32, f32)) {
        let (mut short, mut long) = ((0.0, 0.0), (0.0, 0.0));
        for (b, l) in &self.0 {
            if b % KINDS2 == before % KINDS2 {
                let same = if *l == k { 1.0 } else { 0.0 };
                short = (short.0 + same, short.1 + 1.0);
                if *b == before {
                    long = (long.0 + same, long.1 + 1.0);
                }
            }
        }
        (short, long)
    }
}

/// Each letter of a word and its end, with the three before as one number.
fn steps(word: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut before = START;
    kinds(word).map(move |k| {
        let step = (before, k);
        before = (before * KINDS + k) % KINDS3;
        step
    })
}

fn kinds(word: &str) -> impl Iterator<Item = usize> + '_ {
    let kind = |b: u8| match b {
        b'a'..=b'z' => usize::from(b - b'a'),
        b'0'..=b'9' => 26 + usize::from(b - b'0'),
        b'.' => 36,
        b'-' => 37,
        _ => 38,
    };
    word.bytes().map(kind).chain([END])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Strangers {
        super::super::Parameters::shipped().unwrap().strangers
    }

    #[test]
    fn spoken_words_and_pairs_of_words_are_likelier() {
        let words = ["cloud", "clouds", "mail", "hotmail", "rain", "train", "brain", "pipe", "pin", "pick", "cloudy"];
        let model = Letters::learn(words.to_vec(), shipped());
        let p = |w: &str| model.probability(w, &[]);
        assert!(p("grain") > 10.0 * p("qrzxn"));
        assert!(p("raincloud") > 10.0 * p("rainqloud"));
        assert!(p("ab") > p("abcd"));
        assert!(model.probability("cloud", &["cloud", "clouds", "cloudy"]) < p("cloud"));
    }

    #[test]
    fn it_is_a_probability() {
        let model = Letters::learn(vec!["ab", "ba", "abba"], shipped());
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789-";
        let two: f64 = letters
            .chars()
            .flat_map(|a| letters.chars().map(move |b| format!("{a}{b}")))
            .map(|w| model.probability(&w, &[]))
            .sum();
        assert!(two > 0.0 && two < 1.0, "{two}");
    }
}
