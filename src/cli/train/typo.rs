//! `bouncewatch train typo`

use std::{fs, path::PathBuf};

use clap::Args as ClapArgs;

use super::super::{
    Exit,
    lines::{Out, pairs, popular},
    settings::Settings,
};
use crate::{
    error::Error,
    typo::{self, Census, Confirmed, Explainer},
};

#[derive(Debug, ClapArgs)]
pub(in super::super) struct Args {
    /// JSON lines of {"typed", "meant"}, domains or addresses; "meant": null where it was no typo
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Names to explain by while fitting, one a line, most popular first [default: shipped]
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Where the fitted model goes, for --typo-model [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Fits on top of the model in use, so that a second file adds to the first.
pub(in super::super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    let confirmed: Vec<Confirmed> =
        pairs(&args.input)?.into_iter().map(|(typed, meant)| Confirmed { typed, meant }).collect();
    let (mut fitted, learned) = typo::learn(&confirmed, &settings.typo_parameters()?);
    if learned.domains + learned.usernames + learned.strangers == 0 {
        let name = args.input.display().to_string();
        return Err(Error::Data { name, cause: "no pair within two slips: nothing to learn".into() });
    }
    let mut lines = vec![format!(
        "Fitted by bouncewatch train typo: {} wrong domains, {} wrong usernames, {} that were no typo; {} pairs that no\n\
         # slip explains taught nothing.",
        learned.domains, learned.usernames, learned.strangers, learned.unexplained,
    )];
    let popular = popular(args.names.as_deref())?;
    if args.names.is_some() {
        let names: Vec<&str> = popular.names().collect();
        let (strangers, [before, after]) = typo::fit_strangers(&names, fitted.strangers);
        fitted.strangers = strangers;
        lines.push(format!("[strangers]: {before:.3} nats a name held out before, {after:.3} now."));
    }
    let census = Census::default();
    let (signs, judged) = typo::judge(&confirmed, &Explainer::with(&census, &popular, fitted.clone()));
    fitted.signs = signs;
    let [before, after] = judged.held_out;
    lines.push(format!(
        "[signs]: {} slips and {} names near a known one; {before:.4} nats a name held out before, {after:.4} now.",
        judged.slips, judged.strangers
    ));
    let head: String = lines.iter().map(|line| format!("# {line}\n")).collect();
    let text = format!("{head}{}", fitted.to_toml());
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
