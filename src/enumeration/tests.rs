//! Planted attacks are found with exactly their hits; what only looks like one is left alone.

use super::*;
use crate::{
    bounce::BounceType,
    delivery::{Attempt, Delivery, Direction},
    ndr::{TemplateId, Verdict},
};

/// A log in the making: minutes since its start, and who wrote to whom.
#[derive(Default)]
struct Log {
    ledger: Ledger,
    seed: u64,
}

const DAY: i64 = 1440;

impl Log {
    fn new(seed: u64) -> Self {
        Log { seed, ..Log::default() }
    }

    /// 0 to 999.
    fn roll(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % 1000
    }

    fn mail(&mut self, minute: i64, from: &str, client: Option<&str>, to: &str, refused: Option<BounceType>) {
        let start = Timestamp(1_650_000_000 + minute * 60);
        let attempts = [Attempt { reply: "", accepted: refused.is_none(), ..Attempt::default() }];
        let direction = if client.is_some() { Direction::In } else { Direction::Out };
        let delivery = Delivery {
            sender: from,
            recipient: to,
            client,
            login: "",
            helo: "",
            direction,
            start,
            end: start,
            spam: false,
            attempts: &attempts,
        };
        let verdict = refused.map(|kind| Verdict {
            kind,
            confidence: 1.0,
            code: None,
            enhanced: None,
            template: TemplateId(0),
            blocklist: None,
            auth: None,
        });
        self.ledger.add(&delivery, &[verdict]);
    }

    fn out(&mut self, minute: i64, from: &str, to: &str, exists: bool) {
        self.mail(minute, from, None, to, (!exists).then_some(BounceType::UserUnknown));
    }

    fn visit(&mut self, minute: i64, client: &str, from: &str, to: &str, exists: bool) {
        self.mail(minute, from, Some(client), to, (!exists).then_some(BounceType::UserUnknown));
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

#[test]
fn one_sender_guesses_for_a_day() {
    for seed in 0..5 {
        let mut log = Log::new(seed);
        log.everyday();
        for n in 0..400 {
            log.out(
                20_000 + n,
                "eve@us.example",
                &format!("name{:03}q{n}@victim.example", log.seed % 977),
                n % 110 == 50,
            );
        }
        let hits: Vec<String> = find(&log.ledger, &Test::default())[0].confirmed.clone();
        assert_eq!(hits.len(), 4);
        let campaign = found(&log, "eve@us.example", &hits.iter().map(String::as_str).collect::<Vec<_>>(), 400);
        assert_eq!(campaign.target_domains, ["victim.example"]);
        assert!(campaign.confidence > 0.99 && (campaign.success_rate - 0.01).abs() < 1e-9, "{campaign:#?}");
    }
}

#[test]
fn ten_a_day_for_months() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..600 {
        log.out(n * DAY / 10, "slow@us.example", &format!("w{n}o@victim.example"), n == 300);
    }
    found(&log, "slow@us.example", &["w300o@victim.example"], 600);
}

#[test]
fn colluding_senders_are_one_campaign() {
    let mut log = Log::new(1);
    log.everyday();
    for (s, sender) in ["a@us.example", "b@us.example", "c@us.example"].into_iter().enumerate() {
        for n in 0..60 {
            let word = (n + s * 30) % 120;
            log.out(9000 + n as i64, sender, &format!("k{word}t@victim.example"), word == 77);
        }
    }
    let campaign = found(&log, "b@us.example", &["k77t@victim.example"], 120);
    assert_eq!(campaign.senders.len(), 3);
}

#[test]
fn spellings_of_one_name_are_enough() {
    let mut log = Log::new(1);
    log.everyday();
    for (n, local) in "to_p to.p p_to p.to pto p-to to-p t.p toP2 tom.p p.tom".split(' ').enumerate() {
        log.out(5000 + n as i64 * 30, "mallory@us.example", &format!("{local}@bank.example"), local == "tom.p");
    }
    let campaign = found(&log, "mallory@us.example", &["tom.p@bank.example"], 11);
    assert_eq!(campaign.pattern, Pattern::NameVariants);
}

#[test]
fn correspondents_hide_nobody_and_are_no_hits() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..12 {
        log.out(n, "mixed@us.example", &format!("old{n}@victim.example"), true);
    }
    for n in 0..80 {
        log.out(30_000 + n, "mixed@us.example", &format!("z{n}y@victim.example"), n == 40);
        log.out(30_000 + n, "mixed@us.example", &format!("old{}@victim.example", n % 12), true);
    }
    found(&log, "mixed@us.example", &["z40y@victim.example"], 80);
}

