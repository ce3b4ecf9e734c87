//! The report in a real browser: it renders, its one script works, nothing a stranger wrote is run.

use std::{fs, path::Path, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::cli::bouncewatch;

const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// What a person would do, done to the first live table; the outcome lands in the page's title.
const PERSON: &str = r#"
const table = document.querySelector("table.live"), rows = () => [...table.tBodies[0].rows];
const told = [], input = table.previousElementSibling.querySelector("input");
const type = (text) => { input.value = text; input.dispatchEvent(new Event("input")); };
type("no such thing at all"); told.push(rows().filter((r) => !r.hidden).length);
type(rows()[0].cells[0].innerText.slice(0, 5)); told.push(rows().filter((r) => !r.hidden).length);
type("");
const mails = [...table.tHead.rows[0].cells].find((c) => c.innerText.startsWith("Mails"));
const values = () => rows().map((r) => Number(r.cells[mails.cellIndex].innerText.replace(/,/g, "")));
const sorted = (way) => values().every((v, i, all) => !i || way * (all[i - 1] - v) >= 0);
mails.querySelector("button").click(); told.push(sorted(1));
mails.querySelector("button").click(); told.push(sorted(-1));
document.title = "told " + told.join(" ") + " of " + rows().length + (window.evil ? " EVIL" : "");
"#;

fn hash(script: &str) -> String {
    format!("sha256-{}", STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, script.as_bytes())))
}

fn look(browser: &str, dir: &Path, page: &Path, width: u32) -> (String, String) {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(format!("--window-size={width},900"))
        .args(["--dump-dom".into(), format!("file://{}", page.display())])
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_report_works_in_a_browser_and_runs_nothing_of_the_log() {
    let Some(browser) = BROWSERS.into_iter().find(|path| Path::new(path).exists()) else {
        println!("skipped: no browser is installed (Debian: chromium)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let sample = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample/coremail.jsonl")).unwrap();
    // A stranger's names and replies among honest mail.
    let evil = r#"<img src=x onerror=evil=1><script>window.evil=1</script>"#;
    let hostile: String = (0..5)
        .map(|i| {
            let row = serde_json::json!({
                "from": "tom@brightwater.cn", "to": format!("{evil}{i}@gmial{i}.com"),
                "start_time": "2022-06-20 10:00:00", "end_time": "2022-06-20 10:00:05", "from_ip": ["192.0.2.1"],
                "to_ip": ["198.51.100.1"], "delivery_result": [format!("550 5.1.1 {evil} User unknown")],
                "delivery_latency": [900], "email_flag": "Normal",
            });
            format!("{row}\n")
        })
        .collect();
    // Nothing in them that a line could be broken at.
    let long = hostile.replace(evil, &"w".repeat(60)).replace("5.1.1", &"x".repeat(400));
    fs::write(dir.path().join("in.jsonl"), sample + &hostile + &long).unwrap();
    let ran = bouncewatch(dir.path(), &["run", "in.jsonl", "--offline", "--quiet"]);
    assert!(ran.status.success(), "{ran:?}");

    let page = dir.path().join("reports/latest/report.html");
    for width in [1200, 390] {
        let (dom, talk) = look(browser, dir.path(), &page, width);
        assert!(
            dom.contains("What needs you now") && dom.contains("class=\"filter\""),
            "the page's own script did not run"
        );
        assert!(!talk.contains("CONSOLE"), "{talk}");
    }
    // On a phone all of it fits beside nothing.
    let text = fs::read_to_string(&page).unwrap();
    let inside = serde_json::to_string(&text).unwrap().replace("</", "<\\/");
    let script = format!(
        "f.onload=()=>document.title='over '+(f.contentDocument.documentElement.scrollWidth-f.contentDocument.documentElement.clientWidth);f.srcdoc={inside}"
    );
    let phone = format!(
        "<title></title><iframe id=f style='width:360px;height:700px;border:0'></iframe><script>{script}</script>"
    );
    fs::write(dir.path().join("phone.html"), phone).unwrap();
    let (dom, talk) = look(browser, dir.path(), &dir.path().join("phone.html"), 800);
    assert!(dom.contains("<title>over 0</title>"), "{:?} {talk}", dom.get(..120));

    // The same page with a person at it, who the page's policy is told of.
    let policy = text.split("script-src '").nth(1).unwrap().split('\'').next().unwrap();
    let visited = text
        .replace(&format!("script-src '{policy}'"), &format!("script-src '{policy}' '{}'", hash(PERSON)))
        .replace("</body>", &format!("<script>{PERSON}</script></body>"));
    let page = dir.path().join("visited.html");
    fs::write(&page, visited).unwrap();
    let (dom, talk) = look(browser, dir.path(), &page, 1200);
    let title = dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    let told: Vec<&str> = title.split(' ').collect();
    assert_eq!(told[..2], ["told", "0"], "{title}\n{talk}");
    assert!(
        told[2].parse::<usize>().unwrap() > 0 && told[3..5] == ["true", "true"] && !title.contains("EVIL"),
        "{title}"
    );
}

#[test]
fn the_policy_allows_the_shipped_script_and_no_other() {
    let script = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/page.js")).unwrap();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/page.html")).unwrap();
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!script.contains("innerHTML") && !script.contains("</") && !script.contains("eval("));
    let code = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/html.rs")).unwrap();
    assert!(code.contains(&format!("\"{}\"", hash(&script))), "SCRIPT_HASH should be {}", hash(&script));
}
