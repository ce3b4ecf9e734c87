//! Which IP addresses may be acted on, and until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Wish,
    network::{Network, is_public, plain},
};
use crate::{enumeration::Campaign, findings::Findings, moment::Timestamp};

/// What no list may hold.
#[derive(Debug, Clone, Default)]
pub struct Never {
    /// The operator's own networks, partners.
    pub networks: Vec<Network>,
    /// Our own servers, and addresses through which more mail arrives than fails: somebody's mail server, however a
    /// guesser got to it.
    pub addresses: BTreeSet<String>,
}

/// An address that guessed.
#[derive(Debug, Clone)]
pub(super) struct Origin<'f> {
    pub(super) ip: IpAddr,
    /// The surest campaign it took part in.
    pub(super) campaign: &'f Campaign,
    pub(super) until: Timestamp,
}

/// Origins of sure campaigns that are not over, sorted by address, each once.
pub(super) fn attackers<'f>(findings: &'f Findings, wish: &Wish) -> Vec<Origin<'f>> {
    let own: BTreeSet<IpAddr> = wish.never.addresses.iter().filter_map(|text| text.parse().ok()).map(plain).collect();
    let mut found = BTreeMap::<IpAddr, Origin<'f>>::new();
    for campaign in findings.campaigns.iter().filter(|c| c.confidence >= wish.confidence) {
        let until = campaign.last_seen.plus(wish.keep_s);
        if until <= wish.now {
            continue;
        }
        for ip in campaign.ips.iter().filter_map(|text| text.parse().ok()).map(plain) {
            let spared = !is_public(ip) || own.contains(&ip) || wish.never.networks.iter().any(|net| net.holds(ip));
            if spared {
                continue;
            }
            let known = found.entry(ip).or_insert(Origin { ip, campaign, until });
            known.until = known.until.max(until);
            if campaign.confidence > known.campaign.confidence {
                known.campaign = campaign;
            }
        }
    }
    found.into_values().collect()
}

impl Origin<'_> {
    /// Seconds it stays listed from `now` on; at least one.
    pub(super) fn left(&self, now: Timestamp) -> i64 {
        self.until.0.saturating_sub(now.0).max(1)
    }

    /// The campaign's id, as far as it is one: it stands in files that other programs parse.
    pub(super) fn id(&self) -> String {
        self.campaign.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
    }
}
