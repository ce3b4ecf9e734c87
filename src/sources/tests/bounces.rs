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
