//! What was counted where the rows were written, held against the rows.

use std::collections::BTreeMap;

use super::{Partial, row::Table};
use crate::error::Error;

/// The control row of what was read; the others have a table's name.
const READING: &str = "reading";

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
        self.claims = self.sums().into_iter().map(|(table, sums)| (table.to_owned(), sums)).collect();
        self.claims.extend(totals.map(|t| (READING.to_owned(), t.named().map(|(_, n)| n))));
    }

    /// What all readings together went over; `None` for a ledger taken from a store, which does not know.
    pub fn totals(&self) -> Option<Totals> {
        let [lines, bytes, records, rejects] = *self.claims.get(READING)?;
        Some(Totals { lines, bytes, records, rejects })
    }

    /// Whether every row the writers wrote is here, once.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |cause: String| Err(Error::Data { name: "ledger".to_owned(), cause });
        if self.claims.is_empty() {
            return wrong("it has no control totals, so it is not whole; give all parts that were written".to_owned());
        }
        let sums = self.sums();
        for table in Table::ALL.map(Table::name) {
            let claimed = self.claims.get(table).copied().unwrap_or_default();
            let found = sums.get(table).copied().unwrap_or_default();
            if claimed != found {
                return wrong(format!(
                    "its {table} rows add up to {found:?} and should to {claimed:?}: rows were lost or taken twice; nothing was kept"
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
    }

    /// What each table's counts add up to, however its rows were joined.
    fn sums(&self) -> BTreeMap<&'static str, [u64; 4]> {
        let mut sums: BTreeMap<&'static str, [u64; 4]> = BTreeMap::new();
        let mut add = |table: Table, counts: &[u64]| {
            for (sum, n) in sums.entry(table.name()).or_default().iter_mut().zip(counts) {
                *sum = sum.saturating_add(*n);
            }
        };
        let ledger = &self.ledger;
        ledger.contacts.values().for_each(|c| add(Table::Contact, &[c.accepted, c.unknown, c.no_domain, c.other]));
        ledger.introduced.logins.values().for_each(|word| add(Table::Login, &[word.mails]));
        ledger.introduced.helos.values().for_each(|word| add(Table::Helo, &[word.mails]));
        ledger.refusals.values().for_each(|n| add(Table::Refusal, &[*n]));
        for day in ledger.days.values() {
            add(Table::Day, &day.degrees);
            day.types.iter().for_each(|counts| add(Table::DayType, counts));
        }
        ledger.templates.forms().iter().for_each(|(_, _, form)| add(Table::Template, &[form.count]));
        ledger.blocklists.values().for_each(|b| add(Table::Blocklist, &[b.attempts, b.emails]));
        ledger.countries.values().for_each(|c| add(Table::Country, &c.counts()));
        ledger.authentication.values().for_each(|a| add(Table::Authentication, &[a.failures]));
        sums
    }
}
