//! The contract with the outside: options have help, an environment name, a configuration key and a line in the README.

use std::fs;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/settings.rs");

#[test]
fn every_common_option_has_help_environment_key_and_readme_line() {
    let (readme, settings) = (fs::read_to_string(README).unwrap(), fs::read_to_string(SETTINGS).unwrap());
    let command = bouncewatch::cli::command();
    let mut seen = 0;
    for option in command.get_arguments().filter(|a| !matches!(a.get_id().as_str(), "help" | "version")) {
        seen += 1;
        let long = option.get_long().unwrap();
        assert!(option.get_help().is_some(), "--{long} has no help");
        let environment = option.get_env().unwrap().to_string_lossy().into_owned();
        assert_eq!(environment, format!("BOUNCEWATCH_{}", long.to_uppercase().replace('-', "_")));
        assert!(
            long == "config" || settings.contains(&format!("\n    {}: ", long.replace('-', "_"))),
            "--{long} has no configuration key"
        );
        assert!(readme.contains(&format!("`--{long}")), "--{long} is not in the README");
    }
    assert!(seen >= 15, "only {seen} options walked");
}

#[test]
fn every_command_has_help_and_a_readme_line() {
    let readme = fs::read_to_string(README).unwrap();
    let command = bouncewatch::cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert!(names.len() >= 9, "{names:?}");
    for sub in command.get_subcommands() {
        assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
        assert!(
            readme.contains(&format!("`bouncewatch {}", sub.get_name())),
            "{} is not in the README",
            sub.get_name()
        );
        for option in sub.get_arguments() {
            assert!(option.get_help().is_some(), "{} {} has no help", sub.get_name(), option.get_id());
        }
    }
}
