//! Lines and what they tell.

use super::*;
use crate::{moment::Timestamp, sources::lines::head::Stamp};

fn told(rest: &str) -> Vec<String> {
    let head = Head { stamp: Stamp::At(Timestamp(0)), host: "mx", program: "sm-mta", pid: "7", rest };
    let mut told = Vec::new();
    read(&head, &mut |event| told.push(format!("{event:?}")));
    told
}

#[test]
fn several_recipients_on_one_line() {
    let line = "s1REn1un088377: to=<a@d>,<\"b, c\"@d>,e@d [more], ctladdr=<x@y> (1/1), delay=00:00:01, mailer=esmtp, relay=mx.d. [192.0.2.5], dsn=5.1.1, stat=User unknown";
    let events = told(line);
    assert_eq!(events.len(), 3, "{events:#?}");
    for (event, to) in events.iter().zip(["a@d", "\\\"b, c\\\"@d", "e@d"]) {
        assert!(event.contains(&format!("to: \"{to}\"")), "{event}");
        assert!(event.contains("to_ip: \"192.0.2.5\"") && event.contains("5.1.1, stat=User unknown"), "{event}");
    }
}

#[test]
fn the_status_word_and_the_code() {
    for (stat, status) in [
        ("dsn=2.0.0, stat=Sent (ok dsn=5.1.1)", "Sent"),
        ("dsn=4.4.1, stat=Deferred: 450 no", "Deferred"),
        ("dsn=4.0.0, stat=I/O error", "Deferred"),
        ("dsn=5.1.2, stat=Host unknown (Name server: x: host not found)", "Bounced"),
        ("stat=Service unavailable", "Bounced"),
        ("stat=Deferred", "Deferred"),
    ] {
        let events = told(&format!("s1REn1un088377: to=<a@d>, delay=1, mailer=esmtp, relay=x. [192.0.2.5], {stat}"));
        assert!(events.len() == 1 && events[0].contains(&format!("status: {status}")), "{stat}: {events:?}");
    }
    assert!(told("s1REn1un088377: to=<a@d>, delay=1, mailer=local, stat=queued").is_empty());
}

#[test]
fn the_relay_is_the_last_field() {
    let events = told(
        "s1REn1un088377: from=<a@b>, size=1, class=0, nrcpts=1, msgid=<x, relay=y [6.6.6.6]>, proto=SMTP, relay=h [192.0.2.9] (may be forged)",
    );
    assert!(events[0].contains("ip: \"192.0.2.9\""), "{events:?}");
    let events = told(
        "s1REn1un088377: ruleset=check_rcpt, arg1=<a@b, relay=y [6.6.6.6]>, relay=[192.0.2.9], reject=550 5.1.1 <a@b>... User unknown",
    );
    assert!(events[0].contains("ip: \"192.0.2.9\"") && events[0].starts_with("Door"), "{events:?}");
}

#[test]
fn the_account_stands_behind_the_clients_name() {
    for (line, login) in [
        ("s1REn1un088377: AUTH=server, relay=home.test [192.0.2.9], authid=ann@d, mech=PLAIN, bits=0", "ann@d"),
        ("s1REn1un088377: AUTH=server, relay=home.test [192.0.2.9] (may be forged), mech=PLAIN, bits=0", ""),
    ] {
        assert_eq!(told(line), [format!("Login {{ id: \"s1REn1un088377\", login: {login:?} }}")]);
    }
}
