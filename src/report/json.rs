//! `report.json` and `alerts.jsonl`.

use serde::{Deserialize, Serialize};

use super::contract::{Alert, Input, Report};

/// `report.json`, indented, with a newline at its end.
pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    push(&mut text, serde_json::to_string_pretty(report));
    text
}

/// The inputs that a `report.json` tells of; none where it is none.
pub(super) fn inputs(report: &[u8]) -> Vec<Input> {
    #[derive(Deserialize)]
    struct Read {
        inputs: Vec<Input>,
    }
    serde_json::from_slice(report).map_or_else(|_| Vec::new(), |read: Read| read.inputs)
}

/// `alerts.jsonl`: one alert a line.
pub(super) fn alerts(alerts: &[Alert]) -> String {
    let mut text = String::new();
    for alert in alerts {
        push(&mut text, line(alert));
    }
    text
}

fn line(alert: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(alert)
}

/// The contract's types hold strings, numbers and lists only: writing them cannot fail.
fn push(text: &mut String, json: serde_json::Result<String>) {
    debug_assert!(json.is_ok());
    text.push_str(&json.unwrap_or_default());
    text.push('\n');
}
