//! Domains → registrability with evidence. The only stage that asks the network.
//!
//! In: registrable domains, most worth asking about first.
//! Out: one [`Registrability`] each, as it comes.
//! Never: guesses (no answer is `unknown`), asks about anything but an eTLD+1, registers or probes a mailbox.

use std::{net::SocketAddr, path::PathBuf};

use crate::moment::Timestamp;

/// Whether a stranger could register a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Independent sources agree that nobody holds it.
    Registrable,
    /// Somebody holds it.
    Registered,
    /// Deleted, its last holder may still take it back.
    Redemption,
    /// About to drop.
    PendingDelete,
    /// The registry keeps it.
    Reserved,
    /// Nothing can be registered under that suffix (`gmail.con`).
    NotAPublicSuffix,
    /// No answer, or answers that contradict each other.
    Unknown,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The name's own form (IDNA) or the public suffix list; no network.
    Syntax,
    /// DNS.
    Dns,
    /// RDAP, RFC 9082 and 9083.
    Rdap,
    /// WHOIS, RFC 3912.
    Whois,
}

/// One answer, kept as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who was asked.
    pub source: Source,
    /// `nxdomain`, `not_found`, `registered`, `servfail`, `timeout`, `rate_limited` …
    pub answer: String,
    /// `192.0.2.53:53`, `https://rdap.example/`, or the list's name.
    pub server: String,
    /// When.
    pub at: Timestamp,
}

/// A status and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrability {
    /// The eTLD+1 asked about, in A-label form; the name itself where it has none.
    pub domain: String,
    /// What the evidence adds up to.
    pub status: Status,
    /// When.
    pub checked_at: Timestamp,
    /// Until when the answer holds; afterwards it is asked again.
    pub fresh_until: Timestamp,
    /// Never empty.
    pub evidence: Vec<Evidence>,
    /// When a name in redemption or pending delete is expected to drop.
    pub drops_at: Option<Timestamp>,
}

/// Whom to ask, and how hard.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// No network at all: everything is `unknown`.
    pub offline: bool,
    /// Resolvers; empty means the system's.
    pub nameservers: Vec<SocketAddr>,
    /// IANA `dns.json`; the shipped one when `None`.
    pub rdap_bootstrap: Option<PathBuf>,
    /// TLD → `host:port` as JSON; the shipped one when `None`.
    pub whois_servers: Option<PathBuf>,
    /// Domains asked about at most.
    pub max_lookups: Option<usize>,
    /// Look-ups under way at once, 1 to 256; 0 means the default.
    pub concurrency: usize,
}

impl Status {
    /// `registrable`
    pub fn name(self) -> &'static str {
        match self {
            Status::Registrable => "registrable",
            Status::Registered => "registered",
            Status::Redemption => "redemption",
            Status::PendingDelete => "pending_delete",
            Status::Reserved => "reserved",
            Status::NotAPublicSuffix => "not_a_public_suffix",
            Status::Unknown => "unknown",
        }
    }
}

impl Source {
    /// `dns`
    pub fn name(self) -> &'static str {
        match self {
            Source::Syntax => "syntax",
            Source::Dns => "dns",
            Source::Rdap => "rdap",
            Source::Whois => "whois",
        }
    }
}
