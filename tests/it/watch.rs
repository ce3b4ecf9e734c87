//! `bouncewatch watch` on a log that grows, is rotated in every usual way, and whose watcher is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bouncewatch::simulate::{self, Options};
use serde_json::Value;

use crate::cli::{GOOD, bouncewatch, start, stderr, stdout};

/// A mail whose first line a run read, and whose last a watch did, is one mail; the other way round as well.
#[test]
fn a_mail_may_begin_in_a_run_and_end_in_a_watch() {
    let line = |second: u32, what: &str| format!("2022-06-08T10:00:0{second}+00:00 mx postfix/{what}\n");
    let begins = line(0, "qmgr[8]: 3F2A1B4C5D: from=<a@x.example>, size=9, nrcpt=1 (queue active)");
    let ends = line(
        1,
        "smtp[7]: 3F2A1B4C5D: to=<bob@y.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.4.4, status=bounced (no host)",
    ) + &line(2, "qmgr[8]: 3F2A1B4C5D: removed");
    for [first, second] in [["run", "watch"], ["watch", "run"]] {
        let dir = tempfile::tempdir().unwrap();
        for (command, piece) in [(first, &begins), (second, &ends)] {
            append(&dir.path().join("mail.log"), piece);
            let how = if command == "run" { "--offline" } else { "--once" };
            let output = bouncewatch(dir.path(), &[command, "mail.log", how]);
            assert!(output.status.success(), "{command}: {}", stderr(&output));
        }
        let db = rusqlite::Connection::open(dir.path().join("bouncewatch.db")).unwrap();
        let senders =
            db.query_row("SELECT count(*) FROM names WHERE name = 'a@x.example'", [], |row| row.get::<_, i64>(0));
        assert_eq!(senders, Ok(1), "{first} before {second}");
    }
}

#[test]
fn what_is_no_log_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prose"), "this is a letter\nand no log at all\n".repeat(200)).unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    for (input, status, says) in [
        ("prose", 1, "0 of 400 lines recognised"),
        ("missing", 1, "no mail log found in missing"),
        ("empty", 0, "0 lines"),
    ] {
        let output = bouncewatch(dir.path(), &["watch", input, "--once"]);
        let said = stderr(&output);
        assert!(output.status.code() == Some(status) && said.contains(says), "{input}: {said}");
        assert!(!dir.path().join("reports/2022-07-04").exists(), "{input} has no bad lines: it is no log");
    }
}

/// Line and excerpt of each row of the day's quarantine.
fn quarantined(dir: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(dir.join("reports/2022-07-04/quarantine.jsonl")).unwrap();
    let row = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
    let rows = text.lines().map(row).map(|r| (r["line"].as_u64().unwrap(), r["excerpt"].as_str().unwrap().to_owned()));
    rows.collect()
}

#[test]
fn bad_lines_are_quarantined_before_they_count_as_read() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, log) = (dir.path(), dir.path().join("q.log"));
    append(&log, &format!("{GOOD}\nno record\n{}{{\"torn\n", format!("{GOOD}\n").repeat(999)));
    let done = |args: &[&str]| {
        let output = bouncewatch(dir, args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stderr(&output)
    };
    let said = done(&["watch", "q.log", "--once"]);
    assert!(said.contains("1002 lines, 1000 mails, 2 lines refused"), "{said}");
    assert!(said.contains("2 lines could not be read; see reports/2022-07-04/quarantine.jsonl\n"), "{said}");
    let mut rows = vec![(2, "no record".to_owned()), (1_002, "{\"torn".to_owned())];
    assert_eq!(quarantined(dir), rows);
    let mode = |name: &str| fs::metadata(dir.join("reports/2022-07-04").join(name)).unwrap().permissions().mode();
    assert_eq!((mode("quarantine.jsonl") & 0o777, mode("") & 0o777), (0o600, 0o700));
    // There is no report yet, so that nothing is the latest; a view of some days does not mind.
    done(&["report", "--since", "2022-06-09"]);
    assert!(fs::symlink_metadata(dir.join("reports/latest")).is_err());
    // A watch that was killed before it had stored anything finds its rows.
    fs::remove_file(dir.join("bouncewatch.db")).unwrap();
    done(&["watch", "q.log", "--once"]);
    assert_eq!(quarantined(dir), rows);
    // One that goes on counts on.
    append(&log, &format!("{GOOD}\nnor this\n"));
    done(&["watch", "q.log", "--once"]);
    rows.push((1_004, "nor this".to_owned()));
    assert_eq!(quarantined(dir), rows);
    // The night's run, which does not read them again, and a report leave them beside what they write.
    done(&["run", "q.log", "--offline"]);
    done(&["report"]);
    assert_eq!(quarantined(dir), rows);
    let report = fs::read_to_string(dir.join("reports/latest/report.json")).unwrap();
    assert!(report.contains("\"already_seen\": 1001"), "{report}");
}

