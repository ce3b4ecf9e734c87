//! How often each registry lets us ask: data/registry-limits.toml, and the operator's own file over it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;

use crate::error::Error;

/// The limits of every server.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    by_host: BTreeMap<String, Limit>,
    /// Of RDAP servers that are not listed.
    pub(super) rdap: Limit,
    /// Of WHOIS servers that are not listed.
    pub(super) whois: Limit,
}

/// One server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    /// Between two questions.
    pub(super) interval: Duration,
    /// Questions under way.
    pub(super) at_once: usize,
    /// Questions in one run.
    pub(super) per_run: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rdap: Option<Entry>,
    whois: Option<Entry>,
    #[serde(default)]
    server: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    hosts: Vec<String>,
    interval_ms: u64,
    at_once: Option<usize>,
    per_run: Option<u64>,
    /// For who reads the file.
    #[serde(rename = "source")]
    _source: Option<String>,
}

impl Limits {
    /// Those shipped in `data/`, and over them those of the file given.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let mut limits = Limits {
            by_host: BTreeMap::new(),
            rdap: Limit::every(Duration::from_millis(100)),
            whois: Limit::every(Duration::from_secs(1)),
        };
        limits.learn("registry-limits.toml", include_str!("../../data/registry-limits.toml"))?;
        if let Some(path) = path {
            let text = std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
            limits.learn(&path.display().to_string(), &text)?;
        }
        Ok(limits)
    }

    /// What holds for `server` (`host` or `host:port`), or `otherwise` where it is not listed.
    pub(super) fn of(&self, server: &str, otherwise: Limit) -> Limit {
        let server = server.to_ascii_lowercase();
        let host = server.rsplit_once(':').map_or(server.as_str(), |(host, _)| host);
        self.by_host.get(&server).or_else(|| self.by_host.get(host)).copied().unwrap_or(otherwise)
    }

    fn learn(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let file: File = toml::from_str(text).map_err(|e| Error::Data {
            name: name.to_owned(),
            cause: e.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        })?;
        for entry in &file.server {
            self.by_host.extend(entry.hosts.iter().map(|host| (host.to_ascii_lowercase(), Limit::from(entry))));
        }
        self.rdap = file.rdap.as_ref().map_or(self.rdap, Limit::from);
        self.whois = file.whois.as_ref().map_or(self.whois, Limit::from);
        Ok(())
    }
}

impl Limit {
    /// So far apart, and no other limit.
    pub(super) fn every(interval: Duration) -> Self {
        Limit { interval, at_once: AT_ONCE, per_run: u64::MAX }
    }
}

impl From<&Entry> for Limit {
    fn from(entry: &Entry) -> Self {
        Limit {
            interval: Duration::from_millis(entry.interval_ms),
            at_once: entry.at_once.unwrap_or(AT_ONCE).max(1),
            per_run: entry.per_run.unwrap_or(u64::MAX),
        }
    }
}

/// Questions to one registry server at once where nobody says.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_limits_keep_to_what_registries_publish() {
        let shipped = Limits::open(None).unwrap();
        let of = |server| shipped.of(server, shipped.whois);
        let (uk, eu) = (of("whois.nic.uk:43"), of("WHOIS.eu:43"));
        assert!(uk.interval >= Duration::from_millis(200) && uk.per_run <= 1000);
        assert!(eu.interval * 15 >= Duration::from_secs(60) && eu.at_once == 1);
        assert_eq!(of("whois.verisign-grs.com:43"), Limit::every(Duration::from_secs(1)));
    }

    #[test]
    fn a_file_of_ones_own_wins_and_may_name_a_port() {
        let mut limits = Limits::open(None).unwrap();
        limits
            .learn(
                "x",
                "[[server]]\nhosts = [\"127.0.0.1:4343\", \"whois.eu\"]\ninterval_ms = 5\n[rdap]\ninterval_ms = 7",
            )
            .unwrap();
        let otherwise = Limit::every(Duration::ZERO);
        for server in ["127.0.0.1:4343", "whois.eu:43"] {
            assert_eq!(limits.of(server, otherwise), Limit::every(Duration::from_millis(5)));
        }
        assert_eq!(limits.of("127.0.0.1:43", otherwise), otherwise);
        assert_eq!(limits.rdap.interval, Duration::from_millis(7));
        assert!(limits.learn("x", "[[server]]\nhost = 5").is_err());
    }
}
