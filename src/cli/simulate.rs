//! `bouncewatch simulate`

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{Exit, screen::Screen, settings::Settings};
use crate::{
    error::Error,
    moment::Day,
    simulate::{self, Options},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Where the world goes; made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Another seed, another world; the same seed, the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Mails, roughly
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    /// Days they spread over
    #[arg(long, default_value_t = 28)]
    days: u32,
    /// The first day
    #[arg(long, value_name = "DAY", default_value = "2022-06-06")]
    start: String,
    /// Without address guessing
    #[arg(long)]
    no_attacks: bool,
    /// Only coremail.jsonl: the logs in Postfix's words are five times as large
    #[arg(long)]
    no_postfix: bool,
}

pub(super) fn run(args: &Args, _settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let start = Day::parse(&args.start)
        .ok_or_else(|| Error::Usage(format!("--start {}: is no day such as 2022-06-06", args.start)))?;
    let options = Options {
        seed: args.seed,
        records: args.records,
        start: start.start(),
        days: args.days,
        attacks: !args.no_attacks,
        postfix: !args.no_postfix,
        ..Options::default()
    };
    let summary = simulate::simulate(&args.dir, &options)?;
    screen.say(&format!("{}: {summary}", args.dir.display()));
    Ok(Exit::Done)
}
