//! What one line of Sendmail tells. Message ids and addresses are other people's text: they are stepped over in their
//! brackets, and the relay is the last field of its line.

use crate::sources::lines::{
    Head,
    event::{
        Agent, Event, Refused, Said, Status, Tried, address, bracketed, cut, find, host, is_loopback, quoted, successor,
    },
};

/// Reads a line.
pub(crate) fn read<'a>(head: &Head<'a>, push: &mut dyn FnMut(Event<'a>)) {
    let Some((id, text)) = head.rest.split_once(": ").filter(|(id, _)| is_id(id)) else { return };
    if let Some(text) = text.strip_prefix("from=") {
        arrival(id, text, push);
    } else if let Some(text) = text.strip_prefix("to=") {
        attempts(id, text, push);
    } else if let Some(text) =
        text.strip_prefix("ruleset=check_rcpt, arg1=").or_else(|| text.strip_prefix("Milter: to="))
    {
        refused(id, text, push);
    } else if text.starts_with("AUTH=server") {
        // The account stands between the client's name and how it logged in.
        let login = text.find(", authid=").map_or("", |at| &text[at + 9..]);
        push(Event::Login { id, login: login.rsplit_once(", mech=").map_or(login, |(login, _)| login) });
    } else if text.starts_with("done; ") {
        push(Event::Removed { id });
    } else if let Some((of, tail)) = text.strip_prefix("clone ").and_then(|text| text.split_once(", owner=")) {
        push(Event::Clone { id, of, sender: bare(tail.trim_end()) });
    } else if let Some((next, what)) = text.split_once(": ").filter(|(next, _)| is_id(next) && *next != id) {
        notice(id, next, what, push);
    } else if let Some((recipient, why)) = unknown_user(text) {
        let reply = cut(text);
        push(door(id, "", recipient, reply, why.starts_with('4')));
    } else if let Some(text) = text.strip_suffix("[rejected]") {
        asked(id, text, push);
    }
}

/// `s1REn1un088377`; the process id in it may be long.
fn is_id(word: &str) -> bool {
    (8..=24).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
        && word.bytes().any(|b| b.is_ascii_digit())
}

/// `<S>, size=, …, relay=NAME [IP] (may be forged)`
fn arrival<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let (sender, tail) = mailbox(text);
    let relay = tail.rfind(", relay=").map(|at| &tail[at + 8..]);
    match relay.and_then(host) {
        Some((ip, _)) => {
            push(Event::Client { id, ip: address(ip), trusted: false, authenticated: false, said: Said::default() });
            push(Event::Sender { id, sender });
        }
        None => push(Event::Pickup { id, sender: Some(sender), before: None }),
    }
    let message = find(tail, ", msgid=").map_or("", |at| mailbox(&tail[at + 8..]).0);
    push(Event::Opened { id, message });
}

/// `<A>,<B>, ctladdr=…, delay=…, relay=HOST. [IP], dsn=X.Y.Z, stat=…`: one line for several recipients.
fn attempts<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let mut list = text;
    let tail = loop {
        let (_, tail) = mailbox(list);
        match tail.strip_prefix(',') {
            Some(next) if !next.starts_with(' ') && !next.is_empty() => list = next,
            _ => break tail,
        }
    };
    let Some(at) = tail.find(", stat=") else { return };
    let (before, stat) = (&tail[..at], tail[at + 7..].trim_end());
    let field = |name: &str| before.rfind(name).map(|at| &before[at + name.len()..]);
    let to_ip = field(", relay=").and_then(host).map_or("", |(ip, _)| address(ip));
    let mailer = field(", mailer=").map_or("", |m| m.split(',').next().unwrap_or(""));
    let dsn = field(", dsn=").unwrap_or("");
    let status = match dsn.as_bytes().first() {
        _ if stat.starts_with("queued") || stat.is_empty() => return,
        _ if stat.starts_with("Sent") => Status::Sent,
        _ if stat.starts_with("Deferred") => Status::Deferred,
        Some(b'2') => Status::Sent,
        Some(b'4') => Status::Deferred,
        _ => Status::Bounced,
    };
    // The enhanced code and the status word belong together: `5.1.1, stat=User unknown`.
    let reply = match dsn.is_empty() {
        true => stat,
        false => tail[..].get(at - dsn.len()..).unwrap_or(stat).trim_end(),
    };
    let agent = match mailer {
        "local" | "prog" | "*file*" | "*include*" | "lmtp" | "cyrus" | "cyrusv2" | "procmail" => Agent::Mailbox,
        _ if to_ip.is_empty() && mailer.is_empty() => Agent::Nobody,
        _ => Agent::Smtp,
    };
    let next = (status == Status::Sent).then(|| successor(stat)).flatten();
    let tried = |to: &'a str| Tried {
        to,
        orig_to: "",
        agent,
        to_ip,
        status,
        reply: cut(reply),
        next,
        inside: is_loopback(to_ip),
    };
    let mut list = text;
    loop {
        let (to, tail) = mailbox(list);
        push(Event::Tried { id, tried: tried(to) });
        match tail.strip_prefix(',') {
            Some(next) if !next.starts_with(' ') && !next.is_empty() => list = next,
            _ => return,
        }
    }
}

