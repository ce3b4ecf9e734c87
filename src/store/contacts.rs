//! Who wrote to whom, and what was refused for good: rows of names' numbers.

use std::{ops::Range, sync::mpsc, thread};

use rusqlite::{Connection, OptionalExtension, params};

use super::cells::{answer, direction, kind, signed, span, unsigned};
use crate::{
    ledger::{Contact, ContactKey, Ledger, Name, RefusalKey},
    merge::Merge,
    moment::{Day, Timestamp, Window},
};

/// Contacts written together, about.
const STRETCH: usize = 1 << 16;
/// Stretches of which the contacts are looked for at once.
const TOGETHER: usize = 16;

/// Contacts read at once, and how often as many may wait to be learned.
const TAKEN: usize = 1 << 12;
const WAITING: usize = 4;

/// Gives every name its number in the store; the position is the ledger's own number.
pub(super) fn save_names(db: &Connection, ledger: &Ledger) -> rusqlite::Result<Vec<i64>> {
    let mut sorted: Vec<(u64, Name)> = ledger.names.iter().map(|(name, text)| (beginning(text), name)).collect();
    // In the index's order SQLite appends instead of seeking: about five times as fast.
    sorted.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| ledger.names.text(a.1).as_bytes().cmp(ledger.names.text(b.1).as_bytes()))
    });
    let mut find = db.prepare("SELECT id FROM names WHERE name = ?1")?;
    let mut insert = db.prepare("INSERT INTO names (name) VALUES (?1)")?;
    let mut ids = vec![0; sorted.len()];
    for (_, name) in sorted {
        let text = ledger.names.text(name);
        let known = find.query_row([text], |row| row.get(0)).optional()?;
        ids[name.0 as usize] = match known {
            Some(id) => id,
            None => insert.insert([text])?,
        };
    }
    Ok(ids)
}

/// The first bytes as one number: mostly that is enough to sort by, and no text need be fetched.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    u64::from_be_bytes(bytes)
}

pub(super) fn save_contacts(db: &Connection, ledger: &Ledger, ids: &[i64]) -> rusqlite::Result<()> {
    let mut upsert = db.prepare(
        "INSERT INTO contacts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO UPDATE SET
         first_answer = iif((excluded.first, excluded.first_answer) < (first, first_answer), excluded.first_answer, first_answer),
         first = min(first, excluded.first), last = max(last, excluded.last),
         accepted_first = min(coalesce(accepted_first, excluded.accepted_first), coalesce(excluded.accepted_first, accepted_first)),
         accepted_last = max(coalesce(accepted_last, excluded.accepted_last), coalesce(excluded.accepted_last, accepted_last)),
         accepted = accepted + excluded.accepted, unknown = unknown + excluded.unknown,
         no_domain = no_domain + excluded.no_domain, other = other + excluded.other",
    )?;
    let id = |name: Name| ids[name.0 as usize];
    // In the table's order, one stretch of it after another: all at once would take twice the ledger's own room.
    let stretches = ledger.contacts.len() / STRETCH + 1;
    let each = ids.iter().max().map_or(0, |most| most / stretches as i64) + 1;
    let numbers = (0..stretches)
        .step_by(TOGETHER)
        .flat_map(|from| in_stretches(ledger, from..from + TOGETHER, |key| (id(key.sender) / each) as usize));
    for stretch in numbers {
        let here = stretch.iter().map(|n| ledger.contacts.at(*n));
        let mut rows: Vec<_> =
            here.map(|(k, c)| ((id(k.sender), id(k.client), id(k.recipient), k.direction as i64), c)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        for ((sender, client, recipient, direction), c) in rows {
            let span = c.accepted_span.bounds();
            upsert.execute(params![
                sender,
                client,
                recipient,
                direction,
                c.first.0,
                c.last.0,
                c.first_answer as i64,
                span.map(|s| s.0.0),
                span.map(|s| s.1.0),
                signed(c.accepted),
                signed(c.unknown),
                signed(c.no_domain),
                signed(c.other),
            ])?;
        }
    }
    Ok(())
}

/// The contacts' numbers, those of each of the stretches asked for together.
fn in_stretches(ledger: &Ledger, asked: Range<usize>, stretch: impl Fn(&ContactKey) -> usize) -> Vec<Vec<u32>> {
    let mut numbers = vec![Vec::new(); asked.len()];
    for (n, key) in (0..).zip(ledger.contacts.keys()) {
        if let Some(at) = stretch(&key).checked_sub(asked.start).filter(|at| *at < asked.len()) {
            numbers[at].push(n);
        }
    }
    numbers
}

pub(super) fn save_refusals(db: &Connection, ledger: &Ledger, ids: &[i64]) -> rusqlite::Result<()> {
    let id = |name: Name| ids[name.0 as usize];
    let place = |k: &RefusalKey| (id(k.sender), id(k.recipient), k.day.0, k.kind.number(), k.direction as i64);
    let mut rows: Vec<(&RefusalKey, &u64)> = ledger.refusals.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| place(key));
    let mut upsert =
        db.prepare("INSERT INTO refusals VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET emails = emails + excluded.emails")?;
    for (key, emails) in rows {
        let (sender, recipient, day, kind, direction) = place(key);
        upsert.execute(params![sender, recipient, day, kind, direction, signed(*emails)])?;
    }
    Ok(())
}

