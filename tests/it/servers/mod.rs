//! DNS, RDAP and WHOIS servers on loopback that tell the same story about a set of names, and misbehave on demand.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its servers has failed")]

mod dns;
pub(crate) mod knot;
mod rdap;
mod signed;
mod web;
mod whois;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// What is true of a name, or what goes wrong when it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test uses its part of the world")]
pub(crate) enum Fate {
    /// Delegated; the registry has a record.
    Registered,
    /// Nobody has it.
    Registrable,
    /// Registered on 2022-07-04; delegated, and the registry has a record with a registrar and name servers.
    TakenOver,
    /// Registered; a null MX.
    RefusesMail,
    /// Registered; no MX.
    WithoutMx,
    /// Not in DNS; the registry says redemption.
    Redemption,
    /// Not in DNS; the registry says pending delete.
    PendingDelete,
    /// Not in DNS; the registry keeps it.
    Reserved,
    /// Not in DNS; the registry has a record with `client hold`.
    OnHold,
    /// DNS fails; the registry has no record.
    Servfail,
    /// Registered; DNS takes its time.
    Slow,
    /// Nobody answers about it.
    Silent,
    /// Held, not delegated: DNS has addresses only.
    Undelegated,
    /// In DNS under a wildcard; the registry has no record.
    Wildcard,
    /// Delegated, and the answer comes only over TCP.
    Truncated,
    /// Absent from DNS over TCP only; the registry has no record.
    AbsentTruncated,
    /// Held, not in DNS; RDAP answers with this.
    RegisteredRdap(Http),
    /// Free; RDAP answers with this.
    FreeRdap(Http),
    /// Free; DNS answers with this.
    FreeDns(Dns),
    /// Held, not in DNS; WHOIS answers with this (ask under a TLD without RDAP).
    RegisteredWhois(Port43),
    /// Free; WHOIS answers with this.
    FreeWhois(Port43),
}

/// How the RDAP server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test uses its part of the world")]
pub(crate) enum Http {
    RateLimited,
    /// The first question is refused for a second, the next answered.
    RateLimitedOnce,
    ServerError,
    Garbage,
    OtherName,
    Silence,
    Reset,
    Endless,
    RedirectHere,
    RedirectLoop,
    RedirectInside,
    HtmlNotFound,
    Drip,
}

/// How the DNS server misbehaves about a name that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test uses its part of the world")]
pub(crate) enum Dns {
    WithoutSoa,
    OwnSoa,
    Refused,
    NotImplemented,
    Garbage,
    WrongId,
    OtherName,
    /// The same over TCP, after a truncated answer.
    OtherNameOverTcp,
    Empty,
    /// "No such name" without the signatures its zone would send.
    Unproven,
    /// "No such name", but an address for it: what some providers' resolvers sell.
    Hijacked,
}

/// How the WHOIS server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test uses its part of the world")]
pub(crate) enum Port43 {
    Latin1,
    Endless,
    Drip,
    Reset,
    RateLimited,
    Empty,
    Silence,
}

impl Fate {
    /// Whether somebody (or the registry) has the name.
    pub(crate) fn is_taken(self) -> bool {
        !matches!(
            self,
            Fate::Registrable
                | Fate::Servfail
                | Fate::Silent
                | Fate::Wildcard
                | Fate::AbsentTruncated
                | Fate::FreeRdap(_)
                | Fate::FreeDns(_)
                | Fate::FreeWhois(_)
        )
    }
}

/// TLDs of the world that have an RDAP server; all have WHOIS.
pub(crate) const RDAP_TLDS: [&str; 5] = ["com", "net", "org", "cn", "fr"];
/// TLDs with WHOIS only.
pub(crate) const WHOIS_TLDS: [&str; 4] = ["de", "ru", "io", "kr"];

/// Further TLDs with RDAP, for worlds made elsewhere; those of the zones come on top.
const MORE_TLDS: [&str; 24] = [
    "ai", "app", "au", "biz", "br", "ca", "ch", "co", "dev", "edu", "es", "eu", "hk", "in", "info", "it", "jp", "me",
    "nl", "pl", "tw", "uk", "us", "xyz",
];

/// The running servers; they end when it is dropped.
pub(crate) struct World {
    /// Where DNS is.
    pub(crate) dns: SocketAddr,
    /// An IANA-like `dns.json` naming the RDAP server.
    pub(crate) bootstrap: PathBuf,
    /// A TLD → `host:port` file naming the WHOIS server.
    pub(crate) whois_servers: PathBuf,
    /// `http://…/{domain}`: each domain's web pages.
    pub(crate) web: String,
    /// The root's key, where it is signed.
    pub(crate) anchor: PathBuf,
    /// Questions received.
    pub(crate) asked: Arc<Asked>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// Questions received, and every name in them.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) dns: AtomicU64,
    pub(crate) rdap: AtomicU64,
    pub(crate) whois: AtomicU64,
    pub(crate) web: AtomicU64,
    pub(crate) names: std::sync::Mutex<BTreeMap<String, u64>>,
}

