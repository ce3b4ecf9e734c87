//! What a run tells of itself while it works.

use crate::{error::Error, sources::Reject};

/// Told while a run works.
pub trait Progress: Sync {
    /// So many bytes of input will be read.
    fn total(&self, _bytes: u64) {}
    /// So many more have been.
    fn read(&self, _bytes: u64) {}
    /// All was, and nothing is stored yet: what could get lost behind this is kept now, and an error ends the run.
    fn done_reading(&self, _rejects: &[Reject]) -> Result<(), Error> {
        Ok(())
    }
    /// So many domains will be asked about.
    fn lookups(&self, _domains: u64) {}
    /// One more has an answer.
    fn looked_up(&self) {}
}

/// Nobody is looking.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl Progress for Unseen {}
