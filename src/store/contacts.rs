//! Who wrote to whom, and what was refused for good: rows of names' numbers.

use std::{ops::Range, sync::mpsc, thread};

use rusqlite::{
    Connection, OptionalExtension, Statement, params,
    types::{Type, ValueRef},
};

use super::{
    cells::{answer, direction, kind, signed, span, unsigned},
    pages::{self, Pair},
};
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
    let id = |name: Name| ids[name.0 as usize];
    let mut pages = Pages::of(db)?;
    // In the table's order, one stretch of it after another: all at once would take twice the ledger's own room.
    let stretches = ledger.contacts.len() / STRETCH + 1;
    let each = ids.iter().max().map_or(0, |most| most / stretches as i64) + 1;
    let numbers = (0..stretches)
        .step_by(TOGETHER)
        .flat_map(|from| in_stretches(ledger, from..from + TOGETHER, |key| (id(key.sender) / each) as usize));
    for stretch in numbers {
        let here = stretch.iter().map(|n| ledger.contacts.at(*n));
        let pair = |k: ContactKey| Pair {
            sender: id(k.sender),
            client: id(k.client),
            recipient: id(k.recipient),
            direction: k.direction,
        };
        let mut rows: Vec<(Pair, Contact)> = here.map(|(key, contact)| (pair(key), contact)).collect();
        rows.sort_unstable_by_key(|(pair, _)| (pair.place(), *pair));
        for of_page in rows.chunk_by(|a, b| a.0.place() == b.0.place()) {
            pages.add(of_page)?;
        }
    }
    Ok(())
}

/// The table of contacts, page by page.
struct Pages<'d> {
    find: Statement<'d>,
    put: Statement<'d>,
    page: Vec<u8>,
}

impl<'d> Pages<'d> {
    fn of(db: &'d Connection) -> rusqlite::Result<Self> {
        Ok(Pages {
            find: db.prepare("SELECT page FROM contacts WHERE place = ?1")?,
            put: db.prepare("INSERT OR REPLACE INTO contacts VALUES (?1, ?2, ?3)")?,
            page: Vec::new(),
        })
    }

    /// Adds rows of one page, which are in order, to those it has.
    fn add(&mut self, rows: &[(Pair, Contact)]) -> rusqlite::Result<()> {
        let Some(place) = rows.first().map(|(pair, _)| pair.place()) else { return Ok(()) };
        let known = self.find.query_row([place], |row| of_page(place, row.get_ref(0)?)).optional()?;
        let (mut known, mut all) = (known.unwrap_or_default().into_iter().peekable(), Vec::new());
        for (pair, contact) in rows {
            while let Some(before) = known.next_if(|(other, _)| other < pair) {
                all.push(before);
            }
            let mut contact = *contact;
            if let Some((_, before)) = known.next_if(|(other, _)| other == pair) {
                contact.absorb(&before);
            }
            all.push((*pair, contact));
        }
        all.extend(known);
        pages::pack(&all, &mut self.page);
        self.put.execute(params![place, all.len() as i64, self.page])?;
        Ok(())
    }
}

/// The rows of a page as it is stored.
fn of_page(place: i64, cell: ValueRef<'_>) -> rusqlite::Result<Vec<(Pair, Contact)>> {
    let mut rows = Vec::new();
    each_of_page(place, cell, |pair, contact| rows.push((pair, contact)))?;
    Ok(rows)
}

fn each_of_page(place: i64, cell: ValueRef<'_>, each: impl FnMut(Pair, Contact)) -> rusqlite::Result<()> {
    let damaged = || rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, "a page of contacts is damaged".into());
    pages::unpack(place, cell.as_blob()?, each).ok_or_else(damaged)
}

/// Every contact in the store, in the order of its pages.
pub(super) fn each(db: &Connection, mut each: impl FnMut(Pair, Contact)) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT place, page FROM contacts ORDER BY place")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        each_of_page(row.get(0)?, row.get_ref(1)?, &mut each)?;
    }
    Ok(())
}

