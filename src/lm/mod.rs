//! Templates the reply model leaves open → types that a language model proposes.
//!
//! In: new templates of type T16, and a sentence-embedding model on the operator's disk.
//! Out: a [`Proposal`] each: the type of the labelled example it is most like, T16 where nothing is close enough.
//! Never: sees a message, changes a verdict, asks the network.

mod bert;

use std::{collections::HashSet, path::Path};

use crate::{
    bounce::BounceType,
    error::Error,
    ndr::{self, Classifier, Example, Proposal, TemplateId},
};

/// Likeness from which the nearest example's type is proposed. With MiniLM-L6, on lines of the grammar that neither the
/// reply model nor the examples knew, 102 of 127 proposals were right.
const CLOSE: f32 = 0.75;
/// How much nearer than the nearest of any other type it must be; at 0.05 only half of the proposals were right.
const MARGIN: f32 = 0.15;
/// Examples of one line of the grammar: its variants differ little.
const OF_A_LINE: usize = 4;

/// A model and what it makes of the labelled examples.
#[derive(Debug)]
pub struct Proposer {
    model: bert::Bert,
    exemplars: Vec<(BounceType, Vec<f32>)>,
}

impl Proposer {
    /// The model in `dir` (`config.json`, `tokenizer.json`, `model.safetensors` of the BERT family) with the shipped
    /// grammar as examples.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::with_examples(dir, &ndr::expand("training.tsv", ndr::TRAINING)?)
    }

    /// With other examples.
    pub fn with_examples(dir: &Path, examples: &[Example]) -> Result<Self, Error> {
        let (model, masks) = (bert::Bert::open(dir)?, Classifier::shipped()?);
        let (mut kinds, mut texts, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        let mut family = (u32::MAX, 0);
        for example in examples {
            if example.family != family.0 {
                family = (example.family, 0);
            }
            let text = plain(masks.mask(&example.text).text());
            if family.1 < OF_A_LINE && seen.insert(text.clone()) {
                family.1 += 1;
                kinds.push(example.kind);
                texts.push(text);
            }
        }
        let vectors = model.embed(&texts)?;
        Ok(Proposer { model, exemplars: kinds.into_iter().zip(vectors).collect() })
    }

    /// One proposal a template, by its masked text.
    pub fn propose(&self, templates: &[(TemplateId, String)]) -> Result<Vec<(TemplateId, Proposal)>, Error> {
        let texts: Vec<String> = templates.iter().map(|(_, text)| plain(text)).collect();
        let vectors = self.model.embed(&texts)?;
        let judged = templates.iter().zip(&texts).zip(&vectors);
        Ok(judged.map(|(((id, _), text), vector)| (*id, decide(text, &self.nearest(vector)))).collect())
    }

    /// Likeness to the nearest example of each type.
    fn nearest(&self, vector: &[f32]) -> [f32; 16] {
        let mut nearest = [-1.0_f32; 16];
        for (kind, exemplar) in &self.exemplars {
            let likeness: f32 = exemplar.iter().zip(vector).map(|(a, b)| a * b).sum();
            let slot = &mut nearest[usize::from(kind.number()) - 1];
            *slot = slot.max(likeness);
        }
        nearest
    }
}

/// T8 is never proposed: at no bound were much more than half of such proposals right, and a wrong one leads people to
/// campaigns and squats that are none.
fn decide(text: &str, nearest: &[f32; 16]) -> Proposal {
    let mut ranked: Vec<(f32, BounceType)> = nearest.iter().copied().zip(BounceType::ALL).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let ((likeness, kind), (second, _)) = (ranked[0], ranked[1]);
    // Of one or two words anything is like anything.
    let says_something = text.split(' ').count() > 2;
    let sure = says_something && likeness >= CLOSE && likeness - second >= MARGIN && kind != BounceType::UserUnknown;
    Proposal { kind: if sure { kind } else { BounceType::Other }, likeness: likeness.clamp(0.0, 1.0) }
}

/// A masked text in words that a language model knows: no codes, placeholders as nouns.
fn plain(masked: &str) -> String {
    let mut out = String::new();
    let word = |out: &mut String, word: &str| {
        if !out.is_empty() && !word.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    };
    for part in masked.split_whitespace() {
        let part = part.replace("{addr}", "address").replace("{host}", "host").replace("{ip}", "ip address");
        let part = part.replace("{url}", "link").replace("{n}", "number").replace("{q}", "").replace("{id}", "");
        let part = part.replace("{time}", "time").replace("{path}", "").replace("<*>", "");
        let part = part.replace("{list=", "blocklist ").replace(['<', '>', '[', ']', '{', '}', '(', ')', '"'], "");
        let code = part.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'#' | b':' | b';' | b','));
        if !code {
            word(&mut out, part.trim());
        }
    }
    out
}

#[cfg(test)]
mod tests;
