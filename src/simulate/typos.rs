//! Plants mistyped domains and usernames, and names that lapse while the world runs.

use std::collections::BTreeSet;

use super::{
    people::{PROVIDERS, World, domain, person, special_domain},
    random::Rng,
    registry::Fate as Held,
    script::{Fate, Lapsed, Script, Typo, bystander},
};

/// Edits with their weight: omission first, as observed.
const EDITS: [(&str, u64); 7] = [
    ("omission", 42),
    ("transposition", 15),
    ("substitution", 16),
    ("insertion", 13),
    ("tld", 7),
    ("hyphenation", 4),
    ("missing_dot", 3),
];
/// One edit away from a popular name and popular themselves: nobody could call mail to them a typo.
const REAL: [&str; 18] = [
    "yahoo.cn",
    "icloud.co",
    "gmail.de",
    "hotmail.fr",
    "mail.com",
    "email.com",
    "ymail.com",
    "gmail.co",
    "hotmail.co",
    "outlook.co",
    "yahoo.co",
    "gmx.com",
    "gmail.net",
    "aol.com",
    "cloud.com",
    "look.com",
    "email.cn",
    "hotmail.de",
];
/// What lies beside a key.
const NEIGHBOURS: [(&str, &str); 26] = [
    ("a", "sq"),
    ("b", "vn"),
    ("c", "xv"),
    ("d", "sf"),
    ("e", "wr"),
    ("f", "dg"),
    ("g", "fh"),
    ("h", "gj"),
    ("i", "uo"),
    ("j", "hk"),
    ("k", "jl"),
    ("l", "k"),
    ("m", "n"),
    ("n", "bm"),
    ("o", "ip"),
    ("p", "o"),
    ("q", "wa"),
    ("r", "et"),
    ("s", "ad"),
    ("t", "ry"),
    ("u", "yi"),
    ("v", "cb"),
    ("w", "qe"),
    ("x", "zc"),
    ("y", "tu"),
    ("z", "x"),
];

/// Plants all of it.
pub(super) fn plant(world: &World, script: &mut Script) {
    domains(world, script);
    usernames(world, script);
    expired(world, script);
    gone(world, script);
}

fn domains(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "domain typos");
    let count = (world.records / 600).clamp(8, 1000);
    let mut typed = BTreeSet::new();
    let mut n = 0;
    while n < count {
        let intended =
            if rng.permille(750) { popular(&mut rng) } else { domain(rng.below(6 + world.records / 20_000)) };
        // The paper's own example, then every kind of edit once, then chance.
        let (intended, edit) = match n {
            0 => ("yahoo.com.cn".to_owned(), "omission"),
            1 => ("gmail.com".to_owned(), "omission"),
            2 => ("hotmail.com".to_owned(), "transposition"),
            3 => ("gmail.com".to_owned(), "substitution"),
            4 => ("yahoo.com".to_owned(), "insertion"),
            5 => ("gmail.com".to_owned(), "tld"),
            _ => (intended, EDITS[rng.weighted(EDITS.iter().map(|e| e.1))].0),
        };
        let Some(name) = edited(&intended, edit, &mut rng) else {
            continue;
        };
        let name = if n == 0 { "yaho.com.cn".to_owned() } else { name };
        if REAL.contains(&name.as_str()) || PROVIDERS.iter().any(|p| p.0 == name) || !typed.insert(name.clone()) {
            continue;
        }
        let held = match n {
            _ if name.ends_with(".con") || name.ends_with(".cmo") || !name.contains('.') => Held::NotAPublicSuffix,
            0..4 => Held::Registrable,
            4 => Held::Registered,
            6 => Held::Redemption,
            7 => Held::OnHold,
            _ if rng.permille(220) => Held::Registered,
            _ => Held::unresolved(&mut rng),
        };
        script.registry.set(&name, held);
        // A parked name takes everything, refuses everybody, or never answers.
        let fate = match (held, rng.below(3)) {
            (Held::Registered, 0) => Fate::Taken,
            (Held::Registered, 1) => Fate::Unknown,
            (Held::Registered, _) => Fate::Silent,
            _ => Fate::NoDomain,
        };
        // Most are one person's slip, a few everybody's.
        let writers = match rng.below(100) {
            0..65 => 1,
            65..95 => rng.between(2, 4),
            _ if world.records < 20_000 => 4,
            _ => rng.between(5, 25),
        };
        let mut typo =
            Typo { typed: name.clone(), intended: intended.clone(), edit, emails: 0, bounced: 0, senders: Vec::new() };
        for _ in 0..writers {
            let from = world.sender(bystander(world, &mut rng));
            let meant = person(&intended, rng.below(world.pool(&intended).min(4000)));
            let wrong = meant.replacen(&format!("@{intended}"), &format!("@{name}"), 1);
            let day = script.day_in(10, 90, &mut rng);
            let before = script.office_hour(day - 2, &mut rng);
            script.mail(before, &from, &meant, Fate::Taken);
            for i in 0..rng.between(1, 3) {
                let at = script.office_hour(day + i, &mut rng);
                script.mail(at, &from, &wrong, fate);
                typo.emails += 1;
                typo.bounced += u64::from(fate != Fate::Taken);
            }
            if !typo.senders.contains(&from.address) {
                typo.senders.push(from.address);
            }
        }
        typo.senders.sort();
        script.domain_typos.push(typo);
        n += 1;
    }
}

