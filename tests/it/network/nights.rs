//! Several nights over one store: names taken, runs killed, limits kept, answers streamed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bouncewatch::{moment::Timestamp, store::Store};
use serde_json::Value;

use super::crowd::dice;
use crate::servers::{Fate, RDAP_TLDS, Setup, World};

const MIDNIGHT: &str = "2022-07-04T02:00:00Z";

/// bouncewatch in `dir`, asking the world's servers.
fn command(dir: &Path, world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bouncewatch"));
    command.current_dir(dir).args(args).arg("--nameserver").arg(world.dns.to_string());
    command.arg("--rdap-bootstrap").arg(&world.bootstrap).arg("--whois-servers").arg(&world.whois_servers);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BOUNCEWATCH_")) {
        command.env_remove(name);
    }
    command
}

/// A limits file for the world's RDAP server.
fn limits(dir: &Path, world: &World, interval_ms: u64) -> String {
    let bootstrap: Value = serde_json::from_str(&fs::read_to_string(&world.bootstrap).unwrap()).unwrap();
    let base = bootstrap["services"][0][1][0].as_str().unwrap();
    let server = base.split('/').nth(2).unwrap();
    let path = dir.join("limits.toml");
    fs::write(&path, format!("[[server]]\nhosts = [\"{server}\"]\ninterval_ms = {interval_ms}\n")).unwrap();
    path.display().to_string()
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn mail(to: &str, day: &str, n: usize, reply: &str) -> String {
    format!(
        r#"{{"from":"s{n}@ours.example","to":"{to}","start_time":"{day} 10:00:{:02}","end_time":"{day} 10:01:00","from_ip":["192.0.2.1"],"to_ip":["198.51.100.1"],"delivery_result":["{reply}"],"delivery_latency":[900],"email_flag":"Normal"}}"#,
        n % 60
    )
}

const NO_DOMAIN: &str = "550 5.1.2 Domain not found: DNS error NXDOMAIN";

fn night(dir: &Path, world: &World, input: &str, now: &str) -> Value {
    done(&command(dir, world, &["run", input, "--now", now]).output().unwrap());
    serde_json::from_str(&fs::read_to_string(dir.join("reports/latest/report.json")).unwrap()).unwrap()
}

fn taken(report: &Value) -> Vec<Value> {
    report["alerts"].as_array().unwrap().iter().filter(|a| a["kind"] == "taken_over").cloned().collect()
}

#[test]
fn a_name_somebody_takes_between_two_nights_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let bounced: Vec<String> = (0..6)
        .flat_map(|n| {
            [mail("ann@gmail.com", "2022-07-03", n, "250 OK"), mail("ann@gmial.com", "2022-07-03", n, NO_DOMAIN)]
        })
        .collect();
    fs::write(dir.path().join("1.jsonl"), bounced.join("\n") + "\n").unwrap();
    // Who took it takes the mail too: nothing bounces any more.
    let caught: Vec<String> = (0..30).map(|n| mail("ann@gmial.com", "2022-07-04", n, "250 OK")).collect();
    fs::write(dir.path().join("2.jsonl"), caught.join("\n") + "\n").unwrap();
    fs::write(dir.path().join("3.jsonl"), mail("bob@gmail.com", "2022-07-05", 1, "250 OK") + "\n").unwrap();

    let free = World::start(&[("gmail.com".to_owned(), Fate::Registered)]);
    let first = night(dir.path(), &free, "1.jsonl", MIDNIGHT);
    let row = &first["squatting"]["domains"][0];
    assert_eq!((&row["domain"], &row["registrability"]["status"]), (&"gmial.com".into(), &"registrable".into()));
    assert_eq!((taken(&first), &first["squatting"]["taken"]), (vec![], &Value::Array(vec![])));

    let held = [("gmail.com", Fate::Registered), ("gmial.com", Fate::TakenOver), ("held.com", Fate::OnHold)];
    let world = World::start(&held.map(|(name, fate)| (name.to_owned(), fate)));
    let second = night(dir.path(), &world, "2.jsonl", "2022-07-05T02:00:00Z");
    let alerts = taken(&second);
    assert_eq!(alerts.len(), 1, "{}", second["alerts"]);
    assert_eq!((&alerts[0]["severity"], &alerts[0]["raised_at"]), (&"high".into(), &"2022-07-05T02:00:00Z".into()));
    let subject = alerts[0]["subject"].as_str().unwrap();
    for part in [
        "gmial.com",
        "free on 2022-07-04",
        "created 2022-07-04T12:00:00Z",
        "registrar Loopback Registrar",
        "name servers ns1.squat.example",
        "mail to mx.hosting.example",
    ] {
        assert!(subject.contains(part), "{part}: {subject}");
    }
    let row = &second["squatting"]["taken"][0];
    assert_eq!(row["domain"], "gmial.com");
    assert_eq!((&row["registrar"], &row["created"]), (&"Loopback Registrar".into(), &"2022-07-04T12:00:00Z".into()));
    assert_eq!((&row["mx"][0], &row["nameservers"][0]), (&"mx.hosting.example".into(), &"ns1.squat.example".into()));
    assert_eq!((&row["open_at"], &row["taken_over"]), (&MIDNIGHT.into(), &true.into()));
    let servers = second["lookups"]["servers"].as_array().unwrap();
    assert!(servers.iter().any(|s| s["asked"] == 1 && s["answered"] == 1 && s["refused"] == 0), "{servers:?}");

    // Nothing bounces, and yet whose mail goes there hears of it.
    done(&command(dir.path(), &world, &["disclose", "draft", "--from", "abuse@ours.example"]).output().unwrap());
    let letters = fs::read_dir(dir.path().join("reports/disclosures")).unwrap();
    let letters: Vec<String> = letters.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let warned = |n: usize| {
        letters.iter().any(|l| l.contains(&format!("To: s{n}@ours.example")) && l.contains("somebody has taken it"))
    };
    assert!((0..30).all(warned), "{letters:?}");

    let third = night(dir.path(), &world, "3.jsonl", "2022-07-06T02:00:00Z");
    assert_eq!(taken(&third), alerts, "the same alert, raised then, and no second one");
    assert_eq!(world.asked.names.lock().unwrap()["gmial.com"], 3, "NS, MX and RDAP, in one night only");

    // Pseudonyms of all who were asked and whom one could write to, in a report and in an answer.
    fs::write(dir.path().join("4.jsonl"), mail("ann@free.com", "2022-07-06", 1, NO_DOMAIN) + "\n").unwrap();
    for args in [["run", "4.jsonl", "--now", "2022-07-07T02:00:00Z"], ["check", "gmial.com", "held.com", "--quiet"]] {
        let output = command(dir.path(), &world, &[&args[..], &["--redact"]].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let report = fs::read_to_string(dir.path().join("reports/latest/report.json")).unwrap();
        let told = if args[0] == "check" { String::from_utf8(output.stdout).unwrap() } else { report };
        assert!(told.contains("http://ip-") && told.contains("gmial.com"), "{told}");
        assert!(!told.contains("127.0.0.1") && !told.contains("abuse@"), "{told}");
    }
}

#[test]
fn a_free_name_that_never_took_mail_is_not_said_to_have_worked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.jsonl"), mail("ann@ghost-nowhere.org", "2022-07-03", 1, NO_DOMAIN) + "\n").unwrap();
    let world = World::start(&[]);
    let report = night(dir.path(), &world, "in.jsonl", MIDNIGHT);
    let row = &report["squatting"]["domains"][0];
    assert_eq!((&row["kind"], &row["delivered_before"]), (&"expired".into(), &0.into()));
    done(&command(dir.path(), &world, &["disclose", "draft", "--from", "abuse@ours.example"]).output().unwrap());
    let letter = fs::read_dir(dir.path().join("reports/disclosures")).unwrap().next().unwrap().unwrap().path();
    let latest = dir.path().join("reports/latest");
    for path in ["report.json", "report.md", "report.html"].map(|name| latest.join(name)).into_iter().chain([letter]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("ghost-nowhere.org"), "{}", path.display());
        assert!(!text.contains("worked before") && !text.contains("took mail once"), "{text}");
    }
}

