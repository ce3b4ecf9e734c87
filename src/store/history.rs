//! The ledger of all nights: a night added, everything read back.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store,
    cells::{signed, unsigned},
    contacts, introduced, sums, templates,
};
use crate::{
    error::Error,
    ledger::{Ledger, STRANGERS},
    moment::Window,
    sources::{Known, Mark},
};

impl Store {
    /// What earlier nights read.
    pub fn known(&self) -> Result<Known, Error> {
        self.read(|db| {
            let mut rows = db.prepare("SELECT head, head_len, \"offset\", tail, records, path FROM inputs")?;
            let marks = rows.query_map([], |row| {
                Ok(Mark {
                    head: unsigned(row.get(0)?),
                    head_len: unsigned(row.get(1)?),
                    offset: unsigned(row.get(2)?),
                    tail: unsigned(row.get(3)?),
                    records: unsigned(row.get(4)?),
                    path: row.get(5)?,
                })
            })?;
            let pending = db.query_row("SELECT state FROM pending", [], |row| row.get(0)).optional()?;
            Ok(Known { marks: marks.collect::<Result<_, _>>()?, pending: pending.unwrap_or_default() })
        })
    }

    /// Adds a night: its ledger and how far its inputs were read, in one transaction. A run killed before leaves
    /// nothing, one killed after has done all.
    pub fn add_night(&mut self, ledger: &Ledger, known: &Known) -> Result<(), Error> {
        self.write(|db| {
            save_known(db, known)?;
            templates::add(db, &ledger.templates)?;
            add_ledger(db, ledger)
        })
    }

    /// Forgets the visits that `ledger`, loaded from here, has let go.
    pub fn keep_only(&mut self, ledger: &Ledger) -> Result<(), Error> {
        self.write(|db| {
            db.execute_batch("DELETE FROM contacts; DELETE FROM refusals; DELETE FROM logins; DELETE FROM helos; DELETE FROM names WHERE id > 0")?;
            let ids = contacts::save_names(db, ledger)?;
            contacts::save_contacts(db, ledger, &ids)?;
            introduced::save(db, ledger, &ids)?;
            contacts::save_refusals(db, ledger, &ids)?;
            sums::save_crowd(db, ledger)
        })
    }

    /// Addresses that are servers of honest mail: ours that some list named, and those through which more mail arrives
    /// than fails.
    pub fn mail_servers(&self) -> Result<BTreeSet<String>, Error> {
        self.read(|db| {
            let mut servers: BTreeSet<String> = BTreeSet::new();
            let mut select = db.prepare("SELECT DISTINCT ip FROM blocklist_ips")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                servers.insert(row.get(0)?);
            }
            // By client: to how many more mail arrived than failed.
            let mut clients: HashMap<i64, i64> = HashMap::new();
            contacts::each(db, |pair, contact| {
                let more = i64::from(contact.accepted > 0) - i64::from(contact.unknown > 0);
                *clients.entry(pair.client).or_default() += more;
            })?;
            let mut name = db.prepare("SELECT name FROM names WHERE id = ?1")?;
            for (client, _) in clients.into_iter().filter(|(client, more)| *client > 0 && *more >= 0) {
                servers.insert(name.query_row([client], |row| row.get(0))?);
            }
            Ok(servers)
        })
    }

    /// Everything all nights taught, with so many visits of strangers at most, or [`STRANGERS`].
    pub fn ledger(&self, strangers: Option<usize>) -> Result<Ledger, Error> {
        self.read(|db| {
            let mut ledger = Ledger::bounded(strangers.unwrap_or(STRANGERS));
            let names = contacts::load_names(db, &mut ledger)?;
            sums::load_days(db, &mut ledger)?;
            contacts::load_contacts(db, &mut ledger, &names)?;
            // A contact knows when it began also where the mail of that day is forgotten.
            if let (Some(day), Some((first, last))) = (ledger.days.keys().next(), ledger.window.bounds()) {
                ledger.window = Window::between(first.max(day.start()), last.max(day.start()));
            }
            introduced::load(db, &mut ledger, &names)?;
            contacts::load_refusals(db, &mut ledger, &names)?;
            ledger.templates = templates::load(db)?;
            sums::load_tallies(db, &mut ledger)?;
            ledger.make_room();
            Ok(ledger)
        })
    }
}

/// Adds everything but templates.
pub(super) fn add_ledger(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    sums::save_days(db, ledger)?;
    sums::save_tallies(db, ledger)?;
    let ids = contacts::save_names(db, ledger)?;
    contacts::save_contacts(db, ledger, &ids)?;
    introduced::save(db, ledger, &ids)?;
    contacts::save_refusals(db, ledger, &ids)
}

