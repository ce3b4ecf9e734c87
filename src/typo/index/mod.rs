//! One name looked up among a million: which of them lie within two edits.
//!
//! A deletion neighbourhood over the first [`PREFIX`] bytes: two names within two edits have prefixes that become equal
//! when up to two letters are deleted from each. A look-up waits for memory, not for the processor, so probes are few
//! (a short prefix) and each tells much: a shortened prefix is kept as eight bytes, which hold the name's number, its
//! length, the letters of its tail and of the whole, and a tag of the hash. Bucket by bucket, a name that is too long, too
//! short or has another tail is passed over without a look at its text: edits spent on the prefix are none left for the tail.

mod looks;

use self::looks::{Like, looks};
use super::within::{PACKED, pack, within, within_packed, within_text};

/// Letters at the head that are shortened. Longer: fewer names to compare; shorter: fewer probes, less memory.
const PREFIX: usize = 8;
/// At most so many entries of a bucket are read; the popular come first.
const MAX_READ: usize = 20_000;
/// Names that are all compared: to bring so few in order would cost as much as hundreds of look-ups.
const FEW: usize = 4_096;
/// Names just seen, so that most are compared once however many probes meet them.
const RECENT: usize = 256;
/// At most so many are returned.
const MAX_HITS: usize = 64;
/// Deletions on either side.
const DELETIONS: usize = 2;
/// Bytes of a name that lie in its record.
const RECORD: usize = 31;
/// Set in letters outside ASCII.
const HIGH_BITS: u128 = u128::from_ne_bytes([0x80; PACKED]);
/// In place of a length.
const LONG: u8 = u8::MAX;
/// Entries a bucket, on average: a cache line of them.
const BUCKET: usize = 8;
/// So many entries of a bucket are fetched before any is read.
const TOUCHED: u32 = 128;

/// Bits of an entry, from the lowest: the name's number, the tag, its [`looks`].
const NAME_BITS: u32 = 24;
const TAG_BITS: u32 = 6;
const NAME_MASK: u64 = (1 << NAME_BITS) - 1;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << NAME_BITS;
/// Entries sifted at once; a power of two.
const ROUND: usize = 64;

/// A name found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Optimal string alignment distance.
    pub distance: u8,
    /// The name's number: its rank.
    pub name: u32,
}

/// Names by rank, and the way from a wrong name to them.
#[derive(Debug, Clone, Default)]
pub struct Index {
    records: Vec<Record>,
    /// Names that fit no record, one after the other.
    long: String,
    /// Bucket b's entries are `entries[starts[b]..starts[b + 1]]`; none where the names are few, and have one entry each.
    starts: Vec<u32>,
    entries: Vec<u64>,
    /// Of few names those of other scripts, where a letter is several bytes: each is compared.
    odd: Vec<u32>,
}

/// A name's text, at most one cache line away: its bytes and their number, or, where that is [`LONG`], its place in
/// `long`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Record {
    text: [u8; RECORD],
    len: u8,
}

/// Room for a look-up, kept between look-ups.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    probes: Vec<Probe>,
    seen: Vec<u32>,
    records: Vec<Record>,
    hits: Vec<Hit>,
}

/// One shortened prefix of a typed name, and where its like lie.
#[derive(Debug, Clone, Copy)]
struct Probe {
    start: u32,
    end: u32,
    tag: u64,
    /// Letters deleted.
    deleted: u8,
}

