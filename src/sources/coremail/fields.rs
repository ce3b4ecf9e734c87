//! The fields of one record: found in the line where it is written as usual, by a JSON parser where not.

use std::borrow::Cow;

use serde::Deserialize;

use crate::sources::near::near;

/// Texts of an array.
pub(crate) type List<'a> = Vec<Cow<'a, str>>;

/// What the record says; nothing is judged yet.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fields<'a> {
    pub(crate) from: Option<Cow<'a, str>>,
    pub(crate) to: List<'a>,
    pub(crate) start_time: Option<Cow<'a, str>>,
    pub(crate) end_time: Option<Cow<'a, str>>,
    pub(crate) from_ip: List<'a>,
    pub(crate) to_ip: List<'a>,
    pub(crate) delivery_result: List<'a>,
    pub(crate) delivery_latency: Vec<f64>,
    pub(crate) email_flag: Option<Cow<'a, str>>,
    pub(crate) client_ip: Option<Cow<'a, str>>,
    /// What the last line has before each value, and the key in it: a program writes all its lines alike.
    layout: Vec<(&'a str, u8)>,
}

/// Reads one line into `fields`, of which only the memory is used again.
pub(crate) fn parse<'a>(line: &'a str, fields: &mut Fields<'a>) -> Result<(), String> {
    if scan(line, fields).is_none() {
        *fields = Fields { layout: std::mem::take(&mut fields.layout), ..unusual(line)? };
    }
    Ok(())
}

/// Of a key, by its place in [`KEYS`]; one that is not there.
const OTHER: u8 = 15;
const KEYS: [&str; 10] = [
    "from",
    "to",
    "start_time",
    "end_time",
    "from_ip",
    "to_ip",
    "delivery_result",
    "delivery_latency",
    "email_flag",
    "client_ip",
];

/// The usual form: known keys once each, strings without escapes, flat arrays. `None` is no verdict, only "not usual".
fn scan<'a>(line: &'a str, fields: &mut Fields<'a>) -> Option<()> {
    fields.clear();
    // JSON allows no control characters inside strings; outside, only tabs are ever seen in a line. Nor are there escapes
    // where there is no backslash.
    // Not `any`: without an early end the test is done on many bytes at once.
    if line.bytes().fold(false, |found, b| found | (b < 0x20) | (b == b'\\')) {
        return None;
    }
    let mut at = Cursor { line, bytes: line.as_bytes(), pos: 0 };
    let mut seen = 0u16;
    for n in 0.. {
        let start = at.pos;
        let key = match fields.layout.get(n) {
            Some((as_before, key)) if line[start..].starts_with(as_before) => {
                at.pos += as_before.len();
                *key
            }
            _ => {
                match (n, at.next()?) {
                    (0, b'{') | (1.., b',') => {}
                    (1.., b'}') => break,
                    _ => return None,
                }
                let key = at.string()?;
                at.expect(b':')?;
                let key = KEYS.iter().position(|known| *known == key).map_or(OTHER, |at| at as u8);
                fields.layout.truncate(n);
                fields.layout.push((&line[start..at.pos], key));
                key
            }
        };
        if key < OTHER && seen & (1 << key) != 0 {
            return None;
        }
        seen |= 1 << key;
        match key {
            0 => fields.from = Some(Cow::Borrowed(at.string()?)),
            1 => at.strings(&mut fields.to)?,
            2 => fields.start_time = Some(Cow::Borrowed(at.string()?)),
            3 => fields.end_time = Some(Cow::Borrowed(at.string()?)),
            4 => at.strings(&mut fields.from_ip)?,
            5 => at.strings(&mut fields.to_ip)?,
            6 => at.strings(&mut fields.delivery_result)?,
            7 => at.numbers(&mut fields.delivery_latency)?,
            8 => fields.email_flag = Some(Cow::Borrowed(at.string()?)),
            9 => fields.client_ip = Some(Cow::Borrowed(at.string()?)),
            _ => at.scalar()?,
        }
    }
    at.blank();
    (at.pos == line.len()).then_some(())
}

