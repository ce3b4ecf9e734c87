//! One made-up night through every format; the texts it gives lie in `tests/cases/report`.

mod night;

use super::{contract::Report, *};
use crate::moment::{Day, Timestamp};
use night::night;

fn text(findings: &Findings, name: &str) -> String {
    let files = files(&Report::from(findings), &Format::ALL);
    let (_, bytes) = files.into_iter().find(|(n, _)| *n == name).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Every format's golden text; `INSTA_UPDATE=always cargo test` writes them anew.
#[test]
fn a_night_reads_as_before() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/report"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in ["report.json", "report.html", "report.md", "squatting.csv", "campaigns.csv", "alerts.jsonl"] {
            insta::assert_snapshot!(name, text(&night(), name));
        }
        insta::assert_snapshot!("empty.md", text(&Findings::default(), "report.md"));
    });
}

#[test]
fn an_empty_night_is_a_report_too() {
    let html = text(&Findings::default(), "report.html");
    assert!(
        html.contains("so nothing could be found") && html.contains("No mail was read") && html.ends_with("</html>\n"),
        "{html}"
    );
    assert!(!html.contains("class=\"chart\"") && !html.contains("NaN"));
    let json: serde_json::Value = serde_json::from_str(&text(&Findings::default(), "report.json")).unwrap();
    assert_eq!(json["bounce_types"].as_array().map(Vec::len), Some(16));
    assert_eq!(json["root_causes"].as_array().map(Vec::len), Some(6));
    assert_eq!(text(&Findings::default(), "alerts.jsonl"), "");
    assert_eq!(text(&Findings::default(), "squatting.csv").lines().count(), 1);
}

#[test]
fn ten_thousand_names_stay_readable() {
    let mut findings = night();
    let (one, campaign, day) = (findings.domains[0].clone(), findings.campaigns[0].clone(), findings.days[0]);
    findings.domains = vec![one; 10_000];
    findings.campaigns = vec![campaign; 10_000];
    findings.days = (0..10_000).map(|d| (Day(d), day.1)).collect();
    let html = text(&findings, "report.html");
    assert!(
        html.contains("9,800 more are in <code>squatting.csv</code>")
            && html.contains("9,970 more are in <code>campaigns.csv</code>")
    );
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(text(&findings, "report.md").contains("9,900 more are in `squatting.csv`"));
    assert_eq!(text(&findings, "campaigns.csv").lines().count(), 10_001);
}

/// Every field INTERFACE.md names, as `path type`; `[]` is each element of a list that must not be empty.
const CONTRACT: &str = "
generated_at time|window.from time|window.to time
inputs[].path str|inputs[].format str|inputs[].records int|inputs[].rejected int|inputs[].already_seen int|inputs[].blind_to list
deliveries.total int|deliveries.non_bounced int|deliveries.soft_bounced int|deliveries.hard_bounced int
bounce_types[].type str|bounce_types[].name str|bounce_types[].attempts int|bounce_types[].soft_bounced int|bounce_types[].hard_bounced int
root_causes[].cause str|root_causes[].soft_bounced int|root_causes[].hard_bounced int
templates.distinct int|templates.top[].id str|templates.top[].template str|templates.top[].type str|templates.top[].count int
blocklists[].name str|blocklists[].attempts int|blocklists[].receiver_domains int
blocklists[].daily[].day str|blocklists[].daily[].emails int|blocklists[].daily[].blocked_ips int
authentication[].sender_domain str|authentication[].failures int|authentication[].first time|authentication[].last time|authentication[].fixed_after_days num?
squatting.domains[].domain str|squatting.domains[].kind typo,expired|squatting.domains[].intended str|squatting.domains[].edits list|squatting.domains[].confidence num
squatting.domains[].emails int|squatting.domains[].senders int|squatting.domains[].delivered_before int|squatting.domains[].first_seen time|squatting.domains[].last_seen time
squatting.domains[].weekly[].week str|squatting.domains[].weekly[].senders int|squatting.domains[].weekly[].emails int
squatting.domains[].registrability.status registrable,registered,redemption,pending_delete,reserved,not_a_public_suffix,unknown
squatting.domains[].registrability.checked_at time|squatting.domains[].registrability.evidence[].source str|squatting.domains[].registrability.evidence[].answer str
squatting.domains[].registrability.evidence[].server str|squatting.domains[].registrability.evidence[].at time|squatting.domains[].risk num
squatting.usernames[].address str|squatting.usernames[].kind typo,gone|squatting.usernames[].intended str|squatting.usernames[].edits list|squatting.usernames[].confidence num
squatting.usernames[].emails int|squatting.usernames[].senders int|squatting.usernames[].risk num
squatting.usernames[].registrability.status allowed_by_provider_rules,not_allowed,recycled_by_provider,not_public,unknown|squatting.usernames[].registrability.why str
squatting.weekly[].week str|squatting.weekly[].vulnerable_senders int|squatting.weekly[].vulnerable_emails int
campaigns[].id str|campaigns[].senders list|campaigns[].ips list|campaigns[].target_domains list|campaigns[].first_seen time|campaigns[].last_seen time
campaigns[].guesses int|campaigns[].confirmed list|campaigns[].success_rate num|campaigns[].pattern name_variants,dictionary,sequence,wide,unclear
campaigns[].confidence num|campaigns[].why list
dismissed[].origin str|dismissed[].considered str|dismissed[].why str
alerts[].id str|alerts[].severity low,medium,high|alerts[].kind guessing_burst,squatting,taken_over|alerts[].subject str|alerts[].raised_at time|alerts[].sent_to list
";