impl Index {
    /// Of names in order of rank; a name's number is its place.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with(names, FEW)
    }

    fn with<'a>(names: impl IntoIterator<Item = &'a str>, few: usize) -> Self {
        let mut index = Index::default();
        for name in names.into_iter().take(NAME_MASK as usize) {
            let record = index.record(name);
            index.records.push(record);
        }
        if index.len() > few {
            index.fill();
        } else {
            let names = index.len() as u32;
            index.entries = (0..names).map(|n| u64::from(n) | looks(index.name(n))).collect();
            index.odd = (0..names).filter(|n| !index.name(*n).is_ascii()).collect();
        }
        index
    }

    fn record(&mut self, name: &str) -> Record {
        let mut text = [0; RECORD];
        if let Some(short) = text.get_mut(..name.len()) {
            short.copy_from_slice(name.as_bytes());
            return Record { text, len: name.len() as u8 };
        }
        text[..8].copy_from_slice(&self.long.len().to_le_bytes());
        text[8..16].copy_from_slice(&name.len().to_le_bytes());
        self.long.push_str(name);
        Record { text, len: LONG }
    }

    fn fill(&mut self) {
        let names = self.records.len() as u32;
        let mut total = 0;
        for name in 0..names {
            shortened(self.name(name), DELETIONS, |_, _| total += 1);
        }
        let buckets = total / BUCKET + 1;
        let mut starts = vec![0u32; buckets + 1];
        for name in 0..names {
            shortened(self.name(name), DELETIONS, |h, _| starts[bucket(h, buckets) + 1] += 1);
        }
        for b in 0..buckets {
            starts[b + 1] += starts[b];
        }
        let mut entries = vec![0u64; total];
        for name in 0..names {
            let known = u64::from(name) | looks(self.name(name));
            shortened(self.name(name), DELETIONS, |h, _| {
                // `starts[b]` walks to the bucket's end and is set back below.
                let at = &mut starts[bucket(h, buckets)];
                entries[*at as usize] = known | tag(h);
                *at += 1;
            });
        }
        starts.copy_within(0..buckets, 1);
        starts[0] = 0;
        (self.starts, self.entries) = (starts, entries);
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let records = size_of::<Record>() * self.records.len() + self.long.len();
        records + 4 * (self.starts.len() + self.odd.len()) + 8 * self.entries.len()
    }

    /// The name of a number given by this index; empty for another.
    pub fn name(&self, name: u32) -> &str {
        self.records.get(name as usize).and_then(|r| std::str::from_utf8(self.text(r)).ok()).unwrap_or("")
    }

    fn text<'r>(&'r self, record: &'r Record) -> &'r [u8] {
        if record.len != LONG {
            return record.text.get(..usize::from(record.len)).unwrap_or(&[]);
        }
        let word = |at: usize| record.text[at..at + 8].iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
        self.long.as_bytes().get(word(0)..word(0) + word(8)).unwrap_or(&[])
    }

    /// The names within `far` edits (at most two) of `typed`, nearest and then most popular first.
    pub fn near<'s>(&self, typed: &str, far: usize, scratch: &'s mut Scratch) -> &'s [Hit] {
        let Scratch { probes, seen, records, hits } = scratch;
        seen.clear();
        hits.clear();
        if typed.is_empty() {
            return hits;
        }
        let far = far.min(DELETIONS);
        let plain = typed.bytes().all(|b| b.is_ascii() && b != 0);
        let packed = pack(typed.as_bytes()).filter(|_| plain);
        let distance = |record: &Record| match (packed, record.packed()) {
            (Some(typed), Some(text)) => within_packed(text, typed, far),
            _ => self.measured(record, typed, far),
        };
        // One letter of another script is several bytes.
        let reach = if plain { far } else { DELETIONS };
        // In rounds, so that the memory answers many questions at once.
        probes.clear();
        if !self.starts.is_empty() {
            shortened(typed, reach, |h, deleted| {
                let b = bucket(h, self.starts.len() - 1);
                probes.push(Probe { start: self.starts[b], end: self.starts[b + 1], tag: tag(h), deleted });
            });
        } else if plain {
            probes.push(Probe { start: 0, end: self.entries.len() as u32, tag: 0, deleted: 0 });
            seen.extend(&self.odd);
        } else {
            seen.extend(0..self.records.len() as u32);
        }
        let touched = probes.iter().fold(0, |all, p| {
            let near = p.end.min(p.start.saturating_add(TOUCHED));
            let lines = self.entries[p.start as usize..near as usize].iter().step_by(BUCKET);
            lines.fold(all, |all, e| all ^ e) ^ self.entries.get(near as usize).unwrap_or(&0)
        });
        std::hint::black_box(touched);
        let like = Like::new(looks(typed), reach as u64);
        let mut recent = [u32::MAX; RECENT];
        let mut kept = [0u64; ROUND];
        for p in probes.iter() {
            let end = p.end.min(p.start.saturating_add(MAX_READ as u32));
            let rest = reach - usize::from(p.deleted).min(reach);
            for round in self.entries[p.start as usize..end as usize].chunks(ROUND) {
                // Every entry is written, and the place moves on past those that stay: no branch to be guessed.
                let mut few = 0;
                for e in round {
                    kept[few % ROUND] = *e;
                    few += usize::from((e & TAG_MASK == p.tag) & like.fits_length(*e));
                }
                let mut fewer = 0;
                for i in 0..few {
                    let e = kept[i % ROUND];
                    kept[fewer % ROUND] = e;
                    fewer += usize::from(like.fits(e, rest));
                }
                for e in kept.iter().take(fewer) {
                    let name = (e & NAME_MASK) as u32;
                    let last = &mut recent[name as usize % RECENT];
                    if *last != name {
                        *last = name;
                        seen.push(name);
                    }
                }
            }
        }
        records.clear();
        records.extend(seen.iter().map(|name| self.records[*name as usize]));
        for (&name, record) in seen.iter().zip(records.iter()) {
            hits.extend(distance(record).map(|distance| Hit { distance, name }));
        }
        // Some names were seen twice; few are hit.
        hits.sort_unstable();
        hits.dedup();
        hits.truncate(MAX_HITS);
        hits
    }

    fn measured(&self, record: &Record, typed: &str, far: usize) -> Option<u8> {
        let text = self.text(record);
        match std::str::from_utf8(text) {
            Ok(text) => within_text(text, typed, far),
            Err(_) => within(text, typed.as_bytes(), far),
        }
    }
}

