//! From refusals to suspects: what was never right (typo) and what accepts mail no more (lapsed).

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::{
    DomainSuspect, Explainer, SuspectKind, Suspects, UsernameSuspect,
    refused::{Of, Refusals, Refused},
    username::Users,
};
use crate::{address::local_of, bounce::BounceType, ledger::Ledger, moment::Timestamp};

/// Of those who wrote to a wrong username, so many are asked whom they know; most mails first.
const SENDERS_ASKED: usize = 8;

/// Whether a sender guessed at a domain.
type Guessed<'a> = &'a (dyn Fn(&str, &str) -> bool + Sync);

/// All suspects of a ledger, most mails first.
pub fn suspects(ledger: &Ledger, explainer: &Explainer<'_>) -> Suspects {
    innocent_suspects(ledger, explainer, &|_, _| false)
}

/// The same without the usernames that only who `guessed` at their domain wrote to: those are guesses, not slips of the
/// finger.
pub fn innocent_suspects(ledger: &Ledger, explainer: &Explainer<'_>, guessed: Guessed<'_>) -> Suspects {
    let mut domains = dead_domains(ledger, explainer);
    domains.extend(parked_typos(ledger, explainer, &domains));
    domains.sort_by(|a, b| b.emails.cmp(&a.emails).then_with(|| a.domain.cmp(&b.domain)));
    let mut usernames = usernames(ledger, explainer, &domains, guessed);
    usernames.sort_by(|a, b| b.emails.cmp(&a.emails).then_with(|| a.address.cmp(&b.address)));
    Suspects { domains, usernames }
}

/// Domains whose names do not resolve.
fn dead_domains(ledger: &Ledger, explainer: &Explainer<'_>) -> Vec<DomainSuspect> {
    let refused =
        Refused::of(ledger, |kind, domain| kind == BounceType::ReceiverDns && !explainer.census.is_ours(domain));
    let mut found = Vec::new();
    for refused in refused.by_domain() {
        let (domain, refusals) = (refused.domain(), refused.count());
        let suspect = domain_suspect(domain, &refusals, explainer);
        let last = refusals.span.1.plus(86_400);
        match explainer.census.domain(domain).map(|s| (s.accepted, s.accepted_span.bounds())) {
            Some((accepted, Some((_, taken)))) => {
                // Refused only before it last took mail: its DNS failed for a while and came back.
                if taken >= last {
                    continue;
                }
                let since = since(&refusals, taken);
                // One failed look-up among hundreds of deliveries is weather.
                if since * explainer.channel.suspects.weather < accepted {
                    continue;
                }
                found.push(DomainSuspect {
                    delivered_before: accepted,
                    confidence: explainer.channel.suspects.lapse(accepted, since),
                    ..suspect
                });
            }
            _ => found.push(match explainer.explain_dead(domain).into_iter().next() {
                Some(best) if best.probability >= super::THRESHOLD => DomainSuspect {
                    kind: SuspectKind::Typo,
                    intended: best.intended,
                    edits: best.edits,
                    confidence: best.probability,
                    ..suspect
                },
                _ => suspect,
            }),
        }
    }
    found
}

/// Typos of a domain that somebody holds already: it resolves and knows no user.
fn parked_typos(ledger: &Ledger, explainer: &Explainer<'_>, known: &[DomainSuspect]) -> Vec<DomainSuspect> {
    let refused = Refused::of(ledger, |kind, _| kind == BounceType::UserUnknown);
    let known: BTreeSet<&str> = known.iter().map(|k| &*k.domain).collect();
    let mut found = Vec::new();
    for refused in refused.by_domain() {
        let domain = refused.domain();
        if explainer.census.domain(domain).is_some() || known.contains(domain) {
            continue;
        }
        let Some(best) = explainer.explain_served(domain).into_iter().next() else {
            continue;
        };
        if best.probability >= explainer.channel.suspects.parked {
            let suspect = domain_suspect(domain, &refused.count(), explainer);
            found.push(DomainSuspect {
                kind: SuspectKind::Typo,
                intended: best.intended,
                edits: best.edits,
                confidence: best.probability,
                ..suspect
            });
        }
    }
    found
}

