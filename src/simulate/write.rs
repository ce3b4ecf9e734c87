//! The world's log files. Lines come mail by mail and leave in the order of time; only those of mails still under way are held.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::postfix::Line;
use crate::{error::Error, moment::Timestamp};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HOST: &str = "out";

/// `coremail.jsonl`, `mail.log`, `mail-rfc3339.log`.
pub(super) struct Logs {
    coremail: Out,
    /// With stamps of RFC 3164 and of RFC 3339; none where only records are wanted.
    postfix: Option<[Out; 2]>,
    pending: BinaryHeap<Reverse<Pending>>,
    count: u64,
    /// Second last written, and how many Postfix lines it had: fractions grow within a second.
    second: (i64, u32),
}

/// When, in which order, from which daemon (none: a Coremail record), what.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pending(i64, u64, Option<&'static str>, String);

struct Out {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Logs {
    pub(super) fn create(dir: &Path, postfix: bool) -> Result<Self, Error> {
        let open = |name| Out::create(dir.join(name));
        Ok(Logs {
            coremail: open("coremail.jsonl")?,
            postfix: if postfix { Some([open("mail.log")?, open("mail-rfc3339.log")?]) } else { None },
            pending: BinaryHeap::new(),
            count: 0,
            second: (i64::MIN, 0),
        })
    }

    /// A Coremail record is written when its mail is done.
    pub(super) fn record(&mut self, at: i64, text: String) {
        self.count += 1;
        self.pending.push(Reverse(Pending(at, self.count, None, text)));
    }

    pub(super) fn lines(&mut self, lines: &mut Vec<Line>) {
        if self.postfix.is_none() {
            lines.clear();
        }
        for (at, daemon, text) in lines.drain(..) {
            self.count += 1;
            self.pending.push(Reverse(Pending(at, self.count, Some(daemon), text)));
        }
    }

    /// Writes everything before `until`.
    pub(super) fn advance(&mut self, until: i64) -> Result<(), Error> {
        while self.pending.peek().is_some_and(|p| p.0.0 < until) {
            let Some(Reverse(Pending(at, _, daemon, text))) = self.pending.pop() else {
                break;
            };
            let Some(daemon) = daemon else {
                self.coremail.line(&text)?;
                continue;
            };
            let Some([rfc3164, rfc3339]) = &mut self.postfix else { continue };
            self.second = if self.second.0 == at { (at, self.second.1 + 1) } else { (at, 0) };
            let pid = 900 + super::random::key(daemon) % 700 + at as u64 / 4000 % 9 * 1013;
            let civil = Timestamp(at).to_string();
            let (_, month, day) = Timestamp(at).day().civil();
            let month = MONTHS[(month - 1).clamp(0, 11) as usize];
            rfc3164.line(&format!("{month} {day:>2} {} {HOST} postfix/{daemon}[{pid}]: {text}", &civil[11..19]))?;
            let micros = u64::from(self.second.1) * 37 % 1_000_000;
            rfc3339.line(&format!("{}.{micros:06}+00:00 {HOST} postfix/{daemon}[{pid}]: {text}", &civil[..19]))?;
        }
        Ok(())
    }

    /// Writes the rest. The files bear the time of the world's end: a log without years is dated by it.
    pub(super) fn close(mut self, end: Timestamp) -> Result<(), Error> {
        self.advance(i64::MAX)?;
        self.postfix.into_iter().flatten().chain([self.coremail]).try_for_each(|out| out.close(end))
    }
}

/// One JSON document as a file.
pub(super) fn json(path: PathBuf, value: &serde_json::Value, end: Timestamp) -> Result<(), Error> {
    let mut out = Out::create(path)?;
    out.line(&format!("{value:#}"))?;
    out.close(end)
}

impl Out {
    /// Only its owner reads it: a mail log names people, and a made-up one should not teach another habit.
    fn create(path: PathBuf) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path).and_then(|f| {
            #[cfg(unix)]
            f.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(f)
        });
        match opened {
            Ok(file) => Ok(Out { path, file: BufWriter::with_capacity(1 << 18, file) }),
            Err(cause) => Err(Error::Write { path, cause }),
        }
    }

    fn line(&mut self, text: &str) -> Result<(), Error> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|cause| self.failed(cause))
    }

    fn close(mut self, end: Timestamp) -> Result<(), Error> {
        let dated = SystemTime::UNIX_EPOCH + Duration::from_secs(end.0.max(0) as u64);
        let closed = self.file.flush().and_then(|()| self.file.get_ref().set_modified(dated));
        closed.map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> Error {
        Error::Write { path: self.path.clone(), cause }
    }
}
