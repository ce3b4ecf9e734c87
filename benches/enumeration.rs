//! First contacts searched for guessing, a second of processor time, beside what operators have today in the same run:
//! a counter of unknown users for each address.
//!
//! `cargo bench --bench enumeration [CONTACTS]`; the best of some rounds, and the ratio.
#![allow(clippy::print_stdout, reason = "a benchmark prints its numbers")]

mod rounds;

use std::{collections::HashMap, error::Error, time::Duration};

use bouncewatch::{
    bounce::BounceType,
    delivery::{Attempt, Delivery, Direction},
    enumeration::{self, Test},
    ledger::{Ledger, Name},
    moment::Timestamp,
    ndr::{TemplateId, Verdict},
};
use rounds::best;

/// Countings timed together: one is shorter than the clock's tick.
const OFTEN: u32 = 50;
/// Unknown users from which the counter takes an address for a guesser's.
const MANY: u32 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let most = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    println!("{:>10} {:>10} {:>12} {:>12} {:>8}", "contacts", "campaigns", "contacts/s", "counter/s", "ratio");
    for contacts in [most / 10, most] {
        let ledger = ledger(contacts);
        let (counter, _) = best(|| Ok((0..OFTEN).map(|_| counted(&ledger) as u64).sum()))?;
        let (search, campaigns) = best(|| Ok(enumeration::find(&ledger, &Test::default()).len() as u64))?;
        let rate = |time: Duration| ledger.contacts.len() as f64 / time.as_secs_f64();
        println!(
            "{:>10} {campaigns:>10} {:>12.0} {:>12.0} {:>8.4}",
            ledger.contacts.len(),
            rate(search),
            rate(counter / OFTEN),
            rate(search) / rate(counter / OFTEN)
        );
    }
    Ok(())
}

/// Mail out and in, three of a hundred to people who left; one sender and one visitor in a thousand guess.
fn ledger(contacts: u64) -> Ledger {
    let mut ledger = Ledger::bounded(usize::MAX);
    for n in 0..contacts {
        let dice = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let (who, guesser) = (dice % (contacts / 40 + 1), n % 20 == 0);
        let out = n % 2 == 0;
        let (sender, client) = match (out, guesser) {
            (true, true) => (format!("eve{}@us.example", n % 5), "10.9.9.9".to_owned()),
            (true, false) => (format!("user{who}@us.example"), format!("10.1.{}.{}", who / 250 % 250, who % 250)),
            (false, _) => (
                format!("p{who}@firm{}.example", who % 997),
                format!("100.{}.{}.{}", who % 90, who / 90 % 250, who % 7),
            ),
        };
        let unknown = guesser && out || dice % 100 < 3;
        let domain = match (out, guesser) {
            (true, true) => "victim.example".to_owned(),
            (true, false) => format!("firm{}.example", dice % 997),
            (false, _) => "us.example".to_owned(),
        };
        let recipient = format!("{}{}@{domain}", if unknown { "x" } else { "k" }, dice % (contacts / 3 + 1));
        add(&mut ledger, &sender, &client, &recipient, out, unknown, n);
    }
    ledger
}

fn add(ledger: &mut Ledger, sender: &str, client: &str, recipient: &str, out: bool, unknown: bool, n: u64) {
    let start = Timestamp(1_650_000_000 + i64::try_from(n).unwrap_or(0));
    let attempts = [Attempt { accepted: !unknown, ..Attempt::default() }];
    let mail = Delivery {
        sender,
        recipient,
        client: Some(client),
        login: "",
        helo: "",
        direction: if out { Direction::Out } else { Direction::In },
        start,
        end: start,
        spam: false,
        attempts: &attempts,
    };
    let verdict = unknown.then_some(Verdict {
        kind: BounceType::UserUnknown,
        confidence: 1.0,
        code: None,
        enhanced: None,
        template: TemplateId(0),
        blocklist: None,
        auth: None,
    });
    ledger.add(&mail, &[verdict]);
}

/// Addresses with many unknown users.
fn counted(ledger: &Ledger) -> usize {
    let mut counts: HashMap<Name, u32> = HashMap::new();
    for (key, _) in ledger.contacts.iter().filter(|(_, contact)| contact.unknown > 0) {
        *counts.entry(key.client).or_default() += 1;
    }
    counts.values().filter(|n| **n >= MANY).count()
}
