//! Postfix through syslog: lines of many daemons, joined over the queue id into one delivery a recipient.
//!
//! `prefix` takes the syslog head off, `line` says what a line tells, `queue` and `refusal` hold what is not finished,
//! `host` decides when a delivery is known, `mail` emits it, `join` does so for all hosts. Every decision hangs on the lines read so far, never on where a night's
//! reading ends: a log read in one night or in many gives the same deliveries.

mod host;
mod join;
mod line;
mod mail;
mod prefix;
mod queue;
mod refusal;

use super::{
    Options,
    format::{Format, Reader},
};
use crate::{error::Error, moment::Timestamp};

/// The format.
pub(crate) struct Postfix;

impl Format for Postfix {
    fn looks_like(&self, line: &str) -> bool {
        prefix::Stamps::new(&Options::default()).read(line).is_some()
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        prefix::Stamps::new(options).read(line).map(|prefix| prefix.at)
    }

    fn is_whole(&self, text: &str) -> bool {
        prefix::Stamps::new(&Options::default()).read(text).is_some_and(|prefix| line::is_whole(&prefix))
    }

    fn reader(&self) -> Reader {
        Reader::Joined(|options, saved| {
            let unknown = |cause: serde_json::Error| Error::Data {
                name: "pending Postfix mails".to_owned(),
                cause: cause.to_string(),
            };
            Ok(Box::new(join::Join::new(options, saved).map_err(unknown)?))
        })
    }
}
