//! Mail domains everybody knows, by rank (`data/popular/domains.txt`).

use hashbrown::HashMap;

/// Known names in order of rank.
#[derive(Debug, Clone, Default)]
pub struct Popular {
    names: Vec<Box<str>>,
    ranks: HashMap<Box<str>, u32>,
}

/// At most so many names are read from a list.
const MAX_NAMES: usize = 2_000_000;

impl Popular {
    /// The list shipped in `data/`.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../data/popular/domains.txt"))
    }

    /// One name a line, the most used first; `#` starts a comment.
    pub fn parse(text: &str) -> Self {
        Self::from_names(text.lines().map(|l| l.split('#').next().unwrap_or("").trim()).filter(|l| !l.is_empty()))
    }

    /// Names in order of rank; a name's second mention is ignored.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut popular = Popular::default();
        for name in names.into_iter().take(MAX_NAMES) {
            let name: Box<str> = crate::address::fold(name).into();
            let rank = popular.names.len() as u32;
            if !popular.ranks.contains_key(&name) {
                popular.ranks.insert(name.clone(), rank);
                popular.names.push(name);
            }
        }
        popular
    }

    /// The names, the most used first.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Place from 0, where listed.
    pub fn rank(&self, name: &str) -> Option<u32> {
        self.ranks.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_is_clean() {
        let popular = Popular::shipped();
        assert!(popular.names.len() >= 1500, "{}", popular.names.len());
        for name in popular.names() {
            assert!(
                name.contains('.')
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-'),
                "{name}"
            );
        }
        assert_eq!(popular.rank("gmail.com"), Some(0));
        for real in [
            "ymail.com",
            "gmx.com",
            "aol.de",
            "live.nl",
            "mail.ru",
            "gmail.ru",
            "hotmail.co.uk",
            "qq.com",
            "163.com",
            "126.com",
        ] {
            assert!(popular.rank(real).is_some(), "{real}");
        }
        for slip in
            ["gmial.com", "gmai.com", "yahoo.cn", "yaho.com", "hotmial.com", "gmail.co", "outlok.com", "gamil.com"]
        {
            assert_eq!(popular.rank(slip), None, "{slip}");
        }
    }
}
