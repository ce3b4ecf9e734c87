//! What is owed → the sinks, each message noted as told as soon as it is.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use super::{
    file,
    message::{Event, Message},
    prometheus,
    sink::{Sink, Target},
    trouble::{Patience, Trouble},
};
use crate::{
    error::Error,
    findings::{Alert, AlertKind, Findings, Size},
    moment::Timestamp,
    redact::Redactor,
    store::{Owed, Store},
};

/// How a run delivers.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The clock.
    pub now: Timestamp,
    /// Nothing leaves the machine: it waits.
    pub offline: bool,
    /// Pseudonyms for people.
    pub redact: Option<&'a Redactor>,
    /// How long one try may take.
    pub once: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Messages a sink took.
    pub sent: u64,
    /// Messages that wait because nothing may leave the machine.
    pub held: u64,
    /// Sinks that did not take theirs.
    pub failures: Vec<Failure>,
}

/// A sink that did not take all that was for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub sink: String,
    /// Messages that wait for the next run.
    pub waiting: u64,
    /// In words, without secrets.
    pub why: String,
}

/// Tries of one message in one run.
const TRIES: u32 = 3;
/// Wait before the second try; each further one waits three times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No try begins later than this after the first, whatever is left: cron waits.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// Messages a sink refuses in a row before it is left alone.
const MAX_REFUSED: u32 = 3;

/// Tells every sink what it is owed, and fills in `sent_to`. A sink that is down is no error: what it is owed waits.
pub fn deliver(findings: &mut Findings, sinks: &[Sink], store: &mut Store, post: &Post<'_>) -> Result<Delivery, Error> {
    let (mut delivery, mut waiting) = (Delivery::default(), Vec::new());
    let words = Words::of(findings, post.redact);
    let end = Instant::now() + RUN_LIMIT;
    let open = store.open_alerts()?;
    let count = open.iter().map(|(_, _, n)| n).sum();
    let (state, talk): (Vec<&Sink>, Vec<&Sink>) =
        sinks.iter().partition(|sink| matches!(sink.target, Target::Prometheus(_)));
    for sink in talk {
        let owed = store.owed(&sink.name, sink.floor)?;
        let all = owed.len() as u64;
        if post.offline && sink.leaves() {
            delivery.held += all;
            waiting.push((sink.name.clone(), all));
            continue;
        }
        let before = delivery.sent;
        let mut trouble = None;
        let mut refused = 0;
        for one in owed.iter().filter(|one| due(one, sink, post.now)) {
            match attempt(sink, &words.message(one), post, end) {
                Ok(()) => {
                    store.told(&sink.name, std::slice::from_ref(one), post.now)?;
                    delivery.sent += 1;
                    refused = 0;
                }
                Err(failed) => {
                    refused += 1;
                    let stop = !failed.only_this || refused >= MAX_REFUSED;
                    trouble.get_or_insert(failed.why);
                    if stop {
                        break;
                    }
                }
            }
        }
        if sink.heartbeat && trouble.is_none() {
            trouble = attempt(sink, &Message::heartbeat(post.now, count), post, end).err().map(|failed| failed.why);
        }
        let left = all - (delivery.sent - before);
        waiting.push((sink.name.clone(), left));
        delivery.failures.extend(trouble.map(|why| Failure { sink: sink.name.clone(), waiting: left, why }));
    }
    for sink in state {
        let Target::Prometheus(path) = &sink.target else { continue };
        let text = prometheus::text(&prometheus::State { findings, open: &open, waiting: &waiting });
        let owed = store.owed(&sink.name, sink.floor)?;
        match file::replace(path, &text) {
            Ok(()) => store.told(&sink.name, &owed, post.now)?,
            Err(e) => {
                let (sink, waiting) = (sink.name.clone(), owed.len() as u64);
                delivery.failures.push(Failure { sink, waiting, why: e.to_string() });
            }
        }
    }
    store.fill_sent_to(&mut findings.alerts)?;
    Ok(delivery)
}

/// Whether enough time has passed since the sink last heard of it. The first word, a raised severity and the end do not
/// wait; neither does anything when the clock was set back.
fn due(owed: &Owed, sink: &Sink, now: Timestamp) -> bool {
    owed.closed
        || owed.told.is_none_or(|told| {
            let since = now.0.saturating_sub(told.at.0);
            owed.severity > told.severity || !(0..sink.cooldown_s).contains(&since)
        })
}

/// Up to three tries, with pauses that grow.
fn attempt(sink: &Sink, message: &Message, post: &Post<'_>, end: Instant) -> Result<(), Trouble> {
    let patience = Patience { once: post.once };
    let mut pause = FIRST_PAUSE.min(post.once);
    for tries in 1.. {
        if Instant::now() >= end {
            break;
        }
        match sink.tell(message, &patience) {
            Ok(()) => return Ok(()),
            Err(Trouble { again: Some(wait), .. }) if tries < TRIES => {
                thread::sleep(pause.max(wait));
                pause *= 3;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Err(Trouble::down("other sinks took all the time there was".into()))
}

/// How tonight's alerts are called: as they are, or with pseudonyms.
struct Words<'a> {
    redact: Option<&'a Redactor>,
    tonight: BTreeMap<String, Alert>,
}

impl<'a> Words<'a> {
    fn of(findings: &Findings, redact: Option<&'a Redactor>) -> Self {
        let shown = redact.map(|redactor| redactor.alerts(&findings.alerts, &findings.campaigns)).unwrap_or_default();
        let tonight = findings.alerts.iter().map(|a| a.id.clone()).zip(shown).collect();
        Words { redact, tonight }
    }

    fn message(&self, owed: &Owed) -> Message {
        let (id, subject) = self.redacted(owed).unwrap_or_else(|| (owed.id.clone(), owed.subject.clone()));
        let event = match owed.told {
            _ if owed.closed => Event::Closed,
            None => Event::Opened,
            Some(told) if told.closed => Event::Reopened,
            Some(_) => Event::Updated,
        };
        let message = Message {
            event,
            key: format!("{id}-{}", owed.revision),
            thread: format!("{id}-0"),
            id,
            severity: Some(owed.severity),
            kind: owed.kind.name(),
            subject,
            raised_at: owed.raised_at,
            at: owed.changed_at,
        };
        message.made_plain()
    }

    fn redacted(&self, owed: &Owed) -> Option<(String, String)> {
        let redactor = self.redact?;
        if let Some(alert) = self.tonight.get(&owed.id) {
            return Some((alert.id.clone(), alert.subject.clone()));
        }
        // An earlier night's: who was in it is not at hand, so nobody is named.
        let subject = match owed.kind {
            AlertKind::Squatting | AlertKind::TakenOver => owed.subject.clone(),
            AlertKind::GuessingBurst => "address guessing, told in an earlier night's report".into(),
        };
        let alert = Alert {
            id: owed.id.clone(),
            severity: owed.severity,
            kind: owed.kind,
            subject,
            raised_at: owed.raised_at,
            sent_to: vec![],
            over: owed.closed,
            size: Size::default(),
            last_seen: owed.changed_at,
            origins: vec![],
        };
        redactor.alerts(&[alert], &[]).pop().map(|alert| (alert.id, alert.subject))
    }
}
