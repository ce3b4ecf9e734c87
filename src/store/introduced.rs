//! Who logged in, and what visitors called themselves.

use rusqlite::{Connection, params};

use super::{
    cells::{signed, unsigned},
    contacts::Numbers,
};
use crate::ledger::{Introduced, Ledger, Name, Word};

/// Adds a ledger's to what is stored; words that differ leave none. `ids` are the names' numbers in the store.
pub(super) fn save(db: &Connection, ledger: &Ledger, ids: &[i64]) -> rusqlite::Result<()> {
    let id = |name: Name| ids[name.0 as usize];
    let Introduced { logins, helos } = &ledger.introduced;
    let mut rows: Vec<_> = logins.iter().map(|((s, c), login)| (id(*s), id(*c), *login)).collect();
    rows.sort_unstable_by_key(|row| (row.0, row.1));
    let mut upsert = db.prepare(
        "INSERT INTO logins VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
         login = iif(login = excluded.login, login, 0), mails = mails + excluded.mails",
    )?;
    for (sender, client, login) in rows {
        upsert.execute(params![sender, client, id(login.name), signed(login.mails)])?;
    }
    let mut rows: Vec<_> = helos.iter().map(|(client, helo)| (id(*client), *helo)).collect();
    rows.sort_unstable_by_key(|row| row.0);
    let mut upsert = db.prepare(
        "INSERT INTO helos VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET
         helo = iif(helo = excluded.helo, helo, 0), mails = mails + excluded.mails",
    )?;
    for (client, helo) in rows {
        upsert.execute(params![client, id(helo.name), signed(helo.mails)])?;
    }
    Ok(())
}

/// Reads them back.
pub(super) fn load(db: &Connection, ledger: &mut Ledger, names: &Numbers) -> rusqlite::Result<()> {
    let name = |id: i64| names.name(id);
    let mut select = db.prepare("SELECT sender, client, login, mails FROM logins")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let login = Word { name: name(row.get(2)?), mails: unsigned(row.get(3)?) };
        ledger.introduced.login((name(row.get(0)?), name(row.get(1)?)), login);
    }
    let mut select = db.prepare("SELECT client, helo, mails FROM helos")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let helo = Word { name: name(row.get(1)?), mails: unsigned(row.get(2)?) };
        ledger.introduced.helo(name(row.get(0)?), helo);
    }
    Ok(())
}

/// Forgets those whose contacts are gone, by the table `met`.
pub(super) fn prune(db: &Connection) -> rusqlite::Result<usize> {
    let logins = db.execute("DELETE FROM logins WHERE (sender, client) NOT IN (SELECT sender, client FROM met)", [])?;
    Ok(logins + db.execute("DELETE FROM helos WHERE client NOT IN (SELECT client FROM met)", [])?)
}

/// Gives names their pseudonyms' numbers, by the table `renamed`.
pub(super) const RENAME: &str = "CREATE TEMP TABLE was AS SELECT * FROM logins;
    DELETE FROM logins;
    INSERT INTO logins SELECT s.new, c.new, iif(min(l.new) = max(l.new), min(l.new), 0), sum(mails)
      FROM was JOIN renamed s ON s.old = sender JOIN renamed c ON c.old = client JOIN renamed l ON l.old = login
      GROUP BY 1, 2;
    DROP TABLE was;
    CREATE TEMP TABLE was AS SELECT * FROM helos;
    DELETE FROM helos;
    INSERT INTO helos SELECT c.new, iif(min(h.new) = max(h.new), min(h.new), 0), sum(mails)
      FROM was JOIN renamed c ON c.old = client JOIN renamed h ON h.old = helo GROUP BY 1;
    DROP TABLE was;";
