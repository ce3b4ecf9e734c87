//! Which sender keeps writing to which wrong address, and which domains are our own: whom a finding concerns.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};

use super::{DomainRisk, UsernameRisk};
use crate::{
    address::{domain_of, local_of},
    bounce::BounceType,
    delivery::Direction,
    enumeration::{self, Campaign},
    ledger::{Contact, ContactKey, Domain, Ledger},
    moment::Timestamp,
    registrability::Registrability,
};

/// One sender's mails to one wrong address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Envelope sender, one of our own users.
    pub sender: String,
    /// Where the mail went.
    pub wrote: String,
    /// Where it should have gone; empty for a name that once was right.
    pub meant: String,
    /// Mails refused; where somebody took the name, those accepted too.
    pub emails: u64,
    /// The last of them, by day.
    pub last: Timestamp,
    /// Whether somebody took the name after it had been free: who that is may read what comes.
    pub taken: bool,
}

/// Slips of our own senders to suspect names, by sender, most mails first. Where they guessed they did not slip.
pub(super) fn slips(
    ledger: &Ledger,
    domains: &[DomainRisk],
    usernames: &[UsernameRisk],
    campaigns: &[Campaign],
    taken: &[Registrability],
) -> Vec<Slip> {
    let wrong_domains: HashMap<&str, &str> =
        domains.iter().map(|d| (d.suspect.domain.as_str(), d.suspect.intended.as_str())).collect();
    let wrong_users: HashMap<&str, &str> =
        usernames.iter().map(|u| (u.suspect.address.as_str(), u.suspect.intended.as_str())).collect();
    let guessers = enumeration::Guessers::of(campaigns);
    let mut found: BTreeMap<(&str, &str), Slip> = BTreeMap::new();
    for (key, emails) in &ledger.refusals {
        let sender = ledger.names.text(key.sender);
        if key.direction != Direction::Out || key.kind == BounceType::MailboxFull || sender.is_empty() {
            continue;
        }
        let wrote = ledger.names.text(key.recipient);
        if guessers.guessed(sender, domain_of(wrote)) {
            continue;
        }
        let meant = match (wrong_domains.get(domain_of(wrote)), wrong_users.get(wrote)) {
            (Some(&""), _) => String::new(),
            (Some(right), _) => format!("{}@{right}", local_of(wrote)),
            (None, Some(right)) => (*right).to_owned(),
            (None, None) => continue,
        };
        let slip = found.entry((sender, wrote)).or_insert_with(|| Slip {
            sender: sender.to_owned(),
            wrote: wrote.to_owned(),
            meant,
            emails: 0,
            last: key.day.start(),
            taken: false,
        });
        slip.emails += emails;
        slip.last = slip.last.max(key.day.start());
    }
    for (key, contact) in to_taken(ledger, taken) {
        let (sender, wrote) = (ledger.names.text(key.sender), ledger.names.text(key.recipient));
        if sender.is_empty() || guessers.guessed(sender, domain_of(wrote)) {
            continue;
        }
        let last = contact.last.day().start();
        // No refusal need be left that tells what was meant: whoever took the name takes its mail.
        let slip = found.entry((sender, wrote)).or_insert_with(|| Slip {
            sender: sender.to_owned(),
            wrote: wrote.to_owned(),
            meant: String::new(),
            emails: 0,
            last,
            taken: true,
        });
        slip.emails += contact.accepted;
        (slip.taken, slip.last) = (true, slip.last.max(last));
    }
    let mut slips: Vec<Slip> = found.into_values().collect();
    slips.sort_by(|a, b| a.sender.cmp(&b.sender).then(b.emails.cmp(&a.emails)).then_with(|| a.wrote.cmp(&b.wrote)));
    slips
}

/// Our own users' contacts at names that somebody took, and under them; not where all mail is refused (RFC 7505).
fn to_taken(ledger: &Ledger, taken: &[Registrability]) -> impl Iterator<Item = (ContactKey, Contact)> {
    let holds_mail = |r: &&Registrability| !r.details.null_mx;
    let taken: BTreeSet<&str> = taken.iter().filter(holds_mail).map(|r| r.domain.as_str()).collect();
    let within = |domain: &str| {
        let parents = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, parent)| parent));
        parents.into_iter().any(|parent| taken.contains(parent))
    };
    // Most nights nothing was taken.
    let domains = if taken.is_empty() { 0 } else { ledger.names.domains() };
    let theirs: HashSet<Domain> =
        (0..).map(Domain).take(domains).filter(|domain| within(ledger.names.domain_text(*domain))).collect();
    let contacts = (!theirs.is_empty()).then(|| ledger.contacts.iter());
    contacts
        .into_iter()
        .flatten()
        .filter(move |(key, _)| key.direction == Direction::Out && theirs.contains(&ledger.names.domain(key.recipient)))
}

/// Domains we send from or take mail for.
pub(super) fn own_domains(ledger: &Ledger) -> BTreeSet<String> {
    let mut ours = vec![false; ledger.names.domains()];
    for (key, contact) in ledger.contacts.iter() {
        match key.direction {
            // A refused stranger may name any domain; only what was taken is ours.
            Direction::In if contact.accepted == 0 => {}
            Direction::In => ours[ledger.names.domain(key.recipient).0 as usize] = true,
            Direction::Out | Direction::Stopped => ours[ledger.names.domain(key.sender).0 as usize] = true,
        }
    }
    let numbers = (0..).map(Domain).zip(ours).filter(|(_, is_ours)| *is_ours);
    numbers.map(|(domain, _)| ledger.names.domain_text(domain).to_owned()).filter(|domain| !domain.is_empty()).collect()
}
