//! Grades, subjects and ids.

use super::*;
use crate::{
    enumeration::Pattern,
    moment::Timestamp,
    registrability::Registrability,
    typo::{DomainSuspect, Edit},
};

fn domain(name: &str, status: Status, emails: u64, risk: f64) -> DomainRisk {
    let at = Timestamp(0);
    DomainRisk {
        suspect: DomainSuspect {
            domain: name.into(),
            kind: SuspectKind::Typo,
            intended: "yahoo.com.cn".into(),
            edits: vec![Edit::Omission],
            confidence: 0.9,
            emails,
            senders: 1,
            delivered_before: 0,
            first_seen: at,
            last_seen: at,
            weekly: vec![],
        },
        registrability: Registrability {
            domain: name.into(),
            status,
            checked_at: at,
            fresh_until: at,
            evidence: vec![],
            drops_at: None,
            open_at: None,
            details: Default::default(),
        },
        risk,
    }
}

fn campaign(id: &str, confidence: f64, confirmed: usize) -> Campaign {
    Campaign {
        id: id.into(),
        senders: vec!["a\u{1b}[2J@evil.example".into()],
        ips: vec![],
        logins: Vec::new(),
        helos: Vec::new(),
        target_domains: vec!["corp.example".into()],
        first_seen: Timestamp(0),
        last_seen: Timestamp(9),
        guesses: 100,
        confirmed: (0..confirmed).map(|n| format!("u{n}@corp.example")).collect(),
        success_rate: 0.0,
        pattern: Pattern::Wide,
        confidence,
        why: vec![],
    }
}

#[test]
fn domains_by_what_could_happen() {
    let check = |status, emails, risk, severity| {
        assert_eq!(grade_domain(&domain("d", status, emails, risk)), severity, "{status:?} {emails} {risk}")
    };
    check(Status::Registrable, 1, 0.6, Some(Severity::High));
    check(Status::Registrable, 50, 0.0, Some(Severity::High));
    check(Status::PendingDelete, 5, 0.0, Some(Severity::Medium));
    check(Status::Registrable, 4, 0.09, Some(Severity::Low));
    check(Status::Redemption, 50, 0.9, Some(Severity::Medium));
    check(Status::Redemption, 5, 0.2, Some(Severity::Low));
    for status in [Status::Registered, Status::Reserved, Status::NotAPublicSuffix, Status::Unknown] {
        check(status, 9_999, 1.0, None);
    }
}

#[test]
fn campaigns_by_what_they_learned() {
    for (confidence, hits, severity) in
        [(0.99, 3, Severity::High), (0.99, 0, Severity::Medium), (0.5, 9, Severity::Medium), (0.5, 0, Severity::Low)]
    {
        assert_eq!(grade_campaign(&campaign("c", confidence, hits)), severity);
    }
}

#[test]
fn what_a_registry_sells_is_told_not_its_hosts() {
    let found = |typed: &str, sold: &str, intended: &str| {
        let mut found = domain(sold, Status::Registrable, 9, 0.6);
        (found.suspect.domain, found.suspect.intended) = (typed.into(), intended.into());
        found
    };
    let check = |domains: Vec<DomainRisk>, want: &str| {
        let alerts = deserved(&Findings { domains, ..Findings::default() });
        let told: Vec<_> = alerts.iter().map(|a| a.subject.split(':').next().unwrap()).collect();
        assert_eq!(told, [want]);
    };
    check(
        vec![found("gmial.com", "gmial.com", "gmail.com"), found("mail.gmial.com", "gmial.com", "mail.gmail.com")],
        "gmial.com can be registered by anyone (meant gmail.com)",
    );
    check(
        vec![
            found("gm\u{430}il.com", "xn--gmil-63d.com", "gmail.com"),
            found("xn--gmil-63d.com", "xn--gmil-63d.com", "gmail.com"),
        ],
        "xn--gmil-63d.com can be registered by anyone (meant gmail.com)",
    );
    // The slip took a dot: nobody's host is left to be cut off.
    check(
        vec![found("mailgmail.com", "mailgmail.com", "mail.gmail.com")],
        "mailgmail.com can be registered by anyone (meant mail.gmail.com)",
    );
    check(vec![found("mial.x.com", "x.com", "mail.x.com")], "x.com can be registered by anyone (meant mail.x.com)");
}

