//! One name through the stages, cheapest first: DNS, then the registry over RDAP, else WHOIS.

use std::time::Instant;

use super::{
    Details, Evidence, Manners, Network, Registrability, Source, Status, dns, lifetime,
    pace::Pace,
    rdap,
    verdict::{self, Registry},
    whois,
};
use crate::{error::Error, moment::Timestamp};

/// Everyone there is to ask in one run.
pub(super) struct Stages {
    dns: dns::Asker,
    rdap: rdap::Asker,
    whois: whois::Asker,
    pace: Pace,
    manners: Manners,
    now: Timestamp,
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

impl Stages {
    /// Opens what the run needs; fails on a file that was named and cannot be used.
    pub(super) fn new(network: &Network, manners: &Manners, now: Timestamp) -> Result<Self, Error> {
        Ok(Stages {
            dns: dns::Asker::new(&network.nameservers, manners.dns_timeout, now)?,
            rdap: rdap::Asker::new(network.rdap_bootstrap.as_deref())?,
            whois: whois::Asker::new(network.whois_servers.as_deref())?,
            pace: Pace::default(),
            manners: *manners,
            now,
        })
    }

    /// Asks as far as it takes to decide.
    pub(super) fn ask(&self, domain: &str, suffix: &str) -> (Registrability, Sent) {
        let mut evidence = Vec::new();
        let mut said = |source, answer: &str, server: String| {
            evidence.push(Evidence { source, answer: answer.to_owned(), server, at: self.now })
        };
        let mut found = self.dns.existence(domain, suffix, Instant::now() + self.manners.patience / 2);
        for (answer, server) in &found.answers {
            said(Source::Dns, answer, server.to_string());
        }
        if found.answers.is_empty() {
            said(Source::Dns, "no_nameserver", "system".to_owned());
        }
        let mut sent = Sent::default();
        let mut registry = Registry::Silent;
        let mut details = Details::default();
        let mut drops_at = None;
        if found.dns != verdict::Dns::Delegated {
            if let Some(rdap) = self.rdap.ask(domain, self.now, &self.pace, &self.manners) {
                said(Source::Rdap, rdap.word, rdap.server);
                sent.rdap = rdap.queries;
                sent.turned_away |= rdap.queries == 0;
                registry = rdap.registry;
                if let Some(record) = rdap.record {
                    (details, drops_at) = (record.details, record.drops_at);
                }
            }
            if matches!(registry, Registry::Silent | Registry::Failed)
                && let Some(whois) = self.whois.ask(domain, self.now, &self.pace, &self.manners)
            {
                said(Source::Whois, whois.word, whois.server);
                sent.whois = whois.queries;
                sent.turned_away |= whois.queries == 0;
                (registry, details) = (whois.registry, whois.details);
                drops_at = whois.drops_at;
            }
        }
        let status = verdict::decide(found.dns, registry);
        if found.dns != verdict::Dns::Absent && status == Status::Registered {
            let mail = self.dns.mail(domain, Instant::now() + 2 * self.manners.dns_timeout, &mut found);
            (details.mx, details.null_mx) = (mail.exchangers, mail.null);
        }
        if details.nameservers.is_empty() {
            details.nameservers.clone_from(&found.nameservers);
        }
        sent.dns = found.queries;
        let fresh_until = self.now.plus(self.holds_for(status, &found, drops_at));
        (
            Registrability {
                domain: domain.to_owned(),
                status,
                checked_at: self.now,
                fresh_until,
                evidence,
                drops_at,
                details,
            },
            sent,
        )
    }

    /// Waits, within our patience, until the servers that are left alone may be asked again.
    pub(super) fn rest(&self) {
        std::thread::sleep(self.pace.closed_for().min(self.manners.patience));
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
