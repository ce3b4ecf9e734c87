//! What one line of Exim tells. Fields are read from the left, one after the other: what a client says of itself (HELO,
//! addresses) stands in its own brackets and is stepped over, never searched.

use crate::sources::lines::{
    Head,
    event::{
        Agent, Event, Refused, Said, Status, Tried, address, bracketed, cut, from_code, host, is_loopback, quoted,
        successor,
    },
};

/// What Exim answers where it routes no user of that name.
const UNKNOWN_HERE: &str = "550 5.1.1 Unknown user: Unrouteable address";

/// Reads a line.
pub(crate) fn read<'a>(head: &Head<'a>, push: &mut dyn FnMut(Event<'a>)) {
    if let Some((number, of, text)) = piece(head.rest) {
        return push(Event::Piece { pid: head.pid, number, of, text });
    }
    let text = plain(head.rest);
    let Some((id, tail)) = text.split_once(' ').filter(|(id, _)| is_id(id)) else {
        return refusal("NOQUEUE", text, push);
    };
    match tail.split_once(' ').unwrap_or((tail, "")) {
        ("<=", tail) => arrival(id, tail, push),
        ("=>" | "->", tail) => attempt(id, tail, Status::Sent, push),
        // Cut-through: told before the mail's own arrival, which is still to come.
        (">>", tail) => {
            push(Event::Opened { id, message: "" });
            attempt(id, tail, Status::Sent, push);
        }
        ("**", tail) => attempt(id, tail, Status::Bounced, push),
        ("==", tail) => attempt(id, tail, Status::Deferred, push),
        // `*>`: no server was asked (-N).
        ("Completed", _) => push(Event::Removed { id }),
        _ => refusal(id, tail, push),
    }
}

/// Whether a line behind Exim's own stamp is one that Exim writes; other programs use the same stamp.
pub(crate) fn is_usual(rest: &str) -> bool {
    const HEADS: [&str; 14] = [
        "H=",
        "U=",
        "F=<",
        "SMTP ",
        "Start queue run",
        "End queue run",
        "exim ",
        "no host name found",
        "no IP address found",
        "TLS error",
        "unexpected disconnection",
        "rejected ",
        "refused connection",
        "cwd=",
    ];
    let text = plain(rest);
    text.split(' ').next().is_some_and(is_id)
        || HEADS.iter().any(|head| text.starts_with(head))
        || text.contains(" authenticator failed ")
        || text.contains(" rejected RCPT ")
}

/// Whether a line of which the end is missing is surely complete.
pub(crate) fn is_whole(rest: &str) -> bool {
    plain(rest).split_once(' ').is_some_and(|(id, tail)| is_id(id) && tail == "Completed")
}

/// Whether a line without a stamp is of the header block that follows an entry of the reject log, or its end.
pub(crate) fn is_header_block(line: &str) -> bool {
    let b = line.as_bytes();
    let is_header = |text: &str| {
        let name = text.split(':').next().unwrap_or("");
        name.len() < text.len() && !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic())
    };
    match b {
        [b'\t', ..] | [b' ', b' ', ..] => true,
        [b'-', b'-', b'-', b'-', ..] => b.iter().all(|b| *b == b'-'),
        // A letter says what Exim did with the header line.
        [b'A'..=b'Z' | b'*', b' ', ..] => is_header(&line[2..]),
        _ => line.starts_with("Envelope-from: <") || line.starts_with("Envelope-to: <"),
    }
}

/// `1QexIu-0006dj-PX`, and from 4.97 on `1rFVcL-0000000A8tX-2x2q`.
fn is_id(word: &str) -> bool {
    let b = word.as_bytes();
    let dash = match b.len() {
        16 => 13,
        23 => 18,
        _ => return false,
    };
    b[6] == b'-'
        && b[dash] == b'-'
        && b.iter().enumerate().all(|(i, c)| i == 6 || i == dash || c.is_ascii_alphanumeric())
}

/// `[2/3] …` or `[2\3] …`: a piece of a line cut for syslog.
fn piece(text: &str) -> Option<(u32, u32, &str)> {
    let inner = text.strip_prefix('[')?;
    let (numbers, tail) = inner.split_once("] ").or_else(|| inner.split_once(']'))?;
    let (number, of) = numbers.split_once(['/', '\\'])?;
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    (1 <= number && number <= of && of <= 100).then_some((number, of, tail))
}

/// Without the stamp that syslog's line may carry inside, and without `[PID]`.
fn plain(mut text: &str) -> &str {
    let b = text.as_bytes();
    if b.len() > 20 && b[4] == b'-' && b[10] == b' ' && b[13] == b':' && b[16] == b':' && b[0].is_ascii_digit() {
        text = text.get(11..).and_then(|t| t.split_once(' ')).map_or("", |(_, tail)| tail);
        if text.starts_with(['+', '-']) && text.as_bytes().get(5) == Some(&b' ') {
            text = &text[6..];
        }
    }
    if let Some(inner) = text.strip_prefix('[')
        && let Some((pid, tail)) = inner.split_once("] ")
        && pid.bytes().all(|b| b.is_ascii_digit())
    {
        text = tail;
    }
    text
}

