//! The registry's word over RDAP (RFC 7480, 9082, 9083). A door to ureq.

use std::{
    fmt,
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use ureq::{
    Agent,
    http::{Uri, header},
    unversioned::transport::DefaultConnector,
};

use super::{
    address::{self, PublicOnly},
    bootstrap::Bootstrap,
    limits::Limit,
    pace::{Manners, Outcome, Pace, pause},
    rdap_answer::{self, Missing, Record},
    verdict::Registry,
};
use crate::{error::Error, moment::Timestamp, tls::Authorities};

/// RDAP servers and how to reach them.
pub(super) struct Asker {
    bootstrap: Bootstrap,
    /// The operator named the bootstrap file: its bases are those of today.
    current: bool,
    public: Agent,
    own: Agent,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject<'a> {
    /// An eTLD+1.
    Domain(&'a str),
    /// The network around an address.
    Address(IpAddr),
}

/// What RDAP says about it.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) registry: Registry,
    /// The evidence's answer.
    pub(super) word: &'static str,
    /// The base asked.
    pub(super) server: String,
    /// Of what somebody holds.
    pub(super) record: Option<Record>,
    /// Questions sent.
    pub(super) queries: u64,
}

/// One HTTP exchange, redirects included.
enum Got {
    Body {
        status: u16,
        body: Vec<u8>,
        /// The host that answered is the one listed for the TLD.
        at_registry: bool,
        /// It calls its answer RDAP.
        spoken: bool,
    },
    Busy(Option<Duration>),
    Failed(&'static str),
}

impl Asker {
    /// Reads the bootstrap file given, or the shipped one.
    pub(super) fn new(bootstrap: Option<&Path>, trust: &Authorities) -> Result<Self, Error> {
        let config = || {
            Agent::config_builder()
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .tls_config(trust.http())
                .user_agent(USER_AGENT)
                .accept("application/rdap+json, application/json")
        };
        Ok(Asker {
            bootstrap: Bootstrap::open(bootstrap)?,
            current: bootstrap.is_some(),
            public: Agent::with_parts(config().build(), DefaultConnector::default(), PublicOnly::default()),
            own: Agent::new_with_config(config().proxy(None).build()),
        })
    }

    /// Asks the registry of `what`; `None` where no RDAP server is known for it.
    pub(super) fn ask(&self, what: Subject<'_>, now: Timestamp, pace: &Pace, manners: &Manners) -> Option<Finding> {
        let bases = match what {
            Subject::Domain(domain) => self.bootstrap.bases(domain),
            Subject::Address(ip) => self.bootstrap.bases_of(ip),
        };
        let mut finding = Finding {
            registry: Registry::Failed,
            word: "not_asked",
            server: bases.first()?.clone(),
            record: None,
            queries: 0,
        };
        for attempt in 0..manners.attempts.max(1) {
            if attempt > 0 {
                std::thread::sleep(pause(manners.backoff, attempt, &what.to_string()));
            }
            let base = &bases[attempt as usize % bases.len()];
            finding.server.clone_from(base);
            let Ok(uri) = question(base, what) else {
                continue;
            };
            let own = address::is_loopback(&uri);
            let limit = if own { Limit::every(manners.own_interval) } else { pace.limits.rdap };
            let asked = pace.ask(&server_of(&uri), limit, manners, || {
                let got = self.fetch(&uri, manners.rdap_timeout, now);
                let outcome = match &got {
                    Got::Body { status, .. } if *status < 500 => Outcome::Answered,
                    Got::Busy(wait) => Outcome::Later(*wait),
                    _ => Outcome::Failed,
                };
                (got, outcome)
            });
            let got = match asked {
                Ok(got) => got,
                Err(why) => {
                    // An earlier attempt's own answer says more than that there was no time for a second.
                    if finding.queries == 0 {
                        finding.word = why;
                    }
                    return Some(finding);
                }
            };
            finding.queries += 1;
            let again;
            (finding.registry, finding.word, finding.record, again) = understand(got, what, now, self.current);
            if !again {
                break;
            }
        }
        Some(finding)
    }

    /// GET, following at most three redirects, none of them into the operator's network.
    fn fetch(&self, start: &Uri, limit: Duration, now: Timestamp) -> Got {
        let end = Instant::now() + limit;
        let agent = if address::is_loopback(start) { &self.own } else { &self.public };
        let mut uri = start.clone();
        for _ in 0..=MAX_REDIRECTS {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Got::Failed("timeout");
            }
            let agent = if address::is_loopback(&uri) { agent } else { &self.public };
            let mut response = match agent.get(uri.clone()).config().timeout_global(Some(left)).build().call() {
                Ok(response) => response,
                Err(error) => return Got::Failed(failure(&error)),
            };
            let status = response.status().as_u16();
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                let to =
                    response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).and_then(|l| join(&uri, l));
                match to {
                    Some(to) if address::may_follow(start, &uri, &to) => uri = to,
                    _ => return Got::Failed("bad_redirect"),
                }
                continue;
            }
            if matches!(status, 429 | 503) {
                let wait = response
                    .headers()
                    .get(header::RETRY_AFTER)
                    .and_then(|v| v.to_str().ok())
                    .and_then(|v| wait(v, now));
                if status == 429 || wait.is_some() {
                    return Got::Busy(wait);
                }
            }
            // A redirect that lost the name answers another question.
            let asked = start.path().rsplit('/').next().unwrap_or("");
            let at_registry = (uri.host() == start.host()
                || (address::is_loopback(&uri) && address::is_loopback(start)))
                && uri.path().to_ascii_lowercase().ends_with(&asked.to_ascii_lowercase());
            let spoken = response
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|v| v.to_str().ok())
                .is_some_and(|t| t.to_ascii_lowercase().contains("rdap"));
            return match response.body_mut().with_config().limit(MAX_BODY).read_to_vec() {
                Ok(body) => Got::Body { status, body, at_registry, spoken },
                Err(ureq::Error::BodyExceedsLimit(_)) => Got::Failed("too_long"),
                Err(error) => Got::Failed(failure(&error)),
            };
        }
        Got::Failed("too_many_redirects")
    }
}