#[test]
fn rotating_return_paths_are_one_sender() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..50 {
        let to = format!("r{n}v@victim.example");
        log.out(8000 + n, &format!("bounce+{n}-{}@mailer.example", to.replace('@', "=")), &to, false);
    }
    let campaign = found(&log, "bounce+7-r7v=victim.example@mailer.example", &[], 50);
    assert_eq!(campaign.senders.len(), 50);
}

#[test]
fn visitors_alone_by_network_or_by_sender() {
    let mut log = Log::new(1);
    for n in 0..120 {
        log.visit(n, "203.0.113.9", "x@spam.example", &format!("h{n}e@us.example"), n == 60);
    }
    found(&log, "203.0.113.9", &["h60e@us.example"], 120);
    let mut log = Log::new(1);
    for n in 0..90 {
        log.visit(
            n,
            &format!("198.51.100.{}", n % 45 + 3),
            &format!("s{n}@random{n}.example"),
            &format!("h{n}e@us.example"),
            false,
        );
    }
    assert_eq!(found(&log, "198.51.100.7", &[], 90).ips.len(), 45);
    let mut log = Log::new(1);
    for n in 0..90 {
        log.visit(n, &format!("100.{n}.7.8"), "x@spam.example", &format!("h{n}e@us.example"), false);
    }
    found(&log, "x@spam.example", &[], 90);
}

#[test]
fn one_botnet_two_targets_are_two_campaigns() {
    let mut log = Log::new(1);
    for n in 0..60 {
        for (who, target) in [("x@one.example", "first.example"), ("y@two.example", "second.example")] {
            log.visit(n, &format!("198.51.100.{}", n % 20), who, &format!("g{n}h@{target}"), false);
        }
    }
    let campaigns = find(&log.ledger, &Test::default());
    assert_eq!(
        campaigns.iter().map(|c| c.target_domains.join(",")).collect::<std::collections::BTreeSet<_>>().len(),
        2,
        "{campaigns:#?}"
    );
}

#[test]
fn lists_with_stale_members_are_no_campaign() {
    for seed in 0..20 {
        let mut log = Log::new(seed);
        log.everyday();
        for n in 0..1500 {
            let stale = log.roll() < 60;
            log.out(4000 + n, "list@us.example", &format!("m{n}@{}.example", n % 30), !stale);
            // An old import: two of five members are gone, half of them at one provider.
            let gone = log.roll() < 400;
            let domain = if n % 2 == 0 { "provider.example".to_owned() } else { format!("d{n}.example") };
            log.out(9000 + n, "import@us.example", &format!("person{n}.old@{domain}"), !gone);
        }
        silent(&log);
    }
}

#[test]
fn addresses_that_once_took_mail_were_not_guessed() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..100 {
        let to = format!("p{n}@moved.example");
        log.out(n, &format!("user{}@us.example", n % 50), &to, true);
        // The branch moved; one sender writes to all of it.
        log.out(20_000 + n, "secretary@us.example", &to, false);
        // A directory was down for 20 minutes.
        let to = format!("q{n}@outage.example");
        log.out(n, "desk@us.example", &to, true);
        log.out(5000 + n % 20, "other@us.example", &to, false);
        log.out(9000 + n, "desk@us.example", &to, true);
    }
    silent(&log);
}

#[test]
fn slips_repeats_and_bounces_are_no_campaign() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..60 {
        log.out(n * 30, "script@us.example", "wrng@corp.example", false);
        log.out(n * DAY, "monitor@us.example", "probe-does-not-exist@corp.example", false);
        log.out(n * 40, &format!("user{n}@us.example"), "left@corp.example", false);
        log.out(n, "", &format!("forged{n}@elsewhere.example"), false);
        log.visit(n, "192.0.2.77", "", &format!("forged{n}@us.example"), false);
        // A campus behind one address: many people, one slip each among many right ones.
        for right in 0..6 {
            log.visit(
                n * 90 + right,
                "192.0.2.10",
                &format!("student{n}@campus.example"),
                &format!("prof{}@us.example", (n * 6 + right) % 200),
                true,
            );
        }
        log.visit(
            n * 90 + 7,
            "192.0.2.10",
            &format!("student{n}@campus.example"),
            &format!("prf{n}@us.example"),
            false,
        );
    }
    log.out(3, "once@us.example", "a@corp.example", false);
    log.out(4, "once@us.example", "b@corp.example", false);
    silent(&log);
}