/// What every server knows.
struct Truth {
    zones: BTreeMap<String, Fate>,
    default: Fate,
    /// Resolvers of some providers answer everything.
    lying: bool,
    /// Names under these TLDs all have an address.
    wildcard_tlds: Vec<String>,
    keys: signed::Keys,
    /// Names refused once.
    refused: std::sync::Mutex<BTreeSet<String>>,
    stop: Arc<AtomicBool>,
    asked: Arc<Asked>,
}

impl Truth {
    /// The fate of the listed name at or above `name`.
    fn of(&self, name: &str) -> Fate {
        let mut rest = name;
        loop {
            if let Some(fate) = self.zones.get(rest) {
                return *fate;
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return self.default,
            }
        }
    }

    fn note(&self, name: &str) {
        *self.asked.names.lock().unwrap().entry(name.to_owned()).or_default() += 1;
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// How a world is set up beyond its names.
pub(crate) struct Setup<'a> {
    pub(crate) zones: &'a [(String, Fate)],
    pub(crate) default: Fate,
    pub(crate) lying: bool,
    pub(crate) wildcard_tlds: &'a [&'a str],
    /// Top-level domains that are signed, below a root that is.
    pub(crate) signed_tlds: &'a [&'a str],
}

impl<'a> Setup<'a> {
    /// Servers that know `zones`; everything else is free.
    pub(crate) fn of(zones: &'a [(String, Fate)]) -> Self {
        Setup { zones, default: Fate::Registrable, lying: false, wildcard_tlds: &[], signed_tlds: &[] }
    }
}

impl World {
    /// Servers that know `zones`; everything else is free.
    pub(crate) fn start(zones: &[(String, Fate)]) -> World {
        Self::with(Setup::of(zones))
    }

    /// Servers set up in every respect.
    pub(crate) fn with(setup: Setup<'_>) -> World {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(Asked::default()));
        let truth = Arc::new(Truth {
            zones: setup.zones.iter().cloned().collect(),
            default: setup.default,
            lying: setup.lying,
            wildcard_tlds: setup.wildcard_tlds.iter().map(|t| (*t).to_owned()).collect(),
            keys: if setup.signed_tlds.is_empty() { signed::Keys::none() } else { signed::Keys::of(setup.signed_tlds) },
            refused: Default::default(),
            stop: stop.clone(),
            asked: asked.clone(),
        });
        let mut threads = Vec::new();
        let dns = dns::serve(&truth, &mut threads);
        let rdap = rdap::serve(&truth, &mut threads);
        let whois = whois::serve(&truth, &mut threads);
        let web = format!("http://{}/{{domain}}", web::serve(&truth, &mut threads));
        let folder = tempfile::tempdir().unwrap();
        let anchor = folder.path().join("root.key");
        std::fs::write(&anchor, truth.keys.anchor()).unwrap();
        let (bootstrap, whois_servers) = (folder.path().join("dns.json"), folder.path().join("whois.json"));
        let with_rdap: BTreeSet<&str> = setup
            .zones
            .iter()
            .filter_map(|(name, _)| name.rsplit('.').next())
            .chain(RDAP_TLDS)
            .chain(MORE_TLDS)
            .filter(|tld| !WHOIS_TLDS.contains(tld))
            .collect();
        let services =
            serde_json::json!({"version": "1.0", "services": [[with_rdap, [format!("http://{rdap}/rdap/")]]]});
        std::fs::write(&bootstrap, services.to_string()).unwrap();
        let servers: BTreeMap<&str, String> =
            with_rdap.iter().copied().chain(WHOIS_TLDS).map(|tld| (tld, whois.to_string())).collect();
        std::fs::write(&whois_servers, serde_json::to_string(&servers).unwrap()).unwrap();
        World { dns, bootstrap, whois_servers, web, anchor, asked, stop, threads, _folder: folder }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

/// How long a server's accept loop sleeps before it looks whether the world has ended.
const TICK: Duration = Duration::from_millis(2);

/// Serves every TCP connection on a thread of its own until the world ends.
fn serve_tcp(
    truth: &Arc<Truth>,
    threads: &mut Vec<JoinHandle<()>>,
    listener: std::net::TcpListener,
    handle: fn(&Truth, std::net::TcpStream),
) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let truth = truth.clone();
    threads.push(std::thread::spawn(move || {
        while !truth.stopped() {
            match listener.accept() {
                Ok((stream, _)) => {
                    let truth = truth.clone();
                    std::thread::spawn(move || {
                        stream.set_nonblocking(false).ok();
                        stream.set_read_timeout(Some(Duration::from_secs(2))).ok();
                        stream.set_write_timeout(Some(Duration::from_secs(2))).ok();
                        handle(&truth, stream);
                    });
                }
                Err(_) => std::thread::sleep(TICK),
            }
        }
    }));
    address
}

/// Says nothing until the world ends or the other side has lost patience.
fn stay_silent(truth: &Truth) {
    for _ in 0..200 {
        if truth.stopped() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Closes so that the other side sees a reset: unread input is still waiting.
fn reset(stream: std::net::TcpStream) {
    drop(stream);
}
