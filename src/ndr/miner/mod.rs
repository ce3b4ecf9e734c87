//! Templates: the people's view above masked forms, as Drain mines them, in bounded memory and any order.
//!
//! Masked forms are counted exactly. Where there are more than memory allows (only an attacker makes so many), those
//! whose hash lies above a shrinking bound are counted by their first words instead, those above the next bound by
//! their codes alone. The bound depends on the set of forms and not on their order, so two miners merged give what one
//! over everything gives. [`Miner::freeze`] then joins similar forms of one type (`template.rs`).

mod template;

use std::collections::BTreeMap;

use hashbrown::{HashMap, hash_map::Entry};

use super::TemplateId;
use crate::{
    bounce::BounceType,
    hash::stable_hash,
    merge::Merge,
    moment::{Timestamp, Window},
};

pub use template::Template;

/// Bytes of forms counted exactly, then by first words. By codes there are only a few thousand.
const BUDGET: [usize; 2] = [32 << 20, 8 << 20];
/// What a form costs beside its text: its example, the table's share.
const OVERHEAD: usize = MAX_EXAMPLE + 128;
/// A form's example is cut here: enough to know it by.
const MAX_EXAMPLE: usize = 400;
/// Words a form is known by once it is no longer counted exactly.
const HEAD: usize = 5;
/// Founders kept; later ones are found again each night, by the same order.
const MAX_FOUNDERS: usize = 1 << 16;
/// Stands for what differs.
const HOLE: &str = "<*>";

/// Counts masked forms, and knows the templates of earlier nights.
#[derive(Debug, Clone)]
pub struct Miner {
    levels: [Level; 3],
    known: BTreeMap<TemplateId, Founder>,
    budget: [usize; 2],
}

/// A masked form and how often it was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The masked text.
    pub text: Box<str>,
    /// The first reply that had this form.
    pub example: Box<str>,
    /// What it was last judged to mean.
    pub kind: BounceType,
    /// Attempts.
    pub count: u64,
    /// First and last time.
    pub seen: Window,
}

/// The form a template began with. Its id is the template's for good: forms that come later join it, or found their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Founder {
    /// The masked text.
    pub text: Box<str>,
    /// The type of every form in the template.
    pub kind: BounceType,
    /// When it was first seen, even if that night is forgotten.
    pub first: Timestamp,
    /// What a language model made of it; `None` where none was asked.
    pub proposal: Option<Proposal>,
}

/// What a language model takes a template for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// The type, [`BounceType::Other`] where nothing was close enough.
    pub kind: BounceType,
    /// Likeness to the nearest labelled example, up to 1.
    pub likeness: f32,
}

#[derive(Debug, Clone, Default)]
struct Level {
    forms: HashMap<u64, Form>,
    /// What the forms may take in memory, by their texts alone: the same in any order of arrival.
    bytes: usize,
    /// Forms are kept while their hash has this many zero bits at the top.
    zeros: u32,
}

impl Default for Miner {
    fn default() -> Self {
        Miner { levels: Default::default(), known: BTreeMap::new(), budget: BUDGET }
    }
}

impl Miner {
    /// Keeps about `bytes` of forms counted exactly and as many again by their first words.
    pub fn with_budget(bytes: usize) -> Self {
        Miner { budget: [bytes; 2], ..Miner::default() }
    }

    /// Counts one reply: `id` is its masked form's, `masked` gives that form's text and is asked for new ones only.
    pub fn add(
        &mut self,
        id: TemplateId,
        kind: BounceType,
        raw: &str,
        at: Timestamp,
        masked: impl FnOnce() -> Box<str>,
    ) {
        let seen = Window::at(at);
        match self.levels[0].forms.get_mut(&id.0) {
            Some(form) => form.said_again(raw, kind, at),
            None => self.put(0, id.0, Form { text: masked(), example: cut(raw), kind, count: 1, seen }),
        }
    }

    /// Takes in a form as [`Miner::forms`] gave it.
    pub fn restore(&mut self, level: u8, id: TemplateId, form: Form) {
        self.put(usize::from(level).min(self.levels.len() - 1), id.0, form);
    }

    /// All forms in order: 0 counted exactly, 1 by first words, 2 by code; then by id.
    pub fn forms(&self) -> Vec<(u8, TemplateId, &Form)> {
        let mut all: Vec<_> = (0_u8..)
            .zip(&self.levels)
            .flat_map(|(n, level)| level.forms.iter().map(move |(id, form)| (n, TemplateId(*id), form)))
            .collect();
        all.sort_unstable_by_key(|(level, id, _)| (*level, *id));
        all
    }

