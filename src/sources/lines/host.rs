//! One host's mails: a delivery for each recipient, when its last attempt is known.

use std::collections::{BTreeMap, HashSet};

use compact_str::CompactString;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{
    event::{Agent, Event, Refused, Said, Status, Tried, is_loopback, only_gives_up},
    mail::{Mail, deliver, give_up},
    queue::{Origin, Queue, Recipient, written},
    queues::Queues,
    refusal::{Refusal, Refusals},
    seen::Seen,
};
use crate::{delivery::Attempt, hash::stable_hash, moment::Timestamp, sources::format::Emit};

/// The queues of one host, and its time as its log tells it.
#[derive(Debug, Default)]
pub(crate) struct Host {
    clock: Timestamp,
    swept: Timestamp,
    queues: Queues,
    /// By the hash of its message id: a mail handed in on this machine, and one that a program took, which may be the same.
    picked: HashMap<u64, CompactString>,
    piped: HashMap<u64, CompactString>,
    refusals: Refusals,
    seen: Seen,
    /// Whether another host hands mails on to this one.
    relayed: bool,
}

/// A host between nights.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedHost {
    clock: i64,
    swept: i64,
    queues: BTreeMap<CompactString, Queue>,
    refusals: Vec<Refusal>,
    seen: Vec<(i64, u64)>,
}

const DAY: i64 = 86_400;

/// Between two looks at what has become old.
const SWEEP: i64 = 3600;

/// Postfix gives a mail up after five days (`maximal_queue_lifetime`); twice that, and its end will not be told.
const LIFETIME: i64 = 10 * DAY;

/// A queue id that was refused everything leaves no line at its end.
const ABANDONED: i64 = DAY;

/// How long the hop before may be told after the hop behind has left.
const GRACE: i64 = 60;

/// Mails in a host's queue; beyond it the older half counts as it stands.
const MAX_QUEUES: usize = 500_000;

impl Host {
    /// As the night before left it.
    pub(crate) fn of(saved: SavedHost) -> Self {
        let by_message = |fits: &dyn Fn(&Queue) -> bool| {
            let mails = saved.queues.iter().filter(|(_, queue)| queue.message != 0 && fits(queue));
            mails.map(|(id, queue)| (queue.message, id.clone())).collect()
        };
        Host {
            clock: Timestamp(saved.clock),
            swept: Timestamp(saved.swept),
            picked: by_message(&|queue| queue.picked),
            piped: by_message(&|queue| queue.recipients.iter().any(|r| r.piped && r.next.is_empty())),
            relayed: saved.queues.iter().any(|(id, queue)| queue.recipients.iter().any(|r| r.next == *id)),
            queues: saved.queues.into_iter().collect(),
            refusals: Refusals::of(saved.refusals),
            seen: Seen::of(saved.seen),
        }
    }

    /// For the next night.
    pub(crate) fn saved(&self) -> SavedHost {
        SavedHost {
            clock: self.clock.0,
            swept: self.swept.0,
            queues: self.queues.iter().map(|(id, queue)| (id.clone(), queue.clone())).collect(),
            refusals: self.refusals.saved(),
            seen: self.seen.saved(),
        }
    }

    /// Deliveries not emitted yet.
    pub(crate) fn pending(&self) -> usize {
        self.refusals.len() + self.queues.values().map(|queue| queue.recipients.len()).sum::<usize>()
    }