#[test]
fn each_is_told_once_and_on_one_line() {
    let mut findings = Findings {
        generated_at: Timestamp(7),
        domains: vec![
            domain("yaho.com.cn", Status::Registrable, 5, 0.1),
            domain("yaho.com.cn", Status::Registrable, 50, 0.1),
            domain("x\r\ny\u{202e}.cn", Status::Redemption, 1, 0.0),
        ],
        campaigns: vec![campaign("c1", 0.99, 1)],
        ..Findings::default()
    };
    let alerts = deserved(&findings);
    let told: Vec<_> = alerts.iter().map(|a| (a.severity, a.kind)).collect();
    assert_eq!(
        told,
        [
            (Severity::High, AlertKind::Squatting),
            (Severity::Medium, AlertKind::GuessingBurst),
            (Severity::Low, AlertKind::Squatting)
        ]
    );
    assert_eq!(
        alerts[0].subject,
        "yaho.com.cn can be registered by anyone (meant yahoo.com.cn): 50 mails of 1 sender went there"
    );
    assert_eq!(alerts[1].subject, "a\u{fffd}[2J@evil.example guessed 100 addresses at corp.example, 1 of which exists");
    assert!(alerts.iter().all(|a| !a.subject.contains(char::is_control) && a.raised_at == Timestamp(7)));

    findings.generated_at = Timestamp(86_407);
    let known: Vec<_> = alerts.iter().map(|a| a.id.clone()).collect();
    let fresh = |findings: &Findings| deserved(findings).into_iter().filter(|a| !known.contains(&a.id)).count();
    assert_eq!(fresh(&findings), 0);
    findings.campaigns.push(campaign("c2", 0.99, 1));
    assert_eq!(fresh(&findings), 1);
}

#[test]
fn who_hides_behind_many_senders_is_named_first() {
    let subject = |senders: usize, ips: usize| {
        let mut one = campaign("c1", 0.99, 0);
        one.senders = (0..senders).map(|n| format!("spam{n}@evil.example")).collect();
        one.ips = (0..ips).map(|n| format!("192.0.2.{n}")).collect();
        let told = tell_campaign(&one);
        told.split(" guessed ").next().unwrap().to_owned()
    };
    for (senders, ips, who) in [
        (1, 1, "spam0@evil.example through 192.0.2.0"),
        (60, 1, "192.0.2.0 with 60 senders"),
        (60, 3, "192.0.2.0 and 2 other client addresses with 60 senders"),
        (1, 60, "spam0@evil.example through 60 client addresses"),
        (2, 2, "spam0@evil.example and 1 other sender through 2 client addresses"),
        (3, 0, "spam0@evil.example and 2 other senders"),
        (0, 2, "192.0.2.0 and 1 other client address"),
        (0, 0, "somebody"),
    ] {
        assert_eq!(subject(senders, ips), who);
    }
}

#[test]
fn who_took_a_name_is_told() {
    let mut taken = domain("gmial.com", Status::Registered, 5, 0.1);
    let r = &mut taken.registrability;
    r.open_at = Some(Timestamp(0));
    r.details.created = Some(Timestamp(3600));
    r.details.registrar = Some("Evil\u{1b} Registrar".into());
    r.details.nameservers = (1..9).map(|n| format!("ns{n}.x.example")).collect();
    let mut findings = Findings { taken: vec![r.clone()], domains: vec![taken], ..Findings::default() };
    let alerts = deserved(&findings);
    assert_eq!(alerts.len(), 1, "a held name is no squatting risk of its own");
    assert_eq!((alerts[0].kind, alerts[0].severity), (AlertKind::TakenOver, Severity::High));
    assert_eq!(
        alerts[0].subject,
        "somebody took gmial.com (meant yahoo.com.cn), free on 1970-01-01, now held: created 1970-01-01T01:00:00Z; registrar Evil\u{fffd} Registrar; name servers ns1.x.example, ns2.x.example, ns3.x.example, ns4.x.example; no MX"
    );
    // It takes no mail: watch it, but sleep.
    findings.taken[0].details.null_mx = true;
    let calm = deserved(&findings);
    assert_eq!((calm[0].severity, &calm[0].id), (Severity::Medium, &alerts[0].id));
    // Dropped and taken again.
    findings.taken[0].open_at = Some(Timestamp(99));
    assert_ne!(deserved(&findings)[0].id, alerts[0].id);
}

#[test]
fn ids_never_change() {
    assert_eq!(id(AlertKind::Squatting, "yaho.com.cn"), id(AlertKind::Squatting, "yaho.com.cn"));
    assert_ne!(id(AlertKind::Squatting, "yaho.com.cn"), id(AlertKind::GuessingBurst, "yaho.com.cn"));
    insta::assert_snapshot!(id(AlertKind::Squatting, "yaho.com.cn"), @"edcd8c782254100d");
}
