//! `eval campaigns` in small, as printed: attacks found whole with exactly their hits, and nobody innocent.

use crate::cli::{bouncewatch, stderr, stdout};

/// The smallest world that holds every story, with attacks and without.
fn evaluated(args: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let world = ["eval", "campaigns", "--seeds", "1", "--seed", "3", "--records", "7000", "--base-rate", "0.03"];
    let output = bouncewatch(dir.path(), &[&world, args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// `name`, found, planted, exact of every line of attacks.
fn attacks(table: &str) -> Vec<(String, u32, u32, u32)> {
    let line = |line: &str| {
        let (name, numbers) = line.split_at_checked(22)?;
        let mut words = numbers.split_whitespace();
        let (found, planted) = words.next()?.split_once('/')?;
        let exact = words.nth(1)?;
        Some((name.trim().to_owned(), found.parse().ok()?, planted.parse().ok()?, exact.parse().ok()?))
    };
    table.lines().filter_map(line).collect()
}

#[test]
fn every_attack_is_found_whole_and_nobody_else() {
    let table = evaluated(&[]);
    let attacks = attacks(&table);
    // The kinds, and the classes they add up to.
    assert!(attacks.len() >= 14 + 6, "{table}");
    for (name, found, planted, exact) in attacks {
        assert!(planted > 0 && found == planted && exact == planted, "{name}: {table}");
    }
    let (_, innocents) = table.split_once("innocents flagged, of all:\n").unwrap();
    let kinds: Vec<&str> = innocents.lines().take_while(|line| !line.starts_with("together")).collect();
    assert!(kinds.len() >= 16 && kinds.iter().all(|line| line[22..].trim_start().starts_with("0 of ")), "{table}");
    assert!(innocents.contains("nobody planted: 0 of ") && table.ends_with("every promise holds\n"), "{table}");
}

#[test]
fn a_search_that_finds_little_does_not_pass() {
    let table = evaluated(&["--alpha", "1e-30"]);
    assert!(attacks(&table).iter().any(|(_, found, planted, _)| found < planted), "{table}");
    assert!(table.contains("promises that do not hold:") && table.contains("was not found"), "{table}");
}
