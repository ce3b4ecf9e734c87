//! Sendmail through syslog.

mod line;

use super::{
    Options,
    format::{Format, Reader},
    lines::{self, head, server::Server},
};
use crate::moment::Timestamp;

pub(crate) use line::read;

/// The format.
pub(crate) struct Sendmail;

impl Format for Sendmail {
    fn looks_like(&self, line: &str) -> bool {
        head::read(line).is_some_and(|head| Server::of(&head) == Some(Server::Sendmail))
    }

    fn may_hold(&self, line: &str) -> bool {
        self.looks_like(line) || Server::is_others(line)
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        head::moment(line, options)
    }

    fn is_whole(&self, _line: &str) -> bool {
        // The reply stands last, and may go on.
        false
    }

    fn reader(&self) -> Reader {
        Reader::Joined(lines::start)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        &["the words of the servers that refused (only the status Sendmail made of them)"]
    }
}
