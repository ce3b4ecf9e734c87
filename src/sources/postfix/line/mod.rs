//! What one line of a Postfix daemon tells. Addresses and replies are other people's text: fields are read from the
//! left, one after the other, so that a forged field inside a value is never taken for one.

use crate::{
    reply::Reply,
    sources::{
        lines::{
            Head,
            event::{
                Agent, Event, Refused, Said, Status, Tried, address, bracketed, cut, find, host, is_loopback, rfind,
                successor,
            },
        },
        near::near,
    },
};

/// Reads a line; [`Event::Nothing`] also for what other programs write.
pub(crate) fn read<'a>(head: &Head<'a>) -> Event<'a> {
    event(head).unwrap_or(Event::Nothing)
}

/// Whether a line of which the end is missing is surely complete.
pub(crate) fn is_whole(head: &Head<'_>) -> bool {
    match read(head) {
        // A reply's own brackets close before the line's do.
        Event::Tried { .. } => {
            head.rest.ends_with(')') && head.rest.matches('(').count() == head.rest.matches(')').count()
        }
        Event::Removed { .. } => true,
        Event::Refused(_) => head.rest.ends_with('>') && head.rest.contains(" helo=<"),
        _ => false,
    }
}

fn event<'a>(head: &Head<'a>) -> Option<Event<'a>> {
    let slash = head.program.bytes().rposition(|b| b == b'/')?;
    let rest = head.rest;
    // What most lines are is decided before anything is searched.
    let daemon = match &head.program[slash + 1..] {
        "smtp" => Daemon::Agent(Agent::Smtp),
        "qmgr" => Daemon::Qmgr,
        "smtpd" | "postscreen" => Daemon::Door,
        "cleanup" => Daemon::Cleanup,
        "lmtp" | "local" | "virtual" => Daemon::Agent(Agent::Mailbox),
        "pipe" => Daemon::Agent(Agent::Pipe),
        "error" | "retry" | "discard" => Daemon::Agent(Agent::Nobody),
        "bounce" => Daemon::Bounce,
        "pickup" => Daemon::Pickup,
        "postsuper" => Daemon::Postsuper,
        _ => return None,
    };
    // A filter before the queue may refuse a mail that has no id yet.
    if matches!(daemon, Daemon::Door) && rest.starts_with("proxy-reject: ") {
        return refused("NOQUEUE", rest);
    }
    let colon = near(rest.as_bytes(), b':').filter(|colon| (5..=24).contains(colon))?;
    let (id, text) = (&rest[..colon], rest[colon + 1..].strip_prefix(' ')?);
    // Without an early end the bytes are looked at side by side.
    if !id.bytes().fold(true, |all, b| all & b.is_ascii_alphanumeric()) {
        return None;
    }
    match daemon {
        Daemon::Agent(agent) => tried(id, text, agent),
        Daemon::Qmgr => qmgr(id, text),
        Daemon::Postsuper => (text == "removed").then_some(Event::Removed { id }),
        Daemon::Cleanup if text.starts_with("message-id=") => Some(Event::Opened { id, message: &text[11..] }),
        Daemon::Cleanup if text.starts_with("resent-message-id=") => Some(Event::Opened { id, message: "" }),
        Daemon::Pickup => pickup(id, text),
        Daemon::Bounce => {
            let at = find(text, "notification: ")?;
            Some(Event::Notice { next: text[at + 14..].trim_end() })
        }
        Daemon::Cleanup | Daemon::Door => match text.strip_prefix("client=") {
            // Of a mail that goes through a filter before it has an id.
            Some(_) if id == "NOQUEUE" => None,
            Some(text) => client(id, text),
            None => match text.strip_prefix("reject: header ").or_else(|| text.strip_prefix("reject: body ")) {
                Some(text) => checked(id, text),
                None => refused(id, text),
            },
        },
    }
}

