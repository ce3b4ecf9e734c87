//! Carries mails out: which attempts were made, when, through which of our servers, and what was said.

use super::{
    dialects::{About, Stage, accepted, dialect_of, mx_of, no_such_domain, over_quota_as_411, refused},
    people::World,
    random::{Rng, key},
    script::{Fate, Plan},
};
use crate::bounce::BounceType;

/// One mail to one recipient with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) id: u64,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) client: String,
    pub(super) login: String,
    pub(super) size: u64,
    pub(super) spam: bool,
    pub(super) mx: String,
    pub(super) tries: Vec<Try>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) at: i64,
    pub(super) latency_ms: i64,
    pub(super) proxy: String,
    /// Empty where nobody was found to ask.
    pub(super) mx_ip: String,
    pub(super) reply: String,
    pub(super) stage: Stage,
    /// `None` where the mail was taken.
    pub(super) refused: Option<BounceType>,
}

/// How a mail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Taken,
    Soft(BounceType),
    Hard(BounceType),
    NoDomain,
    OverQuota,
    Greyed,
}

/// Our outgoing servers.
const PROXIES: u64 = 34;
/// Permille of everyday mails that meet a refusal; planted mistakes come on top.
const BOUNCED: u64 = 114;
/// Why everyday mails are refused: weight, and permille of them that get through in the end. The named weights are the
/// shares of "Bounce in the Wild" (blocklists 31.1 %, network 10.2 %, content 6.9 %, authentication 2.2 %, full
/// mailboxes 2.1 %, too much mail 1.35 %); typos (6.85 %) are planted, the rest fills what the talk left unnamed.
const CAUSES: [(BounceType, u64, u64); 16] = [
    (BounceType::Blocklisted, 311, 840),
    (BounceType::Timeout, 60, 780),
    (BounceType::Interrupted, 42, 760),
    (BounceType::ContentSpam, 69, 550),
    (BounceType::Authentication, 22, 250),
    (BounceType::MailboxFull, 21, 250),
    (BounceType::RecipientRateLimited, 14, 600),
    (BounceType::Greylisted, 150, 980),
    (BounceType::SendingTooFast, 75, 930),
    (BounceType::UserUnknown, 40, 0),
    (BounceType::Other, 90, 780),
    (BounceType::SenderDns, 12, 400),
    (BounceType::Starttls, 10, 500),
    (BounceType::TooManyRecipients, 3, 300),
    (BounceType::MessageTooLarge, 10, 0),
    (BounceType::ReceiverDns, 10, 850),
];

/// An everyday mail at `at`: a Zipf sender to somebody it knows.
pub(super) fn everyday(world: &World, at: i64, rng: &mut Rng) -> Mail {
    let s = world.zipf.sample(rng, world.senders);
    let from = world.sender(s);
    let mut to = world.contact(s, world.zipf.sample(rng, world.book(s)));
    let mut end = End::Taken;
    // Without the question no chance is drawn: the default world stays as it is.
    if world.unknown > 0 && rng.permille(world.unknown) {
        let domain = world.any_domain(rng);
        return carry(
            from.address,
            world.departed(&domain, rng),
            from.client,
            at,
            End::Hard(BounceType::UserUnknown),
            rng,
        );
    }
    if rng.permille(BOUNCED) {
        let (cause, _, soft) = CAUSES[rng.weighted(CAUSES.iter().map(|c| c.1))];
        end = if rng.permille(soft) { End::Soft(cause) } else { End::Hard(cause) };
        if cause == BounceType::UserUnknown {
            let domain = world.any_domain(rng);
            to = world.departed(&domain, rng);
        }
    }
    carry(from.address, to, from.client, at, end, rng)
}

/// A planted mail.
pub(super) fn planted(plan: &Plan, rng: &mut Rng) -> Mail {
    let end = match plan.fate {
        Fate::Taken if rng.permille(30) => End::Soft(BounceType::Greylisted),
        Fate::Taken => End::Taken,
        Fate::Unknown => End::Hard(BounceType::UserUnknown),
        Fate::Greyed => End::Greyed,
        Fate::NoDomain => End::NoDomain,
        Fate::OverQuota => End::OverQuota,
        Fate::Silent => End::Hard(BounceType::Timeout),
    };
    let mail = carry(plan.from.clone(), plan.to.clone(), plan.client.clone(), plan.at, end, rng);
    Mail { login: plan.login.clone(), ..mail }
}

