//! `report.html`: the one self-contained page. Nothing is fetched; its one script is allowed by its hash; askama escapes
//! every value.

use std::borrow::Borrow;

use askama::Template;

use super::{
    contract::{Blocklist, Campaign, Domain, Report, blind_spots, clipped},
    svg::{self, About},
    words,
};
use crate::{
    moment::Timestamp,
    plural::{grouped, of_many},
};

/// Sorts and filters tables; the page is whole without it.
const SCRIPT: &str = include_str!("page.js");
/// Its hash for the Content-Security-Policy: no other script runs. A test holds the two together.
const SCRIPT_HASH: &str = "sha256-ZuwFXZDzotZwv8/pS814JAEOj+q6mwRQYeKwrLqdILg=";
/// Rows of a table; the rest is in the CSV files. Some 300 bytes a row keep the page under a megabyte.
const MAX_ROWS: usize = 200;
/// Campaigns told one by one.
const MAX_CAMPAIGNS: usize = 30;
/// Alerts on top.
const MAX_ALERTS: usize = 12;
/// Names listed in a line (senders, confirmed addresses).
const MAX_NAMES: usize = 12;
/// Characters of a name in the page; the longest honest address has 320.
const MAX_NAME: usize = 120;
/// Characters of a sentence or template in the page.
const MAX_SENTENCE: usize = 400;

/// The page.
pub(super) fn page(report: &Report) -> String {
    let page = Page { r: report, charts: Charts::of(report), takeable: takeable(report) };
    let html = page.render();
    debug_assert!(html.is_ok());
    // Rendering into a string fails only on a formatter's own error; none of ours has one.
    html.map(|html| html + "\n").unwrap_or_default()
}

#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
struct Page<'a> {
    r: &'a Report,
    charts: Charts,
    takeable: Vec<&'a Domain>,
}

/// Ready SVG, escaped by [`svg`]; empty where there is nothing to draw.
struct Charts {
    degrees: String,
    bounced: String,
    types: String,
    statuses: String,
    weekly: String,
    campaigns: String,
    blocklists: String,
    block_names: Vec<String>,
}

impl Page<'_> {
    /// A number; the template hands over fields by reference and results by value.
    fn n(&self, n: impl Borrow<u64>) -> String {
        grouped(*n.borrow())
    }

    /// `1 mail`, `2 mails`
    fn count(&self, n: impl Borrow<u64>, thing: &str) -> String {
        words::count(*n.borrow(), thing)
    }

    /// The thing without its number, which stands large above it.
    fn of(&self, n: usize, thing: &str) -> String {
        of_many(n as u64, thing)
    }

    fn len(&self, n: usize) -> String {
        grouped(n as u64)
    }

    fn name(&self, text: &str) -> String {
        clipped(text, MAX_NAME)
    }

    fn text(&self, text: &str) -> String {
        clipped(text, MAX_SENTENCE)
    }

    fn share(&self, part: &u64) -> String {
        words::share(*part, self.r.deliveries.total)
    }

    /// The first names of a list and how many follow.
    fn names(&self, names: &[String]) -> String {
        let mut line: Vec<String> = names.iter().take(MAX_NAMES).map(|n| self.name(n)).collect();
        if names.len() > MAX_NAMES {
            line.push(format!("and {} more", grouped((names.len() - MAX_NAMES) as u64)));
        }
        line.join(", ")
    }

    fn period(&self) -> String {
        match (&self.r.window.from, &self.r.window.to) {
            (Some(from), Some(to)) => format!("Mail from {}", words::period(from, to)),
            _ => "No mail was read".to_owned(),
        }
    }

    fn open_domains(&self) -> usize {
        self.open().count()
    }

    fn mails_at_risk(&self) -> u64 {
        self.open().map(|d| d.emails).sum()
    }

    fn open(&self) -> impl Iterator<Item = &Domain> {
        self.takeable.iter().copied().filter(|d| d.registrability.status == "registrable")
    }

    fn unchecked(&self) -> usize {
        self.r.squatting.domains.iter().filter(|d| d.registrability.status == "unknown").count()
    }

    fn mails_unchecked(&self) -> u64 {
        let unknown = self.r.squatting.domains.iter().filter(|d| d.registrability.status == "unknown");
        unknown.map(|d| d.emails).sum()
    }

    fn confirmed(&self) -> usize {
        self.r.campaigns.iter().map(|c| c.confirmed.len()).sum()
    }

    fn blind_spots(&self) -> Vec<String> {
        blind_spots(self.r)
    }

    /// The first day of the countries' table; `None` where there is none.
    fn countries_since(&self) -> Option<&str> {
        self.r.countries.iter().map(|c| c.since.as_str()).min()
    }

    fn rejected(&self) -> u64 {
        self.r.inputs.iter().map(|i| i.rejected).sum()
    }

    fn blocked(&self, list: &Blocklist) -> u64 {
        list.daily.iter().map(|d| d.blocked_ips).max().unwrap_or(0)
    }

    fn hits(&self, c: &Campaign) -> String {
        words::share(c.confirmed.len() as u64, c.guesses)
    }

    fn origin<'c>(&self, c: &'c Campaign) -> &'c str {
        origin(c)
    }

    fn percent(&self, x: &f64) -> String {
        words::percent(*x)
    }

    fn slip(&self, edits: &[&str]) -> String {
        words::plain(&edits.join(", "))
    }

    fn more(&self, all: usize, shown: usize) -> Option<String> {
        (all > shown).then(|| grouped((all - shown) as u64))
    }

    /// What is different from the night before, in a sentence; `None` on the first night.
    fn changed(&self) -> Option<String> {
        words::changed(&self.r.changes)
    }

    fn script(&self) -> &'static str {
        SCRIPT
    }

    fn script_hash(&self) -> &'static str {
        SCRIPT_HASH
    }

    fn max_rows(&self) -> usize {
        MAX_ROWS
    }

    fn max_campaigns(&self) -> usize {
        MAX_CAMPAIGNS
    }

    fn max_alerts(&self) -> usize {
        MAX_ALERTS
    }
}

