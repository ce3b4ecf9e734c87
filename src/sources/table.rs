//! Comma-separated logs whose columns are named in the file: PowerMTA accounting, Exchange message tracking.

use std::borrow::Cow;

use super::{
    Options,
    event::{Event, Mails},
    format::{self, Emit, Joined},
    reject::Tally,
};
use crate::error::Error;

/// What a kind of table means.
pub(crate) trait Table: Send + Default + 'static {
    /// The columns, where `line` names them; `None` where it is a row.
    fn columns(line: &str) -> Option<Vec<String>>;
    /// The usual columns of a row, for a file that lost its head.
    fn usual(fields: &[Cow<'_, str>]) -> Option<Vec<String>>;
    /// Calls `tell` with what a row says; an error where it is no row of this kind.
    fn events(row: &Row<'_>, options: &Options, tell: &mut dyn FnMut(Event<'_>)) -> Result<(), &'static str>;
}

/// A row under its columns.
pub(crate) struct Row<'r> {
    columns: &'r [String],
    fields: &'r [Cow<'r, str>],
}

impl Row<'_> {
    /// The field under the first of `names` that has something in it; empty where none has.
    pub(crate) fn field(&self, names: &[&str]) -> &str {
        let found = names.iter().find_map(|name| {
            let at = self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
            self.fields.get(at).map(|field| field.trim()).filter(|field| !field.is_empty())
        });
        found.unwrap_or("")
    }
}

/// More columns than any table has.
const MOST: usize = 400;

/// The fields of a line, quoted or not; none where a quote does not end.
pub(crate) fn fields(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    while fields.len() < MOST {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut from = 0;
            let end = loop {
                let at = from + quoted[from..].find('"')?;
                if quoted[at + 1..].starts_with('"') { from = at + 2 } else { break at }
            };
            let text = &quoted[..end];
            fields.push(if text.contains('"') { text.replace("\"\"", "\"").into() } else { text.into() });
            rest = &quoted[end + 1..];
            rest = &rest[rest.find(',').unwrap_or(rest.len())..];
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            fields.push(rest[..end].into());
            rest = &rest[end..];
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some(fields),
        }
    }
    None
}

/// Mails under way, the columns the last file began with, those it ended with.
type Saved = (serde_json::Value, Vec<String>, Vec<String>);

/// A table being read.
pub(crate) struct Rows<T> {
    /// Those that hold.
    columns: Vec<String>,
    /// Those the file began with: one read on from its middle may have changed them since.
    first: Vec<String>,
    mails: Mails,
    options: Options,
    kind: std::marker::PhantomData<T>,
}

/// Goes on from what the night before saved.
pub(crate) fn start<T: Table>(options: &Options, saved: Option<serde_json::Value>) -> Result<Box<dyn Joined>, Error> {
    let unknown = |cause: serde_json::Error| Error::Data {
        name: "pending mails of a table".to_owned(),
        cause: cause.to_string(),
    };
    let (mails, first, columns) = match saved {
        Some(saved) => {
            let (mails, first, columns) = serde_json::from_value::<Saved>(saved).map_err(unknown)?;
            (Some(mails), first, columns)
        }
        None => Default::default(),
    };
    let mails = Mails::load(mails).map_err(unknown)?;
    Ok(Box::new(Rows::<T> { columns, first, mails, options: *options, kind: std::marker::PhantomData }))
}

impl<T: Table> Joined for Rows<T> {
    fn begin(&mut self, _: Option<i64>) {}

    fn head(&mut self, head: &[u8]) {
        let text = String::from_utf8_lossy(head);
        let first = text.lines().find_map(|line| T::columns(line.trim_start_matches('\u{feff}').trim_end()));
        let first = first.unwrap_or_default();
        if first != self.first {
            (self.columns, self.first) = (first.clone(), first);
        }
    }

    fn chunk(&mut self, bytes: &[u8], emit: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        let mut told = 0;
        format::lines(bytes, &mut tally, |line, tally| {
            let line = line.trim_start_matches('\u{feff}').trim_end();
            if let Some(columns) = T::columns(line) {
                self.columns = columns;
                return;
            }
            if !format::says_something(line) {
                return;
            }
            tally.relevant += 1;
            let Some(fields) = fields(line) else {
                return tally.reject("a quoted field without its end", line);
            };
            if self.columns.is_empty() {
                self.columns = T::usual(&fields).unwrap_or_default();
            }
            let (mut any, mut nameless) = (0, 0);
            let row = Row { columns: &self.columns, fields: &fields };
            let mails = &mut self.mails;
            let read = T::events(&row, &self.options, &mut |event| {
                if event.recipient.is_empty() {
                    nameless += 1;
                    return;
                }
                any += 1;
                mails.add(&event, &mut |d| {
                    told += 1;
                    emit(d);
                });
            });
            if let Err(cause) = read {
                return tally.reject(cause, line);
            }
            tally.recognised += 1;
            tally.own += 1;
            if nameless > 0 {
                tally.reject("a row without its recipient", line);
            } else if any == 0 {
                tally.ignored += 1;
            }
        });
        tally.records += told;
        tally
    }

    fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        self.mails.finish(settle, emit);
    }

    fn pending(&self) -> u64 {
        self.mails.pending()
    }

    fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value((self.mails.save()?, &self.first, &self.columns))
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn quoted_fields() {
        let read = |line| fields(line).map(|f| f.join("|"));
        assert_eq!(read("a,,\"b,\"\"c\"\"\",d").as_deref(), Some("a||b,\"c\"|d"));
        assert_eq!(read("").as_deref(), Some(""));
        assert_eq!(read("a,").as_deref(), Some("a|"));
        assert_eq!(read("\"a"), None);
    }
}
