//! Bounces in a server's own words: who could not be reached, and what was said about it.

use super::reply::{below, gist, has_code, reply, transcript};
use crate::{address::fold, reply::Enhanced};

/// A recipient and the words about him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) recipient: String,
    pub(super) reply: String,
}

/// Lines read of a report's words.
pub(super) const LINES: usize = 2_000;

/// Lines after an address that may tell of it.
const NEAR: usize = 25;

/// Addresses looked at.
const MENTIONS: usize = 2_000;

/// Most recipients of one report.
const MOST: usize = 200;

/// How an address stands in its line: alone or first in it; after a word for recipients; anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    Anywhere,
    Named,
    First,
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
    seen.truncate(MENTIONS);
    let best = seen.iter().map(|(_, stand, _)| *stand).max();
    // Of addresses that only stand about, those the mail was written to are meant.
    let known = |address: &str| written_to.iter().any(|to| fold(to) == fold(address));
    let only_known =
        best != Some(Stand::First) && seen.iter().any(|(_, stand, address)| Some(*stand) == best && known(address));
    let mut found: Vec<Found> = Vec::new();
    let mut uncoded: Vec<Option<String>> = Vec::new();
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
        match found.iter().position(|other| fold(&other.recipient) == fold(address)) {
            Some(n) => {
                if !has_code(&found[n].reply) && has_code(&reply) {
                    found[n].reply = reply;
                }
                uncoded[n] = uncoded[n].take().or_else(|| below(block, address));
            }
            None => {
                found.push(Found { recipient: address.clone(), reply });
                uncoded.push(below(block, address));
            }
        }
    }
    // What is said of all stands anywhere.
    let silent = found.iter().all(|one| !has_code(&one.reply));
    for (one, uncoded) in found.iter_mut().zip(uncoded) {
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
            one.reply = uncoded.unwrap_or_else(|| gist(&lines));
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
