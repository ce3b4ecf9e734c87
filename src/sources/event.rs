//! What structured logs tell of one mail to one recipient, event by event, joined into deliveries.
//!
//! A mail that ended is told at the end of the night, so that a late bounce still joins it; one only deferred waits for
//! later nights. An event that comes again under the same id is one event.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
};

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use super::{format::Emit, lines::network};
use crate::{
    address::{MAX_ADDRESS, fold},
    delivery::{Attempt, Delivery, Direction},
    hash::stable_hash,
    moment::Timestamp,
    reply::Reply,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum What {
    /// The mail was taken in: who brought it, and when. No attempt yet.
    #[default]
    Begun,
    /// An attempt failed and will be made again.
    Deferred,
    /// An attempt succeeded.
    Delivered,
    /// The mail failed for good.
    Bounced,
    /// Time ran out: what the last attempt said stands.
    Expired,
    /// Our own provider did not even try, because of what it knew before.
    Suppressed,
}

/// One thing told of one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event<'a> {
    /// What happened.
    pub(crate) what: What,
    /// The mail it happened to; empty where the event stands alone.
    pub(crate) message: Cow<'a, str>,
    /// Where `message` names no one mail but all alike, one after the other: the seconds that one may wait for its next
    /// event.
    pub(crate) in_turn: Option<i64>,
    /// The event's own id; empty where it has none.
    pub(crate) id: Cow<'a, str>,
    /// When.
    pub(crate) at: Timestamp,
    /// When the mail was handed in, where the event says so.
    pub(crate) sent: Option<Timestamp>,
    /// Envelope sender; empty where unknown.
    pub(crate) sender: Cow<'a, str>,
    /// Envelope recipient.
    pub(crate) recipient: Cow<'a, str>,
    /// Who handed the mail in; empty where unknown.
    pub(crate) client: Cow<'a, str>,
    /// The account it was handed in with; empty where unknown.
    pub(crate) login: Cow<'a, str>,
    /// What who handed it in called itself; empty where unknown.
    pub(crate) helo: Cow<'a, str>,
    /// Whether it came in.
    pub(crate) inward: bool,
    /// Whether a stranger brought the mail, and whether it went on to a server of our own network: both make it one that
    /// came in.
    pub(crate) from_outside: bool,
    pub(crate) to_inside: bool,
    /// Our server's address.
    pub(crate) from_ip: Cow<'a, str>,
    /// Their server's address.
    pub(crate) to_ip: Cow<'a, str>,
    /// What was said.
    pub(crate) reply: Cow<'a, str>,
}

impl Event<'_> {
    /// The same, on its own.
    pub(crate) fn into_owned(self) -> Event<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Event {
            what: self.what,
            message: own(self.message),
            in_turn: self.in_turn,
            id: own(self.id),
            at: self.at,
            sent: self.sent,
            sender: own(self.sender),
            recipient: own(self.recipient),
            client: own(self.client),
            login: own(self.login),
            helo: own(self.helo),
            inward: self.inward,
            from_outside: self.from_outside,
            to_inside: self.to_inside,
            from_ip: own(self.from_ip),
            to_ip: own(self.to_ip),
            reply: own(self.reply),
        }
    }
}

/// A mail waits this long for its end; queues give up after five days.
pub(crate) const PATIENCE: i64 = 6 * 86_400;

/// Mails held at once.
const HELD: usize = 50_000;

/// Attempts kept of one mail.
const TRIES: usize = 200;

/// Events remembered, to know them again.
const REMEMBERED: usize = 30_000;

/// The longest reply kept.
const REPLY: usize = 4 << 10;

