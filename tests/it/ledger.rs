//! The ledger as a table: what goes out comes in again, and what many machines read is what one would have read.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use bouncewatch::simulate::{self, Options};
use serde_json::{Value, json};

use crate::cli::{bouncewatch, start, stderr};

const RECORDS: u64 = 10_000;
const SHARDS: usize = 8;

/// What a store holds of a ledger, in words: tables that say the same have the same rows whatever the names' numbers.
const TABLES: [(&str, &str); 13] = [
    ("inputs", "SELECT * FROM inputs"),
    ("names", "SELECT name FROM names WHERE id > 0"),
    ("days", "SELECT * FROM days"),
    ("day_types", "SELECT * FROM day_types"),
    (
        "contacts",
        "SELECT s.name, c.name, r.name, direction, first, last, first_answer, accepted_first, accepted_last, accepted, unknown, no_domain, other
         FROM contacts JOIN names s ON s.id = sender JOIN names c ON c.id = client JOIN names r ON r.id = recipient",
    ),
    (
        "refusals",
        "SELECT s.name, r.name, day, type, direction, emails FROM refusals JOIN names s ON s.id = sender JOIN names r ON r.id = recipient",
    ),
    ("templates", "SELECT * FROM templates"),
    ("founders", "SELECT * FROM founders"),
    ("blocklist_days", "SELECT * FROM blocklist_days"),
    ("blocklist_ips", "SELECT * FROM blocklist_ips"),
    ("blocklist_receivers", "SELECT * FROM blocklist_receivers"),
    ("authentication", "SELECT * FROM authentication"),
    ("sender_passes", "SELECT * FROM sender_passes"),
];

fn rows(store: &Path, sql: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(store).unwrap();
    let mut select = db.prepare(sql).unwrap();
    let width = select.column_count();
    let told = select.query_map([], |row| {
        (0..width).map(|n| row.get_ref(n).map(|value| format!("{value:?}"))).collect::<Result<Vec<_>, _>>()
    });
    let mut rows: Vec<String> = told.unwrap().map(|row| row.unwrap().join(" ")).collect();
    rows.sort_unstable();
    rows
}

fn same_ledger(one: &Path, other: &Path, but: &[&str]) {
    for (table, sql) in TABLES.iter().filter(|(table, _)| !but.contains(table)) {
        let (left, right) = (rows(one, sql), rows(other, sql));
        assert!(!left.is_empty(), "{table} is empty");
        if let Some(n) = (0..left.len().max(right.len())).find(|&n| left.get(n) != right.get(n)) {
            panic!("{table} differs, {} and {} rows:\n{:?}\n{:?}", left.len(), right.len(), left.get(n), right.get(n));
        }
    }
}

/// The very rows, with the names' numbers.
fn same_bytes(one: &Path, other: &Path) {
    for table in ["names", "contacts", "refusals"] {
        let sql = format!("SELECT * FROM {table}");
        assert!(rows(one, &sql) == rows(other, &sql), "{table} has other numbers");
    }
}

fn done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
}

/// All files of the report of a store, by `report`: it names no inputs.
fn report(dir: &Path, db: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let out = dir.join(db).with_extension("reports");
    done(&bouncewatch(dir, &["report", "--db", db, "--reports", out.to_str().unwrap()]));
    let mut files: Vec<_> = fs::read_dir(out.join("latest"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    files
}

fn same_reports(dir: &Path, one: &str, other: &str) {
    let (one, other) = (report(dir, one), report(dir, other));
    assert_eq!(one.len(), other.len());
    for ((name, left), (_, right)) in one.into_iter().zip(other) {
        assert!(left == right, "{} differs", name.display());
    }
}

fn world(seed: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    simulate::simulate(dir.path(), &Options { seed, records: RECORDS, ..Options::default() }).unwrap();
    dir
}

#[test]
fn a_ledger_comes_in_as_it_went_out() {
    let dir = world(5);
    for log in ["coremail.jsonl", "mail.log"] {
        let (db, out, again) = (format!("{log}.db"), format!("{log}.ledger"), format!("{log}.again.db"));
        done(&bouncewatch(dir.path(), &["run", log, "--offline", "--db", &db]));
        done(&bouncewatch(dir.path(), &["ledger", "export", &out, "--db", &db]));
        done(&bouncewatch(dir.path(), &["ledger", "import", &out, "--db", &again]));
        same_reports(dir.path(), &db, &again);
        if log == "coremail.jsonl" {
            same_ledger(&dir.path().join(&db), &dir.path().join(&again), &[]);
            same_bytes(&dir.path().join(&db), &dir.path().join(&again));
        }
        let before = fs::read(dir.path().join(&out).join("ledger.parquet")).unwrap();
        done(&bouncewatch(dir.path(), &["ledger", "export", &out, "--db", &again]));
        assert!(before == fs::read(dir.path().join(&out).join("ledger.parquet")).unwrap(), "{log}: other bytes");
    }
}

#[test]
fn eight_machines_are_one() {
    let dir = world(6);
    let text = fs::read_to_string(dir.path().join("coremail.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut shards = vec![String::new(); SHARDS];
    for (n, line) in lines.iter().enumerate() {
        // Neither in order nor at random: every machine has mail of every day.
        shards[n * 5 % SHARDS] += &format!("{line}\n");
    }
    let names: Vec<String> = (0..SHARDS).map(|n| format!("part-{n}.jsonl")).collect();
    for (name, shard) in names.iter().zip(&shards) {
        fs::write(dir.path().join(name), shard).unwrap();
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    done(&bouncewatch(dir.path(), &[&["run", "--offline", "--db", "one.db"], &all[..]].concat()));
    let mut outs: Vec<String> = Vec::new();
    for name in &names {
        let (db, out) = (format!("{name}.db"), format!("{name}.ledger"));
        done(&bouncewatch(dir.path(), &["run", "--offline", "--db", &db, name]));
        done(&bouncewatch(dir.path(), &["ledger", "export", &out, "--db", &db]));
        outs.push(out);
    }
    let outs: Vec<&str> = outs.iter().map(String::as_str).collect();
    let at = |db: &str| dir.path().join(db);
    done(&bouncewatch(dir.path(), &[&["ledger", "import", "--db", "at-once.db"], &outs[..]].concat()));
    same_ledger(&at("one.db"), &at("at-once.db"), &[]);
    same_bytes(&at("one.db"), &at("at-once.db"));
    same_reports(dir.path(), "one.db", "at-once.db");
    // One after the other, the last first, and some twice.
    for out in outs.iter().rev().chain(&outs[2..4]) {
        done(&bouncewatch(dir.path(), &["ledger", "import", out, "--db", "in-turn.db"]));
    }
    same_ledger(&at("one.db"), &at("in-turn.db"), &[]);
    same_reports(dir.path(), "one.db", "in-turn.db");
    // The whole in one run, without the marks of eight files.
    done(&bouncewatch(dir.path(), &["run", "--offline", "--db", "whole.db", "coremail.jsonl"]));
    same_ledger(&at("whole.db"), &at("at-once.db"), &["inputs"]);
}
