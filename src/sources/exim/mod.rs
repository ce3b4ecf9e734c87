//! Exim: its main log and its reject log, as it writes them itself or through syslog.

mod line;

use super::{
    Options,
    format::{Format, Reader},
    lines::{self, head, server::Server},
};
use crate::moment::Timestamp;

pub(crate) use line::{is_header_block, read};

/// The format.
pub(crate) struct Exim;

impl Format for Exim {
    fn looks_like(&self, text: &str) -> bool {
        head::read(text).is_some_and(|head| {
            Server::of(&head) == Some(Server::Exim) && (!head.host.is_empty() || line::is_usual(head.rest))
        })
    }

    fn may_hold(&self, line: &str) -> bool {
        self.looks_like(line) || Server::is_others(line)
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        head::moment(line, options)
    }

    fn is_whole(&self, text: &str) -> bool {
        head::read(text).is_some_and(|head| line::is_whole(head.rest))
    }

    fn reader(&self) -> Reader {
        Reader::Joined(lines::start)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        &["the reply codes of recipients refused at our own door", "recipients of mail refused after DATA"]
    }
}
