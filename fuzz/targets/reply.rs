#![no_main]
//! Replies: a verdict for every text, the same through the cache, never sure of nothing.

use std::sync::LazyLock;

use bouncewatch::ndr::{Cached, Classifier, Details};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| Classifier::shipped().expect("the shipped model"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let verdict = CLASSIFIER.classify(&text);
    assert!((0.0..=1.0).contains(&verdict.confidence));
    assert_eq!(*Cached::new(&CLASSIFIER).classify(&text), verdict);
    let _ = Details::read(&text, &verdict);
});
