//! A sink's wording: text with `{fields}`. What a stranger wrote is put in as the medium can bear it, and is never read
//! for fields again.

use std::{fs, path::Path};

use super::message::Message;

/// The wording of everything but mail.
pub(super) const LINE: &str = include_str!("../../data/alerts/line.txt");
/// Of mail: the first line is the subject, the body follows an empty line.
pub(super) const MAIL: &str = include_str!("../../data/alerts/mail.txt");

/// A template that was understood.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Id,
    Event,
    Severity,
    Kind,
    Subject,
    RaisedAt,
    At,
}

/// Longer templates are a mistake: some other file was named.
const MAX_TEMPLATE: usize = 16 * 1024;

impl Template {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("template {}: {e}", path.display()))?;
        Self::parse(&text).map_err(|e| format!("template {}: {e}", path.display()))
    }

    /// `{{` and `}}` are braces.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEMPLATE {
            return Err(format!("is longer than {MAX_TEMPLATE} bytes"));
        }
        let mut pieces = Vec::new();
        let (mut plain, mut rest) = (String::new(), text.trim_end());
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = match (brace, after.split_once('}')) {
                ("{", Some(split)) => split,
                _ => return Err("has a brace without its other; write {{ or }} for a brace".into()),
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(Field::parse(name).ok_or_else(|| {
                format!("{{{}}} is no field; there are id, event, severity, kind, subject, raised_at, at", name.trim())
            })?));
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Template(pieces))
    }

    /// The text of `message`; `bear` makes a stranger's words harmless where they go.
    pub(super) fn fill(&self, message: &Message, bear: impl Fn(&str) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Field(Field::Id) => bear(&message.id),
                Piece::Field(Field::Subject) => bear(&message.subject),
                Piece::Field(Field::Event) => message.event.name().into(),
                Piece::Field(Field::Severity) => message.severity_name().into(),
                Piece::Field(Field::Kind) => message.kind.into(),
                Piece::Field(Field::RaisedAt) => message.raised_at.to_string(),
                Piece::Field(Field::At) => message.at.to_string(),
            })
            .collect()
    }
}

impl Field {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.trim() {
            "id" => Field::Id,
            "event" => Field::Event,
            "severity" => Field::Severity,
            "kind" => Field::Kind,
            "subject" => Field::Subject,
            "raised_at" => Field::RaisedAt,
            "at" => Field::At,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Timestamp;

    #[test]
    fn fields_are_filled_once() {
        let mut message = Message::heartbeat(Timestamp(0), 2);
        message.subject = "{id} {{severity}} <b>".into();
        let filled = |text: &str| Template::parse(text).unwrap().fill(&message, |s| s.replace('<', "&lt;"));
        assert_eq!(filled("{{{event}}} {subject}\n"), "{heartbeat} {id} {{severity}} &lt;b>");
        assert_eq!(filled(" { severity }"), " info");
        for broken in ["{nothing}", "{id", "id}", "{}"] {
            assert!(Template::parse(broken).is_err(), "{broken}");
        }
        for shipped in [LINE, MAIL] {
            assert!(Template::parse(shipped).is_ok());
        }
    }
}
