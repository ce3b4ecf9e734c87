//! Counts by day, list and domain: they grow with time, not with addresses.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    cells::{kind, signed, unsigned},
    countries,
};
use crate::{
    bounce::BounceType,
    ledger::{AuthTally, BlockTally, Crowd, DayTally, Ledger},
    moment::{Day, Timestamp, Window},
};

pub(super) fn save_days(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut degrees = db.prepare(
        "INSERT INTO days VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET non = non + excluded.non, soft = soft + excluded.soft, hard = hard + excluded.hard",
    )?;
    let mut types = db.prepare(
        "INSERT INTO day_types VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET
         attempts = attempts + excluded.attempts, soft = soft + excluded.soft, hard = hard + excluded.hard",
    )?;
    for (day, tally) in &ledger.days {
        let [non, soft, hard] = tally.degrees.map(signed);
        degrees.execute(params![day.0, non, soft, hard])?;
        for (kind, counts) in BounceType::ALL.iter().zip(tally.types).filter(|(_, counts)| counts != &[0; 3]) {
            let [attempts, soft, hard] = counts.map(signed);
            types.execute(params![day.0, kind.number(), attempts, soft, hard])?;
        }
    }
    Ok(())
}

pub(super) fn save_tallies(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut days = db.prepare(
        "INSERT INTO blocklist_days VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET attempts = attempts + excluded.attempts, emails = emails + excluded.emails",
    )?;
    let mut ips = db.prepare("INSERT OR IGNORE INTO blocklist_ips VALUES (?1, ?2, ?3)")?;
    let mut receivers = db.prepare("INSERT OR IGNORE INTO blocklist_receivers VALUES (?1, ?2, ?3)")?;
    for ((list, day), tally) in &ledger.blocklists {
        days.execute(params![list, day.0, signed(tally.attempts), signed(tally.emails)])?;
        for ip in &tally.blocked_ips {
            ips.execute(params![list, day.0, ip])?;
        }
        for domain in &tally.receiver_domains {
            receivers.execute(params![list, day.0, domain])?;
        }
    }
    let mut failures = db.prepare(
        "INSERT INTO authentication VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
         failures = failures + excluded.failures, first = min(first, excluded.first), last = max(last, excluded.last)",
    )?;
    for (domain, tally) in &ledger.authentication {
        let (first, last) = tally.failed.bounds().unwrap_or_default();
        failures.execute(params![domain, signed(tally.failures), first.0, last.0])?;
    }
    let mut passes = db.prepare("INSERT OR IGNORE INTO sender_passes VALUES (?1, ?2)")?;
    for (domain, days) in &ledger.sender_passes {
        for day in days {
            passes.execute(params![domain, day.0])?;
        }
    }
    countries::save(db, ledger)?;
    save_crowd(db, ledger)
}

pub(super) fn save_crowd(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    if ledger.strangers.crowd.is_empty() {
        return Ok(());
    }
    let mut crowd = load_crowd(db)?;
    crowd.join(&ledger.strangers.crowd);
    db.execute("DELETE FROM crowd", [])?;
    db.execute("INSERT INTO crowd VALUES (?1)", [crowd.to_text()])?;
    Ok(())
}

fn load_crowd(db: &Connection) -> rusqlite::Result<Crowd> {
    let text: Option<String> = db.query_row("SELECT sketch FROM crowd", [], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| Crowd::from_text(&text)).unwrap_or_default())
}

pub(super) fn load_days(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT day, non, soft, hard FROM days")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let degrees = [unsigned(row.get(1)?), unsigned(row.get(2)?), unsigned(row.get(3)?)];
        ledger.days.insert(Day(row.get(0)?), DayTally { degrees, ..DayTally::default() });
    }
    let mut select = db.prepare("SELECT day, type, attempts, soft, hard FROM day_types")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let kind = kind(row.get(1)?);
        ledger.days.entry(Day(row.get(0)?)).or_default().types[kind as usize - 1] =
            [unsigned(row.get(2)?), unsigned(row.get(3)?), unsigned(row.get(4)?)];
    }
    Ok(())
}

pub(super) fn load_tallies(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
    let mut lists: BTreeMap<(String, Day), BlockTally> = BTreeMap::new();
    let mut select = db.prepare("SELECT list, day, attempts, emails FROM blocklist_days")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let tally =
            BlockTally { attempts: unsigned(row.get(2)?), emails: unsigned(row.get(3)?), ..BlockTally::default() };
        lists.insert((row.get(0)?, Day(row.get(1)?)), tally);
    }
    let mut select = db.prepare("SELECT list, day, ip FROM blocklist_ips")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        lists.entry((row.get(0)?, Day(row.get(1)?))).or_default().blocked_ips.insert(row.get(2)?);
    }
    let mut select = db.prepare("SELECT list, day, domain FROM blocklist_receivers")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        lists.entry((row.get(0)?, Day(row.get(1)?))).or_default().receiver_domains.insert(row.get(2)?);
    }
    ledger.blocklists = lists;
    let mut select = db.prepare("SELECT domain, failures, first, last FROM authentication")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let failed = Window::between(Timestamp(row.get(2)?), Timestamp(row.get(3)?));
        ledger.authentication.insert(row.get(0)?, AuthTally { failures: unsigned(row.get(1)?), failed });
    }
    let mut select = db.prepare("SELECT domain, day FROM sender_passes")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        ledger.sender_passes.entry(row.get(0)?).or_default().insert(Day(row.get(1)?));
    }
    countries::load(db, ledger)?;
    ledger.strangers.crowd = load_crowd(db)?;
    Ok(())
}
