use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{random::Rng, *};
use crate::reply::Reply;

struct Written {
    _dir: tempfile::TempDir,
    path: PathBuf,
    summary: Summary,
    truth: Value,
    records: Vec<Value>,
}

fn world(seed: u64, records: u64, attacks: bool) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("world");
    let summary = simulate(&path, &Options { seed, records, attacks, ..Options::default() }).unwrap();
    let truth = serde_json::from_slice(&fs::read(path.join("truth.json")).unwrap()).unwrap();
    let records = fs::read_to_string(path.join("coremail.jsonl"))
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    Written { _dir: dir, path, summary, truth, records }
}

fn texts(v: &Value) -> Vec<&str> {
    v.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect()
}

fn replies(record: &Value) -> Vec<&str> {
    texts(&record["delivery_result"])
}

fn taken(record: &Value) -> bool {
    Reply::parse(replies(record).last().unwrap()).is_success()
}

fn degrees(of: &Value) -> [u64; 3] {
    ["non_bounced", "soft_bounced", "hard_bounced"].map(|d| of[d].as_u64().unwrap())
}

/// A Postfix log read with nothing but its own words: outbound mails by their attempts, inbound ones by lmtp and reject lines.
fn read_postfix(text: &str) -> ([u64; 3], [u64; 3]) {
    let (mut tries, mut out, mut inn) = (BTreeMap::<&str, Vec<bool>>::new(), [0; 3], [0; 3]);
    for line in text.lines() {
        let body = &line[line.find("]: ").unwrap() + 3..];
        let qid = body.split(':').next().unwrap();
        if line.contains("/smtp[") {
            tries.entry(qid).or_default().push(line.contains("status=sent"));
        } else if line.contains("/lmtp[") {
            inn[0] += 1;
        } else if line.contains(": reject: ") {
            inn[2] += 1;
        } else if body.ends_with(": removed")
            && let Some(tries) = tries.remove(qid)
        {
            out[match (tries.len(), tries.last()) {
                (_, Some(false)) => 2,
                (1, _) => 0,
                _ => 1,
            }] += 1;
        }
    }
    assert!(tries.is_empty(), "mails never removed: {tries:?}");
    (out, inn)
}