/// Makes a table `met` of all contacts, cell by cell: for what SQL does better.
pub(super) fn spread(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TEMP TABLE met (sender, client, recipient, direction, first, last, first_answer, accepted_first, accepted_last,
         accepted, unknown, no_domain, other)",
    )?;
    let mut insert = db.prepare("INSERT INTO met VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?;
    let mut failed = Ok(0);
    each(db, |Pair { sender, client, recipient, direction }, c| {
        let span = c.accepted_span.bounds();
        let counts = [c.accepted, c.unknown, c.no_domain, c.other].map(signed);
        if failed.is_ok() {
            failed = insert.execute(params![
                sender,
                client,
                recipient,
                direction as i64,
                c.first.0,
                c.last.0,
                c.first_answer as i64,
                span.map(|s| s.0.0),
                span.map(|s| s.1.0),
                counts[0],
                counts[1],
                counts[2],
                counts[3],
            ]);
        }
    })?;
    failed.map(|_| ())
}

/// Packs a table `met`, which is no more then, into the pages.
pub(super) fn gather(db: &Connection) -> rusqlite::Result<()> {
    let mut select = db.prepare(
        "SELECT sender, client, recipient, direction, first, last, first_answer, accepted_first, accepted_last, accepted,
         unknown, no_domain, other FROM met ORDER BY sender, client, recipient, direction",
    )?;
    let mut pages = Pages::of(db)?;
    let mut of_sender: Vec<(Pair, Contact)> = Vec::new();
    let mut put = |of_sender: &mut Vec<(Pair, Contact)>| {
        of_sender.sort_by_key(|(pair, _)| pair.place());
        of_sender.chunk_by(|a, b| a.0.place() == b.0.place()).try_for_each(|rows| pages.add(rows))?;
        of_sender.clear();
        Ok::<_, rusqlite::Error>(())
    };
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let pair = Pair {
            sender: row.get(0)?,
            client: row.get(1)?,
            recipient: row.get(2)?,
            direction: direction(row.get(3)?),
        };
        let contact = Contact {
            first: Timestamp(row.get(4)?),
            last: Timestamp(row.get(5)?),
            first_answer: answer(row.get(6)?),
            accepted_span: span(row.get(7)?, row.get(8)?),
            accepted: unsigned(row.get(9)?),
            unknown: unsigned(row.get(10)?),
            no_domain: unsigned(row.get(11)?),
            other: unsigned(row.get(12)?),
        };
        if of_sender.last().is_some_and(|(before, _)| before.sender != pair.sender) {
            put(&mut of_sender)?;
        }
        of_sender.push((pair, contact));
    }
    put(&mut of_sender)?;
    drop(rows);
    drop(select);
    db.execute_batch("DROP TABLE met")
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
    // About as many as there are, so that the table seldom grows.
    ledger.contacts.reserve(2 * names.0.len());
    // What one thread takes out of the store another puts into the table.
    thread::scope(|scope| {
        let (send, read) = mpsc::sync_channel::<Vec<(ContactKey, Contact)>>(WAITING);
        scope.spawn(move || {
            let mut window = Window::default();
            let met = read.into_iter().flatten();
            ledger.meet_all(met.inspect(|(_, contact)| window.merge(Window::between(contact.first, contact.last))));
            ledger.window.merge(window);
        });
        let mut some = Vec::with_capacity(TAKEN);
        each(db, |pair, contact| {
            let key = ContactKey {
                sender: names.name(pair.sender),
                client: names.name(pair.client),
                recipient: names.name(pair.recipient),
                direction: pair.direction,
            };
            some.push((key, contact));
            if some.len() == TAKEN {
                // Without a taker, the other thread panicked; so will who waits for it.
                let _ = send.send(std::mem::replace(&mut some, Vec::with_capacity(TAKEN)));
            }
        })?;
        let _ = send.send(some);
        Ok(())
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
