//! Whom to believe that a server is who it says.

use std::{path::Path, sync::Arc};

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::Error;

/// The public authorities that ship, or those of the operator's file instead.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Option<Arc<Vec<Certificate<'static>>>>);

impl Authorities {
    /// All certificates of a PEM file; the shipped ones where none is named.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Authorities::default()) };
        let wrong = |cause: &str| Error::Usage(format!("--ca-file {}: {cause}", path.display()));
        let text = std::fs::read(path).map_err(|e| wrong(&e.to_string()))?;
        let mut certificates = Vec::new();
        for item in parse_pem(&text) {
            if let PemItem::Certificate(one) = item.map_err(|_| wrong("is no PEM text"))? {
                certificates.push(one);
            }
        }
        if certificates.is_empty() {
            return Err(wrong("holds no PEM certificate"));
        }
        Ok(Authorities(Some(Arc::new(certificates))))
    }

    /// As an HTTP client takes them.
    pub fn http(&self) -> TlsConfig {
        let roots = self.0.clone().map_or(RootCerts::WebPki, RootCerts::Specific);
        TlsConfig::builder().root_certs(roots).build()
    }

    /// Those of the operator's file, as DER.
    pub fn own(&self) -> Option<impl Iterator<Item = &[u8]>> {
        self.0.as_ref().map(|all| all.iter().map(Certificate::der))
    }
}
