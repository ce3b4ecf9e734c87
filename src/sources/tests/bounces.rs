//! Published bounces and events, read from beside the repository; none of them is in it.

use std::collections::BTreeMap;

use super::*;
use crate::reply::Reply;

/// What a file told: recipient, whether the mail was taken at last, the last reply.
type Told = Vec<(String, bool, String)>;

fn logs(part: &str) -> Option<PathBuf> {
    let named = std::env::var_os("BOUNCEWATCH_CORPORA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let found = named.unwrap_or(beside).join("logs").join(part);
    if !found.exists() {
        eprintln!("skipped: no corpora at {}", found.display());
        return None;
    }
    Some(found)
}

fn tell(path: &Path, kind: FormatKind) -> Result<(Told, InputCount), Error> {
    let options = Options { settle: true, format: Some(kind), ..options() };
    let opened = open(&[path.display().to_string()], &options)?;
    let add = |list: &mut Told, d: &Delivery<'_>| {
        let last = d.attempts.last().expect("an attempt");
        list.push((d.recipient.to_owned(), last.accepted, last.reply.to_owned()));
    };
    let reading = read(opened, &Known::default(), &options, &Vec::new, &add, &|_| {})?;
    Ok((reading.workers.concat(), reading.inputs[0].clone()))
}

fn detected(path: &Path) -> Option<FormatKind> {
    open(&[path.display().to_string()], &options()).expect("a file")[0].format
}

/// Of the other's expectations these are not ours to meet, each for the reason given.
const NOT_OURS: [(&str, &str); 0] = [];

#[test]
fn bounces_others_read() {
    let Some(folder) = logs("dsn") else { return };
    let table = fs::read_to_string(folder.join("sisimai-expected.tsv")).expect("expectations");
    let mut expected: BTreeMap<&str, Vec<(&str, &str, &str)>> = BTreeMap::new();
    let mut known = std::collections::BTreeSet::new();
    for line in table.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        // A mail that two of their tests share stands there twice.
        if !known.insert((row[0], row[1])) {
            continue;
        }
        expected.entry(row[0]).or_default().push((row[2], row[3], row[4]));
    }
    let (mut rows, mut recipients, mut states, mut right) = (0, 0, 0, 0);
    for (name, want) in &expected {
        let path = folder.join("sisimai-bsd").join(name);
        if !path.exists() {
            eprintln!("skipped: {name} is not in this half");
            continue;
        }
        // Complaints and answers of people away are no bounces.
        let quiet = want.iter().all(|(_, _, reason)| matches!(*reason, "feedback" | "vacation"));
        let (told, count) = tell(&path, FormatKind::Dsn).unwrap_or_else(|e| panic!("{name}: {e}"));
        if quiet {
            assert_eq!((told.len(), count.ignored), (0, 1), "{name}: {told:?}");
            continue;
        }
        if NOT_OURS.iter().any(|(file, _)| file == name) {
            continue;
        }
        rows += want.len();
        recipients += want.len().min(told.len());
        if want.len() != told.len() {
            eprintln!("RECIPIENTS {name}: {} for {}: {told:?}", told.len(), want.len());
        }
        for (n, (status, code, reason)) in want.iter().enumerate() {
            let Some((_, accepted, reply)) = told.get(n) else { continue };
            let found = Reply::parse(reply).enhanced;
            // 5.0.9xx and 4.0.9xx are made up where a bounce has no status of its own.
            let made_up = status
                .get(4..)
                .is_some_and(|detail| detail.len() == 3 && detail.starts_with('9') && &status[1..4] == ".0.");
            if made_up {
                continue;
            }
            states += 1;
            let same = found.is_some_and(|e| e.to_string() == *status)
                || found.is_none() && status.ends_with(".0.0")
                || *accepted && status.starts_with('2');
            right += usize::from(same);
            if !same {
                eprintln!("STATUS {name} {status} {code} {reason}: {reply}");
            }
        }
    }
    eprintln!("{recipients} of {rows} recipients, {right} of {states} states");
    assert!(recipients * 100 >= rows * 99, "{recipients} of {rows} recipients");
    assert!(right * 100 >= states * 97, "{right} of {states} states");
}

