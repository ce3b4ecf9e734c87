//! What all renderers for people say the same way: numbers, dates, statuses.

use super::contract::{Change, Changes, DomainStatus};
use crate::{
    moment::Timestamp,
    plural::{grouped, of_many},
};

/// `12.9 %`; `0 %` of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    if percent < 0.1 { "< 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// A probability as a whole percentage; certain and impossible only where it says so.
pub(super) fn percent(x: f64) -> String {
    match x {
        x if x > 0.99 && x < 1.0 => "over 99 %".to_owned(),
        x if x > 0.0 && x < 0.005 => "under 1 %".to_owned(),
        x => format!("{:.0} %", x * 100.0),
    }
}

/// Whether mail to a name that was taken arrives.
pub(super) fn takes_mail(name: &DomainStatus) -> &'static str {
    match (name.null_mx, name.mx.is_empty()) {
        (true, _) => "is refused there",
        (false, false) => "is received there",
        (false, true) => "no mail server is known",
    }
}

/// What an alert asks of whoever reads it.
pub(super) fn to_do(kind: &str) -> &'static str {
    match kind {
        "guessing_burst" => "Block the origin, and warn the owners of the addresses that exist.",
        "squatting" => "Register the name yourself, or tell the senders and the owner of the name they meant.",
        "taken_over" => "Find out who holds it, and tell the senders to write there no more.",
        _ => "",
    }
}

/// `1 mail`, `2 mails`, `2 guesses`.
pub(super) fn count(n: u64, thing: &str) -> String {
    format!("{} {}", grouped(n), of_many(n, thing))
}

/// `after 1 day`
pub(super) fn after(days: f64) -> String {
    format!("after {}", count(days.round() as u64, "day"))
}

/// What is different from the night before, in a sentence; `None` on the first night.
pub(super) fn changed(changes: &Changes) -> Option<String> {
    let since = changes.since.as_deref()?;
    if !changes.any() {
        return Some(format!("Nothing changed since the last night, {}.", minute(since)));
    }
    let of = |list: &[Change], kind: &str| list.iter().filter(|c| c.kind == kind).count() as u64;
    let mut parts = Vec::new();
    for (kind, thing) in [("domain", "domain"), ("username", "username"), ("campaign", "campaign")] {
        let (new, gone) = (of(&changes.new, kind), of(&changes.gone, kind));
        if new > 0 {
            parts.push(format!("{} new", count(new, thing)));
        }
        if gone > 0 {
            parts.push(format!("{} gone", count(gone, thing)));
        }
    }
    let opened = changes.turned.iter().filter(|c| takeable(&c.status)).count() as u64;
    let closed = changes.turned.iter().filter(|c| c.was.as_deref().is_some_and(takeable) && c.status == "registered");
    let closed = closed.count() as u64;
    if opened > 0 {
        parts.push(format!("{} can be had now", count(opened, "name")));
    }
    if closed > 0 {
        parts.push(format!("{} taken by somebody", count(closed, "name")));
    }
    let other = changes.turned.len() as u64 - opened - closed;
    if other > 0 {
        parts.push(format!("{} known better", count(other, "name")));
    }
    Some(format!("Since the last night, {}: {}.", minute(since), parts.join(", ")))
}

/// Days from the first to the last moment, both counted; 0 where either cannot be read.
pub(super) fn days(first: &str, last: &str) -> i64 {
    match (Timestamp::parse(first), Timestamp::parse(last)) {
        (Some(a), Some(b)) => i64::from(b.day().0) - i64::from(a.day().0) + 1,
        _ => 0,
    }
}

/// `2022-07-04` of `2022-07-04T02:00:00Z`.
pub(super) fn day(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

/// `2022-07-04 02:00 UTC`
pub(super) fn minute(moment: &str) -> String {
    match (moment.get(..10), moment.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => moment.to_owned(),
    }
}

/// `first to last`, or just one day.
pub(super) fn period(first: &str, last: &str) -> String {
    let (a, b) = (day(first), day(last));
    if a == b { a.to_owned() } else { format!("{a} to {b}") }
}

/// A contract word without its underscores.
pub(super) fn plain(word: &str) -> String {
    word.replace('_', " ")
}

/// What a domain's or username's status means for the operator.
pub(super) fn status(status: &str) -> &'static str {
    match status {
        "registrable" => "Anyone can register it now",
        "registered" => "Somebody holds it",
        "redemption" => "Deleted; its last holder can still take it back",
        "pending_delete" => "About to become free",
        "reserved" => "Kept back by the registry",
        "not_a_public_suffix" => "Nothing can be registered under this ending",
        "allowed_by_provider_rules" => "The provider's rules allow the name",
        "not_allowed" => "The provider's rules forbid the name",
        "recycled_by_provider" => "The provider gives old names out again",
        "not_public" => "Not open to the public",
        _ => "Not known",
    }
}

/// Whether the operator has something to do about a name with this status.
pub(super) fn takeable(status: &str) -> bool {
    matches!(
        status,
        "registrable" | "redemption" | "pending_delete" | "allowed_by_provider_rules" | "recycled_by_provider"
    )
}

/// A root cause for people.
pub(super) fn cause(cause: &str) -> &'static str {
    match cause {
        "malicious_email_behaviour" => "Somebody guessing addresses",
        "spam_blocking_policy" => "The receiver's protection against spam",
        "server_manager_misconfiguration" => "DNS, authentication or encryption set up wrongly",
        "improper_user_operation" => "Typos, full mailboxes, messages too large",
        "poor_email_infrastructure" => "Timeouts and broken connections",
        _ => "Not known",
    }
}

/// How the guessed names were made, for people.
pub(super) fn pattern(pattern: &str) -> &'static str {
    match pattern {
        "name_variants" => "spellings of people's names",
        "dictionary" => "a word list",
        "sequence" => "names that count up",
        "wide" => "the same names at many domains",
        _ => "no clear pattern",
    }
}
