//! Who tried what: each origin's distinct first contacts in the order of time.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use hashbrown::{HashMap, HashSet};

use crate::{
    address::domain_of,
    delivery::Direction,
    ledger::{Answer, Contact, ContactKey, Ledger, Name},
    moment::Timestamp,
};

/// Whose trail it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Origin {
    /// One of our senders, rotating return paths joined.
    Sender(String),
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

/// Contacts sorted by whether they are evidence, and of what.
pub(super) struct Trails<'l> {
    ledger: &'l Ledger,
    /// Evidence only, by time.
    rows: Vec<(ContactKey, Contact)>,
    /// Senders of whose first contacts three of four exist: they slip, and an address they share is not to blame.
    honest: HashSet<Name>,
    /// When each address first accepted mail from anybody.
    accepts: HashMap<Name, Timestamp>,
}

impl<'l> Trails<'l> {
    pub(super) fn of(ledger: &'l Ledger) -> Self {
        let mut accepts: HashMap<Name, Timestamp> = HashMap::new();
        let mut rows: Vec<(ContactKey, Contact)> =
            ledger.contacts.iter().map(|(key, contact)| (*key, *contact)).collect();
        for (key, contact) in &rows {
            if let Some((first, _)) = contact.accepted_span.bounds() {
                accepts.entry(key.recipient).and_modify(|known| *known = first.min(*known)).or_insert(first);
            }
        }
        rows.retain(|(key, contact)| match contact.first_answer {
            Answer::Accepted => true,
            // An address that ever took mail was not guessed: it moved, it left, or its directory was down.
            Answer::Unknown => !accepts.contains_key(&key.recipient),
            Answer::NoDomain | Answer::Other => false,
        });
        // The null sender brings bounces and callouts, of mail that others sent.
        rows.retain(|(key, _)| key.sender != Name::NONE);
        let mut senders: HashMap<Name, [usize; 2]> = HashMap::new();
        for (key, contact) in &rows {
            senders.entry(key.sender).or_default()[usize::from(contact.first_answer == Answer::Unknown)] += 1;
        }
        let honest = senders.into_iter().filter(|(_, [took, not])| *took >= 3 * not).map(|(name, _)| name).collect();
        rows.sort_unstable_by(|(a, x), (b, y)| {
            (x.first, ledger.names.text(a.recipient), ledger.names.text(a.sender)).cmp(&(
                y.first,
                ledger.names.text(b.recipient),
                ledger.names.text(b.sender),
            ))
        });
        Trails { ledger, rows, honest, accepts }
    }

    /// The trails of one kind of origin with at least `least` failures, without contacts in `explained`. Each try comes
    /// with its row's number.
    pub(super) fn by(
        &self,
        origin: impl Fn(&ContactKey, &Ledger) -> Option<Origin>,
        explained: &HashSet<usize>,
        least: usize,
    ) -> BTreeMap<Origin, Vec<(usize, Try)>> {
        let mut failures: HashMap<Origin, usize> = HashMap::new();
        let origins: Vec<Option<Origin>> = self
            .rows
            .iter()
            .enumerate()
            .map(|(n, (key, contact))| {
                let origin = if explained.contains(&n) { None } else { origin(key, self.ledger) }?;
                let slip = contact.first_answer == Answer::Unknown && self.honest.contains(&key.sender);
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
                let popular = exists && self.accepts.get(&key.recipient).is_some_and(|first| *first < contact.first);
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

impl Origin {
    pub(super) fn sender(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        (key.direction == Direction::Out).then(|| Origin::Sender(person(ledger.names.text(key.sender)).into_owned()))
    }

    pub(super) fn submitter(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        (key.direction == Direction::Out && key.client != Name::NONE)
            .then(|| Origin::Submitter(ledger.names.text(key.client).to_owned()))
    }

    pub(super) fn client(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        (key.direction == Direction::In && key.client != Name::NONE)
            .then(|| Origin::Client(ledger.names.text(key.client).to_owned()))
    }

    pub(super) fn snowshoe(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        let net = net(key, ledger)?;
        Some(Origin::Snowshoe(net, person(ledger.names.text(key.sender)).into_owned()))
    }

    pub(super) fn stranger(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        (key.direction == Direction::In).then(|| Origin::Stranger(person(ledger.names.text(key.sender)).into_owned()))
    }

    pub(super) fn net(key: &ContactKey, ledger: &Ledger) -> Option<Self> {
        net(key, ledger).map(Origin::Net)
    }
}

/// The network a visitor comes from: what one customer of a provider gets, /24 of IPv4 and /48 of IPv6.
fn net(key: &ContactKey, ledger: &Ledger) -> Option<String> {
    if key.direction == Direction::Out {
        return None;
    }
    match ledger.names.text(key.client).parse().ok()? {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}

/// The sender behind a rotating return path (VERP, BATV/PRVS, SRS): each mail has its own, the person is one.
pub(super) fn person(sender: &str) -> Cow<'_, str> {
    let domain = domain_of(sender);
    let local = crate::address::local_of(sender);
    // BATV: prvs=1234abcdef=user@…; SRS: srs0=hash=tt=domain=user@…
    if let Some(signed) = local.strip_prefix("prvs=").and_then(|rest| rest.split_once('=')) {
        return Cow::Owned(format!("{}@{domain}", signed.1));
    }
    if local.starts_with("srs0") || local.starts_with("srs1") {
        return Cow::Owned(format!("srs@{domain}"));
    }
    let Some(at) = local.find(['+', '=']) else { return Cow::Borrowed(sender) };
    let (head, tag) = local.split_at(at);
    // A tag a person chose is a word; one a mailer made holds digits or an address.
    if tag[1..].contains(['=', '@']) || tag.bytes().any(|b| b.is_ascii_digit()) {
        Cow::Owned(format!("{}@{domain}", head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-')))
    } else {
        Cow::Borrowed(sender)
    }
}

#[cfg(test)]
mod tests {
    use super::person;

    #[test]
    fn rotating_return_paths_are_one_sender() {
        for (sender, who) in [
            ("bounce+1a2b-tom=y.example@x.example", "bounce@x.example"),
            ("bounces-77+123=tom@x.example", "bounces@x.example"),
            ("prvs=12345abcde=bob@x.example", "bob@x.example"),
            ("srs0=abcd=xy=other.example=bob@x.example", "srs@x.example"),
            ("bob+news@x.example", "bob+news@x.example"),
            ("bob@x.example", "bob@x.example"),
        ] {
            assert_eq!(person(sender), who, "{sender}");
        }
    }
}
