//! A file cut into mails, and what they say joined into deliveries.

use super::{
    super::{
        Options,
        event::Mails,
        format::{Emit, Joined},
        reject::Tally,
    },
    mail::{self, Said},
};
use crate::{error::Error, moment::Timestamp};

/// Bytes kept of a mail: reports stand at its head, attachments after them.
const KEPT: usize = 1 << 20;

/// Mails being read.
pub(super) struct Mailbox {
    mail: Vec<u8>,
    /// Whether the input is an mbox: many mails, each after a `From ` line.
    many: bool,
    begun: bool,
    blank: bool,
    mails: Mails,
    now: Timestamp,
}

/// Goes on from what the night before saved.
pub(super) fn start(options: &Options, saved: Option<serde_json::Value>) -> Result<Box<dyn Joined>, Error> {
    let mails = Mails::load(saved)
        .map_err(|cause| Error::Data { name: "pending mails of bounces".to_owned(), cause: cause.to_string() })?;
    Ok(Box::new(Mailbox { mail: Vec::new(), many: false, begun: false, blank: true, mails, now: options.now }))
}

/// `From addr Thu Apr 29 23:34:45 2009`: a sender, a time, a year.
pub(super) fn begins_mail(line: &[u8]) -> bool {
    line.starts_with(b"From ")
        && line.len() < 400
        && line.windows(6).any(|w| w[0].is_ascii_digit() && w[2] == b':' && w[3].is_ascii_digit() && w[5] == b':')
        && line.split(|b| b.is_ascii_whitespace()).any(|word| word.len() == 4 && word.iter().all(u8::is_ascii_digit))
}

impl Joined for Mailbox {
    fn begin(&mut self, _: Option<i64>) {
        (self.many, self.begun, self.blank) = (false, false, true);
        self.mail.clear();
    }

    fn head(&mut self, head: &[u8]) {
        self.many = begins_mail(head.split(|b| *b == b'\n').next().unwrap_or(head));
    }

    fn chunk(&mut self, bytes: &[u8], emit: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            tally.lines += 1;
            if self.many && self.blank && begins_mail(line) && self.begun {
                self.mail_ends(&mut tally, emit);
            }
            self.begun = true;
            self.blank = line.trim_ascii().is_empty();
            let room = KEPT.saturating_sub(self.mail.len());
            self.mail.extend_from_slice(&line[..line.len().min(room)]);
        }
        tally
    }

    fn end(&mut self, emit: Emit<'_>) -> Tally {
        let mut tally = Tally::default();
        self.mail_ends(&mut tally, emit);
        self.begun = false;
        tally
    }

    fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        self.mails.finish(settle, emit);
    }

    fn pending(&self) -> u64 {
        self.mails.pending()
    }

    fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.mails.save()
    }
}

impl Mailbox {
    fn mail_ends(&mut self, tally: &mut Tally, emit: Emit<'_>) {
        let mail = std::mem::take(&mut self.mail);
        if mail.trim_ascii().is_empty() {
            return;
        }
        tally.relevant += 1;
        let Some(said) = mail::read(&mail, self.now) else {
            return tally.reject("no mail", &String::from_utf8_lossy(&mail[..mail.len().min(200)]));
        };
        tally.recognised += 1;
        tally.own += 1;
        let events = match said {
            Said::Bounced(events) => events,
            Said::Nothing => {
                tally.ignored += 1;
                return;
            }
        };
        for event in events {
            self.mails.add(&event, &mut |delivery| {
                tally.records += 1;
                emit(delivery);
            });
        }
    }
}
