//! A stream cut into chunks of whole lines, with a cap on the length of a line.

use std::io::{self, Read};

/// Bytes in a chunk: enough that handing it to a core costs nothing, little enough that all cores' chunks fit.
pub(crate) const CHUNK: usize = 4 << 20;

/// The longest line read; syslog writes up to 8 KiB, a JSON record with many attempts some hundred.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Whole lines.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The lines, each with its end, except perhaps the stream's last.
    pub(crate) bytes: Vec<u8>,
    /// Whether the bytes are the end of a line too long to be kept.
    pub(crate) overlong: bool,
    /// Whether nothing comes after.
    pub(crate) last: bool,
}

/// Cuts a stream.
pub(crate) struct Chunks<R> {
    stream: R,
    carry: Vec<u8>,
    size: usize,
    overlong: bool,
    ended: bool,
    /// Why the stream ended before its time.
    pub(crate) broken: Option<io::Error>,
}

impl<R: Read> Chunks<R> {
    /// Cuts `stream` into chunks of about `size` bytes.
    pub(crate) fn new(stream: R, size: usize) -> Self {
        Chunks { stream, carry: Vec::new(), size, overlong: false, ended: false, broken: None }
    }

    /// The next chunk, `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.carry);
        let mut filled = bytes.len();
        bytes.resize(self.size.max(filled), 0);
        while filled < bytes.len() {
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
        if self.overlong {
            // Still inside a line of which the head was given up: its bytes go by uncounted until it ends.
            let end = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
            self.overlong = end == bytes.len() && bytes.last() != Some(&b'\n');
            self.carry = bytes.split_off(end);
            return Some(Chunk { bytes, overlong: true, last: self.ended && self.drained() });
        }
        if self.ended {
            return Some(Chunk { bytes, overlong: false, last: true });
        }
        match memchr::memrchr(b'\n', &bytes) {
            Some(at) => self.carry = bytes.split_off(at + 1),
            None => {
                self.overlong = true;
                return Some(Chunk { bytes, overlong: true, last: false });
            }
        }
        Some(Chunk { bytes, overlong: false, last: false })
    }

    /// At the end of the stream with bytes carried over, one more chunk follows.
    fn drained(&mut self) -> bool {
        if !self.carry.is_empty() {
            self.ended = false;
        }
        self.ended
    }
}
