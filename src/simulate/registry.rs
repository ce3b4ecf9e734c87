//! What the registries would say of every name that matters: enough to build test DNS, RDAP and WHOIS servers from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{dialects::mx_of, random::Rng};

/// What a registry holds on a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Held, and in the DNS.
    Registered,
    /// Nobody's.
    Registrable,
    /// Deleted, its holder may still take it back.
    Redemption,
    /// About to drop.
    PendingDelete,
    /// Kept by the registry.
    Reserved,
    /// Held, but taken out of the DNS: NXDOMAIN and yet not to be had.
    OnHold,
    /// There is no such suffix.
    NotAPublicSuffix,
}

/// Names and their fates; every name not listed is registered.
#[derive(Debug, Default)]
pub(super) struct Registry(BTreeMap<String, Fate>);

impl Fate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Fate::Registered => "registered",
            Fate::Registrable => "registrable",
            Fate::Redemption => "redemption",
            Fate::PendingDelete => "pending_delete",
            Fate::Reserved => "reserved",
            Fate::OnHold => "on_hold",
            Fate::NotAPublicSuffix => "not_a_public_suffix",
        }
    }

    /// Of a name that does not resolve: most can be had, the others are there to be told apart.
    pub(super) fn unresolved(rng: &mut Rng) -> Self {
        match rng.below(100) {
            0..72 => Fate::Registrable,
            72..80 => Fate::Redemption,
            80..86 => Fate::PendingDelete,
            86..93 => Fate::OnHold,
            _ => Fate::Reserved,
        }
    }
}

impl Registry {
    pub(super) fn set(&mut self, domain: &str, fate: Fate) {
        self.0.insert(domain.to_owned(), fate);
    }

    pub(super) fn fate(&self, domain: &str) -> Fate {
        self.0.get(domain).copied().unwrap_or(Fate::Registered)
    }

    /// Name → fate.
    pub(super) fn fates(&self) -> Value {
        self.0.iter().map(|(d, f)| (d.clone(), Value::from(f.name()))).collect::<serde_json::Map<_, _>>().into()
    }

    /// `registry.json`: what each kind of server answers for each name.
    pub(super) fn answers(&self) -> Value {
        let domains: serde_json::Map<_, _> = self.0.iter().map(|(d, f)| (d.clone(), answer(d, *f))).collect();
        json!({ "default": answer("*", Fate::Registered), "domains": domains })
    }
}

fn answer(domain: &str, fate: Fate) -> Value {
    let held = |status: &str| {
        (200, json!([status]), format!("Domain Name: {}\nDomain Status: {status}\n", domain.to_uppercase()))
    };
    let (http, status, whois) = match fate {
        Fate::Registered => held("active"),
        Fate::OnHold => held("server hold"),
        Fate::Redemption => held("redemption period"),
        Fate::PendingDelete => held("pending delete"),
        Fate::Reserved => {
            (200, json!(["reserved"]), format!("Domain Name: {}\nReserved Domain Name\n", domain.to_uppercase()))
        }
        Fate::Registrable | Fate::NotAPublicSuffix => {
            (404, json!([]), format!("No match for domain \"{}\".\n", domain.to_uppercase()))
        }
    };
    let dns = if fate == Fate::Registered {
        json!({ "rcode": "noerror", "ns": ["ns1.registered.test", "ns2.registered.test"], "mx": if domain == "*" { String::new() } else { mx_of(domain) } })
    } else {
        json!({ "rcode": "nxdomain" })
    };
    json!({ "fate": fate.name(), "dns": dns, "rdap": { "http": http, "status": status }, "whois": whois })
}
