//! Text written by strangers, in every field a stranger can write, through every renderer.
//!
//! Each renderer is held to what would hurt there: markup in HTML, cells in CSV, tables in Markdown, terminals
//! everywhere. Nothing may be lost so far that the report no longer tells what was found.

use bouncewatch::{
    alert,
    bounce::BounceType,
    enumeration::{Campaign, Pattern},
    findings::{
        Alert, AlertKind, AuthFailures, Blocklist, DomainRisk, Findings, Headline, InputLine, Receiver, Severity, Size,
        TemplateLine, Templates, UsernameRisk, changes,
    },
    moment::{Day, Timestamp, Window},
    redact::Redactor,
    registrability::{Evidence, Registrability, Source, Status},
    report::{Format, contract::Report, files},
    typo::{DomainSuspect, Edit, SuspectKind, UsernameSuspect},
};

/// What somebody might put into an address, a reply or a file name. Each holds a mark to find it by.
pub(crate) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<script>alert('MARK')</script>",
        "</code></td></table><img src=x onerror=alert(1)>MARK",
        "\" onmouseover=\"alert(1)\" x=\"MARK",
        "]]></style></svg><style>*{display:none}</style>MARK",
        "javascript:alert(1)//MARK",
        "{{ 7*7 }}{% include \"/etc/passwd\" %}MARK",
        "=HYPERLINK(\"http://evil.example\",\"MARK\")",
        "+1+cmd|' /C calc'!A0 MARK",
        "-2+3+MARK",
        "@SUM(A1:A9)MARK",
        "\t=1+1MARK",
        "\r=1+1MARK",
        " =1+1MARK",
        "a\r\n\"b\",c;d MARK",
        "| a | b | MARK\n| --- |\n",
        "`code` **bold** [link](http://evil.example) ![i](http://evil.example/x.png) MARK",
        "\n# heading MARK\n```\nfence\n```\n- list",
        "www.evil.example https://evil.example/MARK?a=1&b=2",
        "&lt;b&gt;&#x41;MARK&amp;",
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31mMARK",
        "\u{202e}moc.lapyap\u{2066}MARK\u{2069}\u{200f}",
        "\0\u{8}\u{7f}\u{85}MARK",
        "名前@例え.jp 😀 MARK",
        "\\\\server\\share\\MARK\\",
    ]
    .map(String::from)
    .into();
    texts.push(format!("MARK{}", "x".repeat(10_000)));
    texts.push(format!("MARK{}", "<|`\"=".repeat(2_000)));
    texts
}

