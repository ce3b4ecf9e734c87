//! How senders and visitors introduced themselves: who logged in to send as whom, and what a visitor called itself.
//!
//! One word each, so that nobody fills the memory with invented ones: of two that differ none is left ([`Name::NONE`]),
//! which is also how two ledgers join, in any order. Nothing is kept of those whose contacts are gone.

use hashbrown::{HashMap, HashSet};

use super::{Ledger, Name, Names};

/// What was said of whom.
#[derive(Debug, Clone, Default)]
pub struct Introduced {
    /// The account, by envelope sender and client.
    pub logins: HashMap<(Name, Name), Word>,
    /// The HELO name, by client that came from outside.
    pub helos: HashMap<Name, Word>,
}

/// A word said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// [`Name::NONE`] where it was different at different times.
    pub name: Name,
    /// In how many mails.
    pub mails: u64,
}

impl Introduced {
    /// Takes in who logged in.
    pub fn login(&mut self, who: (Name, Name), login: Word) {
        self.logins.entry(who).and_modify(|known| known.absorb(login)).or_insert(login);
    }

    /// Takes in what a client called itself.
    pub fn helo(&mut self, client: Name, helo: Word) {
        self.helos.entry(client).and_modify(|known| known.absorb(helo)).or_insert(helo);
    }

    /// Another's, whose names have other numbers here.
    pub(super) fn absorb(&mut self, other: &Self, rename: impl Fn(Name) -> Name) {
        for ((sender, client), login) in &other.logins {
            self.login((rename(*sender), rename(*client)), Word { name: rename(login.name), ..*login });
        }
        for (client, helo) in &other.helos {
            self.helo(rename(*client), Word { name: rename(helo.name), ..*helo });
        }
    }
}

impl Word {
    fn absorb(&mut self, other: Word) {
        if self.name != other.name {
            self.name = Name::NONE;
        }
        self.mails += other.mails;
    }
}

impl Ledger {
    /// The account that hands in this sender's mail through this client, if it is one.
    pub fn login(&self, sender: Name, client: Name) -> Option<Name> {
        self.introduced.logins.get(&(sender, client)).map(|login| login.name).filter(|name| *name != Name::NONE)
    }

    /// What a visitor always called itself.
    pub fn helo(&self, client: Name) -> Option<Name> {
        self.introduced.helos.get(&client).map(|helo| helo.name).filter(|name| *name != Name::NONE)
    }

    /// What is left of it where only these contacts are.
    pub(super) fn introduced_of(
        &self,
        whole: &HashSet<(Name, Name)>,
        names: &mut Names,
        rename: &mut dyn FnMut(Name, &mut Names) -> Name,
    ) -> Introduced {
        let mut kept = Introduced::default();
        let clients: HashSet<Name> = whole.iter().map(|(_, client)| *client).collect();
        for ((sender, client), login) in self.introduced.logins.iter().filter(|(who, _)| whole.contains(*who)) {
            let who = (rename(*sender, names), rename(*client, names));
            kept.login(who, Word { name: rename(login.name, names), ..*login });
        }
        for (client, helo) in self.introduced.helos.iter().filter(|(client, _)| clients.contains(*client)) {
            let client = rename(*client, names);
            kept.helo(client, Word { name: rename(helo.name, names), ..*helo });
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::{Attempt, Delivery, Direction},
        merge::Merge,
        moment::Timestamp,
    };

    fn mail(ledger: &mut Ledger, sender: &str, client: &str, login: &str, helo: &str) {
        let attempts = [Attempt { accepted: true, ..Attempt::default() }];
        let direction = if login.is_empty() { Direction::In } else { Direction::Out };
        let (start, end, client) = (Timestamp(0), Timestamp(0), Some(client));
        let mail = Delivery {
            sender,
            recipient: "r@x.example",
            client,
            login,
            helo,
            direction,
            start,
            end,
            spam: false,
            attempts: &attempts,
        };
        ledger.add(&mail, &[None]);
    }

    fn told(ledger: &Ledger) -> Vec<[String; 3]> {
        let text = |n: Name| ledger.names.text(n).to_owned();
        let introduced = &ledger.introduced;
        let logins =
            introduced.logins.iter().map(|((s, c), l)| [text(*s), text(*c), format!("{} {}", text(l.name), l.mails)]);
        let helos =
            introduced.helos.iter().map(|(c, h)| [String::new(), text(*c), format!("{} {}", text(h.name), h.mails)]);
        let mut all: Vec<_> = logins.chain(helos).collect();
        all.sort();
        all
    }

    #[test]
    fn one_word_each_in_whatever_order_it_was_said() {
        let said = [
            ("a@us.example", "192.0.2.1", "Tom", ""),
            ("a@us.example", "192.0.2.2", "tom", ""),
            ("b@us.example", "192.0.2.1", "tom", ""),
            ("b@us.example", "192.0.2.1", "eve", ""),
            ("x@y.example", "192.0.2.9", "", "Mail.Y.example"),
            ("z@y.example", "192.0.2.9", "", "mail.y.example"),
            ("z@y.example", "192.0.2.8", "", "one"),
            ("z@y.example", "192.0.2.8", "", "two"),
            ("z@y.example", "192.0.2.8", "", "one"),
            ("z@y.example", "192.0.2.7", "", "[192.0.2.7]"),
        ];
        let read = |order: &[usize]| {
            let mut ledger = Ledger::default();
            order.iter().map(|n| said[*n]).for_each(|(s, c, l, h)| mail(&mut ledger, s, c, l, h));
            ledger
        };
        let all = told(&read(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let expected = [
            ["", "192.0.2.8", " 3"],
            ["", "192.0.2.9", "mail.y.example 2"],
            ["a@us.example", "192.0.2.1", "tom 1"],
            ["a@us.example", "192.0.2.2", "tom 1"],
            ["b@us.example", "192.0.2.1", " 2"],
        ];
        assert_eq!(all, expected.map(|line| line.map(str::to_owned)));
        assert_eq!(told(&read(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0])), all);
        for cut in 0..10 {
            let (mut one, other) = (read(&(cut..10).collect::<Vec<_>>()), read(&(0..cut).collect::<Vec<_>>()));
            one.merge(other);
            assert_eq!(told(&one), all, "cut at {cut}");
        }
    }

    #[test]
    fn strangers_cannot_fill_it() {
        let mut ledger = Ledger::bounded(1_000);
        for n in 0..5_000_u32 {
            let ip = std::net::Ipv4Addr::from(n.wrapping_mul(0x9e37_79b1)).to_string();
            mail(&mut ledger, &format!("s{n}@d{n}.example"), &ip, "", &format!("helo{n}"));
        }
        assert!(ledger.introduced.helos.len() <= 1_100, "{}", ledger.introduced.helos.len());
        assert!(ledger.names.iter().count() <= 5_000, "{}", ledger.names.iter().count());
    }
}
