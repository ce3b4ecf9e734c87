//! Plants what looks like guessing or like a typo and is neither. Each is named in the truth with its reason.

use std::collections::BTreeMap;

use super::{
    people::{Sender, World, person, special_domain},
    random::Rng,
    registry::Fate as Held,
    script::{Benign, DAY, Fate, Lapsed, Script, bystander, stranger},
};

/// The special domains of these stories start here.
const SPECIAL: u64 = 2000;

/// Plants those that fit a world of this size.
pub(super) fn plant(world: &World, script: &mut Script) {
    stale_list(world, script);
    old_import(world, script);
    migrated(world, script);
    shut_down(world, script);
    one_typo_again_and_again(world, script);
    backscatter(world, script);
    ex_employee(world, script);
    shared_address(world, script);
    outage(world, script);
    probe(world, script);
    full_mailboxes(world, script);
    nothing_but_slips(world, script);
    autoresponder(world, script);
    if world.records >= 20_000 {
        cleaned_list(world, script);
    }
}

fn stale_list(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "stale list");
    let from = stranger(world, 40);
    let members = (world.records / 25).clamp(60, 4000);
    let stale = rng.between(30, 80) as u64;
    let first = script.office_hour(script.days / 4, &mut rng);
    for k in 0..members {
        let (to, fate) = member(world, 9_000_001, k, every(k, stale), &mut rng);
        script.mail(first + k as i64 * 3, &from, &to, fate);
    }
    note(script, &from, "stale_list", "a mailing list with 3-8 % of members who have left");
}

fn old_import(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "old import");
    let from = stranger(world, 41);
    let members = (world.records / 100).clamp(30, 900);
    let stale = rng.between(250, 400) as u64;
    let first = script.office_hour(script.days / 2, &mut rng);
    for k in 0..members {
        // One member a domain as far as the tail goes: nobody guesses one name at each of 900 domains.
        let domain = super::people::domain(k * 7 % world.domains);
        let (to, fate) = if every(k, stale) {
            (world.departed(&domain, &mut rng), Fate::Unknown)
        } else {
            (person(&domain, rng.below(world.pool(&domain))), Fate::Taken)
        };
        script.mail(first + k as i64 * 9, &from, &to, fate);
    }
    note(
        script,
        &from,
        "old_import",
        "an old newsletter list sent to once: 25-40 % unknown, spread over the members' domains",
    );
}

fn migrated(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "migrated");
    let domain = special_domain(world, SPECIAL);
    let day = script.start + script.days / 2 * DAY;
    known_then(
        world,
        script,
        &domain,
        day,
        Fate::Unknown,
        "domain_migrated",
        "all mailboxes of one domain moved away on one day; many senders meet it",
        &mut rng,
    );
}

fn shut_down(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "shut down");
    let domain = special_domain(world, SPECIAL + 1);
    // Taken out of the DNS, but its holder keeps it.
    script.registry.set(&domain, Held::OnHold);
    let day = script.start + script.days * 3 / 5 * DAY;
    known_then(
        world,
        script,
        &domain,
        day,
        Fate::NoDomain,
        "domain_shut_down",
        "a domain its holder took out of the DNS and keeps",
        &mut rng,
    );
}

fn one_typo_again_and_again(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "one typo");
    let from = stranger(world, 42);
    let domain = special_domain(world, SPECIAL + 2);
    let meant = person(&domain, 4);
    let wrong = meant.replacen('a', "", 1);
    let wrong = if wrong == meant { meant.replacen('e', "", 1) } else { wrong };
    let first = script.office_hour(script.days / 3, &mut rng);
    script.mail(first - 3600, &from, &meant, Fate::Taken);
    for i in 0..(world.records / 150).clamp(12, 50) as i64 {
        script.mail(first + i * 1700, &from, &wrong, Fate::Unknown);
    }
    note(script, &from, "one_typo_retried", "a script sends to one mistyped address again and again");
}

