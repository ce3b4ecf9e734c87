//! Defaults < file < environment < flags → what each stage is given.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::options::{Color, Common, LOOK_UP_CONTACTS};
use crate::{
    alert::{Sink, Usual, Wish},
    enumeration::Test,
    error::Error,
    findings::Severity,
    learn::Lore,
    moment::Timestamp,
    registrability::Network,
    typo::Parameters,
};

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
    /// Of the file, which is for all commands: it holds where it fits.
    pub usual_format: Option<String>,
    pub quiet: bool,
    pub verbose: bool,
    pub color: Color,
    pub redact: bool,
    pub ndr_model: Option<PathBuf>,
    pub geoip: Option<PathBuf>,
    pub fail_on: Option<Severity>,
    pub network: Network,
    pub sinks: Vec<Sink>,
    pub typo_model: Option<PathBuf>,
    pub test: Test,
    pub strangers: Option<usize>,
    pub run: RunKeys,
    pub disclose: DiscloseKeys,
    pub export: ExportKeys,
}

/// The configuration file: the options' own names as keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    db: Option<PathBuf>,
    reports: Option<PathBuf>,
    now: Option<String>,
    offline: bool,
    format: Option<String>,
    quiet: bool,
    verbose: bool,
    color: Option<Color>,
    redact: bool,
    ndr_model: Option<PathBuf>,
    geoip: Option<PathBuf>,
    nameserver: Vec<SocketAddr>,
    rdap_bootstrap: Option<PathBuf>,
    whois_servers: Option<PathBuf>,
    registry_limits: Option<PathBuf>,
    fetch_security_txt: bool,
    ca_file: Option<PathBuf>,
    max_lookups: Option<usize>,
    lookup_concurrency: Option<usize>,
    typo_model: Option<PathBuf>,
    alpha: Option<f64>,
    strangers: Option<usize>,
    beta: Option<f64>,
    fail_on: Option<String>,
    alert_sink: Vec<SinkKeys>,
    alert_template: Option<PathBuf>,
    run: RunKeys,
    disclose: DiscloseKeys,
    export: ExportKeys,
}

/// `[disclose]`: keys for the options of `bouncewatch disclose`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct DiscloseKeys {
    pub from: Option<String>,
    pub via: Option<String>,
    pub drafts: Option<PathBuf>,
    pub language: Option<String>,
    pub letters: Option<PathBuf>,
    pub look_up_contacts: bool,
}

/// `[export]`: keys for the options of `bouncewatch export`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct ExportKeys {
    pub confidence: Option<f64>,
    pub expire: Option<i64>,
    pub never: Vec<String>,
    pub organization: Option<String>,
    pub contact: Option<String>,
}

/// One of `alert-sink`: a URL, or a table `[[alert-sink]]`.
#[derive(Debug, Clone)]
enum SinkKeys {
    Url(String),
    Table(SinkTable),
}

impl<'de> Deserialize<'de> for SinkKeys {
    /// By hand, since a mistake in an untagged enum is told in no words.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = SinkKeys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a URL, or a table with its url")
            }

            fn visit_str<E>(self, url: &str) -> Result<SinkKeys, E> {
                Ok(SinkKeys::Url(url.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SinkKeys, A::Error> {
                SinkTable::deserialize(MapAccessDeserializer::new(map)).map(SinkKeys::Table)
            }
        }
        from.deserialize_any(Either)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SinkTable {
    url: String,
    name: Option<String>,
    severity: Option<String>,
    cooldown: Option<String>,
    heartbeat: Option<bool>,
    template: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl From<SinkKeys> for Wish {
    fn from(keys: SinkKeys) -> Self {
        match keys {
            SinkKeys::Url(url) => Wish { url, ..Wish::default() },
            SinkKeys::Table(SinkTable { url, name, severity, cooldown, heartbeat, template, ca_file }) => {
                Wish { url, name, severity, cooldown, heartbeat, template, ca_file }
            }
        }
    }
}

/// `[run]`: keys for the options of `bouncewatch run`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RunKeys {
    pub input: Vec<String>,
    pub input_format: Option<String>,
    pub timezone: Option<String>,
    pub year: Option<i32>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub lm_model: Option<PathBuf>,
}

impl Settings {
    /// Reads the configuration file, if one is named, and puts flags and environment over it.
    pub(super) fn resolve(flags: Common) -> Result<Self, Error> {
        let file = match &flags.config {
            None => File::default(),
            Some(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|e| Error::Usage(format!("configuration {}: {e}", path.display())))?;
                toml::from_str(&text).map_err(|e| Error::Usage(misread(path, &text, &e)))?
            }
        };
        Self::decide(flags, file)
    }

    /// Flags and environment over a file.
    pub(super) fn decide(flags: Common, file: File) -> Result<Self, Error> {
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
        let told = flags.told;
        let mut disclose = file.disclose;
        disclose.look_up_contacts &= !told.contains(LOOK_UP_CONTACTS);
        let switch = |name: &str, flag: bool, file: bool| if told.contains(name) { flag } else { file };
        let concurrency = flags.lookup_concurrency.or(file.lookup_concurrency).unwrap_or(CONCURRENCY);
        if !(1..=256).contains(&concurrency) {
            return Err(Error::Usage(format!("--lookup-concurrency {concurrency}: is not between 1 and 256")));
        }
        let network = Network {
            offline: switch("offline", flags.offline, file.offline),
            nameservers: if flags.nameserver.is_empty() { file.nameserver } else { flags.nameserver },
            rdap_bootstrap: flags.rdap_bootstrap.or(file.rdap_bootstrap),
            whois_servers: flags.whois_servers.or(file.whois_servers),
            registry_limits: flags.registry_limits.or(file.registry_limits),
            ca_file: flags.ca_file.or(file.ca_file),
            fetch_security_txt: switch("fetch_security_txt", flags.fetch_security_txt, file.fetch_security_txt),
            max_lookups: Some(flags.max_lookups.or(file.max_lookups).unwrap_or(MAX_LOOKUPS)),
            concurrency,
            ..Network::default()
        };
        let wishes: Vec<Wish> = match flags.alert_sink.as_slice() {
            [] => file.alert_sink.into_iter().map(Wish::from).collect(),
            urls => urls.iter().map(|url| Wish { url: url.clone(), ..Wish::default() }).collect(),
        };
        let usual_sink =
            Usual { template: flags.alert_template.or(file.alert_template), ca_file: network.ca_file.clone() };
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
            format: flags.format,
            usual_format: file.format,
            quiet: switch("quiet", flags.quiet, file.quiet),
            verbose: switch("verbose", flags.verbose, file.verbose),
            color: flags.color.or(file.color).unwrap_or_default(),
            redact: switch("redact", flags.redact, file.redact),
            ndr_model: flags.ndr_model.or(file.ndr_model),
            geoip: flags.geoip.or(file.geoip),
            fail_on: fail_on.transpose()?,
            network,
            sinks: Sink::parse_all(&wishes, &usual_sink)?,
            typo_model: flags.typo_model.or(file.typo_model),
            test,
            strangers: flags.strangers.or(file.strangers),
            run: file.run,
            disclose,
            export: file.export,
        })
    }
}

