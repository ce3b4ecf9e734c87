//! The mail that a report brings back: where it begins, and the fields of its head.

use std::sync::LazyLock;

use super::text::LINES;
use crate::{
    address::{domain_of, fold, local_of},
    suffix::Suffixes,
};

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
                    && text[at..].lines().take(40).take_while(|l| !l.trim().is_empty()).filter(|l| is_head(l)).count()
                        >= 3)
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
    fenced
        && low.len() < 120
        && words.iter().any(|word| low.contains(word))
        && !low.contains('@')
        && !low.contains("transcript")
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

/// The head of a returned mail.
pub(super) struct Head<'h>(pub(super) &'h str);

impl<'h> Head<'h> {
    /// The first field of that name, unfolded as far as its first continuation matters; empty where there is none.
    pub(super) fn field(&self, name: &str) -> &'h str {
        let mut at = 0;
        for line in self.0.split_inclusive('\n').take(2_000) {
            let end = at + line.len();
            if let Some((known, value)) = line.split_once(':')
                && known.trim().eq_ignore_ascii_case(name)
            {
                let mut stop = end;
                for more in self.0[end..].split_inclusive('\n').take(50) {
                    if !more.starts_with([' ', '\t']) || more.trim().is_empty() {
                        break;
                    }
                    stop += more.len();
                }
                return self.0[end - value.len()..stop].trim();
            }
            at = end;
        }
        ""
    }

    /// Whether the mail may be of one of those whom its report `reached`: a field that says who wrote it, or what server
    /// it left, names his home. It may where none says so, where a mail system wrote it, and where the report is a copy
    /// for the postmaster.
    pub(super) fn is_of(&self, reached: &[String]) -> bool {
        const OF_SERVERS: [&str; 8] = [
            "received",
            "sender",
            "reply-to",
            "errors-to",
            "resent-from",
            "x-envelope-from",
            "message-id",
            "dkim-signature",
        ];
        let names_home = |name: &str| {
            let value = self.field(name).to_lowercase();
            reached.iter().any(|to| names(&value, home(domain_of(to))))
        };
        let (path, from) = (self.field("return-path"), self.field("from"));
        let system = path == "<>" || from.to_ascii_lowercase().contains("mailer-daemon");
        let copy = reached.is_empty() || reached.iter().any(|to| local_of(to) == "postmaster");
        copy || system
            || !(path.contains('@') || from.contains('@'))
            || ["return-path", "from"].into_iter().chain(OF_SERVERS).any(names_home)
    }
}

/// Whether two addresses, folded or not, are of one organisation.
pub(super) fn of_one_home(a: &str, b: &str) -> bool {
    a.contains('@') && home(domain_of(&fold(a))) == home(domain_of(&fold(b)))
}

/// The part of a domain that an organisation registers; under no listed suffix, as inside a company, its last two labels.
fn home(domain: &str) -> &str {
    // Parsed with the first report only.
    static SUFFIXES: LazyLock<Option<Suffixes>> = LazyLock::new(|| Suffixes::shipped().ok());
    let listed = SUFFIXES.as_ref().and_then(|suffixes| suffixes.registrable(domain));
    let two = || domain.rmatch_indices('.').nth(1).map_or(domain, |(dot, _)| &domain[dot + 1..]);
    listed.map_or_else(two, |known| known.domain)
}

/// Whether `text` names `domain` or a domain below it.
fn names(text: &str, domain: &str) -> bool {
    let in_label = |c: char| c.is_alphanumeric() || c == '-';
    !domain.is_empty()
        && text.match_indices(domain).any(|(at, _)| {
            let after = &text[at + domain.len()..];
            !text[..at].ends_with(in_label)
                && !after.starts_with(in_label)
                && !after.strip_prefix('.').is_some_and(|more| more.starts_with(in_label))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_what_stands_under_a_public_suffix() {
        for (domain, expected) in [
            ("mx1.mail.example.com", "example.com"),
            ("mail.example.co.uk", "example.co.uk"),
            ("mail.city.kawasaki.jp", "city.kawasaki.jp"),
            ("a.example.k12.ca.us", "example.k12.ca.us"),
            // Two labels that look like a suffix and are none.
            ("com.at", "com.at"),
            ("go.example.de", "example.de"),
            ("mail.net.de", "net.de"),
            ("mx.shop.myshopify.com", "shop.myshopify.com"),
            ("mx.firm.local", "firm.local"),
            ("gmail.con", "gmail.con"),
            ("localhost", "localhost"),
            ("co.uk", "co.uk"),
            ("", ""),
        ] {
            assert_eq!(home(domain), expected, "{domain}");
        }
        assert!(
            of_one_home("a@x.Example.co.uk", "b@example.co.uk") && !of_one_home("a@other.co.uk", "b@example.co.uk")
        );
    }
}
