//! A made-up night with some of everything.

use crate::{
    alert,
    bounce::{BounceType, RootCause},
    enumeration::{Campaign, Dismissed, Pattern},
    findings::{
        AuthFailures, Blocklist, Changes, CountryLine, DomainRisk, Findings, InputLine, Receiver, Strangers,
        TemplateLine, Templates, UsernameRisk, changes,
    },
    geo::Country,
    ledger::DayTally,
    moment::{Day, Timestamp, Window},
    registrability::{Details, Evidence, Registrability, Source, Status},
    typo::{DomainSuspect, Edit, SuspectKind, UsernameSuspect, Weekly},
};

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn tally(day: i32) -> DayTally {
    let (n, wave) = (u64::from(day.unsigned_abs()), [9, 4, 0, 7, 2, 12, 5]);
    let soft = 40 + wave[day as usize % 7];
    let hard = 60 + 3 * wave[(day as usize + 3) % 7];
    let mut types = [[0; 3]; 16];
    types[BounceType::UserUnknown as usize - 1] = [hard * 3, 0, hard / 2];
    types[BounceType::ReceiverDns as usize - 1] = [hard * 2, 0, hard / 5];
    types[BounceType::MailboxFull as usize - 1] = [hard, 3, hard / 6];
    types[BounceType::Blocklisted as usize - 1] = [soft * 2, soft / 2, hard - hard / 2 - hard / 5 - hard / 6];
    types[BounceType::Greylisted as usize - 1] = [soft, soft - soft / 2 - 3, 0];
    DayTally { degrees: [1500 + 37 * (n % 7), soft, hard], types }
}

fn weekly(counts: &[(u64, u64)]) -> Vec<Weekly> {
    let first = Day::parse("2022-06-06").unwrap();
    let weeks = counts.iter().enumerate();
    weeks.map(|(i, &(senders, emails))| Weekly { week: Day(first.0 + 7 * i as i32).week(), senders, emails }).collect()
}

fn domain(name: &str, intended: &str, edits: &[Edit], emails: u64, status: Status, risk: f64) -> DomainRisk {
    let at = moment("2022-07-04T02:00:00Z");
    let answers: &[(Source, &str, &str)] = match status {
        Status::Registrable => {
            &[(Source::Dns, "nxdomain", "192.0.2.53:53"), (Source::Rdap, "not_found", "https://rdap.example/")]
        }
        Status::NotAPublicSuffix => &[(Source::Syntax, "no such suffix", "public suffix list")],
        Status::Unknown => &[(Source::Dns, "timeout", "192.0.2.53:53")],
        _ => &[(Source::Dns, "nxdomain", "192.0.2.53:53"), (Source::Whois, "pendingDelete", "whois.example:43")],
    };
    let evidence = answers.iter().map(|(source, answer, server)| Evidence {
        source: *source,
        answer: (*answer).into(),
        server: (*server).into(),
        at,
    });
    DomainRisk {
        suspect: DomainSuspect {
            domain: name.into(),
            kind: if intended.is_empty() { SuspectKind::Lapsed } else { SuspectKind::Typo },
            intended: intended.into(),
            edits: edits.to_vec(),
            confidence: if intended.is_empty() { 1.0 } else { 0.98 },
            emails,
            senders: emails / 3 + 1,
            delivered_before: if intended.is_empty() { 212 } else { 0 },
            first_seen: moment("2022-06-08T09:12:00Z"),
            last_seen: moment("2022-07-03T17:40:11Z"),
            weekly: weekly(&[(2, 4), (3, emails.saturating_sub(4))]),
        },
        registrability: Registrability {
            domain: name.into(),
            status,
            checked_at: at,
            fresh_until: at.plus(86_400),
            evidence: evidence.collect(),
            drops_at: (status == Status::PendingDelete).then(|| moment("2022-07-09T00:00:00Z")),
            open_at: None,
            details: Default::default(),
        },
        risk,
    }
}

