//! An SMTP reply as a log carries it: basic code, enhanced status code, text.

use std::fmt;

/// `5.1.1` of RFC 3463.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Enhanced {
    /// 2, 4 or 5.
    pub class: u8,
    /// What kind of thing went wrong.
    pub subject: u16,
    /// What exactly.
    pub detail: u16,
}

/// A reply's parts, borrowed from the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Basic code, RFC 5321 section 4.2: 200 to 599.
    pub code: Option<u16>,
    /// Enhanced status code, RFC 3463, wherever in the head of the text it stands.
    pub enhanced: Option<Enhanced>,
    /// The whole reply, untouched; continuation lines (`550-…`) still carry their codes.
    pub raw: &'a str,
}

impl<'a> Reply<'a> {
    /// Takes the codes out of `raw`. Never fails: many logged "replies" are a client's own words without any code.
    pub fn parse(raw: &'a str) -> Self {
        let raw = raw.trim();
        let said = raw.find(" said: ").map_or(raw, |at| &raw[at + 7..]);
        let code = leading_code(said);
        let after = if code.is_some() { &said[3..] } else { said };
        Reply { code, enhanced: Enhanced::find(after), raw }
    }

    /// A 2yz reply is success (INTERFACE.md); `250`, `OK`, `2.0.0 …` and `sent` count, a reply without code does not.
    pub fn is_success(&self) -> bool {
        match (self.code, self.enhanced) {
            (Some(code), _) => (200..300).contains(&code),
            (None, Some(e)) => e.class == 2,
            (None, None) => {
                let head = self.raw.get(..2).unwrap_or("");
                head.eq_ignore_ascii_case("ok") && !self.raw[2..].starts_with(|c: char| c.is_ascii_alphanumeric())
            }
        }
    }

    /// A 4yz reply, or 4.x.y without a code: worth trying again.
    pub fn is_transient(&self) -> bool {
        match (self.code, self.enhanced) {
            (Some(code), _) => (400..500).contains(&code),
            (None, Some(e)) => e.class == 4,
            _ => false,
        }
    }
}

impl Enhanced {
    /// The first enhanced status code in the first 200 bytes of `text`. Numbers inside longer dotted ones (IP
    /// addresses, versions) do not count.
    pub fn find(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        let end = b.len().min(200);
        let mut i = 0;
        while i + 4 < b.len() && i < end {
            let free = i == 0 || !(b[i - 1].is_ascii_alphanumeric() || matches!(b[i - 1], b'.' | b'@' | b'_'));
            if free
                && matches!(b[i], b'2' | b'4' | b'5')
                && b[i + 1] == b'.'
                && let Some((e, after)) = Self::read(&b[i..])
                && !b.get(i + after).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_')
                && !(b.get(i + after) == Some(&b'.') && b.get(i + after + 1).is_some_and(u8::is_ascii_digit))
            {
                return Some(e);
            }
            i += 1;
        }
        None
    }

    /// Reads exactly `5.1.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (e, used) = Self::read(text.as_bytes())?;
        (used == text.len()).then_some(e)
    }

    fn read(b: &[u8]) -> Option<(Self, usize)> {
        let class = b.first()?.checked_sub(b'0').filter(|c| matches!(c, 2 | 4 | 5))?;
        let (subject, s) = dotted(b.get(1..)?)?;
        let (detail, d) = dotted(b.get(1 + s..)?)?;
        Some((Enhanced { class, subject, detail }, 1 + s + d))
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// `.NNN` → the number and how many bytes it took.
fn dotted(b: &[u8]) -> Option<(u16, usize)> {
    if b.first() != Some(&b'.') {
        return None;
    }
    let n = b[1..].iter().take(4).take_while(|c| c.is_ascii_digit()).count();
    if n == 0 || n > 3 {
        return None;
    }
    Some((b[1..=n].iter().fold(0, |v, d| v * 10 + u16::from(d - b'0')), n + 1))
}

fn leading_code(text: &str) -> Option<u16> {
    let b = text.as_bytes();
    let [a @ b'2'..=b'5', d1, d2, rest @ ..] = b else { return None };
    if !d1.is_ascii_digit()
        || !d2.is_ascii_digit()
        || rest.first().is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'.')
    {
        return None;
    }
    Some(u16::from(a - b'0') * 100 + u16::from(d1 - b'0') * 10 + u16::from(d2 - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, code: Option<u16>, enhanced: Option<&str>) {
        let r = Reply::parse(raw);
        assert_eq!((r.code, r.enhanced.map(|e| e.to_string()).as_deref()), (code, enhanced), "{raw}");
    }

    #[test]
    fn finds_codes_where_servers_put_them() {
        check("550 5.1.1 No such user", Some(550), Some("5.1.1"));
        check("550-5.1.1 The email account 550 5.1.1 that", Some(550), Some("5.1.1"));
        check("host mx.example[192.0.2.1] said: 550 No such user (in reply to RCPT TO command)", Some(550), None);
        check("Sorry, no mailbox here by that name. (#5.1.1)", None, Some("5.1.1"));
        check("554 Blocked 192.0.2.1 see 5.example", Some(554), None);
        check("5504 x", None, None);
        check("550", Some(550), None);
        check("connect to mx[2001:db8::1]:25: Connection timed out", None, None);
    }

    #[test]
    fn tells_success() {
        for (raw, yes) in [
            ("250 OK", true),
            ("2.0.0 Ok: queued", true),
            ("OK", true),
            ("ok id=1", true),
            ("okay?no", false),
            ("450 wait", false),
            ("", false),
        ] {
            assert_eq!(Reply::parse(raw).is_success(), yes, "{raw}");
        }
    }
}
