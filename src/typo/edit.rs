//! Which slips lead from one name to another: the ten named edits with their places, so that they can be applied. The
//! one door to `strsim`.

use super::{
    Edit, homoglyph,
    parameters::{Parameters, name_substitution},
};

/// More slips than this in one name are no typo of it.
pub(super) const MAX_EDITS: usize = 2;

/// Labels under which countries sell names: `com.cn`, `co.uk`.
const SECOND_LEVELS: [&str; 22] = [
    "com", "co", "net", "org", "gov", "edu", "ac", "or", "ne", "go", "gob", "mil", "nom", "nhs", "gouv", "govt", "re",
    "gen", "id", "in", "web", "sch",
];

/// One slip: at character `at` of the intended name, `to` was typed instead of `from`; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub edit: Edit,
    /// Place in the intended name, in characters.
    pub at: usize,
    /// What stands there.
    pub from: String,
    /// What was typed.
    pub to: String,
}

impl Change {
    /// Its name for people: one vowel for another is an ear's doing, though the channel counts it among flipped bits.
    pub(super) fn told(&self) -> Edit {
        let vowels = || self.from.chars().chain(self.to.chars()).all(|c| "aeiouy".contains(c));
        if self.edit == Edit::Bitflip && vowels() { Edit::Substitution } else { self.edit }
    }

    /// Whether a digit was typed or should have been.
    pub(super) fn has_digit(&self) -> bool {
        self.from.chars().chain(self.to.chars()).any(|c| c.is_ascii_digit())
    }
}

/// The typed name that `changes` make of `intended`; `None` where they do not fit it.
pub fn apply(intended: &str, changes: &[Change]) -> Option<String> {
    let mut name: Vec<char> = intended.chars().collect();
    for change in changes.iter().rev() {
        let end = change.at + change.from.chars().count();
        if !name.get(change.at..end)?.iter().copied().eq(change.from.chars()) {
            return None;
        }
        name.splice(change.at..end, change.to.chars());
    }
    Some(name.into_iter().collect())
}

/// The likeliest one or two slips that lead from the domain `intended` to `typed`, by the channel; empty when they are
/// equal, `None` when none do.
pub fn changes(intended: &str, typed: &str, channel: &Parameters) -> Option<Vec<Change>> {
    let (a, b): (Vec<char>, Vec<char>) = (intended.chars().collect(), typed.chars().collect());
    let mut walk = Walk::new(&a, &b);
    let tail = tail_start(intended);
    let tail_at = intended[..tail].chars().count();
    for start in tail_places(&b) {
        walk.through_tail(tail_at, start);
    }
    if walk.found.is_empty() && tail_at < a.len() {
        walk.through_no_dot(tail_at);
    }
    if walk.found.iter().all(|path| path.len() > 1) {
        // `gmai.lcom`: one slip across the dot is likelier than one on either side.
        (walk.a_end, walk.b_end) = (a.len(), b.len());
        walk.step(0, 0, if walk.found.is_empty() { MAX_EDITS } else { 1 });
    }
    if walk.found.is_empty() {
        walk.in_another_script();
    }
    walk.likeliest(channel)
}

/// [`changes`] of a username, in which no part is a suffix.
pub(super) fn word_changes(intended: &str, typed: &str, channel: &Parameters) -> Option<Vec<Change>> {
    let (a, b): (Vec<char>, Vec<char>) = (intended.chars().collect(), typed.chars().collect());
    let mut walk = Walk::new(&a, &b);
    walk.step(0, 0, MAX_EDITS);
    walk.likeliest(channel)
}

/// Optimal string alignment distance (a transposition is one edit; no letter is moved twice).
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b) = strip(a.as_bytes(), b.as_bytes());
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len());
    }
    match (std::str::from_utf8(a), std::str::from_utf8(b)) {
        (Ok(a), Ok(b)) => strsim::osa_distance(a, b),
        // The cut fell into a letter: count by bytes, which is never less.
        _ => strsim::generic_damerau_levenshtein(a, b),
    }
}

/// Where the suffix of a name starts: after the last dot, or with the country's second level (`com.cn`).
pub(super) fn tail_start(name: &str) -> usize {
    let Some(last) = name.rfind('.') else {
        return name.len();
    };
    let country = name.len() - last - 1 == 2;
    match name[..last].rfind('.') {
        Some(before) if country && SECOND_LEVELS.contains(&&name[before + 1..last]) => before + 1,
        _ => last + 1,
    }
}

/// Where in a typed name a suffix may start: after its last and last but one dot.
fn tail_places(typed: &[char]) -> Vec<usize> {
    let mut dots = typed.iter().enumerate().rev().filter(|(_, c)| **c == '.').map(|(i, _)| i + 1);
    [dots.next(), dots.next()].into_iter().flatten().collect()
}

fn strip<'a>(mut a: &'a [u8], mut b: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[head..], &b[head..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (&a[..a.len() - end], &b[..b.len() - end])
}

