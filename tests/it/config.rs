//! `bouncewatch config`: mistakes with their lines, and where each value is from.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::cli::{GOOD, bouncewatch, start, stderr, stdout};

fn given(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

fn check(dir: &Path) -> (Option<i32>, String) {
    let output = bouncewatch(dir, &["config", "check", "--config", "b.toml"]);
    assert_eq!(stdout(&output), "");
    (output.status.code(), stderr(&output))
}

#[test]
fn all_mistakes_are_told_at_once_with_their_lines() {
    let dir = given("db = 'x.db'\nofline = true\n\n[run]\nyear = 'this'\n");
    let (status, said) = check(dir.path());
    assert_eq!(status, Some(2), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].contains("b.toml line 2: ") && lines[0].contains("offline may be meant"), "{said}");
    assert!(lines[1].contains("b.toml line 5: ") && lines[1].contains("expected i32"), "{said}");
    let missing = bouncewatch(dir.path(), &["config", "check", "--config", "none.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("none.toml"), "{}", stderr(&missing));
    assert_eq!(bouncewatch(dir.path(), &["config", "check"]).status.code(), Some(2));
}

#[test]
fn a_good_file_passes_and_what_is_printed_is_one() {
    let dir = given(
        "db = 'x.db'\nmax-lookups = 7\nalert-sink = ['https://h.example/SECRET']\n[run]\ninput = ['/var/log/mail.log*']\nyear = 2022\n[export]\nnever = ['192.0.2.0/24']\n",
    );
    let (status, said) = check(dir.path());
    assert_eq!(status, Some(0), "{said}");
    let print = |format: &str| {
        let mut command =
            start(dir.path(), &["config", "print", "--config", "b.toml", "--format", format, "--alpha", "0.001"]);
        let output = command.env("BOUNCEWATCH_REPORTS", "there").env("BOUNCEWATCH_YEAR", "2021").output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!stdout(&output).contains("SECRET"), "{}", stdout(&output));
        stdout(&output)
    };
    let rows: BTreeMap<String, Value> = print("json")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (row["key"].as_str().unwrap().to_owned(), row))
        .collect();
    for (key, value, source, place) in [
        ("db", Value::from("x.db"), "file", "b.toml"),
        ("max-lookups", 7.into(), "file", "b.toml"),
        ("reports", "there".into(), "environment", "BOUNCEWATCH_REPORTS"),
        ("alpha", 0.001.into(), "command line", ""),
        ("offline", false.into(), "default", ""),
        ("lookup-concurrency", Value::Null, "default", ""),
        ("run.year", 2021.into(), "environment", "BOUNCEWATCH_YEAR"),
        ("run.input", serde_json::json!(["/var/log/mail.log*"]), "file", "b.toml"),
        ("export.never", serde_json::json!(["192.0.2.0/24"]), "file", "b.toml"),
    ] {
        let row = &rows[key];
        assert_eq!((&row["value"], row["source"].as_str(), row["place"].as_str()), (&value, Some(source), Some(place)));
    }
    assert_eq!(rows["lookup-concurrency"]["default"], "8");
    assert_eq!(rows["alert-sink"]["names"][0], "webhook:h.example");
    // Every option of every command is there that the file may hold.
    for option in bouncewatch::cli::command().get_arguments().filter_map(clap::Arg::get_long) {
        assert!(matches!(option, "help" | "version" | "config") || rows.contains_key(option), "{option}");
    }
    let text = print("text");
    fs::write(dir.path().join("b.toml"), &text).unwrap();
    let (status, said) = check(dir.path());
    assert_eq!(status, Some(0), "{said}\n{text}");
    let again = start(dir.path(), &["config", "print", "--config", "b.toml", "--format", "json"]).output().unwrap();
    assert!(
        stdout(&again).contains(r#""key":"max-lookups","place":"b.toml","source":"file","value":7"#),
        "{}",
        stdout(&again)
    );
}

#[test]
fn a_format_of_the_file_holds_where_it_fits() {
    let dir = given("format = 'html,json'\n");
    fs::write(dir.path().join("in.jsonl"), GOOD).unwrap();
    for (format, reports) in [("html,json", 3), ("text", 6)] {
        fs::write(dir.path().join("b.toml"), format!("format = '{format}'\n")).unwrap();
        assert_eq!(check(dir.path()).0, Some(0));
        for args in [["classify", "550 no such user", "--quiet"], ["run", "in.jsonl", "--offline"]] {
            let output = bouncewatch(dir.path(), &[&args[..], &["--config", "b.toml"]].concat());
            assert_eq!(output.status.code(), Some(0), "{format} {args:?}: {}", stderr(&output));
        }
        assert_eq!(fs::read_dir(dir.path().join("reports/latest")).unwrap().count(), reports, "{format}");
    }
}

#[test]
fn a_mistake_stops_every_other_command_with_its_line() {
    let dir = given("\n\nofline = true\n");
    let output = bouncewatch(dir.path(), &["classify", "550 no", "--config", "b.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("b.toml line 3"), "{}", stderr(&output));
}

#[test]
fn a_no_of_the_environment_goes_over_a_yes_of_the_file() {
    let dir = given("redact = true\noffline = true\nquiet = true\n");
    fs::write(dir.path().join("in.jsonl"), format!("{GOOD}\nno record of secret@x.example\n{GOOD}\n")).unwrap();
    let run = |no: bool| {
        let mut command = start(dir.path(), &["run", "in.jsonl", "--config", "b.toml", "--offline"]);
        if no {
            command.env("BOUNCEWATCH_REDACT", "0").env("BOUNCEWATCH_QUIET", "false");
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let quarantine = fs::read_to_string(dir.path().join("reports/latest/quarantine.jsonl")).unwrap();
        fs::remove_dir_all(dir.path().join("reports")).unwrap();
        fs::remove_file(dir.path().join("bouncewatch.db")).unwrap();
        (quarantine.contains("secret@x.example"), stderr(&output).is_empty())
    };
    assert_eq!((run(true), run(false)), ((true, false), (false, true)));
}
