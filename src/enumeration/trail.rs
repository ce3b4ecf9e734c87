//! Who tried what: each origin's distinct first contacts in the order of time.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::base::Base;
use crate::{
    address::{domain_of, network, person},
    delivery::Direction,
    ledger::{Answer, ByName, Contact, ContactKey, Ledger, Name},
    moment::Timestamp,
};

/// Networks from which a HELO name is no server's of its own.
const NETWORKS: usize = 8;
/// Failures below which nobody is looked at.
pub(super) const LEAST: usize = 7;
/// The same for visitors who share nothing but their target.
const LEAST_CROWD: usize = 30;

/// Whose trail it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Origin {
    /// One of our senders, rotating return paths joined.
    Sender(String),
    /// One account of ours, whatever senders it writes as.
    Login(String),
    /// An IP address of ours that hands in mail under many senders.
    Submitter(String),
    /// A visitor's IP address.
    Client(String),
    /// A /24 or /48 with one envelope sender.
    Snowshoe(String, String),
    /// One envelope sender from anywhere.
    Stranger(String),
    /// A /24 or /48.
    Net(String),
    /// Visitors who come once each, to one domain of ours.
    Crowd(String),
    /// Visitors from many networks who call themselves the same.
    Helo(String),
}

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

/// Who had mail accepted at an address.
#[derive(Debug, Clone, Copy, Default)]
struct Accepts {
    first: Timestamp,
    /// Contacts.
    senders: u32,
}

/// Contacts sorted by whether they are evidence, and of what.
pub(super) struct Trails<'l> {
    ledger: &'l Ledger,
    /// Evidence on origins that failed often enough, by time.
    rows: Vec<(ContactKey, Contact)>,
    /// How many first contacts of each sender exist, and do not.
    senders: ByName<[u32; 2]>,
    /// When each address first accepted mail from anybody, and from how many.
    accepts: ByName<Accepts>,
    /// How often each sender and client came from outside.
    visits: ByName<u32>,
    /// HELO names heard from many networks.
    widespread: HashSet<Name>,
    /// What is usual.
    pub(super) base: Base,
}

