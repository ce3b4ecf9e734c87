//! The head of a log line: when, on which host, by which program. Syslog's, or Exim's own.
//!
//! Reading a head needs no other line, so that lines are read on all cores; [`Years`] then gives the year that RFC 3164
//! leaves out, in the order of the lines.

use super::super::{format, near::near};
use crate::{
    moment::{Timestamp, days_in},
    sources::Options,
    zone::Zone,
};

/// A line's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) stamp: Stamp,
    /// Empty in a log that Exim writes itself.
    pub(crate) host: &'a str,
    /// `postfix/submission/smtpd`; empty where the line names no program.
    pub(crate) program: &'a str,
    /// Empty where the line has none.
    pub(crate) pid: &'a str,
    /// What the program wrote.
    pub(crate) rest: &'a str,
}

/// When, as far as the line itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// With its year and its zone.
    At(Timestamp),
    /// What a clock of the log's zone showed, as the seconds since 1970.
    Civil(i64),
    /// The same without a year: the month, and the seconds since it began.
    InYear { month: u8, second: u32 },
}

const DAY: i64 = 86_400;
const A_LEAP_YEAR: i64 = 2000;

/// How the line before began: lines of one second and one host begin alike.
#[derive(Debug, Default)]
pub(crate) struct Before<'a> {
    /// Up to the blank behind the host.
    begin: &'a str,
    /// What that says.
    says: Option<(Stamp, &'a str)>,
}

/// Takes a line apart; `None` where it has no head.
pub(crate) fn read(line: &str) -> Option<Head<'_>> {
    read_after(line, &mut Before::default())
}

/// The same behind other lines.
pub(crate) fn read_after<'a>(whole: &'a str, before: &mut Before<'a>) -> Option<Head<'a>> {
    if let Some((stamp, host)) = before.says
        && let Some(tail) = whole.strip_prefix(before.begin)
    {
        return Some(tagged(stamp, host, tail));
    }
    let line = format::without_bom(whole);
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
    if !bytes.first()?.is_ascii_digit() {
        let (stamp, tail) = without_year(line)?;
        return rfc3164(stamp, whole, tail, before);
    }
    if bytes.get(10) == Some(&b' ') {
        // A blank between date and time makes the stamp two words; a zone after it, three.
        let end = 11 + memchr::memchr(b' ', bytes.get(11..)?)?;
        let zone = bytes
            .get(end + 1..end + 7)
            .filter(|z| matches!(z[0], b'+' | b'-') && z[1..5].iter().all(u8::is_ascii_digit) && z[5] == b' ');
        let end = if zone.is_some() { end + 6 } else { end };
        let stamp = with_year(&line[..end])?;
        let tail = &line[end + 1..];
        // Syslog names host and program next; who writes anything else after such a stamp is Exim.
        let by_itself = &mut Before::default();
        return match rfc3164(stamp, whole, tail, by_itself).filter(|head| !head.pid.is_empty()) {
            Some(head) => Some(head),
            None => Some(own(stamp, tail)),
        };
    }
    let end = memchr::memchr(b' ', bytes)?;
    let stamp = with_year(&line[..end])?;
    let tail = &line[end + 1..];
    if structured { rfc5424(stamp, tail) } else { rfc3164(stamp, whole, tail, before) }
}

fn with_year(text: &str) -> Option<Stamp> {
    Some(match Timestamp::read(text)? {
        (civil, Some(offset)) => Stamp::At(civil.plus(-offset)),
        (civil, None) => Stamp::Civil(civil.0),
    })
}

/// A line of Exim's own log, behind its stamp.
fn own(stamp: Stamp, tail: &str) -> Head<'_> {
    Head { stamp, host: "", program: "exim", pid: "", rest: tail }
}

/// `Jan 10 16:15:29 `
fn without_year(line: &str) -> Option<(Stamp, &str)> {
    let b = line.as_bytes();
    let month = match b.first_chunk()? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
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
    if !(1..=days_in(A_LEAP_YEAR, i64::from(month)) as u32).contains(&day) || h > 23 || m > 59 || s > 60 {
        return None;
    }
    let end = day_at + day_len + 9;
    // Fractions of a second, or a colon from some relays.
    let gap = if b[end..].first() == Some(&b' ') { 0 } else { b[end..].iter().take(8).position(|b| *b == b' ')? };
    Some((Stamp::InYear { month, second: ((day - 1) * 24 + h) * 3600 + m * 60 + s }, &line[end + gap + 1..]))
}

