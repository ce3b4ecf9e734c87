//! `bouncewatch train typo`

use std::{fs, path::PathBuf};

use clap::Args as ClapArgs;

use super::super::{
    Exit,
    lines::{Out, pairs},
    settings::Settings,
};
use crate::{
    error::Error,
    typo::{self, Confirmed},
};

#[derive(Debug, ClapArgs)]
pub(in super::super) struct Args {
    /// JSON lines of {"typed", "meant"}, domains or addresses; "meant": null where it was no typo
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where the fitted model goes, for --typo-model [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Fits on top of the model in use, so that a second file adds to the first.
pub(in super::super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    let confirmed: Vec<Confirmed> =
        pairs(&args.input)?.into_iter().map(|(typed, meant)| Confirmed { typed, meant }).collect();
    let (fitted, learned) = typo::learn(&confirmed, &settings.typo_parameters()?);
    if learned.domains + learned.usernames + learned.strangers == 0 {
        let name = args.input.display().to_string();
        return Err(Error::Data { name, cause: "no pair within two slips: nothing to learn".into() });
    }
    let text = format!(
        "# Fitted by bouncewatch train typo: {} wrong domains, {} wrong usernames, {} that were no typo; {} pairs that no\n\
         # slip explains taught nothing.\n{}",
        learned.domains,
        learned.usernames,
        learned.strangers,
        learned.unexplained,
        fitted.to_toml()
    );
    match &args.output {
        Some(path) => fs::write(path, text).map_err(|cause| Error::Write { path: path.clone(), cause })?,
        None => {
            let mut out = Out::open();
            out.line(text.trim_end())?;
            out.flush()?;
        }
    }
    Ok(Exit::Done)
}
