#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::read(bouncewatch::sources::FormatKind::Dsn, bytes));
