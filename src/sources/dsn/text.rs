//! Bounces in a server's own words: who could not be reached, and what was said about it.

use crate::{address::fold, reply::Enhanced};

/// A recipient and the words about him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) recipient: String,
    pub(super) reply: String,
}

/// Lines read of a report's words.
const LINES: usize = 2_000;

/// Lines after an address that may tell of it.
const NEAR: usize = 25;

/// Most recipients of one report.
const MOST: usize = 200;

/// The longest reply taken from words.
const LONGEST: usize = 600;

/// How an address stands in its line: alone or first in it; after a word for recipients; anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    Anywhere,
    Named,
    First,
}

/// The words of a report before the mail it brings back, and that mail's head.
pub(super) fn split(text: &str) -> (&str, &str) {
    let mut at = 0;
    let mut before = 0;
    let mut any = false;
    for line in text.split_inclusive('\n') {
        let t = line.trim();
        let low = t.to_ascii_lowercase();
        if any
            && (is_fence(&low)
                || !line.starts_with([' ', '\t'])
                    && begins_head(&low)
                    && text[at..].lines().take(40).filter(|l| is_head(l)).count() >= 3)
        {
            let rest = &text[if is_fence(&low) { at + line.len() } else { at }..];
            return (&text[..at], rest);
        }
        any |= !t.is_empty();
        at += line.len();
        before += 1;
        if before > LINES {
            break;
        }
    }
    (&text[..at], "")
}

/// What stands before a returned mail.
fn is_fence(low: &str) -> bool {
    let words = [
        "original message",
        "returned message",
        "unsent message",
        "copy of the message",
        "copy of your message",
        "header of the original",
        "headers of the original",
        "original mail",
        "message headers follow",
        "message header follow",
        "text of your message",
        "message text follows",
        "undelivered message",
        "your original message",
        "rejected message",
        "the body of your message",
        "message contents",
        "first few lines of the message",
        "start of your message",
        "beginning of your message",
        "message follows",
        "failed message",
        "bounced message",
        "header of your message",
        "original-message",
        "content-type: message/rfc822",
        "content-type: text/rfc822-headers",
        "below this line is a copy",
        "returned mail",
        "unsent mail",
        "included is a copy",
    ];
    let fenced = low.starts_with(['-', '*', '=', '+', '_', '|', '~'])
        || low.ends_with([':', '-', '=', '*'])
        || low.ends_with('.') && (low.contains("follow") || low.contains("below"))
        || low.starts_with("content-type:");
    fenced && low.len() < 120 && words.iter().any(|word| low.contains(word)) && !low.contains('@')
}

fn begins_head(low: &str) -> bool {
    [
        "return-path:",
        "received:",
        "x-original-to:",
        "delivered-to:",
        "message-id:",
        "dkim-signature:",
        "from:",
        "date:",
        "mime-version:",
    ]
    .iter()
    .any(|name| low.starts_with(name))
}

fn is_head(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or("").trim().to_ascii_lowercase();
    line.contains(':')
        && matches!(
            name.as_str(),
            "return-path"
                | "received"
                | "message-id"
                | "from"
                | "to"
                | "date"
                | "subject"
                | "mime-version"
                | "content-type"
                | "reply-to"
                | "sender"
        )
}

