//! PowerMTA accounting files: the columns are chosen by whoever runs it, and named in each file.

use std::borrow::Cow;

use super::{
    Options,
    event::{Event, PATIENCE, What, bare, diagnostic, ip_in, said},
    format::{Format, Reader},
    table::{self, Row, Table},
};
use crate::moment::Timestamp;

/// The format.
#[derive(Default)]
pub(crate) struct PowerMta;

/// Of a file whose head is lost: what PowerMTA writes where nothing else is asked for.
const USUAL: &str = "type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,srcType,\
                     srcMta,dlvType,dlvSourceIp,dlvDestinationIp,dlvEsmtpAvailable,dlvSize,vmta,jobId,envId";

/// Types of record.
const TYPES: [&str; 11] = ["d", "b", "t", "tq", "rb", "rs", "r", "f", "p", "rr", "tb"];

impl Format for PowerMta {
    fn looks_like(&self, line: &str) -> bool {
        let line = line.trim_start_matches('\u{feff}');
        Self::columns(line).is_some()
            || line.split_once(',').is_some_and(|(kind, _)| TYPES.contains(&kind.trim_matches('"')))
                && line.matches(',').count() >= 3
    }

    fn known(&self, sample: &str) -> usize {
        let headed = sample.lines().any(|line| Self::columns(line.trim_start_matches('\u{feff}')).is_some());
        let usual =
            || sample.lines().next().and_then(table::fields).is_some_and(|fields| Self::usual(&fields).is_some());
        if headed || usual() { sample.lines().filter(|line| self.looks_like(line)).count() } else { 0 }
    }

    fn moment(&self, line: &str, options: &Options) -> Option<Timestamp> {
        let fields = table::fields(line)?;
        fields.iter().skip(1).find_map(|field| options.zone.stamp(field))
    }

    fn is_whole(&self, _: &str) -> bool {
        false
    }

    fn reader(&self) -> Reader {
        Reader::Joined(table::start::<PowerMta>)
    }
}

impl Table for PowerMta {
    fn columns(line: &str) -> Option<Vec<String>> {
        let line = line.trim_start_matches('#').trim();
        let named = line.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("type,"))
            || line.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("\"type\","));
        let columns: Vec<String> =
            named.then(|| table::fields(line))??.iter().map(|name| name.trim().to_owned()).collect();
        let has = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        (has("timeLogged") || has("timeQueued") || has("rcpt") || has("dsnStatus")).then_some(columns)
    }

    fn usual(fields: &[Cow<'_, str>]) -> Option<Vec<String>> {
        let fits = fields.len() >= 8
            && TYPES.contains(&&*fields[0])
            && fields[1].len() >= 19
            && Timestamp::parse(&fields[1]).is_some();
        fits.then(|| USUAL.split(',').map(str::to_owned).collect())
    }

    fn events(row: &Row<'_>, options: &Options, tell: &mut dyn FnMut(Event<'_>)) -> Result<(), &'static str> {
        let what = match row.field(&["type"]) {
            "d" | "rs" if row.field(&["dsnAction"]).eq_ignore_ascii_case("failed") => What::Bounced,
            "d" => What::Delivered,
            "b" | "rb" => What::Bounced,
            "t" | "tq" => What::Deferred,
            "r" => What::Begun,
            kind if TYPES.contains(&kind) => return Ok(()),
            _ => return Err("the first column is no type of record"),
        };
        let moment = |names: &[&str]| options.zone.stamp(row.field(names));
        let at = moment(&["timeLogged", "timeQueued"]).ok_or("no date and time")?;
        let (sender, recipient) = (bare(row.field(&["orig"])), bare(row.field(&["rcpt", "orcpt"])));
        let queued = row.field(&["timeQueued"]);
        let id = row.field(&["header_Message-Id", "header_Message-ID", "messageId", "msgId"]);
        // A mail keeps the moment it was queued at through all its attempts.
        let message = match (id, queued) {
            // Without that moment, what was put off is of the next that ends.
            ("", "") => format!("{sender}\0{}\0{}", row.field(&["jobId"]), row.field(&["envId"])),
            ("", queued) => format!("{queued}\0{sender}\0{}\0{}", row.field(&["jobId"]), row.field(&["envId"])),
            (id, _) => id.to_owned(),
        };
        let (status, diag) = (row.field(&["dsnStatus"]), diagnostic(row.field(&["dsnDiag"])));
        let words = match status.split_once(' ') {
            Some((_, words)) => words.trim_matches(['(', ')']),
            None => row.field(&["bounceCat"]),
        };
        let mta = row.field(&["dlvDestinationIp"]);
        let from = ip_in(row.field(&["srcMta"]));
        tell(Event {
            what,
            message: message.into(),
            in_turn: (id.is_empty() && queued.is_empty()).then_some(PATIENCE),
            at,
            sent: moment(&["timeQueued"]),
            sender: sender.into(),
            recipient: recipient.strip_prefix("rfc822;").unwrap_or(recipient).into(),
            client: if from == "0.0.0.0" { "" } else { from }.into(),
            from_ip: row.field(&["dlvSourceIp"]).into(),
            to_ip: if mta.is_empty() { ip_in(row.field(&["dsnMta"])) } else { mta }.into(),
            reply: said(None, status, if diag.is_empty() { words } else { diag }),
            ..Event::default()
        });
        Ok(())
    }
}
