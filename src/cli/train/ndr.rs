//! `bouncewatch train ndr`

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;

use super::{Exit, Screen, Settings};
use crate::{
    cli::lines::{Out, file_text},
    error::Error,
    ndr::{self, Classifier, Evaluation, Example, Model, Verdict},
};

/// Models that judge what they were not fitted to.
const FOLDS: u64 = 4;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Args {
    /// JSON lines of {"text", "label"} to learn from beside the grammar, repeatable
    #[arg(long, value_name = "FILE")]
    labelled: Vec<PathBuf>,
    /// Lines of label, tab, text with {a|b} choices to learn from [default: shipped]
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
    /// Where the model goes; its card is written beside it, with .md in place of the ending
    #[arg(long, value_name = "FILE", default_value = "ndr-model.bin")]
    output: PathBuf,
}

pub(super) fn run(args: &Args, _settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let lesson = Lesson::read(args)?;
    screen.say(&format!("fitting to {} replies", lesson.examples.len()));
    let model = ndr::train(&lesson.examples)?;
    save(&args.output, &model.save())?;
    screen.say(&format!("cross-checking: {FOLDS} models, each judging what it was not fitted to"));
    let verdicts = ndr::held_out(&lesson.examples, FOLDS)?;
    let measured = lesson.measured(&verdicts);
    let card = lesson.card(&model, &measured);
    save(&args.output.with_extension("md"), card.as_bytes())?;
    let mut out = Out::open();
    out.line(measured.trim_end())?;
    out.flush()?;
    screen.say(&format!("model: {}, to be used with --ndr-model", args.output.display()));
    Ok(Exit::Done)
}

/// What a model is fitted to.
struct Lesson {
    examples: Vec<Example>,
    /// So many of `examples` came from the grammar; they stand first.
    grammar: usize,
    grammar_name: String,
    /// Labelled files and their replies.
    files: Vec<(String, usize)>,
}

impl Lesson {
    fn read(args: &Args) -> Result<Self, Error> {
        let (grammar_name, text) = match &args.grammar {
            Some(path) => (path.display().to_string(), file_text(path)?),
            None => ("training.tsv".to_owned(), ndr::TRAINING.to_owned()),
        };
        let mut examples = ndr::expand(&grammar_name, &text)?;
        let grammar = examples.len();
        let (masks, mut files) = (Classifier::shipped()?, Vec::new());
        for path in &args.labelled {
            let name = path.display().to_string();
            let rows = ndr::read_labelled(&name, &file_text(path)?)?;
            files.push((name, rows.len()));
            for row in rows {
                // Replies of one masked form belong to one fold: else a model would be judged by what it has seen.
                let family = masks.mask(&row.text).id().0;
                examples.push(Example { kind: row.label, text: row.text, family });
            }
        }
        Ok(Lesson { examples, grammar, grammar_name, files })
    }

    /// The tables of what was held out.
    fn measured(&self, verdicts: &[Verdict]) -> String {
        let table = |from: usize, to: usize| {
            let mut e = Evaluation::default();
            for (example, verdict) in self.examples[from..to].iter().zip(&verdicts[from.min(verdicts.len())..]) {
                e.count(example.kind, &[], verdict);
            }
            e.to_string()
        };
        let all = self.examples.len();
        let mut text = format!("Held out by line of the grammar ({})\n{}", self.grammar_name, table(0, self.grammar));
        if self.grammar < all {
            let _ = write!(text, "\nHeld out of the labelled replies\n{}", table(self.grammar, all));
        }
        text
    }

    fn card(&self, model: &Model, measured: &str) -> String {
        let mut files = String::new();
        for (name, rows) in &self.files {
            let _ = write!(files, "; {rows} labelled replies of `{name}`");
        }
        let table: String = measured.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "# A reply model of bouncewatch {version}\n\n\
             One SMTP reply to one of the sixteen bounce types, with a confidence.\n\n\
             | | |\n|---|---|\n\
             | Form | multinomial logistic regression over hashed words and pairs of words, {features} features, weights in one byte |\n\
             | Trained on | {grammar} replies of the grammar `{name}`{files} |\n\
             | Made by | `bouncewatch train ndr`: the same files give the same bytes |\n\
             | Answers | the best type; where the model is not sure, T16 |\n\n\
             ## Measured\n\n\
             Each reply by a model that was fitted without its line of the grammar, or without any reply of its masked form\n\
             ({FOLDS} folds). A line often holds all wordings of one idea, so the first table is harsher than any log.\n\n{table}\n\
             ## Limits\n\n\
             It knows the wordings it was given and what resembles them. A reply that names two causes gets the one with more\n\
             words. Labelled replies weigh as much as lines of the grammar: a wrong label teaches a wrong answer.\n",
            version = env!("CARGO_PKG_VERSION"),
            features = model.len(),
            grammar = self.grammar,
            name = self.grammar_name,
        )
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|cause| Error::Write { path: path.to_owned(), cause })
}
