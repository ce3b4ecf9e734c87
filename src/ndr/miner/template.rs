//! Forms → templates: forms in the order of their first appearance, each joining the founder it is most like.
//!
//! Only a founder that was there before counts, so what comes later never moves what was there: ids stay from night to
//! night, and nights read one by one give what all of them at once give.

use hashbrown::HashMap;

use super::{Form, Founder, HOLE, MAX_FOUNDERS, Miner, Proposal, id_beside};
use crate::{
    bounce::BounceType,
    merge::Merge,
    moment::{Timestamp, Window},
    ndr::TemplateId,
};

/// Share of words equal to the founder's from which a form joins it.
const SIMILAR: f32 = 0.7;
/// Founders of one beginning that are compared: an attacker's flood of different forms stays linear.
const COMPARED: usize = 256;

/// One mined template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The founding form's.
    pub id: TemplateId,
    /// Masked text with `<*>` where its forms differ.
    pub text: String,
    /// What its replies mean: forms of another type are another template.
    pub kind: BounceType,
    /// Replies.
    pub count: u64,
    /// Masked forms joined in it.
    pub forms: u64,
    /// A reply of its most frequent form.
    pub example: String,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// What a language model made of it, where one was asked.
    pub proposal: Option<Proposal>,
}

impl Miner {
    /// The templates, most frequent first.
    pub fn freeze(&self) -> Vec<Template> {
        let mut templates: Vec<Template> = self.clusters().into_iter().filter_map(Cluster::finish).collect();
        templates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.text, a.id).cmp(&(&b.text, b.id))));
        templates
    }

    /// Makes every template known, so that later forms join it.
    pub fn settle(&mut self) {
        let new: Vec<(TemplateId, Founder)> = self.clusters().into_iter().map(|c| (c.id, c.founder())).collect();
        for (id, founder) in new {
            if self.known.len() < MAX_FOUNDERS || self.known.contains_key(&id) {
                self.know(id, founder);
            }
        }
    }

    fn clusters(&self) -> Vec<Cluster<'_>> {
        let mut clusters: Vec<Cluster> = self.known.iter().map(|(id, founder)| Cluster::known(*id, founder)).collect();
        clusters.sort_by(|a, b| a.age().cmp(&b.age()));
        let mut by_head: HashMap<Head, Vec<usize>> = HashMap::new();
        for (i, cluster) in clusters.iter().enumerate() {
            by_head.entry(head(cluster.kind, &cluster.founding)).or_default().push(i);
        }
        let mut forms = self.forms();
        forms.sort_by(|a, b| (a.2.first(), &a.2.text, a.1).cmp(&(b.2.first(), &b.2.text, b.1)));
        for (_, id, form) in forms {
            let words: Vec<&str> = form.text.split(' ').collect();
            let here = by_head.entry(head(form.kind, &words)).or_default();
            let age = (form.first(), &*form.text);
            let older = |i: &usize| clusters[*i].age() <= age;
            // A log older than what was read before brings forms older than the template they belong to.
            let found =
                best(&clusters, here, &words, older).or_else(|| best(&clusters, here, &words, |i| clusters[*i].stored));
            match found {
                Some(i) => clusters[i].take(form, &words),
                None => {
                    here.push(clusters.len());
                    let taken = self.known.get(&id).is_some_and(|known| known.kind != form.kind);
                    let id = if taken { id_beside(&form.text, form.kind) } else { id };
                    clusters.push(Cluster::new(id, form, words));
                }
            }
        }
        clusters
    }
}

/// Forms are compared within a type, a length and their leading codes or first word: the fixed-depth tree.
type Head<'f> = (BounceType, usize, &'f str, &'f str);

fn head<'f>(kind: BounceType, words: &[&'f str]) -> Head<'f> {
    let code = words.get(1).filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    (kind, words.len(), words.first().copied().unwrap_or(""), code.copied().unwrap_or(""))
}

/// The founder most like `words`, the oldest of several.
fn best(clusters: &[Cluster], here: &[usize], words: &[&str], among: impl Fn(&usize) -> bool) -> Option<usize> {
    let mut found: Option<(usize, f32)> = None;
    for i in here.iter().filter(|i| among(i)).take(COMPARED) {
        let likeness = clusters[*i].likeness(words);
        if likeness >= SIMILAR && found.is_none_or(|(_, most)| likeness > most) {
            found = Some((*i, likeness));
        }
    }
    found.map(|(i, _)| i)
}

struct Cluster<'f> {
    id: TemplateId,
    kind: BounceType,
    founding: Vec<&'f str>,
    founding_text: &'f str,
    first: Timestamp,
    proposal: Option<Proposal>,
    stored: bool,
    /// The founder's words, holes where a form differs.
    words: Vec<&'f str>,
    forms: u64,
    count: u64,
    seen: Window,
    best: Option<&'f Form>,
}

impl<'f> Cluster<'f> {
    fn known(id: TemplateId, founder: &'f Founder) -> Self {
        let words: Vec<&str> = founder.text.split(' ').collect();
        Cluster {
            id,
            kind: founder.kind,
            founding: words.clone(),
            founding_text: &founder.text,
            first: founder.first,
            proposal: founder.proposal,
            stored: true,
            words,
            forms: 0,
            count: 0,
            seen: Window::at(founder.first),
            best: None,
        }
    }

    fn new(id: TemplateId, form: &'f Form, words: Vec<&'f str>) -> Self {
        Cluster {
            id,
            kind: form.kind,
            founding: words.clone(),
            founding_text: &form.text,
            first: form.first(),
            proposal: None,
            stored: false,
            words,
            forms: 1,
            count: form.count,
            seen: form.seen,
            best: Some(form),
        }
    }

    fn age(&self) -> (Timestamp, &'f str) {
        (self.first, self.founding_text)
    }

    fn likeness(&self, words: &[&str]) -> f32 {
        let same = self.founding.iter().zip(words).filter(|(a, b)| a == b).count();
        same as f32 / words.len().max(1) as f32
    }

    fn take(&mut self, form: &'f Form, words: &[&'f str]) {
        for (mine, theirs) in self.words.iter_mut().zip(words) {
            if mine != theirs {
                *mine = HOLE;
            }
        }
        self.forms += 1;
        self.count = self.count.saturating_add(form.count);
        self.seen.merge(form.seen);
        if self.stored && self.founding_text == &*form.text {
            self.first = self.first.min(form.first());
        }
        if self.best.is_none_or(|best| (form.count, &best.text) > (best.count, &form.text)) {
            self.best = Some(form);
        }
    }

    fn founder(&self) -> Founder {
        Founder { text: self.founding_text.into(), kind: self.kind, first: self.first, proposal: self.proposal }
    }

    fn finish(self) -> Option<Template> {
        let (best, (first, last)) = (self.best?, self.seen.bounds()?);
        Some(Template {
            id: self.id,
            text: self.words.join(" "),
            kind: self.kind,
            count: self.count,
            forms: self.forms,
            example: best.example.to_string(),
            first,
            last,
            proposal: self.proposal,
        })
    }
}
