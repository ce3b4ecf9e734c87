//! Whom to write to, from every source there is.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use bouncewatch::{
    registrability::{Contact, Network, contacts},
    suffix::Suffixes,
};

use super::{NOW, network, quick};
use crate::servers::{Fate, World};

fn ask(names: &[&str], network: &Network) -> BTreeMap<String, Vec<String>> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut out = BTreeMap::new();
    let shown = |c: &Contact| format!("{} {} {}", c.address, c.role, c.source.name());
    contacts(&names, &Suffixes::shipped().unwrap(), network, &quick(), NOW, &mut |name, all| {
        assert!(out.insert(name.to_owned(), all.iter().map(shown).collect()).is_none());
    })
    .unwrap();
    out
}

const REGISTRAR: &str = "abuse@registrar.example abuse rdap";
const ZONE: &str = "hostmaster@registry.example hostmaster dns";

#[test]
fn contacts_come_best_first_with_their_source() {
    let zones = [
        ("held.com", Fate::Registered),
        ("refuses.com", Fate::RefusesMail),
        ("moved.com", Fate::Registered),
        ("elsewhere.com", Fate::Registered),
        ("page.com", Fate::Registered),
        ("endless.com", Fate::Registered),
        ("none.com", Fate::Registered),
        ("broken.com", Fate::Registered),
    ]
    .map(|(name, fate)| (name.to_owned(), fate));
    let world = World::start(&zones);
    let names = zones.each_ref().map(|z| z.0.as_str());
    let convention = |name: &str| {
        [
            format!("security@{name} security rfc2142"),
            format!("abuse@{name} abuse rfc2142"),
            format!("postmaster@{name} postmaster rfc2142"),
        ]
    };
    let check = |got: &BTreeMap<String, Vec<String>>, name: &str, first: &[&str]| {
        let mut want: Vec<String> = first.iter().map(|s| (*s).to_owned()).collect();
        want.extend(convention(name).into_iter().filter(|c| {
            let address = c.split(' ').next().unwrap();
            !first.iter().any(|f| f.starts_with(address))
        }));
        assert_eq!(got[name], want, "{name}");
    };
    // Without the option no web server is asked.
    let plain = Network { security_txt_base: Some(world.web.clone()), ..network(&world) };
    let got = ask(&["www.held.com", "free.com"], &plain);
    check(&got, "held.com", &[ZONE, REGISTRAR]);
    assert!(got["free.com"].is_empty(), "nobody holds it");
    assert_eq!(world.asked.web.load(Ordering::Relaxed), 0);

    let fetching = Network { fetch_security_txt: true, ..plain };
    let got = ask(&names, &fetching);
    check(&got, "held.com", &["security@held.com security security_txt", ZONE, REGISTRAR]);
    check(&got, "moved.com", &["security@moved.com security security_txt", ZONE, REGISTRAR]);
    for name in ["elsewhere.com", "page.com", "endless.com", "none.com", "broken.com"] {
        check(&got, name, &[ZONE, REGISTRAR]);
    }
    // Its own mailboxes would take nothing.
    assert_eq!(got["refuses.com"], [ZONE, REGISTRAR]);
    // `check` gathers the same.
    let (answers, _) = super::ask(&["held.com"], &fetching);
    let gathered = answers["held.com"].details.contacts.iter().map(|c| c.address.as_str());
    assert!(gathered.eq(got["held.com"].iter().map(|c| c.split(' ').next().unwrap())), "{answers:?}");
    // Plain http is for this machine.
    let outside = Network { security_txt_base: Some("http://192.0.2.1/{domain}".into()), ..fetching.clone() };
    check(&ask(&["held.com"], &outside), "held.com", &[ZONE, REGISTRAR]);
    // Offline the last resort is left.
    let offline = ask(&["held.com", "gmail.con"], &Network { offline: true, ..fetching });
    assert_eq!(offline.keys().collect::<Vec<_>>(), ["held.com"]);
    check(&offline, "held.com", &[]);
}
