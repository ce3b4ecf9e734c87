//! The nightly job as an operator runs it: exit status, `sent_to`, and the next night.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    dead_port,
    http::{Hook, Mood},
};
use crate::cli::{bouncewatch, start, stderr};

fn world() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = bouncewatch(dir.path(), &["simulate", "world", "--records", "4000", "--quiet"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let log = fs::read_dir(dir.path().join("world"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("coremail")));
    fs::copy(log.expect("a coremail log"), dir.path().join("in.jsonl")).unwrap();
    dir
}

fn alerts(dir: &Path) -> Vec<serde_json::Value> {
    let report = fs::read_to_string(dir.join("reports/latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    report["alerts"].as_array().unwrap().clone()
}

#[test]
fn an_alert_nobody_took_is_exit_status_4_and_delivered_the_next_night() {
    let dir = world();
    let port = dead_port();
    let url = format!("http://127.0.0.1:{port}/SECRET-TOKEN#name=ops");
    let config = dir.path().join("config.toml");
    fs::write(
        &config,
        format!(
            "[[alert-sink]]\nurl = \"{url}\"\n[[alert-sink]]\nurl = \"file:///{}\"\nname = \"file\"\n",
            dir.path().join("a.jsonl").display()
        ),
    )
    .unwrap();
    let job = ["run", "in.jsonl", "--config", "config.toml", "--nameserver", "127.0.0.1:9", "--max-lookups", "0"];
    let first = bouncewatch(dir.path(), &[&job[..], &["--quiet"]].concat());
    let talk = stderr(&first);
    assert_eq!(first.status.code(), Some(4), "{talk}");
    assert!(talk.starts_with("bouncewatch: alerts to ops: ") && talk.contains("wait for the next run"), "{talk}");
    let told = alerts(dir.path());
    assert!(!told.is_empty() && told.iter().all(|a| a["sent_to"] == serde_json::json!(["file"])), "{told:?}");
    // The next night the other side is back; no new mail came.
    let hook = Hook::start(Mood::Says(200, "ok"));
    fs::write(&config, fs::read_to_string(&config).unwrap().replace(&port.to_string(), &hook.at.port().to_string()))
        .unwrap();
    for night in 0..2 {
        let output = bouncewatch(dir.path(), &[&job[..], &["--quiet"]].concat());
        assert_eq!(output.status.code(), Some(0), "{night}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "a night in which all went well is silent");
        assert_eq!(hook.asked().len(), told.len(), "night {night}");
    }
    let told = alerts(dir.path());
    assert!(told.iter().all(|a| a["sent_to"] == serde_json::json!(["file", "ops"])), "{told:?}");
    let report = bouncewatch(dir.path(), &["report"]);
    assert!(report.status.success() && alerts(dir.path()) == told, "a later report still says who was told");
    for entry in fs::read_dir(dir.path().join("reports/latest")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("SECRET-TOKEN"), "a secret is in a report");
    }
    assert!(!talk.contains("SECRET-TOKEN"));
}

/// Killed in the middle of delivering: what was taken is not told again, what was under way comes with the same key.
#[test]
fn a_killed_run_tells_nothing_twice() {
    let dir = world();
    let hook = Hook::start(Mood::Takes(1));
    let url = format!("http://{}/", hook.at);
    let job = ["run", "in.jsonl", "--nameserver", "127.0.0.1:9", "--max-lookups", "0", "--quiet", "--alert-sink", &url];
    let mut run = start(dir.path(), &job).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while hook.asked().len() < 2 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(hook.asked().len(), 2, "two alerts at least are needed here");
    hook.becomes(Mood::Says(200, "ok"));
    let again = bouncewatch(dir.path(), &job);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let keys: Vec<String> = hook.asked().iter().map(|a| a.body["key"].to_string()).collect();
    assert_eq!(keys[1], keys[2], "{keys:?}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len() - 1, "{keys:?}");
    assert_eq!(keys.len() - 1, alerts(dir.path()).len());
}

#[test]
fn offline_keeps_alerts_and_is_no_failure() {
    let dir = world();
    let hook = Hook::start(Mood::Says(200, ""));
    let url = format!("http://{}/", hook.at);
    let output = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--alert-sink", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("wait for a run without --offline"), "{}", stderr(&output));
    assert_eq!(hook.asked().len(), 0);
}

#[test]
fn a_mistake_is_told_before_anything_is_done_and_without_the_secret() {
    let dir = world();
    fs::write(dir.path().join("bad.toml"), "alert-sink = [\"gopher://SECRET-TOKEN\"]\n").unwrap();
    fs::write(dir.path().join("worse.toml"), "db = \"x\"\nalert-sink = [ \"https://h/SECRET-TOKEN\" \n").unwrap();
    fs::write(dir.path().join("t.txt"), "{nothing}").unwrap();
    for args in [
        &["--config", "bad.toml"][..],
        &["--config", "worse.toml"],
        &["--alert-sink", "https://h/SECRET-TOKEN", "--alert-template", "t.txt"],
        &["--alert-sink", "https://h/SECRET-TOKEN", "--alert-sink", "https://h/SECRET-TOKEN"],
    ] {
        let output = bouncewatch(dir.path(), &[&["run", "in.jsonl", "--offline"][..], args].concat());
        let talk = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{talk}");
        assert!(!talk.contains("SECRET-TOKEN") && !talk.is_empty(), "{talk}");
        assert!(!dir.path().join("bouncewatch.db").exists());
    }
}
