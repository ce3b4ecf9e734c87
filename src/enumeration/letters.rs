//! Mail to those an origin has reached already: who writes a lot makes slips, and meets people who left.

use hashbrown::HashMap;

use super::trail::Trails;
use crate::ledger::{Domain, Name};

/// Letters that count of those to one address, or one for each address reached: a few mailboxes of one's own are a cheap
/// alibi, thousands of correspondents are not.
const MOST: f64 = 200.0;

/// Letters to one address behind the first one: when the first and the last came, and how many a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    domain: Domain,
    from: i64,
    to: i64,
    pace: f64,
}

impl Letters {
    /// Those of an origin, address by address.
    pub(super) fn of(rows: &[usize], trails: &Trails<'_>) -> Vec<Self> {
        let mut known: HashMap<Name, (i64, i64, f64)> = HashMap::new();
        for (recipient, contact) in rows.iter().filter_map(|row| Some((trails.recipient(*row), trails.contact(*row)?)))
        {
            let Some((first, last)) = contact.accepted_span.bounds() else { continue };
            let (from, to, letters) = known.entry(recipient).or_insert((first.0, last.0, -1.0));
            (*from, *to, *letters) = ((*from).min(first.0), (*to).max(last.0), *letters + contact.accepted as f64);
        }
        let most = MOST.max(known.len() as f64);
        let mut letters: Vec<Letters> = known
            .into_iter()
            .filter(|(_, (from, to, letters))| from < to && *letters >= 1.0)
            .map(|(recipient, (from, to, letters))| {
                let domain = trails.ledger().names.domain(recipient);
                Letters { domain, from, to, pace: letters.min(most) / (to - from) as f64 }
            })
            .collect();
        // A sum of floats is of one order.
        letters.sort_unstable_by(|a, b| (a.from, a.to).cmp(&(b.from, b.to)).then(a.pace.total_cmp(&b.pace)));
        letters
    }
}

/// How many letters come from one moment to the next, as if each address got its at one pace.
pub(super) struct Pace {
    /// When it changes, by how much; the last moments first.
    changes: Vec<(i64, f64)>,
    now: i64,
    pace: f64,
}

impl Pace {
    /// Of the letters to `targets`.
    pub(super) fn of(letters: &[Letters], targets: impl Fn(Domain) -> bool) -> Self {
        let those = letters.iter().filter(|one| targets(one.domain));
        let mut changes: Vec<(i64, f64)> = those.flat_map(|one| [(one.from, one.pace), (one.to, -one.pace)]).collect();
        changes.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        Pace { changes, now: i64::MIN, pace: 0.0 }
    }

    /// Letters since it was last asked.
    pub(super) fn until(&mut self, at: i64) -> f64 {
        let mut sum = 0.0;
        while let Some((when, by)) = self.changes.pop_if(|(when, _)| *when <= at) {
            sum += self.pace * when.saturating_sub(self.now.min(when)) as f64;
            (self.now, self.pace) = (when, self.pace + by);
        }
        sum += self.pace * at.saturating_sub(self.now) as f64;
        self.now = at;
        // What rounding leaves of a pace that went up and down again is no letter.
        sum.max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_at_one_pace() {
        let one = |domain, from, to, pace| Letters { domain: Domain(domain), from, to, pace };
        let letters = [one(1, 0, 100, 0.5), one(1, 50, 150, 1.0), one(2, 0, 100, 9.0)];
        let mut pace = Pace::of(&letters, |domain| domain == Domain(1));
        let asked = [-5, 0, 50, 100, 125, 200].map(|at| pace.until(at));
        assert_eq!(asked, [0.0, 0.0, 25.0, 75.0, 25.0, 25.0]);
    }
}
