//! The ledger as a table: what goes out comes in again, and what many machines read is what one would have read.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use bouncewatch::{
    simulate::{self, Options},
    store::Store,
};
use serde_json::{Value, json};

use crate::cli::{bouncewatch, start, stderr};

const RECORDS: u64 = 10_000;
const SHARDS: usize = 8;

/// What a store holds of a ledger, in words: tables that say the same have the same rows whatever the names' numbers.
const TABLES: [(&str, &str); 12] = [
    ("inputs", "SELECT * FROM inputs"),
    ("names", "SELECT name FROM names WHERE id > 0"),
    ("days", "SELECT * FROM days"),
    ("day_types", "SELECT * FROM day_types"),
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

/// Who met whom in a store, in words.
fn contacts(store: &Path) -> Vec<String> {
    let ledger = Store::open(store).unwrap().ledger(None).unwrap();
    let name = |name| ledger.names.text(name);
    let met = ledger.contacts.iter();
    let mut told: Vec<String> = met
        .map(|(k, c)| format!("{} {} {} {:?} {c:?}", name(k.sender), name(k.client), name(k.recipient), k.direction))
        .collect();
    told.sort_unstable();
    told
}

fn same_ledger(one: &Path, other: &Path, but: &[&str]) {
    let (left, right) = (contacts(one), contacts(other));
    assert!(!left.is_empty() && left == right, "contacts differ, {} and {} rows", left.len(), right.len());
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

/// The night of a store that read its mail, and that of one that was given a ledger: all of both reports.
fn same_reports(dir: &Path, one: &str, other: &str) {
    let out = format!("{other}.night");
    done(&bouncewatch(dir, &["run", "--offline", "--db", other, "--reports", &out]));
    let (one, other) = (report(dir, one), report(dir, other));
    assert_eq!(one.len(), other.len());
    for ((name, left), (_, right)) in one.into_iter().zip(other) {
        assert!(left == right, "{} differs", name.display());
    }
}

/// How senders and visitors introduced themselves, which Coremail's form does not tell.
const INTRODUCED: [&str; 2] = [
    "SELECT s.name, c.name, l.name, mails FROM logins JOIN names s ON s.id = sender JOIN names c ON c.id = client JOIN names l ON l.id = login",
    "SELECT c.name, h.name, mails FROM helos JOIN names c ON c.id = client JOIN names h ON h.id = helo",
];

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
fn two_servers_are_one() {
    let every = |seed| {
        let dir = tempfile::tempdir().unwrap();
        simulate::simulate(dir.path(), &Options { seed, records: 7_000, every: true, ..Options::default() }).unwrap();
        dir
    };
    // Other mail of the same people on another machine.
    let (dir, other) = (every(5), every(9));
    let other = fs::read_to_string(other.path().join("mail.log")).unwrap().replace(" postfix/", "-b postfix/");
    fs::write(dir.path().join("other.log"), other).unwrap();
    let at = |db: &str| dir.path().join(db);
    let mut outs = Vec::new();
    for log in ["mail.log", "other.log"] {
        let (db, out) = (format!("{log}.db"), format!("{log}.ledger"));
        done(&bouncewatch(dir.path(), &["run", log, "--offline", "--db", &db]));
        done(&bouncewatch(dir.path(), &["ledger", "export", &out, "--db", &db]));
        outs.push(out);
    }
    done(&bouncewatch(dir.path(), &["run", "mail.log", "other.log", "--offline", "--db", "one.db"]));
    for (db, order) in [("two.db", [0, 1]), ("owt.db", [1, 0])] {
        for n in order {
            done(&bouncewatch(dir.path(), &["ledger", "import", &outs[n], "--db", db]));
        }
        same_reports(dir.path(), "one.db", db);
    }
    for sql in INTRODUCED {
        let (one, other) = (rows(&at("two.db"), sql), rows(&at("owt.db"), sql));
        assert!(one.len() > 100 && one == other, "{} and {} rows: {sql}", one.len(), other.len());
    }
    let report = fs::read_to_string(at("one.reports").join("latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let stolen = json!(["front.desk@brightwater.cn"]);
    let campaigns = report["campaigns"].as_array().unwrap();
    assert!(campaigns.iter().any(|c| c["logins"] == stolen && c["senders"].as_array().unwrap().len() == 150));
}

#[test]
fn what_a_store_counts_already_is_not_taken_in_again() {
    let dir = world(4);
    let dir = dir.path();
    let text = fs::read_to_string(dir.join("coremail.jsonl")).unwrap();
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    for (night, part) in [("n1", &text[..half]), ("n2", &text[half..])] {
        fs::write(dir.join(format!("{night}.jsonl")), part).unwrap();
        done(&bouncewatch(dir, &["run", &format!("{night}.jsonl"), "--offline", "--db", "mx.db"]));
        done(&bouncewatch(dir, &["ledger", "export", night, "--db", "mx.db"]));
    }
    done(&bouncewatch(dir, &["ledger", "import", "n1", "--db", "all.db"]));
    let before = rows(&dir.join("all.db"), "SELECT * FROM contacts");
    // The second night's export holds the first one, too.
    for (ledger, db) in [("n2", "all.db"), ("n2", "mx.db")] {
        refused(dir, &["ledger", "import", ledger, "--db", db], ".jsonl is in");
    }
    assert!(before == rows(&dir.join("all.db"), "SELECT * FROM contacts"), "nothing was done");
    done(&bouncewatch(dir, &["ledger", "import", "n2", "--db", "new.db"]));
    same_ledger(&dir.join("mx.db"), &dir.join("new.db"), &[]);
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

/// The ledger a command writes to standard output.
fn written(dir: &Path, name: &str, args: &[&str], input: &[u8]) -> String {
    let mut command = start(dir, args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    done(&output);
    fs::write(dir.join(name), output.stdout).unwrap();
    name.to_owned()
}

fn partial(dir: &Path, file: &str, from: usize, length: usize) -> String {
    let (offset, length) = (from.to_string(), length.to_string());
    written(dir, &format!("{from}.arrow"), &["ledger", "partial", "--range", file, &offset, &length], b"")
}

fn refused(dir: &Path, args: &[&str], says: &str) {
    let output = bouncewatch(dir, args);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
    assert!(told.contains(says) && !told.contains("panicked"), "{args:?} should say {says:?}: {told}");
}

#[test]
fn splits_in_any_order_are_the_whole_and_a_job_is_imported_once() {
    let dir = world(7);
    let dir = dir.path();
    let mut bytes = fs::read(dir.join("coremail.jsonl")).unwrap();
    bytes.extend_from_slice(b"{\"from\":\"broken\n");
    fs::write(dir.join("log.jsonl"), &bytes).unwrap();
    let step = bytes.len() / 5 + 1;
    let parts: Vec<String> = (0..5).map(|n| partial(dir, "log.jsonl", n * step, step)).collect();
    let p: Vec<&str> = parts.iter().map(String::as_str).collect();
    let whole = written(dir, "whole.arrow", &["ledger", "partial", "-"], &bytes);
    let merge = |name: &str, of: &[&str], input: &[u8]| {
        let name = written(dir, name, &[&["ledger", "merge", "--out", "-"], of].concat(), input);
        fs::read(dir.join(name)).unwrap()
    };
    let once = merge("once.arrow", &[&whole], b"");
    assert!(once == merge("there.arrow", &p, b""), "five splits");
    assert!(once == merge("back.arrow", &[p[3], p[0], p[4], p[2], p[1]], b""), "in another order");
    merge("left.arrow", &p[..2], b"");
    let right = merge("right.arrow", &p[2..], b"");
    assert!(once == merge("tree.arrow", &["left.arrow", "-"], &right), "in another grouping, by a pipe");

    let lines = bytes.iter().filter(|b| **b == b'\n').count();
    let mut manifest = json!({ "lines": lines, "bytes": bytes.len(), "records": lines - 1, "rejects": 1 });
    let say = |manifest: &Value| fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
    let import =
        [&["ledger", "import", "--db", "job.db", "--job-id", "night 7", "--manifest", "manifest.json"], &p[..]]
            .concat();
    for key in ["lines", "bytes", "records", "rejects"] {
        let truth = manifest[key].take();
        manifest[key] = json!(truth.as_u64().unwrap() + 1);
        say(&manifest);
        refused(dir, &import, &format!("{key}, the manifest says"));
        manifest[key] = truth;
    }
    say(&manifest);
    // A part that is lost and one that is there twice, without a manifest: rows and totals still agree; with it they do not.
    refused(dir, &import[..import.len() - 1], "the manifest says");
    refused(dir, &[&import[..], &p[..1]].concat(), "the manifest says");
    done(&bouncewatch(dir, &import));
    let before = rows(&dir.join("job.db"), "SELECT * FROM contacts");
    let again = bouncewatch(dir, &import);
    done(&again);
    assert!(stderr(&again).contains("night 7 was imported on 2022-07-04"), "{}", stderr(&again));
    assert!(before == rows(&dir.join("job.db"), "SELECT * FROM contacts"), "the same job twice");
    done(&bouncewatch(dir, &["run", "--offline", "--db", "read.db", "log.jsonl"]));
    same_ledger(&dir.join("read.db"), &dir.join("job.db"), &["inputs"]);
    same_bytes(&dir.join("read.db"), &dir.join("job.db"));
    same_reports(dir, "read.db", "job.db");
}

#[test]
fn what_is_no_ledger_is_refused_in_words() {
    let dir = world(8);
    let dir = dir.path();
    let whole = fs::read(dir.join(partial(dir, "coremail.jsonl", 0, 1 << 20))).unwrap();
    let import = ["ledger", "import", "bad", "--db", "bad.db"];
    for (bytes, says) in [
        (&b""[..], "is empty"),
        (b"this is no ledger, it is a letter", "no intact ledger stream"),
        (b"PAR1 and then nothing of the kind", "no intact Parquet file"),
        (&whole[..whole.len() / 2], "no intact ledger stream"),
        (&whole[..whole.len() - 8], "breaks off"),
        (&[&whole[..], b"more"].concat(), "no intact ledger stream"),
    ] {
        fs::write(dir.join("bad"), bytes).unwrap();
        refused(dir, &import, says);
    }
    fs::create_dir(dir.join("empty")).unwrap();
    refused(dir, &["ledger", "import", "empty", "--db", "bad.db"], "holds no ledger");
    // A mail of a line log goes over many lines.
    let cut = bouncewatch(dir, &["ledger", "partial", "--range", "mail.log", "100", "1000"]);
    assert_eq!(cut.status.code(), Some(2), "{}", stderr(&cut));
    assert!(stderr(&cut).contains("cannot be cut"), "{}", stderr(&cut));
    let bare = bouncewatch(dir, &["run", "--offline", "--db", "none.db"]);
    assert_eq!(bare.status.code(), Some(2), "{}", stderr(&bare));
}
