//! Disclosures, their states and their audit trail.

use rusqlite::{Row, params};

use super::Store;
use crate::{
    disclose::{Audience, Disclosure, Entry, Matter, State},
    error::Error,
    moment::Timestamp,
};

impl Store {
    /// All of them, by audience and owner.
    pub fn disclosures(&self) -> Result<Vec<Disclosure>, Error> {
        self.read(|db| {
            let mut select = db.prepare(
                "SELECT id, audience, owner, contact, contact_source, state, gone, changed_at, items
                 FROM disclosures ORDER BY audience, owner, id",
            )?;
            let rows = select.query_map([], read)?;
            rows.collect()
        })
    }

    /// Keeps `disclosures` as they stand, with what the trail has to say of it: both or neither.
    pub fn keep_disclosures(&mut self, disclosures: &[Disclosure], trail: &[Entry]) -> Result<(), Error> {
        self.write(|db| {
            let mut put =
                db.prepare("INSERT OR REPLACE INTO disclosures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
            for d in disclosures {
                let contact = d.matter.contact.as_ref();
                put.execute(params![
                    d.id,
                    d.matter.audience.name(),
                    d.matter.owner,
                    contact.map(|c| &c.0),
                    contact.map(|c| &c.1),
                    d.state.name(),
                    d.gone,
                    d.changed_at.0,
                    serde_json::to_string(&d.matter.items).unwrap_or_default(),
                ])?;
            }
            let mut add =
                db.prepare("INSERT INTO disclosure_trail (disclosure, at, state, note) VALUES (?1, ?2, ?3, ?4)")?;
            for entry in trail {
                add.execute(params![entry.disclosure, entry.at.0, entry.state.name(), entry.note])?;
            }
            Ok(())
        })
    }

    /// What happened to one disclosure, oldest first.
    pub fn disclosure_trail(&self, id: &str) -> Result<Vec<Entry>, Error> {
        self.read(|db| {
            let mut select = db.prepare(
                "SELECT disclosure, at, state, note FROM disclosure_trail WHERE disclosure = ?1 ORDER BY number",
            )?;
            let rows = select.query_map([id], |row| {
                Ok(Entry {
                    disclosure: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    state: known(State::parse(&row.get::<_, String>(2)?))?,
                    note: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Disclosure> {
    let contact: Option<String> = row.get(3)?;
    let source: Option<String> = row.get(4)?;
    Ok(Disclosure {
        id: row.get(0)?,
        matter: Matter {
            audience: known(Audience::parse(&row.get::<_, String>(1)?))?,
            owner: row.get(2)?,
            contact: contact.zip(source),
            items: known(serde_json::from_str(&row.get::<_, String>(8)?).ok())?,
        },
        state: known(State::parse(&row.get::<_, String>(5)?))?,
        gone: row.get(6)?,
        changed_at: Timestamp(row.get(7)?),
    })
}

/// A word this bouncewatch does not know means a damaged store.
fn known<T>(word: Option<T>) -> rusqlite::Result<T> {
    word.ok_or(rusqlite::Error::InvalidQuery)
}
