//! `bouncewatch train`

mod ndr;
mod typo;

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, screen::Screen, settings::Settings};
use crate::error::Error;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    model: Model,
}

#[derive(Debug, Subcommand)]
enum Model {
    /// The reply model: from the training grammar and labelled replies, with a model card
    Ndr(ndr::Args),
    /// The typo model: from confirmed typos
    Typo(typo::Args),
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    match args.model {
        Model::Ndr(args) => ndr::run(&args, settings, screen),
        Model::Typo(args) => typo::run(&args, settings),
    }
}
