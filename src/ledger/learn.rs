//! One delivery into the tables.

use super::{Answer, BlockTally, Contact, ContactKey, Domain, Ledger, RefusalKey};
use crate::{
    address::fold,
    bounce::BounceType,
    delivery::{Delivery, Direction, Outcome},
    merge::Merge,
    moment::Window,
    ndr::Verdict,
};

impl Ledger {
    /// Takes in one delivery. `verdicts` has one entry an attempt, `None` where it was accepted.
    pub fn add(&mut self, delivery: &Delivery<'_>, verdicts: &[Option<Verdict>]) {
        let outcome = delivery.outcome();
        let last_refusal = verdicts.iter().rev().flatten().next().map(|v| v.kind);

        self.window.merge(Window::between(delivery.start, delivery.end.max(delivery.start)));
        self.tally_day(delivery, outcome, verdicts, last_refusal);
        if delivery.direction == Direction::Stopped {
            return;
        }
        let sender = self.names.intern(&fold(delivery.sender));
        let recipient = self.names.intern(&fold(delivery.recipient));
        let client = self.names.intern(delivery.client.unwrap_or_default());
        self.tally_blocklists(delivery, self.names.domain(recipient), verdicts);
        self.tally_authentication(delivery, self.names.domain(sender), outcome, verdicts);
        let answer = match (outcome, last_refusal) {
            (Outcome::NonBounced | Outcome::SoftBounced, _) => Answer::Accepted,
            (_, Some(BounceType::UserUnknown)) => Answer::Unknown,
            (_, Some(BounceType::ReceiverDns)) => Answer::NoDomain,
            _ => Answer::Other,
        };
        let key = ContactKey { sender, client, recipient, direction: delivery.direction };
        let contact = Contact::new(delivery, answer);
        self.meet(key, contact);
        self.introduce(&key, delivery);
        if let (
            Outcome::HardBounced,
            Some(kind @ (BounceType::ReceiverDns | BounceType::UserUnknown | BounceType::MailboxFull)),
        ) = (outcome, last_refusal)
        {
            let key = RefusalKey { sender, recipient, day: delivery.start.day(), kind, direction: delivery.direction };
            *self.refusals.entry(key).or_default() += 1;
        }
        self.make_room();
    }

    /// Counts one reply by its masked form; `masked` gives that form's text and is asked once a form.
    pub fn add_template(
        &mut self,
        verdict: &Verdict,
        raw: &str,
        at: crate::moment::Timestamp,
        masked: impl FnOnce() -> Box<str>,
    ) {
        self.templates.add(verdict.template, verdict.kind, raw, at, masked);
    }

    fn tally_day(
        &mut self,
        delivery: &Delivery<'_>,
        outcome: Outcome,
        verdicts: &[Option<Verdict>],
        last: Option<BounceType>,
    ) {
        let day = self.days.entry(delivery.start.day()).or_default();
        day.degrees[outcome as usize] += 1;
        for verdict in verdicts.iter().flatten() {
            day.types[verdict.kind as usize - 1][0] += 1;
        }
        if let (Some(kind), Outcome::SoftBounced | Outcome::HardBounced) = (last, outcome) {
            day.types[kind as usize - 1][outcome as usize] += 1;
        }
    }

    fn tally_blocklists(&mut self, delivery: &Delivery<'_>, receiver: Domain, verdicts: &[Option<Verdict>]) {
        // At our own door it is a visitor that is listed, not one of our servers.
        if delivery.direction == Direction::In {
            return;
        }
        let mut named: Vec<&str> = Vec::new();
        for (verdict, attempt) in verdicts.iter().zip(delivery.attempts) {
            let Some(verdict) = verdict.as_ref().filter(|v| v.kind == BounceType::Blocklisted) else { continue };
            let list = verdict.blocklist.as_deref().unwrap_or("unnamed");
            let receiver = self.names.domain_text(receiver);
            let tally = self.blocklists.entry((list.to_owned(), delivery.start.day())).or_default();
            tally.attempts += 1;
            if !named.contains(&list) {
                named.push(list);
                tally.emails += 1;
                if !tally.receiver_domains.contains(receiver) {
                    tally.receiver_domains.insert(receiver.to_owned());
                }
            }
            if !attempt.from_ip.is_empty() && !tally.blocked_ips.contains(attempt.from_ip) {
                tally.blocked_ips.insert(attempt.from_ip.to_owned());
            }
        }
    }

    fn tally_authentication(
        &mut self,
        delivery: &Delivery<'_>,
        sender: Domain,
        outcome: Outcome,
        verdicts: &[Option<Verdict>],
    ) {
        let domain = self.names.domain_text(sender);
        if domain.is_empty() || delivery.direction == Direction::In {
            return;
        }
        let failed = verdicts.iter().flatten().any(|v| v.kind == BounceType::Authentication);
        if failed {
            let tally = self.authentication.entry(domain.to_owned()).or_default();
            tally.failures += 1;
            tally.failed.extend(delivery.start);
        }
        if outcome != Outcome::HardBounced && !failed {
            let day = delivery.start.day();
            if self.passed.len() <= sender.0 as usize {
                self.passed.resize(self.names.domains(), None);
            }
            // Most of a day's mails tell nothing new of their sender's domain.
            if self.passed[sender.0 as usize].replace(day) != Some(day) {
                self.sender_passes.entry(domain.to_owned()).or_default().insert(day);
            }
        }
    }
}

