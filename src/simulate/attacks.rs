//! Plants address guessing: what our own users do to others (outbound, in every format) and what others do to us
//! (inbound, in the Postfix logs only, since an outbound log cannot show it).

use std::collections::BTreeSet;

use super::{
    guesses::{Guesses, guesses, own_guesses, shuffle, variants},
    people::{Sender, World, names, own_domains, person, special_domain},
    random::Rng,
    script::{Attack, DAY, Fate, Plan, Script, Visit, stranger},
};

/// The first special domains belong to other stories; those of attacks start here.
const TARGETS: u64 = 1000;

/// Plants the attacks that fit a world of this size.
pub(super) fn plant(world: &World, script: &mut Script) {
    slide(world, script);
    mutations(world, script);
    if world.records >= 5_000 {
        colluding(world, script);
        diluted(world, script);
        verp(world, script);
        slow(world, script);
    }
    inbound_fast(world, script);
    inbound_spread(world, script);
}

fn slide(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "slide");
    // The slide's numbers where the world is large enough, at most a fiftieth of all mail where it is not.
    let tries = (world.records / 50).clamp(40, 4286);
    let targets: Vec<_> = (0..=tries / 800).map(|n| special_domain(world, TARGETS + n)).collect();
    let guesses = guesses(world, &targets, tries, (tries * 39 / 4286).max(3), &mut rng);
    let from = stranger(world, 1);
    let first = script.start + script.day_in(45, 60, &mut rng) * DAY + 9 * 3600;
    let gap = (20 * 3600 / tries as i64).clamp(12, 60);
    outbound(
        script,
        Tide { id: "A1", kind: "one_sender", fast: true },
        &[from],
        guesses,
        |i, rng| first + i as i64 * gap + rng.between(0, gap / 2),
        &mut rng,
    );
}

fn mutations(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "mutations");
    let base = special_domain(world, TARGETS + 20);
    let stem = base.split('.').next().unwrap_or("");
    let spellings: Vec<_> = [base.as_str(), &format!("{stem}.net"), &format!("{stem}.org")]
        .iter()
        .map(|d| (*d).to_owned())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let (first, last) = names(&base, 3);
    let hit = person(&base, 3);
    let mut tried: Vec<_> = spellings
        .iter()
        .flat_map(|d| variants(first, last).into_iter().take(7).map(move |v| format!("{v}@{d}")))
        .filter(|a| *a != hit)
        .collect();
    shuffle(&mut tried, &mut rng);
    tried.truncate(rng.between(10, 18) as usize);
    tried.insert(tried.len() - 1, hit.clone());
    let from = stranger(world, 2);
    let start = script.start + script.day_in(30, 70, &mut rng) * DAY + 8 * 3600;
    outbound(
        script,
        Tide { id: "A4", kind: "name_mutations", fast: false },
        &[from],
        Guesses { tried, hits: [hit].into() },
        |i, rng| start + i as i64 * 1100 + rng.between(0, 600),
        &mut rng,
    );
}

fn colluding(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "colluding");
    let list = (world.records / 160).clamp(50, 600);
    let guesses = guesses(world, &[special_domain(world, TARGETS + 30)], list, (list / 60).max(2), &mut rng);
    let senders: Vec<_> = (10..14).map(|n| stranger(world, n)).collect();
    let first = script.start + script.day_in(20, 40, &mut rng) * DAY + 10 * 3600;
    // Every sender takes half of the one list, from a start of its own: the halves overlap.
    let half = list as usize / 2;
    let mut attack = attack(Tide { id: "A3", kind: "colluding", fast: true }, &senders, &guesses);
    for (j, from) in senders.iter().enumerate() {
        for i in 0..half {
            let to = &guesses.tried[(j * list as usize / 4 + i) % list as usize];
            shoot(
                script,
                &mut attack,
                first + j as i64 * 900 + i as i64 * 70 + rng.between(0, 40),
                from,
                to,
                &guesses.hits,
            );
        }
    }
    script.attacks.push(attack);
}

