//! Thousands of names at once: faults free nothing, health finds all, limits are kept.

use std::time::{Duration, Instant};

use bouncewatch::registrability::{Manners, Status};

use super::{ask_all, network, quick};
use crate::servers::{Fate, Http, Port43, RDAP_TLDS, WHOIS_TLDS, World};

/// A repeatable stream of numbers (xorshift), for worlds that differ in every detail but not between runs.
pub(super) fn dice(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % sides
    }
}

fn name(n: usize, roll: &mut impl FnMut(u64) -> u64) -> String {
    let all = RDAP_TLDS.len() + WHOIS_TLDS.len();
    let tld = RDAP_TLDS.iter().chain(&WHOIS_TLDS).nth(roll(all as u64) as usize).unwrap();
    format!("name{n}.{tld}")
}

#[test]
fn faults_never_free_a_held_name() {
    let mut roll = dice(7);
    let faults = [
        Http::RateLimited,
        Http::ServerError,
        Http::Garbage,
        Http::OtherName,
        Http::Reset,
        Http::RedirectHere,
        Http::RedirectLoop,
        Http::RedirectInside,
        Http::HtmlNotFound,
        Http::Endless,
    ];
    let whois = [Port43::Latin1, Port43::Endless, Port43::Reset, Port43::RateLimited, Port43::Empty];
    let zones: Vec<(String, Fate)> = (0..2200)
        .map(|n| {
            let fate = match roll(16) {
                0 | 1 => Fate::Registered,
                2 => Fate::OnHold,
                3 => Fate::Redemption,
                4 => Fate::PendingDelete,
                5 => Fate::Reserved,
                6 => Fate::Undelegated,
                7 => Fate::Truncated,
                8 => Fate::Servfail,
                9 => Fate::Wildcard,
                // An html 404 from the registry's own address cannot be told from its word: only for free names.
                10 | 11 => Fate::RegisteredRdap(faults[roll(8) as usize]),
                12 => Fate::FreeRdap(faults[roll(10) as usize]),
                13 | 14 => Fate::RegisteredWhois(whois[roll(5) as usize]),
                _ => Fate::FreeWhois(whois[roll(5) as usize]),
            };
            (name(n, &mut roll), fate)
        })
        .collect();
    let world = World::start(&zones);
    let names: Vec<String> = zones.iter().map(|z| z.0.clone()).collect();
    // No fault here is silence of DNS: what a busy machine answers late is not to be lost.
    let manners = Manners { dns_timeout: Duration::from_secs(5), patience: Duration::from_secs(20), ..quick() };
    let (answers, tally) = ask_all(&names, &network(&world), &manners);
    assert_eq!(tally.asked as usize, zones.len());
    let freed: Vec<_> =
        zones.iter().filter(|(name, fate)| fate.is_taken() && answers[name].status == Status::Registrable).collect();
    assert!(freed.is_empty(), "{freed:?}");
    let held = zones
        .iter()
        .filter(|(_, fate)| matches!(fate, Fate::Registered | Fate::OnHold | Fate::Undelegated | Fate::Truncated))
        .count();
    let known = zones
        .iter()
        .filter(|(name, fate)| {
            matches!(fate, Fate::Registered | Fate::OnHold | Fate::Undelegated | Fate::Truncated)
                && answers[name].status == Status::Registered
        })
        .count();
    assert!(known * 100 >= held * 99, "{known} of {held} held names known");
}

#[test]
fn healthy_servers_show_what_is_free() {
    let mut roll = dice(11);
    let zones: Vec<(String, Fate)> = (0..1000)
        .map(|n| (name(n, &mut roll), if roll(2) == 0 { Fate::Registrable } else { Fate::Registered }))
        .collect();
    let world = World::start(&zones);
    let names: Vec<String> = zones.iter().map(|z| z.0.clone()).collect();
    let start = Instant::now();
    let (answers, tally) = ask_all(&names, &network(&world), &quick());
    println!("{} names in {:?}: {tally:?}", names.len(), start.elapsed());
    let free = zones.iter().filter(|z| !z.1.is_taken()).count();
    let found = zones.iter().filter(|z| !z.1.is_taken() && answers[&z.0].status == Status::Registrable).count();
    assert!(found * 100 >= free * 99, "{found} of {free}");
    assert!(zones.iter().all(|z| !z.1.is_taken() || answers[&z.0].status == Status::Registered));
}

#[test]
fn limits_are_kept_and_little_is_lost_to_them() {
    let mut roll = dice(3);
    let zones: Vec<(String, Fate)> = (0..400).map(|n| (name(n, &mut roll), Fate::Registrable)).collect();
    let world = World::start(&zones);
    let names: Vec<String> = zones.iter().map(|z| z.0.clone()).collect();
    let manners = Manners { own_interval: Duration::from_millis(5), ..quick() };
    let start = Instant::now();
    let (_, tally) = ask_all(&names, &network(&world), &manners);
    let took = start.elapsed();
    let busiest = tally.rdap_queries.max(tally.whois_queries);
    let least = manners.own_interval * u32::try_from(busiest - 1).unwrap();
    println!("{took:?} where the limits allow {least:?}: {tally:?}");
    assert!(took >= least, "{took:?} < {least:?}");
    assert!(took < least.mul_f64(1.3), "{took:?} > 1.3 x {least:?}");
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let failing = (0..6).map(|n| (format!("bad{n}.de"), Fate::FreeWhois(Port43::Reset)));
    let zones: Vec<(String, Fate)> =
        failing.chain((0..20).map(|n| (format!("free{n}.de"), Fate::Registrable))).collect();
    let world = World::start(&zones);
    let names: Vec<String> = zones.iter().map(|z| z.0.clone()).collect();
    let manners = Manners { break_after: 8, break_for: Duration::from_millis(300), ..quick() };
    let one = bouncewatch::registrability::Network { concurrency: 1, ..network(&world) };
    let (answers, tally) = ask_all(&names, &one, &manners);
    for (name, fate) in &zones {
        let want = match fate {
            Fate::Registrable => Status::Registrable,
            _ => Status::Unknown,
        };
        assert_eq!(answers[name].status, want, "{:?}", answers[name]);
    }
    assert_eq!(tally.asked, 26);
    assert!(tally.dns_queries > 2 * 26, "nobody was put off: {tally:?}");
}
