//! Who is refused, per domain or per address, read off the ledger.

use super::Weekly;
use crate::{
    bounce::BounceType,
    delivery::Direction,
    ledger::{Ledger, Name, Names, RefusalKey},
    moment::{Day, Timestamp, Week},
};

/// Outbound hard bounces. Only one domain's or address's at a time are counted: there are millions.
#[derive(Debug)]
pub(super) struct Refused<'l> {
    names: &'l Names,
    /// Sorted by domain, then by recipient.
    rows: Vec<Row>,
}

/// A day's refusals between two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    recipient: Name,
    sender: Name,
    day: Day,
    mails: u64,
}

/// The refusals of one domain or address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'r, 'l> {
    names: &'l Names,
    /// Never empty.
    rows: &'r [Row],
}

/// What came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusals<'l> {
    /// Mails by week, with each week's distinct senders, oldest first.
    pub weekly: Vec<Weekly>,
    /// Mails by sender, sorted by name.
    pub senders: Vec<(&'l str, u64)>,
    /// First and last moment, as far as days tell.
    pub span: (Timestamp, Timestamp),
    /// Mails.
    pub mails: u64,
}

impl<'l> Refused<'l> {
    /// Those of a ledger that are of a type and at a domain which `fit`, but for recipients without a domain.
    pub(super) fn of(ledger: &'l Ledger, fit: impl Fn(BounceType, &str) -> bool) -> Self {
        let names = &ledger.names;
        let ours = |key: &RefusalKey| {
            let domain = names.domain_text(names.domain(key.recipient));
            key.direction == Direction::Out && !domain.is_empty() && fit(key.kind, domain)
        };
        let rows = ledger.refusals.iter().filter(|(key, _)| ours(key));
        let mut rows: Vec<Row> = rows
            .map(|(key, mails)| Row { recipient: key.recipient, sender: key.sender, day: key.day, mails: *mails })
            .collect();
        rows.sort_unstable_by_key(|row| (names.domain(row.recipient), row.recipient, row.sender, row.day));
        Refused { names, rows }
    }

    /// Each domain's.
    pub(super) fn by_domain(&self) -> impl Iterator<Item = Of<'_, 'l>> {
        let names = self.names;
        let of_domain = self.rows.chunk_by(|a, b| names.domain(a.recipient) == names.domain(b.recipient));
        of_domain.map(|rows| Of { names, rows })
    }

    /// Each recipient's; those of one domain follow each other.
    pub(super) fn by_recipient(&self) -> impl Iterator<Item = Of<'_, 'l>> {
        self.rows.chunk_by(|a, b| a.recipient == b.recipient).map(|rows| Of { names: self.names, rows })
    }
}

impl<'l> Of<'_, 'l> {
    /// Whose they are.
    pub(super) fn domain(&self) -> &'l str {
        self.names.domain_text(self.names.domain(self.rows[0].recipient))
    }

    /// Whose they are, if all are of one recipient.
    pub(super) fn recipient(&self) -> &'l str {
        self.names.text(self.rows[0].recipient)
    }

    /// Who was refused, some more than once.
    pub(super) fn senders(&self) -> impl Iterator<Item = &'l str> {
        self.rows.iter().map(|row| self.names.text(row.sender))
    }

    /// Counts them.
    pub(super) fn count(&self) -> Refusals<'l> {
        let mut by_sender: Vec<&Row> = self.rows.iter().collect();
        by_sender.sort_unstable_by_key(|row| row.sender);
        let of_sender = by_sender.chunk_by(|a, b| a.sender == b.sender);
        let mut senders: Vec<(&str, u64)> =
            of_sender.map(|rows| (self.names.text(rows[0].sender), rows.iter().map(|row| row.mails).sum())).collect();
        senders.sort_unstable();
        let mut by_week: Vec<(Week, Name, u64)> =
            self.rows.iter().map(|row| (row.day.week(), row.sender, row.mails)).collect();
        by_week.sort_unstable();
        let of_week = by_week.chunk_by(|a, b| a.0 == b.0);
        let weekly = of_week.map(|rows| Weekly {
            week: rows[0].0,
            senders: rows.chunk_by(|a, b| a.1 == b.1).count() as u64,
            emails: rows.iter().map(|(_, _, mails)| mails).sum(),
        });
        let days = || self.rows.iter().map(|row| row.day.start());
        Refusals {
            weekly: weekly.collect(),
            senders,
            span: (days().min().unwrap_or(Timestamp(0)), days().max().unwrap_or(Timestamp(0))),
            mails: self.rows.iter().map(|row| row.mails).sum(),
        }
    }
}