/// `SENDER H=name (helo) [ip] A=… …`
fn arrival<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let (sender, tail) = word(text);
    let sender = bare(sender);
    let fields = Fields::of(tail);
    match fields.client {
        Some(client) if fields.bounced.is_empty() => {
            let ip = address(client);
            let login = fields.login.is_some();
            push(Event::Client { id, ip, trusted: login, authenticated: login, said: fields.said() });
            push(Event::Sender { id, sender });
        }
        // By a local user, or Exim's own notice about another mail.
        _ => push(Event::Pickup { id, sender: Some(sender), before: None }),
    }
    push(Event::Opened { id, message: fields.message });
}

/// `DEST [<ORIG>] F=<S> R=… T=… H=host [ip] C="reply"`, `DEST …: why`, `DEST … defer (errno): why`
fn attempt<'a>(id: &'a str, text: &'a str, status: Status, push: &mut dyn FnMut(Event<'a>)) {
    let (to, tail) = destination(text);
    let fields = Fields::of(tail);
    let (mut to_ip, smtp) = match fields.client {
        Some(ip) => (address(ip), true),
        None => ("", fields.transport.contains("smtp")),
    };
    let agent = if smtp {
        Agent::Smtp
    } else if status == Status::Sent || !fields.transport.is_empty() {
        Agent::Mailbox
    } else {
        Agent::Nobody
    };
    let reply = match status {
        Status::Sent if fields.confirmation.is_empty() => "delivered",
        Status::Sent => fields.confirmation,
        Status::Bounced => said(fields.rest.trim_start_matches(": ")),
        Status::Deferred => {
            let Some(at) = fields.rest.find("defer (") else { return };
            let (errno, why) = fields.rest[at + 7..].split_once(')').unwrap_or((&fields.rest[at + 7..], ""));
            let why = why.trim_start_matches([':', ' ']);
            // Nobody was asked: it is not yet time, or the queue runner passes the mail by.
            if matches!(errno, "-51" | "-52" | "-53" | "-54" | "-55" | "-56")
                || why.starts_with("retry time not reached")
            {
                return;
            }
            said(if why.is_empty() { &fields.rest[at..] } else { why })
        }
    };
    if to_ip.is_empty()
        && let Some((_, named)) = fields.rest.split_once(": host ")
    {
        to_ip = host(named).map_or("", |(ip, _)| address(ip));
    }
    let next = (status == Status::Sent).then(|| successor(reply)).flatten();
    let orig_to = fields.orig;
    // Pipes and files are no addresses.
    let to = if to.contains('@') || orig_to.is_empty() { to } else { orig_to };
    let reply = cut(reply);
    push(Event::Tried {
        id,
        tried: Tried { to, orig_to, agent, to_ip, status, reply, next, inside: is_loopback(to_ip) },
    });
}

/// `H=name (helo) [ip] F=<S> [temporarily] rejected RCPT <R>: why`
fn refusal<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let fields = Fields::of(text);
    let (rest, temporary) = match fields.rest.strip_prefix("temporarily ") {
        Some(rest) => (rest, true),
        None => (fields.rest, false),
    };
    let Some(rest) = rest.strip_prefix("rejected ") else { return };
    let Some(named) = ["RCPT ", "VRFY ", "EXPN "].iter().find_map(|verb| rest.strip_prefix(verb)) else { return };
    let (recipient, tail) = match bracketed(named) {
        Some((recipient, tail)) => (recipient, tail),
        None => {
            let from = quoted(named);
            let end = named[from..].find([':', ' ']).map_or(named.len(), |at| from + at);
            (&named[..end], &named[end..])
        }
    };
    if recipient.is_empty() {
        return;
    }
    let why = tail.trim_start_matches([':', ' ']).trim_matches('"');
    let authenticated = fields.login.is_some() || fields.client.is_none();
    let reply = match why {
        "" => rest,
        // `verify = recipient` says so of unknown users and of unknown domains; a stranger gets that far at domains that
        // are ours only.
        "Unrouteable address" if !authenticated => UNKNOWN_HERE,
        _ => said(why),
    };
    let reply = cut(reply);
    push(Event::Refused(Refused {
        id,
        ip: fields.client.map_or("", address),
        authenticated,
        said: fields.said(),
        sender: fields.from,
        recipient,
        reply,
        temporary,
        twice: true,
    }));
}

/// The other server's words out of Exim's.
fn said(why: &str) -> &str {
    if why.contains("remote mail server") || why.contains("LMTP error") { from_code(why).unwrap_or(why) } else { why }
}

