//! A log followed: alerts while guessing is still going on.
//!
//! The record of what was told is `alerts.jsonl` itself: a line is told once it stands there whole. A run killed at any
//! moment reads it again, so that nothing is told twice; what was stored but not told is told at the next start.
//!
//! The store is held alone for a batch at a time, so that the nightly run and a person's commands get their turn; what they
//! read of the same log, the watch then takes from the store as if it had just been started. Standard input cannot be
//! read again by anybody, so that its watch keeps the store to itself.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::{
    alert,
    enumeration::{self, Campaign, Test},
    error::Error,
    findings::{AlertKind, Findings, Severity},
    learn::{Lore, Worker},
    ledger::Ledger,
    merge::Merge,
    moment::{Day, Timestamp},
    report,
    sources::{Follower, Options},
    store::Store,
};

/// Origins, hits and targets named in a line; the report has all.
const NAMED: usize = 50;
/// A campaign is over when its log tells of no guess for six hours, or eight times its usual pause.
const QUIET: i64 = 6 * 3600;
/// A search is followed by four times its own length without one: the larger the ledger, the rarer.
const SHARE: u32 = 4;
/// Between two looks at a log that says nothing new.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two batches: four tries of whoever waits for the store.
const BREATH: Duration = Duration::from_millis(20);

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    /// A log, or `-`.
    pub input: String,
    /// How to read it.
    pub reading: Options,
    /// Error rates of the test.
    pub test: Test,
    /// Visits of strangers kept at most, if not [`STRANGERS`](crate::ledger::STRANGERS).
    pub strangers: Option<usize>,
    /// The file of countries, if there is one.
    pub geoip: Option<PathBuf>,
    /// The folder of `alerts.jsonl`, and of the days' folders with the lines nobody could read.
    pub reports: PathBuf,
    /// End after so long without a new line; `None`: never.
    pub until_idle: Option<Duration>,
}

/// What a campaign's line says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It was found.
    Started,
    /// It has doubled, or hit, or become more severe.
    Grew,
    /// It has gone quiet.
    Ended,
}

/// One line of `alerts.jsonl`: an alert, and what became of its campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The same for all lines of one campaign.
    pub id: String,
    /// `low`, `medium`, `high`
    pub severity: String,
    /// `guessing_burst`
    pub kind: String,
    /// For people.
    pub subject: String,
    /// When the campaign was first told of.
    pub raised_at: String,
    /// Channels it went to.
    pub sent_to: Vec<String>,
    /// Since the last line.
    pub event: Event,
    /// When this line was written.
    pub at: String,
    /// Senders and clients, some of them.
    pub origins: Vec<String>,
    /// Domains guessed at, some of them.
    pub target_domains: Vec<String>,
    /// First guess.
    pub first_seen: String,
    /// Last guess so far.
    pub last_seen: String,
    /// Guesses so far.
    pub guesses: u64,
    /// Addresses confirmed so far, some of them.
    pub confirmed: Vec<String>,
}

/// What a watch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Lines read.
    pub lines: u64,
    /// Mails read.
    pub records: u64,
    /// Lines refused.
    pub rejected: u64,
    /// Of those, how many there was no room for: they are counted only.
    pub unkept: u64,
    /// The first and the last day in whose folder some were kept.
    pub quarantined: Option<(Day, Day)>,
    /// Lines written.
    pub told: u64,
}

/// Follows the log until `stop` says so or it is idle for too long. Every line told also goes to `say`.
pub fn watch(
    watch: &Watch,
    store: &mut Store,
    clock: &dyn Fn() -> Timestamp,
    stop: &dyn Fn() -> bool,
    say: &mut dyn FnMut(&Line) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let lore = Lore::load(None, watch.geoip.as_deref())?;
    let mut told = Told::open(&watch.reports)?;
    let options = || Options { now: clock(), ..watch.reading };
    let mut follower = Follower::new(&watch.input, store.known()?, options())?;
    let shared = watch.input != "-";
    let mut worker = Worker::new(&lore);
    let mut ledger = store.ledger(watch.strangers)?;
    let mut summary = Summary::default();
    let (mut idle, mut searched, mut cost, mut news) = (Instant::now(), Instant::now(), Duration::ZERO, true);
    loop {
        if shared && store.step_back(stop)? {
            follower = follower.again(&watch.input, store.known()?, options())?;
            ledger = store.ledger(watch.strangers)?;
            news = true;
        }
        let ending = stop();
        let batch = if ending { Default::default() } else { follower.poll(clock(), &mut |d| worker.take(d))? };
        summary.lines += batch.lines;
        summary.records += batch.records;
        summary.rejected += batch.rejected;
        summary.unkept += batch.unkept;
        if !batch.rejects.is_empty() {
            // Before the batch is stored, since no later look at the log finds them. Who may watch may read them: there
            // is no --redact here.
            let day = clock().day();
            report::keep(&watch.reports, day, &batch.rejects, None)?;
            summary.quarantined = Some((summary.quarantined.map_or(day, |(first, _)| first), day));
        }
        if batch.bytes > 0 || batch.records > 0 {
            let mut fresh = Ledger::default();
            worker.hand_over(&mut fresh);
            // Only an unknown user makes a guesser; who is told of may hit, or fall silent, in any mail.
            news |= told.is_open() || fresh.contacts.values().any(|contact| contact.unknown > 0);
            // Guesses are told only once they are kept: a crash in between tells them at the next start.
            store.add_night(&fresh, &follower.known()?)?;
            ledger.merge(fresh);
            idle = Instant::now();
        }
        if shared {
            store.step_aside()?;
        }
        let over = ending || batch.ended || watch.until_idle.is_some_and(|most| idle.elapsed() >= most);
        if news && (over || searched.elapsed() >= cost * SHARE) {
            let begun = Instant::now();
            let found = enumeration::find(&ledger, &watch.test);
            for line in told.news(&found, &ledger, clock()) {
                told.write(&line)?;
                say(&line)?;
                summary.told += 1;
            }
            (searched, cost, news) = (Instant::now(), begun.elapsed(), false);
        }
        if over {
            // Who is told to stop did not fail.
            return if ending { Ok(summary) } else { follower.was_a_log().map(|()| summary) };
        }
        if batch.bytes == 0 {
            std::thread::sleep(PAUSE);
        } else if shared {
            std::thread::sleep(BREATH);
        }
    }
}

