//! Lines that were too long for syslog, put together again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What came of lines of which the rest is still to come, by host and process. Saved between nights.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pieces {
    open: BTreeMap<String, (u32, String)>,
}

/// Processes that may be in the middle of a line at once.
const MAX_OPEN: usize = 1000;

/// Bytes of a line put together.
const MAX_WHOLE: usize = 64 << 10;

impl Pieces {
    /// Takes in piece `number` of `of`; gives the whole line with its last piece.
    pub(crate) fn add(&mut self, process: &str, number: u32, of: u32, text: &str) -> Option<String> {
        if number == 1 && (self.open.len() < MAX_OPEN || self.open.contains_key(process)) {
            self.open.insert(process.to_owned(), (1, text.to_owned()));
        } else {
            let (last, whole) = self.open.get_mut(process)?;
            // A piece that is missing leaves the line unread.
            if *last + 1 != number || whole.len() + text.len() > MAX_WHOLE {
                self.open.remove(process);
                return None;
            }
            *last = number;
            whole.push_str(text);
        }
        if number >= of { self.open.remove(process).map(|(_, whole)| whole) } else { None }
    }
}
