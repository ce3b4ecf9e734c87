//! Many machines' share of the work: a split of the mail → a partial ledger; partial ledgers → one store.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::{
    columnar::{self, Partial, Source, Totals},
    error::Error,
    learn::{self, Lore},
    ledger::STRANGERS,
    merge::Merge,
    progress::Unseen,
    sources::{self, Known, Options, Reject},
    store::Store,
};

/// Reads one split, or a stream; its ledger says what was read. Mails without an end count as they stand.
pub fn read(split: sources::Input, how: &Options, lore: &Lore) -> Result<(Partial, Vec<Reject>), Error> {
    let how = Options { settle: true, ..*how };
    let (ledger, reading) = learn::read(STRANGERS, vec![split], &how, lore, &Known::default(), &Unseen)?;
    let mut partial = Partial::default();
    partial.ledger = ledger;
    let mut totals = Totals { bytes: reading.marks.iter().map(|mark| mark.offset).sum(), ..Totals::default() };
    for input in &reading.inputs {
        totals.lines += input.lines;
        totals.records += input.records;
        totals.rejects += input.rejected;
    }
    partial.claim(Some(totals));
    Ok((partial, reading.rejects))
}

/// All that reports of this store work from. Mails without an end are in it as they stand, since no other machine could
/// go on with them.
pub fn export(store: &Store, how: &Options, strangers: Option<usize>, lore: &Lore) -> Result<Partial, Error> {
    let mut ledger = store.ledger(strangers)?;
    let known = store.known()?;
    ledger.merge(learn::standing(how, strangers, lore, &known)?);
    ledger.templates.unsettle();
    let mut partial = Partial::default();
    (partial.ledger, partial.marks) = (ledger, known.marks);
    partial.claim(None);
    Ok(partial)
}

/// Folds what lies in a file, in the files of a folder, or on standard input (`-`).
pub fn fold(partial: &mut Partial, place: &str) -> Result<(), Error> {
    if place == "-" {
        return columnar::read(partial, place, Source::Stream(Box::new(BufReader::new(io::stdin()))));
    }
    for path in files(Path::new(place))? {
        let file = File::open(&path).map_err(|cause| Error::Read { path: path.clone(), cause })?;
        columnar::read(partial, &path.display().to_string(), Source::File(file))?;
    }
    Ok(())
}

/// The same for the same content, wherever it lies: an import that names no job is known by it.
pub fn content_id(place: &str) -> Result<String, Error> {
    let mut hash = blake3::Hasher::new();
    for path in files(Path::new(place))? {
        let unread = |cause| Error::Read { path: path.clone(), cause };
        let mut file = File::open(&path).map_err(unread)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(unread)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            };
        }
    }
    Ok(format!("content {}", &hash.finalize().to_hex()[..32]))
}

/// Parquet files and streams below a folder, in order; engines put files of their own beside them (`_SUCCESS`, `.crc`).
fn files(place: &Path) -> Result<Vec<PathBuf>, Error> {
    let unread = |cause| Error::Read { path: place.to_owned(), cause };
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(place).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['_', '.']));
        let ending = path.extension().is_some_and(|ending| ending == "parquet" || ending == "arrow");
        if path.is_file() && ending && !hidden {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        let cause = "holds no ledger: no .parquet or .arrow file".to_owned();
        return Err(Error::Data { name: place.display().to_string(), cause });
    }
    Ok(found)
}
