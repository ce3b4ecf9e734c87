//! What strangers may take of the memory: whoever brings mail may invent senders and addresses without end.
//!
//! Up to a bound everything is kept. Beyond it a visit is kept for an origin that came before (its client, its network
//! or its sender, each with a share of the room), or as one of its domain's sample of visitors who came once. Of the
//! others their sums by recipient or domain remain, and for some rounds that they came: a patient guesser whose visits
//! lie rounds apart is met again at the second. Which visits a sample holds depends on their hashes alone.

use hashbrown::{HashMap, HashSet};

use super::{Contact, ContactKey, Crowd, Ledger, Name, Names, RefusalKey};
use crate::{
    address::{domain_of, network, person},
    delivery::Direction,
    hash::{fnv1a_seeded, stable_hash},
};

/// Visits kept unless told otherwise.
pub const STRANGERS: usize = 250_000;
/// Rounds for which it is known that somebody came who was let go.
const ROUNDS: u8 = 4;
/// Cells of that memory for each visit kept: one in fifty is taken for somebody met before.
const CELLS: usize = 32;
/// Visits that make an origin one that came before, and the part of all room that it may take, each time there are too
/// many such: first large origins shrink to a sample, then small ones go.
const SHARES: [(u32, usize); 10] =
    [(2, 4), (2, 16), (2, 64), (4, 64), (8, 256), (8, 1024), (8, 4096), (16, 4096), (64, 4096), (256, 4096)];

/// How many visits a ledger keeps, and who came among those it let go.
#[derive(Debug, Clone)]
pub struct Strangers {
    /// Visits kept at most.
    pub most: usize,
    /// Visits let go.
    pub let_go: u64,
    /// Who made them: clients, or senders where the log names no client.
    pub crowd: Crowd,
    kept: usize,
    /// Rounds left, by hash of the origin.
    met: Vec<u8>,
}

impl Default for Strangers {
    fn default() -> Self {
        Strangers { most: STRANGERS, let_go: 0, crowd: Crowd::default(), kept: 0, met: Vec::new() }
    }
}

impl Ledger {
    /// An empty one that keeps so many visits.
    pub fn bounded(most: usize) -> Self {
        Ledger { strangers: Strangers { most: most.max(1_000), ..Strangers::default() }, ..Ledger::default() }
    }

    /// Visits at a domain that were let go.
    pub fn let_go_at(&self, domain: &str) -> u64 {
        let Some(recipient) = self.names.find(&format!("@{domain}")) else { return 0 };
        let key = ContactKey { sender: Name::NONE, client: Name::NONE, recipient, direction: Direction::In };
        self.contacts.get(&key).map_or(0, |c| c.accepted + c.unknown + c.no_domain + c.other)
    }

    /// Mails of visits that were let go, at any domain and in any night.
    pub fn mails_let_go(&self) -> u64 {
        let sums = self.contacts.iter().filter(|(key, _)| key.direction == Direction::In && !is_visit(key));
        sums.map(|(_, c)| c.accepted + c.unknown + c.no_domain + c.other).sum()
    }

    /// Takes in who wrote to whom.
    pub fn meet(&mut self, key: ContactKey, contact: Contact) {
        if self.contacts.meet(key, contact) && is_visit(&key) {
            self.strangers.kept += 1;
        }
    }

    /// The same of many, faster.
    pub fn meet_all(&mut self, met: impl IntoIterator<Item = (ContactKey, Contact)>) {
        self.contacts.meet_all(met, |key| self.strangers.kept += usize::from(is_visit(key)));
    }

    /// Lets visits go if there are too many.
    pub fn make_room(&mut self) {
        if self.strangers.kept <= self.strangers.most {
            return;
        }
        let visits: Vec<Visit> = self.contacts.keys().filter(is_visit).map(|key| Visit::of(key, &self.names)).collect();
        let kept = self.strangers.choose(&visits);
        self.strangers.let_go += (visits.len() - kept.len()) as u64;
        for visit in visits.iter().filter(|visit| !kept.contains(&visit.key)) {
            let [client, _, sender] = visit.origins;
            self.strangers.crowd.add(if client == 0 { sender } else { client });
        }
        self.keep(&kept);
        self.strangers.kept = kept.len();
    }

