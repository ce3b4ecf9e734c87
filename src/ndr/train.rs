//! Fitting the model: multinomial logistic regression by AdaGrad over hashed features, the same result every time.
//!
//! Each example is seen as it stands and in altered dress: codes dropped or replaced by general ones, wrapped as
//! sending servers log it, joined lines, other case. Features are left out at random while fitting, so that no single
//! word carries a verdict.

use hashbrown::HashMap;

use super::{
    blocklists::Blocklists,
    features::features,
    grammar::Example,
    mask::Masked,
    model::{CLASSES, Model, fingerprint, softmax_best},
    random::Random,
};
use crate::{error::Error, hash::stable_hash};

const EPOCHS: usize = 14;
/// The model is the mean over the last of them, so that the order of examples counts for less.
const AVERAGED: usize = 6;
const RATE: f32 = 0.35;
/// Pull of every weight towards nothing.
const DECAY: f32 = 4e-4;
/// Feature left out once in this many.
const DROP: usize = 4;
/// A weight vector whose largest entry stays under this is not kept.
const SMALLEST: f32 = 0.1;
/// Families are dealt into this many folds to measure confidence on wordings not trained on.
const FOLDS: u32 = 4;

/// Threshold under which the model answers T16 rather than guess.
const THRESHOLD: f32 = 0.40;

/// Fits a model to labelled replies. Deterministic; fails only where there is nothing to learn from.
pub fn train(examples: &[Example]) -> Result<Model, Error> {
    if examples.is_empty() {
        return Err(Error::Data {
            name: "training".into(),
            cause: "no labelled replies; give lines of label, tab, text".into(),
        });
    }
    let lists = Blocklists::shipped()?;
    let rows = rows(examples, &lists);
    let temperature = temperature(&rows);
    let fitted = fit(&rows, |_| true);
    fitted.quantised(temperature)
}

/// One masked example as feature fingerprints.
struct Row {
    kind: usize,
    family: u64,
    weight: f32,
    features: Vec<u32>,
}

fn rows(examples: &[Example], lists: &Blocklists) -> Vec<Row> {
    let mut per_family: HashMap<u64, f32> = HashMap::new();
    let mut rows = Vec::new();
    for e in examples {
        let mut random = Random::new(stable_hash(e.text.as_bytes()));
        for text in dressed(&e.text, &mut random) {
            let mut masked = Masked::default();
            masked.read(&text, lists);
            let mut fs = Vec::new();
            features(&masked, |f| fs.push(fingerprint(f)));
            *per_family.entry(e.family).or_default() += 1.0;
            rows.push(Row { kind: usize::from(e.kind.number()) - 1, family: e.family, weight: 1.0, features: fs });
        }
    }
    // A line with many variants says one thing, not forty.
    for r in &mut rows {
        r.weight = (4.0 / per_family.get(&r.family).copied().unwrap_or(1.0).sqrt()).min(2.0);
    }
    rows
}

/// The example and what logs make of it.
fn dressed(text: &str, r: &mut Random) -> Vec<String> {
    const GENERAL: [&str; 8] = ["550 ", "554 ", "550 5.7.1 ", "554 5.7.1 ", "550 5.0.0 ", "553 ", "451 ", "450 "];
    let mut out = vec![text.to_string()];
    let bare = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' ' | '-' | '#'));
    let has_code = bare.len() < text.len() && !bare.is_empty();
    if has_code && r.once_in(2) {
        out.push(bare.to_string());
    }
    if has_code && r.once_in(4) && bare.split_whitespace().count() > 2 {
        out.push(format!("{}{bare}", GENERAL[r.below(GENERAL.len())]));
    }
    if has_code || r.once_in(3) {
        // Every type appears in every wrapping, so that no wrapping speaks for a type.
        let (before, after) = WRAPPINGS[r.below(WRAPPINGS.len())];
        out.push(format!("{before}{text}{after}"));
    }
    if r.once_in(10) {
        out.push(text.to_ascii_uppercase());
    }
    out
}