    /// Takes in what a line tells.
    pub(crate) fn take(&mut self, event: Event<'_>, at: Timestamp, emit: Emit<'_>) {
        match event {
            Event::Client { id, ip, trusted, authenticated, said } => {
                let queue = self.begun(id, at, emit);
                let inside = is_loopback(ip);
                queue.client = if inside { CompactString::default() } else { ip.into() };
                // A log-in told before counts, too.
                queue.ours |= authenticated;
                queue.hear(said);
                queue.origin = if inside && !trusted && !queue.ours { Origin::Loopback } else { Origin::Known };
                queue.second = inside || (trusted && !authenticated);
                if !queue.recipients.is_empty() {
                    self.told(id, emit);
                }
            }
            Event::Pickup { id, before: Some(before), .. }
                if self.queues.get(before).is_some_and(|queue| queue.removed.is_none()) =>
            {
                self.begun(id, at, emit);
                if let Some(queue) = self.queues.remove(before) {
                    *self.queues.entry(id) = Queue { last: at.0, ..queue };
                }
            }
            Event::Pickup { id, sender, .. } => {
                let queue = self.begun(id, at, emit);
                (queue.origin, queue.ours, queue.picked) = (Origin::Known, true, true);
                if let Some(sender) = sender {
                    queue.sender = Some(sender.into());
                }
                self.told(id, emit);
            }
            Event::Login { id, login } => {
                let queue = self.queue(id, at, emit);
                queue.hear(Said { login, helo: "" });
                (queue.opened, queue.ours) = (true, true);
            }
            Event::Clone { id, of, sender } => {
                let unknown = || Queue { origin: Origin::Known, ..Queue::default() };
                let parent = self.queues.get(of).map_or_else(unknown, Queue::beginning);
                let queue = self.begun(id, at, emit);
                queue.hear(parent.said());
                (queue.client, queue.origin, queue.ours, queue.second) =
                    (parent.client, parent.origin, parent.ours, parent.second);
                queue.sender = Some(sender.into());
                self.told(id, emit);
            }
            Event::Opened { id, message } => self.opened(id, message, at, emit),
            Event::Sender { id, sender } => {
                let queue = queue_of(&mut self.queues, &mut self.refusals, id, at, emit);
                if queue.sender.as_deref() == Some(sender) {
                    return;
                }
                // Another sender under the same id is another mail, of which the first line is missing; a hop before this one
                // may have had another.
                if queue.sender.is_some() && queue.recipients.iter().any(|r| r.next != id) {
                    anew(queue, &mut self.refusals, at, emit);
                }
                queue.sender = Some(sender.into());
                if !queue.recipients.is_empty() {
                    self.told(id, emit);
                }
            }
            Event::Notice { next } => {
                let queue = self.queue(next, at, emit);
                if queue.origin == Origin::Unknown {
                    (queue.origin, queue.ours) = (Origin::Known, true);
                }
                self.told(next, emit);
            }
            Event::Tried { id, tried } => self.tried(id, &tried, at, emit),
            Event::Expired { id } => {
                self.queue(id, at, emit).recipients.iter_mut().for_each(|r| r.done = true);
                self.told(id, emit);
            }
            Event::Removed { id } => self.removed(id, at, emit),
            Event::Refused(refused) => self.refused(&refused, at, emit),
            Event::Door(refused) => {
                let queue = self.queue(refused.id, at, emit);
                queue.opened = true;
                if queue.client.is_empty() {
                    queue.client = refused.ip.into();
                }
                queue.hear(refused.said);
                queue.keep_refusal(&refused, at);
                self.told(refused.id, emit);
            }
            Event::Piece { .. } | Event::Nothing => {}
        }
    }

    /// The mail under `id`, which may be new.
    fn queue(&mut self, id: &str, at: Timestamp, emit: Emit<'_>) -> &mut Queue {
        queue_of(&mut self.queues, &mut self.refusals, id, at, emit)
    }

    /// The mail under `id`, of which this is the first line but perhaps for cleanup's.
    fn begun(&mut self, id: &str, at: Timestamp, emit: Emit<'_>) -> &mut Queue {
        let queue = queue_of(&mut self.queues, &mut self.refusals, id, at, emit);
        if queue.origin != Origin::Unknown {
            anew(queue, &mut self.refusals, at, emit);
        }
        queue.opened = true;
        queue
    }

    /// Emits what is done, if now enough is known of the mail.
    fn told(&mut self, id: &str, emit: Emit<'_>) {
        let Some(queue) = self.queues.get_mut(id) else {
            return;
        };
        let over = |r: &Recipient| r.done && !r.piped;
        if !queue.is_told() || !queue.recipients.iter().any(over) {
            return;
        }
        queue.emitted = true;
        let done: Vec<Recipient> = queue.recipients.extract_if(.., |r| over(r)).collect();
        for recipient in &done {
            deliver(&mut self.refusals, queue, recipient, emit);
        }
    }

    /// Forgets a mail; what it had tried counts as it stands.
    fn leave(&mut self, id: &str, emit: Emit<'_>) {
        let Some(queue) = self.queues.remove(id) else {
            return;
        };
        for recipient in &queue.recipients {
            deliver(&mut self.refusals, &queue, recipient, emit);
        }
    }

