//! Timeouts by receiver country, from mmdb files made here.

use std::{fs, net::IpAddr, path::Path};

use bouncewatch::{
    geo::Countries,
    simulate::{self, Options},
};
use serde_json::{Value, json};

use crate::cli::{bouncewatch, stderr};

/// A file in the MaxMind DB format 2.0: a tree of 24-bit records, the data, the metadata.
fn mmdb(version: u16, networks: &[(&str, Value)]) -> Vec<u8> {
    // `None` is a network nobody knows, `Err` a place in the data, `Ok` another node.
    let mut nodes: Vec<[Option<Result<usize, usize>>; 2]> = vec![[None; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        let (ip, length) = network.split_once('/').unwrap();
        let length: usize = length.parse().unwrap();
        let (bits, length) = match (ip.parse().unwrap(), version) {
            (IpAddr::V4(ip), 4) => (u128::from(u32::from(ip)) << 96, length),
            (IpAddr::V4(ip), _) => (u128::from(u32::from(ip)), length + 96),
            (IpAddr::V6(ip), _) => (ip.into(), length),
        };
        let (mut node, bit) = (0, |n: usize| (bits >> (127 - n) & 1) as usize);
        for n in 0..length - 1 {
            node = match nodes[node][bit(n)] {
                Some(next) => next.unwrap(),
                None => {
                    let next = nodes.len();
                    nodes.push([None; 2]);
                    nodes[node][bit(n)] = Some(Ok(next));
                    next
                }
            };
        }
        nodes[node][bit(length - 1)] = Some(Err(data.len()));
        encode(value, &mut data);
    }
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let n = match record {
            None => nodes.len(),
            Some(Ok(node)) => *node,
            Some(Err(place)) => nodes.len() + 16 + place,
        };
        out.extend(&u32::try_from(n).unwrap().to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    out.push(7 << 5 | 9);
    let named = |out: &mut Vec<u8>, name: &str| encode(&json!(name), out);
    for (name, n) in [
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", version),
        ("record_size", 24),
    ] {
        named(&mut out, name);
        out.push(5 << 5 | 2);
        out.extend(n.to_be_bytes());
    }
    for (name, value) in [
        ("node_count", json!(nodes.len())),
        ("database_type", json!("Test-Country")),
        ("languages", json!(["en"])),
        ("description", json!({ "en": "made by a test" })),
    ] {
        named(&mut out, name);
        encode(&value, &mut out);
    }
    named(&mut out, "build_epoch");
    out.extend([8, 2]);
    out.extend(1_656_900_000_u64.to_be_bytes());
    out
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    let size = |n: usize| u8::try_from(n).ok().filter(|n| *n < 29).unwrap();
    match value {
        Value::String(text) => {
            out.push(2 << 5 | size(text.len()));
            out.extend(text.bytes());
        }
        Value::Number(n) => {
            out.push(6 << 5 | 4);
            out.extend(u32::try_from(n.as_u64().unwrap()).unwrap().to_be_bytes());
        }
        Value::Array(items) => {
            out.extend([size(items.len()), 4]);
            items.iter().for_each(|item| encode(item, out));
        }
        Value::Object(map) => {
            out.push(7 << 5 | size(map.len()));
            for (key, item) in map {
                encode(&json!(key), out);
                encode(item, out);
            }
        }
        _ => unreachable!("not written here"),
    }
}

fn country(code: &str) -> Value {
    json!({ "city": { "names": { "en": "Somewhere" } }, "country": { "iso_code": code, "names": { "en": "A land" } } })
}

/// Documentation addresses given to lands.
fn world() -> Vec<u8> {
    let v4 = [("198.51.100.0/24", "DE"), ("203.0.113.0/25", "FR"), ("203.0.113.128/25", "ZZ")];
    let networks = v4.into_iter().chain([("2001:db8::/32", "JP"), ("2001:db9::/32", "no code")]);
    mmdb(6, &networks.map(|(network, code)| (network, country(code))).collect::<Vec<_>>())
}

fn record(to: &str, day: u32, attempts: &[(&str, &str)]) -> String {
    let (ips, replies): (Vec<&str>, Vec<&str>) = attempts.iter().copied().unzip();
    let from = vec!["192.0.2.1"; ips.len()];
    let at = format!("2022-06-{day:02} 10:00:00");
    json!({ "from": "a@x.example", "to": to, "start_time": at, "end_time": at, "from_ip": from, "to_ip": ips,
        "delivery_result": replies, "delivery_latency": vec![900; ips.len()], "email_flag": "Normal" })
    .to_string()
        + "\n"
}

const LATE: &str = "connect to mx.y.example[192.0.2.9]:25: Connection timed out";
const CUT: &str = "lost connection with mx.y.example[192.0.2.9] while receiving the initial server greeting";

/// In DE two mails, three attempts, all timed out; in FR two mails, one cut off; in JP one; of the rest no land is known.
fn log() -> String {
    [
        record("b@y.example", 8, &[("198.51.100.1", LATE), ("203.0.113.9", "250 OK")]),
        record("c@y.example", 8, &[("198.51.100.2", LATE), ("198.51.100.3", LATE)]),
        record("d@y.example", 9, &[("2001:db8::1", "250 OK")]),
        record("e@y.example", 9, &[("192.0.2.77", LATE)]),
        record("f@y.example", 9, &[("203.0.113.10", CUT)]),
        record("g@y.example", 9, &[("203.0.113.200", LATE), ("2001:db9::1", LATE)]),
    ]
    .concat()
}

fn given() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("world.mmdb"), world()).unwrap();
    fs::write(dir.path().join("log.jsonl"), log()).unwrap();
    fs::write(dir.path().join("later.jsonl"), record("b@y.example", 20, &[("198.51.100.1", LATE)])).unwrap();
    dir
}