/// Mails under way.
#[derive(Debug, Default)]
pub(crate) struct Mails {
    /// In the order they were first heard of.
    mails: BTreeMap<u64, Mail>,
    by_key: HashMap<u64, u64>,
    next: u64,
    seen: VecDeque<u64>,
    seen_set: HashSet<u64>,
    latest: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mail {
    key: u64,
    sender: String,
    recipient: String,
    client: String,
    #[serde(default)]
    login: String,
    #[serde(default)]
    helo: String,
    way: u8,
    start: i64,
    ended: bool,
    #[serde(default)]
    from_outside: bool,
    #[serde(default)]
    to_inside: bool,
    /// Seconds it may wait for its next event.
    #[serde(default = "patience")]
    patience: i64,
    tries: Vec<Try>,
}

fn patience() -> i64 {
    PATIENCE
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Try {
    at: i64,
    from_ip: String,
    to_ip: String,
    reply: String,
    accepted: bool,
    last: bool,
}

/// What the next night goes on with.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    mails: Vec<Mail>,
    seen: Vec<u64>,
    latest: i64,
}

impl Mails {
    /// From what [`Mails::save`] gave.
    pub(crate) fn load(saved: Option<serde_json::Value>) -> Result<Self, serde_json::Error> {
        let saved: Saved = saved.map_or_else(|| Ok(Saved::default()), serde_json::from_value)?;
        let mut this = Mails { latest: saved.latest, ..Mails::default() };
        for mail in saved.mails {
            this.by_key.insert(mail.key, this.next);
            this.mails.insert(this.next, mail);
            this.next += 1;
        }
        for id in saved.seen {
            this.remember(id);
        }
        Ok(this)
    }

    /// What is not told yet.
    pub(crate) fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(Saved {
            mails: self.mails.values().cloned().collect(),
            seen: self.seen.iter().copied().collect(),
            latest: self.latest,
        })
    }

    /// Mails that failed so far and have no end.
    pub(crate) fn pending(&self) -> u64 {
        self.mails.values().filter(|mail| !mail.tries.is_empty()).count() as u64
    }

    /// Takes an event in; false where it was known.
    pub(crate) fn add(&mut self, event: &Event<'_>, emit: Emit<'_>) -> bool {
        let id = hash(&[
            if event.id.is_empty() { &event.reply } else { &event.id },
            &event.message,
            &event.recipient,
            &(if event.id.is_empty() { event.at.0 } else { 0 }).to_string(),
            &(event.what as u8).to_string(),
        ]);
        let alone = event.message.is_empty() && event.id.is_empty();
        // Two mails alike may end alike in the same second.
        if !alone && event.in_turn.is_none() && !self.remember(id) {
            return false;
        }
        self.latest = self.latest.max(event.at.0);
        if event.message.is_empty() {
            let mut mail = Mail::new(event, 0);
            mail.take(event);
            mail.tell(emit);
            return true;
        }
        let key = hash(&[&event.message, &fold(&event.recipient)]);
        if event.in_turn.is_some()
            && self.by_key.get(&key).and_then(|n| self.mails.get(n)).is_some_and(|mail| mail.is_over(event.at.0))
        {
            self.tell_one(key, emit);
        }
        if event.in_turn.is_none() && !event.client.is_empty() && !self.by_key.contains_key(&key) {
            self.came_back(event, key, emit);
        }
        let at = *self.by_key.entry(key).or_insert_with(|| {
            self.next += 1;
            self.mails.insert(self.next - 1, Mail::new(event, key));
            self.next - 1
        });
        if let Some(mail) = self.mails.get_mut(&at) {
            mail.take(event);
            if mail.ended && event.in_turn.is_some() {
                self.tell_one(key, emit);
            }
        }
        if self.mails.len() > HELD {
            self.tell(|mail, _| mail.ended, emit);
            // Where nothing ends, the older half goes as it stands.
            let middle = self.next - HELD as u64 / 2;
            if self.mails.len() > HELD / 2 {
                self.tell(|_, n| n < middle, emit);
            }
        }
        true
    }

