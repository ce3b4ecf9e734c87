//! What other projects expect of their published lines: whom fail2ban and CrowdSec take from which line, and that each
//! line of Exim's own test suite that names a failed recipient is read. Lines left out are named with the reason.

use super::{corpora::folder, *};
use crate::sources::lines::{
    event::{Event, Refused, Status},
    head::{self, Years},
    server::Server,
};

/// Everything a line tells, with its moment.
fn told(line: &str, options: &Options, mut each: impl FnMut(Timestamp, &Event<'_>)) {
    let Some(head) = head::read(line) else { return };
    let at = Years::new(options).moment(head.stamp);
    if let Some(server) = Server::of(&head) {
        server.read(&head, &mut |event| each(at, &event));
    }
}

fn refusals(line: &str, options: &Options) -> Vec<(Timestamp, String, String)> {
    let mut found = Vec::new();
    told(line, options, |at, event| {
        if let Event::Refused(Refused { ip, recipient, .. }) | Event::Door(Refused { ip, recipient, .. }) = event {
            found.push((at, (*ip).to_owned(), (*recipient).to_owned()));
        }
    });
    found
}

/// A name of a file and a piece of a line that fail2ban matches and we do not, and why.
const LEFT_OUT: [(&str, &str, &str); 4] = [
    ("postfix.log", "from=<> to=<> proto=ESMTP helo=", "names no recipient"),
    ("postfix.log", "reject: VRFY from 72-53-132-234", "the address was taken out of the published line"),
    ("postfix.log", "reject: EHLO from", "names no recipient"),
    ("postfix.log", "reject: CONNECT from", "names no recipient"),
];

#[test]
fn fail2ban_lines() {
    let Some(logs) = folder("") else { return };
    // Year-less lines there are of the twelve months before this day.
    let options = Options { now: Timestamp::parse("2005-08-14T12:00:00Z").expect("a moment"), ..Options::default() };
    let (mut held, mut quiet, mut left) = (0, 0, 0);
    for path in [
        "postfix/fail2ban/postfix.log",
        "exim/fail2ban/exim.log",
        "exim/fail2ban/exim-spam.log",
        "sendmail/fail2ban/sendmail-reject.log",
        "sendmail/fail2ban/sendmail-auth.log",
    ] {
        let Ok(text) = fs::read(logs.join(path)) else {
            eprintln!("skipped: {path} is not in this half");
            continue;
        };
        let text = String::from_utf8_lossy(&text);
        let mut expected: Option<serde_json::Value> = None;
        for line in text.lines() {
            if let Some(json) = line.strip_prefix("# failJSON:") {
                expected = serde_json::from_str(json).ok();
                continue;
            }
            let Some(expect) = expected.take().filter(|_| !line.trim().is_empty()) else { continue };
            let found = refusals(line, &options);
            if expect["match"] != true {
                assert_eq!(found, vec![], "{path}: must not match: {line}");
                quiet += 1;
                continue;
            }
            if let Some((_, _, why)) =
                LEFT_OUT.iter().find(|(file, piece, _)| path.ends_with(file) && line.contains(piece))
            {
                eprintln!("left out: {why}: {line}");
                left += 1;
                continue;
            }
            let about_recipient = [
                "reject: ",
                "milter-reject: ",
                " rejected RCPT ",
                "ruleset=check_rcpt",
                "EXPN ",
                "expn ",
                "VRFY ",
                "vrfy ",
            ]
            .iter()
            .any(|piece| line.contains(piece));
            if !about_recipient {
                assert_eq!(found, vec![], "{path}: names no recipient: {line}");
                continue;
            }
            let time = expect["time"].as_str().expect("a time").replace("-7T", "-07T");
            let host = expect["host"].as_str().expect("a host");
            assert_eq!(found.len(), 1, "{path}: {line}");
            assert_eq!(
                (found[0].0, found[0].1.as_str()),
                (Timestamp::parse(&time).expect("a time"), host),
                "{path}: {line}"
            );
            held += 1;
        }
    }
    eprintln!("{held} lines with time and host, {quiet} that must not match, {left} left out");
    assert!(held > 40);
}

#[test]
fn exim_failures_and_refusals() {
    let Some(logs) = folder("exim") else { return };
    let mut found = Vec::new();
    corpora::files(&logs, &mut found);
    let (mut failed, mut refused, mut left) = (0, 0, 0);
    for path in found {
        let bytes = fs::read(&path).expect("a log");
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ').skip(2).filter(|w| !w.starts_with(['+', '-', '[']) || *w == "->");
            let is_failure = words.next().is_some_and(|id| matches!(id.len(), 16 | 23)) && words.next() == Some("**");
            let is_refusal = line.contains("rejected RCPT ");
            if !is_failure && !is_refusal {
                continue;
            }
            if head::read(line).is_none() {
                eprintln!("left out: no stamp: {line}");
                left += 1;
                continue;
            }
            let (mut bounced, mut rejected) = (0, 0);
            told(line, &options(), |_, event| match event {
                Event::Tried { tried, .. }
                    if tried.status == Status::Bounced && !tried.to.is_empty() && !tried.reply.is_empty() =>
                {
                    bounced += 1
                }
                Event::Refused(r) if !r.recipient.is_empty() && !r.reply.is_empty() => rejected += 1,
                _ => {}
            });
            if is_failure {
                assert_eq!(bounced, 1, "{}: {line}", path.display());
                failed += 1;
            } else {
                assert_eq!(rejected, 1, "{}: {line}", path.display());
                refused += 1;
            }
        }
    }
    eprintln!("{failed} failures, {refused} refused recipients, {left} left out");
    assert!(failed > 0 && refused > 0);
}

#[test]
fn crowdsec_lines() {
    let Some(logs) = folder("") else { return };
    let mut held = 0;
    for path in ["postfix/crowdsec-hub/postfix-relay/postfix-spam.log"] {
        let Ok(text) = fs::read_to_string(logs.join(path)) else {
            eprintln!("skipped: {path} is not in this half");
            continue;
        };
        let asserted = fs::read_to_string(logs.join(path).with_file_name("scenario.assert")).expect("what is asserted");
        let values = |key: &str| -> Vec<String> {
            let key = format!("GetMeta(\"{key}\") == \"");
            asserted.lines().filter_map(|l| Some(l.split_once(&key)?.1.trim_end_matches('"').to_owned())).collect()
        };
        let found: Vec<(String, String)> = text
            .lines()
            .flat_map(|line| refusals(line, &options()))
            .map(|(at, ip, _)| (at.to_string()[..19].to_owned(), ip))
            .collect();
        let expected: Vec<(String, String)> =
            values("timestamp").iter().map(|t| t[..19].to_owned()).zip(values("source_ip")).collect();
        for pair in &expected {
            assert!(found.contains(pair), "{pair:?} in {found:?}");
            held += 1;
        }
    }
    eprintln!("{held} asserted lines");
}

#[test]
fn lightmeter_queue_ids_and_statuses() {
    let Some(logs) = folder("postfix") else { return };
    let expected = fs::read(logs.join("lightmeter-expected.json")).expect("expectations");
    let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
    let mut held = 0;
    for (name, expect) in expected["expect"].as_object().expect("an object") {
        let (Some(queue), Ok(log)) = (expect["queue"].as_str(), fs::read_to_string(logs.join("lightmeter").join(name)))
        else {
            continue;
        };
        let (mut ids, mut nexts) = (Vec::new(), Vec::new());
        for line in log.lines() {
            told(line, &options(), |_, event| {
                if let Event::Tried { id, tried } = event {
                    ids.push((*id).to_owned());
                    nexts.push(tried.reply.to_owned());
                }
            });
        }
        assert!(ids.iter().any(|id| id == queue), "{name}: {queue} in {ids:?}");
        if let Some(remote) = expect["remote_id"].as_str() {
            assert!(nexts.iter().any(|reply| reply.contains(remote)), "{name}: {remote}");
        }
        held += 1;
    }
    eprintln!("{held} queue ids");
    assert!(held > 0);
}

/// Each line with a status is an attempt with that end, but for hand-offs to a server whose lines stand in the same log.
#[test]
fn lightmeter_statuses() {
    let Some(logs) = folder("postfix") else { return };
    let mut found = Vec::new();
    corpora::files(&logs.join("lightmeter"), &mut found);
    let (mut held, mut inner, mut missed) = (0, 0, Vec::new());
    for path in found {
        let log = String::from_utf8_lossy(&fs::read(&path).expect("a log")).into_owned();
        let reading = run(std::slice::from_ref(&path), &Known::default(), &options()).expect("a log");
        let deliveries = deliveries([&reading]);
        for line in log.lines() {
            let between = |from: &str, to: &str| Some(line.split_once(from)?.1.split_once(to)?.0);
            let to = between(" orig_to=<", ">").or(between(" to=<", ">"));
            let (Some(to), Some(status)) = (to, between(" status=", " ")) else {
                continue;
            };
            let said =
                line.split_once(" status=").and_then(|(_, tail)| tail.split_once(" (")).map_or("", |(_, said)| said);
            let said = said.trim_end().trim_end_matches(')');
            let mark = if status == "sent" { "  + " } else { "  x " };
            let at = format!("-> {to} ");
            if deliveries.iter().any(|d| d.contains(&at) && d.lines().any(|l| l.starts_with(mark) && l.contains(said)))
            {
                held += 1;
            } else if said.split_once("queued as ").is_some_and(|(_, id)| log.contains(&format!(" {id}: "))) {
                inner += 1;
            } else {
                missed.push(line.to_owned());
            }
        }
    }
    eprintln!("{held} statuses, {inner} hand-offs, missed {missed:#?}");
    assert!(missed.len() * 50 <= held, "98 % of the statuses");
    assert!(held > 0);
}

#[test]
fn every_line_log_is_read() {
    let Some(logs) = folder("") else { return };
    let (mut read, mut refused) = (0, 0);
    for kind in ["exim", "sendmail", "dovecot", "other-mta"] {
        let mut found = Vec::new();
        corpora::files(&logs.join(kind), &mut found);
        for path in found {
            let lines = corpora::lines_of(&path);
            match run(std::slice::from_ref(&path), &Known::default(), &Options { settle: true, ..options() }) {
                Ok(reading) => {
                    // A last line without its end waits for the rest, and is said to.
                    let waits =
                        reading.rejects.iter().filter(|r| r.cause.starts_with("the last line has no end")).count();
                    assert_eq!(reading.inputs[0].lines + waits as u64, lines, "{}", path.display());
                    assert_eq!(reading.pending_deliveries, 0, "{}", path.display());
                    read += 1;
                }
                Err(Error::Unrecognised { .. } | Error::NoInput { .. }) => refused += 1,
                Err(e) => panic!("{}: {e}", path.display()),
            }
        }
    }
    eprintln!("{read} files read, {refused} said to be of no known format");
    assert!(read > 0);
}