#[test]
fn every_published_file_is_read() {
    for part in ["dsn", "events", "arf", "powermta", "other-mta"] {
        let Some(folder) = logs(part) else { continue };
        let mut found = Vec::new();
        super::corpora::files(&folder, &mut found);
        assert!(!found.is_empty());
        for path in found {
            let shown = path.strip_prefix(&folder).expect("inside").display().to_string();
            let kind = detected(&path);
            match kind.map(|kind| tell(&path, kind)) {
                Some(Ok((_, c))) => eprintln!(
                    "{part}/{shown} as {}: {} deliveries, {} ignored, {} rejected",
                    c.format, c.records, c.ignored, c.rejected
                ),
                Some(Err(Error::Unrecognised { .. })) | None => eprintln!("{part}/{shown}: no log ({kind:?})"),
                Some(Err(e)) => panic!("{shown}: {e}"),
            }
        }
    }
}

#[test]
fn events_others_read() {
    let Some(folder) = logs("events/anymail") else { return };
    let kinds = |name: &str| match name {
        "amazon_ses" => FormatKind::Ses,
        "sendgrid" => FormatKind::SendGrid,
        "mailgun" => FormatKind::Mailgun,
        "postmark" => FormatKind::Postmark,
        "sparkpost" => FormatKind::SparkPost,
        _ => FormatKind::Webhooks,
    };
    let mut found = Vec::new();
    super::corpora::files(&folder, &mut found);
    let here = tempfile::tempdir().expect("a folder");
    let (mut all, mut right) = (0, 0);
    for path in found {
        let kind = kinds(&path.file_stem().expect("a name").to_string_lossy());
        for (n, line) in fs::read_to_string(&path).expect("events").lines().enumerate() {
            let case: serde_json::Value = serde_json::from_str(line).expect("a case");
            // Once on its line, once in a list, once printed over many lines: it is one event.
            let text = case["payload"].to_string();
            let printed = serde_json::to_string_pretty(&case["payload"]).expect("JSON");
            let whole = format!("{text}\n[{text}]\n{printed}\n");
            let event = file(here.path(), &format!("{}-{n}.json", kind.name()), whole.as_bytes());
            // A ping of two brackets has nothing to be known by.
            let known = detected(&event) == Some(kind) || case["expected"].as_object().is_some_and(|e| e.is_empty());
            let (told, count) = tell(&event, kind).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let want = &case["expected"];
            let text = |name: &str| want[name].as_str().unwrap_or("").trim().to_owned();
            let taken = match &*text("event_type") {
                "delivered" => Some(true),
                "bounced" | "rejected" | "deferred" | "failed" => Some(false),
                _ => None,
            };
            let free = want.get("event_type").is_none();
            let ok = known
                && count.rejected == 0
                && match (taken, &told[..]) {
                    (None, []) => true,
                    (Some(taken), [(to, accepted, reply)]) => {
                        let response = text("mta_response");
                        let response = response.strip_prefix("smtp;").unwrap_or(&response).to_owned();
                        *accepted == taken
                            && (text("recipient").is_empty() || *to == text("recipient"))
                            && (response.is_empty() || reply.contains(&response))
                    }
                    _ => free,
                };
            all += 1;
            right += usize::from(ok);
            if !ok {
                eprintln!("EVENT {} {n} (known {known}): {told:?} for {want}", path.display());
            }
        }
    }
    eprintln!("{right} of {all} events");
    assert!(right * 100 >= all * 99, "{right} of {all} events");
}

