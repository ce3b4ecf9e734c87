//! What a reply says beside its type. Read from the reply itself, because masking hides it; borrows, allocates nothing.

use std::net::IpAddr;

use super::Verdict;
use crate::bounce::BounceType;

/// What a report may want to tell about one reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Details<'a> {
    /// On T5: the address that is listed.
    pub listed_ip: Option<IpAddr>,
    /// On T9: whether it is full or inactive, where the reply says so.
    pub mailbox: Option<Mailbox>,
    /// On T6, T7 and T11: how many seconds the server asks us to wait.
    pub wait_seconds: Option<u32>,
    /// On T7 and T11: how much the server takes, where it says so.
    pub rate: Option<Rate>,
    /// On T8: the address that the server gives instead (`551 User not local; please try <…>`).
    pub suggested: Option<&'a str>,
}

/// So many in so long: `100 messages per hour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Mails, connections or recipients.
    pub count: u32,
    /// In so many seconds.
    pub seconds: u32,
}

/// Why a mailbox takes no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mailbox {
    /// Over its quota.
    Full,
    /// Disabled, suspended, expired.
    Inactive,
}

impl<'a> Details<'a> {
    /// From a reply and its verdict.
    pub fn read(text: &'a str, verdict: &Verdict) -> Self {
        let mut d = Details::default();
        match verdict.kind {
            BounceType::Blocklisted => d.listed_ip = ip(text),
            BounceType::MailboxFull => d.mailbox = mailbox(text),
            BounceType::Greylisted => d.wait_seconds = wait(text),
            BounceType::SendingTooFast | BounceType::RecipientRateLimited => {
                d.rate = rate(text);
                // "100 per 10 minutes" is no wait.
                d.wait_seconds = if d.rate.is_some() { None } else { wait(text) };
            }
            BounceType::UserUnknown => d.suggested = suggested(text),
            _ => {}
        }
        d
    }
}

/// The last address that is not the server's own (`host mx[192.0.2.1] said:`) nor a list's answer (127.0.0.4).
fn ip(text: &str) -> Option<IpAddr> {
    let said = text.find(" said: ").map_or(text, |at| &text[at..]);
    let said = match (said.find("SMTP error"), said.find("]: ")) {
        (Some(_), Some(at)) => &said[at..],
        _ => said,
    };
    said.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')))
        .filter(|t| t.len() >= 3)
        .filter_map(|t| {
            t.trim_matches(['.', ':'])
                .parse::<IpAddr>()
                .ok()
                .or_else(|| t.rsplit_once(':').and_then(|(host, _)| host.parse().ok()))
        })
        .find(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn mailbox(text: &str) -> Option<Mailbox> {
    const FULL: [&str; 16] = [
        "full",
        "quota",
        "space",
        "exceed",
        "storage",
        "voll",
        "pleine",
        "lleno",
        "llena",
        "cheia",
        "переполнен",
        "满",
        "滿",
        "空间",
        "いっぱい",
        "가득",
    ];
    const INACTIVE: [&str; 14] = [
        "disabl",
        "inactiv",
        "suspend",
        "deactiv",
        "locked",
        "expired",
        "discontinued",
        "frozen",
        "blocked",
        "archived",
        "closed",
        "停用",
        "禁用",
        "gesperrt",
    ];
    if FULL.iter().any(|w| has(text, w)) {
        return Some(Mailbox::Full);
    }
    INACTIVE.iter().any(|w| has(text, w)).then_some(Mailbox::Inactive)
}

/// Without regard to ASCII case.
fn has(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

/// `100 messages per hour`, `20 connections / minute`, `500 mails in 10 minutes`.
fn rate(text: &str) -> Option<Rate> {
    /// Words between a number and its unit of time: `100 outgoing email messages per`.
    const BETWEEN: usize = 5;
    let words: Vec<&str> = words(text).take(400).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let count = word.parse::<u32>().ok().filter(|n| *n > 0)?;
        let near = words.get(at + 1..)?;
        let per = near.iter().take(BETWEEN).position(|w| {
            ["per", "an", "a", "/", "each", "every", "in", "within"].iter().any(|p| w.eq_ignore_ascii_case(p))
        })?;
        let many = near.get(per + 1).and_then(|w| w.parse::<u32>().ok());
        let unit = near.get(per + 1 + usize::from(many.is_some()))?;
        // "try again in 5 minutes" has no counted thing before `in`.
        let seconds = seconds_of(unit).filter(|_| per > 0)?.checked_mul(many.unwrap_or(1))?;
        Some(Rate { count, seconds }).filter(|r| r.seconds > 0 && r.seconds <= LONGEST)
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';' | '.')).filter(|w| !w.is_empty())
}

/// Longer than a week is no answer to "when again".
const LONGEST: u32 = 7 * 86_400;

fn seconds_of(unit: &str) -> Option<u32> {
    [("sec", 1), ("min", 60), ("hour", 3600), ("hr", 3600), ("day", 86_400)]
        .iter()
        .find(|(u, _)| unit.len() >= u.len() && unit.as_bytes()[..u.len()].eq_ignore_ascii_case(u.as_bytes()))
        .map(|(_, seconds)| *seconds)
}

/// `300 seconds`, `5 minutes`, `00:05:00`.
fn wait(text: &str) -> Option<u32> {
    let mut words = words(text).peekable();
    while let Some(word) = words.next() {
        if word.len() == 8 && word.bytes().filter(|c| *c == b':').count() == 2 {
            let mut n = word.split(':').map(|p| p.parse::<u32>().ok());
            if let (Some(Some(h)), Some(Some(m)), Some(Some(s))) = (n.next(), n.next(), n.next()) {
                return Some(h * 3600 + m * 60 + s).filter(|w| *w <= LONGEST);
            }
        }
        let Ok(n) = word.parse::<u32>() else { continue };
        if let Some(seconds) = words.peek().and_then(|unit| seconds_of(unit)) {
            return n.checked_mul(seconds).filter(|w| *w <= LONGEST);
        }
    }
    None
}

fn suggested(text: &str) -> Option<&str> {
    let at = ["please try ", "try <", "moved to ", "new address ", "has moved; "]
        .iter()
        .filter_map(|p| text.find(p))
        .min()?;
    let rest = &text[at..];
    let address = rest
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')'))
        .find(|w| w.contains('@'))?;
    let address = address.trim_end_matches('.');
    (address.len() <= 320).then_some(address)
}
