//! Alerts between nights: when each was raised, grew and was over, and what each sink was told of it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Store;
use crate::{
    error::Error,
    findings::{Alert, AlertKind, Severity, Size},
    hash::stable_hash,
    moment::Timestamp,
};

/// Seconds without news after which an alert is over: three nights.
const OVER_AFTER_S: i64 = 3 * 86_400;
/// Mails or guesses that are news at least: twice one mail is two.
const NEWS: u64 = 10;
/// Origins remembered of one alert: enough to know a botnet again.
const MAX_ORIGINS: usize = 1_000;

/// What it means that an alert is not among tonight's.
#[derive(Debug, Clone, Copy)]
pub enum Missing<'a> {
    /// Nothing: only a part of the mail was looked at.
    Nothing,
    /// It is over if that lasts, but for these: nobody could be asked about them.
    Over {
        /// Ids of alerts.
        but: &'a BTreeSet<String>,
    },
}

/// An alert with news for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The alert's.
    pub id: String,
    /// Of the alert; higher than what the sink was told.
    pub revision: i64,
    /// Peak since it was raised.
    pub severity: Severity,
    /// About what.
    pub kind: AlertKind,
    /// As last seen.
    pub subject: String,
    /// When first raised.
    pub raised_at: Timestamp,
    /// When there was last something to tell.
    pub changed_at: Timestamp,
    /// Whether it is over.
    pub closed: bool,
    /// What the sink was told last.
    pub told: Option<Told>,
}

