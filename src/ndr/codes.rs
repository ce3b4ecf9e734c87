//! What a code says when nobody wrote a text beside it: RFC 3463, RFC 5321 and providers' published code lists.

use super::mask::Masked;
use crate::{bounce::BounceType, error::Error};

const SHIPPED: &str = include_str!("../../data/rules/codes.tsv");

/// Meaning of bare codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    /// Sorted by code.
    table: Vec<(String, BounceType, f32)>,
}

impl Codes {
    pub(super) fn shipped() -> Result<Self, Error> {
        let mut table = Vec::new();
        for (n, line) in SHIPPED.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let mut cells = line.split('\t');
            let row =
                (|| Some((cells.next()?.to_string(), BounceType::parse(cells.next()?)?, cells.next()?.parse().ok()?)))(
                );
            table.push(row.ok_or_else(|| Error::Data {
                name: "codes.tsv".into(),
                cause: format!("line {}: needs code, type, confidence", n + 1),
            })?);
        }
        table.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Codes { table })
    }

    /// For a reply without words: the enhanced code first, then its last two numbers, then the basic code.
    pub(super) fn judge(&self, masked: &Masked) -> (BounceType, f32) {
        let by = |key: &str| {
            self.table.binary_search_by(|row| row.0.as_str().cmp(key)).ok().map(|i| (self.table[i].1, self.table[i].2))
        };
        masked
            .enhanced()
            .and_then(|e| by(&e.to_string()).or_else(|| by(&format!("x.{}.{}", e.subject, e.detail))))
            .or_else(|| masked.code().and_then(|c| by(&c.to_string())))
            .unwrap_or((BounceType::Other, 0.3))
    }

    /// Whether a masked reply has no word to judge by.
    pub(super) fn is_bare(text: &str) -> bool {
        let mut inside = false;
        !text.chars().any(|c| {
            match c {
                '{' => inside = true,
                '}' => inside = false,
                _ => {}
            }
            !inside && c.is_alphabetic()
        }) && !text.contains("{list")
            && !text.contains("{url=")
    }
}
