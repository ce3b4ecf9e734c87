//! What the user named, as a sorted list of things to read.

use std::{
    fs::{self, File},
    io::{self, BufRead, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    FormatKind, Options, format,
    formats::{self, SAMPLE},
    unpack,
};
use crate::{error::Error, moment::Timestamp};

/// One file, or standard input.
#[derive(Debug)]
pub struct Input {
    /// As shown to the user; `-` for standard input.
    pub path: String,
    /// Bytes to be read, still packed, for a progress bar.
    pub total_bytes: u64,
    /// By the option or by a sample; `None` for an empty file and for one in a folder that is no log.
    pub format: Option<FormatKind>,
    /// When its first line with a stamp was written: rotated logs are read oldest first.
    pub first: Option<Timestamp>,
    /// Year of the first line, where stamps have none and the last line shows that it is not the latest possible.
    pub(crate) year: Option<i64>,
    /// Whether the user named this very file, and not a folder or a pattern.
    pub(crate) named: bool,
    /// Whether it holds nothing.
    pub(crate) empty: bool,
    /// Whether this user may not read it; what lies in a folder need not be a log.
    pub(crate) denied: bool,
    /// Whether it is packed, and so will not grow at its end.
    pub(crate) packed: bool,
    /// Whether it is one of many parts of a log: what it lacks the others may have.
    pub(crate) part: bool,
    /// The first bytes after unpacking.
    pub(crate) head: Vec<u8>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Path(PathBuf),
    /// So many bytes of a file from a place on.
    Range(PathBuf, u64, u64),
    /// Standard input or a pipe, copied to a file without a name so that it can be read twice.
    Spooled(File),
}

/// Bytes read on behind a first line that is no line of a log.
const FAR: u64 = 16 << 20;

/// Bytes of a file's beginning kept, to know it again by.
const HEAD: usize = 4 << 10;

const DAY: i64 = 86_400;

/// Where turns of the year are looked for: so many places at most, a usual line apart at least.
const LOOKS: u64 = 1024;
const LINE: u64 = 256;
/// Bytes of a packed log of which the first and the last line are looked at.
const PIECE: u64 = 4 * LINE;
/// A packed log is read through to find turns of the year where it may go over so many seconds.
const LONG: u64 = 180 * 86_400;
const YEAR: i64 = 366 * DAY;
/// A year that has every day.
const LEAP_YEAR: i32 = 2000;

/// How well logs pack, about, and at most.
const USUAL_RATIO: u64 = 8;
const MOST_RATIO: u64 = 64;

/// Folders are searched this deep: deeper is a loop of links or no log folder.
const DEPTH: usize = 16;

/// Names in a folder that are no logs; a file named by the user is always read.
const NO_LOG: [&str; 39] = [
    "bmp", "c", "cfg", "conf", "css", "db", "db-shm", "db-wal", "doc", "docx", "exe", "gif", "go", "h", "html", "ico",
    "ini", "jpeg", "jpg", "js", "lock", "md", "parquet", "pdf", "png", "py", "rs", "sh", "so", "sql", "sqlite",
    "sqlite3", "svg", "tar", "toml", "xml", "yaml", "yml", "zip",
];

/// Finds what `inputs` name: files, folders with all below, patterns, `-`.
pub fn open(inputs: &[String], options: &Options) -> Result<Vec<Input>, Error> {
    let mut found = Vec::new();
    for name in inputs {
        if name == "-" {
            found.push(Input { named: true, ..spool(io::stdin().lock(), name.clone(), options)? });
            continue;
        }
        let path = Path::new(name);
        if path.exists() || !name.contains(['*', '?', '[']) {
            let before = found.len();
            add(path, options, &mut found)?;
            if !path.is_dir() {
                found[before..].iter_mut().for_each(|input| input.named = true);
            }
            continue;
        }
        let mut paths: Vec<PathBuf> = glob::glob(name)
            .map_err(|e| Error::Usage(format!("pattern {name}: {e}")))?
            .filter_map(Result::ok)
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(Error::NoInput { place: name.clone() });
        }
        for path in paths {
            add(&path, options, &mut found)?;
        }
    }
    if found.is_empty() {
        return Err(Error::NoInput {
            place: if inputs.is_empty() { "the empty list of inputs".to_owned() } else { inputs.join(", ") },
        });
    }
    Ok(found)
}

