//! Whom registries name, asked for before a letter is drafted: a registry that is well, slow, lying, down.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bouncewatch::{
    disclose::{Audience, Disclosure, Item, Letters, Matter, State, Writer, look_up},
    moment::Timestamp,
    registrability::{Manners, Network, Tally},
    suffix::Suffixes,
};
use serde_json::{Value, json};

use crate::{
    cli::{bouncewatch, stderr, stdout},
    servers::{Fate, World},
};

const NOW: Timestamp = Timestamp(1_656_900_000);

/// What a registry does when it is asked about a path such as `domain/well.com`.
#[derive(Clone)]
enum Does {
    Says(Value),
    Sleeps,
    HangsUp,
}

struct Registry {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Registry {
    fn start(answers: &[(&str, Does)]) -> Registry {
        let answers: BTreeMap<String, Does> = answers.iter().map(|(p, d)| ((*p).to_owned(), d.clone())).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let heard = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, heard) = (answers.clone(), heard.clone());
                thread::spawn(move || answer(stream, &answers, &heard));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let services = json!({"version": "1.0", "services": [
            [["com", "198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "2001:db8::/32"], [format!("http://{at}/rdap/")]],
        ]});
        fs::write(folder.path().join("rdap.json"), services.to_string()).unwrap();
        fs::write(folder.path().join("whois.json"), "{}").unwrap();
        Registry { at, asked, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked
    }

    fn network(&self, world: &World) -> Network {
        Network {
            nameservers: vec![world.dns],
            rdap_bootstrap: Some(self.file("rdap.json")),
            whois_servers: Some(self.file("whois.json")),
            ..Network::default()
        }
    }
}

fn answer(mut stream: TcpStream, answers: &BTreeMap<String, Does>, heard: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.trim_start_matches("/rdap/").to_owned();
    lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
    heard.lock().ok()?.push(path.clone());
    let body = match answers.get(&path) {
        Some(Does::Says(body)) => body.to_string(),
        Some(Does::Sleeps) => {
            thread::sleep(Duration::from_secs(2));
            return None;
        }
        Some(Does::HangsUp) => return None,
        None => {
            let body = r#"{"errorCode":404,"rdapConformance":[]}"#;
            return write!(stream, "HTTP/1.1 404 x\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok();
        }
    };
    let head = format!("Content-Type: application/rdap+json\r\nContent-Length: {}\r\nConnection: close", body.len());
    write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").ok()
}

fn entity(role: &str, addresses: &[&str]) -> Value {
    let emails: Vec<Value> = addresses.iter().map(|a| json!(["email", {}, "text", a])).collect();
    json!({"roles": [role], "vcardArray": ["vcard", emails]})
}

fn domain(name: &str, entities: &[Value]) -> Does {
    Does::Says(json!({"objectClassName": "domain", "ldhName": name, "status": ["active"], "entities": entities}))
}

fn block(first: &str, last: &str, entities: &[Value]) -> Does {
    Does::Says(
        json!({"objectClassName": "ip network", "startAddress": first, "endAddress": last, "entities": entities}),
    )
}

fn letter(audience: Audience, owner: &str, contact: Option<(&str, &str)>, addresses: &[&str]) -> Disclosure {
    let item = Item {
        id: "1".into(),
        name: "wrong.example".into(),
        meant: owner.into(),
        status: "registrable".into(),
        emails: 3,
        senders: 2,
        first: "2022-06-20".into(),
        last: "2022-06-21".into(),
        addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
    };
    let contact = contact.map(|(to, source)| (to.to_owned(), source.to_owned()));
    let matter = Matter { audience, owner: owner.into(), contact, items: vec![item] };
    Disclosure { id: format!("{owner:.16}"), matter, state: State::Found, gone: false, changed_at: NOW }
}

fn meant(owner: &str) -> Disclosure {
    let role = format!("security@{owner}");
    letter(Audience::IntendedDomain, owner, Some((&role, "RFC 2142 role mailbox")), &[])
}

fn guesser(owner: &str, ip: &str) -> Disclosure {
    letter(Audience::Network, owner, None, &[ip])
}

fn ask(letters: &mut [Disclosure], network: &Network) -> (Vec<String>, [Tally; 2]) {
    let manners = Manners {
        dns_timeout: Duration::from_millis(150),
        rdap_timeout: Duration::from_millis(400),
        patience: Duration::from_secs(3),
        backoff: Duration::from_millis(5),
        ..Manners::default()
    };
    let (trail, tally) = look_up(letters, &Suffixes::shipped().unwrap(), network, &manners, NOW).unwrap();
    (trail.into_iter().map(|entry| entry.note).collect(), tally)
}

fn contact(letter: &Disclosure) -> String {
    letter.matter.contact.as_ref().map_or(String::new(), |(to, source)| format!("{to} ({source})"))
}

/// The world's DNS knows a hostmaster for every name that is held.
const ZONE: &str = "hostmaster@registry.example (SOA record, hostmaster)";

fn held(names: &[&str]) -> World {
    World::start(&names.iter().map(|name| ((*name).to_owned(), Fate::Registered)).collect::<Vec<_>>())
}

#[test]
fn a_registry_that_is_well_names_the_owner_and_the_abuse_desk() {
    let world = held(&["well.com", "registrar.com"]);
    let desk = block(
        "198.51.100.0",
        "198.51.100.255",
        &[entity("technical", &["noc@carrier.example"]), entity("abuse", &["abuse@carrier.example"])],
    );
    let registry = Registry::start(&[
        (
            "domain/well.com",
            domain("WELL.COM", &[entity("technical", &["it@well.com"]), entity("registrant", &["owner@well.com"])]),
        ),
        ("domain/registrar.com", domain("registrar.com", &[entity("abuse", &["abuse@registrar.example"])])),
        ("ip/198.51.100.7", desk),
        ("ip/2001:db8::1", block("2001:db8::", "2001:db8:ffff::", &[entity("abuse", &["six@carrier.example"])])),
    ]);
    let mut letters = [
        meant("mail.well.com"),
        meant("well.com"),
        meant("registrar.com"),
        guesser("198.51.100.0/24", "198.51.100.7"),
        guesser("198.51.100.0/25", "198.51.100.9"),
        guesser("2001:db8::/48", "2001:db8::1"),
        letter(Audience::Customer, "ann@our.example", Some(("ann@our.example", "envelope sender")), &[]),
        letter(Audience::Target, "chosen.com", Some(("ciso@chosen.com", "operator")), &[]),
    ];
    let (trail, [domains, networks]) = ask(&mut letters, &registry.network(&world));
    assert_eq!(
        letters.each_ref().map(contact),
        [
            "owner@well.com (RDAP, registrant)",
            "owner@well.com (RDAP, registrant)",
            // A registrar's desk acts against the name, not for it.
            ZONE,
            "abuse@carrier.example (RDAP, abuse)",
            "abuse@carrier.example (RDAP, abuse)",
            "six@carrier.example (RDAP, abuse)",
            "ann@our.example (envelope sender)",
            "ciso@chosen.com (operator)",
        ]
    );
    assert_eq!(trail.len(), 6);
    assert_eq!(trail[0], "contact is owner@well.com, RDAP, registrant");
    // One question an owner, and one for a network both guessers are in.
    assert_eq!(registry.asked(), ["domain/registrar.com", "domain/well.com", "ip/198.51.100.7", "ip/2001:db8::1"]);
    assert_eq!((domains.asked, domains.rdap_queries, networks.asked, networks.rdap_queries), (2, 2, 2, 2));
    assert_eq!(networks.servers[0].server, registry.at.to_string());
    // Who is known is not asked for again.
    assert!(ask(&mut letters, &registry.network(&world)).0.is_empty() && registry.asked().is_empty());
}

#[test]
fn a_lying_registry_adds_nothing_to_a_letter() {
    let many: Vec<String> = (0..900).map(|n| format!("victim{n}@x.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let hostile = [
        "a@b.example\r\nBcc: victim@x.example",
        "a@b.example\nBcc: victim@x.example",
        "a@b.example, victim@x.example",
        "<a@b.example> victim",
        "\"a\"@b.example",
        "a@b.example\u{0}",
        "名@b.example",
        "nobody",
        "@",
        "javascript:alert(1)",
        &format!("{}@b.example", "a".repeat(400)),
    ];
    let world = held(&["hostile.com", "many.com", "none.com", "other.com"]);
    let registry = Registry::start(&[
        ("domain/hostile.com", domain("hostile.com", &[entity("registrant", &hostile)])),
        ("domain/many.com", domain("many.com", &[entity("registrant", &many)])),
        ("domain/none.com", domain("none.com", &[])),
        ("domain/other.com", domain("victim.com", &[entity("registrant", &["victim@victim.com"])])),
        ("ip/198.51.100.7", block("198.51.100.0", "198.51.100.255", &[entity("abuse", &hostile)])),
        ("ip/203.0.113.7", block("8.0.0.0", "8.255.255.255", &[entity("abuse", &["victim@x.example"])])),
        ("ip/192.0.2.7", block("192.0.2.0", "2001:db8::", &[entity("abuse", &["victim@x.example"])])),
    ]);
    let mut letters = [
        meant("hostile.com"),
        meant("many.com"),
        meant("none.com"),
        meant("other.com"),
        guesser("198.51.100.0/24", "198.51.100.7"),
        guesser("203.0.113.0/24", "203.0.113.7"),
        guesser("192.0.2.0/24", "192.0.2.7"),
    ];
    ask(&mut letters, &registry.network(&world));
    assert_eq!(letters.each_ref().map(contact), [ZONE, "victim0@x.example (RDAP, registrant)", ZONE, ZONE, "", "", ""]);
    // One letter goes to one address, whatever a registry names.
    let writer = Writer { from: "Desk <desk@our.example>", now: NOW };
    for letter in &letters {
        let Some(mail) = Letters::load(None).unwrap().write(letter, "en", &writer).unwrap() else { continue };
        let mail = String::from_utf8(mail).unwrap();
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!head.to_lowercase().contains("bcc") && head.matches('@').count() == 3, "{head}");
    }
}

#[test]
fn a_slow_or_dead_registry_leaves_what_was_known() {
    let world = held(&["slow.com", "down.com", "html.com"]);
    let registry = Registry::start(&[
        ("domain/slow.com", Does::Sleeps),
        ("domain/down.com", Does::HangsUp),
        ("domain/html.com", Does::Says(json!("<html>"))),
        ("ip/198.51.100.7", Does::Sleeps),
        ("ip/203.0.113.7", Does::HangsUp),
    ]);
    let mut letters = [
        meant("slow.com"),
        meant("down.com"),
        meant("html.com"),
        meant("nobody.com"),
        guesser("198.51.100.0/24", "198.51.100.7"),
        guesser("203.0.113.0/24", "203.0.113.7"),
        // Listed nowhere, and no address at all.
        guesser("10.0.0.0/24", "10.0.0.1"),
        guesser("198.51.100.0/24", "gone"),
    ];
    let (trail, [_, networks]) = ask(&mut letters, &registry.network(&world));
    assert_eq!(
        letters.each_ref().map(contact),
        [ZONE, ZONE, ZONE, "security@nobody.com (RFC 2142 role mailbox)", "", "", "", ""]
    );
    assert_eq!((trail.len(), networks.asked), (3, 3));
    let server = &networks.servers[0];
    assert!(server.failed >= 2 && server.answered == 0, "{server:?}");
    // Nobody at all.
    let dead = Registry::start(&[]);
    fs::write(dead.file("rdap.json"), r#"{"services":[[["com","198.51.100.0/24"],["http://127.0.0.1:1/"]]]}"#).unwrap();
    let mut letters = [guesser("198.51.100.0/24", "198.51.100.7")];
    assert!(ask(&mut letters, &dead.network(&world)).0.is_empty());
}

#[test]
fn no_more_is_asked_than_allowed_and_nothing_offline() {
    let world = held(&["a.com", "b.com"]);
    let desk = |ip: &str| block(ip, ip, &[entity("abuse", &["abuse@carrier.example"])]);
    let registry =
        Registry::start(&[("ip/198.51.100.7", desk("198.51.100.7")), ("ip/203.0.113.7", desk("203.0.113.7"))]);
    let all = || {
        [
            meant("a.com"),
            meant("b.com"),
            guesser("198.51.100.0/24", "198.51.100.7"),
            guesser("203.0.113.0/24", "203.0.113.7"),
        ]
    };
    let few = Network { max_lookups: Some(1), ..registry.network(&world) };
    let (_, [domains, networks]) = ask(&mut all(), &few);
    assert_eq!((domains.asked, domains.skipped_by_budget, networks.asked, networks.skipped_by_budget), (1, 1, 1, 1));
    assert_eq!(registry.asked().len(), 2);
    let offline = Network { offline: true, ..registry.network(&world) };
    let mut letters = all();
    assert!(ask(&mut letters, &offline).0.is_empty() && registry.asked().is_empty());
    assert_eq!(contact(&letters[0]), "security@a.com (RFC 2142 role mailbox)");
}

#[test]
fn a_draft_goes_to_whom_the_registry_names() {
    let dir = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample");
    let done = |args: &[&str]| {
        let output = bouncewatch(dir.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        (stdout(&output), stderr(&output))
    };
    done(&["run", sample, "--offline", "--quiet"]);
    let list = |state: &str| -> Vec<Value> {
        let (text, _) = done(&["disclose", "list", "--format", "jsonl", "--state", state]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let found = list("found");
    let network = found.iter().find(|d| d["audience"] == "network").unwrap();
    let ip = network["findings"][0]["addresses"][0].as_str().unwrap();
    let whole = block("0.0.0.0", "255.255.255.255", &[entity("abuse", &["abuse@carrier.example"])]);
    let registry = Registry::start(&[(&format!("ip/{ip}"), whole)]);
    let services = json!({"services": [[["0.0.0.0/0", "example"], [format!("http://{}/rdap/", registry.at)]]]});
    fs::write(registry.file("rdap.json"), services.to_string()).unwrap();
    let world = held(&[]);
    let (nameserver, rdap) = (world.dns.to_string(), registry.file("rdap.json").display().to_string());
    let whois = registry.file("whois.json").display().to_string();
    let draft = ["disclose", "draft", "--from", "desk@our.example", "--look-up-contacts", "--verbose"];
    let offline = bouncewatch(dir.path(), &[&draft[..], &["--offline", "ffffffffffffffff"]].concat());
    assert_eq!(offline.status.code(), Some(2));
    let network_options = ["--nameserver", &nameserver, "--rdap-bootstrap", &rdap, "--whois-servers", &whois];
    let (_, said) = done(&[&draft[..], &network_options].concat());
    assert!(said.contains("contacts found by asking") && said.contains(" RDAP"), "{said}");
    assert!(registry.asked().contains(&format!("ip/{ip}")));
    let id = network["id"].as_str().unwrap();
    let text = fs::read_to_string(dir.path().join(format!("reports/disclosures/network-{id}.eml"))).unwrap();
    assert!(text.contains("\r\nTo: abuse@carrier.example\r\n") && text.contains("RDAP, abuse"), "{text}");
    let drafted = list("drafted");
    let told = drafted.iter().find(|d| d["id"] == id).unwrap();
    assert_eq!(told["contact_source"], "RDAP, abuse");
    assert!(told["trail"].to_string().contains("contact is abuse@carrier.example"), "{told}");
    assert!(list("found").is_empty(), "every network's desk is known now");
}
