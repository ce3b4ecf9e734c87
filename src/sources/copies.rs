//! Logs that hold what another holds: syslog writes the lines of a mail server into `mail.log`, `syslog` and `mail.warn` alike.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::Path,
};

use super::{
    Input, Options,
    format::{Emit, Format, FormatKind},
    lines::{head, server::Server},
    reject::Tally,
    split::{CHUNK, Chunk, Chunks},
    unpack,
};
use crate::moment::Timestamp;

/// Seconds by which the writers of two logs may be apart, where one of them was read a moment later.
const APART: i64 = 5;

/// Lines of which one is asked for its time.
const ASKED: u32 = 32;

/// Endings of names that tell by what a generation is packed.
const PACKED: [&str; 4] = ["bz2", "gz", "xz", "zst"];

/// The line logs of a run, each with its generations.
pub(super) struct Copies<'i> {
    inputs: &'i [Input],
    options: &'i Options,
    logs: Vec<Log<'i>>,
}

/// A log and its generations, the oldest first.
struct Log<'i> {
    name: (&'i Path, Vec<&'i str>),
    inputs: Vec<usize>,
    /// Those of its first lines.
    hosts: BTreeSet<&'i str>,
    /// Whether it holds lines of other programs than mail servers.
    mixed: bool,
    size: u64,
}

impl<'i> Copies<'i> {
    /// Looks at names and first lines only.
    pub(super) fn among(inputs: &'i [Input], order: &[usize], options: &'i Options) -> Self {
        let family = FormatKind::Postfix.family();
        let mut logs: Vec<Log<'i>> = Vec::new();
        for &at in order {
            let input = &inputs[at];
            if !input.is_file() || input.format.is_none_or(|kind| kind.family() != family) {
                continue;
            }
            let name = name(&input.path);
            let place = logs.iter().position(|log| log.name == name).unwrap_or_else(|| {
                logs.push(Log { name, inputs: vec![], hosts: BTreeSet::new(), mixed: false, size: 0 });
                logs.len() - 1
            });
            logs[place].add(at, input);
        }
        Copies { inputs, options, logs }
    }

    /// The log that holds every mail server's line of the input at `at` behind `offset`, where there is one. Of two that
    /// hold the same, one is a copy of the other: that which holds lines of other programs, or is smaller.
    pub(super) fn original(&self, at: usize, offset: u64) -> Option<&'i str> {
        let mine = self.logs.iter().find(|log| log.inputs.contains(&at))?;
        let may = |other: &&Log<'i>| other.rank() < mine.rank() && !other.hosts.is_disjoint(&mine.hosts);
        // One that cannot be read says so when its turn comes.
        let holds = |other: &&Log<'i>| self.holds(other, at, offset).unwrap_or(false);
        let other = self.logs.iter().filter(may).find(holds)?;
        other.inputs.last().map(|last| self.inputs[*last].path.as_str())
    }

    /// Whether mail servers' lines of the input stand in the other log, in the same order.
    fn holds(&self, other: &Log<'i>, at: usize, offset: u64) -> io::Result<bool> {
        let Some(format) = self.inputs[at].format.map(FormatKind::format) else { return Ok(false) };
        let mut mine = Lines::open(&self.inputs[at], offset)?;
        let mut theirs: Option<Search<'_>> = None;
        while let Some(line) = mine.next() {
            let text = String::from_utf8_lossy(line);
            if !head::read(&text).is_some_and(|head| !head.host.is_empty() && Server::of(&head).is_some()) {
                continue;
            }
            let Some(moment) = format.moment(&text, self.options) else { return Ok(false) };
            let search = match &mut theirs {
                Some(search) => search,
                None => theirs.insert(Search::from(self, other, moment)),
            };
            if !search.finds(line, moment)? {
                return Ok(false);
            }
        }
        Ok(theirs.is_some())
    }
}

impl<'i> Log<'i> {
    fn add(&mut self, at: usize, input: &'i Input) {
        self.inputs.push(at);
        self.size = self.size.saturating_add(input.size());
        for line in input.head.split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
            let Some(head) = head::read(line).filter(|head| !head.host.is_empty()) else { continue };
            self.hosts.insert(head.host);
            self.mixed |= Server::of(&head).is_none();
        }
    }

    /// A log may be a copy of those of lower rank only, so that no two are left out for each other.
    fn rank(&self) -> impl Ord {
        (self.mixed, std::cmp::Reverse(self.size), self.name.clone())
    }
}