/// `<R>, relay=NAME [IP] (may be forged), reject=550 5.1.1 <R>... User unknown`
fn refused<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let (recipient, tail) = mailbox(text);
    let Some(at) = tail.find(", reject=") else { return };
    let ip = tail[..at].strip_prefix(", relay=").and_then(host).map_or("", |(ip, _)| address(ip));
    let reply = cut(&tail[at + 9..]);
    if !recipient.is_empty() && !reply.is_empty() {
        push(door(id, ip, recipient, reply, reply.starts_with('4')));
    }
}

/// `NAME [IP]: VRFY guess `
fn asked<'a>(id: &'a str, text: &'a str, push: &mut dyn FnMut(Event<'a>)) {
    let Some((ip, tail)) = host(text) else { return };
    let words = tail.trim_start_matches(" (may be forged)").strip_prefix(": ");
    let Some((verb, guess)) = words.and_then(|w| w.split_once(' ')) else { return };
    let recipient = bare(guess.trim());
    if !recipient.is_empty() && (verb.eq_ignore_ascii_case("vrfy") || verb.eq_ignore_ascii_case("expn")) {
        push(Event::Refused(Refused {
            id,
            ip: address(ip),
            authenticated: false,
            said: Said::default(),
            sender: "",
            recipient,
            reply: cut(words.unwrap_or("")),
            temporary: false,
            twice: false,
        }));
    }
}

/// `Q2: DSN: User unknown`, `Q2: return to sender: Cannot send message for 5 days`, `Q2: sender notify: Warning: …`
fn notice<'a>(id: &'a str, next: &'a str, what: &str, push: &mut dyn FnMut(Event<'a>)) {
    const NOTICES: [&str; 4] = ["DSN: ", "return to sender: ", "sender notify: ", "postmaster notify: "];
    if !NOTICES.iter().any(|notice| what.starts_with(notice)) {
        return;
    }
    push(Event::Pickup { id: next, sender: Some(""), before: None });
    if what.contains("annot send message for ") {
        push(Event::Expired { id });
    }
}

/// `[550 5.1.1 ]<R>... User unknown`
fn unknown_user(text: &str) -> Option<(&str, &str)> {
    let code =
        text.find('<').filter(|at| text[..*at].bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.')))?;
    let (recipient, tail) = bracketed(&text[code..])?;
    (tail.starts_with("... User unknown") && !recipient.is_empty()).then_some((recipient, &text[..code]))
}

fn door<'a>(id: &'a str, ip: &'a str, recipient: &'a str, reply: &'a str, temporary: bool) -> Event<'a> {
    let said = Said::default();
    Event::Door(Refused { id, ip, authenticated: false, said, sender: "", recipient, reply, temporary, twice: false })
}

/// An address in brackets or bare, up to the comma.
fn mailbox(text: &str) -> (&str, &str) {
    if let Some(found) = bracketed(text) {
        return found;
    }
    let from = quoted(text);
    let end = memchr::memchr(b',', &text.as_bytes()[from..]).map_or(text.len(), |at| from + at);
    let (word, tail) = text.split_at(end);
    // `to=<a>,<b> [more], delay=`
    (bare(word.trim_end_matches(" [more]")), tail)
}

fn bare(text: &str) -> &str {
    text.strip_prefix('<').map_or(text, |t| t.strip_suffix('>').unwrap_or(t))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