/// Names an origin in a row, if it is of the kind asked for.
pub(super) type Kind = fn(&Trails<'_>, &ContactKey) -> Option<Origin>;

impl<'l> Trails<'l> {
    /// The evidence on origins with at least `least` failures.
    pub(super) fn of(ledger: &'l Ledger, least: usize) -> Self {
        let mut accepts: ByName<Accepts> = ledger.names.each();
        for (key, contact) in ledger.contacts.iter() {
            if let Some((first, _)) = contact.accepted_span.bounds() {
                let known = &mut accepts[key.recipient];
                known.first = if known.senders == 0 { first } else { first.min(known.first) };
                known.senders += 1;
            }
        }
        let mut senders: ByName<[u32; 2]> = ledger.names.each();
        let mut visits: ByName<u32> = ledger.names.each();
        for (key, contact) in ledger.contacts.iter().filter(|(key, contact)| is_evidence(key, contact, &accepts)) {
            senders[key.sender][usize::from(contact.first_answer == Answer::Unknown)] += 1;
            if key.direction == Direction::In {
                visits[key.sender] += 1;
                visits[key.client] += 1;
            }
        }
        let (rows, widespread, base) = (Vec::new(), widespread(ledger), Base::default());
        let mut trails = Trails { ledger, rows, senders, accepts, visits, widespread, base };
        // Most senders never fail; only the rows of those who do are kept, sorted, and walked.
        let mut failures: HashMap<Origin, usize> = HashMap::new();
        for (key, contact) in ledger.contacts.iter() {
            if contact.first_answer == Answer::Unknown && is_evidence(&key, &contact, &trails.accepts) {
                for origin in KINDS.iter().filter_map(|kind| kind(&trails, &key)) {
                    *failures.entry(origin).or_default() += 1;
                }
            }
        }
        failures.retain(|_, n| *n >= least);
        // Of the recipient an origin knows at most the domain: most contacts ask what one before them asked.
        let mut asked: HashMap<ContactKey, bool> = HashMap::new();
        let mut is_watched = |key: &ContactKey| {
            let domain = if key.direction == Direction::In { ledger.names.domain(key.recipient).0 } else { 0 };
            *asked.entry(ContactKey { recipient: Name(domain), ..*key }).or_insert_with(|| {
                KINDS.iter().filter_map(|kind| kind(&trails, key)).any(|o| failures.contains_key(&o))
            })
        };
        let mut rows: Vec<(ContactKey, Contact)> = ledger
            .contacts
            .iter()
            .filter(|(key, contact)| {
                !failures.is_empty() && is_evidence(key, contact, &trails.accepts) && is_watched(key)
            })
            .collect();
        let texts = |key: &ContactKey| [key.recipient, key.sender, key.client].map(|name| ledger.names.text(name));
        rows.sort_unstable_by(|(a, x), (b, y)| x.first.cmp(&y.first).then_with(|| texts(a).cmp(&texts(b))));
        let watched = rows
            .iter()
            .filter(|(_, contact)| contact.first_answer == Answer::Unknown)
            .map(|(key, _)| domain_of(ledger.names.text(key.recipient)))
            .collect();
        trails.base = Base::of(ledger, &watched, &trails.senders, &|sender| trails.is_honest(sender));
        trails.rows = rows;
        trails
    }

    /// The walk's guesses without the mail of bystanders, which only a crowd has: mail to somebody whom others write to,
    /// from a visitor who is not like the crowd. None where the domain took no mail meanwhile: its directory was down.
    pub(super) fn without_bystanders(&self, origin: &Origin, guesses: &mut Vec<(usize, Try)>) -> Bystanders {
        let (Origin::Crowd(domain), Some(first), Some(last)) = (origin, guesses.first(), guesses.last()) else {
            return Bystanders::default();
        };
        let (from, to, failed) = (first.1.at, last.1.at, guesses.iter().filter(|(_, one)| !one.exists).count());
        let within = |at: Timestamp| (from..=to).contains(&at);
        let served = self.ledger.contacts.iter().filter(|(key, contact)| {
            domain_of(self.ledger.names.text(key.recipient)) == domain
                && contact.accepted_span.bounds().is_some_and(|(first, last)| within(first) || within(last))
        });
        if served.count() * 50 < failed {
            guesses.clear();
        }
        let tries = guesses.iter().filter(|(_, one)| !one.exists).map(|(_, one)| *one).collect();
        let alike = self.alike(domain, tries, &within);
        let bystander = |one: &Try| {
            one.exists
                && !alike.as_ref().is_some_and(|(alike, _)| alike(one.sender, one.client))
                && self.accepts[one.recipient].senders != 1
        };
        let left_out: HashSet<Name> =
            guesses.iter().filter(|(_, one)| bystander(one)).map(|(_, one)| one.recipient).collect();
        guesses.retain(|(_, one)| !bystander(one));
        Bystanders { left_out: left_out.len(), by_chance: alike.as_ref().map(|(_, chance)| *chance) }
    }

    /// Tells visitors who are like a crowd's failed ones, whose networks and sender domains nobody else comes from, and
    /// how many honest ones are expected among them; `None` where that tells nothing, or it would be one and more.
    fn alike(
        &self,
        domain: &str,
        failed: Vec<Try>,
        within: &dyn Fn(Timestamp) -> bool,
    ) -> Option<(impl Fn(Name, Name) -> bool, f64)> {
        let text = |name: Name| self.ledger.names.text(name);
        let (mut domains, mut networks): (HashMap<&str, u32>, HashMap<String, u32>) = Default::default();
        for key in self.ledger.contacts.keys().filter(|key| key.direction == Direction::In) {
            *domains.entry(domain_of(text(key.sender))).or_default() += 1;
            *networks.entry(network(text(key.client)).unwrap_or_default()).or_default() += 1;
        }
        let lone = move |sender: Name, client: Name| {
            domains.get(domain_of(text(sender))) == Some(&1)
                && network(text(client)).is_some_and(|net| networks.get(&net) == Some(&1))
        };
        let like = failed.iter().filter(|one| lone(one.sender, one.client)).count();
        let span = |first: Timestamp, last: Timestamp| (last.0 - first.0).max(1) as f64;
        let crowd = span(failed.first()?.at, failed.last()?.at);
        let (begin, end) = self.ledger.window.bounds()?;
        let elsewhere = self.ledger.contacts.iter().filter(|(key, contact)| {
            key.direction == Direction::In
                && contact.first_answer == Answer::Accepted
                && !within(contact.first)
                && domain_of(text(key.recipient)) == domain
                && lone(key.sender, key.client)
        });
        let chance = elsewhere.count() as f64 * crowd / (span(begin, end) - crowd).max(1.0);
        (like * 10 >= failed.len() * 9 && chance < 0.5).then_some((lone, chance))
    }

    /// Whether three of four of a sender's first contacts exist: it slips, and an address it shares is not to blame.
    pub(super) fn is_honest(&self, sender: Name) -> bool {
        let [took, not] = self.senders[sender];
        took > 0 && took >= 3 * not
    }

    /// Whose names the rows are told in.
    pub(super) fn ledger(&self) -> &'l Ledger {
        self.ledger
    }

    /// The trails of one kind of origin with at least `least` failures, without contacts in `explained`. Each try comes
    /// with its row's number.
    pub(super) fn by(
        &self,
        kind: Kind,
        explained: &HashSet<usize>,
        least: usize,
    ) -> BTreeMap<Origin, Vec<(usize, Try)>> {
        let mut failures: HashMap<Origin, usize> = HashMap::new();
        let origins: Vec<Option<Origin>> = self
            .rows
            .iter()
            .enumerate()
            .map(|(n, (key, contact))| {
                let origin = if explained.contains(&n) { None } else { kind(self, key) }?;
                let slip = contact.first_answer == Answer::Unknown && self.is_honest(key.sender);
                if slip && !matches!(origin, Origin::Sender(_)) {
                    return None;
                }
                if contact.first_answer == Answer::Unknown {
                    *failures.entry_ref(&origin).or_default() += 1;
                }
                Some(origin)
            })
            .collect();
        let mut trails: BTreeMap<Origin, Vec<(usize, Try)>> = BTreeMap::new();
        let mut met: HashSet<(Origin, Name, Name)> = HashSet::new();
        for (n, origin) in origins.into_iter().enumerate() {
            let Some(origin) = origin.filter(|o| failures.get(o).is_some_and(|f| *f >= least)) else { continue };
            let (key, contact) = &self.rows[n];
            // One guess is one address, whoever of an origin tries it; that many of its people know one is to their credit.
            let who = if contact.first_answer == Answer::Accepted { key.sender } else { Name::NONE };
            if met.insert((origin.clone(), key.recipient, who)) {
                let exists = contact.first_answer == Answer::Accepted;
                let accepts = &self.accepts[key.recipient];
                let popular = exists && accepts.senders > 0 && accepts.first < contact.first;
                let one = Try {
                    at: contact.first,
                    sender: key.sender,
                    client: key.client,
                    recipient: key.recipient,
                    exists,
                    popular,
                };
                trails.entry(origin).or_default().push((n, one));
            }
        }
        trails
    }
}

