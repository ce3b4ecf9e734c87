//! Mail → a server, or the machine's own `sendmail`. The one door to lettre.
//!
//! In: what a letter says, or one as it lies in its file; a [`Route`] as the operator wrote it.
//! Out: an RFC 5322 message; taken, or why not.
//! Never: takes longer than told, gives a password away in the clear, names one in an error.

mod letter;
mod sendmail;
mod smtp;

use std::time::Duration;

use lettre::address::Envelope;
pub use lettre::message::Mailbox;

pub use letter::Letter;

use crate::{address::printable, place::Place, tls::Authorities};

/// A way out for letters.
#[derive(Debug, Clone)]
pub enum Route {
    /// A mail server.
    Smtp(smtp::Server),
    /// A local program that takes mail on standard input.
    Sendmail(String),
}

/// Why a letter was not taken: in words, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// This letter, for good.
    Refused(String),
    /// No use in trying again now.
    Down(String),
    /// May be over in a moment.
    Passing(String),
}

/// Where sendmail lies wherever there is one.
const SENDMAIL: &str = "/usr/sbin/sendmail";
/// Characters of what a server said.
const MAX_SAID: usize = 200;

impl Route {
    /// From `smtp://[USER:PASSWORD@]HOST[:PORT]?tls=auto|required|none`, `smtps://…` or `sendmail:///PATH`.
    pub fn take(place: &mut Place, trust: &Authorities) -> Result<Self, String> {
        match place.scheme.as_str() {
            "smtp" | "smtps" => smtp::Server::take(place, trust).map(Route::Smtp),
            "sendmail" if place.rest.0.starts_with('/') => Ok(Route::Sendmail(place.rest.0.clone())),
            "sendmail" => Err(format!("wants an absolute path: sendmail://{SENDMAIL}")),
            _ => Err("is none of smtp://HOST:PORT, smtps://HOST:PORT, sendmail:PROGRAM".into()),
        }
    }

    /// As [`Route::take`]; also `sendmail:` and `sendmail:/PATH`.
    pub fn parse(url: &str, trust: &Authorities) -> Result<Self, String> {
        let url = match url.strip_prefix("sendmail:").map(|program| program.trim_start_matches("//")) {
            Some("") => format!("sendmail://{SENDMAIL}"),
            Some(program) => format!("sendmail://{program}"),
            None => url.to_owned(),
        };
        let mut place = Place::parse(&url)?;
        let route = Route::take(&mut place, trust)?;
        place.taken().map(|()| route)
    }

    /// Hands in `letter`, within about `limit`.
    pub fn send(&self, from: &Mailbox, to: &[Mailbox], letter: Vec<u8>, limit: Duration) -> Result<(), Failure> {
        match self {
            Route::Sendmail(program) => sendmail::pipe(program, from, &letter, limit),
            Route::Smtp(server) => {
                let all = to.iter().map(|one| one.email.clone()).collect();
                let envelope =
                    Envelope::new(Some(from.email.clone()), all).map_err(|e| Failure::Refused(e.to_string()))?;
                server.send(envelope, letter, limit)
            }
        }
    }

    /// `smtp:mx.example:25`, `sendmail`: without secrets.
    pub fn name(&self) -> String {
        match self {
            Route::Smtp(server) => server.name(),
            Route::Sendmail(_) => "sendmail".to_owned(),
        }
    }

    /// Whether a server is asked.
    pub fn is_server(&self) -> bool {
        matches!(self, Route::Smtp(_))
    }
}

impl Failure {
    /// In words.
    pub fn said(self) -> String {
        match self {
            Failure::Refused(said) | Failure::Down(said) | Failure::Passing(said) => said,
        }
    }
}

/// Another's words, on one line.
fn short(text: &str) -> String {
    printable(text).chars().take(MAX_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_what_they_say() {
        let trust = Authorities::default();
        for (url, name) in [
            ("smtp://127.0.0.1:2525", "smtp:127.0.0.1:2525"),
            ("smtp://mx.example", "smtp:mx.example:25"),
            ("smtp://me:SECRET@mx.example/", "smtp:mx.example:587"),
            ("smtps://me:SECRET@mx.example", "smtps:mx.example:465"),
            ("smtp://[::1]:25", "smtp:::1:25"),
            ("sendmail:", "sendmail"),
            ("sendmail:/bin/true", "sendmail"),
            ("sendmail:///bin/true", "sendmail"),
        ] {
            let route = Route::parse(url, &trust).unwrap();
            assert_eq!(route.name(), name);
            assert!(!format!("{route:?}").contains("SECRET"), "{route:?}");
        }
        for wrong in [
            "",
            "http://x",
            "smtp://",
            "smtp://h:port",
            "smtp://:25",
            "sendmail:true",
            "smtp://me:SECRET@h?tls=none",
            "smtp://me:SECRET@h?tls=auto",
            "smtp://h?tls=maybe",
            "smtp://h?bcc=SECRET",
            "smtp://me:SECRET%0a@h",
        ] {
            let said = Route::parse(wrong, &trust).unwrap_err();
            assert!(!said.contains("SECRET"), "{said}");
        }
    }
}