    fn tried(&mut self, id: &str, tried: &Tried<'_>, at: Timestamp, emit: Emit<'_>) {
        if self.relayed
            && let Some(queue) = self.queues.get_mut(id)
        {
            queue.recipients.retain(|r| r.next != id);
        }
        let from_there = |behind: &Queue| {
            // An id is whatever the other side says: who sent us a mail could name it.
            let one_sender =
                || behind.sender.is_none() || self.queues.get(id).is_none_or(|queue| queue.sender == behind.sender);
            !tried.to_ip.is_empty() && behind.client == tried.to_ip && !behind.ours && one_sender()
        };
        if let Some(next) = tried.next.filter(|next| *next != id)
            && self.queues.get(next).is_some_and(|behind| tried.inside || from_there(behind))
        {
            return self.hop(id, next, tried, at, emit);
        }
        let filter = tried.agent == Agent::Pipe || (tried.agent == Agent::Mailbox && !self.picked.is_empty());
        if filter && tried.status == Status::Sent && self.filtered(id, tried, at, emit) {
            return;
        }
        let queue = queue_of(&mut self.queues, &mut self.refusals, id, at, emit);
        let position = queue.position(tried);
        if tried.status == Status::Deferred {
            queue.keep(position, tried, at);
            return;
        }
        if let Some(at) = position
            && tried.status == Status::Bounced
            && only_gives_up(tried.reply)
        {
            queue.recipients[at].done = true;
            return self.told(id, emit);
        }
        if !queue.is_told() || position.is_some() {
            queue.keep(position, tried, at).done = true;
            return self.told(id, emit);
        }
        // The usual case, without keeping anything: one attempt, of which all is known.
        queue.emitted = true;
        let into = queue.is_into(tried);
        let attempt =
            Attempt { from_ip: "", to_ip: tried.to_ip, reply: tried.reply, accepted: tried.status == Status::Sent };
        let mail = Mail {
            sender: queue.sender.as_deref().unwrap_or(""),
            client: &queue.client,
            said: queue.said(),
            recipient: written(tried.to, tried.orig_to, into),
            into,
        };
        mail.emit(&mut self.refusals, at, at, std::slice::from_ref(&attempt), emit);
    }

    /// A mail was seen, with its message id.
    fn opened(&mut self, id: &str, message: &str, at: Timestamp, emit: Emit<'_>) {
        let queue = self.queue(id, at, emit);
        queue.opened = true;
        // Servers write it with and without its brackets.
        let message = message.trim_matches(['<', '>', ' ']);
        let message = if message.is_empty() { 0 } else { stable_hash(message.as_bytes()) };
        if message == 0 || queue.message == message {
            return;
        }
        queue.message = message;
        if !queue.picked {
            // A mail handed in before this one came is not what a filter made of this one.
            if let Some(before) = self.picked.remove(&message)
                && let Some(queue) = self.queues.get_mut(&before).filter(|queue| queue.message == message)
            {
                queue.picked = false;
            }
            return;
        }
        let sender = queue.sender.clone();
        let before = self.piped.get(&message).filter(|before| *before != id);
        match before.filter(|before| self.queues.get(before).is_some_and(|queue| queue.sender == sender)).cloned() {
            Some(before) => self.goes_on(&before, id, emit),
            None => drop(self.picked.insert(message, id.into())),
        }
    }

    /// Whether the program that took a mail has handed it in again, as content filters do, or may still: the same message
    /// of the same sender.
    fn filtered(&mut self, id: &str, tried: &Tried<'_>, at: Timestamp, emit: Emit<'_>) -> bool {
        let queue = self.queue(id, at, emit);
        let (message, sender) = (queue.message, queue.sender.clone());
        if message == 0 {
            return false;
        }
        let again = |next: &&CompactString| {
            *next != id
                && self.queues.get(next).is_some_and(|behind| behind.message == message && behind.sender == sender)
        };
        let next = self.picked.get(&message).filter(again).cloned();
        if next.is_none() && tried.agent != Agent::Pipe {
            return false;
        }
        let queue = self.queue(id, at, emit);
        let position = queue.position(tried);
        let recipient = queue.keep(position, tried, at);
        (recipient.done, recipient.piped) = (true, true);
        match next {
            Some(next) => self.goes_on(id, &next, emit),
            None => drop(self.piped.insert(message, id.into())),
        }
        true
    }

    /// What a program took of a mail goes on under `next`, as from the client who brought it.
    fn goes_on(&mut self, id: &str, next: &str, emit: Emit<'_>) {
        let Some(queue) = self.queues.get_mut(id) else { return };
        queue.recipients.retain(|r| !r.piped || !r.next.is_empty());
        let Queue { client, login, helo, origin, ours, .. } = queue.beginning();
        if let Some(behind) = self.queues.get_mut(next) {
            (behind.client, behind.login, behind.helo) = (client, login, helo);
            (behind.origin, behind.ours) = (origin, ours);
        }
        self.told(next, emit);
    }

