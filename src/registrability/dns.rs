//! Does the name exist? The one door to hickory-resolver and the only async code; blocking outside.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType},
    },
    system_conf::read_system_conf,
};

use super::verdict;
use crate::{error::Error, moment::Timestamp};

/// The name servers of this run, each asked on its own so that its answer can be named.
pub(super) struct Asker {
    runtime: tokio::runtime::Runtime,
    servers: Vec<Server>,
    canaries: Mutex<BTreeMap<(usize, String), Canary>>,
    /// Salts the names that nobody has.
    now: Timestamp,
}

struct Server {
    address: SocketAddr,
    resolver: TokioResolver,
    /// Silences in a row.
    silences: AtomicU32,
}

/// What a server said about a name under one suffix that nobody has.
type Canary = Arc<OnceLock<Answer>>;

/// What DNS says about one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) dns: verdict::Dns,
    /// Answer and server, in the order asked.
    pub(super) answers: Vec<(&'static str, SocketAddr)>,
    /// Of a delegation, sorted, without trailing dot.
    pub(super) nameservers: Vec<String>,
    /// How long the zone above says its "no such name" holds.
    pub(super) negative_ttl: Option<u32>,
    /// Questions sent.
    pub(super) queries: u64,
    /// Which server answered first.
    by: Option<usize>,
}

/// Where a name's mail goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mail {
    /// Exchangers by preference.
    pub(super) exchangers: Vec<String>,
    /// RFC 7505: it says that it takes none.
    pub(super) null: bool,
}

