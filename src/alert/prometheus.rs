//! Counts for the node exporter's textfile collector. Nothing in them was written by a stranger.

use std::fmt::Write as _;

use crate::{
    findings::{AlertKind, Findings, Severity},
    registrability::Status,
};

/// How things stand when a night's work is done.
pub(super) struct State<'a> {
    pub(super) findings: &'a Findings,
    /// Open alerts by kind and severity.
    pub(super) open: &'a [(AlertKind, Severity, u64)],
    /// Alerts that wait for a sink, by its name.
    pub(super) waiting: &'a [(String, u64)],
}

/// Text format 0.0.4.
pub(super) fn text(state: &State<'_>) -> String {
    let f = state.findings;
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, u64)>| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP bouncewatch_{name} {help}\n# TYPE bouncewatch_{name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(out, "bouncewatch_{name}{labels} {value}");
        }
    };
    let at = u64::try_from(f.generated_at.0).unwrap_or(0);
    metric("last_success_timestamp_seconds", "When a run last ended well.", vec![(String::new(), at)]);
    let open = state
        .open
        .iter()
        .map(|(kind, severity, n)| (format!("{{kind=\"{}\",severity=\"{}\"}}", kind.name(), severity.name()), *n));
    metric("alerts_open", "Alerts that are not over.", open.collect());
    let waiting = state.waiting.iter().map(|(sink, n)| (format!("{{sink=\"{}\"}}", label(sink)), *n));
    metric("alerts_waiting", "Alerts a sink has not taken yet.", waiting.collect());
    let degrees = ["non_bounced", "soft_bounced", "hard_bounced"].into_iter().zip(f.degrees());
    metric("mails", "Mails in the report.", degrees.map(|(d, n)| (format!("{{degree=\"{d}\"}}"), n)).collect());
    let registrable = f.domains.iter().filter(|d| d.registrability.status == Status::Registrable).count();
    metric("registrable_domains", "Names anyone could register.", vec![(String::new(), registrable as u64)]);
    metric("campaigns", "Address-guessing campaigns.", vec![(String::new(), f.campaigns.len() as u64)]);
    let rejected = f.inputs.iter().map(|i| i.rejected).sum();
    metric("lines_rejected", "Lines of the last run nobody could read.", vec![(String::new(), rejected)]);
    out
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
