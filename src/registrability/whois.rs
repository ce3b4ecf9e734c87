//! The registry's word over WHOIS (RFC 3912). The one door to whois-rust.

use std::{collections::BTreeMap, io, net::IpAddr, path::Path, time::Duration};

use serde_json::Value;
use whois_rust::{WhoIs, WhoIsError, WhoIsLookupOptions, WhoIsServerValue};

use super::{
    Details,
    limits::Limit,
    pace::{Manners, Outcome, Pace, pause},
    phrases::Phrases,
    verdict::{Registry, drop_after},
};
use crate::{error::Error, moment::Timestamp};

/// WHOIS servers by top-level domain.
pub(super) struct Asker {
    servers: BTreeMap<String, Server>,
    phrases: Phrases,
    client: WhoIs,
}

#[derive(Debug, Clone)]
struct Server {
    value: WhoIsServerValue,
    shown: String,
}

/// What WHOIS says about one name.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) registry: Registry,
    /// The evidence's answer.
    pub(super) word: &'static str,
    /// `host:port`
    pub(super) server: String,
    pub(super) details: Details,
    /// When a name about to drop will be free.
    pub(super) drops_at: Option<Timestamp>,
    /// Questions sent.
    pub(super) queries: u64,
}

impl Asker {
    /// Reads the server list given, or the shipped one.
    pub(super) fn new(servers: Option<&Path>) -> Result<Self, Error> {
        let (name, text) = match servers {
            None => ("whois-servers.json".to_owned(), include_str!("../../data/whois-servers.json").to_owned()),
            Some(path) => (
                path.display().to_string(),
                std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?,
            ),
        };
        let data = |cause: String| Error::Data { name: name.clone(), cause };
        let map: BTreeMap<String, Value> =
            serde_json::from_str(&text).map_err(|e| data(format!("no JSON object of TLD → host:port: {e}")))?;
        let mut servers = BTreeMap::new();
        // "_" holds the servers for addresses in whois-rust's own form, "" a last resort that speaks for no registry.
        for (tld, value) in map.into_iter().filter(|(tld, value)| !value.is_null() && tld != "_" && !tld.is_empty()) {
            let shown = value.as_str().or(value["host"].as_str()).unwrap_or_default().to_owned();
            let value = WhoIsServerValue::from_value(&value).map_err(|e| data(format!("{tld}: {e}")))?;
            let tld = idna::domain_to_ascii(tld.trim_start_matches('.')).unwrap_or(tld);
            let shown = if shown.contains(':') { shown } else { format!("{shown}:43") };
            servers.insert(tld, Server { value, shown });
        }
        let client = WhoIs::from_host("whois.iana.org").map_err(|e| data(e.to_string()))?;
        Ok(Asker { servers, phrases: Phrases::shipped()?, client })
    }

    /// Asks the registry of `domain`; `None` where no WHOIS server is known for it.
    pub(super) fn ask(&self, domain: &str, now: Timestamp, pace: &Pace, manners: &Manners) -> Option<Finding> {
        let server = self.server(domain)?;
        let mut finding = Finding {
            registry: Registry::Failed,
            word: "not_asked",
            server: server.shown.clone(),
            details: Details::default(),
            drops_at: None,
            queries: 0,
        };
        let limit = if is_loopback(&server.shown) { Limit::every(manners.own_interval) } else { pace.limits.whois };
        for attempt in 0..manners.attempts.max(1) {
            if attempt > 0 {
                std::thread::sleep(pause(manners.backoff, attempt, domain));
            }
            let asked = pace.ask(&server.shown, limit, manners, || {
                let got = self.fetch(server, domain, manners.whois_timeout);
                let got = got.map(|answer| self.phrases.read(&answer, domain));
                let outcome = match &got {
                    Err(_) => Outcome::Failed,
                    Ok(reading) if reading.word == "rate_limited" => Outcome::Later(None),
                    Ok(_) => Outcome::Answered,
                };
                (got, outcome)
            });
            match asked {
                Err(why) if finding.queries == 0 => {
                    finding.word = why;
                    break;
                }
                Err(_) => break,
                Ok(Err(word)) => {
                    finding.word = word;
                    finding.queries += 1;
                    if matches!(word, "too_long" | "timeout") {
                        break;
                    }
                }
                Ok(Ok(reading)) => {
                    finding.drops_at = reading.changed.and_then(|changed| drop_after(reading.registry, changed, now));
                    (finding.registry, finding.word, finding.details) =
                        (reading.registry, reading.word, reading.details);
                    finding.queries += 1;
                    if !matches!(finding.word, "rate_limited" | "empty") {
                        break;
                    }
                }
            }
        }
        Some(finding)
    }

    /// One answer, whole or not at all. Referrals are not followed: the registry decides, and a registrar's "no match"
    /// would only say that the name is another registrar's.
    fn fetch(&self, server: &Server, domain: &str, limit: Duration) -> Result<Vec<u8>, &'static str> {
        let mut options = WhoIsLookupOptions::from_str(domain).map_err(|_| "bad_name")?;
        options.server = Some(server.value.clone());
        options.follow = 0;
        options.timeout = Some(limit);
        options.max_response_size = Some(MAX_ANSWER);
        self.client.lookup_raw(options).map_err(|e| match e {
            WhoIsError::IOError(e) => match e.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "timeout",
                io::ErrorKind::InvalidData => "too_long",
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset",
                _ => "unreachable",
            },
            _ => "bad_name",
        })
    }

    fn server(&self, domain: &str) -> Option<&Server> {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(server) = self.servers.get(parent) {
                return Some(server);
            }
            rest = parent;
        }
        None
    }
}

/// Registries' records are 1 to 20 kB.
const MAX_ANSWER: usize = 128 * 1024;

fn is_loopback(shown: &str) -> bool {
    let host = shown.rsplit_once(':').map_or(shown, |(host, _)| host);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_is_whole() {
        let asker = Asker::new(None).unwrap();
        let server = |domain| asker.server(domain).map(|s| s.shown.as_str());
        assert_eq!(server("gmial.com"), Some("whois.verisign-grs.com:43"));
        assert_eq!(server("yaho.com.cn"), Some("whois.cnnic.cn:43"));
        assert_eq!(server("gmial.de"), Some("whois.denic.de:43"));
        assert_eq!(server("x.invalid"), None);
        assert!(asker.servers.len() > 600);
    }
}