/// One server's answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Absent { negative_ttl: Option<u32> },
    Delegated { nameservers: Vec<String> },
    Other(&'static str),
    Failed(&'static str),
}

impl Asker {
    /// Ready to ask `nameservers`, or the system's where none are given.
    pub(super) fn new(nameservers: &[SocketAddr], timeout: Duration, now: Timestamp) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
            Error::Usage(format!("DNS cannot be started: {e}; try again with fewer open files, or --offline"))
        })?;
        let addresses = if nameservers.is_empty() { system_servers() } else { nameservers.to_vec() };
        let servers = addresses
            .into_iter()
            .filter_map(|address| {
                Some(Server { address, resolver: resolver(address, timeout)?, silences: AtomicU32::new(0) })
            })
            .collect();
        Ok(Asker { runtime, servers, canaries: Mutex::default(), now })
    }

    /// Asks for the delegation of `domain`. "No such name" counts once two servers, or the only one twice, agree; a
    /// delegation counts when a random name beside it has none.
    pub(super) fn existence(&self, domain: &str, suffix: &str, deadline: Instant) -> Finding {
        let mut found = Finding {
            dns: verdict::Dns::Failed,
            answers: Vec::new(),
            nameservers: Vec::new(),
            negative_ttl: None,
            queries: 0,
            by: None,
        };
        for index in 0..self.servers.len() {
            match self.ask(index, domain, RecordType::NS, deadline, &mut found) {
                Answer::Failed(_) => continue,
                Answer::Absent { negative_ttl } => {
                    found.negative_ttl = negative_ttl;
                    if self.agreed(index, domain, deadline, &mut found) {
                        found.dns = verdict::Dns::Absent;
                    }
                }
                Answer::Delegated { nameservers } => {
                    found.nameservers = nameservers;
                    let canary = self.canary(index, suffix, deadline, &mut found);
                    found.dns = match canary {
                        Answer::Absent { .. } => verdict::Dns::Delegated,
                        _ => verdict::Dns::Unclear,
                    };
                    if matches!(canary, Answer::Delegated { .. } | Answer::Other(_)) {
                        found.answers.push(("random_sibling_exists_too", self.servers[index].address));
                    }
                }
                Answer::Other(_) => found.dns = verdict::Dns::Unclear,
            }
            found.by = Some(index);
            return found;
        }
        found
    }

    /// Where the mail of a name goes, asked of the server that knew the name.
    pub(super) fn mail(&self, domain: &str, deadline: Instant, found: &mut Finding) -> Mail {
        let Some(server) = found.by.and_then(|index| self.servers.get(index)) else {
            return Mail::default();
        };
        found.queries += 1;
        let Some(Ok(lookup)) = self.lookup(&server.resolver, domain, RecordType::MX, deadline) else {
            return Mail::default();
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
        Mail { exchangers: all.into_iter().map(|(_, host)| host).filter(|h| !h.is_empty()).collect(), null }
    }

    /// Whether a second opinion says "no such name" too.
    fn agreed(&self, first: usize, domain: &str, deadline: Instant, found: &mut Finding) -> bool {
        if let [_] = self.servers[..] {
            // For another type: some resolvers lie about addresses only.
            return matches!(self.ask(first, domain, RecordType::A, deadline, found), Answer::Absent { .. });
        }
        for second in first + 1..self.servers.len() {
            match self.ask(second, domain, RecordType::NS, deadline, found) {
                Answer::Failed(_) => continue,
                Answer::Absent { .. } => return true,
                Answer::Delegated { .. } | Answer::Other(_) => return false,
            }
        }
        false
    }

    /// What this server says about a name under `suffix` that nobody has; asked once a run.
    fn canary(&self, index: usize, suffix: &str, deadline: Instant, found: &mut Finding) -> Answer {
        let cell = {
            let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
            canaries.entry((index, suffix.to_owned())).or_default().clone()
        };
        if let Some(known) = cell.get() {
            return known.clone();
        }
        let name =
            format!("bw-{:016x}.{suffix}", crate::hash::fnv1a_seeded(suffix.as_bytes(), self.now.0.unsigned_abs()));
        let mut aside = Finding { answers: Vec::new(), ..found.clone() };
        let mut answer = self.ask(index, &name, RecordType::NS, deadline, &mut aside);
        if let Answer::Absent { .. } = answer {
            // A wildcard or a lie may be told for addresses only.
            answer = self.ask(index, &name, RecordType::A, deadline, &mut aside);
        }
        found.queries = aside.queries;
        match answer {
            // Not remembered: the next name may have better luck.
            Answer::Failed(_) => answer,
            answer => cell.get_or_init(|| answer).clone(),
        }
    }

    fn ask(&self, index: usize, domain: &str, kind: RecordType, deadline: Instant, found: &mut Finding) -> Answer {
        let Server { address, resolver, silences } = &self.servers[index];
        let silent = silences.load(Ordering::Relaxed);
        if silent >= GIVE_UP_AFTER {
            silences.store(silent + 1, Ordering::Relaxed);
            if silent % RETRY_EVERY != 0 {
                found.answers.push(("server_failing", *address));
                return Answer::Failed("server_failing");
            }
        }
        found.queries += 1;
        let answer = match self.lookup(resolver, domain, kind, deadline) {
            None => Answer::Failed("timeout"),
            Some(Ok(lookup)) => {
                let nameservers = names_of_delegation(lookup.answers().iter().chain(lookup.authorities()), domain);
                let own_soa =
                    lookup.answers().iter().any(|r| r.record_type() == RecordType::SOA && same(&r.name, domain));
                match (nameservers.is_empty(), own_soa) {
                    (true, false) => Answer::Other("records"),
                    _ => Answer::Delegated { nameservers },
                }
            }
            Some(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => negative(&none, domain),
            Some(Err(error)) => Answer::Failed(failure(&error)),
        };
        let word = match &answer {
            Answer::Absent { .. } => "nxdomain",
            Answer::Delegated { .. } => "delegated",
            Answer::Other(word) | Answer::Failed(word) => word,
        };
        match answer {
            Answer::Failed("timeout" | "unreachable") => {
                silences.fetch_add(u32::from(silent < GIVE_UP_AFTER), Ordering::Relaxed)
            }
            _ => silences.swap(0, Ordering::Relaxed),
        };
        found.answers.push((word, *address));
        answer
    }

    /// `None` when time ran out.
    fn lookup(
        &self,
        resolver: &TokioResolver,
        domain: &str,
        kind: RecordType,
        deadline: Instant,
    ) -> Option<Result<hickory_resolver::lookup::Lookup, NetError>> {
        // Fully qualified: no search domain is ever appended.
        let name = match Name::from_ascii(format!("{domain}.")) {
            Ok(name) => name,
            Err(e) => return Some(Err(NetError::from(e))),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.runtime.block_on(async { tokio::time::timeout(left, resolver.lookup(name, kind)).await.ok() })
    }
}

/// A resolver silent so often in a row is down (one that cannot reach a zone says SERVFAIL); then only every so many
/// names try it again.
const GIVE_UP_AFTER: u32 = 32;
const RETRY_EVERY: u32 = 32;

/// Names kept of a list that a stranger's zone can make as long as it likes.
const MAX_KEPT: usize = 16;

fn system_servers() -> Vec<SocketAddr> {
    let Ok((config, _)) = read_system_conf() else {
        return Vec::new();
    };
    let mut found: Vec<SocketAddr> = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(53, |c| c.port);
        let address = SocketAddr::new(server.ip, port);
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// A resolver of one server: UDP, TCP on truncation, no cache, no hosts file, no search domains.
fn resolver(address: SocketAddr, timeout: Duration) -> Option<TokioResolver> {
    let mut udp = ConnectionConfig::udp();
    udp.port = address.port();
    let mut tcp = ConnectionConfig::tcp();
    tcp.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
    let mut builder =
        Resolver::builder_with_config(ResolverConfig::from_name_servers(vec![server]), TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = timeout;
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.num_concurrent_reqs = 1;
    options.edns0 = true;
    builder.build().ok()
}

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

fn names_of_delegation<'a>(
    records: impl Iterator<Item = &'a hickory_resolver::proto::rr::Record>,
    domain: &str,
) -> Vec<String> {
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
