//! What is listed, and what never is.

use super::*;
use crate::{
    enumeration::{Campaign, Pattern},
    findings::DomainRisk,
    registrability::{Registrability, Status},
    typo::{DomainSuspect, SuspectKind},
};

const NOW: Timestamp = Timestamp(1_656_900_000);

fn campaign(id: &str, confidence: f64, ips: &[&str], last: i64) -> Campaign {
    Campaign {
        id: id.into(),
        senders: vec!["m@evil.example".into()],
        ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
        logins: Vec::new(),
        helos: Vec::new(),
        target_domains: vec!["corp.example".into()],
        first_seen: Timestamp(last - 60),
        last_seen: Timestamp(last),
        guesses: 90,
        confirmed: vec!["anna@corp.example".into()],
        success_rate: 0.1,
        pattern: Pattern::Wide,
        confidence,
        why: vec!["why".into()],
    }
}

fn domain(name: &str, asked: &str, status: Status, risk: f64) -> DomainRisk {
    DomainRisk {
        suspect: DomainSuspect {
            domain: name.into(),
            kind: SuspectKind::Typo,
            intended: "corp.example".into(),
            edits: vec![],
            confidence: 0.9,
            emails: 5,
            senders: 2,
            delivered_before: 0,
            first_seen: NOW,
            last_seen: NOW,
            weekly: vec![],
        },
        registrability: Registrability {
            domain: asked.into(),
            status,
            checked_at: NOW,
            fresh_until: NOW,
            evidence: vec![],
            drops_at: None,
            open_at: None,
            details: Default::default(),
        },
        risk,
    }
}

fn wish() -> Wish {
    Wish {
        now: NOW,
        confidence: 0.9,
        keep_s: 7 * 86_400,
        never: Never {
            networks: vec![Network::parse("203.0.113.0/24").unwrap()],
            addresses: ["192.0.2.200".to_owned()].into(),
        },
        reporter: Reporter { organization: None, contact: Some("abuse@our.example".into()) },
    }
}

fn findings() -> Findings {
    let day = 86_400;
    Findings {
        campaigns: vec![
            campaign(
                "sure",
                0.95,
                &["198.51.100.7", "2001:db8::7", "10.0.0.1", "203.0.113.5", "::ffff:192.0.2.200", "no ip"],
                NOW.0 - day,
            ),
            campaign("surer", 0.99, &["198.51.100.7"], NOW.0 - 2 * day),
            campaign("unsure", 0.5, &["198.51.100.8"], NOW.0),
            campaign("over", 0.99, &["198.51.100.9"], NOW.0 - 8 * day),
        ],
        domains: vec![
            domain("mail.crp.example", "crp.example", Status::Registrable, 0.3),
            domain("cop.example", "cop.example", Status::Registrable, 0.7),
            domain("crp.example", "crp.example", Status::Registrable, 0.2),
            domain("held.example", "held.example", Status::Registered, 0.9),
            domain("soon.example", "soon.example", Status::Redemption, 0.9),
            domain("größe.example", "größe.example", Status::Registrable, 0.1),
            domain("a b.example", "a b\n=1.example", Status::Registrable, 0.1),
        ],
        ..Findings::default()
    }
}

fn text(form: Form) -> String {
    export(form, &findings(), &wish()).unwrap().remove(0).text
}

#[test]
fn lists_hold_sure_public_foreign_origins_that_are_not_over() {
    for form in Form::ALL.into_iter().filter(|form| form.needs_ips()) {
        let all: String = export(form, &findings(), &wish()).unwrap().into_iter().map(|d| d.text).collect();
        for ip in ["198.51.100.7", "2001:db8::7", "surer"] {
            assert!(all.contains(ip) || (form == Form::Xarf && ip == "surer"), "{ip} is not in {}: {all}", form.name());
        }
        for ip in ["10.0.0.1", "203.0.113.5", "192.0.2.200", "198.51.100.8", "198.51.100.9", "anna@"] {
            assert!(!all.contains(ip), "{ip} is in {}: {all}", form.name());
        }
        assert!(all.contains("sure") || form == Form::Xarf, "{all}");
    }
}

#[test]
fn the_forms_are_those_of_their_readers() {
    insta::assert_snapshot!(text(Form::Nftables), @r#"
    # Origins of address guessing, 2 of 2022-07-04T02:00:00Z; made by bouncewatch, made anew each night.
    add table inet bouncewatch
    add set inet bouncewatch guessers4 { type ipv4_addr; flags timeout; }
    flush set inet bouncewatch guessers4
    add set inet bouncewatch guessers6 { type ipv6_addr; flags timeout; }
    flush set inet bouncewatch guessers6
    # surer until 2022-07-10T02:00:00Z
    add element inet bouncewatch guessers4 { 198.51.100.7 timeout 518400s comment "surer" }
    # sure until 2022-07-10T02:00:00Z
    add element inet bouncewatch guessers6 { 2001:db8::7 timeout 518400s comment "sure" }
    "#);
    insta::assert_snapshot!(text(Form::Postfix), @r"
    # Origins of address guessing, 2 of 2022-07-04T02:00:00Z; made by bouncewatch, made anew each night.
    # surer until 2022-07-10T02:00:00Z
    198.51.100.7 REJECT address guessing (surer)
    # sure until 2022-07-10T02:00:00Z
    2001:db8::7 REJECT address guessing (sure)
    ");
    insta::assert_snapshot!(text(Form::CrowdsecCsv), @r"
    value,scope,type,duration,reason
    198.51.100.7,ip,ban,518400s,bouncewatch surer
    2001:db8::7,ip,ban,518400s,bouncewatch sure
    ");
    let decisions: serde_json::Value = serde_json::from_str(&text(Form::Crowdsec)).unwrap();
    assert_eq!(decisions[1]["value"], "2001:db8::7");
    assert!(
        text(Form::Fail2ban).ends_with(
            "\n2022-07-04T02:00:00Z bouncewatch[sure]: guessing from 2001:db8::7 until 2022-07-10T02:00:00Z\n"
        )
    );
}

#[test]
fn a_registrar_gets_names_that_can_be_had_the_riskiest_first() {
    assert_eq!(text(Form::Domains), "cop.example\ncrp.example\nxn--gre-6ka8i.example\n");
}

#[test]
fn a_second_export_is_the_same() {
    for form in Form::ALL {
        assert_eq!(export(form, &findings(), &wish()).unwrap(), export(form, &findings(), &wish()).unwrap());
        assert_eq!(Form::parse(form.name()), Some(form));
    }
    assert!(text(Form::Stix).contains("email-addr"));
    let mut nobody = wish();
    nobody.reporter.contact = None;
    assert!(matches!(export(Form::Xarf, &findings(), &nobody), Err(Error::Usage(_))));
    assert_eq!(export(Form::Xarf, &findings(), &wish()).unwrap()[1].name, "2001-db8--7.json");
}

/// As OASIS' own library (`stix2` for Python) computes them.
#[test]
fn observables_have_the_ids_of_the_standard() {
    let mut found = findings();
    found.campaigns = vec![campaign("c", 0.99, &["198.51.100.3"], NOW.0)];
    found.domains = vec![domain("yaho.com.cn", "yaho.com.cn", Status::Registrable, 0.5)];
    let text = export(Form::Stix, &found, &wish()).unwrap().remove(0).text;
    for id in [
        "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
        "email-addr--d4a5f7c6-7517-53b9-a937-7a2bf6682c3a",
        "domain-name--ebc64561-0878-50db-878f-9f1b15fbdb48",
    ] {
        assert!(text.contains(id), "{id} is not in {text}");
    }
}
