//! `bouncewatch check`

use clap::Args as ClapArgs;
use hashbrown::HashMap;
use serde_json::{Value, json};

use super::{
    Exit,
    lines::{self, Out, Shape},
    report::stored_redactor,
    screen::Screen,
    settings::Settings,
};
use crate::{
    address::printable,
    error::Error,
    redact::Redactor,
    registrability::{self, Registrability, Tally},
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
    let questions: Vec<Result<String, String>> = lines::questions(&args.domain, settings, "domain").collect();
    let names: Vec<String> = questions.iter().filter_map(|q| q.clone().ok()).collect();
    let mut told = InOrder {
        questions: &questions,
        suffixes: &suffixes,
        wanted: HashMap::new(),
        answers: HashMap::new(),
        shape: lines::shape(settings)?,
        redactor: stored_redactor(settings, "check")?,
        out: Out::open(),
    };
    for name in &names {
        *told.wanted.entry(registrability::asked_about(name, &suffixes)).or_default() += 1;
    }
    let bar = screen.bar(told.wanted.len() as u64, false, "asking");
    let mut failed = None;
    let network = &settings.network;
    let tally = registrability::check(&names, &HashMap::new(), &suffixes, network, settings.now, &mut |answer| {
        bar.inc(1);
        told.take(answer);
        if failed.is_none() {
            failed = told.advance().err();
        }
    })?;
    bar.finish_and_clear();
    told.advance()?;
    for line in asked(&tally) {
        screen.detail(&line);
    }
    warn_of_deaf(&tally, screen);
    failed.map_or(Ok(Exit::Done), Err)
}

/// A resolver that is dead frees no name, nor does another alone.
pub(super) fn warn_of_deaf(tally: &Tally, screen: &Screen) {
    let silent = tally.silent.iter().map(|server| (server, "does not answer"));
    let failing = tally.failing.iter().map(|server| (server, "answers with errors only"));
    for (server, how) in silent.chain(failing) {
        screen.warn(&format!("name server {server} {how}: names that it would have to deny stay unknown"));
    }
}

/// How asking went, a line a server.
pub(super) fn asked(tally: &Tally) -> Vec<String> {
    let mut lines = Vec::new();
    if tally.asked > 0 {
        lines.push(format!(
            "asked about {} of {} names: {} DNS, {} RDAP, {} WHOIS questions",
            tally.asked, tally.names, tally.dns_queries, tally.rdap_queries, tally.whois_queries
        ));
    }
    lines.extend(tally.servers.iter().map(|s| {
        format!(
            "{}: asked {}, answered {}, refused {}, failed {}, left alone {}",
            printable(&s.server),
            s.asked,
            s.answered,
            s.refused,
            s.failed,
            s.left_alone
        )
    }));
    lines
}

/// Answers come in any order, and one may serve several questions; they are told in the order of the questions, each as
/// soon as those before it are: a look-up takes seconds, a list of them hours.
struct InOrder<'q> {
    questions: &'q [Result<String, String>],
    suffixes: &'q Suffixes,
    /// How many questions still wait for each name.
    wanted: HashMap<String, usize>,
    /// Those come but not yet told to every question.
    answers: HashMap<String, Registrability>,
    shape: Shape,
    redactor: Option<Redactor>,
    out: Out,
}

impl InOrder<'_> {
    fn take(&mut self, mut answer: Registrability) {
        let key = answer.domain.clone();
        if let Some(redactor) = &self.redactor {
            redactor.registrability(&mut answer);
        }
        self.answers.insert(key, answer);
    }

    fn advance(&mut self) -> Result<(), Error> {
        while let Some((question, rest)) = self.questions.split_first() {
            match question {
                Err(cause) => self.out.refuse(cause)?,
                Ok(name) => {
                    let key = registrability::asked_about(name, self.suffixes);
                    let Some(answer) = self.answers.get(&key) else {
                        break;
                    };
                    let told = self.redactor.as_ref().map(|r| r.text(name));
                    let name = told.as_deref().unwrap_or(name);
                    self.out.line(&match self.shape {
                        Shape::Json => object(name, answer).to_string(),
                        Shape::Text => sentence(name, answer),
                    })?;
                    let left = self.wanted.entry_ref(&key).or_default();
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        self.answers.remove(&key);
                    }
                }
            }
            self.questions = rest;
        }
        self.out.flush()
    }
}

fn object(name: &str, answer: &Registrability) -> Value {
    let evidence: Vec<Value> = answer
        .evidence
        .iter()
        .map(|e| json!({ "source": e.stands_for(), "answer": e.answer, "server": e.server, "at": e.at.to_string() }))
        .collect();
    json!({
        "domain": name,
        "registrable_domain": answer.domain,
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

fn sentence(name: &str, answer: &Registrability) -> String {
    let evidence: Vec<String> =
        answer.evidence.iter().map(|e| format!("{} {} ({})", e.stands_for(), e.answer, e.server)).collect();
    printable(&format!("{name}: {}: {}", answer.status.name(), evidence.join(", "))).into_owned()
}
