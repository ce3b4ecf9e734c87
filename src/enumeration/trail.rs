//! Who tried what: each origin's distinct first contacts in the order of time.

use std::{cmp::Ordering, ops::Range};

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::{
    base::Base,
    faces::{Accepts, Faces, Row, evidence, seconds},
    origin::{Kind, Origin, Visitors},
};
use crate::{
    address::{domain_of, local_of, network},
    bounce::BounceType,
    delivery::Direction,
    ledger::{Answer, ByName, Contact, ContactKey, Ledger, Name},
    moment::Timestamp,
};

/// One address tried for the first time by an origin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    pub(super) at: Timestamp,
    pub(super) sender: Name,
    pub(super) client: Name,
    pub(super) recipient: Name,
    pub(super) exists: bool,
    /// Others had mail accepted there before: not news, whoever writes to it.
    pub(super) popular: bool,
}

/// What is not certain of a crowd's hits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bystanders {
    /// Addresses that took mail meanwhile, from others as it seems.
    pub(super) left_out: usize,
    /// Honest visitors expected among those whose mail counts as a hit because they are like the crowd.
    pub(super) by_chance: Option<f64>,
}

/// Contacts sorted by whether they are evidence, and of what.
pub(super) struct Trails<'l> {
    visitors: Visitors<'l>,
    /// Evidence on origins that failed often enough: face by face, the failures of each first.
    rows: Vec<Row>,
    faces: Faces,
    /// When each address first accepted mail from anybody, and from how many.
    accepts: ByName<Accepts>,
    /// What is usual.
    pub(super) base: Base,
}

impl<'l> Trails<'l> {
    /// The evidence on origins with at least `least` failures.
    pub(super) fn of(ledger: &'l Ledger, least: usize) -> Self {
        let mut accepts: ByName<Accepts> = ledger.names.each();
        for (key, contact) in ledger.contacts.iter() {
            if let Some((first, _)) = contact.accepted_span.bounds() {
                let (first, known) = (seconds(first), &mut accepts[key.recipient]);
                known.first = if known.senders == 0 { first } else { first.min(known.first) };
                known.senders += 1;
            }
        }
        let mut senders: ByName<[u32; 2]> = ledger.names.each();
        let mut visits: ByName<u32> = ledger.names.each();
        for (key, contact) in evidence(ledger, &accepts) {
            senders[key.sender][usize::from(contact.first_answer == Answer::Unknown)] += 1;
            if key.direction == Direction::In {
                visits[key.sender] += 1;
                visits[key.client] += 1;
            }
        }
        let visitors = Visitors::of(ledger, visits, senders);
        let mut faces = Faces::of(&visitors, &accepts);
        faces.watch(&visitors, least);
        let rows = faces.rows(&visitors, &accepts);
        let mut trails = Trails { visitors, rows, faces, accepts, base: Base::default() };
        let failed = trails.rows.iter().filter(|row| !row.exists);
        let domains = failed.map(|row| ledger.names.domain(row.recipient)).collect();
        trails.base = Base::of(ledger, &domains, &trails.visitors.senders, &|sender| trails.is_honest(sender));
        trails
    }

    /// The walk's guesses without the mail of bystanders, which only a crowd has: mail to somebody whom others write to,
    /// from a visitor who is not like the crowd, and slips of visitors who are very much unlike it. None where the domain's
    /// directory was down.
    pub(super) fn without_bystanders(&self, origin: &Origin, guesses: &mut Vec<(usize, Try)>) -> Bystanders {
        self.without_colleagues(origin, guesses);
        let (Origin::Crowd(domain) | Origin::Band(domain), Some(first), Some(last)) =
            (origin, guesses.first(), guesses.last())
        else {
            return Bystanders::default();
        };
        let (from, to) = (first.1.at, last.1.at);
        let within = |at: Timestamp| (from..=to).contains(&at);
        let failed = guesses.iter().filter(|(_, one)| !one.exists).count();
        if self.was_down(domain, (from, to), failed) {
            guesses.clear();
        }
        if matches!(origin, Origin::Band(_)) {
            return Bystanders::default();
        }
        let failed: Vec<Try> = guesses.iter().filter(|(_, one)| !one.exists).map(|(_, one)| *one).collect();
        let looks = self.looks(&failed, &within);
        let alike = self.alike(domain, &failed, &looks, &within);
        let text = |name: Name| self.visitors.ledger.names.text(name);
        let bystander = |one: &Try| {
            if !one.exists {
                return looks.honest(text(one.sender), text(one.client)) >= VERY_UNLIKE;
            }
            !alike.as_ref().is_some_and(|(alike, _)| alike(one.sender, one.client))
                && self.accepts[one.recipient].senders != 1
        };
        let left_out: HashSet<Name> =
            guesses.iter().filter(|(_, one)| one.exists && bystander(one)).map(|(_, one)| one.recipient).collect();
        guesses.retain(|(_, one)| !bystander(one));
        Bystanders { left_out: left_out.len(), by_chance: alike.as_ref().map(|(_, chance)| *chance) }
    }

