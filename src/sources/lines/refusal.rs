//! Clients turned away for now. Who comes back within two days is one delivery, refused first; who does not, was refused.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{
    event::Refused,
    queue::{Try, push},
};
use crate::{address, moment::Timestamp};

/// Temporary refusals of one host, by client's network, sender and recipient: large senders come back from a neighbour.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    waiting: HashMap<String, Refusal>,
    /// Memory of a key that is looked for.
    key: String,
}

/// One mail turned away, perhaps several times. Saved between nights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) client: String,
    #[serde(default)]
    pub(crate) helo: String,
    /// As [`Said`](super::event::Said).
    #[serde(default)]
    pub(crate) login: String,
    /// Whether it was one of our own users.
    #[serde(default)]
    pub(crate) ours: bool,
    pub(crate) sender: String,
    pub(crate) recipient: String,
    pub(crate) tries: Vec<Try>,
}

/// How long a client may take to come back.
pub(crate) const PATIENCE: i64 = 48 * 3600;

/// Refusals kept waiting on one host; beyond it the oldest count as they stand.
const MAX_WAITING: usize = 200_000;

impl Refusals {
    /// Keeps a temporary refusal; returns an older one of the same mail that has waited too long to be joined.
    pub(crate) fn wait(&mut self, refused: &Refused<'_>, ours: bool, at: Timestamp) -> Option<Refusal> {
        let key = key(refused.ip, refused.sender, refused.recipient);
        let stale =
            self.waiting.get(&key).is_some_and(|old| old.is_stale(at)).then(|| self.waiting.remove(&key)).flatten();
        let waiting = self.waiting.entry(key).or_insert_with(|| Refusal {
            client: refused.ip.to_owned(),
            helo: refused.said.helo.to_owned(),
            login: refused.said.login.to_owned(),
            ours,
            sender: refused.sender.to_owned(),
            recipient: refused.recipient.to_owned(),
            tries: Vec::new(),
        });
        push(&mut waiting.tries, Try::of("", refused.reply, false, at));
        stale
    }

    /// Takes out the refusal of a mail that came back at `at`, and whether it came in time to be the same delivery.
    pub(crate) fn back(
        &mut self,
        client: &str,
        sender: &str,
        recipient: &str,
        at: Timestamp,
    ) -> Option<(Refusal, bool)> {
        if self.waiting.is_empty() || client.is_empty() {
            return None;
        }
        self.key.clear();
        write_key(&mut self.key, client, sender, recipient);
        let refusal = self.waiting.remove(&self.key)?;
        let in_time = !refusal.is_stale(at);
        Some((refusal, in_time))
    }

    /// Takes out all that have waited too long, and the oldest beyond the cap, oldest first.
    pub(crate) fn over(&mut self, clock: Timestamp) -> Vec<Refusal> {
        let mut over: Vec<(String, Refusal)> = self.waiting.extract_if(|_, refusal| refusal.is_stale(clock)).collect();
        if self.waiting.len() > MAX_WAITING {
            let mut firsts: Vec<i64> = self.waiting.values().map(Refusal::first).collect();
            firsts.sort_unstable();
            let limit = firsts[firsts.len() - MAX_WAITING / 2];
            over.extend(self.waiting.extract_if(|_, refusal| refusal.first() < limit));
        }
        in_order(over)
    }

    /// Takes out all.
    pub(crate) fn all(&mut self) -> Vec<Refusal> {
        in_order(self.waiting.drain().collect())
    }

    /// What is waiting, for the next night.
    pub(crate) fn saved(&self) -> Vec<Refusal> {
        in_order(self.waiting.iter().map(|(key, refusal)| (key.clone(), refusal.clone())).collect())
    }

    /// What was waiting the night before.
    pub(crate) fn of(saved: Vec<Refusal>) -> Self {
        let waiting = saved.into_iter().map(|r| (key(&r.client, &r.sender, &r.recipient), r)).collect();
        Refusals { waiting, key: String::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl Refusal {
    pub(crate) fn first(&self) -> i64 {
        self.tries.first().map_or(0, |t| t.at)
    }

    fn is_stale(&self, at: Timestamp) -> bool {
        at.0 - self.first() > PATIENCE
    }
}

fn in_order(mut list: Vec<(String, Refusal)>) -> Vec<Refusal> {
    list.sort_by(|(a, x), (b, y)| (x.first(), a).cmp(&(y.first(), b)));
    list.into_iter().map(|(_, refusal)| refusal).collect()
}

fn key(client: &str, sender: &str, recipient: &str) -> String {
    let mut key = String::new();
    write_key(&mut key, client, sender, recipient);
    key
}

fn write_key(key: &mut String, client: &str, sender: &str, recipient: &str) {
    for part in [network(client), "\0", &address::fold(sender), "\0", &address::fold(recipient)] {
        key.push_str(part);
    }
}

/// The clients that may come back for this one: all but the last number of an IPv4 address, as greylists take it.
pub(crate) fn network(client: &str) -> &str {
    client.rsplit_once('.').map_or(client, |(network, _)| network)
}
