//! A mistyped username and whom it was meant for: first among those the same sender reaches at that domain, then among
//! all who receive mail there.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use hashbrown::HashMap;

use super::{
    Candidate,
    census::Census,
    edit::{Change, MAX_EDITS, word_changes},
    index::{Index, Scratch},
    letters::Letters,
    parameters::{Parameters, Strangers},
    person::{self, Person},
    provider::Providers,
    within::within_text,
    words,
};
use crate::address::{domain_of, local_of};

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
    kept: Mutex<HashMap<String, Users>>,
    providers: Providers,
}

/// A username that may be a slip, and whom of its domain's users it is like, whoever wrote it.
struct Wrong<'a> {
    /// The part that may be wrong.
    typed: &'a str,
    /// What was put to it.
    tag: &'a str,
    domain: &'a str,
    /// Signs that do not count there, and `typed` without them.
    ignored: &'a str,
    bare: Cow<'a, str>,
    person: Person<'a>,
    like: Vec<Like<'a>>,
}

/// A user whose name is like the one typed.
struct Like<'a> {
    local: &'a str,
    /// Of the mail of all users.
    share: f64,
    /// How it may have become what was typed, and how likely that is.
    found: Vec<Change>,
    likelihood: f64,
}

/// A domain's users, whom the first who asks brings together.
pub(super) type Users = Arc<OnceLock<Locals>>;

/// A domain's users.
#[derive(Debug, Default)]
pub(super) struct Locals {
    /// Of the names without the signs that do not count there.
    index: Index,
    /// As written.
    names: Vec<Box<str>>,
    mails: Vec<u64>,
    total: u64,
    /// Sorted: hash of a person's name without order, separators and digits; user.
    persons: Vec<(u64, u32)>,
    /// Sorted: hash of initial and family name; user. Of people of one house only.
    initials: Vec<(u64, u32)>,
}

impl Usernames {
    pub(super) fn new(census: &Census<'_>, strangers: Strangers) -> Self {
        let sample = census.addresses_sample(MAX_LEARNED);
        let names = sample.iter().map(|a| local_of(a)).chain(FIRST_WORDS);
        Usernames {
            made_up: Letters::learn(names.collect(), strangers),
            kept: Mutex::new(HashMap::new()),
            providers: Providers::shipped().unwrap_or_default(),
        }
    }

    /// Whom each of `senders` meant by `address` (folded), as full addresses; `users` are those of its domain.
    pub(super) fn explain(
        &self,
        users: &Users,
        address: &str,
        senders: &[Option<&str>],
        census: &Census<'_>,
        channel: &Parameters,
    ) -> Vec<Vec<Candidate>> {
        let (typed, domain) = (local_of(address), domain_of(address));
        if typed.is_empty() || domain.is_empty() {
            return Vec::new();
        }
        let ignored = self.providers.ignored(domain);
        let one_house = !self.providers.is_public(domain);
        let locals = users.get_or_init(|| Locals::new(&census.locals(domain), ignored, one_house));
        let wrong = |typed, tag| Wrong::new(typed, tag, domain, ignored, locals, channel);
        let (whole, mut untagged) = (wrong(typed, ""), None);
        let of_each = senders.iter().map(|sender| {
            let told = self.weigh(&whole, *sender, census, channel);
            match typed.find('+').filter(|at| *at > 0) {
                // `jonh+news`: the slip is in the name, the tag is the sender's own.
                Some(at) if told.first().is_none_or(|best| best.probability < super::THRESHOLD) => {
                    let (typed, tag) = typed.split_at(at);
                    self.weigh(untagged.get_or_insert_with(|| wrong(typed, tag)), *sender, census, channel)
                }
                _ => told,
            }
        });
        of_each.collect()
    }

