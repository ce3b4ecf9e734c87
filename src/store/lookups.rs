//! Registry answers and how long they hold.

use hashbrown::HashMap;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::{
    error::Error,
    moment::Timestamp,
    registrability::{Contact, Details, Evidence, Registrability, Source, Status},
};

/// Evidence as the column keeps it.
#[derive(Serialize, Deserialize)]
struct Saved {
    source: String,
    answer: String,
    server: String,
    at: i64,
}

/// What else the answers said, as the column keeps it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct SavedDetails {
    registrar: Option<String>,
    created: Option<i64>,
    expires: Option<i64>,
    nameservers: Vec<String>,
    mx: Vec<String>,
    null_mx: bool,
    /// Address, role, source.
    contacts: Vec<(String, String, String)>,
    /// When the name was last free.
    open_at: Option<i64>,
}

impl Store {
    /// Keeps an answer; a newer one replaces it.
    pub fn keep_answer(&mut self, answer: &Registrability) -> Result<(), Error> {
        let saved: Vec<Saved> = answer
            .evidence
            .iter()
            .map(|e| Saved {
                source: e.source.name().into(),
                answer: e.answer.clone(),
                server: e.server.clone(),
                at: e.at.0,
            })
            .collect();
        let unwritable = |e: serde_json::Error| Error::Data { name: "evidence".into(), cause: e.to_string() };
        let evidence = serde_json::to_string(&saved).map_err(unwritable)?;
        let details = serde_json::to_string(&SavedDetails {
            open_at: answer.open_at.map(|t| t.0),
            ..saved_details(&answer.details)
        })
        .map_err(unwritable)?;
        self.write(|db| {
            db.prepare_cached("INSERT OR REPLACE INTO lookups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
                params![
                    answer.domain,
                    answer.status.name(),
                    answer.checked_at.0,
                    answer.fresh_until.0,
                    answer.drops_at.map(|t| t.0),
                    evidence,
                    details,
                ],
            )?;
            Ok(())
        })
    }

    /// Every answer ever given, by domain; the caller looks at its `fresh_until`.
    pub fn answers(&self) -> Result<HashMap<String, Registrability>, Error> {
        self.read(|db| {
            let mut select =
                db.prepare("SELECT domain, status, checked_at, fresh_until, drops_at, evidence, details FROM lookups")?;
            let rows = select.query_map([], |row| {
                let saved: Vec<Saved> = serde_json::from_str(row.get_ref(5)?.as_str()?).unwrap_or_default();
                let other: SavedDetails = serde_json::from_str(row.get_ref(6)?.as_str()?).unwrap_or_default();
                let domain: String = row.get(0)?;
                let answer = Registrability {
                    domain: domain.clone(),
                    status: status(row.get_ref(1)?.as_str()?),
                    checked_at: Timestamp(row.get(2)?),
                    fresh_until: Timestamp(row.get(3)?),
                    evidence: saved.into_iter().map(evidence).collect(),
                    drops_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                    open_at: other.open_at.map(Timestamp),
                    details: details(other),
                };
                Ok((domain, answer))
            })?;
            rows.collect()
        })
    }
}

fn status(name: &str) -> Status {
    use Status::*;
    [Registrable, Registered, Redemption, PendingDelete, Reserved, NotAPublicSuffix]
        .into_iter()
        .find(|s| s.name() == name)
        .unwrap_or(Unknown)
}

fn source(name: &str) -> Source {
    [Source::Dns, Source::Rdap, Source::Whois, Source::SecurityTxt, Source::Convention]
        .into_iter()
        .find(|s| s.name() == name)
        .unwrap_or(Source::Syntax)
}

fn saved_details(d: &Details) -> SavedDetails {
    SavedDetails {
        registrar: d.registrar.clone(),
        created: d.created.map(|t| t.0),
        expires: d.expires.map(|t| t.0),
        nameservers: d.nameservers.clone(),
        mx: d.mx.clone(),
        null_mx: d.null_mx,
        contacts: d.contacts.iter().map(|c| (c.address.clone(), c.role.clone(), c.source.name().into())).collect(),
        open_at: None,
    }
}

fn details(saved: SavedDetails) -> Details {
    Details {
        registrar: saved.registrar,
        created: saved.created.map(Timestamp),
        expires: saved.expires.map(Timestamp),
        nameservers: saved.nameservers,
        mx: saved.mx,
        null_mx: saved.null_mx,
        contacts: saved
            .contacts
            .into_iter()
            .map(|(address, role, name)| Contact { address, role, source: source(&name) })
            .collect(),
    }
}

fn evidence(saved: Saved) -> Evidence {
    let source = source(&saved.source);
    Evidence { source, answer: saved.answer, server: saved.server, at: Timestamp(saved.at) }
}
