//! Why origins are taken for one: what each is known by, and what joined two of them.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::{Pattern, bond::Bond, cluster::Group, origin::Origin};
use crate::{
    address::{domain_of, network, printable},
    ledger::{Ledger, Name},
};

/// Joins told of; a botnet has hundreds.
const MOST: usize = 12;

/// What two guesses may share, by sender and client.
type Shared = fn(&Ledger, Name, Name) -> Option<String>;

/// The evidence that joined two groups, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Join(String);

impl Join {
    /// Of one origin that guesses at two times.
    pub(super) fn again(one: &Group<'_>, other: &Group<'_>) -> Self {
        let back = one.first.max(other.first);
        Join(format!("{} came back on {}", named(&one.origins), back.day()))
    }

    /// Between two groups that tried so many addresses in common, or share a word.
    pub(super) fn of(one: &Group<'_>, other: &Group<'_>, shared: usize, bond: Option<Bond>, ledger: &Ledger) -> Self {
        let mut shares = Vec::new();
        if shared > 0 {
            let all = one.tried.len() + other.tried.len() - shared;
            shares.push(format!("{shared} of {all} tried addresses ({} % alike)", 100 * shared / all.max(1)));
        }
        if one.pattern == other.pattern && one.pattern != Pattern::Unclear {
            shares.push(format!("how the names are made ({})", one.pattern.name()));
        }
        shares.extend(bond.map(|bond| bond.told(ledger)));
        let sorts: [(&str, Shared); 4] = [
            ("the client address", |ledger, _, client| Some(ledger.names.text(client).to_owned())),
            ("the network", |ledger, _, client| network(ledger.names.text(client))),
            ("the sender", |ledger, sender, _| Some(ledger.names.text(sender).to_owned())),
            ("the sender domain", |ledger, sender, _| Some(domain_of(ledger.names.text(sender)).to_owned())),
        ];
        for (what, text) in sorts {
            let texts = |group: &Group<'_>| -> HashSet<String> {
                group.tries.iter().filter_map(|t| text(ledger, t.sender, t.client)).filter(|t| !t.is_empty()).collect()
            };
            let (mine, its) = (texts(one), texts(other));
            if let Some(first) = mine.intersection(&its).min() {
                let more = mine.intersection(&its).count() - 1;
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                shares.push(format!("{what} {}{more}", printable(first)));
            }
        }
        let apart = span(one.first.0.abs_diff(other.first.0));
        match one.targets.intersection(&other.targets).next() {
            Some(target) => shares.push(format!("the target {target}, begun {apart} apart")),
            None => shares.push(format!("the time, begun {apart} apart")),
        }
        Join(format!("{} and {} share {}", named(&one.origins), named(&other.origins), shares.join(", ")))
    }
}

/// What the origins of a campaign are known by, and each join.
pub(super) fn reasons(
    origins: &BTreeSet<Origin>,
    joins: &[Join],
    introduced: &BTreeSet<Bond>,
    ledger: &Ledger,
) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if let (Some(only), true) = (origins.first(), joins.is_empty()) {
        reasons.extend(only.bond().map(str::to_owned));
    }
    // One word is a reason, many are a list of their own.
    for sort in [|bond: &&Bond| matches!(bond, Bond::Login(_)), |bond: &&Bond| matches!(bond, Bond::Helo(_))] {
        let mut words = introduced.iter().filter(sort);
        if let (Some(only), None) = (words.next(), words.next()) {
            reasons.push(format!("sent with {}", only.told(ledger)));
        }
    }
    let mut sorted: Vec<&Join> = joins.iter().collect();
    sorted.sort();
    reasons.extend(sorted.iter().take(MOST).map(|join| join.0.clone()));
    if joins.len() > MOST {
        reasons.push(format!("{} more such joins", joins.len() - MOST));
    }
    reasons
}

fn named(origins: &BTreeSet<Origin>) -> String {
    let first = origins.first().map_or_else(String::new, |origin| printable(&origin.name()).into_owned());
    if origins.len() > 1 { format!("{first} with {} more", origins.len() - 1) } else { first }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
