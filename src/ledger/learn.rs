//! The tables' sums, and one ledger into another.

use super::{Answer, BlockTally, Contact, ContactKey, Domain, Ledger, Name, RefusalKey};
use crate::{
    bounce::BounceType,
    delivery::{Delivery, Direction, Outcome},
    merge::Merge,
    moment::{Timestamp, Window},
    ndr::Verdict,
};

impl Ledger {
    /// Counts one reply by its masked form; `masked` gives that form's text and is asked once a form.
    pub fn add_template(&mut self, verdict: &Verdict, raw: &str, at: Timestamp, masked: impl FnOnce() -> Box<str>) {
        self.templates.add(verdict.template, verdict.kind, raw, at, masked);
    }

    /// Counts its day, and stretches the window.
    pub(super) fn tally(
        &mut self,
        delivery: &Delivery<'_>,
        outcome: Outcome,
        verdicts: &[Option<Verdict>],
        last: Option<BounceType>,
    ) {
        self.window.merge(Window::between(delivery.start, delivery.end.max(delivery.start)));
        let day = self.days.entry(delivery.start.day()).or_default();
        day.degrees[outcome as usize] += 1;
        for verdict in verdicts.iter().flatten() {
            day.types[verdict.kind as usize - 1][0] += 1;
        }
        if let (Some(kind), Outcome::SoftBounced | Outcome::HardBounced) = (last, outcome) {
            day.types[kind as usize - 1][outcome as usize] += 1;
        }
    }

    /// Counts whose lists our servers are on.
    pub(super) fn tally_blocklists(&mut self, delivery: &Delivery<'_>, receiver: &str, verdicts: &[Option<Verdict>]) {
        // At our own door it is a visitor that is listed, not one of our servers.
        if delivery.direction == Direction::In {
            return;
        }
        let mut named: Vec<&str> = Vec::new();
        for (verdict, attempt) in verdicts.iter().zip(delivery.attempts) {
            let Some(verdict) = verdict.as_ref().filter(|v| v.kind == BounceType::Blocklisted) else { continue };
            let list = verdict.blocklist.as_deref().unwrap_or("unnamed");
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

    /// Counts a mail that failed authentication, or passed; most do neither.
    pub(super) fn tally_authentication(&mut self, sender: Name, start: Timestamp, [failed, passed]: [bool; 2]) {
        let sender = self.names.domain(sender);
        if sender == Domain(0) || !failed && !passed {
            return;
        }
        let domain = self.names.domain_text(sender);
        if failed {
            let tally = self.authentication.entry(domain.to_owned()).or_default();
            tally.failures += 1;
            tally.failed.extend(start);
            return;
        }
        let day = start.day();
        if self.passed.len() <= sender.0 as usize {
            self.passed.resize(self.names.domains(), None);
        }
        // Most of a day's mails tell nothing new of their sender's domain.
        if self.passed[sender.0 as usize].replace(day) != Some(day) {
            self.sender_passes.entry(domain.to_owned()).or_default().insert(day);
        }
    }
}

impl Contact {
    /// One mail's.
    pub(super) fn of(start: Timestamp, answer: Answer) -> Self {
        let counts =
            [Answer::Accepted, Answer::Unknown, Answer::NoDomain, Answer::Other].map(|a| u64::from(a == answer));
        let [accepted, unknown, no_domain, other] = counts;
        let accepted_span = if answer == Answer::Accepted { Window::at(start) } else { Window::default() };
        Contact { first: start, last: start, first_answer: answer, accepted_span, accepted, unknown, no_domain, other }
    }
}

impl Ledger {
    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
            && self.days.is_empty()
            && self.window.bounds().is_none()
            && self.templates.is_empty()
            && self.countries.is_empty()
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
        let rename = |name: Name| renamed[name.0 as usize];
        for (day, tally) in &other.days {
            self.days.entry(*day).or_default().merge(*tally);
        }
        self.meet_all(other.contacts.iter().map(|(key, contact)| {
            let (sender, client, recipient) = (rename(key.sender), rename(key.client), rename(key.recipient));
            (ContactKey { sender, client, recipient, ..key }, contact)
        }));
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