fn usernames(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "username typos");
    let count = (world.records / 600).clamp(6, 2500);
    let mut seen = BTreeSet::new();
    let mut n = 0;
    while n < count {
        let domain = world.any_domain(&mut rng);
        let number = rng.below(world.pool(&domain));
        let meant = person(&domain, number);
        let Some((local, _)) = meant.split_once('@') else {
            continue;
        };
        let edit = ["omission", "transposition", "substitution", "insertion"][rng.weighted([50, 22, 16, 12])];
        // Digits and separators tell people apart; a slip in the letters of a name does not hit somebody else.
        let Some(wrong) = letters(local, edit, &mut rng) else {
            continue;
        };
        if !seen.insert(format!("{wrong}@{domain}")) {
            continue;
        }
        let from = world.sender(bystander(world, &mut rng));
        let day = script.day_in(10, 85, &mut rng);
        let emails = rng.between(1, 3);
        let wrong = format!("{wrong}@{domain}");
        for (day, to, fate) in [(day - 3, &meant, Fate::Taken), (day + 4, &meant, Fate::Taken)]
            .into_iter()
            .chain((0..emails).map(|i| (day + i, &wrong, Fate::Unknown)))
        {
            let at = script.office_hour(day, &mut rng);
            script.mail(at, &from, to, fate);
        }
        script.username_typos.push(Typo {
            typed: wrong,
            intended: meant,
            edit,
            emails: emails as u64,
            bounced: emails as u64,
            senders: vec![from.address],
        });
        n += 1;
    }
}

fn expired(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "expired");
    for n in 0..(world.records / 2000).clamp(2, 120) {
        let name = special_domain(world, n);
        let held = match n {
            0 => Held::Registrable,
            1 => Held::Redemption,
            _ => Held::unresolved(&mut rng),
        };
        script.registry.set(&name, held);
        let since = script.start + script.day_in(40, 65, &mut rng) * super::script::DAY;
        let mut lapsed = Lapsed { name: name.clone(), accepted: 0, refused: 0, since };
        for _ in 0..rng.between(2, 5) {
            let from = world.sender(bystander(world, &mut rng));
            let to = person(&name, rng.below(8));
            for _ in 0..rng.between(1, 3) {
                let at = rng.between(script.start + 3600, since - 7200);
                script.mail(at, &from, &to, Fate::Taken);
                lapsed.accepted += 1;
            }
            for _ in 0..rng.between(1, 2) {
                let at = rng.between(since, script.start + script.days * super::script::DAY - 1);
                script.mail(at, &from, &to, Fate::NoDomain);
                lapsed.refused += 1;
            }
        }
        script.expired.push(lapsed);
    }
}

