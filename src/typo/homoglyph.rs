//! Letters that look alike: those of other scripts by Unicode's own table (UTS 39, the one door to
//! `unicode-security`), and what is confused within plain letters and digits (`data/homoglyphs.tsv`).

use std::sync::OnceLock;

use unicode_security::confusable_detection::skeleton;

/// Within ASCII and beside UTS 39: from look-alike to what it is taken for.
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

/// What a letter outside ASCII is taken for: its UTS 39 prototype without accents, where that is plain.
fn plain(letter: char) -> Option<String> {
    if letter.is_ascii() {
        return None;
    }
    if let Some((_, to)) = pairs().iter().find(|(from, _)| from[..] == [letter]) {
        return Some(to.iter().collect());
    }
    // A name may have been shown in capitals.
    prototype(letter.encode_utf8(&mut [0; 4])).or_else(|| prototype(&letter.to_uppercase().collect::<String>()))
}

fn prototype(letter: &str) -> Option<String> {
    let bare: String = skeleton(letter).filter(|c| !is_mark(*c)).collect();
    // The table's prototype of m is rn, of 0 and 1 are O and l.
    let bare = bare.to_ascii_lowercase().replace("rn", "m");
    let usual = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    (!bare.is_empty() && bare.bytes().all(usual)).then_some(bare)
}

/// Accents and strokes laid over a letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

/// Whether `seen` looks like `meant`; one of the two may have two letters.
pub(super) fn alike(meant: &[char], seen: &[char]) -> bool {
    if let [letter] = seen
        && let Some(text) = plain(*letter)
    {
        return text.chars().eq(meant.iter().copied());
    }
    pairs().iter().any(|(from, to)| from == seen && to == meant)
}

/// Whether `seen` has letters of other scripts and is `meant` to the eye.
pub(super) fn reads_as(meant: &[char], seen: &[char]) -> bool {
    seen.iter().any(|c| !c.is_ascii()) && foreign_to_plain(seen.iter().copied()).chars().eq(meant.iter().copied())
}

fn foreign_to_plain(text: impl Iterator<Item = char>) -> String {
    text.fold(String::new(), |mut read, c| {
        match plain(c) {
            Some(text) => read.push_str(&text),
            None => read.push(c),
        }
        read
    })
}

/// Look-alikes of more than one letter: `(seen, meant)`.
pub(super) fn groups() -> impl Iterator<Item = (&'static [char], &'static [char])> {
    pairs().iter().filter(|(from, to)| from.len() + to.len() > 2).map(|(from, to)| (&from[..], &to[..]))
}

/// What `text` is taken for by the eye, one reading for each family of look-alikes that changes it: foreign letters,
/// then digits as letters, then also letter groups (`rn` as `m`). Empty when it has nothing of the kind.
pub(super) fn readings(text: &str) -> Vec<String> {
    let latin = foreign_to_plain(text.chars());
    let letters: String = latin
        .chars()
        .map(|c| match c {
            '1' => 'l',
            '0' => 'o',
            '5' => 's',
            c => c,
        })
        .collect();
    let mut readings = Vec::new();
    for (seen, meant) in groups() {
        let (seen, meant): (String, String) = (seen.iter().collect(), meant.iter().collect());
        for base in [&latin, &letters] {
            if base.contains(&seen) {
                readings.push(base.replace(&seen, &meant));
            }
        }
    }
    readings.extend([latin, letters]);
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

    #[test]
    fn other_scripts_are_read_by_the_unicode_table() {
        // Cyrillic, Greek, Armenian, Cherokee, full width, mathematical, small capitals, accents, strokes.
        for (seen, meant) in [
            ("а", "a"),
            ("ѕ", "s"),
            ("ӏ", "l"),
            ("ο", "o"),
            ("ν", "v"),
            ("օ", "o"),
            ("ո", "n"),
            ("ꭱ", "r"),
            ("ｇ", "g"),
            ("𝐦", "m"),
            ("ɡ", "g"),
            ("ı", "i"),
            ("é", "e"),
            ("ộ", "o"),
            ("ø", "o"),
            ("ł", "l"),
            ("đ", "d"),
            ("ß", "b"),
        ] {
            assert_eq!(plain(seen.chars().next().unwrap()).as_deref(), Some(meant), "{seen}");
        }
        for own in ['中', 'ж', 'щ', '한', 'a', '7'] {
            assert_eq!(plain(own), None, "{own}");
        }
        let of = |text: &str| text.chars().collect::<Vec<char>>();
        assert!(reads_as(&of("paypal"), &of("раураӏ")) && !reads_as(&of("paypal"), &of("paypal")));
    }
}
