//! Findings' memory between nights: one SQLite file. All SQL is here.
//!
//! In: a night's ledger with how far its inputs were read; registry answers; alerts raised, and who was told.
//! Out: the ledger of all nights; answers still fresh; what each sink has not been told yet.
//! Never: keeps a message, or half a night (a run is one transaction).

mod alerts;
mod cells;
mod contacts;
mod countries;
mod disclosures;
mod history;
mod imports;
mod introduced;
mod lock;
mod lookups;
mod nights;
mod pages;
#[cfg(test)]
mod plans;
mod redact;
mod sums;
mod templates;
mod upkeep;

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

pub use alerts::{Missing, Owed, Told};
pub use imports::Import;
pub use upkeep::Info;

use crate::error::Error;
use lock::Lock;

/// Numbered migrations: entry *n* leads from version *n* to *n + 1*.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("v2_alerts.sql"),
    include_str!("v3_disclosures.sql"),
    include_str!("v4_nights.sql"),
    include_str!("v5_templates.sql"),
    include_str!("v6_imports.sql"),
    include_str!("v7_indexes.sql"),
    include_str!("v8_crowd.sql"),
    include_str!("v9_introduced.sql"),
    include_str!("v10_countries.sql"),
    include_str!("v11_pages.sql"),
];

/// The version since which contacts stand in pages.
const PAGES: usize = 11;

/// The open database.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
    /// Held by who opened it to write.
    lock: Option<Lock>,
    /// SQLite's number for what others have written, when last looked at.
    seen: i64,
}

impl Store {
    /// Opens or creates the file (mode 0600) and brings it to this version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // SQLite gives its -wal and -shm files the mode of the database itself.
        let created = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        created.map_err(|cause| Error::Write { path: path.to_owned(), cause })?;
        let db = Connection::open(path).map_err(|e| explain(path, &e))?;
        Self::prepare(db, path.to_owned())
    }

    /// As [`Store::open`], alone until it is dropped: for commands that decide by what is stored and then write. `who`
    /// is what others are told meanwhile.
    pub fn open_alone(path: &Path, who: &str) -> Result<Self, Error> {
        let mut lock = Lock::of(path, who)?;
        lock.take()?;
        let mut store = Self::open(path)?;
        store.seen = store.written_by_others()?;
        store.lock = Some(lock);
        Ok(store)
    }

    /// Lets another command have its turn.
    pub fn step_aside(&mut self) -> Result<(), Error> {
        self.lock.as_mut().map_or(Ok(()), Lock::release)
    }

    /// Waits for the next turn, or until `stop`. `true`: others wrote meanwhile, and what was read before is old.
    pub fn step_back(&mut self, stop: &dyn Fn() -> bool) -> Result<bool, Error> {
        let Some(lock) = &mut self.lock else { return Ok(false) };
        if !lock.wait(stop)? {
            return Ok(false);
        }
        let now = self.written_by_others()?;
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }

    fn written_by_others(&self) -> Result<i64, Error> {
        self.read(|db| db.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// A store that lasts as long as the value: for `--offline` look-ups without a database, and for tests.
    pub fn in_memory() -> Result<Self, Error> {
        let path = PathBuf::from(":memory:");
        let db = Connection::open_in_memory().map_err(|e| explain(&path, &e))?;
        Self::prepare(db, path)
    }

    fn prepare(db: Connection, path: PathBuf) -> Result<Self, Error> {
        let mut store = Store { db, path, lock: None, seen: 0 };
        store.set_up().map_err(|e| explain(&store.path, &e))?;
        store.migrate()?;
        Ok(store)
    }

    fn set_up(&mut self) -> rusqlite::Result<()> {
        self.db.busy_timeout(Duration::from_secs(10))?;
        self.db.pragma_update(None, "journal_mode", "wal")?;
        self.db.pragma_update(None, "synchronous", "normal")?;
        self.db.pragma_update(None, "cache_size", -65_536)
    }

    fn migrate(&mut self) -> Result<(), Error> {
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let path = self.path.clone();
        let read = |db: &Connection| db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        let found = read(&self.db).map_err(|e| explain(&path, &e))?;
        if found > known {
            return Err(Error::NewerStore { path, found, known });
        }
        let run = |db: &mut Connection| -> rusqlite::Result<()> {
            let tx = db.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            // Read again under the lock: another process may have migrated meanwhile.
            let found = usize::try_from(read(&tx)?).unwrap_or(0);
            for (version, text) in (1..).zip(MIGRATIONS).skip(found) {
                tx.execute_batch(text)?;
                if version == PAGES {
                    contacts::gather(&tx)?;
                }
            }
            tx.pragma_update(None, "user_version", known)?;
            tx.commit()
        };
        if found < known { run(&mut self.db).map_err(|e| explain(&path, &e)) } else { Ok(()) }
    }

    /// Runs `work` in one transaction: all of it is kept, or nothing.
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let run = || {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            Ok((work(&tx)?, tx.commit()?).0)
        };
        // A closure called once, so that `?` speaks SQLite inside and our error outside.
        let done: rusqlite::Result<T> = run();
        done.map_err(|e| explain(&self.path, &e))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        work(&self.db).map_err(|e| explain(&self.path, &e))
    }

    /// The key of `--redact`: made once a store, so that pseudonyms stay the same from night to night.
    pub fn redaction_key(&self) -> Result<[u8; 32], Error> {
        self.read(|db| db.query_row("SELECT value FROM meta WHERE key = 'redaction_key'", [], |row| row.get(0)))
    }
}

