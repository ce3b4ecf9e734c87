//! A delivery as it leaves the join, with the refusals it had met at the door.

use super::{
    event::{Refused, Said},
    queue::{self, Queue, Recipient, Try},
    refusal::{Refusal, Refusals},
};
use crate::{
    delivery::{Attempt, Delivery, Direction},
    moment::Timestamp,
    sources::format::Emit,
};

/// A delivery but for its attempts.
pub(crate) struct Mail<'m> {
    pub(crate) sender: &'m str,
    /// Empty when unknown.
    pub(crate) client: &'m str,
    pub(crate) said: Said<'m>,
    pub(crate) recipient: &'m str,
    /// Whether it came to us.
    pub(crate) into: bool,
}

impl Mail<'_> {
    /// Emits, with the refusals that the same mail had met before it was let in.
    pub(crate) fn emit(
        &self,
        refusals: &mut Refusals,
        start: Timestamp,
        end: Timestamp,
        attempts: &[Attempt<'_>],
        emit: Emit<'_>,
    ) {
        match refusals.back(self.client, self.sender, self.recipient, start) {
            None => self.say(start, end, attempts, emit),
            Some((refusal, false)) => {
                give_up(&refusal, emit);
                self.say(start, end, attempts, emit);
            }
            Some((refusal, true)) => {
                let all: Vec<Attempt<'_>> =
                    refusal.tries.iter().map(Try::attempt).chain(attempts.iter().copied()).collect();
                self.say(Timestamp(refusal.first()), end, &all, emit);
            }
        }
    }

    fn say(&self, start: Timestamp, end: Timestamp, attempts: &[Attempt<'_>], emit: Emit<'_>) {
        let direction = if self.into { Direction::In } else { Direction::Out };
        let client = (!self.client.is_empty()).then_some(self.client);
        emit(&Delivery {
            sender: self.sender,
            recipient: self.recipient,
            client,
            login: self.said.login,
            helo: self.said.helo,
            direction,
            start,
            end: end.max(start),
            spam: false,
            attempts,
        });
    }
}

/// Emits what was tried for a recipient, as it stands.
pub(crate) fn deliver(refusals: &mut Refusals, queue: &Queue, recipient: &Recipient, emit: Emit<'_>) {
    let (Some(first), Some(last)) = (recipient.tries.first(), recipient.tries.last()) else {
        return;
    };
    if recipient.door == Some(queue::Refusal::ForNow) && !queue.ours {
        let refused = Refused {
            id: "",
            ip: &queue.client,
            authenticated: false,
            said: queue.said(),
            sender: queue.sender.as_deref().unwrap_or(""),
            recipient: &recipient.to,
            reply: &first.reply,
            temporary: true,
            twice: false,
        };
        if let Some(stale) = refusals.wait(&refused, false, Timestamp(first.at)) {
            give_up(&stale, emit);
        }
        return;
    }
    let attempts: Vec<Attempt<'_>> = recipient.tries.iter().map(Try::attempt).collect();
    let into = recipient.into && !(recipient.door.is_some() && queue.ours);
    let mail = Mail {
        sender: queue.sender.as_deref().unwrap_or(""),
        client: &queue.client,
        said: queue.said(),
        recipient: recipient.address(),
        into,
    };
    mail.emit(refusals, Timestamp(first.at), Timestamp(last.at), &attempts, emit);
}

/// Emits a refusal after which nobody came back.
pub(crate) fn give_up(refusal: &Refusal, emit: Emit<'_>) {
    let (Some(first), Some(last)) = (refusal.tries.first(), refusal.tries.last()) else {
        return;
    };
    let attempts: Vec<Attempt<'_>> = refusal.tries.iter().map(Try::attempt).collect();
    let Refusal { client, sender, recipient, login, helo, ours, .. } = refusal;
    let mail = Mail { sender, client, said: Said { login, helo }, recipient, into: !ours };
    mail.say(Timestamp(first.at), Timestamp(last.at), &attempts, emit);
}
