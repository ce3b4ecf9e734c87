//! A log that grows: what was added since the last look, over rotation by renaming or by copying and truncating.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{
    Known, Mark, Options,
    format::{self, FormatKind, Joined, Reader},
    formats,
    mark::{self, Trace},
    read::{load, store},
    reject::{self, Reject, Tally},
    split::MAX_LINE,
    unpack,
};
use crate::{
    delivery::Delivery,
    error::Error,
    moment::{Day, Timestamp},
};

/// Bytes taken in at once: a second's worth of the busiest log.
const AT_ONCE: usize = 16 << 20;
/// Rotated logs looked through for the rest of one that was moved away.
const SIBLINGS: usize = 12;
/// A join is built anew with the clock of the hour: stamps without a year lie before it.
const HOUR: i64 = 3600;
/// Looks at a renamed log that bring nothing before the new one is turned to: the writer may still hold it.
const PATIENCE: u32 = 2;

/// What one look brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Mails read.
    pub records: u64,
    /// Lines refused.
    pub rejected: u64,
    /// Those to be kept: of a log that no format was known of until now, also those of earlier looks.
    pub rejects: Vec<Reject>,
    /// Those that the day has no more room for: they are counted only.
    pub unkept: u64,
    /// Standard input is at its end.
    pub ended: bool,
}

/// Follows one log, or standard input.
pub struct Follower {
    path: PathBuf,
    options: Options,
    format: Option<FormatKind>,
    source: Source,
    join: Option<Box<dyn Joined>>,
    saved: BTreeMap<String, serde_json::Value>,
    marks: Vec<Mark>,
    /// The end of the bytes read that is no whole line yet.
    rest: Vec<u8>,
    /// What is read at the moment, as shown to the user, and how many lines of it were, over all watches.
    at: (String, u64),
    /// Rejects not told yet: of what turns out to be no log nobody is told line by line.
    held: Vec<Reject>,
    room: Room,
    /// Rotated logs may hold something unread.
    behind: bool,
    /// Lines that say something, and those of the format, of what was read from its beginning.
    judged: (u64, u64),
    /// Whether there ever was a log.
    found: bool,
    /// Whether the log at hand is read from its beginning.
    whole: bool,
}

/// What the bad lines of a day took of the room that [`Tally`] has for those of one reading.
#[derive(Debug, Clone, Copy)]
struct Room {
    day: Day,
    taken: usize,
    /// Whether a row says that it was too little.
    told: bool,
}

enum Source {
    Pipe(mpsc::Receiver<io::Result<Vec<u8>>>),
    /// No file there (yet).
    Nothing,
    File(Open),
}

struct Open {
    file: File,
    id: (u64, u64),
    /// Of whole lines read.
    trace: Trace,
    head: Vec<u8>,
    records: u64,
    quiet: u32,
}

impl Follower {
    /// Goes on where `known` ends; `-` is standard input, of which nothing is remembered.
    pub fn new(path: &str, known: Known, options: Options) -> Result<Self, Error> {
        let source = if path == "-" { Source::Pipe(stdin()) } else { Source::Nothing };
        let saved = load(&known.pending)?;
        Ok(Follower {
            path: path.into(),
            options,
            format: options.format,
            source,
            join: None,
            saved,
            marks: known.marks,
            rest: Vec::new(),
            at: (path.to_owned(), 0),
            held: Vec::new(),
            room: Room { day: options.now.day(), taken: 0, told: false },
            behind: true,
            judged: (0, 0),
            found: path == "-",
            whole: path == "-",
        })
    }

    /// As if just started, but that bad lines get no more room for it.
    pub fn again(&self, path: &str, known: Known, options: Options) -> Result<Self, Error> {
        Ok(Follower { room: self.room, ..Follower::new(path, known, options)? })
    }

