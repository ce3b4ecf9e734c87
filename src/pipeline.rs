//! The whole job on one screen: read the functions from the top.

use std::{borrow::Cow, path::PathBuf};

use crate::{
    alert, disclose,
    enumeration::{self, Campaign},
    error::Error,
    findings::{self, Findings, InputLine},
    judge,
    learn::{self, Lore},
    ledger::{Ledger, STRANGERS},
    merge::Merge,
    moment::Timestamp,
    ndr::Miner,
    progress::Progress,
    registrability::{Network, Registrability},
    sources::{self, Reject},
    store::{Missing, Store},
    suffix::Suffixes,
    typo::{self, Suspects},
};

/// What one run is asked to do.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Files, folders, globs, `-`; none where the store's ledger is all there is.
    pub inputs: Vec<String>,
    /// How to read them.
    pub reading: sources::Options,
    /// The clock.
    pub now: Timestamp,
    /// The reply model, if not the shipped one.
    pub ndr_model: Option<PathBuf>,
    /// The file of countries, if there is one.
    pub geoip: Option<PathBuf>,
    /// Whom to ask about domains.
    pub network: Network,
    /// How people mistype; `None` as shipped.
    pub typo: Option<typo::Parameters>,
    /// Only mail from here on.
    pub since: Option<Timestamp>,
    /// Only mail up to here.
    pub until: Option<Timestamp>,
    /// Error rates of the test for guessing.
    pub test: enumeration::Test,
    /// Visits of strangers kept at most, if not [`STRANGERS`](crate::ledger::STRANGERS).
    pub strangers: Option<usize>,
}

/// A night's findings, and how many lines nobody could read.
#[derive(Debug)]
pub struct Night {
    /// What was found.
    pub findings: Findings,
    /// Lines refused.
    pub rejected: u64,
    /// Of those, how many there was no room for: they are counted only.
    pub unkept: u64,
}

/// One night's work. Each line is one stage; read the stages in this order.
pub fn nightly(job: &Job, store: &mut Store, progress: &dyn Progress) -> Result<Night, Error> {
    let lore = Lore::load(job.ndr_model.as_deref(), job.geoip.as_deref())?;
    let known = store.known()?;
    // What earlier nights taught is read while tonight's mail is.
    let before = &mut *store;
    let (past, tonight) = rayon::join(move || before.ledger(job.strangers), || tonight(job, &lore, &known, progress));
    let (past, (mut tonight, reading)) = (past?, tonight?);
    progress.done_reading(&reading.rejects)?;
    let open = learn::standing(&job.reading, job.strangers, &lore, &reading.known)?;
    // Days of mail that was stopped, and when a mail's last attempt ended, are no part of what is reported on.
    tonight.window = tonight.span();
    let mut findings = if let Some(ledger) = together(job, past, &tonight, &open) {
        // What is stored is looked at while it is.
        let (kept, seen) = rayon::join(|| store.add_night(&tonight, &reading.known), || look(job, &ledger));
        kept?;
        let mut mined = store.templates()?;
        mined.merge(open.templates);
        conclude(job, &ledger, &mined, seen?, store, progress)?
    } else {
        store.add_night(&tonight, &reading.known)?;
        tonight = Ledger::default();
        analyse(job, &lore, store, progress)?
    };
    drop(tonight);
    findings.inputs = reading.inputs;
    let undecided = alert::undecided(&findings);
    // A window hides findings; what it hides is neither over nor resolved.
    let whole = job.since.is_none() && job.until.is_none();
    let missing = if whole { Missing::Over { but: &undecided } } else { Missing::Nothing };
    store.raise(&mut findings.alerts, job.now, missing)?;
    if whole {
        let headlines = findings.headlines();
        findings.changes = findings::changes(store.night_before(job.now)?, &headlines);
        store.keep_night(job.now, &headlines)?;
        open_disclosures(&findings, store, job.now)?;
    }
    Ok(Night { findings, rejected: reading.rejected, unkept: reading.unkept })
}

/// The stored nights → findings: no input is read, nothing but look-ups is stored.
pub fn analyse(job: &Job, lore: &Lore, store: &mut Store, progress: &dyn Progress) -> Result<Findings, Error> {
    let mut ledger = store.ledger(job.strangers)?;
    if ledger.strangers.let_go > 0 {
        store.keep_only(&ledger)?;
    }
    ledger.merge(learn::standing(&job.reading, job.strangers, lore, &store.known()?)?);
    let ledger = ledger.within(job.since, job.until);
    conclude(job, &ledger, &ledger.templates, look(job, &ledger)?, store, progress)
}