/// All alignments of at most two edits; equal letters are never given up, which loses no shortest one.
struct Walk<'a> {
    a: &'a [char],
    b: &'a [char],
    a_end: usize,
    b_end: usize,
    path: Vec<Change>,
    found: Vec<Vec<Change>>,
}

impl<'a> Walk<'a> {
    fn new(a: &'a [char], b: &'a [char]) -> Self {
        Walk { a, b, a_end: a.len(), b_end: b.len(), path: Vec::new(), found: Vec::new() }
    }

    /// Fewer edits first; then the likelier; then the order in which the walk prefers them.
    fn likeliest(self, channel: &Parameters) -> Option<Vec<Change>> {
        let a = self.a;
        let score = |path: &Vec<Change>| channel.likelihood(a, path);
        let mut found = self.found;
        found.sort_by(|x, y| x.len().cmp(&y.len()).then(score(y).total_cmp(&score(x))));
        found.into_iter().next()
    }

    /// Alignments in which the suffixes `a[tail..]` and `b[start..]` stand for each other.
    fn through_tail(&mut self, tail: usize, start: usize) {
        if tail == 0 || tail >= self.a.len() || start == 0 {
            return;
        }
        let (from, to): (String, String) = (self.a[tail..].iter().collect(), self.b[start..].iter().collect());
        (self.a_end, self.b_end) = (tail - 1, start - 1);
        let slipped = from != to;
        let known = self.found.len();
        if slipped && from.replace('.', "") == to {
            // `yahoo.combr`: the dot inside the suffix.
            if let Some(dot) = from.find('.') {
                self.step(0, 0, MAX_EDITS - 1);
                for path in &mut self.found[known..] {
                    path.push(Change { edit: Edit::MissingDot, at: tail + dot, from: ".".into(), to: String::new() });
                }
            }
            return;
        }
        self.step(0, 0, MAX_EDITS - usize::from(slipped));
        if slipped {
            for path in &mut self.found[known..] {
                path.push(Change { edit: Edit::Tld, at: tail, from: from.clone(), to: to.clone() });
            }
        }
    }

    /// A stretch written with look-alikes, however many: somebody chose it, and it is one deed.
    fn in_another_script(&mut self) {
        let head = self.a.iter().zip(self.b).take_while(|(x, y)| x == y).count();
        let (a, b) = (&self.a[head..], &self.b[head..]);
        let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
        if homoglyph::reads_as(a, b) {
            let (from, to) = (a.iter().collect(), b.iter().collect());
            self.found.push(vec![Change { edit: Edit::Homoglyph, at: head, from, to }]);
        }
    }

    /// Alignments without the dot before the suffix, and the suffix slipped: `gmailcon`.
    fn through_no_dot(&mut self, tail: usize) {
        let len = self.a.len() - tail;
        for to_len in len.saturating_sub(1).max(2)..=len + 1 {
            let Some(start) = self.b.len().checked_sub(to_len).filter(|s| *s > 0 && tail > 1) else {
                continue;
            };
            let (from, to): (String, String) = (self.a[tail..].iter().collect(), self.b[start..].iter().collect());
            if from != to && !to.contains('.') && distance(&from, &to) == 1 && self.a[..tail - 1] == self.b[..start] {
                let dot = Change { edit: Edit::MissingDot, at: tail - 1, from: ".".into(), to: String::new() };
                self.found.push(vec![dot, Change { edit: Edit::Tld, at: tail, from, to }]);
            }
        }
    }

    fn step(&mut self, mut i: usize, mut j: usize, budget: usize) {
        while i < self.a_end && j < self.b_end && self.a[i] == self.b[j] {
            (i, j) = (i + 1, j + 1);
        }
        if i == self.a_end && j == self.b_end {
            self.found.push(self.path.clone());
            return;
        }
        let (left, right) = (self.a_end - i, self.b_end - j);
        if budget == 0 || left.abs_diff(right) > budget + 1 {
            return;
        }
        if left > 1 && right > 1 && self.a[i] == self.b[j + 1] && self.a[i + 1] == self.b[j] {
            self.take(Edit::Transposition, (i, 2), (j, 2), budget);
        }
        for (seen, meant) in homoglyph::groups() {
            if self.a[i..self.a_end].starts_with(meant) && self.b[j..self.b_end].starts_with(seen) {
                self.take(Edit::Homoglyph, (i, meant.len()), (j, seen.len()), budget);
            }
        }
        if left > 0 {
            let edit = match self.a[i] {
                '.' => Edit::MissingDot,
                '-' => Edit::Hyphenation,
                _ => Edit::Omission,
            };
            self.take(edit, (i, 1), (j, 0), budget);
        }
        if right > 0 {
            let typed = self.b[j];
            let doubled = (i > 0 && self.a[i - 1] == typed) || (i < self.a_end && self.a[i] == typed);
            let edit = match typed {
                '-' => Edit::Hyphenation,
                _ if doubled => Edit::Repetition,
                _ => Edit::Insertion,
            };
            self.take(edit, (i, 0), (j, 1), budget);
        }
        if left > 0 && right > 0 {
            let edit = match (self.a[i], self.b[j]) {
                ('.', '-') | ('-', '.') => Edit::Substitution,
                (a, b) => name_substitution(a, b),
            };
            self.take(edit, (i, 1), (j, 1), budget);
        }
    }