#[test]
fn a_seed_is_a_world_and_another_seed_another() {
    let (a, b, c) = (world(1, 2000, true), world(1, 2000, true), world(2, 2000, true));
    for file in ["coremail.jsonl", "mail.log", "mail-rfc3339.log", "truth.json", "registry.json"] {
        let read = |w: &Written| fs::read(w.path.join(file)).unwrap();
        assert!(read(&a) == read(&b), "{file}");
        if file != "registry.json" {
            assert!(read(&a) != read(&c), "{file}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(a.path.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn records_are_the_same_without_the_logs_of_postfix() {
    let (with, dir) = (world(1, 2000, true), tempfile::tempdir().unwrap());
    let options = Options { seed: 1, records: 2000, postfix: false, ..Options::default() };
    simulate(dir.path(), &options).unwrap();
    let read = |dir: &Path| fs::read(dir.join("coremail.jsonl")).unwrap();
    assert!(read(dir.path()) == read(&with.path));
    assert!(!dir.path().join("mail.log").exists() && !dir.path().join("mail-rfc3339.log").exists());
}

#[test]
fn all_three_logs_have_the_degrees_of_the_truth() {
    for (seed, records) in [(1, 2000), (5, 12_000)] {
        let w = world(seed, records, true);
        let mut degrees_seen = [0; 3];
        for r in &w.records {
            let replies = replies(r);
            assert_eq!(replies.len(), r["from_ip"].as_array().unwrap().len());
            assert_eq!(replies.len(), r["delivery_latency"].as_array().unwrap().len());
            let success: Vec<_> = replies.iter().map(|t| Reply::parse(t).is_success()).collect();
            assert!(success[..success.len() - 1].iter().all(|s| !s), "{r}");
            degrees_seen[match (success[0], taken(r)) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 2,
            }] += 1;
        }
        assert_eq!(w.records.len() as u64, records);
        let files = &w.truth["files"];
        assert_eq!(degrees_seen, degrees(&files["coremail.jsonl"]));
        assert_eq!(w.summary.outbound.total(), records);
        for log in ["mail.log", "mail-rfc3339.log"] {
            let (out, inn) = read_postfix(&fs::read_to_string(w.path.join(log)).unwrap());
            assert_eq!(out, degrees(&files[log]["outbound"]), "{log}");
            assert_eq!(inn, degrees(&files[log]["inbound"]), "{log}");
            assert_eq!(out, degrees_seen);
        }
        for (days, sum) in [("days", degrees_seen), ("inbound_days", degrees(&files["mail.log"]["inbound"]))] {
            let mut total = [0; 3];
            for day in w.truth[days].as_array().unwrap() {
                for (t, d) in total.iter_mut().zip(degrees(day)) {
                    *t += d;
                }
            }
            assert_eq!(total, sum, "{days}");
        }
        let by_type: u64 =
            w.truth["bounce_types"].as_array().unwrap().iter().map(|t| t["hard_bounced"].as_u64().unwrap()).sum();
        assert_eq!(by_type, degrees_seen[2]);
    }
}

#[test]
fn lines_stand_in_the_order_of_time() {
    let w = world(3, 3000, true);
    let text = fs::read_to_string(w.path.join("mail-rfc3339.log")).unwrap();
    assert!(text.lines().map(|l| &l[..26]).is_sorted());
    assert_eq!(text.lines().count(), fs::read_to_string(w.path.join("mail.log")).unwrap().lines().count());
    assert!(w.records.iter().map(|r| r["end_time"].as_str().unwrap()).is_sorted());
}

#[test]
fn a_world_may_cross_the_year() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse("2023-12-20T09:30:00Z").unwrap();
    simulate(dir.path(), &Options { records: 3000, start, days: 21, ..Options::default() }).unwrap();
    let path = dir.path().join("mail.log");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("Dec 20 00:") && text.lines().next_back().unwrap().starts_with("Jan "));
    assert!(text.contains("\nJan  1 "));
    let iso = fs::read_to_string(dir.path().join("mail-rfc3339.log")).unwrap();
    assert!(iso.starts_with("2023-12-20T00:") && iso.contains("\n2024-01-01T"));
    // Who reads a log without years dates it by the file.
    let dated = fs::metadata(&path).unwrap().modified().unwrap();
    let end = dated.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(Timestamp(end as i64).to_string(), "2024-01-10T00:00:00Z");
}

#[test]
fn campaigns_confirm_exactly_what_was_taken() {
    for (seed, records) in [(1, 2000), (2, 2000), (3, 6000), (4, 12_000), (6, 20_000)] {
        let w = world(seed, records, true);
        let campaigns = w.truth["campaigns"].as_array().unwrap();
        assert!(campaigns.iter().filter(|c| c["fast"] == true && c["direction"] == "out").count() >= 1);
        let rejects = fs::read_to_string(w.path.join("mail.log")).unwrap();
        for c in campaigns {
            let (mut hit, mut missed) = (BTreeSet::new(), BTreeSet::new());
            let (senders, targets) = (texts(&c["senders"]), texts(&c["target_domains"]));
            let first = c["first"].as_str().unwrap();
            if c["direction"] == "out" {
                for r in w.records.iter().filter(|r| senders.contains(&r["from"].as_str().unwrap())) {
                    let to = r["to"].as_str().unwrap();
                    if targets.contains(&to.rsplit('@').next().unwrap()) {
                        assert!(r["start_time"].as_str().unwrap().replace(' ', "T").as_str() >= &first[..19]);
                        if taken(r) {
                            hit.insert(to)
                        } else {
                            missed.insert(to)
                        };
                    }
                }
            } else {
                for l in rejects
                    .lines()
                    .filter(|l| l.contains(": reject: ") && l.contains(&format!("from=<{}>", senders[0])))
                {
                    missed.insert(l.split("to=<").nth(1).unwrap().split('>').next().unwrap());
                }
                hit.extend(texts(&c["confirmed"]));
                assert!(hit.iter().all(|h| rejects.contains(&format!("to=<{h}>, relay=store"))));
            }
            assert_eq!(hit.iter().copied().collect::<Vec<_>>(), texts(&c["confirmed"]), "{}", c["id"]);
            assert!(!hit.is_empty() && hit.is_disjoint(&missed), "{}", c["id"]);
            assert_eq!((hit.len() + missed.len()) as u64, c["tried"].as_u64().unwrap(), "{}", c["id"]);
        }
    }
    assert_eq!(world(1, 2000, false).truth["campaigns"].as_array().unwrap().len(), 0);
}

