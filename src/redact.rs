//! Pseudonyms that stay the same across one store, so that a report can be shared and its numbers still compared.
//!
//! Local parts of addresses, and IP addresses, are replaced wherever they stand. Domains stay: a report on names a
//! stranger could register is nothing without them. Nobody undoes a pseudonym without the key.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use crate::{
    address,
    enumeration::Campaign,
    findings::{self, Alert, AlertKind, Changes, Findings},
    registrability::Registrability,
};

/// Replaces what points to a person.
#[derive(Clone)]
pub struct Redactor {
    key: [u8; 32],
}

/// Local parts of one finding and what replaces them where they stand alone in its text.
pub(crate) type Locals = BTreeMap<String, String>;

impl Redactor {
    /// One key a store; whoever has it can tell whether a guessed address is the one behind a pseudonym.
    pub fn new(key: [u8; 32]) -> Self {
        Redactor { key }
    }

    /// `tom@example.org` as `u-1f2e3d4c5b6a@example.org`; a pseudonym stays what it is.
    pub fn address(&self, text: &str) -> String {
        let folded = address::fold(text);
        let (local, domain) = (address::local_of(&folded), address::domain_of(&folded));
        if local.is_empty() || is_pseudonym(local, "u-") {
            return folded.into_owned();
        }
        let name = self.pseudonym("u-", &folded);
        if domain.is_empty() { name } else { format!("{name}@{}", self.domain(domain)) }
    }

