//! Findings → letters to those who must know: found → drafted → sent → acknowledged → resolved.
//!
//! In: [`Findings`] of one run; the disclosures earlier nights opened; whom registries name, where that was asked for.
//! Out: [`Disclosure`]s, one open letter an owner; their text as RFC 5322 mail.
//! Never: sends unasked, tells one owner what concerns another, names our senders to outsiders.

mod contacts;
mod drafts;
mod letter;
mod matters;
mod reconcile;
mod send;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use contacts::look_up;
pub use drafts::{file_name, keep};
pub use letter::{Letters, Writer, language_of};
pub use matters::matters;
pub use reconcile::reconcile;
pub use send::{DEFAULT_ROUTE, addressee, send};

use crate::{moment::Timestamp, redact::Redactor};

#[cfg(doc)]
use crate::findings::Findings;

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// One of our own users: the address book is wrong.
    Customer,
    /// Holds the domain that was meant: a typo of it can be registered.
    IntendedDomain,
    /// Runs the mailbox that is gone.
    MailboxProvider,
    /// Runs the domain at which addresses were guessed.
    Target,
    /// Runs the network the guesses came from.
    Network,
}

/// How far a disclosure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Nobody was told yet.
    Found,
    /// A letter lies ready for the operator to read.
    Drafted,
    /// It went out.
    Sent,
    /// The owner answered.
    Acknowledged,
    /// Done: the owner acted, the finding is gone, or the operator closed it.
    Resolved,
}

/// One thing an owner is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Hash of what it is about: the same every night.
    pub id: String,
    /// The wrong name, the guessing origin, or the campaign.
    pub name: String,
    /// What was meant; empty where nothing was.
    pub meant: String,
    /// `registrable`, `recycled_by_provider` …; empty where it has none.
    pub status: String,
    /// Mails, or guesses.
    pub emails: u64,
    /// Distinct senders, or targets.
    pub senders: u64,
    /// First and last day, `2022-06-20`; first may be empty.
    pub first: String,
    /// See `first`.
    pub last: String,
    /// Addresses the owner should look after.
    pub addresses: Vec<String>,
}

/// Everything one owner should be told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Why.
    pub audience: Audience,
    /// An address, a domain or a network.
    pub owner: String,
    /// Where to write, and where that address is from.
    pub contact: Option<(String, String)>,
    /// By id.
    pub items: Vec<Item>,
}

/// One letter's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// 16 hexadecimal digits.
    pub id: String,
    /// Whom, and about what.
    pub matter: Matter,
    /// How far.
    pub state: State,
    /// Resolved because its findings are gone; what is found again then opens another.
    pub gone: bool,
    /// When the state last changed.
    pub changed_at: Timestamp,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which disclosure.
    pub disclosure: String,
    /// When.
    pub at: Timestamp,
    /// Its state from then on.
    pub state: State,
    /// Why, for people.
    pub note: String,
}

impl Item {
    /// The same with pseudonyms for people. Ids are hashes of names: they are hashed once more.
    pub(crate) fn redacted(&self, audience: Audience, redactor: &Redactor) -> Self {
        let name = match audience {
            // The campaign's id.
            Audience::Target | Audience::Network => redactor.id(&self.name),
            _ => redactor.text(&self.name),
        };
        Item {
            id: redactor.id(&self.id),
            name,
            meant: redactor.text(&self.meant),
            addresses: self.addresses.iter().map(|a| redactor.text(a)).collect(),
            ..self.clone()
        }
    }
}

impl Audience {
    /// Every audience.
    pub const ALL: [Audience; 5] =
        [Audience::Customer, Audience::IntendedDomain, Audience::MailboxProvider, Audience::Target, Audience::Network];

    /// `customer`; also the name of its letter.
    pub fn name(self) -> &'static str {
        match self {
            Audience::Customer => "customer",
            Audience::IntendedDomain => "intended_domain",
            Audience::MailboxProvider => "mailbox_provider",
            Audience::Target => "target",
            Audience::Network => "network",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == text)
    }
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [State; 5] = [State::Found, State::Drafted, State::Sent, State::Acknowledged, State::Resolved];

    /// `found`
    pub fn name(self) -> &'static str {
        match self {
            State::Found => "found",
            State::Drafted => "drafted",
            State::Sent => "sent",
            State::Acknowledged => "acknowledged",
            State::Resolved => "resolved",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == text)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
