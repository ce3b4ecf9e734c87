//! The formats known, one row each, and which of them a sample is.

use super::{
    coremail, dsn, exchange, exim,
    format::{Format, FormatKind, nuls, says_something},
    journald, kumomta, mailgun, postfix, postmark, powermta, sendgrid, sendmail, ses, sparkpost, webhooks,
};

impl FormatKind {
    pub(crate) fn format(self) -> &'static dyn Format {
        match self {
            FormatKind::Coremail => &coremail::Coremail,
            FormatKind::Postfix => &postfix::Postfix,
            FormatKind::Exim => &exim::Exim,
            FormatKind::Sendmail => &sendmail::Sendmail,
            FormatKind::Journald => &journald::Journald,
            FormatKind::KumoMta => &kumomta::KumoMta,
            FormatKind::PowerMta => &powermta::PowerMta,
            FormatKind::Exchange => &exchange::Exchange,
            FormatKind::Ses => &ses::Ses,
            FormatKind::SendGrid => &sendgrid::SendGrid,
            FormatKind::Mailgun => &mailgun::Mailgun,
            FormatKind::Postmark => &postmark::Postmark,
            FormatKind::SparkPost => &sparkpost::SparkPost,
            FormatKind::Webhooks => &webhooks::Webhooks,
            FormatKind::Dsn => &dsn::Dsn,
        }
    }

    /// What a log of this format cannot show, in words; empty where it shows all that is asked of it.
    pub fn blind_to(self) -> &'static [&'static str] {
        self.format().blind_to()
    }
}

/// Bytes looked at to tell a format.
pub(crate) const SAMPLE: usize = 64 << 10;

/// The format that `bytes`, the beginning of a log, are of, and the sample that shows it: behind NULs, which a log has at
/// its head that was truncated under its writer, and behind a first line that leaves a sample no room for others.
pub(crate) fn recognise(bytes: &[u8]) -> Option<(FormatKind, &[u8])> {
    let mut rest = &bytes[nuls(bytes)..];
    loop {
        let sample = &rest[..rest.len().min(SAMPLE)];
        if let Some(kind) = detect(sample) {
            return Some((kind, sample));
        }
        if !is_one_line(sample) {
            return None;
        }
        rest = &rest[memchr::memchr(b'\n', rest)? + 1..];
    }
}

/// Whether a sample is full, and not of whole lines.
pub(crate) fn is_one_line(sample: &[u8]) -> bool {
    sample.len() >= SAMPLE && memchr::memchr_iter(b'\n', &sample[..SAMPLE]).nth(1).is_none()
}

/// The format that may hold most of the sample's lines, of several the one that knows most; unless none may hold any.
pub(crate) fn detect(sample: &[u8]) -> Option<FormatKind> {
    let text = String::from_utf8_lossy(sample);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (held, _, std::cmp::Reverse(kind)) = FormatKind::ALL
        .into_iter()
        .map(|kind| {
            let (format, lines) = (kind.format(), text.lines());
            let held = lines.filter(|line| says_something(line) && format.may_hold(line)).count();
            let known = format.known(text);
            (held.max(known), known, std::cmp::Reverse(kind))
        })
        .max()?;
    (held > 0).then_some(kind)
}
