//! Typos made for the evaluation, and the most that any model could get right of them.

use super::{Edit, Explainer, edit::tail_start, eval::Pair};

/// `n` typos of `names` with `edits` (one or two) slips each; the first of the names more often, as they are written
/// more often (Zipf). The same seed gives the same pairs.
pub fn generate(names: &[&str], n: usize, edits: usize, seed: u64) -> Vec<Pair> {
    let mut dice = Dice(seed);
    let mut made = Vec::with_capacity(n);
    let mut tries = 0;
    while made.len() < n && tries < n * 20 && !names.is_empty() {
        tries += 1;
        // A uniform logarithm is Zipf's law with exponent one.
        let rank = ((names.len() as f64 + 1.0).powf(dice.share()) - 1.0) as usize;
        let meant = names[rank.min(names.len() - 1)];
        let mut name: Vec<char> = meant.chars().collect();
        let mut kinds = Vec::new();
        for _ in 0..edits.clamp(1, 2) {
            kinds.extend(slip(&mut name, &mut dice));
        }
        let typed: String = name.into_iter().collect();
        if kinds.len() == edits && typed != meant && (edits < 2 || super::distance(&typed, meant) > 1) {
            made.push(Pair { typed, meant: meant.to_owned(), edits: kinds });
        }
    }
    made
}

/// Names of nobody: letters as they come, six to fourteen, with a usual suffix.
pub fn synthetic(n: usize, seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    (0..n)
        .map(|_| {
            let len = 6 + dice.below(9);
            let stem: String = (0..len)
                .map(|i| if i % 2 == 0 { CONSONANTS } else { VOWELS })
                .map(|set| char::from(set[dice.below(set.len())]))
                .collect();
            format!("{stem}.{}", ["com", "com", "net", "org", "de", "cn", "ru", "co.uk"][dice.below(8)])
        })
        .collect()
}

const ROWS: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];
const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8] = b"aeiouy";

