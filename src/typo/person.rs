//! Ways to write one person's name as a username: order, separators, initials, digits and plus-tags.

use super::Edit;
use crate::hash::fnv1a;

const SEPARATORS: [char; 3] = ['.', '_', '-'];

/// How one person's name came to be written another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// `smith.john`
    Order,
    /// `john_smith`
    Separator,
    /// `j.smith`
    Initial,
    /// `john.smith2`
    Digits,
    /// `john.smith+news`
    Tag,
}

/// A name to be compared with many others.
#[derive(Debug)]
pub(super) struct Person<'a> {
    local: &'a str,
    key: u64,
    outline: (u32, Option<u8>),
    look: Look,
}

/// What a name looks like: enough to tell most that are neither near to another nor the same person's, without their texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    /// Which letters and digits it has; signs that may not count at its provider are left out here and in `length`.
    kinds: u32,
    /// See [`outline`].
    sum: u16,
    first: u8,
    length: u8,
}

impl Look {
    pub(super) fn of(local: &str) -> Self {
        let counts = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0xC0;
        let kind = |b: u8| if b.is_ascii() { 1 << (b % 32) } else { 1 };
        let letters = || local.bytes().filter(counts);
        let (sum, first) = outline(local);
        Look {
            kinds: letters().fold(0, |kinds, b| kinds | kind(b)),
            sum: sum as u16,
            first: first.unwrap_or_default(),
            length: letters().count().min(usize::from(u8::MAX)) as u8,
        }
    }

    /// Whether the two may be within so many slips, each of which changes at most two kinds of letters.
    fn may_be_near(self, other: Look, slips: u8) -> bool {
        self.length.abs_diff(other.length) <= slips && (self.kinds ^ other.kinds).count_ones() <= 2 * u32::from(slips)
    }
}

impl<'a> Person<'a> {
    pub(super) fn new(local: &'a str) -> Self {
        Person { local, key: key(local), outline: outline(local), look: Look::of(local) }
    }

    /// Whether a name that looks so may be within so many slips, or [be](Person::is) this one.
    pub(super) fn may_be(&self, other: Look, slips: usize) -> bool {
        let Look { sum, first, .. } = other;
        (sum == self.look.sum) | (first == self.look.first) || self.look.may_be_near(other, slips as u8)
    }

    /// Whether `other` has the same [`key`], or is the [`initial_form`] of it or the reverse. Most names are told apart
    /// without being taken apart.
    pub(super) fn is(&self, other: &str) -> bool {
        let (sum, first) = outline(other);
        (sum == self.outline.0 && key(other) == self.key)
            || (first == self.outline.1 && initial_form(other, self.local))
    }
}

/// Of the letters of a name without tag and digits at the end: their sum, the same in any order, and the first, which its
/// initial forms share.
fn outline(local: &str) -> (u32, Option<u8>) {
    let mut letters = bare(local).bytes().filter(|b| !SEPARATORS.contains(&char::from(*b)));
    let first = letters.next();
    (first.into_iter().chain(letters).map(u32::from).sum(), first)
}

/// The same number for all orders and separators of one name, without tag and digits at the end.
pub(super) fn key(local: &str) -> u64 {
    let bare = bare(local);
    let mut parts = parts(bare);
    if parts.len() == 1 {
        return fnv1a(parts[0].as_bytes());
    }
    parts.sort_unstable();
    // Sorted, so that `smith.john` is `john.smith`; joined, so that order is all that is lost.
    fnv1a(parts.join(".").as_bytes())
}

/// Of a name that may be the [`initial_form`] of another or have one: its initial and family name. None where that is short,
/// or with digits: such names are many people's.
pub(super) fn initial_key(local: &str) -> Option<u64> {
    let parts = parts(local);
    let (given, family) = match parts[..] {
        [family, initial] if one(initial) => (initial, family),
        [given, family] => (given, family),
        [whole] => whole.split_at(whole.chars().next()?.len_utf8()),
        _ => return None,
    };
    let plain = family.chars().count() >= FAMILY && !local.contains(|c: char| c.is_ascii_digit() || c == '+');
    let initial = given.chars().next()?;
    plain.then(|| fnv1a(family.as_bytes()) ^ u64::from(u32::from(initial)))
}

/// Letters of a family name that with an initial is hardly two people's of one house.
const FAMILY: usize = 5;

/// `j.smith` or `jsmith` against `john.smith`, in either direction.
pub(super) fn initial_form(a: &str, b: &str) -> bool {
    let short_of = |long: &str, short: &str| {
        let (l, s) = (parts(bare(long)), parts(bare(short)));
        match (&l[..], &s[..]) {
            ([given, family], [x, y]) => {
                (one(x) && given.starts_with(x) && !one(given) && family == y)
                    || (one(y) && family.starts_with(y) && !one(family) && given == x)
            }
            ([given, family], [whole]) => {
                let first = given.chars().next();
                family.len() > 2
                    && whole.len() == family.len() + first.map_or(0, char::len_utf8)
                    && whole.starts_with(|c| Some(c) == first)
                    && whole.ends_with(family)
            }
            _ => false,
        }
    };
    short_of(a, b) || short_of(b, a)
}