/// One split of a log: the records that begin in the `length` bytes from `offset` on, so that splits side by side give
/// every record once, wherever they were cut.
pub fn split(path: &Path, offset: u64, length: u64, options: &Options) -> Result<Input, Error> {
    let unreadable = |cause| Error::Read { path: path.to_owned(), cause };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(Error::Usage(format!("{}: only a file can be cut; give a stream as -", path.display())));
    }
    let (size, end) = (about.len(), offset.saturating_add(length));
    let input = Input::new(path.display().to_string(), Source::Path(path.to_owned()), size, options)?;
    let each_line = input.format.is_none_or(|kind| matches!(kind.format().reader(), format::Reader::Lines(_)));
    if (offset > 0 || end < size) && (input.packed || !each_line) {
        let why = if input.packed { "it is packed" } else { "its mails go over many lines" };
        return Err(Error::Usage(format!(
            "{}: cannot be cut, since {why}; give it as a whole: offset 0, length {size} or more",
            path.display()
        )));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let from = record_from(&mut file, offset, size).map_err(unreadable)?;
    let to = record_from(&mut file, end, size).map_err(unreadable)?.max(from);
    let source = Source::Range(path.to_owned(), from, to - from);
    Ok(Input { named: true, part: offset > 0 || end < size, total_bytes: to - from, source, ..input })
}

/// Standard input as one part of a log, where its format is known from elsewhere.
pub fn stream(options: &Options) -> Result<Input, Error> {
    Ok(Input { named: true, part: options.format.is_some(), ..spool(io::stdin().lock(), "-".to_owned(), options)? })
}

/// Where the first record begins that does so at `at` or later.
fn record_from(file: &mut File, at: u64, size: u64) -> io::Result<u64> {
    let Some(before) = at.checked_sub(1).filter(|before| *before < size) else {
        return Ok(at.min(size));
    };
    file.seek(SeekFrom::Start(before))?;
    let mut stream = io::BufReader::new(file);
    let mut place = before;
    loop {
        let bytes = stream.fill_buf()?;
        if let Some(end) = memchr::memchr(b'\n', bytes) {
            return Ok(place + end as u64 + 1);
        }
        let n = bytes.len();
        if n == 0 {
            return Ok(place);
        }
        stream.consume(n);
        place += n as u64;
    }
}

