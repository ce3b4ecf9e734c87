//! Exports against their readers: published schemas, `fail2ban-regex`, `nft`; a reader this machine has not is skipped,
//! and said so. Hostile text passes through every form.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "says what it skipped; finds the validators")]

use std::{
    fs,
    net::IpAddr,
    path::Path,
    process::{Command, Output},
};

use bouncewatch::{
    export::{Document, Form, Never, Reporter, Wish, export},
    findings::Findings,
};

use crate::{
    cli::{bouncewatch, stderr, stdout},
    hostile,
    sinks::{FIRST, campaign, domain, redactor},
};

fn wish() -> Wish {
    Wish {
        now: FIRST,
        confidence: 0.9,
        keep_s: 7 * 86_400,
        never: Never::default(),
        reporter: Reporter { organization: Some("Example \"Ltd\"".into()), contact: Some("abuse@our.example".into()) },
    }
}

fn findings() -> Findings {
    let mut first = campaign("mallory@evil.example", 2, 100);
    first.id = "0011223344556677".into();
    first.ips.push("2001:db8::7".into());
    let mut second = campaign("o'neill@evil.example", 0, 50);
    second.id = "8899aabbccddeeff".into();
    second.ips = vec!["203.0.113.9".into()];
    Findings { domains: vec![domain("yaho.com.cn", 60)], campaigns: vec![first, second], ..Findings::default() }
}

/// `script` in Python over the document files, where the packages it needs are installed
/// (`BOUNCEWATCH_PYTHON`, else `python3`; packages stix2-validator, xarf, pymisp).
fn python(packages: &str, script: &str, documents: &[Document]) {
    let python = std::env::var("BOUNCEWATCH_PYTHON").unwrap_or_else(|_| "python3".into());
    let run = |code: &str, files: &[String]| Command::new(&python).arg("-c").arg(code).args(files).output();
    if !run(&format!("import {packages}"), &[]).is_ok_and(|o| o.status.success()) {
        println!("SKIPPED: no Python with {packages} here; {} documents were not validated", documents.len());
        return;
    }
    assert!(!documents.is_empty());
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<String> = documents
        .iter()
        .map(|d| {
            let path = dir.path().join(&d.name);
            fs::write(&path, &d.text).unwrap();
            path.display().to_string()
        })
        .collect();
    let output = run(script, &files).unwrap();
    assert!(output.status.success(), "{}{}{}", stdout(&output), stderr(&output), documents[0].text);
}

const STIX: &str = "
import sys
from stix2validator import validate_file, ValidationOptions
for path in sys.argv[1:]:
    result = validate_file(path, ValidationOptions(version='2.1'))
    if not result.is_valid:
        sys.exit('%s' % [str(e) for o in result.object_results for e in o.errors])
";

const XARF: &str = "
import sys, json
from xarf import schema_validator
for path in sys.argv[1:]:
    errors = schema_validator.validate(json.load(open(path)))
    if errors:
        sys.exit('%s %s' % (path, errors))
";

const MISP: &str = "
import sys, json
from pymisp import MISPEvent
for path in sys.argv[1:]:
    event = MISPEvent()
    event.load_file(path)
    given = json.load(open(path))['Event']
    assert [a.value for a in event.attributes] == [a['value'] for a in given['Attribute']]
    assert event.uuid == given['uuid'] and all(a.uuid for a in event.attributes)
";

/// Tame findings, and hostile ones with an address that is one.
fn worlds() -> Vec<Findings> {
    let hostile = hostile::texts().into_iter().map(|text| {
        let mut findings = hostile::findings(&text);
        findings.campaigns[0].ips.push("198.51.100.7".into());
        findings.campaigns[0].id = text.clone();
        findings.domains.push(domain("yaho.com.cn", 9));
        findings
    });
    [findings(), Findings::default()].into_iter().chain(hostile).collect()
}

#[test]
fn stix_is_valid_by_its_schemas() {
    let all: Vec<Document> = worlds()
        .iter()
        .enumerate()
        .map(|(n, f)| Document { name: format!("{n}.json"), ..export(Form::Stix, f, &wish()).unwrap().remove(0) })
        .collect();
    let bundle: serde_json::Value = serde_json::from_str(&all[0].text).unwrap();
    let kinds: Vec<&str> = bundle["objects"].as_array().unwrap().iter().map(|o| o["type"].as_str().unwrap()).collect();
    for kind in [
        "identity",
        "indicator",
        "sighting",
        "observed-data",
        "ipv4-addr",
        "ipv6-addr",
        "email-addr",
        "domain-name",
        "note",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    python("stix2validator", STIX, &all);
}

#[test]
fn x_arf_is_valid_by_its_schemas_and_names_no_victim() {
    let reports = export(Form::Xarf, &findings(), &wish()).unwrap();
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().all(|r| !r.text.contains("user0@")), "a confirmed address is nobody's business");
    let worlds = worlds();
    let all = worlds.iter().enumerate().flat_map(|(n, f)| {
        let reports = export(Form::Xarf, f, &wish()).unwrap();
        reports.into_iter().map(move |d| Document { name: format!("{n}-{}", d.name), ..d })
    });
    python("xarf", XARF, &all.collect::<Vec<_>>());
}

#[test]
fn misp_reads_its_event_back() {
    let all: Vec<Document> = worlds()
        .iter()
        .enumerate()
        .map(|(n, f)| Document { name: format!("{n}.json"), ..export(Form::Misp, f, &wish()).unwrap().remove(0) })
        .collect();
    for kind in ["ip-src", "email-src", "\"domain\""] {
        assert!(all[0].text.contains(kind), "{}", all[0].text);
    }
    python("pymisp", MISP, &all);
}

