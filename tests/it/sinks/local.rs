//! A file of JSON lines and the textfile of Prometheus.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use bouncewatch::{moment::Timestamp, store::Store};

use super::{DAY, FIRST, dead_port, findings, night, sink};

const SECOND: Timestamp = Timestamp(FIRST.0 + DAY);

fn lines(path: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_file_gets_a_line_an_alert_and_one_a_night() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alerts.jsonl");
    let (sinks, mut store) = ([sink(&format!("file://{}", path.display()))], Store::in_memory().unwrap());
    for now in [FIRST, SECOND] {
        assert_eq!(night(&mut store, &sinks, &mut findings(), now).failures, []);
    }
    let events: Vec<_> = lines(&path).iter().map(|l| l["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(events, ["opened", "opened", "heartbeat", "heartbeat"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // A folder in its place, and later a file again.
    let other = dir.path().join("other.jsonl");
    fs::create_dir(&other).unwrap();
    let (sinks, mut store) = ([sink(&format!("file://{}", other.display()))], Store::in_memory().unwrap());
    assert_eq!(night(&mut store, &sinks, &mut findings(), FIRST).failures.len(), 1);
    fs::remove_dir(&other).unwrap();
    assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 2);
}

/// The text format: comments, and `name{label="value",…} number`; each name has its help and type once, before it.
fn holds(text: &str) {
    assert!(text.ends_with('\n'));
    let mut typed = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(["HELP", "TYPE"].contains(&what) && words.next().is_some(), "{line}");
            typed = name.to_owned();
            continue;
        }
        let (metric, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = metric.split_once('{').unwrap_or((metric, "}"));
        assert_eq!(name, typed, "{line}");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{line}");
        let mut rest = labels;
        while let Some((label, after)) = rest.split_once("=\"") {
            assert!(label.trim_start_matches(',').bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
            let mut escaped = false;
            let end = after.find(|c| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            rest = &after[end.unwrap() + 1..];
        }
        assert_eq!(rest, "}", "{line}");
    }
}

#[test]
fn prometheus_reads_how_the_night_went() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bouncewatch.prom");
    let down = format!("http://127.0.0.1:{}/#name=a%22b%5Cc", dead_port());
    let sinks = [sink(&format!("prometheus://{}#name=metrics", path.display())), sink(&down)];
    let (mut store, mut found) = (Store::in_memory().unwrap(), findings());
    assert_eq!(night(&mut store, &sinks, &mut found, FIRST).failures.len(), 1);
    let text = fs::read_to_string(&path).unwrap();
    holds(&text);
    for line in [
        "bouncewatch_last_success_timestamp_seconds 1656900000",
        "bouncewatch_alerts_open{kind=\"squatting\",severity=\"high\"} 1",
        "bouncewatch_alerts_open{kind=\"guessing_burst\",severity=\"medium\"} 1",
        "bouncewatch_alerts_waiting{sink=\"a\\\"b\\\\c\"} 2",
        "bouncewatch_registrable_domains 1",
        "bouncewatch_campaigns 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("mallory") && !text.contains("yaho"), "{text}");
    assert!(found.alerts.iter().all(|a| a.sent_to == ["metrics"]));
    // A quiet night moves the time on.
    night(&mut store, &sinks[..1], &mut Default::default(), SECOND);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("timestamp_seconds {}\n", SECOND.0)), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    let nowhere = [sink(&format!("prometheus://{}/no/such/x.prom", dir.path().display()))];
    assert_eq!(night(&mut store, &nowhere, &mut findings(), SECOND).failures.len(), 1);
}
