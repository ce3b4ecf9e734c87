//! A sender's contacts as one run of bytes: a night reads every contact there is, and cell by cell that was most of it.
//!
//! Rows stand in the order of client, recipient and direction, each written as the difference from the one before, in
//! numbers of seven bits a byte (LEB128): a fifth of the room of a table's row.

use crate::{
    delivery::Direction,
    ledger::{Answer, Contact},
    moment::{Timestamp, Window},
};

/// Bits of a recipient's number that do not count in a page's place: a sender of millions has several pages.
const PART: u32 = 18;
/// Bits for the part in a page's place, beside the sender's.
const PARTS: u32 = 14;

/// Of a row's first byte, above direction and answer: mail was accepted, and each count that is not zero.
const ANSWER_AT: u8 = 2;
const ACCEPTED: u8 = 1 << 4;
const COUNTS: [u8; 3] = [1 << 5, 1 << 6, 1 << 7];

/// Who met whom, by the names' numbers in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) sender: i64,
    pub(super) client: i64,
    pub(super) recipient: i64,
    pub(super) direction: Direction,
}

impl Pair {
    /// Its page's number.
    pub(super) fn place(&self) -> i64 {
        self.sender << PARTS | self.recipient >> PART
    }
}

/// The rows of one page, which are in order and of one sender.
pub(super) fn pack(rows: &[(Pair, Contact)], page: &mut Vec<u8>) {
    page.clear();
    let (mut client, mut recipient, mut first) = (0, 0, 0);
    for (pair, c) in rows {
        number(pair.client - client, page);
        if pair.client != client {
            recipient = 0;
        }
        signed(pair.recipient - recipient, page);
        let span = c.accepted_span.bounds();
        let counts = [c.unknown, c.no_domain, c.other];
        let told = counts.iter().zip(COUNTS).filter(|(n, _)| **n > 0).fold(0, |bits, (_, bit)| bits | bit);
        let accepted = if span.is_some() { ACCEPTED } else { 0 };
        page.push(pair.direction as u8 | (c.first_answer as u8) << ANSWER_AT | accepted | told);
        signed(c.first.0.wrapping_sub(first), page);
        signed(c.last.0.wrapping_sub(c.first.0), page);
        if let Some((from, to)) = span {
            signed(from.0.wrapping_sub(c.first.0), page);
            signed(c.last.0.wrapping_sub(to.0), page);
            number(c.accepted.cast_signed(), page);
        }
        counts.iter().filter(|n| **n > 0).for_each(|n| number(n.cast_signed(), page));
        (client, recipient, first) = (pair.client, pair.recipient, c.first.0);
    }
}

/// Tells `each` row of a page; `None` where it is no whole page.
pub(super) fn unpack(place: i64, page: &[u8], mut each: impl FnMut(Pair, Contact)) -> Option<()> {
    let mut rest = page;
    let sender = place >> PARTS;
    let (mut client, mut recipient, mut first) = (0_i64, 0_i64, 0_i64);
    while !rest.is_empty() {
        let further = read(&mut rest)?;
        if further != 0 {
            (client, recipient) = (client.wrapping_add(further), 0);
        }
        recipient = recipient.wrapping_add(read_signed(&mut rest)?);
        let (head, after) = rest.split_first()?;
        rest = after;
        first = first.wrapping_add(read_signed(&mut rest)?);
        let last = first.wrapping_add(read_signed(&mut rest)?);
        let (mut accepted_span, mut accepted) = (Window::default(), 0);
        if head & ACCEPTED != 0 {
            let from = first.wrapping_add(read_signed(&mut rest)?);
            let to = last.wrapping_sub(read_signed(&mut rest)?);
            accepted_span = Window::between(Timestamp(from), Timestamp(to));
            accepted = read(&mut rest)?.cast_unsigned();
        }
        let mut counts = [0; 3];
        for (count, bit) in counts.iter_mut().zip(COUNTS) {
            if head & bit != 0 {
                *count = read(&mut rest)?.cast_unsigned();
            }
        }
        let [unknown, no_domain, other] = counts;
        let direction = if head & 3 == Direction::In as u8 { Direction::In } else { Direction::Out };
        let first_answer = match head >> ANSWER_AT & 3 {
            0 => Answer::Accepted,
            1 => Answer::Unknown,
            2 => Answer::NoDomain,
            _ => Answer::Other,
        };
        let (first, last) = (Timestamp(first), Timestamp(last));
        let contact = Contact { first, last, first_answer, accepted_span, accepted, unknown, no_domain, other };
        each(Pair { sender, client, recipient, direction }, contact);
    }
    Some(())
}

fn number(n: i64, page: &mut Vec<u8>) {
    let mut n = n.cast_unsigned();
    while n >= 0x80 {
        page.push(n as u8 | 0x80);
        n >>= 7;
    }
    page.push(n as u8);
}

/// Small where the number is near zero, on either side.
fn signed(n: i64, page: &mut Vec<u8>) {
    number(n << 1 ^ n >> 63, page);
}

fn read(rest: &mut &[u8]) -> Option<i64> {
    let mut n = 0_u64;
    for at in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        n |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(n.cast_signed());
        }
    }
    None
}

fn read_signed(rest: &mut &[u8]) -> Option<i64> {
    let n = read(rest)?.cast_unsigned();
    Some((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            met in proptest::collection::btree_map(
                (0i64..5, 0i64..1 << 18, 0u8..2),
                (0i64..1 << 32, 0i64..1 << 20, 0u8..4, proptest::option::of((0i64..9, 0i64..9, 0u64..1 << 40)), 0u64..300, 0u64..2),
                0..40,
            ),
            damage in 0usize..400,
        ) {
            let rows: Vec<(Pair, Contact)> = met.into_iter().map(|((client, recipient, direction), (first, longer, answer, accepted, unknown, other))| {
                let direction = if direction == 0 { Direction::Out } else { Direction::In };
                let last = first + longer;
                let contact = Contact {
                    first: Timestamp(first),
                    last: Timestamp(last),
                    first_answer: [Answer::Accepted, Answer::Unknown, Answer::NoDomain, Answer::Other][usize::from(answer)],
                    accepted_span: accepted.map_or(Window::default(), |(from, to, _)| Window::between(Timestamp(first + from), Timestamp((last - to).max(first + from)))),
                    accepted: accepted.map_or(0, |(.., n)| n),
                    unknown,
                    no_domain: unknown / 7,
                    other,
                };
                (Pair { sender: 77, client, recipient: recipient | 3 << PART, direction }, contact)
            }).collect();
            let mut page = Vec::new();
            pack(&rows, &mut page);
            let place = rows.first().map_or(0, |(pair, _)| pair.place());
            let mut again = Vec::new();
            proptest::prop_assert_eq!(unpack(place, &page, |pair, contact| again.push((pair, contact))), Some(()));
            proptest::prop_assert_eq!(&again, &rows);
            // Damaged it is another, or none; nothing panics.
            if let Some(byte) = page.get_mut(damage) {
                *byte ^= 0xA5;
                let _ = unpack(place, &page, |_, _| ());
                let _ = unpack(place, &page[..damage], |_, _| ());
            }
        }
    }
}