fn tool(name: &str, args: &[&str], form: Form) -> Option<Output> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    fs::write(&path, &export(form, &findings(), &wish()).unwrap()[0].text).unwrap();
    let args: Vec<String> = args.iter().map(|a| a.replace("LIST", &path.display().to_string())).collect();
    match Command::new(name).args(&args).output() {
        Ok(output) => Some(output),
        Err(_) => {
            println!("SKIPPED: no {name} here; its list was not read");
            None
        }
    }
}

#[test]
fn fail2ban_matches_every_line() {
    let list = export(Form::Fail2ban, &findings(), &wish()).unwrap().remove(0).text;
    let rule = list.lines().find_map(|l| l.strip_prefix("# failregex = ")).unwrap().to_owned();
    if let Some(output) = tool("fail2ban-regex", &["LIST", &rule], Form::Fail2ban) {
        assert!(stdout(&output).contains(" 3 matched"), "{}", stdout(&output));
    }
}

#[test]
fn nft_takes_its_sets() {
    if let Some(output) = tool("nft", &["-c", "-f", "LIST"], Form::Nftables) {
        if stderr(&output).contains("Operation not permitted") || stderr(&output).contains("cache initialization") {
            println!("SKIPPED: this user may not ask nft; its list was not read");
            return;
        }
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

/// Whatever a stranger wrote, a list's lines are comments of ours and entries of IP addresses.
#[test]
fn no_stranger_writes_a_line_of_a_list() {
    for findings in worlds() {
        let text = |form| export(form, &findings, &wish()).unwrap().remove(0).text;
        for line in text(Form::Postfix).lines().filter(|l| !l.starts_with("# ")) {
            let (ip, action) = line.split_once(' ').unwrap();
            assert!(ip.parse::<IpAddr>().is_ok() && action.starts_with("REJECT address guessing ("), "{line}");
        }
        for line in text(Form::Fail2ban).lines().filter(|l| !l.starts_with("# ")) {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(words.len() == 7 && words[4].parse::<IpAddr>().is_ok() && words[5] == "until", "{line}");
        }
        for line in text(Form::Nftables).lines().filter(|l| !l.starts_with("# ")) {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(["add", "flush"].contains(&words[0]) && words.contains(&"inet"), "{line}");
            assert_eq!(words[1] == "element", line.contains(" timeout ") && line.contains(" comment "), "{line}");
        }
        let csv = text(Form::CrowdsecCsv);
        let mut rows = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
        for row in rows.records() {
            assert!(row.unwrap()[0].parse::<IpAddr>().is_ok());
        }
        let decisions: serde_json::Value = serde_json::from_str(&text(Form::Crowdsec)).unwrap();
        assert!(decisions.as_array().unwrap().iter().all(|d| d["value"].as_str().unwrap().parse::<IpAddr>().is_ok()));
        for name in text(Form::Domains).lines() {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'), "{name}");
        }
        for form in Form::ALL {
            for Document { name, text } in export(form, &findings, &wish()).unwrap() {
                let obeyed = text.chars().find(|c| {
                    (c.is_control() && !matches!(c, '\n' | '\r'))
                        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                });
                assert_eq!(obeyed, None, "{name}");
                assert!(!name.contains(['/', '\\', ':']) && text.ends_with('\n') || form == Form::Domains, "{name}");
            }
        }
    }
}

#[test]
fn redacted_exports_name_nobody() {
    let findings = redactor().redact(findings());
    for form in [Form::Stix, Form::Misp, Form::Domains, Form::Squatting, Form::Campaigns] {
        let text = export(form, &findings, &wish()).unwrap().remove(0).text;
        for person in ["mallory", "198.51.100.7", "2001:db8::7", "user0@"] {
            assert!(!text.contains(person), "{person} is in {}: {text}", form.name());
        }
        assert!(form == Form::Campaigns || text.contains("yaho.com.cn"), "{text}");
    }
}

fn run(dir: &Path, args: &[&str], status: i32) -> Output {
    let output = bouncewatch(dir, args);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", stderr(&output));
    output
}

#[test]
fn the_command_writes_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["export", "stix"], 2);
    run(dir.path(), &["simulate", "world", "--records", "4000", "--quiet"], 0);
    let log = dir.path().join("world/coremail.jsonl");
    assert!(log.exists());
    run(dir.path(), &["run", "world/coremail.jsonl", "--offline", "--quiet"], 0);
    for form in Form::ALL {
        let output = run(dir.path(), &["export", form.name(), "--contact", "abuse@our.example", "--expire", "60"], 0);
        run(
            dir.path(),
            &["export", form.name(), "--contact", "abuse@our.example", "--expire", "60", "--output", "one"],
            0,
        );
        assert_eq!(fs::read(dir.path().join("one")).unwrap(), output.stdout, "{}", form.name());
    }
    fs::create_dir(dir.path().join("out")).unwrap();
    run(dir.path(), &["export", "campaigns", "--output", "out"], 0);
    let campaigns = fs::read_to_string(dir.path().join("out/campaigns.csv")).unwrap();
    assert!(campaigns.lines().count() > 1, "{campaigns}");
    // Nothing is left beside what was written, nothing is exported in a form nobody knows.
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
    run(dir.path(), &["export", "yaml"], 2);
    run(dir.path(), &["export", "xarf"], 2);
    run(dir.path(), &["export", "postfix", "--never", "everybody"], 2);
    run(dir.path(), &["export", "postfix", "--redact"], 2);
}
