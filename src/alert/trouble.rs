//! Of one try at a sink: how long it may take, and why it failed.

use std::time::Duration;

/// One try's limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) once: Duration,
}

/// Why a try failed.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// In words, without secrets.
    pub(super) why: String,
    /// Worth another try at once, after this wait at least.
    pub(super) again: Option<Duration>,
    /// The sink is there and does not want this one.
    pub(super) only_this: bool,
}

impl Trouble {
    /// No use in trying again tonight.
    pub(super) fn down(why: String) -> Self {
        Trouble { why, again: None, only_this: false }
    }

    /// May be over in a moment.
    pub(super) fn passing(why: String, wait: Duration) -> Self {
        Trouble { why, again: Some(wait), only_this: false }
    }

    /// This message, for good.
    pub(super) fn refused(why: String) -> Self {
        Trouble { why, again: None, only_this: true }
    }
}
