//! Whose line it is: one file of syslog holds many programs'.

use super::{Head, event::Event, head};
use crate::sources::{exim, postfix, sendmail};

/// A mail server that writes lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Postfix,
    Exim,
    Sendmail,
}

impl Server {
    /// By the program's name; `None` for all other programs.
    pub(crate) fn of(head: &Head<'_>) -> Option<Self> {
        let program = head.program;
        if program.starts_with("postfix") || program.as_bytes().contains(&b'/') {
            Some(Server::Postfix)
        } else if program.starts_with("exim") {
            Some(Server::Exim)
        } else if program.starts_with("sm-") || program.contains("sendmail") {
            Some(Server::Sendmail)
        } else {
            None
        }
    }

    /// Whether a line of syslog is of no mail server.
    pub(crate) fn is_others(line: &str) -> bool {
        head::read(line).is_some_and(|head| !head.host.is_empty() && Server::of(&head).is_none())
    }

    /// What a line tells; a line may tell several things.
    pub(crate) fn read<'a>(self, head: &Head<'a>, push: &mut dyn FnMut(Event<'a>)) {
        match self {
            Server::Postfix => match postfix::read(head) {
                Event::Nothing => {}
                event => push(event),
            },
            Server::Exim => exim::read(head, push),
            Server::Sendmail => sendmail::read(head, push),
        }
    }
}
