//! The whole job on one screen: read the functions from the top.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use hashbrown::{HashMap, HashSet};

use crate::{
    alert,
    delivery::{Delivery, Direction},
    disclose,
    enumeration::{self, Campaign},
    error::Error,
    findings::{self, DomainRisk, Findings, InputLine, UsernameRisk},
    geo::Countries,
    ledger::{Intake, Ledger, STRANGERS},
    merge::Merge,
    moment::Timestamp,
    ndr::{Cached, Classifier, Miner, Model, Verdict},
    registrability::{self, Network, Registrability, Tally},
    sources::{self, Reject},
    store::{Missing, Store},
    suffix::Suffixes,
    typo::{self, Suspects},
};

/// Contacts from which a core's own are put to those of all.
const MUCH: usize = 220_000;

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

/// By what replies and addresses are understood.
#[derive(Debug)]
pub struct Lore {
    /// What replies mean.
    pub classifier: Classifier,
    /// Where addresses are.
    pub countries: Option<Countries>,
}

/// Told while a run works.
pub trait Progress: Sync {
    /// So many bytes of input will be read.
    fn total(&self, _bytes: u64) {}
    /// So many more have been.
    fn read(&self, _bytes: u64) {}
    /// All was, and nothing is stored yet: what could get lost behind this is kept now, and an error ends the run.
    fn done_reading(&self, _rejects: &[Reject]) -> Result<(), Error> {
        Ok(())
    }
    /// So many domains will be asked about.
    fn lookups(&self, _domains: u64) {}
    /// One more has an answer.
    fn looked_up(&self) {}
}

/// Nobody is looking.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl Progress for Unseen {}

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
    let (past, tonight) = rayon::join(move || before.ledger(job.strangers), || learn(job, &lore, &known, progress));
    let (past, (mut tonight, reading)) = (past?, tonight?);
    progress.done_reading(&reading.rejects)?;
    let open = standing(&job.reading, job.strangers, &lore, &reading.known)?;
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
    ledger.merge(standing(&job.reading, job.strangers, lore, &store.known()?)?);
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
    let (answers, lookups) = ask(&suspects, &suffixes, store, job, progress)?;
    let domains = judge_domains(suspects.domains, &suffixes, &answers, job.now);
    let usernames = judge_usernames(suspects.usernames, job.now)?;
    let mut findings = Findings::gather(ledger, mined, domains, usernames, campaigns, job.now);
    findings.taken = answers.into_values().filter(Registrability::taken_over).collect();
    findings.taken.sort_by(|a, b| a.domain.cmp(&b.domain));
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

/// The reply classifier, with the operator's own model where one is named.
pub fn classifier(model: Option<&Path>) -> Result<Classifier, Error> {
    let Some(path) = model else { return Classifier::shipped() };
    let bytes = fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
    let model = Model::load(&bytes).map_err(|error| match error {
        Error::Data { cause, .. } => Error::Data { name: path.display().to_string(), cause },
        other => other,
    })?;
    Classifier::with_model(model)
}

impl Lore {
    /// As shipped, but for what is named.
    pub fn load(model: Option<&Path>, geoip: Option<&Path>) -> Result<Self, Error> {
        Ok(Lore { classifier: classifier(model)?, countries: geoip.map(Countries::open).transpose()? })
    }
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

/// Mails whose end no log has told yet, as they stand: tonight's report counts them, the store does not.
pub(crate) fn standing(
    how: &sources::Options,
    strangers: Option<usize>,
    lore: &Lore,
    known: &sources::Known,
) -> Result<Ledger, Error> {
    let known = sources::Known { marks: Vec::new(), pending: known.pending.clone() };
    let settled = sources::Options { settle: true, ..*how };
    read(strangers.unwrap_or(STRANGERS), Vec::new(), &settled, lore, &known, &Unseen).map(|(ledger, _)| ledger)
}

/// All inputs, on all cores, into one ledger.
pub(crate) fn learn(
    job: &Job,
    lore: &Lore,
    known: &sources::Known,
    progress: &dyn Progress,
) -> Result<(Ledger, Reading), Error> {
    // Without any, the night is that of a ledger that was imported.
    let inputs = if job.inputs.is_empty() { Vec::new() } else { sources::open(&job.inputs, &job.reading)? };
    let (ledger, reading) = read(job.strangers.unwrap_or(STRANGERS), inputs, &job.reading, lore, known, progress)?;
    Ok((ledger, Reading::from(reading)))
}

/// Deliveries of opened inputs, and of `known`'s unfinished mails, into one ledger.
pub(crate) fn read(
    strangers: usize,
    inputs: Vec<sources::Input>,
    how: &sources::Options,
    lore: &Lore,
    known: &sources::Known,
    progress: &dyn Progress,
) -> Result<(Ledger, sources::Reading<()>), Error> {
    progress.total(inputs.iter().map(|input| input.total_bytes).sum());
    // All workers together have the room of one ledger.
    let share = strangers / sources::workers();
    let common = Mutex::new(Ledger::bounded(strangers));
    let make = || Worker { common: Some(&common), visits: Ledger::bounded(share), ..Worker::new(lore) };
    let reading = sources::read(inputs, known, how, &make, &Worker::take, &|bytes| progress.read(bytes))?;
    let (workers, reading) = reading.part();
    let mut ledger = std::mem::take(&mut *common.lock().unwrap_or_else(PoisonError::into_inner));
    workers.into_iter().for_each(|mut worker| worker.hand_over(&mut ledger));
    Ok((ledger, reading))
}

/// One core's share of the mail.
pub(crate) struct Worker<'c> {
    /// Where our own mail goes when there is much: what all cores know is kept once.
    common: Option<&'c Mutex<Ledger>>,
    ours: Ledger,
    /// Of strangers, of whom only so many are kept: which ones must not depend on who was first at `common`.
    visits: Ledger,
    waiting: [Intake; 2],
    verdicts: Cached<'c>,
    countries: Option<&'c Countries>,
    said: Vec<Option<Verdict>>,
}

