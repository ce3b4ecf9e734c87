//! One JSON object a mail, with parallel arrays, one entry an attempt (INTERFACE.md, "Input record").
//!
//! `from_ip` is our own outgoing server: it never becomes [`Delivery::client`].

mod fields;

use super::{
    Options,
    format::{self, Emit, Format, Reader},
    reject::Tally,
    split::MAX_LINE,
};
use crate::{
    delivery::{Attempt, Delivery, Direction},
    moment::Timestamp,
};
use fields::Fields;

/// The format.
pub(crate) struct Coremail;

impl Format for Coremail {
    fn looks_like(&self, line: &str) -> bool {
        // Other JSON logs have a sender and a recipient too; only this one has all replies in one list.
        let line = line.trim();
        line.starts_with('{')
            && line.contains("\"delivery_result\"")
            && (line.contains("\"to\"") || line.contains("\"from\""))
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        let mut fields = Fields::default();
        fields::parse(line.trim(), &mut fields).ok()?;
        options.zone.stamp(fields.start_time.as_deref()?)
    }

    fn is_whole(&self, line: &str) -> bool {
        fields::parse(line.trim(), &mut Fields::default()).is_ok()
    }

    fn reader(&self) -> Reader {
        Reader::Lines(chunk)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        &["mail that came in, unless it is written as such", "the client a mail came from, where it has no client_ip"]
    }
}

fn chunk(bytes: &[u8], options: &Options, emit: Emit<'_>) -> Tally {
    let mut tally = Tally::default();
    if bytes.is_empty() {
        return tally;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let mut fields = Fields::default();
            for line in memchr::memchr_iter(b'\n', bytes)
                .chain((bytes.last() != Some(&b'\n')).then_some(bytes.len()))
                .scan(0, |from, end| Some(&text[std::mem::replace(from, end + 1)..end]))
            {
                tally.lines += 1;
                take(line, &mut fields, options, &mut tally, emit);
            }
        }
        Err(_) => {
            format::lines(bytes, &mut tally, |line, tally| take(line, &mut Fields::default(), options, tally, emit))
        }
    }
    tally
}

fn take<'a>(line: &'a str, fields: &mut Fields<'a>, options: &Options, tally: &mut Tally, emit: Emit<'_>) {
    let line = format::without_bom(line).trim_ascii();
    if !format::says_something(line) {
        return;
    }
    tally.relevant += 1;
    if line.len() > MAX_LINE {
        return tally.reject("the line is longer than any record could be", line);
    }
    if let Err(cause) = fields::parse(line, fields) {
        return tally.reject(&cause, line);
    }
    // An object of some other kind is not recognised, however well-formed.
    if fields.from.is_some() || fields.start_time.is_some() || !fields.delivery_result.is_empty() {
        tally.recognised += 1;
        tally.own += 1;
    }
    match record(fields, options, emit) {
        Ok(()) => tally.records += 1,
        Err(cause) => tally.reject(cause, line),
    }
}

/// Attempts of a mail kept on the stack; retries beyond are rare.
const FEW: usize = 8;

fn record(fields: &Fields<'_>, options: &Options, emit: Emit<'_>) -> Result<(), &'static str> {
    let sender = fields.from.as_deref().ok_or("no from")?;
    if fields.to.is_empty() || fields.to.iter().any(|to| to.trim().is_empty()) {
        return Err("no to");
    }
    let start = fields.start_time.as_deref().ok_or("no start_time")?;
    let start = options.zone.stamp(start).ok_or("start_time is no date and time")?;
    let taken: i64 = fields.delivery_latency.iter().map(|ms| ms.max(0.0) as i64).fold(0, i64::saturating_add);
    let end = match fields.end_time.as_deref().and_then(|end| options.zone.stamp(end)) {
        Some(end) => end.max(start),
        None => start.plus(taken / 1000),
    };
    let attempt = |n: usize| tried(text(&fields.from_ip, n), text(&fields.to_ip, n), text(&fields.delivery_result, n));
    let count = fields.delivery_result.len();
    let mut few = [Attempt::default(); FEW];
    let many: Vec<Attempt<'_>>;
    let attempts = match count {
        0 => return Err("no delivery_result"),
        1..=FEW => {
            for (n, slot) in few.iter_mut().enumerate().take(count) {
                *slot = attempt(n);
            }
            &few[..count]
        }
        _ => {
            many = (0..count).map(attempt).collect();
            &many[..]
        }
    };
    let client = fields.client_ip.as_deref().map(str::trim).filter(|ip| !ip.is_empty());
    let spam = fields.email_flag.as_deref().is_some_and(|flag| flag.trim().eq_ignore_ascii_case("spam"));
    for to in &fields.to {
        let (login, helo, direction) = ("", "", Direction::Out);
        emit(&Delivery { sender, recipient: to, client, login, helo, direction, start, end, spam, attempts });
    }
    Ok(())
}

fn text<'f>(list: &'f fields::List<'_>, n: usize) -> &'f str {
    list.get(n).map_or("", |s| &**s)
}

/// Whether a reply tells what another server said. Colons are rare: looking for them is sooner done than for the words.
fn quotes(reply: &[u8]) -> bool {
    memchr::memchr_iter(b':', reply).any(|at| reply[..at].ends_with(b" said") && reply.get(at + 1) == Some(&b' '))
}

/// As [`Attempt::replied`], without looking further where the reply begins with its code, as nearly all do.
fn tried<'f>(from_ip: &'f str, to_ip: &'f str, reply: &'f str) -> Attempt<'f> {
    match reply.as_bytes() {
        [class @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] if !quotes(reply.as_bytes()) => {
            Attempt { from_ip, to_ip, reply, accepted: *class == b'2' }
        }
        _ => Attempt::replied(from_ip, to_ip, reply),
    }
}
