//! Mails about mails: bounces as RFC 3464 wants them and as free text, one a file, in a Maildir or in an mbox.
//!
//! `mailbox` cuts a file into mails, `mail` takes one apart, `status` reads its machine-readable part, `text` and `reply`
//! the words of servers that write none, `returned` the mail it brings back. Complaints (ARF), answers of people away and ordinary mail are counted and passed over.

mod mail;
mod mailbox;
mod reply;
mod returned;
mod status;
mod text;

use super::{
    Options,
    format::{Format, Reader},
};
use crate::moment::Timestamp;

/// The format.
pub(crate) struct Dsn;

/// Headers of which a mail has two at least.
const USUAL: [&str; 12] = [
    "from",
    "to",
    "date",
    "subject",
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "reply-to",
    "x-original-to",
];

impl Format for Dsn {
    fn looks_like(&self, line: &str) -> bool {
        mailbox::begins_mail(line.as_bytes())
    }

    fn known(&self, sample: &str) -> usize {
        let sample = sample.trim_start_matches('\u{feff}');
        let lines = || sample.split(['\n', '\r']).filter(|line| !line.is_empty());
        let mut usual = std::collections::BTreeSet::new();
        for line in lines().skip_while(|line| line.starts_with("From ") || line.starts_with(">From ")) {
            if line.starts_with([' ', '\t']) {
                continue;
            }
            let Some((name, _)) = line.split_once(':') else { break };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
                break;
            }
            let name = name.to_ascii_lowercase();
            usual.extend(USUAL.into_iter().find(|known| *known == name));
        }
        if usual.len() >= 2 { lines().count() } else { 0 }
    }

    fn moment(&self, line: &str, _: &Options) -> Option<Timestamp> {
        let date = line.get(..5).filter(|name| name.eq_ignore_ascii_case("date:")).map(|_| &line[5..])?;
        mail::date(date)
    }

    fn is_whole(&self, _: &str) -> bool {
        true
    }

    fn reader(&self) -> Reader {
        Reader::Joined(mailbox::start)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        &["mail that was delivered", "clients"]
    }
}
