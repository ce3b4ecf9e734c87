//! `bouncewatch run`

use std::{path::Path, time::Duration};

use clap::Args as ClapArgs;
use indicatif::ProgressBar;

use super::{
    Exit, exit_for,
    language::Language,
    report,
    screen::{self, Screen},
    settings::{Settings, window},
};
use crate::{
    address::printable,
    alert::{self, Delivery, Failure, Post},
    error::Error,
    findings::Findings,
    pipeline::{self, Job, Night},
    plural::many,
    progress::Progress,
    registrability::ServerTally,
    report::{prepare, quarantine, write},
    sources::{self, FormatKind, Reject},
    store::Store,
    zone::Zone,
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Files, folders, globs, or - for standard input; plain, .gz, .zst, .bz2, .xz; none for an imported ledger
    #[arg(value_name = "INPUT")]
    input: Vec<String>,
    /// Format of all inputs instead of detecting each: coremail, postfix, exim, sendmail, journald, kumomta, powermta, exchange, ses, sendgrid, mailgun, postmark, sparkpost, webhooks, dsn
    #[arg(long, value_name = "FORMAT", env = "BOUNCEWATCH_INPUT_FORMAT")]
    input_format: Option<String>,
    /// Zone of times written without one, as +08:00 or Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", env = "BOUNCEWATCH_TIMEZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// Year of the newest line where times carry none [default: by the clock]
    #[arg(long, value_name = "YEAR", env = "BOUNCEWATCH_YEAR")]
    year: Option<i32>,
    /// Report mail from this day on [default: all the store holds]
    #[arg(long, value_name = "DAY", env = "BOUNCEWATCH_SINCE")]
    since: Option<String>,
    /// Report mail up to this day
    #[arg(long, value_name = "DAY", env = "BOUNCEWATCH_UNTIL")]
    until: Option<String>,
    #[command(flatten)]
    language: Language,
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let language = args.language.clone();
    language.available(settings)?;
    let job = job(args, settings)?;
    let formats = report::formats(settings)?;
    if job.inputs.is_empty() && !(settings.db.exists() && Store::open(&settings.db)?.has_imports()?) {
        return Err(Error::Usage(
            "run: name an INPUT (a file, a folder, a glob, or - for standard input); only a store with an imported ledger needs none".into(),
        ));
    }
    let mut store = Store::open_alone(&settings.db, "run")?;
    let redactor = report::redactor(settings, &store)?;
    let watcher = Bars {
        screen,
        reading: screen.bar(0, true, "reading"),
        asking: screen.bar(0, false, "asking"),
        keep: &|rejects| prepare(&settings.reports, settings.now.day(), rejects, redactor.as_ref()),
    };
    let mut night = pipeline::nightly(&job, &mut store, &watcher)?;
    watcher.reading.finish_and_clear();
    watcher.asking.finish_and_clear();
    language.propose(&mut store, settings, screen)?;
    let report = |findings: &Findings| {
        write(findings, &settings.reports, &formats, redactor.as_ref()).map_err(Error::after_storing)
    };
    let folder = report(&night.findings)?;
    let post = Post { now: settings.now, offline: settings.network.offline, redact: redactor.as_ref(), once: ONE_TRY };
    let delivery = alert::deliver(&mut night.findings, &settings.sinks, &mut store, &post)?;
    if night.findings.alerts.iter().any(|alert| !alert.sent_to.is_empty()) {
        // The report was there before anybody was told of it; now it also says who was.
        report(&night.findings)?;
    }
    tell(&night, &folder, screen);
    tell_delivery(&delivery, screen);
    if delivery.failures.is_empty() {
        Ok(exit_for(&night.findings.alerts, settings.fail_on))
    } else {
        Ok(Exit::Undelivered)
    }
}

/// How long a sink may take to take one alert: chat services do within a second or two.
const ONE_TRY: Duration = Duration::from_secs(10);

/// Failures are told also with `--quiet`: nobody else will.
fn tell_delivery(delivery: &Delivery, screen: &Screen) {
    for Failure { sink, waiting, why } in &delivery.failures {
        screen::complain(&format!("alerts to {sink}: {why}; {waiting} wait for the next run"));
    }
    if delivery.held > 0 {
        let verb = if delivery.held == 1 { "waits" } else { "wait" };
        screen.say(&format!("{} {verb} for a run without --offline", many(delivery.held, "alert")));
    }
    screen.detail(&format!("{} told", many(delivery.sent, "alert")));
}

