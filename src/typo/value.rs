//! What a suspect is worth to who takes it: mails to expect next week, and a risk whose parts can be shown.

use super::{DomainSuspect, UsernameSuspect, Weekly};
use crate::moment::Timestamp;

/// Weeks looked back on; older mail tells little of next week's.
const LOOK_BACK: i32 = 8;
/// Jeffreys' prior of a rate: half a mail.
const PRIOR: f64 = 0.5;
/// So many mails a week count in full.
const MANY_MAILS: f64 = 50.0;
/// So many senders count half.
const SOME_SENDERS: f64 = 3.0;
/// Counts above this are not searched for the interval's ends.
const MAX_COUNT: u64 = 1_000_000;

/// Mails next week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The mean.
    pub mails: f64,
    /// In nineteen weeks of twenty the number lies from here …
    pub low: u64,
    /// … to here, if senders go on as before.
    pub high: u64,
}

/// A risk from 0 to 1 and what it is made of: `score = takeable × sure × (0.4 + 0.35 mails + 0.25 senders)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risk {
    /// 0 to 1.
    pub score: f64,
    /// How easily a stranger gets the name, from its registry status.
    pub takeable: f64,
    /// The suspect's confidence.
    pub sure: f64,
    /// Mails expected next week, on a logarithmic scale to 1.
    pub mails: f64,
    /// Distinct senders, to 1.
    pub senders: f64,
}

/// Mails that the holder of the name would get in the week after `now`: a rate over the last weeks, empty ones
/// included, with its interval (negative binomial: Poisson counts of an uncertain rate).
pub fn expected_next_week(weekly: &[Weekly], first_seen: Timestamp, now: Timestamp) -> Expected {
    let today = now.day().0;
    let since = first_seen.day().0.max(today - 7 * LOOK_BACK).min(today);
    let weeks = (f64::from(today - since + 1) / 7.0).max(1.0);
    let from = crate::moment::Day(since).week();
    let seen: u64 = weekly.iter().filter(|w| w.week >= from && w.week <= now.day().week()).map(|w| w.emails).sum();
    let shape = seen as f64 + PRIOR;
    let (low, high) = interval(shape, weeks / (weeks + 1.0));
    Expected { mails: shape / weeks, low, high }
}

/// The risk of one suspect. `status` is its registry status by name (`registrable`, `registered_takes_mail`, …), if asked.
pub fn risk(suspect: &DomainSuspect, status: Option<&str>, now: Timestamp) -> Risk {
    let takeable = match status {
        Some("registrable") => 1.0,
        Some("pending_delete") => 0.9,
        Some("redemption") => 0.6,
        // Somebody took it when it was free: nobody else wants a slip's name but for its mail, or to keep it safe.
        Some("taken_over") => 0.8,
        // Somebody has it: perhaps for the mail, the more so where it takes some.
        Some("registered_takes_mail") => 0.2,
        Some("registered") => 0.1,
        Some("registered_refuses_mail") => 0.02,
        Some("reserved" | "not_a_public_suffix") => 0.0,
        _ => 0.4,
    };
    let expected = expected_next_week(&suspect.weekly, suspect.first_seen, now).mails;
    Risk::of(takeable, suspect.confidence, expected, suspect.senders as f64)
}

/// The risk of one username. `status` is what its provider's rules say (`allowed_by_provider_rules`, …).
pub fn username_risk(suspect: &UsernameSuspect, status: &str, now: Timestamp) -> Risk {
    let takeable = match status {
        "allowed_by_provider_rules" => 1.0,
        "recycled_by_provider" => 0.8,
        "unknown" => 0.3,
        // Only a colleague could ask for it.
        "not_public" => 0.05,
        _ => 0.0,
    };
    let expected = expected_next_week(&suspect.weekly, suspect.first_seen, now).mails;
    Risk::of(takeable, suspect.confidence, expected, suspect.senders.len() as f64)
}

