//! A stretch of the ledger.

use super::Ledger;
use crate::moment::{Day, Timestamp, Window};

impl Ledger {
    /// Only what happened from `since` to `until`, both included and each optional, to the day. Who had been written
    /// to before `since` stays known to have been: a first contact does not become one again.
    pub fn within(mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        if since.is_none() && until.is_none() {
            return self;
        }
        let (from, to) = (since.map_or(Day(i32::MIN), Timestamp::day), until.map_or(Day(i32::MAX), Timestamp::day));
        let days = from..=to;
        let overlaps =
            |window: Window| window.bounds().is_some_and(|(first, last)| first.day() <= to && last.day() >= from);
        self.days.retain(|day, _| days.contains(day));
        self.refusals.retain(|key, _| days.contains(&key.day));
        self.contacts.retain(|_, contact| contact.first.day() <= to);
        self.templates.retain(|form| overlaps(form.seen));
        self.blocklists.retain(|(_, day), _| days.contains(day));
        self.countries.retain(|(day, _), _| days.contains(day));
        self.authentication.retain(|_, tally| overlaps(tally.failed));
        self.window = match self.window.bounds() {
            Some((first, last)) if last.day() >= from && first.day() <= to => {
                let end = to.0.checked_add(1).map_or(last, |next| Day(next).start().plus(-1));
                Window::between(since.map_or(first, |_| first.max(from.start())), last.min(end))
            }
            _ => Window::default(),
        };
        self
    }
}
