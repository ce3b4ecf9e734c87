//! `bouncewatch config`

mod check;
mod print;

use clap::{ArgMatches, Args as ClapArgs, Subcommand};

use super::{
    Exit,
    lines::Out,
    options::Common,
    screen::{self, Screen},
    settings::Settings,
};
use crate::error::Error;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Look for mistakes in the configuration file: keys nobody knows, wrong types and values, files that cannot be used
    Check,
    /// What holds, and where it is from: default, file, environment, command line
    Print,
}

/// Runs before settings are decided: a file that stops every other command is what `check` is for.
pub(super) fn run(args: &Args, flags: Common, matches: &ArgMatches) -> Result<Exit, Error> {
    match args.action {
        Action::Check => check(flags),
        Action::Print => {
            let file = flags.config.clone();
            let settings = Settings::resolve(flags)?;
            let mut out = Out::open();
            for line in print::lines(&settings, file.as_deref(), matches)? {
                out.line(&line)?;
            }
            out.flush()?;
            Ok(Exit::Done)
        }
    }
}

fn check(flags: Common) -> Result<Exit, Error> {
    let Some(path) = flags.config else {
        return Err(Error::Usage("config check: name a file: --config FILE".to_owned()));
    };
    let mistakes = check::mistakes(&path)?;
    for mistake in &mistakes {
        screen::complain(&mistake.told(&path));
    }
    if mistakes.is_empty() {
        let screen = Screen::new(flags.quiet, flags.verbose, flags.color.unwrap_or_default());
        screen.say(&format!("configuration {}: no mistake found", path.display()));
        return Ok(Exit::Done);
    }
    Ok(Exit::Usage)
}