fn usernames(
    ledger: &Ledger,
    explainer: &Explainer<'_>,
    domains: &[DomainSuspect],
    guessed: Guessed<'_>,
) -> Vec<UsernameSuspect> {
    let wrong: BTreeSet<&str> = domains.iter().filter(|d| d.kind == SuspectKind::Typo).map(|d| &*d.domain).collect();
    // Where we take the mail in ourselves, "no route" is about the user (Exim says so of both).
    let is_user = |kind: BounceType, domain: &str| match kind {
        BounceType::UserUnknown => true,
        BounceType::ReceiverDns => explainer.census.is_ours(domain),
        _ => false,
    };
    let refused = Refused::of(ledger, is_user);
    let honest = |refused: &Of<'_, '_>| {
        !local_of(refused.recipient()).is_empty()
            && !wrong.contains(refused.domain())
            && !refused.senders().all(|sender| guessed(sender, refused.domain()))
    };
    let honest: Vec<Of<'_, '_>> = refused.by_recipient().filter(honest).collect();
    let by_domain: Vec<&[Of<'_, '_>]> = honest.chunk_by(|a, b| a.domain() == b.domain()).collect();
    let of_domain = by_domain.par_iter().flat_map(|of_domain| {
        let users = explainer.usernames.users(of_domain[0].domain());
        let of_each = of_domain.par_iter();
        of_each.filter_map(move |refused| username(refused.recipient(), &users, &refused.count(), explainer))
    });
    of_domain.collect()
}

/// Somebody who is gone, or who was never there but is like somebody who is.
fn username(
    address: &str,
    users: &Users,
    refusals: &Refusals<'_>,
    explainer: &Explainer<'_>,
) -> Option<UsernameSuspect> {
    match explainer.census.address(address).map(|s| (s.accepted, s.accepted_span.bounds())) {
        Some((accepted, Some((_, taken)))) => (taken < refusals.span.1.plus(86_400)).then(|| UsernameSuspect {
            delivered_before: accepted,
            confidence: explainer.channel.suspects.lapse(accepted, since(refusals, taken)),
            ..username_suspect(address, refusals, explainer)
        }),
        _ => {
            // Those who wrote most know best whom they meant.
            let mut senders = refusals.senders.clone();
            senders.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let Explainer { usernames, census, channel, .. } = explainer;
            let asked: Vec<Option<&str>> =
                senders.iter().take(SENDERS_ASKED).map(|(sender, _)| Some(*sender)).collect();
            let told = usernames.explain(users, address, &asked, census, channel);
            let best = told
                .into_iter()
                .filter_map(|told| told.into_iter().next())
                .max_by(|a, b| a.probability.total_cmp(&b.probability).then_with(|| b.intended.cmp(&a.intended)))
                .filter(|best| best.probability >= super::THRESHOLD)?;
            Some(UsernameSuspect {
                kind: SuspectKind::Typo,
                intended: best.intended,
                edits: best.edits,
                confidence: best.probability,
                ..username_suspect(address, refusals, explainer)
            })
        }
    }
}

/// Mails refused in the weeks since mail was last taken.
fn since(refusals: &Refusals<'_>, taken: Timestamp) -> u64 {
    let week = taken.day().week();
    refusals.weekly.iter().filter(|w| w.week >= week).map(|w| w.emails).sum()
}

fn domain_suspect(domain: &str, refusals: &Refusals<'_>, explainer: &Explainer<'_>) -> DomainSuspect {
    let (first_seen, last_seen) = refusals.span;
    DomainSuspect {
        domain: domain.to_owned(),
        kind: SuspectKind::Lapsed,
        intended: String::new(),
        edits: Vec::new(),
        confidence: explainer.channel.suspects.unexplained,
        emails: refusals.mails,
        senders: refusals.senders.len() as u64,
        delivered_before: 0,
        first_seen,
        last_seen,
        weekly: refusals.weekly.clone(),
    }
}

fn username_suspect(address: &str, refusals: &Refusals<'_>, explainer: &Explainer<'_>) -> UsernameSuspect {
    let (first_seen, last_seen) = refusals.span;
    UsernameSuspect {
        address: address.to_owned(),
        kind: SuspectKind::Lapsed,
        intended: String::new(),
        edits: Vec::new(),
        confidence: explainer.channel.suspects.unexplained,
        emails: refusals.mails,
        senders: refusals.senders.iter().map(|(sender, _)| (*sender).to_owned()).collect(),
        delivered_before: 0,
        first_seen,
        last_seen,
        weekly: refusals.weekly.clone(),
    }
}
