//! The stdin → stdout loop that classify, explain and check share.

use std::{
    fs,
    io::{self, BufRead, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::settings::Settings;
use crate::{error::Error, typo::Popular};

/// A line longer than this is cut: no reply, address or domain is.
const MAX_LINE: usize = 64 * 1024;

/// How results look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What is asked, in order: the arguments, or each line of stdin. With `--format jsonl`, stdin's lines are objects and
/// the question is their member `key`; a line that is none yields `Err` with the cause, in its place.
pub(super) fn questions<'a>(
    args: &'a [String],
    settings: &Settings,
    key: &'a str,
) -> Box<dyn Iterator<Item = Result<String, String>> + 'a> {
    if !args.is_empty() && args != ["-"] {
        return Box::new(args.iter().cloned().map(Ok));
    }
    let objects = settings.format(|format| Ok(format == "jsonl")).is_ok_and(|told| told == Some(true));
    let mut stdin = io::stdin().lock();
    Box::new(std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match io::Read::take(&mut stdin, MAX_LINE as u64).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Err(e) => return Some(Err(format!("standard input: {e}"))),
                Ok(_) => {}
            }
            if !line.ends_with(b"\n") && line.len() == MAX_LINE && skip_line(&mut stdin).is_err() {
                return None;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            if text.trim().is_empty() && !objects {
                continue;
            }
            return Some(if objects { member(text, key) } else { Ok(text.to_owned()) });
        }
    }))
}

/// A file's text.
pub(super) fn file_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })
}

/// A file's names, one a line, most popular first; else the shipped ones.
pub(super) fn popular(path: Option<&Path>) -> Result<Popular, Error> {
    path.map_or_else(|| Ok(Popular::shipped()), |path| Ok(Popular::parse(&file_text(path)?)))
}

/// A file's lines of {"typed", "meant"}; no "meant", or null, where it was no typo.
pub(super) fn pairs(path: &Path) -> Result<Vec<(String, Option<String>)>, Error> {
    #[derive(serde::Deserialize)]
    struct Line {
        typed: String,
        meant: Option<String>,
    }
    let bytes = fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(n, line)| match serde_json::from_str::<Line>(line) {
        Ok(line) => Ok((line.typed, line.meant)),
        Err(e) => Err(Error::Data { name: path.display().to_string(), cause: format!("line {}: {}", n + 1, e) }),
    });
    parsed.collect()
}

/// Which shape stdout gets: JSON lines unless a person is looking or asked otherwise.
pub(super) fn shape(settings: &Settings) -> Result<Shape, Error> {
    let usual = || if io::stdout().is_terminal() { Shape::Text } else { Shape::Json };
    Ok(settings.format(Shape::parse)?.unwrap_or_else(usual))
}

impl Shape {
    pub(super) fn parse(format: &str) -> Result<Self, Error> {
        match format {
            "json" | "jsonl" => Ok(Shape::Json),
            "text" => Ok(Shape::Text),
            other => Err(Error::Usage(format!("--format {other}: is none of json, jsonl, text"))),
        }
    }
}

/// Buffered stdout.
#[derive(Debug)]
pub(super) struct Out(BufWriter<io::StdoutLock<'static>>);

impl Out {
    pub(super) fn open() -> Self {
        Out(BufWriter::new(io::stdout().lock()))
    }

    /// A whole document, which ends its own lines.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        self.0.write_all(text.as_bytes()).map_err(stdout_failed)
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), Error> {
        writeln!(self.0, "{text}").map_err(stdout_failed)
    }

    /// `{"error":…}` in the place of an answer, so that answers stay in step with questions.
    pub(super) fn refuse(&mut self, cause: &str) -> Result<(), Error> {
        self.line(&json!({ "error": cause }).to_string())
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.0.flush().map_err(stdout_failed)
    }
}

fn stdout_failed(cause: io::Error) -> Error {
    Error::Write { path: PathBuf::from("standard output"), cause }
}

fn member(line: &str, key: &str) -> Result<String, String> {
    let object: Value = serde_json::from_str(line).map_err(|e| format!("not a JSON object: {e}"))?;
    object.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no text member \"{key}\""))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let newline = memchr::memchr(b'\n', buffer);
        let used = newline.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if newline.is_some() {
            return Ok(());
        }
    }
}
