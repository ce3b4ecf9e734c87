//! Refusals told before: Exim writes them into its main log and into its reject log, both of which may be read.

use hashbrown::HashMap;

use super::event::Refused;
use crate::{hash::fnv1a, moment::Timestamp};

/// Hashes of refusals, with their time.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    hashes: HashMap<u64, i64>,
    newest: i64,
}

/// Refusals remembered in one run: beyond it the older half is forgotten.
const MAX: usize = 1 << 20;

/// Of those, how long before the newest they go to the next night, and how many at most.
const KEPT_S: i64 = 2 * 86_400;
const KEPT: usize = 100_000;

impl Seen {
    /// Whether this refusal was told before; it is from now on.
    pub(crate) fn again(&mut self, refused: &Refused<'_>, at: Timestamp) -> bool {
        let text = format!("{}\0{}\0{}\0{}\0{}", at.0, refused.ip, refused.sender, refused.recipient, refused.reply);
        if self.hashes.len() >= MAX {
            let mut times: Vec<i64> = self.hashes.values().copied().collect();
            let middle = times.len() / 2;
            let (_, limit, _) = times.select_nth_unstable(middle);
            let limit = *limit;
            self.hashes.retain(|_, at| *at > limit);
        }
        self.newest = self.newest.max(at.0);
        self.hashes.insert(fnv1a(text.as_bytes()), at.0).is_some()
    }

    /// For the next night.
    pub(crate) fn saved(&self) -> Vec<(i64, u64)> {
        let mut list: Vec<(i64, u64)> =
            self.hashes.iter().filter(|(_, at)| **at >= self.newest - KEPT_S).map(|(hash, at)| (*at, *hash)).collect();
        list.sort_unstable();
        let surplus = list.len().saturating_sub(KEPT);
        list.drain(..surplus);
        list
    }

    /// From the night before.
    pub(crate) fn of(saved: Vec<(i64, u64)>) -> Self {
        let newest = saved.iter().map(|(at, _)| *at).max().unwrap_or(0);
        Seen { hashes: saved.into_iter().map(|(at, hash)| (hash, at)).collect(), newest }
    }
}