    /// Whether a domain took hardly any mail while so many failed there, and refused those whom it knows as well. Where
    /// nobody else writes at night, a silent night is no outage.
    fn was_down(&self, domain: &str, (from, to): (Timestamp, Timestamp), failed: usize) -> bool {
        let ledger = self.visitors.ledger;
        let target = ledger.names.find_domain(domain);
        let is_there = |recipient: Name| Some(ledger.names.domain(recipient)) == target;
        let (mut ever, mut meanwhile) = (false, 0);
        for (first, last) in ledger
            .contacts
            .iter()
            .filter(|(key, _)| is_there(key.recipient))
            .filter_map(|(_, contact)| contact.accepted_span.bounds())
        {
            ever = true;
            meanwhile += usize::from([first, last].iter().any(|at| (from..=to).contains(at)));
        }
        let refused = || {
            let days = from.day()..=to.day();
            let known = |name: Name| self.accepts[name].senders > 0;
            let keys =
                ledger.refusals.keys().filter(|key| key.kind == BounceType::UserUnknown && days.contains(&key.day));
            let names: HashSet<Name> = keys.map(|key| key.recipient).filter(|n| is_there(*n) && known(*n)).collect();
            names.len()
        };
        meanwhile * 50 < failed && (!ever || refused() * 10 >= failed)
    }

    /// Where many who write little are one origin, who found somebody is of it only if it failed, too, or wrote nothing else.
    fn without_colleagues(&self, origin: &Origin, guesses: &mut Vec<(usize, Try)>) {
        if !matches!(origin, Origin::House(_) | Origin::Band(_)) {
            return;
        }
        // Colleagues share a client; visitors who come a few times do not.
        let whose = |one: &Try| if origin.is_ours() { one.sender } else { one.client };
        let failed: HashSet<Name> = guesses.iter().filter(|(_, one)| !one.exists).map(|(_, one)| whose(one)).collect();
        let lone = |one: &Try| origin.is_ours() && self.visitors.written(one.sender) == 1;
        guesses.retain(|(_, one)| !one.exists || failed.contains(&whose(one)) || lone(one));
    }

