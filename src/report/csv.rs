//! `squatting.csv` and `campaigns.csv`: one header that stays, a row a finding, and no cell a spreadsheet would compute.

use super::contract::{Campaign, Report};

/// Columns of `squatting.csv`.
pub(super) const SQUATTING: [&str; 17] = [
    "target",
    "name",
    "kind",
    "intended",
    "edits",
    "confidence",
    "emails",
    "senders",
    "delivered_before",
    "first_seen",
    "last_seen",
    "status",
    "checked_at",
    "drops_at",
    "evidence",
    "why",
    "risk",
];

/// Columns of `campaigns.csv`.
pub(super) const CAMPAIGNS: [&str; 14] = [
    "id",
    "senders",
    "ips",
    "target_domains",
    "first_seen",
    "last_seen",
    "guesses",
    "confirmed_count",
    "success_rate",
    "pattern",
    "confidence",
    "confirmed",
    "why",
    "days",
];

/// The longest cell: spreadsheets cut or refuse longer ones (32,767 characters).
const MAX_CELL: usize = 32_000;

/// Domains first, then usernames, each highest risk first.
pub(super) fn squatting(report: &Report) -> Vec<u8> {
    let domains = report.squatting.domains.iter().map(|d| {
        let evidence: Vec<String> =
            d.registrability.evidence.iter().map(|e| format!("{} {} ({})", e.source, e.answer, e.server)).collect();
        [
            "domain".to_owned(),
            d.domain.clone(),
            d.kind.to_owned(),
            d.intended.clone(),
            d.edits.join(" "),
            d.confidence.to_string(),
            d.emails.to_string(),
            d.senders.to_string(),
            d.delivered_before.to_string(),
            d.first_seen.clone(),
            d.last_seen.clone(),
            d.registrability.status.to_owned(),
            d.registrability.checked_at.clone(),
            d.registrability.drops_at.clone().unwrap_or_default(),
            evidence.join("; "),
            String::new(),
            d.risk.to_string(),
        ]
    });
    let usernames = report.squatting.usernames.iter().map(|u| {
        [
            "username".to_owned(),
            u.address.clone(),
            u.kind.to_owned(),
            u.intended.clone(),
            u.edits.join(" "),
            u.confidence.to_string(),
            u.emails.to_string(),
            u.senders.to_string(),
            u.delivered_before.to_string(),
            u.first_seen.clone(),
            u.last_seen.clone(),
            u.registrability.status.to_owned(),
            String::new(),
            String::new(),
            String::new(),
            u.registrability.why.clone(),
            u.risk.to_string(),
        ]
    });
    table(SQUATTING, domains.chain(usernames))
}

/// Most guesses first.
pub(super) fn campaigns(report: &Report) -> Vec<u8> {
    table(CAMPAIGNS, report.campaigns.iter().map(campaign))
}

fn campaign(c: &Campaign) -> [String; 14] {
    [
        c.id.clone(),
        c.senders.join(" "),
        c.ips.join(" "),
        c.target_domains.join(" "),
        c.first_seen.clone(),
        c.last_seen.clone(),
        c.guesses.to_string(),
        c.confirmed.len().to_string(),
        c.success_rate.to_string(),
        c.pattern.to_owned(),
        c.confidence.to_string(),
        c.confirmed.join(" "),
        c.why.join("; "),
        super::words::days(&c.first_seen, &c.last_seen).to_string(),
    ]
}

/// Writing to memory cannot fail, and every row has the header's length.
fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<u8> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    let mut done = out.write_record(header);
    for row in rows {
        done = done.and(out.write_record(row.iter().map(|cell| guarded(cell))));
    }
    debug_assert!(done.is_ok());
    out.into_inner().unwrap_or_default()
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it.
pub(super) fn guarded(cell: &str) -> String {
    let cell = super::contract::clipped(cell, MAX_CELL);
    let first = cell.trim_start_matches([' ', '\u{a0}']).chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠') => {
            format!("'{cell}")
        }
        _ => cell,
    }
}
