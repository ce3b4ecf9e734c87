//! Replies → verdicts.
//!
//! In: one reply's text, as a server said it or our side noted it.
//! Out: a [`Verdict`]: bounce type, confidence, template and the details reports need.
//! Never: reads a clock, a file at run time, or an address book.

use std::{fmt, sync::Arc};

use crate::{bounce::BounceType, reply::Enhanced};

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

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
