//! `bouncewatch report`

use clap::Args as ClapArgs;

use super::{
    Exit, exit_for,
    screen::Screen,
    settings::{Settings, window},
};
use crate::{
    error::Error,
    moment::Timestamp,
    pipeline::{self, Job},
    progress::Unseen,
    redact::Redactor,
    registrability::Network,
    report::{Format, inputs, write, write_view},
    store::{Missing, Store},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// From this day on
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    /// Up to this day
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
}

pub(super) fn run(args: &Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "report: there is no database {}; run `bouncewatch run` first, or name another --db",
            settings.db.display()
        )));
    }
    let formats = formats(settings)?;
    let mut store = Store::open(&settings.db)?;
    let [since, until] = window(args.since.as_deref(), args.until.as_deref())?;
    // Rendering asks nobody: what the store knows of registries is what is shown.
    let job = Job {
        now: settings.now,
        typo: Some(settings.typo_parameters()?),
        test: settings.test,
        strangers: settings.strangers,
        since,
        until,
        network: Network { offline: true, ..Network::default() },
        ..Job::default()
    };
    let mut findings = pipeline::analyse(&job, &settings.lore()?, &mut store, &Unseen)?;
    store.raise(&mut findings.alerts, settings.now, Missing::Nothing)?;
    store.fill_sent_to(&mut findings.alerts)?;
    let redactor = redactor(settings, &store)?;
    let folder = match view(&job) {
        Some(view) => write_view(&findings, &view, &settings.reports, &formats, redactor.as_ref())?,
        None => {
            // What the night read is known to its report only.
            findings.inputs = inputs(&settings.reports, settings.now.day());
            write(&findings, &settings.reports, &formats, redactor.as_ref())?
        }
    };
    screen.say(&format!("report: {}", folder.display()));
    Ok(exit_for(&findings.alerts, settings.fail_on))
}

/// `since-2022-06-09`, `until-2022-06-30`, both: what a report of some days is called, so that it replaces no night's.
fn view(job: &Job) -> Option<String> {
    let bound = |word: &str, at: Option<Timestamp>| {
        let at = at?.to_string().replace(':', "");
        Some(format!("{word}-{}", at.strip_suffix("T000000Z").unwrap_or(&at)))
    };
    let bounds = [bound("since", job.since), bound("until", job.until)];
    let told: Vec<String> = bounds.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("-"))
}

/// `--format html,json,csv,md`; all of them by default.
pub(super) fn formats(settings: &Settings) -> Result<Vec<Format>, Error> {
    Ok(settings.format(Format::parse_list)?.unwrap_or_else(|| Format::ALL.to_vec()))
}

/// With `--redact`: pseudonyms under the store's key.
pub(super) fn redactor(settings: &Settings, store: &Store) -> Result<Option<Redactor>, Error> {
    if settings.redact { Ok(Some(Redactor::new(store.redaction_key()?))) } else { Ok(None) }
}

/// The same for a command that works without a store: only one has a key.
pub(super) fn stored_redactor(settings: &Settings, command: &str) -> Result<Option<Redactor>, Error> {
    if !settings.redact {
        return Ok(None);
    }
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "{command} --redact: pseudonyms are made with the key of a store, and there is no database {}; name another --db",
            settings.db.display()
        )));
    }
    redactor(settings, &Store::open(&settings.db)?)
}
