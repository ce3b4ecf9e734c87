//! A host's mails by queue id, each in a place of its own: lines of one mail often follow each other, and the second one
//! finds it where the first did.

use std::hash::BuildHasher;

use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::queue::Queue;

/// Mails in places that are used again.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    hasher: DefaultHashBuilder,
    /// Where in `mails`, by the id's hash.
    places: HashTable<usize>,
    mails: Vec<(CompactString, Queue)>,
    /// Places of mails that left.
    free: Vec<usize>,
    /// The place found last, if its mail has not left.
    last: Option<usize>,
}

impl Queues {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Queue> {
        self.find(id).map(|place| &self.mails[place].1)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Queue> {
        self.last = Some(self.find(id)?);
        self.last.map(|place| &mut self.mails[place].1)
    }

    /// The mail under `id`, a new one where there is none.
    pub(crate) fn entry(&mut self, id: &str) -> &mut Queue {
        let place = self.found_last(id).unwrap_or_else(|| {
            let hash = self.hasher.hash_one(id);
            self.search(id, hash).unwrap_or_else(|| self.add(id, hash))
        });
        self.last = Some(place);
        &mut self.mails[place].1
    }

    /// Takes out the mail under `id`.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Queue> {
        let hash = self.hasher.hash_one(id);
        let place = self.found_last(id).or_else(|| self.search(id, hash))?;
        if let Ok(found) = self.places.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        self.last = None;
        self.free.push(place);
        Some(std::mem::take(&mut self.mails[place].1))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CompactString, &Queue)> {
        self.places.iter().map(|place| &self.mails[*place]).map(|(id, queue)| (id, queue))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Queue> {
        self.iter().map(|(_, queue)| queue)
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.found_last(id).or_else(|| self.search(id, self.hasher.hash_one(id)))
    }

    fn found_last(&self, id: &str) -> Option<usize> {
        self.last.filter(|last| self.mails[*last].0 == id)
    }

    fn search(&self, id: &str, hash: u64) -> Option<usize> {
        self.places.find(hash, |place| self.mails[*place].0 == id).copied()
    }

    /// Adds a mail whose id is not known; its place.
    fn add(&mut self, id: &str, hash: u64) -> usize {
        let mail = (id.into(), Queue::default());
        let place = match self.free.pop() {
            Some(place) => {
                self.mails[place] = mail;
                place
            }
            None => {
                self.mails.push(mail);
                self.mails.len() - 1
            }
        };
        let (hasher, mails) = (&self.hasher, &self.mails);
        self.places.insert_unique(hash, place, |place| hasher.hash_one(mails[*place].0.as_str()));
        place
    }
}

impl FromIterator<(CompactString, Queue)> for Queues {
    fn from_iter<I: IntoIterator<Item = (CompactString, Queue)>>(mails: I) -> Self {
        let mut queues = Queues::default();
        for (id, queue) in mails {
            *queues.entry(&id) = queue;
        }
        queues
    }
}
