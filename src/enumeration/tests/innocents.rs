//! What only looks like guessing.

use super::*;

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
fn a_newsletter_half_of_whose_readers_left_is_no_campaign() {
    for seed in 0..20 {
        let mut log = Log::new(seed);
        log.everyday();
        // Whom others write to as well: what is left of an old list is known to everybody.
        for n in 0..600 {
            log.out(n, &format!("user{}@us.example", n % 60), &format!("reader{n}@d{}.example", n % 40), true);
        }
        for n in 0..600 {
            let gone = log.roll() < 500;
            let to = format!("{}{n}@d{}.example", if gone { "former" } else { "reader" }, n % 40);
            log.out(9000 + n, "news@us.example", &to, !gone);
        }
        silent(&log);
    }
}

#[test]
fn a_list_most_of_which_is_dead_has_no_targets() {
    for seed in 0..20 {
        let mut log = Log::new(seed);
        log.everyday();
        // Four members a domain, seven of ten gone: three of four at many a domain.
        for n in 0..2000 {
            let gone = log.roll() < 700;
            log.out(9000 + n, "bought@us.example", &format!("lead{n}x@d{}.example", n % 500), !gone);
        }
        silent(&log);
    }
}

#[test]
fn who_writes_a_lot_slips_a_lot() {
    let heavy = |log: &mut Log| {
        log.everyday();
        for n in 0..6000 {
            let to = format!("pal{}@{}.example", n % 40, ["mail", "post"][n as usize % 2]);
            log.out(n * 14, "desk@us.example", &to, true);
            // One in a hundred, long after it reached them.
            if n % 100 == 0 && n > 1000 {
                log.out(n * 14 + 7, "desk@us.example", &format!("x{n}{to}"), false);
            }
        }
    };
    let mut log = Log::new(1);
    heavy(&mut log);
    silent(&log);
    // Nearly all to one of a thousand, as most people write most to few.
    let mut log = Log::new(1);
    log.everyday();
    (0..1000).for_each(|n| log.out(n, "desk@us.example", &format!("pal{n}@mail.example"), true));
    for n in 0..1100 {
        log.out(20_000 + n * 72, "desk@us.example", "pal7@mail.example", true);
        if n % 25 == 0 {
            log.out(20_007 + n * 72, "desk@us.example", &format!("x{n}pal@mail.example"), false);
        }
    }
    silent(&log);
    // Who took the account and guesses is found beside it.
    let mut log = Log::new(1);
    heavy(&mut log);
    for n in 0..100 {
        log.out(50_000 + n * 3, "desk@us.example", &format!("g{n}u@mail.example"), false);
    }
    assert_eq!(find(&log.ledger, &Test::default()).len(), 1);
    // A mailbox of his own hides nobody for long.
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..200 {
        (0..20).for_each(|k| log.out(n * 200 + k, "eve@us.example", "mine@mail.example", true));
        log.out(n * 200 + 30, "eve@us.example", &format!("g{n}u@mail.example"), false);
    }
    assert_eq!(find(&log.ledger, &Test::default()).len(), 1);
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
fn servers_that_bounce_or_call_out_guess_nothing() {
    let mut log = Log::new(1);
    log.everyday();
    for (s, sender) in ["double-bounce@mx.partner.example", "mailer-daemon@mx.old.example"].into_iter().enumerate() {
        for n in 0..60 {
            log.visit(n * 30, &format!("192.0.2.{s}"), sender, &format!("forged{n}@us.example"), false);
            log.out(n * 30, "mailer-daemon@us.example", &format!("spam{n}@elsewhere.example"), false);
        }
    }
    silent(&log);
    let told = dismissed(&log.ledger, &[]);
    assert!(told.iter().any(|one| one.origin.is_empty() && one.considered == "backscatter"), "{told:?}");
}

#[test]
fn what_our_own_provider_stopped_is_no_evidence() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..100 {
        let (sender, recipient) = ("campaign@us.example", &*format!("s{n}t@victim.example"));
        let mail = Delivery { sender, recipient, direction: Direction::Stopped, ..MAIL };
        log.tell(n, mail, Some(BounceType::UserUnknown));
    }
    silent(&log);
    // The same, had a server been asked.
    for n in 0..100 {
        log.out(n, "campaign@us.example", &format!("s{n}t@victim.example"), false);
    }
    found(&log, "campaign@us.example", &[], 100);
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
fn a_slip_now_and_then_never_adds_up() {
    let mut log = Log::new(1);
    log.everyday();
    for n in 0..100 {
        log.out(n * 12 * DAY, "clumsy@us.example", &format!("x{n}y@corp.example"), false);
    }
    silent(&log);
}
