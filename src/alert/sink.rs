//! Where an operator wants alerts, and how much of them.

use std::path::PathBuf;

use super::{
    file,
    mail::Mail,
    message::Message,
    syslog::Syslog,
    template::{LINE, MAIL, Template},
    trouble::{Patience, Trouble},
    webhook::Webhook,
};
use crate::{
    address::printable, error::Error, findings::Severity, place::Place, report::contract::clipped, tls::Authorities,
};

/// What the operator wrote: a URL, and options beside it that win over those after its `#`.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// `https://…`, `smtp://…`, `file:///…`
    pub url: String,
    /// What reports and errors call it.
    pub name: Option<String>,
    /// Least severity told.
    pub severity: Option<String>,
    /// Least time between an alert and its update: `20h`.
    pub cooldown: Option<String>,
    /// Whether a night without alerts is told.
    pub heartbeat: Option<bool>,
    /// Its wording.
    pub template: Option<PathBuf>,
    /// Authorities whose word is taken for its server.
    pub ca_file: Option<PathBuf>,
}

/// A place alerts go to.
#[derive(Debug, Clone)]
pub struct Sink {
    /// What reports, errors and the store call it; holds no secret.
    pub name: String,
    /// Least severity told.
    pub floor: Severity,
    /// Seconds between an alert and its update, at least; a raised severity and the end do not wait.
    pub cooldown_s: i64,
    /// Whether it is told that a night's work was done.
    pub heartbeat: bool,
    pub(super) template: Template,
    pub(super) target: Target,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    Webhook(Webhook),
    Mail(Mail),
    Syslog(Syslog),
    File(PathBuf),
    Prometheus(PathBuf),
}

/// A nightly run may come an hour early and still tell.
const COOLDOWN_S: i64 = 20 * 3_600;
const MAX_NAME: usize = 60;

/// What sinks are given that name none of their own.
#[derive(Debug, Clone, Default)]
pub struct Usual {
    /// Wording; the shipped one when `None`.
    pub template: Option<PathBuf>,
    /// Authorities trusted for TLS; the shipped ones when `None`.
    pub ca_file: Option<PathBuf>,
}

impl Sink {
    /// Understands `wish`.
    pub fn parse(wish: &Wish, usual: &Usual) -> Result<Self, Error> {
        let scheme = wish.url.split("://").next().filter(|s| s.len() < 20 && s.len() < wish.url.len());
        let label = wish.name.as_deref().or(scheme).unwrap_or("URL");
        let said = |why: String| Error::Usage(format!("--alert-sink {}…: {why}", printable(label)));
        Self::understand(wish, usual).map_err(said)
    }

    /// All sinks; two of one name would be taken for one.
    pub fn parse_all(wishes: &[Wish], usual: &Usual) -> Result<Vec<Self>, Error> {
        let mut sinks: Vec<Sink> = Vec::new();
        for wish in wishes {
            let sink = Self::parse(wish, usual)?;
            if sinks.iter().any(|known| known.name == sink.name) {
                let name = sink.name;
                return Err(Error::Usage(format!("--alert-sink: two are named {name}; tell them apart with #name=…")));
            }
            sinks.push(sink);
        }
        Ok(sinks)
    }

    fn understand(wish: &Wish, usual: &Usual) -> Result<Self, String> {
        let mut place = Place::parse(&wish.url)?;
        let mut wish = wish.clone();
        for (name, value) in std::mem::take(&mut place.options) {
            match name.as_str() {
                "name" => wish.name = wish.name.or(Some(value)),
                "severity" => wish.severity = wish.severity.or(Some(value)),
                "cooldown" => wish.cooldown = wish.cooldown.or(Some(value)),
                "heartbeat" => {
                    wish.heartbeat = wish.heartbeat.or(Some(value.parse().map_err(|_| "heartbeat is true or false")?))
                }
                "template" => wish.template = wish.template.or(Some(value.into())),
                "ca-file" => wish.ca_file = wish.ca_file.or(Some(value.into())),
                _ => {
                    return Err(format!(
                        "does not know the option {name}; there are name, severity, cooldown, heartbeat, template, ca-file"
                    ));
                }
            }
        }
        let trust =
            Authorities::open(wish.ca_file.as_deref().or(usual.ca_file.as_deref())).map_err(|e| e.to_string())?;
        let (target, name) = Target::parse(&mut place, &trust)?;
        place.taken()?;
        let shipped = if matches!(target, Target::Mail(_)) { MAIL } else { LINE };
        let template = match wish.template.as_ref().or(usual.template.as_ref()) {
            Some(path) => Template::open(path)?,
            None => Template::parse(shipped)?,
        };
        let severity = wish.severity.as_deref().unwrap_or("low");
        Ok(Sink {
            name: clipped(&printable(&wish.name.unwrap_or(name)), MAX_NAME),
            floor: Severity::parse(severity).ok_or("severity is one of low, medium, high")?,
            cooldown_s: wish
                .cooldown
                .as_deref()
                .map_or(Some(COOLDOWN_S), seconds)
                .ok_or("cooldown is a time such as 90m, 20h, 3d")?,
            heartbeat: wish.heartbeat.unwrap_or(matches!(target, Target::File(_))),
            template,
            target,
        })
    }