/// RDAP answers of a domain are 2 to 30 kB.
const MAX_BODY: u64 = 512 * 1024;
const MAX_REDIRECTS: usize = 3;
pub(super) const USER_AGENT: &str = concat!("bouncewatch/", env!("CARGO_PKG_VERSION"));

/// What the exchange says, the evidence's word for it, and whether asking again may help.
fn understand(
    got: Got,
    what: Subject<'_>,
    now: Timestamp,
    current: bool,
) -> (Registry, &'static str, Option<Record>, bool) {
    match got {
        Got::Failed(word) => (Registry::Failed, word, None, matches!(word, "reset" | "unreachable")),
        Got::Busy(_) => (Registry::Failed, "rate_limited", None, true),
        Got::Body { status: 200, body, .. } => match what.read(&body, now) {
            Ok(record) => (record.registry, record.word, Some(record), false),
            Err(word) => (Registry::Failed, word, None, false),
        },
        Got::Body { status: 404, body, at_registry: true, spoken } => match rdap_answer::missing(&body) {
            Missing::Else(word) => (Registry::Failed, word, None, false),
            Missing::Refused => (Registry::Reserved, "reserved", None, false),
            // A base that moved since the list was made says 404 to everything, in HTML.
            Missing::Unproven if !current && !spoken => (Registry::Failed, "not_found_unproven", None, false),
            Missing::Unproven | Missing::NotFound => (Registry::NotFound, "not_found", None, false),
        },
        Got::Body { status: 404, .. } => (Registry::Failed, "not_found_elsewhere", None, false),
        Got::Body { status: 400..=499, .. } => (Registry::Failed, "refused", None, false),
        Got::Body { status: 500..=599, .. } => (Registry::Failed, "server_error", None, true),
        Got::Body { .. } => (Registry::Failed, "garbage", None, false),
    }
}