    fn weigh(
        &self,
        wrong: &Wrong<'_>,
        sender: Option<&str>,
        census: &Census<'_>,
        channel: &Parameters,
    ) -> Vec<Candidate> {
        let Wrong { typed, tag, domain, .. } = *wrong;
        let mut known = sender.map(|sender| wrong.known(sender, census, channel)).unwrap_or_default();
        let mut weighed: Vec<(&str, Cow<'_, [Change]>, f64)> = Vec::new();
        let prior = |of_sender: f64, of_all: f64, likelihood: f64| {
            (of_sender + channel.usernames.others * of_all) * channel.usernames.slip * likelihood
        };
        for Like { local, share, found, likelihood } in &wrong.like {
            let at = known.iter().position(|(known, _)| known == local);
            let of_sender = at.map_or(0.0, |at| known.swap_remove(at).1);
            weighed.push((local, Cow::Borrowed(found), prior(of_sender, *share, *likelihood)));
        }
        for (local, of_sender) in known {
            if let Some((found, likelihood)) = wrong.slip(local, channel) {
                weighed.push((local, Cow::Owned(found), prior(of_sender, 0.0, likelihood)));
            }
        }
        if weighed.is_empty() {
            return Vec::new();
        }
        weighed.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
        let best: Vec<&str> = weighed.iter().take(1).map(|w| w.0).collect();
        let made_up = 1.0 - channel.usernames.known - channel.usernames.others;
        let own = made_up * self.made_up.probability(typed, &best);
        let total: f64 = own + weighed.iter().map(|w| w.2).sum::<f64>();
        let typed_address = format!("{typed}{tag}@{domain}");
        let told = weighed.into_iter().take(MAX_TOLD).filter(|w| w.2 / total >= FAINT);
        told.map(|(local, found, weight)| {
            let intended = format!("{local}{tag}@{domain}");
            Candidate {
                words: words::tell(&typed_address, &intended, &found),
                edits: found.iter().map(|c| c.told()).collect(),
                probability: weight / total,
                intended,
            }
        })
        .collect()
    }

    /// A domain's users: kept for who asks next, and as long as who asks now holds them. Who asks about another domain
    /// does not wait for them.
    pub(super) fn users(&self, domain: &str) -> Users {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT && !kept.contains_key(domain) {
            kept.clear();
        }
        kept.entry_ref(domain).or_default().clone()
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

impl<'a> Wrong<'a> {
    fn new(
        typed: &'a str,
        tag: &'a str,
        domain: &'a str,
        ignored: &'a str,
        locals: &'a Locals,
        channel: &Parameters,
    ) -> Self {
        let (bare, person) = (without(typed, ignored), Person::new(typed));
        let mut wrong = Wrong { typed, tag, domain, ignored, bare, person, like: Vec::new() };
        let like = locals.candidates(typed, &wrong.bare).into_iter().filter_map(|user| {
            let (local, mails) = (&*locals.names[user as usize], locals.mails[user as usize]);
            // A number for another is somebody else's, unless it is the sender who writes to the other one.
            let (found, likelihood) =
                if person::is_another_number(local, typed) { None } else { wrong.slip(local, channel) }?;
            Some(Like { local, share: mails as f64 / locals.total.max(1) as f64, found, likelihood })
        });
        wrong.like = like.collect();
        wrong
    }

    /// Of a sender's correspondents those it is like, with how likely it is that the sender meant to write to them.
    fn known<'l>(&self, sender: &str, census: &Census<'l>, channel: &Parameters) -> Vec<(&'l str, f64)> {
        let (known, all) = census.correspondents(sender, self.domain, |look| self.person.may_be(look, MAX_EDITS));
        let like = known.into_iter().filter_map(|(address, mails)| {
            let local = local_of(address);
            let plain = without(local, self.ignored);
            let near = plain.len().abs_diff(self.bare.len()) <= MAX_EDITS
                && within_text(&plain, &self.bare, MAX_EDITS).is_some();
            let share = mails as f64 / all.max(1) as f64;
            (near || self.person.is(local)).then_some((local, channel.usernames.known * share))
        });
        like.collect()
    }

    /// How the name of a user may have become the one typed, and how likely that is.
    fn slip(&self, local: &str, channel: &Parameters) -> Option<(Vec<Change>, f64)> {
        if person::is_another_initial(local, self.typed) {
            return None;
        }
        let plain = without(local, self.ignored);
        // With other dots it is the same mailbox, and no slip.
        let (found, likelihood) = slip(&plain, &self.bare, channel).filter(|_| plain != self.bare)?;
        match (person::is_another_number(local, self.typed), found.len()) {
            (false, _) => Some((found, likelihood)),
            (true, 1) => Some((found, likelihood * channel.usernames.number)),
            (true, _) => None,
        }
    }
}

/// How `local` may have become `typed`, and how likely that is: one or two slips of the hand, or the same person's
/// name written another way, told as one change of the whole.
fn slip(local: &str, typed: &str, channel: &Parameters) -> Option<(Vec<Change>, f64)> {
    let chars: Vec<char> = local.chars().collect();
    let by_hand = word_changes(local, typed, channel).filter(|c| !c.is_empty());
    let by_hand = by_hand.map(|found| {
        let likelihood = channel.likelihood(&chars, &found);
        (found, likelihood)
    });
    let by_name = person::variant(local, typed).map(|(edit, way)| {
        (vec![Change { edit, at: 0, from: local.to_owned(), to: typed.to_owned() }], channel.way(way))
    });
    match (by_hand, by_name) {
        (Some(hand), Some(name)) if name.1 > hand.1 => Some((if hand.0.len() == 1 { hand.0 } else { name.0 }, name.1)),
        (Some(hand), _) => Some(hand),
        (None, name) => name,
    }
}

/// Ends tell usernames apart better than heads: there stand family names (in the East given ones) and numbers.
fn reversed(name: &str) -> String {
    name.chars().rev().collect()
}

fn without<'t>(text: &'t str, ignored: &str) -> Cow<'t, str> {
    if text.contains(|c| ignored.contains(c)) {
        Cow::Owned(text.replace(|c| ignored.contains(c), ""))
    } else {
        Cow::Borrowed(text)
    }
}

