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

use std::time::Duration;

use bouncewatch::{
    alert::{self, Delivery, Post, Sink, Wish},
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
    Sink::parse(&Wish { url: url.into(), ..Wish::default() }, None).unwrap()
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
