//! Mail providers' events: JSON objects, one a line, pretty-printed or in arrays, wrapped or not.

use std::marker::PhantomData;

use super::{
    Options,
    event::{Event, Mails},
    format::{self, Emit, Format, Joined, Reader},
    json::{Json, Objects},
    reject::Tally,
};
use crate::{error::Error, moment::Timestamp};

/// One provider's events.
pub(crate) trait Provider: Send + Sync + 'static {
    /// What its events do not say.
    const BLIND: &'static [&'static str] = &[];
    /// Whether `text` holds its events, by the names of fields that only it uses.
    fn knows(text: &str) -> bool;
    /// Calls `tell` with what `value` says of recipients; false where it is none of this provider's.
    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool;
}

impl<P: Provider> Format for P {
    fn looks_like(&self, line: &str) -> bool {
        line.trim_start_matches(['\u{feff}', ' ', '\t']).starts_with(['{', '[']) && P::knows(line)
    }

    fn known(&self, sample: &str) -> usize {
        if !sample.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) || !P::knows(sample) {
            return 0;
        }
        let lines = sample.lines().filter(|line| self.looks_like(line)).count();
        // Printed over many lines, no line says it all.
        if lines > 0 { lines } else { sample.lines().filter(|line| format::says_something(line)).count() }
    }

    fn moment(&self, line: &str, _: &Options) -> Option<Timestamp> {
        let mut at = None;
        Objects::default().feed(line, &mut |object| {
            if let (None, Ok(Ok(value))) = (at, object.map(Json::parse)) {
                P::events(&value, &mut |event| at = at.or((event.at.0 > 0).then_some(event.at)));
            }
        });
        at
    }

    fn is_whole(&self, line: &str) -> bool {
        let end = line.trim_end_matches([',', ' ', '\r']);
        end == "]" || end == "}" || Json::parse(end).is_ok()
    }

    fn reader(&self) -> Reader {
        Reader::Joined(start::<P>)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        P::BLIND
    }
}

fn start<P: Provider>(options: &Options, saved: Option<serde_json::Value>) -> Result<Box<dyn Joined>, Error> {
    let mails = Mails::load(saved)
        .map_err(|cause| Error::Data { name: "pending provider events".to_owned(), cause: cause.to_string() })?;
    let (objects, now) = (Objects::default(), options.now);
    Ok(Box::new(Stream::<P> { objects, open: 0, mails, now, provider: PhantomData }))
}

/// Bytes of a record that may wait for its end: more is none, and to be said so.
const WAITS: usize = 256 << 10;

struct Stream<P> {
    objects: Objects,
    /// Bytes of the lines that `objects` holds.
    open: usize,
    mails: Mails,
    /// Of events without a time of their own: when the one before happened.
    now: Timestamp,
    provider: PhantomData<P>,
}

impl<P: Provider> Joined for Stream<P> {
    fn begin(&mut self, _: Option<i64>) {
        (self.objects, self.open) = (Objects::default(), 0);
    }

    fn chunk(&mut self, bytes: &[u8], emit: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        let Stream { objects, mails, now, .. } = &mut *self;
        let mut told = 0;
        format::lines(bytes, &mut tally, |line, tally| {
            let line = line.trim_start_matches('\u{feff}');
            objects.feed(line, &mut |object| {
                tally.relevant += 1;
                match object.map(Json::parse) {
                    Ok(Ok(value)) => take::<P>(&value, mails, now, tally, &mut |d| {
                        told += 1;
                        emit(d);
                    }),
                    Ok(Err(cause)) => tally.reject(&format!("no JSON: {cause}"), line),
                    Err(text) => tally.reject("no JSON object", text),
                }
            });
        });
        tally.records += told;
        let lines = objects.open_lines();
        self.open = match lines as u64 > tally.lines {
            true => self.open + bytes.len(),
            false => last_lines(bytes, lines),
        };
        tally
    }

    fn open_bytes(&self) -> usize {
        if self.open <= WAITS { self.open } else { 0 }
    }

    fn end(&mut self, _: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        self.open = 0;
        self.objects.give_up(&mut |object| {
            if let Err(text) = object {
                tally.relevant += 1;
                tally.reject("an object without its end", text);
            }
        });
        tally
    }

    fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        self.mails.finish(settle, emit);
    }

    fn pending(&self) -> u64 {
        self.mails.pending()
    }

    fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.mails.save()
    }
}

fn take<P: Provider>(value: &Json<'_>, mails: &mut Mails, now: &mut Timestamp, tally: &mut Tally, emit: Emit<'_>) {
    let (mut told, mut nameless) = (0, 0);
    let known = P::events(value, &mut |mut event| {
        if event.at.0 <= 0 {
            event.at = *now;
        }
        *now = event.at;
        if event.recipient.trim().is_empty() {
            nameless += 1;
            return;
        }
        told += 1;
        mails.add(&event, emit);
    });
    if !known {
        return tally.reject("no event of this provider", "");
    }
    tally.recognised += 1;
    tally.own += 1;
    if nameless > 0 {
        tally.reject("an event without its recipient", "");
    } else if told == 0 {
        tally.ignored += 1;
    }
}

/// Bytes of the last `count` lines, of which the last may lack its end.
fn last_lines(bytes: &[u8], count: usize) -> usize {
    let whole = bytes.len() - usize::from(bytes.last() == Some(&b'\n'));
    let Some(before) = count.checked_sub(1) else { return 0 };
    let start = memchr::memrchr_iter(b'\n', &bytes[..whole]).nth(before);
    bytes.len() - start.map_or(0, |at| at + 1)
}

/// Seconds, milliseconds or a written date under `path`.
pub(crate) fn moment(value: &Json<'_>, path: &str) -> Timestamp {
    let written = value.text(path);
    if written.contains('-') {
        return Timestamp::parse(written).unwrap_or_default();
    }
    match value.int(path) {
        Some(ms) if ms > 100_000_000_000 => Timestamp(ms / 1000),
        Some(s) => Timestamp(s),
        None => Timestamp::default(),
    }
}