    fn take(&mut self, edit: Edit, (i, n): (usize, usize), (j, m): (usize, usize), budget: usize) {
        let change =
            Change { edit, at: i, from: self.a[i..i + n].iter().collect(), to: self.b[j..j + m].iter().collect() };
        self.path.push(change);
        self.step(i + n, j + m, budget - 1);
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(intended: &str, typed: &str) -> Vec<&'static str> {
        let channel = Parameters::shipped().unwrap();
        let found = changes(intended, typed, &channel).unwrap_or_else(|| panic!("{intended} → {typed}"));
        assert_eq!(apply(intended, &found).as_deref(), Some(typed));
        found.iter().map(|c| c.told().name()).collect()
    }

    #[test]
    fn names_a_slip_as_people_would() {
        for (intended, typed, edits) in [
            ("gmail.com", "gmai.com", &["omission"][..]),
            ("gmail.com", "gmaill.com", &["repetition"]),
            ("gmail.com", "gmial.com", &["transposition"]),
            ("gmail.com", "gmail.con", &["tld"]),
            ("gmail.com", "gmail.co", &["tld"]),
            ("gmail.com", "gmail.cmo", &["tld"]),
            ("gmail.com", "gmail.om", &["tld"]),
            ("gmail.com", "gmail.comm", &["tld"]),
            ("yahoo.com.cn", "yahoo.cn", &["tld"]),
            ("yahoo.com.cn", "yaho.com.cn", &["omission"]),
            ("gmail.com", "gmailcom", &["missing_dot"]),
            ("yahoo.com.cn", "yahoocom.cn", &["missing_dot"]),
            ("mail.example.com", "mailexample.com", &["missing_dot"]),
            ("paypal.com", "paypa1.com", &["homoglyph"]),
            ("mail.ru", "rnail.ru", &["homoglyph"]),
            ("gmail.com", "gmаil.com", &["homoglyph"]),
            ("t-online.de", "tonline.de", &["hyphenation"]),
            ("gmail.com", "g-mail.com", &["hyphenation"]),
            ("gmail.com", "gmsil.com", &["substitution"]),
            ("gmail.com", "gmcil.com", &["bitflip"]),
            ("gmail.com", "gmeil.com", &["substitution"]),
            ("smith.com", "smyth.com", &["substitution"]),
            ("gmail.com", "gxmail.com", &["insertion"]),
            ("gmail.com", "gmial.con", &["transposition", "tld"]),
            ("yahoo.com", "yaho.con", &["omission", "tld"]),
            ("gmail.com", "gmail.com", &[]),
            ("gmail.com", "gmai.lcom", &["transposition"]),
            ("yahoo.com.br", "yahoo.combr", &["missing_dot"]),
            ("gmail.com", "gmailcon", &["missing_dot", "tld"]),
            ("gmail.com", "gmalcom", &["omission", "missing_dot"]),
            ("paypal.com", "раураӏ.com", &["homoglyph"]),
            ("yahoo.com.cn", "yahoo.com.cm", &["tld"]),
        ] {
            assert_eq!(named(intended, typed), edits, "{intended} → {typed}");
        }
        assert_eq!(changes("gmail.com", "hotmail.com", &Parameters::shipped().unwrap()), None);
    }

    #[test]
    fn distances_are_those_of_strsim() {
        for (a, b) in [
            ("gmail.com", "gmial.com"),
            ("", "ab"),
            ("abc", ""),
            ("aab", "ab"),
            ("ca", "abc"),
            ("äb", "bä"),
            ("été", "ête"),
        ] {
            assert!(distance(a, b).abs_diff(strsim::osa_distance(a, b)) <= 1, "{a} {b}");
        }
        assert_eq!(distance("gmail.com", "gmial.com"), 1);
    }

    proptest::proptest! {
        #[test]
        fn edits_lead_from_meant_to_typed(meant in "[a-c]{1,4}(\\.[a-c]{2,3}){1,2}", typed in "[a-c1.-]{1,12}") {
            let channel = Parameters::shipped().unwrap();
            if let Some(found) = changes(&meant, &typed, &channel) {
                proptest::prop_assert!(found.len() <= MAX_EDITS);
                proptest::prop_assert_eq!(apply(&meant, &found), Some(typed));
            }
        }

        #[test]
        fn whatever_lies_within_two_edits_is_explained(meant in "[a-d]{2,8}\\.com", typed in "[a-d]{2,8}\\.com") {
            let channel = Parameters::shipped().unwrap();
            if strsim::osa_distance(&meant, &typed) <= 2 {
                let found = changes(&meant, &typed, &channel).unwrap();
                proptest::prop_assert_eq!(apply(&meant, &found), Some(typed));
            }
        }
    }
}