/// The recipients that `words` tell of. `own` are addresses that are the report's own: its sender, and him it is for.
pub(super) fn find(words: &str, own: &[&str], written_to: &[String]) -> Vec<Found> {
    let lines: Vec<&str> = words.lines().take(LINES).collect();
    let own: Vec<_> = own.iter().map(|address| fold(address)).collect();
    let mut seen: Vec<(usize, Stand, String)> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        for (at, address) in addresses(line) {
            let folded = fold(address);
            let local = folded.split('@').next().unwrap_or("");
            if own.contains(&folded)
                || matches!(local, "postmaster" | "mailer-daemon" | "mailerdaemon")
                || is_an_id(line, at)
            {
                continue;
            }
            seen.push((n, stand(line, at, address), address.to_owned()));
        }
    }
    let best = seen.iter().map(|(_, stand, _)| *stand).max();
    // Of addresses that only stand about, those the mail was written to are meant.
    let known = |address: &str| written_to.iter().any(|to| fold(to) == fold(address));
    let only_known =
        best != Some(Stand::First) && seen.iter().any(|(_, stand, address)| Some(*stand) == best && known(address));
    let mut found: Vec<Found> = Vec::new();
    let chosen: Vec<&(usize, Stand, String)> =
        seen.iter().filter(|(_, stand, a)| Some(*stand) == best && (!only_known || known(a))).collect();
    for (i, (n, _, address)) in chosen.iter().enumerate() {
        if found.len() >= MOST {
            break;
        }
        let next =
            chosen[i + 1..].iter().find(|(_, _, other)| fold(other) != fold(address)).map_or(lines.len(), |(n, ..)| *n);
        let block = &lines[*n..next.max(n + 1).min(n + NEAR).min(lines.len())];
        let reply = reply(block).unwrap_or_default();
        match found.iter_mut().find(|other| fold(&other.recipient) == fold(address)) {
            Some(other) if !has_code(&other.reply) && has_code(&reply) => other.reply = reply,
            Some(_) => {}
            None => found.push(Found { recipient: address.clone(), reply }),
        }
    }
    // What is said of all stands anywhere.
    let silent = found.iter().all(|one| !has_code(&one.reply));
    for one in &mut found {
        if !has_code(&one.reply)
            && let Some(better) =
                transcript(&lines, Some(&one.recipient)).or_else(|| silent.then(|| transcript(&lines, None))?)
        {
            one.reply = better;
        }
        // A line that repeats the address may say it with a status.
        if Enhanced::find(&one.reply).is_none()
            && let Some(better) = transcript(&lines, Some(&one.recipient)).filter(|line| Enhanced::find(line).is_some())
        {
            one.reply = better;
        }
        if one.reply.is_empty() {
            one.reply = gist(&lines);
        }
    }
    found
}

/// What was said, in words about nobody in particular.
pub(super) fn about_all(words: &str) -> String {
    let lines: Vec<&str> = words.lines().take(LINES).collect();
    transcript(&lines, None).unwrap_or_else(|| gist(&lines))
}

/// Words that say a mail failed.
pub(super) fn tells_failure(words: &str) -> bool {
    let low = words.to_lowercase();
    [
        "not be delivered",
        "undeliver",
        "could not deliver",
        "couldn't deliver",
        "unable to deliver",
        "not deliver",
        "delivery fail",
        "failed to deliver",
        "delivery has failed",
        "delivery to the following",
        "returned",
        "user unknown",
        "unknown user",
        "no such user",
        "permanent",
        "fatal error",
        "rejected",
        "bounce",
        "does not exist",
        "doesn't have",
        "failed recipient",
        "following recipient",
        "following address",
        "mailbox",
        "not accepted",
        "non remis",
        "unzustellbar",
        "nicht zugestellt",
        "no se ha podido",
        "não foi",
        "failure notice",
        "host unknown",
        "not reach",
        "cannot be delivered",
        "can not be delivered",
        "was not delivered",
        "エラー",
        "配信",
        "送信できません",
        "delayed",
        "temporary",
        "duplicated",
        "loop",
        "error:",
        "届",
        "宛先",
        "退信",
        "无法",
        "送達",
        "送信",
    ]
    .iter()
    .any(|word| low.contains(word))
}

/// Words that say a mail arrived.
pub(super) fn tells_success(words: &str) -> bool {
    let low = words.to_lowercase();
    ["successfully delivered", "was delivered", "successfully relayed", "has been delivered", "was successfully"]
        .iter()
        .any(|word| low.contains(word))
}

