//! One name through the stages, cheapest first: DNS, then the registry over RDAP, else WHOIS.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use super::{
    Asking, Contact, Details, Evidence, Manners, Network, Registrability, Source, Status, contacts, dns, lifetime,
    limits::Limits,
    pace::Pace,
    rdap,
    verdict::{self, Registry},
    web, whois,
};
use crate::{error::Error, moment::Timestamp, tls::Authorities};

/// Everyone there is to ask in one run.
pub(super) struct Stages {
    dns: dns::Asker,
    rdap: rdap::Asker,
    whois: whois::Asker,
    web: Option<web::Asker>,
    pub(super) pace: Pace,
    manners: Manners,
    now: Timestamp,
}

/// How much is wanted of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Whether it can be had.
    Status,
    /// And who holds it, even where DNS alone tells that somebody does.
    Holder,
    /// And everybody one could write to.
    Contacts,
}

/// Questions sent about one name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) dns: u64,
    pub(super) rdap: u64,
    pub(super) whois: u64,
    /// A registry's server was left alone: it is failing, or asked for it.
    pub(super) turned_away: bool,
}

/// What a registry said.
struct Word {
    registry: Registry,
    details: Details,
    drops_at: Option<Timestamp>,
}

impl Stages {
    /// Opens what the run needs; fails on a file that was named and cannot be used.
    pub(super) fn new(network: &Network, manners: &Manners, now: Timestamp) -> Result<Self, Error> {
        let trust = Authorities::open(network.ca_file.as_deref())?;
        Ok(Stages {
            dns: dns::Asker::new(&network.nameservers, network.trust_anchor.as_deref(), manners.dns_timeout, now)?,
            rdap: rdap::Asker::new(network.rdap_bootstrap.as_deref(), &trust)?,
            whois: whois::Asker::new(network.whois_servers.as_deref())?,
            web: network.fetch_security_txt.then(|| web::Asker::new(network.security_txt_base.as_deref(), &trust)),
            pace: Pace::new(Limits::open(network.registry_limits.as_deref())?),
            manners: *manners,
            now,
        })
    }

    /// Asks as far as it takes to decide, and as deep as is wanted.
    pub(super) fn ask(&self, Asking { domain, suffix, depth }: &Asking) -> (Registrability, Sent) {
        let mut evidence = Vec::new();
        let mut sent = Sent::default();
        let mut found = self.dns.existence(domain, suffix, Instant::now() + self.manners.patience / 2);
        if found.answers.is_empty() {
            evidence.push(self.said(Source::Dns, "no_nameserver", "system".to_owned()));
        }
        for (answer, server) in &found.answers {
            evidence.push(self.said(Source::Dns, answer, server.to_string()));
        }
        let mut word = Word { registry: Registry::Silent, details: Details::default(), drops_at: None };
        if found.dns != verdict::Dns::Delegated || *depth > Depth::Status {
            word = self.registry(domain, &mut evidence, &mut sent);
        }
        let Word { registry, mut details, drops_at } = word;
        let status = verdict::decide(found.dns, registry);
        if status == Status::Registered {
            if found.dns != verdict::Dns::Absent {
                self.mail(domain, &mut details, &mut found, &mut evidence);
            }
            if *depth == Depth::Contacts {
                let zone = self.dns.zone_mailbox(domain, self.soon(), &mut found);
                details.contacts.extend(zone.into_iter().map(|mailbox| contacts::of_zone(&mailbox)));
                let own = self.web.iter().flat_map(|web| web.contacts(domain, self.now, &self.pace, &self.manners));
                details.contacts.extend(own);
                contacts::complete(domain, &mut details);
            }
        }
        if details.nameservers.is_empty() {
            details.nameservers.clone_from(&found.nameservers);
        }
        sent.dns = found.queries;
        let known = *depth == Depth::Status || registry != Registry::Failed;
        let life = if known { self.holds_for(status, &found, drops_at) } else { lifetime(Status::Unknown) };
        let answer = Registrability {
            domain: domain.clone(),
            status,
            checked_at: self.now,
            fresh_until: self.now.plus(life),
            evidence,
            drops_at,
            details,
            open_at: None,
        };
        (answer, sent)
    }

