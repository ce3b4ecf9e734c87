//! Whom registries name for owners that are written to by convention, or not at all.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Audience, Disclosure, Entry, matters::BY_CONVENTION};
use crate::{
    error::Error,
    moment::Timestamp,
    registrability::{self, Contact, Manners, Network, Source, Tally},
    suffix::Suffixes,
};

/// Asks about each owner once and puts down what is better than what was there, with its source. Returns the trail's new
/// lines and what asking cost, domains before networks. Addresses that an operator chose, or that an earlier look-up
/// found, are not asked for again.
pub fn look_up(
    letters: &mut [Disclosure],
    suffixes: &Suffixes,
    network: &Network,
    manners: &Manners,
    now: Timestamp,
) -> Result<(Vec<Entry>, [Tally; 2]), Error> {
    if network.offline {
        return Ok(Default::default());
    }
    let wanted: Vec<&Disclosure> = letters.iter().filter(|d| is_wanted(d)).collect();
    let domains: Vec<String> =
        wanted.iter().filter(|d| d.matter.audience != Audience::Network).map(|d| d.matter.owner.clone()).collect();
    let mut addresses: Vec<IpAddr> = wanted.iter().filter_map(|d| address_in(d)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let (mut by_domain, mut by_address) = (BTreeMap::new(), BTreeMap::new());
    let of_domains = registrability::contacts(&domains, suffixes, network, manners, now, &mut |domain, all| {
        by_domain.insert(domain.to_owned(), all);
    })?;
    let of_networks = registrability::network_contacts(&addresses, network, manners, now, &mut |ip, all| {
        by_address.insert(ip, all);
    })?;
    let mut trail = Vec::new();
    for letter in letters.iter_mut().filter(|d| is_wanted(d)) {
        let found = match letter.matter.audience {
            Audience::Network => address_in(letter).and_then(|ip| by_address.get(&ip)?.first()),
            _ => {
                let domain = registrability::asked_about(&letter.matter.owner, suffixes);
                by_domain.get(&domain).and_then(|all| all.iter().find(|contact| speaks_for_owner(contact)))
            }
        };
        if let Some(contact) = found {
            let source = named(contact);
            let note = format!("contact is {}, {source}", contact.address);
            letter.matter.contact = Some((contact.address.clone(), source));
            trail.push(letter.turn(letter.state, &note, now));
        }
    }
    Ok((trail, [of_domains, of_networks]))
}

/// Nobody is known, or only what every domain should have.
fn is_wanted(letter: &Disclosure) -> bool {
    letter.matter.audience != Audience::Customer
        && letter.matter.contact.as_ref().is_none_or(|(_, source)| source == BY_CONVENTION)
}

/// One of the attacking addresses: the smallest network around it has the nearest abuse desk.
fn address_in(letter: &Disclosure) -> Option<IpAddr> {
    let mut all = letter.matter.items.iter().flat_map(|item| &item.addresses);
    all.find_map(|ip| ip.parse().ok()).filter(|_| letter.matter.audience == Audience::Network)
}

/// Mailboxes only. A registrar's abuse desk acts against domains, not for them.
fn speaks_for_owner(contact: &Contact) -> bool {
    let of_registrar = matches!(contact.source, Source::Rdap | Source::Whois) && contact.role == "abuse";
    !of_registrar
        && contact.source != Source::Convention
        && contact.address.contains('@')
        && !contact.address.starts_with("https://")
}

/// As a letter tells it.
fn named(contact: &Contact) -> String {
    let source = match contact.source {
        Source::Rdap => "RDAP",
        Source::Whois => "WHOIS",
        Source::Dns => "SOA record",
        Source::SecurityTxt => "security.txt",
        Source::Syntax | Source::Convention => BY_CONVENTION,
    };
    format!("{source}, {}", contact.role)
}