/// The kinds of origin in the order they are judged: those that name who is behind them first (one sender, from
/// anywhere or from one network), then those that only share an address, last those that share nothing but a target, or
/// a target and what they call themselves.
pub(super) const KINDS: [Kind; 9] = [
    Origin::sender,
    Origin::login,
    Origin::submitter,
    Origin::stranger,
    Origin::snowshoe,
    Origin::client,
    Origin::net,
    Origin::crowd,
    Origin::caller,
];

impl Origin {
    /// For people.
    pub(super) fn name(&self) -> String {
        match self {
            Origin::Sender(name)
            | Origin::Login(name)
            | Origin::Submitter(name)
            | Origin::Client(name)
            | Origin::Stranger(name) => name.clone(),
            Origin::Snowshoe(net, name) => format!("{name} from {net}"),
            Origin::Net(net) => net.clone(),
            Origin::Crowd(domain) => format!("visitors who came once each to {domain}"),
            Origin::Helo(name) => format!("visitors who call themselves {name}"),
        }
    }

    /// What makes one of its many senders and clients; nothing to say where there is but one.
    pub(super) fn bond(&self) -> Option<&'static str> {
        match self {
            Origin::Sender(_) => None,
            Origin::Login(_) => Some("one account sent it all, under whatever senders"),
            Origin::Helo(_) => Some("visitors from many networks call themselves the same, and nobody honest does"),
            Origin::Submitter(_) => Some("one client address handed it all in"),
            Origin::Client(_) => Some("one client address brought it all"),
            Origin::Snowshoe(..) => Some("one sender from one network brought it all"),
            Origin::Stranger(_) => Some("one sender brought it all, from wherever"),
            Origin::Net(_) => Some("one network brought it all"),
            Origin::Crowd(_) => Some("the visitors share their target and the time, nothing else"),
        }
    }

    fn sender(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::Out)
            .then(|| Origin::Sender(person(trails.ledger.names.text(key.sender)).into_owned()))
    }

    fn login(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        let login = trails.ledger.login(key.sender, key.client)?;
        Some(Origin::Login(trails.ledger.names.text(login).to_owned()))
    }

    fn caller(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        let helo = trails.ledger.helo(key.client).filter(|_| key.direction == Direction::In)?;
        let name = || Origin::Helo(trails.ledger.names.text(helo).to_owned());
        trails.widespread.contains(&helo).then(name)
    }

    fn submitter(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::Out && key.client != Name::NONE)
            .then(|| Origin::Submitter(trails.ledger.names.text(key.client).to_owned()))
    }

    fn client(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::In && key.client != Name::NONE)
            .then(|| Origin::Client(trails.ledger.names.text(key.client).to_owned()))
    }

    fn snowshoe(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        let net = net(key, trails.ledger)?;
        Some(Origin::Snowshoe(net, person(trails.ledger.names.text(key.sender)).into_owned()))
    }

    fn stranger(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::In)
            .then(|| Origin::Stranger(person(trails.ledger.names.text(key.sender)).into_owned()))
    }

    fn net(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        net(key, trails.ledger).map(Origin::Net)
    }

    fn crowd(trails: &Trails<'_>, key: &ContactKey) -> Option<Self> {
        let lone = trails.visits[key.sender] == 1 && trails.visits[key.client] == 1;
        (key.direction == Direction::In && lone)
            .then(|| Origin::Crowd(domain_of(trails.ledger.names.text(key.recipient)).to_owned()))
    }

    /// Failures below which it is not looked at: slips, old acquaintances; for a crowd, those of an hour's strangers.
    pub(super) fn least(kind: Kind) -> usize {
        let loose = [Origin::crowd as Kind, Origin::caller].into_iter().any(|one| std::ptr::fn_addr_eq(kind, one));
        if loose { LEAST_CROWD } else { LEAST }
    }
}

