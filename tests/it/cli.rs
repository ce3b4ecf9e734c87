//! Each command as a user runs it, in a folder of its own; bad input above all.

use std::{
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Output, Stdio},
};

/// bouncewatch in `dir`, offline, with a fixed clock.
pub(crate) fn bouncewatch(dir: &Path, args: &[&str]) -> Output {
    start(dir, args).output().unwrap()
}

pub(crate) fn start(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bouncewatch"));
    command.current_dir(dir).args(args).args(["--now", "2022-07-04T02:00:00Z"]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BOUNCEWATCH_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs, and demands the exit status and that stderr says `says` on one line.
fn fails(dir: &Path, args: &[&str], status: i32, says: &str) {
    let output = bouncewatch(dir, args);
    let talk = stderr(&output);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {talk}");
    assert!(talk.contains(says), "{args:?} should say {says:?}: {talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    if status == 1 {
        assert_eq!(talk.lines().filter(|line| line.starts_with("bouncewatch: ")).count(), 1, "{talk}");
    }
}

pub(crate) const GOOD: &str = r#"{"from":"a@x.example","to":"b@y.example","start_time":"2022-06-08 10:00:00","end_time":"2022-06-08 10:00:05","from_ip":["192.0.2.1"],"to_ip":["198.51.100.1"],"delivery_result":["250 OK"],"delivery_latency":[900],"email_flag":"Normal"}"#;

fn given(text: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.jsonl"), text).unwrap();
    dir
}

fn report(dir: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(dir.join("reports/latest/report.json")).unwrap()).unwrap()
}

#[test]
fn truncated_json_is_quarantined_and_the_rest_read() {
    let dir = given(format!("{GOOD}\n{GOOD}\n{}\n{GOOD}\n", &GOOD[..90]).as_bytes());
    let output = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = report(dir.path());
    assert_eq!(report["deliveries"]["total"], 3);
    assert_eq!(report["inputs"][0]["rejected"], 1);
    let quarantine = fs::read_to_string(dir.path().join("reports/latest/quarantine.jsonl")).unwrap();
    let row: serde_json::Value = serde_json::from_str(quarantine.lines().next().unwrap()).unwrap();
    assert_eq!(row["line"], 3, "{quarantine}");
    assert!(
        row["file"].as_str().unwrap().ends_with("in.jsonl") && !row["cause"].as_str().unwrap().is_empty(),
        "{quarantine}"
    );
    assert!(stderr(&output).contains("1 lines could not be read"), "{}", stderr(&output));
}

#[test]
fn junk_is_a_failure_not_an_empty_report() {
    let junk: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let dir = given(&junk);
    fails(dir.path(), &["run", "in.jsonl", "--offline"], 1, "in.jsonl");
    assert!(!dir.path().join("reports/latest/report.json").exists());
    let prose = given("this is a letter\nand no log at all\n".repeat(50).as_bytes());
    fails(prose.path(), &["run", "in.jsonl", "--offline"], 1, "in.jsonl");
}

#[test]
fn places_without_logs_say_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    fails(dir.path(), &["run", "empty", "--offline"], 1, "no mail log found");
    fails(dir.path(), &["run", "missing.log", "--offline"], 1, "missing.log");
    fails(dir.path(), &["run", "--offline"], 2, "INPUT");
    fails(dir.path(), &["run", "x", "--now", "yesterday"], 2, "");
    fails(dir.path(), &["frobnicate"], 2, "frobnicate");
}

#[test]
fn an_unreadable_file_is_named() {
    let dir = given(GOOD.as_bytes());
    let path = dir.path().join("in.jsonl");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // Root reads everything: a folder in a file's place cannot be read by anybody.
        fails(dir.path(), &["run", "in.jsonl/inside.log", "--offline"], 1, "inside.log");
    } else {
        fails(dir.path(), &["run", "in.jsonl", "--offline"], 1, "in.jsonl");
    }
}

