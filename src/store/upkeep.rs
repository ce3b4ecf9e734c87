//! The store's size, and forgetting.

use rusqlite::params;

use super::{Store, contacts, introduced};
use crate::{error::Error, moment::Timestamp};

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Schema version.
    pub version: i64,
    /// Bytes on disk, without the write-ahead log.
    pub bytes: u64,
    /// Rows by table, by name.
    pub rows: Vec<(String, u64)>,
}

impl Store {
    /// Version, size and rows of every table.
    pub fn info(&self) -> Result<Info, Error> {
        self.read(|db| {
            let version = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
            let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut rows = Vec::new();
            for table in tables {
                let what = if table == "contacts" { "coalesce(sum(met), 0)" } else { "count(*)" };
                let count: i64 = db.query_row(&format!("SELECT {what} FROM \"{table}\""), [], |row| row.get(0))?;
                rows.push((table, count.cast_unsigned()));
            }
            Ok(Info { version, bytes: (pages * size).cast_unsigned(), rows })
        })
    }

    /// Forgets all that was last seen before `before`, and names nothing refers to any more. Returns rows deleted.
    pub fn prune(&mut self, before: Timestamp) -> Result<u64, Error> {
        let deleted = self.write(|db| {
            let day = before.day().0;
            let mut deleted = 0;
            contacts::spread(db)?;
            deleted += db.execute("DELETE FROM met WHERE last < ?1", params![before.0])?;
            for (table, column) in [
                ("refusals", "day"),
                ("days", "day"),
                ("day_types", "day"),
                ("blocklist_days", "day"),
                ("blocklist_ips", "day"),
                ("blocklist_receivers", "day"),
                ("sender_passes", "day"),
                ("countries", "day"),
            ] {
                deleted += db.execute(&format!("DELETE FROM {table} WHERE {column} < ?1"), params![day])?;
            }
            for (table, column) in [("templates", "last"), ("authentication", "last"), ("lookups", "fresh_until")] {
                deleted += db.execute(&format!("DELETE FROM {table} WHERE {column} < ?1"), params![before.0])?;
            }
            deleted +=
                db.execute("DELETE FROM disclosures WHERE state = 'resolved' AND changed_at < ?1", params![before.0])?;
            deleted +=
                db.execute("DELETE FROM disclosure_trail WHERE disclosure NOT IN (SELECT id FROM disclosures)", [])?;
            deleted += db.execute("DELETE FROM alerts WHERE closed_at < ?1", params![before.0])?;
            for table in ["alert_told", "alert_origins"] {
                db.execute(&format!("DELETE FROM {table} WHERE alert NOT IN (SELECT id FROM alerts)"), [])?;
            }
            deleted += introduced::prune(db)?;
            deleted += db.execute(
                "DELETE FROM names WHERE id > 0 AND id NOT IN (SELECT sender FROM met UNION SELECT client FROM met
                 UNION SELECT recipient FROM met UNION SELECT sender FROM refusals UNION SELECT recipient FROM refusals
                 UNION SELECT login FROM logins UNION SELECT helo FROM helos)",
                [],
            )?;
            db.execute("DELETE FROM contacts", [])?;
            contacts::gather(db)?;
            Ok(deleted as u64)
        })?;
        self.read(|db| db.execute_batch("VACUUM"))?;
        Ok(deleted)
    }
}
