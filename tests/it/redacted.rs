//! `db redact`: nobody's name is left in any byte of the file, and the store still works.

use std::{collections::BTreeSet, fs, path::Path};

use bouncewatch::{
    simulate::{self, Options},
    store::Store,
};

use crate::cli::{bouncewatch, stderr};

/// Local parts nobody could take for a word of the language or of SQL.
fn people(db: &Path) -> BTreeSet<String> {
    let db = rusqlite::Connection::open(db).unwrap();
    let mut select = db.prepare("SELECT name FROM names WHERE name LIKE '%@%'").unwrap();
    let names: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names
        .iter()
        .filter_map(|name| name.rsplit_once('@').map(|(local, _)| local.to_lowercase()))
        .filter(|local| local.len() >= 6 && local.chars().any(|c| !c.is_ascii_alphabetic()) && !local.starts_with("u-"))
        .collect()
}

fn left(dir: &Path, people: &BTreeSet<String>) -> Vec<String> {
    let mut bytes = Vec::new();
    for name in ["bouncewatch.db", "bouncewatch.db-wal", "bouncewatch.db-shm"] {
        bytes.extend(fs::read(dir.join(name)).unwrap_or_default().to_ascii_lowercase());
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    people.iter().filter(|local| text.contains(local.as_str())).cloned().collect()
}

#[test]
fn no_byte_names_anybody_and_the_next_night_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    simulate::simulate(dir.path(), &Options { seed: 9, records: 2_000, ..Options::default() }).unwrap();
    let good = |args: &[&str]| {
        let output = bouncewatch(dir.path(), args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    };
    good(&["run", "mail-rfc3339.log", "--offline"]);
    good(&["disclose", "draft", "--from", "desk@b.example"]);
    let db = dir.path().join("bouncewatch.db");
    let people = people(&db);
    assert!(people.len() > 100, "only {} people", people.len());
    assert!(left(dir.path(), &people).len() > 100, "the test sees nothing");
    let totals = || -> (u64, i64) {
        let ledger = Store::open(&db).unwrap().ledger(None).unwrap();
        let mails = ledger.contacts.values().map(|c| c.accepted + c.unknown + c.no_domain + c.other).sum();
        let db = rusqlite::Connection::open(&db).unwrap();
        (mails, db.query_row("SELECT sum(emails) FROM refusals", [], |row| row.get(0)).unwrap())
    };
    let before = totals();
    let networks = || -> Vec<String> {
        let db = rusqlite::Connection::open(&db).unwrap();
        let mut select = db.prepare("SELECT owner FROM disclosures WHERE audience = 'network'").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let clear = networks().into_iter().collect::<BTreeSet<_>>();
    assert!(!clear.is_empty());
    good(&["db", "redact"]);
    assert_eq!(left(dir.path(), &clear), Vec::<String>::new());
    assert!(networks().iter().all(|owner| owner.starts_with("ip-")), "{:?}", networks());
    assert_eq!(left(dir.path(), &people), Vec::<String>::new());
    assert_eq!(totals(), before);
    good(&["report"]);
    good(&["disclose", "list"]);
    // The same people again, under their names: they become one with their pseudonyms.
    good(&["run", "coremail.jsonl", "--offline"]);
    assert!(!left(dir.path(), &people).is_empty());
    let between = totals();
    good(&["db", "redact", "--forget-key"]);
    assert_eq!(left(dir.path(), &people), Vec::<String>::new());
    assert_eq!(totals(), between);
    good(&["db", "redact"]);
    assert_eq!(totals(), between);
}
