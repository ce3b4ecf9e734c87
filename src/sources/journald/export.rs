//! `journalctl -o export`: `NAME=value` lines; a value with line ends stands behind its bare name as eight bytes of
//! length, least first, and so many bytes.

use serde::{Deserialize, Serialize};

use super::{Each, Entry};
use crate::sources::{format, reject::Tally, split::MAX_LINE};

/// Reads on from chunk to chunk, and from night to night.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Export {
    entry: Entry,
    /// Whether `entry` has begun.
    open: bool,
    /// A value of which the end is still to come, with its name.
    carry: Vec<u8>,
}

pub(super) fn looks_like(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| is_name(name.as_bytes()))
}

/// Capitals, digits and underscores.
fn is_name(name: &[u8]) -> bool {
    (1..=64).contains(&name.len())
        && !name[0].is_ascii_digit()
        && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

impl Export {
    pub(super) fn is_between(&self) -> bool {
        !self.open && self.carry.is_empty()
    }

    pub(super) fn read(&mut self, bytes: &[u8], tally: &mut Tally, each: Each<'_>) {
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        let lines = lines + u64::from(bytes.last().is_some_and(|b| *b != b'\n'));
        let joined;
        let mut rest = bytes;
        if !self.carry.is_empty() {
            self.carry.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.carry);
            rest = &joined;
        }
        while !rest.is_empty() {
            let Some(after) = self.field(rest, tally, &mut *each) else {
                self.carry = rest.to_vec();
                break;
            };
            rest = after;
        }
        tally.lines = lines;
    }

    /// Takes in one field; returns what follows, `None` where its end is missing.
    fn field<'b>(&mut self, bytes: &'b [u8], tally: &mut Tally, each: Each<'_>) -> Option<&'b [u8]> {
        let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        let after = bytes.get(end + 1..).unwrap_or(&[]);
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        if line.is_empty() {
            self.close(tally, each);
            return Some(after);
        }
        if let Some(equals) = memchr::memchr(b'=', line).filter(|equals| is_name(&line[..*equals])) {
            (tally.relevant, tally.recognised, tally.lines) =
                (tally.relevant + 1, tally.recognised + 1, tally.lines + 1);
            let name = String::from_utf8_lossy(&line[..equals]);
            self.set(&name, &line[equals + 1..], tally, each);
            return Some(after);
        }
        if is_name(line) {
            let size = after.get(..8)?;
            let size = size.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
            let size = usize::try_from(size).ok().filter(|size| *size <= MAX_LINE);
            if let Some(size) = size {
                let value = after.get(8..8 + size)?;
                (tally.relevant, tally.recognised) = (tally.relevant + 1, tally.recognised + 1);
                tally.lines += 1;
                let name = String::from_utf8_lossy(line);
                self.set(&name, value, tally, each);
                let next = &after[8 + size..];
                return Some(next.strip_prefix(b"\n").unwrap_or(next));
            }
        }
        tally.lines += 1;
        let text = String::from_utf8_lossy(line);
        if format::says_something(&text) {
            tally.relevant += 1;
            tally.reject("no journal field: NAME=value expected", &text);
        }
        Some(after)
    }

    fn set(&mut self, name: &str, value: &[u8], tally: &mut Tally, each: Each<'_>) {
        // Each entry begins with its cursor, also where the one before breaks off.
        if name == "__CURSOR" {
            self.close(tally, each);
        }
        let value = String::from_utf8_lossy(value);
        tally.lossy += u64::from(matches!(value, std::borrow::Cow::Owned(_)));
        self.open = true;
        if name == "SYSLOG_IDENTIFIER" {
            self.entry.program.clear();
        }
        self.entry.set(name, &value);
    }

    fn close(&mut self, tally: &mut Tally, each: Each<'_>) {
        self.open = false;
        std::mem::take(&mut self.entry).tell(tally, each);
    }
}
