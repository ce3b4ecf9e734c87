//! Published logs, read from beside the repository; none of them is in it.

use super::*;

fn corpora() -> Option<PathBuf> {
    folder("postfix")
}

/// A folder of the logs; says so where there is none.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("BOUNCEWATCH_CORPORA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let found = named.unwrap_or(beside).join("logs").join(name);
    if !found.is_dir() {
        eprintln!("skipped: no corpora at {}", found.display());
        return None;
    }
    Some(found)
}

/// Lines of a file, its last one too.
pub(super) fn lines_of(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("a log");
    bytes.iter().filter(|b| **b == b'\n').count() as u64 + u64::from(bytes.last().is_some_and(|b| *b != b'\n'))
}

pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a corpus").filter_map(Result::ok) {
        if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
    found.sort();
}

#[test]
fn every_postfix_log_is_read() {
    let Some(folder) = corpora() else { return };
    let mut found = Vec::new();
    files(&folder, &mut found);
    found.retain(|f| [".log", ".gz", ".1", ".2", ".3", ".4", ".txt"].iter().any(|e| f.to_string_lossy().ends_with(e)));
    assert!(!found.is_empty());
    for path in found {
        for settle in [false, true] {
            match run(std::slice::from_ref(&path), &Known::default(), &Options { settle, ..options() }) {
                Ok(r) => {
                    let c = &r.inputs[0];
                    let all = deliveries([&r]);
                    let outcome =
                        |o: &str| all.iter().filter(|d| d.lines().next().is_some_and(|l| l.ends_with(o))).count();
                    eprintln!(
                        "{}{}: {} lines, {} deliveries ({} non, {} soft, {} hard), {} pending, {} rejected",
                        path.strip_prefix(&folder).expect("inside").display(),
                        if settle { " settled" } else { "" },
                        c.lines,
                        c.records,
                        outcome("NonBounced"),
                        outcome("SoftBounced"),
                        outcome("HardBounced"),
                        r.pending_deliveries,
                        c.rejected
                    );
                }
                Err(e @ Error::Unrecognised { .. }) => eprintln!("{e}"),
                Err(e) => panic!("{}: {e}", path.display()),
            }
        }
    }
}

#[test]
fn nights_split_published_logs() {
    let Some(folder) = corpora() else { return };
    let mut found = Vec::new();
    files(&folder.join("lightmeter"), &mut found);
    let held: usize = found
        .iter()
        .map(|path| nights::check(path, if fs::metadata(path).expect("a log").len() > 20_000 { 9 } else { 1 }, false))
        .sum();
    eprintln!("{held} splits of {} logs", found.len());
    assert!(held > 0);
}

#[test]
fn outer_hops_are_counted_once() {
    let Some(folder) = corpora() else { return };
    let expected = fs::read(folder.join("lightmeter-expected.json")).expect("expectations");
    let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
    for (name, expect) in expected["expect"].as_object().expect("an object") {
        let path = folder.join("lightmeter").join(name);
        if !path.exists() {
            eprintln!("skipped: {name} is not in this half");
            continue;
        }
        let reading = run(&[path], &Known::default(), &options()).expect("a log");
        // They count attempts of mail that was let in; refusals at the door are ours to count besides.
        let attempts: Vec<String> = deliveries([&reading])
            .into_iter()
            .filter(|d| !d.contains("HardBounced") || !d.contains("  x - - 5") && !d.contains("  x - - 4"))
            .collect();
        assert_eq!(attempts.len() as u64, expect["results"].as_u64().expect("a count"), "{name}: {attempts:#?}");
        for recipient in expect["recipients"].as_array().into_iter().flatten() {
            let to = format!("-> {} ", recipient.as_str().expect("text"));
            assert!(attempts.iter().any(|d| d.contains(&to)), "{name}: {to}");
        }
        if expect["direction"] == "incoming" {
            assert!(attempts.iter().all(|d| d.starts_with("In ")), "{name}");
        }
    }
}