    /// A hand-over to ourselves: the mail goes on under `next`, with the client of this hop.
    fn hop(&mut self, id: &str, next: &str, tried: &Tried<'_>, at: Timestamp, emit: Emit<'_>) {
        let queue = self.queue(id, at, emit);
        if let Some(index) = queue.position(tried) {
            queue.recipients.remove(index);
        }
        queue.emitted = true;
        let before = queue.beginning();
        self.goes_on_as(next, before, emit);
    }

    /// The mail under `next` is the one that the hop before had as `before`.
    pub(super) fn goes_on_as(&mut self, next: &str, before: Queue, emit: Emit<'_>) {
        let Queue { client, login, helo, ours, sender, .. } = before;
        if let Some(behind) = self.queues.get_mut(next) {
            // XFORWARD has told the client already; otherwise what stands there is the filter's.
            if !(behind.second && behind.origin == Origin::Known) {
                (behind.client, behind.helo) = (client, helo);
                behind.origin = Origin::Known;
            }
            behind.ours |= ours;
            behind.hear(Said { login: &login, helo: "" });
            behind.second = true;
            if behind.sender.is_none() {
                behind.sender = sender;
            }
        }
        self.told(next, emit);
    }

    /// The hash of a mail's message id; 0 where there is no such mail, or its id is not known.
    pub(super) fn message(&self, id: &str) -> u64 {
        self.queues.get(id).map_or(0, |queue| queue.message)
    }

    /// Whether that mail is still in the queue.
    pub(super) fn holds(&self, id: &str, message: u64) -> bool {
        self.queues.get(id).is_some_and(|queue| queue.message == message && queue.removed.is_none())
    }

    /// Whether both have one sender, as far as is known.
    pub(super) fn is_of_one_sender(&self, id: &str, other: &Host, next: &str) -> bool {
        let sender = |host: &Host, id: &str| host.queues.get(id).and_then(|queue| queue.sender.clone());
        let (sender, behind) = (sender(self, id), sender(other, next));
        sender.is_none() || behind.is_none() || sender == behind
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.queues.get(id).is_some()
    }

    /// Mails whose message id is known.
    pub(super) fn with_message(&self) -> impl Iterator<Item = (&CompactString, &Queue)> {
        self.queues.iter().filter(|(_, queue)| queue.message != 0)
    }

    /// A mail that came from a client may have come from another of our hosts: it waits for that hop.
    pub(super) fn may_follow(&mut self, id: &str) {
        if let Some(queue) = self.queues.get_mut(id)
            && queue.origin == Origin::Known
            && !(queue.picked || queue.second || queue.emitted)
        {
            (queue.origin, queue.second) = (Origin::Relayed, true);
        }
    }

    /// What another host took as `next` waits until that host tells of it.
    pub(super) fn waits(&mut self, id: &str, next: &str, tried: &Tried<'_>, at: Timestamp, emit: Emit<'_>) {
        let queue = self.queue(id, at, emit);
        queue.recipients.retain(|r| r.next != id);
        let position = queue.position(tried);
        let recipient = queue.keep(position, tried, at);
        (recipient.done, recipient.piped, recipient.next) = (true, true, next.into());
    }

    /// What waited for `next` to be told goes on there: the mail's beginning, and what was taken.
    pub(super) fn waited(&mut self, id: &str, next: &str) -> Option<(Queue, Vec<Recipient>)> {
        let queue = self.queues.get_mut(id)?;
        let gone = queue.recipients.extract_if(.., |r| r.next == next).collect();
        queue.emitted = true;
        Some((queue.beginning(), gone))
    }

    /// Until something is told of the mail under `id`, what the hop before had taken of it stands.
    pub(super) fn stands(&mut self, id: &str, taken: Vec<Recipient>) {
        let Some(queue) = self.queues.get_mut(id).filter(|queue| !queue.emitted) else { return };
        if queue.recipients.iter().all(|r| r.next == id) {
            queue.recipients.extend(taken.into_iter().map(|r| Recipient { next: id.into(), ..r }));
            self.relayed = true;
        }
    }

    fn removed(&mut self, id: &str, at: Timestamp, emit: Emit<'_>) {
        let Some(queue) = self.queues.get_mut(id).filter(|queue| queue.removed.is_none()) else {
            return;
        };
        if queue.is_told() && !queue.second && !queue.is_piped() {
            return self.leave(id, emit);
        }
        queue.removed = Some(at.0);
        queue.recipients.iter_mut().for_each(|r| r.done = true);
        self.told(id, emit);
    }

