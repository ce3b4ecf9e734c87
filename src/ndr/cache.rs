//! Verdicts by masked form, for one thread.

use hashbrown::HashMap;

use super::{Classifier, Verdict, mask::Masked};

/// Most forms kept; then the older half goes.
const FORMS: usize = 1 << 16;

/// A classifier that remembers what it said of each masked form. One per thread. A verdict depends on nothing but the
/// masked form, so remembering never changes an answer.
#[derive(Debug)]
pub struct Cached<'c> {
    classifier: &'c Classifier,
    masked: Masked,
    /// By hash; the text is compared, so no collision gives a stranger's verdict.
    young: HashMap<u64, (Box<str>, Verdict), Pass>,
    old: HashMap<u64, (Box<str>, Verdict), Pass>,
    capacity: usize,
}

impl<'c> Cached<'c> {
    /// With an empty memory.
    pub fn new(classifier: &'c Classifier) -> Self {
        Self::with_capacity(classifier, FORMS)
    }

    /// With room for `capacity` masked forms.
    pub fn with_capacity(classifier: &'c Classifier, capacity: usize) -> Self {
        let map = || HashMap::with_hasher(Pass::default());
        Cached { classifier, masked: Masked::default(), young: map(), old: map(), capacity: capacity.max(2) }
    }

    /// What a reply means.
    pub fn classify(&mut self, text: &str) -> &Verdict {
        self.masked.read(text, &self.classifier.lists);
        let id = self.masked.id().0;
        let fits = self.young.get(&id).is_some_and(|(form, _)| **form == *self.masked.text());
        if !fits {
            let kept = self.old.remove(&id).filter(|(form, _)| **form == *self.masked.text());
            let entry = kept.unwrap_or_else(|| (self.masked.text().into(), self.classifier.verdict(&self.masked)));
            if self.young.len() >= self.capacity / 2 {
                std::mem::swap(&mut self.young, &mut self.old);
                self.young.clear();
            }
            self.young.insert(id, entry);
        }
        &self.young[&id].1
    }

    /// The masked form of the reply classified last.
    pub fn masked(&self) -> &Masked {
        &self.masked
    }

    /// Masked forms in memory.
    pub fn forms(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// The key is a hash already.
#[derive(Debug, Clone, Default)]
struct Pass(u64);

impl std::hash::BuildHasher for Pass {
    type Hasher = Pass;
    fn build_hasher(&self) -> Pass {
        Pass(0)
    }
}

impl std::hash::Hasher for Pass {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = crate::hash::stable_hash(bytes);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