impl Record {
    /// The whole text, where it is short and plain enough to be compared at once.
    fn packed(&self) -> Option<u128> {
        let head = self.text.first_chunk::<PACKED>().filter(|_| usize::from(self.len) <= PACKED)?;
        let text = u128::from_le_bytes(*head);
        (text & HIGH_BITS == 0).then_some(text)
    }
}

fn bucket(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

fn tag(hash: u64) -> u64 {
    (hash << NAME_BITS) & TAG_MASK
}

/// The hashes of the head of `name` with none, one and (where `most` is two) two bytes deleted, and how many were,
/// without the doubles that runs of one letter give.
fn shortened(name: &str, most: usize, mut each: impl FnMut(u64, u8)) {
    const BASE: u64 = 0x9E37_79B9_7F4A_7C15 | 1;
    let head = &name.as_bytes()[..name.len().min(PREFIX)];
    let n = head.len();
    // upto[i]: polynomial of head[..i]; small enough to stay in the first cache.
    let mut power = [1u64; PREFIX + 1];
    for i in 1..=PREFIX {
        power[i] = power[i - 1].wrapping_mul(BASE);
    }
    let mut upto = [0u64; PREFIX + 1];
    for (i, byte) in head.iter().enumerate() {
        upto[i + 1] = upto[i].wrapping_mul(BASE).wrapping_add(u64::from(*byte) + 1);
    }
    let part = |i: usize, j: usize| upto[j].wrapping_sub(upto[i].wrapping_mul(power[j - i]));
    let join = |left: u64, right: u64, len: usize| left.wrapping_mul(power[len]).wrapping_add(right);
    let run = |i: usize| i > 0 && head[i] == head[i - 1];
    each(mix(upto[n]), 0);
    for (i, &before) in upto[..n].iter().enumerate() {
        if run(i) {
            continue;
        }
        each(mix(join(before, part(i + 1, n), n - i - 1)), 1);
        if most < 2 {
            continue;
        }
        for j in i + 1..n {
            if run(j) && j != i + 1 {
                continue;
            }
            let middle = join(before, part(i + 1, j), j - i - 1);
            each(mix(join(middle, part(j + 1, n), n - j - 1)), 2);
        }
    }
}

fn mix(h: u64) -> u64 {
    let h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    h ^ (h >> 32)
}

#[cfg(test)]
mod tests;
