//! Where our mail went, and where nobody answered: sums by country, without an address.

use std::net::IpAddr;

use super::Ledger;
use crate::{
    bounce::BounceType,
    delivery::{Delivery, Direction},
    geo::Country,
    merge::Merge,
    ndr::Verdict,
};

/// A day's mail to servers in one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountryTally {
    /// Mails with an attempt there.
    pub emails: u64,
    /// Attempts.
    pub attempts: u64,
    /// Attempts that timed out (T14).
    pub timeouts: u64,
    /// Attempts cut off or refused a connection (T15).
    pub interrupted: u64,
}

impl Ledger {
    /// Takes in where a delivery went; `verdicts` as for [`Ledger::add`]. What came in to us went nowhere.
    pub fn add_countries(
        &mut self,
        delivery: &Delivery<'_>,
        verdicts: &[Option<Verdict>],
        of: impl Fn(IpAddr) -> Option<Country>,
    ) {
        if delivery.direction != Direction::Out {
            return;
        }
        let mut met: Vec<Country> = Vec::new();
        for (attempt, verdict) in delivery.attempts.iter().zip(verdicts) {
            let Some(country) = attempt.to_ip.parse().ok().and_then(&of) else { continue };
            let tally = self.countries.entry((delivery.start.day(), country)).or_default();
            let said = verdict.as_ref().map(|v| v.kind);
            tally.attempts += 1;
            tally.timeouts += u64::from(said == Some(BounceType::Timeout));
            tally.interrupted += u64::from(said == Some(BounceType::Interrupted));
            if !met.contains(&country) {
                met.push(country);
                tally.emails += 1;
            }
        }
    }
}

impl CountryTally {
    /// In the order of the fields.
    pub fn counts(self) -> [u64; 4] {
        [self.emails, self.attempts, self.timeouts, self.interrupted]
    }
}

impl From<[u64; 4]> for CountryTally {
    fn from([emails, attempts, timeouts, interrupted]: [u64; 4]) -> Self {
        CountryTally { emails, attempts, timeouts, interrupted }
    }
}

impl Merge for CountryTally {
    fn merge(&mut self, other: Self) {
        self.emails += other.emails;
        self.attempts += other.attempts;
        self.timeouts += other.timeouts;
        self.interrupted += other.interrupted;
    }
}