#[test]
fn the_contract_is_kept() {
    let json: serde_json::Value = serde_json::from_str(&text(&night(), "report.json")).unwrap();
    let rules: Vec<(&str, &str)> = CONTRACT.split(['\n', '|']).filter_map(|rule| rule.split_once(' ')).collect();
    assert_eq!(rules.len(), 91);
    for (path, kind) in rules {
        let mut values = vec![&json];
        for step in path.split('.') {
            let (key, each) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
            values =
                values.into_iter().map(|v| v.get(key).unwrap_or_else(|| panic!("{path} is missing in {v}"))).collect();
            if each {
                values = values
                    .into_iter()
                    .flat_map(|v| v.as_array().unwrap_or_else(|| panic!("{path}: no list")))
                    .collect();
            }
        }
        assert!(!values.is_empty(), "{path}: nothing to look at");
        for value in values {
            let good = match kind {
                "str" => value.is_string(),
                "int" => value.is_u64(),
                "num" => value.is_f64(),
                "num?" => value.is_f64() || value.is_null(),
                "list" => value.as_array().is_some_and(|l| l.iter().all(serde_json::Value::is_string)),
                "time" => value.as_str().is_some_and(|t| t.ends_with('Z') && Timestamp::parse(t).is_some()),
                words => value.as_str().is_some_and(|v| words.split(',').any(|w| w == v)),
            };
            assert!(good, "{path} is {value}, not {kind}");
        }
    }
    assert_eq!(json["squatting"]["usernames"][0]["confidence"], 0.9142);
}

#[test]
fn a_redacted_report_names_nobody() {
    let redactor = Redactor::new([3; 32]);
    let once = redactor.redact(night());
    for file in ["report.json", "report.html", "report.md", "squatting.csv", "campaigns.csv", "alerts.jsonl"] {
        let text = text(&once, file);
        for gone in [
            "zhang",
            "li.wei",
            "anna.lee",
            "tom_p",
            "promo@",
            "203.0.113.9",
            "192.0.2.53",
            "/var/log",
            "a1b2c3d4e5f60718",
        ] {
            assert!(!text.contains(gone), "{file} still has {gone}");
        }
        assert!(text.contains("yaho.com.cn") || file == "campaigns.csv", "{file} lost its domains");
    }
    assert_eq!(redactor.redact(once.clone()), once, "a second time changes nothing");
}

