//! Bounced addresses → what they were meant to be.
//!
//! In: the ledger (who receives mail, who is refused) and the popular names of `data/popular`.
//! Out: [`Suspects`]: domains and usernames a stranger could take, each with what was meant and how sure we are.
//! Never: asks the network, reads a clock.

mod census;
mod domain;
mod edit;
pub mod eval;
mod homes;
mod homoglyph;
mod index;
mod judge;
mod keyboard;
mod learn;
mod letters;
mod made;
mod own;
mod parameters;
mod person;
mod popular;
mod provider;
mod refused;
mod signs;
mod suspects;
mod unlisted;
mod username;
mod value;
mod within;
mod words;

pub use census::{Census, Standing};
pub use edit::{Change, apply, changes, distance};
pub use index::{Hit, Index, Scratch};
pub use judge::{Judged, judge};
pub use learn::{Confirmed, Learned, learn};
pub use own::fit_strangers;
pub use parameters::{Parameters, Strangers, Suspicion, Tails, Usernames};
pub use popular::Popular;
pub use provider::{Providers, gone_status, username_status};
pub use signs::Signs;
pub use suspects::{innocent_suspects, suspects};
pub use value::{Expected, Risk, expected_next_week, risk, username_risk};

use crate::{
    address::{domain_of, fold, local_of},
    error::Error,
    moment::{Timestamp, Week},
};

/// A candidate at least this probable is called what was meant.
pub const THRESHOLD: f64 = 0.5;

/// Explains bounced names: by the popular ones, and by those that this operator's own mail reaches.
#[derive(Debug)]
pub struct Explainer<'l> {
    census: &'l Census<'l>,
    channel: Parameters,
    domains: domain::Domains,
    usernames: username::Usernames,
}

impl<'l> Explainer<'l> {
    /// With the shipped parameters.
    pub fn new(census: &'l Census<'l>, popular: &Popular) -> Result<Self, Error> {
        Ok(Self::with(census, popular, Parameters::shipped()?))
    }

    /// With parameters of the operator's own.
    pub fn with(census: &'l Census<'l>, popular: &Popular, channel: Parameters) -> Self {
        let looks = channel.usernames.made_up(channel.strangers);
        let (domains, usernames) =
            rayon::join(|| domain::Domains::new(census, popular, &channel), || username::Usernames::new(census, looks));
        Explainer { census, domains, usernames, channel }
    }

    /// What a domain may have been meant to be, the likeliest first; empty for one that has accepted mail, that is
    /// listed, or that resembles nothing. What is missing to 1 is the probability that it is no typo.
    pub fn explain_domain(&self, domain: &str) -> Vec<Candidate> {
        self.domains.explain(domain, 1.0, &self.channel)
    }

    /// Whether a domain is listed or has accepted mail: then it is no typo.
    pub fn knows_domain(&self, domain: &str) -> bool {
        self.domains.knows(&domain::clean(domain))
    }

    /// [`Explainer::explain_domain`] for a name known not to resolve.
    pub fn explain_dead(&self, domain: &str) -> Vec<Candidate> {
        self.domains.explain(domain, self.channel.dead, &self.channel)
    }

    /// [`Explainer::explain_domain`] for a name whose server knows users, but not this one.
    pub fn explain_served(&self, domain: &str) -> Vec<Candidate> {
        self.domains.explain(domain, self.channel.served, &self.channel)
    }

    /// What an address may have been meant to be, as full addresses: a slip in its domain first, then one in its
    /// username. Without an `@` the text is taken for a domain.
    pub fn explain_address(&self, address: &str, sender: Option<&str>) -> Vec<Candidate> {
        let folded = fold(address);
        if !folded.contains('@') {
            return self.explain_domain(&folded);
        }
        let (local, domain) = (local_of(&folded), domain_of(&folded));
        if local.is_empty() || self.census.address(&folded).is_some() {
            return Vec::new();
        }
        let mut told = self.explain_domain(domain);
        if told.is_empty() {
            return self.explain_username(&folded, sender);
        }
        for candidate in &mut told {
            candidate.intended = format!("{local}@{}", candidate.intended);
        }
        told
    }

