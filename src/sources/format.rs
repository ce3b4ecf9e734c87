//! What a log format is: its name, how it is told from others, and how its lines become deliveries.

use super::{Options, lines, reject::Tally};
use crate::{delivery::Delivery, error::Error, moment::Timestamp};

/// A log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FormatKind {
    /// One JSON object a mail, one a line (INTERFACE.md, "Input record").
    Coremail,
    /// Postfix through syslog, joined over the queue id.
    Postfix,
    /// Exim's main and reject log, its own or through syslog.
    Exim,
    /// Sendmail through syslog, joined over the queue id.
    Sendmail,
    /// Any of these through journald: `journalctl -o json` or `-o export`.
    Journald,
    /// KumoMTA log records.
    KumoMta,
    /// PowerMTA accounting.
    PowerMta,
    /// Exchange message tracking.
    Exchange,
    /// Amazon SES notifications and events.
    Ses,
    /// SendGrid events.
    SendGrid,
    /// Mailgun events.
    Mailgun,
    /// Postmark events.
    Postmark,
    /// SparkPost events.
    SparkPost,
    /// Events of Brevo, MailerSend, Mailjet, Mandrill, Postal, Resend and Unisender Go.
    Webhooks,
    /// Bounce mails: RFC 3464 and free text, in single files, Maildir and mbox.
    Dsn,
}

impl FormatKind {
    /// Every format, in the order detection tries them.
    pub const ALL: [FormatKind; 15] = [
        FormatKind::Coremail,
        FormatKind::Postfix,
        FormatKind::Exim,
        FormatKind::Sendmail,
        FormatKind::Journald,
        FormatKind::KumoMta,
        FormatKind::PowerMta,
        FormatKind::Exchange,
        FormatKind::Ses,
        FormatKind::SendGrid,
        FormatKind::Mailgun,
        FormatKind::Postmark,
        FormatKind::SparkPost,
        FormatKind::Webhooks,
        FormatKind::Dsn,
    ];

    /// `coremail`, `postfix`
    pub fn name(self) -> &'static str {
        match self {
            FormatKind::Coremail => "coremail",
            FormatKind::Postfix => "postfix",
            FormatKind::Exim => "exim",
            FormatKind::Sendmail => "sendmail",
            FormatKind::Journald => "journald",
            FormatKind::KumoMta => "kumomta",
            FormatKind::PowerMta => "powermta",
            FormatKind::Exchange => "exchange",
            FormatKind::Ses => "ses",
            FormatKind::SendGrid => "sendgrid",
            FormatKind::Mailgun => "mailgun",
            FormatKind::Postmark => "postmark",
            FormatKind::SparkPost => "sparkpost",
            FormatKind::Webhooks => "webhooks",
            FormatKind::Dsn => "dsn",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The names of all, for people.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Formats of one family are joined as one: a mail may go on in another log of it.
    pub(crate) fn family(self) -> &'static str {
        match self {
            FormatKind::Postfix | FormatKind::Exim | FormatKind::Sendmail | FormatKind::Journald => "lines",
            other => other.name(),
        }
    }
}

