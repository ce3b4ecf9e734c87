//! `bouncewatch watch`

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Args as ClapArgs;
use signal_hook::{consts::TERM_SIGNALS, flag};

use super::{
    Exit,
    lines::{self, Out, Shape},
    report,
    screen::Screen,
    settings::Settings,
};
use crate::{
    error::Error,
    moment::Timestamp,
    plural::many,
    report::quarantine,
    sources,
    store::Store,
    watch::{self, Event, Line, Watch},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The log that grows, or - for standard input, which is not known again: mail that is piped in again counts again
    #[arg(value_name = "INPUT")]
    input: String,
    /// Its format instead of detecting it: a name that `run --input-format` takes
    #[arg(long, value_name = "FORMAT", env = "BOUNCEWATCH_INPUT_FORMAT")]
    input_format: Option<String>,
    /// Zone of times written without one, as +08:00 or Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", env = "BOUNCEWATCH_TIMEZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// End after so many seconds without a new line [default: never]
    #[arg(long, value_name = "SECONDS")]
    until_idle: Option<f64>,
    /// Read what is there, tell, and end
    #[arg(long, conflicts_with = "until_idle")]
    once: bool,
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let format = args.input_format.or_else(|| settings.run.input_format.clone());
    let zone =
        args.timezone.or_else(|| settings.run.timezone.clone()).map(|text| super::run::zone(&text)).transpose()?;
    let until_idle = match args.until_idle {
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::Usage(format!("--until-idle {seconds}: is no number of seconds")))?,
        ),
        // A look that brings nothing new, twice the pause between looks.
        None => args.once.then_some(Duration::from_millis(500)),
    };
    let job = Watch {
        input: args.input,
        reading: sources::Options {
            format: format.as_deref().map(super::run::input_format).transpose()?,
            now: settings.now,
            zone: zone.unwrap_or_default(),
            ..sources::Options::default()
        },
        test: settings.test,
        strangers: settings.strangers,
        geoip: settings.geoip.clone(),
        reports: settings.reports.clone(),
        until_idle,
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        // A second signal ends the program at once, should the first find it stuck.
        flag::register_conditional_shutdown(*signal, 130, Arc::clone(&stop))
            .and_then(|_| flag::register(*signal, Arc::clone(&stop)))
            .map_err(|e| Error::Usage(format!("signals cannot be caught: {e}")))?;
    }
    let mut store = Store::open_alone(&settings.db, "watch")?;
    let redactor = report::redactor(settings, &store)?;
    if redactor.is_some() {
        return Err(Error::Usage("watch: --redact is not known here: alerts.jsonl must name who to stop".to_owned()));
    }
    let fixed = settings.fixed_now;
    let clock = move || if fixed { settings.now } else { Timestamp(jiff::Timestamp::now().as_second()) };
    let mut out = Out::open();
    let shape = lines::shape(settings)?;
    let mut worst = None;
    let mut say = |line: &Line| {
        worst = worst.max(crate::findings::Severity::parse(&line.severity));
        let word = match line.event {
            Event::Started => "started",
            Event::Grew => "grew",
            Event::Ended => "ended",
        };
        let text = match shape {
            Shape::Json => serde_json::to_string(line).unwrap_or_default(),
            Shape::Text => format!("{} {word} {} {}", line.severity, line.id, line.subject),
        };
        out.line(&text)?;
        out.flush()
    };
    let told = watch::watch(&job, &mut store, &clock, &|| stop.load(Ordering::Relaxed), &mut say)?;
    if let Some((first, last)) = told.quarantined {
        let place = quarantine(&settings.reports.join(last.to_string()));
        let earlier = if first < last { format!(" and those of the days since {first}") } else { String::new() };
        let kept = if told.unkept > 0 { format!("; {} of them had no room there", told.unkept) } else { String::new() };
        let lines = many(told.rejected, "line");
        screen.warn(&format!("{lines} could not be read; see {}{earlier}{kept}", place.display()));
    }
    screen.say(&format!(
        "{} lines, {} mails, {} lines refused; {} alert lines in {}",
        told.lines,
        told.records,
        told.rejected,
        told.told,
        settings.reports.join("alerts.jsonl").display()
    ));
    Ok(match (settings.fail_on, worst) {
        (Some(floor), Some(worst)) if worst >= floor => Exit::Findings,
        _ => Exit::Done,
    })
}