/// A report that an attacker wrote to keep us busy, or to fill the memory.
#[test]
fn hostile_reports_end() {
    let here = tempfile::tempdir().expect("a folder");
    let head = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: ann@shop.example\nSubject: failure notice\n";
    let group = |n: usize| format!("Final-Recipient: rfc822; a{n}@example.net\nAction: failed\nStatus: 5.0.0\n\n");
    let nested =
        (0..200).map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\n\n--b{n}\n")).collect::<String>();
    let mails = [
        format!("{head}\n{}", "<a@b.example>: ".repeat(60_000)),
        format!("{head}\n{}", (0..30_000).map(|n| format!("<a{n}@b.example>\n")).collect::<String>()),
        format!("{head}\n{}", "@".repeat(400_000)),
        format!("{head}\n{}", "550 5.1.1 x\n".repeat(60_000)),
        format!("{head}\n{}", "From: x\n".repeat(60_000)),
        format!("{head}Content-Type: message/delivery-status\n\n{}", (0..20_000).map(group).collect::<String>()),
        format!("{head}Content-Type: text/html\n\n{}", "<a><b>".repeat(100_000)),
        format!("{head}{nested}"),
        format!("{head}{}", "Content-Type: message/rfc822\n\n".repeat(20_000)),
        format!("{head}X-Failed-Recipients: {}\n\nx", "a@b.example, ".repeat(50_000)),
    ];
    for (n, mail) in mails.iter().enumerate() {
        let path = file(here.path(), &format!("{n}.eml"), mail.as_bytes());
        let (told, count) = tell(&path, FormatKind::Dsn).expect("a mail");
        assert!(told.len() <= 500, "{n}: {} recipients", told.len());
        assert!(count.records + count.ignored > 0, "{n} was lost");
    }
    for (n, text) in
        ["{\"event-data\":".repeat(50_000) + "\n", format!("{{\"notificationType\":\"{}", "x".repeat(3 << 20) + "\n")]
            .iter()
            .enumerate()
    {
        let path = file(here.path(), &format!("{n}.json"), text.as_bytes());
        assert!(tell(&path, FormatKind::Ses).is_err_and(|e| matches!(e, Error::Unrecognised { .. })), "{n}");
    }
}

#[test]
fn a_maildir_is_read_once() {
    let here = tempfile::tempdir().expect("a folder");
    for folder in ["cur", "new", "tmp", ".Bounces/cur", ".Bounces/new"] {
        fs::create_dir_all(here.path().join(folder)).expect("a folder");
    }
    let mail = |n: u8| {
        format!(
            "Return-Path: <>\nDate: Sat, 2 Jul 2022 10:00:0{n} +0000\nFrom: MAILER-DAEMON@mx.example\nTo: ann@shop.example\nSubject: \
             failure notice\nMessage-ID: <d{n}@mx.example>\n\n<u{n}@example.net>:\n550 5.1.1 no such user\n"
        )
    };
    for (name, n) in [
        ("cur/1.a.example.md:2,S", 1),
        ("new/2.b.example.rs", 2),
        ("tmp/3.c", 3),
        (".Bounces/new/4.d", 4),
        ("new/5.e", 1),
    ] {
        file(here.path(), name, mail(n).as_bytes());
    }
    let first = run(&[here.path().to_owned()], &Known::default(), &options()).expect("a Maildir");
    let told: Vec<_> = deliveries([&first]).iter().map(|d| d.split(' ').nth(3).unwrap_or("").to_owned()).collect();
    assert_eq!(told, ["u1@example.net", "u2@example.net", "u4@example.net"]);
    fs::rename(here.path().join("new/2.b.example.rs"), here.path().join("cur/2.b.example.rs:2,S"))
        .expect("read by its owner");
    let second = run(&[here.path().to_owned()], &known(&first), &options()).expect("a Maildir");
    assert_eq!(deliveries([&second]), Vec::<String>::new());
}

#[test]
fn an_unfinished_frame_is_read_as_far_as_it_goes() {
    use std::io::Write;
    let here = tempfile::tempdir().expect("a folder");
    let records = fs::read_to_string(&case_files(FormatKind::KumoMta)[0]).expect("a case");
    let mut frame = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    let mut parts = Vec::new();
    for line in records.split_inclusive('\n') {
        frame.write_all(line.as_bytes()).and_then(|()| frame.flush()).expect("memory");
        parts.push(frame.get_ref().len());
    }
    let whole = frame.finish().expect("memory");
    let name = "20220702-220000";
    let all = run(&[file(here.path(), name, &whole)], &Known::default(), &options()).expect("a log");
    let half = parts[parts.len() / 2] + 3;
    let first = run(&[file(here.path(), name, &whole[..half])], &Known::default(), &options()).expect("half a log");
    assert!(first.inputs[0].records > 0 && first.inputs[0].records < all.inputs[0].records);
    let second = run(&[file(here.path(), name, &whole)], &known(&first), &options()).expect("the log");
    assert_eq!(deliveries([&first, &second]), deliveries([&all]));
}