/// HELO names of clients in many networks; a server's own comes from few.
fn widespread(ledger: &Ledger) -> HashSet<Name> {
    let mut clients: HashMap<Name, Vec<Name>> = HashMap::new();
    for client in ledger.introduced.helos.keys() {
        if let Some(helo) = ledger.helo(*client) {
            clients.entry(helo).or_default().push(*client);
        }
    }
    let networks = |clients: &[Name]| {
        let networks: HashSet<String> = clients.iter().filter_map(|c| network(ledger.names.text(*c))).collect();
        networks.len()
    };
    clients.retain(|_, clients| clients.len() >= NETWORKS && networks(clients) >= NETWORKS);
    clients.into_keys().collect()
}

fn is_evidence(key: &ContactKey, contact: &Contact, accepts: &ByName<Accepts>) -> bool {
    // The null sender brings bounces and callouts, of mail that others sent.
    key.sender != Name::NONE
        && match contact.first_answer {
            Answer::Accepted => true,
            // An address that ever took mail was not guessed: it moved, it left, or its directory was down.
            Answer::Unknown => accepts[key.recipient].senders == 0,
            Answer::NoDomain | Answer::Other => false,
        }
}

fn net(key: &ContactKey, ledger: &Ledger) -> Option<String> {
    if key.direction == Direction::Out { None } else { network(ledger.names.text(key.client)) }
}
