//! Registrability against real sockets on loopback: every status, silence, lies, floods.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its servers has failed")]

mod contacts;
mod crowd;
mod nights;
mod signatures;

use std::{
    collections::BTreeMap,
    net::{TcpListener, UdpSocket},
    time::{Duration, Instant},
};

use bouncewatch::{
    moment::Timestamp,
    registrability::{Manners, Network, Registrability, Source, Status, Tally, check_with},
    suffix::Suffixes,
};

use crate::servers::{Dns, Fate, Http, Port43, Setup, World, knot::Knot};

const NOW: Timestamp = Timestamp(1_656_900_000);

fn quick() -> Manners {
    Manners {
        dns_timeout: Duration::from_millis(500),
        rdap_timeout: Duration::from_millis(1000),
        whois_timeout: Duration::from_millis(1000),
        patience: Duration::from_secs(3),
        backoff: Duration::from_millis(5),
        break_after: 1000,
        ..Manners::default()
    }
}

fn network(world: &World) -> Network {
    Network {
        nameservers: vec![world.dns],
        rdap_bootstrap: Some(world.bootstrap.clone()),
        whois_servers: Some(world.whois_servers.clone()),
        concurrency: 16,
        ..Network::default()
    }
}

fn ask(names: &[&str], network: &Network) -> (BTreeMap<String, Registrability>, Tally) {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    ask_all(&names, network, &quick())
}

fn ask_all(names: &[String], network: &Network, manners: &Manners) -> (BTreeMap<String, Registrability>, Tally) {
    let mut out = BTreeMap::new();
    let suffixes = Suffixes::shipped().unwrap();
    let tally = check_with(names, &Default::default(), &suffixes, network, manners, NOW, &mut |r| {
        assert!(!r.evidence.is_empty(), "{r:?}");
        assert!(out.insert(r.domain.clone(), r).is_none(), "asked twice");
    })
    .unwrap();
    (out, tally)
}

fn said(answer: &Registrability) -> Vec<String> {
    answer.evidence.iter().map(|e| format!("{} {}", e.source.name(), e.answer)).collect()
}

