//! Templates: the people's view above masked forms, as Drain mines them, in bounded memory and any order.
//!
//! Masked forms are counted exactly. Where there are more than the cap allows (only an attacker makes so many), those
//! whose hash lies above a shrinking bound are counted by their first words instead, those above the next bound by
//! their codes alone. The bound depends on the set of forms and not on their order, so two miners merged give what one
//! over everything gives. [`Miner::freeze`] then joins similar forms of one type.

use hashbrown::HashMap;

use super::TemplateId;
use crate::{bounce::BounceType, hash::stable_hash, merge::Merge, moment::Timestamp};

/// Forms kept on each level: three levels of at most this many forms of at most 1 KiB stay far under 256 MiB.
const CAP: usize = 1 << 15;
/// Share of equal words from which two forms are one template.
const SIMILAR: f32 = 0.7;
/// Words a form is known by once it is no longer counted exactly.
const HEAD: usize = 5;
/// Stands for what differs.
const HOLE: &str = "<*>";

/// Counts masked forms.
#[derive(Debug, Clone)]
pub struct Miner {
    levels: [Level; 3],
    cap: usize,
}

/// One mined template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Hash of `text`.
    pub id: TemplateId,
    /// Masked text with `<*>` where its forms differ.
    pub text: String,
    /// What its replies mean.
    pub kind: BounceType,
    /// Replies.
    pub count: u64,
    /// Masked forms joined in it.
    pub forms: u64,
    /// Its most frequent form.
    pub example: String,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
}

#[derive(Debug, Clone, Default)]
struct Level {
    forms: HashMap<(u64, BounceType), Form>,
    /// Forms are kept while their hash has this many zero bits at the top.
    zeros: u32,
}

#[derive(Debug, Clone)]
struct Form {
    text: Box<str>,
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Default for Miner {
    fn default() -> Self {
        Self::with_cap(CAP)
    }
}

impl Miner {
    /// Keeps at most `cap` forms on each level.
    pub fn with_cap(cap: usize) -> Self {
        Miner { levels: Default::default(), cap: cap.max(1) }
    }

    /// Counts one reply by its masked form and what it was judged to be.
    pub fn add(&mut self, masked: &str, kind: BounceType, at: Timestamp) {
        self.put(0, masked, kind, Counts { count: 1, first: at, last: at });
    }

    /// Forms in memory.
    pub fn forms(&self) -> usize {
        self.levels.iter().map(|l| l.forms.len()).sum()
    }

    /// The templates, most frequent first.
    pub fn freeze(&self) -> Vec<Template> {
        let mut forms: Vec<(&Form, BounceType)> =
            self.levels.iter().flat_map(|l| l.forms.iter().map(|(key, form)| (form, key.1))).collect();
        forms.sort_by(|a, b| (a.1, &a.0.text).cmp(&(b.1, &b.0.text)));
        let mut clusters: Vec<Cluster> = Vec::new();
        let mut by_head: HashMap<(BounceType, usize, &str), Vec<usize>> = HashMap::new();
        for (form, kind) in forms {
            let words: Vec<&str> = form.text.split(' ').collect();
            let here = by_head.entry((kind, words.len(), words[0])).or_default();
            // The last few clusters of this head: sorted forms stand beside their like, and an attacker's flood of
            // different ones stays linear.
            match here.iter().rev().take(32).copied().find(|i| clusters[*i].likeness(&words) >= SIMILAR) {
                Some(i) => clusters[i].take(form, &words),
                None => {
                    here.push(clusters.len());
                    clusters.push(Cluster::new(form, kind, words));
                }
            }
        }
        let mut templates: HashMap<(u64, BounceType), Template> = HashMap::new();
        for c in clusters {
            let t = c.finish();
            templates.entry((t.id.0, t.kind)).and_modify(|old| old.join(&t)).or_insert(t);
        }
        let mut templates: Vec<Template> = templates.into_values().collect();
        templates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.text, a.kind).cmp(&(&b.text, b.kind))));
        templates
    }

    fn put(&mut self, level: usize, text: &str, kind: BounceType, c: Counts) {
        let hash = stable_hash(text.as_bytes());
        let last = level + 1 == self.levels.len();
        let l = &mut self.levels[level];
        if hash.leading_zeros() < l.zeros && !last {
            let general = generalised(text, level);
            return self.put(level + 1, &general, kind, c);
        }
        match l.forms.get_mut(&(hash, kind)) {
            Some(form) => form.add(c),
            None => {
                l.forms.insert((hash, kind), Form { text: text.into(), count: c.count, first: c.first, last: c.last });
                if l.forms.len() > self.cap && !last {
                    self.shrink(level);
                }
            }
        }
    }

    /// Tightens the bound until the level fits again, handing what falls out to the next one.
    fn shrink(&mut self, level: usize) {
        while self.levels[level].forms.len() > self.cap && self.levels[level].zeros < 63 {
            self.levels[level].zeros += 1;
            let zeros = self.levels[level].zeros;
            let out: Vec<_> = self.levels[level].forms.extract_if(|key, _| key.0.leading_zeros() < zeros).collect();
            for ((_, kind), form) in out {
                self.put(level + 1, &generalised(&form.text, level), kind, form.counts());
            }
        }
    }
}