    /// Whom a username at a right domain may have been meant for, by those whom `sender` and others reach there.
    pub fn explain_username(&self, address: &str, sender: Option<&str>) -> Vec<Candidate> {
        let (address, sender) = (fold(address), sender.map(fold));
        let users = self.usernames.users(domain_of(&address));
        let told = self.usernames.explain(&users, &address, &[sender.as_deref()], self.census, &self.channel);
        told.into_iter().next().unwrap_or_default()
    }
}

/// The ten named edits of INTERFACE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edit {
    /// A letter left out: `yaho.com`.
    Omission,
    /// A letter too many: `gmaiil.com` doubles its neighbour and may be called repetition.
    Insertion,
    /// A letter doubled.
    Repetition,
    /// Two neighbours exchanged: `gmial.com`.
    Transposition,
    /// One letter for another: `gmsil.com`.
    Substitution,
    /// The suffix slipped: `gmail.con`, `yahoo.cn` for `yahoo.com.cn`.
    Tld,
    /// A dot left out: `gmailcom`, `mailexample.com` for `mail.example.com`.
    MissingDot,
    /// A letter that looks alike: `paypa1.com`, Cyrillic а.
    Homoglyph,
    /// One bit of one byte: no key lies there, no eye or ear confuses it.
    Bitflip,
    /// A hyphen put in or left out.
    Hyphenation,
}

/// One thing a bounced name may have been meant to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The name meant.
    pub intended: String,
    /// The edits that lead from it to what was typed, in order; one or two.
    pub edits: Vec<Edit>,
    /// Posterior probability; all candidates' and "not a typo" sum to 1.
    pub probability: f64,
    /// `g-m-ia→ai-l, transposition of gmail.com`: for people.
    pub words: String,
}

/// Why a domain or username is a risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuspectKind {
    /// It was never right.
    Typo,
    /// It used to accept mail (an expired domain, a gone mailbox).
    Lapsed,
}

/// Mail one week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekly {
    /// Which week.
    pub week: Week,
    /// Distinct senders that wrote.
    pub senders: u64,
    /// Mails they lost.
    pub emails: u64,
}

/// A domain our senders write to that accepts no mail.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainSuspect {
    /// As bounced: the full mail domain, folded.
    pub domain: String,
    /// Typo or expired.
    pub kind: SuspectKind,
    /// What was meant; empty for an expired domain.
    pub intended: String,
    /// From `intended` to `domain`.
    pub edits: Vec<Edit>,
    /// 0 to 1.
    pub confidence: f64,
    /// Hard-bounced mails.
    pub emails: u64,
    /// Distinct senders.
    pub senders: u64,
    /// Mails it accepted before.
    pub delivered_before: u64,
    /// First and last refusal.
    pub first_seen: Timestamp,
    /// See `first_seen`.
    pub last_seen: Timestamp,
    /// Oldest first.
    pub weekly: Vec<Weekly>,
}

/// A username our senders write to that does not exist (any more).
#[derive(Debug, Clone, PartialEq)]
pub struct UsernameSuspect {
    /// As bounced, folded.
    pub address: String,
    /// Typo or gone.
    pub kind: SuspectKind,
    /// The address meant; empty for a gone mailbox.
    pub intended: String,
    /// From `intended` to `address`.
    pub edits: Vec<Edit>,
    /// 0 to 1.
    pub confidence: f64,
    /// Hard-bounced mails.
    pub emails: u64,
    /// Who wrote, sorted.
    pub senders: Vec<String>,
    /// Mails it accepted before.
    pub delivered_before: u64,
    /// First and last refusal.
    pub first_seen: Timestamp,
    /// See `first_seen`.
    pub last_seen: Timestamp,
    /// Oldest first.
    pub weekly: Vec<Weekly>,
}

/// What a night's bounces could cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Suspects {
    /// Most mails first.
    pub domains: Vec<DomainSuspect>,
    /// Most mails first.
    pub usernames: Vec<UsernameSuspect>,
}

impl Edit {
    /// `transposition`
    pub fn name(self) -> &'static str {
        match self {
            Edit::Omission => "omission",
            Edit::Insertion => "insertion",
            Edit::Repetition => "repetition",
            Edit::Transposition => "transposition",
            Edit::Substitution => "substitution",
            Edit::Tld => "tld",
            Edit::MissingDot => "missing_dot",
            Edit::Homoglyph => "homoglyph",
            Edit::Bitflip => "bitflip",
            Edit::Hyphenation => "hyphenation",
        }
    }
}

#[cfg(test)]
mod tests;
