//! JSON of any shape, borrowed from the line where it can be: what providers' events are read from.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Real(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, in its order.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

static NULL: Json<'static> = Json::Null;

impl<'a> Json<'a> {
    /// Reads exactly one value; nesting is capped by the parser at 128.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value under `path` (`bounce.bouncedRecipients`); null where there is none.
    pub(crate) fn at(&self, path: &str) -> &Json<'a> {
        let mut here = self;
        for part in path.split('.') {
            let Json::Object(fields) = here else { return null() };
            match fields.iter().find(|(name, _)| name == part) {
                Some((_, value)) => here = value,
                None => return null(),
            }
        }
        here
    }

    /// Whether there is something under `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        *self.at(path) != Json::Null
    }

    /// The string under `path`, or the one string of a list there; empty where there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.at(path).as_text()
    }

    /// The string this is, or the first of a list; empty where it is neither.
    pub(crate) fn as_text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            Json::List(list) => list.first().map_or("", Json::as_text),
            _ => "",
        }
    }

    /// The string or number under `path`, as text.
    pub(crate) fn word(&self, path: &str) -> Cow<'_, str> {
        match self.at(path) {
            Json::Int(n) => Cow::Owned(n.to_string()),
            Json::Real(n) => Cow::Owned(n.to_string()),
            other => Cow::Borrowed(other.as_text()),
        }
    }

    /// The whole number under `path`, also where it stands as a string or with a fraction.
    pub(crate) fn int(&self, path: &str) -> Option<i64> {
        match self.at(path) {
            Json::Int(n) => Some(*n),
            Json::Real(n) if n.is_finite() => Some(*n as i64),
            Json::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n as i64))
            }
            _ => None,
        }
    }

    /// The elements of the list under `path`; the value itself where it is no list, nothing where it is null.
    pub(crate) fn each(&self, path: &str) -> &[Json<'a>] {
        match self.at(path) {
            Json::List(list) => list,
            Json::Null => &[],
            one => std::slice::from_ref(one),
        }
    }
}

fn null<'n, 'a>() -> &'n Json<'a> {
    &NULL
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Json::Real(value as f64), Json::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Real(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Json::Text(name), value)) = map.next_entry::<Json<'de>, Json<'de>>()? {
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

/// Cuts a stream of lines into JSON objects: one a line, printed over many lines, in arrays, or one after the other.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    held: String,
    /// Lines of which `held` is made.
    lines: usize,
    depth: usize,
    quoted: bool,
    escaped: bool,
}

/// The longest object read; a mail's events have some kilobytes.
const LONGEST: usize = 1 << 20;

impl Objects {
    /// Takes a line in; calls `each` with every object that it ends, and with what cannot be one, as an error.
    pub(crate) fn feed(&mut self, line: &str, each: &mut dyn FnMut(Result<&str, &str>)) {
        // A line that is an object by itself ends whatever was broken off before it.
        if self.depth > 0 && line.starts_with('{') && line.trim_end().ends_with('}') && Json::parse(line).is_ok() {
            self.give_up(each);
        }
        let mut from = 0;
        let mut stray = None;
        for (at, byte) in line.bytes().enumerate() {
            if self.depth == 0 {
                match byte {
                    b'{' => {
                        self.depth = 1;
                        from = at;
                    }
                    b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | 0x1e => {}
                    _ => stray = stray.or(Some(at)),
                }
                continue;
            }
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ if self.quoted => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        if self.held.is_empty() {
                            each(Ok(&line[from..=at]));
                        } else {
                            self.held.push_str(&line[from..=at]);
                            each(Ok(&self.held));
                            self.held.clear();
                            self.lines = 0;
                        }
                        from = at + 1;
                    }
                }
                _ => {}
            }
        }
        if self.depth > 0 {
            self.held.push_str(&line[from..]);
            self.held.push('\n');
            self.lines += 1;
            if self.held.len() > LONGEST {
                self.give_up(each);
            }
        } else if let Some(at) = stray {
            each(Err(line.get(at..).unwrap_or(line)));
        }
    }

    /// How many of the latest lines belong to an object of which the end is still to come.
    pub(crate) fn open_lines(&self) -> usize {
        self.lines
    }

    /// The stream ends: what is unfinished will not be finished.
    pub(crate) fn give_up(&mut self, each: &mut dyn FnMut(Result<&str, &str>)) {
        if self.depth > 0 {
            each(Err(&self.held));
        }
        *self = Objects::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> (Vec<String>, usize) {
        let (mut cut, mut good, mut bad) = (Objects::default(), Vec::new(), 0);
        let mut each = |object: Result<&str, &str>| match object {
            Ok(text) => good.push(Json::parse(text).map_or("?".to_owned(), |v| v.word("a").into_owned())),
            Err(_) => bad += 1,
        };
        for line in text.lines() {
            cut.feed(line, &mut each);
        }
        cut.give_up(&mut each);
        (good, bad)
    }

    #[test]
    fn cuts_what_providers_write() {
        let n = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(objects("{\"a\":1}\n{\"a\":2}\n"), (n(&["1", "2"]), 0));
        assert_eq!(objects("[{\"a\":1},{\"a\":\"}]\\\"{\"}]"), (n(&["1", "}]\"{"]), 0));
        assert_eq!(objects("[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n"), (n(&["1", "2"]), 0));
        assert_eq!(objects("{\"a\":1\n{\"a\":2}\nnonsense\n{\"a\":[{}]}"), (n(&["2", ""]), 2));
    }

    #[test]
    fn reads_paths() {
        let v = Json::parse(r#"{"a":{"b":[{"c":"x\n"}],"n":"12.5","i":7,"big":12345678901234567}}"#).unwrap();
        assert_eq!(v.each("a.b")[0].text("c"), "x\n");
        assert_eq!((v.int("a.n"), v.int("a.i"), v.int("a.x")), (Some(12), Some(7), None));
        assert_eq!(v.word("a.big"), "12345678901234567");
        assert!(Json::parse(&"[".repeat(10_000)).is_err());
    }
}
