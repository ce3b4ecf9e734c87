//! One writer at a time: a lock on a file beside the database, let go by the system however its holder ends.
//!
//! SQLite's own locks keep a transaction whole. This one keeps two runs from reading the same log, each believing that
//! nobody has, and two from sending the same letter.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{address::printable, error::Error};

/// How long a command waits for its turn: `watch` holds the lock for a batch, other commands until they end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);
/// Of what the holder wrote of itself.
const MAX_HOLDER: u64 = 100;

/// The lock file of one store. Dropped, it is free.
#[derive(Debug)]
pub(super) struct Lock {
    db: PathBuf,
    path: PathBuf,
    file: File,
    who: String,
    held: bool,
}

impl Lock {
    /// The lock of the store at `db`, not taken yet; `who` is what others are told while it is.
    pub(super) fn of(db: &Path, who: &str) -> Result<Self, Error> {
        let path = beside(db);
        // Never removed: whoever waits at a removed file waits for nobody.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|cause| Error::Write { path: path.clone(), cause })?;
        let who = format!("bouncewatch {who}, process {}", std::process::id());
        Ok(Lock { db: db.to_owned(), path, file, who, held: false })
    }

    /// Takes the lock, or says who has it.
    pub(super) fn take(&mut self) -> Result<(), Error> {
        let end = Instant::now() + PATIENCE;
        while !self.try_take()? {
            if Instant::now() >= end {
                let cause = format!("{} is using it; wait for that to end, or name another --db", self.holder());
                return Err(Error::Store { path: self.db.clone(), cause });
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Takes the lock whenever it comes free; `false` once `stop` says so.
    pub(super) fn wait(&mut self, stop: &dyn Fn() -> bool) -> Result<bool, Error> {
        while !self.try_take()? {
            if stop() {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
        Ok(true)
    }

    pub(super) fn release(&mut self) -> Result<(), Error> {
        self.held = false;
        self.file.unlock().map_err(|cause| Error::Write { path: self.path.clone(), cause })
    }

    fn try_take(&mut self) -> Result<bool, Error> {
        if self.held {
            return Ok(true);
        }
        let failed = |cause| Error::Write { path: self.path.clone(), cause };
        match self.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let mut file = &self.file;
        let told = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", self.who));
        // A full disk takes no name, and that stops nobody.
        drop(told);
        self.held = true;
        Ok(true)
    }

    fn holder(&self) -> String {
        let (mut file, mut text) = (&self.file, Vec::new());
        drop(file.seek(SeekFrom::Start(0)).and_then(|_| file.take(MAX_HOLDER).read_to_end(&mut text)));
        match printable(String::from_utf8_lossy(&text).trim()) {
            name if name.is_empty() => "another bouncewatch".to_owned(),
            name => name.into_owned(),
        }
    }
}

/// `FILE.lock`, where the file really is: two names of one store have one lock.
fn beside(db: &Path) -> PathBuf {
    let mut name = OsString::from(fs::canonicalize(db).unwrap_or_else(|_| db.to_owned()));
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_by_every_name() {
        let dir = tempfile::tempdir().unwrap();
        let (db, other) = (dir.path().join("b.db"), dir.path().join("other.db"));
        fs::write(&db, "").unwrap();
        std::os::unix::fs::symlink(&db, &other).unwrap();
        let (mut one, mut two) = (Lock::of(&db, "run").unwrap(), Lock::of(&other, "watch").unwrap());
        one.take().unwrap();
        assert!(!two.try_take().unwrap());
        assert!(two.holder().starts_with("bouncewatch run, process "), "{}", two.holder());
        assert!(!two.wait(&|| true).unwrap());
        one.release().unwrap();
        assert!(two.wait(&|| false).unwrap());
        drop(two);
        assert!(one.try_take().unwrap());
    }

    #[test]
    fn what_stands_in_the_file_is_text_of_some_length() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("b.db");
        fs::write(beside(&db), "\u{1b}[31m".repeat(1_000)).unwrap();
        let said = Lock::of(&db, "run").unwrap().holder();
        assert!(!said.contains('\u{1b}') && said.chars().count() < 1_000, "{said}");
    }
}
