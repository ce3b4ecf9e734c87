//! IP networks: which addresses are nobody's to block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `192.0.2.0/24`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u32,
}

impl Network {
    /// `None` where `text` is no address or the length is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.trim().parse().ok()?;
        let (full, skipped) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let length = length.map_or(Some(full), |l| l.trim().parse().ok().filter(|n| *n <= full))?;
        Some(Network { base: wide(address), bits: skipped + length })
    }

    /// Whether `ip` is in it.
    pub fn holds(&self, ip: IpAddr) -> bool {
        let apart = wide(ip) ^ self.base;
        self.bits == 0 || apart >> (128 - self.bits) == 0
    }
}

/// An address as one whole: `::ffff:192.0.2.1` is `192.0.2.1`.
pub(super) fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// Whether it is an address of the public Internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.octets()[0] == 0
                || ip.octets()[0] >= 240
                || shared)
        }
        // Global unicast is 2000::/3.
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}

/// IPv4 addresses stand where IPv6 maps them.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::to_ipv6_mapped(&ip).to_bits(),
        IpAddr::V6(ip) => Ipv6Addr::to_bits(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_is_in_them() {
        for (net, ip, inside) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
        ] {
            assert_eq!(Network::parse(net).unwrap().holds(ip.parse().unwrap()), inside, "{net} {ip}");
        }
        for bad in ["", "x", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/-1", "192.0.2.0/"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
        for (ip, public) in [
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.1.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("8.8.8.8", true),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::1", false),
            ("2606:4700::1", true),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