/// All nights' ledger without a look into the store, where that is sure to be what the store would give.
fn together<'t>(job: &Job, mut past: Ledger, tonight: &'t Ledger, open: &Ledger) -> Option<Cow<'t, Ledger>> {
    // Which strangers are let go is decided over the whole store.
    let bounded = |ledger: &Ledger| ledger.strangers.let_go > 0;
    if job.since.is_some() || job.until.is_some() || bounded(&past) || bounded(tonight) || bounded(open) {
        return None;
    }
    if past.is_empty() && open.is_empty() {
        return Some(Cow::Borrowed(tonight));
    }
    past.absorb(tonight);
    past.absorb(open);
    (!bounded(&past)).then_some(Cow::Owned(past))
}

/// What no registry is needed for.
struct Seen {
    campaigns: Vec<Campaign>,
    dismissed: Vec<enumeration::Dismissed>,
    suspects: Suspects,
}

fn look(job: &Job, ledger: &Ledger) -> Result<Seen, Error> {
    let mistyping = job.typo.clone().map_or_else(typo::Parameters::shipped, Ok)?;
    // The searches one after the other, each on all cores: what both need at once would be most of the memory.
    let mut campaigns = enumeration::find(ledger, &job.test);
    let (dismissed, census) =
        rayon::join(|| enumeration::dismissed(ledger, &campaigns), || typo::Census::from_ledger(ledger));
    let explainer = typo::Explainer::with(&census, &typo::Popular::shipped(), mistyping);
    let suspects = {
        let guessers = enumeration::Guessers::of(&campaigns);
        typo::innocent_suspects(ledger, &explainer, &|sender, domain| guessers.guessed(sender, domain))
    };
    // Who guessed before is known for it, and none of the window's.
    campaigns.retain(|campaign| job.since.is_none_or(|since| campaign.last_seen.day() >= since.day()));
    Ok(Seen { campaigns, dismissed, suspects })
}

fn conclude(
    job: &Job,
    ledger: &Ledger,
    mined: &Miner,
    Seen { campaigns, dismissed, suspects }: Seen,
    store: &mut Store,
    progress: &dyn Progress,
) -> Result<Findings, Error> {
    let suffixes = Suffixes::shipped()?;
    let (answers, lookups) = judge::ask(&suspects, &suffixes, store, &job.network, job.now, progress)?;
    let domains = judge::domains(suspects.domains, &suffixes, &answers, job.now);
    let usernames = judge::usernames(suspects.usernames, job.now)?;
    let taken = answers.into_values().filter(Registrability::taken_over).collect();
    let mut findings = Findings::gather(ledger, mined, domains, usernames, campaigns, taken, job.now);
    findings.lookups = lookups;
    findings.dismissed = dismissed;
    findings.alerts = alert::deserved(&findings);
    Ok(findings)
}

/// Who should be told, beside what earlier nights opened.
fn open_disclosures(findings: &Findings, store: &mut Store, now: Timestamp) -> Result<(), Error> {
    let mut known = store.disclosures()?;
    let trail = disclose::reconcile(&mut known, disclose::matters(findings), now);
    store.keep_disclosures(&known, &trail)
}

/// What one reading leaves.
pub(crate) struct Reading {
    known: sources::Known,
    inputs: Vec<InputLine>,
    rejects: Vec<Reject>,
    rejected: u64,
    unkept: u64,
}

impl From<sources::Reading<()>> for Reading {
    fn from(reading: sources::Reading<()>) -> Self {
        let lines = reading.inputs.iter().map(|i| InputLine {
            path: i.path.clone(),
            format: i.format.clone(),
            records: i.records,
            rejected: i.rejected,
            already_seen: i.already_seen,
            ignored: i.ignored,
            blind_to: i.blind_to.iter().map(|&what| what.to_owned()).collect(),
        });
        Reading {
            rejected: reading.inputs.iter().map(|i| i.rejected).sum(),
            inputs: lines.collect(),
            known: sources::Known { marks: reading.marks, pending: reading.pending },
            rejects: reading.rejects,
            unkept: reading.unkept,
        }
    }
}

/// All inputs, on all cores, into one ledger.
pub(crate) fn tonight(
    job: &Job,
    lore: &Lore,
    known: &sources::Known,
    progress: &dyn Progress,
) -> Result<(Ledger, Reading), Error> {
    // Without any, the night is that of a ledger that was imported.
    let inputs = if job.inputs.is_empty() { Vec::new() } else { sources::open(&job.inputs, &job.reading)? };
    let (ledger, reading) =
        learn::read(job.strangers.unwrap_or(STRANGERS), inputs, &job.reading, lore, known, progress)?;
    Ok((ledger, Reading::from(reading)))
}
