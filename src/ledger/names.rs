//! Every address and IP once, as a small number.

use std::{
    hash::BuildHasher,
    hint::black_box,
    ops::{Index, IndexMut},
    sync::OnceLock,
};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::address::domain_of;

/// A name's number in its [`Names`]; meaningless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub u32);

/// A domain's number in the [`Names`] of which some are there. Number 0 is that of names without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(pub u32);

/// The table of names. Number 0 is the empty name.
#[derive(Debug, Clone)]
pub struct Names {
    all: Texts,
    domains: Texts,
    /// By name.
    domain: Vec<Domain>,
}

/// Something of each name of a table.
#[derive(Debug, Clone)]
pub struct ByName<T>(Vec<T>);

impl<T> Index<Name> for ByName<T> {
    type Output = T;

    fn index(&self, name: Name) -> &T {
        &self.0[name.0 as usize]
    }
}

impl<T> IndexMut<Name> for ByName<T> {
    fn index_mut(&mut self, name: Name) -> &mut T {
        &mut self.0[name.0 as usize]
    }
}

impl<T> ByName<T> {
    /// In the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl Name {
    /// The empty name: no sender, no client.
    pub const NONE: Name = Name(0);
}

impl Names {
    /// The number of `text`, new or known. Four billion distinct names are more than the store's own limit.
    pub fn intern(&mut self, text: &str) -> Name {
        self.intern_hashed(text, hash(text))
    }

    /// The numbers of many texts, which wait for memory together.
    pub fn intern_all<'t>(&mut self, texts: impl Iterator<Item = &'t str> + Clone) -> Vec<Name> {
        let hashes: Vec<u32> = texts.clone().map(|text| if text.is_empty() { 0 } else { hash(text) }).collect();
        let likely: Vec<Option<Slot>> = hashes.iter().map(|hash| self.all.likely(*hash)).collect();
        black_box(
            likely
                .iter()
                .flatten()
                .fold(0, |sum, slot| sum ^ self.all.text.as_bytes().get(slot.start()).copied().unwrap_or_default()),
        );
        let number = |((text, hash), likely): ((&str, u32), Option<Slot>)| match likely {
            _ if text.is_empty() => Name::NONE,
            Some(slot) if self.all.is(&slot, text) => Name(slot.number),
            _ => self.intern_hashed(text, hash),
        };
        texts.zip(hashes).zip(likely).map(number).collect()
    }

    /// Takes in all names of another table; its numbers become those given, by position.
    pub fn absorb(&mut self, other: &Names) -> Vec<Name> {
        let mut hashes = vec![0; other.domain.len()];
        other.all.index.iter().for_each(|slot| hashes[slot.number as usize] = slot.hash);
        other.iter().zip(hashes).map(|((_, text), hash)| self.intern_hashed(text, hash)).collect()
    }

    /// The number of `text` if it is known.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.all.find(text, hash(text)).map(Name)
    }

    /// The text of a number given by this table.
    pub fn text(&self, name: Name) -> &str {
        self.all.text(name.0)
    }

    /// What stands behind a name's last `@`.
    pub fn domain(&self, name: Name) -> Domain {
        self.domain[name.0 as usize]
    }

    /// The text of a domain.
    pub fn domain_text(&self, domain: Domain) -> &str {
        self.domains.text(domain.0)
    }

    /// The number of a domain if it is known.
    pub fn find_domain(&self, text: &str) -> Option<Domain> {
        self.domains.find(text, hash(text)).map(Domain)
    }

    /// How many names there are, the empty one among them: all numbers are below.
    pub fn len(&self) -> usize {
        self.domain.len()
    }

    /// How many domains there are, the empty one among them: all numbers are below.
    pub fn domains(&self) -> usize {
        self.domains.ends.len()
    }

    /// A beginning for each name.
    pub fn each<T: Clone + Default>(&self) -> ByName<T> {
        ByName(vec![T::default(); self.len()])
    }

    /// Whether only the empty name is known.
    pub fn is_empty(&self) -> bool {
        self.domain.len() <= 1
    }

    /// All names with their numbers, in order of first mention.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &str)> {
        (0..self.domain.len() as u32).map(|n| (Name(n), self.all.text(n)))
    }

    fn intern_hashed(&mut self, text: &str, hashed: u32) -> Name {
        if let Some(n) = self.all.find(text, hashed) {
            return Name(n);
        }
        let domain = domain_of(text);
        let hashed_domain = hash(domain);
        let known = self.domains.find(domain, hashed_domain);
        self.domain.push(Domain(known.unwrap_or_else(|| self.domains.add(domain, hashed_domain))));
        Name(self.all.add(text, hashed))
    }
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { all: Texts::default(), domains: Texts::default(), domain: Vec::new() };
        names.intern("");
        names
    }
}

/// Texts once each, all in one buffer.
#[derive(Debug, Clone, Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
    index: HashTable<Slot>,
}

/// With its hash, so that no text is read again when the table grows, nor where only the hash differs; with its place,
/// since each further table is one more wait for memory.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    number: u32,
    /// Where the text begins, and in the lowest bits how long it is.
    place: u64,
}

/// Bits of a length: no line that is read is as long as that; of a ledger somebody else wrote the rest is cut off.
const LENGTH: u32 = 24;

impl Slot {
    fn start(&self) -> usize {
        (self.place >> LENGTH) as usize
    }

    fn len(&self) -> usize {
        (self.place & ((1 << LENGTH) - 1)) as usize
    }
}

impl Texts {
    fn find(&self, text: &str, hash: u32) -> Option<u32> {
        let fits = |slot: &Slot| slot.hash == hash && self.is(slot, text);
        self.index.find(spread(hash), fits).map(|slot| slot.number)
    }

    /// The first text with this hash: almost always the only one.
    fn likely(&self, hash: u32) -> Option<Slot> {
        self.index.find(spread(hash), |slot| slot.hash == hash).copied()
    }

    fn is(&self, slot: &Slot, text: &str) -> bool {
        &self.text[slot.start()..][..slot.len()] == text
    }

    /// A text not yet known.
    fn add(&mut self, text: &str, hash: u32) -> u32 {
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let text = &text[..text.floor_char_boundary((1 << LENGTH) - 1)];
        let slot = Slot { hash, number, place: (self.text.len() as u64) << LENGTH | text.len() as u64 };
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.index.insert_unique(spread(hash), slot, |slot| spread(slot.hash));
        number
    }

    fn text(&self, n: u32) -> &str {
        let n = n as usize;
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[n]]
    }
}

/// One secret for all tables of the process, so that hashes move from one to another.
fn hash(text: &str) -> u32 {
    static HASHER: OnceLock<DefaultHashBuilder> = OnceLock::new();
    (HASHER.get_or_init(DefaultHashBuilder::default).hash_one(text) >> 32) as u32
}

/// Over 64 bits, of which a table looks at both ends.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_join_and_know_their_domains() {
        let (mut one, mut two) = (Names::default(), Names::default());
        for n in 0..2_000 {
            one.intern(&format!("u{n}@d{}.example", n % 7));
            two.intern(&format!("u{}@d{}.example", n + 1_000, n % 11));
        }
        let numbers = one.absorb(&two);
        for ((_, text), number) in two.iter().zip(numbers) {
            assert_eq!((one.text(number), one.find(text)), (text, Some(number)));
            assert_eq!(one.domain_text(one.domain(number)), domain_of(text));
        }
        assert_eq!(one.domains(), 12);
        assert_eq!((one.domain(Name::NONE), one.find("u1@nowhere")), (Domain(0), None));
    }
}