fn digits(b: &[u8]) -> Option<u32> {
    b.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
}

/// `host program[pid]: text`, the end of the `whole` line.
fn rfc3164<'a>(stamp: Stamp, whole: &'a str, tail: &'a str, before: &mut Before<'a>) -> Option<Head<'a>> {
    let mut tail = without_blanks(tail);
    // FreeBSD's `<mail.info>`.
    if let Some((_, after)) = tail.strip_prefix('<').and_then(|tail| tail.split_once("> ")) {
        tail = after;
    }
    let gap = near(tail.as_bytes(), b' ')?;
    let (host, tail) = (&tail[..gap], &tail[gap + 1..]);
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    *before = Before { begin: &whole[..whole.len() - tail.len()], says: Some((stamp, host)) };
    Some(tagged(stamp, host, tail))
}

/// `program[pid]: text`
fn tagged<'a>(stamp: Stamp, host: &'a str, tail: &'a str) -> Head<'a> {
    // `last message repeated 2 times` has no program.
    let word = near(tail.as_bytes(), b' ').unwrap_or(tail.len());
    let Some(tag) = tail[..word].strip_suffix(':') else {
        return Head { stamp, host, program: "", pid: "", rest: tail };
    };
    let open = near(tag.as_bytes(), b'[');
    let pid = open.map_or("", |open| tag[open + 1..].trim_end_matches(']'));
    let program = &tag[..open.unwrap_or(tag.len())];
    let mut rest = without_blanks(&tail[word..]);
    // Solaris's `[ID 801593 mail.info]`.
    if let Some((_, text)) = rest.strip_prefix("[ID ").and_then(|id| id.split_once("] ")) {
        rest = text;
    }
    Head { stamp, host, program, pid, rest }
}

fn without_blanks(mut text: &str) -> &str {
    while text.as_bytes().first() == Some(&b' ') {
        text = &text[1..];
    }
    text
}

/// `host program pid msgid structured-data text`
fn rfc5424(stamp: Stamp, tail: &str) -> Option<Head<'_>> {
    let mut words = tail.splitn(5, ' ');
    let (host, program, pid, _id, tail) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let rest = match tail.strip_prefix("- ") {
        Some(rest) => rest,
        None => tail.find("] ").map(|end| &tail[end + 2..])?,
    };
    Some(Head { stamp, host, program, pid, rest: rest.trim_start_matches('\u{feff}').trim_start_matches(' ') })
}

/// Remembers the year, which RFC 3164 leaves out.
#[derive(Debug)]
pub(crate) struct Years {
    now: Timestamp,
    zone: Zone,
    /// The user's word on the year of each input's first line.
    first_year: Option<i64>,
    /// The same as this input itself tells it.
    told: Option<i64>,
    /// Year and month of the latest line.
    last: Option<(i64, u8)>,
    /// Month of the stamp before, and when it began by the clock: lines of one month follow each other.
    cache: (u8, i64),
    /// The moment of the line before.
    before: Timestamp,
}

impl Years {
    /// For the first input.
    pub(crate) fn new(options: &Options) -> Self {
        Years {
            now: options.now,
            zone: options.zone,
            first_year: options.year.map(i64::from),
            told: None,
            last: None,
            cache: (0, 0),
            before: Timestamp(i64::MIN),
        }
    }

    /// Another input begins, which may be from another year.
    pub(crate) fn begin(&mut self, year: Option<i64>) {
        (self.told, self.last, self.cache, self.before) = (year, None, (0, 0), Timestamp(i64::MIN));
    }

    /// The moment a stamp means, after all stamps before it.
    pub(crate) fn moment(&mut self, stamp: Stamp) -> Timestamp {
        match stamp {
            Stamp::At(at) => at,
            Stamp::Civil(civil) => self.utc(civil),
            Stamp::InYear { month, second } => {
                let civil = self.in_year(month, second);
                self.utc(civil)
            }
        }
    }