/// Findings with `text` in every field a stranger can write.
pub(crate) fn findings(text: &str) -> Findings {
    let at = Timestamp(1_656_900_000);
    let text = text.to_owned();
    let registrability = Registrability {
        domain: text.clone(),
        status: Status::Registrable,
        checked_at: at,
        fresh_until: at,
        evidence: vec![Evidence { source: Source::Whois, answer: text.clone(), server: text.clone(), at }],
        drops_at: None,
        open_at: None,
        details: Default::default(),
    };
    let suspect = DomainSuspect {
        domain: text.clone(),
        kind: SuspectKind::Typo,
        intended: text.clone(),
        edits: vec![Edit::Omission],
        confidence: f64::NAN,
        emails: 60,
        senders: 2,
        delivered_before: 0,
        first_seen: at,
        last_seen: at,
        weekly: vec![],
    };
    let username = UsernameSuspect {
        address: text.clone(),
        kind: SuspectKind::Typo,
        intended: text.clone(),
        edits: vec![],
        confidence: 0.5,
        emails: 1,
        senders: vec![text.clone()],
        delivered_before: 0,
        first_seen: at,
        last_seen: Timestamp(i64::MAX),
        weekly: vec![],
    };
    let campaign = Campaign {
        id: "0011223344556677".into(),
        senders: vec![text.clone()],
        ips: vec![text.clone()],
        logins: Vec::new(),
        helos: Vec::new(),
        target_domains: vec![text.clone()],
        first_seen: at,
        last_seen: at,
        guesses: 0,
        confirmed: vec![text.clone()],
        success_rate: f64::INFINITY,
        pattern: Pattern::Unclear,
        confidence: 1.0,
        why: vec![text.clone()],
    };
    let template = TemplateLine { id: text.clone(), template: text.clone(), kind: BounceType::Other, count: u64::MAX };
    let mut findings = Findings {
        generated_at: at,
        window: Window::at(at),
        inputs: vec![InputLine { path: text.clone(), format: text.clone(), ..InputLine::default() }],
        templates: Templates { distinct: 1, top: vec![template] },
        blocklists: vec![Blocklist {
            name: text.clone(),
            attempts: 1,
            receiver_domains: 1,
            daily: vec![(Day(1), 1, 1)],
        }],
        authentication: vec![AuthFailures {
            sender_domain: text.clone(),
            failures: 1,
            failed: Window::at(at),
            fixed_after_days: None,
        }],
        domains: vec![DomainRisk { suspect, registrability, risk: 0.9 }],
        usernames: vec![UsernameRisk { suspect: username, status: "unknown", why: text.clone(), risk: 0.1 }],
        campaigns: vec![campaign],
        receivers: vec![Receiver { domain: text.clone(), emails: 2, refused: 1, unknown: 1 }],
        ..Findings::default()
    };
    let before = ["a", "b"].map(|id| Headline {
        id: format!("{id}{text}"),
        kind: text.clone(),
        name: text.clone(),
        status: text.clone(),
    });
    findings.changes = changes(Some((at, before.to_vec())), &findings.headlines());
    let turned = Headline { status: String::new(), ..before[0].clone() };
    findings.changes.turned.push((turned, text.clone()));
    findings.alerts = alert::deserved(&findings);
    findings.alerts.push(Alert {
        id: text.clone(),
        severity: Severity::Low,
        kind: AlertKind::Squatting,
        subject: text.clone(),
        raised_at: at,
        sent_to: vec![text],
        over: true,
        size: Size::default(),
        last_seen: at,
        origins: vec![],
    });
    findings
}

fn rendered(findings: &Findings) -> Vec<(&'static str, String)> {
    files(&Report::from(findings), &Format::ALL)
        .into_iter()
        .map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap_or_else(|e| panic!("{name} is no UTF-8: {e}"))))
        .collect()
}

fn file(findings: &Findings, name: &str) -> String {
    let found = rendered(findings).into_iter().find(|(n, _)| *n == name);
    found.unwrap_or_else(|| panic!("{name} was not written")).1
}

#[test]
fn no_terminal_obeys_a_report() {
    for text in texts() {
        for (name, report) in rendered(&findings(&text)) {
            let obeyed = report.chars().find(|c| {
                (c.is_control() && !matches!(c, '\n' | '\r'))
                    || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            });
            assert_eq!(obeyed, None, "{name} of {text:?}");
            // A carriage return ends lines of CSV and stands nowhere else.
            assert_eq!(report.matches('\r').count(), report.matches("\r\n").count(), "{name} of {text:?}");
            assert!(name.ends_with(".csv") || !report.contains('\r'), "{name} of {text:?}");
            assert!(report.contains("MARK"), "{name} of {text:?} no longer tells what was found");
            assert!(report.len() < 200_000, "{name} of {text:?} has {} bytes", report.len());
        }
    }
}

/// The page's tags are those of the same page with a harmless text: nothing written by a stranger opens one.
#[test]
fn html_gains_no_tag_and_no_attribute() {
    let tags = |text: &str| -> Vec<String> {
        let html = file(&findings(text), "report.html");
        let (_, body) = html.split_once("<body>").expect("a body");
        let pieces = body.split('<').skip(1);
        // Numbers differ with the length of a label only in coordinates; names of tags and attributes must not.
        pieces.map(|piece| shape(piece.split('>').next().unwrap_or(""))).collect()
    };
    let harmless = tags("MARK");
    assert!(harmless.len() > 300, "{}", harmless.len());
    for text in texts() {
        assert_eq!(tags(&text), harmless, "{text:?}");
    }
}

/// Name of a tag and of its attributes, without their values.
fn shape(tag: &str) -> String {
    let mut names = String::new();
    let mut quoted = false;
    for c in tag.chars() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted => names.push(c),
            _ => {}
        }
    }
    names
}