/// Who wrote a line.
enum Daemon {
    Agent(Agent),
    Bounce,
    Cleanup,
    Door,
    Pickup,
    Postsuper,
    Qmgr,
}

fn qmgr<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    if text.trim_end() == "removed" {
        return Some(Event::Removed { id });
    }
    let (sender, tail) = bracketed(text.strip_prefix("from=")?)?;
    if tail.starts_with(", status=expired") || tail.starts_with(", status=force-expired") {
        return Some(Event::Expired { id });
    }
    Some(Event::Sender { id, sender })
}

fn pickup<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let from = text.strip_prefix("uid=")?;
    let envelope = find(from, " from=").and_then(|at| bracketed(&from[at + 6..]));
    let before = envelope.and_then(|(_, tail)| tail.strip_prefix(" orig_id=")).map(str::trim_end);
    Some(Event::Pickup { id, sender: envelope.map(|(sender, _)| sender), before })
}

fn client<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let (ip, mut tail) = host(text)?;
    let (mut ip, mut trusted, mut authenticated, mut login) = (ip, false, false, "");
    while let Some(at) = find(tail, ", ") {
        tail = &tail[at + 2..];
        if let Some(name) = tail.strip_prefix("sasl_username=").filter(|_| !authenticated) {
            login = name[..find(name, ", ").unwrap_or(name.len())].trim_end();
            trusted = true;
            authenticated = true;
        } else if let Some(original) = tail.strip_prefix("orig_client=") {
            // The client of the hop before the content filter, told by XFORWARD.
            ip = host(original).map_or("", |(ip, _)| ip);
            trusted = true;
        }
    }
    Some(Event::Client { id, ip: address(ip), trusted, authenticated, said: Said { login, helo: "" } })
}

fn tried<'a>(id: &'a str, text: &'a str, agent: Agent) -> Option<Event<'a>> {
    let (to, mut tail) = bracketed(text.strip_prefix("to=")?)?;
    let (mut orig_to, mut relay) = ("", "");
    let status = loop {
        tail = tail.strip_prefix(", ")?;
        if let Some(text) = tail.strip_prefix("orig_to=") {
            (orig_to, tail) = bracketed(text)?;
            continue;
        }
        if let Some(text) = tail.strip_prefix("status=") {
            break text;
        }
        let end = memchr::memchr(b',', tail.as_bytes())?;
        if let Some(text) = tail[..end].strip_prefix("relay=") {
            relay = text;
        }
        tail = &tail[end..];
    };
    let end = status.bytes().position(|b| b == b' ').unwrap_or(status.len());
    let (word, reason) = (&status[..end], status.get(end + 1..).unwrap_or(""));
    let status = match word {
        "sent" => Status::Sent,
        "deferred" => Status::Deferred,
        "bounced" | "expired" => Status::Bounced,
        // `soft_bounce = yes`: a refusal the administrator wants to be tried again.
        "SOFTBOUNCE" => Status::Deferred,
        // `deliverable`, `undeliverable`: somebody asked about an address, no mail was sent.
        _ => return None,
    };
    let reason = reason.trim_end();
    let reply = cut(reason.strip_prefix('(').map_or(reason, |r| r.strip_suffix(')').unwrap_or(r)));
    // A server that did not answer is no relay; Postfix's own words name it.
    let asked = if relay == "none" { reply.strip_prefix("connect to ") } else { Some(relay) };
    let to_ip = address(asked.and_then(host).map_or("", |(ip, _)| ip));
    let socket = memchr::memchr_iter(b'[', relay.as_bytes())
        .any(|at| relay[at + 1..].starts_with('/') || relay[at + 1..].starts_with("private/"));
    let next = (status == Status::Sent).then(|| successor(reply)).flatten();
    Some(Event::Tried {
        id,
        tried: Tried {
            to,
            orig_to,
            agent,
            to_ip,
            status,
            reply,
            next,
            inside: socket || is_loopback(to_ip) || reply.starts_with("forwarded as "),
        },
    })
}

