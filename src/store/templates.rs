//! Masked forms and the templates they make.

use rusqlite::{Connection, params};

use super::{
    Store,
    cells::{kind, signed, unsigned},
};
use crate::{
    bounce::BounceType,
    error::Error,
    merge::Merge,
    moment::{Timestamp, Window},
    ndr::{Form, Founder, Miner, Proposal, TemplateId},
};

impl Store {
    /// The masked forms of all nights and the templates known.
    pub fn templates(&self) -> Result<Miner, Error> {
        self.read(load)
    }

    /// Known templates without a meaning about which no language model was asked yet: id and masked text, in order.
    pub fn unexplained(&self) -> Result<Vec<(TemplateId, String)>, Error> {
        self.read(|db| {
            let mut select = db.prepare(
                "SELECT id, text FROM founders WHERE type = ?1 AND proposed IS NULL ORDER BY first, text, id",
            )?;
            let rows = select
                .query_map([BounceType::Other.number()], |row| Ok((TemplateId(unsigned(row.get(0)?)), row.get(1)?)))?;
            rows.collect()
        })
    }

    /// Keeps what a language model made of known templates: it is asked once about each.
    pub fn keep_proposals(&mut self, proposals: &[(TemplateId, Proposal)]) -> Result<(), Error> {
        self.write(|db| {
            let mut update = db.prepare("UPDATE founders SET proposed = ?2, likeness = ?3 WHERE id = ?1")?;
            for (id, p) in proposals {
                update.execute(params![signed(id.0), p.kind.number(), f64::from(p.likeness)])?;
            }
            Ok(())
        })
    }
}

/// Adds a night's forms to those stored. The whole table is written again, since a flood may have made the bound tighter
/// and what is kept is bounded anyway.
pub(super) fn add(db: &Connection, night: &Miner) -> rusqlite::Result<()> {
    if night.is_empty() {
        return Ok(());
    }
    let mut all = load(db)?;
    all.merge(night.clone());
    all.settle();
    replace(db, &all)
}

/// Adds forms that another machine mined: templates are then those that one reading of everything would have found.
pub(super) fn rejoin(db: &Connection, other: &Miner) -> rusqlite::Result<()> {
    let mut all = load(db)?;
    all.rejoin(other.clone());
    replace(db, &all)
}

fn replace(db: &Connection, all: &Miner) -> rusqlite::Result<()> {
    db.execute_batch("DELETE FROM templates; DELETE FROM founders")?;
    let mut insert = db.prepare(
        "INSERT INTO templates (id, level, text, example, type, count, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut forms = all.forms();
    forms.sort_unstable_by_key(|(_, id, _)| signed(id.0));
    for (level, id, f) in forms {
        let (first, last) = f.seen.bounds().unwrap_or_default();
        insert.execute(params![
            signed(id.0),
            level,
            f.text,
            f.example,
            f.kind.number(),
            signed(f.count),
            first.0,
            last.0
        ])?;
    }
    let mut insert = db.prepare("INSERT INTO founders VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (id, f) in all.known() {
        let proposal = f.proposal.map(|p| (p.kind.number(), f64::from(p.likeness))).unzip();
        insert.execute(params![signed(id.0), f.text, f.kind.number(), f.first.0, proposal.0, proposal.1])?;
    }
    Ok(())
}

pub(super) fn load(db: &Connection) -> rusqlite::Result<Miner> {
    let mut miner = Miner::default();
    let mut select = db.prepare("SELECT level, id, text, example, type, count, first, last FROM templates")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let form = Form {
            text: row.get::<_, String>(2)?.into(),
            example: row.get::<_, String>(3)?.into(),
            kind: kind(row.get(4)?),
            count: unsigned(row.get(5)?),
            seen: Window::between(Timestamp(row.get(6)?), Timestamp(row.get(7)?)),
        };
        miner.restore(row.get(0)?, TemplateId(unsigned(row.get(1)?)), form);
    }
    let mut select = db.prepare("SELECT id, text, type, first, proposed, likeness FROM founders")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let proposed: Option<u8> = row.get(4)?;
        let likeness: Option<f64> = row.get(5)?;
        let founder = Founder {
            text: row.get::<_, String>(1)?.into(),
            kind: kind(row.get(2)?),
            first: Timestamp(row.get(3)?),
            proposal: proposed.map(|n| Proposal { kind: kind(n), likeness: likeness.unwrap_or(0.0) as f32 }),
        };
        miner.know(TemplateId(unsigned(row.get(0)?)), founder);
    }
    Ok(miner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ledger::Ledger, sources::Known};

    fn night(replies: &[(&str, BounceType, i64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (text, kind, at) in replies {
            let id = TemplateId(crate::hash::stable_hash(text.as_bytes()));
            ledger.templates.add(id, *kind, text, Timestamp(*at), || (*text).into());
        }
        ledger
    }

    #[test]
    fn a_language_model_is_asked_once_about_each_open_template() {
        let mut store = Store::in_memory().unwrap();
        let open = [
            ("550 no one of that name lives here today", BounceType::Other, 1),
            ("552 full", BounceType::MailboxFull, 2),
        ];
        store.add_night(&night(&open), &Known::default()).unwrap();
        let asked = store.unexplained().unwrap();
        assert_eq!(asked.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), [open[0].0], "only what is open");
        let proposal = Proposal { kind: BounceType::UserUnknown, likeness: 0.9375 };
        store.keep_proposals(&[(asked[0].0, proposal)]).unwrap();
        let more =
            [("550 no one of that name lives here anymore", BounceType::Other, 3), ("554 odd", BounceType::Other, 4)];
        store.add_night(&night(&more), &Known::default()).unwrap();
        let again = store.unexplained().unwrap();
        assert_eq!(again.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["554 odd"]);
        let told: Vec<_> =
            store.templates().unwrap().freeze().into_iter().map(|t| (t.count, t.kind, t.proposal)).collect();
        assert_eq!(told[0], (2, BounceType::Other, Some(proposal)), "the verdict stays: {told:?}");
        assert_eq!(told.iter().filter(|t| t.2.is_some()).count(), 1);
    }

    #[test]
    fn what_is_forgotten_keeps_its_id_and_age() {
        let mut store = Store::in_memory().unwrap();
        let day = 86_400;
        let like = |what| format!("550 5.1.1 address rejected: user unknown in local {what} table");
        let (one, two) = (like("recipient"), like("alias"));
        store.add_night(&night(&[(&one, BounceType::UserUnknown, day)]), &Known::default()).unwrap();
        let before = store.templates().unwrap().freeze();
        store.prune(Timestamp(9 * day)).unwrap();
        assert_eq!(store.templates().unwrap().freeze(), []);
        store.add_night(&night(&[(&two, BounceType::UserUnknown, 10 * day)]), &Known::default()).unwrap();
        let after = store.templates().unwrap().freeze();
        assert_eq!((after[0].id, after[0].first), (before[0].id, Timestamp(day)), "{after:?}");
    }
}
