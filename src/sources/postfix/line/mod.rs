//! What one line of a Postfix daemon tells. Addresses and replies are other people's text: fields are read from the
//! left, one after the other, so that a forged field inside a value is never taken for one.

use super::prefix::Prefix;

/// What a line tells; ids are queue ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// smtpd took a mail from a client. `ip` is empty when unknown; `trusted` when the client logged in or the line tells
    /// the client before a content filter.
    Client { id: &'a str, ip: &'a str, trusted: bool, authenticated: bool },
    /// pickup took a mail from a local user, or one put back under a new id (`postsuper -r`).
    Pickup { id: &'a str, sender: Option<&'a str>, before: Option<&'a str> },
    /// cleanup saw a new mail.
    Opened { id: &'a str },
    /// qmgr read the mail's envelope.
    Sender { id: &'a str, sender: &'a str },
    /// qmgr gave up.
    Expired { id: &'a str },
    /// The mail left the queue.
    Removed { id: &'a str },
    /// A delivery agent tried.
    Tried { id: &'a str, tried: Tried<'a> },
    /// A notice went to the sender under a queue id of its own.
    Notice { next: &'a str },
    /// Somebody was turned away.
    Refused(Refused<'a>),
    /// Nothing of use.
    Nothing,
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
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    /// From the code on.
    pub(crate) reply: &'a str,
}

/// Bytes of a reply kept; Postfix itself cuts lines at 2 KiB.
const MAX_REPLY: usize = 4 << 10;

/// Reads a line; [`Event::Nothing`] also for what other programs write.
pub(crate) fn read<'a>(prefix: &Prefix<'a>) -> Event<'a> {
    event(prefix).unwrap_or(Event::Nothing)
}

/// Whether a line of which the end is missing is surely complete.
pub(crate) fn is_whole(prefix: &Prefix<'_>) -> bool {
    match read(prefix) {
        // A reply's own brackets close before the line's do.
        Event::Tried { .. } => {
            prefix.rest.ends_with(')') && prefix.rest.matches('(').count() == prefix.rest.matches(')').count()
        }
        Event::Removed { .. } => true,
        Event::Refused(_) => prefix.rest.ends_with('>') && prefix.rest.contains(" helo=<"),
        _ => false,
    }
}

fn event<'a>(prefix: &Prefix<'a>) -> Option<Event<'a>> {
    let slash = memchr::memrchr(b'/', prefix.program.as_bytes())?;
    let daemon = &prefix.program[slash + 1..];
    let rest = prefix.rest;
    // What most lines are is decided before anything is searched.
    if !matches!(
        daemon,
        "smtp"
            | "qmgr"
            | "smtpd"
            | "cleanup"
            | "lmtp"
            | "local"
            | "virtual"
            | "pipe"
            | "error"
            | "retry"
            | "discard"
            | "bounce"
            | "pickup"
            | "postscreen"
            | "postsuper"
    ) {
        return None;
    }
    let colon = memchr::memchr(b':', rest.as_bytes())?;
    let (id, text) = (&rest[..colon], rest[colon + 1..].strip_prefix(' ')?);
    if !(5..=24).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match daemon {
        "smtp" => tried(id, text, Agent::Smtp),
        "lmtp" | "local" | "virtual" | "pipe" => tried(id, text, Agent::Mailbox),
        "error" | "retry" | "discard" => tried(id, text, Agent::Nobody),
        "qmgr" => qmgr(id, text),
        "postsuper" => (text == "removed").then_some(Event::Removed { id }),
        "cleanup" if text.starts_with("message-id=") || text.starts_with("resent-message-id=") => {
            Some(Event::Opened { id })
        }
        "pickup" => pickup(id, text),
        "bounce" => {
            let at = text.find("notification: ")?;
            Some(Event::Notice { next: text[at + 14..].trim_end() })
        }
        _ => match text.strip_prefix("client=") {
            Some(text) => client(id, text),
            None => refused(id, text),
        },
    }
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
    let envelope = from.find(" from=").and_then(|at| bracketed(&from[at + 6..]));
    let before = envelope.and_then(|(_, tail)| tail.strip_prefix(" orig_id=")).map(str::trim_end);
    Some(Event::Pickup { id, sender: envelope.map(|(sender, _)| sender), before })
}

fn client<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let (ip, mut tail) = host(text)?;
    let (mut ip, mut trusted, mut authenticated) = (ip, false, false);
    while let Some(at) = tail.find(", ") {
        tail = &tail[at + 2..];
        if tail.starts_with("sasl_username=") {
            trusted = true;
            authenticated = true;
        } else if let Some(original) = tail.strip_prefix("orig_client=") {
            // The client of the hop before the content filter, told by XFORWARD.
            ip = host(original).map_or("", |(ip, _)| ip);
            trusted = true;
        }
    }
    Some(Event::Client { id, ip: address(ip), trusted, authenticated })
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
    let (word, reason) = status.split_once(' ').unwrap_or((status, ""));
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
    let to_ip = address(host(relay).map_or("", |(ip, _)| ip));
    let socket = relay.contains("[/") || relay.contains("[private/");
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

/// `… queued as QID`, `forwarded as QID`: the id must be the last word, as Postfix writes it.
fn successor(reply: &str) -> Option<&str> {
    let at = reply.rfind("queued as ").or_else(|| reply.rfind("forwarded as "))?;
    let id = reply[at..].split(' ').nth(2)?.trim_end_matches([')', '.']);
    (id.len() >= 5 && id.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(id)
}

fn refused<'a>(id: &'a str, text: &'a str) -> Option<Event<'a>> {
    let tail = text.strip_prefix("reject: ").or_else(|| text.strip_prefix("milter-reject: "))?;
    let from = tail.find(" from ")?;
    let (stage, tail) = (&tail[..from], &tail[from + 6..]);
    let (ip, tail) = host(tail)?;
    let tail = tail.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    let whole = tail.strip_prefix(' ')?;
    // The reply may quote an address, in which anything can be written: step over it before looking for the fields.
    let quoted =
        whole.find('<').filter(|at| whole[..*at].bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.')));
    let after = quoted.and_then(|at| bracketed(&whole[at..])).map_or(0, |(_, tail)| whole.len() - tail.len());
    let end = whole[after..]
        .find("; from=<")
        .or_else(|| whole[after..].find("; proto="))
        .map_or(whole.len(), |at| after + at);
    let reply = cut(&whole[..end]);
    let mut fields = whole.get(end + 2..).unwrap_or("");
    // The last word, after HELO's bracket: what a client says of itself cannot stand there.
    let authenticated = fields.rsplit_once('>').is_some_and(|(_, tail)| tail.contains(" sasl_username="));
    let (mut sender, mut recipient) = ("", "");
    if let Some(text) = fields.strip_prefix("from=") {
        (sender, fields) = bracketed(text)?;
        fields = fields.trim_start_matches([',', ' ']);
    }
    if let Some(text) = fields.strip_prefix("to=") {
        recipient = bracketed(text)?.0;
    } else if stage == "VRFY" {
        // The only guess that names no recipient outside the reply.
        recipient = quoted.and_then(|at| bracketed(&whole[at..])).map_or("", |(address, _)| address);
    }
    if recipient.is_empty() || reply.is_empty() {
        return None;
    }
    Some(Event::Refused(Refused { id, ip: address(ip), authenticated, sender, recipient, reply }))
}

/// `<address>` and what follows. A quoted local part may hold anything, brackets too.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let b = inner.as_bytes();
    let mut from = 0;
    if b.first() == Some(&b'"') {
        let mut i = 1;
        while i < b.len() {
            match b[i] {
                b'\\' => i += 2,
                b'"' => {
                    from = i + 1;
                    break;
                }
                _ => i += 1,
            }
        }
    }
    let end = from + memchr::memchr(b'>', b.get(from..)?)?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// `name[ip]` or `[ip]`: the address and what follows.
fn host(text: &str) -> Option<(&str, &str)> {
    let open = memchr::memchr(b'[', text.as_bytes())?;
    let close = open + memchr::memchr(b']', &text.as_bytes()[open..])?;
    Some((&text[open + 1..close], &text[close + 1..]))
}

/// An IP address without its `IPv6:` and zone; empty for `unknown` and sockets.
fn address(text: &str) -> &str {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    let bare = text.split('%').next().unwrap_or(text);
    if bare.parse::<std::net::IpAddr>().is_ok() { bare } else { "" }
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

fn cut(reply: &str) -> &str {
    let mut end = reply.len().min(MAX_REPLY);
    while !reply.is_char_boundary(end) {
        end -= 1;
    }
    reply[..end].trim()
}

#[cfg(test)]
mod tests;
