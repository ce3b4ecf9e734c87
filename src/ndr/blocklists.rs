//! Blocklists by name: which list a host, a link or a phrase belongs to.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::HashMap;
use serde::Deserialize;

use crate::error::Error;

const SHIPPED: &str = include_str!("../../data/blocklists.toml");

/// Every known list, found by domain or by phrase.
#[derive(Debug, Clone, Default)]
pub struct Blocklists {
    domains: HashMap<String, Arc<str>>,
    phrases: Vec<(String, Arc<str>)>,
    search: Option<AhoCorasick>,
}

#[derive(Deserialize)]
struct File {
    list: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    phrases: Vec<String>,
}

impl Blocklists {
    /// The lists in `data/blocklists.toml`.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse(SHIPPED)
    }

    /// From a file of that form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File =
            toml::from_str(text).map_err(|e| Error::Data { name: "blocklists.toml".into(), cause: e.to_string() })?;
        let mut lists = Blocklists::default();
        for entry in file.list {
            let name: Arc<str> = entry.name.as_str().into();
            for d in entry.domains {
                lists.domains.insert(d.to_ascii_lowercase(), name.clone());
            }
            for p in entry.phrases {
                lists.phrases.push((p.to_ascii_lowercase(), name.clone()));
            }
        }
        // The longest phrase first: `spamhaus` must not hide a more exact one.
        lists.phrases.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(lists.phrases.iter().map(|(p, _)| p.as_str()));
        lists.search = Some(search.map_err(|e| Error::Data { name: "blocklists.toml".into(), cause: e.to_string() })?);
        Ok(lists)
    }

    /// The list a host name belongs to: `zen.spamhaus.org` is Spamhaus's. Looks at the last two and three labels.
    pub fn of_host(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.');
        let b = host.as_bytes();
        let mut dots = b.iter().enumerate().rev().filter(|(_, c)| **c == b'.').map(|(i, _)| i).skip(1);
        let two = dots.next().map_or(0, |i| i + 1);
        let three = dots.next().map_or(0, |i| i + 1);
        let find = |from: usize| {
            let mut buffer = [0_u8; 48];
            let low = buffer.get_mut(..b.len() - from)?;
            low.copy_from_slice(&b[from..]);
            low.make_ascii_lowercase();
            self.domains.get(std::str::from_utf8(low).ok()?).map(|name| &**name)
        };
        find(two).or_else(|| if three == two { None } else { find(three) })
    }

    /// The list a masked reply names, by link, host or phrase.
    pub fn of_text(&self, masked: &str) -> Option<Arc<str>> {
        if let Some(at) = masked.find("{list=") {
            let rest = &masked[at + 6..];
            return rest.find('}').map(|end| rest[..end].into());
        }
        let b = masked.as_bytes();
        let free = |c: Option<&u8>| !c.is_some_and(u8::is_ascii_alphanumeric);
        self.search
            .as_ref()?
            .find_iter(masked)
            .find(|m| free(m.start().checked_sub(1).and_then(|p| b.get(p))) && free(b.get(m.end())))
            .map(|m| self.phrases[m.pattern().as_usize()].1.clone())
    }
}
