//! Masking: what differs from one reply to the next of the same kind becomes a placeholder, what decides stays.
//!
//! One pass over the bytes into a buffer that the caller keeps. Placeholders are `{addr}`, `{host}`, `{ip}`, `{n}`,
//! `{id}`, `{time}`, `{url}`, `{path}`, `{q}` (a quoted or bracketed word) and, for hosts and URLs of known blocklists,
//! `{list=spamhaus}`; where it decides they say what they hide (`{url=NoSuchUser}`, `{n=ETIMEDOUT}`). Kept: words, basic
//! and enhanced codes, and short capital codes such as `OFR_506` or `S3140`, with which some providers say everything.
//! A code that merely repeats the first (continuation lines) is dropped, so that a reply has one form however a log
//! joined its lines.

use super::{
    TemplateId,
    blocklists::Blocklists,
    shapes::{
        KIND, Kind, bracketed, hyphenated_words, is_code, is_host, is_short_code, looks_like_list, plain_run, quoted,
        skip_after_repeat, word_len,
    },
};
use crate::{hash::stable_hash, reply::Enhanced};

/// Bytes of a reply that are read; what follows never changes a verdict.
pub(super) const INPUT_CAP: usize = 2048;
/// Bytes of a masked form.
pub(super) const OUTPUT_CAP: usize = 1024;

/// A masked reply in a buffer that is used again and again.
#[derive(Debug, Default, Clone)]
pub struct Masked {
    text: String,
    code: Option<u16>,
    enhanced: Option<Enhanced>,
}

impl Masked {
    /// The masked text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first basic code in a place where a reply's code stands.
    pub fn code(&self) -> Option<u16> {
        self.code
    }

    /// The first enhanced status code.
    pub fn enhanced(&self) -> Option<Enhanced> {
        self.enhanced
    }

    /// Hash of the masked text.
    pub fn id(&self) -> TemplateId {
        TemplateId(stable_hash(self.text.as_bytes()))
    }