impl Contact {
    fn new(delivery: &Delivery<'_>, answer: Answer) -> Self {
        let mut contact = Contact {
            first: delivery.start,
            last: delivery.start,
            first_answer: answer,
            accepted_span: Window::default(),
            accepted: 0,
            unknown: 0,
            no_domain: 0,
            other: 0,
        };
        match answer {
            Answer::Accepted => {
                contact.accepted = 1;
                contact.accepted_span = Window::at(delivery.start);
            }
            Answer::Unknown => contact.unknown = 1,
            Answer::NoDomain => contact.no_domain = 1,
            Answer::Other => contact.other = 1,
        }
        contact
    }

    /// Takes in another stretch of the same acquaintance; ties of the first moment go to the better answer.
    pub fn absorb(&mut self, other: Contact) {
        (self.first, self.first_answer) = (self.first, self.first_answer).min((other.first, other.first_answer));
        self.last = self.last.max(other.last);
        self.accepted_span.merge(other.accepted_span);
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.no_domain += other.no_domain;
        self.other += other.other;
    }
}

impl Ledger {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.days.is_empty() && self.window.bounds().is_none()
    }

    /// When its contacts' mails were sent.
    pub fn span(&self) -> Window {
        let mut span = Window::default();
        self.contacts.values().for_each(|contact| span.merge(Window::between(contact.first, contact.last)));
        span
    }

    /// Takes in another one, which stays as it is.
    pub fn absorb(&mut self, other: &Ledger) {
        if other.is_empty() {
            return;
        }
        let renamed = self.names.absorb(&other.names);
        let rename = |name: super::Name| renamed[name.0 as usize];
        for (day, tally) in &other.days {
            self.days.entry(*day).or_default().merge(*tally);
        }
        for (key, contact) in &other.contacts {
            let key = ContactKey {
                sender: rename(key.sender),
                client: rename(key.client),
                recipient: rename(key.recipient),
                ..*key
            };
            self.meet(key, *contact);
        }
        for (key, count) in &other.refusals {
            let key = RefusalKey { sender: rename(key.sender), recipient: rename(key.recipient), ..*key };
            *self.refusals.entry(key).or_default() += count;
        }
        self.introduced.absorb(&other.introduced, rename);
        self.templates.merge(other.templates.clone());
        for (key, tally) in &other.blocklists {
            self.blocklists.entry(key.clone()).or_default().merge(tally.clone());
        }
        for (domain, tally) in &other.authentication {
            let known = self.authentication.entry(domain.clone()).or_default();
            known.failures += tally.failures;
            known.failed.merge(tally.failed);
        }
        for (domain, days) in &other.sender_passes {
            self.sender_passes.entry(domain.clone()).or_default().extend(days);
        }
        for (key, tally) in &other.countries {
            self.countries.entry(*key).or_default().merge(*tally);
        }
        self.window.merge(other.window);
        self.strangers.let_go += other.strangers.let_go;
        self.strangers.crowd.join(&other.strangers.crowd);
        self.make_room();
    }
}

impl Merge for Ledger {
    fn merge(&mut self, other: Self) {
        if self.is_empty() {
            let most = self.strangers.most;
            *self = other;
            self.strangers.most = most;
            self.make_room();
        } else {
            self.absorb(&other);
        }
    }
}

impl Merge for super::DayTally {
    fn merge(&mut self, other: Self) {
        for (mine, its) in self.degrees.iter_mut().zip(other.degrees) {
            *mine += its;
        }
        for (mine, its) in self.types.iter_mut().flatten().zip(other.types.into_iter().flatten()) {
            *mine += its;
        }
    }
}

impl Merge for BlockTally {
    fn merge(&mut self, mut other: Self) {
        self.attempts += other.attempts;
        self.emails += other.emails;
        self.blocked_ips.append(&mut other.blocked_ips);
        self.receiver_domains.append(&mut other.receiver_domains);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::Attempt,
        moment::Timestamp,
        ndr::{TemplateId, Verdict},
    };

    #[test]
    fn a_listed_visitor_is_none_of_our_servers_and_stopped_mail_teaches_nothing() {
        let verdict = Verdict {
            kind: BounceType::Blocklisted,
            confidence: 1.0,
            code: None,
            enhanced: None,
            template: TemplateId(0),
            blocklist: Some("spamhaus".into()),
            auth: None,
        };
        for (direction, lists) in [(Direction::In, 0), (Direction::Out, 1), (Direction::Stopped, 0)] {
            let (attempts, at) = ([Attempt::replied("192.0.2.1", "", "554 listed")], Timestamp(0));
            let (sender, recipient) = ("a@x.example", "b@y.example");
            let mail = Delivery {
                sender,
                recipient,
                client: None,
                login: "",
                helo: "",
                direction,
                start: at,
                end: at,
                spam: false,
                attempts: &attempts,
            };
            let mut ledger = Ledger::default();
            ledger.add(&mail, &[Some(verdict.clone())]);
            assert_eq!(ledger.blocklists.len(), lists, "{direction:?}");
            assert_eq!(ledger.contacts.is_empty(), direction == Direction::Stopped, "{direction:?}");
            assert_eq!(ledger.days.len(), 1, "{direction:?}");
        }
    }
}