#[test]
fn typos_and_lapses_are_in_the_mail_as_told() {
    for (seed, records) in [(1, 2000), (1, 10_000), (2, 6000), (3, 6000), (4, 6000), (5, 20_000)] {
        typos_and_lapses(&world(seed, records, true));
    }
    // Large worlds only can show the order of the kinds.
    let big = world(2, 60_000, false);
    let mut edits = BTreeMap::<&str, u64>::new();
    for t in big.truth["typos"]["domains"].as_array().unwrap() {
        *edits.entry(t["edit"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(edits.iter().max_by_key(|e| e.1).unwrap().0, &"omission", "{edits:?}");
}

fn typos_and_lapses(w: &Written) {
    let mut to = BTreeMap::<&str, Vec<&Value>>::new();
    let mut at = BTreeMap::<&str, Vec<&Value>>::new();
    for r in &w.records {
        let address = r["to"].as_str().unwrap();
        to.entry(address).or_default().push(r);
        at.entry(address.rsplit('@').next().unwrap()).or_default().push(r);
    }
    let typos = w.truth["typos"]["domains"].as_array().unwrap();
    assert!(typos.iter().any(|t| t["typed"] == "yaho.com.cn"
        && t["intended"] == "yahoo.com.cn"
        && t["edit"] == "omission"
        && t["registrable"] == true));
    for t in typos {
        let mails = &at[t["typed"].as_str().unwrap()];
        assert_eq!(mails.len() as u64, t["emails"].as_u64().unwrap(), "{t}");
        let senders: BTreeSet<_> = mails.iter().map(|m| m["from"].as_str().unwrap()).collect();
        assert_eq!(senders.into_iter().collect::<Vec<_>>(), texts(&t["sender_addresses"]));
        assert_eq!(mails.iter().filter(|m| !taken(m)).count() as u64, t["bounced"].as_u64().unwrap());
        assert!(t["fate"] == "registered" || mails.iter().all(|m| !taken(m)), "{t}");
        assert!(at.contains_key(t["intended"].as_str().unwrap()));
    }
    for t in w.truth["typos"]["usernames"].as_array().unwrap() {
        assert!(to[t["typed"].as_str().unwrap()].iter().all(|m| !taken(m)), "{t}");
        assert!(
            to[t["intended"].as_str().unwrap()].iter().any(|m| taken(m) && m["from"] == t["sender_addresses"][0]),
            "{t}"
        );
    }
    for (list, name) in [("expired", "domains"), ("gone", "usernames")] {
        for l in w.truth[list][name].as_array().unwrap() {
            let mails = l["domain"].as_str().map_or_else(|| &to[l["address"].as_str().unwrap()], |d| &at[d]);
            let since = l["since"].as_str().unwrap()[..19].replace('T', " ");
            assert_eq!(mails.iter().filter(|m| taken(m)).count() as u64, l["accepted"].as_u64().unwrap(), "{l}");
            assert!(mails.iter().all(|m| taken(m) == (m["start_time"].as_str().unwrap() < since.as_str())), "{l}");
        }
    }
}

#[test]
fn shares_are_those_of_the_field() {
    let w = world(7, 40_000, false);
    let total = w.records.len() as f64;
    let [_, soft, hard] = degrees(&w.truth["files"]["coremail.jsonl"]).map(|n| n as f64);
    let within =
        |what: &str, share: f64, low: f64, high: f64| assert!((low..=high).contains(&share), "{what}: {share}");
    within("soft", soft / total, 0.065, 0.09);
    within("hard", hard / total, 0.035, 0.065);
    let of = |t: &str, what: &[&str]| -> f64 {
        let types = w.truth["bounce_types"].as_array().unwrap();
        types
            .iter()
            .filter(|x| x["type"] == t)
            .flat_map(|x| what.iter().map(move |w| x[*w].as_u64().unwrap() as f64))
            .sum()
    };
    let both = ["soft_bounced", "hard_bounced"];
    within("blocklisted", of("T5", &both) / (soft + hard), 0.24, 0.34);
    within("network", (of("T14", &both) + of("T15", &both)) / (soft + hard), 0.07, 0.12);
    within("content", of("T13", &both) / (soft + hard), 0.05, 0.08);
    let attempts: f64 = w.records.iter().filter(|r| !taken(r)).map(|r| replies(r).len() as f64).sum();
    within("replies a hard bounce", attempts / hard, 4.5, 5.5);
    let unknown: Vec<_> = w
        .records
        .iter()
        .filter(|r| !taken(r))
        .flat_map(replies)
        .filter(|t| {
            [
                "unknown",
                "not exist",
                "not found",
                "No such",
                "no such",
                "no mailbox",
                "unavailable",
                "Access denied",
                "have a",
            ]
            .iter()
            .any(|p| t.contains(p))
        })
        .filter(|t| t.starts_with("55") && !t.contains("Service"))
        .collect();
    let coded = unknown.iter().filter(|t| t.contains("5.1.1 ")).count() as f64;
    within("5.1.1 among unknown users", coded / unknown.len() as f64, 0.42, 0.58);
    let providers =
        w.records.iter().filter(|r| people::is_provider(r["to"].as_str().unwrap().rsplit('@').next().unwrap())).count()
            as f64;
    within("large providers", providers / total, 0.38, 0.5);
}

#[test]
fn the_registry_answers_for_every_planted_name() {
    let w = world(1, 2000, true);
    let registry: Value = serde_json::from_slice(&fs::read(w.path.join("registry.json")).unwrap()).unwrap();
    let planted = w.truth["typos"]["domains"].as_array().unwrap().iter().map(|t| (&t["typed"], &t["fate"]));
    for (name, fate) in
        planted.chain(w.truth["expired"]["domains"].as_array().unwrap().iter().map(|t| (&t["domain"], &t["fate"])))
    {
        assert_eq!(&registry["domains"][name.as_str().unwrap()]["fate"], fate);
    }
    for fate in ["registrable", "registered", "redemption", "on_hold"] {
        assert!(registry["domains"].as_object().unwrap().values().any(|d| d["fate"] == fate), "{fate}");
    }
}

#[test]
fn people_are_told_apart() {
    for domain in
        ["gmail.com", "qq.com", &people::domain(3), &people::domain(4), &people::domain(5), &people::domain(9)]
    {
        let all: BTreeSet<_> = (0..12_000).map(|n| people::person(domain, n)).collect();
        assert_eq!(all.len(), 12_000, "{domain}");
    }
    let names: BTreeSet<_> =
        (0..100_000).map(|i| people::domain(i).split('.').next().unwrap().replace('-', "")).collect();
    assert_eq!(names.len(), 100_000);
    // No two of the most written-to made-up names are a slip apart.
    for a in 0..80 {
        for b in 0..a {
            let (a, b) = (people::domain(a), people::domain(b));
            assert!(strsim::osa_distance(&a, &b) > 2, "{a} {b}");
        }
    }
}

#[test]
fn says_what_a_world_needs() {
    let dir = tempfile::tempdir().unwrap();
    let small = simulate(dir.path(), &Options { records: 100, ..Options::default() }).unwrap_err().to_string();
    assert!(small.contains("needs at least") && small.contains("not 100"), "{small}");
    let short = simulate(dir.path(), &Options { days: 2, ..Options::default() }).unwrap_err().to_string();
    assert!(short.contains("7 days, not 2"), "{short}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(simulate(&file.join("x"), &Options::default()), Err(Error::Write { .. })));
}

#[test]
fn chance_keeps_its_bounds() {
    let mut rng = Rng::new(1, "test");
    for n in [1, 2, 7, 1000] {
        assert!((0..1000).all(|_| rng.below(n) < n));
    }
    let weights = [0, 5, 0, 1];
    let mut seen = [0; 4];
    for _ in 0..6000 {
        seen[rng.weighted(weights)] += 1;
    }
    assert!(seen[0] == 0 && seen[2] == 0 && (4700..5300).contains(&seen[1]), "{seen:?}");
}