impl Charts {
    fn of(r: &Report) -> Self {
        let (blocklists, block_names) = blocklists(r);
        Charts {
            degrees: degrees(r),
            bounced: bounced(r),
            types: types(r),
            statuses: statuses(r),
            weekly: weekly(r),
            campaigns: campaigns(&r.campaigns),
            blocklists,
            block_names,
        }
    }
}

fn takeable(r: &Report) -> Vec<&Domain> {
    r.squatting.domains.iter().filter(|d| words::takeable(d.registrability.status)).collect()
}

fn degrees(r: &Report) -> String {
    let points: Vec<(String, Vec<u64>)> = r
        .deliveries
        .by_day
        .iter()
        .map(|d| (d.day.clone(), vec![d.hard_bounced, d.soft_bounced, d.non_bounced]))
        .collect();
    let d = &r.deliveries;
    let text = format!(
        "{}. Delivered at once: {}. Delivered after a retry: {}. Never delivered: {}.",
        words::count(points.len() as u64, "day"),
        words::share(d.non_bounced, d.total),
        words::share(d.soft_bounced, d.total),
        words::share(d.hard_bounced, d.total)
    );
    let about = About { id: "degrees", title: "Mails by day and how they ended", text: &text };
    drawn(&points, || svg::stacked(about, &points, &["hard", "soft", "non"]))
}

/// The same without the mails that went through at once, which dwarf the others.
fn bounced(r: &Report) -> String {
    let days = r.deliveries.by_day.iter();
    let points: Vec<(String, Vec<u64>)> = days.map(|d| (d.day.clone(), vec![d.hard_bounced, d.soft_bounced])).collect();
    let d = &r.deliveries;
    let text = format!("{} soft-bounced, {} hard-bounced.", grouped(d.soft_bounced), grouped(d.hard_bounced));
    let about = About { id: "bounced", title: "Bounced mails by day", text: &text };
    let any = d.soft_bounced + d.hard_bounced > 0;
    if any { drawn(&points, || svg::stacked(about, &points, &["hard", "soft"])) } else { String::new() }
}

fn types(r: &Report) -> String {
    let mut rows: Vec<(String, [u64; 2])> = r
        .bounce_types
        .iter()
        .filter(|t| t.soft_bounced + t.hard_bounced > 0)
        .map(|t| (format!("{} {}", t.id, t.meaning), [t.hard_bounced, t.soft_bounced]))
        .collect();
    rows.sort_by_key(|(_, [hard, soft])| std::cmp::Reverse(hard + soft));
    let text = rows.first().map_or(String::new(), |(label, [hard, soft])| {
        format!("Most frequent: {label}, {}.", words::count(hard + soft, "mail"))
    });
    let about = About { id: "types", title: "Bounced mails by reason", text: &text };
    drawn(&rows, || svg::bars(about, &rows))
}