fn username(address: &str, intended: &str, edits: &[Edit], status: &'static str, why: &str) -> UsernameRisk {
    UsernameRisk {
        suspect: UsernameSuspect {
            address: address.into(),
            kind: if intended.is_empty() { SuspectKind::Lapsed } else { SuspectKind::Typo },
            intended: intended.into(),
            edits: edits.to_vec(),
            confidence: 0.914_159,
            emails: 6,
            senders: vec!["li.wei@corp.example".into(), "sales@corp.example".into()],
            delivered_before: if intended.is_empty() { 31 } else { 0 },
            first_seen: moment("2022-06-20T10:00:00Z"),
            last_seen: moment("2022-07-01T11:30:00Z"),
            weekly: weekly(&[(2, 6)]),
        },
        status,
        why: why.into(),
        risk: 0.31,
    }
}

fn campaign(id: &str, sender: &str, ip: &str, from: &str, to: &str, guesses: u64, hits: &[&str]) -> Campaign {
    Campaign {
        id: id.into(),
        senders: vec![sender.into()],
        ips: if ip.is_empty() { vec![] } else { vec![ip.into()] },
        logins: Vec::new(),
        helos: Vec::new(),
        target_domains: vec!["corp.example".into(), "shop.example".into()],
        first_seen: moment(from),
        last_seen: moment(to),
        guesses,
        confirmed: hits.iter().map(|h| (*h).to_owned()).collect(),
        success_rate: hits.len() as f64 / guesses as f64,
        pattern: Pattern::NameVariants,
        confidence: 0.997,
        why: vec![
            format!("{guesses} addresses tried for the first time, {} exist", hits.len()),
            "14 spellings of one name within 9 minutes".into(),
        ],
    }
}

