#![no_main]
//! Addresses: explained or not, with probabilities that are some.

use std::sync::LazyLock;

use bouncewatch::typo::{Census, Explainer, Popular};

static CENSUS: LazyLock<Census> = LazyLock::new(Census::default);
static POPULAR: LazyLock<Popular> = LazyLock::new(Popular::shipped);
static EXPLAINER: LazyLock<Explainer<'static>> =
    LazyLock::new(|| Explainer::new(&CENSUS, &POPULAR).expect("the shipped parameters"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for found in EXPLAINER.explain_address(&text, None) {
        assert!((0.0..=1.0).contains(&found.probability));
    }
});
