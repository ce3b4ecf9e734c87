//! Ledgers of other machines, each taken in once.

use rusqlite::{OptionalExtension, params};

use super::{Store, history, templates};
use crate::{error::Error, ledger::Ledger, moment::Timestamp, sources::Mark};

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

    /// Takes in the ledger of `jobs`, as if its mail had been read here: all of it in one transaction, or nothing where
    /// one of the jobs was taken in meanwhile. Returns whether it was.
    pub fn import(&mut self, jobs: &[String], ledger: &Ledger, marks: &[Mark], at: Timestamp) -> Result<bool, Error> {
        self.write(|db| {
            let mut known = db.prepare("SELECT 1 FROM imports WHERE job = ?1")?;
            for job in jobs {
                if known.exists([job])? {
                    return Ok(false);
                }
            }
            for job in jobs {
                db.execute("INSERT INTO imports VALUES (?1, ?2)", params![job, at.0])?;
            }
            history::add_marks(db, marks)?;
            templates::rejoin(db, &ledger.templates)?;
            history::add_ledger(db, ledger)?;
            Ok(true)
        })
    }
}
