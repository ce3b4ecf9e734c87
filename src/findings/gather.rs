//! The stages' results → one value.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use hashbrown::HashSet;

use super::{
    AuthFailures, Blocklist, Changes, CountryLine, DomainRisk, Findings, Receiver, Strangers, TemplateLine, Templates,
    UsernameRisk, slips,
};
use crate::{
    address::domain_of,
    bounce::{BounceType, RootCause},
    delivery::Direction,
    enumeration::{self, Campaign},
    geo::Country,
    ledger::{CountryTally, Domain, Ledger, Name, RefusalKey},
    merge::Merge,
    moment::{Day, Timestamp, Week},
    ndr::{Miner, Template},
    registrability::Registrability,
    typo::Weekly,
};

/// Templates a report shows.
const TOP_TEMPLATES: usize = 50;
/// Receiver domains a report shows.
const TOP_RECEIVERS: usize = 30;

impl Findings {
    /// Everything but the alerts, which look at the rest. `domains` and `usernames` come with their risk. The
    /// templates are those `mined` in all nights.
    pub fn gather(
        ledger: &Ledger,
        mined: &Miner,
        mut domains: Vec<DomainRisk>,
        mut usernames: Vec<UsernameRisk>,
        campaigns: Vec<Campaign>,
        mut taken: Vec<Registrability>,
        now: Timestamp,
    ) -> Self {
        taken.sort_by(|a, b| a.domain.cmp(&b.domain));
        domains.sort_by(|a, b| {
            b.risk
                .total_cmp(&a.risk)
                .then(b.suspect.emails.cmp(&a.suspect.emails))
                .then(a.suspect.domain.cmp(&b.suspect.domain))
        });
        usernames.sort_by(|a, b| {
            b.risk
                .total_cmp(&a.risk)
                .then(b.suspect.emails.cmp(&a.suspect.emails))
                .then(a.suspect.address.cmp(&b.suspect.address))
        });
        Findings {
            generated_at: now,
            window: ledger.window,
            inputs: Vec::new(),
            strangers: strangers(ledger),
            days: ledger.days.iter().map(|(day, tally)| (*day, *tally)).collect(),
            root_causes: root_causes(ledger, &campaigns),
            templates: templates(mined),
            blocklists: blocklists(ledger),
            authentication: authentication(ledger),
            vulnerable: vulnerable(ledger, &domains, &usernames),
            slips: slips::slips(ledger, &domains, &usernames, &campaigns, &taken),
            own_domains: slips::own_domains(ledger),
            domains,
            usernames,
            campaigns,
            receivers: receivers(ledger),
            countries: countries(ledger),
            changes: Changes::default(),
            taken,
            lookups: Default::default(),
            dismissed: Vec::new(),
            alerts: Vec::new(),
        }
    }
}

fn strangers(ledger: &Ledger) -> Option<Strangers> {
    let crowd = &ledger.strangers.crowd;
    (!crowd.is_empty()).then(|| Strangers { mails: ledger.mails_let_go(), visitors: crowd.number() })
}

/// Mails by root cause; a campaign's unknown users are malice, not typing.
fn root_causes(ledger: &Ledger, campaigns: &[Campaign]) -> Vec<(RootCause, u64, u64)> {
    let mut sums: BTreeMap<RootCause, [u64; 2]> = BTreeMap::new();
    for day in ledger.days.values() {
        for (kind, [_, soft, hard]) in BounceType::ALL.into_iter().zip(day.types) {
            let sum = sums.entry(kind.root_cause()).or_default();
            *sum = [sum[0] + soft, sum[1] + hard];
        }
    }
    let guessers = enumeration::Guessers::of(campaigns);
    let names = &ledger.names;
    let guessed =
        |key: &RefusalKey| guessers.guessed(names.text(key.sender), names.domain_text(names.domain(key.recipient)));
    let malicious: u64 = ledger
        .refusals
        .iter()
        .filter(|(key, _)| key.kind == BounceType::UserUnknown && guessed(key))
        .map(|(_, emails)| *emails)
        .sum();
    if let Some(careless) = sums.get_mut(&RootCause::ImproperUserOperation) {
        let moved = malicious.min(careless[1]);
        careless[1] -= moved;
        sums.entry(RootCause::MaliciousEmailBehaviour).or_default()[1] += moved;
    }
    RootCause::ALL
        .into_iter()
        .map(|cause| (cause, sums.get(&cause).map_or(0, |s| s[0]), sums.get(&cause).map_or(0, |s| s[1])))
        .collect()
}

fn templates(mined: &Miner) -> Templates {
    let mut templates = mined.freeze();
    let distinct = templates.len() as u64;
    templates.truncate(TOP_TEMPLATES);
    let line = |t: Template| TemplateLine { id: t.id.to_string(), template: t.text, kind: t.kind, count: t.count };
    Templates { distinct, top: templates.into_iter().map(line).collect() }
}