    /// Only these visits, and all that are none; the others leave their sums.
    fn keep(&mut self, visits: &HashSet<ContactKey>) {
        let (mut accepts, mut domains): (HashMap<Name, u32>, HashSet<&str>) = (HashMap::new(), HashSet::new());
        for (key, contact) in self.contacts.iter().filter(|(key, _)| key.direction == Direction::In) {
            if contact.accepted > 0 {
                *accepts.entry(key.recipient).or_default() += 1;
            }
            if contact.accepted > 0 || visits.contains(&key) {
                domains.insert(domain_of(self.names.text(key.recipient)));
            }
        }
        let mut after = Ledger::default();
        let mut renamed: HashMap<Name, Name> = HashMap::new();
        let mut rename = |name: Name, names: &mut Names| -> Name {
            *renamed.entry(name).or_insert_with(|| names.intern(self.names.text(name)))
        };
        let anybody = |recipient: Name| {
            let domain = domain_of(self.names.text(recipient));
            if domains.contains(domain) { format!("@{domain}") } else { "@".to_owned() }
        };
        let mut senders: HashSet<Name> = HashSet::new();
        let mut pairs: HashSet<(Name, Name)> = HashSet::new();
        for (key, contact) in self.contacts.iter() {
            let whole = !is_visit(&key) || visits.contains(&key);
            let new = if whole {
                senders.insert(key.sender);
                pairs.insert((key.sender, key.client));
                ContactKey {
                    sender: rename(key.sender, &mut after.names),
                    client: rename(key.client, &mut after.names),
                    recipient: rename(key.recipient, &mut after.names),
                    direction: key.direction,
                }
            } else {
                let recipient = match accepts.get(&key.recipient) {
                    Some(2..) => rename(key.recipient, &mut after.names),
                    Some(_) => after.names.intern("@"),
                    None => after.names.intern(&anybody(key.recipient)),
                };
                ContactKey { sender: Name::NONE, client: Name::NONE, recipient, direction: Direction::In }
            };
            after.contacts.meet(new, contact);
        }
        for (key, count) in &self.refusals {
            let (sender, recipient) = if key.direction != Direction::In || senders.contains(&key.sender) {
                (rename(key.sender, &mut after.names), rename(key.recipient, &mut after.names))
            } else {
                (Name::NONE, after.names.intern(&anybody(key.recipient)))
            };
            *after.refusals.entry(RefusalKey { sender, recipient, ..*key }).or_default() += count;
        }
        after.introduced = self.introduced_of(&pairs, &mut after.names, &mut rename);
        drop(domains);
        (self.names, self.contacts, self.refusals) = (after.names, after.contacts, after.refusals);
        self.passed.clear();
        self.introduced = after.introduced;
    }
}

/// Sums of those let go are no visits.
fn is_visit(key: &ContactKey) -> bool {
    key.direction == Direction::In && (key.sender, key.client) != (Name::NONE, Name::NONE)
}

/// A contact of somebody from outside.
struct Visit {
    key: ContactKey,
    /// Hashes of its client, network and sender; 0 where there is none.
    origins: [u64; 3],
    domain: u64,
    /// What decides whether it is in a sample.
    dice: u64,
}

impl Visit {
    fn of(key: ContactKey, names: &Names) -> Self {
        let [sender, client, recipient] = [key.sender, key.client, key.recipient].map(|name| names.text(name));
        let hash = |kind: u64, text: &str| if text.is_empty() { 0 } else { stable_hash(text.as_bytes()) ^ kind };
        let origins = [hash(1, client), hash(2, &network(client).unwrap_or_default()), hash(3, &person(sender))];
        let whole = [sender, client, recipient].map(|text| stable_hash(text.as_bytes()).to_le_bytes()).concat();
        let domain = stable_hash(domain_of(recipient).as_bytes());
        Visit { key, origins, domain, dice: stable_hash(&fnv1a_seeded(&whole, 7).to_le_bytes()) }
    }
}