fn backscatter(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "backscatter");
    let null = Sender { address: String::new(), client: "198.18.120.9".into(), login: String::new() };
    let first = script.office_hour(script.days / 5, &mut rng);
    for i in 0..(world.records / 400).clamp(8, 300) as i64 {
        let domain = world.any_domain(&mut rng);
        let (to, fate) = if rng.permille(600) {
            (world.departed(&domain, &mut rng), Fate::Unknown)
        } else {
            (person(&domain, rng.below(world.pool(&domain))), Fate::Taken)
        };
        script.mail(first + i * 45, &null, &to, fate);
    }
    script.benign.push(Benign {
        sender: Some(String::new()),
        ip: Some(null.client),
        kind: "backscatter",
        reason: "bounces of mail with forged senders: the null sender cannot guess",
    });
}

fn ex_employee(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "ex-employee");
    let domain = special_domain(world, SPECIAL + 3);
    let gone = person(&domain, world.pool(&domain) + 3);
    let colleague = person(&domain, 1);
    for _ in 0..(world.records / 100).clamp(10, 40) {
        let from = world.sender(bystander(world, &mut rng));
        let at = script.office_hour(script.day_in(0, 100, &mut rng), &mut rng);
        script.mail(at, &from, &gone, Fate::Unknown);
        if rng.permille(300) {
            script.mail(at + 4000, &from, &colleague, Fate::Taken);
        }
    }
    script.benign.push(Benign {
        sender: None,
        ip: None,
        kind: "ex_employee",
        reason: "up to 40 senders write to one person who left",
    });
}

fn shared_address(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "shared address");
    let client = "198.18.121.1".to_owned();
    let writers = (world.records / 800).clamp(5, 120);
    for n in 0..writers {
        let from = Sender { client: client.clone(), ..stranger(world, 100 + n) };
        for i in 0..rng.between(3, 6) {
            let to = world.contact(8_000_000 + n, i as u64);
            let at = script.office_hour(script.day_in(0, 100, &mut rng), &mut rng);
            script.mail(at, &from, &to, Fate::Taken);
        }
        let domain = world.any_domain(&mut rng);
        let (at, to) =
            (script.office_hour(script.day_in(0, 100, &mut rng), &mut rng), world.departed(&domain, &mut rng));
        script.mail(at, &from, &to, Fate::Unknown);
    }
    script.benign.push(Benign {
        sender: None,
        ip: Some(client),
        kind: "shared_address",
        reason: "a campus behind one address: many people, one slip each",
    });
}

fn outage(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "outage");
    let domain = special_domain(world, SPECIAL + 4);
    let noon = script.start + script.days * 2 / 5 * DAY + 12 * 3600;
    for _ in 0..(world.records / 400).clamp(6, 200) {
        let from = world.sender(bystander(world, &mut rng));
        let to = person(&domain, rng.below(world.pool(&domain)));
        for (at, fate) in [
            (rng.between(script.start + 3600, noon - 3600), Fate::Taken),
            (noon + rng.between(0, 1200), Fate::Unknown),
            (noon + rng.between(2 * DAY, 3 * DAY), Fate::Taken),
        ] {
            script.mail(at, &from, &to, fate);
        }
    }
    script.benign.push(Benign {
        sender: None,
        ip: None,
        kind: "directory_outage",
        reason: "for 20 minutes one domain called everybody unknown",
    });
}

fn probe(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "probe");
    let from = stranger(world, 43);
    let to = format!("probe-does-not-exist@{}", special_domain(world, SPECIAL + 5));
    let pause = if world.records < 5_000 { 3 } else { 1 };
    for day in (0..script.days).step_by(pause) {
        script.mail(script.start + day * DAY + 4 * 3600 + rng.between(0, 30), &from, &to, Fate::Unknown);
    }
    note(script, &from, "monitor_probe", "a monitor checks at the same hour that one made-up address is refused");
}

fn full_mailboxes(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "full mailboxes");
    let from = stranger(world, 44);
    let domain = special_domain(world, SPECIAL + 6);
    let first = script.office_hour(script.days / 2, &mut rng);
    for n in 0..12 {
        let fate = if n < 8 { Fate::OverQuota } else { Fate::Taken };
        script.mail(first + n * 240, &from, &person(&domain, n as u64), fate);
    }
    note(script, &from, "quota_as_4.1.1", "full mailboxes refused under 4.1.1, the code of unknown ones");
}