impl Merge for Miner {
    fn merge(&mut self, other: Self) {
        // The tighter bound holds for both: a form that one side no longer knows exactly cannot be counted exactly.
        for (level, theirs) in other.levels.iter().enumerate() {
            if theirs.zeros > self.levels[level].zeros {
                self.levels[level].zeros = theirs.zeros;
                let out: Vec<_> =
                    self.levels[level].forms.extract_if(|key, _| key.0.leading_zeros() < theirs.zeros).collect();
                for ((_, kind), form) in out {
                    self.put(level + 1, &generalised(&form.text, level), kind, form.counts());
                }
            }
        }
        for (level, theirs) in other.levels.into_iter().enumerate() {
            for ((_, kind), form) in theirs.forms {
                self.put(level, &form.text, kind, form.counts());
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Form {
    fn add(&mut self, c: Counts) {
        self.count = self.count.saturating_add(c.count);
        self.first = self.first.min(c.first);
        self.last = self.last.max(c.last);
    }

    fn counts(&self) -> Counts {
        Counts { count: self.count, first: self.first, last: self.last }
    }
}

/// The first words; from the second level the leading code alone, of which there are few.
fn generalised(text: &str, level: usize) -> String {
    let words: Vec<&str> = if level == 0 {
        text.split(' ').take(HEAD).collect()
    } else {
        text.split(' ').take(1).filter(|w| w.len() == 3 && w.bytes().all(|c| c.is_ascii_digit())).collect()
    };
    let mut out = words.join(" ");
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(HOLE);
    out
}

struct Cluster<'f> {
    words: Vec<&'f str>,
    kind: BounceType,
    forms: u64,
    counts: Counts,
    best: &'f Form,
}

impl<'f> Cluster<'f> {
    fn new(form: &'f Form, kind: BounceType, words: Vec<&'f str>) -> Self {
        Cluster { words, kind, forms: 1, counts: form.counts(), best: form }
    }

    fn likeness(&self, words: &[&str]) -> f32 {
        let same = self.words.iter().zip(words).filter(|(a, b)| a == b && **a != HOLE).count();
        same as f32 / words.len().max(1) as f32
    }

    fn take(&mut self, form: &'f Form, words: &[&'f str]) {
        for (mine, theirs) in self.words.iter_mut().zip(words) {
            if mine != theirs {
                *mine = HOLE;
            }
        }
        self.forms += 1;
        self.counts.count = self.counts.count.saturating_add(form.count);
        self.counts.first = self.counts.first.min(form.first);
        self.counts.last = self.counts.last.max(form.last);
        if (form.count, &self.best.text) > (self.best.count, &form.text) {
            self.best = form;
        }
    }

    fn finish(self) -> Template {
        let text = self.words.join(" ");
        Template {
            id: TemplateId(stable_hash(text.as_bytes())),
            text,
            kind: self.kind,
            count: self.counts.count,
            forms: self.forms,
            example: self.best.text.to_string(),
            first: self.counts.first,
            last: self.counts.last,
        }
    }
}

impl Template {
    fn join(&mut self, other: &Template) {
        self.count = self.count.saturating_add(other.count);
        self.forms += other.forms;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}