/// Whether `typed` writes the person of `local` another way; which edit that is by name, and which way.
pub(super) fn variant(local: &str, typed: &str) -> Option<(Edit, Way)> {
    if local == typed {
        return None;
    }
    let shorter = typed.len() < local.len();
    let left_out = |otherwise| if shorter { Edit::Omission } else { otherwise };
    let (a, b) = (bare(local), bare(typed));
    let (tagged, digits) = (
        untagged(local).len() != local.len() || untagged(typed).len() != typed.len(),
        untagged(local) != a || untagged(typed) != b,
    );
    if a == b && !a.is_empty() {
        let way = if is_another_number(local, typed) {
            return None;
        } else if digits {
            Way::Digits
        } else if tagged {
            Way::Tag
        } else {
            return None;
        };
        return Some((left_out(Edit::Insertion), way));
    }
    let (x, y) = (parts(untagged(local)), parts(untagged(typed)));
    if x.len() == 2 && y.len() == 2 && x[0] == y[1] && x[1] == y[0] {
        return Some((Edit::Transposition, Way::Order));
    }
    if x.concat() == y.concat() && !x.concat().is_empty() {
        let edit = if x.len() == y.len() {
            Edit::Substitution
        } else if local.contains('.') && shorter {
            Edit::MissingDot
        } else {
            left_out(Edit::Insertion)
        };
        return Some((edit, Way::Separator));
    }
    initial_form(local, typed).then_some((left_out(Edit::Insertion), Way::Initial))
}

/// Whether the two differ in their numbers only: those tell people of one name apart.
pub(super) fn is_another_number(local: &str, typed: &str) -> bool {
    let (a, b) = (untagged(local), untagged(typed));
    let number = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    let letter = |b: &u8| !b.is_ascii_digit();
    a != b && number(a) && number(b) && a.bytes().filter(letter).eq(b.bytes().filter(letter))
}

/// Whether the two have one family name and different initials: two people.
pub(super) fn is_another_initial(local: &str, typed: &str) -> bool {
    let (a, b) = (parts(untagged(local)), parts(untagged(typed)));
    match (&a[..], &b[..]) {
        ([x, family], [y, other]) => {
            (family == other && one(x) && one(y) && x != y) || (x == y && one(family) && one(other) && family != other)
        }
        _ => false,
    }
}

fn untagged(local: &str) -> &str {
    match local.find('+') {
        Some(at) if at > 0 => &local[..at],
        _ => local,
    }
}

/// Without tag and the digits at the end; all digits stay (QQ numbers are names).
fn bare(local: &str) -> &str {
    let untagged = untagged(local.trim_matches('"'));
    let bare = untagged.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(SEPARATORS);
    if bare.is_empty() { untagged } else { bare }
}

fn parts(local: &str) -> Vec<&str> {
    let parts: Vec<&str> = local.split(SEPARATORS).filter(|p| !p.is_empty()).collect();
    if parts.is_empty() { vec![local] } else { parts }
}

fn one(part: &str) -> bool {
    part.chars().count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_written_many_ways() {
        for (local, typed, edit) in [
            ("john.smith", "smith.john", Some(Edit::Transposition)),
            ("john.smith", "johnsmith", Some(Edit::MissingDot)),
            ("john.smith", "john_smith", Some(Edit::Substitution)),
            ("john.smith", "j.smith", Some(Edit::Omission)),
            ("j.smith", "john.smith", Some(Edit::Insertion)),
            ("john.smith", "jsmith", Some(Edit::Omission)),
            ("john.smith1", "john.smith", Some(Edit::Omission)),
            ("john+news", "john", Some(Edit::Omission)),
            ("john.smith85", "john.smith1585", None),
            ("john73", "john57", None),
            ("john73+a", "john73+b", Some(Edit::Insertion)),
            ("john.smith", "jane.smith", None),
            ("12345", "12346", None),
            ("anna", "hanna", None),
        ] {
            assert_eq!(variant(local, typed).map(|v| v.0), edit, "{local} {typed}");
        }
        for (a, b, two) in [
            ("s.hofmeister", "t.hofmeister", true),
            ("hofmeister.s", "hofmeister.t", true),
            ("s.hofmeister", "s.hofmeistre", false),
            ("s.hofmeister", "hofmeister", false),
            ("sven.hofmeister", "t.hofmeister", false),
        ] {
            assert_eq!(is_another_initial(a, b), two, "{a} {b}");
        }
        assert_eq!(key("smith_john2"), key("john.smith"));
        let forms =
            ["t.hofmeister", "thomas.hofmeister", "thofmeister", "hofmeister.t", "tina_hofmeister"].map(initial_key);
        assert!(forms[0].is_some() && forms.iter().all(|form| *form == forms[0]));
        for other in ["s.hofmeister", "t.hofmaister", "t.ho", "t.hofmeister2", "t.h.hofmeister"] {
            assert_ne!(initial_key(other), forms[0], "{other}");
        }
        let names =
            ["john.smith", "smith_john2", "j.smith", "jsmith", "smith.j", "john", ".john-smith", "s.john", "12", "."];
        for (a, b) in names.iter().flat_map(|a| names.map(|b| (*a, b))) {
            assert_eq!(Person::new(a).is(b), key(a) == key(b) || initial_form(a, b), "{a} {b}");
            assert!(!Person::new(a).is(b) || Person::new(a).may_be(Look::of(b), 2), "{a} {b}");
        }
        assert_ne!(key("10001"), key("10002"));
    }

    proptest::proptest! {
        #[test]
        fn near_names_look_near(a in "[a-c7ä.]{1,12}", b in "[a-c7ä.]{1,12}") {
            let plain = |name: &str| name.replace('.', "");
            let near = strsim::osa_distance(&a, &b).min(strsim::osa_distance(&plain(&a), &plain(&b)));
            proptest::prop_assert!(near > 2 || Person::new(&a).may_be(Look::of(&b), 2), "{} {}", a, b);
        }
    }
}
