//! Does the name exist? The one door to hickory-resolver and the only async code; blocking outside.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    lookup::Lookup,
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::{
        dnssec::TrustAnchors,
        rr::{Name, RecordType},
    },
    system_conf::read_system_conf,
};

use super::{
    denial::{self, Denial},
    dns_answer::{self, Answer, Mail},
    verdict,
};
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
    /// Silences and errors in a row.
    failures: AtomicU32,
    /// Asks with signatures and checks them.
    validating: TokioResolver,
    /// Whether signatures come through this server at all; asked when first needed.
    proves: OnceLock<bool>,
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

impl Asker {
    /// Ready to ask `nameservers`, or the system's where none are given.
    pub(super) fn new(
        nameservers: &[SocketAddr],
        trust_anchor: Option<&Path>,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let anchors = denial::anchors(trust_anchor)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
            Error::Usage(format!("DNS cannot be started: {e}; try again with fewer open files, or --offline"))
        })?;
        let addresses = if nameservers.is_empty() { system_servers() } else { nameservers.to_vec() };
        let servers = addresses
            .into_iter()
            .filter_map(|address| {
                Some(Server {
                    address,
                    resolver: resolver(address, timeout, None)?,
                    silences: AtomicU32::new(0),
                    failures: AtomicU32::new(0),
                    validating: resolver(address, timeout, Some(anchors.clone()))?,
                    proves: OnceLock::new(),
                })
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
                        found.dns = self.denied(index, domain, suffix, deadline, &mut found);
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

    /// Where the mail of a name goes, asked of the server that knew the name, and which that was; `None` where it does
    /// not say.
    pub(super) fn mail(&self, domain: &str, deadline: Instant, found: &mut Finding) -> Option<(Mail, SocketAddr)> {
        let server = &self.servers[found.by?];
        found.queries += 1;
        let mail = dns_answer::mail(self.lookup(&server.resolver, domain, RecordType::MX, deadline)?)?;
        Some((mail, server.address))
    }

    /// Who runs the zone of a held name: its SOA record's RNAME as a mailbox.
    pub(super) fn zone_mailbox(&self, domain: &str, deadline: Instant, found: &mut Finding) -> Option<String> {
        let server = &self.servers[found.by?];
        found.queries += 1;
        dns_answer::zone_mailbox(&self.lookup(&server.resolver, domain, RecordType::SOA, deadline)?.ok()?, domain)
    }

    /// What two servers' "no such name" comes to: signatures may prove it, or show it to be a lie.
    fn denied(&self, index: usize, domain: &str, suffix: &str, deadline: Instant, found: &mut Finding) -> verdict::Dns {
        let Server { address, validating, proves, .. } = &self.servers[index];
        let mut validated = |name: &str, kind, deadline| {
            found.queries += 1;
            self.lookup(validating, name, kind, deadline)
        };
        // Silence counts as a no: DNSSEC is evidence on top, not worth waiting for at every name.
        let far = Instant::now() + FAR;
        if !proves.get_or_init(|| validated("", RecordType::DNSKEY, far).is_some_and(|keys| denial::is_proven(&keys))) {
            return verdict::Dns::Absent;
        }
        let mut denial = |name: &str| {
            validated(name, RecordType::NS, deadline).map_or(Denial::Unsigned, |answer| denial::judge(&answer))
        };
        match denial(domain) {
            Denial::Signed => {
                if let Some((word, _)) = found.answers.iter_mut().find(|(_, server)| server == address) {
                    *word = "nxdomain (signed)";
                }
                verdict::Dns::Absent
            }
            // Where the zone can prove that a random name is not there, it could have proven this one.
            Denial::Unproven if denial(&self.nobodys(suffix)) == Denial::Signed => {
                found.answers.push(("nxdomain_forged", *address));
                verdict::Dns::Failed
            }
            Denial::Unproven | Denial::Unsigned => verdict::Dns::Absent,
        }
    }

    /// Servers that were silent to the last.
    pub(super) fn silent(&self) -> Vec<SocketAddr> {
        let silent = |server: &&Server| server.silences.load(Ordering::Relaxed) >= SILENT;
        self.servers.iter().filter(silent).map(|server| server.address).collect()
    }

    /// Servers that had nothing but errors to the last, be it of the root: three names may be lame, the root is not.
    pub(super) fn failing(&self) -> Vec<SocketAddr> {
        let (mut deaf, silent) = (Vec::new(), self.silent());
        for Server { address, resolver, failures, .. } in &self.servers {
            if failures.load(Ordering::Relaxed) >= SILENT && !silent.contains(address) {
                let root = self.lookup(resolver, "", RecordType::NS, Instant::now() + FAR);
                deaf.extend((!root.is_some_and(|answer| dns_answer::is_one(&answer))).then_some(*address));
            }
        }
        deaf
    }

    /// A name under `suffix` that nobody has, the same all night.
    fn nobodys(&self, suffix: &str) -> String {
        format!("bw-{:016x}.{suffix}", crate::hash::fnv1a_seeded(suffix.as_bytes(), self.now.0.unsigned_abs()))
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
        let name = self.nobodys(suffix);
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
        let Server { address, resolver, silences, failures, .. } = &self.servers[index];
        let silent = silences.load(Ordering::Relaxed);
        if silent >= GIVE_UP_AFTER {
            silences.store(silent + 1, Ordering::Relaxed);
            if silent % RETRY_EVERY != 0 {
                found.answers.push(("server_failing", *address));
                return Answer::Failed("server_failing");
            }
        }
        found.queries += 1;
        let answer = self
            .lookup(resolver, domain, kind, deadline)
            .map_or(Answer::Failed("timeout"), |answer| dns_answer::read(answer, domain));
        let word = match &answer {
            Answer::Absent { .. } => "nxdomain",
            Answer::Delegated { .. } => "delegated",
            Answer::Other(word) | Answer::Failed(word) => word,
        };
        match answer {
            Answer::Failed(_) => failures.fetch_add(1, Ordering::Relaxed),
            _ => failures.swap(0, Ordering::Relaxed),
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
    ) -> Option<Result<Lookup, NetError>> {
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
/// The same from which it is told to be.
const SILENT: u32 = 3;
const RETRY_EVERY: u32 = 32;
/// Past any resolver's own patience.
const FAR: Duration = Duration::from_secs(60);

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
/// With `anchors` it checks signatures.
fn resolver(address: SocketAddr, timeout: Duration, anchors: Option<Arc<TrustAnchors>>) -> Option<TokioResolver> {
    let mut udp = ConnectionConfig::udp();
    udp.port = address.port();
    let mut tcp = ConnectionConfig::tcp();
    tcp.port = address.port();
    let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
    let mut builder =
        Resolver::builder_with_config(ResolverConfig::from_name_servers(vec![server]), TokioRuntimeProvider::default());
    if let Some(anchors) = anchors {
        builder = builder.with_trust_anchor(anchors);
    }
    let options = builder.options_mut();
    options.timeout = timeout;
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.num_concurrent_reqs = 1;
    options.edns0 = true;
    builder.build().ok()
}
