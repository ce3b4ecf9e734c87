//! Cases as files, mutations, nights split at every line, several servers in one log, inputs known again, bad input,
//! corpora.

mod bounces;
mod cases;
mod copies;
mod corpora;
mod inputs;
mod mixed;
mod mutations;
mod nights;
mod published;
mod unsaid;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{FormatKind, InputCount, Known, Options, Reading, open, read};
use crate::{delivery::Delivery, error::Error, moment::Timestamp};

fn options() -> Options {
    Options { now: Timestamp::parse("2023-01-15T00:00:00Z").expect("a moment"), ..Options::default() }
}

/// A delivery in one block of lines.
fn shown(d: &Delivery<'_>) -> String {
    let mut text =
        format!("{:?} {} -> {}", d.direction, if d.sender.is_empty() { "<>" } else { d.sender }, d.recipient);
    if let Some(client) = d.client {
        text += &format!(" client {client}");
    }
    if d.spam {
        text += " spam";
    }
    text += &format!(" {} {}: {:?}\n", d.start, d.end, d.outcome());
    for a in d.attempts {
        let at = |ip: &str| {
            if ip.is_empty() { "-".to_owned() } else { ip.to_owned() }
        };
        text += &format!("  {} {} {} {}\n", if a.accepted { "+" } else { "x" }, at(a.from_ip), at(a.to_ip), a.reply);
    }
    text
}

fn run(inputs: &[PathBuf], known: &Known, options: &Options) -> Result<Reading<Vec<String>>, Error> {
    let names: Vec<String> = inputs.iter().map(|p| p.display().to_string()).collect();
    let told = Mutex::new(0u64);
    let opened = open(&names, options)?;
    let total: u64 = opened.iter().map(|input| input.total_bytes).sum();
    let reading = read(opened, known, options, &Vec::new, &|list: &mut Vec<String>, d| list.push(shown(d)), &|n| {
        *told.lock().expect("no panic") += n
    })?;
    assert!(*told.lock().expect("no panic") <= total, "progress never passes its end");
    Ok(reading)
}

/// The deliveries of a reading, sorted.
fn deliveries<'r>(readings: impl IntoIterator<Item = &'r Reading<Vec<String>>>) -> Vec<String> {
    let mut all: Vec<String> = readings.into_iter().flat_map(|r| r.workers.iter().flatten().cloned()).collect();
    all.sort();
    all
}

fn known<W>(reading: &Reading<W>) -> Known {
    Known { marks: reading.marks.clone(), pending: reading.pending.clone() }
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

/// The case files of a format; there must be some.
fn case_files(kind: FormatKind) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats").join(kind.name());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the case folder")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no case in {}", folder.display());
    files
}
