//! The stories only a trial of the campaign search needs; the default world stays as small as it is.

use std::collections::BTreeSet;

use super::{
    attacks::{Tide, attack, inbound, outbound},
    guesses::{Guesses, guesses, own_guesses},
    people::{Sender, World, own_domains, person, special_domain},
    random::Rng,
    script::{Benign, DAY, Fate, Plan, Script, Visit, stranger},
    visitors::nobody,
};

/// The special domains of these stories start here.
const SPECIAL: u64 = 3000;
/// The paper's case: tries and hits.
const PAPER: (u64, u64) = (4286, 39);

/// Plants the look-alikes.
pub(super) fn innocents(world: &World, script: &mut Script) {
    lists(world, script);
    invitations(world, script);
    catch_all(world, script);
    callouts(world, script);
    outside_list(world, script);
}

/// Plants the attacks.
pub(super) fn attacks(world: &World, script: &mut Script) {
    if world.records >= 25_000 {
        paper(world, script);
    }
    shared_account(world, script);
    greylisted(world, script);
    year_roll(world, script);
    typo_and_guess(world, script);
    wide(world, script);
    crowd(world, script);
}

/// The account behind the shared-account attack, as Postfix logs it.
const STOLEN: &str = "front.desk@brightwater.cn";

fn paper(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "paper");
    let targets: Vec<_> = (0..5).map(|n| special_domain(world, SPECIAL + n)).collect();
    let guesses = guesses(world, &targets, PAPER.0, PAPER.1, &mut rng);
    let first = script.start + script.day_in(10, 20, &mut rng) * DAY + 8 * 3600;
    let tide = Tide { id: "B1", kind: "paper_case", fast: true };
    outbound(script, tide, &[stranger(world, 300)], guesses, |i, r| first + i as i64 * 14 + r.between(0, 9), &mut rng);
}

/// One stolen login: every guess bears another sender's name, all are handed in from one address.
fn shared_account(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "shared account");
    let guesses = guesses(world, &[special_domain(world, SPECIAL + 10)], 150, 3, &mut rng);
    let from: Vec<_> = (0..150)
        .map(|n| Sender {
            address: stranger(world, 500 + n).address,
            client: "198.18.140.9".to_owned(),
            login: STOLEN.to_owned(),
        })
        .collect();
    let first = script.start + script.day_in(25, 35, &mut rng) * DAY + 13 * 3600;
    let tide = Tide { id: "B2", kind: "shared_account", fast: true };
    outbound(script, tide, &from, guesses, |i, r| first + i as i64 * 90 + r.between(0, 60), &mut rng);
}

fn greylisted(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "greylisted");
    let guesses = guesses(world, &[special_domain(world, SPECIAL + 11)], 120, 2, &mut rng);
    let from = stranger(world, 301);
    let first = script.start + script.day_in(30, 50, &mut rng) * DAY + 6 * 3600;
    let mut attack = attack(Tide { id: "B3", kind: "greylisted", fast: true }, std::slice::from_ref(&from), &guesses);
    for (i, to) in guesses.tried.iter().enumerate() {
        let at = first + i as i64 * 200 + rng.between(0, 100);
        let fate = if guesses.hits.contains(to) { Fate::Taken } else { Fate::Greyed };
        attack.first = attack.first.min(at);
        attack.last = attack.last.max(at);
        script.plans.push(Plan::of(at, &from, to, fate));
    }
    script.attacks.push(attack);
}

/// Around midnight of the twenty-first day: New Year's Eve in a world that begins on the twelfth of December.
fn year_roll(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "year roll");
    let guesses = guesses(world, &[special_domain(world, SPECIAL + 12)], 100, 2, &mut rng);
    let first = script.start + (script.days - 8).max(2) * DAY - 20 * 3600;
    let tide = Tide { id: "B4", kind: "year_roll", fast: true };
    outbound(
        script,
        tide,
        &[stranger(world, 302)],
        guesses,
        |i, r| first + i as i64 * 1400 + r.between(0, 900),
        &mut rng,
    );
}