impl Settings {
    /// What `--format` says to a command that takes what `parse` does. One of the file that means nothing here is for
    /// other commands.
    pub(super) fn format<T>(&self, parse: impl Fn(&str) -> Result<T, Error>) -> Result<Option<T>, Error> {
        match &self.format {
            Some(format) => parse(format).map(Some),
            None => Ok(self.usual_format.as_deref().and_then(|format| parse(format).ok())),
        }
    }

    /// What mail is read with: `--ndr-model`, `--geoip`.
    pub(super) fn lore(&self) -> Result<Lore, Error> {
        Lore::load(self.ndr_model.as_deref(), self.geoip.as_deref())
    }

    /// How people mistype: by `--typo-model`, else as shipped.
    pub(super) fn typo_parameters(&self) -> Result<Parameters, Error> {
        let Some(path) = &self.typo_model else {
            return Parameters::shipped();
        };
        let text =
            fs::read_to_string(path).map_err(|e| Error::Usage(format!("--typo-model {}: {e}", path.display())))?;
        Parameters::parse(&text)
            .map_err(|e| Error::Usage(format!("--typo-model {}: {}", path.display(), one_line(&e.to_string()))))
    }
}

/// An option that is a moment: RFC 3339, or a day.
pub(super) fn moment(option: &str, text: &str) -> Result<Timestamp, Error> {
    let day = || crate::moment::Day::parse(text).map(crate::moment::Day::start);
    Timestamp::parse(text)
        .or_else(day)
        .ok_or_else(|| Error::Usage(format!("{option} {text}: is no RFC 3339 moment such as 2022-07-04T02:00:00Z")))
}

/// The days of `--since` and `--until`.
pub(super) fn window(since: Option<&str>, until: Option<&str>) -> Result<[Option<Timestamp>; 2], Error> {
    let day = |option, text: Option<&str>| text.map(|text| moment(option, text)).transpose();
    let [from, to] = [day("--since", since)?, day("--until", until)?];
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Error::Usage(format!("--since {from} lies behind --until {to}: no mail is of such days")));
    }
    Ok([from, to])
}

/// Line and cause without the line itself: it may hold a sink's secret.
fn misread(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    format!("configuration {} line {line}: {}", path.display(), mistake(error.message()))
}

/// What serde says, without the value it may quote: that may be a sink's address with its password.
pub(super) fn mistake(message: &str) -> String {
    let quote = message.find("string \"").zip(message.rfind("\", expected"));
    match quote.filter(|(start, end)| start < end) {
        Some((start, end)) => one_line(&format!("{}a string{}", &message[..start], &message[end + 1..])),
        None => one_line(message),
    }
}

/// From 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// The tables of the file that hold a command's own options, with their keys.
pub(super) fn tables() -> Vec<(&'static str, Vec<String>)> {
    let keys = |table: serde_json::Result<serde_json::Value>| match table {
        Ok(serde_json::Value::Object(keys)) => keys.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    };
    vec![
        ("run", keys(serde_json::to_value(RunKeys::default()))),
        ("disclose", keys(serde_json::to_value(DiscloseKeys::default()))),
        ("export", keys(serde_json::to_value(ExportKeys::default()))),
    ]
}

fn rate(option: &str, share: f64) -> Result<f64, Error> {
    if share > 0.0 && share < 0.5 {
        return Ok(share);
    }
    Err(Error::Usage(format!("{option} {share}: is no share above 0 and below 0.5")))
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
