//! What the planted stories are made of: single mails and visits with their time and fate, and what the truth says of them.

use super::{
    people::{Sender, World},
    random::Rng,
    registry::Registry,
};

/// What happens to one planted outbound mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Taken, perhaps after a greylisting.
    Taken,
    /// Refused: no such user.
    Unknown,
    /// The same, after a greylisting.
    Greyed,
    /// The domain does not resolve.
    NoDomain,
    /// Over quota, under 4.1.1.
    OverQuota,
    /// The domain's server never answers (a parked name without mail).
    Silent,
}

/// One planted outbound mail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plan {
    pub(super) at: i64,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) client: String,
    pub(super) login: String,
    pub(super) fate: Fate,
}

impl Plan {
    pub(super) fn of(at: i64, from: &Sender, to: &str, fate: Fate) -> Self {
        let Sender { address, client, login } = from.clone();
        Plan { at, from: address, to: to.to_owned(), client, login, fate }
    }
}

/// One inbound session: what was taken, then what was refused as unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Visit {
    pub(super) at: i64,
    pub(super) client: String,
    pub(super) host: String,
    pub(super) from: String,
    pub(super) taken: Vec<String>,
    pub(super) refused: Vec<String>,
}

/// A planted attack, as the truth tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attack {
    pub(super) id: &'static str,
    pub(super) kind: &'static str,
    pub(super) inbound: bool,
    pub(super) fast: bool,
    pub(super) senders: Vec<String>,
    pub(super) ips: Vec<String>,
    pub(super) targets: Vec<String>,
    pub(super) tried: Vec<String>,
    pub(super) confirmed: Vec<String>,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// A planted mistyping, as the truth tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typo {
    pub(super) typed: String,
    pub(super) intended: String,
    pub(super) edit: &'static str,
    pub(super) emails: u64,
    /// Those refused; a parked name may take everything.
    pub(super) bounced: u64,
    pub(super) senders: Vec<String>,
}

/// Something that used to accept mail and no longer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lapsed {
    pub(super) name: String,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) since: i64,
}

/// A look-alike that must not be flagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Benign {
    pub(super) sender: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) kind: &'static str,
    pub(super) reason: &'static str,
}

/// Everything planted in one world.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) start: i64,
    pub(super) days: i64,
    pub(super) plans: Vec<Plan>,
    pub(super) visits: Vec<Visit>,
    pub(super) attacks: Vec<Attack>,
    pub(super) domain_typos: Vec<Typo>,
    pub(super) username_typos: Vec<Typo>,
    pub(super) expired: Vec<Lapsed>,
    pub(super) gone: Vec<Lapsed>,
    pub(super) benign: Vec<Benign>,
    pub(super) registry: Registry,
}

pub(super) const DAY: i64 = 86_400;

impl Script {
    /// A moment of day `day` (counted from 0, cut to the world) in office hours.
    pub(super) fn office_hour(&self, day: i64, rng: &mut Rng) -> i64 {
        self.start + day.clamp(0, self.days - 1) * DAY + rng.between(6 * 3600, 19 * 3600)
    }

    /// A day from `low` to `high` hundredths of the world.
    pub(super) fn day_in(&self, low: i64, high: i64, rng: &mut Rng) -> i64 {
        rng.between(self.days * low / 100, (self.days * high / 100 - 1).max(self.days * low / 100))
    }

    pub(super) fn mail(&mut self, at: i64, from: &Sender, to: &str, fate: Fate) {
        self.plans.push(Plan::of(at, from, to, fate));
    }

    /// All mails in time, ready to be sent.
    pub(super) fn sort(&mut self) {
        self.plans.sort();
        self.visits.sort();
        for typos in [&mut self.domain_typos, &mut self.username_typos] {
            typos.sort_by(|a, b| a.typed.cmp(&b.typed));
        }
        for lapsed in [&mut self.expired, &mut self.gone] {
            lapsed.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
}

/// Which senders play in stories: the middle of the crowd, so that no story hides under the heaviest writers.
pub(super) fn bystander(world: &World, rng: &mut Rng) -> u64 {
    let low = (world.senders / 8).max(1);
    low + rng.below(world.senders - low)
}

/// A sender of its own, with its own address to the outside, who does nothing but its story.
pub(super) fn stranger(world: &World, n: u64) -> Sender {
    let s = world.senders + 50 + n;
    let (address, client) = (super::people::own_address(s), format!("198.18.{}.{}", 110 + n / 250, n % 250 + 1));
    Sender { login: address.clone(), address, client }
}