/// A watch of standard input that is written to in pieces, with a second between them.
fn piped(dir: &Path, pieces: &[&str]) -> std::process::Output {
    let mut command = start(dir, &["watch", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for (n, piece) in pieces.iter().enumerate() {
        thread::sleep(Duration::from_secs(u64::from(n > 0)));
        input.write_all(piece.as_bytes()).unwrap();
    }
    thread::sleep(Duration::from_secs(u64::from(pieces.len() > 1)));
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn standard_input_has_as_many_lines_as_were_written() {
    let whole = format!("{GOOD}\n{GOOD}\n{GOOD}\n");
    // With a last line that has its end, without, and where that end of the input comes late.
    for pieces in [&[&whole[..]][..], &[whole.trim_end()], &[&whole, GOOD]] {
        let dir = tempfile::tempdir().unwrap();
        let said = stderr(&piped(dir.path(), pieces));
        let lines = 2 + pieces.len();
        assert!(said.contains(&format!("{lines} lines, {lines} mails, 0 lines refused")), "{said}");
    }
}

#[test]
fn whoever_pipes_the_same_mail_in_again_is_told_that_it_counts_again() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        piped(dir.path(), &[&format!("{GOOD}\n")]);
    }
    assert!(bouncewatch(dir.path(), &["report", "--format", "json"]).status.success());
    let report = fs::read_to_string(dir.path().join("reports/latest/report.json")).unwrap();
    assert!(report.contains("\"total\": 2"), "{report}");
    let help = stdout(&bouncewatch(dir.path(), &["watch", "--help"]));
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for text in [help, readme] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("piped in again") && text.contains("counts again"), "{text}");
    }
}

#[test]
fn what_came_before_any_line_of_a_log_is_quarantined_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let output = piped(dir.path(), &["what is this\n\n", &format!("{GOOD}\nno record\n{GOOD}\n")]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(quarantined(dir.path()), [(1, "what is this".to_owned()), (4, "no record".to_owned())]);
}

struct World {
    _dir: tempfile::TempDir,
    log: String,
    truth: Value,
}

fn world(seed: u64) -> World {
    let dir = tempfile::tempdir().unwrap();
    simulate::simulate(dir.path(), &Options { seed, records: 5_000, ..Options::default() }).unwrap();
    let log = fs::read_to_string(dir.path().join("mail-rfc3339.log")).unwrap();
    let truth = serde_json::from_str(&fs::read_to_string(dir.path().join("truth.json")).unwrap()).unwrap();
    World { _dir: dir, log, truth }
}

impl World {
    /// The log in so many pieces of whole lines.
    fn pieces(&self, n: usize) -> Vec<String> {
        let lines: Vec<&str> = self.log.lines().collect();
        lines.chunks(lines.len() / n + 1).map(|piece| piece.join("\n") + "\n").collect()
    }
}