#[test]
fn a_folder_is_written_as_a_whole_and_keeps_what_is_not_written_again() {
    let place = tempfile::tempdir().unwrap();
    let reports = place.path().join("deep/reports");
    let folder = write(&night(), &reports, &Format::ALL, None).unwrap();
    assert_eq!(folder, reports.join("2022-07-04"));
    let names = |folder: &Path| {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(&folder),
        ["alerts.jsonl", "campaigns.csv", "report.html", "report.json", "report.md", "squatting.csv"]
    );
    let first = std::fs::read(folder.join("report.html")).unwrap();
    std::fs::write(folder.join("quarantine.jsonl"), "x").unwrap();
    write(&night(), &reports, &Format::ALL, None).unwrap();
    assert_eq!(std::fs::read(reports.join("latest/report.html")).unwrap(), first, "same findings, same bytes");
    assert_eq!(std::fs::read(folder.join("quarantine.jsonl")).unwrap(), b"x");
    write(&Findings { generated_at: night().generated_at, ..Findings::default() }, &reports, &[Format::Csv], None)
        .unwrap();
    assert_eq!(names(&folder).len(), 7);
    assert_eq!(std::fs::read(folder.join("report.html")).unwrap(), first);
    assert_eq!(std::fs::read_to_string(folder.join("squatting.csv")).unwrap().lines().count(), 1, "this one is new");
    assert_eq!(names(&reports), ["2022-07-04", "latest"], "nothing left beside");
    let view = write_view(&night(), "since-2022-07-01", &reports, &[Format::Md], None).unwrap();
    assert_eq!((view, names(&reports).len()), (reports.join("2022-07-04-since-2022-07-01"), 3));
    assert_eq!(std::fs::read_link(reports.join("latest")).unwrap(), Path::new("2022-07-04"));
}

#[cfg(unix)]
#[test]
fn reports_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let reports = place.path().join("reports");
    let folder = write(&night(), &reports, &Format::ALL, None).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&reports), mode(&folder), mode(&folder.join("report.json"))), (0o700, 0o700, 0o600));
    assert!(std::fs::symlink_metadata(reports.join("latest")).unwrap().is_symlink());
}

#[test]
fn what_cannot_be_written_leaves_the_old_report() {
    let place = tempfile::tempdir().unwrap();
    let reports = place.path().join("reports");
    std::fs::write(&reports, "a file where the folder should be").unwrap();
    assert!(matches!(write(&night(), &reports, &Format::ALL, None), Err(Error::Write { .. })));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);

    // A name no file can have stands for the disk that is full in the middle of a report.
    let reports = place.path().join("others");
    folder::replace(&reports, "night", &[("a", b"old".to_vec())]).unwrap();
    let failed = folder::replace(&reports, "night", &[("a", b"new".to_vec()), ("no/such/folder", vec![])]);
    assert!(failed.unwrap_err().to_string().contains("night/no/such/folder"));
    assert_eq!(std::fs::read_to_string(reports.join("latest/a")).unwrap(), "old");
    assert_eq!(std::fs::read_dir(&reports).unwrap().count(), 2, "nothing left beside");

    // Killed between its two moves: the old report lies aside, and the next failing run brings it back.
    std::fs::rename(reports.join("night"), reports.join(".night.old")).unwrap();
    assert!(folder::replace(&reports, "night", &[("no/such/folder", vec![])]).is_err());
    assert_eq!(std::fs::read_to_string(reports.join("night/a")).unwrap(), "old");
}

#[test]
fn a_latest_folder_is_kept_as_a_folder() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("latest")).unwrap();
    folder::replace(place.path(), "night", &[("a", b"new".to_vec())]).unwrap();
    assert_eq!(std::fs::read_to_string(place.path().join("latest/a")).unwrap(), "new");
    assert!(std::fs::symlink_metadata(place.path().join("latest")).unwrap().is_dir());
}

#[test]
fn formats_read_back() {
    assert_eq!(Format::parse_list("html, json,csv,md,json").unwrap(), Format::ALL);
    assert!(matches!(Format::parse_list("pdf"), Err(Error::Usage(_))));
    assert!(matches!(Format::parse_list(" ,"), Err(Error::Usage(_))));
}
