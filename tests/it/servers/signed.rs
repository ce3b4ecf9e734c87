//! DNSSEC by hand (RFC 4034, 4035): a signed root, signed top-level domains below it, and proofs that a name or a
//! delegation's signature is not there. ECDSA P-256 with ring, nothing of the library under test.

use std::{collections::BTreeMap, time::SystemTime};

use ring::{digest, rand::SystemRandom, signature};

use super::dns::wire;

const NS: u16 = 2;
const SOA: u16 = 6;
pub(super) const DS: u16 = 43;
const RRSIG: u16 = 46;
const NSEC: u16 = 47;
pub(super) const DNSKEY: u16 = 48;
const TTL: u32 = 3600;

/// A record: owner, type, data.
pub(super) type Record = (String, u16, Vec<u8>);

/// The keys of the root and of the signed top-level domains.
pub(super) struct Keys(BTreeMap<String, Key>);

struct Key {
    pair: signature::EcdsaKeyPair,
    dnskey: Vec<u8>,
}

impl Keys {
    /// New keys for the root and `tlds`.
    pub(super) fn of(tlds: &[&str]) -> Keys {
        let random = SystemRandom::new();
        let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = |zone: &&str| {
            let pkcs8 = signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = signature::EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
            let point = signature::KeyPair::public_key(&pair).as_ref()[1..].to_vec();
            ((*zone).to_owned(), Key { dnskey: [vec![1, 1, 3, 13], point].concat(), pair })
        };
        Keys(tlds.iter().chain([&""]).map(key).collect())
    }

    /// Nothing is signed.
    pub(super) fn none() -> Keys {
        Keys(BTreeMap::new())
    }

    /// The root's key as a zone file has it.
    pub(super) fn anchor(&self) -> String {
        self.0.get("").map_or(String::new(), |k| format!(". 3600 IN DNSKEY 257 3 13 {}\n", base64(&k.dnskey[4..])))
    }

    pub(super) fn signs(&self, zone: &str) -> bool {
        self.0.contains_key(zone)
    }

    /// A zone's keys.
    pub(super) fn keys(&self, zone: &str) -> Vec<Record> {
        self.signed(zone, zone, DNSKEY, self.0[zone].dnskey.clone())
    }

    /// The root's word on a top-level domain's key, or that it has none: answer, authority.
    pub(super) fn delegation(&self, tld: &str) -> (Vec<Record>, Vec<Record>) {
        match self.0.get(tld) {
            Some(key) => {
                let digest = digest::digest(&digest::SHA256, &[wire(tld), key.dnskey.clone()].concat());
                let ds = [&tag(&key.dnskey).to_be_bytes()[..], &[13, 2], digest.as_ref()].concat();
                (self.signed("", tld, DS, ds), Vec::new())
            }
            None => {
                let next = [wire(&format!("{tld}0")), types(&[NS, RRSIG, NSEC])].concat();
                (Vec::new(), [self.soa(""), self.signed("", tld, NSEC, next)].concat())
            }
        }
    }

    /// That nothing is between a zone's apex and its last name: no such name, and no wildcard.
    pub(super) fn denial(&self, zone: &str) -> Vec<Record> {
        let last = if zone.is_empty() { "zzzzzzzz".to_owned() } else { format!("zzzzzzzz.{zone}") };
        let next = [wire(&last), types(&[NS, SOA, RRSIG, NSEC, DNSKEY])].concat();
        [self.soa(zone), self.signed(zone, zone, NSEC, next)].concat()
    }

    fn soa(&self, zone: &str) -> Vec<Record> {
        self.signed(zone, zone, SOA, super::dns::soa())
    }

    /// A record and `zone`'s signature over it.
    fn signed(&self, zone: &str, owner: &str, kind: u16, data: Vec<u8>) -> Vec<Record> {
        let key = &self.0[zone];
        #[allow(clippy::disallowed_methods, reason = "signatures are checked against the real time")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32;
        let labels = owner.split('.').filter(|l| !l.is_empty()).count() as u8;
        let mut rrsig = [&kind.to_be_bytes()[..], &[13, labels], &TTL.to_be_bytes()].concat();
        rrsig.extend((now + 86_400).to_be_bytes());
        rrsig.extend((now - 86_400).to_be_bytes());
        rrsig.extend(tag(&key.dnskey).to_be_bytes());
        rrsig.extend(wire(zone));
        let mut text = rrsig.clone();
        text.extend(wire(owner));
        text.extend(kind.to_be_bytes());
        text.extend([0, 1]);
        text.extend(TTL.to_be_bytes());
        text.extend((data.len() as u16).to_be_bytes());
        text.extend(&data);
        rrsig.extend(key.pair.sign(&SystemRandom::new(), &text).unwrap().as_ref());
        vec![(owner.to_owned(), kind, data), (owner.to_owned(), RRSIG, rrsig)]
    }
}

/// Whether a question (ending at `end`) asks for signatures: the DO bit of its OPT record (RFC 3225).
pub(super) fn wanted(message: &[u8], end: usize) -> bool {
    message.get(end..end + 3) == Some(&[0, 0, 41]) && message.get(end + 7).is_some_and(|flags| flags & 0x80 != 0)
}

/// RFC 4034, appendix B.
fn tag(dnskey: &[u8]) -> u16 {
    let sum: u32 = dnskey.chunks(2).map(|c| u32::from(c[0]) << 8 | u32::from(*c.get(1).unwrap_or(&0))).sum();
    ((sum + (sum >> 16)) & 0xffff) as u16
}

/// RFC 4034, 4.1.2; types below 256.
fn types(all: &[u16]) -> Vec<u8> {
    let mut bits = vec![0u8; usize::from(*all.last().unwrap()) / 8 + 1];
    for kind in all {
        bits[usize::from(*kind) / 8] |= 0x80 >> (kind % 8);
    }
    [vec![0, bits.len() as u8], bits].concat()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = ALPHABET[(n >> (18 - 6 * at)) as usize & 63] as char;
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}