/// The names' numbers in the store and in the ledger, in order.
pub(super) struct Numbers(Vec<(i64, Name)>);

impl Numbers {
    /// Almost always the position is the number.
    pub(super) fn name(&self, id: i64) -> Name {
        match usize::try_from(id).ok().and_then(|at| self.0.get(at)) {
            Some((known, name)) if *known == id => *name,
            _ => self.0.binary_search_by_key(&id, |(known, _)| *known).map_or(Name::NONE, |at| self.0[at].1),
        }
    }
}

pub(super) fn load_names(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<Numbers> {
    let mut names = Vec::new();
    let mut select = db.prepare("SELECT id, name FROM names ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        names.push((row.get(0)?, ledger.names.intern(row.get_ref(1)?.as_str()?)));
    }
    Ok(Numbers(names))
}

pub(super) fn load_contacts(db: &Connection, ledger: &mut Ledger, names: &Numbers) -> rusqlite::Result<()> {
    let name = |id: i64| names.name(id);
    let mut select = db.prepare(
        "SELECT sender, client, recipient, direction, first, last, first_answer, accepted_first, accepted_last, accepted, unknown, no_domain, other FROM contacts",
    )?;
    // About as many as there are, so that the table seldom grows.
    ledger.contacts.reserve(2 * names.0.len());
    let mut rows = select.query_map([], |row| {
        let key = ContactKey {
            sender: name(row.get(0)?),
            client: name(row.get(1)?),
            recipient: name(row.get(2)?),
            direction: direction(row.get(3)?),
        };
        let (first, last) = (Timestamp(row.get(4)?), Timestamp(row.get(5)?));
        let contact = Contact {
            first,
            last,
            first_answer: answer(row.get(6)?),
            accepted_span: span(row.get(7)?, row.get(8)?),
            accepted: unsigned(row.get(9)?),
            unknown: unsigned(row.get(10)?),
            no_domain: unsigned(row.get(11)?),
            other: unsigned(row.get(12)?),
        };
        Ok((key, contact))
    })?;
    // What one thread takes out of the store another puts into the table.
    thread::scope(|scope| {
        let (send, read) = mpsc::sync_channel::<Vec<(ContactKey, Contact)>>(WAITING);
        scope.spawn(move || {
            let mut window = Window::default();
            let met = read.into_iter().flatten();
            ledger.meet_all(met.inspect(|(_, contact)| window.merge(Window::between(contact.first, contact.last))));
            ledger.window.merge(window);
        });
        loop {
            let some = rows.by_ref().take(TAKEN).collect::<rusqlite::Result<Vec<_>>>()?;
            // Without a taker, the other thread panicked; so will who waits for it.
            if some.is_empty() || send.send(some).is_err() {
                return Ok(());
            }
        }
    })
}

pub(super) fn load_refusals(db: &Connection, ledger: &mut Ledger, names: &Numbers) -> rusqlite::Result<()> {
    let name = |id: i64| names.name(id);
    let mut select = db.prepare("SELECT sender, recipient, day, type, direction, emails FROM refusals")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let key = RefusalKey {
            sender: name(row.get(0)?),
            recipient: name(row.get(1)?),
            day: Day(row.get(2)?),
            kind: kind(row.get(3)?),
            direction: direction(row.get(4)?),
        };
        ledger.refusals.insert(key, unsigned(row.get(5)?));
    }
    Ok(())
}