/// How sending servers and their bounce mails wrap what the other side said.
const WRAPPINGS: [(&str, &str); 34] = [
    ("host mx.example.com[192.0.2.7] said: ", " (in reply to RCPT TO command)"),
    ("host mx.example.net[192.0.2.9] said: ", " (in reply to end of DATA command)"),
    ("host mx.example.net[192.0.2.9] said: ", " (in reply to MAIL FROM command)"),
    ("<x@example.com>: host mx.example.com[192.0.2.7] said: ", ""),
    ("SMTP error from remote mail server after RCPT TO:<x@example.com>: host mx.example.com [192.0.2.7]: ", ""),
    (
        "SMTP error from remote mail server after MAIL FROM:<y@example.net> SIZE=2779: host mx.example.com [192.0.2.7]: ",
        "",
    ),
    ("SMTP error from remote mail server after end of data: host mx.example.com [192.0.2.7]: ", ""),
    ("host mx.example.com [192.0.2.7] SMTP error from remote mail server after initial connection: ", ""),
    ("SMTP error from remote mail server after pipelined end of data: ", ""),
    ("192.0.2.7 does not like recipient. Remote host said: ", " Giving up on 192.0.2.7."),
    ("192.0.2.7 failed after I sent the message. Remote host said: ", ""),
    ("Connected to 192.0.2.7 but sender was rejected. Remote host said: ", ""),
    ("Remote host said: ", " [RCPT_TO]"),
    ("mx.example.net [192.0.2.25] did not like our RCPT TO:", ""),
    ("mx.example.net [192.0.2.25] did not like our final DATA:", ""),
    (
        "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error. The following address failed: x@example.com ",
        "",
    ),
    (
        "A message that you sent could not be delivered to one or more of its recipients. The following addresses failed: ",
        "",
    ),
    (
        "Delivery to the following recipient failed permanently: x@example.com Technical details of permanent failure: ",
        "",
    ),
    (
        "Technical details of permanent failure: Google tried to deliver your message, but it was rejected by the recipient domain. The error that the other server returned was: ",
        "",
    ),
    (
        "----- Transcript of session follows ----- ... while talking to mx.example.com.: >>> DATA <<< ",
        " 554 5.0.0 Service unavailable",
    ),
    (">>> RCPT TO:<x@example.com> <<< ", " 554 <x@example.com>... Remote protocol error"),
    (
        "Delivery failed for the following reason: Server mx.example.org[192.0.2.222] failed with: ",
        " This has been a permanent failure. No further delivery attempts will be made.",
    ),
    ("5.3.0 - Other mail system problem 550-'", "' (delivery attempts: 0)"),
    ("The following recipient(s) could not be reached: x@example.com ", ""),
    (
        "Your mail client may not be able to understand MIME message format. An error occurred while trying to deliver the mail to the following recipients: x@example.com Technical report: ",
        "",
    ),
    ("smtp;", ""),
    (
        "This message was created automatically by mail delivery software. The following address(es) failed: x@example.com ",
        "",
    ),
    (
        "Reporting-MTA: dns; mx.example.net Final-Recipient: rfc822; x@example.com Action: failed Status: 5.0.0 Remote-MTA: dns; mx.example.com Diagnostic-Code: smtp; ",
        "",
    ),
    ("The response from the remote server was: ", ""),
    ("550 5.0.350 Remote server returned an error -> ", ""),
    ("Remote Server returned '", "'"),
    ("Your message could not be delivered, the server answered ", ""),
    ("Remote host said: ", " I'm not going to try again; this message has been in the queue too long."),
    ("stat=Service unavailable, reply=", ""),
];

struct Fitted {
    weights: HashMap<u32, [f32; CLASSES]>,
    bias: [f32; CLASSES],
}

