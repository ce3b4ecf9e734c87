//! How far an input was read, recognised by its content: `x.log` stays known as `x.log.1.gz`.

use std::io::{self, Read};

use crate::hash::{fnv1a, fnv1a_of_prefixes};

/// An input's identity and how far it was read. All bytes are those after unpacking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// Hash of the first `head_len` bytes.
    pub head: u64,
    /// At most 4 KiB.
    pub head_len: u64,
    /// Bytes read.
    pub offset: u64,
    /// Hash of the up to 4 KiB before `offset`: two logs can share a head.
    pub tail: u64,
    /// E-mails read in them.
    pub records: u64,
    /// Where it was last seen; for people.
    pub path: String,
}

/// Bytes hashed at either end.
const SPAN: usize = 4 << 10;

/// A mark in the making, fed with the bytes read, in order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    head: Vec<u8>,
    tail: Vec<u8>,
    offset: u64,
    /// Bytes after `offset` that must be read again unless their record ends.
    open: Vec<u8>,
}

impl Trace {
    /// Goes on over `bytes`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.head.len() < SPAN {
            let n = bytes.len().min(SPAN - self.head.len());
            self.head.extend_from_slice(&bytes[..n]);
        }
        if bytes.len() >= SPAN {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - SPAN..]);
        } else {
            let over = (self.tail.len() + bytes.len()).saturating_sub(SPAN);
            self.tail.drain(..over);
            self.tail.extend_from_slice(bytes);
        }
        self.offset += bytes.len() as u64;
    }

    /// Goes on over `bytes`, but for the last `open` of all so far: they are of a record of which the end is to come.
    pub(crate) fn feed_but(&mut self, bytes: &[u8], open: usize) {
        if open == 0 && self.open.is_empty() {
            return self.feed(bytes);
        }
        let mut held = std::mem::take(&mut self.open);
        held.extend_from_slice(bytes);
        self.open = held.split_off(held.len().saturating_sub(open));
        self.feed(&held);
    }

    /// How far a later night need not read again.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How far was read.
    pub(crate) fn reached(&self) -> u64 {
        self.offset + self.open.len() as u64
    }

    /// The mark of what was fed.
    pub(crate) fn mark(&self, records: u64, path: &str) -> Mark {
        Mark {
            head: fnv1a(&self.head),
            head_len: self.head.len() as u64,
            offset: self.offset,
            tail: fnv1a(&self.tail),
            records,
            path: path.to_owned(),
        }
    }

    /// Reads on to `offset`; false where the stream ends before.
    pub(crate) fn skip_to(&mut self, offset: u64, stream: &mut dyn Read) -> io::Result<bool> {
        let mut buf = vec![0; 64 << 10];
        while self.offset < offset {
            let want = usize::try_from(offset - self.offset).unwrap_or(usize::MAX).min(buf.len());
            match stream.read(&mut buf[..want]) {
                Ok(0) => return Ok(false),
                Ok(n) => self.feed(&buf[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }
}

/// A mark whose content was found again.
pub(crate) struct Found<'s> {
    /// Its index.
    pub(crate) at: usize,
    /// What was read of the stream, and the stream, where that is as far as the mark.
    pub(crate) rest: Option<(Trace, Box<dyn Read + Send + 's>)>,
}

/// The mark that reaches farthest into the content of `stream`, of which `head` is the beginning.
pub(crate) fn find<'s>(
    marks: &[Mark],
    head: &[u8],
    stream: impl FnOnce() -> io::Result<Box<dyn Read + Send + 's>>,
) -> io::Result<Option<Found<'s>>> {
    // Heads of small files differ in length: a folder of mails has thousands, and each is held against all marks.
    let hashes = fnv1a_of_prefixes(&head[..head.len().min(SPAN)]);
    let fits = |mark: &Mark| {
        let len = usize::try_from(mark.head_len).unwrap_or(usize::MAX);
        len > 0 && hashes.get(len) == Some(&mark.head)
    };
    let mut candidates: Vec<usize> = (0..marks.len()).filter(|&i| fits(&marks[i])).collect();
    if candidates.is_empty() {
        return Ok(None);
    }
    candidates.sort_by_key(|&i| marks[i].offset);
    let (mut trace, mut stream, mut found) = (Trace::default(), stream()?, None);
    for i in candidates {
        // A stream broken before the mark cannot be the one the mark is of.
        match trace.skip_to(marks[i].offset, &mut stream) {
            Ok(true) if fnv1a(&trace.tail) == marks[i].tail => found = Some(i),
            Ok(true) => {}
            Ok(false) => break,
            Err(e) if e.raw_os_error().is_some() => return Err(e),
            Err(_) => break,
        }
    }
    Ok(found.map(|at| Found { at, rest: (trace.offset == marks[at].offset).then_some((trace, stream)) }))
}
