//! The last nights' findings in one line each: enough to tell what changed.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::{error::Error, findings::Headline, moment::Timestamp};

/// Nights kept: this one, and the one it is told against.
const KEPT: i64 = 2;

impl Store {
    /// What the last night before `now` found.
    pub fn night_before(&self, now: Timestamp) -> Result<Option<(Timestamp, Vec<Headline>)>, Error> {
        self.read(|db| {
            let sql = "SELECT at, headlines FROM nights WHERE at < ?1 ORDER BY at DESC LIMIT 1";
            let row: Option<(i64, String)> =
                db.query_row(sql, [now.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            Ok(row.and_then(|(at, text)| Some((Timestamp(at), serde_json::from_str(&text).ok()?))))
        })
    }

    /// Keeps what this night found; a night run again takes its own place.
    pub fn keep_night(&mut self, now: Timestamp, headlines: &[Headline]) -> Result<(), Error> {
        let text = serde_json::to_string(headlines).unwrap_or_default();
        self.write(|db| {
            db.execute("INSERT OR REPLACE INTO nights VALUES (?1, ?2)", params![now.0, text])?;
            db.execute("DELETE FROM nights WHERE at NOT IN (SELECT at FROM nights ORDER BY at DESC LIMIT ?1)", [KEPT])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_told_against_the_one_before_it_however_often_it_runs() {
        let mut store = Store::in_memory().unwrap();
        assert_eq!(store.night_before(Timestamp(10)).unwrap(), None);
        for (at, name) in [(10, "a"), (20, "b"), (20, "b"), (30, "c")] {
            let line = Headline { id: name.into(), kind: "domain".into(), name: name.into(), status: String::new() };
            store.keep_night(Timestamp(at), &[line]).unwrap();
        }
        let before =
            |now: i64| store.night_before(Timestamp(now)).unwrap().map(|(at, lines)| (at.0, lines[0].name.clone()));
        assert_eq!(before(30), Some((20, "b".to_owned())));
        assert_eq!(before(31), Some((30, "c".to_owned())));
    }
}