impl Input {
    /// The bytes as they lie there, from the beginning.
    pub(crate) fn raw(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.source {
            Source::Path(path) => Ok(Box::new(File::open(path)?)),
            Source::Range(path, from, length) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*from))?;
                Ok(Box::new(file.take(*length)))
            }
            Source::Spooled(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
        }
    }

    /// An error of the operating system, in our words.
    pub(crate) fn unreadable(&self, cause: io::Error) -> Error {
        Error::Read { path: PathBuf::from(&self.path), cause }
    }

    /// Whether it lies there under a name: it can be read twice at once.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.source, Source::Path(_))
    }

    /// Whether a later run may find more at its end.
    pub(crate) fn may_grow(&self) -> bool {
        !self.packed && self.is_file()
    }

    /// How often its name says it was rotated: of two that begin in the same second the higher is the older.
    pub(crate) fn rotation(&self) -> u32 {
        self.path.rsplit('.').take(2).filter_map(|part| part.parse().ok()).find(|n| *n < 1000).unwrap_or(0)
    }

    /// About how much it holds: of two states of one log the smaller goes first, so that the other is read on from its
    /// end.
    pub(crate) fn size(&self) -> u64 {
        self.total_bytes.saturating_mul(if self.packed { USUAL_RATIO } else { 1 })
    }

    fn new(path: String, source: Source, total_bytes: u64, options: &Options) -> Result<Self, Error> {
        let mut input = Input::unseen(path, source, total_bytes);
        let sampled = input.sample(options);
        sampled.map_err(|cause| input.unreadable(cause))?;
        Ok(input)
    }

    fn unseen(path: String, source: Source, total_bytes: u64) -> Self {
        Input {
            path,
            total_bytes,
            format: None,
            first: None,
            year: None,
            named: false,
            empty: true,
            denied: false,
            packed: false,
            part: false,
            head: Vec::new(),
            source,
        }
    }

    /// When the last line with a stamp was written.
    fn last(&self, kind: FormatKind, options: &Options) -> io::Result<Option<Timestamp>> {
        let mut file = match &self.source {
            Source::Path(path) | Source::Range(path, ..) => File::open(path)?,
            Source::Spooled(file) => file.try_clone()?,
        };
        file.seek(SeekFrom::Start(self.total_bytes.saturating_sub(SAMPLE as u64)))?;
        let mut tail = Vec::new();
        file.take(SAMPLE as u64).read_to_end(&mut tail)?;
        let text = String::from_utf8_lossy(&tail);
        Ok(text.lines().rev().find_map(|line| kind.format().moment(line, options)))
    }

    /// Turns of the year up to the `last` line of a plain file whose stamps have none, by looking into it here and there.
    fn turns(&self, kind: FormatKind, options: &Options, last: Timestamp) -> io::Result<i64> {
        let (Source::Path(path) | Source::Range(path, ..)) = &self.source else { return Ok(0) };
        let fixed = Options { year: Some(LEAP_YEAR), ..*options };
        let (mut file, mut turns) = (File::open(path)?, Turns::default());
        let looks = (self.total_bytes / LINE).clamp(1, LOOKS);
        for n in 0..looks {
            file.seek(SeekFrom::Start(self.total_bytes / looks * n))?;
            let mut piece = Vec::new();
            Read::by_ref(&mut file).take(2 * LINE).read_to_end(&mut piece)?;
            // The first line may have lost its beginning.
            let text = String::from_utf8_lossy(&piece);
            turns.see(text.lines().skip(usize::from(n > 0)).find_map(|line| kind.format().moment(line, &fixed)));
        }
        turns.go_on_to(last.day().civil().1);
        Ok(turns.number())
    }

    /// Whether a packed log whose stamps have no year may go over many months, as far as its beginning tells.
    fn may_be_long(&self, kind: FormatKind, options: &Options, sample: &str) -> bool {
        let fixed = Options { year: Some(LEAP_YEAR), ..*options };
        let (mut turns, mut ends) = (Turns::default(), None);
        for at in sample.lines().filter_map(|line| kind.format().moment(line, &fixed)) {
            turns.see(Some(at));
            if turns.dated {
                return false;
            }
            ends = Some((ends.map_or(at.0, |(first, _)| first), at.0));
        }
        let Some((first, last)) = ends else { return false };
        let scale = self.total_bytes.saturating_mul(MOST_RATIO) / (sample.len() as u64).max(1);
        let span = (last - first + turns.turned * YEAR).max(0) as u64;
        span.saturating_mul(scale.max(1)) >= LONG
    }

    /// Reads a packed log through: its last moment, and the turns of the year up to it.
    fn read_through(&self, kind: FormatKind, options: &Options) -> io::Result<(Option<Timestamp>, i64)> {
        let fixed = Options { year: Some(LEAP_YEAR), ..*options };
        let (mut plain, mut turns) = (unpack::unpack(self.raw()?)?.0, Turns::default());
        let (mut piece, mut last) = (Vec::new(), None);
        // Packed bytes that break off end the log.
        while (&mut plain).take(PIECE).read_to_end(&mut piece).is_ok_and(|n| n > 0) {
            let end = memchr::memrchr(b'\n', &piece).map_or(piece.len(), |at| at + 1);
            let text = String::from_utf8_lossy(&piece[..end]);
            turns.see(text.lines().find_map(|line| kind.format().moment(line, &fixed)));
            last = text.lines().rev().find_map(|line| kind.format().moment(line, options)).or(last);
            turns.see(text.lines().rev().find_map(|line| kind.format().moment(line, &fixed)));
            piece.drain(..end);
        }
        Ok((last, turns.number()))
    }

    fn sample(&mut self, options: &Options) -> io::Result<()> {
        let (mut plain, packed) = unpack::unpack(self.raw()?)?;
        self.packed = packed;
        let mut sample = Vec::new();
        // Packed bytes that break off: what came out before is the sample.
        let mut whole = true;
        let mut more = |sample: &mut Vec<u8>, most: u64| match (&mut plain).take(most).read_to_end(sample) {
            Ok(n) => Ok(n as u64 == most),
            Err(e) if e.raw_os_error().is_some() => Err(e),
            Err(_) => {
                whole = false;
                Ok(false)
            }
        };
        let mut goes_on = more(&mut sample, SAMPLE as u64)?;
        self.head = sample[..sample.len().min(HEAD)].to_vec();
        // A log truncated under its writer begins with as many NULs as it had bytes.
        while goes_on && format::nuls(&sample) == sample.len() {
            sample.clear();
            goes_on = more(&mut sample, SAMPLE as u64)?;
        }
        if goes_on && sample.first() == Some(&0) {
            goes_on = more(&mut sample, SAMPLE as u64)?;
        }
        let mut told = formats::recognise(&sample);
        if told.is_none() && goes_on && formats::is_one_line(&sample) {
            more(&mut sample, FAR)?;
            told = formats::recognise(&sample);
        }
        self.empty = whole && sample.iter().all(u8::is_ascii_whitespace) && format::nuls(&self.head) == 0;
        self.format = options.format.or(told.map(|(kind, _)| kind));
        let sample = told.map_or(&sample[..sample.len().min(SAMPLE)], |(_, sample)| sample);
        if let Some(kind) = self.format {
            let text = String::from_utf8_lossy(sample);
            self.first =
                text.trim_start_matches('\u{feff}').lines().find_map(|line| kind.format().moment(line, options));
            let (last, turns) = if !packed {
                let last = self.last(kind, options)?;
                (last, last.map_or(Ok(0), |last| self.turns(kind, options, last))?)
            } else if options.year.is_none() && self.may_be_long(kind, options, &text) {
                self.read_through(kind, options)?
            } else {
                (None, 0)
            };
            // Without a year both are read as the latest that is not in the future. A log that seems to end before it
            // begins began a year earlier, a few hours are only clocks and zones; one that tells of more turns of the year
            // began before as many.
            if let (Some(first), Some(last)) = (self.first, last)
                && options.year.is_none()
            {
                let (year, ..) = first.day().civil();
                let begun = last.day().civil().0 - turns;
                let begun = begun.min(year - i64::from(last < first.plus(-DAY)));
                let before = Options { year: i32::try_from(begun).ok(), ..*options };
                let earlier = text.lines().find_map(|line| kind.format().moment(line, &before));
                // Stamps with a year stay what they are.
                if begun < year && earlier.is_some_and(|at| at < first) {
                    (self.year, self.first) = (Some(begun), earlier);
                }
            }
        }
        Ok(())
    }
}