    /// Whether what was followed was a log; a log read on from its middle is judged by nobody.
    pub fn was_a_log(&self) -> Result<(), Error> {
        let (lines, recognised) = self.judged;
        let path = self.path.display().to_string();
        if !self.found {
            return Err(Error::NoInput { place: path });
        }
        if reject::is_another(lines, recognised) {
            let format = self.format.map_or("any known format", FormatKind::name).to_owned();
            return Err(Error::Unrecognised { path, format, recognised, lines });
        }
        Ok(())
    }

    /// Reads what was added, as far as one batch goes; each delivery goes to `add`.
    pub fn poll(&mut self, now: Timestamp, add: &mut dyn FnMut(&Delivery<'_>)) -> Result<Batch, Error> {
        self.turn(now)?;
        if now.day() != self.room.day {
            self.room = Room { day: now.day(), taken: 0, told: false };
        }
        let mut batch = Batch::default();
        match &mut self.source {
            Source::Pipe(pipe) => {
                let mut bytes = Vec::new();
                // The first piece is waited for, so that an idle pipe costs nothing.
                let mut next = pipe
                    .recv_timeout(Duration::from_millis(200))
                    .map_err(|e| e == mpsc::RecvTimeoutError::Disconnected);
                loop {
                    match next {
                        Ok(Ok(piece)) => bytes.extend_from_slice(&piece),
                        Ok(Err(cause)) => return Err(Error::Read { path: self.path.clone(), cause }),
                        Err(ended) => {
                            batch.ended = ended;
                            break;
                        }
                    }
                    if bytes.len() >= AT_ONCE {
                        break;
                    }
                    next = pipe.try_recv().map_err(|e| e == mpsc::TryRecvError::Disconnected);
                }
                // A last line without its end ends here; where all have one there is no other.
                if batch.ended && bytes.last().or(self.rest.last()).is_some_and(|last| *last != b'\n') {
                    bytes.push(b'\n');
                }
                self.take(bytes, &mut batch, add)?;
            }
            Source::Nothing | Source::File(_) => self.look(&mut batch, add)?,
        }
        if let Some(join) = &mut self.join {
            join.finish(false, &mut |delivery| {
                batch.records += 1;
                add(delivery);
            });
        }
        Ok(batch)
    }

    /// What a later run, or this one after a crash, must know.
    pub fn known(&self) -> Result<Known, Error> {
        let mut saved = self.saved.clone();
        if let (Some(join), Some(kind)) = (&self.join, self.format) {
            let state =
                join.save().map_err(|e| Error::Data { name: "pending mails".to_owned(), cause: e.to_string() })?;
            saved.insert(kind.family().to_owned(), state);
        }
        let mut marks = self.marks.clone();
        if let Source::File(open) = &self.source
            && open.trace.offset() > 0
        {
            marks.push(open.trace.mark(open.records, &self.path.display().to_string()));
        }
        Ok(Known { marks, pending: store(saved)? })
    }

    /// One look at the file: what was added to it, or the next one if it was rotated away.
    fn look(&mut self, batch: &mut Batch, add: &mut dyn FnMut(&Delivery<'_>)) -> Result<(), Error> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| Error::Read { path, cause }
        };
        let there = fs::metadata(&self.path).ok().map(|m| ((m.dev(), m.ino()), m.len()));
        if let Source::File(open) = &mut self.source {
            let held = open.trace.reached() + self.rest.len() as u64;
            let truncated =
                there.is_some_and(|(id, len)| id == open.id && (len < held || !open.still_begins_the_same()));
            if truncated {
                // Copied and truncated: what was not read yet lies in the copy.
                self.leave();
            } else {
                let bytes = open.more(held).map_err(unreadable(&self.path))?;
                open.quiet = if bytes.is_empty() { open.quiet + 1 } else { 0 };
                if there.is_none_or(|(id, _)| id != open.id) && open.quiet >= PATIENCE && there.is_some() {
                    self.leave();
                } else {
                    return self.take(bytes, batch, add);
                }
            }
        }
        if !matches!(self.source, Source::Nothing) {
            return Ok(());
        }
        if self.behind {
            // Before the new log, what is left of the old one; a log with a mark of its own was left there.
            let head = File::open(&self.path).and_then(|mut file| head_of(&mut file)).unwrap_or_default();
            let known =
                mark::find(&self.marks, &head, || Ok(Box::new(File::open(&self.path)?) as Box<dyn Read + Send>));
            if !matches!(known, Ok(Some(_))) {
                self.catch_up(batch, add)?;
            }
            self.behind = false;
        }
        if there.is_some() { self.open() } else { Ok(()) }
    }

    /// Opens the file at the path, at the place where it was left.
    fn open(&mut self) -> Result<(), Error> {
        let unreadable = |cause| Error::Read { path: self.path.clone(), cause };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(unreadable(e)),
        };
        let about = file.metadata().map_err(unreadable)?;
        let head = head_of(&mut file).map_err(unreadable)?;
        let seen = mark::find(&self.marks, &head, || Ok(Box::new(File::open(&self.path)?) as Box<dyn Read + Send>))
            .map_err(unreadable)?
            .map(|found| self.marks.remove(found.at));
        let (mut trace, mut lines) = (Trace::default(), 0);
        if let Some(mark) = &seen {
            file.rewind().map_err(unreadable)?;
            trace.skip_to(mark.offset, &mut Counted { stream: &mut file, lines: &mut lines }).map_err(unreadable)?;
        }
        self.at = (self.path.display().to_string(), lines);
        self.found = true;
        self.whole = seen.is_none();
        let records = seen.map_or(0, |mark| mark.records);
        self.source = Source::File(Open { file, id: (about.dev(), about.ino()), trace, head, records, quiet: 0 });
        Ok(())
    }