    /// Tells visitors who are like a crowd's failed ones: whose networks and sender domains nobody else comes from, and
    /// who look no more like honest visitors than like the crowd. And how many honest ones are expected among them;
    /// `None` where that tells nothing, or it would be one and more.
    fn alike<'a>(
        &'a self,
        domain: &str,
        failed: &[Try],
        looks: &'a Looks,
        within: &dyn Fn(Timestamp) -> bool,
    ) -> Option<(impl Fn(Name, Name) -> bool + use<'a, 'l>, f64)> {
        let text = |name: Name| self.visitors.ledger.names.text(name);
        let (mut domains, mut networks): (HashMap<&str, u32>, HashMap<String, u32>) = Default::default();
        for (key, _) in self.visits() {
            *domains.entry(domain_of(text(key.sender))).or_default() += 1;
            *networks.entry(network(text(key.client)).unwrap_or_default()).or_default() += 1;
        }
        let lone = move |sender: Name, client: Name| {
            domains.get(domain_of(text(sender))) == Some(&1)
                && network(text(client)).is_some_and(|net| networks.get(&net) == Some(&1))
        };
        let lonely = failed.iter().filter(|one| lone(one.sender, one.client)).count();
        let alike =
            move |sender: Name, client: Name| lone(sender, client) && looks.honest(text(sender), text(client)) < UNLIKE;
        let span = |first: Timestamp, last: Timestamp| (last.0 - first.0).max(1) as f64;
        let crowd = span(failed.first()?.at, failed.last()?.at);
        let (begin, end) = self.visitors.ledger.window.bounds()?;
        let elsewhere = self.honest_visits(within).filter(|key| domain_of(text(key.recipient)) == domain);
        let elsewhere = elsewhere.filter(|key| alike(key.sender, key.client)).count();
        let chance = elsewhere as f64 * crowd / (span(begin, end) - crowd).max(1.0);
        (lonely * 10 >= failed.len() * 9 && chance < 0.5).then_some((alike, chance))
    }

    /// What tells a crowd's failed visitors from honest ones.
    fn looks(&self, failed: &[Try], within: &dyn Fn(Timestamp) -> bool) -> Looks {
        let text = |name: Name| self.visitors.ledger.names.text(name);
        let mut looks = Looks::default();
        failed.iter().for_each(|one| looks.add(CROWD, text(one.sender), text(one.client)));
        self.honest_visits(within).for_each(|key| looks.add(HONEST, text(key.sender), text(key.client)));
        looks
    }

    fn visits(&self) -> impl Iterator<Item = (ContactKey, Contact)> {
        self.visitors.ledger.contacts.iter().filter(|(key, _)| key.direction == Direction::In)
    }

    /// Visits at another time that were to somebody.
    fn honest_visits(&self, within: &dyn Fn(Timestamp) -> bool) -> impl Iterator<Item = ContactKey> {
        let honest = |contact: &Contact| contact.first_answer == Answer::Accepted && !within(contact.first);
        self.visits().filter(move |(_, contact)| honest(contact)).map(|(key, _)| key)
    }

    /// Whether three of four of a sender's first contacts exist: it slips, and an address it shares is not to blame.
    pub(super) fn is_honest(&self, sender: Name) -> bool {
        let [took, not] = self.visitors.senders[sender];
        took > 0 && took >= 3 * not
    }

    /// Whose names the rows are told in.
    pub(super) fn ledger(&self) -> &'l Ledger {
        self.visitors.ledger
    }

    /// How many rows there are: all numbers are below.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The trails of one kind of origin with at least `least` failures, by origin: their rows' numbers in the order of time,
    /// without those that are `explained`.
    pub(super) fn by(&self, kind: Kind, explained: &[bool], least: usize) -> Vec<(Origin, Vec<usize>)> {
        let mut origins: HashMap<Origin, Vec<usize>> = HashMap::new();
        for face in (0..self.faces.keys.len()).filter(|face| !self.faces.places(*face).is_empty()) {
            if let Some(origin) = kind(&self.visitors, &self.faces.keys[face]) {
                origins.entry(origin).or_default().push(face);
            }
        }
        // An honest sender's slips are its own only.
        let own = origins.keys().any(|origin| matches!(origin, Origin::Sender(_)));
        let slips = |face: usize| !own && self.is_honest(self.faces.keys[face].sender);
        let open = |places: Range<usize>| places.filter(|row| !explained[*row]);
        let failed = |face: &&usize| !slips(**face);
        origins.retain(|_, faces| {
            let failed = faces.iter().filter(failed).map(|face| open(self.faces.failed(*face)).count());
            failed.sum::<usize>() >= least
        });
        let trail = |faces: &[usize]| {
            let failed = faces.iter().filter(failed).flat_map(|face| open(self.faces.failed(*face)));
            let exist = faces.iter().flat_map(|face| open(self.faces.exist(*face)));
            let mut rows: Vec<usize> = failed.chain(exist).collect();
            rows.sort_unstable_by(|a, b| self.in_time(*a, *b));
            rows
        };
        let mut trails: Vec<_> =
            Vec::from_iter(origins).into_par_iter().map(|(origin, faces)| (origin, trail(&faces))).collect();
        trails.par_sort_unstable_by(|a, b| a.0.cmp(&b.0));
        trails
    }

    /// What is of one second stands in the order of names, whatever their numbers.
    fn in_time(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (&self.rows[a], &self.rows[b]);
        let texts = |row: &Row| {
            let ContactKey { sender, client, .. } = self.faces.keys[row.face as usize];
            [row.recipient, sender, client].map(|name| self.visitors.ledger.names.text(name))
        };
        a.first.cmp(&b.first).then_with(|| texts(a).cmp(&texts(b)))
    }

    /// To whom a row went.
    pub(super) fn recipient(&self, row: usize) -> Name {
        self.rows[row].recipient
    }

    /// What came of a row's mail, where somebody took it.
    pub(super) fn contact(&self, row: usize) -> Option<Contact> {
        let Row { recipient, face, exists, .. } = self.rows[row];
        let key = ContactKey { recipient, ..self.faces.keys[face as usize] };
        exists.then(|| self.visitors.ledger.contacts.get(&key))?
    }

    /// What was tried in these rows of one origin, each with its row's number.
    pub(super) fn tries(&self, rows: &[usize]) -> Vec<(usize, Try)> {
        let mut met: HashSet<(Name, Name)> = HashSet::new();
        let one_face = rows.windows(2).all(|pair| self.rows[pair[0]].face == self.rows[pair[1]].face);
        let once = |n: &&usize| {
            let Row { recipient, face, exists, .. } = self.rows[**n];
            // One guess is one address, whoever of an origin tries it; that many of its people know one is to their credit.
            let sender = if exists { self.faces.keys[face as usize].sender } else { Name::NONE };
            one_face || met.insert((recipient, sender))
        };
        let tried = |n: &usize| {
            let Row { first, recipient, face, exists } = self.rows[*n];
            let (at, accepts) = (Timestamp(first.into()), &self.accepts[recipient]);
            let popular = exists && accepts.senders > 0 && accepts.first < first;
            let ContactKey { sender, client, .. } = self.faces.keys[face as usize];
            (*n, Try { at, sender, client, recipient, exists, popular })
        };
        rows.iter().filter(once).map(tried).collect()
    }
}