fn question(base: &str, what: Subject<'_>) -> Result<Uri, ureq::http::uri::InvalidUri> {
    format!("{}/{what}", base.trim_end_matches('/')).parse()
}

impl Subject<'_> {
    fn read(self, body: &[u8], now: Timestamp) -> Result<Record, &'static str> {
        match self {
            Subject::Domain(domain) => rdap_answer::parse(body, domain, now),
            Subject::Address(ip) => rdap_answer::network(body, ip),
        }
    }
}

/// As the question's path says it (RFC 9082).
impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Domain(domain) => write!(f, "domain/{domain}"),
            Subject::Address(ip) => write!(f, "ip/{ip}"),
        }
    }
}

fn server_of(uri: &Uri) -> String {
    uri.authority().map(ToString::to_string).unwrap_or_default()
}

/// Resolves a `Location` against the address it came from.
pub(super) fn join(from: &Uri, location: &str) -> Option<Uri> {
    if location.contains("://") {
        return location.parse().ok();
    }
    let path = match location.strip_prefix("//") {
        Some(rest) => return format!("{}://{rest}", from.scheme_str()?).parse().ok(),
        None if location.starts_with('/') => location.to_owned(),
        None => format!("{}/{location}", from.path().rsplit_once('/')?.0),
    };
    format!("{}://{}{path}", from.scheme_str()?, from.authority()?).parse().ok()
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn wait(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    // `Mon, 04 Jul 2022 02:00:00 GMT`
    let mut words = value.split_ascii_whitespace().skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|m| *m == month)? + 1;
    let at = Timestamp::parse(&format!("{year}-{month:02}-{day:0>2}T{time}Z"))?;
    Some(Duration::from_secs(u64::try_from(at.0 - now.0).unwrap_or(0)))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn failure(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "timeout",
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => "timeout",
        ureq::Error::Io(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::UnexpectedEof
                    | std::io::ErrorKind::BrokenPipe
            ) =>
        {
            "reset"
        }
        // rustls hands its refusals on as invalid data.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => "tls",
        ureq::Error::Io(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => "unreachable",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "tls",
        _ => "garbage",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_404_counts_only_from_the_registry_itself() {
        let check = |body: &str, at_registry, spoken, current, want| {
            let got = Got::Body { status: 404, body: body.as_bytes().to_vec(), at_registry, spoken };
            assert_eq!(understand(got, Subject::Domain("gmial.com"), Timestamp(0), current).1, want, "{body}");
        };
        check("", true, true, false, "not_found");
        check(r#"{"errorCode":404}"#, true, false, false, "not_found");
        check("<html>", true, false, false, "not_found_unproven");
        check("<html>", true, false, true, "not_found");
        check(r#"{"errorCode":404}"#, false, true, true, "not_found_elsewhere");
        check(r#"{"errorCode":404,"title":"Reserved"}"#, true, true, true, "reserved");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2022-07-04T02:00:00Z").unwrap();
        let check =
            |value: &str, want: Option<u64>| assert_eq!(wait(value, now), want.map(Duration::from_secs), "{value}");
        check(" 120 ", Some(120));
        check("Mon, 04 Jul 2022 02:01:30 GMT", Some(90));
        check("Sun, 03 Jul 2022 02:01:30 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }

    #[test]
    fn locations_are_joined() {
        let check = |location: &str, want: &str| {
            assert_eq!(
                join(&"https://a.example/x/domain/b.com".parse().unwrap(), location).map(|u| u.to_string()).as_deref(),
                Some(want)
            )
        };
        check("https://c.example/y", "https://c.example/y");
        check("/y", "https://a.example/y");
        check("//c.example/y", "https://c.example/y");
        check("z", "https://a.example/x/domain/z");
    }
}
