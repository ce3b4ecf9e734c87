//! `bouncewatch eval`

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, lines::Out, settings::Settings};
use crate::{
    enumeration,
    error::Error,
    ndr, rehearsal, simulate,
    typo::{
        Census, Explainer, Popular,
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
        /// JSON lines of {"typed", "meant"} [default: typos made of the names]
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
            let classifier = ndr::Classifier::shipped()?;
            let rows = ndr::read_labelled(&input.display().to_string(), &text(&input)?)?;
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
            let popular = match names {
                Some(path) => Popular::parse(&text(&path)?),
                None => Popular::shipped(),
            };
            let census = Census::default();
            let explainer = Explainer::new(&census, &popular)?;
            let pairs = match input {
                Some(path) => pairs(&path)?,
                None => {
                    let names: Vec<&str> = popular.names().collect();
                    let mut made = eval::generate(&names, count, 1, seed);
                    made.extend(eval::generate(&names, count, 2, seed.wrapping_add(1)));
                    made
                }
            };
            let mut others = vec![Unrelated { sort: "synthetic".into(), names: eval::synthetic(count, seed) }];
            if let Some(path) = unrelated {
                let names = text(&path)?.lines().map(|line| line.trim().to_owned()).filter(|n| !n.is_empty()).collect();
                others.push(Unrelated { sort: "given".into(), names });
            }
            out.line(eval::evaluate(&explainer, &pairs, &others).to_string().trim_end())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Lines of {"typed", "meant"}; the edits between them are not known.
fn pairs(path: &Path) -> Result<Vec<Pair>, Error> {
    #[derive(serde::Deserialize)]
    struct Line {
        typed: String,
        meant: String,
    }
    let bad = |n: usize, e: &serde_json::Error| Error::Data {
        name: path.display().to_string(),
        cause: format!("line {}: {e}", n + 1),
    };
    text(path)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| match serde_json::from_str::<Line>(line) {
            Ok(Line { typed, meant }) => Ok(Pair { typed, meant, edits: Vec::new() }),
            Err(e) => Err(bad(n, &e)),
        })
        .collect()
}

fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })
}
