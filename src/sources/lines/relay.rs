//! Mails that go from one of our hosts to another, of which both log: a gateway and the server behind it. The reply of the
//! first names the second's queue id, and both know the message by one id: that is one mail, which ends where the second
//! leaves it.

use compact_str::CompactString;
use hashbrown::HashMap;

use super::{
    event::{Event, Status, Tried, is_private},
    host::Host,
};
use crate::{moment::Timestamp, sources::format::Emit};

/// Where mails are that may be one.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    /// Mails by message id, several of one id under the numbers after its hash.
    mails: HashMap<u64, Place>,
    /// Mails that wait for the host behind, by message id and the queue id they have there: two hosts may have one id at once.
    waiting: HashMap<(u64, CompactString), Place>,
    /// Servers inside, and how many mails in a row they took of which no other host told.
    silent: HashMap<CompactString, u32>,
    /// Entries at which those of mails that are gone are dropped.
    limit: usize,
}

/// A mail in a host's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: usize,
    id: CompactString,
}

/// Mails of one message id that are known at once: a gateway hands one on in several sessions.
const COPIES: u64 = 8;

/// Mails of which another host told nothing, before a server inside is taken for one whose log is not here.
const SILENT: u32 = 1000;

const LIMIT: usize = 4096;

impl Relays {
    /// Of mails in the queues.
    pub(crate) fn of(hosts: &[Host]) -> Self {
        let mut this = Relays { limit: LIMIT, ..Relays::default() };
        for (host, queues) in hosts.iter().enumerate() {
            for (id, queue) in queues.with_message() {
                let place = Place { host, id: id.clone() };
                for recipient in queue.recipients.iter().filter(|r| !r.next.is_empty() && r.next != id) {
                    this.waiting.insert((queue.message, recipient.next.clone()), place.clone());
                }
                this.keep(hosts, queue.message, place);
            }
        }
        this
    }

    /// Takes in what a line of `host` tells, where it is of two hosts; false where it is of that one.
    pub(crate) fn take(
        &mut self,
        hosts: &mut [Host],
        host: usize,
        event: &Event<'_>,
        at: Timestamp,
        emit: Emit<'_>,
    ) -> bool {
        match *event {
            Event::Tried { id, tried } => self.tried(hosts, host, id, &tried, at, emit),
            Event::Opened { id, .. } => {
                hosts[host].take(*event, at, emit);
                self.opened(hosts, host, id, emit);
                true
            }
            _ => false,
        }
    }

    /// Whether what a server took goes on, or may go on, at another host.
    fn tried(
        &mut self,
        hosts: &mut [Host],
        host: usize,
        id: &str,
        tried: &Tried<'_>,
        at: Timestamp,
        emit: Emit<'_>,
    ) -> bool {
        let Some(next) = tried.next.filter(|_| tried.status == Status::Sent && !tried.inside) else { return false };
        let message = hosts[host].message(id);
        if message == 0 {
            return false;
        }
        // A server outside may name any id; to one inside a gateway may write another sender (SRS).
        let is_behind = |place: &&Place| {
            place.host != host
                && place.id == next
                && hosts[place.host].message(next) == message
                && (is_private(tried.to_ip) || hosts[host].is_of_one_sender(id, &hosts[place.host], next))
        };
        let behind = self.copies(message).find(is_behind).map(|place| place.host);
        if let Some(behind) = behind {
            hosts[host].waits(id, next, tried, at, emit);
            self.pass_on(hosts, &Place { host, id: id.into() }, behind, next, emit);
            return true;
        }
        // Lines of two hosts may come in either order.
        if hosts[host].knows(next) || !self.may_tell(tried.to_ip) {
            return false;
        }
        hosts[host].waits(id, next, tried, at, emit);
        self.waiting.insert((message, next.into()), Place { host, id: id.into() });
        self.drop_gone(hosts);
        true
    }

    /// Whether the log of the server at `ip` may be here.
    fn may_tell(&mut self, ip: &str) -> bool {
        let silent = match self.silent.get_mut(ip) {
            Some(silent) => silent,
            None if is_private(ip) => self.silent.entry(ip.into()).or_default(),
            None => return false,
        };
        *silent = silent.saturating_add(1);
        *silent <= SILENT
    }

    /// A mail was seen at `host`, perhaps with its message id: it may be one that another host has, or had.
    fn opened(&mut self, hosts: &mut [Host], host: usize, id: &str, emit: Emit<'_>) {
        let message = hosts[host].message(id);
        if message == 0 {
            return;
        }
        let before = |place: &&Place| place.host != host && hosts[place.host].message(&place.id) == message;
        let here = (message, id.into());
        if let Some(place) = self.waiting.get(&here).filter(before).cloned() {
            self.waiting.remove(&here);
            self.pass_on(hosts, &place, host, id, emit);
        } else {
            // Which of two came from the other is told by a reply only.
            for place in self.copies(message) {
                if place.host != host && hosts[place.host].holds(&place.id, message) {
                    hosts[place.host].may_follow(&place.id);
                    hosts[host].may_follow(id);
                }
            }
        }
        self.keep(hosts, message, Place { host, id: id.into() });
        self.drop_gone(hosts);
    }

    /// What the mail at `from` handed on is the mail under `id` at `host`.
    fn pass_on(&mut self, hosts: &mut [Host], from: &Place, host: usize, id: &str, emit: Emit<'_>) {
        let Some((before, taken)) = hosts[from.host].waited(&from.id, id) else { return };
        if let Some(attempt) = taken.iter().find_map(|recipient| recipient.tries.last()) {
            self.silent.insert(attempt.to_ip.as_str().into(), 0);
        }
        hosts[host].goes_on_as(id, before, emit);
        hosts[host].stands(id, taken);
    }

    fn copies(&self, message: u64) -> impl Iterator<Item = &Place> {
        (0..COPIES).map_while(move |n| self.mails.get(&message.wrapping_add(n)))
    }

    fn keep(&mut self, hosts: &[Host], message: u64, place: Place) {
        let free = |n: &u64| {
            let known = self.mails.get(&message.wrapping_add(*n));
            known.is_none_or(|known| *known == place || hosts[known.host].message(&known.id) != message)
        };
        if let Some(n) = (0..COPIES).find(free) {
            self.mails.insert(message.wrapping_add(n), place);
        }
    }

    fn drop_gone(&mut self, hosts: &[Host]) {
        if self.mails.len() + self.waiting.len() < self.limit {
            return;
        }
        self.mails.retain(|_, place| hosts[place.host].knows(&place.id));
        self.waiting.retain(|_, place| hosts[place.host].knows(&place.id));
        self.limit = LIMIT.max(2 * (self.mails.len() + self.waiting.len()));
    }
}
