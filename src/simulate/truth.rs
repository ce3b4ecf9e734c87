//! What is true of the world: counted while it is written, told in `truth.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Options,
    registry::Fate as Held,
    script::{Attack, Benign, Lapsed, Script, Typo, Visit},
    traffic::Mail,
};
use crate::{
    bounce::BounceType,
    moment::{Day, Timestamp},
};

/// Bounce degrees of deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Degrees {
    /// The first attempt succeeded.
    pub non_bounced: u64,
    /// A later one did.
    pub soft_bounced: u64,
    /// None did.
    pub hard_bounced: u64,
}

/// Counts over everything written.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) outbound: Degrees,
    pub(super) inbound: Degrees,
    types: BTreeMap<BounceType, [u64; 3]>,
    inbound_types: BTreeMap<BounceType, [u64; 3]>,
    days: BTreeMap<Day, Degrees>,
    inbound_days: BTreeMap<Day, Degrees>,
}

impl Degrees {
    /// All deliveries.
    pub fn total(&self) -> u64 {
        self.non_bounced + self.soft_bounced + self.hard_bounced
    }

    fn plus(self, other: Self) -> Self {
        Degrees {
            non_bounced: self.non_bounced + other.non_bounced,
            soft_bounced: self.soft_bounced + other.soft_bounced,
            hard_bounced: self.hard_bounced + other.hard_bounced,
        }
    }

    fn told(&self) -> Value {
        json!({ "total": self.total(), "non_bounced": self.non_bounced, "soft_bounced": self.soft_bounced, "hard_bounced": self.hard_bounced })
    }
}

impl Counts {
    pub(super) fn mail(&mut self, mail: &Mail) {
        let day = self.days.entry(Timestamp(mail.tries.first().map_or(0, |t| t.at)).day()).or_default();
        let mut refusals = mail.tries.iter().filter_map(|t| t.refused);
        for cause in refusals.clone() {
            self.types.entry(cause).or_default()[0] += 1;
        }
        let taken = mail.tries.last().is_some_and(|t| t.refused.is_none());
        for degrees in [&mut self.outbound, day] {
            match (taken, mail.tries.len()) {
                (true, 1) => degrees.non_bounced += 1,
                (true, _) => degrees.soft_bounced += 1,
                (false, _) => degrees.hard_bounced += 1,
            }
        }
        if let Some(last) = refusals.next_back() {
            self.types.entry(last).or_default()[if taken { 1 } else { 2 }] += 1;
        }
    }

    pub(super) fn visit(&mut self, visit: &Visit, listed: bool) {
        let day = self.inbound_days.entry(Timestamp(visit.at).day()).or_default();
        for degrees in [&mut self.inbound, day] {
            degrees.non_bounced += visit.taken.len() as u64;
            degrees.hard_bounced += visit.refused.len() as u64;
        }
        if !visit.refused.is_empty() {
            let cause = if listed { BounceType::Blocklisted } else { BounceType::UserUnknown };
            let counts = self.inbound_types.entry(cause).or_default();
            counts[0] += visit.refused.len() as u64;
            counts[2] += visit.refused.len() as u64;
        }
    }
}

/// `truth.json`
pub(super) fn told(options: &Options, script: &Script, counts: &Counts) -> Value {
    let both = counts.outbound.plus(counts.inbound);
    let postfix = json!({ "outbound": counts.outbound.told(), "inbound": counts.inbound.told(), "all": both.told() });
    let mut files = json!({ "coremail.jsonl": counts.outbound.told() });
    if options.postfix {
        files["mail.log"] = postfix.clone();
        files["mail-rfc3339.log"] = postfix;
    }
    json!({
        "about": "Deliveries are mails to one recipient. Inbound, an accepted recipient is one non-bounced delivery and each reject line one hard-bounced; \
            they are in the Postfix logs only. Bounce types of soft- and hard-bounced mails are those of their last refusal. Days are UTC days of the first attempt.",
        "seed": options.seed,
        "window": { "from": Timestamp(script.start).to_string(), "to": Timestamp(script.start + script.days * super::script::DAY).to_string() },
        "files": files,
        "bounce_types": types(&counts.types),
        "inbound_bounce_types": types(&counts.inbound_types),
        "days": days(&counts.days),
        "inbound_days": days(&counts.inbound_days),
        "typos": {
            "domains": script.domain_typos.iter().map(|t| domain_typo(t, script)).collect::<Vec<_>>(),
            "usernames": script.username_typos.iter().map(typo).collect::<Vec<_>>(),
        },
        "expired": { "domains": script.expired.iter().map(|l| with_fate(lapsed("domain", l), &l.name, script)).collect::<Vec<_>>() },
        "gone": { "usernames": script.gone.iter().map(|l| lapsed("address", l)).collect::<Vec<_>>() },
        "campaigns": script.attacks.iter().map(campaign).collect::<Vec<_>>(),
        "benign": script.benign.iter().map(benign).collect::<Vec<_>>(),
        "registry": { "default": "registered", "domains": script.registry.fates() },
    })
}

fn types(of: &BTreeMap<BounceType, [u64; 3]>) -> Value {
    of.iter().map(|(t, [attempts, soft, hard])| json!({ "type": t.id(), "name": t.name(), "attempts": attempts, "soft_bounced": soft, "hard_bounced": hard })).collect()
}

fn days(of: &BTreeMap<Day, Degrees>) -> Value {
    of.iter()
        .map(|(day, d)| {
            let mut told = d.told();
            told["day"] = day.to_string().into();
            told
        })
        .collect()
}

fn typo(t: &Typo) -> Value {
    json!({ "typed": t.typed, "intended": t.intended, "edit": t.edit, "emails": t.emails, "bounced": t.bounced, "senders": t.senders.len(), "sender_addresses": t.senders })
}

fn domain_typo(t: &Typo, script: &Script) -> Value {
    with_fate(typo(t), &t.typed, script)
}

fn with_fate(mut told: Value, name: &str, script: &Script) -> Value {
    let fate = script.registry.fate(name);
    told["fate"] = fate.name().into();
    told["registrable"] = (fate == Held::Registrable).into();
    told
}

fn lapsed(what: &str, l: &Lapsed) -> Value {
    json!({ what: l.name, "accepted": l.accepted, "refused": l.refused, "since": Timestamp(l.since).to_string() })
}

fn campaign(a: &Attack) -> Value {
    json!({
        "id": a.id, "kind": a.kind, "direction": if a.inbound { "in" } else { "out" }, "fast": a.fast, "expected": if a.fast { "found" } else { "hard" },
        "senders": a.senders, "ips": a.ips, "target_domains": a.targets, "tried": a.tried.len(), "confirmed": a.confirmed,
        "first": Timestamp(a.first).to_string(), "last": Timestamp(a.last).to_string(),
    })
}

fn benign(b: &Benign) -> Value {
    json!({ "sender": b.sender, "ip": b.ip, "kind": b.kind, "reason": b.reason })
}
