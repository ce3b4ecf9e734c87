//! A line that could not be read: where, and why. A value, never an error.

use crate::address;

/// A refused line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The input, as shown to the user.
    pub file: String,
    /// Counted from 1 where this reading began; 0 when the whole file is meant.
    pub line: u64,
    /// Why.
    pub cause: String,
    /// The head of the line, without what a terminal would obey.
    pub excerpt: String,
}

/// Bytes that the rejects of one reading may take, some hundred thousand lines: of more the first are kept and the rest is
/// only counted, so that files of junk cannot fill the memory.
const KEPT: usize = 32 << 20;

/// Bytes of a bad line kept to recognise it by.
const EXCERPT: usize = 160;

/// What a chunk of lines gave, besides deliveries.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// All lines.
    pub(crate) lines: u64,
    /// Lines that say something: neither blank nor comment.
    pub(crate) relevant: u64,
    /// Of those, lines of the format, whether good or bad.
    pub(crate) recognised: u64,
    /// Of those, lines of the program the format is of: a log may hold many others' lines.
    pub(crate) own: u64,
    /// E-mails read.
    pub(crate) records: u64,
    /// Lines refused.
    pub(crate) rejected: u64,
    /// Lines with invalid UTF-8.
    pub(crate) lossy: u64,
    /// Events and mails that tell of no delivery.
    pub(crate) ignored: u64,
    /// Line, cause and excerpt of those kept: the first.
    pub(crate) rejects: Vec<(u64, String, String)>,
    /// Bytes that they take, and those of the inputs before.
    pub(crate) kept: usize,
}

/// Whether lines that say something are too seldom of a format to be a log of it.
pub(crate) fn is_another(relevant: u64, recognised: u64) -> bool {
    recognised * 2 < relevant
}

impl Tally {
    /// Notes the current line as refused.
    pub(crate) fn reject(&mut self, cause: &str, line: &str) {
        self.rejected += 1;
        if self.kept < KEPT {
            self.keep((self.lines, cause.to_owned(), excerpt(line)));
        }
    }

    /// A chunk by itself has the room of all: which rejects are kept must not depend on who reads beside whom.
    fn keep(&mut self, reject: (u64, String, String)) {
        self.kept += size_of::<Reject>() + reject.1.len() + reject.2.len();
        self.rejects.push(reject);
    }

    /// Adds what the chunk after this one gave.
    pub(crate) fn append(&mut self, next: Tally) {
        for (line, cause, excerpt) in next.rejects {
            if self.kept < KEPT {
                self.keep((self.lines + line, cause, excerpt));
            }
        }
        self.lines += next.lines;
        self.relevant += next.relevant;
        self.recognised += next.recognised;
        self.own += next.own;
        self.records += next.records;
        self.rejected += next.rejected;
        self.lossy += next.lossy;
        self.ignored += next.ignored;
    }
}

/// The head of a line, as it may be shown.
pub(crate) fn excerpt(line: &str) -> String {
    let mut end = line.len().min(EXCERPT);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    address::printable(&line[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_whatever_the_chunks() {
        let line = "x".repeat(EXCERPT);
        let chunk = |n: usize| {
            let mut tally = Tally::default();
            for _ in 0..n {
                tally.lines += 1;
                tally.reject("no record", &line);
            }
            tally
        };
        let whole = chunk(200_000);
        assert!(whole.rejects.len() > 100_000 && whole.rejects.len() < 200_000, "{}", whole.rejects.len());
        let mut pieces = Tally::default();
        (0..200).for_each(|_| pieces.append(chunk(1_000)));
        assert_eq!((pieces.rejected, pieces.kept), (whole.rejected, whole.kept));
        assert!(pieces.rejects == whole.rejects);
    }
}
