//! Several mail servers in one log, one mail in several logs, several formats in one run.

use super::*;
use crate::sources::lines::head;

fn settled() -> Options {
    Options { settle: true, ..options() }
}

fn case(kind: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats").join(kind).join(name);
    fs::read_to_string(path).expect("a case")
}

fn read_all(logs: &[(&str, &str)]) -> Reading<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let files: Vec<PathBuf> = logs.iter().map(|(name, log)| file(folder.path(), name, log.as_bytes())).collect();
    run(&files, &Known::default(), &settled()).expect("logs")
}

#[test]
fn one_syslog_of_all_servers() {
    let logs = [case("exim", "syslog.log"), case("sendmail", "mta.log"), case("postfix", "traps.log")];
    let mut lines: Vec<&str> = logs.iter().flat_map(|log| log.lines()).collect();
    lines.retain(|line| head::moment(line, &options()).is_some());
    lines.push("Dec 31 23:59:59 mx1 dovecot: imap-login: Login: user=<x>, method=PLAIN, rip=192.0.2.9");
    lines.sort_by_key(|line| head::moment(line, &options()));
    let mixed = lines.join("\n") + "\n";
    let apart = read_all(&[("a", &logs[0]), ("b", &logs[1]), ("c", &logs[2])]);
    let formats: Vec<&str> = apart.inputs.iter().map(|i| i.format.as_str()).collect();
    assert_eq!(formats, ["exim", "sendmail", "postfix"]);
    let together = read_all(&[("maillog", &mixed)]);
    assert_eq!(deliveries([&together]), deliveries([&apart]));
    assert!(deliveries([&together]).len() > 15);
}

#[test]
fn a_refusal_in_main_and_reject_log_is_one() {
    let main = "2022-12-31 03:00:00 H=(x) [192.0.2.66]:4021 F=<g@example.com> rejected RCPT <a@example.org>: Unrouteable address\n2022-12-31 03:00:09 H=(x) [192.0.2.66]:4021 F=<g@example.com> rejected RCPT <a@example.org>: Unrouteable address\n";
    assert_eq!(deliveries([&read_all(&[("main", main)])]).len(), 2, "the same client comes back");
    assert_eq!(deliveries([&read_all(&[("main", main), ("reject", &format!("{main}----\n"))])]).len(), 2);
    // The reject log is read a night later.
    let folder = tempfile::tempdir().expect("a folder");
    let first = run(&[file(folder.path(), "main", main.as_bytes())], &Known::default(), &options()).expect("a log");
    let reject = file(folder.path(), "reject", format!("{main}----\n").as_bytes());
    let second = run(&[reject], &known(&first), &options()).expect("a log");
    assert_eq!(deliveries([&first, &second]).len(), 2);
}

#[test]
fn a_mail_goes_on_in_another_form_of_log() {
    let journal = |line: &str| {
        serde_json::json!({
            "__REALTIME_TIMESTAMP": "1672444800000000", "_HOSTNAME": "mx1",
            "SYSLOG_IDENTIFIER": "postfix/qmgr", "MESSAGE": line
        })
        .to_string()
            + "\n"
    };
    let begun = "2022-12-31T00:00:00Z mx1 postfix/smtpd[1]: 4bVzjk2zXz9sT: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=u\n2022-12-31T00:00:00Z mx1 postfix/qmgr[1]: 4bVzjk2zXz9sT: from=<u@example.org>, size=9, nrcpt=1 (queue active)\n2022-12-31T00:00:00Z mx1 postfix/smtp[1]: 4bVzjk2zXz9sT: to=<p@example.net>, relay=none, delay=3, delays=0/0/0/3, dsn=4.4.1, status=deferred (connect to mx: timed out)\n";
    let ended = journal("4bVzjk2zXz9sT: from=<u@example.org>, status=expired, returned to sender")
        + &journal("4bVzjk2zXz9sT: removed");
    let reading = read_all(&[("mail.log", begun), ("mail.json", &ended)]);
    assert_eq!(reading.inputs[1].format, "journald");
    let all = deliveries([&reading]);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].starts_with("Out u@example.org -> p@example.net client 192.0.2.1"), "{all:#?}");
}

