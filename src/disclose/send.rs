//! A drafted letter, an operator's edits included → a mail server.

use std::time::Duration;

use crate::mail::{Mailbox, Route};

/// Where mail is handed in unless told otherwise.
pub const DEFAULT_ROUTE: &str = "sendmail:";
/// How long a mail server may take for one step.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hands in one letter as it lies in its file. `Err` says what the other side said.
pub fn send(route: &Route, letter: &[u8]) -> Result<(), String> {
    let text = text(letter)?;
    let (from, to) = (one(text, "From")?, one(text, "To")?);
    // An editor may have written lines with a bare LF.
    let letter = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
    route.send(&from, &[to], letter, PATIENCE).map_err(|failure| failure.said())
}

/// Whom a letter as it lies in its file goes to. `Err` says why it goes to nobody.
pub fn addressee(letter: &[u8]) -> Result<String, String> {
    one(text(letter)?, "To").map(|to| to.email.to_string())
}

fn text(letter: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(letter).map_err(|_| "the draft is no UTF-8 text".to_owned())
}

/// The one address of a header.
fn one(text: &str, header: &str) -> Result<Mailbox, String> {
    let head = text.split("\r\n\r\n").next().unwrap_or("").split("\n\n").next().unwrap_or("");
    let prefix = format!("{}:", header.to_ascii_lowercase());
    let mut lines = head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&prefix));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("the draft does not have exactly one {header}: header"));
    };
    line[prefix.len()..].trim().parse().map_err(|e| format!("the draft's {header}: header: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_names_one_sender_and_one_owner() {
        let to = one("From: a@b.example\nTo: X <c@d.example>\n\nTo: e@f", "To").unwrap();
        assert_eq!(to.email.to_string(), "c@d.example");
        assert!(one("To: a@b.example\nTo: c@d.example\n\n", "To").is_err());
        assert!(one("To: a@b.example, c@d.example\n\n", "To").is_err());
        assert!(one("Subject: x\n\nTo: a@b.example", "To").is_err());
    }
}
