//! Mail addresses and domains as mail compares them, and text shown without what a terminal would obey.

use std::{borrow::Cow, net::IpAddr};

/// A mailbox address split at its last `@`. Both parts borrow from the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Before the last `@`, as written.
    pub local: &'a str,
    /// After it, as written; empty where there is no `@`.
    pub domain: &'a str,
}

/// The longest address mail can carry: RFC 5321 section 4.5.3.1.3 (a path of 256 octets with its brackets); a log may
/// hold longer ones, which are cut so that one line cannot fill the memory.
pub const MAX_ADDRESS: usize = 320;

impl<'a> Address<'a> {
    /// Splits `text`, without its angle brackets and outer blanks.
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        match text.rfind('@') {
            Some(at) => Address { local: &text[..at], domain: text[at + 1..].trim_end_matches('.') },
            None => Address { local: text, domain: "" },
        }
    }
}

/// The form under which an address is counted: blanks and brackets off, lower case, cut to [`MAX_ADDRESS`] bytes, the
/// domain without its trailing dot. Local parts are folded too: RFC 5321 lets a host tell `Bob` from `bob`, none of
/// weight does. Borrows when nothing changes.
pub fn fold(text: &str) -> Cow<'_, str> {
    let t = text.trim();
    let t = t.strip_prefix('<').map_or(t, |t| t.strip_suffix('>').unwrap_or(t));
    let mut end = t.len().min(MAX_ADDRESS);
    while !t.is_char_boundary(end) {
        end -= 1;
    }
    let t = t[..end].trim_end_matches('.');
    if t.bytes().any(|b| b.is_ascii_uppercase() || !(0x20..0x80).contains(&b)) {
        Cow::Owned(t.to_lowercase().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(t)
    }
}

/// The domain of a folded address; empty where there is none.
pub fn domain_of(folded: &str) -> &str {
    folded.rfind('@').map_or("", |at| &folded[at + 1..])
}

/// The local part of a folded address.
pub fn local_of(folded: &str) -> &str {
    folded.rfind('@').map_or(folded, |at| &folded[..at])
}

/// The sender behind a rotating return path (VERP, BATV/PRVS, SRS): each mail has its own, the person is one.
pub fn person(sender: &str) -> Cow<'_, str> {
    let domain = domain_of(sender);
    let local = local_of(sender);
    // BATV: prvs=1234abcdef=user@…; SRS: srs0=hash=tt=domain=user@…
    if let Some(signed) = local.strip_prefix("prvs=").and_then(|rest| rest.split_once('=')) {
        return Cow::Owned(format!("{}@{domain}", signed.1));
    }
    if local.starts_with("srs0") || local.starts_with("srs1") {
        return Cow::Owned(format!("srs@{domain}"));
    }
    let Some(at) = local.find(['+', '=']) else { return Cow::Borrowed(sender) };
    let (head, tag) = local.split_at(at);
    // A tag a person chose is a word; one a mailer made holds digits or an address.
    if tag[1..].contains(['=', '@']) || tag.bytes().any(|b| b.is_ascii_digit()) {
        Cow::Owned(format!("{}@{domain}", head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-')))
    } else {
        Cow::Borrowed(sender)
    }
}

/// Whether a sender is a server that tells of somebody's mail, or asks whether its sender exists: the null one, or what
/// some write instead.
pub fn is_server(sender: &str) -> bool {
    matches!(local_of(sender), "" | "mailer-daemon" | "double-bounce")
}

/// The network an address belongs to: what one customer of a provider gets, /24 of IPv4 and /48 of IPv6.
pub fn network(ip: &str) -> Option<String> {
    match ip.parse().ok()? {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}

/// `text` with control and bidirectional-override characters replaced, for terminals and one-line messages.
pub fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.chars().any(hostile) {
        Cow::Owned(text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// `tom_p@example.tj` as `to***@***.tj`: enough for its owner to know it, too little for others (the paper's masking).
pub fn masked(address: &str) -> String {
    let Address { local, domain } = Address::parse(address);
    let head: String = local.chars().take(2).collect();
    let tld = domain.rsplit('.').next().unwrap_or("");
    if domain.is_empty() { format!("{head}***") } else { format!("{head}***@***.{tld}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_as_mail_compares() {
        for (text, folded) in [
            ("<Bob@Example.ORG.>", "bob@example.org"),
            (" a@b ", "a@b"),
            ("<>", ""),
            ("\"a b\"@c.d", "\"a b\"@c.d"),
            ("Ä@x", "ä@x"),
            ("a\u{1b}[2J@x", "a\u{fffd}[2j@x"),
        ] {
            assert_eq!(fold(text), folded);
        }
        assert!(fold(&"ä".repeat(400)).len() <= MAX_ADDRESS);
        assert_eq!(Address::parse("\"a@b\"@c.d."), Address { local: "\"a@b\"", domain: "c.d" });
        assert_eq!(masked("tom_p@example.tj"), "to***@***.tj");
        assert_eq!(printable("a\u{1b}[31m\u{202e}b"), "a\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn rotating_return_paths_are_one_sender() {
        for (sender, who) in [
            ("bounce+1a2b-tom=y.example@x.example", "bounce@x.example"),
            ("bounces-77+123=tom@x.example", "bounces@x.example"),
            ("prvs=12345abcde=bob@x.example", "bob@x.example"),
            ("srs0=abcd=xy=other.example=bob@x.example", "srs@x.example"),
            ("bob+news@x.example", "bob+news@x.example"),
            ("bob@x.example", "bob@x.example"),
        ] {
            assert_eq!(person(sender), who, "{sender}");
        }
    }
}
