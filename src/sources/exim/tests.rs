//! Lines and what they tell.

use super::*;
use crate::{moment::Timestamp, sources::lines::head::Stamp};

fn told(rest: &str) -> String {
    let head = Head { stamp: Stamp::At(Timestamp(0)), host: "", program: "exim", pid: "7", rest };
    let mut told = Vec::new();
    read(&head, &mut |event| told.push(format!("{event:?}")));
    told.join("; ")
}

const ID: &str = "1rFVcL-0000000A8tX-2x2q";

#[test]
fn ids_of_both_lengths() {
    for (word, yes) in [
        ("1QexIu-0006dj-PX", true),
        (ID, true),
        ("1QexIu-0006dj-P", false),
        ("1QexIu_0006dj-PX", false),
        ("äöü-0006dj-PXabcd", false),
        ("1rFVcL-0000000A8tX-2x2-", false),
    ] {
        assert_eq!(is_id(word), yes, "{word}");
    }
}

#[test]
fn the_client_is_the_last_bracket_of_h() {
    for (text, ip) in [
        ("H=a.test [192.0.2.1]", "192.0.2.1"),
        ("H=a.test ([10.1.2.3]) [192.0.2.1]:25", "192.0.2.1"),
        ("H=(x [203.0.113.9] F=<y@z> rejected RCPT <w@z>) [192.0.2.1]:25 I=[203.0.113.1]:25", "192.0.2.1"),
        ("H=[2001:db8::1]:25", "2001:db8::1"),
        ("[4711] H=(x) [IPv6:2001:db8::1]", "2001:db8::1"),
        ("U=root", ""),
    ] {
        let line = format!("{text} F=<s@e> rejected RCPT <r@d>: no");
        assert!(told(&line).contains(&format!("ip: {ip:?}")), "{line}: {}", told(&line));
        assert!(told(&line).contains("recipient: \"r@d\""), "{line}");
    }
}

#[test]
fn fields_are_not_searched_for() {
    // A subject, a message id and a helo name that look like fields.
    let line = format!("{ID} <= s@e H=(A=plain:x) [192.0.2.1] P=esmtp S=1 id=1 A=login:root T=\"A=x\" for r@d");
    assert!(told(&line).contains("authenticated: false"), "{}", told(&line));
    let line = format!(
        "{ID} ** \"a ** b@x\"@d R=r T=smtp H=h [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<x: 250 ok>: 550 5.1.1 no: 450 yes"
    );
    assert!(told(&line).contains("to: \"\\\"a ** b@x\\\"@d\""), "{}", told(&line));
    assert!(told(&line).contains("Bounced"), "{}", told(&line));
}

#[test]
fn what_is_no_outcome() {
    for line in [
        "H=mx [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<a@b>: 550 no",
        "== a@b R=r T=remote_smtp defer (-53): retry time not reached for any host",
        "== a@b routing defer (-51): retry time not reached",
        "*> a@b R=r T=t H=h [192.0.2.1] C=\"delivery bypassed by -N option\"",
        "Frozen (delivery error message)",
        "H=(x) [192.0.2.1] F=<s@e> rejected after DATA: spam",
        "removed by root",
    ] {
        assert_eq!(told(&format!("{ID} {line}")), "", "{line}");
    }
    assert_eq!(told("H=(x) [192.0.2.1] sender verify fail for <a@b>: Unrouteable address"), "");
    assert_eq!(told("H=(x) [192.0.2.1] rejected EHLO or HELO x: syntactically invalid argument(s)"), "");
}

#[test]
fn replies_begin_with_their_code() {
    for (why, reply) in [
        (": SMTP error from remote mail server after RCPT TO:<a@b>: 550-no\\n550 such", "550-no\\n550 such"),
        (
            ": SMTP error from remote mail server after end of data: host h [192.0.2.1]: 554 5.7.1 spam",
            "554 5.7.1 spam",
        ),
        (": LMTP error after RCPT TO:<a@b>: 552 5.2.2 full", "552 5.2.2 full"),
        (": retry timeout exceeded", "retry timeout exceeded"),
        (" R=r : Unrouteable address", "Unrouteable address"),
    ] {
        let told = told(&format!("{ID} ** a@b{why}"));
        assert!(told.contains(&format!("reply: {reply:?}")), "{why}: {told}");
    }
}

#[test]
fn who_logged_in_and_what_the_client_calls_itself() {
    for (host, login, helo) in [
        ("H=a.test [192.0.2.1]:25 P=esmtpsa A=plain:tom@example.org", "tom@example.org", "a.test"),
        ("H=a.test (ylmf-pc) [192.0.2.1]:25 P=esmtp", "", "ylmf-pc"),
        ("H=([10.1.2.3]) [192.0.2.1] P=esmtp A=login", "", "[10.1.2.3]"),
        ("H=(A=plain:x) [192.0.2.1] P=esmtp S=1 id=1 A=login:root", "", "A=plain:x"),
        ("H=[192.0.2.1] P=smtp", "", ""),
    ] {
        let line = format!("{ID} <= s@e {host}");
        let said = format!("said: Said {{ login: {login:?}, helo: {helo:?} }}");
        assert!(told(&line).contains(&said), "{line}: {}", told(&line));
    }
}
