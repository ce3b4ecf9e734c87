//! `bouncewatch classify`

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{
    Exit,
    lines::{self, Out, Shape},
    report::stored_redactor,
    settings::Settings,
};
use crate::{
    address::printable,
    error::Error,
    learn,
    ndr::{Auth, Cached, Check, Details, Mailbox, Policy, Verdict},
    redact::Redactor,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Replies; none or - reads lines of standard input ({"text":…} with --format jsonl)
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
}

pub(super) fn run(args: &Args, settings: &Settings) -> Result<Exit, Error> {
    let classifier = learn::classifier(settings.ndr_model.as_deref())?;
    let mut verdicts = Cached::new(&classifier);
    let shape = lines::shape(settings)?;
    let redactor = stored_redactor(settings, "classify")?;
    let mut out = Out::open();
    for question in lines::questions(&args.text, settings, "text") {
        match question {
            Err(cause) => out.refuse(&cause)?,
            Ok(text) => {
                let verdict = verdicts.classify(&text);
                let hidden = redactor.as_ref();
                match shape {
                    Shape::Json => out.line(&object(verdict, &text, hidden).to_string())?,
                    Shape::Text => out.line(&sentence(verdict, &text, hidden))?,
                }
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The contract's object, and behind it what else the reply tells.
fn object(v: &Verdict, text: &str, redactor: Option<&Redactor>) -> Value {
    let d = Details::read(text, v);
    let shown = |text: &str| redactor.map_or_else(|| text.to_owned(), |r| r.text(text));
    json!({
        "type": v.kind.id(),
        "name": v.kind.name(),
        "code": v.code,
        "enhanced": v.enhanced.map(|e| e.to_string()),
        "template": v.template.to_string(),
        "confidence": (f64::from(v.confidence) * 1e4).round() / 1e4,
        "blocklist": v.blocklist.as_deref(),
        "auth": v.auth.map(auth),
        "listed_ip": d.listed_ip.map(|ip| shown(&ip.to_string())),
        "mailbox": d.mailbox.map(mailbox),
        "delay_s": d.wait_seconds,
        "rate": d.rate.map(|r| json!({ "count": r.count, "seconds": r.seconds })),
        "suggested": d.suggested.map(shown),
    })
}

fn auth(auth: Auth) -> Value {
    let check = |c: Option<Check>| {
        c.map(|c| match c {
            Check::Fail => "fail",
            Check::Pass => "pass",
            Check::None => "none",
        })
    };
    let policy = auth.policy.map(|p| match p {
        Policy::Both => "both",
        Policy::Either => "either",
        Policy::Dmarc => "dmarc",
    });
    json!({ "spf": check(auth.spf), "dkim": check(auth.dkim), "dmarc": check(auth.dmarc), "policy": policy })
}

fn mailbox(why: Mailbox) -> &'static str {
    match why {
        Mailbox::Full => "full",
        Mailbox::Inactive => "inactive",
    }
}

/// `T5 blocklisted (spamhaus, 192.0.2.4), 99 %: …`
fn sentence(v: &Verdict, text: &str, redactor: Option<&Redactor>) -> String {
    let d = Details::read(text, v);
    let shown = |text: &str| redactor.map_or_else(|| text.to_owned(), |r| r.text(text));
    let told: Vec<String> = [
        v.blocklist.as_deref().map(str::to_owned),
        d.listed_ip.map(|ip| shown(&ip.to_string())),
        d.mailbox.map(|why| mailbox(why).to_owned()),
        d.rate.map(|r| format!("{} in {} s", r.count, r.seconds)),
        d.wait_seconds.map(|s| format!("wait {s} s")),
        d.suggested.map(|address| format!("try {}", printable(&shown(address)))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
    format!("{} {}{told}, {:.0} %: {}", v.kind.id(), v.kind.name(), v.confidence * 100.0, printable(&shown(text)))
}