impl Locals {
    fn new(users: &[(&str, u64)], ignored: &str, one_house: bool) -> Self {
        let bare: Vec<Cow<'_, str>> = users.iter().map(|(a, _)| without(local_of(a), ignored)).collect();
        let numbered = || users.iter().zip(0..).map(|((address, _), i)| (local_of(address), i));
        let mut persons: Vec<(u64, u32)> = numbered().map(|(local, i)| (person::key(local), i)).collect();
        persons.sort_unstable();
        let initials = numbered().filter(|_| one_house).filter_map(|(local, i)| Some((person::initial_key(local)?, i)));
        let mut initials: Vec<(u64, u32)> = initials.collect();
        initials.sort_unstable();
        Locals {
            index: Index::new(bare.iter().map(|b| reversed(b)).collect::<Vec<_>>().iter().map(|b| &**b)),
            names: users.iter().map(|(a, _)| local_of(a).into()).collect(),
            mails: users.iter().map(|(_, mails)| *mails).collect(),
            total: users.iter().map(|(_, mails)| mails).sum(),
            persons,
            initials,
        }
    }

    /// `bare`: `typed` without the signs that do not count.
    fn candidates(&self, typed: &str, bare: &str) -> Vec<u32> {
        let mut found: Vec<u32> =
            self.index.near(&reversed(bare), MAX_EDITS, &mut Scratch::default()).iter().map(|h| h.name).collect();
        found.extend(of(&self.persons, person::key(typed)).take(64));
        // Of two people with one initial nobody knows which was meant.
        let mut alike = person::initial_key(typed).into_iter().flat_map(|key| of(&self.initials, key));
        if let (Some(user), None) = (alike.next(), alike.next())
            && person::initial_form(&self.names[user as usize], typed)
        {
            found.push(user);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The users of a hash.
fn of(sorted: &[(u64, u32)], key: u64) -> impl Iterator<Item = u32> {
    let at = sorted.partition_point(|(k, _)| *k < key);
    sorted[at..].iter().take_while(move |(k, _)| *k == key).map(|(_, user)| *user)
}
