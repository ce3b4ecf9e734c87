//! A made-up mail world with its truth, for demos, tests and benchmarks.
//!
//! In: a seed, a size and a first day.
//! Out: `coremail.jsonl` (outbound), `mail.log` and `mail-rfc3339.log` (the same mails as Postfix tells them, and inbound
//! ones), `truth.json` (what a perfect reader would report) and `registry.json` (what DNS, RDAP and WHOIS would answer).
//! Never: the clock, the network, or a byte that depends on the machine: one seed is one world.
//!
//! Everyday mail is drawn while it is written (`people`, `traffic`, `dialects`); what the truth must know exactly,
//! typos, attacks and their look-alikes, is planned first (`script`) and mixed in by time.

mod attacks;
mod benign;
mod coremail;
mod dialects;
mod guesses;
mod more;
mod people;
mod postfix;
mod random;
mod registry;
mod script;
mod traffic;
mod truth;
mod typos;
mod visitors;
mod write;

#[cfg(test)]
mod tests;

use std::{fmt, fs, path::Path};

pub use self::truth::Degrees;
use self::{
    people::World,
    random::Rng,
    script::{DAY, Script, Visit},
    truth::Counts,
    write::Logs,
};
use crate::{error::Error, moment::Timestamp};

/// Which world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Another seed, another world.
    pub seed: u64,
    /// Outbound mails, planted ones included; inbound ones come on top in the Postfix logs.
    pub records: u64,
    /// Midnight (UTC) of the first day; a later hour is cut off.
    pub start: Timestamp,
    /// How long it lasts; at least [`MIN_DAYS`].
    pub days: u32,
    /// Whether anybody guesses addresses; without it only look-alikes are left.
    pub attacks: bool,
    /// Every story there is, for trials of the campaign search.
    pub every: bool,
    /// Whether Postfix tells of them too: its logs are five times as large.
    pub postfix: bool,
    /// Share of everyday mails to people who left, beside the usual refusals.
    pub unknown: f64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Outbound deliveries, in all three logs.
    pub outbound: Degrees,
    /// Inbound deliveries, in the two Postfix logs.
    pub inbound: Degrees,
    /// Planted mistyped domains.
    pub domain_typos: usize,
    /// Planted mistyped usernames.
    pub username_typos: usize,
    /// Planted attacks.
    pub campaigns: usize,
    /// Planted look-alikes.
    pub benign: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Degrees { non_bounced, soft_bounced, hard_bounced } = self.outbound;
        write!(
            f,
            "{} mails out ({non_bounced} non-, {soft_bounced} soft-, {hard_bounced} hard-bounced), {} in; planted: {} mistyped domains and {} \
             usernames, {} campaigns, {} look-alikes; what is true is in truth.json",
            self.outbound.total(),
            self.inbound.total(),
            self.domain_typos,
            self.username_typos,
            self.campaigns,
            self.benign
        )
    }
}

/// Fewer days hold no before and after.
pub const MIN_DAYS: u32 = 7;

/// Mail by the hour (UTC), as offices in Asia, Europe and America add up.
const HOURS: [u64; 24] =
    [18, 34, 48, 46, 36, 40, 54, 62, 66, 62, 50, 44, 48, 54, 52, 46, 38, 32, 26, 20, 16, 12, 10, 12];
/// Mail by the day, Monday first.
const WEEK: [u64; 7] = [11, 11, 11, 10, 10, 4, 3];
/// Everyday inbound mails for each hundred outbound ones.
const INBOUND: u64 = 18;

impl Default for Options {
    /// Four weeks from Monday 2022-06-06, 10,000 mails, with attacks.
    fn default() -> Self {
        Options {
            seed: 1,
            records: 10_000,
            start: Timestamp(1_654_473_600),
            days: 28,
            attacks: true,
            every: false,
            postfix: true,
            unknown: 0.0,
        }
    }
}

/// Writes the world into `dir`, which is made where it is missing; files of an earlier world there are replaced.
pub fn simulate(dir: &Path, options: &Options) -> Result<Summary, Error> {
    let mut world = World::new(options.seed, options.records);
    world.unknown = (options.unknown.clamp(0.0, 1.0) * 1000.0).round() as u64;
    let script = plan(&world, options)?;
    fs::create_dir_all(dir).map_err(|cause| Error::Write { path: dir.to_owned(), cause })?;
    let counts = tell(&world, &script, Logs::create(dir, options.postfix)?)?;
    let end = Timestamp(script.start + script.days * DAY);
    write::json(dir.join("truth.json"), &truth::told(options, &script, &counts), end)?;
    write::json(dir.join("registry.json"), &script.registry.answers(), end)?;
    Ok(Summary {
        outbound: counts.outbound,
        inbound: counts.inbound,
        domain_typos: script.domain_typos.len(),
        username_typos: script.username_typos.len(),
        campaigns: script.attacks.len(),
        benign: script.benign.len(),
    })
}

