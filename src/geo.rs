//! Which country an IP address is in: the one door to the `maxminddb` crate.
//!
//! In: an mmdb file of countries or cities (DB-IP, GeoLite2, or one's own).
//! Out: the ISO 3166 code of an address, `None` where the file does not know.
//! Never: asks the network, or trusts the file: what is broken in it knows no country.

use std::{fs, net::IpAddr, path::Path};

use maxminddb::{LookupResult, PathElement, Reader, WithinOptions};

use crate::error::Error;

/// Networks looked at for a country before a file is taken for one of something else.
const PROBED: usize = 10_000;

/// A file of countries, whole in memory.
#[derive(Debug)]
pub struct Countries(Reader<Vec<u8>>);

/// Two upper-case letters of ISO 3166.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Countries {
    /// Reads the file; one that tells of no country is refused too.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
        let wrong = |cause: String| Error::Data { name: path.display().to_string(), cause };
        let broken = |e| wrong(format!("is no intact mmdb file ({e}); download it again"));
        let reader = Reader::from_source(bytes).map_err(broken)?;
        for network in reader.networks(WithinOptions::default()).map_err(broken)?.take(PROBED) {
            if country(&network.map_err(broken)?).is_some() {
                return Ok(Countries(reader));
            }
        }
        Err(wrong("tells of no country; --geoip takes an mmdb file of countries or cities".to_owned()))
    }

    /// The country of an address; one of IPv4 may be written as IPv6.
    pub fn of(&self, ip: IpAddr) -> Option<Country> {
        country(&self.0.lookup(ip.to_canonical()).ok()?)
    }
}

fn country(found: &LookupResult<'_, Vec<u8>>) -> Option<Country> {
    let code: Option<&str> =
        found.decode_path(&[PathElement::Key("country"), PathElement::Key("iso_code")]).ok().flatten();
    Country::parse(code?)
}

impl Country {
    /// From `DE`; `ZZ` is how files say that they do not know.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 2] = code.as_bytes().try_into().ok()?;
        (letters.iter().all(u8::is_ascii_uppercase) && code != "ZZ").then_some(Country(letters))
    }

    /// `DE`
    pub fn code(&self) -> &str {
        // Only letters get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