#[test]
fn generations_packed_and_not_go_in_time_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = case("exim", "main.log");
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let third = lines.len() / 3;
    let parts = [lines[..third].concat(), lines[third..2 * third].concat(), lines[2 * third..].concat()];
    let packed = zstd::encode_all(parts[0].as_bytes(), 3).expect("memory");
    // Named so that the order of names is not that of time.
    let files = [
        file(folder.path(), "mainlog", parts[2].as_bytes()),
        file(folder.path(), "mainlog.1", parts[1].as_bytes()),
        file(folder.path(), "mainlog.2.zst", &packed),
    ];
    let whole = read_all(&[("mainlog", &log)]);
    let apart = run(&files, &Known::default(), &settled()).expect("logs");
    assert_eq!(deliveries([&apart]), deliveries([&whole]));
}

#[test]
fn a_log_is_of_the_server_that_writes_in_it() {
    let others = "Jan  8 10:00:00 mx1 dovecot: imap-login: Login: user=<x>, rip=192.0.2.9\n".repeat(50);
    for (line, format) in [
        (
            "Jan  8 10:00:01 mx1 sm-mta[7]: 308A0001: from=<a@example.org>, size=1, nrcpts=1, relay=[192.0.2.1]\n",
            "sendmail",
        ),
        ("Jan  8 10:00:01 mx1 exim[7]: 1pBPtG-0006dj-PX Completed\n", "exim"),
        ("Jan  8 10:00:01 mx1 postfix/qmgr[7]: ABCDE: removed\n", "postfix"),
        ("", "postfix"),
    ] {
        assert_eq!(read_all(&[("maillog", &format!("{others}{line}"))]).inputs[0].format, format, "{line}");
    }
}

#[test]
fn a_mail_between_two_of_our_hosts_is_one_in_any_order_of_their_lines() {
    let line = |host: &str, rest: &str| format!("2022-12-31T10:00:00Z {host} {rest}\n");
    let gateway = [
        "exim[1]: 1rFVcL-0000000A8tX-2x2q <= ann@example.net H=mail.example.net [198.51.100.7]:4021 P=esmtp S=9 id=one@example.net",
        "exim[1]: 1rFVcL-0000000A8tX-2x2q => bob@example.org R=inside T=remote_smtp H=mx.example.org [10.0.0.9]:25 C=\"250 2.0.0 Ok: queued as 4NkTqk1001z9u1\"",
        "exim[1]: 1rFVcL-0000000A8tX-2x2q Completed",
    ]
    .map(|rest| line("gw", rest));
    let behind = [
        "postfix/smtpd[2]: 4NkTqk1001z9u1: client=gw.example.org[10.0.0.5]",
        "postfix/cleanup[2]: 4NkTqk1001z9u1: message-id=<one@example.net>",
        "postfix/qmgr[2]: 4NkTqk1001z9u1: from=<SRS0=x=example.net=ann@example.org>, size=9, nrcpt=1 (queue active)",
        "postfix/virtual[2]: 4NkTqk1001z9u1: to=<bob@example.org>, relay=virtual, delay=0, delays=0/0/0/0, dsn=5.1.1, status=bounced (unknown user)",
        "postfix/qmgr[2]: 4NkTqk1001z9u1: removed",
    ]
    .map(|rest| line("mx", rest));
    // All ways to lay the two in one log, each in its own order.
    let all = gateway.len() + behind.len();
    for choice in (0u32..1 << all).filter(|choice| choice.count_ones() as usize == gateway.len()) {
        let (mut first, mut second) = (gateway.iter(), behind.iter());
        let both = ["gw", "mx"].map(|host| line(host, "postfix/qmgr[9]: 4NkTqk9999z9u1: removed")).concat();
        let log: String = (0..all)
            .filter_map(|n| if choice >> n & 1 == 1 { first.next() } else { second.next() })
            .map(String::as_str)
            .collect();
        let log = both + &log;
        let told = deliveries([&read_all(&[("maillog", &log)])]);
        // What was over at the second before the first began is not known to have come from there.
        if log.find("to=<bob") < log.find("<= ann") {
            assert!((1..=2).contains(&told.len()), "{log}{told:#?}");
            continue;
        }
        assert_eq!(told.len(), 1, "{log}{told:#?}");
        assert!(
            told[0].contains("-> bob@example.org client 198.51.100.7") && told[0].contains("unknown user"),
            "{log}"
        );
    }
}

