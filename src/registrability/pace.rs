//! How hard each server may be asked: an interval, a few questions at once, a pause after failures. Keeps the books.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::limits::{Limit, Limits};

/// Time and courtesy limits; the defaults are for the open Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// One DNS answer.
    pub dns_timeout: Duration,
    /// One RDAP answer, redirects included.
    pub rdap_timeout: Duration,
    /// One WHOIS answer.
    pub whois_timeout: Duration,
    /// How long a name waits at most for a server that asked to be left alone, and half of it for DNS.
    pub patience: Duration,
    /// Times a server is asked the same at most.
    pub attempts: u32,
    /// The first pause between two attempts; it doubles.
    pub backoff: Duration,
    /// Between two questions to an RDAP or WHOIS server on this machine that no limit names: nobody else is kept
    /// waiting.
    pub own_interval: Duration,
    /// Failures in a row after which a server is left alone.
    pub break_after: u32,
    /// For how long.
    pub break_for: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Manners {
            dns_timeout: Duration::from_secs(3),
            rdap_timeout: Duration::from_secs(8),
            whois_timeout: Duration::from_secs(8),
            patience: Duration::from_secs(30),
            attempts: 2,
            backoff: Duration::from_millis(300),
            own_interval: Duration::ZERO,
            break_after: 32,
            break_for: Duration::from_secs(30),
        }
    }
}

/// How a question to a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It answered.
    Answered,
    /// It did not, or with nonsense.
    Failed,
    /// It wants to be left alone, for so long if it says how long.
    Later(Option<Duration>),
}

/// What a run had to do with one RDAP, WHOIS or web server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTally {
    /// `rdap.example`, `whois.example:43`
    pub server: String,
    /// Questions sent.
    pub asked: u64,
    /// Questions it answered.
    pub answered: u64,
    /// Questions it refused as too many.
    pub refused: u64,
    /// Silences, resets, errors, nonsense.
    pub failed: u64,
    /// Questions not sent: it was failing, had asked to be left alone, or its share of the run was used up.
    pub left_alone: u64,
}

/// The books on every server asked in this run.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) limits: Limits,
    servers: Mutex<BTreeMap<String, Server>>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Server {
    next: Option<Instant>,
    under_way: usize,
    failures: u32,
    refusals: u32,
    closed: Option<Closed>,
    tally: ServerTally,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    until: Instant,
    why: &'static str,
    /// Whether waiting for it helps: who fails or refuses again and again is given up until then.
    wait: bool,
}

