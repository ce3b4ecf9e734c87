//! The shipped linear model: sixteen weights a feature, in one byte each.

use super::{features::features, mask::Masked, table::Table};
use crate::{bounce::BounceType, error::Error};

/// `BWNM`, then the version as little-endian u32.
const MAGIC: [u8; 4] = *b"BWNM";
const VERSION: u32 = 1;
/// Classes T1 to T16.
pub(super) const CLASSES: usize = 16;
const ENTRY: usize = 4 + CLASSES;
const HEAD: usize = 4 + 4 + 4 + 4 + 4 + 4 + 4 * CLASSES;
/// Features of one reply that count: four of each of 96 words, and a few of the whole.
const MOST_OF_ONE: usize = 400;
/// More features than this are a broken file.
const MOST_FEATURES: usize = 1 << 20;

/// Weights and calibration. Look-up is an open table of fingerprints, so a feature that was never trained on weighs
/// nothing instead of what it happens to collide with.
#[derive(Debug, Clone)]
pub struct Model {
    table: Table,
    weights: Vec<[i8; CLASSES]>,
    bias: [f32; CLASSES],
    /// What a weight of 1 is worth.
    pub(super) scale: f32,
    /// Divides scores before they become probabilities.
    pub(super) temperature: f32,
    /// Below this confidence the answer is T16.
    pub(super) threshold: f32,
}

/// What the model thinks of one reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opinion {
    pub(super) kind: BounceType,
    pub(super) confidence: f32,
}

impl Model {
    /// From weights by 32-bit fingerprint, sorted.
    pub(super) fn build(
        entries: &[(u32, [i8; CLASSES])],
        bias: [f32; CLASSES],
        scale: f32,
        temperature: f32,
        threshold: f32,
    ) -> Result<Self, Error> {
        let table = Table::build(entries)?;
        // One more at the end, all zero: where a feature that is not known points.
        let mut weights = vec![[0; CLASSES]; table.len() + 1];
        for (key, w) in entries {
            weights[table.find(*key)] = *w;
        }
        Ok(Model { table, weights, bias, scale, temperature, threshold })
    }

    /// The versioned form kept under `data/`.
    pub fn save(&self) -> Vec<u8> {
        let mut entries: Vec<_> = self.table.keys().zip(&self.weights).filter(|(k, _)| **k != 0).collect();
        entries.sort();
        let mut out = Vec::with_capacity(HEAD + entries.len() * ENTRY);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend((entries.len() as u32).to_le_bytes());
        for f in [self.scale, self.temperature, self.threshold].iter().chain(&self.bias) {
            out.extend(f.to_le_bytes());
        }
        for (key, w) in entries {
            out.extend(key.to_le_bytes());
            out.extend(w.iter().map(|v| v.to_le_bytes()[0]));
        }
        out
    }

    /// Reads what [`Model::save`] wrote. Another kind of file, a newer version or a cut-off one is [`Error::Data`].
    pub fn load(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |cause: String| Error::Data { name: "model.bin".into(), cause };
        if bytes.get(..4) != Some(&MAGIC) {
            return Err(bad("this is no model of replies; train one with `bouncewatch train`".into()));
        }
        let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let version = word(4).unwrap_or(0);
        if version != VERSION {
            return Err(bad(format!(
                "version {version}, this bouncewatch knows {VERSION}; train it again or use the matching bouncewatch"
            )));
        }
        let count = word(8).unwrap_or(0) as usize;
        if count > MOST_FEATURES || bytes.len() != HEAD + count * ENTRY {
            return Err(bad(format!(
                "{} bytes do not fit {count} features; the file is cut off or damaged",
                bytes.len()
            )));
        }
        let float = |i: usize| word(12 + 4 * i).map_or(f32::NAN, f32::from_bits);
        let (scale, temperature, threshold) = (float(0), float(1), float(2));
        let mut bias = [0.0; CLASSES];
        for (i, b) in bias.iter_mut().enumerate() {
            *b = float(3 + i);
        }
        if ![scale, temperature, threshold].iter().chain(&bias).all(|f| f.is_finite()) || temperature <= 0.0 {
            return Err(bad("numbers that are none; the file is damaged".into()));
        }
        let entries: Vec<_> = bytes[HEAD..]
            .chunks_exact(ENTRY)
            .map(|e| {
                let mut w = [0; CLASSES];
                for (w, b) in w.iter_mut().zip(&e[4..]) {
                    *w = i8::from_le_bytes([*b]);
                }
                (u32::from_le_bytes([e[0], e[1], e[2], e[3]]), w)
            })
            .collect();
        if entries.iter().any(|(k, _)| *k == 0) {
            return Err(bad("a feature without fingerprint; the file is damaged".into()));
        }
        Model::build(&entries, bias, scale, temperature, threshold)
    }

    /// Features the model has weights for.
    pub fn len(&self) -> usize {
        self.table.keys().filter(|k| **k != 0).count()
    }

    /// Whether the model was trained on nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Scores before calibration.
    fn scores(&self, masked: &Masked) -> [f32; CLASSES] {
        let mut sum = [0_i16; CLASSES];
        // All hashes first: the look-ups then wait for memory side by side instead of one after the other.
        let mut keys = [0_u32; MOST_OF_ONE];
        let mut n = 0;
        features(masked, |f| {
            if n < MOST_OF_ONE {
                keys[n] = fingerprint(f);
                n += 1;
            }
        });
        for key in &keys[..n] {
            let at = self.table.find(*key);
            for (s, w) in sum.iter_mut().zip(&self.weights[at]) {
                *s = s.saturating_add(i16::from(*w));
            }
        }
        let mut scores = self.bias;
        for (s, v) in scores.iter_mut().zip(sum) {
            *s += f32::from(v) * self.scale;
        }
        scores
    }

    pub(super) fn judge(&self, masked: &Masked) -> Opinion {
        self.best(&self.scores(masked))
    }

    /// As if there were no type `out`.
    pub(super) fn judge_without(&self, masked: &Masked, out: BounceType) -> Opinion {
        let mut scores = self.scores(masked);
        scores[usize::from(out.number()) - 1] = -1e9;
        self.best(&scores)
    }

    fn best(&self, scores: &[f32; CLASSES]) -> Opinion {
        let (best, confidence) = softmax_best(scores, self.temperature);
        Opinion { kind: BounceType::ALL[best], confidence }
    }
}

/// The best class and its probability.
pub(super) fn softmax_best(scores: &[f32; CLASSES], temperature: f32) -> (usize, f32) {
    let mut best = 0;
    for (i, s) in scores.iter().enumerate() {
        if *s > scores[best] {
            best = i;
        }
    }
    // Beyond e^-16 a class adds nothing that a float would show.
    let part = |s: &f32| {
        if (s - scores[best]) / temperature > -16.0 { ((s - scores[best]) / temperature).exp() } else { 0.0 }
    };
    let sum: f32 = scores.iter().map(part).sum();
    (best, 1.0 / sum)
}

/// Never 0, which marks a free slot.
pub(super) fn fingerprint(feature: u64) -> u32 {
    ((feature >> 16) as u32).max(1)
}
