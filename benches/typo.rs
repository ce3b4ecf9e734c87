//! Typo look-ups a second, against 100 K and 1 M names: the deletion index, the whole explanation, and beside them, in
//! the same run, a `strsim` linear scan and the `symspell` crate (both at distance 2, as the index).
//!
//! `cargo bench --bench typo`; `-- 100000` for one size. Names are made up: two syllable words and a usual suffix.

#![allow(clippy::print_stdout, reason = "a bench tells people what it measured")]

use std::{hint::black_box, time::Instant};

use bouncewatch::typo::{Census, Explainer, Index, Popular, Scratch, eval};
use symspell::{SymSpell, SymSpellBuilder, UnicodeStringStrategy, Verbosity};

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    for size in if sizes.is_empty() { vec![100_000, 1_000_000] } else { sizes } {
        compare(size);
    }
}

fn compare(size: usize) {
    let made = names(size);
    let names: Vec<&str> = made.iter().map(String::as_str).collect();
    let mut typed: Vec<String> =
        [1, 2].iter().flat_map(|edits| eval::generate(&names, 20_000, *edits, 7)).map(|pair| pair.typed).collect();
    typed.extend(eval::synthetic(20_000, 8));
    println!("{} names, {} questions", names.len(), typed.len());

    let before = resident();
    let index = Index::new(names.iter().copied());
    let mut scratch = Scratch::default();
    let held = index.bytes() as f64 / f64::from(1 << 20);
    let own = rate(&typed, typed.len(), |t| index.near(t, 2, &mut scratch).len());
    row(
        "deletion index, distance 2",
        own,
        own,
        &format!("{held:.0} MiB held, {:.0} MiB resident", resident() - before),
    );

    let before = resident();
    let census = Census::default();
    let popular = Popular::from_names(names.iter().copied());
    if let Ok(explainer) = Explainer::new(&census, &popular) {
        let whole = rate(&typed, typed.len(), |t| explainer.explain_domain(t).len());
        row("whole explanation", whole, own, &format!("{:.0} MiB resident", resident() - before));
    }

    let linear =
        rate(&typed, 1_000_000 / size.max(1) + 2, |t| names.iter().filter(|n| strsim::osa_distance(n, t) <= 2).count());
    row("strsim, linear scan", linear, own, "");

    let before = resident();
    let mut symspell: SymSpell<UnicodeStringStrategy> = SymSpellBuilder::default()
        .max_dictionary_edit_distance(2)
        .prefix_length(7)
        .count_threshold(0)
        .build()
        .unwrap_or_default();
    for (rank, name) in names.iter().enumerate() {
        symspell.load_dictionary_line(&format!("{name} {}", names.len() - rank), 0, 1, " ");
    }
    let other = rate(&typed, 100_000_000 / size.max(1), |t| symspell.lookup(t, Verbosity::All, 2).len());
    row("symspell 0.5, prefix 7", other, own, &format!("{:.0} MiB resident", resident() - before));
}

/// Questions answered a second, of the first `n`.
fn rate(typed: &[String], n: usize, mut ask: impl FnMut(&str) -> usize) -> f64 {
    // Every seventh, so that all sorts of questions are among a few.
    let asked: Vec<&String> = (0..n).map(|i| &typed[i * 7 % typed.len()]).collect();
    let start = Instant::now();
    let mut found = 0;
    for text in &asked {
        found += ask(text);
    }
    black_box(found);
    asked.len() as f64 / start.elapsed().as_secs_f64()
}

fn row(what: &str, rate: f64, own: f64, memory: &str) {
    println!("  {what:<28} {rate:>12.1} /s   1 : {:<10.1} {memory}", own / rate);
}

/// MiB this process holds, where the system tells.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Domains that people could have: words of two to four syllables.
fn names(n: usize) -> Vec<String> {
    let mut state = 1u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let (starts, middles) = (
        ["b", "br", "c", "d", "f", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w"],
        ["a", "e", "i", "o", "u", "an", "er", "in", "on", "al"],
    );
    let mut seen = std::collections::BTreeSet::new();
    let mut made = Vec::with_capacity(n);
    while made.len() < n {
        let mut name = String::new();
        for _ in 0..2 + below(3) {
            name.push_str(starts[below(starts.len())]);
            name.push_str(middles[below(middles.len())]);
        }
        name.push_str([".com", ".com", ".com", ".net", ".org", ".de", ".cn", ".co.uk", ".fr", ".ru"][below(10)]);
        if seen.insert(name.clone()) {
            made.push(name);
        }
    }
    made
}
