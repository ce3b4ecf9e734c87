//! A ledger → rows, in one order for one content.

use rayon::slice::ParallelSliceMut;

use super::{
    Partial,
    row::{Large, Row, Small, Table, Text, shard_key},
};
use crate::{
    bounce::BounceType,
    error::Error,
    ledger::{Contact, Ledger, Name},
};

/// Where rows go.
pub(super) type Out<'o> = &'o mut dyn FnMut(&Row<'_>) -> Result<(), Error>;

impl Partial {
    /// All rows: by table, then by shard key, then by key; control rows last.
    pub(super) fn rows(&self, out: Out<'_>) -> Result<(), Error> {
        contacts(&self.ledger, out)?;
        introduced(&self.ledger, out)?;
        refusals(&self.ledger, out)?;
        days(&self.ledger, out)?;
        templates(&self.ledger, out)?;
        tallies(&self.ledger, out)?;
        let mut marks: Vec<_> = self
            .marks
            .iter()
            .map(|m| (m.path.as_str(), m.head, format!("{} {} {:016x}", m.head_len, m.offset, m.tail), m.records))
            .collect();
        marks.sort_unstable();
        for (path, head, rest, records) in &marks {
            let row = Row::new(Table::Input).large(Large::Id, head.cast_signed()).text(Text::Value, rest);
            out(&row.text(Text::Name, path).large(Large::Last, records.cast_signed()))?;
        }
        for (name, counts) in self.claims() {
            out(&Row::new(Table::Control).text(Text::Name, name).counts(*counts))?;
        }
        Ok(())
    }
}

fn contacts(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    let text = |name: Name| ledger.names.text(name);
    let mut rows: Vec<_> = ledger
        .contacts
        .iter()
        .map(|(k, c)| {
            let sender = text(k.sender);
            ((shard_key(sender), sender, text(k.client), text(k.recipient), k.direction), c)
        })
        .collect();
    rows.par_sort_unstable_by_key(|(key, _)| *key);
    for ((_, sender, client, recipient, direction), c) in rows {
        let Contact { first, last, first_answer, accepted_span, accepted, unknown, no_domain, other } = c;
        let mut row = Row::new(Table::Contact)
            .text(Text::Sender, sender)
            .text(Text::Client, client)
            .text(Text::Recipient, recipient)
            .small(Small::Direction, direction as i32)
            .large(Large::First, first.0)
            .large(Large::Last, last.0)
            .small(Small::FirstAnswer, first_answer as i32)
            .counts([accepted, unknown, no_domain, other]);
        if let Some((first, last)) = accepted_span.bounds() {
            row = row.large(Large::AcceptedFirst, first.0).large(Large::AcceptedLast, last.0);
        }
        out(&row)?;
    }
    Ok(())
}

fn introduced(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    let text = |name: Name| ledger.names.text(name);
    let key = |sender: Name| (shard_key(text(sender)), text(sender));
    let logins =
        ledger.introduced.logins.iter().map(|((s, c), login)| (key(*s), text(*c), text(login.name), login.mails));
    let mut rows: Vec<_> = logins.collect();
    rows.sort_unstable();
    for ((_, sender), client, login, mails) in rows {
        let row = Row::new(Table::Login).text(Text::Sender, sender).text(Text::Client, client);
        out(&row.text(Text::Value, login).counts([mails]))?;
    }
    let helos = ledger.introduced.helos.iter().map(|(client, helo)| (key(*client), text(helo.name), helo.mails));
    let mut rows: Vec<_> = helos.collect();
    rows.sort_unstable();
    for ((_, client), helo, mails) in rows {
        out(&Row::new(Table::Helo).text(Text::Name, client).text(Text::Value, helo).counts([mails]))?;
    }
    Ok(())
}

fn refusals(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    let text = |name: Name| ledger.names.text(name);
    let mut rows: Vec<_> = ledger
        .refusals
        .iter()
        .map(|(k, n)| {
            let sender = text(k.sender);
            ((shard_key(sender), sender, text(k.recipient), k.day, k.kind.number(), k.direction), *n)
        })
        .collect();
    rows.sort_unstable();
    for ((_, sender, recipient, day, kind, direction), emails) in rows {
        let row = Row::new(Table::Refusal).text(Text::Sender, sender).text(Text::Recipient, recipient);
        let row = row.small(Small::Day, day.0).small(Small::Type, kind.into());
        out(&row.small(Small::Direction, direction as i32).counts([emails]))?;
    }
    Ok(())
}

fn days(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    for (day, tally) in &ledger.days {
        out(&Row::new(Table::Day).small(Small::Day, day.0).counts(tally.degrees))?;
    }
    for (day, tally) in &ledger.days {
        for (kind, counts) in BounceType::ALL.iter().zip(tally.types).filter(|(_, counts)| counts != &[0; 3]) {
            let row = Row::new(Table::DayType).small(Small::Day, day.0);
            out(&row.small(Small::Type, kind.number().into()).counts(counts))?;
        }
    }
    Ok(())
}

fn templates(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    let mut forms = ledger.templates.forms();
    forms.sort_by_key(|(level, id, form)| (shard_key(&form.text), *level, *id));
    for (level, id, form) in forms {
        let (first, last) = form.seen.bounds().unwrap_or_default();
        let row = Row::new(Table::Template).small(Small::Level, level.into()).large(Large::Id, id.0.cast_signed());
        let row = row.text(Text::Name, &form.text).text(Text::Example, &form.example);
        let row = row.small(Small::LastType, form.kind.number().into());
        out(&row.large(Large::First, first.0).large(Large::Last, last.0).counts([form.count]))?;
    }
    for (id, founder) in ledger.templates.known() {
        let row = Row::new(Table::Founder).large(Large::Id, id.0.cast_signed()).text(Text::Name, &founder.text);
        out(&row.small(Small::Type, founder.kind.number().into()).large(Large::First, founder.first.0))?;
    }
    for (level, zeros) in ledger.templates.bounds().into_iter().filter(|(_, zeros)| *zeros > 0) {
        out(&Row::new(Table::Bound).small(Small::Level, level.into()).large(Large::Last, zeros.into()))?;
    }
    Ok(())
}

fn tallies(ledger: &Ledger, out: Out<'_>) -> Result<(), Error> {
    let listed = |table, name, day: crate::moment::Day| Row::new(table).text(Text::Name, name).small(Small::Day, day.0);
    for ((list, day), tally) in &ledger.blocklists {
        out(&listed(Table::Blocklist, list, *day).counts([tally.attempts, tally.emails]))?;
    }
    for ((list, day), tally) in &ledger.blocklists {
        for ip in &tally.blocked_ips {
            out(&listed(Table::BlocklistIp, list, *day).text(Text::Value, ip))?;
        }
        for domain in &tally.receiver_domains {
            out(&listed(Table::BlocklistReceiver, list, *day).text(Text::Value, domain))?;
        }
    }
    for (domain, tally) in &ledger.authentication {
        let (first, last) = tally.failed.bounds().unwrap_or_default();
        let row = Row::new(Table::Authentication).text(Text::Name, domain).counts([tally.failures]);
        out(&row.large(Large::First, first.0).large(Large::Last, last.0))?;
    }
    for (domain, days) in &ledger.sender_passes {
        for day in days {
            out(&listed(Table::SenderPass, domain, *day))?;
        }
    }
    if let Some(sketch) = ledger.strangers.crowd.to_text() {
        out(&Row::new(Table::Crowd).text(Text::Value, &sketch))?;
    }
    for ((day, country), tally) in &ledger.countries {
        out(&listed(Table::Country, country.code(), *day).counts(tally.counts()))?;
    }
    Ok(())
}
