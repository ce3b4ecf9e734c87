//! A flood of visitors of whom no two are alike, through the whole job: memory stays bounded, and the one who guesses
//! among them is found with all of its guesses and hits.

use std::{collections::BTreeSet, fs, io::Write};

use serde_json::Value;

use crate::memory::{Log, peak_of};

/// Everyone comes once, from an address and with a sender of its own, to one of five thousand addresses. Between them
/// one address guesses 400 times, from first to last.
fn flood(log: &mut Log, visitors: u64) -> BTreeSet<String> {
    let mut hits = BTreeSet::new();
    let between = visitors / 400;
    for n in 0..visitors {
        let second = n * 28 * 86_400 / visitors;
        let (day, hour, minute, s) = (1 + second / 86_400, second / 3600 % 24, second / 60 % 60, second % 60);
        let at = format!("2022-06-{day:02}T{hour:02}:{minute:02}:{s:02}+00:00 mx postfix");
        let ip = (n as u32).wrapping_mul(0x9e37_79b1).to_be_bytes();
        let mut refuse = |ip: &str, from: &str, to: &str| {
            let helo = from.replace('@', ".");
            writeln!(
                log,
                "{at}/smtpd[7]: NOQUEUE: reject: RCPT from unknown[{ip}]: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in local recipient table; from=<{from}> to=<{to}> proto=ESMTP helo=<{helo}>"
            )
            .unwrap();
        };
        let client = format!("{}.{}.{}.{}", ip[0] % 200 + 11, ip[1], ip[2], ip[3]);
        let word = ["ada", "bo", "cleo", "dirk", "eve"][n as usize % 5];
        refuse(&client, &format!("s{n}@d{}.example", n / 7), &format!("{word}.{:x}x@us.example", n * 31 % 5_003));
        if n % between != between / 2 {
            continue;
        }
        let to = format!("zz{:x}q@us.example", n / between);
        if n / between % 80 != 40 {
            refuse("203.0.113.9", "offers@deals.example", &to);
            continue;
        }
        let id = format!("A{:08X}", n / between);
        for line in [
            format!("smtpd[7]: {id}: client=unknown[203.0.113.9]"),
            format!("qmgr[8]: {id}: from=<offers@deals.example>, size=1000, nrcpt=1 (queue active)"),
            format!(
                "lmtp[9]: {id}: to=<{to}>, relay=us[/run/lmtp], delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 <{to}> Saved)"
            ),
            format!("qmgr[8]: {id}: removed"),
        ] {
            writeln!(log, "{at}/{line}").unwrap();
        }
        hits.insert(to);
    }
    hits
}

#[allow(clippy::print_stdout, reason = "a measurement is for people")]
fn check(visitors: u64, args: &[&str], most_mib: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut hits = BTreeSet::new();
    let peak = peak_of(dir.path(), args, |log| hits = flood(log, visitors));
    println!("{visitors} visitors: {} MiB at most", peak >> 10);
    let report = fs::read_to_string(dir.path().join("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let campaigns = report["campaigns"].as_array().unwrap();
    let mine = campaigns.iter().find(|c| c["ips"].as_array().unwrap() == &["203.0.113.9"]);
    let told: Vec<String> = campaigns.iter().map(|c| format!("{} {} {}", c["id"], c["guesses"], c["why"])).collect();
    let mine = mine.unwrap_or_else(|| panic!("the guesser was not found among {told:#?}"));
    let confirmed: BTreeSet<String> =
        mine["confirmed"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect();
    assert_eq!((confirmed, mine["guesses"].as_u64()), (hits, Some(400)), "{mine:#}");
    let strangers = &report["strangers"];
    let [least, most] = ["at_least", "at_most"].map(|key| strangers[key].as_u64().unwrap());
    // Each visitor came once: of those let go the mails are as many as they are, up to the guesser's own.
    let mails = strangers["mails"].as_u64().unwrap();
    assert!(mails > visitors / 2 && least <= mails && mails <= most + 400, "{strangers}");
    assert!(peak > 0 && peak >> 10 < most_mib, "{} MiB", peak >> 10);
}

#[test]
fn among_sixty_thousand_invented_origins_the_guesser_is_found() {
    check(60_000, &["--strangers", "6000"], 256);
}

/// Some minutes: `cargo test --release --test it origins -- --ignored --nocapture`.
#[test]
#[ignore = "ten million visitors take minutes"]
fn among_ten_million_invented_origins_the_guesser_is_found() {
    check(10_000_000, &[], 1024);
}