/// What SQLite said, and what to do about it.
fn explain(path: &Path, error: &rusqlite::Error) -> Error {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free some space and run again",
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "this is no intact bouncewatch database; name another --db or restore it"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another run is using it; wait for it to end",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "check that this user may write it and its folder"
        }
        Some(ErrorCode::SystemIoFailure) => "check the disk and its free space",
        _ => "run `bouncewatch db info`, or name another --db",
    };
    Error::Store { path: path.to_owned(), cause: format!("{error}; {advice}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let newer = dir.path().join("newer.db");
        Store::open(&newer).unwrap().db.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&newer), Err(Error::NewerStore { found: 99, .. })));
        let junk = dir.path().join("junk.db");
        std::fs::write(&junk, "this is not a database, it only has the name of one ".repeat(40)).unwrap();
        let said = Store::open(&junk).unwrap_err().to_string();
        assert!(said.contains("no intact bouncewatch database"), "{said}");
        assert!(matches!(Store::open(&dir.path().join("no/such/folder.db")), Err(Error::Write { .. })));
    }

    #[test]
    fn an_alert_of_version_1_is_owed_to_a_sink_of_today() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch("INSERT INTO alerts VALUES ('a', 'high', 'squatting', 'x', 7); PRAGMA user_version = 1;")
            .unwrap();
        drop(old);
        let mut store = Store::open(&path).unwrap();
        let owed = store.owed("ops", crate::findings::Severity::Low).unwrap();
        assert_eq!((owed.len(), owed[0].raised_at.0, owed[0].changed_at.0), (1, 7, 7));
        store.told("ops", &owed, crate::moment::Timestamp(9)).unwrap();
        assert_eq!(store.owed("ops", crate::findings::Severity::Low).unwrap(), []);
    }

    #[test]
    fn contacts_of_version_10_are_kept_and_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.db");
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..PAGES - 1].iter().for_each(|text| old.execute_batch(text).unwrap());
        old.execute_batch(
            "PRAGMA user_version = 10;
             INSERT INTO names VALUES (1, 'a@x'), (2, 'b@y'), (3, '192.0.2.1'), (600000, 'c@y');
             INSERT INTO contacts VALUES (1, 3, 600000, 0, 100, 900, 3, 200, 800, 7, 1, 2, 3),
               (1, 0, 2, 0, 50, 50, 1, NULL, NULL, 0, 1, 0, 0), (2, 3, 2, 1, 60, 60, 0, 60, 60, 1, 0, 0, 0);",
        )
        .unwrap();
        drop(old);
        let mut store = Store::open(&path).unwrap();
        let told = |store: &Store| -> Vec<String> {
            let ledger = store.ledger(None).unwrap();
            let name = |name| ledger.names.text(name);
            let met = ledger.contacts.iter().map(|(k, c)| {
                let span = c.accepted_span.bounds().map(|(first, last)| (first.0, last.0));
                let counts = [c.accepted, c.unknown, c.no_domain, c.other];
                let [from, through, to] = [k.sender, k.client, k.recipient].map(name);
                format!(
                    "{from} {through} {to} {:?} {} {} {:?} {span:?} {counts:?}",
                    k.direction, c.first.0, c.last.0, c.first_answer
                )
            });
            let mut told: Vec<String> = met.collect();
            told.sort_unstable();
            told
        };
        let mut kept = [
            "a@x  b@y Out 50 50 Unknown None [0, 1, 0, 0]",
            "a@x 192.0.2.1 c@y Out 100 900 Other Some((200, 800)) [7, 1, 2, 3]",
            "b@y 192.0.2.1 b@y In 60 60 Accepted Some((60, 60)) [1, 0, 0, 0]",
        ];
        assert_eq!(told(&store), kept);
        let all = store.ledger(None).unwrap();
        store.add_night(&all, &crate::sources::Known::default()).unwrap();
        kept[0] = "a@x  b@y Out 50 50 Unknown None [0, 2, 0, 0]";
        kept[1] = "a@x 192.0.2.1 c@y Out 100 900 Other Some((200, 800)) [14, 2, 4, 6]";
        kept[2] = "b@y 192.0.2.1 b@y In 60 60 Accepted Some((60, 60)) [2, 0, 0, 0]";
        assert_eq!(told(&store), kept);
        store.write(|db| db.execute("UPDATE contacts SET page = x'00ff' WHERE place = 1 << 14", [])).unwrap();
        assert!(store.ledger(None).unwrap_err().to_string().contains("a page of contacts is damaged"));
    }

    #[test]
    fn an_address_with_more_mail_than_failures_is_somebodys_server() {
        let mut store = Store::in_memory().unwrap();
        store
            .write(|db| {
                db.execute_batch(
                    "INSERT INTO names VALUES (1, '192.0.2.1'), (2, '192.0.2.2'), (3, 's'), (4, 'r'), (5, 'q');
                     INSERT INTO blocklist_ips VALUES ('spamhaus', 1, '192.0.2.9');
                     CREATE TEMP TABLE met AS SELECT column1 sender, column2 client, column3 recipient, column4 direction,
                     column5 first, column6 last, column7 first_answer, column8 accepted_first, column9 accepted_last, column10 accepted,
                     column11 unknown, column12 no_domain, column13 other FROM (VALUES (3, 1, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), (3, 1, 5, 0, 0, 0, 0, NULL, NULL, 0, 1, 0, 0),
                     (3, 2, 4, 0, 0, 0, 0, NULL, NULL, 0, 1, 0, 0), (3, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0));",
                )?;
                contacts::gather(db)
            })
            .unwrap();
        let servers: Vec<String> = store.mail_servers().unwrap().into_iter().collect();
        assert_eq!(servers, ["192.0.2.1", "192.0.2.9"]);
    }

    #[test]
    fn files_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.db");
        let store = Store::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let key = store.redaction_key().unwrap();
        drop(store);
        assert_eq!(Store::open(&path).unwrap().redaction_key().unwrap(), key);
    }
}
