//! Words of the user → calls.
//!
//! In: arguments, environment, configuration file, standard input.
//! Out: results on stdout, talk on stderr, an exit status.
//! Never: computes.

mod check;
mod classify;
mod config;
mod db;
mod disclose;
mod eval;
mod explain;
mod export;
mod language;
mod ledger;
mod lines;
mod manual;
mod options;
mod report;
mod run;
mod screen;
mod settings;
mod simulate;
mod templates;
mod train;
mod watch;

use std::{ffi::OsString, io, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Subcommand, error::ErrorKind};

use crate::{error::Error, findings::Severity};
use screen::Screen;
use settings::Settings;

/// How a command ended (INTERFACE.md, "Exit status").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The job could not be done.
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Done, with findings at or above `--fail-on`.
    Findings = 3,
    /// Done, but something after the findings failed.
    Undelivered = 4,
}

/// Finds, in mail delivery logs, the names a stranger could register and who is guessing addresses.
#[derive(Debug, clap::Parser)]
#[command(name = "bouncewatch", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    common: options::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The nightly job: read logs, classify, explain, check, find campaigns, report, alert
    Run(run::Args),
    /// Follow a growing log and alert while guessing is still going on
    Watch(watch::Args),
    /// Bounce type of one reply, or of each line of standard input
    Classify(classify::Args),
    /// What a bounced address was meant to be
    Explain(explain::Args),
    /// Whether a stranger could register a domain, with the evidence
    Check(check::Args),
    /// Render the stored findings again
    Report(report::Args),
    /// Tell the owners: list, draft, send and track letters
    Disclose(disclose::Args),
    /// The stored findings as other programs take them: threat intelligence, abuse reports, blocklists, lists of names
    Export(export::Args),
    /// Write a made-up mail world with its truth
    Simulate(simulate::Args),
    /// The NDR templates met so far: count, type, example, first seen
    Templates(templates::Args),
    /// Score a stage on labelled data, with its confusion table
    Eval(eval::Args),
    /// Fit a model to labelled data
    Train(train::Args),
    /// The ledger as Arrow and Parquet, for many machines: export, import, partial, merge
    Ledger(ledger::Args),
    /// The store: size and retention
    Db(db::Args),
    /// The configuration: its mistakes, and what holds
    Config(config::Args),
    /// The manual, as man reads it
    Man(manual::Man),
    /// What a shell needs to complete words after `bouncewatch`
    Completions(manual::Completions),
}

/// Runs one command. All that is said of a failure is one line on stderr.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed =
        Cli::command().try_get_matches_from(args).and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (mut cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // A broken pipe while printing help is success.
            drop(error.print());
            return if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                Exit::Done
            } else {
                Exit::Usage
            };
        }
    };
    cli.common.note(&matches);
    let result = match cli.command {
        // These work whatever the configuration says.
        Command::Config(args) => config::run(&args, cli.common, &matches),
        Command::Man(args) => manual::man(&args),
        Command::Completions(args) => manual::completions(&args),
        command => Settings::resolve(cli.common).and_then(|settings| {
            let screen = Screen::new(settings.quiet, settings.verbose, settings.color);
            run_command(command, &settings, &screen)
        }),
    };
    match result {
        Ok(exit) => exit,
        Err(Error::Write { cause, .. }) if cause.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            screen::fail(&error);
            if matches!(error, Error::Usage(_)) { Exit::Usage } else { Exit::Failed }
        }
    }
}

fn run_command(command: Command, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    match command {
        Command::Run(args) => run::run(args, settings, screen),
        Command::Watch(args) => watch::run(args, settings, screen),
        Command::Classify(args) => classify::run(&args, settings),
        Command::Explain(args) => explain::run(&args, settings),
        Command::Check(args) => check::run(&args, settings, screen),
        Command::Report(args) => report::run(&args, settings, screen),
        Command::Disclose(args) => disclose::run(args, settings, screen),
        Command::Export(args) => export::run(&args, settings, screen),
        Command::Simulate(args) => simulate::run(&args, settings, screen),
        Command::Templates(args) => templates::run(&args, settings, screen),
        Command::Eval(args) => eval::run(args, settings),
        Command::Train(args) => train::run(args, settings, screen),
        Command::Ledger(args) => ledger::run(args, settings, screen),
        Command::Db(args) => db::run(args, settings, screen),
        Command::Config(_) | Command::Man(_) | Command::Completions(_) => Ok(Exit::Done),
    }
}

/// 3 when an alert that is not over is at least as severe as `--fail-on`.
fn exit_for(alerts: &[crate::findings::Alert], fail_on: Option<Severity>) -> Exit {
    match fail_on {
        Some(floor) if alerts.iter().any(|alert| !alert.over && alert.severity >= floor) => Exit::Findings,
        _ => Exit::Done,
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The whole command line, for tests that hold every option to its help, environment name and configuration key.
pub fn command() -> clap::Command {
    Cli::command()
}
