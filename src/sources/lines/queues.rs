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
        let place = match self.find(id) {
            Some(place) => place,
            None => self.add(id.into(), Queue::default()),
        };
        self.last = Some(place);
        &mut self.mails[place].1
    }

    /// Takes out the mail under `id`.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Queue> {
        let place = self.find(id)?;
        let hash = self.hasher.hash_one(id);
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
        if let Some(last) = self.last.filter(|last| self.mails[*last].0 == id) {
            return Some(last);
        }
        self.places.find(self.hasher.hash_one(id), |place| self.mails[*place].0 == id).copied()
    }

    /// Adds a mail whose id is not known; its place.
    fn add(&mut self, id: CompactString, queue: Queue) -> usize {
        let hash = self.hasher.hash_one(id.as_str());
        let place = match self.free.pop() {
            Some(place) => {
                self.mails[place] = (id, queue);
                place
            }
            None => {
                self.mails.push((id, queue));
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
