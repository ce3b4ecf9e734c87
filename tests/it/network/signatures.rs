//! Denials that are signed, not signed, and forged.

use bouncewatch::registrability::{Network, Status};

use std::sync::atomic::Ordering;

use super::{ask, network, said};
use crate::servers::{Dns, Fate, Setup, World, knot::Knot};

#[test]
fn a_signed_denial_says_so_and_a_forged_one_frees_nothing() {
    let zones = [
        ("held.org".to_owned(), Fate::Registered),
        // Somebody's name; what comes in between denies it, and cannot sign.
        ("forged.org".to_owned(), Fate::FreeDns(Dns::Unproven)),
        ("forged.com".to_owned(), Fate::FreeDns(Dns::Unproven)),
    ];
    let world = World::with(Setup { signed_tlds: &["org", "net"], ..Setup::of(&zones) });
    let signed = Network { trust_anchor: Some(world.anchor.clone()), ..network(&world) };
    let names = ["free.org", "free.net", "free.com", "held.org", "forged.org", "forged.com"];
    let (answers, _) = ask(&names, &signed);
    let check = |name: &str, status: Status, want: &str| {
        assert_eq!((answers[name].status, said(&answers[name]).join(", ").as_str()), (status, want), "{name}")
    };
    check("free.org", Status::Registrable, "dns nxdomain (signed), dns nxdomain, rdap not_found");
    check("free.net", Status::Registrable, "dns nxdomain (signed), dns nxdomain, rdap not_found");
    check("free.com", Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found");
    check("held.org", Status::Registered, "dns delegated, dns mx");
    check("forged.org", Status::Unknown, "dns nxdomain, dns nxdomain, dns nxdomain_forged, rdap not_found");
    // Nothing is signed there, so nothing can be forged.
    check("forged.com", Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found");
    let many: Vec<String> = (0..100).map(|n| format!("free{n}.org")).collect();
    let before = world.asked.dns.load(Ordering::Relaxed);
    let (answers, _) = super::ask_all(&many, &signed, &super::quick());
    assert!(answers.values().all(|a| a.evidence[0].answer == "nxdomain (signed)"));
    let questions = world.asked.dns.load(Ordering::Relaxed) - before;
    println!("{questions} DNS questions for 100 names under a signed zone");
    // Under another root key no signature counts: as if there were none.
    let other = World::with(Setup { signed_tlds: &["org"], ..Setup::of(&[]) });
    let (answers, _) = ask(&["free.org"], &Network { trust_anchor: Some(other.anchor.clone()), ..network(&world) });
    assert_eq!(said(&answers["free.org"])[0], "dns nxdomain");
}

#[test]
fn an_independent_servers_signatures_are_understood() {
    for policy in ["nsec", "nsec3"] {
        let held = "held NS ns1.hosting.example.\n";
        let Some(knot) = Knot::start(&[("", "org NS ns.registry.example.\n", "nsec"), ("org", held, policy)]) else {
            println!("skipped 1 case: knotd is not installed");
            return;
        };
        let world = World::start(&[("held.org".to_owned(), Fate::Registered)]);
        let network = Network { nameservers: vec![knot.address], trust_anchor: Some(knot.anchor()), ..network(&world) };
        let (answers, _) = ask(&["free.org", "held.org"], &network);
        assert_eq!(said(&answers["free.org"])[0], "dns nxdomain (signed)", "{policy}");
        assert_eq!(answers["free.org"].status, Status::Registrable, "{policy}");
        assert_eq!(answers["held.org"].status, Status::Registered, "{policy}");
    }
}
