//! The options every command takes: the one table of their names, environment names and help.
//! Each has a key of the same name in the configuration file (`settings.rs`).

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use clap::{ArgMatches, Args, ValueEnum, builder::BoolishValueParser, parser::ValueSource};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// The store [default: bouncewatch.db]
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_DB")]
    pub db: Option<PathBuf>,
    /// Where reports go [default: reports]
    #[arg(long, global = true, value_name = "DIR", env = "BOUNCEWATCH_REPORTS")]
    pub reports: Option<PathBuf>,
    /// TOML file with a key for every option; flags win over environment, which wins over the file
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_CONFIG")]
    pub config: Option<PathBuf>,
    /// The clock, for repeatable runs: RFC 3339
    #[arg(long, global = true, value_name = "RFC3339", env = "BOUNCEWATCH_NOW")]
    pub now: Option<String>,
    /// No network at all: registrability is then `unknown`
    #[arg(long, global = true, env = "BOUNCEWATCH_OFFLINE", value_parser = BoolishValueParser::new())]
    pub offline: bool,
    /// `json` or `jsonl`, `text`; for reports a list of html,json,csv,md
    #[arg(long, global = true, value_name = "FORMAT", env = "BOUNCEWATCH_FORMAT")]
    pub format: Option<String>,
    /// Only errors on stderr
    #[arg(long, short, global = true, env = "BOUNCEWATCH_QUIET", value_parser = BoolishValueParser::new(), conflicts_with = "verbose")]
    pub quiet: bool,
    /// More on stderr
    #[arg(long, short, global = true, env = "BOUNCEWATCH_VERBOSE", value_parser = BoolishValueParser::new())]
    pub verbose: bool,
    /// Colour on a terminal [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "BOUNCEWATCH_COLOR")]
    pub color: Option<Color>,
    /// Pseudonyms for addresses and IPs in everything written
    #[arg(long, global = true, env = "BOUNCEWATCH_REDACT", value_parser = BoolishValueParser::new())]
    pub redact: bool,
    /// Reply model that `bouncewatch train ndr` wrote [default: shipped]
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_NDR_MODEL")]
    pub ndr_model: Option<PathBuf>,
    /// mmdb file of countries or cities (DB-IP, GeoLite2): timeouts are then told by receiver country
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_GEOIP")]
    pub geoip: Option<PathBuf>,
    /// DNS server to ask, repeatable [default: the system's]
    #[arg(
        long,
        global = true,
        value_name = "IP:PORT",
        env = "BOUNCEWATCH_NAMESERVER",
        value_delimiter = ',',
        help_heading = "Network options"
    )]
    pub nameserver: Vec<SocketAddr>,
    /// IANA dns.json that names each registry's RDAP server [default: shipped]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BOUNCEWATCH_RDAP_BOOTSTRAP",
        help_heading = "Network options"
    )]
    pub rdap_bootstrap: Option<PathBuf>,
    /// JSON that names each TLD's WHOIS host:port [default: shipped]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BOUNCEWATCH_WHOIS_SERVERS",
        help_heading = "Network options"
    )]
    pub whois_servers: Option<PathBuf>,
    /// TOML that says how often each registry may be asked [default: shipped]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BOUNCEWATCH_REGISTRY_LIMITS",
        help_heading = "Network options"
    )]
    pub registry_limits: Option<PathBuf>,
    /// Find whom to write to about a held domain, its security.txt too
    #[arg(
        long,
        global = true,
        env = "BOUNCEWATCH_FETCH_SECURITY_TXT",
        value_parser = BoolishValueParser::new(),
        help_heading = "Network options"
    )]
    pub fetch_security_txt: bool,
    /// PEM file of the authorities whose word is taken for servers over TLS, instead of the shipped public ones
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_CA_FILE", help_heading = "Network options")]
    pub ca_file: Option<PathBuf>,
    /// Domains asked about at most, riskiest first [default: 2000]
    #[arg(long, global = true, value_name = "N", env = "BOUNCEWATCH_MAX_LOOKUPS", help_heading = "Network options")]
    pub max_lookups: Option<usize>,
    /// Look-ups under way at once, 1 to 256 [default: 8]
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "BOUNCEWATCH_LOOKUP_CONCURRENCY",
        help_heading = "Network options"
    )]
    pub lookup_concurrency: Option<usize>,
    /// How people mistype, as `bouncewatch train typo` writes it [default: shipped]
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_TYPO_MODEL")]
    pub typo_model: Option<PathBuf>,
    /// Share of honest origins that may be called guessers, 0 to 0.5 [default: 0.00005]
    #[arg(long, global = true, value_name = "RATE", env = "BOUNCEWATCH_ALPHA")]
    pub alpha: Option<f64>,
    /// Share of guessers that may be missed, 0 to 0.5 [default: 0.01]
    #[arg(long, global = true, value_name = "RATE", env = "BOUNCEWATCH_BETA")]
    pub beta: Option<f64>,
    /// Visits of outsiders kept for the search for guessing; of more, those of origins that came
    /// again and a sample of the others [default: 250000]
    #[arg(long, global = true, value_name = "N", env = "BOUNCEWATCH_STRANGERS")]
    pub strangers: Option<usize>,
    /// Exit with 3 when there is an alert this severe: low, medium, high
    #[arg(long, global = true, value_name = "SEVERITY", env = "BOUNCEWATCH_FAIL_ON")]
    pub fail_on: Option<String>,
    /// Where alerts go, repeatable: https://, slack+https://, mattermost+https://, teams+https://, smtp://, smtps://,
    /// sendmail://, syslog://, syslog+tcp://, file://, prometheus://; options after #: name, severity, cooldown,
    /// heartbeat, template, ca-file
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BOUNCEWATCH_ALERT_SINK",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub alert_sink: Vec<String>,
    /// Wording of alerts for sinks that name no template of their own [default: shipped]
    #[arg(long, global = true, value_name = "FILE", env = "BOUNCEWATCH_ALERT_TEMPLATE")]
    pub alert_template: Option<PathBuf>,
    /// Flags that flag or environment told of, also with no: the file has no say in them.
    #[arg(skip)]
    pub told: BTreeSet<&'static str>,
}

/// Options that are only on or off and have a key.
const SWITCHES: [&str; 5] = ["offline", "quiet", "verbose", "redact", "fetch_security_txt"];

/// The one switch of a command that has a key.
pub(super) const LOOK_UP_CONTACTS: &str = "look_up_contacts";

impl Common {
    /// Notes which switches flag or environment told of.
    pub(super) fn note(&mut self, matches: &ArgMatches) {
        let told = |switch: &&str| !matches!(matches.value_source(switch), None | Some(ValueSource::DefaultValue));
        self.told = SWITCHES.into_iter().filter(told).collect();
        let draft = matches.subcommand_matches("disclose").and_then(|disclose| disclose.subcommand_matches("draft"));
        let source = draft.and_then(|draft| draft.value_source(LOOK_UP_CONTACTS));
        if source.is_some_and(|source| source != ValueSource::DefaultValue) {
            self.told.insert(LOOK_UP_CONTACTS);
        }
    }
}

/// When to colour what goes to a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}
