//! `bouncewatch templates`

use clap::Args as ClapArgs;
use serde_json::json;

use super::{
    Exit,
    lines::{self, Out, Shape},
    settings::{Settings, moment},
};
use crate::{
    address::printable, error::Error, ledger::TemplateTally, moment::Timestamp, ndr::TemplateId, store::Store,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only those first seen on this day or later
    #[arg(long, value_name = "DAY")]
    new_since: Option<String>,
}

pub(super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "templates: there is no database {}; run `bouncewatch run` first",
            settings.db.display()
        )));
    }
    let since = args.new_since.as_ref().map(|text| moment("--new-since", text)).transpose()?;
    let shape = lines::shape(settings)?;
    let mut out = Out::open();
    for (id, tally, first) in sorted(Store::open(&settings.db)?.ledger()?.templates.into_iter().collect(), since) {
        match shape {
            Shape::Json => out.line(
                &json!({
                    "id": id.to_string(), "template": tally.text, "type": tally.kind.id(), "name": tally.kind.name(),
                    "count": tally.count, "example": tally.example, "first_seen": first.to_string(),
                })
                .to_string(),
            )?,
            Shape::Text => out.line(&format!(
                "{:>10} {:<4} {} {}",
                tally.count,
                tally.kind.id(),
                first.day(),
                printable(&tally.text)
            ))?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn sorted(
    templates: Vec<(TemplateId, TemplateTally)>,
    since: Option<Timestamp>,
) -> Vec<(TemplateId, TemplateTally, Timestamp)> {
    let mut rows: Vec<_> = templates
        .into_iter()
        .filter_map(|(id, tally)| {
            let (first, _) = tally.seen.bounds()?;
            since.is_none_or(|since| first >= since).then_some((id, tally, first))
        })
        .collect();
    rows.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(&b.0)));
    rows
}
