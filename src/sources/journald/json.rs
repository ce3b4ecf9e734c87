//! `journalctl -o json`: an object a line; a field that is no text is an array of its bytes, one that stands twice an
//! array of both.

use serde_json::Value;

use super::{Each, Entry, micros};
use crate::{
    moment::Timestamp,
    sources::{format, reject::Tally, split::MAX_LINE},
};

pub(super) fn looks_like(line: &str) -> bool {
    line.trim_start().starts_with('{') && line.contains("\"__REALTIME_TIMESTAMP\"") && line.contains("\"MESSAGE\"")
}

pub(super) fn moment(line: &str) -> Option<Timestamp> {
    if !looks_like(line) {
        return None;
    }
    let entry: serde_json::Map<String, Value> = serde_json::from_str(line).ok()?;
    micros(&text(entry.get("__REALTIME_TIMESTAMP")?)?)
}

pub(super) fn read(bytes: &[u8], tally: &mut Tally, each: Each<'_>) {
    format::lines(bytes, tally, |line, tally| {
        if !format::says_something(line) {
            return;
        }
        tally.relevant += 1;
        if line.len() > MAX_LINE {
            return tally.reject("the line is longer than any record could be", line);
        }
        let fields: serde_json::Map<String, Value> = match serde_json::from_str(line.trim()) {
            Ok(fields) => fields,
            Err(e) => return tally.reject(&format!("no journal entry: {e}"), line),
        };
        let mut entry = Entry::default();
        for (name, value) in &fields {
            if let Some(value) = text(value) {
                entry.set(name, &value);
            }
        }
        // Fields are sorted: the weaker names of program and process came first or last, never told apart by order.
        for name in ["SYSLOG_IDENTIFIER", "SYSLOG_PID"] {
            if let Some(value) = fields.get(name).and_then(text) {
                entry.set(name, &value);
            }
        }
        if entry.at.is_none() {
            return tally.reject("a journal entry without __REALTIME_TIMESTAMP", line);
        }
        tally.recognised += 1;
        entry.tell(tally, &mut *each);
    });
}

/// A field's text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => match list.first()? {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) => {
                let bytes: Vec<u8> = list.iter().filter_map(|b| u8::try_from(b.as_u64()?).ok()).collect();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        },
        _ => None,
    }
}