fn gone(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "gone");
    let mut seen = BTreeSet::new();
    for _ in 0..(world.records / 2000).clamp(3, 800) {
        let domain = world.any_domain(&mut rng);
        // A range of numbers nobody else draws from: had mailboxes once, neither in the pool nor among the departed.
        let name = person(&domain, world.pool(&domain) * 2 + rng.below(2000));
        if !seen.insert(name.clone()) {
            continue;
        }
        let since = script.start + script.day_in(35, 70, &mut rng) * super::script::DAY;
        let mut lapsed = Lapsed { name: name.clone(), accepted: 0, refused: 0, since };
        for _ in 0..rng.between(1, 3) {
            let from = world.sender(bystander(world, &mut rng));
            for _ in 0..rng.between(1, 2) {
                let at = rng.between(script.start + 3600, since - 7200);
                script.mail(at, &from, &name, Fate::Taken);
                lapsed.accepted += 1;
            }
            let at = rng.between(since, script.start + script.days * super::script::DAY - 1);
            script.mail(at, &from, &name, Fate::Unknown);
            lapsed.refused += 1;
        }
        script.gone.push(lapsed);
    }
}

fn popular(rng: &mut Rng) -> String {
    // qq.com and 163.com are too short: a slip in them may as well mean another short name.
    let long = ["gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "yahoo.com.cn"];
    long[rng.weighted([38, 14, 14, 20, 5, 9])].to_owned()
}

/// `name` with one slip of the given kind; `None` where the draw gives no new word.
fn edited(name: &str, edit: &'static str, rng: &mut Rng) -> Option<String> {
    let (stem, suffix) = name.split_once('.')?;
    match edit {
        "tld" => {
            let of: &[&str] = match suffix {
                "com" => &["con", "cm", "om", "cmo", "co"],
                "com.cn" => &["cn", "com.cm"],
                _ => return None,
            };
            Some(format!("{stem}.{}", rng.pick(of)))
        }
        "missing_dot" => suffix.contains('.').then(|| name.replacen('.', "", 1)),
        "hyphenation" => match stem {
            "hotmail" => Some(format!("hot-mail.{suffix}")),
            "gmail" => Some(format!("g-mail.{suffix}")),
            "outlook" => Some(format!("out-look.{suffix}")),
            "icloud" => Some(format!("i-cloud.{suffix}")),
            _ if stem.contains('-') => Some(format!("{}.{suffix}", stem.replacen('-', "", 1))),
            _ => None,
        },
        _ => letters(stem, edit, rng).map(|s| format!("{s}.{suffix}")),
    }
}

/// One slip among the letters of `word`, never on its first one (people see that) and never across a digit or separator.
fn letters(word: &str, edit: &str, rng: &mut Rng) -> Option<String> {
    let b = word.as_bytes();
    let at = 1 + rng.below(b.len().saturating_sub(1) as u64) as usize;
    let mut out = b.to_vec();
    if !b.get(at)?.is_ascii_lowercase() {
        return None;
    }
    let beside = NEIGHBOURS.iter().find(|n| n.0.as_bytes()[0] == b[at]).map(|n| n.1.as_bytes())?;
    let beside = beside[rng.below(beside.len() as u64) as usize];
    match edit {
        "omission" => {
            out.remove(at);
        }
        "transposition" => {
            if b.get(at + 1).is_none_or(|c| !c.is_ascii_lowercase() || *c == b[at]) {
                return None;
            }
            out.swap(at, at + 1);
        }
        "substitution" => out[at] = beside,
        _ => out.insert(at, if rng.permille(500) { b[at] } else { beside }),
    }
    String::from_utf8(out).ok().filter(|s| s != word)
}
