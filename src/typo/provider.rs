//! Could a stranger register this username? By the providers' published rules (`data/popular/providers.toml`) alone; no
//! provider is ever asked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    address::{domain_of, fold, local_of},
    error::Error,
};

/// `allowed_by_provider_rules`
const ALLOWED: &str = "allowed_by_provider_rules";
/// `not_allowed`
const NOT_ALLOWED: &str = "not_allowed";
/// `recycled_by_provider`
const RECYCLED: &str = "recycled_by_provider";
/// `not_public`
const NOT_PUBLIC: &str = "not_public";
/// `unknown`
const UNKNOWN: &str = "unknown";

/// The providers' rules by domain.
#[derive(Debug, Clone, Default)]
pub struct Providers {
    reserved: Vec<String>,
    domains: BTreeMap<String, Domain>,
    rules: Vec<Rules>,
}

#[derive(Debug, Clone, Copy)]
enum Domain {
    Open(usize),
    Closed(usize),
    Unknown,
    Customers,
}

#[derive(Debug, Clone, Deserialize)]
struct Rules {
    name: String,
    domains: Vec<String>,
    #[serde(default)]
    closed: Vec<String>,
    min: usize,
    max: usize,
    alphabet: String,
    first: First,
    ignored: String,
    /// Words that no name may contain.
    #[serde(default)]
    forbidden: Vec<String>,
    recycled: Recycled,
    source: String,
    date: String,
    /// Which of the facts a page that could be read says; the others silence no warning.
    verified: Vec<Fact>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fact {
    /// Length, alphabet, first sign.
    Names,
    /// Whether names are given out again.
    Recycled,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum First {
    Letter,
    Alnum,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Recycled {
    Yes,
    Never,
    Unknown,
}

#[derive(Deserialize)]
struct File {
    reserved: Vec<String>,
    unknown: Vec<String>,
    customers: Vec<String>,
    provider: Vec<Rules>,
}

impl Providers {
    /// Those shipped in `data/`.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse(include_str!("../../data/popular/providers.toml"))
    }

    /// In the form of `data/popular/providers.toml`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File =
            toml::from_str(text).map_err(|e| Error::Data { name: "providers.toml".into(), cause: e.to_string() })?;
        let mut domains = BTreeMap::new();
        domains.extend(file.unknown.into_iter().map(|d| (d, Domain::Unknown)));
        domains.extend(file.customers.into_iter().map(|d| (d, Domain::Customers)));
        for (i, rules) in file.provider.iter().enumerate() {
            domains.extend(rules.domains.iter().map(|d| (d.clone(), Domain::Open(i))));
            domains.extend(rules.closed.iter().map(|d| (d.clone(), Domain::Closed(i))));
        }
        Ok(Providers { reserved: file.reserved, domains, rules: file.provider })
    }

    /// Whether a domain's users are the public, not people of one house.
    pub(super) fn is_public(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// The signs that do not count in a username at `domain`: with or without them, it is the same mailbox.
    pub fn ignored(&self, domain: &str) -> &str {
        match self.domains.get(domain) {
            Some(Domain::Open(i) | Domain::Closed(i)) => &self.rules[*i].ignored,
            _ => "",
        }
    }
}

/// Whether a stranger could register a username that never took mail: its status by name, and why.
pub fn username_status(address: &str, providers: &Providers) -> (&'static str, String) {
    status(address, providers, false)
}

/// Whether a stranger could register a username that used to take mail and has gone.
pub fn gone_status(address: &str, providers: &Providers) -> (&'static str, String) {
    status(address, providers, true)
}

fn status(address: &str, providers: &Providers, gone: bool) -> (&'static str, String) {
    let folded = fold(address);
    let (local, domain) = (local_of(&folded), domain_of(&folded));
    let rules = match providers.domains.get(domain) {
        None => {
            return (NOT_PUBLIC, format!("{domain} is no public mailbox provider known here"));
        }
        Some(Domain::Customers) => {
            return (NOT_PUBLIC, format!("{domain} gives addresses to its customers only"));
        }
        Some(Domain::Unknown) => {
            return (UNKNOWN, format!("the rules of {domain} are not known here"));
        }
        Some(Domain::Closed(i)) => {
            let why = format!("{} gives out no new addresses under {domain}", providers.rules[*i].name);
            return (NOT_ALLOWED, why);
        }
        Some(Domain::Open(i)) => &providers.rules[*i],
    };
    let of = |what: &str| format!("{}: {what} ({}, {})", rules.name, rules.source, rules.date);
    if providers.reserved.iter().any(|r| r == local) {
        return (NOT_ALLOWED, format!("{}: {local} is reserved", rules.name));
    }
    if gone {
        // A name that took mail kept the rules of its day.
        return match rules.recycled {
            Recycled::Yes if rules.verified.contains(&Fact::Recycled) => {
                (RECYCLED, of("names given up are given out again"))
            }
            Recycled::Never if rules.verified.contains(&Fact::Recycled) => {
                (NOT_ALLOWED, of("names given up are never given out again"))
            }
            _ => (UNKNOWN, of("whether names are given out again is not known")),
        };
    }
    match rules.broken_by(local) {
        // A rule nobody could verify may raise a warning, never silence one.
        Some(broken) if !rules.verified.contains(&Fact::Names) => (UNKNOWN, of(&format!("not verified: {broken}"))),
        None if !rules.verified.contains(&Fact::Names) => {
            (ALLOWED, of("the name keeps the rules, which are not verified"))
        }
        Some(broken) => (NOT_ALLOWED, of(&broken)),
        None => (ALLOWED, of("the name keeps the rules")),
    }
}

impl Rules {
    /// The rule that `local` breaks.
    fn broken_by(&self, local: &str) -> Option<String> {
        let local = local.split_once('+').map_or(local, |(name, _)| name);
        let counted = local.chars().filter(|c| !self.ignored.contains(*c)).count();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(odd) = local.chars().find(|c| !plain(*c) && !self.alphabet.contains(*c)) {
            return Some(format!("{odd:?} may not stand in a name"));
        }
        if let Some(word) = self.forbidden.iter().find(|word| local.contains(word.as_str())) {
            return Some(format!("no name may have {word} in it"));
        }
        if counted < self.min || counted > self.max {
            return Some(format!("names have {} to {} characters", self.min, self.max));
        }
        let fits = match self.first {
            First::Letter => local.starts_with(|c: char| c.is_ascii_lowercase()),
            First::Alnum => local.starts_with(plain),
            First::Any => true,
        };
        if !fits {
            return Some("a name may not begin so".to_owned());
        }
        (local.ends_with('.') || local.contains("..")).then(|| "dots may not stand together or last".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_decide() {
        let providers = Providers::shipped().unwrap();
        for (address, never, gone) in [
            ("john.smyth@gmail.com", ALLOWED, NOT_ALLOWED),
            ("Bob@gmail.com", NOT_ALLOWED, NOT_ALLOWED),
            ("b.o.b.b.y@gmail.com", NOT_ALLOWED, NOT_ALLOWED),
            ("john_smyth@gmail.com", NOT_ALLOWED, NOT_ALLOWED),
            ("john..smyth@gmail.com", NOT_ALLOWED, NOT_ALLOWED),
            ("john_smyth@yahoo.com", ALLOWED, RECYCLED),
            ("anna.k@outlook.com", ALLOWED, RECYCLED),
            ("12345678@qq.com", ALLOWED, RECYCLED),
            ("anna@proton.me", ALLOWED, NOT_ALLOWED),
            ("anna.k@mail.ru", ALLOWED, UNKNOWN),
            ("anna.support@mail.ru", NOT_ALLOWED, UNKNOWN),
            ("abc@mail.ru", NOT_ALLOWED, UNKNOWN),
            ("anna@msn.com", NOT_ALLOWED, NOT_ALLOWED),
            ("anna@orange.fr", NOT_PUBLIC, NOT_PUBLIC),
            ("anna@company.example", NOT_PUBLIC, NOT_PUBLIC),
            ("anna@seznam.cz", UNKNOWN, UNKNOWN),
            ("postmaster@web.de", NOT_ALLOWED, NOT_ALLOWED),
            ("anna.k@web.de", ALLOWED, UNKNOWN),
            ("ä@web.de", UNKNOWN, UNKNOWN),
            ("", NOT_PUBLIC, NOT_PUBLIC),
            ("anna", NOT_PUBLIC, NOT_PUBLIC),
        ] {
            assert_eq!(username_status(address, &providers).0, never, "{address}");
            assert_eq!(gone_status(address, &providers).0, gone, "{address}");
        }
        assert!(username_status("x@gmail.com", &providers).1.contains("6 to 30"));
    }

    #[test]
    fn every_domain_has_one_rule() {
        let file: File = toml::from_str(include_str!("../../data/popular/providers.toml")).unwrap();
        let mut all: Vec<&String> = file
            .unknown
            .iter()
            .chain(&file.customers)
            .chain(file.provider.iter().flat_map(|p| p.domains.iter().chain(&p.closed)))
            .collect();
        let n = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), n);
        assert!(file.provider.iter().all(|p| !p.source.is_empty() && !p.date.is_empty() && p.min <= p.max));
    }
}
