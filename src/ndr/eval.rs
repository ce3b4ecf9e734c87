//! How right the classifier is on labelled replies.

use std::fmt;

use serde::Deserialize;

use super::{Classifier, Example, Verdict, train};
use crate::{bounce::BounceType, error::Error, hash::stable_hash};

/// Edges of the calibration table.
const EDGES: [f32; 7] = [0.0, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99];

/// One labelled reply.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The reply.
    pub text: String,
    /// What it means.
    pub label: BounceType,
    /// What it may also be taken to mean.
    pub alt: Vec<BounceType>,
}

/// Figures over labelled replies. An answer in `label` or `alt` is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Replies judged.
    pub rows: u64,
    /// Right answers.
    pub right: u64,
    /// `confusion[label - 1][answer - 1]`; an answer that is right by `alt` counts as the label.
    pub confusion: [[u64; 16]; 16],
    /// By confidence: lower edge, answers, right ones.
    pub calibration: Vec<(f32, u64, u64)>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    label: String,
    #[serde(default)]
    alt: Vec<String>,
}

/// Reads lines of `{"text": …, "label": "T8", "alt": ["T16"]}`. Other fields are ignored.
pub fn read_labelled(name: &str, jsonl: &str) -> Result<Vec<Labelled>, Error> {
    let mut rows = Vec::new();
    for (n, line) in jsonl.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let bad = |cause: String| Error::Data { name: name.into(), cause: format!("line {}: {cause}", n + 1) };
        let line: Line = serde_json::from_str(line).map_err(|e| bad(e.to_string()))?;
        let kind = |s: &str| BounceType::parse(s).ok_or_else(|| bad(format!("no such type: {s}")));
        let alt = line.alt.iter().map(|a| kind(a)).collect::<Result<_, _>>()?;
        rows.push(Labelled { label: kind(&line.label)?, text: line.text, alt });
    }
    Ok(rows)
}

/// Judges every row.
pub fn evaluate(classifier: &Classifier, rows: &[Labelled]) -> Evaluation {
    let mut e = Evaluation::default();
    for row in rows {
        e.count(row.label, &row.alt, &classifier.classify(&row.text));
    }
    e
}

/// What models say of replies they were not fitted to: families are dealt into `folds`, and each fold is judged by a
/// model fitted to the others. One verdict an example, in their order.
pub fn held_out(examples: &[Example], folds: u64) -> Result<Vec<Verdict>, Error> {
    let fold = |e: &Example| stable_hash(&e.family.to_le_bytes()) % folds.max(2);
    let judge = |out: u64| -> Result<Vec<(usize, Verdict)>, Error> {
        let seen: Vec<Example> = examples.iter().filter(|e| fold(e) != out).cloned().collect();
        let classifier = Classifier::with_model(train(&seen)?)?;
        let unseen = examples.iter().enumerate().filter(|(_, e)| fold(e) == out);
        Ok(unseen.map(|(i, e)| (i, classifier.classify(&e.text))).collect())
    };
    let judge = &judge;
    let folds: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..folds.max(2)).map(|out| scope.spawn(move || judge(out))).collect();
        let failed = |_| Err(Error::Data { name: "training".into(), cause: "a fold could not be fitted".into() });
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(failed)).collect::<Result<_, _>>()
    })?;
    let mut verdicts: Vec<(usize, Verdict)> = folds.into_iter().flatten().collect();
    verdicts.sort_by_key(|(i, _)| *i);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

impl Default for Evaluation {
    fn default() -> Self {
        let calibration = EDGES.iter().map(|edge| (*edge, 0, 0)).collect();
        Evaluation { rows: 0, right: 0, confusion: [[0; 16]; 16], calibration }
    }
}

impl Evaluation {
    /// One more reply and what was said of it.
    pub fn count(&mut self, label: BounceType, alt: &[BounceType], verdict: &Verdict) {
        let right = verdict.kind == label || alt.contains(&verdict.kind);
        let said = if right { label } else { verdict.kind };
        self.confusion[usize::from(label.number()) - 1][usize::from(said.number()) - 1] += 1;
        self.rows += 1;
        self.right += u64::from(right);
        if let Some(band) = self.calibration.iter_mut().rev().find(|b| verdict.confidence >= b.0) {
            band.1 += 1;
            band.2 += u64::from(right);
        }
    }

    /// Share of right answers; 1 where there are no rows.
    pub fn accuracy(&self) -> f64 {
        share(self.right, self.rows)
    }

    /// Of the answers `kind`, the share that is right.
    pub fn precision(&self, kind: BounceType) -> f64 {
        let c = usize::from(kind.number()) - 1;
        share(self.confusion[c][c], self.confusion.iter().map(|row| row[c]).sum())
    }

    /// Of the replies labelled `kind`, the share answered rightly.
    pub fn recall(&self, kind: BounceType) -> f64 {
        let c = usize::from(kind.number()) - 1;
        share(self.confusion[c][c], self.confusion[c].iter().sum())
    }

    /// Mean F1 over the types that occur.
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = BounceType::ALL
            .into_iter()
            .filter(|k| self.confusion[usize::from(k.number()) - 1].iter().sum::<u64>() > 0)
            .map(|k| {
                let (p, r) = (self.precision(k), self.recall(k));
                if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
            })
            .collect();
        if scores.is_empty() { 1.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }

    /// Share of right answers among those given at least this confidence.
    pub fn right_from(&self, confidence: f32) -> f64 {
        let (all, right) =
            self.calibration.iter().filter(|b| b.0 >= confidence).fold((0, 0), |s, b| (s.0 + b.1, s.1 + b.2));
        share(right, all)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "replies {}  accuracy {:.4}  macro-F1 {:.4}", self.rows, self.accuracy(), self.macro_f1())?;
        let t8 = BounceType::UserUnknown;
        writeln!(f, "user_unknown (T8): precision {:.4}  recall {:.4}", self.precision(t8), self.recall(t8))?;
        writeln!(f, "\nlabel (down), answer (across)")?;
        write!(f, "     ")?;
        for k in BounceType::ALL {
            write!(f, "{:>5}", k.id())?;
        }
        writeln!(f, "   recall precision")?;
        for k in BounceType::ALL {
            write!(f, "{:>4} ", k.id())?;
            for n in self.confusion[usize::from(k.number()) - 1] {
                if n == 0 { write!(f, "    .")? } else { write!(f, "{n:>5}")? }
            }
            writeln!(f, "   {:.3}  {:.3}", self.recall(k), self.precision(k))?;
        }
        writeln!(f, "\nconfidence   answers  right")?;
        for (i, (edge, all, right)) in self.calibration.iter().enumerate() {
            let upper = EDGES.get(i + 1).copied().unwrap_or(1.0);
            writeln!(f, "{edge:.2} – {upper:.2}  {all:>7}  {:.4}", share(*right, *all))?;
        }
        Ok(())
    }
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}
