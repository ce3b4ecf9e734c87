//! What every format's target does: reads the bytes; deliveries told are those counted.

use bouncewatch::{
    moment::Timestamp,
    sources::{FormatKind, Options, read_bytes},
};

pub fn read(kind: FormatKind, bytes: &[u8]) {
    let options = Options { now: Timestamp(1_656_900_000), settle: true, ..Options::default() };
    let mut told = 0;
    let count = read_bytes(kind, bytes, &options, &mut |delivery| {
        told += 1;
        assert!(!delivery.attempts.is_empty(), "a delivery without an attempt");
    });
    assert_eq!(count.map_or(0, |count| count.records), told);
}
