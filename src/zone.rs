//! The zone of stamps that name none: civil time becomes UTC, over summer time too.
//!
//! In: `+08:00`, or a name of the system's zone database such as `Europe/Berlin`.
//! Out: a [`Zone`] that turns seconds of civil time into UTC without allocating.
//! Never: asks what zone this machine is in.

use jiff::tz::TimeZone;

use crate::moment::Timestamp;

/// What a stamp without a zone means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Seconds east of UTC.
    Fixed(i64),
    /// In the order of time; the first holds from ever.
    Changing(&'static [Since]),
}

/// An offset, and the clock reading from which it holds: in the hour that comes twice the offset before still does, in
/// the hour that never comes, too, as in RFC 5545, section 3.3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Since {
    civil: i64,
    offset: i64,
}

impl Default for Zone {
    fn default() -> Self {
        Zone::UTC
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Kind::Fixed(0));

    /// Reads `+08:00`, `-0330`, `Z`, or a name that the system's zone database has.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(at) = Timestamp::parse(&format!("1970-01-01T00:00:00{text}")) {
            return Some(Zone(Kind::Fixed(-at.0)));
        }
        let zone = TimeZone::get(text).ok()?;
        // No mail log is older, and nobody knows the rules later.
        let begin = jiff::Timestamp::from_second(Timestamp::from_civil(1980, 1, 1, 0, 0, 0)?.0).ok()?;
        let end = jiff::Timestamp::from_second(Timestamp::from_civil(2100, 1, 1, 0, 0, 0)?.0).ok()?;
        let mut offset = i64::from(zone.to_offset(begin).seconds());
        let mut rules = vec![Since { civil: i64::MIN, offset }];
        for change in zone.following(begin).take_while(|change| change.timestamp() < end) {
            let before = std::mem::replace(&mut offset, i64::from(change.offset().seconds()));
            rules.push(Since { civil: change.timestamp().as_second() + before.max(offset), offset });
        }
        // Options are copied freely; a process reads a zone or two.
        Some(Zone(Kind::Changing(rules.leak())))
    }

    /// Reads a stamp ([`Timestamp::parse`]), which may name another zone.
    pub fn stamp(self, text: &str) -> Option<Timestamp> {
        let (civil, offset) = Timestamp::read(text)?;
        Some(match offset {
            Some(offset) => civil.plus(-offset),
            None => self.utc(civil.0),
        })
    }

    /// The moment a clock of this zone showed `civil` seconds since 1970: the first one, where it did so twice.
    pub fn utc(self, civil: i64) -> Timestamp {
        Timestamp(civil.saturating_sub(match self.0 {
            Kind::Fixed(offset) => offset,
            Kind::Changing(rules) => rules[rules.partition_point(|rule| rule.civil <= civil) - 1].offset,
        }))
    }

    /// The second moment at which it showed the same, where clocks had been set back.
    pub fn again(self, civil: i64) -> Option<Timestamp> {
        let Kind::Changing(rules) = self.0 else { return None };
        let next = rules.partition_point(|rule| rule.civil <= civil);
        let (now, then) = (rules[next - 1], rules.get(next)?);
        (civil >= then.civil - (now.offset - then.offset)).then(|| Timestamp(civil - then.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(text: &str) -> i64 {
        Timestamp::parse(text).expect("a stamp").0
    }

    #[test]
    fn offsets_and_names() {
        for (zone, stamp, utc) in [
            ("+08:00", "2022-07-04 02:00:00", "2022-07-03T18:00:00Z"),
            ("-0330", "2022-07-04 02:00:00", "2022-07-04T05:30:00Z"),
            ("Z", "2022-07-04 02:00:00", "2022-07-04T02:00:00Z"),
        ] {
            assert_eq!(Zone::parse(zone).expect(zone).utc(civil(stamp)).to_string(), utc);
        }
        assert_eq!(Zone::parse("Mars/Olympus"), None);
        assert_eq!(Zone::parse(""), Some(Zone::UTC));
    }

    #[test]
    fn summer_time() {
        let Some(berlin) = Zone::parse("Europe/Berlin") else {
            eprintln!("skipped: this system has no zone database");
            return;
        };
        for (stamp, utc, again) in [
            ("2022-01-15 12:00:00", "2022-01-15T11:00:00Z", None),
            ("2022-03-27 01:59:59", "2022-03-27T00:59:59Z", None),
            ("2022-03-27 02:30:00", "2022-03-27T01:30:00Z", None),
            ("2022-03-27 03:00:00", "2022-03-27T01:00:00Z", None),
            ("2022-07-15 12:00:00", "2022-07-15T10:00:00Z", None),
            ("2022-10-30 01:59:59", "2022-10-29T23:59:59Z", None),
            ("2022-10-30 02:00:00", "2022-10-30T00:00:00Z", Some("2022-10-30T01:00:00Z")),
            ("2022-10-30 02:59:59", "2022-10-30T00:59:59Z", Some("2022-10-30T01:59:59Z")),
            ("2022-10-30 03:00:00", "2022-10-30T02:00:00Z", None),
        ] {
            assert_eq!(berlin.utc(civil(stamp)).to_string(), utc, "{stamp}");
            assert_eq!(berlin.again(civil(stamp)).map(|at| at.to_string()).as_deref(), again, "{stamp}");
        }
    }
}
