//! What stops the job: what failed, where, and what to do. Bad lines are `Reject`s and unanswered questions are
//! `unknown`; neither is an error.

use std::{io, path::PathBuf};

/// One line on stderr, exit status 1 or 2.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {cause}; check that it exists and that this user may read it")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {cause}; check free space and permissions")]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A night was stored, and its report could not be written.
    #[error(
        "cannot write {path}: {cause}; the night is in the database: check free space and permissions, then `bouncewatch report` writes it"
    )]
    Unreported {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// No input, or none that holds any log.
    #[error("no mail log found in {place}; name a file, a folder with logs, or - for standard input")]
    NoInput {
        /// What was searched.
        place: String,
    },
    /// Nobody knows this format.
    #[error(
        "{path}: {recognised} of {lines} lines recognised as {format}; this is no log bouncewatch knows, or it needs --input-format"
    )]
    Unrecognised {
        /// Which input.
        path: String,
        /// Format tried.
        format: String,
        /// Lines understood.
        recognised: u64,
        /// Lines in all.
        lines: u64,
    },
    /// The store could not be used.
    #[error("database {path}: {cause}")]
    Store {
        /// The SQLite file.
        path: PathBuf,
        /// What SQLite said, and what to do.
        cause: String,
    },
    /// The store was written by a later bouncewatch.
    #[error(
        "database {path} has version {found}, this bouncewatch knows up to {known}; use the newer bouncewatch or another --db"
    )]
    NewerStore {
        /// The SQLite file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An option, environment variable or configuration key that makes no sense. Exit status 2.
    #[error("{0}")]
    Usage(String),
    /// A shipped or configured data file that cannot be understood.
    #[error("data {name}: {cause}")]
    Data {
        /// Which file.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl Error {
    /// The same, where the night is stored already.
    pub(crate) fn after_storing(self) -> Self {
        match self {
            Error::Write { path, cause } => Error::Unreported { path, cause },
            other => other,
        }
    }
}
