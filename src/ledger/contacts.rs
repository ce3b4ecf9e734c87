//! Who wrote to whom: the one table that grows with the operator, kept in half the room of its parts.

use std::{array, hash::BuildHasher, hint::black_box};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Answer, Contact, ContactKey, Name};
use crate::{
    delivery::Direction,
    merge::Merge,
    moment::{Timestamp, Window},
};

/// Indexes of which one grows at a time: no moment needs the room of all of them twice.
const PARTS: usize = 32;
/// Rows of a block, which never moves: what grows by moving leaves holes of the size it had.
const BLOCK: usize = 1 << 12;
/// Contacts that wait for memory together.
const TOGETHER: usize = 256;
/// Of moments: no mail was accepted yet.
const NEVER: [u32; 2] = [u32::MAX, 0];

/// [`Contact`]s by [`ContactKey`]. Moments are kept from 1970 to 2106, those outside as the nearest; counts up to four
/// billions.
#[derive(Debug, Clone)]
pub struct Contacts {
    hasher: DefaultHashBuilder,
    rows: Rows,
    /// Where in `rows`, by hash.
    parts: [HashTable<u32>; PARTS],
}

/// Rows in blocks, all but the last one full.
#[derive(Debug, Clone, Default)]
struct Rows(Vec<Vec<Row>>);

/// One contact in 48 bytes, its key among them.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Sender, client, recipient.
    names: [u32; 3],
    /// First and last mail.
    seen: [u32; 2],
    /// First and last accepted mail.
    accepted: [u32; 2],
    /// Accepted, unknown, no domain, other.
    counts: [u32; 4],
    direction: Direction,
    first_answer: Answer,
}

impl Contacts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Room for so many more.
    pub fn reserve(&mut self, more: usize) {
        let (each, hasher, rows) = (more / PARTS, &self.hasher, &self.rows);
        self.parts.iter_mut().for_each(|part| part.reserve(each, |n| hasher.hash_one(rows.at(*n).names)));
    }

    /// What came of one, if they met.
    pub fn get(&self, key: &ContactKey) -> Option<Contact> {
        let hash = self.hash(key);
        self.find(hash, key).map(|n| self.rows.at(n).contact())
    }

    /// All of them, in the order they met.
    pub fn iter(&self) -> impl Iterator<Item = (ContactKey, Contact)> {
        self.rows.0.iter().flatten().map(|row| (row.key(), row.contact()))
    }

    /// The one that was the `n`th to meet.
    pub fn at(&self, n: u32) -> (ContactKey, Contact) {
        let row = self.rows.at(n);
        (row.key(), row.contact())
    }

    /// Who met, in that order.
    pub fn keys(&self) -> impl Iterator<Item = ContactKey> {
        self.rows.0.iter().flatten().map(Row::key)
    }

    /// What came of it, in that order.
    pub fn values(&self) -> impl Iterator<Item = Contact> {
        self.rows.0.iter().flatten().map(Row::contact)
    }

    /// Keeps those for which `fits`.
    pub fn retain(&mut self, mut fits: impl FnMut(&ContactKey, &Contact) -> bool) {
        self.parts.iter_mut().for_each(HashTable::clear);
        for mut block in std::mem::take(&mut self.rows).0 {
            block.retain(|row| fits(&row.key(), &row.contact()));
            block.into_iter().for_each(|row| self.add(self.hasher.hash_one(row.names), row));
        }
    }

    /// Takes in another stretch of an acquaintance; whether it is a new one.
    pub fn meet(&mut self, key: ContactKey, contact: Contact) -> bool {
        self.meet_hashed(self.hash(&key), key, contact)
    }

    /// The same for many; `new` is told of those not known before. Some at a time wait for memory together, not one by
    /// one.
    pub fn meet_all(&mut self, met: impl IntoIterator<Item = (ContactKey, Contact)>, mut new: impl FnMut(&ContactKey)) {
        let mut met = met.into_iter();
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            together.extend(met.by_ref().take(TOGETHER).map(|(key, contact)| (self.hash(&key), key, contact)));
            if together.is_empty() {
                return;
            }
            for (hash, key, _) in &together {
                black_box(self.find(*hash, key));
            }
            for (hash, key, contact) in together.drain(..) {
                if self.meet_hashed(hash, key, contact) {
                    new(&key);
                }
            }
        }
    }

    fn meet_hashed(&mut self, hash: u64, key: ContactKey, contact: Contact) -> bool {
        let (known, row) = (self.find(hash, &key), Row::new(&key, &contact));
        match known {
            Some(n) => self.rows.at_mut(n).absorb(&row),
            None => self.add(hash, row),
        }
        known.is_none()
    }

    fn find(&self, hash: u64, key: &ContactKey) -> Option<u32> {
        self.parts[part(hash)].find(hash, |n| self.rows.at(*n).is(key)).copied()
    }

    /// A row not known before.
    fn add(&mut self, hash: u64, row: Row) {
        let (n, hasher, rows) = (self.rows.push(row), &self.hasher, &self.rows);
        self.parts[part(hash)].insert_unique(hash, n, |n| hasher.hash_one(rows.at(*n).names));
    }

    /// Without the direction, which two of the same names seldom differ in.
    fn hash(&self, key: &ContactKey) -> u64 {
        self.hasher.hash_one([key.sender.0, key.client.0, key.recipient.0])
    }
}