/// What visitors look alike by, with how many of a crowd and of honest ones do: a crowd's senders are made by one program,
/// its machines rented or taken in a few places.
#[derive(Debug, Default)]
struct Looks {
    counts: [HashMap<String, [u32; 2]>; 3],
    all: [u32; 2],
}

/// Log-likelihood ratio from which a visitor looks honest and not like the crowd: twenty times as likely.
const UNLIKE: f64 = 3.0;
/// The same of one who was refused, as the crowd was: four hundred times.
const VERY_UNLIKE: f64 = 6.0;

/// Places of a look's counts.
const CROWD: usize = 0;
const HONEST: usize = 1;

impl Looks {
    fn add(&mut self, whose: usize, sender: &str, client: &str) {
        for (counts, look) in self.counts.iter_mut().zip(look(sender, client)) {
            counts.entry(look).or_default()[whose] += 1;
        }
        self.all[whose] += 1;
    }

    /// Log-likelihood ratio of a visitor being honest and not of the crowd, each look for itself.
    fn honest(&self, sender: &str, client: &str) -> f64 {
        let each = self.counts.iter().zip(look(sender, client)).map(|(counts, look)| {
            let met = counts.get(&look).copied().unwrap_or_default();
            // Where there are few honest visitors, nothing is known of their looks.
            let share = |whose: usize| {
                (f64::from(met[whose]) + 0.5) / (f64::from(self.all[whose]) + 0.5 * (counts.len() + 1) as f64)
            };
            (share(HONEST) / share(CROWD)).ln()
        });
        each.sum()
    }
}

/// How the name before the `@` is built, the top-level domain, and the largest network that the client is of.
fn look(sender: &str, client: &str) -> [String; 3] {
    let mut shape = String::new();
    for c in local_of(sender).chars() {
        let sort = match c {
            '0'..='9' => '9',
            _ if c.is_alphabetic() => 'a',
            _ => c,
        };
        if !shape.ends_with(sort) {
            shape.push(sort);
        }
    }
    let tld = sender.rsplit('.').next().unwrap_or_default();
    let net = client.split(['.', ':']).next().unwrap_or_default();
    [shape, tld.to_owned(), net.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_program_made_looks_alike() {
        let people = ["ann.lee@one.example.com", "bob@two.example.de", "c-d@three.example.cn", "info@four.example.fr"];
        let looks = |honest: usize| {
            let mut looks = Looks::default();
            for n in 0..200 {
                looks.add(CROWD, &format!("s{n}@mail{}.example.net", n * 7), &format!("203.{n}.2.1"));
            }
            for n in 0..honest {
                looks.add(HONEST, people[n % 4], &format!("{}.0.2.{n}", 60 + n));
            }
            looks
        };
        let bot = ["s900@mail11.example.net", "203.77.1.1"];
        let person = ["eve.fox@five.example.com", "71.2.3.4"];
        assert!(looks(50).honest(bot[0], bot[1]) < -VERY_UNLIKE);
        assert!(looks(50).honest(person[0], person[1]) >= VERY_UNLIKE);
        // Of one honest visitor little is learned, of none nothing.
        assert!(looks(0).honest(bot[0], bot[1]) < UNLIKE && looks(1).honest(bot[0], bot[1]) < UNLIKE);
    }

    #[test]
    fn a_crowd_that_looks_like_everybody_is_told_from_nobody() {
        let mut looks = Looks::default();
        for n in 0..100 {
            let (sender, client) = (format!("ann{n}@one.example.com"), format!("{}.0.2.1", n % 50));
            looks.add(n % 2, &sender, &client);
        }
        assert!(looks.honest("ann7@one.example.com", "7.0.2.9").abs() < UNLIKE);
    }
}
