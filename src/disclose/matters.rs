//! Findings → what each owner should be told.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Audience, Item, Matter};
use crate::{
    address::{domain_of, fold},
    enumeration::Campaign,
    findings::{Findings, id},
    moment::Timestamp,
    typo::SuspectKind,
};

/// A typo less sure than this is not worth another's time.
const SURE: f64 = 0.9;
/// Things one letter tells; the owner of more needs a talk, not a list.
const MAX_ITEMS: usize = 500;
/// Of a name that was free, and has a holder now.
const TAKEN: &str = "taken_over";
/// RFC 2142: the mailboxes every domain should have, by what is told.
const SECURITY: &str = "security";
const ABUSE: &str = "abuse";
/// Where the address of such a mailbox is from.
pub(super) const BY_CONVENTION: &str = "RFC 2142 role mailbox";

/// One [`Matter`] an owner, sorted by audience and owner.
pub fn matters(findings: &Findings) -> Vec<Matter> {
    let mut book = Book::default();
    customers(findings, &mut book);
    intended_domains(findings, &mut book);
    providers(findings, &mut book);
    for campaign in findings.campaigns.iter().filter(|c| c.confidence >= SURE) {
        targets(campaign, findings, &mut book);
        networks(campaign, &mut book);
    }
    book.matters()
}

/// Items by owner and id.
#[derive(Default)]
struct Book(BTreeMap<(Audience, String), BTreeMap<String, Item>>);

impl Book {
    fn add(&mut self, audience: Audience, owner: &str, mut item: Item) {
        // Who knows that a name is free has not heard yet that somebody took it.
        let fate = if item.status == TAKEN { " taken" } else { "" };
        item.id = id(&format!("disclosure {}", audience.name()), &format!("{owner} {}{fate}", item.name));
        // One name may be found by several of its hosts: the gravest comes first, and is told.
        self.0.entry((audience, owner.to_owned())).or_default().entry(item.id.clone()).or_insert(item);
    }

    fn matters(self) -> Vec<Matter> {
        let matter = |((audience, owner), items): ((Audience, String), BTreeMap<String, Item>)| {
            let mut items: Vec<Item> = items.into_values().collect();
            items.sort_by(|a, b| b.emails.cmp(&a.emails).then_with(|| a.name.cmp(&b.name)));
            items.truncate(MAX_ITEMS);
            Matter { audience, contact: contact(audience, &owner), owner, items }
        };
        self.0.into_iter().map(matter).collect()
    }
}

/// Where to write, and who says so.
fn contact(audience: Audience, owner: &str) -> Option<(String, String)> {
    let role = |name: &str| Some((format!("{name}@{owner}"), BY_CONVENTION.to_owned()));
    match audience {
        Audience::Customer => Some((owner.to_owned(), "envelope sender".to_owned())),
        Audience::IntendedDomain | Audience::Target => role(SECURITY),
        Audience::MailboxProvider => role(ABUSE),
        // Whose network it is no log tells.
        Audience::Network => None,
    }
}

fn customers(findings: &Findings, book: &mut Book) {
    let domains: BTreeMap<&str, (&str, bool)> = findings
        .domains
        .iter()
        .map(|d| {
            let status = d.registrability.status;
            let sure = d.suspect.kind == SuspectKind::Typo && d.suspect.confidence >= SURE;
            (d.suspect.domain.as_str(), (status.name(), sure || status.is_open()))
        })
        .collect();
    let usernames: BTreeMap<&str, (&str, bool)> = findings
        .usernames
        .iter()
        .map(|u| (u.suspect.address.as_str(), (u.status, u.suspect.confidence >= SURE)))
        .collect();
    for slip in &findings.slips {
        let known = domains.get(domain_of(&slip.wrote)).or_else(|| usernames.get(slip.wrote.as_str()));
        let status = match known {
            _ if slip.taken => TAKEN,
            Some((status, true)) => status,
            _ => continue,
        };
        let item = Item {
            name: slip.wrote.clone(),
            meant: slip.meant.clone(),
            status: status.to_owned(),
            emails: slip.emails,
            senders: 1,
            last: day(slip.last),
            ..Item::none()
        };
        book.add(Audience::Customer, &slip.sender, item);
    }
}

fn intended_domains(findings: &Findings, book: &mut Book) {
    for d in &findings.domains {
        let s = &d.suspect;
        let told = s.kind == SuspectKind::Typo && s.confidence >= SURE && d.registrability.status.is_open();
        let (sold, meant) = d.sold();
        if !told || [meant, &s.intended].iter().any(|own| findings.own_domains.contains(*own)) {
            continue;
        }
        let item = Item {
            name: sold.to_owned(),
            meant: meant.to_owned(),
            status: d.registrability.status.name().to_owned(),
            emails: s.emails,
            senders: s.senders,
            first: day(s.first_seen),
            last: day(s.last_seen),
            ..Item::none()
        };
        book.add(Audience::IntendedDomain, meant, item);
    }
}