/// Inputs that another machine read; one that both know keeps the lesser path.
pub(super) fn add_marks(db: &Connection, marks: &[Mark]) -> rusqlite::Result<()> {
    let mut insert = db.prepare(
        "INSERT INTO inputs VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
         records = max(records, excluded.records), path = min(path, excluded.path)",
    )?;
    for m in marks {
        let numbers = [m.head, m.head_len, m.offset, m.tail, m.records].map(signed);
        insert.execute(params![numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], m.path])?;
    }
    Ok(())
}

fn save_known(db: &Connection, known: &Known) -> rusqlite::Result<()> {
    db.execute("DELETE FROM inputs", [])?;
    let mut insert = db.prepare("INSERT OR REPLACE INTO inputs VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for m in &known.marks {
        insert.execute(params![
            signed(m.head),
            signed(m.head_len),
            signed(m.offset),
            signed(m.tail),
            signed(m.records),
            m.path
        ])?;
    }
    db.execute("INSERT OR REPLACE INTO pending VALUES (0, ?1)", [&known.pending])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bounce::BounceType,
        delivery::{Attempt, Delivery, Direction},
        ledger::{Introduced, Name},
        merge::Merge,
        moment::Timestamp,
        ndr::{TemplateId, Verdict},
    };

    fn night(day: i64, replies: &[(&str, &str, BounceType)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (i, (from, to, kind)) in replies.iter().enumerate() {
            let start = Timestamp(day * 86_400 + i64::try_from(i).unwrap());
            let reply = if *kind == BounceType::Other { "250 OK" } else { "550 refused" };
            let attempts = [Attempt::replied("192.0.2.1", "198.51.100.1", reply)];
            let delivery = Delivery {
                sender: from,
                recipient: to,
                client: Some("192.0.2.7"),
                login: if *to == "g@gone" { "other" } else { &from[..1] },
                helo: ["mx.one", "mx.two"][(day % 2) as usize],
                direction: if *to == "e@z" { Direction::In } else { Direction::Out },
                start,
                end: start,
                spam: false,
                attempts: &attempts,
            };
            let verdict = Verdict {
                kind: *kind,
                confidence: 1.0,
                code: Some(550),
                enhanced: None,
                template: TemplateId(u64::MAX - i as u64),
                blocklist: None,
                auth: None,
            };
            let verdict = (!attempts[0].accepted).then_some(verdict);
            ledger.add(&delivery, std::slice::from_ref(&verdict));
            ledger.add_countries(&delivery, std::slice::from_ref(&verdict), |_| crate::geo::Country::parse("NL"));
            if let Some(verdict) = verdict {
                ledger.add_template(&verdict, reply, start, || "550 refused".into());
            }
        }
        ledger
    }

    /// A ledger in words, so that two of them compare whatever numbers their names have.
    fn told(ledger: &Ledger) -> Vec<String> {
        let name = |n: Name| ledger.names.text(n);
        let mut lines: Vec<String> = ledger
            .contacts
            .iter()
            .map(|(k, c)| format!("{} {} {} {c:?}", name(k.sender), name(k.client), name(k.recipient)))
            .collect();
        lines.extend(
            ledger
                .refusals
                .iter()
                .map(|(k, n)| format!("{} {} {:?} {} {n}", name(k.sender), name(k.recipient), k.day, k.kind)),
        );
        let Introduced { logins, helos } = &ledger.introduced;
        lines
            .extend(logins.iter().map(|((s, c), w)| format!("{} {} {} {}", name(*s), name(*c), name(w.name), w.mails)));
        lines.extend(helos.iter().map(|(c, w)| format!("{} {} {}", name(*c), name(w.name), w.mails)));
        lines.extend(ledger.templates.forms().iter().map(|t| format!("{t:?}")));
        lines.sort_unstable();
        lines.push(format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            ledger.countries,
            ledger.days,
            ledger.blocklists,
            ledger.authentication,
            ledger.sender_passes,
            ledger.window
        ));
        lines
    }

    #[test]
    fn two_nights_stored_are_two_nights_merged() {
        use BounceType::*;
        let one = night(
            100,
            &[
                ("a@x", "b@y", Other),
                ("a@x", "c@y", UserUnknown),
                ("d@x", "b@y", Blocklisted),
                ("a@x", "e@z", Authentication),
            ],
        );
        let two = night(
            101,
            &[
                ("a@x", "b@y", UserUnknown),
                ("a@x", "c@y", UserUnknown),
                ("f@x", "g@gone", ReceiverDns),
                ("a@x", "e@z", Other),
            ],
        );
        let mut store = Store::in_memory().unwrap();
        store.add_night(&two, &Known::default()).unwrap();
        store
            .add_night(&one, &Known { marks: vec![Mark { head: u64::MAX, ..Mark::default() }], pending: vec![1, 2] })
            .unwrap();
        let mut merged = one;
        merged.merge(two);
        assert_eq!(told(&store.ledger(None).unwrap()), told(&merged));
        assert_eq!(store.known().unwrap().marks[0].head, u64::MAX);
        assert_eq!(store.known().unwrap().pending, [1, 2]);
    }
}
