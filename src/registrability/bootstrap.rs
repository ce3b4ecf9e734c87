//! Which RDAP server speaks for a top-level domain or an IP network (RFC 9224): IANA's lists, shipped or given.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use serde::Deserialize;
use ureq::http::Uri;

use super::address;
use crate::error::Error;

/// Who speaks for what; bases with https before http.
#[derive(Debug, Clone, Default)]
pub(super) struct Bootstrap {
    tlds: BTreeMap<String, Vec<String>>,
    /// First address as a number, leading bits, whether IPv6.
    networks: BTreeMap<(bool, u128, u32), Vec<String>>,
}

#[derive(Deserialize)]
struct File {
    services: Vec<(Vec<String>, Vec<String>)>,
}

impl Bootstrap {
    /// The file given, or those shipped in `data/`. One that names no networks leaves the shipped ones in force.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let mut all = match path {
            None => Self::parse("rdap-bootstrap.json", include_str!("../../data/rdap-bootstrap.json"))?,
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
                Self::parse(&path.display().to_string(), &text)?
            }
        };
        if all.networks.is_empty() {
            let shipped = include_str!("../../data/rdap-networks.json");
            all.networks = Self::parse("rdap-networks.json", shipped)?.networks;
        }
        Ok(all)
    }

    /// Bases that may not be asked (plain http to anywhere but this machine) are left out.
    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file: File = serde_json::from_str(text).map_err(|e| Error::Data {
            name: name.to_owned(),
            cause: format!("no RDAP bootstrap file (RFC 9224): {e}"),
        })?;
        let mut all = Bootstrap::default();
        for (keys, urls) in file.services {
            let mut usable: Vec<String> =
                urls.into_iter().filter(|u| u.parse::<Uri>().is_ok_and(|uri| address::may_start(&uri))).collect();
            usable.sort_by_key(|u| !u.starts_with("https:"));
            for key in keys {
                let bases = match network(&key) {
                    Some(network) => all.networks.entry(network).or_default(),
                    None => {
                        let tld = idna::domain_to_ascii(key.trim_start_matches('.')).unwrap_or(key);
                        all.tlds.entry(tld).or_default()
                    }
                };
                bases.extend(usable.iter().cloned());
            }
        }
        Ok(all)
    }

    /// The bases of the longest listed suffix of `domain`.
    pub(super) fn bases(&self, domain: &str) -> &[String] {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(found) = self.tlds.get(parent).filter(|b| !b.is_empty()) {
                return found;
            }
            rest = parent;
        }
        &[]
    }

    /// The bases of the smallest listed network around `ip`.
    pub(super) fn bases_of(&self, ip: IpAddr) -> &[String] {
        let (six, bits, number) = numbered(ip);
        (0..=bits)
            .rev()
            .find_map(|length| self.networks.get(&(six, first(number, bits, length), length)))
            .map_or(&[], Vec::as_slice)
    }
}

/// `41.0.0.0/8`, `2c00::/12`
fn network(text: &str) -> Option<(bool, u128, u32)> {
    let (ip, length) = text.split_once('/')?;
    let ((six, bits, number), length) = (numbered(ip.parse().ok()?), length.parse().ok()?);
    (length <= bits).then(|| (six, first(number, bits, length), length))
}

/// Whether IPv6, bits, number.
fn numbered(ip: IpAddr) -> (bool, u32, u128) {
    match ip {
        IpAddr::V4(ip) => (false, 32, u128::from(ip.to_bits())),
        IpAddr::V6(ip) => (true, 128, ip.to_bits()),
    }
}

/// The first address of the network.
fn first(number: u128, bits: u32, length: u32) -> u128 {
    let host = bits - length;
    number.checked_shr(host).and_then(|n| n.checked_shl(host)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_names_the_large_registries_over_https_only() {
        let shipped = Bootstrap::open(None).unwrap();
        for name in ["gmial.com", "x.net", "x.org", "x.co.uk", "x.fr", "x.com.br"] {
            assert!(shipped.bases(name).first().is_some_and(|b| b.starts_with("https://")), "{name}");
        }
        assert!(shipped.bases("x.invalid").is_empty());
        assert!(shipped.tlds.len() > 1000);
        for (ip, at) in [
            ("193.0.0.1", "ripe"),
            ("8.8.8.8", "arin"),
            ("1.1.1.1", "apnic"),
            ("200.1.1.1", "lacnic"),
            ("41.1.1.1", "afrinic"),
            ("2a00::1", "ripe"),
            ("2001:4200::1", "afrinic"),
        ] {
            assert!(shipped.bases_of(ip.parse().unwrap())[0].contains(at), "{ip}");
        }
        for ip in ["10.0.0.1", "127.0.0.1", "224.0.0.1", "::1", "fe80::1", "3fff::1"] {
            assert!(shipped.bases_of(ip.parse().unwrap()).is_empty(), "{ip}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let text = r#"{"version":"1.0","services":[[["a"],["http://rdap.example/"]],[["b","C"],["http://127.0.0.1:8080/","https://rdap.example/"]],[["co.d","198.51.100.0/24","198.51.100.128/25","0.0.0.0/0","1.2.3.4/33"],["http://[::1]:1/x/"]]]}"#;
        let parsed = Bootstrap::parse("x", text).unwrap();
        assert!(parsed.bases("x.a").is_empty());
        assert_eq!(parsed.bases("x.b"), ["https://rdap.example/", "http://127.0.0.1:8080/"]);
        assert_eq!(parsed.bases("x.c").len(), 2);
        assert_eq!(parsed.bases("x.co.d"), ["http://[::1]:1/x/"]);
        for ip in ["198.51.100.7", "198.51.100.200", "255.255.255.255"] {
            assert_eq!(parsed.bases_of(ip.parse().unwrap()), ["http://[::1]:1/x/"]);
        }
        assert!(parsed.bases_of("2a00::1".parse().unwrap()).is_empty());
        assert_eq!(parsed.networks.len(), 3);
        assert!(Bootstrap::parse("x", "{}").is_err());
    }
}
