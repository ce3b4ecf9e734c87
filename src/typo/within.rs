//! The distance of two names where it is at most two: equal heads are skipped, and at the first letter that differs
//! every single edit is tried. No table is filled, and most pairs are told apart by a few comparisons.

use super::edit::distance;

/// Optimal string alignment distance by bytes, where it is at most `far` (at most two).
pub(super) fn within(a: &[u8], b: &[u8], far: usize) -> Option<u8> {
    if a.len().abs_diff(b.len()) > far {
        return None;
    }
    let (a, b) = differing(a, b);
    if a.is_empty() && b.is_empty() {
        return Some(0);
    }
    if far > 0 && one(a, b) {
        return Some(1);
    }
    (far > 1 && two(a, b)).then_some(2)
}

/// The same by letters.
pub(super) fn within_text(a: &str, b: &str, far: usize) -> Option<u8> {
    if a.is_ascii() && b.is_ascii() {
        return within(a.as_bytes(), b.as_bytes(), far);
    }
    Some(distance(a, b)).filter(|d| *d <= far).map(|d| d as u8)
}

/// Bytes that are compared at once.
pub(super) const PACKED: usize = size_of::<u128>();

/// A text as one number, its first letter lowest; none that is too long. A text with NUL has none of its own.
pub(super) fn pack(text: &[u8]) -> Option<u128> {
    let mut room = [0; PACKED];
    room.get_mut(..text.len())?.copy_from_slice(text);
    Some(u128::from_le_bytes(room))
}

/// [`within`] of packed texts: an edit is a shift.
pub(super) fn within_packed(a: u128, b: u128, far: usize) -> Option<u8> {
    if a == b {
        return Some(0);
    }
    let (a, b) = past(a, b);
    if far > 0 && one_packed(a, b) {
        return Some(1);
    }
    let then = |a, b| {
        let (a, b) = past(a, b);
        one_packed(a, b)
    };
    let two =
        || then(a >> 8, b >> 8) || then(a >> 8, b) || then(a, b >> 8) || (exchanged(a, b) && then(a >> 16, b >> 16));
    (far > 1 && two()).then_some(2)
}

/// Whether one edit at the first letter, or none, makes `b` of `a`. All is asked at once: no guess can go wrong.
fn one_packed(a: u128, b: u128) -> bool {
    (a >> 8 == b >> 8) | (a >> 8 == b) | (a == b >> 8) | (exchanged(a, b) & (a >> 16 == b >> 16))
}

/// Whether the first two letters have changed places.
fn exchanged(a: u128, b: u128) -> bool {
    a as u16 == (b as u16).swap_bytes()
}

/// Both without the head they share; equal texts keep their last letter.
fn past(a: u128, b: u128) -> (u128, u128) {
    let same = (a ^ b).trailing_zeros() & 0x78;
    (a >> same, b >> same)
}

/// Whether one edit makes `b` of `a`; their first letters differ.
fn one(a: &[u8], b: &[u8]) -> bool {
    match (a, b) {
        ([a1, a2, a @ ..], [b1, b2, b @ ..]) if a1 == b2 && a2 == b1 && a == b => true,
        ([_, a @ ..], b) if a == b => true,
        (a, [_, b @ ..]) if a == b => true,
        ([_, a @ ..], [_, b @ ..]) => a == b,
        _ => false,
    }
}

/// Whether two edits do: one at the first letter, one at the next difference or none.
fn two(a: &[u8], b: &[u8]) -> bool {
    let then = |a, b| {
        let (a, b) = differing(a, b);
        (a.is_empty() && b.is_empty()) || one(a, b)
    };
    match (a, b) {
        ([a1, a2, a @ ..], [b1, b2, b @ ..]) if a1 == b2 && a2 == b1 && then(a, b) => true,
        ([_, rest_a @ ..], [_, rest_b @ ..]) => then(rest_a, rest_b) || then(rest_a, b) || then(a, rest_b),
        (rest, []) | ([], rest) => rest.len() <= 2,
    }
}

/// Both without the head they share.
fn differing<'a>(a: &'a [u8], b: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (&a[head..], &b[head..])
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_the_distance_of_strsim(a in "[abc]{0,16}", b in "[abc]{0,16}", far in 0usize..3) {
            let distance = strsim::osa_distance(&a, &b);
            let want = (distance <= far).then_some(distance as u8);
            proptest::prop_assert_eq!(within(a.as_bytes(), b.as_bytes(), far), want);
            let (a, b) = (pack(a.as_bytes()).unwrap(), pack(b.as_bytes()).unwrap());
            proptest::prop_assert_eq!(within_packed(a, b, far), want);
        }
    }
}