    /// `192.0.2.1` as `ip-1f2e3d4c5b6a`; what is no IP address is replaced as well.
    pub fn ip(&self, text: &str) -> String {
        if text.is_empty() || is_pseudonym(text, "ip-") {
            return text.to_owned();
        }
        let form = text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string());
        self.pseudonym("ip-", &form)
    }

    /// As it is, up to what no domain holds: behind it anything may stand. `[192.0.2.1]` is an IP address.
    fn domain(&self, domain: &str) -> String {
        if let Some(ip) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
            return format!("[{}]", self.ip(ip));
        }
        let host = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let domain: String = domain.chars().take_while(host).collect();
        if domain.parse::<IpAddr>().is_ok() { self.ip(&domain) } else { domain }
    }

    /// Running text with every address and IP address in it replaced.
    pub fn text(&self, text: &str) -> String {
        self.words(text, &Locals::new())
    }

    /// A path by its last part: folders name people and machines, and the file's name is enough to know it by.
    pub fn file(&self, path: &str) -> String {
        self.text(path.rsplit(['/', '\\']).next().unwrap_or(""))
    }

    /// A whole night's findings, sorted as they were.
    pub fn redact(&self, mut findings: Findings) -> Findings {
        for input in &mut findings.inputs {
            input.path = self.file(&input.path);
            input.format = self.text(&input.format);
        }
        for template in &mut findings.templates.top {
            template.id = self.text(&template.id);
            template.template = self.text(&template.template);
        }
        for list in &mut findings.blocklists {
            list.name = self.text(&list.name);
        }
        for failures in &mut findings.authentication {
            failures.sender_domain = self.text(&failures.sender_domain);
        }
        for domain in &mut findings.domains {
            // An honest domain holds neither an address nor an IP address and stays.
            domain.suspect.domain = self.text(&domain.suspect.domain);
            domain.suspect.intended = self.text(&domain.suspect.intended);
            self.registrability(&mut domain.registrability);
        }
        findings.taken.iter_mut().for_each(|taken| self.registrability(taken));
        for server in &mut findings.lookups.servers {
            server.server = self.text(&server.server);
        }
        for username in &mut findings.usernames {
            let s = &mut username.suspect;
            let locals = self.locals([&s.address, &s.intended].into_iter().chain(&s.senders));
            username.why = self.words(&username.why, &locals);
            s.address = self.address(&s.address);
            s.intended = self.address(&s.intended);
            s.senders = self.sorted(&s.senders, Self::address);
        }
        for receiver in &mut findings.receivers {
            receiver.domain = self.text(&receiver.domain);
        }
        self.changes(&mut findings.changes);
        // Only letters to the people themselves need these.
        findings.slips.clear();
        let mut campaign_words = Locals::new();
        for campaign in &mut findings.campaigns {
            campaign_words.extend(self.campaign(campaign));
        }
        for one in &mut findings.dismissed {
            one.origin = if one.origin.contains('@') { self.address(&one.origin) } else { self.ip(&one.origin) };
        }
        for alert in &mut findings.alerts {
            self.alert(alert, &campaign_words);
        }
        findings
    }

    /// An answer about a domain: who was asked, and what a stranger wrote into its record.
    pub fn registrability(&self, answer: &mut Registrability) {
        let evidence = answer.evidence.iter_mut().flat_map(|e| [&mut e.server, &mut e.answer]);
        let details = &mut answer.details;
        let hosts = details.nameservers.iter_mut().chain(&mut details.mx).chain(&mut details.registrar);
        let contacts = details.contacts.iter_mut().map(|contact| &mut contact.address);
        for text in evidence.chain(hosts).chain(contacts).chain([&mut answer.domain]) {
            *text = self.text(text);
        }
    }

    /// What is told of `alerts`, as a report with `campaigns` would show it; nothing but id and subject is looked at.
    pub fn alerts(&self, alerts: &[Alert], campaigns: &[Campaign]) -> Vec<Alert> {
        let findings = Findings { alerts: alerts.to_vec(), campaigns: campaigns.to_vec(), ..Findings::default() };
        self.redact(findings).alerts
    }

    fn campaign(&self, c: &mut Campaign) -> Locals {
        let locals = self.locals(c.senders.iter().chain(&c.confirmed).chain(&c.logins).chain(&c.helos));
        for why in &mut c.why {
            *why = self.words(why, &locals);
        }
        c.id = self.id(&c.id);
        c.senders = self.sorted(&c.senders, Self::address);
        c.target_domains = self.sorted(&c.target_domains, Self::text);
        c.ips = self.sorted(&c.ips, Self::ip);
        c.logins = self.sorted(&c.logins, Self::address);
        c.helos = self.sorted(&c.helos, Self::address);
        c.confirmed = self.sorted(&c.confirmed, Self::address);
        locals
    }

    fn changes(&self, changes: &mut Changes) {
        for (_, was) in &mut changes.turned {
            *was = self.text(was);
        }
        let turned = changes.turned.iter_mut().map(|(line, _)| line);
        for line in changes.new.iter_mut().chain(&mut changes.gone).chain(turned) {
            match line.kind.as_str() {
                "campaign" => {
                    line.id = self.id(&line.id);
                    line.name = if line.name.contains('@') { self.address(&line.name) } else { self.ip(&line.name) };
                }
                "username" => {
                    line.name = self.address(&line.name);
                    line.id = findings::id("username", &line.name);
                }
                _ => {
                    line.name = self.text(&line.name);
                    line.id = self.text(&line.id);
                }
            }
            line.kind = self.text(&line.kind);
            line.status = self.text(&line.status);
        }
    }

    fn alert(&self, alert: &mut Alert, locals: &Locals) {
        alert.subject = self.words(&alert.subject, locals);
        if alert.kind == AlertKind::GuessingBurst {
            alert.id = self.id(&alert.id);
        } else {
            alert.id = self.text(&alert.id);
        }
        alert.origins.clear();
        // A channel may be somebody's address.
        for channel in &mut alert.sent_to {
            *channel = self.text(channel);
        }
    }

    /// An id made of addresses, hashed once more: else a guessed address could be tried against it.
    pub(crate) fn id(&self, id: &str) -> String {
        if id.starts_with("r-") { id.to_owned() } else { self.pseudonym("r-", id) }
    }

    fn sorted(&self, texts: &[String], replace: impl Fn(&Self, &str) -> String) -> Vec<String> {
        let mut all: Vec<String> = texts.iter().map(|t| replace(self, t)).collect();
        all.sort();
        all
    }

    pub(crate) fn locals<'a>(&self, addresses: impl Iterator<Item = &'a String>) -> Locals {
        addresses
            .filter_map(|a| {
                let folded = address::fold(a).into_owned();
                let local = address::local_of(&folded).to_owned();
                // One or two letters are words of every language before they are somebody's name.
                (local.chars().count() > 2).then(|| {
                    let replaced = self.address(&folded);
                    (local, address::local_of(&replaced).to_owned())
                })
            })
            .collect()
    }

    pub(crate) fn words(&self, text: &str, locals: &Locals) -> String {
        // Not `'`, `=`, `{`, `|`: a local part may hold them, and half of one is still a name.
        let ends = |c: char| c.is_whitespace() || "<>()[],;\"".contains(c);
        let mut out = String::with_capacity(text.len());
        let text = &*self.unquoted(text, ends);
        for piece in text.split_inclusive(ends) {
            let word = piece.trim_end_matches(ends);
            out.push_str(&self.word(word, locals));
            out.push_str(&piece[word.len()..]);
        }
        out
    }

    /// Replaces addresses with a quoted local part, which may hold blanks: `"anna maria"@x.org`.
    fn unquoted<'t>(&self, text: &'t str, ends: impl Fn(char) -> bool) -> Cow<'t, str> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(close) = rest.find("\"@") {
            let domain = close + 2;
            let end = rest[domain..].find(&ends).map_or(rest.len(), |n| domain + n);
            let Some(open) = rest[..close].rfind('"') else {
                out.push_str(&rest[..domain]);
                rest = &rest[domain..];
                continue;
            };
            out.push_str(&rest[..open]);
            out.push_str(&self.address(&rest[open..end]));
            rest = &rest[end..];
        }
        if out.is_empty() && rest.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
    }

    fn word(&self, word: &str, locals: &Locals) -> String {
        let quotes = ['\'', '`'];
        let bare = word.trim_start_matches(quotes);
        if bare.len() < word.len() && !bare.is_empty() {
            return format!("{}{}", &word[..word.len() - bare.len()], self.word(bare, locals));
        }
        let core = word.trim_end_matches(['.', ':', '!', '?', '…', '\'', '`']);
        let tail = &word[core.len()..];
        if core.rfind('@').is_some_and(|at| at > 0) {
            // `mailto:tom@…`, `RCPT:tom@…`
            let start = core.find('@').and_then(|at| core[..at].rfind([':', '/'])).map_or(0, |at| at + 1);
            return format!("{}{}{tail}", &core[..start], self.address(&core[start..]));
        }
        if let Some((ip, port)) = as_ip(core) {
            return format!("{}{port}{tail}", self.ip(&ip));
        }
        if let Some(inside) = core.rsplit_once("//").map(|(_, host)| host.split(['/', '?']).next().unwrap_or(host))
            && let Some((ip, port)) = as_ip(inside)
        {
            return core.replacen(inside, &format!("{}{port}", self.ip(&ip)), 1) + tail;
        }
        match locals.get(&core.to_lowercase()) {
            Some(replaced) => format!("{replaced}{tail}"),
            None => word.to_owned(),
        }
    }

    /// 48 bits: among a million names of one store, two share a pseudonym with a chance of 1 in 560.
    fn pseudonym(&self, prefix: &str, text: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(prefix.as_bytes()).update(text.as_bytes());
        format!("{prefix}{}", &hasher.finalize().to_hex()[..12])
    }
}