/// A night with some of everything.
pub(super) fn night() -> Findings {
    let first = Day::parse("2022-06-06").unwrap();
    let at = moment("2022-07-04T02:00:00Z");
    let mut findings = Findings {
        generated_at: at,
        slips: Vec::new(),
        receivers: vec![Receiver { domain: "qq.com".into(), emails: 4_100, refused: 310, unknown: 290 }],
        countries: [("CN", [4_100, 4_200, 97, 12]), ("DE", [310, 320, 0, 1])]
            .into_iter()
            .filter_map(|(code, counts)| {
                Some(CountryLine { country: Country::parse(code)?, tally: counts.into(), since: Day(19_170) })
            })
            .collect(),
        changes: Changes::default(),
        own_domains: std::collections::BTreeSet::new(),
        window: Window::between(moment("2022-06-06T00:00:04Z"), moment("2022-07-03T23:59:40Z")),
        inputs: vec![
            InputLine {
                path: "/var/log/mail.log.1.gz".into(),
                format: "postfix".into(),
                records: 41_211,
                rejected: 3,
                already_seen: 0,
                ignored: 0,
                blind_to: Vec::new(),
            },
            InputLine {
                path: "coremail.jsonl".into(),
                format: "coremail".into(),
                records: 6_004,
                rejected: 0,
                already_seen: 120,
                ignored: 0,
                blind_to: vec!["the client a mail came from".into()],
            },
        ],
        days: (first.0..first.0 + 28).map(|d| (Day(d), tally(d))).collect(),
        root_causes: vec![
            (RootCause::MaliciousEmailBehaviour, 0, 412),
            (RootCause::SpamBlockingPolicy, 1_011, 320),
            (RootCause::ImproperUserOperation, 84, 1_460),
        ],
        templates: Templates {
            distinct: 57,
            top: vec![
                TemplateLine {
                    id: "00c0ffee00c0ffee".into(),
                    template: "550 5.1.1 <*>: Recipient address rejected: User unknown".into(),
                    kind: BounceType::UserUnknown,
                    count: 4_810,
                },
                TemplateLine {
                    id: "0123456789abcdef".into(),
                    template: "554 Service unavailable; client [*] blocked using zen.example".into(),
                    kind: BounceType::Blocklisted,
                    count: 1_312,
                },
            ],
        },
        blocklists: vec![
            Blocklist {
                name: "spamhaus".into(),
                attempts: 1_312,
                receiver_domains: 44,
                daily: (0..28).map(|i| (Day(first.0 + i), 20 + (i as u64 * 7) % 13, 2)).collect(),
            },
            Blocklist {
                name: "unnamed".into(),
                attempts: 96,
                receiver_domains: 9,
                daily: (9..14).map(|i| (Day(first.0 + i), 11, 1)).collect(),
            },
        ],
        authentication: vec![
            AuthFailures {
                sender_domain: "news.corp.example".into(),
                failures: 88,
                failed: Window::between(moment("2022-06-10T00:00:00Z"), moment("2022-06-21T23:00:00Z")),
                fixed_after_days: Some(12.0),
            },
            AuthFailures {
                sender_domain: "shop.example".into(),
                failures: 5,
                failed: Window::at(moment("2022-07-02T08:00:00Z")),
                fixed_after_days: None,
            },
        ],
        domains: vec![
            domain("yaho.com.cn", "yahoo.com.cn", &[Edit::Omission], 64, Status::Registrable, 0.83),
            domain("oldpartner.example", "", &[], 23, Status::Registrable, 0.52),
            domain("gmial.com", "gmail.com", &[Edit::Transposition], 19, Status::PendingDelete, 0.4),
            domain("hotmal.com", "hotmail.com", &[Edit::Omission], 12, Status::Unknown, 0.12),
            domain("gmail.con", "gmail.com", &[Edit::Tld], 9, Status::NotAPublicSuffix, 0.0),
        ],
        usernames: vec![
            username(
                "zhang.wie@mail.example",
                "zhang.wei@mail.example",
                &[Edit::Transposition],
                "allowed_by_provider_rules",
                "6 to 30 letters, digits and dots: zhang.wie fits",
            ),
            username("old.friend@post.example", "", &[], "unknown", "this provider publishes no rules"),
        ],
        vulnerable: weekly(&[(31, 58), (40, 81), (28, 44), (35, 92)]),
        dismissed: vec![Dismissed {
            origin: "news@uni.example".into(),
            considered: "old_list",
            why: "30 % of 90 addresses unknown, over 60 domains: an old list, or one being cleaned".into(),
        }],
        campaigns: vec![
            campaign(
                "a1b2c3d4e5f60718",
                "promo@bulk.example",
                "203.0.113.9",
                "2022-06-28T22:10:00Z",
                "2022-07-02T03:05:00Z",
                4_273,
                &["anna.lee@corp.example", "b.smith@corp.example", "tom_p@shop.example"],
            ),
            campaign(
                "18f7e6d5c4b3a201",
                "hr@lure.example",
                "",
                "2022-06-12T01:00:00Z",
                "2022-06-12T01:40:00Z",
                310,
                &[],
            ),
        ],
        taken: vec![Registrability {
            domain: "yahooo.example".into(),
            status: Status::Registered,
            checked_at: moment("2022-07-04T02:00:00Z"),
            fresh_until: moment("2022-07-05T02:00:00Z"),
            evidence: vec![],
            drops_at: None,
            open_at: Some(moment("2022-07-02T02:00:00Z")),
            details: Details {
                registrar: Some("Quick | <b>Names</b>".into()),
                created: Some(moment("2022-07-03T11:30:00Z")),
                mx: vec!["mx.squat.example".into()],
                ..Details::default()
            },
        }],
        lookups: Default::default(),
        strangers: Some(Strangers { mails: 12_345, visitors: [9_790, 9_950, 10_110] }),
        alerts: vec![],
    };
    findings.alerts = alert::deserved(&findings);
    let mut before = findings.headlines();
    before.retain(|line| line.kind != "campaign");
    before[0].status = "unknown".into();
    before[1].id = "0123456789abcdef".into();
    findings.changes = changes(Some((moment("2022-07-03T02:00:00Z"), before)), &findings.headlines());
    findings
}
