//! Deliveries on their way into the tables. They go there in batches, so that addresses wait for memory together and
//! not one by one: on large tables that wait is most of the work.

use super::{Answer, Contact, ContactKey, Ledger, RefusalKey, Word};
use crate::{
    address::{domain_of, fold},
    bounce::BounceType,
    delivery::{Delivery, Direction, Outcome},
    moment::Timestamp,
    ndr::Verdict,
};

/// Mails that wait at most.
const BATCH: usize = 256;
/// Texts of each: sender, recipient, client, and what it was introduced with.
const TEXTS: usize = 4;

/// Mails not yet in the tables.
#[derive(Debug, Default)]
pub struct Intake {
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    mails: Vec<Mail>,
}

/// What the tables need of a delivery beside its addresses.
#[derive(Debug, Clone, Copy)]
struct Mail {
    start: Timestamp,
    direction: Direction,
    answer: Answer,
    introduced: Option<By>,
    /// The type of a refusal for good of which days are kept.
    refused: Option<BounceType>,
    /// Whether authentication failed, and whether it did not and the mail went through.
    authentication: [bool; 2],
}

/// By what a mail was introduced.
#[derive(Debug, Clone, Copy)]
enum By {
    Login,
    Helo,
}

impl Intake {
    /// Takes in one delivery, at once or with later ones. `verdicts` has one entry an attempt, `None` where it was
    /// accepted.
    pub fn add(&mut self, ledger: &mut Ledger, delivery: &Delivery<'_>, verdicts: &[Option<Verdict>]) {
        let outcome = delivery.outcome();
        let last_refusal = verdicts.iter().rev().flatten().next().map(|v| v.kind);
        ledger.tally(delivery, outcome, verdicts, last_refusal);
        if delivery.direction == Direction::Stopped {
            return;
        }
        let (sender, recipient) = (fold(delivery.sender), fold(delivery.recipient));
        ledger.tally_blocklists(delivery, domain_of(&recipient), verdicts);
        let hard = outcome == Outcome::HardBounced;
        let failed = verdicts.iter().flatten().any(|v| v.kind == BounceType::Authentication);
        let dated = [BounceType::ReceiverDns, BounceType::UserUnknown, BounceType::MailboxFull];
        for text in [&*sender, &*recipient, delivery.client.unwrap_or_default()] {
            self.text.push_str(text);
            self.ends.push(self.text.len());
        }
        let introduced = self.introduction(delivery);
        self.mails.push(Mail {
            start: delivery.start,
            direction: delivery.direction,
            answer: match last_refusal {
                _ if !hard => Answer::Accepted,
                Some(BounceType::UserUnknown) => Answer::Unknown,
                Some(BounceType::ReceiverDns) => Answer::NoDomain,
                _ => Answer::Other,
            },
            introduced,
            refused: last_refusal.filter(|kind| hard && dated.contains(kind)),
            authentication: [failed, !failed && !hard].map(|is| is && delivery.direction == Direction::Out),
        });
        self.ends.push(self.text.len());
        if self.mails.len() >= BATCH {
            self.settle(ledger);
        }
    }

    /// Puts what waits into the tables.
    pub fn settle(&mut self, ledger: &mut Ledger) {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let texts = starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end]);
        let names = ledger.names.intern_all(texts);
        let met: Vec<(ContactKey, Contact)> = names
            .chunks_exact(TEXTS)
            .zip(&self.mails)
            .map(|(names, mail)| {
                let [sender, recipient, client] = [names[0], names[1], names[2]];
                let key = ContactKey { sender, client, recipient, direction: mail.direction };
                (key, Contact::of(mail.start, mail.answer))
            })
            .collect();
        ledger.meet_all(met.iter().copied());
        for (((key, _), names), mail) in met.iter().zip(names.chunks_exact(TEXTS)).zip(&self.mails) {
            let word = Word { name: names[3], mails: 1 };
            match mail.introduced {
                Some(By::Login) => ledger.introduced.login((key.sender, key.client), word),
                Some(By::Helo) => ledger.introduced.helo(key.client, word),
                None => {}
            }
            if let Some(kind) = mail.refused {
                let ContactKey { sender, recipient, direction, .. } = *key;
                let key = RefusalKey { sender, recipient, day: mail.start.day(), kind, direction };
                *ledger.refusals.entry(key).or_default() += 1;
            }
            ledger.tally_authentication(key.sender, mail.start, mail.authentication);
        }
        ledger.make_room();
        self.text.clear();
        self.ends.clear();
        self.mails.clear();
    }

    /// Puts down the account, else the HELO name.
    fn introduction(&mut self, delivery: &Delivery<'_>) -> Option<By> {
        if !delivery.login.is_empty() {
            self.text.push_str(&fold(delivery.login));
            return Some(By::Login);
        }
        let client = delivery.client.filter(|client| !client.is_empty() && delivery.direction == Direction::In)?;
        if delivery.helo.is_empty() {
            return None;
        }
        let helo = fold(delivery.helo);
        // Whoever gives its own address says nothing new.
        let bare = helo.trim_start_matches('[').trim_end_matches(']').trim_start_matches("ipv6:");
        (bare != client).then(|| {
            self.text.push_str(&helo);
            By::Helo
        })
    }
}

impl Ledger {
    /// Takes in one delivery at once. `verdicts` has one entry an attempt, `None` where it was accepted.
    pub fn add(&mut self, delivery: &Delivery<'_>, verdicts: &[Option<Verdict>]) {
        let mut intake = Intake::default();
        intake.add(self, delivery, verdicts);
        intake.settle(self);
    }
}