#[test]
fn killed_at_any_moment_no_answered_name_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut roll = dice(29);
    let names: Vec<String> =
        (0..150).map(|n| format!("dead{n}-{}.{}", roll(1000), RDAP_TLDS[n % RDAP_TLDS.len()])).collect();
    let lines: Vec<String> =
        names.iter().enumerate().map(|(n, name)| mail(&format!("ann@{name}"), "2022-07-03", n, NO_DOMAIN)).collect();
    fs::write(dir.path().join("in.jsonl"), lines.join("\n") + "\n").unwrap();
    let world = World::start(&[]);
    let limits = limits(dir.path(), &world, 20);
    let args = ["run", "in.jsonl", "--quiet", "--now", MIDNIGHT, "--registry-limits", &limits];
    let counted = || world.asked.names.lock().unwrap().clone();
    let mut kept: BTreeMap<String, u64> = BTreeMap::new();
    let mut killed = 0;
    while killed < 10 {
        let mut child = command(dir.path(), &world, &args).spawn().unwrap();
        // Some before it asks, the others after so many questions: at random, whatever the machine is busy with.
        let (start, questions) = (world.asked.rdap.load(Ordering::Relaxed), roll(18));
        std::thread::sleep(Duration::from_millis(roll(60)));
        while questions > 5 && world.asked.rdap.load(Ordering::Relaxed) < start + questions {
            assert!(child.try_wait().unwrap().is_none(), "it was done before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        let now_asked = counted();
        for (name, times) in &kept {
            assert_eq!(now_asked.get(name), Some(times), "{name} was answered, kept, and asked again");
        }
        let now = Timestamp::parse(MIDNIGHT).unwrap();
        if dir.path().join("bouncewatch.db").exists() {
            let store = Store::open(&dir.path().join("bouncewatch.db")).unwrap();
            let fresh = store.answers().unwrap().into_values().filter(|a| a.fresh_until > now);
            kept.extend(fresh.map(|a| (a.domain.clone(), now_asked.get(&a.domain).copied().unwrap_or(0))));
        }
    }
    let before = kept.len();
    done(&command(dir.path(), &world, &args).output().unwrap());
    let now_asked = counted();
    assert!(kept.iter().all(|(name, times)| now_asked.get(name) == Some(times)));
    let report: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("reports/latest/report.json")).unwrap()).unwrap();
    let rows = report["squatting"]["domains"].as_array().unwrap();
    let found: BTreeSet<&str> = rows.iter().map(|r| r["domain"].as_str().unwrap()).collect();
    assert_eq!(found.len(), names.len(), "every name has its answer in the end");
    let asked = world.asked.rdap.load(Ordering::Relaxed);
    println!("{before} of {} names kept over {killed} kills; {asked} RDAP questions", names.len());
    assert!(before > 20 && before < names.len(), "kills came while it asked: {before}");
    // Only what was under way when a kill came has no answer to keep.
    assert!(asked <= names.len() as u64 + killed * 8, "{asked}");
}

