//! Suspects → risks: what registries and providers' rules say of each name.
//!
//! In: names that are suspects; answers of earlier nights.
//! Out: findings of domains and usernames, each with its status and risk.
//! Never: asks where an answer is still fresh, names who is to be told.

use hashbrown::{HashMap, HashSet};

use crate::{
    error::Error,
    findings::{DomainRisk, UsernameRisk},
    moment::Timestamp,
    progress::Progress,
    registrability::{self, Network, Registrability, Tally},
    store::Store,
    suffix::Suffixes,
    typo::{self, Suspects},
};

/// Answers still fresh, and new ones for the rest, each kept as it comes. Names that were free are asked about for as
/// long as the store knows them: who takes one may make its mail go through, and then no bounce tells of it.
pub(crate) fn ask(
    suspects: &Suspects,
    suffixes: &Suffixes,
    store: &mut Store,
    network: &Network,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<(HashMap<String, Registrability>, Tally), Error> {
    let before = store.answers()?;
    let keys: HashSet<String> =
        suspects.domains.iter().map(|d| registrability::asked_about(&d.domain, suffixes)).collect();
    let vanished = |a: &&Registrability| a.open_at.is_some() && !keys.contains(&a.domain);
    let mut watched: Vec<&str> = before.values().filter(vanished).map(|a| a.domain.as_str()).collect();
    watched.sort_unstable();
    let stale = |domain: &&str| {
        let key = registrability::asked_about(domain, suffixes);
        before.get(&key).is_none_or(|a| a.fresh_until < now || a.checked_at > now)
    };
    let suspected = suspects.domains.iter().map(|d| d.domain.as_str());
    let open: Vec<String> = watched.into_iter().chain(suspected).filter(stale).map(str::to_owned).collect();
    progress.lookups(open.len() as u64);
    let mut answers = before.clone();
    let mut failed = None;
    // A squatter's own web server need not learn who noticed.
    let quiet = Network { fetch_security_txt: false, ..network.clone() };
    let tally = registrability::check(&open, &before, suffixes, &quiet, now, &mut |answer| {
        progress.looked_up();
        let asked = answer.evidence.iter().any(|e| e.answer != "offline" && e.answer != "budget");
        if asked && failed.is_none() {
            failed = store.keep_answer(&answer).err();
        }
        answers.insert(answer.domain.clone(), answer);
    })?;
    failed.map_or(Ok((answers, tally)), Err)
}

/// Names under which a stranger may receive mail.
pub(crate) fn domains(
    suspects: Vec<typo::DomainSuspect>,
    suffixes: &Suffixes,
    answers: &HashMap<String, Registrability>,
    now: Timestamp,
) -> Vec<DomainRisk> {
    let judged = suspects.into_iter().filter_map(|suspect| {
        let registrability = answers.get(&registrability::asked_about(&suspect.domain, suffixes))?.clone();
        let risk = typo::risk(&suspect, Some(registrability.standing()), now).score;
        Some(DomainRisk { suspect, registrability, risk })
    });
    // A dead name nothing explains is a finding only once a registry says it is for sale.
    judged
        .filter(|d| {
            d.suspect.kind == typo::SuspectKind::Typo
                || d.suspect.delivered_before > 0
                || d.registrability.status.is_open()
                || d.registrability.taken_over()
        })
        .collect()
}

/// Usernames that a stranger may have, by their providers' rules.
pub(crate) fn usernames(suspects: Vec<typo::UsernameSuspect>, now: Timestamp) -> Result<Vec<UsernameRisk>, Error> {
    let providers = typo::Providers::shipped()?;
    let judged = suspects.into_iter().map(|suspect| {
        let (status, why) = match suspect.kind {
            typo::SuspectKind::Typo => typo::username_status(&suspect.address, &providers),
            typo::SuspectKind::Lapsed => typo::gone_status(&suspect.address, &providers),
        };
        let risk = typo::username_risk(&suspect, status, now).score;
        UsernameRisk { suspect, status, why, risk }
    });
    Ok(judged.collect())
}
