//! One mail in the queue, as far as the lines so far tell.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::event::{Agent, Refused, Said, Status, Tried, is_private};
use crate::{address, delivery::Attempt, moment::Timestamp};

/// A mail under its queue id. Saved between nights.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// `None` until qmgr or pickup said it.
    pub(crate) sender: Option<CompactString>,
    /// Who brought it; empty when nobody from outside, or not known.
    pub(crate) client: CompactString,
    /// As [`Said`](super::event::Said).
    #[serde(default)]
    pub(crate) login: CompactString,
    #[serde(default)]
    pub(crate) helo: CompactString,
    pub(crate) origin: Origin,
    /// Whether the client logged in, or the mail is our own.
    pub(crate) ours: bool,
    /// Whether it came back from a content filter or a forwarding: the hop before may still be told after it is gone.
    pub(crate) second: bool,
    /// Whether the log tells its beginning.
    pub(crate) opened: bool,
    /// When it left the queue, while it waits for the hop before.
    pub(crate) removed: Option<i64>,
    /// Its latest line.
    pub(crate) last: i64,
    /// Hash of its message id; 0 when unknown.
    #[serde(default)]
    pub(crate) message: u64,
    /// Whether it was handed in on this machine: perhaps by a content filter.
    #[serde(default)]
    pub(crate) picked: bool,
    /// Whether a delivery of it was emitted.
    #[serde(default)]
    pub(crate) emitted: bool,
    pub(crate) recipients: Vec<Recipient>,
}

/// What is known of where a mail came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// No line told yet.
    #[default]
    Unknown,
    /// From this machine: perhaps a content filter, of which the hop before knows the client.
    Loopback,
    /// From another of our hosts, as its message id makes likely: that hop knows the client, and may still be told.
    Relayed,
    /// Told.
    Known,
}

/// One recipient that is not yet emitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recipient {
    pub(crate) to: String,
    pub(crate) orig_to: String,
    /// Whether it was delivered, or was to be, on our side.
    pub(crate) into: bool,
    /// Whether no further attempt will come.
    pub(crate) done: bool,
    /// Refused when the mail came in, for the time being or for good.
    #[serde(default)]
    pub(crate) door: Option<Refusal>,
    /// Whether somebody took it that may hand it in again: the hop behind may still be told.
    #[serde(default)]
    pub(crate) piped: bool,
    /// The queue id under which another host goes on with it; its mail's own where the hop before had taken it so far, which
    /// counts only as long as nothing else is told.
    #[serde(default)]
    pub(crate) next: CompactString,
    pub(crate) tries: Vec<Try>,
}

/// How a recipient was refused at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    ForNow,
    ForGood,
}

/// One attempt, kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) at: i64,
    pub(crate) to_ip: String,
    pub(crate) reply: String,
    pub(crate) accepted: bool,
}

/// Refusals kept of one mail; servers hang up long before.
const MAX_AT_DOOR: usize = 10_000;

/// Attempts kept of one recipient: five days of retries every quarter of an hour stay well under it.
const MAX_TRIES: usize = 500;

impl Queue {
    /// The same before anything was tried.
    pub(crate) fn beginning(&self) -> Self {
        let Queue { sender, client, login, helo, .. } = self;
        let (sender, client, login, helo) = (sender.clone(), client.clone(), login.clone(), helo.clone());
        Queue { sender, client, login, helo, recipients: Vec::new(), ..*self }
    }

    /// Keeps what a client said of itself.
    pub(crate) fn hear(&mut self, said: Said<'_>) {
        for (known, said) in [(&mut self.login, said.login), (&mut self.helo, said.helo)] {
            if !said.is_empty() {
                *known = said.into();
            }
        }
    }

