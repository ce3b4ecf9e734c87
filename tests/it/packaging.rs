//! What is shipped around the program fits the program: command lines, configuration, units, manual, completions.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::cli::{bouncewatch, start, stderr, stdout};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// The words of each `bouncewatch COMMAND …` in a text, up to what ends a command.
fn calls(text: &str) -> Vec<Vec<String>> {
    let names: Vec<String> =
        bouncewatch::cli::command().get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut calls = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        for (at, program) in line.match_indices("bouncewatch ") {
            let rest = line[at + program.len()..].split(['`', '#', ';', '|', '>', '&', '\\']).next().unwrap();
            let rest = rest.split(" $(").next().unwrap().split(" \"$(").next().unwrap();
            let words: Vec<String> = rest.split_whitespace().map(|w| w.trim_matches(['"', '\'']).to_owned()).collect();
            if words.first().is_some_and(|name| names.contains(name)) {
                calls.push(words);
            }
        }
    }
    calls
}

#[test]
fn every_option_named_in_packaging_is_one_of_that_command() {
    let command = bouncewatch::cli::command();
    let (mut named, mut whole) = (0, 0);
    for path in files(&root().join("packaging")) {
        let text = fs::read_to_string(&path).unwrap();
        for words in calls(&text) {
            let mut of = &command;
            for word in &words {
                of = of.find_subcommand(word).unwrap_or(of);
            }
            for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
                let option = option.split('=').next().unwrap();
                let known = |c: &clap::Command| c.get_arguments().any(|arg| arg.get_long() == Some(option));
                assert!(known(of) || known(&command), "{}: {words:?} names --{option}", path.display());
                named += 1;
            }
        }
        // Lines that are run as they stand.
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/")) {
            let parsed = bouncewatch::cli::command().try_get_matches_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{}: {line}: {:?}", path.display(), parsed.err());
            whole += 1;
        }
    }
    assert!(named >= 8 && whole >= 1, "{named} options, {whole} lines");
}

#[test]
fn the_shipped_configuration_has_no_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(root().join("packaging/bouncewatch.toml")).unwrap();
    // As it is, and with everything in it that is a suggestion; the folders are those of this test.
    let here = dir.path().display().to_string();
    let suggested: Vec<String> = shipped
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned())
        .collect();
    for text in [shipped.clone(), suggested.join("\n")] {
        let path = dir.path().join("b.toml");
        fs::write(&path, text.replace("/var/lib/bouncewatch", &here)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let output = bouncewatch(dir.path(), &["config", "check", "--config", "b.toml"]);
        assert_eq!(output.status.code(), Some(0), "{}\n{text}", stderr(&output));
    }
    assert_ne!(shipped, suggested.join("\n") + "\n", "nothing is suggested");
}

#[test]
fn systemd_takes_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped 2 cases: no systemd-analyze here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for name in ["bouncewatch.service", "bouncewatch.timer"] {
        let text = fs::read_to_string(root().join("packaging/systemd").join(name)).unwrap();
        // The program is not installed where tests run, and neither is its page.
        let text = text.replace("/usr/bin/bouncewatch", env!("CARGO_BIN_EXE_bouncewatch"));
        fs::write(dir.path().join(name), text.replace("Documentation=man:bouncewatch(1)\n", "")).unwrap();
    }
    let analyze = |args: &[&str]| {
        let output = Command::new("systemd-analyze")
            .args(args)
            .args(["bouncewatch.service", "bouncewatch.timer"].map(|name| dir.path().join(name)))
            .output()
            .unwrap();
        (output.status.success(), stdout(&output) + &stderr(&output))
    };
    let (good, said) = analyze(&["verify", "--man=no"]);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("bouncewatch")).collect();
    assert!(good && ours.is_empty(), "{said}");
    // Exposure from 0 to 10, in tenths; asked of the service alone.
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--threshold=20", "--no-pager"])
        .arg(dir.path().join("bouncewatch.service"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn the_manual_has_a_page_a_command_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = start(dir.path(), &["man", "pages"]);
    let output = command.env("BOUNCEWATCH_ALERT_SINK", "https://h.example/SECRET").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for sub in bouncewatch::cli::command().get_subcommands() {
        let page = fs::read_to_string(dir.path().join(format!("pages/bouncewatch-{}.1", sub.get_name()))).unwrap();
        assert!(page.contains(".TH") && !page.contains("SECRET"), "{page}");
    }
    let first = stdout(&bouncewatch(dir.path(), &["man"]));
    assert_eq!(first, fs::read_to_string(dir.path().join("pages/bouncewatch.1")).unwrap());
    assert!(first.contains("bouncewatch\\-run(1)") || first.contains("bouncewatch-run(1)"), "{first}");
}

#[test]
fn shells_complete_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&bouncewatch(dir.path(), &["completions", shell]));
        for word in ["disclose", "prune", "alert-sink"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        if shell == "bash" && Command::new("bash").arg("--version").output().is_ok() {
            fs::write(dir.path().join("c.bash"), &script).unwrap();
            let ask = "source ./c.bash; COMP_WORDS=(bouncewatch disc); COMP_CWORD=1; _bouncewatch bouncewatch disc bouncewatch; echo ${COMPREPLY[*]}";
            let output = Command::new("bash").current_dir(dir.path()).args(["-c", ask]).output().unwrap();
            assert_eq!(stdout(&output).trim(), "disclose", "{}", stderr(&output));
        }
    }
    assert_eq!(bouncewatch(dir.path(), &["completions", "cmd"]).status.code(), Some(2));
}
