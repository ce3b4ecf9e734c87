//! Deliveries of a join, kept for the other cores: a join is one after the other, learning from it is not.

use crate::{
    delivery::{Attempt, Delivery, Direction},
    moment::Timestamp,
};

/// Deliveries in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    text: String,
    deliveries: Vec<Kept>,
    attempts: Vec<Tried>,
}

/// Where a text ends; it begins where the one before ends.
type End = usize;

#[derive(Debug)]
struct Kept {
    from: usize,
    sender: End,
    recipient: End,
    client: Option<End>,
    login: End,
    helo: End,
    direction: Direction,
    start: Timestamp,
    end: Timestamp,
    spam: bool,
    attempts: usize,
}

#[derive(Debug)]
struct Tried {
    from_ip: End,
    to_ip: End,
    reply: End,
    accepted: bool,
}

impl Parcel {
    /// Keeps a delivery.
    pub(crate) fn push(&mut self, d: &Delivery<'_>) {
        let from = self.text.len();
        let text = &mut self.text;
        let mut keep = |part: &str| {
            text.push_str(part);
            text.len()
        };
        let (sender, recipient, client) = (keep(d.sender), keep(d.recipient), d.client.map(&mut keep));
        let (login, helo) = (keep(d.login), keep(d.helo));
        for a in d.attempts {
            let (from_ip, to_ip, reply) = (keep(a.from_ip), keep(a.to_ip), keep(a.reply));
            self.attempts.push(Tried { from_ip, to_ip, reply, accepted: a.accepted });
        }
        self.deliveries.push(Kept {
            from,
            sender,
            recipient,
            client,
            login,
            helo,
            direction: d.direction,
            start: d.start,
            end: d.end,
            spam: d.spam,
            attempts: self.attempts.len(),
        });
    }

    /// Deliveries kept.
    pub(crate) fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// Calls `each` with those from `from` up to `to`.
    pub(crate) fn each(&self, from: usize, to: usize, mut each: impl FnMut(&Delivery<'_>)) {
        let mut attempts: Vec<Attempt<'_>> = Vec::new();
        let mut tried = if from == 0 { 0 } else { self.deliveries[from - 1].attempts };
        for kept in &self.deliveries[from..to] {
            let mut at = kept.from;
            let mut text = |end: End| {
                let part = &self.text[at..end];
                at = end;
                part
            };
            let (sender, recipient, client) = (text(kept.sender), text(kept.recipient), kept.client.map(&mut text));
            let (login, helo) = (text(kept.login), text(kept.helo));
            attempts.clear();
            attempts.extend(self.attempts[tried..kept.attempts].iter().map(|a| Attempt {
                from_ip: text(a.from_ip),
                to_ip: text(a.to_ip),
                reply: text(a.reply),
                accepted: a.accepted,
            }));
            tried = kept.attempts;
            let Kept { direction, start, end, spam, .. } = *kept;
            each(&Delivery {
                sender,
                recipient,
                client,
                login,
                helo,
                direction,
                start,
                end,
                spam,
                attempts: &attempts,
            });
        }
    }

    /// Empties it, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.deliveries.clear();
        self.attempts.clear();
    }
}