    pub(crate) fn said(&self) -> Said<'_> {
        Said { login: &self.login, helo: &self.helo }
    }

    /// Whether sender and client are known, so that what is done can be emitted.
    pub(crate) fn is_told(&self) -> bool {
        self.sender.is_some() && self.origin == Origin::Known
    }

    /// Whether this attempt was a delivery on our side.
    pub(crate) fn is_into(&self, tried: &Tried<'_>) -> bool {
        match tried.agent {
            Agent::Mailbox | Agent::Pipe => true,
            Agent::Nobody => self.is_from_outside(),
            // A gateway that hands mail from the world to a server inside.
            Agent::Smtp => self.is_from_outside() && is_private(tried.to_ip),
        }
    }

    /// Whether a stranger brought it, as far as is known.
    fn is_from_outside(&self) -> bool {
        matches!(self.origin, Origin::Known | Origin::Relayed) && !self.ours && !is_private(&self.client)
    }

    /// Keeps an attempt; `position` is where earlier ones at the same recipient are.
    pub(crate) fn keep(&mut self, position: Option<usize>, tried: &Tried<'_>, at: Timestamp) -> &mut Recipient {
        let into = self.is_into(tried);
        let index = position.unwrap_or_else(|| {
            self.recipients.push(Recipient {
                to: tried.to.to_owned(),
                orig_to: tried.orig_to.to_owned(),
                into,
                done: false,
                door: None,
                piped: false,
                next: CompactString::default(),
                tries: Vec::new(),
            });
            self.recipients.len() - 1
        });
        let recipient = &mut self.recipients[index];
        recipient.into = into;
        push(&mut recipient.tries, Try::of(tried.to_ip, tried.reply, tried.status == Status::Sent, at));
        recipient
    }

    /// Keeps a refusal of which the sender is still to be told.
    pub(crate) fn keep_refusal(&mut self, refused: &Refused<'_>, at: Timestamp) {
        if self.recipients.len() < MAX_AT_DOOR {
            self.recipients.push(Recipient {
                to: refused.recipient.to_owned(),
                orig_to: String::new(),
                into: true,
                done: true,
                piped: false,
                next: CompactString::default(),
                door: Some(if refused.temporary { Refusal::ForNow } else { Refusal::ForGood }),
                tries: vec![Try::of("", refused.reply, false, at)],
            });
        }
    }

    /// Whether all that is known of it are refusals.
    pub(crate) fn is_only_refused(&self) -> bool {
        self.recipients.iter().all(|r| r.door.is_some())
    }

    /// Whether a program took it for somebody that may hand it in again.
    pub(crate) fn is_piped(&self) -> bool {
        self.recipients.iter().any(|r| r.piped)
    }

    /// Where an earlier attempt at the same recipient is.
    pub(crate) fn position(&self, tried: &Tried<'_>) -> Option<usize> {
        self.recipients.iter().position(|r| !r.done && r.to == tried.to && r.orig_to == tried.orig_to)
    }
}

impl Recipient {
    /// The address the sender wrote: what an alias made of it only where the mail goes out again.
    pub(crate) fn address(&self) -> &str {
        written(&self.to, &self.orig_to, self.into)
    }
}

impl Try {
    pub(crate) fn of(to_ip: &str, reply: &str, accepted: bool, at: Timestamp) -> Self {
        Try { at: at.0, to_ip: to_ip.to_owned(), reply: reply.to_owned(), accepted }
    }

    pub(crate) fn attempt(&self) -> Attempt<'_> {
        Attempt { from_ip: "", to_ip: &self.to_ip, reply: &self.reply, accepted: self.accepted }
    }
}

/// See [`Recipient::address`].
pub(crate) fn written<'a>(to: &'a str, orig_to: &'a str, into: bool) -> &'a str {
    if into && !address::domain_of(orig_to).is_empty() { orig_to } else { to }
}

/// Adds an attempt; beyond the cap the latest takes the place of the one before it, so that first and last stay true.
pub(crate) fn push(tries: &mut Vec<Try>, new: Try) {
    if tries.len() >= MAX_TRIES {
        tries.pop();
    }
    tries.push(new);
}
