//! What comes out: a status, the evidence for it, and what else the same answers said.

use crate::moment::Timestamp;

/// Whether a stranger could register a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Independent sources agree that nobody holds it.
    Registrable,
    /// Somebody holds it.
    Registered,
    /// Deleted, its last holder may still take it back.
    Redemption,
    /// About to drop.
    PendingDelete,
    /// The registry keeps it.
    Reserved,
    /// Nothing can be registered under that suffix (`gmail.con`).
    NotAPublicSuffix,
    /// No answer, or answers that contradict each other.
    Unknown,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The name's own form (IDNA) or the public suffix list; no network.
    Syntax,
    /// DNS.
    Dns,
    /// RDAP, RFC 9082 and 9083.
    Rdap,
    /// WHOIS, RFC 3912.
    Whois,
    /// The domain's own `security.txt`, RFC 9116; of contacts only.
    SecurityTxt,
    /// A mailbox every domain should have, RFC 2142; of contacts only.
    Convention,
}

/// One answer, kept as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who was asked.
    pub source: Source,
    /// `nxdomain`, `nxdomain (signed)`, `not_found`, `registered`, `servfail`, `timeout`, `rate_limited`, `null_mx` …
    pub answer: String,
    /// `192.0.2.53:53`, `https://rdap.example/`, or the list's name.
    pub server: String,
    /// When.
    pub at: Timestamp,
}

/// A status and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrability {
    /// The eTLD+1 asked about, in A-label form; the name itself where it has none.
    pub domain: String,
    /// What the evidence adds up to.
    pub status: Status,
    /// When.
    pub checked_at: Timestamp,
    /// Until when the answer holds; afterwards it is asked again.
    pub fresh_until: Timestamp,
    /// Never empty.
    pub evidence: Vec<Evidence>,
    /// When a name in redemption or pending delete is expected to drop.
    pub drops_at: Option<Timestamp>,
    /// What else the same answers said about a name somebody holds.
    pub details: Details,
    /// When it was last seen free, or about to be; kept on the answers after, so that who takes it is noticed.
    pub open_at: Option<Timestamp>,
}

/// Who holds a name, where its mail goes, and whom to write to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Through whom it was registered.
    pub registrar: Option<String>,
    /// When it was registered.
    pub created: Option<Timestamp>,
    /// Until when it is paid.
    pub expires: Option<Timestamp>,
    /// Its name servers, sorted.
    pub nameservers: Vec<String>,
    /// Its mail exchangers by preference.
    pub mx: Vec<String>,
    /// It says that it takes no mail (RFC 7505).
    pub null_mx: bool,
    /// Whom the registry names, sorted; or everybody one could write to, best first, where that was asked for.
    pub contacts: Vec<Contact>,
}

/// Somebody to write to, and where he was named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// `abuse@registrar.example`; of a `security.txt` also the `https:` address of a form.
    pub address: String,
    /// `security`, `registrant`, `technical`, `administrative`, `hostmaster`, `postmaster`, or `abuse` (of RDAP and
    /// WHOIS: the registrar's).
    pub role: String,
    /// Who named it.
    pub source: Source,
}

impl Registrability {
    /// Somebody took a name that was free when we last saw it so.
    pub fn taken_over(&self) -> bool {
        self.status == Status::Registered && self.open_at.is_some()
    }

    /// The status as the risk weighs it: `taken_over`; `registered` with `_takes_mail` (it has exchangers) or
    /// `_refuses_mail` (null MX) where that is known; else the status' name.
    pub fn standing(&self) -> &'static str {
        match self.status {
            Status::Registered if self.details.null_mx => "registered_refuses_mail",
            Status::Registered if self.open_at.is_some() => "taken_over",
            Status::Registered if !self.details.mx.is_empty() => "registered_takes_mail",
            status => status.name(),
        }
    }

    /// Keeps from the answer before when the name was last free.
    pub(super) fn after(mut self, before: Option<&Registrability>) -> Self {
        let was_open = before.and_then(|b| b.open_at);
        self.open_at = match self.status {
            Status::Registrable | Status::PendingDelete => Some(self.checked_at),
            // It was free for a while, but its last holder is the only one who can have it now.
            Status::Redemption => None,
            Status::Registered => match (was_open, before, self.details.created) {
                // Older than the night we saw it free: restored to who had it, not taken.
                (Some(open), _, Some(created)) => Some(open).filter(|open| created.plus(REGISTRY_LAG) > *open),
                // Restored by its last holder, unless the registration is a new one.
                (None, Some(b), Some(created)) if b.status == Status::Redemption && created > b.checked_at => {
                    Some(b.checked_at)
                }
                (was_open, ..) => was_open,
            },
            Status::Reserved | Status::NotAPublicSuffix | Status::Unknown => was_open,
        };
        self
    }
}

/// A registry may show a new name's record before its own answers are all up to date.
const REGISTRY_LAG: i64 = 2 * 24 * HOUR;
const HOUR: i64 = 3600;

