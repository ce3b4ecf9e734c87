//! The head that syslog puts before a line: when, on which host, by which program.

use crate::{moment::Timestamp, sources::Options};

/// A syslog line's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix<'a> {
    pub(crate) at: Timestamp,
    pub(crate) host: &'a str,
    /// `postfix/submission/smtpd`, without `[PID]`; empty where the line names no program.
    pub(crate) program: &'a str,
    /// What the program wrote.
    pub(crate) rest: &'a str,
}

/// Reads stamps; remembers the year, which RFC 3164 leaves out.
#[derive(Debug)]
pub(crate) struct Stamps {
    now: Timestamp,
    offset_s: i32,
    /// The user's word on the year of each input's first line.
    first_year: Option<i64>,
    /// The same as this input itself tells it.
    told: Option<i64>,
    /// Year and month of the latest line.
    last: Option<(i64, i64)>,
    /// The stamp of the line before and what it meant: lines of one second follow each other.
    cache: ([u8; 15], Timestamp),
}

const DAY: i64 = 86_400;

impl Stamps {
    /// For one input.
    pub(crate) fn new(options: &Options) -> Self {
        Stamps {
            now: options.now,
            offset_s: options.zone_offset_s,
            first_year: options.year.map(i64::from),
            told: None,
            last: None,
            cache: ([0; 15], Timestamp(0)),
        }
    }

    /// Another input begins, which may be from another year.
    pub(crate) fn begin(&mut self, year: Option<i64>) {
        self.told = year;
        self.last = None;
        self.cache.0 = [0; 15];
    }

    /// Takes a line apart; `None` where it has no syslog head.
    pub(crate) fn read<'a>(&mut self, line: &'a str) -> Option<Prefix<'a>> {
        let line = line.trim_start_matches('\u{feff}');
        let (line, structured) = match line.strip_prefix('<') {
            Some(tail) => {
                let end = tail
                    .find('>')
                    .filter(|end| (1..=3).contains(end) && tail.as_bytes()[..*end].iter().all(u8::is_ascii_digit))?;
                let tail = &tail[end + 1..];
                match tail.strip_prefix("1 ") {
                    Some(tail) => (tail, true),
                    None => (tail, false),
                }
            }
            None => (line, false),
        };
        let bytes = line.as_bytes();
        let (at, tail) = if bytes.first()?.is_ascii_digit() {
            // A blank between date and time makes the stamp two words.
            let from = if bytes.get(10) == Some(&b' ') { 11 } else { 0 };
            let end = from + memchr::memchr(b' ', bytes.get(from..)?)?;
            (Timestamp::parse_zoned(&line[..end], self.offset_s)?, &line[end + 1..])
        } else {
            self.without_year(line)?
        };
        if structured { rfc5424(at, tail) } else { rfc3164(at, tail) }
    }

    /// `Jan 10 16:15:29 `
    fn without_year<'a>(&mut self, line: &'a str) -> Option<(Timestamp, &'a str)> {
        let b = line.as_bytes();
        if b.len() > 16 && b[..15] == self.cache.0 && b[15] == b' ' {
            return Some((self.cache.1, &line[16..]));
        }
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let name = b.get(..3)?;
        let month = MONTHS.chunks_exact(3).position(|m| m == name)? as i64 + 1;
        if b.get(3) != Some(&b' ') {
            return None;
        }
        // Some writers pad the day with a blank, some with a zero, some not at all.
        let day_at = 4 + usize::from(b.get(4) == Some(&b' '));
        let day_len = b.get(day_at..)?.iter().take(2).take_while(|c| c.is_ascii_digit()).count();
        let day = digits(b.get(day_at..day_at + day_len)?)?;
        let clock = b.get(day_at + day_len..day_at + day_len + 10)?;
        if day_len == 0 || clock[0] != b' ' || clock[3] != b':' || clock[6] != b':' {
            return None;
        }
        let (h, m, s) = (digits(&clock[1..3])?, digits(&clock[4..6])?, digits(&clock[7..9])?);
        let end = day_at + day_len + 9;
        // Fractions of a second, or a colon from some relays.
        let gap = memchr::memchr(b' ', &b[end..])?;
        if gap > 7 {
            return None;
        }
        let at = self.year(month, |year| Timestamp::from_civil(year, month, day, h, m, s))?;
        if end == 15 && gap == 0 {
            self.cache = (b[..15].try_into().ok()?, at);
        }
        Some((at, &line[end + gap + 1..]))
    }

    /// The moment in the year it must have been: the first line's is the latest year that is not in the future, later
    /// ones follow it over the turn of the year.
    fn year(&mut self, month: i64, civil: impl Fn(i64) -> Option<Timestamp>) -> Option<Timestamp> {
        let moment = |year: i64| civil(year).map(|t| t.plus(-i64::from(self.offset_s)));
        let guess = match (self.last, self.first_year.or(self.told)) {
            (Some((year, before)), _) if month - before < -6 => year + 1,
            (Some((year, before)), _) if month - before > 6 => year - 1,
            (Some((year, _)), _) => year,
            (None, Some(year)) => year,
            (None, None) => {
                let this = self.now.plus(DAY).day().civil().0;
                (this - 8..=this)
                    .rev()
                    .find(|&year| moment(year).is_some_and(|t| t <= self.now.plus(DAY)))
                    .unwrap_or(this)
            }
        };
        // 29 February is in a leap year, whatever the guess.
        let (year, at) = (0..=8).find_map(|back| Some((guess - back, moment(guess - back)?)))?;
        if self.last.is_none_or(|last| (year, month) > last) {
            self.last = Some((year, month));
        }
        Some(at)
    }
}