#[test]
fn html_loads_and_runs_nothing() {
    for text in texts() {
        let html = file(&findings(&text), "report.html");
        assert!(html.contains("default-src 'none'"));
        // Its own script, which the page's policy names by its hash.
        let own = concat!("<script>", include_str!("../../src/report/page.js"), "</script>");
        assert_eq!(html.matches(own).count(), 1);
        let html = html.replace(own, "");
        for word in ["<script", "<link", "<iframe", "<object", "<form", "@import", "url(http", "<base"] {
            assert!(!html.contains(word), "{word} in the page of {text:?}");
        }
        for (at, _) in html.match_indices(" href=").chain(html.match_indices(" src=")) {
            let target = html[at..].split('=').nth(1).unwrap_or("");
            let own = target.starts_with("\"#");
            // A stranger's ` src=` stands in text, where its quotes and brackets are escaped.
            let open = html[..at].rfind('<') > html[..at].rfind('>');
            assert!(own || !open, "{target:.40} in the page of {text:?}");
        }
    }
}

#[test]
fn csv_computes_nothing_and_keeps_its_columns() {
    for text in texts() {
        for name in ["squatting.csv", "campaigns.csv"] {
            let csv = file(&findings(&text), name);
            let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
            let width = reader.headers().expect("a header").len();
            let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("readable CSV");
            assert_eq!(rows.len(), if name == "squatting.csv" { 2 } else { 1 });
            for row in rows {
                assert_eq!(row.len(), width);
                for cell in &row {
                    let first = cell.trim_start().chars().next().unwrap_or('a');
                    assert!(!"=+-@\t\r|%".contains(first), "cell {cell:.60?} of {name}");
                    assert!(cell.chars().count() <= 32_767);
                }
            }
        }
    }
}

/// Each line is the line of the same page with a harmless text, with as many cells.
#[test]
fn markdown_keeps_its_lines_and_cells() {
    let frame = |text: &str| -> Vec<(String, usize)> {
        let page = file(&findings(text), "report.md");
        page.lines()
            .map(|line| {
                let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
                (line.chars().take(2).collect(), bars)
            })
            .collect()
    };
    let harmless = frame("MARK");
    for text in texts() {
        assert_eq!(frame(&text), harmless, "{text:?}");
        let page = file(&findings(&text), "report.md");
        let bare = outside_code(&page);
        for word in ["<script", "<img", "](", "http://", "https://", "www.", "**bold"] {
            assert!(!bare.contains(word), "{word} outside code in the page of {text:?}");
        }
    }
}

/// A page without its code spans, which open and close on one line, and without what a backslash makes plain.
fn outside_code(page: &str) -> String {
    let (mut out, mut code) = (String::new(), false);
    let mut chars = page.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => code = false,
            '`' => code = !code,
            '\\' if !code => {
                chars.next();
                continue;
            }
            _ => {}
        }
        if !code {
            out.push(c);
        }
    }
    out
}

#[test]
fn json_reads_back_as_one_value_and_lines() {
    for text in texts() {
        let json: serde_json::Value = serde_json::from_str(&file(&findings(&text), "report.json")).expect("JSON");
        let domain = &json["squatting"]["domains"][0];
        assert_eq!(domain["confidence"], 0.0, "NaN is no JSON");
        assert!(domain["domain"].as_str().is_some_and(|d| d.contains("MARK")));
        for line in file(&findings(&text), "alerts.jsonl").lines() {
            let alert: serde_json::Value = serde_json::from_str(line).expect("one alert a line");
            assert!(alert["id"].is_string());
        }
    }
}

/// Whatever is in a field, redacting it neither panics nor lets an address through.
#[test]
fn redaction_holds() {
    let redactor = Redactor::new([9; 32]);
    for text in texts() {
        let person = format!("{text} tom.secret@x.example 203.0.113.77");
        let once = redactor.redact(findings(&person));
        for (name, report) in rendered(&once) {
            assert!(!report.contains("203.0.113.77"), "{name} of {text:?}");
            assert!(!report.contains("tom.secret"), "{name} of {text:?}");
        }
    }
}
