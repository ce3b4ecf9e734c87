//! Mail → one ledger: deliveries are judged and learned on all cores.
//!
//! In: opened inputs, mails that earlier nights left unfinished, by what replies are understood.
//! Out: the [`Ledger`] of one reading, and what the readers tell of it.
//! Never: looks into the store, decides what is suspicious.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::{
    delivery::{Delivery, Direction},
    error::Error,
    geo::Countries,
    ledger::{Intake, Ledger, STRANGERS},
    merge::Merge,
    ndr::{Cached, Classifier, Model, Verdict},
    progress::{Progress, Unseen},
    sources,
};

/// Contacts from which a core's own are put to those of all.
const MUCH: usize = 220_000;

/// By what replies and addresses are understood.
#[derive(Debug)]
pub struct Lore {
    /// What replies mean.
    pub classifier: Classifier,
    /// Where addresses are.
    pub countries: Option<Countries>,
}

impl Lore {
    /// As shipped, but for what is named.
    pub fn load(model: Option<&Path>, geoip: Option<&Path>) -> Result<Self, Error> {
        Ok(Lore { classifier: classifier(model)?, countries: geoip.map(Countries::open).transpose()? })
    }
}

/// The reply classifier, with the operator's own model where one is named.
pub fn classifier(model: Option<&Path>) -> Result<Classifier, Error> {
    let Some(path) = model else { return Classifier::shipped() };
    let bytes = fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
    let model = Model::load(&bytes).map_err(|error| match error {
        Error::Data { cause, .. } => Error::Data { name: path.display().to_string(), cause },
        other => other,
    })?;
    Classifier::with_model(model)
}

/// Deliveries of opened inputs, and of `known`'s unfinished mails, into one ledger.
pub(crate) fn read(
    strangers: usize,
    inputs: Vec<sources::Input>,
    how: &sources::Options,
    lore: &Lore,
    known: &sources::Known,
    progress: &dyn Progress,
) -> Result<(Ledger, sources::Reading<()>), Error> {
    progress.total(inputs.iter().map(|input| input.total_bytes).sum());
    // All workers together have the room of one ledger.
    let share = strangers / sources::workers();
    let common = Mutex::new(Ledger::bounded(strangers));
    let make = || Worker { common: Some(&common), visits: Ledger::bounded(share), ..Worker::new(lore) };
    let reading = sources::read(inputs, known, how, &make, &Worker::take, &|bytes| progress.read(bytes))?;
    let (workers, reading) = reading.part();
    let mut ledger = std::mem::take(&mut *common.lock().unwrap_or_else(PoisonError::into_inner));
    workers.into_iter().for_each(|mut worker| worker.hand_over(&mut ledger));
    Ok((ledger, reading))
}

/// One core's share of the mail.
pub(crate) struct Worker<'c> {
    /// Where our own mail goes when there is much: what all cores know is kept once.
    common: Option<&'c Mutex<Ledger>>,
    ours: Ledger,
    /// Of strangers, of whom only so many are kept: which ones must not depend on who was first at `common`.
    visits: Ledger,
    waiting: [Intake; 2],
    verdicts: Cached<'c>,
    countries: Option<&'c Countries>,
    said: Vec<Option<Verdict>>,
}

impl<'c> Worker<'c> {
    /// One that knows nothing yet.
    pub(crate) fn new(lore: &'c Lore) -> Self {
        let (verdicts, countries) = (Cached::new(&lore.classifier), lore.countries.as_ref());
        let (ours, visits, waiting) = Default::default();
        Worker { common: None, ours, visits, waiting, verdicts, countries, said: Vec::new() }
    }

    /// Learns from one delivery.
    pub(crate) fn take(&mut self, delivery: &Delivery<'_>) {
        self.said.clear();
        for attempt in delivery.attempts {
            if attempt.accepted {
                self.said.push(None);
                continue;
            }
            let verdict = self.verdicts.classify(attempt.reply).clone();
            self.visits.add_template(&verdict, attempt.reply, delivery.start, || self.verdicts.masked().text().into());
            self.said.push(Some(verdict));
        }
        if let Some(countries) = self.countries {
            self.visits.add_countries(delivery, &self.said, |ip| countries.of(ip));
        }
        let [ours, visits] = &mut self.waiting;
        if delivery.direction == Direction::In {
            visits.add(&mut self.visits, delivery, &self.said);
        } else {
            ours.add(&mut self.ours, delivery, &self.said);
        }
        if let Some(common) = self.common
            && self.ours.contacts.len() >= MUCH
        {
            let ours = std::mem::take(&mut self.ours);
            common.lock().unwrap_or_else(PoisonError::into_inner).merge(ours);
        }
    }

    /// Puts all it learned to `ledger`; it goes on with nothing.
    pub(crate) fn hand_over(&mut self, ledger: &mut Ledger) {
        let [ours, visits] = &mut self.waiting;
        ours.settle(&mut self.ours);
        visits.settle(&mut self.visits);
        ledger.merge(std::mem::take(&mut self.ours));
        ledger.merge(std::mem::take(&mut self.visits));
    }
}

/// Mails whose end no log has told yet, as they stand: tonight's report counts them, the store does not.
pub(crate) fn standing(
    how: &sources::Options,
    strangers: Option<usize>,
    lore: &Lore,
    known: &sources::Known,
) -> Result<Ledger, Error> {
    let known = sources::Known { marks: Vec::new(), pending: known.pending.clone() };
    let settled = sources::Options { settle: true, ..*how };
    read(strangers.unwrap_or(STRANGERS), Vec::new(), &settled, lore, &known, &Unseen).map(|(ledger, _)| ledger)
}