fn digits(b: &[u8]) -> Option<i64> {
    b.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
}

/// `host program[pid]: text`
fn rfc3164(at: Timestamp, tail: &str) -> Option<Prefix<'_>> {
    let tail = tail.trim_start_matches(' ');
    let gap = memchr::memchr(b' ', tail.as_bytes())?;
    let (host, tail) = (&tail[..gap], &tail[gap + 1..]);
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    // `last message repeated 2 times` has no program.
    let word = memchr::memchr(b' ', tail.as_bytes()).unwrap_or(tail.len());
    let (program, rest) = match tail[..word].strip_suffix(':') {
        Some(tag) => {
            (&tag[..memchr::memchr(b'[', tag.as_bytes()).unwrap_or(tag.len())], tail[word..].trim_start_matches(' '))
        }
        None => ("", tail),
    };
    Some(Prefix { at, host, program, rest })
}

/// `host program pid msgid structured-data text`
fn rfc5424(at: Timestamp, tail: &str) -> Option<Prefix<'_>> {
    let mut words = tail.splitn(5, ' ');
    let (host, program, _pid, _id, tail) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let rest = match tail.strip_prefix("- ") {
        Some(rest) => rest,
        None => tail.find("] ").map(|end| &tail[end + 2..])?,
    };
    Some(Prefix { at, host, program, rest: rest.trim_start_matches('\u{feff}').trim_start_matches(' ') })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(now: &str) -> Stamps {
        Stamps::new(&Options { now: Timestamp::parse(now).expect("a moment"), ..Options::default() })
    }

    #[test]
    fn takes_every_head_apart() {
        let mut s = stamps("2022-07-04T00:00:00Z");
        for (line, at, host, program, rest) in [
            ("Jun  8 01:02:03 mx postfix/smtp[12]: A: b", "2022-06-08T01:02:03Z", "mx", "postfix/smtp", "A: b"),
            ("<22>Jun 8 01:02:03 mx postfix/smtp[12]: A: b", "2022-06-08T01:02:03Z", "mx", "postfix/smtp", "A: b"),
            (
                "2022-06-08T01:02:03.456789+02:00 mx postfix-out/submission/smtpd[1]: x",
                "2022-06-07T23:02:03Z",
                "mx",
                "postfix-out/submission/smtpd",
                "x",
            ),
            ("2022-06-08 01:02:03 mx postfix/qmgr[1]: x", "2022-06-08T01:02:03Z", "mx", "postfix/qmgr", "x"),
            (
                "<22>1 2022-06-08T01:02:03Z mx postfix/qmgr 12 - - A: removed",
                "2022-06-08T01:02:03Z",
                "mx",
                "postfix/qmgr",
                "A: removed",
            ),
            (
                "Jun  8 01:02:03 mx last message repeated 2 times",
                "2022-06-08T01:02:03Z",
                "mx",
                "",
                "last message repeated 2 times",
            ),
        ] {
            let p = s.read(line).expect(line);
            assert_eq!((p.at.to_string().as_str(), p.host, p.program, p.rest), (at, host, program, rest), "{line}");
        }
        for junk in [
            "",
            "Jun",
            "Jun  8 01:02:03",
            "{\"from\":1}",
            "<22",
            "Jux  8 01:02:03 mx a: b",
            "Jun  8 01-02-03 mx a: b",
            "2022-06-08T01:02:03",
        ] {
            assert_eq!(s.read(junk), None, "{junk}");
        }
    }

    #[test]
    fn finds_the_year() {
        let year = |s: &mut Stamps, stamp: &str| {
            s.read(&format!("{stamp} mx a: b")).map(|p| p.at.to_string()[..10].to_owned())
        };
        let mut s = stamps("2023-01-02T02:00:00Z");
        assert_eq!(year(&mut s, "Dec 30 00:00:00").as_deref(), Some("2022-12-30"));
        assert_eq!(year(&mut s, "Jan  1 00:00:00").as_deref(), Some("2023-01-01"));
        assert_eq!(year(&mut s, "Dec 31 23:59:59").as_deref(), Some("2022-12-31"), "a late line of the old year");
        assert_eq!(year(&mut s, "Jan  1 00:00:01").as_deref(), Some("2023-01-01"));
        let mut s = stamps("2023-06-01T00:00:00Z");
        assert_eq!(year(&mut s, "Feb 29 00:00:00").as_deref(), Some("2020-02-29"));
        assert_eq!(year(&mut s, "Mar  1 00:00:00").as_deref(), Some("2020-03-01"));
        let mut s = Stamps { first_year: Some(2019), ..stamps("2023-06-01T00:00:00Z") };
        assert_eq!(year(&mut s, "Nov  1 00:00:00").as_deref(), Some("2019-11-01"));
        assert_eq!(year(&mut s, "Apr  1 00:00:00").as_deref(), Some("2020-04-01"));
    }
}
