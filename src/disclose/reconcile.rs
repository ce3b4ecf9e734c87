//! Tonight's matters against what earlier nights opened.

use std::collections::{BTreeMap, BTreeSet};

use super::{Audience, Disclosure, Entry, Item, Matter, State, matters::BY_CONVENTION};
use crate::{findings, moment::Timestamp};

/// Brings `known` up to tonight: figures of letters nobody has drafted yet follow the findings, what is new opens a
/// letter (one an owner), a letter all of whose findings are gone is resolved. Returns the trail's new lines.
pub fn reconcile(known: &mut Vec<Disclosure>, matters: Vec<Matter>, now: Timestamp) -> Vec<Entry> {
    let mut trail = Vec::new();
    let present: BTreeMap<(Audience, &str), BTreeSet<&str>> = matters
        .iter()
        .map(|m| ((m.audience, m.owner.as_str()), m.items.iter().map(|i| i.id.as_str()).collect()))
        .collect();
    for old in known.iter_mut().filter(|d| d.state != State::Resolved) {
        let still = present.get(&(old.matter.audience, old.matter.owner.as_str()));
        if !old.matter.items.iter().any(|item| still.is_some_and(|ids| ids.contains(item.id.as_str()))) {
            old.gone = true;
            trail.push(old.turn(State::Resolved, "none of its findings is left", now));
        }
    }
    for matter in matters {
        let ours = |d: &&mut Disclosure| d.matter.audience == matter.audience && d.matter.owner == matter.owner;
        let (mut rounds, mut covered, mut open, mut contact) = (0_u64, BTreeSet::<String>::new(), None, None);
        for old in known.iter_mut().filter(ours) {
            rounds += 1;
            // Whom the operator chose or a registry named is written to again.
            let better = old.matter.contact.as_ref().filter(|(_, source)| source != BY_CONVENTION);
            contact = better.cloned().or(contact);
            if old.state == State::Found {
                open = Some(old);
            } else if !old.gone {
                covered.extend(old.matter.items.iter().map(|item| item.id.clone()));
            }
        }
        let items: Vec<Item> = matter.items.iter().filter(|i| !covered.contains(&i.id)).cloned().collect();
        if items.is_empty() {
            continue;
        }
        match open {
            Some(letter) => {
                letter.matter.items = items;
                // An operator's own choice of contact outlives the night.
                letter.matter.contact = letter.matter.contact.take().or(matter.contact);
            }
            None => {
                let id = findings::id(matter.audience.name(), &format!("{} {rounds}", matter.owner));
                let mut letter = Disclosure {
                    id,
                    matter: Matter { items, contact: contact.or(matter.contact), ..matter },
                    state: State::Found,
                    gone: false,
                    changed_at: now,
                };
                trail.push(letter.turn(State::Found, "first seen", now));
                known.push(letter);
            }
        }
    }
    known.sort_by(|a, b| (a.matter.audience, &a.matter.owner, &a.id).cmp(&(b.matter.audience, &b.matter.owner, &b.id)));
    trail
}

impl Disclosure {
    /// Enters `state`; the line that says so.
    pub fn turn(&mut self, state: State, note: &str, now: Timestamp) -> Entry {
        self.state = state;
        self.changed_at = now;
        Entry { disclosure: self.id.clone(), at: now, state, note: note.to_owned() }
    }
}