impl std::fmt::Debug for Redactor {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

/// An IP address and the `:port`, or the `/bits` of a network, after it.
fn as_ip(word: &str) -> Option<(String, &str)> {
    if word.parse::<IpAddr>().is_ok() {
        return Some((word.to_owned(), ""));
    }
    if let Some((ip, bits)) = word.rsplit_once('/')
        && ip.parse::<IpAddr>().is_ok()
        && bits.bytes().all(|b| b.is_ascii_digit())
    {
        return Some((ip.to_owned(), &word[ip.len()..]));
    }
    let at = word.rfind(':')?;
    word[..at].parse::<std::net::Ipv4Addr>().is_ok().then(|| (word[..at].to_owned(), &word[at..]))
}

fn is_pseudonym(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|hex| hex.len() == 12 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    #[test]
    fn the_same_address_has_one_pseudonym_and_keys_differ() {
        let r = redactor();
        let one = r.address("Tom_P@Example.org");
        assert_eq!(one, r.address("<tom_p@example.org>"));
        assert!(one.starts_with("u-") && one.ends_with("@example.org") && !one.contains("tom"), "{one}");
        assert_ne!(one, r.address("tom_q@example.org"));
        assert_ne!(one, Redactor::new([8; 32]).address("tom_p@example.org"));
        assert_eq!(r.address(&one), one);
        assert_eq!(r.address(""), "");
        assert_eq!(r.ip("2001:DB8::1"), r.ip("2001:db8:0::1"));
        assert_eq!(r.ip(&r.ip("192.0.2.1")), r.ip("192.0.2.1"));
    }

    #[test]
    fn text_loses_people_and_nothing_else() {
        let r = redactor();
        let check = |text: &str, gone: &[&str], kept: &[&str]| {
            let out = r.text(text);
            for g in gone {
                assert!(!out.contains(g), "{out} still has {g}");
            }
            for k in kept {
                assert!(out.contains(k), "{out} lost {k}");
            }
            assert_eq!(r.text(&out), out, "again");
        };
        check(
            "550 <tom@x.org>: no such user, client 192.0.2.7.",
            &["tom", "192.0.2.7"],
            &["550 <u-", "@x.org>:", "client ip-"],
        );
        check("mailto:Tom@x.org; [2001:db8::1] 192.0.2.53:53", &["Tom", "2001", "192"], &["mailto:u-", "]", ":53"]);
        check("https://192.0.2.9/domain/yaho.com", &["192.0.2.9"], &["https://ip-", "/domain/yaho.com"]);
        check("of 203.0.113.0/24, 2001:db8:1::/48", &["203", "2001"], &["of ip-", "/24, ip-", "/48"]);
        check("\"anna maria\"@x.org 12 of 300 at 02:00", &["maria"], &["12 of 300 at 02:00"]);
        check(
            "'o'brien@x.org', bounce+tom=x.org@y.org \"lost",
            &["brien", "tom"],
            &["'u-", "@x.org',", "@y.org \"lost"],
        );
        check("no-one is named here: 1.2.840 5.1.1", &[], &["1.2.840 5.1.1"]);
    }
}
