//! Moments, days, ISO weeks and windows. The clock is a value: nothing here asks what time it is.

use std::fmt;

use crate::merge::Merge;

const DAY: i64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

/// Days since 1970-01-01, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Day(pub i32);

/// An ISO 8601 week, shown as `2022-W23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Week {
    /// ISO week-numbering year.
    pub year: i16,
    /// 1 to 53.
    pub week: u8,
}

/// From the first to the last moment seen, both included; empty by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window(Option<(Timestamp, Timestamp)>);

impl Timestamp {
    /// Reads `2022-07-04T02:00:00[.f](Z|±hh:mm)` (RFC 3339) or `2022-07-04 02:00:00`, a missing zone meaning UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let (civil, zone_s) = Self::read(text)?;
        Some(civil.plus(-zone_s.unwrap_or(0)))
    }

    /// The clock reading of such a stamp, as if it were UTC, and the seconds east of UTC that it names.
    pub fn read(text: &str) -> Option<(Self, Option<i64>)> {
        let b = text.trim().as_bytes();
        if b.len() < 19
            || b[4] != b'-'
            || b[7] != b'-'
            || !matches!(b[10], b'T' | b't' | b' ')
            || b[13] != b':'
            || b[16] != b':'
        {
            return None;
        }
        let civil = Self::from_civil(
            number(&b[..4])?,
            number(&b[5..7])?,
            number(&b[8..10])?,
            number(&b[11..13])?,
            number(&b[14..16])?,
            number(&b[17..19])?,
        )?;
        let mut rest = &b[19..];
        if let [b'.' | b',', digits @ ..] = rest {
            let n = digits.iter().take_while(|c| c.is_ascii_digit()).count();
            if n == 0 {
                return None;
            }
            rest = &digits[n..];
        }
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
        let offset = match rest {
            [] => None,
            [b'Z' | b'z'] => Some(0),
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
                let (h, m) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
                if h > 23 || m > 59 {
                    return None;
                }
                Some((h * 3600 + m * 60) * if *sign == b'-' { -1 } else { 1 })
            }
            _ => return None,
        };
        Some((civil, offset))
    }

    /// A UTC moment from its civil parts; `None` where no such date or time exists. A leap second is its next second.
    pub fn from_civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<Self> {
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in(year, month)
            || !(0..24).contains(&hour)
            || !(0..60).contains(&minute)
            || !(0..=60).contains(&second)
        {
            return None;
        }
        Some(Timestamp(days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second))
    }

    /// The UTC day this moment lies in.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(DAY)).unwrap_or(i32::MAX))
    }

    /// Moved by so many seconds.
    pub fn plus(self, seconds: i64) -> Self {
        Timestamp(self.0.saturating_add(seconds))
    }
}

impl Day {
    /// The day's first second.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * DAY)
    }

    /// Reads `2022-07-04`.
    pub fn parse(text: &str) -> Option<Self> {
        Timestamp::parse(&format!("{text} 00:00:00")).map(Timestamp::day)
    }

    /// Year, month, day of month.
    pub fn civil(self) -> (i64, i64, i64) {
        civil_from_days(i64::from(self.0))
    }

    /// The ISO week: the one that holds this day's Thursday.
    pub fn week(self) -> Week {
        let thursday = Day(self.0 - (self.0 + 3).rem_euclid(7) + 3);
        let (year, _, _) = thursday.civil();
        let first = days_from_civil(year, 1, 1);
        let week = (i64::from(thursday.0) - first) / 7 + 1;
        Week { year: i16::try_from(year).unwrap_or(i16::MAX), week: u8::try_from(week).unwrap_or(53) }
    }
}

impl Window {
    /// Just this moment.
    pub fn at(moment: Timestamp) -> Self {
        Window(Some((moment, moment)))
    }

    /// From `first` to `last`.
    pub fn between(first: Timestamp, last: Timestamp) -> Self {
        Window(Some((first.min(last), first.max(last))))
    }

    /// Grows to hold `moment`.
    pub fn extend(&mut self, moment: Timestamp) {
        self.merge(Window::at(moment));
    }

    /// First and last moment, unless empty.
    pub fn bounds(self) -> Option<(Timestamp, Timestamp)> {
        self.0
    }
}

impl Merge for Window {
    fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, None) => one,
            (None, other) => other,
        };
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0.rem_euclid(DAY);
        write!(f, "{}T{:02}:{:02}:{:02}Z", Day(self.0.div_euclid(DAY) as i32), s / 3600, s / 60 % 60, s % 60)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.civil();
        write!(f, "{y:04}-{m:02}-{d:02}")
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.week)
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_logs_write() {
        let check = |text: &str, shown: &str| {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(shown), "{text}")
        };
        check("2022-07-04T02:00:00Z", "2022-07-04T02:00:00Z");
        check("2022-07-04 02:00:00", "2022-07-04T02:00:00Z");
        check("2022-07-04T02:00:00.123456+08:00", "2022-07-03T18:00:00Z");
        check("2024-02-29T23:59:60-0130", "2024-03-01T01:30:00Z");
        check("1969-12-31 23:59:59", "1969-12-31T23:59:59Z");
        for bad in [
            "",
            "2022-07-04",
            "2022-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2022-07-04 24:00:00",
            "2022-07-04 02:00:00 CET",
            "2022-07-04T02:00:00+0x:00",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn weeks_follow_iso_8601() {
        for (day, week) in [
            ("2022-06-08", "2022-W23"),
            ("2021-01-03", "2020-W53"),
            ("2024-12-30", "2025-W01"),
            ("1970-01-01", "1970-W01"),
            ("2022-01-01", "2021-W52"),
        ] {
            assert_eq!(Day::parse(day).map(|d| d.week().to_string()).as_deref(), Some(week), "{day}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for n in -50_000..100_000 {
            let (y, m, d) = civil_from_days(n);
            assert_eq!(days_from_civil(y, m, d), n);
        }
    }
}
