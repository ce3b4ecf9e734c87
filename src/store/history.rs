//! The ledger of all nights: a night added, everything read back.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, countries, introduced, templates};
use crate::{
    bounce::BounceType,
    delivery::Direction,
    error::Error,
    ledger::{
        Answer, AuthTally, BlockTally, Contact, ContactKey, Crowd, DayTally, Ledger, Name, RefusalKey, STRANGERS,
    },
    merge::Merge,
    moment::{Day, Timestamp, Window},
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
            let ids = save_names(db, ledger)?;
            save_contacts(db, ledger, &ids)?;
            introduced::save(db, ledger, &ids)?;
            save_refusals(db, ledger, &ids)?;
            save_crowd(db, ledger)
        })
    }

    /// Addresses that are servers of honest mail: ours that some list named, and those through which more mail arrives
    /// than fails.
    pub fn mail_servers(&self) -> Result<BTreeSet<String>, Error> {
        self.read(|db| {
            let mut select = db.prepare(
                "SELECT ip FROM blocklist_ips UNION SELECT n.name FROM contacts c JOIN names n ON n.id = c.client
                 WHERE c.client > 0 GROUP BY c.client HAVING sum(c.accepted > 0) >= sum(c.unknown > 0)",
            )?;
            select.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Everything all nights taught, with so many visits of strangers at most, or [`STRANGERS`].
    pub fn ledger(&self, strangers: Option<usize>) -> Result<Ledger, Error> {
        self.read(|db| {
            let mut ledger = Ledger::bounded(strangers.unwrap_or(STRANGERS));
            let names = load_names(db, &mut ledger)?;
            load_days(db, &mut ledger)?;
            load_contacts(db, &mut ledger, &names)?;
            introduced::load(db, &mut ledger, &names)?;
            load_refusals(db, &mut ledger, &names)?;
            ledger.templates = templates::load(db)?;
            load_tallies(db, &mut ledger)?;
            ledger.make_room();
            Ok(ledger)
        })
    }
}

/// Adds everything but templates.
pub(super) fn add_ledger(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    save_days(db, ledger)?;
    save_tallies(db, ledger)?;
    let ids = save_names(db, ledger)?;
    save_contacts(db, ledger, &ids)?;
    introduced::save(db, ledger, &ids)?;
    save_refusals(db, ledger, &ids)
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

fn save_days(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
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

/// Gives every name its number in the store; the position is the ledger's own number.
fn save_names(db: &Connection, ledger: &Ledger) -> rusqlite::Result<Vec<i64>> {
    let mut sorted: Vec<(&str, Name)> = ledger.names.iter().map(|(name, text)| (text, name)).collect();
    // In the index's order SQLite appends instead of seeking: about five times as fast.
    sorted.sort_unstable();
    let mut find = db.prepare("SELECT id FROM names WHERE name = ?1")?;
    let mut insert = db.prepare("INSERT INTO names (name) VALUES (?1)")?;
    let mut ids = vec![0; sorted.len()];
    for (text, name) in sorted {
        let known = find.query_row([text], |row| row.get(0)).optional()?;
        ids[name.0 as usize] = match known {
            Some(id) => id,
            None => insert.insert([text])?,
        };
    }
    Ok(ids)
}

fn save_contacts(db: &Connection, ledger: &Ledger, ids: &[i64]) -> rusqlite::Result<()> {
    let id = |name: Name| ids[name.0 as usize];
    let mut rows: Vec<_> = ledger
        .contacts
        .iter()
        .map(|(k, c)| ((id(k.sender), id(k.client), id(k.recipient), k.direction as i64), c))
        .collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    let mut upsert = db.prepare(
        "INSERT INTO contacts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO UPDATE SET
         first_answer = iif((excluded.first, excluded.first_answer) < (first, first_answer), excluded.first_answer, first_answer),
         first = min(first, excluded.first), last = max(last, excluded.last),
         accepted_first = min(coalesce(accepted_first, excluded.accepted_first), coalesce(excluded.accepted_first, accepted_first)),
         accepted_last = max(coalesce(accepted_last, excluded.accepted_last), coalesce(excluded.accepted_last, accepted_last)),
         accepted = accepted + excluded.accepted, unknown = unknown + excluded.unknown,
         no_domain = no_domain + excluded.no_domain, other = other + excluded.other",
    )?;
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
    Ok(())
}

fn save_refusals(db: &Connection, ledger: &Ledger, ids: &[i64]) -> rusqlite::Result<()> {
    let id = |name: Name| ids[name.0 as usize];
    let mut rows: Vec<_> = ledger
        .refusals
        .iter()
        .map(|(k, n)| ((id(k.sender), id(k.recipient), k.day.0, k.kind.number(), k.direction as i64), *n))
        .collect();
    rows.sort_unstable();
    let mut upsert =
        db.prepare("INSERT INTO refusals VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET emails = emails + excluded.emails")?;
    for ((sender, recipient, day, kind, direction), emails) in rows {
        upsert.execute(params![sender, recipient, day, kind, direction, signed(emails)])?;
    }
    Ok(())
}

fn save_tallies(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
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

fn save_crowd(db: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
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

fn load_names(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<Numbers> {
    let mut names = Vec::new();
    let mut select = db.prepare("SELECT id, name FROM names ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        names.push((row.get(0)?, ledger.names.intern(row.get_ref(1)?.as_str()?)));
    }
    Ok(Numbers(names))
}

fn load_days(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
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

fn load_contacts(db: &Connection, ledger: &mut Ledger, names: &Numbers) -> rusqlite::Result<()> {
    let name = |id: i64| names.name(id);
    let mut select = db.prepare(
        "SELECT sender, client, recipient, direction, first, last, first_answer, accepted_first, accepted_last, accepted, unknown, no_domain, other FROM contacts",
    )?;
    let mut rows = select.query([])?;
    // About as many as there are, so that the table seldom grows.
    ledger.contacts.reserve(2 * names.0.len());
    while let Some(row) = rows.next()? {
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
        ledger.window.merge(Window::between(first, last));
        ledger.meet(key, contact);
    }
    Ok(())
}

fn load_refusals(db: &Connection, ledger: &mut Ledger, names: &Numbers) -> rusqlite::Result<()> {
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

fn load_tallies(db: &Connection, ledger: &mut Ledger) -> rusqlite::Result<()> {
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

/// SQLite's integers are signed; hashes and counts keep their 64 bits.
pub(super) fn signed(n: u64) -> i64 {
    n.cast_signed()
}

pub(super) fn unsigned(n: i64) -> u64 {
    n.cast_unsigned()
}

pub(super) fn kind(n: u8) -> BounceType {
    BounceType::from_number(n).unwrap_or(BounceType::Other)
}

fn direction(n: i64) -> Direction {
    if n == Direction::In as i64 { Direction::In } else { Direction::Out }
}

fn answer(n: i64) -> Answer {
    [Answer::Accepted, Answer::Unknown, Answer::NoDomain].into_iter().find(|a| *a as i64 == n).unwrap_or(Answer::Other)
}

fn span(first: Option<i64>, last: Option<i64>) -> Window {
    match (first, last) {
        (Some(first), Some(last)) => Window::between(Timestamp(first), Timestamp(last)),
        _ => Window::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::{Attempt, Delivery},
        ledger::Introduced,
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
