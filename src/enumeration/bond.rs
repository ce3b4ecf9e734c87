//! What guessers have in common and honest people do not: the account they log in to, the name they give as HELO.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};

use super::{
    cluster::Suspect,
    trail::{Trails, Try},
};
use crate::{
    delivery::Direction,
    ledger::{Answer, Ledger, Name},
};

/// Honest senders of an account that somebody else uses too: its owner has more than one address.
const OWNER: usize = 3;
/// Of those who share a word one in so many may be honest.
const HONEST: usize = 10;

/// A word that two origins may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Bond {
    /// An account, which only its password opens.
    Login(Name),
    /// A HELO name, which anybody may use.
    Helo(Name),
}

/// Words with who used them: the senders of an account, the clients of a name.
pub(super) type Bonds = BTreeMap<Bond, BTreeSet<Name>>;

impl Bond {
    /// For people.
    pub(super) fn told(self, ledger: &Ledger) -> String {
        let (what, name) = match self {
            Bond::Login(name) => ("the account", name),
            Bond::Helo(name) => ("the HELO name", name),
        };
        format!("{what} {}", crate::address::printable(ledger.names.text(name)))
    }
}

/// The words in some tries, but for those that bind nobody.
pub(super) fn of<'t>(tries: impl Iterator<Item = &'t Try>, ledger: &Ledger, unbound: &HashSet<Bond>) -> Bonds {
    let mut bonds = Bonds::new();
    for one in tries {
        let login = ledger.login(one.sender, one.client).map(|name| (Bond::Login(name), one.sender));
        let helo = ledger.helo(one.client).map(|name| (Bond::Helo(name), one.client));
        for (bond, who) in login.into_iter().chain(helo).filter(|(bond, _)| !unbound.contains(bond)) {
            bonds.entry(bond).or_default().insert(who);
        }
    }
    bonds
}

/// The words of suspects that honest people use too: half the world is no campaign.
pub(super) fn common(suspects: &[Suspect], trails: &Trails<'_>) -> HashSet<Bond> {
    let ledger = trails.ledger();
    let guilty = of(suspects.iter().flat_map(|s| &s.crossing.guesses).map(|(_, one)| one), ledger, &HashSet::new());
    if guilty.is_empty() {
        return HashSet::new();
    }
    let mut honest: HashMap<Bond, HashSet<Name>> = HashMap::new();
    let mut met = |bond: Bond, who: Name| {
        if guilty.get(&bond).is_some_and(|guessers| !guessers.contains(&who)) {
            honest.entry(bond).or_default().insert(who);
        }
    };
    for ((sender, _), login) in ledger.introduced.logins.iter().filter(|((sender, _), _)| trails.is_honest(*sender)) {
        met(Bond::Login(login.name), *sender);
    }
    for (key, contact) in ledger.contacts.iter() {
        if key.direction == Direction::In
            && contact.first_answer == Answer::Accepted
            && let Some(helo) = ledger.helo(key.client)
        {
            met(Bond::Helo(helo), key.client);
        }
    }
    let is_common = |(bond, who): &(Bond, HashSet<Name>)| {
        let owner = if matches!(bond, Bond::Login(_)) { OWNER } else { 0 };
        who.len() > owner + guilty.get(bond).map_or(0, BTreeSet::len) / HONEST
    };
    honest.into_iter().filter(is_common).map(|(bond, _)| bond).collect()
}

/// The first account, else name, by which two are one. A name must be most of both sides', and each side must have
/// clients of its own that use it: of the same clients it says nothing new.
pub(super) fn shared(one: &Bonds, other: &Bonds, clients: [usize; 2]) -> Option<Bond> {
    one.iter().find_map(|(bond, who)| {
        let whose = other.get(bond)?;
        let most = || who.len() * 2 >= clients[0] && whose.len() * 2 >= clients[1];
        let own = || !who.is_subset(whose) && !whose.is_subset(who);
        (matches!(bond, Bond::Login(_)) || most() && own()).then_some(*bond)
    })
}