fn diluted(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "diluted");
    let tries = (world.records / 150).clamp(40, 600);
    let guesses = guesses(world, &[special_domain(world, TARGETS + 40)], tries, (tries / 40).max(2), &mut rng);
    let from = stranger(world, 20);
    let first = script.start + script.day_in(55, 75, &mut rng) * DAY + 7 * 3600;
    let gap = (10 * 3600 / tries as i64).max(40);
    for i in 0..tries as i64 {
        // Every second mail goes to somebody the sender has long been writing to.
        let known = world.contact(world.senders + 70, if i < 6 { i as u64 } else { rng.below(6) });
        let at = if i < 12 {
            script.start + rng.between(3600, (first - script.start).max(7200))
        } else {
            first + i * gap + rng.between(0, gap)
        };
        script.mail(at, &from, &known, Fate::Taken);
    }
    outbound(
        script,
        Tide { id: "A8", kind: "diluted", fast: true },
        &[from],
        guesses,
        |i, rng| first + i as i64 * gap + rng.between(0, gap / 2),
        &mut rng,
    );
}

fn verp(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "verp");
    let tries = (world.records / 250).clamp(30, 600);
    let guesses = guesses(world, &[special_domain(world, TARGETS + 50)], tries, (tries / 50).max(1), &mut rng);
    let Sender { address, client, login } = stranger(world, 21);
    let domain = address.rsplit('@').next().unwrap_or("").to_owned();
    let senders: Vec<_> = guesses
        .tried
        .iter()
        .enumerate()
        .map(|(i, to)| Sender {
            address: format!("bounce+{:04x}-{}@{domain}", i * 37 + 4096, to.replace('@', "=")),
            client: client.clone(),
            login: login.clone(),
        })
        .collect();
    let first = script.start + script.day_in(10, 30, &mut rng) * DAY + 11 * 3600;
    let mut attack = attack(Tide { id: "A9", kind: "verp_rotating_sender", fast: false }, &senders, &guesses);
    for (i, (from, to)) in senders.iter().zip(&guesses.tried).enumerate() {
        shoot(script, &mut attack, first + i as i64 * 120 + rng.between(0, 60), from, to, &guesses.hits);
    }
    script.attacks.push(attack);
}

fn slow(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "slow");
    let a_day = (world.records / 5_000).clamp(1, 10);
    let tries = a_day * script.days as u64;
    let guesses = guesses(world, &[special_domain(world, TARGETS + 60)], tries, (tries / 60).max(1), &mut rng);
    let start = script.start;
    outbound(
        script,
        Tide { id: "A2", kind: "slow", fast: false },
        &[stranger(world, 22)],
        guesses,
        |i, rng| start + i as i64 * DAY / a_day as i64 + rng.between(0, DAY / a_day as i64 - 1),
        &mut rng,
    );
}

fn inbound_fast(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "inbound fast");
    let tries = (world.records / 40).clamp(60, 2000);
    let guesses = own_guesses(world, own_domains()[0], tries, &mut rng);
    let first = script.start + script.day_in(35, 55, &mut rng) * DAY + 3 * 3600;
    let ip = |_| ("203.0.113.66".to_owned(), "unknown".to_owned());
    inbound(
        script,
        Tide { id: "A5", kind: "inbound_fast", fast: true },
        "offers@bulkdeals.top",
        guesses,
        6,
        ip,
        |i| first + i as i64 * 40,
        &mut rng,
    );
}

fn inbound_spread(world: &World, script: &mut Script) {
    let mut rng = Rng::new(world.seed, "inbound spread");
    let first = script.start + script.day_in(60, 80, &mut rng) * DAY + 2 * 3600;
    let bots = (world.records / 20).clamp(60, 1500);
    let guesses = own_guesses(world, own_domains()[1], bots, &mut rng);
    let bot = |i: usize| {
        let ip = format!("198.18.{}.{}", 200 + i / 250, i % 250 + 2);
        (ip.clone(), format!("dsl-{}.pool.example.net", ip.replace('.', "-")))
    };
    inbound(
        script,
        Tide { id: "A6", kind: "distributed", fast: false },
        "newsletter@promo-mailing.top",
        guesses,
        1,
        bot,
        |i| first + i as i64 * 97,
        &mut rng,
    );
    if world.records < 5_000 {
        return;
    }
    let tries = (world.records / 50).clamp(150, 3000);
    let shoe = own_guesses(world, own_domains()[2], tries, &mut rng);
    let start = script.start + script.day_in(5, 20, &mut rng) * DAY;
    let from24 =
        |i: usize| (format!("198.51.100.{}", i % 60 + 20), format!("host{}.snow-rack.example.net", i % 60 + 20));
    inbound(
        script,
        Tide { id: "A7a", kind: "snowshoe_24", fast: false },
        "hello@snow-rack.example.net",
        shoe,
        1,
        from24,
        |i| start + i as i64 * 300,
        &mut rng,
    );
    overlapping(world, script, tries / 3);
    let six = own_guesses(world, own_domains()[3], tries / 2, &mut rng);
    let from48 = |i: usize| (format!("2001:db8:77:{:x}::{:x}", i * 7 % 4096, i % 9 + 1), "unknown".to_owned());
    inbound(
        script,
        Tide { id: "A7b", kind: "snowshoe_48", fast: false },
        "care@sixmail.example.org",
        six,
        1,
        from48,
        |i| start + DAY + i as i64 * 240,
        &mut rng,
    );
}

