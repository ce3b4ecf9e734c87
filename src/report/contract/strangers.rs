//! Visitors of whom only sums are kept.

use serde::Serialize;

use crate::{findings, plural::grouped};

/// Added: who came beyond `--strangers`, in all nights; what they tried is counted and no more known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Strangers {
    /// Their mails.
    pub mails: u64,
    /// Distinct visitors, about.
    pub visitors: u64,
    /// Nineteen times of twenty there were no fewer …
    pub at_least: u64,
    /// … and no more.
    pub at_most: u64,
}

impl Strangers {
    /// For people.
    pub fn sentence(&self) -> String {
        format!(
            "Of {} mails by strangers, about {} of them ({} to {}), only sums are kept, since more came than --strangers has room for.",
            grouped(self.mails),
            grouped(self.visitors),
            grouped(self.at_least),
            grouped(self.at_most)
        )
    }
}

impl From<&findings::Strangers> for Strangers {
    fn from(s: &findings::Strangers) -> Self {
        let [at_least, visitors, at_most] = s.visitors;
        Strangers { mails: s.mails, visitors, at_least, at_most }
    }
}