fn has_code(reply: &str) -> bool {
    code_at(reply).is_some() || Enhanced::find(reply).is_some()
}

/// The addresses of a line with where they begin.
pub(super) fn addresses(line: &str) -> Vec<(usize, &str)> {
    let b = line.as_bytes();
    let in_local = |c: u8| c.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&c) || c >= 0x80;
    let in_domain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_') || c >= 0x80;
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'@', b).take(50) {
        let mut from = at;
        if at > 1 && b[at - 1] == b'"' {
            from = memchr::memrchr(b'"', &b[..at - 1]).unwrap_or(at);
        } else {
            while from > 0 && in_local(b[from - 1]) {
                from -= 1;
            }
        }
        let mut to = at + 1;
        while to < b.len() && in_domain(b[to]) {
            to += 1;
        }
        let (Some(local), Some(domain)) = (line.get(from..at), line.get(at + 1..to)) else { continue };
        let local = local.trim_start_matches(['\'', '`', '/', '=', '*', '.']);
        let domain = domain.trim_end_matches(['.', '-']);
        let plain = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
        if local.is_empty() || !plain || domain.len() > 253 {
            continue;
        }
        let begin = at - local.len();
        if let Some(address) = line.get(begin..at + 1 + domain.len()) {
            found.push((begin, address));
        }
    }
    found
}

/// Message ids and the like look like addresses.
fn is_an_id(line: &str, at: usize) -> bool {
    let before = line[..at].to_ascii_lowercase();
    [
        "message-id:",
        "message-id=",
        "message id:",
        "msgid",
        "references:",
        "in-reply-to",
        "mailto:",
        "http",
        "return-path",
        "from:",
        "sender:",
        "reply-to",
        "mail from:",
        "queue id",
        "cid:",
    ]
    .iter()
    .any(|word| before.contains(word))
}

fn stand(line: &str, at: usize, address: &str) -> Stand {
    let marks =
        ['<', '>', '(', ')', '"', '\'', ':', ';', ',', '.', '*', '-', ' ', '\t', '[', ']', '|', '&', '\u{3000}'];
    let before = line[..at].trim();
    let before = before.trim_matches(marks);
    let after = line[at + address.len()..].trim_matches(marks);
    let code =
        before.len() <= 12 && before.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' ' | b'-' | b'#'));
    if before.is_empty()
        && (after.is_empty()
            || line[at + address.len()..].trim_start().starts_with(['>', ':', '.', '(', ',', ';', '-', '|', '[']))
    {
        return Stand::First;
    }
    if code && (line[at + address.len()..].trim_start_matches('>').starts_with(['.', ':']) || after.is_empty()) {
        return Stand::First;
    }
    if before.is_empty() && after.split_whitespace().count() <= 12 {
        return Stand::First;
    }
    let low = before.to_ascii_lowercase();
    let words = ["rcpt to", "recipient", "to", "address", "user", "for", "failed", "mailbox", "account", "宛先"];
    if words.iter().any(|word| low.ends_with(word)) { Stand::Named } else { Stand::Anywhere }
}

/// Where a reply code stands in `text` as one: first, or after a blank, a colon or a bracket, and before its text.
pub(super) fn code_at(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    (0..b.len().saturating_sub(2)).find(|&i| {
        matches!(b[i], b'4' | b'5')
            && matches!(b[i + 1], b'0'..=b'7')
            && b[i + 2].is_ascii_digit()
            && (i == 0
                || matches!(b[i - 1], b' ' | b':' | b'\t' | b'(' | b'[' | b'<' | b'\'' | b'"' | b';' | b'>' | b'='))
            && match (b.get(i + 3), b.get(i + 4)) {
                (None, _) => i == 0,
                (Some(b'-'), Some(next)) => {
                    *next != b' ' && !(next.is_ascii_digit() && b.get(i + 5).is_some_and(u8::is_ascii_digit))
                }
                (Some(b' ' | b':'), Some(_)) => !counts_things(&text[i + 3..]),
                _ => false,
            }
    })
}