fn done(dir: &Path, args: &[&str]) {
    let output = bouncewatch(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
}

fn told(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join("reports/latest").join(file)).unwrap()
}

fn countries(dir: &Path) -> Value {
    serde_json::from_str::<Value>(&told(dir, "report.json")).unwrap()["countries"].clone()
}

fn line(country: &str, counts: [u64; 4], since: &str) -> Value {
    let [emails, attempts, timeouts, interrupted] = counts;
    json!({ "country": country, "emails": emails, "attempts": attempts, "timeouts": timeouts, "interrupted": interrupted, "since": since })
}

#[test]
fn timeouts_are_told_by_country() {
    let (dir, expected) = (given(), |late: u64| {
        json!([
            line("DE", [2 + late, 3 + late, 3 + late, 0], "2022-06-08"),
            line("FR", [2, 2, 0, 1], "2022-06-08"),
            line("JP", [1, 1, 0, 0], "2022-06-09"),
        ])
    });
    let dir = dir.path();
    done(dir, &["run", "log.jsonl", "--offline", "--geoip", "world.mmdb"]);
    assert_eq!(countries(dir), expected(0));
    let html = told(dir, "report.html");
    assert!(html.contains("Timeouts by receiver country") && html.contains("<th scope=\"row\">DE</th>"), "{html}");
    let md = told(dir, "report.md");
    assert!(md.contains("| `DE` | 2 | 3 | 3 | 100.0 % | 0 |"), "{md}");
    // A night without the file adds nothing and forgets nothing.
    done(dir, &["run", "later.jsonl", "--offline"]);
    assert_eq!(countries(dir), expected(0));
    // What is read again is not counted again; a window shows its own days.
    done(dir, &["run", "log.jsonl", "later.jsonl", "--offline", "--geoip", "world.mmdb"]);
    assert_eq!(countries(dir), expected(0));
    done(dir, &["report", "--since", "2022-06-09"]);
    assert_eq!(countries(dir), expected(0), "the night's report stays");
    let of_the_9th = json!([line("FR", [1, 1, 0, 1], "2022-06-09"), line("JP", [1, 1, 0, 0], "2022-06-09")]);
    let view = fs::read_to_string(dir.join("reports/2022-07-04-since-2022-06-09/report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&view).unwrap()["countries"], of_the_9th);
    done(dir, &["db", "prune", "--before", "2022-06-09"]);
    done(dir, &["report"]);
    assert_eq!(countries(dir), of_the_9th);
    // Both nights with it, by the environment's name for it.
    let mut both = crate::cli::start(dir, &["run", "log.jsonl", "later.jsonl", "--offline", "--db", "both.db"]);
    let both = both.env("BOUNCEWATCH_GEOIP", "world.mmdb").output().unwrap();
    assert_eq!(both.status.code(), Some(0), "{}", stderr(&both));
    assert_eq!(countries(dir), expected(1));
}

#[test]
fn without_a_file_nothing_is_counted() {
    let dir = given();
    done(dir.path(), &["run", "log.jsonl", "--offline"]);
    assert_eq!(countries(dir.path()), Value::Null);
    assert!(!told(dir.path(), "report.html").contains("receiver country"));
}

/// Every address has a land here, so that the lands add up to all that timed out.
#[test]
fn every_format_with_addresses_counts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    simulate::simulate(dir, &Options { seed: 11, records: 5_000, ..Options::default() }).unwrap();
    let halves = [("0.0.0.0/1", country("DE")), ("128.0.0.0/1", country("US"))];
    fs::write(dir.join("halves.mmdb"), mmdb(4, &halves)).unwrap();
    let mail = without_silent_relays(&fs::read_to_string(dir.join("mail.log")).unwrap());
    fs::write(dir.join("mail.log"), mail).unwrap();
    let mut same = Vec::new();
    for log in ["coremail.jsonl", "mail.log"] {
        done(dir, &["run", log, "--offline", "--geoip", "halves.mmdb", "--db", &format!("{log}.db")]);
        let report: Value = serde_json::from_str(&told(dir, "report.json")).unwrap();
        let sum = |what: &str| -> u64 {
            report["countries"].as_array().unwrap().iter().map(|c| c[what].as_u64().unwrap()).sum()
        };
        let of_type = |id: &str| {
            let all = report["bounce_types"].as_array().unwrap();
            all.iter().find(|t| t["type"] == id).unwrap()["attempts"].as_u64().unwrap()
        };
        assert!(sum("timeouts") > 50 && sum("interrupted") > 10, "{log}: {}", report["countries"]);
        assert_eq!([sum("timeouts"), sum("interrupted")], ["T14", "T15"].map(of_type), "{log}");
        same.push(report["countries"].clone());
    }
    assert_eq!(same[0], same[1]);
}

/// Postfix names no relay where nobody answered, only its own words do.
fn without_silent_relays(log: &str) -> String {
    let mut silent = 0;
    let lines = log.lines().map(|line| {
        let found = line.contains("(connect to ").then(|| line.find(" relay=")).flatten();
        let Some(start) = found else { return format!("{line}\n") };
        silent += 1;
        let end = start + line[start..].find(',').unwrap();
        format!("{} relay=none{}\n", &line[..start], &line[end..])
    });
    let log: String = lines.collect();
    assert!(silent > 10, "only {silent} silent servers");
    log
}

#[test]
fn shards_count_what_one_machine_does() {
    let dir = given();
    let dir = dir.path();
    done(dir, &["run", "log.jsonl", "--offline", "--geoip", "world.mmdb"]);
    let one = countries(dir);
    let cut = log().len() / 2;
    for (name, from, length) in [("a.arrow", 0, cut), ("b.arrow", cut, log().len() - cut)] {
        let (from, length) = (from.to_string(), length.to_string());
        let args = ["ledger", "partial", "--range", "log.jsonl", &from, &length, "--geoip", "world.mmdb"];
        let output = bouncewatch(dir, &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::write(dir.join(name), output.stdout).unwrap();
    }
    done(dir, &["ledger", "merge", "b.arrow", "a.arrow", "--out", "merged"]);
    for (db, from) in [("merged.db", &["merged"][..]), ("parts.db", &["a.arrow", "b.arrow"])] {
        done(dir, &[&["ledger", "import", "--db", db], from].concat());
        done(dir, &["report", "--db", db]);
        assert_eq!(countries(dir), one, "{db}");
    }
}

#[test]
fn files_that_tell_no_country_are_refused() {
    let dir = given();
    let dir = dir.path();
    let asn = mmdb(4, &[("198.51.100.0/24", json!({ "autonomous_system_number": 64_500 }))]);
    for (name, bytes) in
        [("junk.mmdb", b"no database".to_vec()), ("half.mmdb", world()[..400].to_vec()), ("asn.mmdb", asn)]
    {
        fs::write(dir.join(name), bytes).unwrap();
    }
    fs::write(dir.join("own.toml"), "geoip = 'asn.mmdb'\n").unwrap();
    for (args, says) in [
        (&["run", "log.jsonl", "--offline", "--geoip", "none.mmdb"][..], "cannot read none.mmdb"),
        (&["run", "log.jsonl", "--offline", "--geoip", "junk.mmdb"], "no intact mmdb file"),
        (&["run", "log.jsonl", "--offline", "--geoip", "half.mmdb"], "no intact mmdb file"),
        (&["run", "log.jsonl", "--offline", "--config", "own.toml"], "asn.mmdb: tells of no country"),
        (&["watch", "log.jsonl", "--once", "--geoip", "junk.mmdb"], "no intact mmdb file"),
    ] {
        let output = bouncewatch(dir, args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{args:?} should say {says:?}: {said}");
    }
    let checked = bouncewatch(dir, &["config", "check", "own.toml"]);
    assert_ne!(checked.status.code(), Some(0));
    assert!(!dir.join("reports/latest/report.json").exists());
}

#[test]
fn addresses_of_both_kinds_are_found_in_trees_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("world.mmdb");
    let four = mmdb(4, &[("198.51.100.0/24", country("DE")), ("203.0.113.0/25", country("FR"))]);
    for (bytes, six) in [(world(), Some("JP")), (four, None)] {
        fs::write(&path, bytes).unwrap();
        let file = Countries::open(&path).unwrap();
        for (ip, code) in [
            ("198.51.100.0", Some("DE")),
            ("198.51.100.255", Some("DE")),
            ("::ffff:198.51.100.7", Some("DE")),
            ("198.51.101.0", None),
            ("203.0.113.127", Some("FR")),
            ("203.0.113.128", None),
            ("2001:db8:ffff::1", six),
            ("2001:db9::1", None),
            ("2001:db7::1", None),
        ] {
            let found = file.of(ip.parse().unwrap());
            assert_eq!(found.as_ref().map(|country| country.code()), code, "{ip}");
        }
    }
}

/// Cut anywhere: an error. Flipped anywhere: an error, or countries, never the end of the program.
#[test]
fn a_damaged_file_is_an_error_or_knows_less() {
    let dir = tempfile::tempdir().unwrap();
    let (path, whole) = (dir.path().join("world.mmdb"), world());
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Countries::open(&path)
    };
    for end in 0..whole.len() {
        assert!(open(&whole[..end]).is_err(), "cut at {end} of {}", whole.len());
    }
    let mut refused = 0;
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        match open(&bytes) {
            Err(_) => refused += 1,
            Ok(file) => {
                for ip in ["198.51.100.1", "203.0.113.9", "2001:db8::1", "::"] {
                    assert!(file.of(ip.parse().unwrap()).is_none_or(|country| country.code().len() == 2));
                }
            }
        }
    }
    assert!(refused > 500, "only {refused} of {} refused", whole.len() * 8);
}
