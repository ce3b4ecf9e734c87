//! What a night wrote stays, whatever is run on the same day: above all the lines nobody could read.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::cli::{GOOD, bouncewatch, stderr};

fn done(dir: &Path, args: &[&str]) -> String {
    let output = bouncewatch(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stderr(&output)
}

/// Names and contents of the day's folder.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let folder = fs::read_dir(dir.join("reports/2022-07-04")).unwrap().map(|entry| entry.unwrap().path());
    folder
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn quarantined(dir: &Path) -> Vec<Value> {
    let text = files(dir).remove("quarantine.jsonl").unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn given(name: &str, text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), text).unwrap();
    dir
}

#[test]
fn a_later_command_of_the_day_takes_nothing_away() {
    let dir = given("in.jsonl", &format!("{GOOD}\n{GOOD}\n{}\nno record\n{GOOD}\n", &GOOD[..90]));
    let dir = dir.path();
    done(dir, &["run", "in.jsonl", "--offline"]);
    let night = files(dir);
    assert_eq!((night.len(), quarantined(dir).len()), (7, 2), "{:?}", night.keys());
    done(dir, &["report", "--format", "json"]);
    let after = files(dir);
    assert!(after == night, "{:?}", after.keys());
    done(dir, &["report", "--since", "2022-06-09"]);
    assert!(files(dir) == night, "a view of some days is no night's report");
    assert_eq!(fs::read_link(dir.join("reports/latest")).unwrap(), Path::new("2022-07-04"));
    // Nothing new is read, nothing is added; then there is more, in another log.
    done(dir, &["run", "in.jsonl", "--offline"]);
    assert_eq!(files(dir)["quarantine.jsonl"], night["quarantine.jsonl"]);
    fs::write(dir.join("more.jsonl"), format!("{GOOD}\n{GOOD}\nnor this\n")).unwrap();
    for _ in 0..2 {
        done(dir, &["run", "more.jsonl", "--offline"]);
        let rows = quarantined(dir);
        assert_eq!((rows.len(), &rows[2]["excerpt"]), (3, &"nor this".into()), "{rows:?}");
    }
    // Pseudonyms beside clear names would be none.
    done(dir, &["report", "--redact", "--format", "json"]);
    let hidden = files(dir);
    assert_eq!(hidden.len(), 7);
    for (name, text) in hidden {
        assert!(!text.contains("a@x.example") && !text.contains("nor this"), "{name}: {text}");
    }
}

#[test]
fn every_bad_line_is_kept() {
    let bad: String = (0..1_300).map(|n| format!("{{\"from\":\"a{n}@x.example\",\"to\":\n")).collect();
    let dir = given("in.jsonl", &(format!("{GOOD}\n").repeat(1_300) + &bad));
    let said = done(dir.path(), &["run", "in.jsonl", "--offline"]);
    assert!(said.contains("1300 lines could not be read; see ") && !said.contains("no room"), "{said}");
    let rows = quarantined(dir.path());
    assert_eq!((rows.len(), &rows[1_299]["line"]), (1_300, &2_600.into()));
    assert!(rows[1_299]["excerpt"].as_str().unwrap().contains("a1299@"), "{}", rows[1_299]);
}

#[test]
fn a_report_that_cannot_be_written_is_told_truly_and_loses_no_bad_line() {
    let dir = given("in.jsonl", &format!("{GOOD}\nno record\n{GOOD}\n"));
    let dir = dir.path();
    let fails = |reports: &str, says: &str| {
        let output = bouncewatch(dir, &["run", "in.jsonl", "--offline", "--reports", reports]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says) && !said.contains("was kept"), "{said}");
    };
    let stored = || {
        let db = rusqlite::Connection::open(dir.join("bouncewatch.db")).unwrap();
        db.query_row("SELECT count(*) FROM contacts", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // Nothing is stored where no report could be written at all.
    fails("/proc/x", "cannot write /proc/x");
    assert_eq!(stored(), 0);
    // A path just too long for the report's files stands for a disk that fills up behind the store's last word.
    let deep = format!("{}{}", format!("{}/", "d".repeat(200)).repeat(20), "d".repeat(47));
    fails(&deep, "the night is in the database");
    assert_eq!(stored(), 1);
    let mut cat = std::process::Command::new("cat");
    let kept = cat.current_dir(dir).arg(format!("{deep}/2022-07-04/quarantine.jsonl")).output().unwrap();
    assert!(String::from_utf8(kept.stdout).unwrap().contains("no record"));
    done(dir, &["report"]);
    assert!(files(dir)["report.json"].contains("\"total\": 2"));
}

#[test]
fn a_view_tells_of_no_campaign_that_was_over_before() {
    let mail = |day: u32, second: u32, to: &str, reply: &str| {
        format!(
            r#"{{"from":"eve@us.example","to":"{to}","start_time":"2022-06-{day:02} 10:{:02}:{:02}","end_time":"2022-06-{day:02} 10:30:00","from_ip":["192.0.2.1"],"to_ip":["198.51.100.1"],"delivery_result":["{reply}"],"delivery_latency":[1],"email_flag":"Normal"}}"#,
            second / 60,
            second % 60
        ) + "\n"
    };
    let mut log: String =
        (0..60).map(|n| mail(8, 9 * n, &format!("w{n}q@victim.example"), "550 5.1.1 User unknown")).collect();
    log += &mail(20, 0, "friend@world.example", "250 ok");
    let dir = given("in.jsonl", &log);
    let dir = dir.path();
    done(dir, &["run", "in.jsonl", "--offline"]);
    let campaigns = |view: &[&str]| {
        done(dir, &[&["report", "--format", "json"], view].concat());
        let folder = if view.is_empty() { "2022-07-04".to_owned() } else { format!("2022-07-04-since-{}", view[1]) };
        let text = fs::read_to_string(dir.join("reports").join(folder).join("report.json")).unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        report["campaigns"].as_array().unwrap().len()
    };
    assert_eq!(
        (campaigns(&[]), campaigns(&["--since", "2022-06-08"]), campaigns(&["--since", "2022-06-15"])),
        (1, 1, 0)
    );
    let output = bouncewatch(dir, &["report", "--since", "2022-06-15", "--until", "2022-06-01"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("lies behind"), "{}", stderr(&output));
}
