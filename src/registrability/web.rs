//! A domain's own `security.txt` (RFC 9116), fetched only where the operator asked for it.

use std::time::{Duration, Instant};

use ureq::{
    Agent,
    http::{Uri, header},
    unversioned::transport::DefaultConnector,
};

use super::{
    Contact, Manners, Source,
    address::{self, PublicOnly},
    limits::Limit,
    pace::{Outcome, Pace},
    rdap::{USER_AGENT, join},
};
use crate::{moment::Timestamp, tls::Authorities};

/// Fetches `security.txt` files.
pub(super) struct Asker {
    base: String,
    public: Agent,
    own: Agent,
}

impl Asker {
    /// `{domain}` stands for the domain in `base`.
    pub(super) fn new(base: Option<&str>, trust: &Authorities) -> Self {
        let config = || {
            Agent::config_builder()
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .tls_config(trust.http())
                .user_agent(USER_AGENT)
                .accept("text/plain")
        };
        Asker {
            base: base.unwrap_or("https://{domain}").to_owned(),
            public: Agent::with_parts(config().build(), DefaultConnector::default(), PublicOnly::default()),
            own: Agent::new_with_config(config().proxy(None).build()),
        }
    }

    /// Whom the file names; nobody where there is none, it has expired, or it comes from elsewhere.
    pub(super) fn contacts(&self, domain: &str, now: Timestamp, pace: &Pace, manners: &Manners) -> Vec<Contact> {
        let base = self.base.replace("{domain}", domain);
        let Ok(uri) = format!("{}/.well-known/security.txt", base.trim_end_matches('/')).parse::<Uri>() else {
            return Vec::new();
        };
        if !address::may_start(&uri) {
            return Vec::new();
        }
        let own = address::is_loopback(&uri);
        let limit = Limit::every(if own { manners.own_interval } else { BETWEEN });
        let server = uri.authority().map(ToString::to_string).unwrap_or_default();
        let fetched = pace.ask(&server, limit, manners, || {
            let got = self.fetch(&uri, manners.rdap_timeout);
            let outcome = if got.is_some() { Outcome::Answered } else { Outcome::Failed };
            (got, outcome)
        });
        match fetched {
            Ok(Some(body)) => parse(&String::from_utf8_lossy(&body), now),
            _ => Vec::new(),
        }
    }

    /// The file, empty where the server says there is none; `None` where it says nothing of use.
    fn fetch(&self, start: &Uri, limit: Duration) -> Option<Vec<u8>> {
        let end = Instant::now() + limit;
        let agent = if address::is_loopback(start) { &self.own } else { &self.public };
        let mut uri = start.clone();
        for _ in 0..=MAX_REDIRECTS {
            let left = Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())?;
            let mut response = agent.get(uri.clone()).config().timeout_global(Some(left)).build().call().ok()?;
            let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
            match response.status().as_u16() {
                200 if header(header::CONTENT_TYPE)
                    .is_some_and(|t| t.to_ascii_lowercase().starts_with("text/plain")) =>
                {
                    return response.body_mut().with_config().limit(MAX_BODY).read_to_vec().ok();
                }
                301 | 302 | 303 | 307 | 308 => {
                    let to = join(&uri, header(header::LOCATION)?)?;
                    // Another host speaks for another domain.
                    if to.authority() != start.authority() || to.scheme() != start.scheme() {
                        return None;
                    }
                    uri = to;
                }
                500.. => return None,
                _ => return Some(Vec::new()),
            }
        }
        None
    }
}

/// Between two questions to one web server: redirects apart, it is asked once a run.
const BETWEEN: Duration = Duration::from_secs(1);
/// Files are a few hundred bytes; signed ones some thousand.
const MAX_BODY: u64 = 32 * 1024;
const MAX_REDIRECTS: usize = 3;
const MAX_CONTACTS: usize = 8;
const MAX_ADDRESS: usize = 200;

/// The file's contacts, in its order of preference; none of one that has expired.
fn parse(text: &str, now: Timestamp) -> Vec<Contact> {
    let fields: Vec<(String, &str)> = text
        .lines()
        // In a signed file a line may be escaped.
        .map(|line| line.strip_prefix("- ").unwrap_or(line))
        .take_while(|line| !line.starts_with("-----BEGIN PGP SIGNATURE"))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let expired = |(name, value): &(String, &str)| {
        name == "expires" && Timestamp::parse(&value.to_ascii_uppercase()).is_some_and(|at| at < now)
    };
    if fields.iter().any(expired) {
        return Vec::new();
    }
    let contacts = fields.iter().filter(|(name, _)| name == "contact").filter_map(|(_, value)| address(value));
    contacts
        .take(MAX_CONTACTS)
        .map(|address| Contact { address, role: "security".to_owned(), source: Source::SecurityTxt })
        .collect()
}

/// A mailbox, or the `https:` address of a form; phone numbers call nobody from here.
fn address(value: &str) -> Option<String> {
    if value.len() > MAX_ADDRESS || !value.is_ascii() || value.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return None;
    }
    if value.starts_with("https://") {
        return Some(value.to_owned());
    }
    let mailbox = value.strip_prefix("mailto:").unwrap_or(value).split('?').next()?;
    let (local, domain) = mailbox.rsplit_once('@')?;
    (!local.is_empty() && domain.contains('.') && !mailbox.contains("//")).then(|| mailbox.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_read_as_rfc_9116_writes_them() {
        let now = Timestamp::parse("2022-07-04T02:00:00Z").unwrap();
        let check = |text: &str, want: &[&str]| {
            let got = parse(text, now);
            assert_eq!(got.iter().map(|c| c.address.as_str()).collect::<Vec<_>>(), want, "{text}");
        };
        check(
            "# ours\r\nContact: mailto:security@x.example?subject=hi\r\nCONTACT: https://x.example/report\r\nContact: tel:+1-201-555-0123\r\nExpires: 2023-01-01T00:00:00z\r\n",
            &["security@x.example", "https://x.example/report"],
        );
        check("Contact: security@x.example", &["security@x.example"]);
        check("Contact: mailto:security@x.example\nExpires: 2022-01-01T00:00:00Z", &[]);
        check(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- Contact: mailto:a@x.example\n-----BEGIN PGP SIGNATURE-----\nContact: mailto:b@x.example\n",
            &["a@x.example"],
        );
        check("Contact: http://x.example/\nContact: mailto:\nContact: a@b\u{7}.example\nContact: @x.example", &[]);
        check(&"Contact: mailto:a@x.example\n".repeat(50), &["a@x.example"; 8]);
    }

    #[test]
    fn no_bytes_make_it_stumble() {
        let seed = "- Contact: mailto:a@x.example\nExpires: 2023-01-01T00:00:00Z\n";
        for at in 0..seed.len() {
            parse(&seed[..at], Timestamp(0));
            let mut bytes = seed.as_bytes().to_vec();
            bytes[at] ^= 0xa0;
            parse(&String::from_utf8_lossy(&bytes), Timestamp(0));
        }
    }
}