    /// Whether what it is told leaves this machine. A local MTA passes mail on; the local syslog is the operator's.
    pub fn leaves(&self) -> bool {
        match &self.target {
            Target::Webhook(_) | Target::Mail(_) => true,
            Target::Syslog(syslog) => syslog.leaves(),
            Target::File(_) | Target::Prometheus(_) => false,
        }
    }

    /// One try.
    pub(super) fn tell(&self, message: &Message, patience: &Patience) -> Result<(), Trouble> {
        match &self.target {
            Target::Webhook(webhook) => webhook.post(message, &self.template, patience),
            Target::Mail(mail) => mail.send(message, &self.template, patience),
            Target::Syslog(syslog) => syslog.log(message, &self.template, patience),
            Target::File(path) => {
                let line = message.json(&self.template.fill(message, str::to_owned)).to_string();
                file::append(path, &line).map_err(|e| Trouble::down(e.to_string()))
            }
            // Its state is written as a whole, after the others.
            Target::Prometheus(_) => Ok(()),
        }
    }
}

impl Target {
    /// The target and a name for it without secrets.
    fn parse(place: &mut Place, trust: &Authorities) -> Result<(Self, String), String> {
        let host = |rest: &str| {
            let authority = rest.split(['/', '?']).next().unwrap_or("");
            authority.rsplit('@').next().unwrap_or("").to_owned()
        };
        let rest = place.rest.0.clone();
        match place.scheme.as_str() {
            "smtp" | "smtps" => {
                Ok((Target::Mail(Mail::parse(place, trust)?), format!("{}:{}", place.scheme, host(&rest))))
            }
            "sendmail" => Ok((Target::Mail(Mail::parse(place, trust)?), "sendmail".into())),
            "syslog" | "syslog+tcp" => Ok((Target::Syslog(Syslog::parse(place)?), format!("{}:{rest}", place.scheme))),
            "file" => Ok((Target::File(path(&rest)?), format!("file:{rest}"))),
            "prometheus" => Ok((Target::Prometheus(path(&rest)?), format!("prometheus:{rest}"))),
            scheme => {
                let webhook = Webhook::parse(place, trust)?;
                let flavour = scheme.split_once('+').map_or("webhook", |(flavour, _)| flavour);
                Ok((Target::Webhook(webhook), format!("{flavour}:{}", host(&rest))))
            }
        }
    }
}

fn path(rest: &str) -> Result<PathBuf, String> {
    if rest.len() > 1 && rest.starts_with('/') { Ok(rest.into()) } else { Err("wants an absolute path: ///…".into()) }
}

/// `90s`, `90m`, `20h`, `3d`; at most a year.
fn seconds(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let n: i64 = text[..text.len() - 1].parse().ok()?;
    n.checked_mul(unit).filter(|s| (0..=366 * 86_400).contains(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(url: &str) -> Result<Sink, Error> {
        Sink::parse(&Wish { url: url.into(), ..Wish::default() }, &Usual::default())
    }

    #[test]
    fn names_hold_no_secret() {
        for (url, name) in [
            ("slack+https://hooks.slack.com/services/T0/B0/SECRET", "slack:hooks.slack.com"),
            ("https://user:SECRET@host.example:8443/p?token=SECRET", "webhook:host.example:8443"),
            ("smtp://me:SECRET@mx.example?from=a@b.example&to=c@d.example", "smtp:mx.example"),
            ("sendmail:///usr/sbin/sendmail?to=c@d.example", "sendmail"),
            ("syslog://127.0.0.1:514", "syslog:127.0.0.1:514"),
            ("file:///var/log/alerts.jsonl", "file:/var/log/alerts.jsonl"),
            ("https://host.example/SECRET#name=ops&severity=high&cooldown=3d&heartbeat=true", "ops"),
        ] {
            let sink = sink(url).unwrap();
            assert_eq!(sink.name, name);
            assert!(!format!("{sink:?}").contains("SECRET"), "{sink:?}");
        }
    }

    #[test]
    fn mistakes_are_told_without_the_secret() {
        for (url, says) in [
            ("https://h/SECRET#severity=urgent", "severity"),
            ("https://h/SECRET#colour=red", "colour"),
            ("https://h/SECRET#cooldown=soon", "cooldown"),
            ("http://h.example/SECRET", "loopback"),
            ("gopher://SECRET", "gopher"),
            ("SECRET", "no URL"),
            ("smtp://me:SECRET@mx?from=a@b.example", "to="),
            ("smtp://me:SECRET@mx?from=a@b.example&to=x%0aBcc", "to"),
            ("file://SECRET", "absolute"),
            ("https://h/SECRET#template=/nowhere", "/nowhere"),
        ] {
            let error = sink(url).unwrap_err();
            let said = error.to_string();
            assert!(matches!(error, Error::Usage(_)) && said.contains(says), "{url}: {said}");
            assert!(!said.contains("SECRET"), "{said}");
        }
        let twice = Wish { url: "https://h/a".into(), ..Wish::default() };
        assert!(Sink::parse_all(&[twice.clone(), twice], &Usual::default()).is_err());
    }
}