/// Two harvests by one hired botnet: the same addresses, other targets, another word for each.
fn overlapping(world: &World, script: &mut Script, tries: u64) {
    let mut rng = Rng::new(world.seed, "overlapping");
    let first = script.start + script.day_in(40, 60, &mut rng) * DAY;
    for (n, (id, from)) in [("A13a", "desk@first-buyer.top"), ("A13b", "desk@second-buyer.top")].into_iter().enumerate()
    {
        let guesses = own_guesses(world, own_domains()[5 + n], tries, &mut rng);
        let bot = |i: usize| (format!("198.18.220.{}", i % 40 + 2 + n * 15), "unknown".to_owned());
        inbound(
            script,
            Tide { id, kind: "shared_botnet", fast: false },
            from,
            guesses,
            2,
            bot,
            |i| first + n as i64 * 7200 + i as i64 * 200,
            &mut rng,
        );
    }
}

/// What an attack goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tide {
    pub(super) id: &'static str,
    pub(super) kind: &'static str,
    pub(super) fast: bool,
}

/// Sends every guess from the senders in turn.
pub(super) fn outbound(
    script: &mut Script,
    tide: Tide,
    from: &[Sender],
    guesses: Guesses,
    when: impl Fn(usize, &mut Rng) -> i64,
    rng: &mut Rng,
) {
    let mut attack = attack(tide, from, &guesses);
    for (i, to) in guesses.tried.iter().enumerate() {
        let at = when(i, rng);
        shoot(script, &mut attack, at, &from[i % from.len()], to, &guesses.hits);
    }
    script.attacks.push(attack);
}

#[allow(clippy::too_many_arguments, reason = "one call tells one whole attack")]
pub(super) fn inbound(
    script: &mut Script,
    tide: Tide,
    from: &str,
    guesses: Guesses,
    a_visit: usize,
    ip: impl Fn(usize) -> (String, String),
    when: impl Fn(usize) -> i64,
    rng: &mut Rng,
) {
    let mut attack = attack(tide, &[], &guesses);
    attack.inbound = true;
    attack.senders = vec![from.to_owned()];
    let mut ips = BTreeSet::new();
    for (i, chunk) in guesses.tried.chunks(a_visit).enumerate() {
        let (client, host) = ip(i);
        let at = when(i) + rng.between(0, 20);
        ips.insert(client.clone());
        attack.first = attack.first.min(at);
        attack.last = attack.last.max(at);
        let (taken, refused) = chunk.iter().cloned().partition(|a| guesses.hits.contains(a));
        script.visits.push(Visit { at, client, host, from: from.to_owned(), taken, refused });
    }
    attack.ips = ips.into_iter().collect();
    script.attacks.push(attack);
}

pub(super) fn attack(tide: Tide, from: &[Sender], guesses: &Guesses) -> Attack {
    let Tide { id, kind, fast } = tide;
    let set = |of: &mut dyn Iterator<Item = String>| of.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    Attack {
        id,
        kind,
        inbound: false,
        fast,
        senders: set(&mut from.iter().map(|s| s.address.clone())),
        ips: set(&mut from.iter().map(|s| s.client.clone())),
        targets: set(&mut guesses.tried.iter().filter_map(|a| a.rsplit('@').next()).map(str::to_owned)),
        tried: set(&mut guesses.tried.iter().cloned()),
        confirmed: guesses.hits.iter().cloned().collect(),
        first: i64::MAX,
        last: i64::MIN,
    }
}

pub(super) fn shoot(
    script: &mut Script,
    attack: &mut Attack,
    at: i64,
    from: &Sender,
    to: &str,
    hits: &BTreeSet<String>,
) {
    attack.first = attack.first.min(at);
    attack.last = attack.last.max(at);
    let fate = if hits.contains(to) { Fate::Taken } else { Fate::Unknown };
    script.plans.push(Plan::of(at, from, to, fate));
}