#[test]
fn what_our_own_provider_stopped_is_no_evidence() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..100 {
        let at = Timestamp(1_650_000_000 + n * 60);
        let attempts = [Attempt { reply: "", ..Attempt::default() }];
        let verdict = Verdict {
            kind: BounceType::UserUnknown,
            confidence: 1.0,
            code: None,
            enhanced: None,
            template: TemplateId(0),
            blocklist: None,
            auth: None,
        };
        let to = format!("s{n}t@victim.example");
        let mail = Delivery {
            sender: "campaign@us.example",
            recipient: &to,
            client: None,
            login: "",
            helo: "",
            direction: Direction::Stopped,
            start: at,
            end: at,
            spam: false,
            attempts: &attempts,
        };
        log.ledger.add(&mail, &[Some(verdict)]);
    }
    silent(&log);
    // The same, had a server been asked.
    for n in 0..100 {
        log.out(n, "campaign@us.example", &format!("s{n}t@victim.example"), false);
    }
    found(&log, "campaign@us.example", &[], 100);
}

#[test]
fn each_join_is_told_with_its_evidence() {
    let mut log = Log::new(1);
    log.everyday();
    for (s, sender) in ["a@us.example", "b@us.example"].into_iter().enumerate() {
        for n in 0..60 {
            log.out(9000 + n, sender, &format!("k{}t@victim.example", n + s as i64 * 30), false);
        }
    }
    let why = found(&log, "a@us.example", &[], 90).why.join("; ");
    for part in [
        "a@us.example and b@us.example share 30 of 90 tried addresses (33 % alike)",
        "the sender domain us.example",
        "the target victim.example, begun 0 minutes apart",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn hits_of_a_crowd_are_certain_and_others_are_only_counted() {
    let mut log = Log::new(1);
    for n in 0..400 {
        let (client, to) = (format!("10.{}.{}.9", n % 200, n / 2), format!("known{}@us.example", n % 30));
        log.visit(n * 20, &client, &format!("friend{n}@f{n}.example"), &to, true);
    }
    for n in 0..120 {
        let client = format!("100.{n}.{}.8", n * 2);
        let (to, exists) = if n % 40 == 10 {
            (format!("known{}@us.example", n % 30), true)
        } else {
            (format!("h{n}e@us.example"), n == 60)
        };
        log.visit(3000 + n, &client, &format!("a{n}@r{n}.example"), &to, exists);
    }
    let campaigns = find(&log.ledger, &Test::default());
    assert_eq!(campaigns.len(), 1, "{campaigns:#?}");
    let why = campaigns[0].why.join("; ");
    assert!(why.contains("share their target and the time, nothing else"), "{why}");
    assert!(campaigns[0].confirmed.contains(&"h60e@us.example".to_owned()), "{campaigns:#?}");
    assert!(why.contains("more addresses took mail from visitors who came once"), "{why}");
}

#[test]
fn a_list_that_begins_with_those_who_left_is_let_go_once_it_goes_on() {
    let mut log = Log::new(1);
    for n in 0..400 {
        log.visit(n * 20, "100.1.1.1", &format!("friend{n}@f.example"), &format!("known{n}@us.example"), true);
    }
    let list = |log: &mut Log, from: i64, to: i64| {
        for n in from..to {
            let exists = n >= 9 && n % 3 > 0;
            let to = if exists { format!("known{n}@us.example") } else { format!("left{n}x@us.example") };
            log.visit(9_000 + n, "198.18.134.8", "club@veterans.example", &to, exists);
        }
    };
    // Nine in a row that fail are no list, as far as anybody can tell.
    list(&mut log, 0, 9);
    assert_eq!(find(&log.ledger, &Test::default()).len(), 1);
    list(&mut log, 9, 120);
    silent(&log);
    // Whoever guesses goes on failing.
    for n in 0..40 {
        log.visit(20_000 + n, "198.18.134.9", "eve@evil.example", &format!("g{n}u@us.example"), false);
    }
    found(&log, "198.18.134.9", &[], 40);
}

#[test]
fn a_crowd_that_nobody_resembles_has_its_hits_told() {
    let mut log = Log::new(1);
    for n in 0..400 {
        let client = format!("10.{}.{}.9", n % 4, n % 50);
        log.visit(
            n * 20,
            &client,
            &format!("friend{n}@f{}.example", n % 9),
            &format!("known{}@us.example", n % 90),
            true,
        );
    }
    for n in 0..120 {
        let hit = n % 40 == 20;
        let to = if hit { format!("known{}@us.example", n % 90) } else { format!("h{n}e@us.example") };
        log.visit(3000 + n, &format!("100.{n}.{}.8", n * 2), &format!("a{n}@r{n}.example"), &to, hit);
    }
    let campaigns = find(&log.ledger, &Test::default());
    assert_eq!(campaigns.len(), 1, "{campaigns:#?}");
    assert_eq!(campaigns[0].confirmed, ["known10@us.example", "known20@us.example", "known60@us.example"]);
    assert!(campaigns[0].why.join("; ").contains("0.0 of these visits are expected to be honest"));
}

#[test]
fn full_mailboxes_and_dead_domains_are_no_evidence() {
    let mut log = Log::new(1);
    for n in 0..100 {
        log.mail(n, "a@us.example", None, &format!("m{n}@full.example"), Some(BounceType::MailboxFull));
        log.mail(n, "b@us.example", None, &format!("m{n}@dead.example"), Some(BounceType::ReceiverDns));
        log.mail(n, "c@us.example", None, &format!("m{n}@wall.example"), Some(BounceType::Blocklisted));
    }
    silent(&log);
}

#[test]
fn who_is_let_go_is_told_why() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..60 {
        log.out(n * 30, "script@us.example", "wrng@corp.example", false);
        log.out(n * 40, &format!("user{n}@us.example"), "left@corp.example", false);
        log.visit(n, "192.0.2.77", "", &format!("forged{n}@us.example"), false);
        log.out(n, "import@us.example", &format!("p{n}@d{n}.example"), n % 5 > 1);
        log.out(n, "desk@us.example", &format!("q{n}@moved.example"), true);
        log.out(90_000 + n, "other@us.example", &format!("q{n}@moved.example"), false);
    }
    // A guesser is no innocent.
    for n in 0..60 {
        log.out(7000 + n, "eve@us.example", &format!("k{n}t@victim.example"), false);
    }
    let campaigns = find(&log.ledger, &Test::default());
    let told: Vec<(String, &str)> =
        dismissed(&log.ledger, &campaigns).into_iter().map(|d| (d.origin, d.considered)).collect();
    for (origin, considered) in [
        ("script@us.example", "one_address"),
        ("left@corp.example", "ex_employee"),
        ("", "backscatter"),
        ("import@us.example", "old_list"),
        ("other@us.example", "moved_or_outage"),
    ] {
        assert!(told.contains(&(origin.to_owned(), considered)), "{origin}: {told:?}");
    }
    assert!(!told.iter().any(|(origin, _)| origin == "eve@us.example"));
}

#[test]
fn nothing_shared_but_the_target_is_one_campaign() {
    let mut log = Log::new(1);
    for n in 0..400 {
        let (client, to) = (format!("10.{}.{}.9", n % 200, n / 2), format!("known{}@us.example", n % 30));
        log.visit(n * 20, &client, &format!("friend{n}@f{n}.example"), &to, true);
    }
    for n in 0..120 {
        let client = format!("100.{n}.{}.8", n * 2);
        log.visit(3000 + n, &client, &format!("a{n}@r{n}.example"), &format!("h{n}e@us.example"), n == 60);
    }
    let campaign = found(&log, "a7@r7.example", &["h60e@us.example"], 120);
    assert_eq!(campaign.ips.len(), 120);
}

#[test]
fn a_slip_now_and_then_never_adds_up() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..100 {
        log.out(n * 12 * DAY, "clumsy@us.example", &format!("x{n}y@corp.example"), false);
    }
    silent(&log);
}

#[test]
fn a_fresh_guesser_is_known_after_eight_tries() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..8 {
        log.out(30_000 + n, "fresh@us.example", &format!("v{n}w@victim.example"), false);
    }
    found(&log, "fresh@us.example", &[], 8);
    // A stricter test waits longer.
    assert!(find(&log.ledger, &Test { alpha: 1e-9, beta: 0.01 }).is_empty());
}
