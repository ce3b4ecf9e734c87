//! Findings → somebody who must hear of them: which ones deserve it, and getting them there.
//!
//! In: [`Findings`](crate::findings::Findings) of one run; what the store knows each sink was told; the operator's [`Sink`]s.
//! Out: alerts, most severe first; each told to each sink once, again when it has grown, and once more when it is over.
//! Never: decides what is a campaign or a typo, reads a clock, sends what no sink asked for, names a sink's secret.

mod deliver;
mod deserved;
mod file;
mod mail;
mod message;
mod prometheus;
mod sink;
mod syslog;
mod template;
mod trouble;
mod webhook;

pub use deliver::{Delivery, Failure, Post, deliver};
pub use deserved::{deserved, id, undecided};
pub use sink::{Sink, Usual, Wish};