#[test]
fn two_hosts_behind_a_gateway_may_have_one_queue_id_at_once() {
    let line = |host: &str, rest: &str| format!("2022-12-31T10:00:00Z {host} {rest}\n");
    let mails = [("AAAAA1", "one", "in1", "10.0.0.2", "bob"), ("AAAAA2", "two", "in2", "10.0.0.3", "eve")];
    let mut log = ["in1", "in2"].map(|host| line(host, "postfix/qmgr[9]: FFFFF9: removed")).concat();
    for (id, message, host, ip, user) in mails {
        log += &line("gw", &format!("postfix/smtpd[1]: {id}: client=mail.example.net[198.51.100.7]"));
        log += &line("gw", &format!("postfix/cleanup[1]: {id}: message-id=<{message}@example.net>"));
        log += &line("gw", &format!("postfix/qmgr[1]: {id}: from=<ann@example.net>, size=9, nrcpt=1 (queue active)"));
        log += &line(
            "gw",
            &format!(
                "postfix/smtp[1]: {id}: to=<{user}@example.org>, relay={host}[{ip}]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as BBBBB1)"
            ),
        );
        log += &line("gw", &format!("postfix/qmgr[1]: {id}: removed"));
    }
    for (_, message, host, _, user) in mails {
        log += &line(host, "postfix/smtpd[1]: BBBBB1: client=gw.example.org[10.0.0.5]");
        log += &line(host, &format!("postfix/cleanup[1]: BBBBB1: message-id=<{message}@example.net>"));
        log += &line(host, "postfix/qmgr[1]: BBBBB1: from=<ann@example.net>, size=9, nrcpt=1 (queue active)");
        log += &line(
            host,
            &format!(
                "postfix/virtual[1]: BBBBB1: to=<{user}@example.org>, relay=virtual, delay=0, delays=0/0/0/0, dsn=5.1.1, status=bounced (unknown user)"
            ),
        );
        log += &line(host, "postfix/qmgr[1]: BBBBB1: removed");
    }
    let told = deliveries([&read_all(&[("maillog", &log)])]);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|one| one.contains("client 198.51.100.7") && one.contains("unknown user")), "{told:#?}");
}

