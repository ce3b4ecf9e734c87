//! Rows → a ledger, each folded into what is known under its key. A row that makes no sense is refused whole.

use super::{
    Partial,
    row::{Large, Row, Small, Table, Text},
};
use crate::{
    bounce::BounceType,
    delivery::Direction,
    geo::Country,
    ledger::{Answer, Contact, ContactKey, Crowd, RefusalKey, Word},
    merge::Merge,
    moment::{Day, Timestamp, Window},
    ndr::{Form, Founder, TemplateId},
    sources::Mark,
};

/// No count a row could honestly have: a petabyte of log, 10^15 mails.
const MOST: i64 = 1 << 50;
/// No text of a log is longer: a line is cut there.
const LONGEST: usize = 1 << 20;
/// The years 0 to 9999, as days: what a log's stamp can say.
const DAYS: std::ops::Range<i32> = -719_528..2_932_897;

impl Partial {
    /// Takes in a row, or says what is wrong with it.
    pub(super) fn take(&mut self, row: &Row<'_>) -> Result<(), String> {
        let ledger = &mut self.ledger;
        match row.table {
            Table::Contact => {
                let (first, last) = (row.moment(Large::First)?, row.moment(Large::Last)?);
                let [accepted, unknown, no_domain, other] = row.counted()?;
                let contact = Contact {
                    first,
                    last,
                    first_answer: row.answer()?,
                    accepted_span: match row.larges[Large::AcceptedFirst as usize] {
                        Some(_) => Window::between(row.moment(Large::AcceptedFirst)?, row.moment(Large::AcceptedLast)?),
                        None => Window::default(),
                    },
                    accepted,
                    unknown,
                    no_domain,
                    other,
                };
                let key = ContactKey {
                    sender: ledger.names.intern(row.need(Text::Sender)?),
                    client: ledger.names.intern(row.need(Text::Client)?),
                    recipient: ledger.names.intern(row.need(Text::Recipient)?),
                    direction: row.direction()?,
                };
                ledger.window.merge(Window::between(first, last));
                ledger.meet(key, contact);
            }
            Table::Login => {
                let who = (ledger.names.intern(row.need(Text::Sender)?), ledger.names.intern(row.need(Text::Client)?));
                let ([mails, ..], name) = (row.counted()?, ledger.names.intern(row.need(Text::Value)?));
                ledger.introduced.login(who, Word { name, mails });
            }
            Table::Helo => {
                let client = ledger.names.intern(row.need(Text::Name)?);
                let ([mails, ..], name) = (row.counted()?, ledger.names.intern(row.need(Text::Value)?));
                ledger.introduced.helo(client, Word { name, mails });
            }
            Table::Refusal => {
                let key = RefusalKey {
                    sender: ledger.names.intern(row.need(Text::Sender)?),
                    recipient: ledger.names.intern(row.need(Text::Recipient)?),
                    day: row.day()?,
                    kind: row.kind(Small::Type)?,
                    direction: row.direction()?,
                };
                let [emails, ..] = row.counted()?;
                *ledger.refusals.entry(key).or_default() += emails;
            }
            Table::Day => {
                let [non, soft, hard, _] = row.counted()?;
                let day = ledger.days.entry(row.day()?).or_default();
                day.degrees.iter_mut().zip([non, soft, hard]).for_each(|(mine, its)| *mine += its);
            }
            Table::DayType => {
                let [attempts, soft, hard, _] = row.counted()?;
                let kind = row.kind(Small::Type)?;
                let counts = &mut ledger.days.entry(row.day()?).or_default().types[kind as usize - 1];
                counts.iter_mut().zip([attempts, soft, hard]).for_each(|(mine, its)| *mine += its);
            }
            Table::Template => {
                let [count, ..] = row.counted()?;
                let form = Form {
                    text: row.need(Text::Name)?.into(),
                    example: row.need(Text::Example)?.into(),
                    kind: row.kind(Small::LastType)?,
                    count,
                    seen: Window::between(row.moment(Large::First)?, row.moment(Large::Last)?),
                };
                ledger.templates.restore(row.level()?, row.id()?, form);
            }
            Table::Founder => {
                let founder = Founder {
                    text: row.need(Text::Name)?.into(),
                    kind: row.kind(Small::Type)?,
                    first: row.moment(Large::First)?,
                    proposal: None,
                };
                ledger.templates.know(row.id()?, founder);
            }
            Table::Bound => {
                let zeros = u32::try_from(row.large_needed(Large::Last)?).ok().filter(|zeros| *zeros < 64);
                ledger.templates.bind(row.level()?, zeros.ok_or("is out of range in last")?);
            }
            Table::Blocklist => {
                let [attempts, emails, ..] = row.counted()?;
                let tally = ledger.blocklists.entry((row.need(Text::Name)?.to_owned(), row.day()?)).or_default();
                tally.attempts += attempts;
                tally.emails += emails;
            }
            Table::BlocklistIp | Table::BlocklistReceiver => {
                let value = row.need(Text::Value)?.to_owned();
                let tally = ledger.blocklists.entry((row.need(Text::Name)?.to_owned(), row.day()?)).or_default();
                if row.table == Table::BlocklistIp {
                    tally.blocked_ips.insert(value);
                } else {
                    tally.receiver_domains.insert(value);
                }
            }
            Table::Authentication => {
                let failed = Window::between(row.moment(Large::First)?, row.moment(Large::Last)?);
                let [failures, ..] = row.counted()?;
                let tally = ledger.authentication.entry(row.need(Text::Name)?.to_owned()).or_default();
                tally.failures += failures;
                tally.failed.merge(failed);
            }
            Table::SenderPass => {
                ledger.sender_passes.entry(row.need(Text::Name)?.to_owned()).or_default().insert(row.day()?);
            }
            Table::Crowd => {
                let crowd = Crowd::from_text(row.need(Text::Value)?).ok_or("has no sketch in value")?;
                ledger.strangers.crowd.join(&crowd);
            }
            Table::Country => {
                let country = Country::parse(row.need(Text::Name)?).ok_or("has no country in name")?;
                ledger.countries.entry((row.day()?, country)).or_default().merge(row.counted()?.into());
            }
            Table::Input => self.mark(row)?,
            Table::Control => {
                let counts = row.counted()?;
                self.add_claim(row.need(Text::Name)?, counts);
            }
        }
        Ok(())
    }

