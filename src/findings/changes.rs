//! What is new, gone or different since the night before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Findings, id};
use crate::moment::Timestamp;

/// A finding in one line: what the next night must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// The finding's id.
    pub id: String,
    /// `domain`, `username` or `campaign`.
    pub kind: String,
    /// What it is about.
    pub name: String,
    /// Whether the name can be had; empty for a campaign.
    pub status: String,
}

/// One night against the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// When the earlier night was; `None` on the first.
    pub since: Option<Timestamp>,
    /// Not known then.
    pub new: Vec<Headline>,
    /// Not found any more.
    pub gone: Vec<Headline>,
    /// Known then, with another status, which comes second.
    pub turned: Vec<(Headline, String)>,
}

impl Findings {
    /// Every finding in one line, by kind and id.
    pub fn headlines(&self) -> Vec<Headline> {
        let line = |id: String, kind: &str, name: &str, status: &str| Headline {
            id,
            kind: kind.to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
        };
        let domains = self
            .domains
            .iter()
            .map(|d| line(d.suspect.finding_id(), "domain", &d.suspect.domain, d.registrability.status.name()));
        let usernames =
            self.usernames.iter().map(|u| line(u.suspect.finding_id(), "username", &u.suspect.address, u.status));
        let campaigns = self.campaigns.iter().map(|c| {
            let origin = c.senders.iter().chain(&c.ips).find(|origin| !origin.is_empty()).unwrap_or(&c.id);
            line(c.id.clone(), "campaign", origin, "")
        });
        let mut lines: Vec<Headline> = domains.chain(usernames).chain(campaigns).collect();
        lines.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
        lines.dedup_by(|a, b| a.id == b.id);
        lines
    }
}

/// `now` against what was found at `before`, in the order of the lists.
pub fn changes(before: Option<(Timestamp, Vec<Headline>)>, now: &[Headline]) -> Changes {
    let Some((since, before)) = before else { return Changes::default() };
    let known: BTreeMap<&str, &Headline> = before.iter().map(|h| (h.id.as_str(), h)).collect();
    let present: BTreeMap<&str, &Headline> = now.iter().map(|h| (h.id.as_str(), h)).collect();
    let turned = |h: &Headline| {
        let was = &known.get(h.id.as_str())?.status;
        (*was != h.status).then(|| (h.clone(), was.clone()))
    };
    Changes {
        since: Some(since),
        new: now.iter().filter(|h| !known.contains_key(h.id.as_str())).cloned().collect(),
        turned: now.iter().filter_map(turned).collect(),
        gone: before.iter().filter(|h| !present.contains_key(h.id.as_str())).cloned().collect(),
    }
}

impl crate::typo::DomainSuspect {
    /// The same every night.
    pub fn finding_id(&self) -> String {
        id("squatting", &self.domain)
    }
}

impl crate::typo::UsernameSuspect {
    /// The same every night.
    pub fn finding_id(&self) -> String {
        id("username", &self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headline(id: &str, status: &str) -> Headline {
        Headline { id: id.to_owned(), kind: "domain".to_owned(), name: id.to_owned(), status: status.to_owned() }
    }

    #[test]
    fn one_night_against_another() {
        let before = vec![headline("a", "unknown"), headline("b", "registrable"), headline("c", "")];
        let now = [headline("a", "registrable"), headline("c", ""), headline("d", "registered")];
        let told = changes(Some((Timestamp(7), before)), &now);
        assert_eq!(told.since, Some(Timestamp(7)));
        assert_eq!(told.new, [headline("d", "registered")]);
        assert_eq!(told.gone, [headline("b", "registrable")]);
        assert_eq!(told.turned, [(headline("a", "registrable"), "unknown".to_owned())]);
        assert_eq!(changes(None, &now), Changes::default());
    }
}