/// One name's fate, and what must come out.
#[test]
fn every_fate_has_its_status() {
    #[rustfmt::skip]
    let cases = [
        ("registered.com", Fate::Registered, Status::Registered, "dns delegated, dns mx"),
        ("refuses.com", Fate::RefusesMail, Status::Registered, "dns delegated, dns null_mx"),
        ("nomx.com", Fate::WithoutMx, Status::Registered, "dns delegated, dns no_mx"),
        ("slow.com", Fate::Slow, Status::Registered, "dns delegated, dns mx"),
        ("free.com", Fate::Registrable, Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found"),
        ("redemption.com", Fate::Redemption, Status::Redemption, "dns nxdomain, dns nxdomain, rdap redemption"),
        ("dropping.com", Fate::PendingDelete, Status::PendingDelete, "dns nxdomain, dns nxdomain, rdap pending_delete"),
        ("kept.com", Fate::Reserved, Status::Reserved, "dns nxdomain, dns nxdomain, rdap reserved"),
        ("held.com", Fate::OnHold, Status::Registered, "dns nxdomain, dns nxdomain, rdap on_hold"),
        ("lame.com", Fate::Servfail, Status::Unknown, "dns servfail, rdap not_found"),
        ("silent.com", Fate::Silent, Status::Unknown, "dns timeout, rdap timeout, whois timeout"),
        ("parked.com", Fate::Undelegated, Status::Registered, "dns nodata, rdap registered, dns no_mx"),
        ("wild.com", Fate::Wildcard, Status::Unknown, "dns nodata, rdap not_found"),
        ("long.com", Fate::Truncated, Status::Registered, "dns delegated, dns mx"),
        ("longfree.com", Fate::AbsentTruncated, Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found"),
        ("free.de", Fate::Registrable, Status::Registrable, "dns nxdomain, dns nxdomain, whois not_found"),
        ("held.de", Fate::OnHold, Status::Registered, "dns nxdomain, dns nxdomain, whois registered"),
        ("redemption.ru", Fate::Redemption, Status::Redemption, "dns nxdomain, dns nxdomain, whois redemption"),
        ("kept.io", Fate::Reserved, Status::Reserved, "dns nxdomain, dns nxdomain, whois reserved"),
        ("silent.kr", Fate::Silent, Status::Unknown, "dns timeout, whois timeout"),
        // RDAP out of order: WHOIS, the registry's other voice, is heard; it never frees what is held.
        ("a1.com", Fate::RegisteredRdap(Http::RateLimited), Status::Registered, "dns nxdomain, dns nxdomain, rdap rate_limited, whois registered"),
        ("a2.com", Fate::RegisteredRdap(Http::ServerError), Status::Registered, "dns nxdomain, dns nxdomain, rdap server_error, whois registered"),
        ("a3.com", Fate::RegisteredRdap(Http::Garbage), Status::Registered, "dns nxdomain, dns nxdomain, rdap garbage, whois registered"),
        ("a4.com", Fate::RegisteredRdap(Http::OtherName), Status::Registered, "dns nxdomain, dns nxdomain, rdap other_name, whois registered"),
        ("a5.com", Fate::RegisteredRdap(Http::Silence), Status::Registered, "dns nxdomain, dns nxdomain, rdap timeout, whois registered"),
        ("a6.com", Fate::RegisteredRdap(Http::Reset), Status::Registered, "dns nxdomain, dns nxdomain, rdap reset, whois registered"),
        ("a7.com", Fate::RegisteredRdap(Http::Endless), Status::Registered, "dns nxdomain, dns nxdomain, rdap too_long, whois registered"),
        ("a8.com", Fate::RegisteredRdap(Http::RedirectHere), Status::Registered, "dns nxdomain, dns nxdomain, rdap registered"),
        ("a9.com", Fate::RegisteredRdap(Http::RedirectLoop), Status::Registered, "dns nxdomain, dns nxdomain, rdap too_many_redirects, whois registered"),
        ("b1.com", Fate::RegisteredRdap(Http::RedirectInside), Status::Registered, "dns nxdomain, dns nxdomain, rdap bad_redirect, whois registered"),
        ("b2.com", Fate::FreeRdap(Http::RedirectHere), Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found"),
        ("b3.com", Fate::FreeRdap(Http::HtmlNotFound), Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found"),
        ("b4.com", Fate::RegisteredRdap(Http::Drip), Status::Registered, "dns nxdomain, dns nxdomain, rdap timeout, whois registered"),
        ("d1.com", Fate::FreeDns(Dns::WithoutSoa), Status::Registrable, "dns nxdomain, dns nxdomain, rdap not_found"),
        ("d2.com", Fate::FreeDns(Dns::Refused), Status::Unknown, "dns refused, rdap not_found"),
        ("d3.com", Fate::FreeDns(Dns::NotImplemented), Status::Unknown, "dns error_response, rdap not_found"),
        ("d4.com", Fate::FreeDns(Dns::Garbage), Status::Unknown, "dns timeout, rdap not_found"),
        ("d5.com", Fate::FreeDns(Dns::WrongId), Status::Unknown, "dns timeout, rdap not_found"),
        ("d6.com", Fate::FreeDns(Dns::OtherName), Status::Unknown, "dns timeout, rdap not_found"),
        ("e6.com", Fate::FreeDns(Dns::OtherNameOverTcp), Status::Unknown, "dns other_name, rdap not_found"),
        ("d7.com", Fate::FreeDns(Dns::OwnSoa), Status::Unknown, "dns nxdomain_from_own_zone, rdap not_found"),
        ("d8.com", Fate::FreeDns(Dns::Empty), Status::Unknown, "dns nodata, rdap not_found"),
        ("d9.com", Fate::FreeDns(Dns::Hijacked), Status::Unknown, "dns nxdomain, dns records, rdap not_found"),
        ("c1.de", Fate::RegisteredWhois(Port43::Latin1), Status::Registered, "dns nxdomain, dns nxdomain, whois registered"),
        ("c2.de", Fate::FreeWhois(Port43::Latin1), Status::Registrable, "dns nxdomain, dns nxdomain, whois not_found"),
        ("c3.de", Fate::FreeWhois(Port43::Endless), Status::Unknown, "dns nxdomain, dns nxdomain, whois too_long"),
        ("c4.de", Fate::FreeWhois(Port43::Drip), Status::Unknown, "dns nxdomain, dns nxdomain, whois timeout"),
        ("c5.de", Fate::FreeWhois(Port43::Reset), Status::Unknown, "dns nxdomain, dns nxdomain, whois reset"),
        ("c6.de", Fate::FreeWhois(Port43::RateLimited), Status::Unknown, "dns nxdomain, dns nxdomain, whois rate_limited"),
        ("c7.de", Fate::FreeWhois(Port43::Empty), Status::Unknown, "dns nxdomain, dns nxdomain, whois empty"),
        ("c8.de", Fate::FreeWhois(Port43::Silence), Status::Unknown, "dns nxdomain, dns nxdomain, whois timeout"),
    ];
    let zones: Vec<(String, Fate)> = cases.iter().map(|c| (c.0.to_owned(), c.1)).collect();
    let world = World::start(&zones);
    let names: Vec<&str> = cases.iter().map(|c| c.0).collect();
    let (answers, tally) = ask(&names, &network(&world));
    let mut wrong = Vec::new();
    for (name, _, status, evidence) in cases {
        let got = &answers[name];
        if got.status != status || said(got).join(", ") != evidence {
            wrong.push(format!(
                "{name}: {} by {}; wanted {} by {evidence}",
                got.status.name(),
                said(got).join(", "),
                status.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tally.asked, cases.len() as u64);
    for name in ["redemption.com", "redemption.ru"] {
        let drop = Timestamp::parse("2022-08-05T00:00:00Z");
        assert_eq!(answers[name].drops_at, drop, "{name}");
    }
    assert_eq!(answers["free.com"].fresh_until, NOW.plus(3600), "the zone's negative life bounds ours");
    assert!(answers["refuses.com"].details.null_mx && !answers["nomx.com"].details.null_mx);
    assert_eq!(answers["registered.com"].details.mx, ["mx.hosting.example"]);
    assert_eq!(answers["held.com"].details.contacts[0].address, "abuse@registrar.example");
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let zones = [
        ("held.com".to_owned(), Fate::RegisteredRdap(Http::RateLimitedOnce)),
        ("free.com".to_owned(), Fate::FreeRdap(Http::RateLimitedOnce)),
    ];
    let world = World::start(&zones);
    let start = Instant::now();
    let one = Network { concurrency: 1, ..network(&world) };
    let (answers, tally) = ask(&["held.com", "free.com"], &one);
    assert!(start.elapsed() >= Duration::from_secs(2), "a second each, as Retry-After says: {:?}", start.elapsed());
    assert_eq!((answers["held.com"].status, answers["free.com"].status), (Status::Registered, Status::Registrable));
    let [server] = &tally.servers[..] else { panic!("{tally:?}") };
    assert_eq!((server.asked, server.answered, server.refused, server.left_alone), (4, 2, 2, 0));
}

#[test]
fn a_lying_resolver_frees_nothing_and_holds_nothing() {
    let zones = [("held.com".to_owned(), Fate::Registered)];
    let world = World::with(Setup { lying: true, ..Setup::of(&zones) });
    let (answers, _) = ask(&["held.com", "free.com"], &network(&world));
    assert_eq!(answers["held.com"].status, Status::Registered);
    assert_eq!(
        said(&answers["held.com"]),
        ["dns delegated", "dns random_sibling_exists_too", "rdap registered", "dns mx"]
    );
    assert_eq!(answers["free.com"].status, Status::Unknown);
    assert_eq!(said(&answers["free.com"]), ["dns delegated", "dns random_sibling_exists_too", "rdap not_found"]);
}

#[test]
fn under_a_wildcard_the_registry_decides() {
    let zones = [("held.com".to_owned(), Fate::Registered), ("onhold.com".to_owned(), Fate::OnHold)];
    let world = World::with(Setup { wildcard_tlds: &["com"], ..Setup::of(&zones) });
    let (answers, _) = ask(&["held.com", "onhold.com", "free.com"], &network(&world));
    assert_eq!(answers["held.com"].status, Status::Registered);
    assert_eq!(answers["onhold.com"].status, Status::Registered);
    assert_eq!(answers["free.com"].status, Status::Unknown, "{:?}", said(&answers["free.com"]));
}

#[test]
fn two_nameservers_must_agree_on_absence() {
    let free = World::start(&[]);
    let other = World::start(&[("x.com".to_owned(), Fate::Registered), ("lame.com".to_owned(), Fate::Servfail)]);
    let mut both = network(&free);
    both.nameservers.push(other.dns);
    let (answers, _) = ask(&["x.com", "lame.com", "free.com"], &both);
    assert_eq!(
        (answers["x.com"].status, said(&answers["x.com"]).join(", ").as_str()),
        (Status::Unknown, "dns nxdomain, dns delegated, rdap not_found")
    );
    assert_eq!(
        (answers["lame.com"].status, said(&answers["lame.com"]).join(", ").as_str()),
        (Status::Unknown, "dns nxdomain, dns servfail, rdap not_found")
    );
    assert_eq!(answers["free.com"].status, Status::Registrable);
    assert_ne!(answers["free.com"].evidence[0].server, answers["free.com"].evidence[1].server);
}

#[test]
fn a_dead_resolver_ends_in_unknown_not_in_waiting() {
    // A bound socket that nobody reads is silence; a closed port refuses.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::start(&[("held.com".to_owned(), Fate::Registered)]);
    for dead in [silent.local_addr().unwrap(), closed] {
        let start = Instant::now();
        let (answers, _) = ask(&["held.com", "free.com"], &Network { nameservers: vec![dead], ..network(&world) });
        assert_eq!(answers["held.com"].status, Status::Registered);
        assert_eq!(answers["free.com"].status, Status::Unknown);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
    // A dead first resolver is passed over for one that answers, but one voice alone frees nothing.
    let network = Network { nameservers: vec![closed, world.dns], ..network(&world) };
    let (answers, tally) = ask(&["held.com", "free.com", "other.com", "another.com"], &network);
    assert_eq!((answers["held.com"].status, answers["free.com"].status), (Status::Registered, Status::Unknown));
    assert_eq!(tally.silent, [closed]);
}

#[test]
fn a_resolver_that_errs_about_everything_is_told_of_and_lame_names_are_not_its_fault() {
    let names = ["a.com", "b.com", "c.com"];
    for fate in [Fate::Servfail, Fate::FreeDns(Dns::Refused)] {
        let world = World::with(Setup { default: fate, ..Setup::of(&[]) });
        let (_, tally) = ask(&names, &network(&world));
        assert_eq!((tally.silent, tally.failing), (vec![], vec![world.dns]), "{fate:?}");
    }
    let lame = names.map(|name| (name.to_owned(), Fate::Servfail));
    let world = World::start(&lame);
    assert_eq!(ask(&names, &network(&world)).1.failing, []);
}

#[test]
fn offline_and_budget_ask_nobody() {
    let world = World::start(&[]);
    let names = ["gmial.com", "gmail.con", "mail.gmial.com", "yaho.com.cn", "gmial.org"];
    let (answers, tally) = ask(&names, &Network { offline: true, ..network(&world) });
    assert_eq!((tally.names, tally.asked), (4, 0));
    assert_eq!(
        (answers["gmial.com"].status, said(&answers["gmial.com"]).join("")),
        (Status::Unknown, "syntax offline".to_owned())
    );
    assert_eq!(answers["gmail.con"].status, Status::NotAPublicSuffix);
    assert!(world.asked.names.lock().unwrap().is_empty());
    let (answers, tally) = ask(&names, &Network { max_lookups: Some(1), ..network(&world) });
    assert_eq!((tally.asked, tally.skipped_by_budget), (1, 2));
    assert_eq!(answers["gmial.com"].status, Status::Registrable, "the first is the one most at risk");
    assert_eq!(said(&answers["yaho.com.cn"]), ["syntax budget"]);
    assert_eq!(answers["yaho.com.cn"].evidence[0].source, Source::Syntax);
}

#[test]
fn only_the_registrable_domain_leaves_the_machine() {
    let world = World::start(&[]);
    let (answers, tally) =
        ask(&["secret.person.gmial.com", "gmial.com", "other.gmial.com.", "M\u{fc}ller.de"], &network(&world));
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["gmial.com", "xn--mller-kva.de"]);
    assert_eq!((tally.names, tally.dns_queries, tally.rdap_queries, tally.whois_queries), (2, 5, 1, 1));
    let asked: Vec<String> = world.asked.names.lock().unwrap().keys().cloned().collect();
    // The root's keys, once, for whether signatures can be had here.
    assert_eq!(asked, ["", "gmial.com", "xn--mller-kva.de"]);
}

#[test]
fn an_independent_dns_server_says_the_same() {
    let many: String =
        (0..40).map(|n| format!("big NS a-name-server-with-a-long-name-{n}.hosting-company-{n}.example.\n")).collect();
    let com = format!("held NS ns1.hosting.example.\n{many}alone A 192.0.2.1\n");
    let zones = [
        ("com", com.as_str(), ""),
        ("org", "held NS ns1.hosting.example.\n", "nsec"),
        ("net", "* A 192.0.2.1\nheld NS ns1.hosting.example.\n", ""),
    ];
    let Some(knot) = Knot::start(&zones) else {
        println!("skipped 1 case: knotd is not installed");
        return;
    };
    let world = World::start(&[("alone.com".to_owned(), Fate::OnHold), ("held.net".to_owned(), Fate::Registered)]);
    let names = [
        "held.com",
        "big.com",
        "alone.com",
        "free.com",
        "held.org",
        "free.org",
        "held.net",
        "free.net",
        "not-served.fr",
    ];
    let (answers, _) = ask(&names, &Network { nameservers: vec![knot.address], ..network(&world) });
    let check = |name: &str, status: Status, dns: &str| {
        assert_eq!((answers[name].status, said(&answers[name])[0].as_str()), (status, dns), "{:?}", answers[name])
    };
    check("held.com", Status::Registered, "dns delegated");
    check("big.com", Status::Registered, "dns delegated");
    check("alone.com", Status::Registered, "dns nodata");
    check("free.com", Status::Registrable, "dns nxdomain");
    check("held.org", Status::Registered, "dns delegated");
    check("free.org", Status::Registrable, "dns nxdomain");
    check("held.net", Status::Registered, "dns delegated");
    check("free.net", Status::Unknown, "dns nodata");
    check("not-served.fr", Status::Unknown, "dns refused");
    assert!(answers["big.com"].details.nameservers.len() == 16, "{:?}", answers["big.com"].details);
}

#[test]
fn https_without_tls_and_files_that_are_none_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::io::Write::write_all(&mut &stream, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok();
        }
    });
    let world = World::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dns.json");
    std::fs::write(&path, format!(r#"{{"services":[[["io"],["https://{address}/"]]]}}"#)).unwrap();
    let (answers, _) = ask(&["free.io"], &Network { rdap_bootstrap: Some(path.clone()), ..network(&world) });
    assert_eq!(said(&answers["free.io"])[2..], ["rdap tls", "whois not_found"]);
    let suffixes = Suffixes::shipped().unwrap();
    let error = |network: &Network| {
        check_with(&["x.com".to_owned()], &Default::default(), &suffixes, network, &quick(), NOW, &mut |_| ())
            .unwrap_err()
            .to_string()
    };
    std::fs::write(&path, "{}").unwrap();
    assert!(error(&Network { rdap_bootstrap: Some(path.clone()), ..network(&world) }).contains("RFC 9224"));
    assert!(
        error(&Network { whois_servers: Some(folder.path().join("none.json")), ..network(&world) })
            .contains("cannot read")
    );
    std::fs::write(&path, r#"{"com": 5}"#).unwrap();
    assert!(error(&Network { whois_servers: Some(path), ..network(&world) }).contains("com"));
}
