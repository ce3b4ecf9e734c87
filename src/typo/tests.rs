//! The stage as others use it.

use super::*;
use crate::ledger::Ledger;

/// What went wrong, if anything.
fn check_domain(explainer: &Explainer<'_>, typed: &str, want: Option<(&str, &[&str])>) -> Option<String> {
    let told = explainer.explain_domain(typed);
    let best = told.first().filter(|c| c.probability >= THRESHOLD);
    let found = best.map(|c| (c.intended.as_str(), c.edits.iter().map(|e| e.name()).collect::<Vec<_>>()));
    (found.as_ref().map(|(i, e)| (*i, &e[..])) != want).then(|| format!("{typed}: {want:?}, got {told:?}"))
}

#[test]
fn cases() {
    let ledger = Ledger::default();
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/typos.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut n, mut wrong) = (0, Vec::new());
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells[..] {
            // Once one is right, it stands as right.
            [typed, "-", "missed"] if check_domain(&explainer, typed, None).is_none() => {
                wrong.push(format!("{typed}: no longer missed"))
            }
            [_, "-", "missed"] => {}
            [typed, "-", _] => wrong.extend(check_domain(&explainer, typed, None)),
            [typed, intended, edits] => {
                wrong.extend(check_domain(&explainer, typed, Some((intended, &edits.split(',').collect::<Vec<_>>()))))
            }
            _ => panic!("{line}"),
        }
        n += 1;
    }
    assert!(n >= 60, "{n} cases");
    assert!(wrong.is_empty(), "{} of {n}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn any_text_is_an_address() {
    let ledger = Ledger::default();
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let check = |address: &str, want: Option<&str>| {
        let told = explainer.explain_address(address, None);
        assert_eq!(
            told.first().filter(|c| c.probability >= THRESHOLD).map(|c| c.intended.as_str()),
            want,
            "{address}: {told:?}"
        );
    };
    check("bob@gmial.com", Some("bob@gmail.com"));
    check("<Bob@GMIAL.Com.>", Some("bob@gmail.com"));
    check("bob@gmial.com..", Some("bob@gmail.com"));
    check("gmial.com", Some("gmail.com"));
    check("\"a b@c\"@gmial.com", Some("\"a b@c\"@gmail.com"));
    check("bob@xn--gmil-63d.com", Some("bob@gmail.com"));
    let popular = Popular::from_names(["gmail.com", "xn--mnchen-post-thb.de"]);
    let explainer = Explainer::new(&census, &popular).unwrap();
    assert!(explainer.knows_domain("xn--mnchen-post-thb.de") && explainer.knows_domain("münchen-post.de"));
    for typed in ["muenchen-post.de", "münchen-pots.de", "xn--mnchen-pots-thb.de"] {
        let told = explainer.explain_domain(typed);
        let meant = told.first().filter(|c| c.probability >= THRESHOLD).map(|c| c.intended.as_str());
        assert_eq!(meant, Some("xn--mnchen-post-thb.de"), "{typed}: {told:?}");
    }
    // A pair may be written either way.
    let pair = |meant: &str| eval::Pair { typed: "münchen-pots.de".into(), meant: meant.into(), edits: Vec::new() };
    let evaluation = eval::evaluate(&explainer, &["xn--mnchen-post-thb.de", "münchen-post.de"].map(pair), &[]);
    assert!(evaluation.curve.iter().any(|p| p.threshold == THRESHOLD && p.right[0] == 1.0), "{evaluation}");
    check("bob@раураӏ.com", Some("bob@paypal.com"));
    check("bob@yahoo.com.cm", Some("bob@yahoo.com.cn"));
    check("bob@gmail.con", Some("bob@gmail.com"));
    check("bob@gmail.cmo", Some("bob@gmail.com"));
    check("bob@gmail.co", Some("bob@gmail.com"));
    check("bob@gmail.om", Some("bob@gmail.com"));
    check("bob@mail.hotmial.com", Some("bob@mail.hotmail.com"));
    check("bob@gmail.com", None);
    check("", None);
    check("@", None);
    check("@gmial.com", None);
    check("bob@", None);
    check("bob@...", None);
    check(&format!("{}@gmial.com", "x".repeat(309)), Some(&format!("{}@gmail.com", "x".repeat(309))));
    check(&format!("bob@{}.com", "x".repeat(400)), None);
    check(&format!("bob@{}", "a.".repeat(400)), None);
    check(&String::from_utf8_lossy(b"b\xff\xfeob@gmial.com"), Some("b\u{fffd}\u{fffd}ob@gmail.com"));
    explainer.explain_address(&String::from_utf8_lossy(b"bob@gm\xffial.com"), None);
    let best = explainer.explain_address("bob@gmial.com", None).remove(0);
    assert!(best.probability > 0.98, "{best:?}");
    assert_eq!(best.words, "gmial.com: ai→ia transposed, transposition of gmail.com");
}

