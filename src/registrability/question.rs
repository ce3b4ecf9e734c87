//! A mail domain → what may be asked about it: its eTLD+1 under a registry, or why there is none. Asks nobody.

use super::Status;
use crate::suffix::Suffixes;

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// The registry of `suffix` is asked about `domain`, both in A-label form.
    Ask {
        /// The only name that leaves the machine.
        domain: String,
        /// The public suffix it stands under.
        suffix: String,
    },
    /// The name itself decides.
    Decided {
        /// The name as shown.
        domain: String,
        /// What it comes to.
        status: Status,
        /// Why, as an evidence's answer.
        answer: &'static str,
    },
}

impl Question {
    /// The name a [`super::Registrability`] will carry.
    pub(super) fn domain(&self) -> &str {
        match self {
            Question::Ask { domain, .. } | Question::Decided { domain, .. } => domain,
        }
    }

    /// Reduces a mail domain to what its registry sells. A company's suffix (`github.io`) is no registry's, so names
    /// under it come down to the company's own domain.
    pub(super) fn of(name: &str, suffixes: &Suffixes) -> Self {
        let shown: String = name.trim().trim_end_matches('.').chars().take(MAX_NAME).collect();
        let decided = |domain: String, status, answer| Question::Decided { domain, status, answer };
        let Ok(ascii) = idna::domain_to_ascii(&shown) else {
            return decided(plain(&shown), Status::NotAPublicSuffix, "invalid_name");
        };
        if ascii.is_empty() || ascii.len() > MAX_NAME {
            return decided(plain(&shown), Status::NotAPublicSuffix, "invalid_name");
        }
        if ascii.starts_with('[') || ascii.parse::<std::net::IpAddr>().is_ok() {
            return decided(ascii, Status::NotAPublicSuffix, "address");
        }
        let Some((domain, suffix)) = registered_under(&ascii, suffixes) else {
            return match suffixes.is_suffix(&idna::domain_to_unicode(&ascii).0) {
                true => decided(ascii, Status::Reserved, "public_suffix"),
                false => decided(ascii, Status::NotAPublicSuffix, "not_listed"),
            };
        };
        if !domain.split('.').all(is_host_label) {
            return decided(domain, Status::NotAPublicSuffix, "invalid_name");
        }
        Question::Ask { domain, suffix }
    }
}

/// RFC 1035: 253 characters in text form.
const MAX_NAME: usize = 253;

/// The longest suffix that a registry sells under, and the name just below it.
fn registered_under(ascii: &str, suffixes: &Suffixes) -> Option<(String, String)> {
    let (unicode, _) = idna::domain_to_unicode(ascii);
    let mut suffix = match suffixes.registrable(&unicode) {
        Some(found) => found.suffix,
        None if suffixes.is_suffix(&unicode) => unicode.as_str(),
        None => return None,
    };
    while !sold_under(suffix, suffixes) {
        // A private suffix stands below a registry's.
        suffix = suffix.split_once('.')?.1;
    }
    below(&unicode, suffix)
}

/// Whether a registry, not a company, gives out names under `suffix`.
fn sold_under(suffix: &str, suffixes: &Suffixes) -> bool {
    let probe = format!("probe.{suffix}");
    suffixes.registrable(&probe).is_some_and(|r| r.icann && r.suffix == suffix)
}

/// The name one label longer than `suffix`, and `suffix`, as A-labels.
fn below(unicode: &str, suffix: &str) -> Option<(String, String)> {
    let head = unicode.strip_suffix(suffix)?.strip_suffix('.')?;
    let label = head.rsplit('.').next().filter(|l| !l.is_empty())?;
    let domain = idna::domain_to_ascii(&format!("{label}.{suffix}")).ok()?;
    Some((domain, idna::domain_to_ascii(suffix).ok()?))
}

/// Letters, digits, inner hyphens, 1 to 63 (RFC 952, 1123).
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Hostile text made showable.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_registry_sells_is_asked() {
        let list = Suffixes::shipped().unwrap();
        let check = |name: &str, want: &str| {
            let shown = match Question::of(name, &list) {
                Question::Ask { domain, suffix } => format!("ask {domain} under {suffix}"),
                Question::Decided { domain, status, answer } => format!("{} {domain} {answer}", status.name()),
            };
            assert_eq!(shown, want, "{name}");
        };
        check("mx1.Yaho.COM.cn.", "ask yaho.com.cn under com.cn");
        check("gmial.com", "ask gmial.com under com");
        check("gmail.con", "not_a_public_suffix gmail.con not_listed");
        check("localhost", "not_a_public_suffix localhost not_listed");
        check("co.uk", "reserved co.uk public_suffix");
        check("a.b.github.io", "ask github.io under io");
        check("github.io", "ask github.io under io");
        check("müller.de", "ask xn--mller-kva.de under de");
        check("почта.рф", "ask xn--80a1acny.xn--p1ai under xn--p1ai");
        check("a_b.com", "not_a_public_suffix a_b.com invalid_name");
        check("192.0.2.1", "not_a_public_suffix 192.0.2.1 address");
        check("", "not_a_public_suffix  invalid_name");
        check("a..com", "not_a_public_suffix a..com not_listed");
    }
}
