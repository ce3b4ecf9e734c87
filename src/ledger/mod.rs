//! What one reading of the mail taught: small mergeable tables, from which every later stage works.
//!
//! In: deliveries, each with the verdicts on its attempts.
//! Out: a [`Ledger`]; two of them merge in any order.
//! Never: decides what a bounce means, keeps a message.

mod contacts;
mod countries;
mod crowd;
mod intake;
mod introduced;
mod learn;
mod names;
mod strangers;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

pub use contacts::Contacts;
pub use countries::CountryTally;
pub use crowd::Crowd;
pub use intake::Intake;
pub use introduced::{Introduced, Word};
pub use names::{ByName, Domain, Name, Names};
pub use strangers::{STRANGERS, Strangers};

use crate::{
    bounce::BounceType,
    delivery::Direction,
    geo::Country,
    moment::{Day, Timestamp, Window},
    ndr::Miner,
};

/// Everything learned from some mail.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Senders, clients and recipients, folded.
    pub names: Names,
    /// Bounce degrees and types by day of the first attempt.
    pub days: BTreeMap<Day, DayTally>,
    /// Who wrote to whom.
    pub contacts: Contacts,
    /// Who logged in to write, and what visitors called themselves.
    pub introduced: Introduced,
    /// Hard bounces that say a recipient or its domain does not exist, by day.
    pub refusals: HashMap<RefusalKey, u64>,
    /// Masked replies, and the templates they make.
    pub templates: Miner,
    /// T5 by list and day.
    pub blocklists: BTreeMap<(String, Day), BlockTally>,
    /// T3 by sender domain.
    pub authentication: BTreeMap<String, AuthTally>,
    /// Days on which a sender domain had mail accepted without an authentication failure: tells when it was fixed.
    pub sender_passes: BTreeMap<String, BTreeSet<Day>>,
    /// Mail to servers of each country, where a file of countries was at hand.
    pub countries: BTreeMap<(Day, Country), CountryTally>,
    /// First to last attempt.
    pub window: Window,
    /// How many visitors are kept.
    pub strangers: Strangers,
    /// By a sender domain's number: the day last put into `sender_passes`.
    pub(crate) passed: Vec<Option<Day>>,
}

/// One day's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayTally {
    /// Deliveries non-, soft- and hard-bounced.
    pub degrees: [u64; 3],
    /// By type T1 to T16: attempts refused for it; soft-bounced and hard-bounced deliveries whose last refusal it was.
    pub types: [[u64; 3]; 16],
}

/// Who wrote to whom, through whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactKey {
    /// Envelope sender.
    pub sender: Name,
    /// Client IP, [`Name::NONE`] where the log names none.
    pub client: Name,
    /// Envelope recipient.
    pub recipient: Name,
    /// Out or in.
    pub direction: Direction,
}

/// What came of it. Counts are mails, never attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// First mail.
    pub first: Timestamp,
    /// Last mail.
    pub last: Timestamp,
    /// How the first mail ended.
    pub first_answer: Answer,
    /// First and last accepted mail.
    pub accepted_span: Window,
    /// Mails accepted.
    pub accepted: u64,
    /// Mails refused for good because the user is unknown (T8).
    pub unknown: u64,
    /// Mails refused for good because the domain does not resolve (T2).
    pub no_domain: u64,
    /// Mails refused for good for another reason.
    pub other: u64,
}

/// How a mail ended, as far as guessing and typos care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Answer {
    /// Taken.
    Accepted = 0,
    /// T8.
    Unknown = 1,
    /// T2.
    NoDomain = 2,
    /// Anything else.
    Other = 3,
}

/// A day's hard bounces of one kind between two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefusalKey {
    /// Envelope sender.
    pub sender: Name,
    /// Envelope recipient.
    pub recipient: Name,
    /// Day of the first attempt.
    pub day: Day,
    /// T2, T8 or T9.
    pub kind: BounceType,
    /// Out or in.
    pub direction: Direction,
}

/// A day's T5 of one list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockTally {
    /// Refused attempts.
    pub attempts: u64,
    /// Mails refused at least once for it.
    pub emails: u64,
    /// Our servers it named.
    pub blocked_ips: BTreeSet<String>,
    /// Receiver domains that use it.
    pub receiver_domains: BTreeSet<String>,
}

/// A sender domain's authentication failures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthTally {
    /// Refused mails.
    pub failures: u64,
    /// First and last failure.
    pub failed: Window,
}
