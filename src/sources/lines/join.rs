//! Lines become deliveries, host by host. Lines are read before their turn, on any core, then joined in their order.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, folded},
    head::{self, Head, Stamp, Years},
    host::{Host, SavedHost},
    pieces::Pieces,
    relay::Relays,
    server::Server,
};
use crate::{
    delivery::Delivery,
    error::Error,
    moment::Timestamp,
    sources::{
        FormatKind, Options, exim,
        format::{self, Ahead, Emit, Joined},
        journald::Journal,
        reject::Tally,
        split::MAX_LINE,
    },
};

/// The join over all hosts of the logs.
struct Join {
    /// Whether the input is journald's.
    journald: bool,
    journal: Journal,
    state: State,
}

/// What lines change.
struct State {
    years: Years,
    /// Stamps beyond this are somebody's broken clock and move none of ours.
    horizon: Timestamp,
    /// Where in `hosts`, by name.
    places: BTreeMap<String, usize>,
    hosts: Vec<Host>,
    relays: Relays,
    pieces: Pieces,
}

/// Between nights.
#[derive(Default, Serialize, Deserialize)]
struct Saved {
    hosts: BTreeMap<String, SavedHost>,
    pieces: Pieces,
    journal: Journal,
}

/// What the lines of a chunk tell, not joined yet.
pub(crate) struct Read<'a> {
    tally: Tally,
    items: Vec<Item<'a>>,
}

/// What a line tells, and where and when.
struct Item<'a> {
    stamp: Stamp,
    host: &'a str,
    event: Event<'a>,
}

/// How far ahead of the clock a stamp may be: zones and clocks differ, but not by more.
const AHEAD: i64 = 2 * 86_400;

/// Goes on from what the night before saved.
pub(crate) fn start(options: &Options, saved: Option<serde_json::Value>) -> Result<Box<dyn Joined>, Error> {
    let unknown = |cause: serde_json::Error| Error::Data {
        name: "pending mails of line logs".to_owned(),
        cause: cause.to_string(),
    };
    let saved: Saved = saved.map_or(Ok(Saved::default()), serde_json::from_value).map_err(unknown)?;
    let (names, hosts): (Vec<String>, Vec<Host>) =
        saved.hosts.into_iter().map(|(name, host)| (name, Host::of(host))).unzip();
    Ok(Box::new(Join {
        journald: false,
        journal: saved.journal,
        state: State {
            years: Years::new(options),
            horizon: options.now.plus(AHEAD),
            places: names.into_iter().zip(0..).collect(),
            relays: Relays::of(&hosts),
            hosts,
            pieces: saved.pieces,
        },
    }))
}

impl Joined for Join {
    fn carrier(&mut self, kind: FormatKind) {
        self.journald = kind == FormatKind::Journald;
    }

    fn begin(&mut self, year: Option<i64>) {
        self.state.years.begin(year);
    }

    fn chunk(&mut self, bytes: &[u8], emit: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        if !self.journald {
            ahead(bytes, &mut |read| tally = self.join(read, &mut *emit));
            return tally;
        }
        let (journal, state, mut records) = (&mut self.journal, &mut self.state, 0);
        journal.read(bytes, &mut tally, &mut |head| {
            let Some(server) = Server::of(head) else { return false };
            server.read(head, &mut |event| {
                records += state.take(&Item { stamp: head.stamp, host: head.host, event }, &mut *emit);
            });
            true
        });
        tally.records = records;
        tally
    }

    fn ahead(&self) -> Option<Ahead> {
        if self.journald { None } else { Some(ahead) }
    }

    fn join(&mut self, read: Read<'_>, emit: Emit<'_>) -> Tally {
        let Read { mut tally, items } = read;
        tally.records = items.iter().map(|item| self.state.take(item, &mut *emit)).sum();
        tally
    }

    fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        let State { places, hosts, .. } = &mut self.state;
        // A mail of which the hop before may be told tomorrow has a mail of the same sender still in a queue.
        let open: HashSet<Option<CompactString>> = hosts.iter().flat_map(Host::open_senders).cloned().collect();
        for place in places.values() {
            hosts[*place].finish(settle, &open, emit);
        }
    }

    fn pending(&self) -> u64 {
        self.state.hosts.iter().map(|host| host.pending() as u64).sum()
    }

    fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        let State { places, hosts, .. } = &self.state;
        let hosts: BTreeMap<_, _> = places.iter().map(|(name, place)| (name, hosts[*place].saved())).collect();
        Ok(serde_json::json!({ "hosts": hosts, "pieces": self.state.pieces, "journal": self.journal }))
    }
}

