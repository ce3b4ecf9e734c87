//! Which addresses an attack tries: words and spellings of names, among them a few that exist.

use std::collections::BTreeSet;

use super::{
    people::{World, names, own_address, person},
    random::Rng,
    script::stranger,
};

/// The words a harvester tries beside names.
const WORDS: [&str; 48] = [
    "info",
    "admin",
    "sales",
    "office",
    "support",
    "contact",
    "hr",
    "jobs",
    "billing",
    "accounts",
    "purchase",
    "director",
    "ceo",
    "cfo",
    "service",
    "marketing",
    "press",
    "webmaster",
    "postmaster",
    "help",
    "orders",
    "finance",
    "reception",
    "secretary",
    "export",
    "import",
    "it",
    "manager",
    "legal",
    "payroll",
    "team",
    "mail",
    "test",
    "root",
    "security",
    "abuse",
    "news",
    "shop",
    "export2",
    "warehouse",
    "logistics",
    "quality",
    "training",
    "invoice",
    "vendor",
    "partner",
    "helpdesk",
    "president",
];
/// A list of addresses in the order tried, and those of them that exist.
pub(super) struct Guesses {
    pub(super) tried: Vec<String>,
    pub(super) hits: BTreeSet<String>,
}

/// `tries` distinct addresses over `targets`, `hits` of which exist, in the order tried.
pub(super) fn guesses(world: &World, targets: &[String], tries: u64, hits: u64, rng: &mut Rng) -> Guesses {
    let exists: BTreeSet<_> = targets.iter().flat_map(|d| (0..world.pool(d)).map(move |n| person(d, n))).collect();
    let mut found = BTreeSet::new();
    while (found.len() as u64) < hits.min(exists.len() as u64) {
        let d = &targets[rng.below(targets.len() as u64) as usize];
        found.insert(person(d, rng.below(world.pool(d))));
    }
    filled(targets, tries, exists, found, rng)
}

/// The same at one of our own domains.
pub(super) fn own_guesses(world: &World, domain: &str, tries: u64, rng: &mut Rng) -> Guesses {
    let ours: BTreeSet<_> = (0..world.senders).map(own_address).filter(|a| a.ends_with(domain)).collect();
    let mut hits: Vec<_> = ours.iter().cloned().collect();
    shuffle(&mut hits, rng);
    hits.truncate((tries as usize / 50).clamp(2, (ours.len() / 2).max(2)));
    // Strangers that other stories make (see `stranger`) exist too.
    let exists = ours.into_iter().chain((0..400).map(|n| stranger(world, n).address)).collect();
    filled(&[domain.to_owned()], tries, exists, hits.into_iter().collect(), rng)
}

fn filled(targets: &[String], tries: u64, exists: BTreeSet<String>, hits: BTreeSet<String>, rng: &mut Rng) -> Guesses {
    let mut tried = hits.clone();
    let mut word = 0;
    while (tried.len() as u64) < tries {
        let domain = &targets[rng.below(targets.len() as u64) as usize];
        let local = if rng.permille(250) && word < WORDS.len() * targets.len() {
            word += 1;
            WORDS[word % WORDS.len()].to_owned()
        } else {
            let (first, last) = names(domain, rng.below(3600));
            let forms = variants(first, last);
            forms[rng.below(forms.len() as u64) as usize].clone()
        };
        let address = format!("{local}@{domain}");
        if !exists.contains(&address) {
            tried.insert(address);
        }
    }
    let mut tried: Vec<_> = tried.into_iter().collect();
    shuffle(&mut tried, rng);
    Guesses { tried, hits }
}

/// {whole, prefix, initial} × {order} × {nothing, dot, underscore, hyphen}: how one name is tried.
pub(super) fn variants(first: &str, last: &str) -> Vec<String> {
    let (f, l, p) = (&first[..1], &last[..1], &first[..first.len().min(3)]);
    let mut all = Vec::new();
    for (a, b) in [(first, last), (last, first), (f, last), (first, l), (last, f), (p, last)] {
        for sep in [".", "", "_", "-"] {
            all.push(format!("{a}{sep}{b}"));
        }
    }
    all
}

pub(super) fn shuffle(of: &mut [String], rng: &mut Rng) {
    for i in (1..of.len()).rev() {
        of.swap(i, rng.below(i as u64 + 1) as usize);
    }
}