    /// Reads what of rotated logs was not read: the rest of the one that was followed last, and those that came after
    /// it while nobody watched. Logs older than all that were read are history, and `run`'s to read.
    fn catch_up(&mut self, batch: &mut Batch, add: &mut dyn FnMut(&Delivery<'_>)) -> Result<(), Error> {
        if self.marks.is_empty() {
            return Ok(());
        }
        let mut after = false;
        for path in self.siblings() {
            let plain = || -> io::Result<Box<dyn Read + Send>> { Ok(unpack::unpack(File::open(&path)?)?.0) };
            let mut head = Vec::new();
            // A log being packed this moment is incomplete: it is found again under its new name, or not at all.
            if plain().and_then(|p| p.take(4096).read_to_end(&mut head)).is_err() || head.is_empty() {
                continue;
            }
            let seen = mark::find(&self.marks, &head, plain).ok().flatten().map(|found| self.marks.remove(found.at));
            if seen.is_none() && !after {
                continue;
            }
            after |= seen.is_some();
            self.found = true;
            let (mut trace, mut lines) = (Trace::default(), 0);
            let offset = seen.as_ref().map_or(0, |mark| mark.offset);
            let mut stream = plain().map_err(|cause| Error::Read { path: path.clone(), cause })?;
            let before = batch.records;
            if trace.skip_to(offset, &mut Counted { stream: &mut stream, lines: &mut lines }).unwrap_or(false) {
                self.at = (path.display().to_string(), lines);
                self.whole_lines(&mut stream, &mut trace, batch, add)?;
            }
            let records = seen.map_or(0, |mark| mark.records) + batch.records - before;
            self.marks.push(trace.mark(records, &path.display().to_string()));
        }
        Ok(())
    }

    /// Digests a stream to its end.
    fn whole_lines(
        &mut self,
        stream: &mut dyn Read,
        trace: &mut Trace,
        batch: &mut Batch,
        add: &mut dyn FnMut(&Delivery<'_>),
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        // Packed bytes that break off end the log, as its last line without an end does.
        while (&mut *stream).take(AT_ONCE as u64).read_to_end(&mut bytes).is_ok_and(|n| n > 0) {
            let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
            let rest = bytes.split_off(end);
            self.digest(&bytes, batch, add)?;
            trace.feed_but(&bytes, self.open_bytes());
            bytes = rest;
            if bytes.len() > MAX_LINE {
                break;
            }
        }
        Ok(())
    }

    /// The newest logs beside the path whose names begin with its own, oldest first.
    fn siblings(&self) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut found: Vec<((i64, i64), PathBuf)> = entries
            .filter_map(Result::ok)
            .filter(|entry| {
                let other = entry.file_name().to_string_lossy().into_owned();
                other.strip_prefix(&name).is_some_and(|end| end.starts_with(['.', '-']))
            })
            .filter_map(|entry| {
                let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some(((about.mtime(), about.mtime_nsec()), entry.path()))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.truncate(SIBLINGS);
        found.into_iter().rev().map(|(_, path)| path).collect()
    }

    /// The open file is done with: its mark stays.
    fn leave(&mut self) {
        if let Source::File(open) = std::mem::replace(&mut self.source, Source::Nothing)
            && open.trace.offset() > 0
        {
            self.marks.push(open.trace.mark(open.records, &self.path.display().to_string()));
        }
        self.rest.clear();
        self.behind = true;
    }

    /// Takes in the whole lines of what was read, and keeps the rest.
    fn take(&mut self, bytes: Vec<u8>, batch: &mut Batch, add: &mut dyn FnMut(&Delivery<'_>)) -> Result<(), Error> {
        let from = self.rest.len();
        self.rest.extend_from_slice(&bytes);
        let end = memchr::memrchr(b'\n', &self.rest[from..]).map(|at| from + at + 1);
        let end = end.unwrap_or(if self.rest.len() > MAX_LINE { self.rest.len() } else { 0 });
        if end == 0 {
            return Ok(());
        }
        let rest = self.rest.split_off(end);
        let whole = std::mem::replace(&mut self.rest, rest);
        let before = batch.records;
        self.digest(&whole, batch, add)?;
        let unfinished = self.open_bytes();
        if let Source::File(open) = &mut self.source {
            open.trace.feed_but(&whole, unfinished);
            open.records += batch.records - before;
        }
        Ok(())
    }

    /// See [`Joined::open_bytes`].
    fn open_bytes(&self) -> usize {
        self.join.as_ref().map_or(0, |join| join.open_bytes())
    }

    /// Whole lines → deliveries.
    fn digest(&mut self, lines: &[u8], batch: &mut Batch, add: &mut dyn FnMut(&Delivery<'_>)) -> Result<(), Error> {
        let Some(kind) = self.format.or_else(|| formats::recognise(lines).map(|(kind, _)| kind)) else {
            let mut tally = Tally::default();
            format::lines(lines, &mut tally, |line, tally| {
                if format::says_something(line) {
                    tally.relevant += 1;
                    tally.reject("no line of any known format", line);
                }
            });
            self.count(tally, batch);
            return Ok(());
        };
        self.format = Some(kind);
        let tally: Tally = match kind.format().reader() {
            Reader::Lines(each) => each(lines, &self.options, &mut *add),
            Reader::Joined(start) => {
                if self.join.is_none() {
                    let mut join = start(&self.options, self.saved.remove(kind.family()))?;
                    join.begin(None);
                    self.join = Some(join);
                }
                match &mut self.join {
                    Some(join) => join.chunk(lines, &mut *add),
                    None => Tally::default(),
                }
            }
        };
        batch.bytes += lines.len() as u64;
        self.count(tally, batch);
        batch.rejects.append(&mut self.held);
        Ok(())
    }

    /// Counts what the next lines gave, and holds the bad ones there is room for.
    fn count(&mut self, tally: Tally, batch: &mut Batch) {
        if self.whole {
            self.judged = (self.judged.0 + tally.relevant, self.judged.1 + tally.recognised);
        }
        let (file, before) = &mut self.at;
        // Lines count from where the log begins, so that a watch that was killed finds the same ones again.
        let mut all = Tally { lines: *before, kept: self.room.taken, ..Tally::default() };
        all.append(tally);
        batch.lines += all.lines - *before;
        batch.records += all.records;
        batch.rejected += all.rejected;
        (*before, self.room.taken) = (all.lines, all.kept);
        let beyond = all.rejected - all.rejects.len() as u64;
        let reject = |(line, cause, excerpt)| Reject { file: file.clone(), line, cause, excerpt };
        self.held.extend(all.rejects.into_iter().map(reject));
        batch.unkept += beyond;
        if beyond > 0 && !std::mem::replace(&mut self.room.told, true) {
            self.held.push(reject((
                0,
                "more lines of this day could not be read and are not kept".into(),
                String::new(),
            )));
        }
    }

    /// Lets the clock of the readers follow that of the wall.
    fn turn(&mut self, now: Timestamp) -> Result<(), Error> {
        // A join in the midst of a record would lose it.
        if now.0 < self.options.now.0 + HOUR || self.open_bytes() > 0 {
            return Ok(());
        }
        self.options.now = now;
        if let (Some(join), Some(kind)) = (self.join.take(), self.format) {
            let state =
                join.save().map_err(|e| Error::Data { name: "pending mails".to_owned(), cause: e.to_string() })?;
            self.saved.insert(kind.family().to_owned(), state);
        }
        Ok(())
    }
}

impl Open {
    /// The bytes from `from` on, as far as one batch goes.
    fn more(&mut self, from: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(from))?;
        (&self.file).take(AT_ONCE as u64).read_to_end(&mut bytes)?;
        if self.head.len() < 4096 {
            self.head = head_of(&mut self.file)?;
        }
        Ok(bytes)
    }

    /// Whether it is not another file's content under the same number.
    fn still_begins_the_same(&mut self) -> bool {
        head_of(&mut self.file).is_ok_and(|now| now.starts_with(&self.head))
    }
}

/// Counts the lines that go by.
struct Counted<'s> {
    stream: &'s mut dyn Read,
    lines: &'s mut u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buf)?;
        *self.lines += memchr::memchr_iter(b'\n', &buf[..read]).count() as u64;
        Ok(read)
    }
}

fn head_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.rewind()?;
    file.take(4096).read_to_end(&mut head)?;
    Ok(head)
}

/// Standard input by pieces, read by a thread of its own, so that a silent pipe does not hold up the end.
fn stdin() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (send, receive) = mpsc::sync_channel(16);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut piece = vec![0; 1 << 20];
            let read = match input.read(&mut piece) {
                Ok(0) => return,
                Ok(n) => {
                    piece.truncate(n);
                    Ok(piece)
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => Err(e),
            };
            let failed = read.is_err();
            if send.send(read).is_err() || failed {
                return;
            }
        }
    });
    receive
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("path", &self.path).field("format", &self.format).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_lines_of_a_day_have_the_room_of_one_reading() {
        let new = || Follower::new("no such log", Known::default(), Options::default()).unwrap();
        let bad = |n: u64| {
            let mut tally = Tally::default();
            for _ in 0..n {
                tally.lines += 1;
                tally.reject("no record", &"x".repeat(160));
            }
            tally
        };
        let (mut follower, mut batch) = (new(), Batch::default());
        (0..3).for_each(|_| follower.count(bad(100_000), &mut batch));
        let kept = follower.held.len() as u64 - 1;
        assert!(kept > 100_000 && kept < 200_000, "{kept}");
        assert_eq!((batch.rejected, batch.unkept), (300_000, 300_000 - kept));
        assert_eq!((follower.held[100_000].line, follower.held.last().map(|told| told.line)), (100_001, Some(0)));
        // Starting anew makes no room; the next day does.
        let mut follower = follower.again("no such log", Known::default(), Options::default()).unwrap();
        follower.count(bad(1), &mut batch);
        assert!(follower.held.is_empty());
        follower.poll(Timestamp(86_400), &mut |_| {}).unwrap();
        follower.count(bad(1), &mut batch);
        assert_eq!(follower.held.len(), 1);
    }
}
