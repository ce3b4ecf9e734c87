//! The life of a disclosure, as an operator lives it: found, drafted, sent, acknowledged, resolved.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::cli::{bouncewatch, start, stderr, stdout};

/// The shipped sample's disclosures.
fn world() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample");
    done(dir.path(), &["run", sample, "--offline", "--quiet"]);
    dir
}

fn done(dir: &Path, args: &[&str]) -> String {
    let output = bouncewatch(dir, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

fn list(dir: &Path, more: &[&str]) -> Vec<Value> {
    let text = done(dir, &[&["disclose", "list", "--format", "jsonl"], more].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const DRAFT: [&str; 4] = ["disclose", "draft", "--from", "Abuse desk <abuse@operator.example>"];

#[test]
fn each_owner_is_drafted_one_letter_once() {
    let dir = world();
    let found = list(dir.path(), &[]);
    let owners: std::collections::BTreeSet<_> =
        found.iter().map(|d| (d["audience"].as_str().unwrap(), d["owner"].as_str().unwrap())).collect();
    assert_eq!(owners.len(), found.len(), "one letter an owner");
    assert!(owners.iter().any(|o| o.0 == "customer") && owners.iter().any(|o| o.0 == "target"), "{owners:?}");

    done(dir.path(), &DRAFT);
    let drafts = dir.path().join("reports/disclosures");
    let files = || fs::read_dir(&drafts).unwrap().map(|f| f.unwrap().path()).collect::<Vec<_>>();
    let with_contact = found.iter().filter(|d| !d["contact"].is_null()).count();
    assert!(with_contact < found.len(), "a network's contact is not known from a log");
    assert_eq!(files().len(), with_contact);
    for file in files() {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("From: ") && text.contains("\r\nMessage-ID: <") && text.contains("\r\n\r\n"),
            "{text}"
        );
    }
    // An owner learns nothing of what concerns another.
    for d in found.iter().filter(|d| d["audience"] == "customer") {
        let name = format!("customer-{}.eml", d["id"].as_str().unwrap());
        let text = fs::read_to_string(drafts.join(name)).unwrap();
        for other in found.iter().filter(|o| o["audience"] == "customer" && o["id"] != d["id"]) {
            assert!(!text.contains(other["owner"].as_str().unwrap()), "{text}");
        }
    }
    // The operator's edit outlives a second night and a second `draft`.
    let edited = files().pop().unwrap();
    fs::write(&edited, "edited").unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample");
    done(dir.path(), &["run", sample, "--offline", "--quiet"]);
    done(dir.path(), &DRAFT);
    assert_eq!(fs::read_to_string(&edited).unwrap(), "edited");
    assert_eq!(files().len(), with_contact);
    assert_eq!(list(dir.path(), &["--state", "drafted"]).len(), with_contact);
}

#[test]
fn nothing_goes_out_unconfirmed_and_nothing_twice() {
    let dir = world();
    done(dir.path(), &DRAFT);
    let drafted = list(dir.path(), &["--state", "drafted"]).len();
    let (address, box_) = mail_server("250 taken");
    let via = format!("smtp://{address}");
    let shown = done(dir.path(), &["disclose", "send", "--via", &via]);
    assert_eq!(shown.lines().count(), drafted);
    assert!(box_.lock().unwrap().is_empty(), "sent without --confirm");
    done(dir.path(), &["disclose", "send", "--via", &via, "--confirm"]);
    done(dir.path(), &["disclose", "send", "--via", &via, "--confirm"]);
    let taken = box_.lock().unwrap();
    assert_eq!(taken.len(), drafted);
    assert!(taken.iter().all(|mail| mail.contains("\r\nReference: ") || mail.contains("编号")), "{}", taken[0]);
    assert_eq!(list(dir.path(), &["--state", "sent"]).len(), drafted);
    // Two weeks later they are overdue, until marked.
    let later = ["disclose", "list", "--overdue", "--format", "jsonl", "--now", "2022-07-19T02:00:00Z"];
    assert_eq!(bouncewatch(dir.path(), &later[..5]).stdout, b"");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bouncewatch"));
    let late = stdout(&command.current_dir(dir.path()).args(later).output().unwrap());
    assert_eq!(late.lines().count(), drafted);
    let id = list(dir.path(), &["--state", "sent"])[0]["id"].as_str().unwrap().to_owned();
    done(dir.path(), &["disclose", "mark", &id, "acknowledged", "--note", "they thank us"]);
    let marked = list(dir.path(), &["--state", "acknowledged"]);
    let states: Vec<&str> =
        marked[0]["trail"].as_array().unwrap().iter().map(|e| e["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["found", "drafted", "sent", "acknowledged"]);
}

#[test]
fn a_refused_letter_stays_drafted() {
    let dir = world();
    done(dir.path(), &DRAFT);
    let drafted = list(dir.path(), &["--state", "drafted"]).len();
    let (address, _) = mail_server("550 \u{1b}[31mno");
    let output = bouncewatch(dir.path(), &["disclose", "send", "--via", &format!("smtp://{address}"), "--confirm"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(!stderr(&output).contains('\u{1b}'));
    assert_eq!(list(dir.path(), &["--state", "drafted"]).len(), drafted);
    // A server that is not there.
    let output = bouncewatch(dir.path(), &["disclose", "send", "--via", "smtp://127.0.0.1:1", "--confirm"]);
    assert_eq!(output.status.code(), Some(4));
    // And a local program instead.
    let program = dir.path().join("fake-sendmail");
    fs::write(&program, "#!/bin/sh\ncat >> \"$(dirname \"$0\")/spool\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    done(dir.path(), &["disclose", "send", "--via", &format!("sendmail:{}", program.display()), "--confirm"]);
    let spool = fs::read_to_string(dir.path().join("spool")).unwrap();
    assert_eq!(spool.matches("Message-ID: <").count(), drafted);
}

#[test]
fn a_no_of_the_environment_asks_no_registry() {
    let dir = world();
    fs::write(dir.path().join("b.toml"), "offline = true\n[disclose]\nlook-up-contacts = true\n").unwrap();
    for (no, asked) in [("0", false), ("", true)] {
        let mut command = start(dir.path(), &[&DRAFT[..], &["--config", "b.toml"]].concat());
        if !no.is_empty() {
            command.env("BOUNCEWATCH_LOOK_UP_CONTACTS", no);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output).contains("no registry was asked"), asked, "{}", stderr(&output));
    }
}

#[test]
fn a_draft_that_is_gone_holds_up_no_other() {
    let dir = world();
    done(dir.path(), &DRAFT);
    let drafted = list(dir.path(), &["--state", "drafted"]);
    let id = drafted[0]["id"].as_str().unwrap();
    let name = format!("{}-{id}.eml", drafted[0]["audience"].as_str().unwrap());
    fs::remove_file(dir.path().join("reports/disclosures").join(&name)).unwrap();
    let (address, box_) = mail_server("250 taken");
    let send = ["disclose", "send", "--via", &format!("smtp://{address}"), "--confirm"];
    let output = bouncewatch(dir.path(), &send);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains(&name) && said.contains(&format!("{} letters sent, 1 failed", drafted.len() - 1)), "{said}");
    assert_eq!(box_.lock().unwrap().len(), drafted.len() - 1);
    let left = list(dir.path(), &["--state", "drafted"]);
    assert_eq!((left.len(), &left[0]["id"]), (1, &drafted[0]["id"]));
}

#[test]
fn a_redacted_list_names_nobody_and_its_ids_can_be_marked() {
    let dir = world();
    let (clear, hidden) = (list(dir.path(), &[]), list(dir.path(), &["--redact"]));
    assert_eq!(clear.len(), hidden.len());
    let text = hidden.iter().map(Value::to_string).collect::<String>();
    let networks: Vec<&Value> = clear.iter().filter(|d| d["audience"] == "network").collect();
    assert!(!networks.is_empty());
    for network in networks {
        let finding = &network["findings"][0];
        for gone in [&network["owner"], &network["id"], &finding["id"], &finding["name"], &finding["addresses"][0]] {
            assert!(!text.contains(gone.as_str().unwrap()), "{gone} in {text}");
        }
    }
    let id = hidden[0]["id"].as_str().unwrap();
    done(dir.path(), &["disclose", "mark", id, "resolved"]);
    assert_eq!(list(dir.path(), &["--state", "resolved"])[0]["id"], clear[0]["id"]);
}

#[test]
fn a_letter_is_said_to_go_where_it_goes() {
    let dir = world();
    done(dir.path(), &DRAFT);
    let drafted = list(dir.path(), &["--state", "drafted"]);
    let id = drafted[0]["id"].as_str().unwrap();
    let path = fs::read_dir(dir.path().join("reports/disclosures")).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.to_str().unwrap().contains(id)).unwrap();
    let letter = fs::read_to_string(&path).unwrap();
    let to = letter.lines().find(|line| line.starts_with("To: ")).unwrap();
    fs::write(&path, letter.replace(to, "To: edited@else.example")).unwrap();
    let shown = bouncewatch(dir.path(), &["disclose", "send", id]);
    let told = String::from_utf8(shown.stdout).unwrap();
    assert!(told.contains("would go to edited@else.example"), "{told}");
    // To another owner it is to be written anew.
    done(dir.path(), &["disclose", "mark", id, "--contact", "new@else.example"]);
    assert!(list(dir.path(), &["--state", "found"]).iter().any(|d| d["id"] == id));
    let refused = bouncewatch(dir.path(), &["disclose", "send", id]);
    assert!(refused.status.code() == Some(2) && stderr(&refused).contains("not drafted"), "{}", stderr(&refused));
    done(dir.path(), &DRAFT);
    assert!(fs::read_to_string(&path).unwrap().contains("To: new@else.example"));
    let wrong = bouncewatch(dir.path(), &["disclose", "mark", id, "--contact", "not-an@@mail <b>"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("is no mail address"), "{}", stderr(&wrong));
}

#[test]
fn an_owner_without_a_contact_waits_for_one() {
    let dir = world();
    done(dir.path(), &DRAFT);
    let waiting = list(dir.path(), &["--state", "found"]);
    let id = waiting[0]["id"].as_str().unwrap();
    assert_eq!(waiting[0]["audience"], "network");
    done(dir.path(), &["disclose", "mark", id, "--contact", "abuse@carrier.example"]);
    done(dir.path(), &DRAFT);
    let text = fs::read_to_string(dir.path().join(format!("reports/disclosures/network-{id}.eml"))).unwrap();
    assert!(text.contains("To: abuse@carrier.example"), "{text}");
    for (args, says) in [
        (vec!["disclose", "mark", "0000", "sent"], "there is no disclosure 0000"),
        (vec!["disclose", "mark", id, "posted"], "is none of found"),
        (vec!["disclose", "mark", id], "name a state"),
        (vec!["disclose", "draft"], "--from"),
        (vec!["disclose", "draft", "--from", "nobody"], "is no mail address"),
        (vec!["disclose", "send", "--via", "ftp://x"], "--via ftp://…: is none of smtp://"),
    ] {
        let output = bouncewatch(dir.path(), &args);
        // `draft --from nobody` has nothing left to write for the others.
        let expected = if args.contains(&"nobody")
            && list(dir.path(), &["--state", "found"]).iter().all(|d| d["contact"].is_null())
        {
            0
        } else {
            2
        };
        assert_eq!(output.status.code(), Some(expected), "{args:?}: {}", stderr(&output));
        assert!(expected == 0 || stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
    }
}

/// An SMTP server that answers each mail's end with `verdict`, and what it took.
fn mail_server(verdict: &'static str) -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            thread::spawn(move || converse(stream, verdict, &kept));
        }
    });
    (address, taken)
}

fn converse(stream: TcpStream, verdict: &str, kept: &Mutex<Vec<String>>) -> Option<()> {
    let (mut out, mut lines) = (stream.try_clone().ok()?, BufReader::new(stream));
    out.write_all(b"220 test\r\n").ok()?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let verb = line.to_ascii_uppercase();
        if verb.starts_with("EHLO") {
            out.write_all(b"250-test\r\n250 8BITMIME\r\n").ok()?;
        } else if verb.starts_with("DATA") {
            out.write_all(b"354 go\r\n").ok()?;
            let mut mail = String::new();
            while !mail.ends_with("\r\n.\r\n") {
                lines.read_line(&mut mail).ok()?;
            }
            if verdict.starts_with('2') {
                kept.lock().ok()?.push(mail);
            }
            out.write_all(format!("{verdict}\r\n").as_bytes()).ok()?;
        } else if verb.starts_with("QUIT") {
            out.write_all(b"221 bye\r\n").ok()?;
            return None;
        } else {
            out.write_all(b"250 ok\r\n").ok()?;
        }
    }
}