    /// The night ends: tells the mails that ended, and those too old to wait for.
    pub(crate) fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        let now = self.latest;
        self.tell(|mail, _| settle || mail.ended || mail.is_over(now), emit);
    }

    fn tell(&mut self, ripe: impl Fn(&Mail, u64) -> bool, emit: Emit<'_>) {
        let by_key = &mut self.by_key;
        self.mails.retain(|n, mail| {
            let ripe = ripe(mail, *n);
            if ripe {
                by_key.remove(&mail.key);
                mail.tell(emit);
            }
            !ripe
        });
    }

    /// A mail that was turned away before goes on under its own name, unless it comes back too late to be the same.
    fn came_back(&mut self, event: &Event<'_>, key: u64, emit: Emit<'_>) {
        let before = hash(&[&turned_away(&event.client, &event.sender), &fold(&event.recipient)]);
        let Some(n) = self.by_key.get(&before).copied() else { return };
        match self.mails.get_mut(&n) {
            Some(mail) if !mail.is_over(event.at.0) => {
                (mail.key, mail.patience) = (key, PATIENCE);
                self.by_key.remove(&before);
                self.by_key.insert(key, n);
            }
            _ => self.tell_one(before, emit),
        }
    }

    fn tell_one(&mut self, key: u64, emit: Emit<'_>) {
        if let Some(mail) = self.by_key.remove(&key).and_then(|n| self.mails.remove(&n)) {
            mail.tell(emit);
        }
    }

    fn remember(&mut self, id: u64) -> bool {
        if !self.seen_set.insert(id) {
            return false;
        }
        self.seen.push_back(id);
        if self.seen.len() > REMEMBERED
            && let Some(oldest) = self.seen.pop_front()
        {
            self.seen_set.remove(&oldest);
        }
        true
    }
}

impl Mail {
    fn new(event: &Event<'_>, key: u64) -> Self {
        Mail {
            key,
            sender: String::new(),
            recipient: cut(event.recipient.trim(), MAX_ADDRESS).to_owned(),
            client: String::new(),
            login: String::new(),
            helo: String::new(),
            way: 0,
            start: event.at.0,
            ended: false,
            from_outside: false,
            to_inside: false,
            patience: event.in_turn.unwrap_or(PATIENCE),
            tries: Vec::new(),
        }
    }

    fn take(&mut self, event: &Event<'_>) {
        if self.sender.is_empty() {
            self.sender = cut(event.sender.trim(), MAX_ADDRESS).to_owned();
        }
        if self.client.is_empty() {
            self.client = cut(&event.client, 64).to_owned();
        }
        if self.login.is_empty() {
            self.login = cut(event.login.trim(), MAX_ADDRESS).to_owned();
        }
        if self.helo.is_empty() {
            self.helo = cut(event.helo.trim(), MAX_ADDRESS).to_owned();
        }
        self.from_outside |= event.from_outside;
        self.to_inside |= event.to_inside;
        let way = match event.what {
            What::Suppressed => Direction::Stopped,
            _ if event.inward => Direction::In,
            _ => Direction::Out,
        };
        if self.tries.is_empty() && event.what != What::Begun || event.inward {
            self.way = way as u8;
        }
        self.start = self.start.min(event.sent.map_or(event.at.0, |at| at.0)).min(event.at.0);
        if event.what == What::Begun || self.tries.len() >= TRIES {
            return;
        }
        let last = event.what != What::Deferred;
        self.ended |= last;
        // No server said anything then: what it said before is the cause.
        if matches!(event.what, What::Expired | What::Suppressed) && !self.tries.is_empty() {
            return;
        }
        // Webhooks arrive in any order.
        let place = self.tries.partition_point(|t| (t.at, t.last) <= (event.at.0, last));
        self.tries.insert(
            place,
            Try {
                at: event.at.0,
                from_ip: cut(&event.from_ip, 64).to_owned(),
                to_ip: cut(&event.to_ip, 64).to_owned(),
                reply: cut(event.reply.trim(), REPLY).to_owned(),
                accepted: event.what == What::Delivered,
                last,
            },
        );
    }