    /// Forms in memory.
    pub fn len(&self) -> usize {
        self.levels.iter().map(|l| l.forms.len()).sum()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replies no longer known by their exact form.
    pub fn generalised(&self) -> u64 {
        self.levels[1..].iter().flat_map(|l| l.forms.values()).map(|form| form.count).sum()
    }

    /// Forgets forms, never templates.
    pub fn retain(&mut self, keep: impl Fn(&Form) -> bool) {
        for level in &mut self.levels {
            level.forms.retain(|_, form| keep(form));
            level.bytes = level.forms.values().map(Form::charge).sum();
        }
    }

    /// The templates known by name, by id.
    pub fn known(&self) -> &BTreeMap<TemplateId, Founder> {
        &self.known
    }

    /// Makes a template known: forms like its founder join it from now on.
    pub fn know(&mut self, id: TemplateId, founder: Founder) {
        match self.known.get_mut(&id) {
            Some(old) => {
                old.proposal = old.proposal.or(founder.proposal);
                (old.first, old.kind) = (old.first, old.kind).min((founder.first, founder.kind));
            }
            None => {
                self.known.insert(id, founder);
            }
        }
    }

    /// Takes in what was mined elsewhere, or at another time, and settles as one miner over everything would have:
    /// templates whose founding forms are still known are found again in the order of all forms' first appearance.
    pub fn rejoin(&mut self, mut other: Miner) {
        let proposed: Vec<(TemplateId, Founder)> =
            self.known.iter().filter(|(_, f)| f.proposal.is_some()).map(|(id, f)| (*id, f.clone())).collect();
        self.unsettle();
        other.unsettle();
        self.merge(other);
        self.settle();
        for (id, founder) in proposed {
            if self.known.contains_key(&id) {
                self.know(id, founder);
            }
        }
    }

    /// Forgets the templates that the forms would found again.
    pub fn unsettle(&mut self) {
        let mut forms: HashMap<(&str, BounceType), Timestamp> = HashMap::new();
        for form in self.levels.iter().flat_map(|level| level.forms.values()) {
            let first = forms.entry((&form.text, form.kind)).or_insert(form.first());
            *first = form.first().min(*first);
        }
        let again = |f: &Founder| forms.get(&(&*f.text, f.kind)).is_some_and(|first| *first <= f.first);
        self.known.retain(|_, founder| !again(founder));
    }

    /// How tight the bound of each level is, for [`Miner::bind`].
    pub fn bounds(&self) -> Vec<(u8, u32)> {
        (0..).zip(self.levels.iter().map(|level| level.zeros)).collect()
    }

    /// Makes a level's bound as tight as another miner's was: what that one no longer knew exactly cannot be known here.
    pub fn bind(&mut self, level: u8, zeros: u32) {
        let level = usize::from(level);
        if level + 1 < self.levels.len() && zeros > self.levels[level].zeros {
            self.tighten(level, zeros.min(63));
        }
    }

    fn put(&mut self, level: usize, id: u64, form: Form) {
        let last = level + 1 == self.levels.len();
        let l = &mut self.levels[level];
        if !last && id.leading_zeros() < l.zeros {
            return self.generalise(level, form);
        }
        match l.forms.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().absorb(form),
            Entry::Vacant(free) => {
                l.bytes += form.charge();
                free.insert(form);
                if !last && l.bytes > self.budget[level] {
                    let next = l.zeros + 1;
                    self.tighten(level, next);
                }
            }
        }
    }

    /// Raises the bound to `zeros`, and further until the level fits, handing what falls out to the next one.
    fn tighten(&mut self, level: usize, mut zeros: u32) {
        loop {
            let l = &mut self.levels[level];
            l.zeros = zeros;
            let out: Vec<_> = l.forms.extract_if(|id, _| id.leading_zeros() < zeros).collect();
            l.bytes -= out.iter().map(|(_, form)| form.charge()).sum::<usize>();
            let fits = l.bytes <= self.budget[level];
            for (_, form) in out {
                self.generalise(level, form);
            }
            if fits || zeros >= 63 {
                return;
            }
            zeros += 1;
        }
    }

    fn generalise(&mut self, level: usize, form: Form) {
        let text = generalised(&form.text, level);
        let id = id_beside(&text, form.kind);
        self.put(level + 1, id.0, Form { text: text.into(), ..form });
    }
}

impl Merge for Miner {
    fn merge(&mut self, other: Self) {
        // The tighter bound holds for both: a form that one side no longer knows exactly cannot be counted exactly.
        for (level, theirs) in other.levels.iter().enumerate() {
            if theirs.zeros > self.levels[level].zeros {
                self.tighten(level, theirs.zeros);
            }
        }
        for (level, theirs) in other.levels.into_iter().enumerate() {
            for (id, form) in theirs.forms {
                self.put(level, id, form);
            }
        }
        for (id, founder) in other.known {
            self.know(id, founder);
        }
    }
}

impl Form {
    /// When it was first said.
    pub fn first(&self) -> Timestamp {
        self.seen.bounds().unwrap_or_default().0
    }

    fn last(&self) -> Timestamp {
        self.seen.bounds().unwrap_or_default().1
    }

    /// By its text alone, so that the order of arrival does not show.
    fn charge(&self) -> usize {
        self.text.len() + OVERHEAD
    }

    fn said_again(&mut self, raw: &str, kind: BounceType, at: Timestamp) {
        self.count = self.count.saturating_add(1);
        if at < self.first() || (at == self.first() && raw < &*self.example) {
            self.example = cut(raw);
        }
        if (at, kind) > (self.last(), self.kind) {
            self.kind = kind;
        }
        self.seen.extend(at);
    }

    /// The oldest example stays, and what it was judged to mean last.
    fn absorb(&mut self, other: Form) {
        self.count = self.count.saturating_add(other.count);
        if (other.last(), other.kind) > (self.last(), self.kind) {
            self.kind = other.kind;
        }
        if (other.first(), &other.example) < (self.first(), &self.example) {
            self.example = other.example;
        }
        self.seen.merge(other.seen);
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

/// Where a text alone does not tell two types apart.
fn id_beside(text: &str, kind: BounceType) -> TemplateId {
    TemplateId(stable_hash(format!("{text}\t{}", kind.number()).as_bytes()))
}

fn cut(raw: &str) -> Box<str> {
    let mut end = raw.len().min(MAX_EXAMPLE);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    raw[..end].into()
}

#[cfg(test)]
mod tests;