fn blocklists(ledger: &Ledger) -> Vec<Blocklist> {
    let mut lists: BTreeMap<&str, (Blocklist, BTreeSet<&str>)> = BTreeMap::new();
    for ((name, day), tally) in &ledger.blocklists {
        let (list, receivers) = lists.entry(name).or_insert_with(|| {
            (Blocklist { name: name.clone(), attempts: 0, receiver_domains: 0, daily: Vec::new() }, BTreeSet::new())
        });
        list.attempts += tally.attempts;
        list.daily.push((*day, tally.emails, tally.blocked_ips.len() as u64));
        receivers.extend(tally.receiver_domains.iter().map(String::as_str));
        list.receiver_domains = receivers.len() as u64;
    }
    let mut lists: Vec<Blocklist> = lists.into_values().map(|(list, _)| list).collect();
    lists.sort_by_key(|list| std::cmp::Reverse(list.attempts));
    lists
}

fn authentication(ledger: &Ledger) -> Vec<AuthFailures> {
    let fixed = |domain: &str, first: Timestamp, last: Timestamp| {
        let clean = ledger.sender_passes.get(domain)?.range(Day(last.day().0 + 1)..).next()?;
        Some((clean.start().0 - first.0) as f64 / 86_400.0)
    };
    let mut domains: Vec<AuthFailures> = ledger
        .authentication
        .iter()
        .map(|(domain, tally)| AuthFailures {
            sender_domain: domain.clone(),
            failures: tally.failures,
            failed: tally.failed,
            fixed_after_days: tally.failed.bounds().and_then(|(first, last)| fixed(domain, first, last)),
        })
        .collect();
    domains.sort_by_key(|domain| std::cmp::Reverse(domain.failures));
    domains
}

/// Domains that refused most mail for good, most first.
fn receivers(ledger: &Ledger) -> Vec<Receiver> {
    let mut by_domain = vec![Receiver::default(); ledger.names.domains()];
    let sent = ledger.contacts.iter().filter(|(key, _)| key.direction == Direction::Out);
    for (key, contact) in sent {
        let one = &mut by_domain[ledger.names.domain(key.recipient).0 as usize];
        let refused = contact.unknown + contact.no_domain + contact.other;
        one.emails += contact.accepted + refused;
        one.refused += refused;
        one.unknown += contact.unknown;
    }
    let refused = by_domain.into_iter().zip(0..).filter(|(one, _)| one.refused > 0);
    let mut refusing: Vec<(&str, Receiver)> = refused
        .map(|(one, n)| (ledger.names.domain_text(Domain(n)), one))
        .filter(|(domain, _)| !domain.is_empty())
        .collect();
    refusing.sort_unstable_by(|a, b| b.1.refused.cmp(&a.1.refused).then_with(|| a.0.cmp(b.0)));
    refusing.truncate(TOP_RECEIVERS);
    refusing.into_iter().map(|(domain, one)| Receiver { domain: domain.to_owned(), ..one }).collect()
}

/// Where our mail timed out, most first.
fn countries(ledger: &Ledger) -> Vec<CountryLine> {
    let mut sums: BTreeMap<Country, CountryLine> = BTreeMap::new();
    for (&(day, country), tally) in &ledger.countries {
        let new = CountryLine { country, tally: CountryTally::default(), since: day };
        sums.entry(country).or_insert(new).tally.merge(*tally);
    }
    let mut lines: Vec<CountryLine> = sums.into_values().collect();
    lines.sort_by_key(|line| (Reverse(line.tally.timeouts), line.country));
    lines
}

/// The paper's figure: by week, who wrote (and what was lost) to names a stranger could take.
fn vulnerable(ledger: &Ledger, domains: &[DomainRisk], usernames: &[UsernameRisk]) -> Vec<Weekly> {
    let domains: HashSet<&str> =
        domains.iter().filter(|d| d.registrability.status.is_open()).map(|d| d.suspect.domain.as_str()).collect();
    let usernames: HashSet<&str> = usernames
        .iter()
        .filter(|u| matches!(u.status, "allowed_by_provider_rules" | "recycled_by_provider"))
        .map(|u| u.suspect.address.as_str())
        .collect();
    let mut weeks: BTreeMap<Week, (BTreeSet<Name>, u64)> = BTreeMap::new();
    for (key, emails) in
        ledger.refusals.iter().filter(|(key, _)| key.direction == Direction::Out && key.kind != BounceType::MailboxFull)
    {
        let address = ledger.names.text(key.recipient);
        let exposed = usernames.contains(address) || domains.contains(domain_of(address));
        if exposed {
            let (senders, sum) = weeks.entry(key.day.week()).or_default();
            senders.insert(key.sender);
            *sum += emails;
        }
    }
    weeks.into_iter().map(|(week, (senders, emails))| Weekly { week, senders: senders.len() as u64, emails }).collect()
}
