//! Ledgers of other machines, each taken in once.

use rusqlite::{OptionalExtension, params};

use super::{Store, history, templates};
use crate::{error::Error, ledger::Ledger, moment::Timestamp, sources::Mark};

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// All of it was taken in.
    Done,
    /// One of the jobs was taken in meanwhile: nothing was done.
    Before,
    /// The store counts mail of this log already: nothing was done.
    Overlaps(String),
}

impl Store {
    /// When this job's ledger was taken in, if it was.
    pub fn imported(&self, job: &str) -> Result<Option<Timestamp>, Error> {
        self.read(|db| {
            let at = db.query_row("SELECT at FROM imports WHERE job = ?1", [job], |row| row.get(0)).optional()?;
            Ok(at.map(Timestamp))
        })
    }

    /// Whether there is a ledger of another machine in it.
    pub fn has_imports(&self) -> Result<bool, Error> {
        self.read(|db| db.query_row("SELECT EXISTS (SELECT 1 FROM imports)", [], |row| row.get(0)))
    }

    /// Takes in the ledger of `jobs`, as if its mail had been read here: all of it in one transaction, or nothing.
    pub fn import(&mut self, jobs: &[String], ledger: &Ledger, marks: &[Mark], at: Timestamp) -> Result<Import, Error> {
        self.write(|db| {
            let mut known = db.prepare("SELECT 1 FROM imports WHERE job = ?1")?;
            for job in jobs {
                if known.exists([job])? {
                    return Ok(Import::Before);
                }
            }
            // What a log began with tells that it was read, however far.
            let mut read = db.prepare("SELECT path FROM inputs WHERE head = ?1 AND head_len = ?2 LIMIT 1")?;
            for mark in marks {
                let known = read.query_row([mark.head, mark.head_len].map(u64::cast_signed), |row| row.get(0));
                if let Some(path) = known.optional()? {
                    return Ok(Import::Overlaps(path));
                }
            }
            for job in jobs {
                db.execute("INSERT INTO imports VALUES (?1, ?2)", params![job, at.0])?;
            }
            history::add_marks(db, marks)?;
            templates::rejoin(db, &ledger.templates)?;
            history::add_ledger(db, ledger)?;
            Ok(Import::Done)
        })
    }
}