/// The address of the first or second server that answers for `domain`.
pub(super) fn mx_ip(domain: &str, which: u64) -> String {
    format!("198.19.{}.{}", key(domain) % 250, 1 + key(domain) / 250 % 60 * 4 + which)
}

fn carry(from: String, to: String, client: String, at: i64, end: End, rng: &mut Rng) -> Mail {
    let domain = to.rsplit('@').next().unwrap_or("").to_owned();
    let sender_domain = from.rsplit('@').next().filter(|d| !d.is_empty()).unwrap_or("mail.brightwater.cn").to_owned();
    let (dialect, mx, ip) = (dialect_of(&domain), mx_of(&domain), mx_ip(&domain, rng.below(2)));
    let failures = match end {
        End::Taken => 0,
        End::Soft(BounceType::Greylisted) => 1 + u64::from(rng.permille(150)),
        End::Soft(_) => (1..5).take_while(|_| rng.permille(420)).count() as u64 + 1,
        // About five replies a failed mail.
        _ => 3 + rng.weighted([10, 20, 40, 20, 10]) as u64,
    };
    let mut tries = Vec::with_capacity(failures as usize + 1);
    let mut now = at;
    // The same server words the same refusal the same way.
    let wording = rng.next();
    for i in 0..failures {
        let proxy = proxy(rng);
        let about = About {
            recipient: &to,
            domain: &domain,
            sender_domain: &sender_domain,
            proxy: &proxy,
            mx: &mx,
            mx_ip: &ip,
        };
        let mut words = Rng::from_key(wording);
        let cause = match end {
            End::Soft(cause) | End::Hard(cause) => cause,
            End::NoDomain => BounceType::ReceiverDns,
            End::Greyed if i == 0 => BounceType::Greylisted,
            End::Greyed => BounceType::UserUnknown,
            _ => BounceType::MailboxFull,
        };
        // Some servers greylist before they say no, and now and then the network gets in between; the last word is the cause.
        let cause = match rng.below(100) {
            0..5 if i == 0 && failures > 1 && cause == BounceType::UserUnknown => BounceType::Greylisted,
            5..9 if i + 1 < failures && end != End::NoDomain => BounceType::Timeout,
            _ => cause,
        };
        let (reply, stage) = match end {
            End::NoDomain => no_such_domain(&domain, &mut words),
            End::OverQuota if cause == BounceType::MailboxFull => over_quota_as_411(&to),
            _ => refused(dialect, cause, &about, &mut words),
        };
        let latency_ms =
            if cause == BounceType::Timeout { rng.between(30_000, 90_000) } else { rng.between(180, 6_000) };
        let mx_ip = if stage == Stage::Resolve { String::new() } else { ip.clone() };
        tries.push(Try { at: now, latency_ms, proxy, mx_ip, reply, stage, refused: Some(cause) });
        let pause = if cause == BounceType::Greylisted {
            rng.between(310, 900)
        } else {
            rng.between(40, 240) * (1 << i.min(4))
        };
        now += latency_ms / 1000 + pause;
    }
    if matches!(end, End::Taken | End::Soft(_)) {
        let reply = accepted(dialect, rng);
        tries.push(Try {
            at: now,
            latency_ms: rng.between(250, 9_000),
            proxy: proxy(rng),
            mx_ip: ip,
            reply,
            stage: Stage::Data,
            refused: None,
        });
    }
    let spam =
        rng.permille(if matches!(end, End::Soft(BounceType::ContentSpam) | End::Hard(BounceType::ContentSpam)) {
            750
        } else {
            15
        });
    Mail { id: rng.next(), login: from.clone(), from, to, client, size: 900 + rng.below(60_000), spam, mx, tries }
}

fn proxy(rng: &mut Rng) -> String {
    format!("192.0.2.{}", 10 + rng.below(PROXIES))
}
