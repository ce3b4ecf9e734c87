//! Lines become deliveries, host by host.

use std::collections::BTreeMap;

use super::{
    host::{Host, SavedHost},
    line::{self, Event},
    prefix::Stamps,
};
use crate::{
    delivery::Delivery,
    moment::Timestamp,
    sources::{
        Options,
        format::{self, Emit, Joined},
        reject::Tally,
        split::MAX_LINE,
    },
};

/// The join over all hosts of the logs.
pub(crate) struct Join {
    stamps: Stamps,
    /// Stamps beyond this are somebody's broken clock and move none of ours.
    horizon: Timestamp,
    hosts: BTreeMap<String, Host>,
}

/// How far ahead of the clock a stamp may be: zones and clocks differ, but not by more.
const AHEAD: i64 = 2 * 86_400;

impl Join {
    /// Goes on from what the night before saved.
    pub(crate) fn new(options: &Options, saved: Option<serde_json::Value>) -> Result<Self, serde_json::Error> {
        let saved: BTreeMap<String, SavedHost> = saved.map_or(Ok(BTreeMap::new()), serde_json::from_value)?;
        let hosts = saved.into_iter().map(|(name, host)| (name, Host::of(host))).collect();
        Ok(Join { stamps: Stamps::new(options), horizon: options.now.plus(AHEAD), hosts })
    }
}

impl Joined for Join {
    fn begin(&mut self, year: Option<i64>) {
        self.stamps.begin(year);
    }

    fn chunk(&mut self, bytes: &[u8], emit: Emit<'_>) -> Tally {
        let (mut tally, mut records) = (Tally::default(), 0);
        format::lines(bytes, &mut tally, |line, tally| {
            if !format::says_something(line) {
                return;
            }
            tally.relevant += 1;
            if line.len() > MAX_LINE {
                return tally.reject("the line is longer than any record could be", line);
            }
            let Some(prefix) = self.stamps.read(line) else {
                return tally.reject("no syslog line: time, host and program expected", line);
            };
            tally.recognised += 1;
            let event = line::read(&prefix);
            tally.own += u64::from(event != Event::Nothing || prefix.program.starts_with("postfix"));
            if event == Event::Nothing {
                return;
            }
            let host = match self.hosts.get_mut(prefix.host) {
                Some(host) => host,
                None => self.hosts.entry(prefix.host.to_owned()).or_default(),
            };
            let mut counted = |delivery: &Delivery<'_>| {
                records += 1;
                emit(delivery);
            };
            if prefix.at <= self.horizon {
                host.tick(prefix.at, &mut counted);
            }
            host.take(event, prefix.at, &mut counted);
        });
        tally.records = records;
        tally
    }

    fn finish(&mut self, settle: bool, emit: Emit<'_>) {
        for host in self.hosts.values_mut() {
            host.finish(settle, emit);
        }
    }

    fn pending(&self) -> u64 {
        self.hosts.values().map(|host| host.pending() as u64).sum()
    }

    fn save(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self.hosts.iter().map(|(name, host)| (name, host.saved())).collect::<BTreeMap<_, _>>())
    }
}
