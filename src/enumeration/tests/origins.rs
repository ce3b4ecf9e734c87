//! Attacks of one sender, and of some together.

use super::*;

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
fn who_comes_back_is_found_each_time_and_is_one_campaign() {
    let mut log = Log::new(1);
    log.everyday();
    for (burst, n) in (0..6).flat_map(|burst| (0..60).map(move |n| (burst, n))) {
        log.out(2000 + burst * 5 * DAY + n, "eve@us.example", &format!("k{burst}w{n}@victim.example"), n == 30);
    }
    let hits = ["k0w30", "k1w30", "k2w30", "k3w30", "k4w30", "k5w30"].map(|name| format!("{name}@victim.example"));
    let campaign = found(&log, "eve@us.example", &hits.each_ref().map(String::as_str), 360);
    assert_eq!((campaign.last_seen.0 - campaign.first_seen.0) / 86_400, 25);
    assert!(campaign.why.iter().any(|why| why.contains("eve@us.example came back on")), "{:?}", campaign.why);
}

#[test]
fn letters_of_the_account_that_guesses_are_no_hits() {
    let mut log = Log::new(1);
    log.everyday();
    let mut write = |minute: i64, from: &str, client: &str, to: &str, exists: bool| {
        let mail = Delivery { sender: from, client: Some(client), recipient: to, ..MAIL };
        log.tell(minute, mail, (!exists).then_some(BounceType::UserUnknown));
    };
    write(0, "colleague@us.example", "10.0.0.2", "friend@victim.example", true);
    for n in 0..60 {
        write(10_000 + n * 30, "eve@us.example", "198.51.100.66", &format!("k{n}w@victim.example"), n == 40);
    }
    write(10_700, "eve@us.example", "10.0.0.3", "friend@victim.example", true);
    let campaign = found(&log, "eve@us.example", &["k40w@victim.example"], 60);
    assert_eq!(campaign.ips, ["198.51.100.66"]);
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
fn a_domain_that_takes_everything_hides_nobody_and_confirms_nobody() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..40 {
        for (d, domain) in ["one", "two", "three", "all"].into_iter().enumerate() {
            let to = format!("w{n}k@{domain}.example");
            log.out(9000 + n * 10 + d as i64, "eve@us.example", &to, domain == "all" || (d, n) == (1, 20));
        }
    }
    let campaign = found(&log, "eve@us.example", &["w20k@two.example"], 120);
    assert_eq!(campaign.pattern, Pattern::Wide);
}

#[test]
fn many_senders_of_one_domain_are_one_campaign() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..120 {
        // One more colleague knows somebody there.
        if n % 40 == 0 {
            for to in ["ann@victim.example", "bob@corp.example"] {
                log.out(9000 + n, &format!("honest{n}@reps.example"), to, true);
            }
        }
        log.out(9000 + n, &format!("rep{}@reps.example", n / 3), &format!("k{n}t@victim.example"), n == 70);
    }
    let campaign = found(&log, "rep7@reps.example", &["k70t@victim.example"], 120);
    assert_eq!(campaign.senders.len(), 40);
    assert!(campaign.why.join("; ").contains("senders at one domain sent it, a few mails each"), "{campaign:#?}");
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
