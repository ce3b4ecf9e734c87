//! The mail that a report brings back: where it begins, and the fields of its head.

use super::text::LINES;

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
}