    /// Whether what happens at `now` comes too late to be of this mail.
    fn is_over(&self, now: i64) -> bool {
        self.last() < now - self.patience
    }

    fn last(&self) -> i64 {
        self.tries.last().map_or(self.start, |t| t.at)
    }

    fn tell(&self, emit: Emit<'_>) {
        if self.tries.is_empty() {
            return;
        }
        let attempts: Vec<Attempt<'_>> = self
            .tries
            .iter()
            .map(|t| Attempt { from_ip: &t.from_ip, to_ip: &t.to_ip, reply: &t.reply, accepted: t.accepted })
            .collect();
        emit(&Delivery {
            sender: &self.sender,
            recipient: &self.recipient,
            client: (!self.client.is_empty()).then_some(&self.client),
            login: &self.login,
            helo: &self.helo,
            direction: match self.way {
                way if way == Direction::Stopped as u8 => Direction::Stopped,
                way if way == Direction::In as u8 || self.from_outside && self.to_inside => Direction::In,
                _ => Direction::Out,
            },
            start: Timestamp(self.start),
            end: Timestamp(self.last().max(self.start)),
            spam: false,
            attempts: &attempts,
        });
    }
}

/// What names the mails of `sender` that `client`, or a neighbour, was refused before they had a name of their own.
pub(crate) fn turned_away(client: &str, sender: &str) -> String {
    format!("\0{}\0{}", network(client), fold(sender))
}

/// One reply out of the parts a provider keeps it in; what the text says already is not said twice.
pub(crate) fn said<'a>(code: Option<i64>, enhanced: &str, text: &'a str) -> Cow<'a, str> {
    let text = text.trim();
    let known = Reply::parse(text);
    let code = code.filter(|code| (200..600).contains(code) && known.code.is_none());
    let enhanced = enhanced.split_whitespace().next().unwrap_or("");
    let enhanced =
        if known.enhanced.is_none() && crate::reply::Enhanced::parse(enhanced).is_some() { enhanced } else { "" };
    match (code, enhanced, known.code) {
        (None, "", _) => Cow::Borrowed(text),
        (None, e, Some(_)) if text.is_char_boundary(3) => {
            Cow::Owned(format!("{} {e} {}", &text[..3], text[3..].trim_start_matches(['-', ' '])).trim_end().to_owned())
        }
        (None, e, _) => Cow::Owned(format!("{e} {text}").trim_end().to_owned()),
        (Some(code), "", _) => Cow::Owned(format!("{code} {text}").trim_end().to_owned()),
        (Some(code), e, _) => Cow::Owned(format!("{code} {e} {text}").trim_end().to_owned()),
    }
}

/// `smtp; 550 5.1.1 …` without its kind.
pub(crate) fn diagnostic(text: &str) -> &str {
    match text.split_once(';') {
        Some((kind, rest))
            if !kind.is_empty()
                && kind.len() < 20
                && kind.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            rest.trim()
        }
        _ => text.trim(),
    }
}

/// `Name <a@b>` as `a@b`.
pub(crate) fn bare(address: &str) -> &str {
    let address = address.trim();
    match (address.rfind('<'), address.rfind('>')) {
        (Some(from), Some(to)) if from < to => address[from + 1..to].trim(),
        _ => address,
    }
}

/// The address inside `host (192.0.2.1)`, `dns; host [192.0.2.1]` or `192.0.2.1:25`.
pub(crate) fn ip_in(text: &str) -> &str {
    let inner = text.rsplit_once(['(', '[']).map_or(text, |(_, rest)| rest);
    let inner = inner.split([')', ']']).next().unwrap_or("").trim();
    let inner = if inner.matches(':').count() == 1 { inner.split(':').next().unwrap_or("") } else { inner };
    if inner.parse::<std::net::IpAddr>().is_ok() { inner } else { "" }
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn hash(parts: &[&str]) -> u64 {
    stable_hash(parts.join("\0").as_bytes())
}
