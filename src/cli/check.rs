//! `bouncewatch check`

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{
    Exit,
    lines::{self, Out, Shape},
    screen::Screen,
    settings::Settings,
};
use crate::{
    address::printable,
    error::Error,
    registrability::{self, Registrability},
    suffix::Suffixes,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Domains; none or - reads lines of standard input ({"domain":…} with --format jsonl)
    #[arg(value_name = "DOMAIN")]
    domain: Vec<String>,
}

pub(super) fn run(args: &Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let suffixes = Suffixes::shipped()?;
    let shape = lines::shape(settings)?;
    let mut out = Out::open();
    let mut names = Vec::new();
    for question in lines::questions(&args.domain, settings, "domain") {
        match question {
            Ok(name) => names.push(name),
            Err(cause) => out.refuse(&cause)?,
        }
    }
    let bar = screen.bar(names.len() as u64, false, "asking");
    let mut failed = None;
    registrability::check(&names, &suffixes, &settings.network, settings.now, &mut |answer| {
        bar.inc(1);
        let text = match shape {
            Shape::Json => object(&answer).to_string(),
            Shape::Text => sentence(&answer),
        };
        if failed.is_none() {
            // Each answer is shown as it comes: a look-up takes seconds, a list of them hours.
            failed = out.line(&text).and_then(|()| out.flush()).err();
        }
    })?;
    bar.finish_and_clear();
    out.flush()?;
    failed.map_or(Ok(Exit::Done), Err)
}

fn object(answer: &Registrability) -> Value {
    let evidence: Vec<Value> = answer
        .evidence
        .iter()
        .map(|e| json!({ "source": e.source.name(), "answer": e.answer, "server": e.server, "at": e.at.to_string() }))
        .collect();
    json!({
        "domain": answer.domain,
        "status": answer.status.name(),
        "checked_at": answer.checked_at.to_string(),
        "registrar": answer.details.registrar,
        "created": answer.details.created.map(|t| t.to_string()),
        "expires": answer.details.expires.map(|t| t.to_string()),
        "nameservers": answer.details.nameservers,
        "mx": answer.details.mx,
        "null_mx": answer.details.null_mx,
        "contacts": answer.details.contacts.iter().map(|c| json!({ "address": c.address, "role": c.role, "source": c.source.name() })).collect::<Vec<_>>(),
        "drops_at": answer.drops_at.map(|t| t.to_string()),
        "evidence": evidence,
    })
}

fn sentence(answer: &Registrability) -> String {
    let evidence: Vec<String> =
        answer.evidence.iter().map(|e| format!("{} {} ({})", e.source.name(), e.answer, e.server)).collect();
    printable(&format!("{}: {}: {}", answer.domain, answer.status.name(), evidence.join(", "))).into_owned()
}
