//! Mail by receiver country and day.

use rusqlite::{Connection, params};

use super::cells::{signed, unsigned};
use crate::{
    geo::Country,
    ledger::{CountryTally, Ledger},
    moment::Day,
};

pub(super) fn save(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut upsert = db.prepare(
        "INSERT INTO countries VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
         emails = emails + excluded.emails, attempts = attempts + excluded.attempts,
         timeouts = timeouts + excluded.timeouts, interrupted = interrupted + excluded.interrupted",
    )?;
    for ((day, country), tally) in &ledger.countries {
        let [emails, attempts, timeouts, interrupted] = tally.counts().map(signed);
        upsert.execute(params![day.0, country.code(), emails, attempts, timeouts, interrupted])?;
    }
    Ok(())
}

pub(super) fn load(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT day, country, emails, attempts, timeouts, interrupted FROM countries")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Some(country) = Country::parse(row.get_ref(1)?.as_str()?) else { continue };
        let counts = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?].map(unsigned);
        ledger.countries.insert((Day(row.get(0)?), country), CountryTally::from(counts));
    }
    Ok(())
}