fn refused<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let (stage, ip, whole) = match text.strip_prefix("proxy-reject: ") {
        // What a filter before the queue refused; the line has no client.
        Some(tail) => {
            let (stage, whole) = tail.split_once(": ")?;
            (stage, "", whole)
        }
        None => {
            let tail = text.strip_prefix("reject: ").or_else(|| text.strip_prefix("milter-reject: "))?;
            let from = find(tail, " from ")?;
            let (ip, after) = host(&tail[from + 6..])?;
            let after = after.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
            (&tail[..from], ip, after.strip_prefix(' ')?)
        }
    };
    // The reply may quote an address, in which anything can be written: step over it before looking for the fields.
    let quoted =
        whole.find('<').filter(|at| whole[..*at].bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.')));
    let after = quoted.and_then(|at| bracketed(&whole[at..])).map_or(0, |(_, tail)| whole.len() - tail.len());
    let fields = ["; from=<", "; to=<", "; proto="].iter().find_map(|field| find(&whole[after..], field));
    let end = fields.map_or(whole.len(), |at| after + at);
    let reply = cut(&whole[..end]);
    let mut fields = whole.get(end + 2..).unwrap_or("");
    // The last word, after HELO's bracket: what a client says of itself cannot stand there.
    let login = fields.rsplit_once('>').and_then(|(_, tail)| tail.split_once(" sasl_username="));
    let authenticated = login.is_some();
    let login = login.map_or("", |(_, name)| name.split([' ', ',']).next().unwrap_or(name).trim_end());
    let (mut sender, mut recipient) = ("", "");
    if let Some(text) = fields.strip_prefix("from=") {
        (sender, fields) = bracketed(text)?;
        fields = fields.trim_start_matches([',', ' ']);
    }
    if let Some(text) = fields.strip_prefix("to=") {
        (recipient, fields) = bracketed(text)?;
    } else if stage == "VRFY" {
        // The only guess that names no recipient outside the reply.
        recipient = quoted.and_then(|at| bracketed(&whole[at..])).map_or("", |(address, _)| address);
    }
    if recipient.is_empty() || reply.is_empty() {
        return None;
    }
    let temporary = Reply::parse(reply).is_transient();
    let ip = address(ip);
    let helo = find(fields, "helo=<").and_then(|at| fields[at + 6..].rsplit_once('>')).map_or("", |(helo, _)| helo);
    let said = Said { login, helo };
    Some(Event::Refused(Refused { id, ip, authenticated, said, sender, recipient, reply, temporary, twice: false }))
}

/// `TEXT from host[ip]; from=<S> to=<R> proto=P helo=<H>: WHY`, where a header or a line of the mail, its first sixty bytes
/// told, is not taken (`header_checks`, `body_checks`).
fn checked<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let end = memchr::memmem::find_iter(text.as_bytes(), b"]; from=<").next()? + 1;
    let (ip, _) = host(&text[rfind(&text[..end], " from ")? + 6..end])?;
    let (sender, tail) = bracketed(text[end + 2..].strip_prefix("from=")?)?;
    let (recipient, tail) = bracketed(tail.strip_prefix(" to=")?)?;
    let (helo, why) = match find(tail, " helo=").and_then(|at| bracketed(&tail[at + 6..])) {
        Some(found) => found,
        None => ("", &tail[find(tail, ": ")?..]),
    };
    let reply = cut(why.strip_prefix(": ")?);
    if recipient.is_empty() || reply.is_empty() {
        return None;
    }
    let (ip, said) = (address(ip), Said { login: "", helo });
    let temporary = Reply::parse(reply).is_transient();
    Some(Event::Refused(Refused {
        id,
        ip,
        authenticated: false,
        said,
        sender,
        recipient,
        reply,
        temporary,
        twice: false,
    }))
}

#[cfg(test)]
mod tests;
