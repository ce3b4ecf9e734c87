//! Pseudonyms in place of people, in the file itself.

use std::{collections::BTreeMap, net::IpAddr};

use rusqlite::{Connection, params};

use super::{Store, contacts, introduced};
use crate::{
    address::{domain_of, local_of},
    disclose::{Audience, Item},
    error::Error,
    findings::AlertKind,
    redact::{Locals, Redactor},
};

impl Store {
    /// Replaces every address and IP address, then writes the file anew, so that no byte of what was there is left.
    /// Returns the names replaced. Mails still under way are forgotten: their other half comes under another name. With
    /// `forget_key` nobody can try guessed addresses against the pseudonyms, and later ones are others.
    pub fn redact(&mut self, forget_key: bool) -> Result<u64, Error> {
        let redactor = Redactor::new(self.redaction_key()?);
        self.read(|db| db.pragma_update(None, "secure_delete", true))?;
        let replaced = self.write(|db| {
            let locals = locals(db, &redactor)?;
            // What last night found is told against tonight's by ids made of clear names.
            db.execute_batch("DELETE FROM pending; DELETE FROM nights; DELETE FROM alert_origins")?;
            texts(db, &redactor, &locals)?;
            alerts(db, &redactor)?;
            disclosures(db, &redactor)?;
            let replaced = names(db, &redactor)?;
            if forget_key {
                db.execute("UPDATE meta SET value = randomblob(32) WHERE key = 'redaction_key'", [])?;
            }
            Ok(replaced)
        })?;
        self.read(|db| db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"))?;
        Ok(replaced)
    }
}

/// Local parts known, and what stands for them where they stand alone in a text.
fn locals(db: &Connection, redactor: &Redactor) -> rusqlite::Result<Locals> {
    let mut select = db.prepare("SELECT name FROM names WHERE name LIKE '%@%'")?;
    let names: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(redactor.locals(names.iter()))
}

/// Running text: replies, subjects, notes, paths, contacts of registries.
fn texts(db: &Connection, redactor: &Redactor, locals: &Locals) -> rusqlite::Result<()> {
    let every = |text: &str| redactor.words(text, locals);
    // A masked form is compared with tomorrow's: only a word that can be nothing but a name is replaced in it.
    let names: Locals = locals
        .iter()
        .filter(|(l, _)| !l.chars().all(char::is_alphabetic))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    let masked = |text: &str| redactor.words(text, &names);
    let file = |path: &str| every(path.rsplit(['/', '\\']).next().unwrap_or(""));
    let ip = |text: &str| redactor.ip(text);
    replace(db, "templates", "example", &every)?;
    replace(db, "templates", "text", &masked)?;
    replace(db, "founders", "text", &masked)?;
    replace(db, "inputs", "path", &file)?;
    replace(db, "lookups", "details", &|text| redactor.text(text))?;
    replace(db, "blocklist_ips", "ip", &ip)?;
    replace(db, "alerts", "subject", &every)?;
    replace(db, "alert_told", "sink", &|text| redactor.text(text))?;
    replace(db, "disclosure_trail", "note", &every)
}

/// Puts `with` of every value in the value's place.
fn replace(db: &Connection, table: &str, column: &str, with: &dyn Fn(&str) -> String) -> rusqlite::Result<()> {
    let mut select = db.prepare(&format!("SELECT DISTINCT {column} FROM {table}"))?;
    let old: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut update = db.prepare(&format!("UPDATE OR REPLACE {table} SET {column} = ?2 WHERE {column} = ?1"))?;
    for text in old {
        let new = with(&text);
        if new != text {
            update.execute(params![text, new])?;
        }
    }
    Ok(())
}

/// An id that is a hash of addresses lets guesses be tried: it is hashed once more, with the key.
fn alerts(db: &Connection, redactor: &Redactor) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT id FROM alerts WHERE kind = ?1")?;
    let ids: Vec<String> =
        select.query_map([AlertKind::GuessingBurst.name()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in ids {
        let new = redactor.id(&id);
        db.execute("UPDATE OR REPLACE alerts SET id = ?2 WHERE id = ?1", params![id, new])?;
        db.execute("UPDATE OR REPLACE alert_told SET alert = ?2 WHERE alert = ?1", params![id, new])?;
    }
    Ok(())
}

fn disclosures(db: &Connection, redactor: &Redactor) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT id, owner, contact, items, audience FROM disclosures")?;
    let rows: Vec<(String, String, Option<String>, String, String)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<Result<_, _>>()?;
    for (id, owner, contact, items, audience) in rows {
        let items: Vec<Item> = serde_json::from_str(&items).unwrap_or_default();
        let audience = Audience::parse(&audience).unwrap_or(Audience::Network);
        let items: Vec<Item> = items.iter().map(|item| item.redacted(audience, redactor)).collect();
        let items = serde_json::to_string(&items).unwrap_or_default();
        let new = redactor.id(&id);
        db.execute(
            "UPDATE OR REPLACE disclosures SET id = ?2, owner = ?3, contact = ?4, items = ?5 WHERE id = ?1",
            params![id, new, redactor.text(&owner), contact.map(|c| redactor.text(&c)), items],
        )?;
        db.execute("UPDATE disclosure_trail SET disclosure = ?2 WHERE disclosure = ?1", params![id, new])?;
    }
    Ok(())
}

/// Who a pseudonym of an earlier night stands for is one with it from now on.
fn names(db: &Connection, redactor: &Redactor) -> rusqlite::Result<u64> {
    let mut select = db.prepare("SELECT id, name FROM names WHERE id > 0 ORDER BY id")?;
    let old: Vec<(i64, String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut known: BTreeMap<String, i64> = BTreeMap::new();
    db.execute_batch(
        "CREATE TEMP TABLE renamed (old INTEGER PRIMARY KEY, new INTEGER NOT NULL); INSERT INTO renamed VALUES (0, 0)",
    )?;
    let mut rename = db.prepare("INSERT INTO renamed VALUES (?1, ?2)")?;
    let mut replaced = 0;
    for (id, name) in &old {
        let new = if name.parse::<IpAddr>().is_ok() { redactor.ip(name) } else { redactor.address(name) };
        let is_name = !local_of(name).is_empty() || domain_of(name).is_empty();
        let new = if is_name { new } else { name.clone() };
        replaced += u64::from(new != *name);
        rename.execute(params![id, *known.entry(new).or_insert(*id)])?;
    }
    drop(rename);
    contacts::spread(db)?;
    db.execute_batch(
        "ALTER TABLE met RENAME TO was;
         DELETE FROM contacts;
         CREATE TEMP TABLE met AS
           SELECT s.new AS sender, c.new AS client, r.new AS recipient, direction, min(first) AS first, max(last) AS last,
             min(first * 256 + first_answer) % 256 AS first_answer, min(accepted_first) AS accepted_first,
             max(accepted_last) AS accepted_last, sum(accepted) AS accepted, sum(unknown) AS unknown, sum(no_domain) AS no_domain,
             sum(other) AS other
           FROM was JOIN renamed s ON s.old = sender JOIN renamed c ON c.old = client JOIN renamed r ON r.old = recipient
           GROUP BY 1, 2, 3, 4;
         DROP TABLE was",
    )?;
    contacts::gather(db)?;
    db.execute_batch(
        "CREATE TEMP TABLE was AS SELECT * FROM refusals;
         DELETE FROM refusals;
         INSERT INTO refusals
           SELECT s.new, r.new, day, type, direction, sum(emails)
           FROM was JOIN renamed s ON s.old = sender JOIN renamed r ON r.old = recipient GROUP BY 1, 2, 3, 4, 5;
         DROP TABLE was",
    )?;
    db.execute_batch(introduced::RENAME)?;
    db.execute_batch("DROP TABLE renamed; DELETE FROM names WHERE id > 0")?;
    let mut insert = db.prepare("INSERT INTO names VALUES (?2, ?1)")?;
    for (name, id) in known {
        insert.execute(params![name, id])?;
    }
    Ok(replaced)
}