/// One slip of a kind drawn evenly; `None` when it does not fit this name.
fn slip(name: &mut Vec<char>, dice: &mut Dice) -> Option<Edit> {
    let text: String = name.iter().collect();
    let stem = tail_start(&text).saturating_sub(1);
    // Without a dot nobody can say where the suffix begins.
    if stem < 2 || !text.contains('.') {
        return None;
    }
    let at = dice.below(stem);
    let letter = char::from(b'a' + dice.below(26) as u8);
    match dice.below(9) {
        0 => {
            let gone = name.remove(at);
            (gone.is_ascii_alphanumeric()).then_some(Edit::Omission)
        }
        1 => {
            let doubled = name[at] == letter || at.checked_sub(1).is_some_and(|b| name[b] == letter);
            name.insert(at, letter);
            Some(if doubled { Edit::Repetition } else { Edit::Insertion })
        }
        2 => {
            name.insert(at, name[at]);
            (name[at] != '-' && name[at] != '.').then_some(Edit::Repetition)
        }
        3 => {
            (at + 1 < stem && name[at] != name[at + 1]).then(|| name.swap(at, at + 1))?;
            Some(Edit::Transposition)
        }
        4 | 5 => {
            name[at] = beside(name[at])[dice.below(2)]?;
            Some(Edit::Substitution)
        }
        6 => {
            let tail: String = name[stem + 1..].iter().collect();
            let slips = tails(&tail)?;
            name.splice(stem + 1.., slips[dice.below(slips.len())].chars());
            Some(Edit::Tld)
        }
        7 => {
            let dots: Vec<usize> = (0..name.len()).filter(|i| name[*i] == '.').collect();
            name.remove(*dots.get(dice.below(dots.len().max(1)))?);
            Some(Edit::MissingDot)
        }
        _ => {
            (at > 0 && name[at] != '-' && name[at - 1] != '-').then(|| name.insert(at, '-'))?;
            Some(Edit::Hyphenation)
        }
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The keys to the left and right on a plain keyboard.
fn beside(letter: char) -> [Option<char>; 2] {
    let Some((row, key)) = ROWS.iter().find_map(|r| Some((r, r.iter().position(|k| char::from(*k) == letter)?))) else {
        return [None; 2];
    };
    [key.checked_sub(1), Some(key + 1)].map(|k| row.get(k?).map(|b| char::from(*b)))
}

fn tails(tail: &str) -> Option<&'static [&'static str]> {
    Some(match tail {
        "com" => &["con", "cmo", "co", "om", "cm", "ocm", "comm"],
        "net" => &["ne", "nte", "et", "nett"],
        "org" => &["og", "ogr", "orgg", "rg"],
        "com.cn" => &["cn", "con.cn", "co.cn"],
        "co.uk" => &["uk", "c.uk", "co.u"],
        _ => return None,
    })
}

/// P(`typed` | `meant`) by [`slip`], counted out.
fn chance(meant: &str, typed: &str) -> f64 {
    let (name, seen): (Vec<char>, Vec<char>) = (meant.chars().collect(), typed.chars().collect());
    let stem = tail_start(meant).saturating_sub(1);
    if stem < 2 || !meant.contains('.') || meant == typed {
        return 0.0;
    }
    let differs = name.iter().zip(&seen).take_while(|(a, b)| a == b).count();
    let mut sum = 0.0;
    let (n, m) = (name.len(), seen.len());
    // A slip further left than the first difference leaves one there only within a run of the same letter.
    let run = (0..differs.min(n)).rev().take_while(|i| name[*i] == name[differs - 1]).last().unwrap_or(differs);
    let mut other = Vec::with_capacity(n + 1);
    for at in run..=differs.min(stem - 1) {
        let mut becomes = |change: &dyn Fn(&mut Vec<char>)| {
            other.clone_from(&name);
            change(&mut other);
            f64::from(u8::from(other == seen))
        };
        let share = 1.0 / stem as f64;
        if m + 1 == n && name[at].is_ascii_alphanumeric() {
            sum += share
                * becomes(&|o| {
                    o.remove(at);
                });
        }
        if m == n + 1 {
            let letter = seen[at];
            if letter.is_ascii_lowercase() {
                sum += share / 26.0 * becomes(&|o| o.insert(at, letter));
            }
            if name[at] != '-' && name[at] != '.' {
                sum += share * becomes(&|o| o.insert(at, name[at]));
            }
            if at > 0 && name[at] != '-' && name[at - 1] != '-' {
                sum += share * becomes(&|o| o.insert(at, '-'));
            }
        }
        if m == n {
            if at + 1 < stem && name[at] != name[at + 1] {
                sum += share * becomes(&|o| o.swap(at, at + 1));
            }
            // Two of nine kinds, one of two keys.
            for key in beside(name[at]).into_iter().flatten() {
                sum += share * becomes(&|o| o[at] = key);
            }
        }
    }
    let tail = &meant[tail_start(meant)..];
    if let Some(slips) = tails(tail) {
        let head = &meant[..tail_start(meant)];
        let same = slips.iter().filter(|s| typed.strip_prefix(head) == Some(s)).count();
        sum += same as f64 / slips.len() as f64;
    }
    let dots: Vec<usize> = (0..n).filter(|i| name[*i] == '.').collect();
    let same = dots
        .iter()
        .filter(|dot| name[..**dot] == seen[..(**dot).min(m)] && name[**dot + 1..] == seen[(**dot).min(m)..]);
    sum += same.count() as f64 / dots.len() as f64;
    sum / 9.0
}

/// The share of made pairs of one edit whose meant name would be named first by a model that knows how often each name
/// is drawn and how often each slip is made, and asks of no name whether it is a typo at all: the mean of the largest
/// posterior. No model gets more right on average. The names must be those the explainer knows, in their order.
pub fn limit(explainer: &Explainer<'_>, pairs: &[Pair]) -> Option<f64> {
    let largest = |pair: &Pair| {
        let weights = explainer.domains.around(&pair.typed).into_iter().map(|(rank, name)| {
            let drawn = (1.0 / (f64::from(rank) + 1.0)).ln_1p();
            drawn * chance(name, &pair.typed)
        });
        let (most, all) = weights.fold((0.0f64, 0.0), |(most, all), w| (most.max(w), all + w));
        if all > 0.0 { most / all } else { 1.0 }
    };
    let made = pairs.iter().filter(|p| p.edits.len() == 1 && !explainer.knows_domain(&p.typed));
    let (n, sum) = made.fold((0usize, 0.0), |(n, sum), pair| (n + 1, sum + largest(pair)));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_slips_chance_is_its_frequency() {
        const N: usize = 400_000;
        for meant in ["gmail.com", "foo-bar.com.cn", "aabb.de"] {
            let mut dice = Dice(5);
            let mut seen: BTreeMap<String, f64> = BTreeMap::new();
            for _ in 0..N {
                let mut name: Vec<char> = meant.chars().collect();
                if slip(&mut name, &mut dice).is_some() {
                    *seen.entry(name.into_iter().collect()).or_default() += 1.0 / N as f64;
                }
            }
            seen.remove(meant);
            assert!(seen.len() > 80);
            for (typed, share) in seen {
                let chance = chance(meant, &typed);
                let error = 5.0 * (chance.max(share) / N as f64).sqrt();
                assert!((chance - share).abs() < error, "{meant} {typed}: {chance} {share}");
            }
        }
    }
}
