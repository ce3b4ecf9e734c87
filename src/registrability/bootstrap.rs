//! Which RDAP server speaks for a top-level domain (RFC 9224): IANA's `dns.json`, shipped or given.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use ureq::http::Uri;

use super::address;
use crate::error::Error;

/// TLD → bases, https before http.
#[derive(Debug, Clone, Default)]
pub(super) struct Bootstrap(BTreeMap<String, Vec<String>>);

#[derive(Deserialize)]
struct File {
    services: Vec<(Vec<String>, Vec<String>)>,
}

impl Bootstrap {
    /// The file given, or the one shipped in `data/`.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Error> {
        match path {
            None => Self::parse("rdap-bootstrap.json", include_str!("../../data/rdap-bootstrap.json")),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
                Self::parse(&path.display().to_string(), &text)
            }
        }
    }

    /// Bases that may not be asked (plain http to anywhere but this machine) are left out.
    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file: File = serde_json::from_str(text).map_err(|e| Error::Data {
            name: name.to_owned(),
            cause: format!("no RDAP bootstrap file (RFC 9224): {e}"),
        })?;
        let mut bases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (tlds, urls) in file.services {
            let mut usable: Vec<String> =
                urls.into_iter().filter(|u| u.parse::<Uri>().is_ok_and(|uri| address::may_start(&uri))).collect();
            usable.sort_by_key(|u| !u.starts_with("https:"));
            for tld in tlds {
                let tld = idna::domain_to_ascii(tld.trim_start_matches('.')).unwrap_or(tld);
                bases.entry(tld).or_default().extend(usable.iter().cloned());
            }
        }
        Ok(Bootstrap(bases))
    }

    /// The bases of the longest listed suffix of `domain`.
    pub(super) fn bases(&self, domain: &str) -> &[String] {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(found) = self.0.get(parent).filter(|b| !b.is_empty()) {
                return found;
            }
            rest = parent;
        }
        &[]
    }
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
        assert!(shipped.0.len() > 1000);
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let text = r#"{"version":"1.0","services":[[["a"],["http://rdap.example/"]],[["b","C"],["http://127.0.0.1:8080/","https://rdap.example/"]],[["co.d"],["http://[::1]:1/x/"]]]}"#;
        let parsed = Bootstrap::parse("x", text).unwrap();
        assert!(parsed.bases("x.a").is_empty());
        assert_eq!(parsed.bases("x.b"), ["https://rdap.example/", "http://127.0.0.1:8080/"]);
        assert_eq!(parsed.bases("x.c").len(), 2);
        assert_eq!(parsed.bases("x.co.d"), ["http://[::1]:1/x/"]);
        assert!(Bootstrap::parse("x", "{}").is_err());
    }
}
