//! The inputs one after the other, their lines on all cores.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    thread,
};

use super::{
    FormatKind, Input, InputCount, Known, Mark, Options, Reading, Reject,
    ahead::{Stream, Unpacking},
    copies::{self, Copies},
    format::{Format, Joined, Reader},
    lanes::{self, Add, Done, Watch, Way},
    mark::{self, Trace},
    reject::{self, Tally},
    split::{CHUNK, Chunk, Chunks},
    unpack,
};
use crate::{delivery::Delivery, error::Error};

/// Marks kept; the oldest go first. A mark is some hundred bytes, a log a day fills this in 27 years.
const MARKS: usize = 10_000;

/// Version of the saved form: 2 joins all line logs as one.
const SAVED: u64 = 2;

/// Reads `inputs`, but not what `known` had read: each delivery goes to `add` with one of the workers from `make`.
pub fn read<W: Send>(
    inputs: Vec<Input>,
    known: &Known,
    options: &Options,
    make: &(dyn Fn() -> W + Sync),
    add: &(dyn Fn(&mut W, &Delivery<'_>) + Sync),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Reading<W>, Error> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&i| (inputs[i].first, std::cmp::Reverse(inputs[i].rotation()), inputs[i].size(), i));
    thread::scope(|scope| {
        let unpacking = Unpacking::new(scope, &inputs, &order, progress);
        in_order(&inputs, &order, unpacking, known, options, make, add)
    })
}

/// Reads `inputs` one after the other.
fn in_order<W: Send>(
    inputs: &[Input],
    order: &[usize],
    mut unpacking: Unpacking<'_, '_>,
    known: &Known,
    options: &Options,
    make: &(dyn Fn() -> W + Sync),
    add: Add<'_, W>,
) -> Result<Reading<W>, Error> {
    let mut workers: Vec<W> = (0..lanes::workers()).map(|_| make()).collect();
    let mut marks = known.marks.clone();
    let mut saved = load(&known.pending)?;
    let mut joins: BTreeMap<&'static str, Box<dyn Joined>> = BTreeMap::new();
    for kind in FormatKind::ALL {
        // Once a family: its other formats find nothing left to go on from.
        if let (Some(state), Reader::Joined(start)) = (saved.remove(kind.family()), kind.format().reader()) {
            joins.insert(kind.family(), start(options, Some(state))?);
        }
    }
    let mut counts: Vec<InputCount> = vec![InputCount::default(); inputs.len()];
    let mut rejects = vec![Vec::new(); inputs.len()];
    let (mut kept, mut unkept) = (0, 0);
    let copies = Copies::among(inputs, order, options);
    let mut copied = vec![false; inputs.len()];

    for (place, &i) in order.iter().enumerate() {
        let input = &inputs[i];
        unpacking.turn(place);
        let file = |cause: String, excerpt: String| Reject { file: input.path.clone(), line: 0, cause, excerpt };
        let Some(kind) = input.format else {
            let cause = if input.empty { None } else { Some(leave_out(input, inputs)?) };
            counts[i] = InputCount {
                path: input.path.clone(),
                format: "unknown".to_owned(),
                rejected: u64::from(cause.is_some()),
                ..InputCount::default()
            };
            rejects[i].extend(cause.map(|cause| file(cause, String::new())));
            (unpacking.progress)(input.total_bytes);
            continue;
        };
        let mut opened = false;
        let found = mark::find(&marks, &input.head, || {
            opened = true;
            unpacking.stream(i)
        });
        let found = found.map_err(|e| input.unreadable(e))?;
        let (seen, rest) = found.map_or((None, None), |found| (Some(marks.remove(found.at)), found.rest));
        // What was read to know it again goes on, where it is at the right place.
        let (trace, plain) = match (rest, opened) {
            (Some(rest), _) => rest,
            (None, false) => (Trace::default(), unpacking.stream(i).map_err(|e| input.unreadable(e))?),
            // The progress of these bytes is told already.
            (None, true) => {
                let again = input.raw().and_then(unpack::unpack).map_err(|e| input.unreadable(e))?;
                (Trace::default(), again.0 as Stream<'_>)
            }
        };
        let format = kind.format();
        let original = copies.original(i, seen.as_ref().map_or(0, |mark| mark.offset));
        copied[i] = original.is_some();
        let reader = match format.reader() {
            _ if original.is_some() => Way::Lines(copies::pass_over),
            Reader::Lines(each) => Way::Lines(each),
            Reader::Joined(start) => {
                let join = match joins.entry(kind.family()) {
                    Entry::Occupied(join) => join.into_mut(),
                    Entry::Vacant(free) => free.insert(start(options, None)?),
                };
                // What was added to a known log is new, and so not of its first year.
                join.carrier(kind);
                join.begin(if seen.is_none() { input.year } else { None });
                join.head(&input.head);
                Way::Joined(&mut **join)
            }
        };
        let tally = Tally { kept, ..Tally::default() };
        let notes = original.map(|original| (format!("its mail is in {original}, too: left out"), String::new()));
        let mut one = One { input, format, options, add, trace, tally, notes: notes.into_iter().collect() };
        one.read(reader, plain, seen.as_ref(), &mut workers)?;
        let already_seen = seen.map_or(0, |mark| mark.records);
        let One { trace, tally, mut notes, .. } = one;
        if trace.offset() > 0 {
            marks.push(trace.mark(already_seen + tally.records, &input.path));
        }
        // What is new in a log known as one may be little, and odd; it is judged as a whole only.
        let whole = already_seen == 0 && !input.part;
        if whole && reject::is_another(tally.relevant, tally.recognised) {
            return Err(Error::Unrecognised {
                path: input.path.clone(),
                format: kind.name().to_owned(),
                recognised: tally.recognised,
                lines: tally.relevant,
            });
        }
        // Syslog of some other mail server reads well and says nothing: that must not pass for a quiet night.
        if whole && tally.relevant > 0 && tally.own == 0 {
            notes.push((format!("none of its {} lines is of {}", tally.relevant, kind.name()), String::new()));
        }
        kept = tally.kept;
        let beyond = tally.rejected - tally.rejects.len() as u64;
        let said = notes.len() as u64;
        rejects[i].extend(notes.into_iter().map(|(cause, excerpt)| file(cause, excerpt)));
        rejects[i].extend(tally.rejects.into_iter().map(|(line, cause, excerpt)| Reject {
            file: input.path.clone(),
            line,
            cause,
            excerpt,
        }));
        unkept += beyond;
        if beyond > 0 {
            rejects[i].push(file(format!("{beyond} more lines could not be read and are not kept"), String::new()));
        }
        counts[i] = InputCount {
            path: input.path.clone(),
            format: kind.name().to_owned(),
            records: tally.records,
            rejected: tally.rejected + said,
            already_seen,
            blind_to: kind.blind_to(),
            lines: tally.lines,
            lossy: tally.lossy,
            ignored: tally.ignored,
        };
    }

    let mut pending_deliveries = 0;
    for (name, join) in &mut joins {
        let mut late = 0;
        join.finish(options.settle, &mut |delivery| {
            late += 1;
            add(&mut workers[0], delivery);
        });
        // What the end of the night completes is counted with the last log of its format.
        let mut read = counts.iter_mut().zip(&copied).rev().filter(|(_, copied)| !**copied).map(|(count, _)| count);
        if let Some(count) = read.find(|c| family_of(&c.format) == Some(*name)) {
            count.records += late;
            if let Some(mark) = marks.iter_mut().rev().find(|mark| mark.path == count.path) {
                mark.records += late;
            }
        }
        pending_deliveries += join.pending();
        let state = join.save().map_err(|e| Error::Data { name: "pending mails".to_owned(), cause: e.to_string() })?;
        saved.insert((*name).to_owned(), state);
    }
    let surplus = marks.len().saturating_sub(MARKS);
    marks.drain(..surplus);
    Ok(Reading {
        workers,
        inputs: counts,
        marks,
        pending: store(saved)?,
        pending_deliveries,
        rejects: rejects.into_iter().flatten().collect(),
        unkept,
    })
}

fn family_of(format: &str) -> Option<&'static str> {
    FormatKind::parse(format).map(FormatKind::family)
}

/// Why an input without a format is passed over; an error where the user named it, or there is no other to read.
fn leave_out(input: &Input, all: &[Input]) -> Result<String, Error> {
    if input.denied {
        return Ok("this user may not read it: left out".to_owned());
    }
    if input.named || all.iter().all(|other| other.format.is_none()) {
        let lines = String::from_utf8_lossy(&input.head).lines().filter(|line| !line.trim().is_empty()).count().max(1);
        return Err(Error::Unrecognised {
            path: input.path.clone(),
            format: "any known format".to_owned(),
            recognised: 0,
            lines: lines as u64,
        });
    }
    Ok("no mail log: left out".to_owned())
}

/// One input being read.
struct One<'o, W> {
    input: &'o Input,
    format: &'static dyn Format,
    options: &'o Options,
    add: Add<'o, W>,
    trace: Trace,
    tally: Tally,
    /// What is said of the whole input: cause and excerpt.
    notes: Vec<(String, String)>,
}

impl<W: Send> One<'_, W> {
    fn read(
        &mut self,
        mut way: Way<'_>,
        mut plain: Stream<'_>,
        seen: Option<&Mark>,
        workers: &mut [W],
    ) -> Result<(), Error> {
        let input = self.input;
        if let Some(mark) = seen {
            self.trace.skip_to(mark.offset, &mut plain).map_err(|e| input.unreadable(e))?;
        }
        let mut chunks = Chunks::new(plain, CHUNK);
        let lent = match &mut way {
            Way::Lines(each) => Way::Lines(*each),
            Way::Joined(join) => Way::Joined(&mut **join),
        };
        lanes::run(&mut chunks, lent, workers, self.options, self.add, self);
        // A record printed over many lines that breaks off is left to a later run, as a line without its end is.
        let waits = self.input.may_grow() || chunks.broken.is_some();
        if let Way::Joined(join) = &mut way
            && !(waits && join.open_bytes() > 0)
        {
            let worker = &mut workers[0];
            self.tally.append(join.end(&mut |d| (self.add)(worker, d)));
            self.trace.feed_but(&[], 0);
        }
        match chunks.broken.take() {
            Some(e) if e.raw_os_error().is_some() => return Err(input.unreadable(e)),
            Some(e) => self.notes.push((format!("{e}; what came before it was read"), String::new())),
            None => {}
        }
        Ok(())
    }
}