#[test]
fn what_a_user_may_not_read_in_a_folder_is_left_out_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir_all(logs.join("private")).unwrap();
    fs::write(logs.join("in.jsonl"), GOOD).unwrap();
    fs::write(logs.join("btmp"), "x").unwrap();
    for (path, mode) in [(dir.path(), 0o777), (&logs.join("btmp"), 0o000), (&logs.join("private"), 0o000)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let run = |input: &str| {
        let mut command = start(dir.path(), &["run", input, "--offline"]);
        // Root may read everything.
        if fs::File::open(logs.join("btmp")).is_ok() {
            command.uid(65_534);
        }
        command.output()
    };
    let Ok(output) = run("logs") else {
        println!("skipped: nobody may not run the program where it lies");
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let quarantine = fs::read_to_string(dir.path().join("reports/latest/quarantine.jsonl")).unwrap();
    for name in ["logs/btmp", "logs/private"] {
        assert!(quarantine.lines().any(|line| line.contains(name) && line.contains("may not read it")), "{quarantine}");
    }
    // Where nothing else is there, and where it was named, it is an error.
    fs::remove_file(logs.join("in.jsonl")).unwrap();
    for input in ["logs", "logs/btmp"] {
        let output = run(input).unwrap();
        assert_eq!(output.status.code(), Some(1), "{input}: {}", stderr(&output));
        assert!(stderr(&output).contains("cannot read logs/btmp"), "{input}: {}", stderr(&output));
    }
    fs::set_permissions(logs.join("private"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_newer_database_is_left_alone() {
    let dir = given(GOOD.as_bytes());
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    rusqlite::Connection::open(dir.path().join("bouncewatch.db"))
        .unwrap()
        .pragma_update(None, "user_version", 77)
        .unwrap();
    fails(dir.path(), &["run", "in.jsonl", "--offline"], 1, "version 77");
    fs::write(dir.path().join("bouncewatch.db"), "no database".repeat(500)).unwrap();
    fails(dir.path(), &["run", "in.jsonl", "--offline"], 1, "no intact bouncewatch database");
}

#[test]
fn a_full_disk_stops_the_run_and_keeps_nothing() {
    let dir = given(GOOD.as_bytes());
    // /dev/full refuses every write as a full disk does; a report folder below a file cannot be made either.
    fails(dir.path(), &["run", "in.jsonl", "--offline", "--reports", "/dev/full/reports"], 1, "/dev/full");
    let output = Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", "ulimit -f 40; trap '' XFSZ; exec \"$0\" run in.jsonl --offline --db small.db"])
        .arg(env!("CARGO_BIN_EXE_bouncewatch"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    // With room again, the same store takes the same night whole.
    let again = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--db", "small.db"]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(report(dir.path())["deliveries"]["total"], 1);
}

#[test]
fn the_same_input_twice_changes_nothing() {
    let dir = given(format!("{GOOD}\n{GOOD}\n").as_bytes());
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    let first = report(dir.path());
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    let second = report(dir.path());
    assert_eq!(second["inputs"][0]["already_seen"], 2);
    for part in ["deliveries", "bounce_types", "squatting", "campaigns", "alerts", "window", "templates"] {
        assert_eq!(first[part], second[part], "{part}");
    }
}

#[test]
fn nobody_else_may_read_what_is_written() {
    let dir = given(GOOD.as_bytes());
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    let mut files = vec![dir.path().join("bouncewatch.db")];
    files.extend(fs::read_dir(dir.path().join("reports/latest")).unwrap().map(|entry| entry.unwrap().path()));
    assert!(files.len() > 5);
    for file in files {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_quiet_clean_night_is_silent() {
    let dir = given(GOOD.as_bytes());
    let output = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--quiet"]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{}", stderr(&output));
}

/// Runs with `input` on stdin.
fn asked(args: &[&str], input: &str) -> Vec<serde_json::Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn classify_answers_in_order_and_in_step() {
    let rows = asked(
        &["classify", "--format", "jsonl"],
        "{\"text\":\"550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table\"}\nnot json\n{\"text\":\"552 5.2.2 mailbox over quota\"}\n",
    );
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (&rows[0]["type"], &rows[0]["name"], &rows[0]["code"], &rows[0]["enhanced"]),
        (&"T8".into(), &"user_unknown".into(), &550.into(), &"5.1.1".into())
    );
    assert!(rows[1]["error"].is_string());
    assert_eq!(rows[2]["type"], "T9");
    for member in ["template", "confidence", "blocklist", "auth"] {
        assert!(rows[0].get(member).is_some(), "{member}");
    }
    assert_eq!(rows[2]["mailbox"], "full");
}

#[test]
fn classify_tells_what_else_the_reply_says() {
    let rows = asked(
        &["classify"],
        "554 5.7.1 Client host [192.0.2.4] blocked using zen.spamhaus.org\n451 4.7.1 Greylisted, try again in 300 seconds\n421 4.7.1 You sent more than 100 mails per minute, rate limit exceeded\n551 User not local; please try <new@example.org>\n",
    );
    assert_eq!((&rows[0]["listed_ip"], &rows[0]["blocklist"]), (&"192.0.2.4".into(), &"spamhaus".into()));
    assert_eq!(rows[1]["delay_s"], 300);
    assert_eq!((&rows[2]["rate"]["count"], &rows[2]["rate"]["seconds"]), (&100.into(), &60.into()));
    assert_eq!((&rows[3]["suggested"], &rows[3]["listed_ip"]), (&"new@example.org".into(), &serde_json::Value::Null));
}

#[test]
fn explain_finds_what_was_meant() {
    let rows = asked(&["explain"], "bob@gmial.com\nbob@gmail.com\n");
    assert_eq!((&rows[0]["intended"], &rows[0]["edits"][0]), (&"bob@gmail.com".into(), &"transposition".into()));
    assert!(rows[1]["intended"].is_null(), "{}", rows[1]);
    let rows = asked(&["explain"], "gmial.com\nBOB@GMIAL.COM.\n\"a b\"@gmial.com\n");
    for (row, want) in rows.iter().zip(["gmail.com", "bob@gmail.com", "\"a b\"@gmail.com"]) {
        assert_eq!(row["intended"], want, "{row}");
    }
}

#[test]
fn explain_answers_each_line_whatever_its_bytes() {
    use std::io::Write;
    let mut asked = std::process::Command::new(env!("CARGO_BIN_EXE_bouncewatch"))
        .args(["explain", "--format", "json", "--db", "/nonexistent/bouncewatch.db"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = b"b\xff\xfeob@gmial.com\nbob@gm\xffial.com\n\0@\0\n".to_vec();
    text.extend([b"x".repeat(309), b"@gmial.com\n".to_vec(), b"y".repeat(100_000), b"\n@\n".to_vec()].concat());
    asked.stdin.take().unwrap().write_all(&text).unwrap();
    let output = asked.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let rows: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 6, "{rows:?}");
    assert_eq!(rows[0]["intended"], "b\u{fffd}\u{fffd}ob@gmail.com");
    assert!(rows[3]["intended"].as_str().is_some_and(|i| i.ends_with("@gmail.com") && i.len() == 319), "{}", rows[3]);
}

#[test]
fn a_trained_typo_model_is_used() {
    let dir = given(
        b"{\"typed\":\"bob@gmial.com\",\"meant\":\"bob@gmail.com\"}\n{\"typed\":\"stranger.example\",\"meant\":null}\n",
    );
    let train = bouncewatch(dir.path(), &["train", "typo", "--input", "in.jsonl", "--output", "typo.toml"]);
    assert_eq!(train.status.code(), Some(0), "{}", stderr(&train));
    let model = std::fs::read_to_string(dir.path().join("typo.toml")).unwrap();
    assert!(model.contains("1 wrong domains, 0 wrong usernames, 1 that were no typo"), "{model}");
    let explain = |model: &str| {
        let output = bouncewatch(dir.path(), &["explain", "gmial.com", "--format", "json", "--typo-model", model]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()["confidence"].as_f64()
    };
    assert!(explain("typo.toml").is_some());
    // A file of an earlier version lacks what it did not know.
    let earlier: String = model.split_inclusive('\n').take_while(|line| !line.starts_with("[strangers]")).collect();
    std::fs::write(dir.path().join("earlier.toml"), earlier).unwrap();
    assert!(explain("earlier.toml").is_some());
    std::fs::write(dir.path().join("names.txt"), "gmail.com\nyahoo.com\n").unwrap();
    let train = bouncewatch(dir.path(), &["train", "typo", "--input", "in.jsonl", "--names", "names.txt"]);
    assert!(stdout(&train).contains("[strangers]"), "{}", stderr(&train));
    fails(dir.path(), &["train", "typo", "--input", "in.jsonl", "--names", "none.txt"], 1, "none.txt");
    let never = model.lines().map(|l| if l.starts_with("slip = ") && !l.contains("0.02") { "slip = 1e-9" } else { l });
    std::fs::write(dir.path().join("never.toml"), never.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(explain("never.toml"), None);
    fails(dir.path(), &["explain", "x", "--typo-model", "none.toml"], 2, "none.toml");
    fails(dir.path(), &["explain", "x", "--typo-model", "in.jsonl"], 2, "in.jsonl");
}

#[test]
fn check_offline_never_guesses() {
    let rows = asked(&["check", "--offline"], "yaho.com.cn\ngmail.con\n");
    assert_eq!((&rows[0]["status"], &rows[1]["status"]), (&"unknown".into(), &"not_a_public_suffix".into()));
    for row in rows {
        let evidence = row["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty() && evidence.iter().all(|e| e["source"] == "dns"), "{row}");
    }
    let rows = asked(
        &["check", "--offline", "--format", "jsonl"],
        "{\"domain\":\"mail.yaho.com.cn\"}\nnone\n{\"domain\":\"yaho.com.cn\"}\n",
    );
    assert_eq!((&rows[0]["domain"], &rows[2]["domain"]), (&"mail.yaho.com.cn".into(), &"yaho.com.cn".into()));
    assert!(rows[1]["error"].is_string() && rows[0]["registrable_domain"] == rows[2]["registrable_domain"]);
}

#[test]
fn what_is_stored_is_rendered_listed_and_forgotten() {
    let refused = GOOD
        .replace("250 OK", "550 5.1.1 <b@y.example>: Recipient address rejected: User unknown")
        .replace("b@y", "c@y");
    let dir = given(format!("{GOOD}\n{refused}\n").as_bytes());
    let run = |args: &[&str]| {
        let output = bouncewatch(dir.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    run(&["run", "in.jsonl", "--offline"]);
    let first = report(dir.path());
    run(&["report"]);
    let again = report(dir.path());
    for part in ["deliveries", "bounce_types", "squatting", "campaigns", "window", "templates"] {
        assert_eq!(first[part], again[part], "{part}");
    }
    run(&["report", "--since", "2022-06-09", "--format", "json"]);
    let view = fs::read_to_string(dir.path().join("reports/2022-07-04-since-2022-06-09/report.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&view).unwrap()["deliveries"]["total"], 0);
    assert_eq!(report(dir.path()), again, "the night's report stays");
    let templates = run(&["templates"]);
    let row: serde_json::Value = serde_json::from_str(templates.trim()).unwrap();
    assert_eq!((&row["type"], &row["count"]), (&"T8".into(), &1.into()));
    assert!(!row["template"].as_str().unwrap().contains("c@y"), "{row}");
    assert_eq!(run(&["templates", "--new-since", "2022-06-09"]), "");
    let info: serde_json::Value = serde_json::from_str(&run(&["db", "info"])).unwrap();
    assert!(info["version"].as_i64() > Some(0), "{info}");
    assert_eq!(info["rows"]["contacts"], 2);
    run(&["db", "prune", "--before", "2022-07-01"]);
    let info: serde_json::Value = serde_json::from_str(&run(&["db", "info"])).unwrap();
    assert_eq!((&info["rows"]["contacts"], &info["rows"]["names"]), (&0.into(), &1.into()));
    // What is kept does not tell of days that are forgotten.
    let later = GOOD.replace("2022-06-08", "2022-06-20");
    fs::write(dir.path().join("in.jsonl"), format!("{GOOD}\n{later}\n")).unwrap();
    run(&["run", "in.jsonl", "--offline", "--db", "other.db"]);
    run(&["db", "prune", "--before", "2022-06-10", "--db", "other.db"]);
    run(&["report", "--db", "other.db"]);
    assert_eq!(report(dir.path())["window"]["from"], "2022-06-20T00:00:00Z");
}

#[test]
fn redaction_leaves_no_local_part_and_no_ip() {
    let refused = GOOD.replace("250 OK", "550 5.1.1 <secretive@y.example>: User unknown").replace("b@y", "secretive@y");
    let dir = given(b"");
    // The last line breaks off: its beginning is no part of the cause.
    let bad = "secretive@y.example junk\n{\"from\":\"secretive@y.example";
    fs::write(dir.path().join("in.jsonl"), format!("{refused}\n{GOOD}\n{bad}")).unwrap();
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--redact"]).status.success());
    for entry in fs::read_dir(dir.path().join("reports/latest")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("secretive") && !text.contains("192.0.2.1"), "{} tells: {text}", path.display());
    }
}

#[test]
fn what_is_asked_is_redacted_with_the_key_of_a_store() {
    let dir = given(GOOD.as_bytes());
    let reply = "551 5.1.6 <tom.secret@x.example> moved from 192.0.2.77; please try <tom.hidden@y.example>";
    for args in [["classify", reply], ["explain", "tom.secret@gmial.com"], ["check", "gmial.com"]] {
        fails(dir.path(), &[&args[..], &["--redact"]].concat(), 2, "there is no database");
    }
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    for args in [["classify", reply], ["explain", "tom.secret@gmial.com"]] {
        for format in ["json", "text"] {
            let output = bouncewatch(dir.path(), &[&args[..], &["--redact", "--format", format]].concat());
            let told = stdout(&output);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            assert!(told.contains("u-") && !told.contains("tom") && !told.contains("192.0.2.77"), "{told}");
        }
    }
}

#[test]
fn findings_set_the_exit_status_when_asked() {
    let mut log = String::new();
    for n in 0..60 {
        let guess = GOOD
            .replace("b@y", &format!("guess{n}x@y"))
            .replace("250 OK", if n == 30 { "250 OK" } else { "550 5.1.1 User unknown" });
        log += &guess.replace("10:00:00", &format!("10:{n:02}:00"));
        log.push('\n');
    }
    let dir = given(log.as_bytes());
    let output = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--fail-on", "low"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let campaigns = report(dir.path())["campaigns"].clone();
    assert_eq!((&campaigns[0]["guesses"], &campaigns[0]["confirmed"][0]), (&60.into(), &"guess30x@y.example".into()));
    fails(dir.path(), &["run", "in.jsonl", "--offline", "--fail-on", "grave"], 2, "grave");
    // Three nights without news later it is over, and needs nobody.
    for (night, status) in [("2022-07-05", 3), ("2022-07-07", 3), ("2022-07-08", 0)] {
        for job in [&["run", "in.jsonl", "--offline"][..], &["report"]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bouncewatch"));
            command.current_dir(dir.path()).args(job).args([
                "--fail-on",
                "low",
                "--now",
                &format!("{night}T02:00:00Z"),
            ]);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{job:?} {night}: {}", stderr(&output));
        }
    }
    assert_eq!(report(dir.path())["alerts"][0]["over"], true);
    let page = fs::read_to_string(dir.path().join("reports/latest/report.md")).unwrap();
    assert!(page.contains("No new alert.") && page.contains("Over, with nothing new for three nights:"), "{page}");
}

#[test]
fn evaluations_print_their_tables() {
    let dir = given(b"{\"text\":\"550 5.1.1 no such user\",\"label\":\"T8\",\"alt\":[]}\n{\"text\":\"552 mailbox full\",\"label\":\"T9\",\"alt\":[]}\n");
    for args in [&["eval", "ndr", "--input", "in.jsonl"][..], &["eval", "typo", "--count", "100"]] {
        let output = bouncewatch(dir.path(), args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).lines().count() > 5, "{}", stdout(&output));
    }
    fails(dir.path(), &["eval", "typo", "--input", "in.jsonl"], 1, "line 1");
}

#[test]
fn a_model_of_ones_own_is_trained_told_of_and_used() {
    let words =
        ["zonk", "your zonk is", "by policy", "here", "now", "today", "always", "because we can", "again", "so it is"];
    let lines: String = words
        .iter()
        .flat_map(|w| [format!("550 frobnicated {w}"), format!("554 {w} frobnicated and frobnicated")])
        .map(|text| format!("{{\"text\":\"{text}\",\"label\":\"T13\"}}\n").repeat(5))
        .collect();
    let dir = given(lines.as_bytes());
    let grammar = "T8\t{550|551} {User|Mailbox|Account} {unknown|not found}{ $a|}\nT9\t{552|452} {mailbox|quota} {full|exceeded}{ $a|}\nT16\t451 {system|local} {error|problem}\n";
    fs::write(dir.path().join("g.tsv"), grammar).unwrap();
    let train = ["train", "ndr", "--grammar", "g.tsv", "--labelled", "in.jsonl", "--output"];
    let mut models = Vec::new();
    for name in ["one.bin", "two.bin"] {
        let output = bouncewatch(dir.path(), &[&train[..], &[name]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains("Held out of the labelled replies\nreplies 100 "), "{}", stdout(&output));
        models.push(fs::read(dir.path().join(name)).unwrap());
    }
    assert!(models[0] == models[1], "the same files give the same bytes");
    let card = fs::read_to_string(dir.path().join("one.md")).unwrap();
    assert!(card.contains("100 labelled replies of `in.jsonl`") && card.contains("label (down)"), "{card}");
    let kind = |args: &[&str]| {
        let output =
            bouncewatch(dir.path(), &[&["classify", "550 zonk frobnicated", "--format", "json"], args].concat());
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap()["type"].as_str().unwrap().to_owned()
    };
    assert_eq!((kind(&["--ndr-model", "one.bin"]).as_str(), kind(&[]) == "T13"), ("T13", false));
    let output = bouncewatch(dir.path(), &["eval", "ndr", "--input", "in.jsonl", "--ndr-model", "one.bin"]);
    assert!(stdout(&output).starts_with("replies 100  accuracy 1.0000"), "{}", stdout(&output));
    fails(dir.path(), &["classify", "x", "--ndr-model", "g.tsv"], 1, "g.tsv: this is no model of replies");
    fails(dir.path(), &["classify", "x", "--ndr-model", "none.bin"], 1, "cannot read none.bin");
    fails(dir.path(), &["train", "ndr", "--labelled", "g.tsv"], 1, "g.tsv: line 1");
}

/// Two minutes unoptimised: `cargo test --release --test it shipped_model -- --ignored`.
#[test]
#[ignore = "fitting the whole grammar takes minutes"]
fn the_shipped_model_is_what_train_writes() {
    let dir = tempfile::tempdir().unwrap();
    let output = bouncewatch(dir.path(), &["train", "ndr", "--output", "model.bin"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/ndr/model.bin");
    assert!(
        fs::read(dir.path().join("model.bin")).unwrap() == fs::read(shipped).unwrap(),
        "retrain data/ndr/model.bin"
    );
}

/// `build` has the language model stage only with its feature; without one, or without the model, it says so before work.
#[test]
fn a_language_model_that_cannot_be_had_is_a_usage_error() {
    let dir = given(format!("{GOOD}\n").as_bytes());
    let says = if cfg!(feature = "lm") { "has no model.safetensors" } else { "--features lm" };
    fails(dir.path(), &["run", "in.jsonl", "--offline", "--lm-model", "nowhere"], 2, says);
    assert!(!dir.path().join("reports").exists(), "refused before the work");
    assert!(bouncewatch(dir.path(), &["run", "in.jsonl", "--offline"]).status.success());
    fails(dir.path(), &["templates", "--lm-model", "nowhere"], 2, says);
}

#[test]
fn template_ids_stay_and_new_ones_are_told() {
    let dir = given(b"");
    let night = |day: &str, replies: &[&str]| {
        let lines: Vec<String> = replies
            .iter()
            .map(|reply| GOOD.replace("250 OK", reply).replace("2022-06-08", day).replace("b@y", "c@y"))
            .collect();
        fs::write(dir.path().join(format!("{day}.jsonl")), lines.join("\n") + "\n").unwrap();
        let output = bouncewatch(dir.path(), &["run", &format!("{day}.jsonl"), "--offline"]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    let rows = |args: &[&str]| -> Vec<serde_json::Value> {
        let output = bouncewatch(dir.path(), &[&["templates"], args].concat());
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    night(
        "2022-06-08",
        &["550 5.1.1 <c@y.example>: Recipient address rejected: User unknown in local recipient table"],
    );
    let first = rows(&[]);
    night(
        "2022-06-09",
        &[
            "550 5.1.1 <c@y.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 5.1.1 <c@y.example>: Recipient address rejected: User unknown in virtual alias table",
            "552 5.2.2 Mailbox full",
        ],
    );
    let all = rows(&[]);
    assert_eq!((all.len(), &all[0]["id"]), (2, &first[0]["id"]), "{all:?}");
    assert_eq!((&all[0]["count"], &all[0]["forms"], &all[0]["source"]), (&3.into(), &3.into(), &"model".into()));
    assert!(all[0]["template"].as_str().unwrap().ends_with("User unknown in <*> <*> table"), "{all:?}");
    let new = rows(&["--new-since", "2022-06-09"]);
    assert_eq!((new.len(), &new[0]["type"]), (1, &"T9".into()), "{new:?}");
    let top = &report(dir.path())["templates"];
    assert_eq!(
        (&top["distinct"], &top["top"][0]["id"], &top["top"][0]["count"]),
        (&2.into(), &first[0]["id"], &3.into())
    );
    let hidden = rows(&["--redact"]);
    assert!(!hidden[0]["example"].as_str().unwrap().contains("<c@y.example>"), "{hidden:?}");
}

#[test]
fn options_may_come_from_file_environment_or_flag() {
    let dir = given(GOOD.as_bytes());
    fs::write(
        dir.path().join("b.toml"),
        "db = \"from-file.db\"\nreports = \"from-file\"\noffline = true\n[run]\ninput = [\"in.jsonl\"]\n",
    )
    .unwrap();
    let mut command = start(dir.path(), &["run", "--config", "b.toml", "--reports", "from-flag"]);
    let output = command.env("BOUNCEWATCH_DB", "from-environment.db").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(dir.path().join("from-environment.db").exists() && !dir.path().join("from-file.db").exists());
    assert!(dir.path().join("from-flag/latest/report.json").exists() && !dir.path().join("from-file").exists());
    fs::write(dir.path().join("b.toml"), "databse = \"x\"\n").unwrap();
    fails(dir.path(), &["run", "in.jsonl", "--config", "b.toml"], 2, "databse");
}

/// `reports/sample` is what the README's command writes; remake it by running that and copying `reports/latest` there.
#[test]
fn the_sample_report_is_not_stale() {
    let (dir, root) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let paths = [dir.path().join("sample.db"), dir.path().join("reports")].map(|p| p.display().to_string());
    let args = ["run", "data/sample/coremail.jsonl", "--offline", "--db", &paths[0], "--reports", &paths[1]];
    let output = bouncewatch(root, &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut compared = 0;
    for entry in fs::read_dir(dir.path().join("reports/latest")).unwrap() {
        let path = entry.unwrap().path();
        let kept = root.join("reports/sample").join(path.file_name().unwrap());
        assert!(fs::read(&path).unwrap() == fs::read(&kept).unwrap(), "{} is stale", kept.display());
        compared += 1;
    }
    assert_eq!(compared, 6);
}
