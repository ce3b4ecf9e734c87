//! Names to register before a stranger does, in the order of risk.

use std::collections::BTreeSet;

use crate::{
    findings::{DomainRisk, Findings},
    registrability::Status,
};

/// One name a line, as a registrar's form takes it: only names that can be had now.
pub(super) fn list(findings: &Findings) -> String {
    let mut seen = BTreeSet::new();
    let mut out = String::new();
    for name in open(findings).filter(|d| d.registrability.status == Status::Registrable).filter_map(orderable) {
        if seen.insert(name.clone()) {
            out.push_str(&name);
            out.push('\n');
        }
    }
    out
}

/// Names a stranger can have now or soon, riskiest first.
pub(super) fn open(findings: &Findings) -> impl Iterator<Item = &DomainRisk> {
    let mut domains: Vec<&DomainRisk> = findings.domains.iter().filter(|d| d.registrability.status.is_open()).collect();
    domains.sort_by(|a, b| b.risk.total_cmp(&a.risk).then_with(|| a.suspect.domain.cmp(&b.suspect.domain)));
    domains.into_iter()
}

/// The name a registry sells, in ASCII; `None` where it is none.
pub(super) fn orderable(domain: &DomainRisk) -> Option<String> {
    host(&domain.registrability.domain)
}

/// `text` as a host name in ASCII.
pub(super) fn host(text: &str) -> Option<String> {
    let name = idna::domain_to_ascii_strict(text).ok()?;
    (name.len() <= 253 && name.contains('.')).then_some(name)
}

/// An address other programs accept: plain local part, host name.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&*+-/=?^_{|}~.".contains(c);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    !local.is_empty()
        && local.len() <= 64
        && !dots
        && local.chars().all(plain)
        && host(domain).is_some_and(|h| h == domain)
}
