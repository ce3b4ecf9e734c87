//! Where an RDAP question may go: public https, or, where the operator named it, this machine. Never into his own
//! network, whatever a registry's redirect says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Resolves host names, refusing those that point into private networks.
#[derive(Debug, Default)]
pub(super) struct PublicOnly(DefaultResolver);

impl Resolver for PublicOnly {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        // The operator's own proxy may stand inside.
        let proxy = config.proxy().is_some_and(|p| uri.host() == Some(p.host()));
        match proxy || found.iter().all(|address| is_public(address.ip())) {
            true => Ok(found),
            false => Err(ureq::Error::HostNotFound),
        }
    }
}

/// Whether the operator may name this as a base.
pub(super) fn may_start(uri: &Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => uri.host().is_some(),
        Some("http") => is_loopback(uri),
        _ => false,
    }
}

/// Whether a redirect that began at `start` may lead from `from` to `to`.
pub(super) fn may_follow(start: &Uri, from: &Uri, to: &Uri) -> bool {
    if is_loopback(to) {
        return is_loopback(start) && !(from.scheme_str() == Some("https") && to.scheme_str() == Some("http"));
    }
    to.scheme_str() == Some("https") && to.host().is_some_and(|host| literal(host).is_none_or(is_public))
}

/// Whether the host is written as this machine.
pub(super) fn is_loopback(uri: &Uri) -> bool {
    uri.host()
        .is_some_and(|host| host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|ip| ip.is_loopback()))
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    !(a == 0
        || a >= 224
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || shared
        || (a, b, c) == (192, 0, 0))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Only 2000::/3 is handed out; 6to4 and NAT64 prefixes may hide a private IPv4 address.
    let first = ip.segments()[0];
    first & 0xe000 == 0x2000 && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_outside() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let check = |start, from, to, want| {
            assert_eq!(may_follow(&uri(start), &uri(from), &uri(to)), want, "{start} {from} {to}")
        };
        check("https://a.example/", "https://a.example/", "https://b.example/x", true);
        check("https://a.example/", "https://a.example/", "http://b.example/x", false);
        for inside in [
            "https://10.0.0.1/",
            "https://127.0.0.1/",
            "http://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
            "https://[fd00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
        ] {
            check("https://a.example/", "https://a.example/", inside, false);
        }
        check("http://127.0.0.1:1/", "http://127.0.0.1:1/", "http://127.0.0.1:2/", true);
        check("http://127.0.0.1:1/", "http://127.0.0.1:1/", "https://192.168.0.1/", false);
        check("http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://127.0.0.1:2/", false);
    }
}