fn plan(world: &World, options: &Options) -> Result<Script, Error> {
    if options.days < MIN_DAYS {
        return Err(Error::Usage(format!("a world needs at least {MIN_DAYS} days, not {}", options.days)));
    }
    let mut script =
        Script { start: options.start.day().start().0, days: i64::from(options.days), ..Script::default() };
    for (provider, _) in people::PROVIDERS {
        script.registry.set(provider, registry::Fate::Registered);
    }
    typos::plant(world, &mut script);
    benign::plant(world, &mut script);
    visitors::plant(world, &mut script);
    if options.every {
        more::innocents(world, &mut script);
    }
    if options.attacks {
        attacks::plant(world, &mut script);
    }
    if options.attacks && options.every {
        more::attacks(world, &mut script);
    }
    script.sort();
    // At least half of a world is everyday mail; stories alone would be no mail at all.
    let needed = script.plans.len() as u64 * 2;
    if needed > options.records {
        return Err(Error::Usage(format!(
            "a world of {} days needs at least {needed} records for its stories, not {}",
            options.days, options.records
        )));
    }
    Ok(script)
}

/// Day by day, everything in the order of time.
fn tell(world: &World, script: &Script, mut logs: Logs) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let (mut everyday, mut scripted) = (Rng::new(world.seed, "everyday"), Rng::new(world.seed, "scripted"));
    let mut inbound = Rng::new(world.seed, "inbound");
    let (mut plans, mut visits) = (script.plans.iter().peekable(), script.visits.iter().peekable());
    let out = shares(world.records - script.plans.len() as u64, script);
    let inn = shares((world.records * INBOUND / 100).max(200), script);
    let mut lines = Vec::new();
    for (day, (out, inn)) in out.into_iter().zip(inn).enumerate() {
        let start = script.start + day as i64 * DAY;
        let last = day as i64 + 1 == script.days;
        let mut mails = times(start, out, &mut everyday).into_iter().peekable();
        let mut visitors = times(start, inn, &mut inbound).into_iter().peekable();
        loop {
            // Stories may run past the last day's midnight.
            let limit = if last { i64::MAX } else { start + DAY };
            let next = [
                mails.peek().copied(),
                plans.peek().map(|p| p.at),
                visitors.peek().copied(),
                visits.peek().map(|v| v.at),
            ];
            let Some((at, which)) =
                next.into_iter().enumerate().filter_map(|(i, at)| at.filter(|&at| at < limit).map(|at| (at, i))).min()
            else {
                break;
            };
            logs.advance(at)?;
            let mail = match which {
                0 => mails.next().map(|at| traffic::everyday(world, at, &mut everyday)),
                1 => plans.next().map(|p| traffic::planted(p, &mut scripted)),
                2 => {
                    if let Some(at) = visitors.next() {
                        let (visit, listed) = visitor(world, at, &mut inbound);
                        counts.visit(&visit, listed);
                        postfix::inbound(&visit, inbound.next(), listed, &mut lines);
                    }
                    None
                }
                _ => {
                    if let Some(visit) = visits.next() {
                        counts.visit(visit, false);
                        postfix::inbound(visit, scripted.next(), false, &mut lines);
                    }
                    None
                }
            };
            if let Some(mail) = mail {
                counts.mail(&mail);
                logs.record(mail.tries.last().map_or(at, |t| t.at + t.latency_ms / 1000), coremail::line(&mail));
                postfix::outbound(&mail, &mut lines);
            }
            logs.lines(&mut lines);
        }
    }
    logs.close(Timestamp(script.start + script.days * DAY))?;
    Ok(counts)
}

/// Somebody outside writes to one of us; a few to nobody, a few from a listed address.
fn visitor(world: &World, at: i64, rng: &mut Rng) -> (Visit, bool) {
    let domain = world.any_domain(rng);
    let from = people::person(&domain, rng.below(world.pool(&domain)));
    let (client, host) = (traffic::mx_ip(&domain, rng.below(2)), dialects::mx_of(&domain));
    let us = people::own_address(world.zipf.sample(rng, world.senders));
    let (taken, refused, listed) = match rng.below(1000) {
        0..25 => (vec![], vec![visitors::nobody(world, rng)], false),
        25..40 => (vec![], vec![us], true),
        40..46 => (vec![us], vec![visitors::nobody(world, rng)], false),
        _ => (vec![us], vec![], false),
    };
    (Visit { at, client, host, from, taken, refused }, listed)
}

/// `total` mails over the days by weekday, to the last one.
fn shares(total: u64, script: &Script) -> Vec<u64> {
    let weights: Vec<_> = (0..script.days).map(|d| WEEK[(script.start / DAY + d + 3).rem_euclid(7) as usize]).collect();
    let all: u64 = weights.iter().sum();
    let (mut sum, mut given) = (0, 0);
    weights
        .iter()
        .map(|w| {
            sum += w;
            let until = (u128::from(total) * u128::from(sum) / u128::from(all)) as u64;
            let share = until - given;
            given = until;
            share
        })
        .collect()
}

/// `n` moments of the day that starts at `start`, in order.
fn times(start: i64, n: u64, rng: &mut Rng) -> Vec<i64> {
    let mut times: Vec<_> =
        (0..n).map(|_| start + rng.weighted(HOURS) as i64 * 3600 + rng.below(3600) as i64).collect();
    times.sort_unstable();
    times
}
