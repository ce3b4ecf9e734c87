//! What a cell of a table says.

use crate::{
    bounce::BounceType,
    delivery::Direction,
    ledger::Answer,
    moment::{Timestamp, Window},
};

/// SQLite's integers are signed; hashes and counts keep their 64 bits.
pub(super) fn signed(n: u64) -> i64 {
    n.cast_signed()
}

pub(super) fn unsigned(n: i64) -> u64 {
    n.cast_unsigned()
}

pub(super) fn kind(n: u8) -> BounceType {
    BounceType::from_number(n).unwrap_or(BounceType::Other)
}

pub(super) fn direction(n: i64) -> Direction {
    if n == Direction::In as i64 { Direction::In } else { Direction::Out }
}

pub(super) fn answer(n: i64) -> Answer {
    [Answer::Accepted, Answer::Unknown, Answer::NoDomain].into_iter().find(|a| *a as i64 == n).unwrap_or(Answer::Other)
}

pub(super) fn span(first: Option<i64>, last: Option<i64>) -> Window {
    match (first, last) {
        (Some(first), Some(last)) => Window::between(Timestamp(first), Timestamp(last)),
        _ => Window::default(),
    }
}