    /// Clocks set back show an hour twice: it is the second time if else the log would go back, by more than lines of
    /// several programs do.
    fn utc(&mut self, civil: i64) -> Timestamp {
        const DISORDER: i64 = 5 * 60;
        let first = self.zone.utc(civil);
        self.before = match self.zone.again(civil) {
            Some(second) if first.plus(DISORDER) < self.before => second,
            _ => first,
        };
        self.before
    }

    /// The clock reading in the year it must have been: the first line's is the latest year that is not in the future, later
    /// ones follow it over the turn of the year.
    fn in_year(&mut self, month: u8, second: u32) -> i64 {
        let second = i64::from(second);
        // The second half of February may be its 29th day, which not every year has.
        let usual = month != 2 || second < 28 * DAY;
        if usual && self.cache.0 == month && self.last.is_some_and(|(_, last)| last == month) {
            return self.cache.1 + second;
        }
        let start = |year: i64| {
            let start = Timestamp::from_civil(year, i64::from(month), 1, 0, 0, 0)?;
            // 29 February is in a leap year, whatever the guess.
            (usual || Timestamp::from_civil(year, 2, 29, 0, 0, 0).is_some()).then_some(start)
        };
        let guess = match (self.last, self.first_year.or(self.told)) {
            (Some((year, before)), _) if month + 6 < before => year + 1,
            // A late line of the old year; a log with few lines may pass over more months than six.
            (Some((year, before)), _) if month > before + 9 => year - 1,
            (Some((year, _)), _) => year,
            (None, Some(year)) => year,
            (None, None) => {
                let this = self.now.plus(DAY).day().civil().0;
                (this - 8..=this)
                    .rev()
                    .find(|&year| start(year).is_some_and(|t| self.zone.utc(t.0 + second) <= self.now.plus(DAY)))
                    .unwrap_or(this)
            }
        };
        let found = (0..=8).find_map(|back| Some((guess - back, start(guess - back)?)));
        let (year, start) = found.unwrap_or((guess, Timestamp(0)));
        if self.last.is_none_or(|last| (year, month) > last) {
            self.last = Some((year, month));
        }
        self.cache = (month, start.0);
        start.plus(second).0
    }
}