impl Strangers {
    /// Half of the room for who came before, a quarter for a sample of the others; a quarter stays free.
    fn choose(&mut self, visits: &[Visit]) -> HashSet<ContactKey> {
        self.met.resize(self.most * CELLS, 0);
        self.met.iter_mut().for_each(|rounds| *rounds = rounds.saturating_sub(1));
        let mut counts: HashMap<u64, u32> = HashMap::with_capacity(visits.len() * 2);
        for origin in visits.iter().flat_map(|visit| visit.origins).filter(|origin| *origin != 0) {
            *counts.entry(origin).or_insert_with(|| u32::from(self.has_met(origin))) += 1;
        }
        // By rank, never by the hash itself: those left from earlier rounds all have low ones.
        let mut sorted: Vec<&Visit> = visits.iter().collect();
        sorted.sort_unstable_by_key(|visit| (visit.dice, visit.key));
        let came_before = |(least, part): (u32, usize)| {
            let mut taken: HashMap<u64, usize> = HashMap::new();
            sorted.iter().partition::<Vec<&Visit>, _>(|visit| {
                let mut is_in = false;
                for origin in visit.origins {
                    if counts.get(&origin).is_some_and(|n| *n >= least) {
                        let taken = taken.entry(origin).or_default();
                        *taken += 1;
                        is_in |= *taken <= (self.most / part).max(1);
                    }
                }
                is_in
            })
        };
        let fits = SHARES.iter().map(|share| came_before(*share)).find(|(kept, _)| kept.len() <= self.most / 2);
        let (mut kept, others) = fits.unwrap_or((Vec::new(), sorted.clone()));
        let mut domains: HashMap<u64, u32> = HashMap::new();
        for visit in &others {
            *domains.entry(visit.domain).or_default() += 1;
        }
        // Invented domains, of which not even one visit each has room, share it by lot.
        let each = fair(domains.values().copied().collect(), self.most / 4).max(1);
        let (mut taken, mut left): (HashMap<u64, usize>, usize) = (HashMap::new(), self.most / 4);
        let (sample, gone): (Vec<&Visit>, Vec<&Visit>) = others.into_iter().partition(|visit| {
            let taken = taken.entry(visit.domain).or_default();
            let is_in = *taken < each && left > 0;
            (*taken, left) = (*taken + usize::from(is_in), left - usize::from(is_in));
            is_in
        });
        kept.extend(sample);
        for origin in gone.iter().flat_map(|visit| visit.origins).filter(|origin| *origin != 0) {
            for cell in self.cells(origin) {
                self.met[cell] = ROUNDS;
            }
        }
        kept.into_iter().map(|visit| visit.key).collect()
    }

    fn has_met(&self, origin: u64) -> bool {
        self.cells(origin).into_iter().all(|cell| self.met[cell] > 0)
    }

    fn cells(&self, origin: u64) -> [usize; 2] {
        let cells = self.met.len().max(1) as u64;
        [(origin % cells) as usize, (origin.rotate_left(32).wrapping_mul(0x9e37_79b9_7f4a_7c15) % cells) as usize]
    }
}

