//! A WHOIS answer → what the registry says about the name. Pure; the wordings are data/whois-phrases.toml.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Contact, Details, Source, verdict::Registry};
use crate::{error::Error, moment::Timestamp};

/// The registries' wordings.
#[derive(Debug, Clone)]
pub(super) struct Phrases {
    common: Words,
    by_tld: BTreeMap<String, Words>,
}

/// What one answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) registry: Registry,
    /// The evidence's answer.
    pub(super) word: &'static str,
    pub(super) details: Details,
    /// When the record was last changed.
    pub(super) changed: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    tlds: Vec<String>,
    /// A line starts with it, `{domain}` being the name asked; with a final `$` the whole line is it.
    not_found: Vec<String>,
    /// The same, for names the registry keeps.
    reserved: Vec<String>,
    /// Anywhere in an answer that says nothing else.
    limited: Vec<String>,
    /// Anywhere in a line, whatever else the answer says; a common one not where a word of `conditional` is about it.
    hit: Vec<String>,
    conditional: Vec<String>,
    /// Names of fields that only the record of a held name has.
    record: Vec<String>,
    /// Names of fields that tell the state of the name.
    state: Vec<String>,
    /// Parts of such a field's value.
    redemption: Vec<String>,
    pending_delete: Vec<String>,
    withheld: Vec<String>,
    /// A whole value of such a field: the name is held even where the record shows nothing else.
    held: Vec<String>,
    /// As `reserved`: free, at the registry's own price.
    premium: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    common: Words,
    registry: Vec<Words>,
}

impl Phrases {
    /// Those shipped in `data/`.
    pub(super) fn shipped() -> Result<Self, Error> {
        Self::parse(include_str!("../../data/whois-phrases.toml"))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text)
            .map_err(|e| Error::Data { name: "whois-phrases.toml".into(), cause: e.to_string() })?;
        let by_tld = file
            .registry
            .into_iter()
            .flat_map(|words| words.tlds.clone().into_iter().map(move |tld| (tld, words.clone())))
            .collect();
        Ok(Phrases { common: file.common, by_tld })
    }

    /// Reads an answer about `domain`. "Not found" counts only as a line of its own in an answer without a record, so
    /// that neither a remark nor a legal notice can free a name.
    pub(super) fn read(&self, answer: &[u8], domain: &str) -> Reading {
        let text = decode(answer);
        let lines: Vec<String> = text.lines().map(normal).filter(|l| !l.is_empty()).collect();
        let own = self.of(domain);
        let all = |pick: fn(&Words) -> &Vec<String>| -> Vec<&String> {
            pick(&self.common).iter().chain(own.map(pick).into_iter().flatten()).collect()
        };
        let plain = |registry, word| Reading { registry, word, details: Details::default(), changed: None };
        if lines.is_empty() {
            return plain(Registry::Failed, "empty");
        }
        let (record, state) = (all(|w| &w.record), all(|w| &w.state));
        let fields: Vec<(&str, &str)> = lines.iter().filter_map(|l| field(l)).collect();
        let has_record = fields.iter().any(|(key, _)| record.iter().any(|k| k == key));
        let states: Vec<String> =
            fields.iter().filter(|(key, _)| state.iter().any(|k| k == key)).map(|(_, v)| squeezed(v)).collect();
        let state_is = |words: Vec<&String>| states.iter().any(|s| words.iter().any(|w| s.contains(w.as_str())));
        if has_record {
            let unicode = idna::domain_to_unicode(domain).0;
            if !lines.iter().any(|l| mentions(l, domain) || mentions(l, &unicode)) {
                return plain(Registry::Failed, "other_name");
            }
            let (registry, word) = if state_is(all(|w| &w.redemption)) {
                (Registry::Redemption, "redemption")
            } else if state_is(all(|w| &w.pending_delete)) {
                (Registry::PendingDelete, "pending_delete")
            } else if state_is(all(|w| &w.withheld)) {
                (Registry::Reserved, "reserved")
            } else {
                (Registry::Registered, "registered")
            };
            return Reading { registry, word, details: details(&text), changed: changed(&fields) };
        }
        let own_hit = |line: &String| own.is_some_and(|w| w.hit.iter().any(|p| line.contains(p.as_str())));
        // Who has asked too much may be told "no match" of everything.
        if lines.iter().any(|l| own_hit(l) || self.common.tell_of_limit(l)) {
            return plain(Registry::Failed, "rate_limited");
        }
        if state_is(all(|w| &w.redemption)) {
            return plain(Registry::Redemption, "redemption");
        }
        if state_is(all(|w| &w.pending_delete)) {
            return plain(Registry::PendingDelete, "pending_delete");
        }
        let said = |phrases: Vec<&String>| phrases.iter().any(|p| lines.iter().any(|l| says(l, p, domain)));
        if state_is(all(|w| &w.withheld)) || said(all(|w| &w.reserved)) {
            return plain(Registry::Reserved, "reserved");
        }
        if said(all(|w| &w.premium)) {
            return plain(Registry::Failed, "premium");
        }
        if states.iter().any(|s| all(|w| &w.held).contains(&s)) && lines.iter().any(|l| mentions(l, domain)) {
            return plain(Registry::Registered, "registered");
        }
        if said(all(|w| &w.not_found)) {
            return plain(Registry::NotFound, "not_found");
        }
        if all(|w| &w.limited).iter().any(|p| lines.iter().any(|l| l.contains(p.as_str()))) {
            return plain(Registry::Failed, "rate_limited");
        }
        plain(Registry::Failed, "not_understood")
    }

    fn of(&self, domain: &str) -> Option<&Words> {
        let mut rest = domain;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(words) = self.by_tld.get(parent) {
                return Some(words);
            }
            rest = parent;
        }
        None
    }
}

