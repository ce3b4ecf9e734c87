//! Defaults < file < environment < flags → what each stage is given.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::options::{Color, Common};
use crate::{enumeration::Test, error::Error, findings::Severity, moment::Timestamp, registrability::Network};

/// Domains asked about in one run unless told otherwise: at one a second and registry, within the hour.
const MAX_LOOKUPS: usize = 2_000;
const CONCURRENCY: usize = 8;

/// Every option, decided.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub db: PathBuf,
    pub reports: PathBuf,
    pub now: Timestamp,
    /// Whether the user set the clock.
    pub fixed_now: bool,
    pub format: Option<String>,
    pub quiet: bool,
    pub verbose: bool,
    pub color: Color,
    pub redact: bool,
    pub fail_on: Option<Severity>,
    pub network: Network,
    pub test: Test,
    pub run: RunKeys,
}

/// The configuration file: the options' own names as keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    db: Option<PathBuf>,
    reports: Option<PathBuf>,
    now: Option<String>,
    offline: bool,
    format: Option<String>,
    quiet: bool,
    verbose: bool,
    color: Option<Color>,
    redact: bool,
    nameserver: Vec<SocketAddr>,
    rdap_bootstrap: Option<PathBuf>,
    whois_servers: Option<PathBuf>,
    max_lookups: Option<usize>,
    lookup_concurrency: Option<usize>,
    alpha: Option<f64>,
    beta: Option<f64>,
    fail_on: Option<String>,
    run: RunKeys,
}

/// `[run]`: keys for the options of `bouncewatch run`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RunKeys {
    pub input: Vec<String>,
    pub input_format: Option<String>,
    pub timezone: Option<String>,
    pub year: Option<i32>,
    pub since: Option<String>,
    pub until: Option<String>,
}

impl Settings {
    /// Reads the configuration file, if one is named, and puts flags and environment over it.
    pub(super) fn resolve(flags: Common) -> Result<Self, Error> {
        let file = match &flags.config {
            None => File::default(),
            Some(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|e| Error::Usage(format!("configuration {}: {e}", path.display())))?;
                toml::from_str(&text).map_err(|e| {
                    Error::Usage(format!("configuration {}: {}", path.display(), one_line(&e.to_string())))
                })?
            }
        };
        let set = flags.now.or(file.now);
        let fixed_now = set.is_some();
        let now = match set {
            Some(text) => moment("--now", &text)?,
            None => Timestamp(jiff::Timestamp::now().as_second()),
        };
        let fail_on = flags.fail_on.or(file.fail_on).map(|text| {
            Severity::parse(&text)
                .ok_or_else(|| Error::Usage(format!("--fail-on {text}: is none of low, medium, high")))
        });
        let concurrency = flags.lookup_concurrency.or(file.lookup_concurrency).unwrap_or(CONCURRENCY);
        if !(1..=256).contains(&concurrency) {
            return Err(Error::Usage(format!("--lookup-concurrency {concurrency}: is not between 1 and 256")));
        }
        let network = Network {
            offline: flags.offline || file.offline,
            nameservers: if flags.nameserver.is_empty() { file.nameserver } else { flags.nameserver },
            rdap_bootstrap: flags.rdap_bootstrap.or(file.rdap_bootstrap),
            whois_servers: flags.whois_servers.or(file.whois_servers),
            max_lookups: Some(flags.max_lookups.or(file.max_lookups).unwrap_or(MAX_LOOKUPS)),
            concurrency,
        };
        let usual = Test::default();
        let test = Test {
            alpha: rate("--alpha", flags.alpha.or(file.alpha).unwrap_or(usual.alpha))?,
            beta: rate("--beta", flags.beta.or(file.beta).unwrap_or(usual.beta))?,
        };
        Ok(Settings {
            db: flags.db.or(file.db).unwrap_or_else(|| "bouncewatch.db".into()),
            reports: flags.reports.or(file.reports).unwrap_or_else(|| "reports".into()),
            now,
            fixed_now,
            format: flags.format.or(file.format),
            quiet: flags.quiet || file.quiet,
            verbose: flags.verbose || file.verbose,
            color: flags.color.or(file.color).unwrap_or_default(),
            redact: flags.redact || file.redact,
            fail_on: fail_on.transpose()?,
            network,
            test,
            run: file.run,
        })
    }
}

/// An option that is a moment: RFC 3339, or a day.
pub(super) fn moment(option: &str, text: &str) -> Result<Timestamp, Error> {
    let day = || crate::moment::Day::parse(text).map(crate::moment::Day::start);
    Timestamp::parse(text)
        .or_else(day)
        .ok_or_else(|| Error::Usage(format!("{option} {text}: is no RFC 3339 moment such as 2022-07-04T02:00:00Z")))
}

fn rate(option: &str, share: f64) -> Result<f64, Error> {
    if share > 0.0 && share < 0.5 {
        return Ok(share);
    }
    Err(Error::Usage(format!("{option} {share}: is no share above 0 and below 0.5")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
