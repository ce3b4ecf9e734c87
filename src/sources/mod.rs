//! Bytes become deliveries.
//!
//! In: files, folders, patterns, standard input; what earlier nights had read of them.
//! Out: [`Delivery`] after delivery, counts, rejects, and what the next night must know.
//! Never: judges what a bounce means, asks the clock, keeps a whole file in memory.

mod ahead;
mod bytes;
mod copies;
mod coremail;
mod dsn;
mod event;
mod exchange;
mod exim;
mod follow;
mod format;
mod formats;
mod input;
mod journald;
mod json;
mod kumomta;
mod lanes;
mod lines;
mod mailgun;
mod mark;
mod near;
mod parcel;
mod postfix;
mod postmark;
mod powermta;
mod read;
mod reject;
mod sendgrid;
mod sendmail;
mod ses;
mod sparkpost;
mod split;
mod table;
mod unpack;
mod webhook;
mod webhooks;

pub use bytes::read_bytes;
pub use follow::{Batch, Follower};
pub use format::FormatKind;
pub use input::{Input, open, split, stream};
pub use lanes::workers;
pub use mark::Mark;
pub use read::read;
pub use reject::Reject;

#[cfg(test)]
mod tests;

use crate::{moment::Timestamp, zone::Zone};

#[cfg(doc)]
use crate::delivery::Delivery;

/// How inputs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The format, where the user knows better than detection.
    pub format: Option<FormatKind>,
    /// The clock: stamps without a year lie before it.
    pub now: Timestamp,
    /// The zone of stamps that name none.
    pub zone: Zone,
    /// The year of each input's first line, for stamps without one.
    pub year: Option<i32>,
    /// No later night will come: what is still pending at the end counts as it stands.
    pub settle: bool,
}

/// What earlier nights left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Inputs already read, and how far.
    pub marks: Vec<Mark>,
    /// [`Reading::pending`] of the night before; empty on the first.
    pub pending: Vec<u8>,
}

/// What one night read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<W> {
    /// One learner a lane, in an order that depends on the number of lanes only.
    pub workers: Vec<W>,
    /// One count an input, in the order of the inputs.
    pub inputs: Vec<InputCount>,
    /// Takes the place of [`Known::marks`].
    pub marks: Vec<Mark>,
    /// Takes the place of [`Known::pending`]: mails whose end no log has told yet.
    pub pending: Vec<u8>,
    /// How many deliveries `pending` holds: not emitted yet, not lost.
    pub pending_deliveries: u64,
    /// Bad lines, the first where there are very many, and then how many more; [`InputCount::rejected`] counts all of them.
    pub rejects: Vec<Reject>,
    /// Bad lines that `rejects` has no room for.
    pub unkept: u64,
}

impl<W> Reading<W> {
    /// The learners, and the rest.
    pub fn part(self) -> (Vec<W>, Reading<()>) {
        let Reading { workers, inputs, marks, pending, pending_deliveries, rejects, unkept } = self;
        (workers, Reading { workers: Vec::new(), inputs, marks, pending, pending_deliveries, rejects, unkept })
    }
}

/// What one input held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputCount {
    /// As shown to the user; `-` for standard input.
    pub path: String,
    /// [`FormatKind::name`]; `unknown` for an empty file.
    pub format: String,
    /// E-mails read: JSON records, or deliveries joined from log lines.
    pub records: u64,
    /// Lines refused, with a cause each.
    pub rejected: u64,
    /// E-mails of this input that this or an earlier run had read before.
    pub already_seen: u64,
    /// What its format cannot show, in words.
    pub blind_to: &'static [&'static str],
    /// Lines read this time, blank ones too.
    pub lines: u64,
    /// Lines with invalid UTF-8, read with replacement characters.
    pub lossy: u64,
    /// Events and mails that tell of no delivery: opens, clicks, complaints, answers of people away.
    pub ignored: u64,
}