/// Turns of the year, by months seen one after the other.
#[derive(Debug, Default)]
struct Turns {
    month: Option<i64>,
    turned: i64,
    dated: bool,
}

impl Turns {
    /// Goes on to a moment told as of [`LEAP_YEAR`].
    fn see(&mut self, at: Option<Timestamp>) {
        let Some((year, month, _)) = at.map(|at| at.day().civil()) else { return };
        self.dated |= year != i64::from(LEAP_YEAR);
        self.go_on_to(month);
    }

    fn go_on_to(&mut self, month: i64) {
        // A late line of the old year.
        if self.month.is_some_and(|before| month > before + 9) {
            return;
        }
        self.turned += i64::from(self.month.replace(month).is_some_and(|before| month + 6 < before));
    }

    /// None where stamps have years.
    fn number(&self) -> i64 {
        if self.dated { 0 } else { self.turned }
    }
}

fn add(path: &Path, options: &Options, found: &mut Vec<Input>) -> Result<(), Error> {
    let unreadable = |cause| Error::Read { path: path.to_owned(), cause };
    let about = fs::metadata(path).map_err(unreadable)?;
    if about.is_file() {
        found.push(Input::new(path.display().to_string(), Source::Path(path.to_owned()), about.len(), options)?);
        return Ok(());
    }
    if !about.is_dir() {
        // A pipe (`<(ssh mx cat mail.log)`) gives its bytes once.
        let pipe = File::open(path).map_err(unreadable)?;
        found.push(spool(pipe, path.display().to_string(), options)?);
        return Ok(());
    }
    let mut files = Vec::new();
    walk(path, DEPTH, &mut files)?;
    files.sort();
    let before = found.len();
    let (mut a_log, mut denied) = (false, None);
    for file in files {
        let len = fs::metadata(&file).map_or(0, |about| about.len());
        let input = match Input::new(file.display().to_string(), Source::Path(file.clone()), len, options) {
            Err(e) if is_denied(&e) => {
                denied.get_or_insert(e);
                Input { empty: false, denied: true, ..Input::unseen(file.display().to_string(), Source::Path(file), 0) }
            }
            input => input?,
        };
        a_log |= input.format.is_some() || input.empty;
        found.push(input);
    }
    if a_log {
        return Ok(());
    }
    found.truncate(before);
    Err(denied.unwrap_or_else(|| Error::NoInput { place: path.display().to_string() }))
}