fn job(args: Args, settings: &Settings) -> Result<Job, Error> {
    let keys = settings.run.clone();
    let inputs = if args.input.is_empty() { keys.input } else { args.input };
    let format = args.input_format.or(keys.input_format).map(|name| input_format(&name));
    let zone = args.timezone.or(keys.timezone).map(|text| zone(&text)).transpose()?;
    let (since, until) = (args.since.or(keys.since), args.until.or(keys.until));
    let [since, until] = window(since.as_deref(), until.as_deref())?;
    Ok(Job {
        inputs,
        reading: sources::Options {
            format: format.transpose()?,
            now: settings.now,
            zone: zone.unwrap_or_default(),
            year: args.year.or(keys.year),
            settle: false,
        },
        now: settings.now,
        ndr_model: settings.ndr_model.clone(),
        geoip: settings.geoip.clone(),
        network: settings.network.clone(),
        typo: Some(settings.typo_parameters()?),
        since,
        until,
        test: settings.test,
        strangers: settings.strangers,
    })
}

/// `--input-format`
pub(super) fn input_format(name: &str) -> Result<FormatKind, Error> {
    FormatKind::parse(name)
        .ok_or_else(|| Error::Usage(format!("--input-format {name}: is none of {}", FormatKind::names())))
}

/// `+08:00`, `Europe/Berlin`
pub(super) fn zone(text: &str) -> Result<Zone, Error> {
    Zone::parse(text)
        .ok_or_else(|| Error::Usage(format!("--timezone {text}: is no offset such as +08:00, and no zone known here")))
}

fn tell(night: &Night, folder: &Path, screen: &Screen) {
    let Findings { inputs, alerts, campaigns, domains, .. } = &night.findings;
    for input in inputs {
        screen.detail(&format!(
            "{}: {} as {}, {} already seen, {} refused, {} passed over",
            printable(&input.path),
            many(input.records, "mail"),
            input.format,
            input.already_seen,
            many(input.rejected, "line"),
            input.ignored
        ));
    }
    for line in super::check::asked(&night.findings.lookups) {
        screen.detail(&line);
    }
    super::check::warn_of_deaf(&night.findings.lookups, screen);
    // A registry that would not talk is why names are unknown tonight.
    let deaf = |s: &&ServerTally| 2 * s.answered < s.asked + s.left_alone;
    for s in night.findings.lookups.servers.iter().filter(deaf) {
        let left = s.asked + s.left_alone - s.answered;
        let server = printable(&s.server);
        screen.warn(&format!(
            "{server} answered {} of {} questions; {left} wait for another night",
            s.answered,
            s.asked + s.left_alone
        ));
    }
    if night.rejected > 0 {
        let kept = match night.unkept {
            0 => String::new(),
            unkept => format!(", which has no room for {unkept} of them"),
        };
        let place = quarantine(folder);
        screen.warn(&format!("{} lines could not be read; see {}{kept}", night.rejected, place.display()));
    }
    let [non, soft, hard] = night.findings.degrees();
    let registrable =
        domains.iter().filter(|d| d.registrability.status == crate::registrability::Status::Registrable).count();
    screen.say(&format!(
        "{}: {non} delivered at once, {soft} soft-bounced, {hard} hard-bounced; {}, {}, {}; report: {}",
        many(non + soft + hard, "mail"),
        many(registrable as u64, "registrable domain"),
        many(campaigns.len() as u64, "campaign"),
        many(alerts.iter().filter(|alert| !alert.over).count() as u64, "alert"),
        folder.join("report.html").display(),
    ));
}

/// Two progress bars, one after the other.
struct Bars<'s> {
    screen: &'s Screen,
    reading: ProgressBar,
    asking: ProgressBar,
    keep: &'s (dyn Fn(&[Reject]) -> Result<(), Error> + Sync),
}

impl Progress for Bars<'_> {
    fn total(&self, bytes: u64) {
        self.reading.set_length(bytes);
    }

    fn read(&self, bytes: u64) {
        self.reading.inc(bytes);
    }

    fn done_reading(&self, rejects: &[Reject]) -> Result<(), Error> {
        (self.keep)(rejects)
    }

    fn lookups(&self, domains: u64) {
        self.reading.finish_and_clear();
        self.asking.set_length(domains);
        self.screen.detail(&format!("{domains} domains to ask about"));
    }

    fn looked_up(&self) {
        self.asking.inc(1);
    }
}
