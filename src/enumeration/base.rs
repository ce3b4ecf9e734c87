//! Base rates: how often honest mail meets an unknown user, at each domain on each day, and how many of the operator's
//! senders are lists going stale.

use std::ops::RangeInclusive;

use hashbrown::{HashMap, HashSet};

use crate::{
    bounce::BounceType,
    ledger::{ByName, Domain, Ledger, Name},
    moment::Day,
};

/// Chance that an honest origin's first contact is unknown where nothing else is known: that of the worst lists in
/// use, 25 to 40 %. A domain's own rate counts where it is higher: it moved, closed, or its directory is down.
const WORST_LIST: f64 = 0.45;
/// Honest senders a domain's own rate must outweigh.
const DOUBT: f64 = 4.0;
/// Share of senders that are stale lists before any is seen, and how many senders that belief weighs.
const LISTS: (f64, f64) = (0.01, 100.0);
/// Share of unknown addresses from which a sender may be a list, and up to which it is no guesser.
const LIST: RangeInclusive<f64> = 0.2..=0.8;
/// Standard deviations above the usual number of unknown addresses that chance explains.
const CHANCE: f64 = 3.0;

/// Honest senders at a domain on a day.
#[derive(Debug, Default)]
struct Honest {
    refused: HashSet<Name>,
    served: HashSet<Name>,
}

/// Measured in one ledger.
#[derive(Debug, Default)]
pub(super) struct Base {
    /// Honest senders refused, and served, at a domain on a day.
    sick: HashMap<(Domain, Day), [u32; 2]>,
    lists: f64,
}

impl Base {
    /// Over the domains in `watched`; `senders` has each one's first contacts, that exist and that do not.
    pub(super) fn of(
        ledger: &Ledger,
        watched: &HashSet<Domain>,
        senders: &ByName<[u32; 2]>,
        is_honest: &dyn Fn(Name) -> bool,
    ) -> Self {
        let mut days: HashMap<(Domain, Day), Honest> = HashMap::new();
        for key in ledger.refusals.keys().filter(|k| k.kind == BounceType::UserUnknown && is_honest(k.sender)) {
            let domain = ledger.names.domain(key.recipient);
            if watched.contains(&domain) {
                days.entry((domain, key.day)).or_default().refused.insert(key.sender);
            }
        }
        // Of each domain: days on which more are known to be refused than served.
        let mut open = vec![0_u32; ledger.names.domains()];
        days.keys().for_each(|(domain, _)| open[domain.0 as usize] += 1);
        let any = !days.is_empty();
        for (key, contact) in ledger.contacts.iter().filter(|_| any) {
            let domain = ledger.names.domain(key.recipient);
            let Some((first, last)) = contact.accepted_span.bounds().filter(|_| open[domain.0 as usize] > 0) else {
                continue;
            };
            for day in [first.day(), last.day()] {
                // A day on which as many were served as refused is a day as any.
                if let Some(one) = days.get_mut(&(domain, day))
                    && one.served.len() < one.refused.len()
                    && is_honest(key.sender)
                    && one.served.insert(key.sender)
                    && one.served.len() == one.refused.len()
                {
                    open[domain.0 as usize] -= 1;
                }
            }
        }
        let sick = days.into_iter().filter(|(_, one)| one.served.len() < one.refused.len());
        let sick = sick.map(|(key, one)| (key, [one.refused.len() as u32, one.served.len() as u32])).collect();
        // A list has good addresses and bad, a fifth at least of each, and more bad ones than honest mail has here and
        // chance explains; slips are fewer, and guesses are more.
        let share = |[took, not]: &[u32; 2]| f64::from(*not) / f64::from(took + not);
        let of_many = || senders.iter().filter(|[took, not]| took + not >= 3);
        let shares = of_many().map(share).filter(|share| share <= LIST.end());
        let (sum, count) = shares.fold((0.0, 0_u32), |(sum, count), share| (sum + share, count + 1));
        let usual = sum / f64::from(count.max(1));
        let (mut all, mut stale) = (0_u32, 0_u32);
        for sender in of_many() {
            let [took, not] = sender;
            let mails = f64::from(took + not);
            let by_chance = mails * usual + CHANCE * (mails * usual * (1.0 - usual)).sqrt();
            all += 1;
            stale += u32::from(*not >= 5 && LIST.contains(&share(sender)) && f64::from(*not) > by_chance);
        }
        let lists = (LISTS.0 * LISTS.1 + f64::from(stale)) / (LISTS.1 + f64::from(all));
        Base { sick, lists }
    }

    /// Chance that an honest first contact is unknown there and then.
    pub(super) fn unknown(&self, domain: Domain, day: Day) -> f64 {
        if self.sick.is_empty() {
            return WORST_LIST;
        }
        let [refused, served] = self.sick.get(&(domain, day)).copied().unwrap_or_default();
        let (refused, served) = (f64::from(refused), f64::from(served));
        ((refused + DOUBT * WORST_LIST) / (refused + served + DOUBT)).max(WORST_LIST)
    }

    /// Log-likelihood ratio an origin starts with that shows no sign of being a list.
    pub(super) fn head_start(&self) -> f64 {
        // However clean the operator: seven failures in a row are no proof, the eighth is.
        -self.lists.max(LISTS.0).ln()
    }
}
