//! `bouncewatch explain`

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{
    Exit,
    lines::{self, Out, Shape},
    report::stored_redactor,
    settings::Settings,
};
use crate::{
    address::{fold, printable},
    error::Error,
    ledger::Ledger,
    redact::Redactor,
    store::Store,
    typo::{Candidate, Census, Explainer, Popular, THRESHOLD},
};

/// Candidates shown.
const TOP: usize = 5;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Bounced addresses or domains; none or - reads lines of standard input ({"address":…} with --format jsonl)
    #[arg(value_name = "ADDRESS")]
    address: Vec<String>,
    /// Who wrote to it: correspondents of that sender come first
    #[arg(long, value_name = "SENDER")]
    sender: Option<String>,
}

pub(super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    // What this operator delivers to is the best prior there is; without a store the popular names must do.
    let ledger =
        if settings.db.exists() { Store::open(&settings.db)?.ledger(settings.strangers)? } else { Ledger::default() };
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::with(&census, &Popular::shipped(), settings.typo_parameters()?);
    let shape = lines::shape(settings)?;
    let redactor = stored_redactor(settings, "explain")?;
    let mut out = Out::open();
    for question in lines::questions(&args.address, settings, "address") {
        match question {
            Err(cause) => out.refuse(&cause)?,
            Ok(address) => {
                let mut candidates = explainer.explain_address(bare(&address), args.sender.as_deref());
                candidates.truncate(TOP);
                let address = match &redactor {
                    Some(redactor) => redacted(&address, &mut candidates, redactor),
                    None => address,
                };
                match shape {
                    Shape::Json => out.line(&object(&address, &candidates).to_string())?,
                    Shape::Text => out.line(&sentence(&address, &candidates))?,
                }
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The address in what people copy: `Joe <joe@gmial.com>,`, `mailto:joe@gmial.com`.
fn bare(text: &str) -> &str {
    let text = text.trim().trim_end_matches([',', ';']);
    let text = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(open), Some(inner)) => &inner[open + 1..],
        (None, Some(inner)) => inner,
        _ => text,
    };
    text.strip_prefix("mailto:").unwrap_or(text).trim()
}

/// Pseudonyms in the candidates, and the one of the address they are for. The letters of a slip are letters of a name.
fn redacted(address: &str, candidates: &mut [Candidate], redactor: &Redactor) -> String {
    for c in candidates {
        c.intended = redactor.address(&c.intended);
        let edits: Vec<&str> = c.edits.iter().map(|e| e.name()).collect();
        c.words = format!("{} of {}", edits.join(", "), c.intended);
    }
    redactor.address(address)
}

fn object(address: &str, candidates: &[Candidate]) -> Value {
    let one = |c: &Candidate| {
        json!({
            "intended": c.intended,
            "edits": c.edits.iter().map(|e| e.name()).collect::<Vec<_>>(),
            "confidence": (c.probability * 1e4).round() / 1e4,
            "words": c.words,
        })
    };
    // A guess is no explanation: what is likelier no typo than this one has no intended name.
    let best = candidates.first().filter(|c| c.probability >= THRESHOLD);
    json!({
        "address": address,
        "kind": best.map(|_| "typo"),
        "intended": best.map(|c| c.intended.as_str()),
        "edits": best.map_or_else(Vec::new, |c| c.edits.iter().map(|e| e.name()).collect()),
        "confidence": best.map(|c| (c.probability * 1e4).round() / 1e4),
        "candidates": candidates.iter().map(one).collect::<Vec<_>>(),
    })
}

fn sentence(address: &str, candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return format!("{}: nothing it looks like a typo of", printable(&fold(address)));
    }
    candidates.iter().map(|c| format!("{}, {:.3}", printable(&c.words), c.probability)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn what_people_copy() {
        for (text, address) in [
            ("Joe <joe@gmial.com>,", "joe@gmial.com"),
            ("<joe@gmial.com>", "joe@gmial.com"),
            ("mailto:joe@gmial.com", "joe@gmial.com"),
            (" joe@gmial.com; ", "joe@gmial.com"),
            ("joe@gmial.com>", "joe@gmial.com"),
            ("\"a <b>\"@gmial.com", "\"a <b>\"@gmial.com"),
            ("gmial.com", "gmial.com"),
        ] {
            assert_eq!(bare(text), address, "{text}");
        }
    }
}