impl Contact {
    /// Takes in another stretch of the same acquaintance. Ties of the first moment go to the better answer.
    pub fn absorb(&mut self, other: &Contact) {
        (self.first, self.first_answer) = (self.first, self.first_answer).min((other.first, other.first_answer));
        self.last = self.last.max(other.last);
        self.accepted_span.merge(other.accepted_span);
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.no_domain += other.no_domain;
        self.other += other.other;
    }
}

impl Default for Contacts {
    fn default() -> Self {
        Contacts {
            hasher: DefaultHashBuilder::default(),
            rows: Rows::default(),
            parts: array::from_fn(|_| HashTable::new()),
        }
    }
}

/// By bits at which no table looks.
fn part(hash: u64) -> usize {
    (hash >> 40) as usize % PARTS
}

impl Rows {
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * BLOCK + last.len())
    }

    fn at(&self, n: u32) -> &Row {
        &self.0[n as usize / BLOCK][n as usize % BLOCK]
    }

    fn at_mut(&mut self, n: u32) -> &mut Row {
        &mut self.0[n as usize / BLOCK][n as usize % BLOCK]
    }

    /// Its place. Four billion contacts would take 200 GB.
    fn push(&mut self, row: Row) -> u32 {
        let n = u32::try_from(self.len()).unwrap_or(u32::MAX);
        match self.0.last_mut().filter(|last| last.len() < BLOCK) {
            Some(last) => last.push(row),
            None => {
                // Small ledgers take little room; those with a second block will have more.
                let mut block = Vec::with_capacity(if n == 0 { 0 } else { BLOCK });
                block.push(row);
                self.0.push(block);
            }
        }
        n
    }
}

impl Row {
    fn new(key: &ContactKey, contact: &Contact) -> Self {
        let moment = |at: Timestamp| at.0.clamp(0, i64::from(u32::MAX)) as u32;
        let count = |n: u64| n.min(u64::from(u32::MAX)) as u32;
        let Contact { first, last, first_answer, accepted_span, accepted, unknown, no_domain, other } = *contact;
        Row {
            names: [key.sender.0, key.client.0, key.recipient.0],
            seen: [first, last].map(moment),
            accepted: accepted_span.bounds().map_or(NEVER, |(first, last)| [first, last].map(moment)),
            counts: [accepted, unknown, no_domain, other].map(count),
            direction: key.direction,
            first_answer,
        }
    }

    fn is(&self, key: &ContactKey) -> bool {
        self.names == [key.sender.0, key.client.0, key.recipient.0] && self.direction == key.direction
    }

