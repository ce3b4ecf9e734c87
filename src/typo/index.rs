//! One name looked up among a million: which of them lie within two edits.
//!
//! A deletion neighbourhood over the first [`PREFIX`] bytes: two names within two edits have prefixes that become equal
//! when up to two letters are deleted from each. Every such shortened prefix of every name is kept as a number of four
//! bytes (the name's own number, and what room is left of the hash as a tag), sorted into buckets by hash: two cache
//! lines a probe, no pointer. Hashes of all shortened forms come from one polynomial, in constant time each. What
//! shares a bucket and a tag is compared by length and letters, and what remains measured by `strsim`.

use super::edit;

/// Letters at the head that are shortened. Longer: fewer names to compare, more memory.
const PREFIX: usize = 11;
/// At most so many names are compared in one look-up; the popular come first.
const MAX_COMPARED: usize = 20_000;
/// At most so many are returned.
const MAX_HITS: usize = 64;
/// Deletions on either side.
const DELETIONS: usize = 2;

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
    text: String,
    names: Vec<Name>,
    /// Bucket b's entries are `entries[starts[b]..starts[b + 1]]`.
    starts: Vec<u32>,
    entries: Vec<u32>,
    /// Bits of an entry that hold the name; the others hold the tag.
    name_bits: u32,
}

/// What is asked of a name before its text: one cache line.
#[derive(Debug, Clone, Copy)]
struct Name {
    /// Which letters it has, folded to 64 kinds.
    letters: u64,
    start: u32,
    len: u32,
}

/// Room for a look-up, kept between look-ups.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    hashes: Vec<u64>,
    /// Start, end, tag.
    buckets: Vec<(u32, u32, u32)>,
    seen: Vec<u32>,
}

impl Index {
    /// Of names in order of rank; a name's number is its place.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut index = Index::default();
        for name in names {
            let start = u32::try_from(index.text.len()).unwrap_or(u32::MAX);
            index.names.push(Name { letters: letters(name), start, len: u32::try_from(name.len()).unwrap_or(0) });
            index.text.push_str(name);
        }
        let n = index.names.len();
        index.name_bits = usize::BITS - n.max(1).leading_zeros();
        index.fill(n);
        index
    }

    fn fill(&mut self, n: usize) {
        let mut hashes = Vec::new();
        let mut total = 0;
        for name in 0..n {
            shortened(self.name(name as u32), &mut hashes);
            total += hashes.len();
        }
        let buckets = (total / 4).next_power_of_two().max(2);
        let shift = 64 - buckets.trailing_zeros();
        let mut starts = vec![0u32; buckets + 1];
        for name in 0..n {
            shortened(self.name(name as u32), &mut hashes);
            for h in &hashes {
                starts[(h >> shift) as usize + 1] += 1;
            }
        }
        for b in 0..buckets {
            starts[b + 1] += starts[b];
        }
        let mut entries = vec![0u32; total];
        for name in 0..n {
            shortened(self.name(name as u32), &mut hashes);
            for h in &hashes {
                // `starts[b]` walks to the bucket's end and is set back below.
                let at = &mut starts[(h >> shift) as usize];
                entries[*at as usize] = self.entry(name as u32, *h);
                *at += 1;
            }
        }
        starts.copy_within(0..buckets, 1);
        starts[0] = 0;
        (self.starts, self.entries) = (starts, entries);
    }

    fn entry(&self, name: u32, hash: u64) -> u32 {
        name | ((hash as u32) << self.name_bits)
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.text.len() + 4 * (self.starts.len() + self.entries.len()) + size_of::<Name>() * self.names.len()
    }

    /// The name of a number given by this index; empty for another.
    pub fn name(&self, name: u32) -> &str {
        self.names.get(name as usize).map_or("", |n| self.text_of(*n))
    }

    fn text_of(&self, name: Name) -> &str {
        let start = name.start as usize;
        self.text.get(start..start + name.len as usize).unwrap_or("")
    }

    /// The names within `far` edits (at most two) of `typed`, nearest and then most popular first.
    pub fn near(&self, typed: &str, far: usize, scratch: &mut Scratch) -> Vec<Hit> {
        let mut hits = Vec::new();
        if self.starts.len() < 2 || typed.is_empty() {
            return hits;
        }
        shortened(typed, &mut scratch.hashes);
        let shift = 64 - (self.starts.len() - 1).trailing_zeros();
        let (mask, tag_mask) = ((1u32 << self.name_bits) - 1, u32::MAX << self.name_bits);
        scratch.seen.clear();
        // In rounds, so that the memory answers many questions at once.
        scratch.buckets.clear();
        scratch.buckets.extend(scratch.hashes.iter().map(|h| {
            let b = (h >> shift) as usize;
            (self.starts[b], self.starts[b + 1], (*h as u32) << self.name_bits)
        }));
        for &(start, end, tag) in &scratch.buckets {
            for e in &self.entries[start as usize..end as usize] {
                if e & tag_mask == tag {
                    scratch.seen.push(e & mask);
                }
            }
        }
        scratch.seen.sort_unstable();
        scratch.seen.dedup();
        let (typed_letters, far) = (letters(typed), far.min(DELETIONS));
        for &name in scratch.seen.iter().take(MAX_COMPARED) {
            let known = self.names[name as usize];
            let unlike = (known.letters ^ typed_letters).count_ones() as usize > 2 * far;
            if unlike || (known.len as usize).abs_diff(typed.len()) > far {
                continue;
            }
            let text = self.text_of(known);
            if !edit::may_be_near(text, typed) {
                continue;
            }
            let distance = edit::distance(text, typed);
            if distance <= far {
                hits.push(Hit { distance: distance as u8, name });
            }
        }
        hits.sort_unstable();
        hits.truncate(MAX_HITS);
        hits
    }
}

fn letters(name: &str) -> u64 {
    name.bytes().fold(0, |set, b| set | 1 << (b & 63))
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
            assert_eq!(index.near(typed, 2, &mut scratch), want, "{typed}");
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