fn fit(rows: &[Row], used: impl Fn(&Row) -> bool) -> Fitted {
    let mut slots: HashMap<u32, usize> = HashMap::new();
    for r in rows.iter().filter(|r| used(r)) {
        for f in &r.features {
            let next = slots.len();
            slots.entry(*f).or_insert(next);
        }
    }
    let mut w = vec![[0.0_f32; CLASSES]; slots.len()];
    let mut g = vec![[1e-3_f32; CLASSES]; slots.len()];
    let mut bias = [0.0_f32; CLASSES];
    let mut order: Vec<(usize, Vec<usize>)> = Vec::new();
    for (i, r) in rows.iter().enumerate().filter(|(_, r)| used(r)) {
        let mut fs: Vec<usize> = r.features.iter().filter_map(|f| slots.get(f).copied()).collect();
        fs.sort_unstable();
        fs.dedup();
        order.push((i, fs));
    }
    let mut mean = vec![[0.0_f32; CLASSES]; slots.len()];
    let mut mean_bias = [0.0_f32; CLASSES];
    let mut random = Random::new(0x5eed);
    let mut active = Vec::new();
    for epoch in 0..EPOCHS {
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i + 1));
        }
        let rate = RATE / (1.0 + 0.15 * epoch as f32);
        for (i, fs) in &order {
            let row = &rows[*i];
            active.clear();
            active.extend(fs.iter().copied().filter(|_| !random.once_in(DROP)));
            let mut s = bias;
            for f in &active {
                for (s, w) in s.iter_mut().zip(&w[*f]) {
                    *s += w;
                }
            }
            let top = s.iter().copied().fold(f32::MIN, f32::max);
            let mut sum = 0.0;
            for v in &mut s {
                *v = (*v - top).exp();
                sum += *v;
            }
            for (c, v) in s.iter_mut().enumerate() {
                *v = (*v / sum - if c == row.kind { 1.0 } else { 0.0 }) * row.weight;
            }
            for f in &active {
                for ((w, g), d) in w[*f].iter_mut().zip(g[*f].iter_mut()).zip(&s) {
                    let d = d + DECAY * *w;
                    *g += d * d;
                    *w -= rate * 0.3 * d / g.sqrt().max(0.1);
                }
            }
            for (b, d) in bias.iter_mut().zip(&s) {
                *b -= 0.002 * d;
            }
        }
        if epoch + AVERAGED >= EPOCHS {
            let part = 1.0 / AVERAGED as f32;
            let weights = mean.iter_mut().flatten().zip(w.iter().flatten());
            weights.chain(mean_bias.iter_mut().zip(&bias)).for_each(|(m, v)| *m += v * part);
        }
    }
    Fitted { weights: slots.into_iter().map(|(f, i)| (f, mean[i])).collect(), bias: mean_bias }
}

impl Fitted {
    fn scores(&self, features: &[u32]) -> [f32; CLASSES] {
        let mut s = self.bias;
        for w in features.iter().filter_map(|f| self.weights.get(f)) {
            for (s, w) in s.iter_mut().zip(w) {
                *s += w;
            }
        }
        s
    }

    fn quantised(&self, temperature: f32) -> Result<Model, Error> {
        let largest = self.weights.values().flatten().fold(0.0_f32, |m, w| m.max(w.abs()));
        let scale = (largest / 127.0).max(1e-6);
        let mut entries: Vec<(u32, [i8; CLASSES])> = self
            .weights
            .iter()
            .filter(|(_, w)| w.iter().any(|v| v.abs() >= SMALLEST))
            .map(|(f, w)| (*f, w.map(|v| (v / scale).round().clamp(-127.0, 127.0) as i8)))
            .collect();
        entries.sort_unstable();
        Model::build(&entries, self.bias, scale, temperature, THRESHOLD)
    }
}

/// The temperature at which confidence on families left out of fitting is right most often.
fn temperature(rows: &[Row]) -> f32 {
    let mut held: Vec<(usize, [f32; CLASSES])> = Vec::new();
    for out in 0..FOLDS {
        let fitted = fit(rows, |r| fold_of(r) != out);
        held.extend(rows.iter().filter(|r| fold_of(r) == out).map(|r| (r.kind, fitted.scores(&r.features))));
    }
    let loss = |t: f32| -> f32 {
        held.iter()
            .map(|(kind, s)| {
                let (best, p) = softmax_best(s, t);
                -(p.ln() + (s[*kind] - s[best]) / t)
            })
            .sum()
    };
    (4..80).map(|i| i as f32 * 0.1).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0)
}

/// How often a model fitted without a line of the grammar gets that line's replies right: `(right, all)`. Harsher than
/// any real use, since a line often holds all wordings of one idea or one language.
pub fn cross_check(examples: &[Example]) -> Result<(usize, usize), Error> {
    let rows = rows(examples, &Blocklists::shipped()?);
    let mut right = 0;
    for out in 0..FOLDS {
        let fitted = fit(&rows, |r| fold_of(r) != out);
        right += rows
            .iter()
            .filter(|r| fold_of(r) == out && softmax_best(&fitted.scores(&r.features), 1.0).0 == r.kind)
            .count();
    }
    Ok((right, rows.len()))
}

fn fold_of(row: &Row) -> u32 {
    (row.family >> 32) as u32 % FOLDS
}