impl Status {
    /// Whether a stranger can have the name, now or as soon as it drops.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Registrable | Status::Redemption | Status::PendingDelete)
    }

    /// `registrable`
    pub fn name(self) -> &'static str {
        match self {
            Status::Registrable => "registrable",
            Status::Registered => "registered",
            Status::Redemption => "redemption",
            Status::PendingDelete => "pending_delete",
            Status::Reserved => "reserved",
            Status::NotAPublicSuffix => "not_a_public_suffix",
            Status::Unknown => "unknown",
        }
    }
}

impl Evidence {
    /// `dns`, `rdap` or `whois`, as INTERFACE.md has it. What a name's own form, the list of suffixes, or `--offline` says
    /// stands in for what DNS would; `server` tells who said it.
    pub fn stands_for(&self) -> &'static str {
        match self.source {
            Source::Syntax => Source::Dns.name(),
            source => source.name(),
        }
    }
}

impl Source {
    /// `dns`
    pub fn name(self) -> &'static str {
        match self {
            Source::Syntax => "syntax",
            Source::Dns => "dns",
            Source::Rdap => "rdap",
            Source::Whois => "whois",
            Source::SecurityTxt => "security_txt",
            Source::Convention => "rfc2142",
        }
    }
}

/// An answer that needed no network.
pub(super) fn from_syntax(
    domain: String,
    status: Status,
    answer: &str,
    server: &str,
    now: Timestamp,
) -> Registrability {
    let evidence =
        vec![Evidence { source: Source::Syntax, answer: answer.to_owned(), server: server.to_owned(), at: now }];
    // Skipped names are asked again as soon as there is a network or a budget.
    let fresh_until = if status == Status::Unknown { now } else { now.plus(lifetime(status)) };
    Registrability {
        domain,
        status,
        checked_at: now,
        fresh_until,
        evidence,
        drops_at: None,
        details: Details::default(),
        open_at: None,
    }
}

/// Seconds an answer holds: a registrable name is asked again every night, a registered one every month.
pub(super) fn lifetime(status: Status) -> i64 {
    match status {
        Status::Registrable => 20 * HOUR,
        Status::Registered | Status::NotAPublicSuffix | Status::Reserved => 30 * 24 * HOUR,
        Status::Redemption | Status::PendingDelete => 24 * HOUR,
        Status::Unknown => 6 * HOUR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Status, day: i64, created: Option<i64>) -> Registrability {
        let at = Timestamp(day * 24 * HOUR);
        let mut answer = from_syntax("gmial.com".into(), status, "x", "y", at);
        answer.details.created = created.map(|day| Timestamp(day * 24 * HOUR));
        answer
    }

    #[test]
    fn who_takes_a_free_name_is_noticed() {
        // Statuses by day, with the creation date the last one shows → since when it was last free, if taken.
        let check = |nights: &[Status], created: Option<i64>, want: Option<i64>| {
            let mut last: Option<Registrability> = None;
            for (day, status) in nights.iter().enumerate() {
                let shown = created.filter(|_| day + 1 == nights.len());
                last = Some(answer(*status, 100 + day as i64, shown).after(last.as_ref()));
            }
            let last = last.unwrap();
            let taken = last.taken_over().then(|| last.open_at.unwrap().0 / (24 * HOUR) - 100);
            assert_eq!(taken, want, "{nights:?} {created:?}");
        };
        use Status::*;
        check(&[Registrable, Registered], Some(100), Some(0));
        check(&[Registrable, Registered], None, Some(0));
        check(&[Registrable, Unknown, Registered], Some(101), Some(0));
        check(&[Registrable, Registered, Registered], Some(100), Some(0));
        check(&[PendingDelete, Registrable, Registered], Some(101), Some(1));
        check(&[Registered], Some(99), None);
        check(&[Unknown, Registered], None, None);
        // Its last holder took it back.
        check(&[Redemption, Registered], Some(3), None);
        check(&[Redemption, Registered], None, None);
        check(&[Redemption, Unknown, Registered], Some(101), None);
        check(&[Redemption, Registered], Some(101), Some(0));
        // What we took for free was held all along.
        check(&[Registrable, Registered], Some(3), None);
        // Dropped, and taken again.
        check(&[Registrable, Registered, Registrable, Registered], Some(102), Some(2));
    }

    #[test]
    fn standings_tell_where_mail_goes() {
        let mut held = answer(Status::Registered, 1, None);
        assert_eq!(held.standing(), "registered");
        held.details.mx = vec!["mx.x.example".into()];
        assert_eq!(held.standing(), "registered_takes_mail");
        held.open_at = Some(Timestamp(0));
        assert_eq!(held.standing(), "taken_over");
        held.details.null_mx = true;
        assert_eq!(held.standing(), "registered_refuses_mail");
        assert_eq!(answer(Status::Unknown, 1, None).standing(), "unknown");
    }
}
