//! Attacks from outside: one client, a network, a crowd.

use super::*;

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
fn who_only_guessed_comes_for_those_it_found() {
    let guess = |log: &mut Log| {
        for n in 0..60 {
            log.visit(3000 + n / 30, "203.0.113.9", "x@spam.example", &format!("h{n}e@us.example"), false);
        }
        for (minute, to) in [(3006, "ann"), (3300, "bob"), (3000 + 2 * DAY, "cat")] {
            log.visit(minute, "203.0.113.9", "x@spam.example", &format!("{to}@us.example"), true);
        }
    };
    let mut log = Log::new(1);
    guess(&mut log);
    found(&log, "203.0.113.9", &["ann@us.example", "bob@us.example"], 62);
    // Whom it wrote to before, it knows.
    let mut log = Log::new(1);
    log.visit(10, "203.0.113.9", "x@spam.example", "dan@us.example", true);
    guess(&mut log);
    found(&log, "203.0.113.9", &[], 60);
}

#[test]
fn an_address_tried_again_is_no_other_campaign() {
    let mut log = Log::new(1);
    for n in 0..60 {
        let (week, to) = (n / 15, n % 15);
        let from = format!("bounce-{n}@list.example");
        log.visit(3000 + week * 7 * DAY + to * 2, "203.0.113.9", &from, &format!("h{to}e@us.example"), false);
    }
    found(&log, "203.0.113.9", &[], 15);
}

#[test]
fn a_crowd_hides_no_other() {
    let mut log = Log::new(1);
    log.passers_by();
    log.crowd(|n| (format!("h{n}e@us.example"), n == 60));
    for n in 0..150 {
        let client = format!("101.{n}.{}.8", n % 100);
        log.visit(6_500 + n, &client, &format!("b{n}@q{n}.example"), &format!("j{n}f@us.example"), n == 70);
    }
    let mut campaigns = find(&log.ledger, &Test::default());
    campaigns.sort_by_key(|c| c.first_seen);
    let told: Vec<_> = campaigns.iter().map(|c| (c.guesses, c.confirmed.join(" "))).collect();
    assert_eq!(told, [(120, "h60e@us.example".to_owned()), (150, "j70f@us.example".to_owned())]);
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
fn hits_of_a_crowd_are_certain_and_others_are_only_counted() {
    let mut log = Log::new(1);
    log.passers_by();
    log.crowd(|n| match n % 40 {
        10 => (format!("known{}@us.example", n % 30), true),
        _ => (format!("h{n}e@us.example"), n == 60),
    });
    let campaigns = find(&log.ledger, &Test::default());
    assert_eq!(campaigns.len(), 1, "{campaigns:#?}");
    let why = campaigns[0].why.join("; ");
    assert!(why.contains("share their target and the time, nothing else"), "{why}");
    assert!(campaigns[0].confirmed.contains(&"h60e@us.example".to_owned()), "{campaigns:#?}");
    assert!(why.contains("more addresses took mail from visitors who came once"), "{why}");
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
    log.crowd(|n| match n % 40 {
        20 => (format!("known{}@us.example", n % 90), true),
        _ => (format!("h{n}e@us.example"), false),
    });
    let campaigns = find(&log.ledger, &Test::default());
    assert_eq!(campaigns.len(), 1, "{campaigns:#?}");
    assert_eq!(campaigns[0].confirmed, ["known10@us.example", "known20@us.example", "known60@us.example"]);
    assert!(campaigns[0].why.join("; ").contains("0.0 of these visits are expected to be honest"));
}

#[test]
fn a_few_guesses_each_are_one_campaign() {
    let mut log = Log::new(1);
    log.passers_by();
    for n in 0..240 {
        let (bot, to) = (n / 3, if n == 100 { "known7".to_owned() } else { format!("h{n}e") });
        let client = format!("45.9.{bot}.8");
        log.visit(3000 + n * 2, &client, &format!("s{n}@d{bot}.example"), &format!("{to}@us.example"), n == 100);
        // Small servers of honest people, who come a few times each, too.
        let client = format!("60.{}.1.9", n / 4);
        let to = format!("known{}@us.example", n % 9);
        log.visit(2900 + n * 20, &client, &format!("ann@small{}.example", n / 4), &to, true);
    }
    let campaign = found(&log, "45.9.70.8", &["known7@us.example"], 240);
    assert!(!campaign.senders.iter().any(|sender| sender.starts_with("ann@")), "{campaign:#?}");
}

#[test]
fn a_crowd_that_comes_at_night_is_no_outage() {
    let night = |refused: i64| {
        let mut log = Log::new(1);
        // Office hours only; the crowd comes from midnight to two.
        for n in 0..400 {
            let (client, to) = (format!("10.{}.{}.9", n % 200, n / 2), format!("known{}@us.example", n % 30));
            log.visit(n / 80 * DAY + 600 + n % 80 * 6, &client, &format!("friend{n}@f{n}.example"), &to, true);
        }
        let guess = |n: i64| if n < refused { format!("known{n}") } else { format!("h{n}e") };
        for n in 0..120 {
            let client = format!("100.{n}.{}.8", n * 2);
            log.visit(3 * DAY + n, &client, &format!("a{n}@r{n}.example"), &format!("{}@us.example", guess(n)), false);
        }
        find(&log.ledger, &Test::default()).len()
    };
    assert_eq!(night(0), 1);
    // When its directory was down, those it knows were refused, too.
    assert_eq!(night(30), 0);
}

#[test]
fn nothing_shared_but_the_target_is_one_campaign() {
    let mut log = Log::new(1);
    log.passers_by();
    log.crowd(|n| (format!("h{n}e@us.example"), n == 60));
    let campaign = found(&log, "a7@r7.example", &["h60e@us.example"], 120);
    assert_eq!(campaign.ips.len(), 120);
}