    /// The same input named twice is one, under the lesser of its paths.
    fn mark(&mut self, row: &Row<'_>) -> Result<(), String> {
        let rest: Vec<&str> = row.need(Text::Value)?.split(' ').collect();
        let read = |text: &str| text.parse().map_err(|_| "has no numbers in value".to_owned());
        let [head_len, offset, tail] = rest[..] else { return Err("has no three numbers in value".to_owned()) };
        let mark = Mark {
            head: row.large_needed(Large::Id)?.cast_unsigned(),
            head_len: read(head_len)?,
            offset: read(offset)?,
            tail: u64::from_str_radix(tail, 16).map_err(|_| "has no hash in value".to_owned())?,
            records: row.large_needed(Large::Last)?.cast_unsigned(),
            path: row.need(Text::Name)?.to_owned(),
        };
        let place = |m: &Mark| (m.head, m.head_len, m.offset, m.tail);
        match self.marks.binary_search_by_key(&place(&mark), place) {
            Ok(at) => {
                let known = &mut self.marks[at];
                known.records = known.records.max(mark.records);
                if mark.path < known.path {
                    known.path = mark.path;
                }
            }
            Err(at) => self.marks.insert(at, mark),
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    fn need(&self, column: Text) -> Result<&'a str, String> {
        match self.texts[column as usize] {
            Some(text) if text.len() <= LONGEST => Ok(text),
            Some(_) => Err(format!("is too long in {}", super::row::TEXTS[column as usize])),
            None => Err(format!("has no {}", super::row::TEXTS[column as usize])),
        }
    }

    fn small_needed(&self, column: Small) -> Result<i32, String> {
        self.smalls[column as usize].ok_or_else(|| format!("has no {}", super::row::SMALLS[column as usize]))
    }

    fn large_needed(&self, column: Large) -> Result<i64, String> {
        self.larges[column as usize].ok_or_else(|| format!("has no {}", super::row::LARGES[column as usize]))
    }

    fn counted(&self) -> Result<[u64; 4], String> {
        let mut counts = [0; 4];
        for (count, found) in counts.iter_mut().zip(&self.larges[Large::Count0 as usize..]) {
            let n = found.unwrap_or(0);
            if !(0..MOST).contains(&n) {
                return Err(format!("counts {n}"));
            }
            *count = n.cast_unsigned();
        }
        Ok(counts)
    }

    fn moment(&self, column: Large) -> Result<Timestamp, String> {
        let at = Timestamp(self.large_needed(column)?);
        if DAYS.contains(&at.day().0) {
            Ok(at)
        } else {
            Err(format!("is of no year in {}", super::row::LARGES[column as usize]))
        }
    }

    fn day(&self) -> Result<Day, String> {
        let day = self.small_needed(Small::Day)?;
        if DAYS.contains(&day) { Ok(Day(day)) } else { Err("is of no year in day".to_owned()) }
    }

    fn kind(&self, column: Small) -> Result<BounceType, String> {
        let n = self.small_needed(column)?;
        u8::try_from(n).ok().and_then(BounceType::from_number).ok_or_else(|| format!("has the unknown type {n}"))
    }

    fn direction(&self) -> Result<Direction, String> {
        let n = self.small_needed(Small::Direction)?;
        let found = [Direction::Out, Direction::In].into_iter().find(|d| *d as i32 == n);
        found.ok_or_else(|| format!("has the unknown direction {n}"))
    }

    fn answer(&self) -> Result<Answer, String> {
        let n = self.small_needed(Small::FirstAnswer)?;
        let all = [Answer::Accepted, Answer::Unknown, Answer::NoDomain, Answer::Other];
        all.into_iter().find(|a| *a as i32 == n).ok_or_else(|| format!("has the unknown answer {n}"))
    }

    fn level(&self) -> Result<u8, String> {
        let n = self.small_needed(Small::Level)?;
        u8::try_from(n).ok().filter(|n| *n < 3).ok_or_else(|| format!("has the unknown level {n}"))
    }

    fn id(&self) -> Result<TemplateId, String> {
        Ok(TemplateId(self.large_needed(Large::Id)?.cast_unsigned()))
    }
}