fn is_denied(error: &Error) -> bool {
    matches!(error, Error::Read { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |cause| Error::Read { path: folder.to_owned(), cause };
    let maildir = folder.join("cur").is_dir() && folder.join("new").is_dir();
    // Names of mails end in those of hosts, which may end in anything.
    let mails = folder.file_name().is_some_and(|name| name == "cur" || name == "new")
        && folder.parent().is_some_and(|parent| parent.join("cur").is_dir() && parent.join("new").is_dir());
    let entries = match fs::read_dir(folder) {
        // It is told of as a file would be.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied && depth < DEPTH => {
            files.push(folder.to_owned());
            return Ok(());
        }
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A folder of a Maildir has a dot before its name, and mails in `cur`.
        if name.starts_with('.') && !path.join("cur").is_dir() || name.ends_with('~') || maildir && name == "tmp" {
            continue;
        }
        // A link that leads nowhere is somebody's rotation in progress; sockets and devices are no logs.
        let Ok(about) = fs::metadata(&path) else {
            continue;
        };
        if about.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, files)?;
            }
        } else if about.is_file() {
            let ending = name.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase());
            if mails || !NO_LOG.contains(&ending.as_str()) {
                files.push(path);
            }
        }
    }
    Ok(())
}

/// Copies what can be read only once.
fn spool(mut from: impl Read, name: String, options: &Options) -> Result<Input, Error> {
    let unreadable = |cause| Error::Read { path: PathBuf::from(&name), cause };
    let (path, mut file) = nameless().map_err(|cause| Error::Write { path: std::env::temp_dir(), cause })?;
    // Gone from the folder at once, so that nothing is left behind however the run ends.
    let _ = fs::remove_file(path);
    let bytes = io::copy(&mut from, &mut file).map_err(unreadable)?;
    Input::new(name, Source::Spooled(file), bytes, options)
}

fn nameless() -> io::Result<(PathBuf, File)> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..100 {
        let path = std::env::temp_dir().join(format!("bouncewatch-{}-{n}", std::process::id()));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        // Mail logs are nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) => last = e,
        }
    }
    Err(last)
}