/// What a sink was told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How severe it was.
    pub severity: Severity,
    /// Whether it was over.
    pub closed: bool,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Takes in tonight's `alerts` and gives every one the id and the moment under which it was first raised, and
    /// whether it is over.
    pub fn raise(&mut self, alerts: &mut [Alert], now: Timestamp, missing: Missing<'_>) -> Result<(), Error> {
        self.write(|db| {
            let mut tonight: BTreeSet<String> = alerts.iter().map(|a| a.id.clone()).collect();
            for alert in alerts {
                let known = match known(db, &alert.id)? {
                    None => adopt(db, alert, &mut tonight)?,
                    known => known,
                };
                match known {
                    None => insert(db, alert, now)?,
                    Some(known) => {
                        alert.raised_at = known.raised_at;
                        renew(db, alert, &known, now, matches!(missing, Missing::Over { .. }))?;
                    }
                }
                remember_origins(db, alert)?;
                alert.over = is_over(db, &alert.id)?;
            }
            if let Missing::Over { but } = missing {
                let gone = |id: &String| !tonight.contains(id) && !but.contains(id);
                for id in open(db)?.into_iter().filter(gone) {
                    grow_quiet(db, &id, now)?;
                }
            }
            Ok(())
        })
    }

    /// What `sink` has not been told, most severe first. What is owed once stays owed until it is told.
    pub fn owed(&mut self, sink: &str, floor: Severity) -> Result<Vec<Owed>, Error> {
        self.write(|db| {
            let mut select = db.prepare(
                "SELECT a.id, a.revision, a.severity, a.kind, a.subject, a.raised_at, a.changed_at, a.closed_at IS NOT NULL,
                        t.severity, t.closed, t.told_at
                 FROM alerts a LEFT JOIN alert_told t ON t.alert = a.id AND t.sink = ?1
                 WHERE a.revision > coalesce(t.revision, -1) AND (a.closed_at IS NULL OR t.sink IS NOT NULL)",
            )?;
            let rows = select.query_map([sink], read_owed)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut owed: Vec<Owed> = rows.into_iter().filter(|o| o.severity >= floor || o.told.is_some()).collect();
            let mut note = db.prepare("INSERT OR IGNORE INTO alert_told (sink, alert) VALUES (?1, ?2)")?;
            for one in &owed {
                note.execute([sink, &one.id])?;
            }
            owed.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
            Ok(owed)
        })
    }

    /// Notes that `sink` was told of `owed`: on the disk before the next one is sent.
    pub fn told(&mut self, sink: &str, owed: &[Owed], now: Timestamp) -> Result<(), Error> {
        // A power cut after a send must not bring the message a second time.
        self.read(|db| db.pragma_update(None, "synchronous", "full"))?;
        self.write(|db| {
            let mut note = db.prepare("INSERT OR REPLACE INTO alert_told VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for o in owed {
                note.execute(params![sink, o.id, o.revision, o.severity.name(), o.closed, now.0])?;
            }
            Ok(())
        })
    }

    /// Fills in which sinks were told of each of `alerts`.
    pub fn fill_sent_to(&self, alerts: &mut [Alert]) -> Result<(), Error> {
        self.read(|db| {
            let mut select =
                db.prepare("SELECT sink FROM alert_told WHERE alert = ?1 AND revision IS NOT NULL ORDER BY sink")?;
            for alert in alerts {
                alert.sent_to = select.query_map([&alert.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
            }
            Ok(())
        })
    }

    /// Open alerts by kind and severity.
    pub fn open_alerts(&self) -> Result<Vec<(AlertKind, Severity, u64)>, Error> {
        self.read(|db| {
            let mut select = db.prepare(
                "SELECT kind, severity, count(*) FROM alerts WHERE closed_at IS NULL GROUP BY kind, severity ORDER BY kind, severity",
            )?;
            let rows = select.query_map([], |row| {
                Ok((kind(row.get_ref(0)?.as_str()?), severity(row.get_ref(1)?.as_str()?), row.get::<_, i64>(2)?.cast_unsigned()))
            })?;
            rows.collect()
        })
    }
}

/// An alert as it was when there was last something to tell.
struct Known {
    raised_at: Timestamp,
    severity: Severity,
    size: Size,
    last_seen: Timestamp,
    closed: bool,
}

fn known(db: &Connection, id: &str) -> rusqlite::Result<Option<Known>> {
    db.prepare_cached(
        "SELECT raised_at, severity, confirmed, volume, last_seen, closed_at IS NOT NULL FROM alerts WHERE id = ?1",
    )?
    .query_row([id], |row| {
        Ok(Known {
            raised_at: Timestamp(row.get(0)?),
            severity: severity(row.get_ref(1)?.as_str()?),
            size: Size {
                confirmed: row.get::<_, i64>(2)?.cast_unsigned(),
                volume: row.get::<_, i64>(3)?.cast_unsigned(),
            },
            last_seen: Timestamp(row.get(4)?),
            closed: row.get(5)?,
        })
    })
    .optional()
}

/// The alert that `alert` goes on from: one that shares an origin with it, is not found any more, and is not over, or was
/// seen no less long: what is over with all that is found now stays over under another id, too.
fn adopt(db: &Connection, alert: &mut Alert, tonight: &mut BTreeSet<String>) -> rusqlite::Result<Option<Known>> {
    let mut select = db.prepare_cached(
        "SELECT a.id FROM alert_origins o JOIN alerts a ON a.id = o.alert
         WHERE o.origin = ?1 AND (a.closed_at IS NULL OR a.last_seen >= ?2)
         ORDER BY a.closed_at IS NOT NULL, a.raised_at, a.id",
    )?;
    for origin in origins(alert) {
        let earlier = select.query_map(params![origin, alert.last_seen.0], |row| row.get(0))?;
        let earlier = earlier.collect::<rusqlite::Result<Vec<String>>>()?;
        if let Some(id) = earlier.into_iter().find(|id| !tonight.contains(id)) {
            tonight.insert(id.clone());
            alert.id = id;
            return known(db, &alert.id);
        }
    }
    Ok(None)
}

fn insert(db: &Connection, alert: &Alert, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO alerts (id, severity, kind, subject, raised_at, changed_at, confirmed, volume, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        alert.id,
        alert.severity.name(),
        alert.kind.name(),
        alert.subject,
        alert.raised_at.0,
        now.0,
        alert.size.confirmed.cast_signed(),
        alert.size.volume.cast_signed(),
        alert.last_seen.0
    ])?;
    Ok(())
}