impl<'c> Worker<'c> {
    /// One that knows nothing yet.
    pub(crate) fn new(lore: &'c Lore) -> Self {
        let (verdicts, countries) = (Cached::new(&lore.classifier), lore.countries.as_ref());
        let (ours, visits, waiting) = Default::default();
        Worker { common: None, ours, visits, waiting, verdicts, countries, said: Vec::new() }
    }

    /// Learns from one delivery.
    pub(crate) fn take(&mut self, delivery: &Delivery<'_>) {
        self.said.clear();
        for attempt in delivery.attempts {
            if attempt.accepted {
                self.said.push(None);
                continue;
            }
            let verdict = self.verdicts.classify(attempt.reply).clone();
            self.visits.add_template(&verdict, attempt.reply, delivery.start, || self.verdicts.masked().text().into());
            self.said.push(Some(verdict));
        }
        if let Some(countries) = self.countries {
            self.visits.add_countries(delivery, &self.said, |ip| countries.of(ip));
        }
        let [ours, visits] = &mut self.waiting;
        if delivery.direction == Direction::In {
            visits.add(&mut self.visits, delivery, &self.said);
        } else {
            ours.add(&mut self.ours, delivery, &self.said);
        }
        if let Some(common) = self.common
            && self.ours.contacts.len() >= MUCH
        {
            let ours = std::mem::take(&mut self.ours);
            common.lock().unwrap_or_else(PoisonError::into_inner).merge(ours);
        }
    }

    /// Puts all it learned to `ledger`; it goes on with nothing.
    pub(crate) fn hand_over(&mut self, ledger: &mut Ledger) {
        let [ours, visits] = &mut self.waiting;
        ours.settle(&mut self.ours);
        visits.settle(&mut self.visits);
        ledger.merge(std::mem::take(&mut self.ours));
        ledger.merge(std::mem::take(&mut self.visits));
    }
}

/// Answers still fresh, and new ones for the rest, each kept as it comes. Names that were free are asked about for as
/// long as the store knows them: who takes one may make its mail go through, and then no bounce tells of it.
fn ask(
    suspects: &Suspects,
    suffixes: &Suffixes,
    store: &mut Store,
    job: &Job,
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
        before.get(&key).is_none_or(|a| a.fresh_until < job.now || a.checked_at > job.now)
    };
    let suspected = suspects.domains.iter().map(|d| d.domain.as_str());
    let open: Vec<String> = watched.into_iter().chain(suspected).filter(stale).map(str::to_owned).collect();
    progress.lookups(open.len() as u64);
    let mut answers = before.clone();
    let mut failed = None;
    // A squatter's own web server need not learn who noticed.
    let network = Network { fetch_security_txt: false, ..job.network.clone() };
    let tally = registrability::check(&open, &before, suffixes, &network, job.now, &mut |answer| {
        progress.looked_up();
        let asked = answer.evidence.iter().any(|e| e.answer != "offline" && e.answer != "budget");
        if asked && failed.is_none() {
            failed = store.keep_answer(&answer).err();
        }
        answers.insert(answer.domain.clone(), answer);
    })?;
    failed.map_or(Ok((answers, tally)), Err)
}

fn judge_domains(
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

fn judge_usernames(suspects: Vec<typo::UsernameSuspect>, now: Timestamp) -> Result<Vec<UsernameRisk>, Error> {
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