impl Words {
    /// Whether the line says that a limit was hit, not what happens to who hits one.
    fn tell_of_limit(&self, line: &str) -> bool {
        let words = |text| str::split(text, |c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        let conditional = |word| self.conditional.iter().any(|c| c == word);
        self.hit.iter().flat_map(|phrase| line.match_indices(phrase.as_str())).any(|(at, phrase)| {
            !words(&line[..at]).any(conditional) && !words(&line[at + phrase.len()..]).next().is_some_and(conditional)
        })
    }
}

/// Old servers answer in latin-1, whatever the name's script.
fn decode(answer: &[u8]) -> String {
    match std::str::from_utf8(answer) {
        Ok(text) => text.to_owned(),
        Err(_) => answer.iter().map(|&b| char::from(b)).collect(),
    }
}

/// Lower case, comment marks and quotes gone, single spaces.
fn normal(line: &str) -> String {
    let stripped = line.trim_start_matches(|c: char| c.is_whitespace() || "%#*>;-=".contains(c));
    let unquoted: String =
        stripped.chars().filter(|c| !"\"'`«»“”".contains(*c) && !c.is_control() || *c == '\t').collect();
    unquoted.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// `key: value`, `key....: value` or `[key] value`.
fn field(line: &str) -> Option<(&str, &str)> {
    if let Some((key, value)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((key.trim(), value.trim()));
    }
    let (key, value) = line.split_once(':')?;
    Some((key.trim_end_matches(['.', ' ']), value.trim()))
}

/// Whether the line is the phrase, or goes on after it with another word.
fn says(line: &str, phrase: &str, domain: &str) -> bool {
    let (phrase, whole) = match phrase.strip_suffix('$') {
        Some(p) => (p, true),
        None => (phrase, false),
    };
    let unicode = idna::domain_to_unicode(domain).0;
    [domain, unicode.as_str()].iter().any(|name| {
        let wanted = phrase.replace("{domain}", name);
        let rest = line.strip_prefix(wanted.as_str());
        match whole {
            true => rest.is_some_and(|r| r.chars().all(|c| ".!:; ".contains(c))),
            false => rest.is_some_and(ends_name),
        }
    })
}

/// Whether `domain` stands in the line as a name of its own, not as part of a longer one.
fn mentions(line: &str, domain: &str) -> bool {
    line.match_indices(domain).any(|(at, found)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| is_of_name(c) || c == '.' || c == '@') && ends_name(&line[at + found.len()..])
    })
}

/// Whether a name that stands before `after` ends there: `x.com.` does, `x.com.cn` does not.
fn ends_name(after: &str) -> bool {
    !after.strip_prefix('.').unwrap_or(after).starts_with(is_of_name)
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '-'
}

fn squeezed(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn changed(fields: &[(&str, &str)]) -> Option<Timestamp> {
    let keys = ["updated date", "last updated", "last modified", "changed", "modified"];
    fields.iter().find(|(key, _)| keys.contains(key)).and_then(|(_, value)| moment(value))
}

fn details(text: &str) -> Details {
    let mut out = Details::default();
    for line in text.lines().take(MAX_LINES) {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let key = key.trim_matches(|c: char| c.is_whitespace() || c == '.').to_ascii_lowercase();
        let value: String = value.trim().chars().filter(|c| !c.is_control()).take(200).collect();
        if value.is_empty() {
            continue;
        }
        let mut contact = |role: &str| {
            if value.contains('@') && !value.contains(' ') {
                out.contacts.push(Contact { address: value.clone(), role: role.to_owned(), source: Source::Whois });
            }
        };
        match key.as_str() {
            "registrar abuse contact email" | "abuse-mailbox" => contact("abuse"),
            "registrant email" | "registrant contact email" => contact("registrant"),
            "tech email" => contact("technical"),
            "registrar" | "sponsoring registrar" | "registrar name" if out.registrar.is_none() => {
                out.registrar = Some(value)
            }
            "creation date" | "created" | "registered on" | "registration time" | "registered"
                if out.created.is_none() =>
            {
                out.created = moment(&value)
            }
            "registry expiry date" | "expiry date" | "expiration time" | "expires" | "paid-till"
                if out.expires.is_none() =>
            {
                out.expires = moment(&value)
            }
            "name server" | "nserver" | "nameserver" if out.nameservers.len() < 16 => {
                out.nameservers
                    .extend(value.split_whitespace().next().map(|n| n.trim_end_matches('.').to_ascii_lowercase()));
            }
            _ => {}
        }
    }
    out.nameservers.sort();
    out.nameservers.dedup();
    out.contacts.sort();
    out.contacts.dedup();
    out.contacts.truncate(16);
    out
}

const MAX_LINES: usize = 2000;

fn moment(value: &str) -> Option<Timestamp> {
    Timestamp::parse(value).or_else(|| Some(crate::moment::Day::parse(value.get(..10)?)?.start()))
}

#[cfg(test)]
#[path = "phrases_tests.rs"]
mod tests;