impl Pace {
    /// Nobody has been asked yet.
    pub(super) fn new(limits: Limits) -> Self {
        Pace { limits, servers: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for this server's turn, then asks. `Err` names why it was not asked: it is failing, its share of the run
    /// is used up, or it asked to be left alone for longer than our patience. Standing in line is no reason: lines
    /// move. `otherwise` is its limit where none is listed.
    pub(super) fn ask<T>(
        &self,
        server: &str,
        otherwise: Limit,
        manners: &Manners,
        question: impl FnOnce() -> (T, Outcome),
    ) -> Result<T, &'static str> {
        let limit = self.limits.of(server, otherwise);
        if let Err(why) = self.wait_for_turn(server, limit, Instant::now() + manners.patience) {
            self.lock().entry(server.to_owned()).or_default().tally.left_alone += 1;
            return Err(why);
        }
        let (answer, outcome) = question();
        let mut servers = self.lock();
        let books = servers.entry(server.to_owned()).or_default();
        books.under_way = books.under_way.saturating_sub(1);
        let now = Instant::now();
        match outcome {
            Outcome::Answered => {
                (books.failures, books.refusals) = (0, 0);
                books.tally.answered += 1;
            }
            Outcome::Later(said) => {
                let pause =
                    said.unwrap_or_else(|| pause(manners.backoff, books.refusals + 1, server).min(manners.break_for));
                books.refusals += u32::from(said.is_none());
                books.tally.refused += 1;
                let wait = books.refusals < GIVE_UP_AFTER;
                let pause = if wait { pause } else { manners.break_for };
                books.closed = Some(Closed { until: now + pause.min(MAX_PAUSE), why: "rate_limited", wait });
            }
            Outcome::Failed => {
                books.failures += 1;
                books.tally.failed += 1;
                if books.failures >= manners.break_after {
                    books.failures = 0;
                    books.closed = Some(Closed { until: now + manners.break_for, why: "server_failing", wait: false });
                }
            }
        }
        drop(servers);
        self.freed.notify_all();
        Ok(answer)
    }

    /// What came of it so far, by server.
    pub(super) fn tally(&self) -> Vec<ServerTally> {
        let named = |(server, books): (&String, &Server)| ServerTally { server: server.clone(), ..books.tally.clone() };
        self.lock().iter().map(named).collect()
    }

    /// How long until every server may be asked again.
    pub(super) fn closed_for(&self) -> Duration {
        let now = Instant::now();
        let until = self.lock().values().filter_map(|books| books.closed).map(|closed| closed.until).max();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn wait_for_turn(&self, server: &str, limit: Limit, deadline: Instant) -> Result<(), &'static str> {
        let mut servers = self.lock();
        loop {
            let now = Instant::now();
            let books = servers.entry(server.to_owned()).or_default();
            if books.tally.asked >= limit.per_run {
                return Err("registry_budget");
            }
            if let Some(Closed { until, why, wait }) = books.closed {
                if until > deadline || (until > now && !wait) {
                    return Err(why);
                }
                if until <= now {
                    books.closed = None;
                }
            }
            let opens = books.closed.map(|closed| closed.until);
            if opens.is_none() && books.under_way < limit.at_once {
                let slot = books.next.map_or(now, |next| next.max(now));
                books.next = Some(slot + limit.interval);
                books.under_way += 1;
                books.tally.asked += 1;
                drop(servers);
                std::thread::sleep(slot.saturating_duration_since(now));
                return Ok(());
            }
            let nap = opens.map_or(Duration::from_secs(1), |until| until.saturating_duration_since(now));
            servers = self.freed.wait_timeout(servers, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refusals in a row, none naming a time, after which names are no longer made to wait for a server.
const GIVE_UP_AFTER: u32 = 5;

/// No server may silence us for longer than this with one `Retry-After`.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// The pause before attempt `attempt` (1, 2, …): doubling, and up to half as long again by a hash of what is asked, so
/// that names refused together do not come back together.
pub(super) fn pause(backoff: Duration, attempt: u32, what: &str) -> Duration {
    let base = backoff.saturating_mul(1 << attempt.saturating_sub(1).min(6));
    base + base.mul_f64((crate::hash::fnv1a_seeded(what.as_bytes(), u64::from(attempt)) % 512) as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Limits::open(None).unwrap())
    }

    #[test]
    fn questions_keep_their_distance_and_failures_close_a_server() {
        let pace = pace();
        let none = Limit::every(Duration::ZERO);
        let manners = Manners { break_after: 2, patience: Duration::from_secs(5), ..Manners::default() };
        let start = Instant::now();
        for _ in 0..3 {
            pace.ask("a", Limit::every(Duration::from_millis(30)), &manners, || ((), Outcome::Answered)).unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(60));
        for _ in 0..2 {
            pace.ask("b", none, &manners, || ((), Outcome::Failed)).unwrap();
        }
        assert_eq!(pace.ask("b", none, &manners, || ((), Outcome::Answered)), Err("server_failing"));
        pace.ask("c", none, &manners, || ((), Outcome::Later(Some(Duration::from_secs(60))))).unwrap();
        assert_eq!(pace.ask("c", none, &manners, || ((), Outcome::Answered)), Err("rate_limited"));
        let before = Instant::now();
        pace.ask("d", none, &manners, || ((), Outcome::Later(Some(Duration::from_millis(50))))).unwrap();
        pace.ask("d", none, &manners, || ((), Outcome::Answered)).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(50));
        let one = Limit { per_run: 1, ..none };
        pace.ask("e", one, &manners, || ((), Outcome::Answered)).unwrap();
        assert_eq!(pace.ask("e", one, &manners, || ((), Outcome::Answered)), Err("registry_budget"));
        let told: Vec<_> = pace
            .tally()
            .into_iter()
            .map(|t| (t.server, [t.asked, t.answered, t.refused, t.failed, t.left_alone]))
            .collect();
        let want = [[3, 3, 0, 0, 0], [2, 0, 0, 2, 1], [1, 0, 1, 0, 1], [2, 1, 1, 0, 0], [1, 1, 0, 0, 1]];
        assert_eq!(told, ["a", "b", "c", "d", "e"].map(String::from).into_iter().zip(want).collect::<Vec<_>>());
    }

    #[test]
    fn who_refuses_again_and_again_is_given_up_for_a_while() {
        let (pace, none) = (pace(), Limit::every(Duration::ZERO));
        let manners = Manners { backoff: Duration::from_millis(1), ..Manners::default() };
        for _ in 0..GIVE_UP_AFTER {
            pace.ask("a", none, &manners, || ((), Outcome::Later(None))).unwrap();
        }
        let start = Instant::now();
        assert_eq!(pace.ask("a", none, &manners, || ((), Outcome::Answered)), Err("rate_limited"));
        assert!(start.elapsed() < Duration::from_secs(5) && pace.closed_for() > Duration::from_secs(20));
    }

    #[test]
    fn many_askers_keep_the_rate_and_lose_little_of_it() {
        let (pace, manners, interval) = (pace(), Manners::default(), Duration::from_millis(4));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        pace.ask("a", Limit::every(interval), &manners, || {
                            (std::thread::sleep(Duration::from_millis(3)), Outcome::Answered)
                        })
                        .unwrap();
                    }
                });
            }
        });
        let least = interval * 159;
        assert!(start.elapsed() >= least);
        assert!(start.elapsed() < least.mul_f64(1.3), "{:?} for {least:?}", start.elapsed());
    }

    #[test]
    fn pauses_grow_and_differ() {
        let base = Duration::from_millis(100);
        assert_eq!(pause(base, 1, "a.com"), pause(base, 1, "a.com"));
        assert!(pause(base, 3, "a.com") >= Duration::from_millis(400));
        assert_ne!(pause(base, 1, "a.com"), pause(base, 1, "b.com"));
    }
}
