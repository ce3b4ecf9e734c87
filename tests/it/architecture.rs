//! The shape of the code: data flows one way, each outside crate has one door, each stage says what it never does.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The stages in the order of the data's way; a stage may use itself and those before it.
const ORDER: &[&str] = &[
    "hash",
    "merge",
    "address",
    "bounce",
    "moment",
    "reply",
    "delivery",
    "error",
    "suffix",
    "geo",
    "place",
    "plural",
    "tls",
    "zone",
    "mail",
    "sources",
    "progress",
    "ndr",
    "lm",
    "ledger",
    "learn",
    "columnar",
    "typo",
    "registrability",
    "enumeration",
    "findings",
    "redact",
    "disclose",
    "store",
    "judge",
    "report",
    "export",
    "alert",
    "simulate",
    "pipeline",
    "shards",
    "watch",
    "rehearsal",
    "cli",
];

/// Where an outside crate may be named, beside tests.
const DOORS: &[(&str, &[&str])] = &[
    ("clap", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("signal_hook", &["cli/"]),
    ("rusqlite", &["store/"]),
    ("arrow_array", &["columnar/"]),
    ("arrow_ipc", &["columnar/file.rs"]),
    ("arrow_schema", &["columnar/"]),
    ("parquet", &["columnar/file.rs"]),
    ("hickory_resolver", &["registrability/"]),
    ("whois_rust", &["registrability/"]),
    ("ureq", &["registrability/", "alert/webhook.rs", "tls.rs"]),
    ("lettre", &["mail/"]),
    ("uuid", &["export/"]),
    ("publicsuffix", &["suffix.rs"]),
    ("maxminddb", &["geo.rs"]),
    ("strsim", &["typo/"]),
    ("unicode_security", &["typo/homoglyph.rs"]),
    ("askama", &["report/"]),
    ("minijinja", &["disclose/"]),
    ("mail_parser", &["sources/dsn/"]),
    ("candle_core", &["lm/bert.rs"]),
    ("tokenizers", &["lm/bert.rs"]),
];

fn sources() -> BTreeMap<String, String> {
    fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    let code: BTreeMap<String, String> =
        files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect();
    assert!(code.len() > 50, "only {} files found", code.len());
    code
}

/// The code without comments and without the tests at its end.
fn working(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/")
}

/// The modules of this crate a file names: `crate::a::…` and `crate::{a::…, b}`.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("crate::").skip(1) {
        let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let Some(list) = part.strip_prefix('{') else {
            found.push(word(part));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if depth == 0 && start && (c.is_alphanumeric() || c == '_') => {
                    found.push(word(&list[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn data_flows_one_way() {
    let place = |stage: &str| ORDER.iter().position(|known| *known == stage);
    let mut edges = 0;
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        let stage = name.split('/').next().unwrap().trim_end_matches(".rs");
        if matches!(stage, "lib" | "main") {
            continue;
        }
        let here = place(stage).unwrap_or_else(|| panic!("{name}: {stage} is not in the order"));
        for used in uses(&working(text)) {
            if let Some(there) = place(&used) {
                edges += 1;
                assert!(there <= here, "{name} uses {used}, which comes after {stage}");
            }
        }
    }
    assert!(edges > 100, "only {edges} uses seen");
}

#[test]
fn each_outside_crate_has_one_door() {
    let code = sources();
    for (outside, doors) in DOORS {
        let named: Vec<&String> = code
            .iter()
            .filter(|(name, text)| !is_test(name) && working(text).contains(&format!("{outside}::")))
            .map(|(name, _)| name)
            .collect();
        assert!(!named.is_empty(), "{outside} does no work");
        for name in named {
            assert!(doors.iter().any(|door| name.starts_with(door)), "{name} uses {outside}, whose door is {doors:?}");
        }
    }
}

#[test]
fn each_stage_says_what_it_never_does() {
    let code = sources();
    for stage in [
        "mail",
        "sources",
        "ndr",
        "lm",
        "ledger",
        "learn",
        "columnar",
        "typo",
        "registrability",
        "enumeration",
        "store",
        "judge",
        "report",
        "export",
        "alert",
        "simulate",
        "cli",
    ] {
        let in_one = || code.get(&format!("{stage}.rs"));
        let text = code.get(&format!("{stage}/mod.rs")).or_else(in_one).expect("a stage of that name");
        for word in ["//! In: ", "//! Out: ", "//! Never: "] {
            assert!(text.contains(word), "{stage} does not say {word:?}");
        }
    }
}
