//! The part of the contract about asking the registries; all of it added.

use serde::Serialize;

use super::shown;
use crate::registrability::{ServerTally, Tally};

/// What tonight's questions about domains came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lookups {
    /// Domains without a fresh answer.
    pub names: u64,
    /// Those that were asked about.
    pub asked: u64,
    /// Those left for another night by `--max-lookups`.
    pub skipped_by_budget: u64,
    /// Each server of a registry, by name.
    pub servers: Vec<Server>,
}

/// How one server took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Server {
    /// `rdap.example`, `whois.example:43`
    pub server: String,
    /// Questions sent.
    pub asked: u64,
    /// Questions answered.
    pub answered: u64,
    /// Questions refused as too many.
    pub refused: u64,
    /// Silences, resets, errors, nonsense.
    pub failed: u64,
    /// Questions not sent: it failed too often, asked to be left alone, or its share of the run was used up.
    pub left_alone: u64,
}

impl From<&Tally> for Lookups {
    fn from(t: &Tally) -> Self {
        let server = |s: &ServerTally| Server {
            server: shown(&s.server),
            asked: s.asked,
            answered: s.answered,
            refused: s.refused,
            failed: s.failed,
            left_alone: s.left_alone,
        };
        Lookups {
            names: t.names,
            asked: t.asked,
            skipped_by_budget: t.skipped_by_budget,
            servers: t.servers.iter().map(server).collect(),
        }
    }
}
