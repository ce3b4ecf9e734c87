//! Whose trail a contact is on: eleven kinds of origin, each by what it keeps the same.

use hashbrown::{HashMap, HashSet};

use crate::{
    address::{domain_of, network, person},
    delivery::Direction,
    ledger::{ByName, ContactKey, Ledger, Name},
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
    /// Senders of ours at one domain who write to few addresses each.
    House(String),
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
    /// Visitors who come a few times each, to one domain of ours.
    Band(String),
}

/// By what visitors are told from each other.
pub(super) struct Visitors<'l> {
    pub(super) ledger: &'l Ledger,
    /// How often each sender and client came from outside.
    visits: ByName<u32>,
    /// How many first contacts of each sender exist, and do not.
    pub(super) senders: ByName<[u32; 2]>,
    /// HELO names heard from many networks.
    widespread: HashSet<Name>,
}

/// Names an origin of a contact, if it is of the kind asked for.
pub(super) type Kind = fn(&Visitors<'_>, &ContactKey) -> Option<Origin>;

impl<'l> Visitors<'l> {
    /// Those of a ledger; `visits` has how often each sender and client came from outside, `senders` each one's first
    /// contacts that exist and that do not.
    pub(super) fn of(ledger: &'l Ledger, visits: ByName<u32>, senders: ByName<[u32; 2]>) -> Self {
        Visitors { ledger, visits, senders, widespread: widespread(ledger) }
    }

    /// First contacts of a sender.
    pub(super) fn written(&self, sender: Name) -> u32 {
        self.senders[sender].iter().sum()
    }
}

/// The kinds of origin in the order they are judged: those that name who is behind them first (one sender, from
/// anywhere or from one network), then those that only share an address or a domain, last those that share nothing but a
/// target, or a target and what they call themselves; who came once each and who came a few times are two crowds.
pub(super) const KINDS: [Kind; 11] = [
    Origin::sender,
    Origin::login,
    Origin::submitter,
    Origin::house,
    Origin::stranger,
    Origin::snowshoe,
    Origin::client,
    Origin::net,
    Origin::crowd,
    Origin::caller,
    Origin::band,
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
            Origin::House(domain) => format!("senders at {domain}"),
            Origin::Crowd(domain) => format!("visitors who came once each to {domain}"),
            Origin::Band(domain) => format!("visitors who came a few times each to {domain}"),
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
            Origin::House(_) => Some("senders at one domain sent it, a few mails each"),
            Origin::Crowd(_) | Origin::Band(_) => Some("the visitors share their target and the time, nothing else"),
        }
    }

    /// Whether it is one of our users.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Origin::Sender(_) | Origin::Login(_) | Origin::Submitter(_) | Origin::House(_))
    }

    /// Whether it is a visitor known by a name or an address of its own.
    pub(super) fn is_one_visitor(&self) -> bool {
        matches!(self, Origin::Client(_) | Origin::Snowshoe(..) | Origin::Stranger(_))
    }

    /// Whether it is a crowd, which may be another one the next time.
    pub(super) fn is_crowd(&self) -> bool {
        matches!(self, Origin::Crowd(_) | Origin::Band(_) | Origin::Helo(_))
    }

    fn sender(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::Out)
            .then(|| Origin::Sender(person(known.ledger.names.text(key.sender)).into_owned()))
    }

    fn login(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let login = known.ledger.login(key.sender, key.client)?;
        Some(Origin::Login(known.ledger.names.text(login).to_owned()))
    }

    fn caller(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let helo = known.ledger.helo(key.client).filter(|_| key.direction == Direction::In)?;
        let name = || Origin::Helo(known.ledger.names.text(helo).to_owned());
        known.widespread.contains(&helo).then(name)
    }

    fn submitter(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::Out && key.client != Name::NONE)
            .then(|| Origin::Submitter(known.ledger.names.text(key.client).to_owned()))
    }

    fn house(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let few = || known.written(key.sender) < LEAST as u32;
        (key.direction == Direction::Out && few())
            .then(|| Origin::House(domain_of(known.ledger.names.text(key.sender)).to_owned()))
    }

    fn client(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::In && key.client != Name::NONE)
            .then(|| Origin::Client(known.ledger.names.text(key.client).to_owned()))
    }

    fn snowshoe(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let net = net(key, known.ledger)?;
        Some(Origin::Snowshoe(net, person(known.ledger.names.text(key.sender)).into_owned()))
    }

    fn stranger(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        (key.direction == Direction::In)
            .then(|| Origin::Stranger(person(known.ledger.names.text(key.sender)).into_owned()))
    }

    fn net(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        net(key, known.ledger).map(Origin::Net)
    }

    fn crowd(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let lone = known.visits[key.sender] == 1 && known.visits[key.client] == 1;
        (key.direction == Direction::In && lone)
            .then(|| Origin::Crowd(domain_of(known.ledger.names.text(key.recipient)).to_owned()))
    }

    fn band(known: &Visitors<'_>, key: &ContactKey) -> Option<Self> {
        let (sender, client) = (known.visits[key.sender], known.visits[key.client]);
        let few = (2..LEAST as u32).contains(&sender.max(client));
        (key.direction == Direction::In && few)
            .then(|| Origin::Band(domain_of(known.ledger.names.text(key.recipient)).to_owned()))
    }

    /// Failures below which it is not looked at: slips, old acquaintances; for a crowd, those of an hour's strangers.
    pub(super) fn least(kind: Kind) -> usize {
        let loose = [Origin::house as Kind, Origin::crowd, Origin::band, Origin::caller]
            .into_iter()
            .any(|one| std::ptr::fn_addr_eq(kind, one));
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

fn net(key: &ContactKey, ledger: &Ledger) -> Option<String> {
    if key.direction == Direction::Out { None } else { network(ledger.names.text(key.client)) }
}
