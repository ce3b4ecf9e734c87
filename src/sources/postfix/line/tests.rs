//! Lines and what they tell.

use super::*;
use crate::{moment::Timestamp, sources::lines::head::Stamp};

fn of<'a>(program: &'a str, rest: &'a str) -> Event<'a> {
    read(&Head { stamp: Stamp::At(Timestamp(0)), host: "mx", program, pid: "", rest })
}

#[test]
fn reads_attempts() {
    let Event::Tried { id, tried } = of(
        "postfix/smtp",
        "4AA09: to=<\"x>, relay=none, status=sent (ok\"@d.example>, orig_to=<o@d.example>, relay=mx.example[2001:db8::1]:25, conn_use=2, delay=1, delays=0/0/1/0, tls=x, dsn=5.1.1, status=bounced (host mx.example[2001:db8::1] said: 550 5.1.1 (no) (in reply to RCPT TO command))",
    ) else {
        panic!("an attempt")
    };
    assert_eq!(
        (id, tried.to, tried.orig_to, tried.to_ip, tried.status),
        ("4AA09", "\"x>, relay=none, status=sent (ok\"@d.example", "o@d.example", "2001:db8::1", Status::Bounced)
    );
    assert_eq!(tried.reply, "host mx.example[2001:db8::1] said: 550 5.1.1 (no) (in reply to RCPT TO command)");
    let probe =
        "4AA09: to=<a@b>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=5.1.1, status=undeliverable (no)";
    assert_eq!(of("postfix/smtp", probe), Event::Nothing);
    let Event::Tried { tried, .. } = of(
        "postfix/smtp",
        "4AA09: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 776E4)",
    ) else {
        panic!("an attempt")
    };
    assert_eq!((tried.next, tried.inside), (Some("776E4"), true));
}

#[test]
fn reads_refusals() {
    for (daemon, text, refused) in [
        (
            "postfix/smtpd",
            "NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.1.1 <\"; from=<x> to=<y>\"@d>: Recipient address rejected: User unknown; from=<s@e> to=<r@d> proto=ESMTP helo=<; from=<x> to=<y>>",
            Some((
                "192.0.2.7",
                "s@e",
                "r@d",
                "550 5.1.1 <\"; from=<x> to=<y>\"@d>: Recipient address rejected: User unknown",
            )),
        ),
        (
            "postfix/postscreen",
            "NOQUEUE: reject: RCPT from [2001:db8::9]:60591: 550 5.7.1 Service unavailable; client [2001:db8::9] blocked using rbl.example; from=<s@e>, to=<r@d>, proto=ESMTP, helo=<h>",
            Some((
                "2001:db8::9",
                "s@e",
                "r@d",
                "550 5.7.1 Service unavailable; client [2001:db8::9] blocked using rbl.example",
            )),
        ),
        (
            "postfix/cleanup",
            "B37FD2E: milter-reject: END-OF-MESSAGE from h[192.0.2.1]: 4.7.1 Try again later; from=<> to=<r@d> proto=ESMTP helo=<h>",
            Some(("192.0.2.1", "", "r@d", "4.7.1 Try again later")),
        ),
        (
            "postfix/smtpd",
            "NOQUEUE: reject: VRFY from h[192.0.2.1]: 550 5.1.1 <guess>: Recipient address rejected: User unknown; to=<guess> proto=SMTP helo=<h>",
            Some(("192.0.2.1", "", "guess", "550 5.1.1 <guess>: Recipient address rejected: User unknown")),
        ),
        (
            "postfix/cleanup",
            "B37FD2E: reject: header Subject: Buy from us; now from h[192.0.2.1]; from=<s@e> to=<r@d> proto=ESMTP helo=<h>: 5.7.1 No spam",
            Some(("192.0.2.1", "s@e", "r@d", "5.7.1 No spam")),
        ),
        (
            "postfix/smtpd",
            "NOQUEUE: reject: VRFY from h[192.0.2.1]: 550 5.1.1 <guess>: Recipient address rejected: User unknown in local recipient table; proto=SMTP helo=<h>",
            Some((
                "192.0.2.1",
                "",
                "guess",
                "550 5.1.1 <guess>: Recipient address rejected: User unknown in local recipient table",
            )),
        ),
        (
            "postfix/smtpd",
            "DE81A2E: reject: RCPT from h[192.0.2.1]: 550 5.1.1 <r@d>: x; from=<s@e> to=<r@d> proto=ESMTP helo=<h> sasl_method=PLAIN sasl_username=s",
            Some(("192.0.2.1", "s@e", "r@d", "550 5.1.1 <r@d>: x")),
        ),
        (
            "postfix/smtpd",
            "NOQUEUE: reject: CONNECT from unknown[192.0.2.1]: 450 4.7.25 Client host rejected; proto=SMTP",
            None,
        ),
        (
            "postfix/smtpd",
            "NOQUEUE: reject_warning: RCPT from h[192.0.2.1]: 550 5.1.1 <a@b>: x; from=<s@e> to=<a@b> proto=SMTP helo=<h>",
            None,
        ),
        (
            "postfix/smtpd",
            "NOQUEUE: filter: RCPT from h[192.0.2.1]: <>: Sender address triggers FILTER; from=<> to=<a@b> proto=SMTP helo=<h>",
            None,
        ),
    ] {
        let helo = text.rsplit_once("helo=<").and_then(|(_, t)| t.rsplit_once('>')).map_or("", |(helo, _)| helo);
        let expected = refused.map_or(Event::Nothing, |(ip, sender, recipient, reply)| {
            Event::Refused(Refused {
                id: text.split(':').next().unwrap_or(""),
                ip,
                authenticated: text.contains("sasl"),
                said: Said { login: if text.contains("sasl") { "s" } else { "" }, helo },
                sender,
                recipient,
                reply,
                temporary: reply.starts_with('4'),
                twice: false,
            })
        });
        assert_eq!(of(daemon, text), expected, "{text}");
    }
}