/// An alert found again: grown, back, or as it was.
fn renew(db: &Connection, alert: &Alert, known: &Known, now: Timestamp, whole: bool) -> rusqlite::Result<()> {
    // A name can be had until somebody has it; a campaign goes on as long as it guesses.
    let alive = alert.kind != AlertKind::GuessingBurst || alert.last_seen > known.last_seen;
    let last_seen = alert.last_seen.max(known.last_seen);
    if known.closed && !(alive && whole) {
        return Ok(());
    }
    if known.closed || alert.severity > known.severity || grown(known.size, alert.size) {
        let severity = if known.closed { alert.severity } else { alert.severity.max(known.severity) };
        db.prepare_cached(
            "UPDATE alerts SET revision = revision + 1, changed_at = ?2, severity = ?3, subject = ?4, confirmed = ?5,
             volume = ?6, last_seen = ?7, quiet_since = NULL, closed_at = NULL WHERE id = ?1",
        )?
        .execute(params![
            alert.id,
            now.0,
            severity.name(),
            alert.subject,
            alert.size.confirmed.cast_signed(),
            alert.size.volume.cast_signed(),
            last_seen.0
        ])?;
        return Ok(());
    }
    if !whole {
        return Ok(());
    }
    db.prepare_cached("UPDATE alerts SET subject = ?2, last_seen = ?3 WHERE id = ?1")?.execute(params![
        alert.id,
        alert.subject,
        last_seen.0
    ])?;
    if alive {
        db.prepare_cached("UPDATE alerts SET quiet_since = NULL WHERE id = ?1")?.execute([&alert.id])?;
        return Ok(());
    }
    grow_quiet(db, &alert.id, now)
}

/// Twice as much, and enough of it. The first address a guesser confirms is twice none.
fn grown(told: Size, found: Size) -> bool {
    let doubled = |told: u64, found: u64| found > told && found >= told.saturating_mul(2);
    doubled(told.confirmed, found.confirmed)
        || (doubled(told.volume, found.volume) && found.volume - told.volume >= NEWS)
}

/// One more night without news; the last of three ends the alert.
fn grow_quiet(db: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE alerts SET quiet_since = ?2 WHERE id = ?1 AND quiet_since IS NULL")?
        .execute(params![id, now.0])?;
    db.prepare_cached(
        "UPDATE alerts SET revision = revision + 1, changed_at = ?2, closed_at = ?2 WHERE id = ?1 AND quiet_since <= ?3",
    )?
    .execute(params![id, now.0, now.0.saturating_sub(OVER_AFTER_S)])?;
    Ok(())
}

fn is_over(db: &Connection, id: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT closed_at IS NOT NULL FROM alerts WHERE id = ?1")?.query_row([id], |row| row.get(0))
}

fn open(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = db.prepare("SELECT id FROM alerts WHERE closed_at IS NULL ORDER BY id")?;
    select.query_map([], |row| row.get(0))?.collect()
}

fn remember_origins(db: &Connection, alert: &Alert) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO alert_origins VALUES (?1, ?2)")?;
    for origin in origins(alert) {
        insert.execute(params![origin, alert.id])?;
    }
    Ok(())
}

fn origins(alert: &Alert) -> Vec<i64> {
    alert.origins.iter().take(MAX_ORIGINS).map(|origin| stable_hash(origin.as_bytes()).cast_signed()).collect()
}

fn read_owed(row: &Row<'_>) -> rusqlite::Result<Owed> {
    let told = match row.get::<_, Option<i64>>(10)? {
        None => None,
        Some(at) => {
            Some(Told { severity: severity(row.get_ref(8)?.as_str()?), closed: row.get(9)?, at: Timestamp(at) })
        }
    };
    Ok(Owed {
        id: row.get(0)?,
        revision: row.get(1)?,
        severity: severity(row.get_ref(2)?.as_str()?),
        kind: kind(row.get_ref(3)?.as_str()?),
        subject: row.get(4)?,
        raised_at: Timestamp(row.get(5)?),
        changed_at: Timestamp(row.get(6)?),
        closed: row.get(7)?,
        told,
    })
}

fn severity(name: &str) -> Severity {
    Severity::parse(name).unwrap_or(Severity::Low)
}

fn kind(name: &str) -> AlertKind {
    AlertKind::parse(name).unwrap_or(AlertKind::GuessingBurst)
}