impl Fields<'_> {
    fn clear(&mut self) {
        (self.from, self.start_time, self.end_time, self.email_flag, self.client_ip) = (None, None, None, None, None);
        for list in [&mut self.to, &mut self.from_ip, &mut self.to_ip, &mut self.delivery_result] {
            list.clear();
        }
        self.delivery_latency.clear();
    }
}

struct Cursor<'a> {
    line: &'a str,
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    fn blank(&mut self) {
        while self.bytes.get(self.pos) == Some(&b' ') {
            self.pos += 1;
        }
    }

    /// The next byte that is no blank, taken.
    fn next(&mut self) -> Option<u8> {
        self.blank();
        let byte = *self.bytes.get(self.pos)?;
        self.pos += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// A string, in a line without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let from = self.pos;
        let len = near(&self.bytes[from..], b'"')?;
        self.pos = from + len + 1;
        Some(&self.line[from..from + len])
    }

    /// A string, or an array of strings.
    fn strings(&mut self, list: &mut List<'a>) -> Option<()> {
        self.blank();
        if self.bytes.get(self.pos) == Some(&b'"') {
            list.push(Cow::Borrowed(self.string()?));
            return Some(());
        }
        self.expect(b'[')?;
        self.blank();
        if self.bytes.get(self.pos) == Some(&b']') {
            self.pos += 1;
            return Some(());
        }
        loop {
            list.push(Cow::Borrowed(self.string()?));
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// An array of plain numbers.
    fn numbers(&mut self, list: &mut Vec<f64>) -> Option<()> {
        self.expect(b'[')?;
        self.blank();
        if self.bytes.get(self.pos) == Some(&b']') {
            self.pos += 1;
            return Some(());
        }
        loop {
            list.push(self.number()?);
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Digits only; anything else is unusual.
    fn number(&mut self) -> Option<f64> {
        self.blank();
        let from = self.pos;
        let mut value = 0u64;
        while let Some(digit) = self.bytes.get(self.pos).filter(|b| b.is_ascii_digit()) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.pos += 1;
        }
        // JSON knows no leading zeros: such a line goes to the parser to be refused.
        let digits = self.pos - from;
        (digits > 0 && digits <= 15 && (digits == 1 || self.bytes[from] != b'0')).then_some(value as f64)
    }

    /// A value of a key not ours: a string or a number, passed over.
    fn scalar(&mut self) -> Option<()> {
        self.blank();
        match self.bytes.get(self.pos)? {
            b'"' => self.string().map(drop),
            _ => self.number().map(drop),
        }
    }
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    from: Option<Text<'a>>,
    #[serde(borrow, default)]
    to: Option<Texts<'a>>,
    #[serde(borrow, default)]
    start_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    end_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    from_ip: Option<Texts<'a>>,
    #[serde(borrow, default)]
    to_ip: Option<Texts<'a>>,
    #[serde(borrow, default)]
    delivery_result: Option<Texts<'a>>,
    #[serde(default)]
    delivery_latency: Option<Numbers>,
    #[serde(borrow, default)]
    email_flag: Option<Text<'a>>,
    #[serde(borrow, default)]
    client_ip: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts<'a> {
    #[serde(borrow)]
    One(Text<'a>),
    #[serde(borrow)]
    Many(Vec<Option<Text<'a>>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(Option<Number>),
    Many(Vec<Option<Number>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(f64),
    Written(String),
}

impl Number {
    fn value(self) -> f64 {
        match self {
            Number::Plain(n) => n,
            Number::Written(text) => text.trim().parse().unwrap_or(0.0),
        }
    }
}

fn unusual(line: &str) -> Result<Fields<'_>, String> {
    if !line.starts_with('{') {
        return Err("no JSON object".to_owned());
    }
    let record: Record<'_> = serde_json::from_str(line)
        .map_err(|e| if e.is_eof() { "the JSON breaks off".to_owned() } else { format!("no JSON record: {e}") })?;
    Ok(Fields {
        from: record.from.map(|t| t.0),
        to: texts(record.to),
        start_time: record.start_time.map(|t| t.0),
        end_time: record.end_time.map(|t| t.0),
        from_ip: texts(record.from_ip),
        to_ip: texts(record.to_ip),
        delivery_result: texts(record.delivery_result),
        delivery_latency: match record.delivery_latency {
            None => Vec::new(),
            Some(Numbers::One(n)) => n.map(Number::value).into_iter().collect(),
            Some(Numbers::Many(list)) => list.into_iter().map(|n| n.map_or(0.0, Number::value)).collect(),
        },
        email_flag: record.email_flag.map(|t| t.0),
        client_ip: record.client_ip.map(|t| t.0),
        layout: Vec::new(),
    })
}

fn texts(value: Option<Texts<'_>>) -> List<'_> {
    match value {
        None => Vec::new(),
        Some(Texts::One(t)) => vec![t.0],
        Some(Texts::Many(list)) => list.into_iter().map(|t| t.map_or(Cow::Borrowed(""), |t| t.0)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(line: &str) -> Option<Fields<'_>> {
        let mut fields = Fields { to: vec!["left over".into()], from: Some("left over".into()), ..Fields::default() };
        // A layout that fits, one that fits for a while, and none.
        let layouts = [line, r#"{"from":"","to":3,"x":"","client_ip":"y"}"#, ""];
        let told = layouts.map(|before| {
            fields.layout.clear();
            let _ = scan(before, &mut fields);
            scan(line, &mut fields)
                .map(|()| format!("{:?}", Fields { layout: Vec::new(), ..std::mem::take(&mut fields) }))
        });
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        fields.layout.clear();
        scan(line, &mut fields).map(|()| Fields { layout: Vec::new(), ..fields })
    }

    #[test]
    fn both_ways_read_the_same() {
        for line in [
            r#"{"from":"a@b.c","to":"d@e.f","start_time":"2022-06-08 01:02:03","end_time":"2022-06-08 01:02:04","from_ip":["192.0.2.1","192.0.2.2"],"to_ip":["198.51.100.1"],"delivery_result":["550 no","250 OK"],"delivery_latency":[1,20000],"email_flag":"Normal"}"#,
            r#"{ "to" : [ "d@e.f" , "g@h.i" ] , "from" : "" , "extra" : 3 , "client_ip" : "2001:db8::1" , "delivery_result" : [ ] }"#,
            r#"{"from":"ä@b.c","to":[],"delivery_result":"250 OK","message_id":"<1@b.c>"}"#,
        ] {
            assert_eq!(scanned(line).expect("usual"), unusual(line).expect("JSON"), "{line}");
        }
    }

    #[test]
    fn leaves_what_is_unusual_to_the_parser() {
        for line in [
            r#"{"from":"a\"b@c.d","to":null,"delivery_result":["550 \u4e2d\n"],"delivery_latency":[1.5,"20",null]}"#,
            r#"{"nested":{"from":"x"},"from":"y","list":[1,[2]]}"#,
            r#"{"from":"a","ok":true,"delivery_latency":7}"#,
        ] {
            assert_eq!(scanned(line), None, "{line}");
            unusual(line).expect("JSON");
        }
        assert_eq!(unusual(r#"{"from":"y","to":[null,"z"]}"#).expect("JSON").to, ["", "z"]);
        for bad in [
            "",
            "{",
            "[]",
            "{}x",
            r#"{"from":"a","from":"b"}"#,
            r#"{"from":1}"#,
            r#"{"delivery_latency":[01]}"#,
            "null",
        ] {
            assert!(scanned(bad).is_none() && unusual(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_cut_is_refused_not_misread() {
        let line = r#"{"from":"ä@b.c","to":["d@e.f"],"delivery_result":["550 \"no\""],"delivery_latency":[12],"email_flag":"Spam"}"#;
        for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
            assert!(parse(&line[..end], &mut Fields::default()).is_err(), "{}", &line[..end]);
        }
    }
}
