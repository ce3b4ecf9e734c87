//! What a letter says → RFC 5322.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{
    Body, Mailbox, Message, MessageBuilder,
    header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
};

use crate::moment::Timestamp;

/// One mail of plain text.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Who writes.
    pub from: &'a Mailbox,
    /// Everybody it is for.
    pub to: &'a [Mailbox],
    /// On one line.
    pub subject: &'a str,
    /// Its date.
    pub at: Timestamp,
    /// Makes its Message-ID at the writer's domain.
    pub id: &'a str,
    /// The id of the mail that began its thread.
    pub follows: Option<&'a str>,
    /// The text, with bare newlines.
    pub body: &'a str,
}

/// Bytes of a line, RFC 5322 section 2.1.1.
const MAX_LINE: usize = 998;

impl Letter<'_> {
    /// Of a machine: any text fits, in ASCII, and nobody's vacation answers it (RFC 3834).
    pub fn automatic(&self) -> Result<Vec<u8>, String> {
        let body = self.body.replace('\n', "\r\n") + "\r\n";
        let mut letter = self.head().body(body).map_err(|e| format!("no mail can be made of it: {e}"))?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        letter.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".into()));
        Ok(letter.formatted())
    }

    /// Of a person, who reads and edits it before it goes: its text is not encoded.
    pub fn draft(&self) -> Result<Vec<u8>, String> {
        if self.body.lines().any(|line| line.len() > MAX_LINE) {
            return Err("a line is longer than mail can carry".to_owned());
        }
        let ascii = self.body.is_ascii();
        let encoding = if ascii { ContentTransferEncoding::SevenBit } else { ContentTransferEncoding::EightBit };
        let body = Body::dangerous_pre_encoded(self.body.replace('\n', "\r\n").into_bytes(), encoding);
        self.head().body(body).map(|letter| letter.formatted()).map_err(|e| e.to_string())
    }

    fn head(&self) -> MessageBuilder {
        let id = |key: &str| format!("<{key}@{}>", self.from.email.domain());
        let seconds = Duration::from_secs(self.at.0.max(0).unsigned_abs());
        let mut letter = Message::builder().from(self.from.clone());
        for to in self.to {
            letter = letter.to(to.clone());
        }
        letter = letter
            .subject(self.subject)
            .date(UNIX_EPOCH + seconds)
            .message_id(Some(id(self.id)))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        match self.follows {
            Some(first) => letter.in_reply_to(id(first)).references(id(first)),
            None => letter,
        }
    }
}
