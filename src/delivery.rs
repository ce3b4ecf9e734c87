//! What every log format becomes: one mail to one recipient, with its attempts in order.

use crate::{moment::Timestamp, reply::Reply};

/// One mail to one recipient. Borrows from the reader's buffer; strings are as the log wrote them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<'a> {
    /// Envelope sender; empty for the null sender `<>`.
    pub sender: &'a str,
    /// Envelope recipient.
    pub recipient: &'a str,
    /// IP address of who handed us the mail, where the log says so; never one of our own outgoing servers.
    pub client: Option<&'a str>,
    /// The account that handed it in; empty where nobody logged in, or the log does not say.
    pub login: &'a str,
    /// What the client called itself (HELO); empty where the log does not say. Nobody checks it.
    pub helo: &'a str,
    /// Whether we sent this mail out or somebody brought it to us.
    pub direction: Direction,
    /// When the first attempt was made.
    pub start: Timestamp,
    /// When the last one ended.
    pub end: Timestamp,
    /// Whether the log's writer had marked the mail as spam.
    pub spam: bool,
    /// At least one, in order.
    pub attempts: &'a [Attempt<'a>],
}

/// One try to hand the mail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempt<'a> {
    /// Our outgoing server's address, empty where unknown.
    pub from_ip: &'a str,
    /// The receiving server's address, empty where unknown.
    pub to_ip: &'a str,
    /// What it said, or what our side noted when it said nothing.
    pub reply: &'a str,
    /// Whether the mail was taken. Formats with a status of their own (Postfix `status=sent`) know better than the text.
    pub accepted: bool,
}

/// Which way a mail travelled, seen from the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From our users to the world.
    Out,
    /// From the world to our users.
    In,
    /// From our users no further than our own provider, which refused to try: no server was asked, nothing was learned.
    Stopped,
}

/// The bounce degree (INTERFACE.md, "Input record").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The first attempt succeeded.
    NonBounced,
    /// The first failed, a later one succeeded.
    SoftBounced,
    /// The last one failed.
    HardBounced,
}

impl<'a> Attempt<'a> {
    /// An attempt judged by its reply alone: a 2yz reply is success.
    pub fn replied(from_ip: &'a str, to_ip: &'a str, reply: &'a str) -> Self {
        Attempt { from_ip, to_ip, reply, accepted: Reply::parse(reply).is_success() }
    }
}

impl Delivery<'_> {
    /// Decided by the first and last attempt only: a 5yz attempt before a 2yz one is a soft bounce.
    pub fn outcome(&self) -> Outcome {
        match (self.attempts.first(), self.attempts.last()) {
            (_, Some(last)) if !last.accepted => Outcome::HardBounced,
            (Some(first), _) if !first.accepted => Outcome::SoftBounced,
            _ => Outcome::NonBounced,
        }
    }
}
