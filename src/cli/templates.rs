//! `bouncewatch templates`

use clap::Args as ClapArgs;
use serde_json::json;

use super::{
    Exit,
    language::Language,
    lines::{self, Out, Shape},
    report,
    screen::Screen,
    settings::{Settings, moment},
};
use crate::{address::printable, bounce::BounceType, error::Error, ndr::Template, store::Store};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only those first seen on this day or later
    #[arg(long, value_name = "DAY")]
    new_since: Option<String>,
    #[command(flatten)]
    language: Language,
}

pub(super) fn run(args: &Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "templates: there is no database {}; run `bouncewatch run` first",
            settings.db.display()
        )));
    }
    let since = args.new_since.as_ref().map(|text| moment("--new-since", text)).transpose()?;
    let shape = lines::shape(settings)?;
    let mut store = Store::open(&settings.db)?;
    args.language.propose(&mut store, settings, screen)?;
    let redactor = report::redactor(settings, &store)?;
    let shown = |text: &str| redactor.as_ref().map_or_else(|| text.to_owned(), |r| r.text(text));
    let mut out = Out::open();
    for t in store.templates()?.freeze().into_iter().filter(|t| since.is_none_or(|since| t.first >= since)) {
        let (kind, source) = meaning(&t);
        match shape {
            Shape::Json => out.line(
                &json!({
                    "id": t.id.to_string(), "template": shown(&t.text), "type": kind.id(), "name": kind.name(),
                    "source": source, "count": t.count, "forms": t.forms, "example": shown(&t.example),
                    "first_seen": t.first.to_string(), "last_seen": t.last.to_string(),
                })
                .to_string(),
            )?,
            Shape::Text => out.line(&format!(
                "{:>10} {:<4}{} {} {}",
                t.count,
                kind.id(),
                if source == "lm" { "?" } else { " " },
                t.first.day(),
                printable(&shown(&t.text))
            ))?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The type and who says so: the reply model, or a language model where the reply model says nothing.
fn meaning(t: &Template) -> (BounceType, &'static str) {
    match t.proposal {
        Some(p) if t.kind == BounceType::Other && p.kind != BounceType::Other => (p.kind, "lm"),
        _ => (t.kind, "model"),
    }
}
