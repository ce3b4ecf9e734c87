//! A drafted letter → a mail server.

use std::time::Duration;

use lettre::{
    Address, Transport,
    address::Envelope,
    message::Mailbox,
    transport::{
        sendmail::SendmailTransport,
        smtp::{SmtpTransport, client::Tls},
    },
};

use crate::{address::printable, error::Error};

/// Where mail is handed in unless told otherwise.
pub const DEFAULT_ROUTE: &str = "sendmail:";
/// How long a mail server may take for one step.
const PATIENCE: Duration = Duration::from_secs(30);
/// The submission port where none is named.
const SMTP: u16 = 25;

/// A way out for letters.
pub enum Route {
    /// A mail server.
    Smtp(Box<SmtpTransport>),
    /// A local program that takes mail on standard input.
    Sendmail(SendmailTransport),
}

impl Route {
    /// From `smtp://HOST:PORT`, `smtps://HOST:PORT`, `sendmail:` or `sendmail:/usr/sbin/sendmail`.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |cause: &str| Error::Usage(format!("--via {}: {cause}", printable(url)));
        if let Some(program) = url.strip_prefix("sendmail:") {
            let program = program.trim_start_matches("//");
            return Ok(Route::Sendmail(if program.is_empty() {
                SendmailTransport::new()
            } else {
                SendmailTransport::new_with_command(program)
            }));
        }
        let (host, tls) = match (url.strip_prefix("smtp://"), url.strip_prefix("smtps://")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err(wrong("is none of smtp://HOST:PORT, smtps://HOST:PORT, sendmail:PROGRAM")),
        };
        let host = host.trim_end_matches('/');
        let (name, port) = match host.rsplit_once(':').filter(|(name, _)| !name.ends_with(':')) {
            Some((name, port)) => (name, Some(port.parse::<u16>().map_err(|_| wrong("has no valid port"))?)),
            None => (host, None),
        };
        if name.is_empty() {
            return Err(wrong("names no host"));
        }
        let builder = if tls {
            SmtpTransport::relay(name).map_err(|e| wrong(&e.to_string()))?
        } else {
            SmtpTransport::builder_dangerous(name).port(SMTP).tls(Tls::None)
        };
        let builder = port.into_iter().fold(builder, lettre::transport::smtp::SmtpTransportBuilder::port);
        Ok(Route::Smtp(Box::new(builder.timeout(Some(PATIENCE)).build())))
    }

    /// Hands in one letter as it lies in its file, an operator's edits included. `Err` says what the other side said.
    pub fn send(&self, letter: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(letter).map_err(|_| "the draft is no UTF-8 text".to_owned())?;
        let envelope = Envelope::new(Some(one(text, "From")?), vec![one(text, "To")?]).map_err(|e| e.to_string())?;
        let letter = with_crlf(text);
        let failed = match self {
            Route::Smtp(smtp) => smtp.send_raw(&envelope, &letter).err().map(|e| e.to_string()),
            Route::Sendmail(program) => program.send_raw(&envelope, &letter).err().map(|e| e.to_string()),
        };
        failed.map_or(Ok(()), |cause| Err(printable(&cause).into_owned()))
    }
}

/// The one address of a header.
fn one(text: &str, header: &str) -> Result<Address, String> {
    let head = text.split("\r\n\r\n").next().unwrap_or("").split("\n\n").next().unwrap_or("");
    let prefix = format!("{}:", header.to_ascii_lowercase());
    let mut lines = head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&prefix));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("the draft does not have exactly one {header}: header"));
    };
    let mailbox = line[prefix.len()..].trim().parse::<Mailbox>();
    mailbox.map(|m| m.email).map_err(|e| format!("the draft's {header}: header: {e}"))
}

/// An editor may have written lines with a bare LF.
fn with_crlf(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_what_they_say() {
        assert!(matches!(Route::parse("smtp://127.0.0.1:2525"), Ok(Route::Smtp(_))));
        assert!(matches!(Route::parse("sendmail:/bin/true"), Ok(Route::Sendmail(_))));
        for wrong in ["", "http://x", "smtp://", "smtp://h:port", "smtp://:25"] {
            assert!(matches!(Route::parse(wrong), Err(Error::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn a_draft_names_one_sender_and_one_owner() {
        assert_eq!(one("From: a@b.example\nTo: X <c@d.example>\n\nTo: e@f", "To").unwrap().to_string(), "c@d.example");
        assert!(one("To: a@b.example\nTo: c@d.example\n\n", "To").is_err());
        assert!(one("To: a@b.example, c@d.example\n\n", "To").is_err());
        assert!(one("Subject: x\n\nTo: a@b.example", "To").is_err());
        assert_eq!(with_crlf("a\nb\r\nc"), b"a\r\nb\r\nc");
    }
}
