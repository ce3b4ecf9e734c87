//! SMTP and sendmail.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use bouncewatch::{findings::Findings, moment::Timestamp, store::Store};

use super::{
    DAY, FIRST, campaign, dead_port, domain, findings, night, sink,
    smtp::{Mailer, Mood},
};

const SECOND: Timestamp = Timestamp(FIRST.0 + DAY);

fn to(mailer: &Mailer) -> String {
    format!("smtp://{}?from=watch@our.example&to=ops@our.example,cert@our.example", mailer.at)
}

#[test]
fn a_mail_an_alert_with_an_id_of_its_own() {
    let (mailer, mut store) = (Mailer::start(Mood::Accepts), Store::in_memory().unwrap());
    let delivery = night(&mut store, &[sink(&to(&mailer))], &mut findings(), FIRST);
    assert_eq!((delivery.sent, delivery.failures.len()), (2, 0), "{delivery:?}");
    let mail = &mailer.took()[0];
    for line in [
        "MAIL FROM:<watch@our.example>",
        "RCPT TO:<ops@our.example>",
        "RCPT TO:<cert@our.example>",
        "\nTo: ops@our.example, cert@our.example\n",
        "\nAuto-Submitted: auto-generated\n",
        "\nDate: Mon, 04 Jul 2022 02:00:00 +0000\n",
        "Subject: [bouncewatch] high, opened: yaho.com.cn can be registered by anyone",
    ] {
        assert!(mail.contains(line), "{line:?} is not in {mail}");
    }
    let ids: Vec<String> = mailer.took().iter().map(|m| header(m, "Message-ID")).collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.ends_with("-0@our.example>")), "{ids:?}");
    assert_eq!(night(&mut store, &[sink(&to(&mailer))], &mut findings(), SECOND).sent, 0);
    // News of the same thing stands in the thread its first mail began.
    let mut grown = findings();
    grown.domains = vec![domain("yaho.com.cn", 600)];
    assert_eq!(night(&mut store, &[sink(&to(&mailer))], &mut grown, SECOND).sent, 1);
    let update = mailer.took().pop().unwrap();
    assert_eq!((header(&update, "In-Reply-To"), header(&update, "References")), (ids[0].clone(), ids[0].clone()));
    assert!(header(&update, "Message-ID").contains("-1@"), "{update}");
}

fn header(mail: &str, name: &str) -> String {
    let line =
        mail.lines().find(|l| l.starts_with(&format!("{name}: "))).unwrap_or_else(|| panic!("no {name}: {mail}"));
    line[name.len() + 2..].to_owned()
}

#[test]
fn a_failing_server_gets_it_once_when_it_is_back() {
    for (mood, says) in [
        (Mood::Later, "451"),
        (Mood::Never, "550"),
        (Mood::RefusesContent, "554"),
        (Mood::Hangs, "in time"),
        (Mood::Drips, ""),
        (Mood::Drops, ""),
        (Mood::Garbage, ""),
    ] {
        let (mailer, mut store) = (Mailer::start(mood), Store::in_memory().unwrap());
        let sinks = [sink(&to(&mailer))];
        let started = Instant::now();
        let first = night(&mut store, &sinks, &mut findings(), FIRST);
        assert!(started.elapsed() < Duration::from_secs(8), "{mood:?} took {:?}", started.elapsed());
        assert_eq!((first.sent, first.failures.len()), (0, 1), "{mood:?}: {first:?}");
        assert!(first.failures[0].why.contains(says) && first.failures[0].waiting == 2, "{mood:?}: {first:?}");
        mailer.becomes(Mood::Accepts);
        let second = night(&mut store, &sinks, &mut findings(), SECOND);
        assert_eq!((second.sent, second.failures.len(), mailer.took().len()), (2, 0, 2), "{mood:?}: {second:?}");
    }
}

#[test]
fn nobody_listening_waits() {
    let mut store = Store::in_memory().unwrap();
    let url = format!("smtp://127.0.0.1:{}?from=a@b.example&to=c@d.example", dead_port());
    let delivery = night(&mut store, &[sink(&url)], &mut findings(), FIRST);
    assert_eq!((delivery.sent, delivery.failures[0].waiting), (0, 2), "{delivery:?}");
}

#[test]
fn no_stranger_writes_a_header() {
    let (mailer, mut store) = (Mailer::start(Mood::Accepts), Store::in_memory().unwrap());
    for (n, hostile) in [
        "a@b.example\r\nBcc: victim@x.example",
        "a\n.\r\nMAIL FROM:<x@y.example>",
        "名前\u{2028}Bcc: victim@x.example\u{0}",
    ]
    .iter()
    .enumerate()
    {
        let mut found = Findings { domains: vec![], campaigns: vec![campaign(hostile, 0, 10)], ..Findings::default() };
        found.campaigns[0].ips.clear();
        assert_eq!(night(&mut store, &[sink(&to(&mailer))], &mut found, Timestamp(FIRST.0 + n as i64)).sent, 1);
    }
    assert_eq!(mailer.took().len(), 3);
    for mail in mailer.took() {
        let (envelope, rest) = mail.split_once("From:").unwrap();
        assert_eq!(envelope.matches("MAIL FROM").count() + envelope.matches("RCPT TO").count(), 3, "{mail}");
        let (head, _) = rest.split_once("\n\n").unwrap();
        for line in head.lines() {
            assert!(!line.to_lowercase().starts_with("bcc"), "{mail}");
        }
        assert!(!mail.contains('\0') && mail.is_ascii(), "{mail}");
    }
}

#[test]
fn sendmail_is_given_the_message_and_believed_by_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("sendmail");
    let does = |text: &str| {
        fs::write(&program, format!("#!/bin/sh\ncd {}\n{text}\n", dir.path().display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let sinks = [sink(&format!("sendmail://{}?from=watch@our.example&to=ops@our.example", program.display()))];
    for (broken, says) in [("exit 75", "75"), ("cat >/dev/null; exit 64", "64"), ("sleep 5", "in time")] {
        let mut store = Store::in_memory().unwrap();
        does(broken);
        let first = night(&mut store, &sinks, &mut findings(), FIRST);
        assert_eq!((first.sent, first.failures.len()), (0, 1), "{broken}: {first:?}");
        assert!(first.failures[0].why.contains(says), "{first:?}");
        does("echo \"$@\" >>mail; cat >>mail");
        assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 2);
        let mail = fs::read_to_string(dir.path().join("mail")).unwrap();
        assert_eq!(mail.matches("-i -t\n").count(), 2, "{mail}");
        assert!(mail.contains("\nTo: ops@our.example\n") && !mail.contains('\r'), "{mail}");
        fs::remove_file(dir.path().join("mail")).unwrap();
    }
    assert!(Path::new(&program).exists());
    fs::remove_file(&program).unwrap();
    let gone = night(&mut Store::in_memory().unwrap(), &sinks, &mut findings(), FIRST);
    assert!(gone.failures[0].why.contains("does not start"), "{gone:?}");
}
