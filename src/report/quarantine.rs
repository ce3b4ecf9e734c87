//! `quarantine.jsonl`: the lines nobody could read, a JSON object each. Every run of a day adds to it, none takes away.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
};

use serde_json::{Value, json};

use super::folder::at;
use crate::{error::Error, hash::stable_hash, redact::Redactor, sources::Reject};

/// Its name, beside the report.
pub(super) const NAME: &str = "quarantine.jsonl";

/// Adds `rejects` to the file in `folder`, but for those that stand there: what is said of a whole file is said by every
/// run, and a run that was killed comes again.
pub(super) fn add(folder: &Path, rejects: &[Reject], redact: Option<&Redactor>) -> Result<(), Error> {
    let path = folder.join(NAME);
    let failed = at(&path);
    let held = held(&path)?;
    // A last line without its end was cut off by a crash, and comes again.
    let whole = memchr::memrchr(b'\n', &held).map_or(0, |at| at + 1);
    let mut known: BTreeSet<u64> = held[..whole].split(|b| *b == b'\n').map(stable_hash).collect();
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(&failed)?;
    if whole < held.len() {
        file.set_len(whole as u64).map_err(&failed)?;
    }
    let mut out = BufWriter::new(&file);
    for Reject { file: input, line, cause, excerpt } in rejects {
        let row = json!({ "file": input, "line": line, "cause": cause, "excerpt": excerpt });
        let row = redact.map_or_else(|| row.clone(), |redactor| redacted_row(&row, redactor)).to_string();
        if known.insert(stable_hash(row.as_bytes())) {
            writeln!(out, "{row}").map_err(&failed)?;
        }
    }
    out.flush().and_then(|()| file.sync_data()).map_err(&failed)
}

/// What the file in `folder` holds, with pseudonyms for people and without what the lines said; `None` where there is none.
pub(super) fn redacted(folder: &Path, redactor: &Redactor) -> Result<Option<Vec<u8>>, Error> {
    let held = held(&folder.join(NAME))?;
    if held.is_empty() {
        return Ok(None);
    }
    let mut known = BTreeSet::new();
    let mut out = Vec::with_capacity(held.len());
    for row in held.split(|b| *b == b'\n').filter_map(|row| serde_json::from_slice::<Value>(row).ok()) {
        let row = redacted_row(&row, redactor).to_string();
        if known.insert(stable_hash(row.as_bytes())) {
            out.extend_from_slice(row.as_bytes());
            out.push(b'\n');
        }
    }
    Ok(Some(out))
}

fn redacted_row(row: &Value, redactor: &Redactor) -> Value {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or("");
    json!({
        "file": redactor.file(text("file")), "line": row.get("line"), "cause": redactor.text(text("cause")), "excerpt": "",
    })
}

fn held(path: &Path) -> Result<Vec<u8>, Error> {
    match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|cause| Error::Read { path: path.to_owned(), cause }),
    }
}
