//! Public suffixes and registrable domains (publicsuffix.org), the one door to the `publicsuffix` crate.

use publicsuffix::{List, Psl};

use crate::error::Error;

/// The parsed public suffix list.
#[derive(Debug, Clone)]
pub struct Suffixes(List);

/// How a name stands to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registrable<'a> {
    /// The eTLD+1, borrowed from the name.
    pub domain: &'a str,
    /// The public suffix it stands under.
    pub suffix: &'a str,
    /// Whether the suffix is one a registry sells under (the list's ICANN part), not a company's (its private part).
    pub icann: bool,
}

impl Suffixes {
    /// The list shipped in `data/`.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse(include_str!("../data/public_suffix_list.dat"))
    }

    /// A list in the form of publicsuffix.org.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse().map(Suffixes).map_err(|e: publicsuffix::Error| Error::Data {
            name: "public_suffix_list.dat".into(),
            cause: e.to_string(),
        })
    }

    /// The registrable domain of `name` (lower case ASCII or Unicode, no trailing dot). `None` where the last labels
    /// are no listed suffix (`gmail.con`), or nothing stands before it (`co.uk`).
    pub fn registrable<'a>(&self, name: &'a str) -> Option<Registrable<'a>> {
        let domain = self.0.domain(name.as_bytes())?;
        let suffix = domain.suffix();
        if !suffix.is_known() {
            return None;
        }
        let cut = |len: usize| name.get(name.len() - len..);
        Some(Registrable {
            domain: cut(domain.as_bytes().len())?,
            suffix: cut(suffix.as_bytes().len())?,
            icann: suffix.typ() == Some(publicsuffix::Type::Icann),
        })
    }

    /// Whether `name` itself is a listed suffix (`com`, `co.uk`).
    pub fn is_suffix(&self, name: &str) -> bool {
        self.0.suffix(name.as_bytes()).is_some_and(|s| s.is_known() && s.as_bytes() == name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_the_registry() {
        let list = Suffixes::shipped().unwrap();
        let check = |name, want: Option<(&str, &str)>| {
            assert_eq!(list.registrable(name).map(|r| (r.domain, r.suffix)), want, "{name}")
        };
        check("mail.yaho.com.cn", Some(("yaho.com.cn", "com.cn")));
        check("gmial.com", Some(("gmial.com", "com")));
        check("gmail.con", None);
        check("co.uk", None);
        check("com", None);
        check("", None);
        assert!(list.is_suffix("co.uk") && !list.is_suffix("x.co.uk"));
        assert_eq!(list.registrable("a.b.github.io").map(|r| r.icann), Some(false));
    }
}