/// Half the mails go to a misspelt domain that does not exist, half are guesses at the right one.
fn typo_and_guess(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "typo and guess");
    let target = special_domain(world, SPECIAL + 13);
    let wrong = format!("{}{target}", &target[..1]);
    let guesses = guesses(world, &[target], 80, 2, &mut rng);
    let from = stranger(world, 303);
    let first = script.start + script.day_in(60, 70, &mut rng) * DAY + 9 * 3600;
    for i in 0..40 {
        script.mail(first + i * 600, &from, &person(&wrong, i as u64), Fate::NoDomain);
    }
    let tide = Tide { id: "B5", kind: "typo_and_guess", fast: true };
    outbound(script, tide, &[from], guesses, |i, r| first + i as i64 * 300 + r.between(0, 200), &mut rng);
}

/// Fifteen made-up names at each of eight domains.
fn wide(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "wide");
    let targets: Vec<_> = (0..8).map(|n| special_domain(world, SPECIAL + 20 + n)).collect();
    let tried: Vec<_> = (0..15)
        .flat_map(|n| targets.iter().map(move |d| format!("{}{n}k@{d}", ["ops", "desk", "fin"][n % 3])))
        .collect();
    let guesses = Guesses { tried, hits: BTreeSet::new() };
    let first = script.start + script.day_in(70, 80, &mut rng) * DAY + 9 * 3600;
    let tide = Tide { id: "B6", kind: "wide", fast: true };
    outbound(
        script,
        tide,
        &[stranger(world, 304)],
        guesses,
        |i, r| first + i as i64 * 150 + r.between(0, 90),
        &mut rng,
    );
}

/// One guess an address and a sender: nothing is shared but the target.
fn crowd(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "crowd");
    let guesses = own_guesses(world, own_domains()[4], 300, &mut rng);
    let first = script.start + script.day_in(80, 88, &mut rng) * DAY + 3600;
    let tide = Tide { id: "B7", kind: "crowd", fast: true };
    let mut whole = attack(tide, &[], &guesses);
    whole.inbound = true;
    for (i, to) in guesses.tried.iter().enumerate() {
        let client = format!("203.{}.{}.{}", i % 100 + 1, i / 2 % 200 + 1, i % 250 + 2);
        let from = format!("s{}@mail{}.example.net", world.seed * 1000 + i as u64, i * 7919);
        let at = first + i as i64 * 130 + rng.between(0, 60);
        whole.first = whole.first.min(at);
        whole.last = whole.last.max(at);
        whole.ips.push(client.clone());
        whole.senders.push(from.clone());
        let (taken, refused) =
            if guesses.hits.contains(to) { (vec![to.clone()], vec![]) } else { (vec![], vec![to.clone()]) };
        script.visits.push(Visit { at, client, host: "unknown".to_owned(), from, taken, refused });
    }
    whole.ips.sort();
    whole.senders.sort();
    script.attacks.push(whole);
    // A second hit of the greylisted kind from outside, from one address.
    let guesses = own_guesses(world, own_domains()[2], 90, &mut rng);
    let first = script.start + script.day_in(50, 55, &mut rng) * DAY + 4 * 3600;
    let one = |_| ("203.0.113.201".to_owned(), "unknown".to_owned());
    let tide = Tide { id: "B8", kind: "inbound_single", fast: true };
    inbound(script, tide, "a@one-shot.example.org", guesses, 1, one, |i| first + i as i64 * 75, &mut rng);
}

