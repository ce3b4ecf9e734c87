//! Letters that look alike (`data/homoglyphs.tsv`), and the plain text a name is taken for.

use std::{collections::BTreeMap, sync::OnceLock};

/// From look-alike to what it is taken for.
fn pairs() -> &'static [(Vec<char>, Vec<char>)] {
    static PAIRS: OnceLock<Vec<(Vec<char>, Vec<char>)>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        include_str!("../../data/homoglyphs.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .map(|(from, to)| (from.chars().collect(), to.chars().collect()))
            .collect()
    })
}

/// The single letters of [`pairs`] outside ASCII: nobody types these by a slip.
fn foreign() -> &'static BTreeMap<char, char> {
    static MAP: OnceLock<BTreeMap<char, char>> = OnceLock::new();
    MAP.get_or_init(|| {
        let single = pairs().iter().filter(|(from, to)| from.len() == 1 && to.len() == 1 && !from[0].is_ascii());
        single.map(|(from, to)| (from[0], to[0])).collect()
    })
}

/// Whether `seen` looks like `meant`; one of the two may have two letters.
pub(super) fn alike(meant: &[char], seen: &[char]) -> bool {
    pairs().iter().any(|(from, to)| from == seen && to == meant)
}

/// Look-alikes of more than one letter: `(seen, meant)`.
pub(super) fn groups() -> impl Iterator<Item = (&'static [char], &'static [char])> {
    pairs().iter().filter(|(from, to)| from.len() + to.len() > 2).map(|(from, to)| (&from[..], &to[..]))
}

/// What `text` is taken for by the eye, one reading for each family of look-alikes that changes it: foreign letters
/// and digits as Latin ones, then also letter groups (`rn` as `m`). Empty when it has nothing of the kind.
pub(super) fn readings(text: &str) -> Vec<String> {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '1' => 'l',
            '0' => 'o',
            '5' => 's',
            c => foreign().get(&c).copied().unwrap_or(c),
        })
        .collect();
    let mut readings = Vec::new();
    for (seen, meant) in groups() {
        let (seen, meant): (String, String) = (seen.iter().collect(), meant.iter().collect());
        for base in [text, &plain] {
            if base.contains(&seen) {
                readings.push(base.replace(&seen, &meant));
            }
        }
    }
    readings.push(plain);
    readings.retain(|r| r != text);
    readings.sort();
    readings.dedup();
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eye_reads_plain_letters() {
        assert_eq!(readings("paypa1.com"), ["paypal.com"]);
        assert_eq!(readings("gmаil.com"), ["gmail.com"]);
        assert!(readings("rnail.ru").contains(&"mail.ru".to_owned()));
        assert_eq!(readings("gmail.ru"), [""; 0]);
        assert!(alike(&['m'], &['r', 'n']) && alike(&['o'], &['0']) && !alike(&['0'], &['o']));
    }
}