    fn key(&self) -> ContactKey {
        let [sender, client, recipient] = self.names.map(Name);
        ContactKey { sender, client, recipient, direction: self.direction }
    }

    fn contact(&self) -> Contact {
        let moment = |at: u32| Timestamp(i64::from(at));
        let accepted_span = match self.accepted {
            NEVER => Window::default(),
            [first, last] => Window::between(moment(first), moment(last)),
        };
        let [first, last] = self.seen.map(moment);
        let [accepted, unknown, no_domain, other] = self.counts.map(u64::from);
        Contact { first, last, first_answer: self.first_answer, accepted_span, accepted, unknown, no_domain, other }
    }

    /// Ties of the first moment go to the better answer.
    fn absorb(&mut self, other: &Row) {
        let first = (self.seen[0], self.first_answer).min((other.seen[0], other.first_answer));
        self.first_answer = first.1;
        self.seen = [first.0, self.seen[1].max(other.seen[1])];
        self.accepted = [self.accepted[0].min(other.accepted[0]), self.accepted[1].max(other.accepted[1])];
        for (mine, its) in self.counts.iter_mut().zip(other.counts) {
            *mine = mine.saturating_add(its);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp(1_650_000_000);

    fn key(n: u32, direction: Direction) -> ContactKey {
        ContactKey { sender: Name(n % 7), client: Name(n % 3), recipient: Name(n), direction }
    }

    fn both(one: &Contact, other: &Contact) -> Contact {
        let mut both = *one;
        both.absorb(other);
        both
    }

    #[test]
    fn nothing_is_lost_on_the_way_in_and_out() {
        assert_eq!(size_of::<Row>(), 48);
        let mut contacts = Contacts::default();
        let met: Vec<(ContactKey, Contact)> = (0..5_000)
            .map(|n| {
                let answer = [Answer::Accepted, Answer::Unknown, Answer::NoDomain, Answer::Other][n as usize % 4];
                (key(n % 2_000, Direction::Out), Contact::of(FIRST.plus(i64::from(n) * 977 % 5_003), answer))
            })
            .collect();
        let mut new = 0;
        contacts.meet_all(met[..3_000].iter().copied(), |_| new += 1);
        let known = met[3_000..].iter().filter(|(key, contact)| !contacts.meet(*key, *contact)).count();
        assert_eq!((new, known, contacts.len()), (2_000, 2_000, 2_000));
        for n in 0..2_000 {
            let key = key(n, Direction::Out);
            let mut expected: Option<Contact> = None;
            for (_, contact) in met.iter().filter(|(other, _)| *other == key) {
                expected = Some(expected.map_or(*contact, |known| both(&known, contact)));
            }
            assert_eq!(contacts.get(&key), expected, "{n}");
        }
        assert_eq!(contacts.get(&key(1, Direction::In)), None, "the other way is another");
        assert!(contacts.meet(key(1, Direction::In), Contact::of(FIRST, Answer::Other)));
        contacts.retain(|key, contact| key.direction == Direction::In && contact.other == 1);
        assert_eq!(contacts.keys().collect::<Vec<_>>(), [key(1, Direction::In)]);
    }

    #[test]
    fn moments_and_counts_out_of_range_are_the_nearest() {
        let mut contacts = Contacts::default();
        let far = Contact::of(Timestamp(i64::MAX), Answer::Accepted);
        contacts.meet(key(1, Direction::Out), Contact { first: Timestamp(-5), accepted: u64::MAX, ..far });
        contacts.meet(key(1, Direction::Out), far);
        let known = contacts.get(&key(1, Direction::Out)).unwrap();
        let (least, most) = (Timestamp(0), Timestamp(u32::MAX.into()));
        assert_eq!((known.first, known.last, known.accepted), (least, most, u32::MAX.into()));
        assert_eq!(known.accepted_span, Window::at(most));
    }
}