#[test]
fn a_gateway_and_the_server_behind_it_need_not_be_of_one_make() {
    let line = |host: &str, rest: &str| format!("2022-12-31T10:00:00Z {host} {rest}\n");
    // What each gateway writes of a mail that comes and that a server behind it takes with this reply.
    type Writes = fn(&str) -> Vec<String>;
    let gateways: [(&str, Writes); 3] = [
        ("postfix", |reply| {
            vec![
                "postfix/smtpd[1]: AAAAA1: client=mail.example.net[198.51.100.7]".into(),
                "postfix/cleanup[1]: AAAAA1: message-id=<one@example.net>".into(),
                "postfix/qmgr[1]: AAAAA1: from=<ann@example.net>, size=9, nrcpt=1 (queue active)".into(),
                format!(
                    "postfix/smtp[1]: AAAAA1: to=<bob@example.org>, relay=mx[10.0.0.9]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 {reply})"
                ),
                "postfix/qmgr[1]: AAAAA1: removed".into(),
            ]
        }),
        ("exim", |reply| {
            vec![
                "exim[1]: 1rFVcL-0000000A8tX-2x2q <= ann@example.net H=mail.example.net [198.51.100.7]:4021 P=esmtp S=9 id=one@example.net".into(),
                format!("exim[1]: 1rFVcL-0000000A8tX-2x2q => bob@example.org R=inside T=remote_smtp H=mx [10.0.0.9]:25 C=\"250 {reply}\""),
                "exim[1]: 1rFVcL-0000000A8tX-2x2q Completed".into(),
            ]
        }),
        ("sendmail", |reply| {
            vec![
                "sendmail[1]: s1REn1un000001: from=<ann@example.net>, size=9, class=0, nrcpts=1, msgid=<one@example.net>, proto=ESMTP, daemon=MTA, relay=mail.example.net [198.51.100.7]".into(),
                format!("sendmail[2]: s1REn1un000001: to=<bob@example.org>, delay=00:00:01, xdelay=00:00:01, mailer=relay, pri=30009, relay=mx [10.0.0.9], dsn=2.0.0, stat=Sent ({reply})"),
                "sendmail[2]: s1REn1un000001: done; delay=00:00:01, ntries=1".into(),
            ]
        }),
    ];
    let behind = [
        (
            "2.0.0 Ok: queued as 4NkTqk1001z9u1",
            vec![
                "postfix/smtpd[2]: 4NkTqk1001z9u1: client=gw.example.org[10.0.0.5]",
                "postfix/cleanup[2]: 4NkTqk1001z9u1: message-id=<one@example.net>",
                "postfix/qmgr[2]: 4NkTqk1001z9u1: from=<ann@example.net>, size=9, nrcpt=1 (queue active)",
                "postfix/virtual[2]: 4NkTqk1001z9u1: to=<bob@example.org>, relay=virtual, delay=0, delays=0/0/0/0, dsn=5.1.1, status=bounced (unknown user)",
                "postfix/qmgr[2]: 4NkTqk1001z9u1: removed",
            ],
        ),
        (
            "OK id=1rFVcM-0000000A8tZ-3y3r",
            vec![
                "exim[2]: 1rFVcM-0000000A8tZ-3y3r <= ann@example.net H=gw.example.org [10.0.0.5]:4021 P=esmtp S=9 id=one@example.net",
                "exim[2]: 1rFVcM-0000000A8tZ-3y3r ** bob@example.org R=local: unknown user",
                "exim[2]: 1rFVcM-0000000A8tZ-3y3r Completed",
            ],
        ),
        (
            "2.0.0 s1REn1un088377 Message accepted for delivery",
            vec![
                "sm-mta[2]: s1REn1un088377: from=<ann@example.net>, size=9, class=0, nrcpts=1, msgid=<one@example.net>, proto=ESMTP, daemon=MTA, relay=gw.example.org [10.0.0.5]",
                "sm-mta[3]: s1REn1un088377: to=<bob@example.org>, delay=00:00:01, xdelay=00:00:01, mailer=local, pri=30009, dsn=5.1.1, stat=unknown user",
                "sm-mta[3]: s1REn1un088377: done; delay=00:00:01, ntries=1",
            ],
        ),
    ];
    for (make, gateway) in gateways {
        for (reply, inside) in &behind {
            let mut log = line("mx", "sm-mta[9]: s1REn1un999999: done; delay=00:00:01, ntries=1");
            log.extend(gateway(reply).iter().map(|rest| line("gw", rest)));
            log.extend(inside.iter().map(|rest| line("mx", rest)));
            let told = deliveries([&read_all(&[("maillog", &log)])]);
            assert_eq!(told.len(), 1, "{make}, {reply}: {told:#?}");
            assert!(
                told[0].contains("client 198.51.100.7") && told[0].contains("unknown user"),
                "{make}, {reply}: {told:#?}"
            );
        }
    }
}
