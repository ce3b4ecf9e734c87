//! Accounts and HELO names: origins of their own, and what joins others; unless half the world shares them.

use super::*;

impl Log {
    /// Handed in with an account.
    fn submit(&mut self, minute: i64, login: &str, from: (&str, &str), to: &str, exists: bool) {
        let (sender, client) = (from.0, Some(from.1));
        let refused = (!exists).then_some(BounceType::UserUnknown);
        self.tell(minute, Delivery { sender, client, login, recipient: to, ..MAIL }, refused);
    }

    /// Brought by somebody who calls himself so.
    fn call(&mut self, minute: i64, helo: &str, from: (&str, &str), to: &str, exists: bool) {
        let (sender, client, direction) = (from.0, Some(from.1), Direction::In);
        let refused = (!exists).then_some(BounceType::UserUnknown);
        self.tell(minute, Delivery { sender, client, helo, direction, recipient: to, ..MAIL }, refused);
    }

    /// Forty bots that guess three addresses each, too few for each of them and too many for a crowd.
    fn bots(&mut self, helo: impl Fn(i64) -> String) {
        for n in 0..120 {
            let (sender, client) = (format!("b{}@r{}.example", n % 40, n % 40), format!("100.{}.7.8", n % 40));
            self.call(3000 + n, &helo(n % 40), (&sender, &client), &format!("h{n}e@us.example"), n == 60);
        }
    }
}

#[test]
fn an_account_that_writes_as_many_is_one_origin() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..40 {
        log.submit(n * 60, "tom", ("tom@us.example", "192.0.2.1"), &format!("mate{}@corp.example", n % 9), true);
    }
    // Stolen: a new sender and another of the thief's machines for each guess, five targets.
    for n in 0..60 {
        let (sender, client) = (format!("x{n}@us.example"), format!("100.{n}.7.8"));
        let to = format!("g{n}u@victim{}.example", n / 12);
        log.submit(9000 + n, "tom", (&sender, &client), &to, n == 30);
    }
    let campaign = found(&log, "x7@us.example", &["g30u@victim2.example"], 60);
    assert_eq!((campaign.senders.len(), campaign.logins), (60, vec!["tom".to_owned()]));
    assert_eq!(campaign.target_domains.len(), 5);
    let why = campaign.why.join("; ");
    assert!(why.contains("one account sent it all") && why.contains("sent with the account tom"), "{why}");
    // Its owner's own mail is no part of it.
    assert!(!campaign.senders.contains(&"tom@us.example".to_owned()));
}

#[test]
fn senders_of_one_account_are_one_campaign_whatever_they_aim_at() {
    let read = |login: &dyn Fn(usize) -> String| {
        let mut log = Log::new(1);
        log.everyday();
        for (s, sender) in ["a@us.example", "b@us.example", "c@us.example"].into_iter().enumerate() {
            for n in 0..30 {
                let to = format!("q{n}{}x@victim{s}.example", s * 7);
                log.submit(9000 + n, &login(s), (sender, "192.0.2.1"), &to, false);
            }
        }
        log
    };
    let campaign = found(&read(&|_| "eve".to_owned()), "b@us.example", &[], 90);
    let why = campaign.why.join("; ");
    assert!(why.contains("share the account eve, "), "{why}");
    let apart = find(&read(&|s| format!("eve{s}")).ledger, &Test::default());
    assert_eq!(apart.len(), 3, "{apart:#?}");
    assert_eq!(apart.iter().flat_map(|c| &c.logins).count(), 3);
}

#[test]
fn what_an_account_hands_in_for_everybody_joins_nobody() {
    let mut log = Log::new(1);
    for n in 0..2_000 {
        let (sender, exists) = (format!("user{}@us.example", n % 200), log.roll() >= 20);
        log.submit(n * 7, "webmail", (&sender, "192.0.2.1"), &format!("mate{n}@corp{}.example", n % 40), exists);
    }
    for (s, sender) in ["a@us.example", "b@us.example"].into_iter().enumerate() {
        for n in 0..30 {
            let to = format!("q{n}{}x@victim{s}.example", s * 7);
            log.submit(9000 + n, "webmail", (sender, "192.0.2.1"), &to, false);
        }
    }
    let campaigns = find(&log.ledger, &Test::default());
    let senders: Vec<&[String]> = campaigns.iter().map(|c| &*c.senders).collect();
    assert!(matches!(senders[..], [[_], [_]]), "{campaigns:#?}");
}

#[test]
fn bots_that_call_themselves_the_same_are_one_campaign() {
    let mut log = Log::new(1);
    log.passers_by();
    log.bots(|_| "ylmf-pc".to_owned());
    let campaign = found(&log, "100.5.7.8", &["h60e@us.example"], 120);
    assert_eq!((campaign.ips.len(), campaign.helos), (40, vec!["ylmf-pc".to_owned()]));
    let why = campaign.why.join("; ");
    assert!(why.contains("call themselves the same") && why.contains("the HELO name ylmf-pc"), "{why}");
    // Each under a name of its own, they share nothing but their target.
    let mut log = Log::new(1);
    log.passers_by();
    log.bots(|n| format!("pc{n}"));
    let campaign = found(&log, "100.5.7.8", &["h60e@us.example"], 120);
    assert!(campaign.helos.len() == 40 && !campaign.why.join("; ").contains("call themselves"), "{campaign:#?}");
}

#[test]
fn a_name_that_honest_visitors_use_too_makes_nobody_a_guesser() {
    let mut log = Log::new(1);
    // Servers set up in haste, each with its own people; one address in eight is mistyped.
    for n in 0..800 {
        let (sender, client) = (format!("w{n}@firm{}.example", n % 60), format!("100.{}.1.1", n % 60));
        let to = if n % 8 == 0 { format!("knwn{n}@us.example") } else { format!("known{}@us.example", n % 90) };
        log.call(n * 9, "localhost.localdomain", (&sender, &client), &to, n % 8 > 0);
    }
    silent(&log);
}

#[test]
fn a_shared_name_joins_what_different_clients_bring() {
    let read = |helo: &dyn Fn(i64) -> String, honest: i64| {
        let mut log = Log::new(1);
        log.passers_by();
        for n in 0..honest {
            let (sender, client) = (format!("h{n}@h{n}.example"), format!("198.18.{n}.1"));
            log.call(n * 20, &helo(0), (&sender, &client), &format!("known{}@us.example", n % 30), true);
        }
        // Two machines with lists that share nothing.
        for n in 0..40 {
            for (s, client) in ["203.0.113.9", "198.51.100.9"].into_iter().enumerate() {
                let (sender, to) = (format!("s{s}@r{s}.example"), format!("{}{n}v@us.example", ["k", "zz"][s]));
                log.call(3000 + n, &helo(s as i64), (&sender, client), &to, false);
            }
        }
        find(&log.ledger, &Test::default()).len()
    };
    assert_eq!(read(&|_| "ylmf-pc".to_owned(), 0), 1);
    assert_eq!(read(&|s| format!("pc{s}"), 0), 2);
    assert_eq!(read(&|_| "localhost".to_owned(), 30), 2);
}
