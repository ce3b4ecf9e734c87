//! Alerts against real counterparts on loopback: up, down, slow and lying. What is not delivered waits in the store and
//! is delivered once when the counterpart is back.

mod hook;
mod http;
mod life;
mod local;
mod mail;
mod nights;
mod smtp;
mod syslog;
mod tls;

use std::time::Duration;

use bouncewatch::{
    alert::{self, Delivery, Post, Sink, Usual, Wish},
    enumeration::{Campaign, Pattern},
    findings::{DomainRisk, Findings},
    moment::Timestamp,
    redact::Redactor,
    registrability::{Registrability, Status},
    store::{Missing, Store},
    typo::{DomainSuspect, Edit, SuspectKind},
};

/// The first night; the second is a day later.
pub(crate) const FIRST: Timestamp = Timestamp(1_656_900_000);
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn sink(url: &str) -> Sink {
    Sink::parse(&Wish { url: url.into(), ..Wish::default() }, &Usual::default()).unwrap()
}

/// What `findings` deserve, raised and delivered at `now`.
pub(crate) fn night(store: &mut Store, sinks: &[Sink], findings: &mut Findings, now: Timestamp) -> Delivery {
    night_as(store, sinks, findings, &Post { now, offline: false, redact: None, once: Duration::from_millis(400) })
}

pub(crate) fn night_as(store: &mut Store, sinks: &[Sink], findings: &mut Findings, post: &Post<'_>) -> Delivery {
    findings.generated_at = post.now;
    findings.alerts = alert::deserved(findings);
    let undecided = alert::undecided(findings);
    store.raise(&mut findings.alerts, post.now, Missing::Over { but: &undecided }).unwrap();
    alert::deliver(findings, sinks, store, post).unwrap()
}

/// One campaign and one name that can be had.
pub(crate) fn findings() -> Findings {
    Findings {
        generated_at: FIRST,
        domains: vec![domain("yaho.com.cn", 60)],
        campaigns: vec![campaign("mallory@evil.example", 0, 100)],
        ..Findings::default()
    }
}

pub(crate) fn domain(name: &str, emails: u64) -> DomainRisk {
    DomainRisk {
        suspect: DomainSuspect {
            domain: name.into(),
            kind: SuspectKind::Typo,
            intended: "yahoo.com.cn".into(),
            edits: vec![Edit::Omission],
            confidence: 0.97,
            emails,
            senders: 3,
            delivered_before: 0,
            first_seen: FIRST,
            last_seen: FIRST,
            weekly: vec![],
        },
        registrability: Registrability {
            domain: name.into(),
            status: Status::Registrable,
            checked_at: FIRST,
            fresh_until: FIRST,
            evidence: vec![],
            drops_at: None,
            open_at: None,
            details: Default::default(),
        },
        risk: 0.6,
    }
}

pub(crate) fn campaign(sender: &str, confirmed: usize, guesses: u64) -> Campaign {
    Campaign {
        id: format!("c-{sender}"),
        senders: vec![sender.into()],
        ips: vec!["198.51.100.7".into()],
        logins: Vec::new(),
        helos: Vec::new(),
        target_domains: vec!["corp.example".into()],
        first_seen: Timestamp(FIRST.0 - 7_200),
        last_seen: Timestamp(FIRST.0 - 3_600),
        guesses,
        confirmed: (0..confirmed).map(|n| format!("user{n}@corp.example")).collect(),
        success_rate: 0.0,
        pattern: Pattern::Dictionary,
        confidence: 0.99,
        why: vec!["100 names that do not exist".into()],
    }
}

pub(crate) fn redactor() -> Redactor {
    Redactor::new([3; 32])
}

/// A loopback port where nobody listens.
fn dead_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whatever a stranger wrote, each medium gets it as text: nothing is obeyed, nothing is rendered, no line is forged.
#[test]
fn hostile_text_stays_text_in_every_medium() {
    use http::{Hook, Mood};
    let hooks = ["", "slack+", "mattermost+", "teams+"].map(|flavour| {
        let hook = Hook::start(Mood::Says(200, if flavour == "teams+" { "1" } else { "ok" }));
        (flavour, sink(&format!("{flavour}http://{}/", hook.at)), hook)
    });
    let mailer = smtp::Mailer::start(smtp::Mood::Accepts);
    let log = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut sinks: Vec<Sink> = hooks.iter().map(|(_, sink, _)| sink.clone()).collect();
    for url in [
        format!("smtp://{}?from=a@our.example&to=b@our.example", mailer.at),
        format!("syslog://{}", log.local_addr().unwrap()),
        format!("file://{}/alerts.jsonl", dir.path().display()),
        format!("prometheus://{}/x.prom", dir.path().display()),
    ] {
        sinks.push(sink(&url));
    }
    let texts = crate::hostile::texts();
    for text in &texts {
        let delivery = night(&mut Store::in_memory().unwrap(), &sinks, &mut crate::hostile::findings(text), FIRST);
        assert_eq!((delivery.sent, delivery.failures), (14, vec![]), "{text:?}");
        let mut buffer = [0; 8192];
        for _ in 0..2 {
            let n = log.recv(&mut buffer).unwrap();
            syslog::holds(std::str::from_utf8(&buffer[..n]).unwrap());
        }
    }
    for (flavour, _, hook) in &hooks {
        assert_eq!(hook.asked().len(), 2 * texts.len());
        for asked in hook.asked() {
            let shown = match *flavour {
                "teams+" => asked.body["attachments"][0]["content"]["body"][0]["inlines"][0]["text"].clone(),
                _ => asked.body["text"].clone(),
            };
            let shown = shown.as_str().unwrap();
            assert!(shown.contains("MARK") && plain(shown), "{flavour}: {shown}");
            if matches!(*flavour, "slack+" | "mattermost+") {
                let bare: String = shown.split('`').step_by(2).collect();
                assert_eq!(shown.matches('`').count(), 4, "{shown}");
                assert!(!bare.contains("MARK") && !shown.contains(['<', '>']), "{shown}");
            }
        }
    }
    for mail in mailer.took() {
        let (head, _) = mail.split_once("\n\n").unwrap();
        let names: Vec<&str> =
            head.lines().skip(2).filter(|l| !l.starts_with(' ')).map(|l| l.split(':').next().unwrap()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            [
                "Auto-Submitted",
                "Content-Transfer-Encoding",
                "Content-Type",
                "Date",
                "From",
                "MIME-Version",
                "Message-ID",
                "Subject",
                "To"
            ],
            "{mail}"
        );
        assert!(mail.is_ascii() && plain(&mail), "{mail}");
    }
    let lines = std::fs::read_to_string(dir.path().join("alerts.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 3 * texts.len());
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(plain(line["text"].as_str().unwrap()) && plain(line["subject"].as_str().unwrap()), "{line}");
    }
    let metrics = std::fs::read_to_string(dir.path().join("x.prom")).unwrap();
    assert!(!metrics.contains("MARK"), "{metrics}");
}

fn plain(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}