/// What `alerts.jsonl` says.
struct Told {
    path: PathBuf,
    file: File,
    /// The last line of each campaign, by id.
    last: BTreeMap<String, Line>,
}

impl Told {
    fn open(reports: &Path) -> Result<Self, Error> {
        let path = reports.join("alerts.jsonl");
        let failed = |cause| Error::Write { path: path.clone(), cause };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(reports).map_err(failed)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(Error::Read { path, cause }),
        };
        // A last line without its end was cut off by a crash: it was not told.
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(Error::Usage(format!("watch: another watch writes {path}; name another --reports")));
            }
        }
        file.set_len(whole as u64).map_err(failed)?;
        let lines = text[..whole].lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let last = lines.map(|line| (line.id.clone(), line)).collect();
        Ok(Told { path, file, last })
    }

    /// Whether a campaign is told of that has not ended.
    fn is_open(&self) -> bool {
        self.last.values().any(|line| line.event != Event::Ended)
    }

    fn write(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_string(line)
            .map_err(|e| Error::Data { name: "alerts.jsonl".to_owned(), cause: e.to_string() })?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|cause| Error::Write { path: self.path.clone(), cause })?;
        self.last.insert(line.id.clone(), line.clone());
        Ok(())
    }

    /// What is to be told of the campaigns found, in the order of their ids.
    fn news(&self, found: &[Campaign], ledger: &Ledger, now: Timestamp) -> Vec<Line> {
        let end = ledger.window.bounds().map_or(now, |(_, last)| last);
        let mut lines: BTreeMap<String, Line> = BTreeMap::new();
        let mut alive: HashSet<String> = HashSet::new();
        for campaign in found {
            let before: Vec<&Line> = self.last.values().filter(|line| is_same(line, campaign)).collect();
            alive.extend(before.iter().map(|line| line.id.clone()));
            // Campaigns told as two that turn out to be one go on under the first one's name.
            let before = before.into_iter().min_by_key(|line| (&line.raised_at, &line.id));
            let mut line = tell(campaign, now);
            let event = match before {
                None => Some(Event::Started),
                Some(last) => {
                    line.id.clone_from(&last.id);
                    line.raised_at.clone_from(&last.raised_at);
                    let quiet = campaign.last_seen.0 + quiet(campaign) < end.0;
                    let graver = Severity::parse(&line.severity) > Severity::parse(&last.severity);
                    let hit = last.confirmed.is_empty() && !campaign.confirmed.is_empty();
                    let again = last.event == Event::Ended && line.last_seen > last.last_seen;
                    if campaign.guesses >= last.guesses * 2 || graver || hit || (again && !quiet) {
                        Some(Event::Grew)
                    } else if quiet && last.event != Event::Ended {
                        Some(Event::Ended)
                    } else {
                        None
                    }
                }
            };
            if let Some(event) = event {
                line.event = event;
                lines.entry(line.id.clone()).or_insert(line);
            }
        }
        lines.into_values().collect()
    }
}

/// Whether the campaign is the one the line was about: some origin, some target, and no long time between.
fn is_same(line: &Line, campaign: &Campaign) -> bool {
    let origins = || campaign.senders.iter().chain(&campaign.ips);
    let met = Timestamp::parse(&line.last_seen).is_none_or(|last| campaign.first_seen <= last)
        && Timestamp::parse(&line.first_seen).is_none_or(|first| campaign.last_seen >= first);
    met && line.origins.iter().any(|known| origins().any(|o| o == known))
        && line.target_domains.iter().any(|known| campaign.target_domains.contains(known))
}

fn quiet(campaign: &Campaign) -> i64 {
    let span = campaign.last_seen.0 - campaign.first_seen.0;
    QUIET.max(8 * span / i64::try_from(campaign.guesses.max(1)).unwrap_or(i64::MAX))
}

fn tell(campaign: &Campaign, now: Timestamp) -> Line {
    let findings = Findings { generated_at: now, campaigns: vec![campaign.clone()], ..Findings::default() };
    // One campaign deserves one alert.
    let alert = alert::deserved(&findings).pop();
    let severity = alert.as_ref().map_or(Severity::Low, |a| a.severity);
    let some = |texts: &[String]| texts.iter().take(NAMED).cloned().collect::<Vec<_>>();
    Line {
        id: alert::id(AlertKind::GuessingBurst, &campaign.id),
        severity: severity.name().to_owned(),
        kind: AlertKind::GuessingBurst.name().to_owned(),
        subject: alert.map_or_else(String::new, |a| a.subject),
        raised_at: now.to_string(),
        sent_to: Vec::new(),
        event: Event::Started,
        at: now.to_string(),
        origins: some(&campaign.senders).into_iter().chain(some(&campaign.ips)).collect(),
        target_domains: some(&campaign.target_domains),
        first_seen: campaign.first_seen.to_string(),
        last_seen: campaign.last_seen.to_string(),
        guesses: campaign.guesses,
        confirmed: some(&campaign.confirmed),
    }
}