#[test]
fn check_warns_of_a_name_server_that_answers_with_errors_only() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::with(Setup { default: Fate::Servfail, ..Setup::of(&[]) });
    let output = command(dir.path(), &world, &["check", "a.com", "b.com", "c.com"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("name server {} answers with errors only", world.dns)), "{said}");
}

#[test]
fn check_tells_each_answer_as_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(&[("silent.com".to_owned(), Fate::Silent)]);
    let args = ["check", "--format", "jsonl", "--now", MIDNIGHT, "free.com", "silent.com", "free.org"];
    let mut child = command(dir.path(), &world, &args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let row =
        |line: Option<std::io::Result<String>>| -> Value { serde_json::from_str(&line.unwrap().unwrap()).unwrap() };
    let first = row(lines.next());
    assert_eq!((&first["domain"], &first["status"]), (&"free.com".into(), &"registrable".into()));
    assert!(child.try_wait().unwrap().is_none(), "the first is told while the second is asked");
    let rest: Vec<Value> = lines.map(|line| row(Some(line))).collect();
    let told: Vec<(&Value, &Value)> = rest.iter().map(|r| (&r["domain"], &r["status"])).collect();
    assert_eq!(
        told,
        [(&"silent.com".into(), &"unknown".into()), (&"free.org".into(), &"registrable".into())]
            as [(&Value, &Value); 2]
    );
    assert!(child.wait().unwrap().success());
}

/// `count` names through `check` at one question every `interval_ms`: time over what that allows, and peak kB.
fn measured(count: usize, interval_ms: u64) -> (f64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(&[]);
    let limits = limits(dir.path(), &world, interval_ms);
    let count_text = count.to_string();
    let args =
        ["check", "--format", "jsonl", "--now", MIDNIGHT, "--registry-limits", &limits, "--max-lookups", &count_text];
    let mut child = command(dir.path(), &world, &args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let names: String = (0..count).map(|n| format!("{{\"domain\":\"name{n}.com\"}}\n")).collect();
    child.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    let mut start = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    let (mut free, mut peak) = (0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        free += usize::from(line.unwrap().contains("\"status\":\"registrable\""));
        if free == 1 {
            // Starting up is not asking.
            start = Instant::now();
        }
        if free % 50 == 0 || free == count {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let high = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            peak = high.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(peak);
        }
    }
    let took = start.elapsed();
    assert!(child.wait().unwrap().success());
    assert!(free * 100 >= count * 99, "{free} of {count} found free");
    let allowed = Duration::from_millis(interval_ms) * (count as u32 - 1);
    assert!(took > allowed.mul_f64(0.9), "{took:?} where {allowed:?} is the least");
    (took.as_secs_f64() / allowed.as_secs_f64(), peak)
}

#[test]
fn a_list_is_done_as_fast_as_the_limits_allow() {
    let (ratio, peak) = measured(300, 12);
    println!("300 names in {ratio:.2} x of what the limits allow, {peak} kB");
    assert!(ratio < 1.3, "{ratio}");
}

#[test]
#[ignore = "a minute: cargo test --test it -- --ignored ten_thousand"]
fn ten_thousand_names_take_what_the_limits_allow_and_no_more_memory() {
    let (_, small) = measured(1_000, 5);
    let (ratio, large) = measured(10_000, 5);
    println!("10,000 names in {ratio:.2} x of what the limits allow; {large} kB where 1,000 take {small} kB");
    assert!(ratio < 1.3, "{ratio}");
    assert!(large < small + small / 4, "{small} kB grew to {large} kB");
}