/// When a single line was written, for a look at a log before it is read.
pub(crate) fn moment(line: &str, options: &Options) -> Option<Timestamp> {
    Some(Years::new(options).moment(read(line)?.stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(now: &str) -> Years {
        Years::new(&Options { now: Timestamp::parse(now).expect("a moment"), ..Options::default() })
    }

    #[test]
    fn takes_every_head_apart() {
        let mut y = years("2022-07-04T00:00:00Z");
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
            (
                "Jun  8 01:02:03 <mail.info> mx postfix/qmgr[1]: A: removed",
                "2022-06-08T01:02:03Z",
                "mx",
                "postfix/qmgr",
                "A: removed",
            ),
            (
                "Jun  8 01:02:03 mx sendmail[1]: [ID 801593 mail.info] A: to=<b>",
                "2022-06-08T01:02:03Z",
                "mx",
                "sendmail",
                "A: to=<b>",
            ),
            ("2022-06-08 01:02:03.456 +0200 [12] x", "2022-06-07T23:02:03Z", "", "exim", "[12] x"),
            (
                "2022-06-08 01:02:03 1ABCDE-000000005vi-0000 DKIM: d=x",
                "2022-06-08T01:02:03Z",
                "",
                "exim",
                "1ABCDE-000000005vi-0000 DKIM: d=x",
            ),
        ] {
            let p = read(line).expect(line);
            let moment = y.moment(p.stamp).to_string();
            assert_eq!((moment.as_str(), p.host, p.program, p.rest), (at, host, program, rest), "{line}");
        }
        for junk in [
            "",
            "Jun",
            "Jun  8 01:02:03",
            "{\"from\":1}",
            "<22",
            "Jux  8 01:02:03 mx a: b",
            "Jun  8 01-02-03 mx a: b",
            "Feb 30 01:02:03 mx a: b",
            "2022-06-08T01:02:03",
        ] {
            assert_eq!(read(junk), None, "{junk}");
        }
    }

    #[test]
    fn a_line_behind_others_is_read_as_alone() {
        let mut before = Before::default();
        for line in [
            "Jun  8 01:02:03 mx postfix/smtp[12]: A: b",
            "Jun  8 01:02:03 mx postfix/qmgr[1]: A: removed",
            "Jun  8 01:02:03 mx last message repeated 2 times",
            "Jun  8 01:02:03 mx",
            "Jun  8 01:02:03  mx2 postfix/qmgr[1]: x",
            "Jun  8 01:02:03 mx3 postfix/qmgr[1]: x",
            "Jun  8 01:02:04 mx3 postfix/qmgr[1]: x",
            "2022-06-08T01:02:03+02:00 mx a[1]: x",
            "2022-06-08T01:02:03+02:00 mx b[1]: x",
            "2022-06-08 01:02:03 mx a[1]: x",
            "2022-06-08 01:02:03 mx a b",
            "<22>1 2022-06-08T01:02:03Z mx postfix/qmgr 12 - - A: removed",
            "<22>1 2022-06-08T01:02:03Z mx postfix/qmgr 12 - - B: removed",
            "<22>Jun 8 01:02:03 mx a[1]: x",
            "<22>Jun 8 01:02:03 mx b[1]: x",
        ] {
            assert_eq!(read_after(line, &mut before), read(line), "{line}");
        }
    }

    #[test]
    fn finds_the_year() {
        let year = |y: &mut Years, stamp: &str| {
            let head = format!("{stamp} mx a: b");
            y.moment(read(&head).expect("a head").stamp).to_string()[..10].to_owned()
        };
        let mut y = years("2023-01-02T02:00:00Z");
        assert_eq!(year(&mut y, "Dec 30 00:00:00"), "2022-12-30");
        assert_eq!(year(&mut y, "Jan  1 00:00:00"), "2023-01-01");
        assert_eq!(year(&mut y, "Dec 31 23:59:59"), "2022-12-31", "a late line of the old year");
        let mut sparse = years("2022-11-04T02:00:00Z");
        let read = ["Jan  5 10:00:00", "Sep  5 10:00:00", "Oct  5 10:00:00"].map(|stamp| year(&mut sparse, stamp));
        assert_eq!(read, ["2022-01-05", "2022-09-05", "2022-10-05"]);
        assert_eq!(year(&mut y, "Jan  1 00:00:01"), "2023-01-01");
        let mut y = years("2023-06-01T00:00:00Z");
        assert_eq!(year(&mut y, "Feb 29 00:00:00"), "2020-02-29");
        assert_eq!(year(&mut y, "Mar  1 00:00:00"), "2020-03-01");
        let mut y = Years { first_year: Some(2019), ..years("2023-06-01T00:00:00Z") };
        assert_eq!(year(&mut y, "Nov  1 00:00:00"), "2019-11-01");
        assert_eq!(year(&mut y, "Apr  1 00:00:00"), "2020-04-01");
    }

    #[test]
    fn the_hour_that_comes_twice() {
        let Some(zone) = Zone::parse("Europe/Berlin") else {
            eprintln!("skipped: this system has no zone database");
            return;
        };
        let mut y = Years { zone, ..years("2022-11-01T00:00:00Z") };
        for (stamp, at) in [
            ("Oct 30 01:59:59", "2022-10-29T23:59:59Z"),
            ("Oct 30 02:30:00", "2022-10-30T00:30:00Z"),
            ("Oct 30 02:29:58", "2022-10-30T00:29:58Z"),
            ("Oct 30 02:59:59", "2022-10-30T00:59:59Z"),
            ("Oct 30 02:00:00", "2022-10-30T01:00:00Z"),
            ("2022-10-30 02:30:00", "2022-10-30T01:30:00Z"),
            ("Oct 30 02:59:59", "2022-10-30T01:59:59Z"),
            ("Oct 30 03:00:00", "2022-10-30T02:00:00Z"),
        ] {
            let line = format!("{stamp} mx a[1]: b");
            assert_eq!(y.moment(read(&line).expect("a head").stamp).to_string(), at, "{stamp}");
        }
    }
}
