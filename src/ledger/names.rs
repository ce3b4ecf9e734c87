//! Every address and IP once, as a small number.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A name's number in its [`Names`]; meaningless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub u32);

/// The table of names, all texts in one buffer. Number 0 is the empty name.
#[derive(Debug, Clone)]
pub struct Names {
    text: String,
    ends: Vec<usize>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Name {
    /// The empty name: no sender, no client.
    pub const NONE: Name = Name(0);
}

impl Names {
    /// The number of `text`, new or known. Four billion distinct names are more than the store's own limit.
    pub fn intern(&mut self, text: &str) -> Name {
        let hash = self.hasher.hash_one(text);
        if let Some(&n) = self.index.find(hash, |&n| slice(&self.text, &self.ends, n) == text) {
            return Name(n);
        }
        let n = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let (all, ends, hasher) = (&self.text, &self.ends, &self.hasher);
        self.index.insert_unique(hash, n, |&n| hasher.hash_one(slice(all, ends, n)));
        Name(n)
    }

    /// The number of `text` if it is known.
    pub fn find(&self, text: &str) -> Option<Name> {
        let hash = self.hasher.hash_one(text);
        self.index.find(hash, |&n| slice(&self.text, &self.ends, n) == text).copied().map(Name)
    }

    /// The text of a number given by this table.
    pub fn text(&self, name: Name) -> &str {
        slice(&self.text, &self.ends, name.0)
    }

    /// Whether only the empty name is known.
    pub fn is_empty(&self) -> bool {
        self.ends.len() <= 1
    }

    /// All names with their numbers, in order of first mention.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &str)> {
        (0..self.ends.len() as u32).map(|n| (Name(n), slice(&self.text, &self.ends, n)))
    }
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names {
            text: String::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        names.intern("");
        names
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], n: u32) -> &'a str {
    let n = n as usize;
    let start = n.checked_sub(1).map_or(0, |p| ends[p]);
    &text[start..ends[n]]
}
