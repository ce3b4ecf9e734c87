//! Whom to write to about a domain: gathered, put in order, and what to fall back on. Pure.

use super::{Contact, Details, Source};

/// Who runs the zone, as its SOA record names him (RNAME).
pub(super) fn of_zone(mailbox: &str) -> Contact {
    Contact { address: mailbox.to_owned(), role: "hostmaster".to_owned(), source: Source::Dns }
}

/// The mailboxes that every domain should have (RFC 2142), and the one it must (RFC 5321).
pub(super) fn by_convention(domain: &str) -> Vec<Contact> {
    let at =
        |role: &str| Contact { address: format!("{role}@{domain}"), role: role.to_owned(), source: Source::Convention };
    ["security", "abuse", "postmaster"].map(at).to_vec()
}

/// Adds the last resort and puts all in order, best first, each address once. Of a domain that takes no mail its own
/// mailboxes are left out.
pub(super) fn complete(domain: &str, details: &mut Details) {
    details.contacts.extend(by_convention(domain));
    details.contacts.retain(|c| is_plain(&c.address));
    if details.null_mx {
        let own = format!("@{domain}");
        details.contacts.retain(|c| !c.address.to_ascii_lowercase().ends_with(&own));
    }
    details.contacts.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    let mut seen = std::collections::BTreeSet::new();
    details.contacts.retain(|c| seen.insert(c.address.to_ascii_lowercase()));
}

/// What a network's registry says, the abuse desk first, each address once.
pub(super) fn of_network(contacts: &mut Vec<Contact>) {
    contacts.retain(|c| is_plain(&c.address));
    contacts.sort_by(|a, b| (a.role != "abuse", rank(a), a).cmp(&(b.role != "abuse", rank(b), b)));
    let mut seen = std::collections::BTreeSet::new();
    contacts.retain(|c| seen.insert(c.address.to_ascii_lowercase()));
}

/// One mailbox, or the address of a form: nothing that could mean more once it stands in a mail's header.
fn is_plain(address: &str) -> bool {
    let plain =
        address.len() <= MAX_ADDRESS && address.bytes().all(|b| b.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&b));
    let mailbox = plain
        && address
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'));
    mailbox || (address.starts_with("https://") && address.bytes().all(|b| b.is_ascii_graphic()))
}

/// RFC 5321 section 4.5.3.1.3, without the brackets.
const MAX_ADDRESS: usize = 254;

/// Who asked to be told comes first, then who holds the name, who runs it, who sold it.
fn rank(contact: &Contact) -> usize {
    const CONVENTION: [&str; 3] = ["security", "abuse", "postmaster"];
    match (contact.source, contact.role.as_str()) {
        (Source::SecurityTxt, _) => 0,
        (Source::Rdap | Source::Whois, "registrant") => 1,
        (Source::Rdap | Source::Whois, "technical") => 2,
        (Source::Rdap | Source::Whois, "administrative") => 3,
        (Source::Dns, _) => 4,
        (Source::Rdap | Source::Whois | Source::Syntax, _) => 5,
        (Source::Convention, role) => 6 + CONVENTION.iter().position(|r| *r == role).unwrap_or(CONVENTION.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(address: &str, role: &str, source: Source) -> Contact {
        Contact { address: address.into(), role: role.into(), source }
    }

    #[test]
    fn the_best_comes_first_and_each_once() {
        let mut details = Details {
            contacts: vec![
                contact("abuse@registrar.example", "abuse", Source::Rdap),
                of_zone("Security@x.example"),
                contact("tech@x.example", "technical", Source::Whois),
                contact("a@x.example,b@y.example", "technical", Source::Whois),
                contact("<a@x.example>", "registrant", Source::Rdap),
                contact("see www.x.example", "registrant", Source::Rdap),
                contact("https://x.example/report", "security", Source::SecurityTxt),
            ],
            ..Details::default()
        };
        complete("x.example", &mut details);
        let got: Vec<&str> = details.contacts.iter().map(|c| c.address.as_str()).collect();
        assert_eq!(
            got,
            [
                "https://x.example/report",
                "tech@x.example",
                "Security@x.example",
                "abuse@registrar.example",
                "abuse@x.example",
                "postmaster@x.example"
            ]
        );
        details.null_mx = true;
        complete("x.example", &mut details);
        let got: Vec<&str> = details.contacts.iter().map(|c| c.address.as_str()).collect();
        assert_eq!(got, ["https://x.example/report", "abuse@registrar.example"]);
    }
}
