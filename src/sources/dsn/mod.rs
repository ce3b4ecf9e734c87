//! Bounce mails, one a file (Maildir) or many in an mbox.

use super::{Options, format::{Format, Reader}};
use crate::moment::Timestamp;

/// The format.
pub(crate) struct Dsn;

impl Format for Dsn {
    fn looks_like(&self, _: &str) -> bool {
        false
    }
    fn moment(&self, _: &str, _: &Options) -> Option<Timestamp> {
        None
    }
    fn is_whole(&self, _: &str) -> bool {
        true
    }
    fn reader(&self) -> Reader {
        Reader::Joined(super::table::start::<super::powermta::PowerMta>)
    }
}
