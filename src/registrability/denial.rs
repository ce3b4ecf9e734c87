//! Whether "no such name" is proven by DNSSEC (RFC 4035, 5155), from the root's key down.
//!
//! Signatures are evidence on top: a name is told free on the same agreement with and without them, but a denial that its
//! signed zone would have proven, and that is not proven, frees nothing.

use std::{path::Path, sync::Arc};

use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError},
    proto::{
        dnssec::{Proof, TrustAnchors},
        op::ResponseCode,
        rr::RecordType,
    },
};

use crate::error::Error;

/// What the signatures say about a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    /// Proven.
    Signed,
    /// The zone is not signed, or nobody could tell.
    Unsigned,
    /// The zone looks signed, and this answer does not hold.
    Unproven,
}

/// The root's keys: those of the file given, or IANA's.
pub(super) fn anchors(path: Option<&Path>) -> Result<Arc<TrustAnchors>, Error> {
    match path {
        None => Ok(Arc::new(TrustAnchors::default())),
        Some(path) => TrustAnchors::from_file(path).map(Arc::new).map_err(|e| Error::Data {
            name: path.display().to_string(),
            cause: format!("no `. 3600 IN DNSKEY …` records: {e}"),
        }),
    }
}

/// Whether the answer about the root's own keys is proven: else this server, or what stands before it, takes
/// signatures off, and none of its answers can be judged by them.
pub(super) fn is_proven(answer: &Result<Lookup, NetError>) -> bool {
    answer.as_ref().is_ok_and(|lookup| {
        let mut keys = lookup.answers().iter().filter(|r| r.record_type() == RecordType::DNSKEY).peekable();
        keys.peek().is_some() && keys.all(|r| r.proof == Proof::Secure)
    })
}

/// Reads a validated answer to the question that was denied before.
pub(super) fn judge(answer: &Result<Lookup, NetError>) -> Denial {
    match answer {
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) if none.response_code == ResponseCode::NXDomain => {
            let proofs = none.authorities.iter().flat_map(|all| all.iter()).filter(|r| {
                matches!(r.record_type(), RecordType::NSEC | RecordType::NSEC3) && r.proof == Proof::Secure
            });
            if proofs.count() > 0 { Denial::Signed } else { Denial::Unsigned }
        }
        Err(NetError::Dns(DnsError::Nsec { proof: Proof::Bogus, .. } | DnsError::DnssecBogus)) => Denial::Unproven,
        _ => Denial::Unsigned,
    }
}