impl State {
    /// Takes in what a line tells; returns how many deliveries that completed.
    fn take(&mut self, item: &Item<'_>, emit: Emit<'_>) -> u64 {
        let at = self.years.moment(item.stamp);
        match item.event {
            Event::Nothing => return 0,
            Event::Piece { pid, number, of, text } => {
                let process = format!("{}\0{pid}", item.host);
                let Some(whole) = self.pieces.add(&process, number, of, text) else { return 0 };
                let head = Head { stamp: Stamp::At(at), host: item.host, program: "exim", pid, rest: &whole };
                let mut records = 0;
                exim::read(&head, &mut |event| {
                    // A whole line is no piece of another.
                    if !matches!(event, Event::Piece { .. }) {
                        records += self.take(&Item { stamp: head.stamp, host: item.host, event }, &mut *emit);
                    }
                });
                return records;
            }
            _ => {}
        }
        if let Cow::Owned(reply) = folded(item.event.reply()) {
            let event = item.event.with_reply(&reply);
            return self.take(&Item { stamp: Stamp::At(at), host: item.host, event }, emit);
        }
        let place = match self.places.get(item.host) {
            Some(place) => *place,
            None => self.add(item.host),
        };
        let mut records = 0;
        let mut counted = |delivery: &Delivery<'_>| {
            records += 1;
            emit(delivery);
        };
        if at <= self.horizon {
            self.hosts[place].tick(at, &mut counted);
        }
        if self.hosts.len() == 1 || !self.relays.take(&mut self.hosts, place, &item.event, at, &mut counted) {
            self.hosts[place].take(item.event, at, &mut counted);
        }
        records
    }

    /// A host that no line told of before.
    fn add(&mut self, name: &str) -> usize {
        self.hosts.push(Host::default());
        if self.hosts.len() == 2 {
            self.relays = Relays::of(&self.hosts);
        }
        self.places.insert(name.to_owned(), self.hosts.len() - 1);
        self.hosts.len() - 1
    }
}

/// A chunk as text, and how many of its lines were no UTF-8.
fn text(chunk: &[u8]) -> (Cow<'_, str>, u64) {
    match std::str::from_utf8(chunk) {
        Ok(text) => (Cow::Borrowed(text), 0),
        Err(_) => {
            let (mut whole, mut lossy) = (String::with_capacity(chunk.len()), 0);
            for line in chunk.split_inclusive(|b| *b == b'\n') {
                let line = String::from_utf8_lossy(line);
                lossy += u64::from(matches!(line, Cow::Owned(_)));
                whole.push_str(&line);
            }
            (Cow::Owned(whole), lossy)
        }
    }
}

/// See [`Joined::ahead`].
fn ahead(bytes: &[u8], then: &mut dyn FnMut(Read<'_>)) {
    let (text, lossy) = text(bytes);
    then(read(&text, lossy));
}

fn read(text: &str, lossy: u64) -> Read<'_> {
    let mut tally = Tally { lossy, ..Tally::default() };
    let mut items: Vec<Item<'_>> = Vec::with_capacity(text.len() / 128);
    let (mut month, mut before) = (0, head::Before::default());
    format::lines_of_text(text, &mut tally, |line, tally| {
        if !format::says_something(line) {
            return;
        }
        tally.relevant += 1;
        if line.len() > MAX_LINE {
            return tally.reject("the line is longer than any record could be", line);
        }
        let Some(head) = head::read_after(line, &mut before) else {
            if exim::is_header_block(line) {
                tally.recognised += 1;
                return;
            }
            return tally.reject("no syslog line: time, host and program expected", line);
        };
        tally.recognised += 1;
        let known = items.len();
        if let Some(server) = Server::of(&head) {
            server.read(&head, &mut |event| items.push(Item { stamp: head.stamp, host: head.host, event }));
            tally.own +=
                u64::from(items.len() > known || head.program.starts_with("postfix") || server != Server::Postfix);
        }
        // Lines without a year date each other, whoever wrote them.
        if let Stamp::InYear { month: this, .. } = head.stamp
            && this != std::mem::replace(&mut month, this)
            && items.len() == known
        {
            items.push(Item { stamp: head.stamp, host: "", event: Event::Nothing });
        }
    });
    Read { tally, items }
}