/// Lists that fail more than most: all at one provider, sign-ups with slips, paid cleaning, role accounts of firms.
fn lists(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "more lists");
    let mut list =
        |n: u64, kind, reason, mails: u64, unknown: u64, gap: i64, to: &dyn Fn(u64, bool, &mut Rng) -> String| {
            let from = stranger(world, 320 + n);
            let first = script.office_hour(script.days * (20 + n as i64 * 7) / 100, &mut rng);
            for k in 0..mails {
                let bad = rng.permille(unknown);
                let to = to(k, bad, &mut rng);
                script.mail(first + k as i64 * gap, &from, &to, if bad { Fate::Unknown } else { Fate::Taken });
            }
            script.benign.push(Benign { sender: Some(from.address), ip: Some(from.client), kind, reason });
        };
    let at = |domain: &str, k: u64, bad: bool, rng: &mut Rng| {
        if bad { world.departed(domain, rng) } else { person(domain, k % world.pool(domain)) }
    };
    list(0, "alumni_list", "an alumni list, all at one provider, 40 % gone", 300, 400, 7, &|k, bad, rng| {
        at("qq.com", k, bad, rng)
    });
    list(1, "sign_up_form", "confirmations of a sign-up form: 8 % mistyped", 400, 80, 900, &|k, bad, rng| {
        let domain = world.any_domain(rng);
        at(&domain, k, bad, rng)
    });
    list(2, "hygiene_service", "a service paid to clean old lists: 45 % unknown", 400, 450, 5, &|k, bad, rng| {
        let domain = world.any_domain(rng);
        at(&domain, k, bad, rng)
    });
    list(3, "cold_mailer", "offers to the role accounts of firms, one each", 250, 250, 11, &|k, _, _| {
        let role = ["info", "sales", "contact", "office"][k as usize % 4];
        format!("{role}@{}", super::people::domain(k * 11 % world.domains))
    });
    let firm = special_domain(world, SPECIAL + 40);
    list(
        4,
        "customer_of_one_firm",
        "writes to one firm's people, one in five gone",
        50,
        200,
        20_000,
        &|k, bad, rng| at(&firm, k, bad, rng),
    );
}

/// Invitations with consent to a partner's staff, by their rule for addresses; a third have left.
fn invitations(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "invitations");
    let (from, firm) = (stranger(world, 330), special_domain(world, SPECIAL + 41));
    let first = script.office_hour(script.days / 2, &mut rng);
    for k in 0..world.pool(&firm) {
        let bad = rng.permille(300);
        let to = person(&firm, if bad { world.pool(&firm) + k } else { k });
        script.mail(first + k as i64 * 4, &from, &to, if bad { Fate::Unknown } else { Fate::Taken });
    }
    note(script, from, "invitations", "an importer invites a partner's staff by their rule for addresses");
}

fn catch_all(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "catch-all");
    let (from, firm) = (stranger(world, 331), special_domain(world, SPECIAL + 42));
    let first = script.office_hour(script.days / 3, &mut rng);
    for k in 0..40 {
        script.mail(first + k * 60, &from, &format!("order-{k}@{firm}"), Fate::Taken);
    }
    note(script, from, "catch_all", "a domain that takes every name");
}

/// A server that asks whether the senders of its mail exist: the spam it got forged many of our names.
fn callouts(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "callouts");
    for i in 0..120 {
        let at = script.start + (i * 5 + 3) * 3600 % (script.days * DAY);
        script.visits.push(Visit {
            at,
            client: "198.18.133.4".into(),
            host: "verify.mx.example.net".into(),
            from: String::new(),
            taken: vec![],
            refused: vec![nobody(world, &mut rng)],
        });
    }
    script.benign.push(Benign {
        sender: None,
        ip: Some("198.18.133.4".into()),
        kind: "callout_verifier",
        reason: "asks with the null sender whether senders of its mail exist",
    });
}

/// An old list of our users, sent to once by somebody outside.
fn outside_list(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "outside list");
    let (client, from) = ("198.18.134.8", "club@veterans.example.org");
    let first = script.office_hour(script.days * 3 / 5, &mut rng);
    for i in 0..250 {
        let (taken, refused) = if rng.permille(350) {
            (vec![], vec![nobody(world, &mut rng)])
        } else {
            (vec![super::people::own_address(rng.below(world.senders))], vec![])
        };
        let (client, host) = (client.to_owned(), "out.veterans.example.org".to_owned());
        script.visits.push(Visit { at: first + i * 6, client, host, from: from.to_owned(), taken, refused });
    }
    script.benign.push(Benign {
        sender: Some(from.into()),
        ip: Some(client.into()),
        kind: "inbound_old_list",
        reason: "an old list of our users: 35 % have left",
    });
}

fn note(script: &mut Script, from: Sender, kind: &'static str, reason: &'static str) {
    script.benign.push(Benign { sender: Some(from.address), ip: Some(from.client), kind, reason });
}
