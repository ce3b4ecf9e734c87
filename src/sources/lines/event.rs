//! What one line tells, whichever mail server wrote it: the words that the join understands.

use std::borrow::Cow;

/// What a line tells; ids are queue ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// A mail was taken from a client. `ip` is empty when unknown; `trusted` when the client logged in or the line tells
    /// the client before a content filter.
    Client { id: &'a str, ip: &'a str, trusted: bool, authenticated: bool, said: Said<'a> },
    /// A mail was taken from a local user, or one put back under a new id (Postfix `postsuper -r`), or split off another.
    Pickup { id: &'a str, sender: Option<&'a str>, before: Option<&'a str> },
    /// A new mail was seen, and perhaps its message id.
    Opened { id: &'a str, message: &'a str },
    /// The client of a mail had logged in before it sent it.
    Login { id: &'a str, login: &'a str },
    /// The mail's envelope.
    Sender { id: &'a str, sender: &'a str },
    /// A copy of the mail `of` goes on under an id and with a sender of its own.
    Clone { id: &'a str, of: &'a str, sender: &'a str },
    /// The server gave up.
    Expired { id: &'a str },
    /// The mail left the queue.
    Removed { id: &'a str },
    /// A delivery was tried.
    Tried { id: &'a str, tried: Tried<'a> },
    /// A notice went to the sender under a queue id of its own.
    Notice { next: &'a str },
    /// Somebody was turned away.
    Refused(Refused<'a>),
    /// As [`Event::Refused`], but the sender is told by a later line of the same id.
    Door(Refused<'a>),
    /// A piece of a line that was too long for syslog: which, of how many, and whether the line goes on in the next one.
    Piece { pid: &'a str, number: u32, of: u32, text: &'a str },
    /// Nothing of use.
    Nothing,
}

/// What a client said of itself; empty where the line does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Said<'a> {
    /// The account it logged in to: checked.
    pub(crate) login: &'a str,
    /// Its HELO: not checked.
    pub(crate) helo: &'a str,
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried<'a> {
    pub(crate) to: &'a str,
    /// Before aliases; empty where the line has none.
    pub(crate) orig_to: &'a str,
    pub(crate) agent: Agent,
    /// Address of the other side, empty where there is none.
    pub(crate) to_ip: &'a str,
    pub(crate) status: Status,
    /// Without the outer parentheses.
    pub(crate) reply: &'a str,
    /// The queue id under which the other side goes on.
    pub(crate) next: Option<&'a str>,
    /// Whether the other side sits on this machine.
    pub(crate) inside: bool,
}

/// Who delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    /// Out over the network.
    Smtp,
    /// Into a mailbox or a program.
    Mailbox,
    /// To a program that may hand the mail in again: a content filter.
    Pipe,
    /// Nobody: the mail is dropped or refused by ourselves.
    Nobody,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Sent,
    Deferred,
    Bounced,
}

/// A refused recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused<'a> {
    /// `NOQUEUE`, or of the mail for which earlier recipients were taken.
    pub(crate) id: &'a str,
    /// Empty when unknown.
    pub(crate) ip: &'a str,
    /// Whether the client had logged in, where the line says so.
    pub(crate) authenticated: bool,
    pub(crate) said: Said<'a>,
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    /// From the code on, where there is one.
    pub(crate) reply: &'a str,
    /// Whether the client may come back.
    pub(crate) temporary: bool,
    /// Whether the server writes such a line into a second log too (Exim's reject log).
    pub(crate) twice: bool,
}

impl Event<'_> {
    /// The reply that the line tells; empty where it tells none.
    pub(crate) fn reply(&self) -> &str {
        match self {
            Event::Tried { tried, .. } => tried.reply,
            Event::Refused(refused) | Event::Door(refused) => refused.reply,
            _ => "",
        }
    }

    /// The same with another reply.
    pub(crate) fn with_reply<'r>(&'r self, reply: &'r str) -> Event<'r> {
        match *self {
            Event::Tried { id, tried } => Event::Tried { id, tried: Tried { reply, ..tried } },
            Event::Refused(refused) => Event::Refused(Refused { reply, ..refused }),
            Event::Door(refused) => Event::Door(Refused { reply, ..refused }),
            other => other,
        }
    }
}

/// Bytes of a reply kept; Postfix itself cuts lines at 2 KiB.
const MAX_REPLY: usize = 4 << 10;

/// `<address>` and what follows. A quoted local part may hold anything, brackets too.
pub(crate) fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let from = quoted(inner);
    let end = from + memchr::memchr(b'>', inner.as_bytes().get(from..)?)?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// Bytes of the quoted string at the beginning of `text`; 0 where there is none, or it does not end.
pub(crate) fn quoted(text: &str) -> usize {
    let b = text.as_bytes();
    if b.first() != Some(&b'"') {
        return 0;
    }
    let mut i = 1;
    while i < b.len() {
        match b[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    0
}

/// `name[ip]` or `[ip]`: the address and what follows.
pub(crate) fn host(text: &str) -> Option<(&str, &str)> {
    let open = memchr::memchr(b'[', text.as_bytes())?;
    let close = open + memchr::memchr(b']', &text.as_bytes()[open..])?;
    Some((&text[open + 1..close], &text[close + 1..]))
}

/// An IP address without its `IPv6:` and zone; empty for `unknown` and sockets.
pub(crate) fn address(text: &str) -> &str {
    if is_v4(text) {
        return text;
    }
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    let bare = text.split('%').next().unwrap_or(text);
    if bare.parse::<std::net::IpAddr>().is_ok() { bare } else { "" }
}

/// Whether `text` is four numbers as IPv4 addresses are written, which most addresses are; the parser of all forms takes
/// several times as long.
fn is_v4(text: &str) -> bool {
    if text.len() > 15 {
        return false;
    }
    let (mut parts, mut digits, mut value) = (0, 0, 0u32);
    for b in text.bytes() {
        match b {
            b'0'..=b'9' if digits == 0 || value > 0 => {
                (digits, value) = (digits + 1, value * 10 + u32::from(b - b'0'));
                if value > 255 {
                    return false;
                }
            }
            b'.' if digits > 0 => (parts, digits, value) = (parts + 1, 0, 0),
            _ => return false,
        }
    }
    parts == 3 && digits > 0
}

/// Where `what` first stands in `text`; sooner found than by a search made for long texts where its first byte is rare.
pub(crate) fn find(text: &str, what: &str) -> Option<usize> {
    let first = *what.as_bytes().first()?;
    memchr::memchr_iter(first, text.as_bytes()).find(|at| text.as_bytes()[*at..].starts_with(what.as_bytes()))
}

/// Where `what` last stands in `text`.
pub(crate) fn rfind(text: &str, what: &str) -> Option<usize> {
    let first = *what.as_bytes().first()?;
    memchr::memrchr_iter(first, text.as_bytes()).find(|at| text.as_bytes()[*at..].starts_with(what.as_bytes()))
}

/// The id under which the server goes on that gave this reply: `queued as ID` (Postfix, `forwarded as ID` of itself),
/// `ID Message accepted for delivery` (Sendmail), `OK id=ID` (Exim).
pub(crate) fn successor(reply: &str) -> Option<&str> {
    let behind = |what: &str| rfind(reply, what).map(|at| &reply[at + what.len()..]);
    let tail = match behind("queued as ").or_else(|| behind("forwarded as ")) {
        Some(tail) => tail,
        None => match find(reply, " Message accepted for delivery") {
            Some(end) => reply[..end].rsplit([' ', '(']).next()?,
            None => behind(" id=")?,
        },
    };
    let end = tail.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'-').unwrap_or(tail.len());
    (end >= 5).then(|| &tail[..end])
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(ip: &str) -> bool {
    ip.starts_with("127.") || ip == "::1" || ip.starts_with("::ffff:127.")
}

/// Whether an address is one of a private network.
pub(crate) fn is_private(ip: &str) -> bool {
    match ip.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

/// Whether a server only says that it has tried for long enough: what was answered stands in the lines before.
pub(crate) fn only_gives_up(reply: &str) -> bool {
    reply == "retry timeout exceeded"
        || (reply.starts_with("all hosts for ") && reply.contains("have been failing for a long time"))
}

/// A reply as it is kept.
pub(crate) fn cut(reply: &str) -> &str {
    let mut end = reply.len().min(MAX_REPLY);
    while !reply.is_char_boundary(end) {
        end -= 1;
    }
    reply[..end].trim()
}

/// A reply whose lines are written as one with `\n` between them (Exim; twice escaped inside its quotes) as Postfix joins
/// them: a blank between, each with its code.
pub(crate) fn folded(reply: &str) -> Cow<'_, str> {
    let b = reply.as_bytes();
    let (mut whole, mut from) = (String::new(), 0);
    for at in memchr::memchr_iter(b'\\', b).filter(|at| b.get(at + 1) == Some(&b'n')) {
        if let Some([b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-']) = b.get(at + 2..at + 6) {
            whole.push_str(reply[from..at].trim_end_matches(['\\', ' ']));
            whole.push(' ');
            from = at + 2;
        }
    }
    if from == 0 {
        return Cow::Borrowed(reply);
    }
    whole.push_str(&reply[from..]);
    Cow::Owned(whole)
}

/// The reply inside what a server notes of a session, from its code on: `SMTP error … after RCPT TO:<x>: 550 no`.
pub(crate) fn from_code(text: &str) -> Option<&str> {
    let b = text.as_bytes();
    memchr::memmem::find_iter(b, b": ").find_map(|at| match b.get(at + 2..at + 6)? {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-'] => Some(&text[at + 2..]),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_parser() {
        let texts = [
            "192.0.2.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.00",
            "1..2.3",
            ".1.2.3",
            "1.2.3.",
            "1.2.3.4 ",
            "",
            "1",
            "2001:db8::1",
            "IPv6:2001:db8::1",
            "fe80::1%eth0",
            "unknown",
            "1.2.3.4%x",
            "1.2.3.+4",
        ];
        for text in texts {
            let parsed = text.strip_prefix("IPv6:").unwrap_or(text).split('%').next().unwrap_or("");
            let expected = if parsed.parse::<std::net::IpAddr>().is_ok() { parsed } else { "" };
            assert_eq!(address(text), expected, "{text}");
            assert_eq!(is_v4(text), text.parse::<std::net::Ipv4Addr>().is_ok(), "{text}");
        }
    }

    #[test]
    fn lines_of_a_reply_are_joined_by_blanks() {
        for (reply, expected) in [
            (r"550-5.1.1 no such\n550-5.1.1 user \n550 5.1.1 here", "550-5.1.1 no such 550-5.1.1 user 550 5.1.1 here"),
            (r"250-This one's OK\\n250 OK", "250-This one's OK 250 OK"),
            (r"550 ä\n550 ", "550 ä 550 "),
            (r"550 DOMAIN\nick\n5 \n5500 \n", r"550 DOMAIN\nick\n5 \n5500 \n"),
            ("550 no", "550 no"),
        ] {
            assert_eq!(folded(reply), expected);
        }
    }

    #[test]
    fn finds_as_the_library_does() {
        for (text, what) in [
            ("a, b, c", ", "),
            (",,, x", ", "),
            ("", "x"),
            ("queued queued as x", "queued as "),
            ("ä; from=<", "; from=<"),
        ] {
            assert_eq!((find(text, what), rfind(text, what)), (text.find(what), text.rfind(what)), "{text}");
        }
    }
}
