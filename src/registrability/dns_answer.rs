//! What DNS messages say about a name. Pure.

use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};

/// Where a name's mail goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mail {
    /// Exchangers by preference.
    pub(super) exchangers: Vec<String>,
    /// RFC 7505: it says that it takes none.
    pub(super) null: bool,
}

/// One server's answer to the question for a name's delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Absent { negative_ttl: Option<u32> },
    Delegated { nameservers: Vec<String> },
    Other(&'static str),
    Failed(&'static str),
}

/// The answer to a question for a name's delegation.
pub(super) fn read(answer: Result<Lookup, NetError>, domain: &str) -> Answer {
    match answer {
        Ok(lookup) => {
            let nameservers = names_of_delegation(lookup.answers().iter().chain(lookup.authorities()), domain);
            let own_soa = lookup.answers().iter().any(|r| r.record_type() == RecordType::SOA && same(&r.name, domain));
            match (nameservers.is_empty(), own_soa) {
                (true, false) => Answer::Other("records"),
                _ => Answer::Delegated { nameservers },
            }
        }
        // Over TCP the library does not compare the answer's question with ours.
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) if !same(none.query.name(), domain) => {
            Answer::Failed("other_name")
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => negative(&none, domain),
        Err(error) => Answer::Failed(failure(&error)),
    }
}

/// Whether the server answered at all, be it with a no.
pub(super) fn is_one(answer: &Result<Lookup, NetError>) -> bool {
    matches!(answer, Ok(_) | Err(NetError::Dns(DnsError::NoRecordsFound(_))))
}

/// The answer to a question for a name's exchangers; `None` where it is none.
pub(super) fn mail(answer: Result<Lookup, NetError>) -> Option<Mail> {
    let lookup = match answer {
        Ok(lookup) => lookup,
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) if none.response_code == ResponseCode::NoError => {
            return Some(Mail::default());
        }
        Err(_) => return None,
    };
    let mut all: Vec<(u16, String)> = lookup
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::MX(mx) => Some((mx.preference, shown(&mx.exchange))),
            _ => None,
        })
        .collect();
    all.sort();
    all.truncate(MAX_KEPT);
    let null = !all.is_empty() && all.iter().all(|(_, host)| host.is_empty());
    let exchangers = all.into_iter().map(|(_, host)| host).filter(|h| !h.is_empty()).collect();
    Some(Mail { exchangers, null })
}

/// Who runs the zone whose SOA record was asked for: its RNAME as a mailbox.
pub(super) fn zone_mailbox(lookup: &Lookup, domain: &str) -> Option<String> {
    lookup.answers().iter().filter(|r| same(&r.name, domain)).find_map(|record| match &record.data {
        RData::SOA(soa) => mailbox(&soa.rname),
        _ => None,
    })
}

/// Names kept of a list that a stranger's zone can make as long as it likes.
const MAX_KEPT: usize = 16;

/// An answer without records: no such name, a referral to the name's own servers, or a name without this type.
fn negative(none: &NoRecords, domain: &str) -> Answer {
    let soa_is_own = none.soa.as_ref().is_some_and(|soa| same(&soa.name, domain));
    if none.response_code == ResponseCode::NXDomain {
        // A zone that denies its own apex is delegated, and broken.
        return if soa_is_own {
            Answer::Failed("nxdomain_from_own_zone")
        } else {
            Answer::Absent { negative_ttl: none.negative_ttl }
        };
    }
    let referred = names_of_delegation(none.ns.iter().flat_map(|all| all.iter()).map(|ns| &ns.ns), domain);
    match (referred.is_empty(), soa_is_own) {
        (true, false) => Answer::Other("nodata"),
        _ => Answer::Delegated { nameservers: referred },
    }
}

fn names_of_delegation<'a>(records: impl Iterator<Item = &'a Record>, domain: &str) -> Vec<String> {
    let mut names: Vec<String> = records
        .filter(|record| same(&record.name, domain))
        .filter_map(|record| match &record.data {
            RData::NS(ns) => Some(shown(&ns.0)),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names.truncate(MAX_KEPT);
    names
}

fn same(name: &Name, domain: &str) -> bool {
    shown(name) == domain
}

fn shown(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.trim_end_matches('.').to_owned()
}

/// `hostmaster.x.example` → `hostmaster@x.example`: the first label is the local part (RFC 1035, 3.3.13).
fn mailbox(name: &Name) -> Option<String> {
    let local = String::from_utf8(name.iter().next()?.to_vec()).ok()?;
    let domain = shown(&name.base_name());
    let plain = local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    (plain && !local.is_empty() && domain.contains('.')).then(|| format!("{local}@{domain}"))
}

fn failure(error: &NetError) -> &'static str {
    match error {
        NetError::Timeout => "timeout",
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => "servfail",
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => "refused",
        NetError::Dns(_) => "error_response",
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => "unreachable",
        _ => "garbage",
    }
}