fn watch(dir: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bouncewatch"))
        .current_dir(dir)
        .args(["watch", "mail.log", "--quiet", "--now", "2022-07-04T02:00:00Z"])
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn alerts(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("reports/alerts.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every mail was read once, and every campaign that is easy to find was told once, with its start.
fn told_once(dir: &Path, world: &World) {
    let output = bouncewatch(dir, &["report", "--format", "json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("reports/latest/report.json")).unwrap()).unwrap();
    for degree in ["total", "non_bounced", "soft_bounced", "hard_bounced"] {
        assert_eq!(report["deliveries"][degree], world.truth["files"]["mail-rfc3339.log"]["all"][degree], "{degree}");
    }
    let alerts = alerts(dir);
    let mut starts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &alerts {
        *starts.entry(line["id"].as_str().unwrap()).or_default() += usize::from(line["event"] == "started");
    }
    assert!(starts.values().all(|n| *n == 1), "{starts:?}");
    let texts = |v: &Value| -> BTreeSet<String> {
        v.as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect()
    };
    for campaign in world.truth["campaigns"].as_array().unwrap().iter().filter(|c| c["fast"] == true) {
        let origins: BTreeSet<String> = texts(&campaign["senders"]).union(&texts(&campaign["ips"])).cloned().collect();
        let targets = texts(&campaign["target_domains"]);
        let mine: Vec<&Value> = alerts
            .iter()
            .filter(|line| line["event"] == "started")
            .filter(|line| !texts(&line["origins"]).is_disjoint(&origins))
            .filter(|line| !texts(&line["target_domains"]).is_disjoint(&targets))
            .collect();
        assert_eq!(mine.len(), 1, "{} ({}): {mine:#?}", campaign["id"], campaign["kind"]);
    }
    for benign in world.truth["benign"].as_array().unwrap() {
        for name in [&benign["sender"], &benign["ip"]].into_iter().filter_map(Value::as_str).filter(|n| !n.is_empty()) {
            assert!(alerts.iter().all(|line| !texts(&line["origins"]).contains(name)), "benign {name} is told of");
        }
    }
}

#[test]
fn rotation_in_every_way_loses_and_doubles_nothing() {
    let (world, dir) = (world(5), tempfile::tempdir().unwrap());
    let log = dir.path().join("mail.log");
    let mut child = watch(dir.path(), &["--until-idle", "4"]);
    for (n, piece) in world.pieces(9).into_iter().enumerate() {
        // Half a line now, the other half a little later.
        let half = piece.len() / 2 + 7;
        append(&log, &piece[..half]);
        thread::sleep(Duration::from_millis(300));
        append(&log, &piece[half..]);
        match n {
            2 => fs::rename(&log, dir.path().join("mail.log.1")).unwrap(),
            4 => {
                // copytruncate, before everything was read.
                fs::copy(&log, dir.path().join("mail.log-20220620")).unwrap();
                File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
                thread::sleep(Duration::from_millis(600));
            }
            6 => {
                thread::sleep(Duration::from_millis(900));
                let mut packed = flate2::write::GzEncoder::new(
                    File::create(dir.path().join("mail.log.2.gz")).unwrap(),
                    flate2::Compression::fast(),
                );
                packed.write_all(&fs::read(&log).unwrap()).unwrap();
                packed.finish().unwrap();
                fs::remove_file(&log).unwrap();
            }
            _ => {}
        }
    }
    assert!(child.wait().unwrap().success());
    told_once(dir.path(), &world);
    assert!(alerts(dir.path()).iter().any(|line| line["event"] == "ended"));
}

#[test]
fn killed_at_any_moment_it_tells_everything_once() {
    let (world, dir) = (world(6), tempfile::tempdir().unwrap());
    let log = dir.path().join("mail.log");
    let mut roll = 0x2545_f491_4f6c_dd1d_u64;
    for (n, piece) in world.pieces(12).into_iter().enumerate() {
        append(&log, &piece);
        if n == 0 {
            // Nobody knows of a log that was rotated away before anything of it was kept.
            assert!(watch(dir.path(), &["--once"]).wait().unwrap().success());
        }
        let mut child = watch(dir.path(), &[]);
        roll = roll.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis(20 + (roll >> 33) % 900));
        child.kill().unwrap();
        child.wait().unwrap();
        if roll.is_multiple_of(5) {
            // What a crash of the machine leaves: a line without its end.
            append(&dir.path().join("reports/alerts.jsonl"), "{\"id\":\"torn");
        }
        if n > 0 && roll % 4 < 2 {
            fs::rename(&log, dir.path().join(format!("mail.log.{n}"))).unwrap();
            // The watcher meets the new log first, and finds the rest of the old one beside it.
        }
    }
    assert!(watch(dir.path(), &["--once"]).wait().unwrap().success());
    told_once(dir.path(), &world);
}

#[test]
fn a_signal_ends_it_cleanly_and_an_alert_comes_while_it_runs() {
    let (world, dir) = (world(7), tempfile::tempdir().unwrap());
    append(&dir.path().join("mail.log"), &world.log);
    let mut child = watch(dir.path(), &[]);
    let begun = Instant::now();
    while alerts(dir.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no alert came");
        thread::sleep(Duration::from_millis(50));
    }
    let status = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn standard_input_is_followed_to_its_end() {
    let (world, dir) = (world(8), tempfile::tempdir().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_bouncewatch"))
        .current_dir(dir.path())
        .args(["watch", "-", "--now", "2022-07-04T02:00:00Z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(world.log.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    // Nobody looks at a pipe: what goes there is what `alerts.jsonl` says.
    assert!(!output.stdout.is_empty());
    assert_eq!(stdout(&output), fs::read_to_string(dir.path().join("reports/alerts.jsonl")).unwrap());
    fs::write(dir.path().join("empty"), "").unwrap();
    let asked = bouncewatch(dir.path(), &["watch", "empty", "--once", "--reports", "others", "--format", "text"]);
    assert!(stdout(&asked).lines().any(|line| line.contains(" started ")), "{}", stderr(&asked));
    told_once(dir.path(), &world);
}
