//! Replies a second on one core: every reply a form of its own, and forms that repeat as in real logs, beside a
//! `RegexSet` of as many rules. The rules are the lines of the training grammar, read as regular expressions.
//!
//! `cargo bench --bench ndr`; ratios are of the same run, best of several rounds.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may fail loudly")]

use std::{collections::HashSet, hint::black_box, time::Instant};

use bouncewatch::ndr::{Cached, Classifier, TRAINING, expand};
use regex::{bytes::RegexSetBuilder, escape};

const ROUNDS: usize = 15;
const PIECE: usize = 500;
/// The set is too slow for all of them.
const FOR_REGEX: usize = 300;

fn main() {
    let classifier = Classifier::shipped().unwrap();
    let examples = expand("training.tsv", TRAINING).unwrap();
    let mut forms = HashSet::new();
    let distinct: Vec<String> = examples
        .iter()
        .map(|e| e.text.clone())
        .filter(|text| forms.insert(classifier.mask(text).text().to_owned()))
        .collect();
    let repeated = repeated(&distinct);
    let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>() / texts.len();
    println!("{} distinct forms, mean {} bytes", distinct.len(), bytes(&distinct));
    println!("{} replies of 320 forms by Zipf's law, mean {} bytes", repeated.len(), bytes(&repeated));

    let every = rate(&distinct, |text| {
        black_box(classifier.classify(text));
    });
    println!("distinct, no memory        {:>10.0} replies/s", every);
    let mut cached = Cached::new(&classifier);
    let fresh = rate(&distinct, |text| {
        black_box(cached.classify(text));
    });
    println!("distinct, remembered       {:>10.0} replies/s", fresh);
    let mut cached = Cached::new(&classifier);
    let again = rate(&repeated, |text| {
        black_box(cached.classify(text));
    });
    println!("repeating, remembered      {:>10.0} replies/s", again);

    let rules: Vec<String> = TRAINING.lines().filter_map(|l| l.split_once('\t')).map(|(_, text)| rule(text)).collect();
    let set = RegexSetBuilder::new(&rules)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(1 << 30)
        .dfa_size_limit(1 << 28)
        .build()
        .unwrap();
    let step = (distinct.len() / FOR_REGEX).max(1);
    let some: Vec<String> = distinct.iter().step_by(step).cloned().collect();
    let known = some.iter().filter(|text| set.is_match(text.as_bytes())).count();
    let peer = rate(&some, |text| {
        black_box(set.matches(text.as_bytes()).iter().next());
    });
    println!("RegexSet of {} rules      {:>10.0} replies/s ({known} of {} matched)", rules.len(), peer, some.len());
    println!("ratio: distinct {:.0}×, repeating {:.0}×", every / peer, again / peer);
}

/// Calls a second: the texts in pieces, each piece's best of all rounds, so that what else the machine does counts little.
fn rate(texts: &[String], mut judge: impl FnMut(&str)) -> f64 {
    let mut best = vec![f64::MAX; texts.len().div_ceil(PIECE)];
    for _ in 0..ROUNDS {
        for (piece, best) in texts.chunks(PIECE).zip(&mut best) {
            let start = Instant::now();
            for text in piece {
                judge(text);
            }
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    texts.len() as f64 / best.iter().sum::<f64>()
}

/// 320 forms, the n-th n times rarer than the first, each with other addresses, hosts and ids.
fn repeated(distinct: &[String]) -> Vec<String> {
    let step = (distinct.len() / 320).max(1);
    let forms: Vec<&String> = distinct.iter().step_by(step).take(320).collect();
    let mut out = Vec::new();
    let mut state = 1_u64;
    let total: f64 = (1..=forms.len()).map(|n| 1.0 / n as f64).sum();
    for _ in 0..50_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut point = (state >> 11) as f64 / (1_u64 << 53) as f64 * total;
        let form = (0..forms.len()).find(|n| {
            point -= 1.0 / (*n + 1) as f64;
            point <= 0.0
        });
        out.push(format!("{} id={:x}@mx{}.example.net", forms[form.unwrap_or(0)], state, state % 97));
    }
    out
}

/// A line of the grammar as an expression: its choices stay choices, its made-up values become `\S+`.
fn rule(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' => {
                depth = depth.saturating_sub(1);
                out.push(')');
            }
            '|' if depth > 0 => out.push('|'),
            '$' if rest.peek().is_some_and(|c| "alhDindu".contains(*c)) => {
                rest.next();
                out.push_str(r"\S+");
            }
            '\\' if rest.peek() == Some(&'n') => {
                rest.next();
                out.push_str(r"\s+");
            }
            c => out.push_str(&escape(&c.to_string())),
        }
    }
    out
}
