//! `bouncewatch eval`

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, lines::Out, settings::Settings};
use crate::{error::Error, ndr};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    stage: Stage,
}

#[derive(Debug, Subcommand)]
enum Stage {
    /// The NDR classifier: accuracy, macro-F1, T8 precision and recall, confusion table, calibration
    Ndr {
        /// JSON lines of {"text", "label", "alt"}: an answer in label or alt is right
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
    },
}

pub(super) fn run(args: Args, _settings: &Settings) -> Result<Exit, Error> {
    let mut out = Out::open();
    match args.stage {
        Stage::Ndr { input } => {
            let classifier = ndr::Classifier::shipped()?;
            let rows = ndr::read_labelled(&input.display().to_string(), &text(&input)?)?;
            out.line(ndr::evaluate(&classifier, &rows).to_string().trim_end())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })
}