impl Risk {
    fn of(takeable: f64, confidence: f64, expected: f64, senders: f64) -> Self {
        let mails = (expected.ln_1p() / MANY_MAILS.ln_1p()).min(1.0);
        let senders = senders / (senders + SOME_SENDERS);
        let sure = confidence.clamp(0.0, 1.0);
        Risk { score: takeable * sure * (0.4 + 0.35 * mails + 0.25 * senders), takeable, sure, mails, senders }
    }
}

/// The 2.5 % and 97.5 % quantiles of a negative binomial with real `shape`; `p` is the chance to stop.
fn interval(shape: f64, p: f64) -> (u64, u64) {
    let deviation = (shape * (1.0 - p)).sqrt() / p;
    let mean = shape * (1.0 - p) / p;
    if mean > 1000.0 {
        // Far from nought the normal curve is as good.
        return ((mean - 1.96 * deviation).max(0.0) as u64, (mean + 1.96 * deviation) as u64);
    }
    let mut chance = p.powf(shape);
    let (mut sum, mut low) = (chance, None);
    for k in 0..MAX_COUNT {
        if low.is_none() && sum >= 0.025 {
            low = Some(k);
        }
        if sum >= 0.975 {
            return (low.unwrap_or(k), k);
        }
        chance *= (k as f64 + shape) / (k as f64 + 1.0) * (1.0 - p);
        sum += chance;
    }
    (low.unwrap_or(0), MAX_COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{moment::Day, typo::SuspectKind};

    fn suspect(emails: &[u64]) -> (DomainSuspect, Timestamp) {
        let first = Timestamp::parse("2022-06-06 00:00:00").unwrap();
        let weekly: Vec<Weekly> = emails
            .iter()
            .enumerate()
            .map(|(i, n)| Weekly { week: Day(first.day().0 + 7 * i as i32).week(), senders: 1, emails: *n })
            .collect();
        let now = first.plus(7 * 86_400 * emails.len() as i64 - 1);
        let suspect = DomainSuspect {
            domain: "gmial.com".into(),
            kind: SuspectKind::Typo,
            intended: "gmail.com".into(),
            edits: vec![],
            confidence: 0.9,
            emails: emails.iter().sum(),
            senders: 3,
            delivered_before: 0,
            first_seen: first,
            last_seen: now,
            weekly,
        };
        (suspect, now)
    }

    #[test]
    fn next_week_is_like_the_last_ones() {
        let (steady, now) = suspect(&[10, 10, 10, 10]);
        let e = expected_next_week(&steady.weekly, steady.first_seen, now);
        assert!((e.mails - 10.1).abs() < 0.2, "{e:?}");
        assert!((3..=5).contains(&e.low) && (16..=19).contains(&e.high), "{e:?}");
        let (once, now) = suspect(&[1]);
        let e = expected_next_week(&once.weekly, once.first_seen, now.plus(40 * 86_400));
        assert!(e.mails < 0.5 && e.low == 0 && e.high <= 2, "{e:?}");
        let (much, now) = suspect(&[100_000; 3]);
        let e = expected_next_week(&much.weekly, much.first_seen, now);
        assert!(e.low > 98_000 && e.high < 102_000 && e.low < e.high, "{e:?}");
    }

    #[test]
    fn risk_grows_with_each_part() {
        let ((few, now), (many, later)) = (suspect(&[1, 1]), suspect(&[40, 40]));
        let r = |s, status, now| risk(s, status, now).score;
        assert!(r(&few, Some("registrable"), now) < r(&many, Some("registrable"), later));
        assert!(
            r(&few, Some("registered"), now) < r(&few, None, now)
                && r(&few, None, now) < r(&few, Some("registrable"), now)
        );
        let grades = ["registered_refuses_mail", "registered", "registered_takes_mail", "taken_over", "registrable"];
        assert!(grades.map(|status| r(&few, Some(status), now)).is_sorted_by(|a, b| a < b));
        assert_eq!(r(&many, Some("reserved"), later), 0.0);
        let all = risk(&many, Some("registrable"), later);
        assert!(
            (0.0..=1.0).contains(&all.score)
                && (all.score - all.takeable * all.sure * (0.4 + 0.35 * all.mails + 0.25 * all.senders)).abs() < 1e-12
        );
    }
}
