//! A mistyped username and whom it was meant for: first among those the same sender reaches at that domain, then among
//! all who receive mail there.

use std::sync::{Arc, Mutex};

use hashbrown::HashMap;

use super::{
    Candidate,
    census::Census,
    edit::{Change, MAX_EDITS, distance, word_changes},
    index::{Index, Scratch},
    letters::Letters,
    parameters::Parameters,
    person, words,
};
use crate::address::{domain_of, local_of};

/// Of wrong usernames, how many were meant for somebody the same sender reaches at that domain, and how many for
/// somebody others reach there. The rest were made up, guessed or have gone.
const MEANT_FOR_KNOWN: f64 = 0.5;
/// See [`MEANT_FOR_KNOWN`].
const MEANT_FOR_OTHERS: f64 = 0.05;
/// Share of addresses whose username is written wrongly.
const SLIP: f64 = 0.02;
/// Names whose model of made-up usernames is learned from.
const MAX_LEARNED: usize = 100_000;
/// Domains whose users stay indexed between questions.
const MAX_KEPT: usize = 256;
/// Candidates below this are not told; at most so many are.
const FAINT: f64 = 0.001;
const MAX_TOLD: usize = 8;

/// Everybody who receives mail.
#[derive(Debug)]
pub(super) struct Usernames {
    made_up: Letters,
    kept: Mutex<HashMap<Box<str>, Arc<Locals>>>,
}

/// A domain's users.
#[derive(Debug, Default)]
struct Locals {
    index: Index,
    mails: Vec<u64>,
    total: u64,
    /// Sorted: hash of a person's name without order, separators and digits; user.
    persons: Vec<(u64, u32)>,
}

impl Usernames {
    pub(super) fn new(census: &Census<'_>) -> Self {
        let sample = census.addresses_sample(MAX_LEARNED);
        let names = sample.iter().map(|a| local_of(a)).chain(FIRST_WORDS);
        Usernames { made_up: Letters::learn(names.collect()), kept: Mutex::new(HashMap::new()) }
    }

    /// Whom `address` (folded) was meant for, as full addresses.
    pub(super) fn explain(
        &self,
        address: &str,
        sender: Option<&str>,
        census: &Census<'_>,
        channel: &Parameters,
    ) -> Vec<Candidate> {
        let (typed, domain) = (local_of(address), domain_of(address));
        if typed.is_empty() || domain.is_empty() {
            return Vec::new();
        }
        let mut weights: HashMap<String, f64> = HashMap::new();
        if let Some(sender) = sender {
            let known = census.correspondents(sender, domain);
            let total: u64 = known.iter().map(|(_, mails)| mails).sum();
            for (known, mails) in known {
                let local = local_of(known);
                let near = local.len().abs_diff(typed.len()) <= MAX_EDITS && distance(local, typed) <= MAX_EDITS;
                if near || person::key(local) == person::key(typed) || person::initial_form(local, typed) {
                    *weights.entry(local.to_owned()).or_default() +=
                        MEANT_FOR_KNOWN * *mails as f64 / total.max(1) as f64;
                }
            }
        }
        let locals = self.locals(domain, census);
        for user in locals.candidates(typed) {
            let share = locals.mails[user as usize] as f64 / locals.total.max(1) as f64;
            *weights.entry(locals.index.name(user).to_owned()).or_default() += MEANT_FOR_OTHERS * share;
        }
        self.tell(typed, domain, weights, channel)
    }

    fn tell(&self, typed: &str, domain: &str, weights: HashMap<String, f64>, channel: &Parameters) -> Vec<Candidate> {
        let mut weighed: Vec<(String, Vec<Change>, f64)> = weights
            .into_iter()
            .filter(|(local, _)| local != typed)
            .filter_map(|(local, prior)| {
                let (found, likelihood) = slip(&local, typed, channel)?;
                Some((local, found, prior * SLIP * likelihood))
            })
            .collect();
        weighed.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        let best: Vec<&str> = weighed.iter().take(1).map(|w| &*w.0).collect();
        let own = (1.0 - MEANT_FOR_KNOWN - MEANT_FOR_OTHERS) * self.made_up.probability(typed, &best);
        let total: f64 = own + weighed.iter().map(|w| w.2).sum::<f64>();
        let typed_address = format!("{typed}@{domain}");
        let told = weighed.into_iter().take(MAX_TOLD).filter(|w| w.2 / total >= FAINT);
        told.map(|(local, found, weight)| {
            let intended = format!("{local}@{domain}");
            Candidate {
                words: words::tell(&typed_address, &intended, &found),
                edits: found.iter().map(|c| c.edit).collect(),
                probability: weight / total,
                intended,
            }
        })
        .collect()
    }

    fn locals(&self, domain: &str, census: &Census<'_>) -> Arc<Locals> {
        let Ok(mut kept) = self.kept.lock() else {
            return Arc::default();
        };
        if let Some(known) = kept.get(domain) {
            return known.clone();
        }
        let built = Arc::new(Locals::new(census.locals(domain)));
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(domain.into(), built.clone());
        built
    }
}

/// A few words of which usernames consist, so that the model of made-up ones is none without any mail either.
const FIRST_WORDS: [&str; 24] = [
    "john.smith",
    "anna",
    "info",
    "sales",
    "contact",
    "maria.garcia",
    "wang.wei",
    "li.na",
    "office",
    "admin",
    "peter",
    "thomas.mueller",
    "support",
    "jdoe",
    "kim1988",
    "zhang_min",
    "ivanov",
    "billing",
    "newsletter",
    "marie.dupont",
    "hr",
    "m.rossi",
    "alex",
    "sato",
];

/// How `local` may have become `typed`, and how likely that is: one or two slips of the hand, or the same person's
/// name written another way, told as one change of the whole.
fn slip(local: &str, typed: &str, channel: &Parameters) -> Option<(Vec<Change>, f64)> {
    let chars: Vec<char> = local.chars().collect();
    let by_hand = word_changes(local, typed, channel).filter(|c| !c.is_empty());
    let by_hand = by_hand.map(|found| {
        let likelihood = channel.likelihood(&chars, &found);
        (found, likelihood)
    });
    let by_name = person::variant(local, typed).map(|(edit, likelihood)| {
        (vec![Change { edit, at: 0, from: local.to_owned(), to: typed.to_owned() }], likelihood)
    });
    match (by_hand, by_name) {
        (Some(hand), Some(name)) if name.1 > hand.1 => Some((if hand.0.len() == 1 { hand.0 } else { name.0 }, name.1)),
        (Some(hand), _) => Some(hand),
        (None, name) => name,
    }
}

impl Locals {
    fn new(users: &[(&str, u64)]) -> Self {
        let mut persons: Vec<(u64, u32)> =
            users.iter().enumerate().map(|(i, (a, _))| (person::key(local_of(a)), i as u32)).collect();
        persons.sort_unstable();
        Locals {
            index: Index::new(users.iter().map(|(a, _)| local_of(a))),
            mails: users.iter().map(|(_, mails)| *mails).collect(),
            total: users.iter().map(|(_, mails)| mails).sum(),
            persons,
        }
    }

    fn candidates(&self, typed: &str) -> Vec<u32> {
        let mut found: Vec<u32> =
            self.index.near(typed, MAX_EDITS, &mut Scratch::default()).iter().map(|h| h.name).collect();
        let key = person::key(typed);
        let at = self.persons.partition_point(|(k, _)| *k < key);
        found.extend(self.persons[at..].iter().take_while(|(k, _)| *k == key).take(64).map(|(_, n)| n));
        found.sort_unstable();
        found.dedup();
        found
    }
}