    fn refused(&mut self, refused: &Refused<'_>, at: Timestamp, emit: Emit<'_>) {
        if refused.twice && self.seen.again(refused, at) {
            return;
        }
        // What one of our own users mistyped is refused on its way out.
        let ours = refused.authenticated || self.queues.get(refused.id).is_some_and(|queue| queue.ours);
        if refused.temporary {
            if let Some(stale) = self.refusals.wait(refused, ours, at) {
                give_up(&stale, emit);
            }
            return;
        }
        let attempt = Attempt { from_ip: "", to_ip: "", reply: refused.reply, accepted: false };
        let Refused { sender, ip: client, said, recipient, .. } = *refused;
        let mail = Mail { sender, client, said, recipient, into: !ours };
        mail.emit(&mut self.refusals, at, at, std::slice::from_ref(&attempt), emit);
    }

    /// Moves the host's clock; now and then drops what has become old.
    pub(crate) fn tick(&mut self, at: Timestamp, emit: Emit<'_>) {
        if at <= self.clock {
            return;
        }
        self.clock = at;
        if at.0 - self.swept.0 < SWEEP && self.queues.len() <= MAX_QUEUES {
            return;
        }
        self.swept = at;
        for refusal in self.refusals.over(at) {
            give_up(&refusal, emit);
        }
        let mut limit = at.0 - LIFETIME;
        if self.queues.len() > MAX_QUEUES {
            let mut lasts: Vec<i64> = self.queues.values().map(|queue| queue.last).collect();
            lasts.sort_unstable();
            limit = limit.max(lasts[lasts.len() / 2]);
        }
        let is_over = |queue: &Queue| {
            queue.last < limit
                || queue.removed.is_some_and(|removed| removed + GRACE < at.0)
                || (queue.is_only_refused() && queue.last + ABANDONED < at.0)
        };
        for id in self.ids(is_over) {
            self.leave(&id, emit);
        }
        for by_message in [&mut self.picked, &mut self.piped] {
            by_message.retain(|_, id| self.queues.get(id).is_some());
        }
    }

    /// Senders of mails still in the queue.
    pub(crate) fn open_senders(&self) -> impl Iterator<Item = &Option<CompactString>> {
        self.queues.values().filter(|queue| queue.removed.is_none()).map(|queue| &queue.sender)
    }

    /// The night's reading ends; `open` are senders of mails still in a queue.
    pub(crate) fn finish(&mut self, settle: bool, open: &HashSet<Option<CompactString>>, emit: Emit<'_>) {
        if settle {
            for id in self.ids(|_| true) {
                self.leave(&id, emit);
            }
            for refusal in self.refusals.all() {
                give_up(&refusal, emit);
            }
            return;
        }
        let clock = self.clock.0;
        let is_over = |queue: &Queue| match queue.removed {
            // What another host took may be told by it within the same minute.
            Some(removed) if removed + GRACE >= clock && queue.recipients.iter().any(|r| !r.next.is_empty()) => false,
            Some(_) => !queue.recipients.is_empty() && !open.contains(&queue.sender),
            None => !queue.opened && !queue.recipients.is_empty() && queue.recipients.iter().all(|r| r.done),
        };
        for id in self.ids(is_over) {
            self.leave(&id, emit);
        }
    }

    /// Ids of the mails that are so, in order.
    fn ids(&self, is_so: impl Fn(&Queue) -> bool) -> Vec<CompactString> {
        let mut ids: Vec<CompactString> =
            self.queues.iter().filter(|(_, queue)| is_so(queue)).map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids
    }
}

/// The mail under `id`, which may be new: after one that left, it is.
fn queue_of<'q>(
    queues: &'q mut Queues,
    refusals: &mut Refusals,
    id: &str,
    at: Timestamp,
    emit: Emit<'_>,
) -> &'q mut Queue {
    let queue = queues.entry(id);
    if queue.removed.is_some() {
        anew(queue, refusals, at, emit);
    }
    queue.last = at.0;
    queue
}

/// Another mail takes the place of one, of which what was tried counts as it stands.
fn anew(queue: &mut Queue, refusals: &mut Refusals, at: Timestamp, emit: Emit<'_>) {
    let before = std::mem::take(queue);
    for recipient in &before.recipients {
        deliver(refusals, &before, recipient, emit);
    }
    queue.last = at.0;
}
