//! HTTP: one JSON object a message, in the form the receiver knows.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::{
    Agent,
    http::{Uri, header},
};

use super::{
    message::Message,
    template::Template,
    trouble::{Patience, Trouble},
};
use crate::{
    place::{Place, Secret},
    report::contract::clipped,
    tls::Authorities,
};

/// An endpoint.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    flavour: Flavour,
    url: Secret,
    loopback: bool,
    trust: Authorities,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    /// The message as it is.
    Generic,
    Slack,
    Mattermost,
    Teams,
}

/// Answers of chat services are words.
const MAX_ANSWER: u64 = 64 * 1024;
/// A longer wait than a run has time for: the next run will tell it.
const MAX_WAIT: Duration = Duration::from_secs(5);

impl Webhook {
    pub(super) fn parse(place: &Place, trust: &Authorities) -> Result<Self, String> {
        let (flavour, web) = match place.scheme.split_once('+') {
            None => (Flavour::Generic, place.scheme.as_str()),
            Some(("slack", web)) => (Flavour::Slack, web),
            Some(("mattermost", web)) => (Flavour::Mattermost, web),
            Some(("teams", web)) => (Flavour::Teams, web),
            Some(_) => (Flavour::Generic, ""),
        };
        if !matches!(web, "https" | "http") {
            return Err(format!(
                "{} is no scheme of a sink; there are https, slack+https, mattermost+https, teams+https, smtp, smtps, sendmail, syslog, syslog+tcp, file, prometheus",
                place.scheme
            ));
        }
        let url = format!("{web}://{}", place.rest.0);
        let uri: Uri = url.parse().map_err(|_| "is no URL such as https://host/path")?;
        let host = uri.host().unwrap_or("").trim_matches(['[', ']']).to_owned();
        let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if host.is_empty() {
            return Err("names no host".into());
        }
        if web == "http" && !loopback {
            return Err("sends people's addresses in the clear; use https (plain http is for loopback only)".into());
        }
        Ok(Webhook { flavour, url: Secret(url), loopback, trust: trust.clone() })
    }

    /// Delivered once the receiver says 2xx, in its own words where it has some. Redirects are not followed: the text
    /// goes where the operator said.
    pub(super) fn post(&self, message: &Message, template: &Template, patience: &Patience) -> Result<(), Trouble> {
        let mut config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .tls_config(self.trust.http())
            .user_agent(concat!("bouncewatch/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(patience.once));
        if self.loopback {
            config = config.proxy(None);
        }
        let started = Instant::now();
        let sent = Agent::new_with_config(config.build())
            .post(&self.url.0)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("Idempotency-Key", &message.key)
            .send(self.body(message, template).to_string());
        let mut response = sent.map_err(|e| failure(&e, started, patience))?;
        let status = response.status().as_u16();
        let wait = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.trim().parse().ok())
            .map_or(Duration::ZERO, Duration::from_secs);
        match status {
            200..=299 => {}
            300..=399 => return Err(Trouble::down(format!("it redirects ({status}); name the place it moved to"))),
            408 | 425 | 429 | 500..=599 if wait <= MAX_WAIT => {
                return Err(Trouble::passing(format!("it answers {status}"), wait));
            }
            400 | 413 | 415 | 422 => return Err(Trouble::refused(format!("it answers {status}"))),
            _ => return Err(Trouble::down(format!("it answers {status}"))),
        }
        let answer = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let answer = answer.map_err(|e| failure(&e, started, patience))?;
        self.believe(&String::from_utf8_lossy(&answer))
    }

    /// Some say 200 to everything: a login page, a proxy, Teams with the failure in the body.
    fn believe(&self, answer: &str) -> Result<(), Trouble> {
        let answer = answer.trim();
        let start: String = answer.chars().take(200).collect::<String>().to_ascii_lowercase();
        let page = start.starts_with("<!doctype") || start.starts_with("<html");
        let good = match self.flavour {
            Flavour::Generic => !page,
            Flavour::Slack | Flavour::Mattermost => start == "ok",
            Flavour::Teams => !page && !start.contains("error") && !start.contains("failed"),
        };
        if good { Ok(()) } else { Err(Trouble::down("it answers 200 and not as such a service does".into())) }
    }

    fn body(&self, message: &Message, template: &Template) -> Value {
        match self.flavour {
            Flavour::Generic => message.json(&template.fill(message, str::to_owned)),
            Flavour::Slack => json!({
                "text": template.fill(message, |text| code(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))),
                "parse": "none", "link_names": false, "unfurl_links": false, "unfurl_media": false,
            }),
            // Mattermost reads Slack's `<!channel>` also inside code.
            Flavour::Mattermost => {
                json!({ "text": template.fill(message, |text| code(&text.replace('<', "‹").replace('>', "›"))) })
            }
            // A text run knows no markup at all.
            Flavour::Teams => json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                        "body": [{ "type": "RichTextBlock", "inlines": [
                            { "type": "TextRun", "text": template.fill(message, str::to_owned) }
                        ]}],
                    },
                }],
            }),
        }
    }
}

/// A code span: no link, no mention, no emphasis in it. Nothing escapes a backtick there.
fn code(text: &str) -> String {
    format!("`{}`", clipped(&text.replace('`', "'"), 3_000))
}

/// In words that hold no part of the URL.
fn failure(error: &ureq::Error, started: Instant, patience: &Patience) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => Trouble::down("it does not answer in time".into()),
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => {
            Trouble::down("it does not answer in time".into())
        }
        // A timeout on the way may come as any failure of reading.
        _ if started.elapsed() >= patience.once => Trouble::down("it does not answer in time".into()),
        // rustls hands its refusals on as invalid data.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => Trouble::down(format!("TLS: {e}")),
        ureq::Error::HostNotFound => Trouble::passing("its host is not found".into(), Duration::ZERO),
        ureq::Error::Io(e) => Trouble::passing(format!("{}", e.kind()), Duration::ZERO),
        ureq::Error::Rustls(e) => Trouble::down(format!("TLS: {e}")),
        ureq::Error::BodyExceedsLimit(_) => Trouble::down("it answers without end".into()),
        _ => Trouble::passing("it speaks no HTTP".into(), Duration::ZERO),
    }
}
