//! Run with `-O`: in other builds the MIME parser stops at broken boundaries, with which its releases go on.
#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::read(bouncewatch::sources::FormatKind::Dsn, bytes));
