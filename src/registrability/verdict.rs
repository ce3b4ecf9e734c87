//! Evidence → status. Pure: the one place that decides, held by tests/cases/verdicts.tsv.

use super::Status;
use crate::moment::Timestamp;

/// What DNS adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dns {
    /// Asked twice, or of two servers: the name and all below it (RFC 8020) do not exist.
    Absent,
    /// The name is delegated, and a random sibling is not.
    Delegated,
    /// The name exists without a delegation, or every sibling exists too.
    Unclear,
    /// No usable answer, or servers that contradict each other.
    Failed,
}

/// What the registry, over RDAP or WHOIS, adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    /// It has no such name.
    NotFound,
    /// Somebody holds it.
    Registered,
    /// Deleted; the holder may take it back.
    Redemption,
    /// About to drop.
    PendingDelete,
    /// Kept by the registry.
    Reserved,
    /// No usable answer.
    Failed,
    /// Not asked, or nobody to ask.
    Silent,
}

/// The status. Only the registry can say that somebody holds a name that DNS does not show, and only both together
/// that nobody does.
pub(super) fn decide(dns: Dns, registry: Registry) -> Status {
    match (dns, registry) {
        (_, Registry::Registered) => Status::Registered,
        (_, Registry::Redemption) => Status::Redemption,
        (_, Registry::PendingDelete) => Status::PendingDelete,
        (Dns::Delegated, Registry::Reserved | Registry::Failed | Registry::Silent) => Status::Registered,
        (_, Registry::Reserved) => Status::Reserved,
        (Dns::Absent, Registry::NotFound) => Status::Registrable,
        (_, Registry::NotFound | Registry::Failed | Registry::Silent) => Status::Unknown,
    }
}

/// When a name that was deleted at `changed` will be free, by ICANN's life cycle: 30 days of redemption, then 5 of
/// pending delete. `None` where that day has gone by.
pub(super) fn drop_after(registry: Registry, changed: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let days = match registry {
        Registry::Redemption => 35,
        Registry::PendingDelete => 5,
        _ => return None,
    };
    Some(changed.plus(days * 86_400)).filter(|&drop| drop > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_and_is_whole() {
        let dns = [
            ("absent", Dns::Absent),
            ("delegated", Dns::Delegated),
            ("unclear", Dns::Unclear),
            ("failed", Dns::Failed),
        ];
        let registry = [
            ("not_found", Registry::NotFound),
            ("registered", Registry::Registered),
            ("redemption", Registry::Redemption),
            ("pending_delete", Registry::PendingDelete),
            ("reserved", Registry::Reserved),
            ("failed", Registry::Failed),
            ("silent", Registry::Silent),
        ];
        let table = include_str!("../../tests/cases/verdicts.tsv");
        let mut seen = std::collections::BTreeSet::new();
        for line in table.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [d, r, want] = fields[..] else { panic!("three fields: {line}") };
            let d_value = dns.iter().find(|(n, _)| *n == d).unwrap_or_else(|| panic!("{line}")).1;
            let r_value = registry.iter().find(|(n, _)| *n == r).unwrap_or_else(|| panic!("{line}")).1;
            assert_eq!(decide(d_value, r_value).name(), want, "{line}");
            seen.insert((d, r));
        }
        assert_eq!(seen.len(), dns.len() * registry.len(), "a pair is missing from verdicts.tsv");
    }
}
