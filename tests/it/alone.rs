//! One writer a store: who comes second is told who is first, and nothing is read twice.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bouncewatch::simulate::{self, Options};
use serde_json::Value;

use crate::cli::{bouncewatch, start, stderr};

fn total(dir: &Path) -> Value {
    let output = bouncewatch(dir, &["report", "--format", "json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read_to_string(dir.join("reports/latest/report.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["deliveries"]["total"].clone()
}

fn world(records: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    simulate::simulate(dir.path(), &Options { seed: 7, records, ..Options::default() }).unwrap();
    dir
}

#[test]
fn who_comes_second_is_told_and_may_still_look() {
    let dir = world(1_000);
    let run = ["run", "coremail.jsonl", "--offline"];
    assert!(bouncewatch(dir.path(), &run).status.success());
    let before = total(dir.path());
    let lock = dir.path().join("bouncewatch.db.lock");
    assert_eq!(fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&lock).unwrap().starts_with("bouncewatch run, process "));
    let held = OpenOptions::new().write(true).open(&lock).unwrap();
    held.lock().unwrap();
    // All at once: each waits for some seconds.
    let writers: [&[&str]; 4] = [
        &run,
        &["watch", "mail.log", "--once"],
        &["db", "prune", "--before", "2022-06-10"],
        &["disclose", "draft", "--from", "a@b.example"],
    ];
    let waiting: Vec<_> = writers
        .iter()
        .map(|args| start(dir.path(), args).stderr(std::process::Stdio::piped()).spawn().unwrap())
        .collect();
    for child in waiting {
        let output = child.wait_with_output().unwrap();
        let talk = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{talk}");
        assert!(talk.contains("bouncewatch.db: bouncewatch run, process ") && talk.contains("is using it"), "{talk}");
        assert_eq!(talk.lines().count(), 1, "{talk}");
    }
    for args in [&["db", "info"] as &[&str], &["disclose", "list"], &["templates"], &["export", "domains"]] {
        let output = bouncewatch(dir.path(), args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(total(dir.path()), before);
    drop(held);
    assert!(bouncewatch(dir.path(), &run).status.success());
}

#[test]
fn two_runs_at_once_read_a_log_once() {
    let dir = world(3_000);
    let alone = world(3_000);
    let run = ["run", "coremail.jsonl", "--offline", "--quiet"];
    assert!(bouncewatch(alone.path(), &run).status.success());
    let mut both: Vec<_> = (0..2).map(|_| start(dir.path(), &run).spawn().unwrap()).collect();
    let codes: Vec<_> = both.iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 1].contains(code)), "{codes:?}");
    assert_eq!(total(dir.path()), total(alone.path()));
}

#[test]
fn a_run_gets_its_turn_beside_a_watch_and_a_killed_watch_holds_nobody() {
    let dir = world(3_000);
    let log = fs::read_to_string(dir.path().join("mail-rfc3339.log")).unwrap();
    let truth: Value = serde_json::from_str(&fs::read_to_string(dir.path().join("truth.json")).unwrap()).unwrap();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let pieces: Vec<String> = lines.chunks(lines.len() / 6 + 1).map(<[&str]>::concat).collect();
    let grown = dir.path().join("grown.log");
    fs::write(&grown, &pieces[0]).unwrap();
    let follow = || start(dir.path(), &["watch", "grown.log", "--quiet"]).stdout(std::process::Stdio::null()).spawn();
    let grow = |pieces: &[String]| {
        for (n, piece) in pieces.iter().enumerate() {
            if n == 0 {
                let output = bouncewatch(dir.path(), &["run", "grown.log", "--offline", "--quiet"]);
                assert!(output.status.success(), "{}", stderr(&output));
            }
            OpenOptions::new().append(true).open(&grown).unwrap().write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(300));
        }
    };
    let mut watcher = follow().unwrap();
    grow(&pieces[1..3]);
    // A second watch on the same record of alerts would tell all twice.
    let second = bouncewatch(dir.path(), &["watch", "grown.log", "--once"]);
    assert_eq!(second.status.code(), Some(2), "{}", stderr(&second));
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    let mut watcher = follow().unwrap();
    grow(&pieces[3..]);
    let wanted = &truth["files"]["mail-rfc3339.log"]["all"]["total"];
    let end = Instant::now() + Duration::from_secs(30);
    while total(dir.path()) != *wanted && Instant::now() < end {
        thread::sleep(Duration::from_millis(200));
    }
    assert!(watcher.try_wait().unwrap().is_none(), "the watch ended");
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    assert_eq!(total(dir.path()), *wanted);
}
