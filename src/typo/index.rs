//! One name looked up among a million: which of them lie within two edits.
//!
//! A deletion neighbourhood over the first [`PREFIX`] bytes: two names within two edits have prefixes that become equal
//! when up to two letters are deleted from each. A look-up waits for memory, not for the processor, so probes are few
//! (a short prefix) and each tells much: a shortened prefix is kept as eight bytes, which hold the name's number, its
//! length, the set of its letters and a tag of the hash. Bucket by bucket, a name that is too long, too short or made of
//! other letters is passed over without a look at its text.

use super::{edit, within::within};

/// Letters at the head that are shortened. Longer: fewer names to compare; shorter: fewer probes, less memory.
const PREFIX: usize = 8;
/// At most so many entries of a bucket are read; the popular come first.
const MAX_READ: usize = 20_000;
/// At most so many are returned.
const MAX_HITS: usize = 64;
/// Deletions on either side.
const DELETIONS: usize = 2;
/// Bytes of a name that lie in its record.
const RECORD: usize = 31;
/// In place of a length.
const LONG: u8 = u8::MAX;
/// Entries a bucket, on average: a cache line of them.
const BUCKET: usize = 8;

/// Bits of an entry, from the lowest: the name's number, the tag, its length modulo 16, its letters.
const NAME_BITS: u32 = 24;
const TAG_BITS: u32 = 6;
const LENGTH_AT: u32 = NAME_BITS + TAG_BITS;
const LETTERS_AT: u32 = LENGTH_AT + 4;
const NAME_MASK: u64 = (1 << NAME_BITS) - 1;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << NAME_BITS;

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
    /// Bucket b's entries are `entries[starts[b]..starts[b + 1]]`.
    starts: Vec<u32>,
    entries: Vec<u64>,
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
    hashes: Vec<u64>,
    buckets: Vec<(u32, u32, u64)>,
    seen: Vec<u32>,
    records: Vec<Record>,
    hits: Vec<Hit>,
}

impl Index {
    /// Of names in order of rank; a name's number is its place.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut index = Index::default();
        for name in names.into_iter().take(NAME_MASK as usize) {
            let record = index.record(name);
            index.records.push(record);
        }
        index.fill();
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
        let mut hashes = Vec::new();
        let mut total = 0;
        for name in 0..names {
            shortened(self.name(name), &mut hashes);
            total += hashes.len();
        }
        let buckets = total / BUCKET + 1;
        let mut starts = vec![0u32; buckets + 1];
        for name in 0..names {
            shortened(self.name(name), &mut hashes);
            for h in &hashes {
                starts[bucket(*h, buckets) + 1] += 1;
            }
        }
        for b in 0..buckets {
            starts[b + 1] += starts[b];
        }
        let mut entries = vec![0u64; total];
        for name in 0..names {
            shortened(self.name(name), &mut hashes);
            let known = u64::from(name) | looks(self.name(name));
            for h in &hashes {
                // `starts[b]` walks to the bucket's end and is set back below.
                let at = &mut starts[bucket(*h, buckets)];
                entries[*at as usize] = known | tag(*h);
                *at += 1;
            }
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
        records + 4 * self.starts.len() + 8 * self.entries.len()
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
        let Scratch { hashes, buckets, seen, records, hits } = scratch;
        seen.clear();
        hits.clear();
        if self.starts.len() < 2 || typed.is_empty() {
            return hits;
        }
        let far = far.min(DELETIONS);
        shortened(typed, hashes);
        // In rounds, so that the memory answers many questions at once.
        buckets.clear();
        buckets.extend(hashes.iter().map(|h| {
            let b = bucket(*h, self.starts.len() - 1);
            (self.starts[b], self.starts[b + 1], tag(*h))
        }));
        let touched = buckets.iter().fold(0, |all, (start, end, _)| {
            all ^ self.entries.get(*start as usize).unwrap_or(&0) ^ self.entries.get(*end as usize).unwrap_or(&0)
        });
        std::hint::black_box(touched);
        let (looks, apart) = (looks(typed) >> LETTERS_AT, 2 * far as u32);
        let lengths = (0..=2 * far).fold(0u32, |set, d| set | 1 << ((typed.len() + 16 + d - far) & 15));
        for &(start, end, tag) in buckets.iter() {
            let end = end.min(start.saturating_add(MAX_READ as u32));
            for e in &self.entries[start as usize..end as usize] {
                if e & TAG_MASK == tag
                    && lengths >> (e >> LENGTH_AT & 15) & 1 == 1
                    && ((e >> LETTERS_AT) ^ looks).count_ones() <= apart
                {
                    seen.push((e & NAME_MASK) as u32);
                }
            }
        }
        seen.sort_unstable();
        seen.dedup();
        records.clear();
        records.extend(seen.iter().map(|name| self.records[*name as usize]));
        let plain = typed.is_ascii();
        for (&name, record) in seen.iter().zip(records.iter()) {
            let text = self.text(record);
            let distance = match std::str::from_utf8(text) {
                Ok(text) if !(plain && text.is_ascii()) => {
                    Some(edit::distance(text, typed)).filter(|d| *d <= far).map(|d| d as u8)
                }
                _ => within(text, typed.as_bytes(), far),
            };
            hits.extend(distance.map(|distance| Hit { distance, name }));
        }
        hits.sort_unstable();
        hits.truncate(MAX_HITS);
        hits
    }
}