/// The most that each may have so that all together have no more than `room`.
fn fair(mut counts: Vec<u32>, room: usize) -> usize {
    counts.sort_unstable();
    let mut left = room;
    for (i, n) in counts.iter().enumerate() {
        let each = left / (counts.len() - i);
        if *n as usize > each {
            return each;
        }
        left -= *n as usize;
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{Answer, Contact},
        merge::Merge,
        moment::{Timestamp, Window},
    };

    const MOST: usize = 2_000;

    fn visit(ledger: &mut Ledger, n: i64, sender: &str, client: &str, recipient: &str, exists: bool) {
        let at = Timestamp(1_650_000_000 + n);
        let [sender, client, recipient] = [sender, client, recipient].map(|text| ledger.names.intern(text));
        let key = ContactKey { sender, client, recipient, direction: Direction::In };
        let answer = if exists { Answer::Accepted } else { Answer::Unknown };
        let contact = Contact {
            first: at,
            last: at,
            first_answer: answer,
            accepted_span: if exists { Window::at(at) } else { Window::default() },
            accepted: u64::from(exists),
            unknown: u64::from(!exists),
            no_domain: 0,
            other: 0,
        };
        ledger.meet(key, contact);
        ledger.make_room();
    }

    fn flood(ledger: &mut Ledger, from: i64, to: i64) {
        for n in from..to {
            let ip = (n as u32).wrapping_mul(0x9e37_79b1).to_be_bytes();
            let ip = format!("{}.{}.{}.{}", ip[0], ip[1], ip[2], ip[3]);
            visit(ledger, n, &format!("s{n}@d{n}.example"), &ip, &format!("u{}@us.example", n % 40), n % 2 == 0);
            // One guess in fifty visits: there is one in each round, and the next is met again.
            if n % 50 == 0 {
                visit(ledger, n, "eve@evil.example", "203.0.113.9", &format!("g{n}@us.example"), n % 1_000 == 0);
            }
        }
    }

    fn told(ledger: &Ledger) -> Vec<[String; 3]> {
        let text = |name| ledger.names.text(name).to_owned();
        let mut all: Vec<_> =
            ledger.contacts.keys().map(|k| [text(k.sender), text(k.client), text(k.recipient)]).collect();
        all.sort();
        all
    }

    #[test]
    fn a_flood_stays_in_bounds_and_hides_nobody() {
        let mut ledger = Ledger::bounded(MOST);
        flood(&mut ledger, 0, 10_000);
        assert!(ledger.contacts.len() <= MOST + 100, "{}", ledger.contacts.len());
        assert!(ledger.names.iter().count() <= 3 * MOST + 200, "{}", ledger.names.iter().count());
        let eve = told(&ledger).into_iter().filter(|[sender, ..]| sender == "eve@evil.example").count();
        assert_eq!(eve, 200, "every guess is kept");
        let sums = ledger.contacts.values().fold((0, 0), |sum, c| (sum.0 + c.accepted, sum.1 + c.unknown));
        assert_eq!(sums, (5_000 + 10, 5_000 + 190), "nothing goes uncounted");
        assert!(ledger.let_go_at("us.example") > 0 && ledger.strangers.let_go > 6_000);
        assert_eq!(ledger.let_go_at("other.example"), 0);
        let [least, _, most] = ledger.strangers.crowd.number();
        let known: HashSet<Name> = ledger.contacts.keys().filter(is_visit).map(|key| key.client).collect();
        // One who was let go may be back: nobody else is neither known nor counted.
        assert!(most >= 10_000 - known.len() as u64 && least <= 10_000, "{least} to {most} of 10,000");
        assert!(ledger.mails_let_go() >= ledger.let_go_at("us.example"));
    }

    #[test]
    fn which_are_kept_is_no_matter_of_chance_nor_of_the_core_that_met_them() {
        let make = || {
            let mut ledger = Ledger::bounded(MOST);
            flood(&mut ledger, 0, 4_000);
            ledger
        };
        assert_eq!(told(&make()), told(&make()));
        let mut halves = Ledger::bounded(MOST);
        for (from, to) in [(0, 5_000), (5_000, 10_000)] {
            let mut half = Ledger::bounded(MOST / 2);
            flood(&mut half, from, to);
            halves.merge(half);
        }
        assert!(halves.contacts.len() <= MOST + 100);
        let eve = told(&halves).into_iter().filter(|[sender, ..]| sender == "eve@evil.example").count();
        assert_eq!(eve, 200);
    }

    #[test]
    fn a_small_domain_is_not_drowned_by_a_flood_at_another() {
        let mut ledger = Ledger::bounded(MOST);
        for n in 0..200 {
            visit(
                &mut ledger,
                n,
                &format!("q{n}@r{n}.example"),
                &format!("100.{n}.9.8"),
                &format!("h{n}@small.example"),
                false,
            );
        }
        flood(&mut ledger, 0, 4_000);
        let small = told(&ledger).into_iter().filter(|[.., recipient]| recipient.ends_with("@small.example"));
        assert_eq!(small.count(), 200);
    }

    #[test]
    fn room_is_shared_fairly() {
        for (counts, room, each) in [(vec![5, 1, 9], 100, 100), (vec![1, 50, 50], 21, 10), (vec![9, 9], 1, 0)] {
            assert_eq!(fair(counts, room), each);
        }
    }
}