    /// Whom the registry of the network around `ip` names, the abuse desk first, and how far that network reaches.
    pub(super) fn network(&self, ip: IpAddr, sent: &mut Sent) -> Option<(Vec<Contact>, (IpAddr, IpAddr))> {
        let found = self.rdap.ask(rdap::Subject::Address(ip), self.now, &self.pace, &self.manners)?;
        sent.rdap += found.queries;
        let record = found.record?;
        let mut contacts = record.details.contacts;
        contacts::of_network(&mut contacts);
        Some((contacts, record.covers?))
    }

    /// Waits, within our patience, until the servers that are left alone may be asked again.
    pub(super) fn rest(&self) {
        std::thread::sleep(self.pace.closed_for().min(self.manners.patience));
    }

    /// RDAP, and WHOIS where that says nothing.
    fn registry(&self, domain: &str, evidence: &mut Vec<Evidence>, sent: &mut Sent) -> Word {
        let mut word = Word { registry: Registry::Silent, details: Details::default(), drops_at: None };
        if let Some(rdap) = self.rdap.ask(rdap::Subject::Domain(domain), self.now, &self.pace, &self.manners) {
            evidence.push(self.said(Source::Rdap, rdap.word, rdap.server));
            sent.rdap = rdap.queries;
            sent.turned_away |= rdap.queries == 0;
            word.registry = rdap.registry;
            if let Some(record) = rdap.record {
                (word.details, word.drops_at) = (record.details, record.drops_at);
            }
        }
        if matches!(word.registry, Registry::Silent | Registry::Failed)
            && let Some(whois) = self.whois.ask(domain, self.now, &self.pace, &self.manners)
        {
            evidence.push(self.said(Source::Whois, whois.word, whois.server));
            sent.whois = whois.queries;
            sent.turned_away |= whois.queries == 0;
            word = Word { registry: whois.registry, details: whois.details, drops_at: whois.drops_at };
        }
        word
    }

    /// Resolvers that were silent to the last, and those that had nothing but errors.
    pub(super) fn deaf(&self) -> [Vec<SocketAddr>; 2] {
        [self.dns.silent(), self.dns.failing()]
    }

    /// Where a held name's mail goes.
    fn mail(&self, domain: &str, details: &mut Details, found: &mut dns::Finding, evidence: &mut Vec<Evidence>) {
        let Some((mail, server)) = self.dns.mail(domain, self.soon(), found) else {
            return;
        };
        let word = match (mail.null, mail.exchangers.is_empty()) {
            (true, _) => "null_mx",
            (false, true) => "no_mx",
            (false, false) => "mx",
        };
        evidence.push(self.said(Source::Dns, word, server.to_string()));
        (details.mx, details.null_mx) = (mail.exchangers, mail.null);
    }

    fn said(&self, source: Source, answer: &str, server: String) -> Evidence {
        Evidence { source, answer: answer.to_owned(), server, at: self.now }
    }

    fn soon(&self) -> Instant {
        Instant::now() + 2 * self.manners.dns_timeout
    }

    /// A "no such name" holds no longer than its zone says, but a night is not split: at least an hour.
    fn holds_for(&self, status: Status, found: &dns::Finding, drops_at: Option<Timestamp>) -> i64 {
        let life = lifetime(status);
        match (status, found.negative_ttl, drops_at) {
            (Status::Registrable, Some(ttl), _) => life.min(i64::from(ttl).max(HOUR)),
            (Status::Redemption | Status::PendingDelete, _, Some(drop)) => life.min((drop.0 - self.now.0).max(HOUR)),
            _ => life,
        }
    }
}

const HOUR: i64 = 3600;
