//! A stream cut into chunks of whole lines, with a cap on the length of a line.

use std::io::{self, Read};

use super::format::nuls;

/// Bytes in a chunk: enough that handing it to a core costs nothing, little enough that it lies in that core's cache.
pub(crate) const CHUNK: usize = 512 << 10;

/// Bytes in a chunk of which the first line is longer than that.
const LARGEST: usize = 2 * MAX_LINE;

/// The longest line read; syslog writes up to 8 KiB, a JSON record with many attempts some hundred.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Whole lines.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The lines, each with its end, except perhaps the stream's last.
    pub(crate) bytes: Vec<u8>,
    /// Whether the bytes are the end of a line too long to be kept, or NULs before the first line.
    pub(crate) overlong: bool,
    /// Whether nothing comes after.
    pub(crate) last: bool,
}

/// Cuts a stream.
pub(crate) struct Chunks<R> {
    stream: R,
    carry: Vec<u8>,
    /// Memory of chunks done with: that of new ones costs more to get than bytes cost to read.
    spare: Vec<Vec<u8>>,
    size: usize,
    overlong: bool,
    /// Whether nothing but NULs came yet: a log truncated under its writer begins with as many as it had bytes.
    blank: bool,
    ended: bool,
    /// Why the stream ended before its time.
    pub(crate) broken: Option<io::Error>,
}

impl<R: Read> Chunks<R> {
    /// Cuts `stream` into chunks of about `size` bytes.
    pub(crate) fn new(stream: R, size: usize) -> Self {
        Chunks {
            stream,
            carry: Vec::new(),
            spare: Vec::new(),
            size,
            overlong: false,
            blank: true,
            ended: false,
            broken: None,
        }
    }

    /// The next chunk, `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        let mut filled = self.carry.len();
        bytes.resize(self.size.max(filled), 0);
        bytes[..filled].copy_from_slice(&self.carry);
        self.carry.clear();
        loop {
            if filled == bytes.len() {
                if filled >= LARGEST || self.overlong || memchr::memchr(b'\n', &bytes).is_some() {
                    break;
                }
                bytes.resize(LARGEST, 0);
            }
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.broken = Some(e);
                    self.ended = true;
                    break;
                }
            }
        }
        bytes.truncate(filled);
        if self.blank {
            let nuls = nuls(&bytes);
            self.blank = nuls == bytes.len();
            if nuls > 0 {
                self.carry_over(&mut bytes, nuls);
                return Some(Chunk { bytes, overlong: true, last: self.ended && self.drained() });
            }
        }
        if self.overlong {
            // Still inside a line of which the head was given up: its bytes go by uncounted until it ends.
            let end = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
            self.overlong = end == bytes.len() && bytes.last() != Some(&b'\n');
            self.carry_over(&mut bytes, end);
            return Some(Chunk { bytes, overlong: true, last: self.ended && self.drained() });
        }
        if self.ended {
            return Some(Chunk { bytes, overlong: false, last: true });
        }
        match memchr::memrchr(b'\n', &bytes) {
            Some(at) => self.carry_over(&mut bytes, at + 1),
            None => {
                self.overlong = true;
                return Some(Chunk { bytes, overlong: true, last: false });
            }
        }
        Some(Chunk { bytes, overlong: false, last: false })
    }

    /// Takes back the memory of a chunk.
    pub(crate) fn reuse(&mut self, chunk: Chunk) {
        self.spare.push(chunk.bytes);
    }

    /// What stands behind `end` belongs to the next chunk.
    fn carry_over(&mut self, bytes: &mut Vec<u8>, end: usize) {
        self.carry.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
    }

    /// At the end of the stream with bytes carried over, one more chunk follows.
    fn drained(&mut self) -> bool {
        if !self.carry.is_empty() {
            self.ended = false;
        }
        self.ended
    }
}