fn bucket(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

fn tag(hash: u64) -> u64 {
    (hash << NAME_BITS) & TAG_MASK
}

/// Length and letters of a name, in their places.
fn looks(name: &str) -> u64 {
    let letter = |b: u8| if b.is_ascii_lowercase() { u64::from(b - b'a') } else { 26 + u64::from(b & 3) };
    let letters = name.bytes().fold(0u64, |set, b| set | 1 << letter(b));
    letters << LETTERS_AT | (name.len() as u64 & 15) << LENGTH_AT
}

/// The hashes of the head of `name` with none, one and two bytes deleted, without the doubles that runs of one letter
/// give.
fn shortened(name: &str, hashes: &mut Vec<u64>) {
    const BASE: u64 = 0x9E37_79B9_7F4A_7C15 | 1;
    let head = &name.as_bytes()[..name.len().min(PREFIX)];
    let n = head.len();
    // value[i][j]: polynomial of head[i..j]; small enough to stay in the first cache.
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
    hashes.clear();
    hashes.push(mix(upto[n]));
    for (i, &before) in upto[..n].iter().enumerate() {
        if run(i) {
            continue;
        }
        hashes.push(mix(join(before, part(i + 1, n), n - i - 1)));
        for j in i + 1..n {
            if run(j) && j != i + 1 {
                continue;
            }
            let middle = join(before, part(i + 1, j), j - i - 1);
            hashes.push(mix(join(middle, part(j + 1, n), n - j - 1)));
        }
    }
}

fn mix(h: u64) -> u64 {
    let h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    h ^ (h >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_linear_scan_finds() {
        let names = [
            "gmail.com",
            "ymail.com",
            "hotmail.com",
            "yahoo.com",
            "yahoo.com.cn",
            "qq.com",
            "university-of-somewhere.edu",
            "a.b",
            "xxxxxxxxxxxxxx.de",
        ];
        let index = Index::new(names);
        let mut scratch = Scratch::default();
        for typed in [
            "gmial.com",
            "gmail.com",
            "gmai.con",
            "qq.co",
            "q.com",
            "university-of-somewere.edu",
            "nuiversity-of-somewhere.edu",
            "uinversity-fo-somewhere.edu",
            "xxxxxxxxxxxx.de",
            "yaho.com.cn",
            "",
            "a",
            "gmail.comxx",
            "éa.b",
        ] {
            let mut want: Vec<Hit> = names
                .iter()
                .enumerate()
                .map(|(i, n)| Hit { distance: edit::distance(n, typed) as u8, name: i as u32 })
                .filter(|h| h.distance <= 2 && !typed.is_empty())
                .collect();
            want.sort_unstable();
            assert_eq!(index.near(typed, 2, &mut scratch), &want[..], "{typed}");
        }
        assert!(Index::new([]).near("a", 2, &mut scratch).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_neighbour_is_missed(names in proptest::collection::btree_set("[ab]{1,14}\\.c[ao]", 1..30), typed in "[ab.]{1,16}") {
            let index = Index::new(names.iter().map(String::as_str));
            let found: Vec<u32> = index.near(&typed, 2, &mut Scratch::default()).iter().map(|h| h.name).collect();
            for (i, name) in names.iter().enumerate() {
                proptest::prop_assert_eq!(found.contains(&(i as u32)), edit::distance(name, &typed) <= 2, "{} {}", name, typed);
            }
        }
    }
}
