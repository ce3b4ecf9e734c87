//! journald's own forms: one JSON object an entry (`journalctl -o json`), or one field a line and an empty line behind each
//! entry (`-o export`). Entries carry what syslog lines would: they go to the same join.

mod export;
mod json;

use serde::{Deserialize, Serialize};

use super::{
    Options,
    format::{Format, Reader},
    lines::{self, Head, head::Stamp},
    reject::Tally,
};
use crate::moment::Timestamp;

/// The format.
pub(crate) struct Journald;

impl Format for Journald {
    fn looks_like(&self, line: &str) -> bool {
        json::looks_like(line) || export::looks_like(line)
    }

    fn moment(&self, line: &str, _options: &Options) -> Option<Timestamp> {
        json::moment(line).or_else(|| micros(line.strip_prefix("__REALTIME_TIMESTAMP=")?))
    }

    fn is_whole(&self, line: &str) -> bool {
        json::moment(line).is_some()
    }

    fn reader(&self) -> Reader {
        Reader::Joined(lines::start)
    }
}

/// One entry, of the fields that matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Entry {
    at: Option<i64>,
    host: String,
    program: String,
    pid: String,
    message: String,
}

/// What is told of each entry; says whether it was a mail server's.
type Each<'e> = &'e mut dyn FnMut(&Head<'_>) -> bool;

/// Entries read so far, with the one that is not finished. Saved between nights.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    export: export::Export,
}

impl Journal {
    /// Reads whole lines of either form.
    pub(crate) fn read(&mut self, bytes: &[u8], tally: &mut Tally, each: Each<'_>) {
        let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
        if first == Some(&b'{') && self.export.is_between() {
            json::read(bytes, tally, each);
        } else {
            self.export.read(bytes, tally, each);
        }
    }
}

impl Entry {
    /// Takes in one field.
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "__REALTIME_TIMESTAMP" => self.at = micros(value).map(|at| at.0),
            "_HOSTNAME" => value.clone_into(&mut self.host),
            "SYSLOG_IDENTIFIER" => value.clone_into(&mut self.program),
            "_COMM" if self.program.is_empty() => value.clone_into(&mut self.program),
            "SYSLOG_PID" => value.clone_into(&mut self.pid),
            "_PID" if self.pid.is_empty() => value.clone_into(&mut self.pid),
            "MESSAGE" => value.clone_into(&mut self.message),
            _ => {}
        }
    }

    /// Tells it, line by line of its message.
    fn tell(&self, tally: &mut Tally, each: Each<'_>) {
        let Some(at) = self.at else { return };
        for rest in self.message.lines() {
            let stamp = Stamp::At(Timestamp(at));
            let head = Head { stamp, host: &self.host, program: &self.program, pid: &self.pid, rest };
            tally.own += u64::from(each(&head));
        }
    }
}

/// Microseconds since 1970.
fn micros(text: &str) -> Option<Timestamp> {
    Some(Timestamp(text.trim().parse::<i64>().ok()?.div_euclid(1_000_000)))
}

#[cfg(test)]
mod tests;
