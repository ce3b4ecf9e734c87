//! `bouncewatch eval`

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{
    Exit,
    lines::{Out, file_text, pairs, popular},
    settings::Settings,
};
use crate::{
    enumeration,
    error::Error,
    learn, ndr, rehearsal, simulate,
    typo::{
        Census, Explainer,
        eval::{self, Pair, Unrelated},
    },
};

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
    /// The search for guessing, over made-up worlds: recall, hit lists, guesses before the alert, innocents flagged
    Campaigns {
        /// Worlds, times base rates, times with and without attacks
        #[arg(long, default_value_t = 5)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Mails in a world; from 25,000 on the paper's own case is among them
        #[arg(long, default_value_t = 30_000)]
        records: u64,
        /// Shares of everyday mails to people who left
        #[arg(long, value_name = "SHARE", value_delimiter = ',', default_value = "0,0.03,0.1")]
        base_rate: Vec<f64>,
    },
    /// The typo model: names found again, kinds named, false explanations, over all thresholds
    Typo {
        /// JSON lines of {"typed", "meant"}, domains or addresses; no "meant" or null for no typo [default: typos made of
        /// the names]
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Names to explain by, one a line, most popular first [default: shipped]
        #[arg(long, value_name = "FILE")]
        names: Option<PathBuf>,
        /// Names that are nobody's typo, one a line; made-up ones are always among them
        #[arg(long, value_name = "FILE")]
        unrelated: Option<PathBuf>,
        /// Typos made, with one slip and with two each
        #[arg(long, default_value_t = 10_000)]
        count: usize,
        /// Another seed, other typos
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

pub(super) fn run(args: Args, settings: &Settings) -> Result<Exit, Error> {
    let mut out = Out::open();
    match args.stage {
        Stage::Ndr { input } => {
            let classifier = learn::classifier(settings.ndr_model.as_deref())?;
            let rows = ndr::read_labelled(&input.display().to_string(), &file_text(&input)?)?;
            out.line(ndr::evaluate(&classifier, &rows).to_string().trim_end())?;
        }
        Stage::Campaigns { seeds, seed, records, base_rate } => {
            let mut evaluation = enumeration::eval::Evaluation::default();
            for seed in seed..seed.saturating_add(seeds) {
                for &unknown in &base_rate {
                    for attacks in [true, false] {
                        let world = simulate::Options { seed, records, attacks, unknown, ..rehearsal::world() };
                        rehearsal::hold(&world, &settings.test, &mut evaluation)?;
                    }
                }
            }
            out.line(evaluation.to_string().trim_end())?;
        }
        Stage::Typo { input, names, unrelated, count, seed } => {
            let popular = popular(names.as_deref())?;
            let census = Census::default();
            let explainer = Explainer::with(&census, &popular, settings.typo_parameters()?);
            let mut others = vec![Unrelated { sort: "synthetic".into(), names: eval::synthetic(count, seed) }];
            let made = input.is_none();
            let pairs = match input {
                Some(path) => {
                    let (typos, none): (Vec<_>, Vec<_>) = pairs(&path)?.into_iter().partition(|(_, m)| m.is_some());
                    let names: Vec<String> = none.into_iter().map(|(typed, _)| typed).collect();
                    if !names.is_empty() {
                        others.push(Unrelated { sort: "no typo".into(), names });
                    }
                    let pair = |(typed, meant): (String, Option<String>)| {
                        Some(Pair { typed, meant: meant?, edits: Vec::new() })
                    };
                    typos.into_iter().filter_map(pair).collect()
                }
                None => {
                    let names: Vec<&str> = popular.names().collect();
                    let mut made = eval::generate(&names, count, 1, seed);
                    made.extend(eval::generate(&names, count, 2, seed.wrapping_add(1)));
                    made
                }
            };
            if let Some(path) = unrelated {
                let names =
                    file_text(&path)?.lines().map(|line| line.trim().to_owned()).filter(|n| !n.is_empty()).collect();
                others.push(Unrelated { sort: "given".into(), names });
            }
            let mut evaluation = eval::evaluate(&explainer, &pairs, &others);
            evaluation.limit = made.then(|| eval::limit(&explainer, &pairs)).flatten();
            out.line(evaluation.to_string().trim_end())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