fn destination(text: &str) -> (&str, &str) {
    let (to, tail) = if text.starts_with(['|', '/', ':', '>']) {
        let end = text.find(" <").or_else(|| text.find(" R=")).or_else(|| text.find(' ')).unwrap_or(text.len());
        text.split_at(end)
    } else {
        word(text)
    };
    match to.strip_suffix(':') {
        // `DEST: why`
        Some(bare) if !to.starts_with(':') => (bare, &text[bare.len()..]),
        _ => (bare(to), tail),
    }
}

/// Up to the next blank outside quotes.
fn word(text: &str) -> (&str, &str) {
    let from = quoted(text);
    let end = memchr::memchr(b' ', &text.as_bytes()[from..]).map_or(text.len(), |at| from + at);
    text.split_at(end)
}

fn bare(text: &str) -> &str {
    text.strip_prefix('<').map_or(text, |t| t.strip_suffix('>').unwrap_or(t))
}

/// `KEY=value` fields, up to the first word that is none.
#[derive(Debug, Default)]
struct Fields<'a> {
    /// Address of the other side.
    client: Option<&'a str>,
    /// The last of the addresses in brackets: the one all aliases started from.
    orig: &'a str,
    from: &'a str,
    /// The mail a notice is about.
    bounced: &'a str,
    transport: &'a str,
    confirmation: &'a str,
    /// The authenticator and whom it let in.
    login: Option<&'a str>,
    helo: &'a str,
    message: &'a str,
    /// What follows.
    rest: &'a str,
}

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        let mut fields = Fields::default();
        let mut tail = text.trim_start_matches(' ');
        loop {
            fields.rest = tail;
            if let Some((orig, after)) = bracketed(tail) {
                fields.orig = orig;
                tail = after;
            } else if let Some(after) = flag(tail) {
                tail = after;
            } else if let Some(value) = tail.strip_prefix("H=") {
                tail = fields.host(value);
            } else {
                let Some(equals) = tail.bytes().take(8).position(|b| b == b'=') else { return fields };
                let (key, value) = (&tail[..equals], &tail[equals + 1..]);
                if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return fields;
                }
                let (value, after) = match bracketed(value) {
                    Some(found) => found,
                    None => word(value),
                };
                // `T=smtp: why`
                let (value, after) = match value.strip_suffix(':') {
                    Some(bare) if !after.is_empty() => (bare, &tail[equals + 1 + bare.len()..]),
                    _ => (value, after),
                };
                match key {
                    "F" => fields.from = value,
                    "R" => fields.bounced = value,
                    "T" => fields.transport = value,
                    "A" => fields.login = Some(value),
                    "C" => fields.confirmation = value.trim_matches('"'),
                    // A message id is the sender's text; nothing behind it is believed.
                    "id" => {
                        (fields.message, fields.rest) = (value, "");
                        return fields;
                    }
                    _ => {}
                }
                tail = after;
            }
            tail = tail.trim_start_matches(' ');
            if tail.is_empty() || tail.starts_with(": ") {
                fields.rest = tail;
                return fields;
            }
        }
    }

    fn said(&self) -> Said<'a> {
        // `plain:tom@example.org`
        let login = self.login.and_then(|login| login.split_once(':')).map_or("", |(_, login)| login);
        Said { login, helo: self.helo }
    }

    /// `name (helo) [ip]:port`; returns what follows.
    fn host(&mut self, value: &'a str) -> &'a str {
        let mut tail = value;
        if !tail.starts_with(['(', '[']) {
            let (name, after) = word(tail);
            // Without brackets behind it the name is what the client said, and true.
            self.helo = name;
            tail = after.trim_start_matches(' ');
            tail = tail.strip_prefix("DS ").unwrap_or(tail);
        }
        if tail.starts_with('(') {
            // HELO may be an address in brackets itself; the client's follows it.
            (self.helo, tail) = match tail.find(") [") {
                Some(at) => (&tail[1..at], &tail[at + 2..]),
                None => ("", tail.find(' ').map_or("", |at| &tail[at + 1..])),
            };
        }
        let Some((ip, after)) = tail.strip_prefix('[').and_then(|_| host(tail)) else { return tail };
        self.client = Some(ip);
        let port =
            after.strip_prefix(':').map(|t| t.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        port.unwrap_or(after).trim_start_matches(['*', '?'])
    }
}

/// What follows a word that says how a session went: TCP Fast Open, DNSSEC, CHUNKING, PIPELINING, PRDR.
fn flag(text: &str) -> Option<&str> {
    let (first, tail) = word(text);
    matches!(first, "TFO" | "TFO*" | "DS" | "K" | "L" | "L*" | "L." | "L-" | "PRDR").then_some(tail)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