fn providers(findings: &Findings, book: &mut Book) {
    for u in &findings.usernames {
        let s = &u.suspect;
        let domain = domain_of(&s.address);
        let told = s.kind == SuspectKind::Lapsed
            && s.confidence >= SURE
            && matches!(u.status, "allowed_by_provider_rules" | "recycled_by_provider");
        if !told || findings.own_domains.contains(domain) {
            continue;
        }
        let item = Item {
            name: s.address.clone(),
            status: u.status.to_owned(),
            emails: s.emails,
            senders: s.senders.len() as u64,
            first: day(s.first_seen),
            last: day(s.last_seen),
            ..Item::none()
        };
        book.add(Audience::MailboxProvider, domain, item);
    }
}

fn targets(campaign: &Campaign, findings: &Findings, book: &mut Book) {
    for domain in campaign.target_domains.iter().filter(|d| !findings.own_domains.contains(*d)) {
        let theirs = campaign.confirmed.iter().filter(|address| domain_of(&fold(address)) == domain);
        let item = Item {
            addresses: theirs.cloned().collect(),
            senders: campaign.target_domains.len() as u64,
            ..of_campaign(campaign, campaign.id.clone())
        };
        book.add(Audience::Target, domain, item);
    }
}

fn networks(campaign: &Campaign, book: &mut Book) {
    let mut by_network = BTreeMap::<String, Vec<String>>::new();
    for ip in &campaign.ips {
        if let Some(network) = network(ip) {
            by_network.entry(network).or_default().push(ip.clone());
        }
    }
    for (network, ips) in by_network {
        let item = Item {
            addresses: ips,
            senders: campaign.target_domains.len() as u64,
            ..of_campaign(campaign, campaign.id.clone())
        };
        book.add(Audience::Network, &network, item);
    }
}

fn of_campaign(campaign: &Campaign, name: String) -> Item {
    Item {
        name,
        emails: campaign.guesses,
        first: day(campaign.first_seen),
        last: day(campaign.last_seen),
        ..Item::none()
    }
}

/// The /24 or /48 of a public address: as far as one abuse desk usually reaches.
fn network(ip: &str) -> Option<String> {
    match ip.parse().ok()? {
        IpAddr::V4(ip) if ip.is_private() || ip.is_loopback() || ip.is_link_local() => None,
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() => None,
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Some(format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
        }
    }
}

fn day(moment: Timestamp) -> String {
    moment.day().to_string()
}

impl Item {
    fn none() -> Self {
        Item {
            id: String::new(),
            name: String::new(),
            meant: String::new(),
            status: String::new(),
            emails: 0,
            senders: 0,
            first: String::new(),
            last: String::new(),
            addresses: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        findings::DomainRisk,
        registrability::{Registrability, Status},
        typo::DomainSuspect,
    };

    #[test]
    fn who_owns_the_name_meant_is_told_not_its_host() {
        let at = Timestamp(0);
        let found = |typed: &str, intended: &str, emails| DomainRisk {
            suspect: DomainSuspect {
                domain: typed.into(),
                kind: SuspectKind::Typo,
                intended: intended.into(),
                edits: vec![],
                confidence: 0.99,
                emails,
                senders: 1,
                delivered_before: 0,
                first_seen: at,
                last_seen: at,
                weekly: vec![],
            },
            registrability: Registrability {
                domain: "gmial.com".into(),
                status: Status::Registrable,
                checked_at: at,
                fresh_until: at,
                evidence: vec![],
                drops_at: None,
                details: Default::default(),
                open_at: None,
            },
            risk: 0.5,
        };
        let domains = vec![found("gmial.com", "gmail.com", 40), found("mail.gmial.com", "mail.gmail.com", 3)];
        let told = matters(&Findings { domains, ..Findings::default() });
        let [letter] = &told[..] else { panic!("one letter, not {told:?}") };
        assert_eq!((&*letter.owner, letter.items.len()), ("gmail.com", 1));
        assert_eq!((&*letter.items[0].name, letter.items[0].emails), ("gmial.com", 40));
    }

    #[test]
    fn networks_are_as_wide_as_an_abuse_desk() {
        for (ip, wide) in [
            ("198.51.100.7", Some("198.51.100.0/24")),
            ("2001:db8:1:2::3", Some("2001:db8:1::/48")),
            ("10.0.0.1", None),
            ("::1", None),
            ("nobody", None),
        ] {
            assert_eq!(network(ip).as_deref(), wide, "{ip}");
        }
    }
}