impl<W> Watch for One<'_, W> {
    /// Leaves a last line without its end to a later run, where one may bring the rest.
    fn cut(&mut self, chunk: &mut Chunk, broken: bool) {
        if !chunk.last || chunk.overlong || !(self.input.may_grow() || broken) {
            return;
        }
        let end = memchr::memrchr(b'\n', &chunk.bytes).map_or(0, |at| at + 1);
        let line = String::from_utf8_lossy(&chunk.bytes[end..]).into_owned();
        if line.trim().is_empty() || (!broken && self.format.is_whole(line.trim_end())) {
            return;
        }
        chunk.bytes.truncate(end);
        let cause = "the last line has no end and is left for the next run";
        self.notes.push((cause.to_owned(), reject::excerpt(&line)));
    }

    fn done(&mut self, done: &mut Done) {
        self.trace.feed_but(&done.chunk.bytes, done.open);
        self.tally.append(std::mem::take(&mut done.tally));
    }
}

pub(super) fn load(pending: &[u8]) -> Result<BTreeMap<String, serde_json::Value>, Error> {
    if pending.is_empty() {
        return Ok(BTreeMap::new());
    }
    let unknown = |cause: String| Error::Data { name: "pending mails".to_owned(), cause };
    let (version, joins): (u64, BTreeMap<String, serde_json::Value>) =
        serde_json::from_slice(pending).map_err(|e| unknown(e.to_string()))?;
    if version != SAVED {
        return Err(unknown(format!("saved form {version}, this bouncewatch knows {SAVED}")));
    }
    Ok(joins)
}

pub(super) fn store(joins: BTreeMap<String, serde_json::Value>) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&(SAVED, joins))
        .map_err(|e| Error::Data { name: "pending mails".to_owned(), cause: e.to_string() })
}