#[test]
fn what_a_filter_before_the_queue_refused_has_no_id() {
    let line =
        "proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=1-2 - SPAM; from=<s@e> to=<r@d> proto=ESMTP helo=<h>";
    let Event::Refused(refused) = of("postfix/smtpd", line) else { panic!("a refusal") };
    assert_eq!((refused.id, refused.recipient, refused.reply), ("NOQUEUE", "r@d", "554 5.7.0 Reject, id=1-2 - SPAM"));
    // Nor has the mail that goes through it: nobody else's refusal is of its sender.
    let line = "NOQUEUE: client=home[192.0.2.1], sasl_method=PLAIN, sasl_username=tom";
    assert_eq!(of("postfix/smtpd", line), Event::Nothing);
}

#[test]
fn reads_the_life_of_a_mail() {
    assert_eq!(
        of("postfix/smtpd", "ED012: client=localhost[127.0.0.1], orig_queue_id=4F5C6, orig_client=unknown[192.0.2.5]"),
        Event::Client { id: "ED012", ip: "192.0.2.5", trusted: true, authenticated: false, said: Said::default() }
    );
    assert_eq!(
        of("postfix/smtps/smtpd", "4bVzjk2zXz9sT: client=unknown[unknown], sasl_method=PLAIN, sasl_username=u"),
        Event::Client {
            id: "4bVzjk2zXz9sT",
            ip: "",
            trusted: true,
            authenticated: true,
            said: Said { login: "u", helo: "" }
        }
    );
    assert_eq!(
        of("postfix/qmgr", "ED012: from=<>, size=1, nrcpt=1 (queue active)"),
        Event::Sender { id: "ED012", sender: "" }
    );
    assert_eq!(
        of("postfix/qmgr", "ED012: from=<a@b>, status=expired, returned to sender"),
        Event::Expired { id: "ED012" }
    );
    assert_eq!(of("postfix/qmgr", "ED012: removed"), Event::Removed { id: "ED012" });
    assert_eq!(of("postfix/bounce", "ED012: sender non-delivery notification: A4819"), Event::Notice { next: "A4819" });
    assert_eq!(
        of("postfix/pickup", "ED012: uid=0 from=<a@b> orig_id=A4819"),
        Event::Pickup { id: "ED012", sender: Some("a@b"), before: Some("A4819") }
    );
    assert_eq!(of("postfix/smtpd", "warning: hostname x does not resolve"), Event::Nothing);
    assert_eq!(of("dovecot", "imap: x"), Event::Nothing);
}