    /// Masks `raw`, in place of whatever was here before.
    pub fn read(&mut self, raw: &str, lists: &Blocklists) {
        self.text.clear();
        self.text.reserve(raw.len().min(OUTPUT_CAP) + 64);
        self.code = None;
        self.enhanced = None;
        let mut end = raw.len().min(INPUT_CAP);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        let raw = &raw[..end];
        let b = raw.as_bytes();
        let mut i = 0;
        while i < b.len() && self.text.len() < OUTPUT_CAP {
            let plain = plain_run(&b[i..]);
            if plain > 0 {
                self.text.push_str(raw.get(i..i + plain).unwrap_or(""));
                i += plain;
                continue;
            }
            match CLASS[usize::from(b[i])] {
                Class::Space => {
                    self.space();
                    i += 1;
                }
                Class::Mark => i = self.mark(raw, i),
                Class::Word => i = self.word(raw, i, lists),
            }
        }
        let trimmed = self.text.trim_end().len();
        self.text.truncate(trimmed);
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    /// Punctuation; may open something quoted.
    fn mark(&mut self, raw: &str, at: usize) -> usize {
        let b = raw.as_bytes();
        match b[at] {
            b'<' => {
                if let Some(end) = bracketed(b, at) {
                    let inside = &raw[at + 1..end];
                    let placeholder = if inside.contains('@') { "<{addr}>" } else { "<{q}>" };
                    self.text.push_str(placeholder);
                    return end + 1;
                }
            }
            quote @ (b'"' | b'\'') => {
                if let Some(end) = quoted(b, at, quote, self.text.as_bytes()) {
                    // A quoted local part goes on behind its quote: "no such user"@example.org.
                    if b.get(end + 1) == Some(&b'@') {
                        self.text.push_str("{addr}");
                        return end + 1 + word_len(&b[end + 1..]);
                    }
                    self.text.push_str("\"{q}\"");
                    return end + 1;
                }
            }
            b'/' if self.text.is_empty() || self.text.ends_with([' ', '|', '(']) => {
                let n = b[at..].iter().take_while(|c| !c.is_ascii_whitespace()).count();
                if n > 3 && b[at + 1].is_ascii_alphanumeric() {
                    self.text.push_str("{path}");
                    let trailing =
                        b[at..at + n].iter().rev().take_while(|c| matches!(c, b':' | b',' | b'.' | b')')).count();
                    return at + n - trailing;
                }
            }
            _ => {}
        }
        self.text.push(char::from(b[at]));
        at + 1
    }

    fn word(&mut self, raw: &str, at: usize, lists: &Blocklists) -> usize {
        let b = raw.as_bytes();
        let mut end = at;
        while end < b.len() && b[end].is_ascii_alphabetic() {
            end += 1;
        }
        let next = b.get(end).copied().unwrap_or(b' ');
        let ends = match KIND[usize::from(next)] {
            Kind::Stop => true,
            Kind::Dot | Kind::Colon => b.get(end + 1).is_none_or(|c| c.is_ascii_whitespace()),
            _ => false,
        };
        if ends && end > at && end - at <= 40 {
            // Only letters: the common case.
            self.text.push_str(&raw[at..end]);
            return end;
        }
        let mut t = Traits::default();
        end = at;
        while end < b.len() {
            let c = b[end];
            match KIND[usize::from(c)] {
                Kind::Lower => t.lower += 1,
                Kind::Upper => t.upper += 1,
                Kind::Digit => t.digits += 1,
                Kind::High => t.high += 1,
                Kind::Dot => t.dots += 1,
                Kind::At => t.ats += 1,
                Kind::Colon => {
                    // A colon joins only a URL, an IPv6 address or a time.
                    if b[end..].starts_with(b"://") {
                        return self.url(raw, at, end, lists);
                    }
                    let after = b.get(end + 1).copied().unwrap_or(b' ');
                    let clock =
                        t.dots == 0 && b[at].is_ascii_digit() && b[end - 1].is_ascii_digit() && after.is_ascii_digit();
                    if clock && t.lower == 0 && t.high == 0 && t.upper <= 1 {
                        t.colons += 1;
                        end += 1;
                        continue;
                    }
                    if t.dots > 0
                        || t.other > 0
                        || !(after.is_ascii_hexdigit() || after == b':')
                        || !b[at..end].iter().all(|c| c.is_ascii_hexdigit() || *c == b':')
                    {
                        break;
                    }
                    t.colons += 1;
                }
                Kind::Join => t.other += 1,
                Kind::Stop => break,
            }
            end += 1;
            // `550-5.1.1`, `550-Text`: the hyphen belongs to the code.
            if end == at + 3 && t.digits == 3 && b.get(end) == Some(&b'-') && is_code(&b[at..end]) {
                break;
            }
        }
        while end > at + 1 && matches!(b[end - 1], b'.' | b'-' | b':' | b'_') && !(b[end - 1] == b':' && t.colons > 1) {
            match b[end - 1] {
                b'.' => t.dots -= 1,
                b':' => t.colons -= 1,
                _ => t.other = t.other.saturating_sub(1),
            }
            end -= 1;
        }
        let token = &raw[at..end];
        self.put(token, &t, lists, raw, at, end)
    }

    fn put(&mut self, token: &str, t: &Traits, lists: &Blocklists, raw: &str, at: usize, end: usize) -> usize {
        let b = raw.as_bytes();
        let bytes = token.as_bytes();
        if t.ats > 0 {
            let inner = !token.starts_with('@') || token.len() > 1;
            self.text.push_str(if inner && token.len() > 1 { "{addr}" } else { token });
            return end;
        }
        if t.digits == 0 && t.dots == 0 && t.colons < 2 {
            let long = token.len() > 40 && t.high == 0;
            self.text.push_str(if long { "{id}" } else { token });
            return end;
        }
        if t.letters() == 0 && t.other == 0 {
            return self.number(token, t, b, at, end);
        }
        if t.colons >= 2 && bytes.iter().all(|c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.')) {
            self.text.push_str("{ip}");
            return end;
        }
        if t.dots > 0 && is_host(bytes) {
            if token.len() > 4 && token.as_bytes()[..4].eq_ignore_ascii_case(b"www.") {
                return self.url(raw, at, at, lists);
            }
            match lists.of_host(token) {
                Some(name) => self.list(name),
                None if looks_like_list(bytes) => self.text.push_str("{list}"),
                None => self.text.push_str("{host}"),
            }
            return end;
        }
        if t.digits == 0 || is_short_code(bytes) || (t.digits == 1 && token.len() <= 8) {
            self.text.push_str(token);
            return end;
        }
        let time = bytes[0].is_ascii_digit()
            && bytes.iter().all(|c| c.is_ascii_digit() || matches!(c, b'-' | b':' | b'.' | b'+' | b'T' | b'Z' | b'_'));
        if !time && t.high == 0 && t.dots == 0 && hyphenated_words(bytes) {
            self.text.push_str(token);
            return end;
        }
        self.text.push_str(if time { "{time}" } else { "{id}" });
        end
    }

    fn number(&mut self, token: &str, t: &Traits, b: &[u8], at: usize, end: usize) -> usize {
        let bytes = token.as_bytes();
        if t.dots == 0 && t.colons == 0 {
            if is_code(bytes) {
                let place = self.code_place(b.get(end).copied());
                let value = bytes.iter().fold(0, |v, d| v * 10 + u16::from(d - b'0'));
                if place && self.code == Some(value) && !self.text.ends_with("said: ") {
                    return skip_after_repeat(b, end);
                }
                if place && self.code.is_none() {
                    self.code = Some(value);
                }
                self.text.push_str(token);
                if b.get(end) == Some(&b'-') {
                    self.text.push(' ');
                    return end + 1;
                }
                return end;
            }
            self.text.push_str(if bytes.len() == 5 && bytes.starts_with(b"100") { winsock(bytes) } else { "{n}" });
            return end;
        }
        if t.colons == 0
            && t.dots == 2
            && let Some(e) = Enhanced::parse(token)
        {
            let placed = !matches!(at.checked_sub(1).and_then(|p| b.get(p)), Some(b'['));
            if self.enhanced == Some(e) {
                return skip_after_repeat(b, end);
            }
            if self.enhanced.is_none() && placed {
                self.enhanced = Some(e);
            }
            self.text.push_str(token);
            return end;
        }
        self.text.push_str(match (t.dots, t.colons) {
            (3, 0) => "{ip}",
            (_, 2..) if t.colons > 2 || bytes.windows(2).any(|w| w == b"::") => "{ip}",
            (0, _) => "{time}",
            _ => "{n}",
        });
        end
    }

    /// Whether a code may stand here: at the start, or behind what introduces a quoted reply.
    fn code_place(&self, next: Option<u8>) -> bool {
        if !matches!(
            next,
            None | Some(b' ' | b'-' | b'\r' | b'\n' | b'\t' | b':' | b',' | b'\'' | b'"' | b'#' | b';' | b'.')
        ) {
            return false;
        }
        let before = self.text.trim_end();
        before.is_empty()
            || before.ends_with([':', '<', '>', '\'', '"', '-', ';', '.', '|', '(', ']'])
            || self.code.is_some()
            || ["said", "with", "of", "error", "response", "because of"].iter().any(|w| before.ends_with(w))
    }

    fn url(&mut self, raw: &str, start: usize, colon: usize, lists: &Blocklists) -> usize {
        let b = raw.as_bytes();
        let n = b[start..]
            .iter()
            .take_while(|c| {
                !c.is_ascii_whitespace() && !matches!(c, b'<' | b'>' | b'"' | b')' | b']' | b'\'' | b'|' | b';')
            })
            .count();
        let mut end = start + n;
        while end > start + 1 && matches!(b[end - 1], b'.' | b',' | b':') {
            end -= 1;
        }
        while !raw.is_char_boundary(end) {
            end += 1;
        }
        let rest = &raw[if colon > start { (colon + 3).min(end) } else { start }..end];
        let host_len = rest.find(['/', '?', ':', '#']).unwrap_or(rest.len());
        match lists.of_host(&rest[..host_len]) {
            Some(name) => self.list(name),
            None => {
                self.text.push_str("{url");
                // Google names the cause in its link: `?p=NoSuchUser`.
                if let Some(p) = rest.find("?p=").map(|p| &rest[p + 3..]) {
                    let cause = p.bytes().take_while(u8::is_ascii_alphabetic).count();
                    if (3..=32).contains(&cause) {
                        self.text.push('=');
                        self.text.push_str(&p[..cause]);
                    }
                }
                self.text.push('}');
            }
        }
        end
    }

    fn list(&mut self, name: &str) {
        self.text.push_str("{list=");
        self.text.push_str(name);
        self.text.push('}');
    }
}

/// Exchange tells a timeout from a refusal by Winsock's number alone.
#[inline(never)]
fn winsock(number: &[u8]) -> &'static str {
    match number {
        b"10051" => "{n=ENETUNREACH}",
        b"10054" => "{n=ECONNRESET}",
        b"10060" => "{n=ETIMEDOUT}",
        b"10061" => "{n=ECONNREFUSED}",
        b"10065" => "{n=EHOSTUNREACH}",
        _ => "{n}",
    }
}

#[derive(Default)]
struct Traits {
    lower: u32,
    upper: u32,
    digits: u32,
    high: u32,
    dots: u32,
    ats: u32,
    colons: u32,
    other: u32,
}

impl Traits {
    fn letters(&self) -> u32 {
        self.lower + self.upper + self.high
    }
}

#[derive(Clone, Copy)]
enum Class {
    Space,
    Mark,
    Word,
}

const CLASS: [Class; 256] = {
    let mut t = [Class::Mark; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        if c <= b' ' || c == 0x7f {
            t[i] = Class::Space;
        } else if c.is_ascii_alphanumeric() || c >= 0x80 {
            t[i] = Class::Word;
        }
        i += 1;
    }
    t
};