/// Lines looked for in a log, in their order.
struct Search<'c> {
    /// Generations not begun with, the next one last.
    further: Vec<&'c Input>,
    here: Option<Lines>,
    format: &'static dyn Format,
    options: &'c Options,
    /// Lines until the next is asked for its time.
    unasked: u32,
    /// The last line read, where it is all there is.
    last: Option<Timestamp>,
}

impl<'c> Search<'c> {
    /// In the generation in which `moment` is, and on from there.
    fn from(copies: &'c Copies<'_>, log: &Log<'_>, moment: Timestamp) -> Self {
        let inputs: Vec<&Input> = log.inputs.iter().map(|at| &copies.inputs[*at]).collect();
        let begun = inputs.iter().rposition(|input| input.first.is_some_and(|first| first <= moment)).unwrap_or(0);
        let mut further = inputs[begun..].to_vec();
        further.reverse();
        let format = FormatKind::Postfix.format();
        Search { further, here: None, format, options: copies.options, unasked: 0, last: None }
    }

    /// Whether `line`, written at `moment`, is among those that are left.
    fn finds(&mut self, line: &[u8], moment: Timestamp) -> io::Result<bool> {
        loop {
            let Some(here) = &mut self.here else {
                let Some(next) = self.further.pop() else {
                    // At their ends one may lack what is written into the other already.
                    return Ok(self.last.is_some_and(|last| (last.0 - moment.0).abs() <= APART));
                };
                self.here = Some(Lines::open(next, 0)?);
                continue;
            };
            let Some(theirs) = here.next() else {
                self.last = here.last(self.format, self.options).or(self.last);
                self.here = None;
                continue;
            };
            if theirs == line {
                return Ok(true);
            }
            self.unasked = self.unasked.wrapping_add(1);
            if self.unasked.is_multiple_of(ASKED) {
                let at = self.format.moment(&String::from_utf8_lossy(theirs), self.options);
                if at.is_some_and(|at| at.0 > moment.0 + APART) {
                    return Ok(false);
                }
            }
        }
    }
}

/// Whole lines of an input, but for those that are too long.
struct Lines {
    chunks: Chunks<Box<dyn Read + Send>>,
    chunk: Chunk,
    from: usize,
}

impl Lines {
    fn open(input: &Input, offset: u64) -> io::Result<Self> {
        let (mut stream, _) = unpack::unpack(input.raw()?)?;
        io::copy(&mut (&mut stream).take(offset), &mut io::sink())?;
        Ok(Lines { chunks: Chunks::new(stream, CHUNK), chunk: Chunk::default(), from: 0 })
    }

    fn next(&mut self) -> Option<&[u8]> {
        while self.chunk.overlong || memchr::memchr(b'\n', &self.chunk.bytes[self.from..]).is_none() {
            let next = self.chunks.next()?;
            self.chunks.reuse(std::mem::replace(&mut self.chunk, next));
            self.from = 0;
        }
        let rest = &self.chunk.bytes[self.from..];
        let end = memchr::memchr(b'\n', rest)?;
        self.from += end + 1;
        Some(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]))
    }

    /// When the last line of those read was written.
    fn last(&self, format: &dyn Format, options: &Options) -> Option<Timestamp> {
        let read = String::from_utf8_lossy(&self.chunk.bytes[..self.from]);
        read.lines().rev().find_map(|line| format.moment(line, options))
    }
}

/// What the generations of a log have in common: its folder, and its name without numbers, dates and what it is packed by.
fn name(path: &str) -> (&Path, Vec<&str>) {
    let path = Path::new(path);
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let parts = file.split('.').map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_'));
    let parts = parts.filter(|part| !part.is_empty() && !PACKED.contains(part));
    (path.parent().unwrap_or(Path::new("")), parts.collect())
}

/// Reads a copy: its lines are counted, nothing more.
pub(super) fn pass_over(lines: &[u8], _: &Options, _: Emit<'_>) -> Tally {
    let lines = memchr::memchr_iter(b'\n', lines).count() as u64;
    Tally { lines, ..Tally::default() }
}