/// Suspicious domains by registrability, those a stranger can have first.
fn statuses(r: &Report) -> String {
    let mut counts = std::collections::BTreeMap::<(bool, &str), u64>::new();
    for d in &r.squatting.domains {
        let status = d.registrability.status;
        *counts.entry((!words::takeable(status), words::status(status))).or_default() += 1;
    }
    let rows: Vec<(String, [u64; 2])> =
        counts.into_iter().map(|((held, status), n)| (status.to_owned(), if held { [0, n] } else { [n, 0] })).collect();
    let said: Vec<String> = rows.iter().map(|(status, [a, b])| format!("{status}: {}", a + b)).collect();
    let text = said.join(". ");
    let about = About { id: "statuses", title: "Suspicious domains by registrability", text: &text };
    drawn(&rows, || svg::bars(about, &rows))
}

fn weekly(r: &Report) -> String {
    let points: Vec<(String, Vec<u64>)> =
        r.squatting.weekly.iter().map(|w| (w.week.clone(), vec![w.vulnerable_emails, w.vulnerable_senders])).collect();
    let text = points
        .last()
        .map(|(week, v)| (week, words::count(v[0], "mail"), words::count(v[1], "sender")))
        .map_or(String::new(), |(week, mails, senders)| format!("In the last week, {week}: {mails} of {senders}."));
    let about = About { id: "weekly", title: "Vulnerable mails and senders by week", text: &text };
    drawn(&points, || svg::lines(about, &points, &["emails", "senders"]))
}

fn campaigns(campaigns: &[Campaign]) -> String {
    let seconds = |moment: &str| Timestamp::parse(moment).map_or(0, |t| t.0);
    let mut spans: Vec<svg::Span> = campaigns
        .iter()
        .take(MAX_CAMPAIGNS)
        .map(|c| svg::Span {
            label: clipped(origin(c), 34),
            from: seconds(&c.first_seen),
            to: seconds(&c.last_seen),
            note: words::count(c.guesses, "guess"),
        })
        .collect();
    spans.sort_by_key(|s| s.from);
    let text = format!("{} drawn, by their first guess.", words::count(spans.len() as u64, "campaign"));
    let about = About { id: "campaigns", title: "When addresses were guessed", text: &text };
    drawn(&spans, || svg::gantt(about, &spans))
}

/// The name a campaign goes by: its first sender, or its first client address where more senders hide behind fewer of
/// these, since senders can be forged.
fn origin(c: &Campaign) -> &str {
    let (senders, ips) = if c.senders.len() > c.ips.len() { (&c.ips, &c.senders) } else { (&c.senders, &c.ips) };
    senders.iter().chain(ips).find(|s| !s.is_empty()).map_or(&c.id, |s| s)
}

/// The three busiest lists by day, and their names for the legend.
fn blocklists(r: &Report) -> (String, Vec<String>) {
    const DRAWN: usize = 3;
    let lists = &r.blocklists[..r.blocklists.len().min(DRAWN)];
    let mut days = std::collections::BTreeMap::<&str, Vec<u64>>::new();
    for (i, list) in lists.iter().enumerate() {
        for d in &list.daily {
            days.entry(&d.day).or_insert_with(|| vec![0; lists.len()])[i] += d.emails;
        }
    }
    let points: Vec<(String, Vec<u64>)> = days.into_iter().map(|(day, counts)| (day.to_owned(), counts)).collect();
    let names: Vec<String> = lists.iter().map(|l| clipped(&l.name, 40)).collect();
    let text = format!("Lists drawn: {}.", names.join(", "));
    let about = About { id: "blocklists", title: "Mails refused for a blocklist, by day", text: &text };
    (drawn(&points, || svg::stacked(about, &points, &["hard", "soft", "non"])), names)
}

fn drawn<T>(points: &[T], draw: impl Fn() -> String) -> String {
    if points.is_empty() { String::new() } else { draw() }
}
