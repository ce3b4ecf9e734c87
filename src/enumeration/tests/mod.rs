//! Planted attacks are found with exactly their hits; what only looks like one is left alone.

use super::*;
use crate::{
    bounce::BounceType,
    delivery::{Attempt, Delivery, Direction},
    ndr::{TemplateId, Verdict},
};

mod accounts;
mod innocents;
mod origins;
mod visitors;

/// A log in the making: minutes since its start, and who wrote to whom.
#[derive(Default)]
struct Log {
    ledger: Ledger,
    seed: u64,
}

const DAY: i64 = 1440;
/// Of which a test changes what it is about.
const MAIL: Delivery<'static> = Delivery {
    sender: "",
    recipient: "",
    client: None,
    login: "",
    helo: "",
    direction: Direction::Out,
    start: Timestamp(0),
    end: Timestamp(0),
    spam: false,
    attempts: &[],
};

impl Log {
    fn new(seed: u64) -> Self {
        Log { seed, ..Log::default() }
    }

    /// 0 to 999.
    fn roll(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % 1000
    }

    /// Takes in a mail of that minute, as it is but for its moment and its end.
    fn tell(&mut self, minute: i64, mail: Delivery<'_>, refused: Option<BounceType>) {
        let start = Timestamp(1_650_000_000 + minute * 60);
        let attempts = [Attempt { reply: "", accepted: refused.is_none(), ..Attempt::default() }];
        let verdict = refused.map(|kind| Verdict {
            kind,
            confidence: 1.0,
            code: None,
            enhanced: None,
            template: TemplateId(0),
            blocklist: None,
            auth: None,
        });
        self.ledger.add(&Delivery { start, end: start, attempts: &attempts, ..mail }, &[verdict]);
    }

    fn mail(&mut self, minute: i64, sender: &str, client: Option<&str>, recipient: &str, refused: Option<BounceType>) {
        let direction = if client.is_some() { Direction::In } else { Direction::Out };
        self.tell(minute, Delivery { sender, recipient, client, direction, ..MAIL }, refused);
    }

    fn out(&mut self, minute: i64, from: &str, to: &str, exists: bool) {
        self.mail(minute, from, None, to, (!exists).then_some(BounceType::UserUnknown));
    }

    fn visit(&mut self, minute: i64, client: &str, from: &str, to: &str, exists: bool) {
        self.mail(minute, from, Some(client), to, (!exists).then_some(BounceType::UserUnknown));
    }

    /// Honest visitors from everywhere, each once, to thirty people.
    fn passers_by(&mut self) {
        for n in 0..400 {
            let (client, to) = (format!("10.{}.{}.9", n % 200, n / 2), format!("known{}@us.example", n % 30));
            self.visit(n * 20, &client, &format!("friend{n}@f{n}.example"), &to, true);
        }
    }

    /// Guessers from everywhere, each once.
    fn crowd(&mut self, guess: impl Fn(i64) -> (String, bool)) {
        for n in 0..120 {
            let (to, exists) = guess(n);
            let client = format!("100.{n}.{}.8", n * 2);
            self.visit(3000 + n, &client, &format!("a{n}@r{n}.example"), &to, exists);
        }
    }

    /// Honest people: each writes to a dozen correspondents, one in fifty wrong.
    fn everyday(&mut self) {
        for sender in 0..60 {
            for n in 0..40 {
                let to = format!("friend{}.{sender}@{}.example", n % 12, ["corp", "mill", "shop"][n as usize % 3]);
                let wrong = self.roll() < 20;
                let to = if wrong { format!("x{to}") } else { to };
                self.out(n * 700 + sender, &format!("user{sender}@us.example"), &to, !wrong);
            }
        }
    }
}

/// One campaign that involves `origin`, with exactly these hits and so many guesses.
fn found(log: &Log, origin: &str, hits: &[&str], guesses: u64) -> Campaign {
    let campaigns = find(&log.ledger, &Test::default());
    let mine: Vec<&Campaign> =
        campaigns.iter().filter(|c| c.senders.iter().chain(&c.ips).any(|o| o == origin)).collect();
    assert_eq!(mine.len(), 1, "{origin}: {campaigns:#?}");
    assert_eq!(mine[0].confirmed, hits, "{origin}");
    assert_eq!(mine[0].guesses, guesses, "{origin}");
    assert_eq!(campaigns.len(), 1, "{campaigns:#?}");
    mine[0].clone()
}

fn silent(log: &Log) {
    let campaigns = find(&log.ledger, &Test::default());
    assert!(campaigns.is_empty(), "{campaigns:#?}");
}
