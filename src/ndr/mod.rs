//! Replies → verdicts.
//!
//! In: one reply's text, as a server said it or our side noted it.
//! Out: a [`Verdict`]: bounce type, confidence, template and the details reports need.
//! Never: reads a clock, a file at run time, or an address book.

mod auth;
mod blocklists;
mod cache;
mod codes;
mod details;
mod eval;
mod features;
mod grammar;
mod mask;
mod miner;
mod model;
mod random;
mod shapes;
mod table;
mod train;

use std::{fmt, sync::Arc};

use crate::{
    bounce::BounceType,
    error::Error,
    reply::{Enhanced, Reply},
};

pub use self::{
    blocklists::Blocklists,
    cache::Cached,
    details::{Details, Mailbox, Rate},
    eval::{Evaluation, Labelled, evaluate, held_out, read_labelled},
    grammar::{Example, expand},
    mask::Masked,
    miner::{Form, Founder, Miner, Proposal, Template},
    model::Model,
    train::{cross_check, train},
};

/// The training grammar of the shipped model.
pub const TRAINING: &str = include_str!("../../data/ndr/training.tsv");
const SHIPPED: &[u8] = include_bytes!("../../data/ndr/model.bin");

/// Replies → verdicts. Pure: a verdict depends on the reply's masked form alone.
#[derive(Debug, Clone)]
pub struct Classifier {
    model: Model,
    lists: Blocklists,
    codes: codes::Codes,
}

/// What a reply means.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// T1 to T16.
    pub kind: BounceType,
    /// Calibrated, 0 to 1: of replies given at least 0.9, at least 95 % are right.
    pub confidence: f32,
    /// Basic code, where there is one.
    pub code: Option<u16>,
    /// Enhanced status code, where there is one.
    pub enhanced: Option<Enhanced>,
    /// The masked form this reply has.
    pub template: TemplateId,
    /// On T5: the list it names (`spamhaus`).
    pub blocklist: Option<Arc<str>>,
    /// On T3: what failed and what is asked for.
    pub auth: Option<Auth>,
}

/// Hash of a template's text: the same in every run and on every machine. Shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(pub u64);

/// SPF, DKIM and DMARC as a T3 reply tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Auth {
    /// SPF's outcome, `None` where the reply does not speak of it.
    pub spf: Option<Check>,
    /// DKIM's.
    pub dkim: Option<Check>,
    /// DMARC's.
    pub dmarc: Option<Check>,
    /// What the receiver demands, where it says so.
    pub policy: Option<Policy>,
}

/// One authentication method's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// It failed.
    Fail,
    /// It passed.
    Pass,
    /// There is no record or signature.
    None,
}

/// What a receiver demands of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// SPF and DKIM.
    Both,
    /// SPF or DKIM.
    Either,
    /// The sender's own DMARC policy.
    Dmarc,
}

impl Classifier {
    /// With the model and rules that come with bouncewatch.
    pub fn shipped() -> Result<Self, Error> {
        Self::with_model(Model::load(SHIPPED)?)
    }

    /// With another model, for example one that the operator trained.
    pub fn with_model(model: Model) -> Result<Self, Error> {
        Ok(Classifier { model, lists: Blocklists::shipped()?, codes: codes::Codes::shipped()? })
    }

    /// What one reply means. Where many are classified, [`Cached`] is faster.
    pub fn classify(&self, text: &str) -> Verdict {
        self.verdict(&self.mask(text))
    }

    /// A reply's masked form.
    pub fn mask(&self, text: &str) -> Masked {
        let mut masked = Masked::default();
        masked.read(text, &self.lists);
        masked
    }

    /// Text first, then enhanced code, then basic code.
    fn verdict(&self, masked: &Masked) -> Verdict {
        let (kind, confidence) = self.judge(masked);
        Verdict {
            kind,
            confidence,
            code: masked.code(),
            enhanced: masked.enhanced(),
            template: masked.id(),
            blocklist: (kind == BounceType::Blocklisted).then(|| self.lists.of_text(masked.text())).flatten(),
            auth: (kind == BounceType::Authentication).then(|| Auth::read(masked.text())),
        }
    }

    fn judge(&self, masked: &Masked) -> (BounceType, f32) {
        if may_be_success(masked) && Reply::parse(masked.text()).is_success() {
            return (BounceType::Other, 1.0);
        }
        // What another server answered says more than who passes it on, where it says anything.
        if let Some(answer) = passed_on(masked.text()) {
            let mut inner = Masked::default();
            inner.read(answer, &self.lists);
            let told = self.judge_alone(&inner);
            if told.0 != BounceType::Other {
                return told;
            }
        }
        self.judge_alone(masked)
    }

    fn judge_alone(&self, masked: &Masked) -> (BounceType, f32) {
        if codes::Codes::is_bare(masked.text()) {
            return self.codes.judge(masked);
        }
        let mut opinion = self.model.judge(masked);
        if opinion.kind == BounceType::UserUnknown && speaks_of_sender(masked.text()) {
            opinion = self.model.judge_without(masked, BounceType::UserUnknown);
        }
        if opinion.confidence < self.model.threshold {
            return (BounceType::Other, opinion.confidence);
        }
        (opinion.kind, opinion.confidence)
    }
}

/// Spares the parser where no success is possible, which is nearly always.
fn may_be_success(masked: &Masked) -> bool {
    masked.code().is_none_or(|c| c < 300)
        && (masked.code().is_some()
            || masked.enhanced().is_some_and(|e| e.class == 2)
            || masked.text().as_bytes().first().is_some_and(|c| c | 0x20 == b'o'))
}

/// The answer of another server about the recipient in words that are the same whatever it answered: of Postfix's address
/// verification, of Exchange's connectors, of Exim that gives up.
fn passed_on(text: &str) -> Option<&str> {
    const BEFORE: [(&str, &str); 5] = [
        ("undeliverable address: ", ""),
        ("unverified address: ", ""),
        ("responded with: \"", "\""),
        ("LED=", "}"),
        ("last error: ", ""),
    ];
    let (at, end) = BEFORE.iter().find_map(|(words, end)| Some((text.find(words)? + words.len(), end)))?;
    let answer = &text[at..];
    let answer = if end.is_empty() { answer } else { &answer[..answer.find(end).unwrap_or(answer.len())] };
    (answer.len() > 3 && !speaks_of_sender(text)).then_some(answer)
}

/// Words that Postfix and Exim put before what is wrong with the *sender*; behind them "user unknown" says nothing of
/// the recipient, whatever the rest of the reply looks like.
fn speaks_of_sender(text: &str) -> bool {
    const FIXED: [&[u8]; 6] = [
        b"sender address rejected",
        b"sender verify failed",
        b"sender verification failed",
        b"sender callout",
        b"postmaster verification failed",
        b"verification failed while checking",
    ];
    FIXED.iter().any(|f| text.as_bytes().windows(f.len()).any(|w| w.eq_ignore_ascii_case(f)))
}

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod judged;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
