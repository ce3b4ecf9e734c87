//! X-ARF v4: what the network of a guessing IP address needs to act, and no more. Addresses it confirmed are not in it.

use serde_json::json;

use super::{
    Document, Wish,
    domains::{host, is_address},
    id::uuid,
    origins::Origin,
};
use crate::{address::domain_of, error::Error, report::contract::clipped};

/// Domains named at most: enough to see what was guessed at.
const MAX_TARGETS: usize = 20;

/// A report an IP address.
pub(super) fn reports(origins: &[Origin<'_>], wish: &Wish) -> Result<Vec<Document>, Error> {
    let contact = wish.reporter.contact.as_deref().filter(|c| is_address(c));
    let Some((contact, domain)) = contact.and_then(|c| Some((c, host(domain_of(c))?))) else {
        return Err(Error::Usage("export xarf: name whom to answer with --contact ADDRESS".into()));
    };
    let organization = wish.reporter.organization.clone().unwrap_or_else(|| domain.clone());
    let who = json!({ "org": clipped(&organization, 200), "contact": contact, "domain": domain });
    Ok(origins
        .iter()
        .map(|origin| {
            let c = origin.campaign;
            let mut targets: Vec<String> = c.target_domains.iter().filter_map(|d| host(d)).take(MAX_TARGETS).collect();
            if targets.is_empty() {
                targets.push("mailboxes".into());
            }
            let what = format!(
                "Address guessing (directory harvest) against mailboxes at {}: {} addresses tried from {} origins that work together, {} of which exist. Times are UTC.",
                targets[0], c.guesses, c.ips.len().max(1), c.confirmed.len()
            );
            let report = json!({
                "xarf_version": "4.0.0",
                "report_id": uuid("xarf", &format!("{} {}", origin.ip, origin.id())),
                "timestamp": c.last_seen.to_string(),
                "reporter": who,
                "sender": who,
                "source_identifier": origin.ip.to_string(),
                "category": "connection",
                "type": "reconnaissance",
                "evidence_source": "traffic_analysis",
                "confidence": (c.confidence.clamp(0.0, 1.0) * 100.0).round() / 100.0,
                "description": clipped(&what, 1_000),
                "protocol": "tcp",
                "destination_port": 25,
                "probed_resources": targets,
                "resource_categories": ["other"],
                "first_seen": c.first_seen.to_string(),
                "last_seen": c.last_seen.to_string(),
                "total_probes": c.guesses.max(1),
                "automated_tool": true,
                "tags": ["abuse:directory-harvest"],
            });
            // No colon in a file's name.
            Document { name: format!("{}.json", origin.ip.to_string().replace(':', "-")), text: format!("{report}\n") }
        })
        .collect())
}
