//! Postfix through syslog: lines of many daemons.

mod line;

use super::{
    Options,
    format::{Format, Reader},
    lines::{self, Head, event::Event, head, server::Server},
};
use crate::moment::Timestamp;

/// The format. Syslog of programs that are no mail servers is taken for it too: such a file says so in its notes.
pub(crate) struct Postfix;

impl Format for Postfix {
    fn looks_like(&self, line: &str) -> bool {
        head::read(line).is_some_and(|head| Server::of(&head) == Some(Server::Postfix))
    }

    fn may_hold(&self, line: &str) -> bool {
        self.looks_like(line) || Server::is_others(line)
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        head::moment(line, options)
    }

    fn is_whole(&self, text: &str) -> bool {
        head::read(text).is_some_and(|head| line::is_whole(&head))
    }

    fn reader(&self) -> Reader {
        Reader::Joined(lines::start)
    }
}

/// What a line of one of its daemons tells.
pub(crate) fn read<'a>(head: &Head<'a>) -> Event<'a> {
    line::read(head)
}
