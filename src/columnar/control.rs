//! What was counted where the rows were written, held against the rows.

use std::collections::BTreeMap;

use super::{Partial, row::Table};
use crate::{error::Error, hash::stable_hash, ledger::Name};

/// The control row of what was read; the others have a table's name.
const READING: &str = "reading";
/// Behind a table's name: the control row of its keys.
const KEYS: &str = ".keys";
/// Sums of keys are kept to so many bits: hundreds of thousands of them add up to a number that a row may count.
const KEY_BITS: u64 = (1 << 32) - 1;

/// What a reading went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Lines, blank ones too.
    pub lines: u64,
    /// After unpacking.
    pub bytes: u64,
    /// Mails.
    pub records: u64,
    /// Lines refused.
    pub rejects: u64,
}

impl Totals {
    /// With their names in a manifest.
    pub fn named(self) -> [(&'static str, u64); 4] {
        [("lines", self.lines), ("bytes", self.bytes), ("records", self.records), ("rejects", self.rejects)]
    }
}

impl Partial {
    /// Says what this ledger adds up to, for whoever joins it with others; `totals` of the reading where they are known.
    pub fn claim(&mut self, totals: Option<Totals>) {
        self.claims.clear();
        for (table, Sums { counts, keys }) in self.sums() {
            self.claims.insert(table.to_owned(), counts);
            self.claims.insert(format!("{table}{KEYS}"), [keys & KEY_BITS, total(counts), 0, 0]);
        }
        self.claims.extend(totals.map(|t| (READING.to_owned(), t.named().map(|(_, n)| n))));
    }

    /// What all readings together went over; `None` for a ledger taken from a store, which does not know.
    pub fn totals(&self) -> Option<Totals> {
        let [lines, bytes, records, rejects] = *self.claims.get(READING)?;
        Some(Totals { lines, bytes, records, rejects })
    }

    /// Whether every row the writers wrote is here, once, under its own key.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |cause: String| Err(Error::Data { name: "ledger".to_owned(), cause });
        if self.claims.is_empty() {
            return wrong("it has no control totals, so it is not whole; give all parts that were written".to_owned());
        }
        let sums = self.sums();
        for table in Table::ALL.map(Table::name) {
            let claimed = self.claims.get(table).copied().unwrap_or_default();
            let Sums { counts, keys } = sums.get(table).copied().unwrap_or_default();
            if claimed != counts {
                return wrong(format!(
                    "its {table} rows add up to {counts:?} and should to {claimed:?}: rows were lost or taken twice; nothing was kept"
                ));
            }
            // Earlier versions summed up no keys: where a part is theirs, the sum is not of all rows.
            if let Some([sum, of, ..]) = self.claims.get(&format!("{table}{KEYS}"))
                && *of == total(counts)
                && sum & KEY_BITS != keys & KEY_BITS
            {
                return wrong(format!(
                    "its {table} rows are not what was written: bytes were damaged; nothing was kept"
                ));
            }
        }
        Ok(())
    }

    /// Holds the totals against what whoever planned the reading counted.
    pub fn agrees(&self, manifest: &Totals) -> Result<(), Error> {
        let wrong = |cause: String| Err(Error::Data { name: "ledger".to_owned(), cause });
        let Some(totals) = self.totals() else {
            return wrong("it has no totals of a reading to hold against the manifest".to_owned());
        };
        for ((what, found), (_, expected)) in totals.named().into_iter().zip(manifest.named()) {
            if found != expected {
                return wrong(format!("it is of {found} {what}, the manifest says {expected}; nothing was kept"));
            }
        }
        Ok(())
    }

    pub(super) fn claims(&self) -> &BTreeMap<String, [u64; 4]> {
        &self.claims
    }

    pub(super) fn add_claim(&mut self, name: &str, counts: [u64; 4]) {
        let known = self.claims.entry(name.to_owned()).or_default();
        for (mine, its) in known.iter_mut().zip(counts) {
            *mine = mine.saturating_add(its);
        }
        if name.ends_with(KEYS) {
            known[0] &= KEY_BITS;
        }
    }

    /// What each table's rows add up to, however they were joined.
    fn sums(&self) -> BTreeMap<&'static str, Sums> {
        let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
        let mut add = |table: Table, key: u64, counts: &[u64]| sums.entry(table.name()).or_default().add(key, counts);
        let ledger = &self.ledger;
        let name = |name: Name| text(ledger.names.text(name));
        for (k, c) in ledger.contacts.iter() {
            let key = key(&[name(k.sender), name(k.client), name(k.recipient), k.direction as u64]);
            add(Table::Contact, key, &[c.accepted, c.unknown, c.no_domain, c.other]);
        }
        for ((sender, client), word) in &ledger.introduced.logins {
            add(Table::Login, key(&[name(*sender), name(*client)]), &[word.mails]);
        }
        for (client, word) in &ledger.introduced.helos {
            add(Table::Helo, key(&[name(*client)]), &[word.mails]);
        }
        for (k, n) in &ledger.refusals {
            let (day, kind) = (k.day.0 as u64, u64::from(k.kind.number()));
            add(Table::Refusal, key(&[name(k.sender), name(k.recipient), day, kind, k.direction as u64]), &[*n]);
        }
        for (day, tally) in &ledger.days {
            add(Table::Day, key(&[day.0 as u64]), &tally.degrees);
            for (n, counts) in tally.types.iter().enumerate() {
                add(Table::DayType, key(&[day.0 as u64, n as u64]), counts);
            }
        }
        // Joined ledgers may count a form by its first words: these keys do not last.
        ledger.templates.forms().iter().for_each(|(_, _, form)| add(Table::Template, 0, &[form.count]));
        for ((list, day), b) in &ledger.blocklists {
            add(Table::Blocklist, key(&[text(list), day.0 as u64]), &[b.attempts, b.emails]);
        }
        for ((day, country), c) in &ledger.countries {
            add(Table::Country, key(&[day.0 as u64, text(country.code())]), &c.counts());
        }
        for (domain, a) in &ledger.authentication {
            add(Table::Authentication, key(&[text(domain)]), &[a.failures]);
        }
        sums
    }
}

/// Of one table.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    counts: [u64; 4],
    /// Of each key's hash times its counts, so that rows of one key may be joined or not.
    keys: u64,
}

impl Sums {
    fn add(&mut self, key: u64, counts: &[u64]) {
        for (n, (sum, count)) in self.counts.iter_mut().zip(counts).enumerate() {
            *sum = sum.saturating_add(*count);
            self.keys = self.keys.wrapping_add(count.wrapping_mul(key.rotate_left(16 * n as u32)));
        }
    }
}

fn total(counts: [u64; 4]) -> u64 {
    counts.iter().fold(0, |sum, n| sum.saturating_add(*n))
}

fn text(text: &str) -> u64 {
    stable_hash(text.as_bytes())
}

fn key(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |hash, part| stable_hash(&(hash.rotate_left(1) ^ part).to_le_bytes()))
}
