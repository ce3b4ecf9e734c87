//! `bouncewatch train`

mod typo;

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, settings::Settings};
use crate::error::Error;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    model: Model,
}

#[derive(Debug, Subcommand)]
enum Model {
    /// Fit the typo model to confirmed typos
    Typo(typo::Args),
}

pub(super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    match &args.model {
        Model::Typo(args) => typo::run(args, settings),
    }
}