/// A ledger of `(sender, recipient, day, what)`; what is `ok`, `T2` or `T8`, of mail that came to us `in ok` and so on.
fn ledger(mails: &[(&str, &str, i64, &str)]) -> Ledger {
    use crate::{
        bounce::BounceType,
        delivery::{Attempt, Delivery, Direction},
    };
    let mut ledger = Ledger::default();
    for (sender, recipient, day, what) in mails {
        let at = Timestamp::parse("2022-06-06 12:00:00").unwrap().plus(day * 86_400);
        let (direction, what) = what.strip_prefix("in ").map_or((Direction::Out, *what), |what| (Direction::In, what));
        let attempts = [Attempt {
            reply: if what == "ok" { "250 ok" } else { "550 no" },
            accepted: what == "ok",
            ..Attempt::default()
        }];
        let delivery = Delivery {
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
        let verdict = BounceType::parse(what).map(verdict);
        ledger.add(&delivery, &[verdict]);
    }
    ledger
}

#[test]
fn suspects_of_a_small_office() {
    let mut mails = vec![
        // A slip of a giant, by two senders in two weeks.
        ("ann@us.example", "bob@gmial.com", 0, "T2"),
        ("ann@us.example", "bob@gmial.com", 1, "T2"),
        ("cid@us.example", "eve@gmial.com", 9, "T2"),
        // A slip of a partner whom nobody but us knows.
        ("ann@us.example", "x@kontarfabrik.de", 2, "T2"),
        // A partner whose domain expired, and one whose DNS failed for a day.
        ("ann@us.example", "old@formerpartner.de", 0, "ok"),
        ("cid@us.example", "old@formerpartner.de", 8, "T2"),
        ("ann@us.example", "y@flaky.de", 3, "T2"),
        ("ann@us.example", "y@flaky.de", 5, "ok"),
        // Dead and like nothing.
        ("ann@us.example", "z@qwkzzvbn.info", 3, "T2"),
        // A typo that somebody holds: it resolves and knows nobody.
        ("ann@us.example", "bob@hotmial.com", 4, "T8"),
        // A colleague's name written wrongly, a mailbox gone, a guess.
        ("ann@us.example", "john.smth@partner.example", 4, "T8"),
        ("ann@us.example", "jonh.smith@partner.example", 4, "T8"),
        ("ann@us.example", "gone.girl@partner.example", 1, "ok"),
        ("cid@us.example", "gone.girl@partner.example", 6, "T8"),
        ("mal@us.example", "xxqq77@partner.example", 6, "T8"),
        ("ann@us.example", "smith.john@partner.example", 6, "T8"),
    ];
    for day in 0..20 {
        mails.extend([
            ("ann@us.example", "x@kontorfabrik.de", day, "ok"),
            ("ann@us.example", "john.smith@partner.example", day, "ok"),
            ("cid@us.example", "mary.jones@partner.example", day, "ok"),
        ]);
    }
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let found = suspects(&ledger, &explainer);
    let domain = |name: &str| found.domains.iter().find(|d| d.domain == name);
    let gmial = domain("gmial.com").unwrap();
    assert_eq!(
        (gmial.kind, &*gmial.intended, &gmial.edits[..], gmial.emails, gmial.senders, gmial.weekly.len()),
        (SuspectKind::Typo, "gmail.com", &[Edit::Transposition][..], 3, 2, 2)
    );
    assert_eq!((gmial.weekly[0].senders, gmial.weekly[0].emails, gmial.weekly[1].emails), (1, 2, 1));
    assert_eq!(domain("kontarfabrik.de").map(|d| &*d.intended), Some("kontorfabrik.de"));
    let old = domain("formerpartner.de").unwrap();
    assert_eq!((old.kind, old.delivered_before, old.emails), (SuspectKind::Lapsed, 1, 1));
    assert!(domain("flaky.de").is_none());
    assert_eq!(
        domain("qwkzzvbn.info").map(|d| (d.kind, d.delivered_before, d.confidence)),
        Some((SuspectKind::Lapsed, 0, 0.3))
    );
    assert_eq!(domain("hotmial.com").map(|d| (d.kind, &*d.intended)), Some((SuspectKind::Typo, "hotmail.com")));
    let user = |name: &str| found.usernames.iter().find(|u| u.address == name);
    assert_eq!(
        user("jonh.smith@partner.example").map(|u| (u.kind, &*u.intended, &u.edits[..])),
        Some((SuspectKind::Typo, "john.smith@partner.example", &[Edit::Transposition][..]))
    );
    assert_eq!(user("smith.john@partner.example").map(|u| &*u.intended), Some("john.smith@partner.example"));
    assert_eq!(user("gone.girl@partner.example").map(|u| (u.kind, u.delivered_before)), Some((SuspectKind::Lapsed, 1)));
    let smth = user("john.smth@partner.example").unwrap();
    assert_eq!((&*smth.intended, &smth.edits[..]), ("john.smith@partner.example", &[Edit::Omission][..]));
    assert!(user("xxqq77@partner.example").is_none());
    assert!(user("bob@hotmial.com").is_none());
    assert_eq!(found.domains[0].domain, "gmial.com");
}

#[test]
fn our_own_domains_are_meant_and_do_not_expire() {
    let mut mails = vec![
        ("x@world.example", "anna@ours.example", 0, "in ok"),
        ("tom@ours.example", "anan@ours.example", 3, "T2"),
        ("eva@acme-werke.de", "info@acme-wreke.de", 5, "T2"),
    ];
    mails.extend((0..40).map(|day| ("eva@acme-werke.de", "bob@world.example", day, "ok")));
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let found = suspects(&ledger, &explainer);
    let told: Vec<_> = found.domains.iter().map(|d| (&*d.domain, d.kind, &*d.intended)).collect();
    assert_eq!(told, [("acme-wreke.de", SuspectKind::Typo, "acme-werke.de")]);
    let told: Vec<_> = found.usernames.iter().map(|u| (&*u.address, &*u.intended)).collect();
    assert_eq!(told, [("anan@ours.example", "anna@ours.example")]);
}

#[test]
fn a_partner_under_another_suffix() {
    let partners = ["weissenburger-maschinenbau.de", "kontorfabrik.co.uk", "hsv.de", "gmail.com"];
    let mut mails: Vec<(&str, String, i64, &str)> = (0..20)
        .flat_map(|day| partners.map(|partner| ("ann@us.example", format!("info@{partner}"), day, "ok")))
        .collect();
    let typed = [
        // Everybody's users write to the giants.
        ("gmail.fr", Some("gmail.com")),
        ("yahoo.ee", Some("yahoo.com")),
        ("hotmail.ee", Some("hotmail.com")),
        ("outlook.ee", Some("outlook.com")),
        // A common word; listed.
        ("live.ee", None),
        ("yahoo.fr", None),
        ("weissenburger-maschinenbau.com", Some("weissenburger-maschinenbau.de")),
        ("kontorfabrik.com", Some("kontorfabrik.co.uk")),
        // So short a name is anybody's.
        ("hsv.com", None),
        // Nobody here writes to that house.
        ("weissenburger-anlagenbau.com", None),
    ];
    mails.extend(typed.map(|(typed, _)| ("ann@us.example", format!("info@{typed}"), 9, "T2")));
    let mails: Vec<_> = mails.iter().map(|(from, to, day, what)| (*from, &**to, *day, *what)).collect();
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let found = suspects(&ledger, &explainer);
    for (typed, want) in typed {
        let told = found.domains.iter().find(|d| d.domain == typed).unwrap();
        let meant = (told.kind == SuspectKind::Typo).then_some(&*told.intended);
        assert_eq!(meant, want, "{typed}: {:?}", explainer.explain_dead(typed));
        // It may be theirs as well: only that nobody lives there tells.
        assert!(want.is_none() || explainer.explain_domain(typed).is_empty(), "{typed}");
    }
    // One letter says more than another suffix.
    assert_eq!(explainer.explain_dead("yahoo.com.cm")[0].intended, "yahoo.com.cn");
}

#[test]
fn a_vowel_for_another_is_no_flipped_bit() {
    let census = Census::default();
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    for (typed, edit, words) in
        [("gmeil.com", Edit::Substitution, "a→e exchanged"), ("gmcil.com", Edit::Bitflip, "a→c one bit flipped")]
    {
        let best = &explainer.explain_domain(typed)[0];
        assert_eq!((&*best.intended, &best.edits[..]), ("gmail.com", &[edit][..]), "{typed}");
        assert!(best.words.contains(words), "{}", best.words);
    }
}

#[test]
fn an_initial_is_whose_it_can_be() {
    let users = ["thomas.hofmeister", "jana.wiesner", "jens.wiesner", "k.brandner", "ewald.ott", "office", "info"];
    let mut mails: Vec<(&str, String, i64, &str)> = Vec::new();
    for (day, user) in (0..30).flat_map(|day| users.map(|user| (day, user))) {
        mails.push(("ann@us.example", format!("{user}@house.example"), day, "ok"));
        mails.push(("ann@us.example", format!("{user}@gmail.com"), day, "ok"));
    }
    let typed = [
        ("t.hofmeister@house.example", Some("thomas.hofmeister@house.example")),
        ("thofmeister@house.example", Some("thomas.hofmeister@house.example")),
        ("karin.brandner@house.example", Some("k.brandner@house.example")),
        // Two people, so short a name, another initial, and a house of strangers.
        ("j.wiesner@house.example", None),
        ("e.ott@house.example", None),
        ("s.hofmeister@house.example", None),
        ("t.hofmeister@gmail.com", None),
    ];
    mails.extend(typed.map(|(typed, _)| ("cid@us.example", typed.to_owned(), 40, "T8")));
    let mails: Vec<_> = mails.iter().map(|(from, to, day, what)| (*from, &**to, *day, *what)).collect();
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let found = suspects(&ledger, &explainer);
    for (typed, want) in typed {
        let told = found.usernames.iter().find(|u| u.address == typed).map(|u| &*u.intended);
        assert_eq!(told, want, "{typed}: {:?}", explainer.explain_username(typed, Some("cid@us.example")));
    }
}

#[test]
fn usernames_by_the_rules_of_their_house() {
    let mails: Vec<(&str, &str, i64, &str)> = (0..6)
        .flat_map(|day| {
            [
                ("ann@us.example", "john.smith@gmail.com", day, "ok"),
                ("ann@us.example", "mary.jones@partner.example", day, "ok"),
                ("ann@us.example", "liwei@partner.example", day, "ok"),
            ]
        })
        .collect();
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    for (typed, want) in [
        // With other dots it is the same mailbox, and gone all the same.
        ("johnsmith@gmail.com", None),
        ("j.ohnsmith@gmail.com", None),
        // A slip counts the same wherever the dots stand.
        ("jonhsmith@gmail.com", Some("john.smith@gmail.com")),
        ("johnsmth@gmail.com", Some("john.smith@gmail.com")),
        ("jonh.smith+news@gmail.com", Some("john.smith+news@gmail.com")),
        ("maryjones@partner.example", Some("mary.jones@partner.example")),
        ("jones.mary@partner.example", Some("mary.jones@partner.example")),
        ("mary_jones@partner.example", Some("mary.jones@partner.example")),
        ("mary.jones+list@partner.example", Some("mary.jones@partner.example")),
        ("mary.jnoes+list@partner.example", Some("mary.jones+list@partner.example")),
        ("m.jones@partner.example", Some("mary.jones@partner.example")),
        ("peter.brown@partner.example", None),
    ] {
        let told = explainer.explain_username(typed, Some("ann@us.example"));
        let best = told.first().filter(|c| c.probability >= THRESHOLD).map(|c| c.intended.as_str());
        assert_eq!(best, want, "{typed}: {told:?}");
    }
}

#[test]
fn another_number_is_somebody_else() {
    let mails: Vec<(&str, &str, i64, &str)> = (0..6)
        .flat_map(|day| {
            ["tom1984@gmail.com", "hans27@firm.example", "12345678@qq.com"].map(|to| ("ann@us.example", to, day, "ok"))
        })
        .collect();
    let ledger = ledger(&mails);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    for (typed, sender, want) in [
        ("tom1992@gmail.com", "ann", None),
        ("tom198415@gmail.com", "ann", None),
        ("hans28@firm.example", "cid", None),
        ("hans72@firm.example", "cid", None),
        ("12345687@qq.com", "cid", None),
        // One slip of the finger, of who writes to the other one.
        ("tom1948@gmail.com", "ann", Some("tom1984@gmail.com")),
        ("12345687@qq.com", "ann", Some("12345678@qq.com")),
        // With its letters wrong it is the same number.
        ("tmo1984@gmail.com", "cid", Some("tom1984@gmail.com")),
    ] {
        let told = explainer.explain_username(typed, Some(&format!("{sender}@us.example")));
        let best = told.first().filter(|c| c.probability >= THRESHOLD).map(|c| c.intended.as_str());
        assert_eq!(best, want, "{typed}: {told:?}");
    }
}

proptest::proptest! {
    #[test]
    fn the_named_edits_make_the_typed_name(n in 0usize..400, place in 0usize..12, to in "[a-z0-9.-]", kind in 0u8..4) {
        let channel = Parameters::shipped().unwrap();
        let popular = Popular::shipped();
        let meant = popular.names().nth(n).unwrap();
        let mut name: Vec<char> = meant.chars().collect();
        let at = place.min(name.len() - 2);
        match kind {
            0 => drop(name.remove(at)),
            1 => name.insert(at, to.chars().next().unwrap()),
            2 => name.swap(at, at + 1),
            _ => name[at] = to.chars().next().unwrap(),
        }
        let typed: String = name.into_iter().collect();
        let found = changes(meant, &typed, &channel).expect("within one slip");
        proptest::prop_assert_eq!(apply(meant, &found), Some(typed));
    }
}

#[test]
fn the_named_edits_make_the_typed_name_of_every_kind() {
    let channel = Parameters::shipped().unwrap();
    let popular = Popular::shipped();
    let names: Vec<&str> = popular.names().collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut check = |meant: &str, typed: &str| {
        let Some(found) = changes(meant, typed, &channel) else {
            // Two slips at one place can be three edits: `i-sna` for `sina`.
            assert!(distance(meant, typed) > 2, "{meant} → {typed}");
            return;
        };
        assert_eq!(apply(meant, &found).as_deref(), Some(typed), "{meant} → {typed}: {found:?}");
        seen.extend(found.iter().map(|c| c.edit));
    };
    // Every kind that is made, alone and with another, slips of the suffix among them.
    for pair in eval::generate(&names, 3000, 1, 11).iter().chain(&eval::generate(&names, 3000, 2, 12)) {
        check(&pair.meant, &pair.typed);
    }
    for meant in names.iter().take(300).copied() {
        for (at, letter) in meant.char_indices().filter(|(_, c)| c.is_ascii_lowercase()) {
            let with = |to: char| format!("{}{to}{}", &meant[..at], &meant[at + 1..]);
            // A bit of a byte, as far as names carry it.
            for bit in 0..5 {
                let flipped = char::from(letter as u8 ^ 1 << bit);
                if flipped.is_ascii_alphanumeric() || flipped == '-' {
                    check(meant, &with(flipped));
                }
            }
            // Cyrillic, accented, and a digit; one and two letters of them.
            let alike = match letter {
                'a' => "аá",
                'e' => "еé",
                'o' => "оö0",
                'p' => "р",
                'c' => "с",
                'l' => "ӏ1",
                _ => continue,
            };
            for to in alike.chars() {
                check(meant, &with(to));
                check(meant, &with(to).replacen(letter, &to.to_string(), 1));
                check(meant, &format!("{}x", with(to)));
            }
        }
        if meant.contains("com") {
            for to in ["con", "cmo", "co", "om", "cm", "comm", "c0m"] {
                check(meant, &meant.replacen("com", to, 1));
            }
        }
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
}

#[test]
fn any_text_is_answered_with_probabilities() {
    let census = Census::default();
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let texts = ("\\PC{0,40}", "[a-zа-я0-9.@\"-]{0,24}");
    proptest::test_runner::TestRunner::deterministic()
        .run(&texts, |(text, domain)| {
            for address in [text.clone(), format!("{text}@{domain}"), domain] {
                let told = explainer.explain_address(&address, Some(&text));
                let sum: f64 = told.iter().map(|c| c.probability).sum();
                proptest::prop_assert!(sum <= 1.0 + 1e-9, "{address}: {told:?}");
                proptest::prop_assert!(told.iter().all(|c| !c.edits.is_empty() && c.edits.len() <= 2), "{told:?}");
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_domain_that_took_mail_is_no_typo() {
    let ledger = ledger(&[("ann@us.example", "bob@gmial.com", 0, "ok")]);
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    assert!(explainer.explain_domain("gmial.com").is_empty());
    assert!(explainer.explain_address("bob@gmial.com", None).is_empty());
}

#[test]
fn fitting_follows_the_pairs() {
    let base = Parameters::shipped().unwrap();
    let pair = |typed: String, meant: String| Confirmed { typed, meant: Some(meant) };
    let pairs: Vec<Confirmed> = (0..200).map(|i| pair(format!("h{i}otmial.com"), format!("h{i}otmail.com"))).collect();
    let (fitted, learned) = learn(&pairs, &base);
    assert_eq!((learned.domains, learned.usernames, learned.strangers), (200, 0, 0));
    assert_eq!(fitted.slip, base.slip);
    assert!(fitted.kinds["transposition"] > 0.8 && fitted.kinds["omission"] < 0.1, "{fitted:?}");
    assert!(fitted.second < base.second);
    assert_eq!(Parameters::parse(&fitted.to_toml()).unwrap(), fitted);
    let mut others: Vec<Confirmed> = (0..40)
        .map(|i| pair(format!("smith{}.john@partner.example", i % 7), format!("john.smith{}@partner.example", i % 7)))
        .collect();
    others.extend((0..60).map(|i| Confirmed { typed: format!("stranger{i}.example"), meant: None }));
    others.push(pair("nothing.example".into(), "like-that.example".into()));
    let (fitted, learned) = learn(&others, &base);
    assert_eq!((learned.domains, learned.usernames, learned.strangers, learned.unexplained), (0, 40, 60, 1));
    assert!(fitted.usernames.order > 0.5 && fitted.usernames.tag < base.usernames.tag, "{fitted:?}");
    assert!(fitted.slip < 0.3 * base.slip && fitted.kinds == base.kinds, "{fitted:?}");
    assert_eq!(Parameters::parse(&fitted.to_toml()).unwrap(), fitted);
    assert!(Parameters::parse("slip = 2").is_err());
    assert!(Parameters::parse(&base.to_toml().replace("slip = 0.3", "slip = 2.0")).is_err());
}

#[test]
fn a_file_of_an_earlier_version_serves() {
    let shipped = Parameters::shipped().unwrap();
    let old = Parameters::parse("slip = 0.125\n[kinds]\nomission = 0.5\n[tld]\ncom = { con = 0.75 }").unwrap();
    assert_eq!((old.slip, old.kinds["omission"], old.tld.named["com"]["con"]), (0.125, 0.5, 0.75));
    assert_eq!(old.tld.named["com"]["cmo"], shipped.tld.named["com"]["cmo"]);
    let new = Parameters { slip: shipped.slip, kinds: shipped.kinds.clone(), tld: shipped.tld.clone(), ..old };
    assert_eq!(new, shipped);
    // Without any one of its keys a whole file is the whole file with the shipped value of that key.
    let whole = toml::Table::try_from(&shipped).unwrap();
    for key in whole.keys() {
        let mut less = whole.clone();
        less.remove(key);
        assert_eq!(Parameters::parse(&less.to_string()).unwrap(), shipped, "{key}");
    }
    assert!(Parameters::parse("slip = \"much\"").is_err() && Parameters::parse("strangers = 1").is_err());
}

#[test]
fn signs_are_fitted_to_names_held_out() {
    let census = Census::default();
    let shipped = Popular::shipped();
    // Names left out of the list are somebody's own and on no list.
    let (mut listed, mut others) = (Vec::new(), Vec::new());
    for (rank, name) in shipped.names().enumerate() {
        if rank % 3 == 2 { others.push(name) } else { listed.push(name) }
    }
    let popular = Popular::from_names(listed.iter().copied());
    let product =
        Signs { base: 0.0, meant: 1.0, slips: 1.0, letters: -1.0, tail: -1.0, ..Signs::from_all(Default::default()) };
    let channel = Parameters { signs: product, ..Parameters::shipped().unwrap() };
    let explainer = Explainer::with(&census, &popular, channel);
    let mut confirmed: Vec<Confirmed> = eval::generate(&listed, 600, 1, 21)
        .into_iter()
        .map(|pair| Confirmed { typed: format!("bob@{}", pair.typed), meant: Some(format!("bob@{}", pair.meant)) })
        .collect();
    assert_eq!(judge(&confirmed, &explainer).0, product, "nothing but slips tells nothing");
    confirmed.extend(others.iter().map(|name| Confirmed { typed: (*name).to_owned(), meant: None }));
    let (fitted, judged) = judge(&confirmed, &explainer);
    assert!(judged.slips > 500 && judged.strangers > 50, "{judged:?}");
    assert!(judged.held_out[1] < 0.8 * judged.held_out[0], "{judged:?}");
    assert!(fitted.slips > 0.0 && fitted.meant > 0.0 && fitted.tail < 0.0, "{fitted:?}");
    let again = Explainer::with(&census, &popular, Parameters { signs: fitted, ..Parameters::shipped().unwrap() });
    let (kept, judged_again) = judge(&confirmed, &again);
    assert!(judged_again.held_out[1] <= judged_again.held_out[0] && kept.meant > 0.0);
}

#[test]
fn fitting_recovers_how_the_pairs_were_made() {
    let (base, popular) = (Parameters::shipped().unwrap(), Popular::shipped());
    let names: Vec<&str> = popular.names().filter(|n| n.len() > 10).collect();
    let mut made = eval::generate(&names, 4000, 1, 5);
    made.extend(eval::generate(&names, 1000, 2, 6));
    let pair = |p: &eval::Pair| Confirmed { typed: p.typed.clone(), meant: Some(p.meant.clone()) };
    let (fitted, learned) = learn(&made.iter().map(pair).collect::<Vec<_>>(), &base);
    assert!(learned.domains > 4900, "{learned:?}");
    let edits: Vec<Edit> = made.iter().flat_map(|p| p.edits.iter().copied()).collect();
    for kind in
        [Edit::Omission, Edit::Transposition, Edit::Substitution, Edit::Tld, Edit::MissingDot, Edit::Hyphenation]
    {
        let share = edits.iter().filter(|e| **e == kind).count() as f64 / edits.len() as f64;
        let found = fitted.kinds[kind.name()];
        assert!((found - share).abs() < 0.02 && (found - share).abs() < 0.15 * share, "{kind:?}: {found} for {share}");
    }
    assert!((fitted.second - 0.2).abs() < 0.02, "{}", fitted.second);
    assert!(fitted.neighbour > 0.93, "{}", fitted.neighbour);
}

#[test]
fn the_made_pairs_are_explained() {
    let census = Census::default();
    let popular = Popular::shipped();
    let explainer = Explainer::new(&census, &popular).unwrap();
    let names: Vec<&str> = popular.names().filter(|n| n.len() > 8).collect();
    let mut pairs = eval::generate(&names, 1000, 1, 1);
    pairs.extend(eval::generate(&names, 300, 2, 2));
    assert_eq!(pairs, {
        let mut again = eval::generate(&names, 1000, 1, 1);
        again.extend(eval::generate(&names, 300, 2, 2));
        again
    });
    let made = eval::Unrelated { sort: "synthetic".into(), names: eval::synthetic(1000, 3) };
    let evaluation = eval::evaluate(&explainer, &pairs, &[made]);
    let at = evaluation.curve.iter().find(|p| p.threshold == THRESHOLD).unwrap();
    assert!(at.right[0] > 0.94 && at.right[1] > 0.7, "{evaluation}");
    assert!(at.false_explanations[0] <= 0.002, "{evaluation}");
    assert!(evaluation.kinds.0 as f64 > 0.96 * evaluation.kinds.1 as f64, "{evaluation}");
    assert!(evaluation.to_string().contains("threshold"));
}

fn verdict(kind: crate::bounce::BounceType) -> crate::ndr::Verdict {
    crate::ndr::Verdict {
        kind,
        confidence: 0.9,
        code: Some(550),
        enhanced: None,
        template: crate::ndr::TemplateId(1),
        blocklist: None,
        auth: None,
    }
}