fn counts_things(after: &str) -> bool {
    let word = after.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("").to_ascii_lowercase();
    matches!(
        word.as_str(),
        "bytes"
            | "seconds"
            | "minutes"
            | "hours"
            | "days"
            | "kb"
            | "mb"
            | "times"
            | "octets"
            | "messages"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "may"
            | "jun"
            | "jul"
            | "aug"
            | "sep"
            | "oct"
            | "nov"
            | "dec"
    )
}

/// The reply within a block of lines about one recipient.
fn reply(block: &[&str]) -> Option<String> {
    let begin = block.iter().enumerate().find_map(|(n, line)| {
        let from = code_at(line)?;
        Some((n, from))
    });
    let (n, from) = begin.or_else(|| block.iter().position(|line| Enhanced::find(line).is_some()).map(|n| (n, 0)))?;
    Some(joined(&block[n..], from))
}

/// A line from `from` on, with the lines that go on with it.
fn joined(lines: &[&str], from: usize) -> String {
    let mut text = lines[0].get(from..).unwrap_or(lines[0]).trim().to_owned();
    for line in &lines[1..] {
        let t = line.trim_start_matches(['<', '>', ' ', '\t']).trim();
        if t.is_empty()
            || text.len() > LONGEST
            || line.trim_start().starts_with("---")
            || line.trim_start().starts_with(">>>")
        {
            break;
        }
        text.push(' ');
        text.push_str(t);
    }
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    // Brackets around the reply are not the server's.
    for (open, close) in [('(', ')'), ('[', ']'), ('<', '>'), ('\'', '\'')] {
        if text.ends_with(close) && (open == close || text.matches(open).count() < text.matches(close).count()) {
            text.pop();
        }
    }
    text
}

/// The line of a transcript that refuses: the one with the address, or the last that a server said.
fn transcript(lines: &[&str], about: Option<&str>) -> Option<String> {
    let said = |n: &usize| {
        let t = lines[*n].trim_start();
        t.starts_with("<<<") && code_at(t).is_some()
    };
    let coded = |n: &usize| code_at(lines[*n]).is_some() || Enhanced::find(lines[*n]).is_some();
    let about = about.map(str::to_ascii_lowercase);
    let named =
        |n: &usize| about.as_ref().is_none_or(|address| lines[*n].to_ascii_lowercase().contains(address.as_str()));
    let all = || 0..lines.len();
    let full = |n: &usize| code_at(lines[*n]).is_some() && Enhanced::find(lines[*n]).is_some();
    let at = all()
        .find(|n| about.is_some() && full(n) && named(n))
        .or_else(|| all().find(|n| said(n) && named(n)))
        .or_else(|| all().find(|n| coded(n) && named(n)))
        .or_else(|| if about.is_none() { all().find(said) } else { None })?;
    Some(joined(&lines[at..], code_at(lines[at]).unwrap_or(0)))
}

/// The sentence that says why, where nothing has a code.
fn gist(lines: &[&str]) -> String {
    const WHY: [&str; 24] = [
        "unknown",
        "not exist",
        "doesn't have",
        "no such",
        "not found",
        "full",
        "quota",
        "disabled",
        "discontinued",
        "rejected",
        "refused",
        "invalid",
        "timed out",
        "unable",
        "not accepted",
        "exceed",
        "too large",
        "size",
        "deferred",
        "not recognized",
        "not listed",
        "could not",
        "loop",
        "denied",
    ];
    let why = lines.iter().position(|line| {
        let low = line.to_ascii_lowercase();
        WHY.iter().any(|word| low.contains(word)) && !low.contains("subject:")
    });
    let first = || lines.iter().position(|line| !line.trim().is_empty());
    why.or_else(first).map_or(String::new(), |n| joined(&lines[n..], 0))
}
