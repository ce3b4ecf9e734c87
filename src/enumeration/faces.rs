//! First contacts brought together by whose trails they are on, without a look at each for every kind of origin.

use std::ops::Range;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::origin::{KINDS, Origin, Visitors};
use crate::{
    address::is_server,
    delivery::Direction,
    ledger::{Answer, ByName, Contact, ContactKey, Ledger, Name},
    moment::Timestamp,
};

/// Who had mail accepted at an address.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Accepts {
    /// Seconds, as the ledger keeps them.
    pub(super) first: u32,
    /// Contacts.
    pub(super) senders: u32,
}

/// A first contact in few bytes: with many senders that fail now and then, most contacts are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Seconds, as the ledger keeps them.
    pub(super) first: u32,
    pub(super) recipient: Name,
    /// The face's number, which knows sender and client.
    pub(super) face: u32,
    pub(super) exists: bool,
}

/// What of contacts decides whose trail they are on: sender, client and direction, of visits also the domain.
#[derive(Debug, Default)]
pub(super) struct Faces {
    numbers: HashMap<ContactKey, u32>,
    /// A contact of each.
    pub(super) keys: Vec<ContactKey>,
    /// How much evidence there is of each, failures and others.
    evidence: Vec<[u32; 2]>,
    /// Where in the rows each one's begin; those of the next one begin where they end.
    starts: Vec<u32>,
}

impl Faces {
    pub(super) fn of(visitors: &Visitors<'_>, accepts: &ByName<Accepts>) -> Self {
        let mut faces = Faces::default();
        // A store's contacts are in the order of senders and clients: mostly it is the face of the one before.
        let mut before = None;
        for (key, contact) in evidence(visitors.ledger, accepts) {
            let face = face(visitors.ledger, &key);
            let number = match before {
                Some((known, number)) if known == face => number,
                _ => *faces.numbers.entry(face).or_insert_with(|| {
                    faces.keys.push(key);
                    faces.evidence.push([0; 2]);
                    faces.keys.len() as u32 - 1
                }),
            };
            before = Some((face, number));
            faces.evidence[number as usize][usize::from(contact.first_answer == Answer::Accepted)] += 1;
        }
        faces
    }

    /// Gives places to the rows of those of which an origin has `least` failures; the others have none.
    pub(super) fn watch(&mut self, visitors: &Visitors<'_>, least: usize) {
        let mut failures: HashMap<Origin, usize> = HashMap::new();
        for (key, [failed, _]) in self.keys.iter().zip(&self.evidence).filter(|(_, [failed, _])| *failed > 0) {
            for origin in KINDS.iter().filter_map(|kind| kind(visitors, key)) {
                *failures.entry(origin).or_default() += *failed as usize;
            }
        }
        failures.retain(|_, n| *n >= least);
        let is_watched = |key: &ContactKey| {
            !failures.is_empty()
                && KINDS.iter().filter_map(|kind| kind(visitors, key)).any(|o| failures.contains_key(&o))
        };
        let watched: Vec<bool> = self.keys.par_iter().map(is_watched).collect();
        let mut end = 0;
        self.starts = vec![0];
        for (evidence, watched) in self.evidence.iter_mut().zip(watched) {
            if !watched {
                *evidence = [0; 2];
            }
            end += evidence.iter().sum::<u32>();
            self.starts.push(end);
        }
    }

    /// The rows, each at its place.
    pub(super) fn rows(&self, visitors: &Visitors<'_>, accepts: &ByName<Accepts>) -> Vec<Row> {
        let nobody = Row { first: 0, recipient: Name::NONE, face: 0, exists: false };
        let mut rows = vec![nobody; self.starts.last().map_or(0, |end| *end as usize)];
        if rows.is_empty() {
            return rows;
        }
        let places = (0..self.keys.len()).map(|face| [self.failed(face).start, self.exist(face).start]);
        let mut places: Vec<[u32; 2]> = places.map(|place| place.map(|at| at as u32)).collect();
        let mut before = None;
        for (key, contact) in evidence(visitors.ledger, accepts) {
            let key_of_face = face(visitors.ledger, &key);
            let face = match before {
                Some((known, number)) if known == key_of_face => number,
                _ => self.numbers[&key_of_face],
            };
            before = Some((key_of_face, face));
            if !self.places(face as usize).is_empty() {
                let exists = contact.first_answer == Answer::Accepted;
                let place = &mut places[face as usize][usize::from(exists)];
                rows[*place as usize] = Row { first: seconds(contact.first), recipient: key.recipient, face, exists };
                *place += 1;
            }
        }
        rows
    }

    /// Where a face's rows are.
    pub(super) fn places(&self, face: usize) -> Range<usize> {
        self.starts[face] as usize..self.starts[face + 1] as usize
    }

    pub(super) fn failed(&self, face: usize) -> Range<usize> {
        let Range { start, .. } = self.places(face);
        start..start + self.evidence[face][0] as usize
    }

    pub(super) fn exist(&self, face: usize) -> Range<usize> {
        self.failed(face).end..self.places(face).end
    }
}

/// A face's key: of the recipient at most the domain.
pub(super) fn face(ledger: &Ledger, key: &ContactKey) -> ContactKey {
    let domain = if key.direction == Direction::In { ledger.names.domain(key.recipient).0 } else { 0 };
    ContactKey { recipient: Name(domain), ..*key }
}

/// As the ledger keeps moments.
pub(super) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.0).unwrap_or_default()
}

/// The contacts that tell of guessing, or of honesty.
pub(super) fn evidence<'a>(
    ledger: &'a Ledger,
    accepts: &'a ByName<Accepts>,
) -> impl Iterator<Item = (ContactKey, Contact)> + 'a {
    ledger.contacts.iter().filter(|(key, contact)| is_evidence(key, contact, ledger, accepts))
}

fn is_evidence(key: &ContactKey, contact: &Contact, ledger: &Ledger, accepts: &ByName<Accepts>) -> bool {
    match contact.first_answer {
        Answer::Accepted => key.sender != Name::NONE,
        // An address that ever took mail was not guessed: it moved, it left, or its directory was down. And servers bring
        // bounces and callouts, of mail that others sent.
        Answer::Unknown => accepts[key.recipient].senders == 0 && !is_server(ledger.names.text(key.sender)),
        Answer::NoDomain | Answer::Other => false,
    }
}