/// What the reader must know of a format.
pub(crate) trait Format: Sync {
    /// Whether a line without its end is one of this format.
    fn looks_like(&self, line: &str) -> bool;
    /// Whether it could stand in a log of this format: syslog holds other programs' lines, too.
    fn may_hold(&self, line: &str) -> bool {
        self.looks_like(line)
    }
    /// When the line was written.
    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp>;
    /// Whether the last line of a file that may still grow says all it has to say, though its end is missing.
    fn is_whole(&self, line: &str) -> bool;
    /// How its lines are read.
    fn reader(&self) -> Reader;
    /// How many lines of a sample are of this format; one whose lines say little alone looks at all of it.
    fn known(&self, sample: &str) -> usize {
        sample.lines().filter(|line| says_something(line) && self.looks_like(line)).count()
    }
    /// What such a log cannot show.
    fn blind_to(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Where deliveries go.
pub(crate) type Emit<'e> = &'e mut dyn FnMut(&Delivery<'_>);

/// The two ways lines become deliveries.
pub(crate) enum Reader {
    /// Each line for itself, on all cores.
    Lines(EachLine),
    /// Lines joined in their order, with what earlier nights left.
    Joined(StartJoin),
}

/// Reads whole lines.
pub(crate) type EachLine = fn(&[u8], &Options, Emit<'_>) -> Tally;

/// Goes on from what [`Joined::save`] gave the night before.
pub(crate) type StartJoin = fn(&Options, Option<serde_json::Value>) -> Result<Box<dyn Joined>, Error>;

/// Reads whole lines before their turn in the join; what it makes of them lives as long as the call.
pub(crate) type Ahead = fn(&[u8], &mut dyn FnMut(lines::Read<'_>));

/// A join over lines.
pub(crate) trait Joined: Send {
    /// The next input is of this format, one of the family.
    fn carrier(&mut self, _kind: FormatKind) {}
    /// Another input begins; with the year of its first line, where the input as a whole tells it.
    fn begin(&mut self, year: Option<i64>);
    /// The first bytes of that input, also where it is read on from its middle.
    fn head(&mut self, _head: &[u8]) {}
    /// Takes in whole lines.
    fn chunk(&mut self, lines: &[u8], emit: Emit<'_>) -> Tally;
    /// How many of the latest bytes are of a record of which the end is still to come, and of which nothing else is kept:
    /// a later night must read them again.
    fn open_bytes(&self) -> usize {
        0
    }
    /// The input ends here for tonight, or will when it is read on: then nothing may be told of what is open.
    fn end(&mut self, _emit: Emit<'_>) -> Tally {
        Tally::default()
    }
    /// How chunks can be read before their turn; `None` where a chunk means nothing without the one before.
    fn ahead(&self) -> Option<Ahead> {
        None
    }
    /// Takes in what was read ahead.
    fn join(&mut self, _read: lines::Read<'_>, _emit: Emit<'_>) -> Tally {
        Tally::default()
    }
    /// No more input tonight: emits what is known to be complete.
    fn finish(&mut self, settle: bool, emit: Emit<'_>);
    /// Deliveries not emitted yet.
    fn pending(&self) -> u64;
    /// What the next night continues with.
    fn save(&self) -> Result<serde_json::Value, serde_json::Error>;
}

/// How many NULs `bytes` begin with.
pub(crate) fn nuls(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| **b == 0).count()
}

/// Without the byte order mark that an editor, or a file put behind another, leaves.
pub(crate) fn without_bom(line: &str) -> &str {
    if line.as_bytes().first() == Some(&0xef) { line.trim_start_matches('\u{feff}') } else { line }
}

/// Neither blank nor a comment.
pub(crate) fn says_something(line: &str) -> bool {
    // Nearly every line begins with what is no blank of any alphabet.
    if let Some(first) = line.as_bytes().first().filter(|b| b.is_ascii_graphic()) {
        return *first != b'#';
    }
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

/// Calls `each` with every line of `text`, its end cut off; counts lines.
pub(crate) fn lines_of_text<'t>(text: &'t str, tally: &mut Tally, mut each: impl FnMut(&'t str, &mut Tally)) {
    let mut from = 0;
    while from < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[from..]).map_or(text.len(), |at| from + at);
        tally.lines += 1;
        each(without_return(&text[from..end]), tally);
        from = end + 1;
    }
}

fn without_return(mut line: &str) -> &str {
    while line.as_bytes().last() == Some(&b'\r') {
        line = &line[..line.len() - 1];
    }
    line
}

/// Calls `each` with every line of `chunk` as text, its end cut off; counts lines, and those that were no UTF-8.
pub(crate) fn lines(chunk: &[u8], tally: &mut Tally, mut each: impl FnMut(&str, &mut Tally)) {
    let whole = std::str::from_utf8(chunk).ok();
    let mut from = 0;
    while from < chunk.len() {
        let end = memchr::memchr(b'\n', &chunk[from..]).map_or(chunk.len(), |at| from + at);
        tally.lines += 1;
        match whole {
            Some(text) => each(without_return(&text[from..end]), tally),
            None => match String::from_utf8_lossy(&chunk[from..end]) {
                std::borrow::Cow::Borrowed(line) => each(line.trim_end_matches('\r'), tally),
                std::borrow::Cow::Owned(line) => {
                    tally.lossy += 1;
                    each(line.trim_end_matches('\r'), tally);
                }
            },
        }
        from = end + 1;
    }
}