fn nothing_but_slips(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "nothing but slips");
    for n in 0..4 {
        let from = stranger(world, 50 + n);
        for _ in 0..rng.between(1, 2) {
            let domain = world.any_domain(&mut rng);
            let (at, to) =
                (script.office_hour(script.day_in(0, 100, &mut rng), &mut rng), world.departed(&domain, &mut rng));
            script.mail(at, &from, &to, Fate::Unknown);
        }
        note(script, &from, "only_slips", "somebody whose only mails are one or two slips");
    }
}

fn autoresponder(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "autoresponder");
    let from = stranger(world, 46);
    let to = person(&special_domain(world, SPECIAL + 7), 2);
    let first = script.office_hour(script.days / 6, &mut rng);
    for i in 0..(world.records / 200).clamp(10, 60) as i64 {
        script.mail(first + i * 20, &from, &to, Fate::Taken);
    }
    note(script, &from, "autoresponder_loop", "two answering machines write to each other");
}

fn cleaned_list(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "cleaned list");
    let from = stranger(world, 45);
    let members = (world.records / 200).clamp(60, 1500);
    for week in 0..script.days / 7 {
        let first = script.office_hour(week * 7 + 1, &mut rng);
        for k in 0..members {
            // A tenth of the list is new each week, and a quarter of the new is refused and struck off.
            let fresh = k % 10 == 0;
            let (to, fate) = member(
                world,
                9_500_000 + if fresh { week as u64 + 1 } else { 0 },
                k,
                fresh && every(k / 10, 250),
                &mut rng,
            );
            script.mail(first + k as i64 * 4, &from, &to, fate);
        }
    }
    note(script, &from, "cleaned_list", "a customer system that adds members weekly and strikes off the unknown");
}

/// Many senders know people at `domain`; from `day` on they all fail.
#[allow(clippy::too_many_arguments, reason = "one call tells one whole story")]
fn known_then(
    world: &World,
    script: &mut Script,
    domain: &str,
    day: i64,
    fate: Fate,
    kind: &'static str,
    reason: &'static str,
    rng: &mut Rng,
) {
    let mut met = BTreeMap::new();
    for _ in 0..(world.records / 500).clamp(6, 150) {
        let from = world.sender(bystander(world, rng));
        let to = person(domain, rng.below(world.pool(domain)));
        // Who reads the log cannot tell these from a lapse, and need not: only calling them a campaign or free would be wrong.
        let name = if fate == Fate::NoDomain { domain.to_owned() } else { to.clone() };
        let lapsed = met.entry(name.clone()).or_insert(Lapsed { name, accepted: 0, refused: 0, since: day });
        lapsed.accepted += 1;
        lapsed.refused += 1;
        for (at, fate) in [
            (rng.between(script.start + 3600, day - 3600), Fate::Taken),
            (rng.between(day, script.start + script.days * DAY - 1), fate),
        ] {
            script.mail(at, &from, &to, fate);
        }
    }
    let list = if fate == Fate::NoDomain { &mut script.expired } else { &mut script.gone };
    list.extend(met.into_values());
    script.benign.push(Benign { sender: None, ip: None, kind, reason });
}

/// Whether `k` is one of the `n` in 1,000, spread evenly: a short list has its share too.
fn every(k: u64, n: u64) -> bool {
    (k + 1) * n / 1000 > k * n / 1000
}

/// Member `k` of list `list`: their address, and whether it still is one.
fn member(world: &World, list: u64, k: u64, stale: bool, rng: &mut Rng) -> (String, Fate) {
    if stale {
        let domain = world.any_domain(rng);
        (world.departed(&domain, rng), Fate::Unknown)
    } else {
        (world.contact(list, k), Fate::Taken)
    }
}

fn note(script: &mut Script, from: &Sender, kind: &'static str, reason: &'static str) {
    script.benign.push(Benign { sender: Some(from.address.clone()), ip: Some(from.client.clone()), kind, reason });
}
