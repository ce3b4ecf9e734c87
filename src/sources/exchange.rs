//! Exchange message tracking logs: columns after `#Fields:`, lists inside fields.

use std::borrow::Cow;

use super::{
    Options,
    event::{Event, What, bare, ip_in, said},
    format::{Format, Reader},
    table::{self, Row, Table},
};
use crate::moment::Timestamp;

/// The format.
#[derive(Default)]
pub(crate) struct Exchange;

/// Columns of Exchange 2010, of which later ones are a superset.
const OF_2010: &str = "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,\
                       event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,\
                       recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,\
                       message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data";

impl Format for Exchange {
    fn looks_like(&self, line: &str) -> bool {
        let line = line.trim_start_matches('\u{feff}');
        Self::columns(line).is_some() || table::fields(line).is_some_and(|fields| Self::usual(&fields).is_some())
    }

    fn known(&self, sample: &str) -> usize {
        let headed = sample.lines().any(|line| Self::columns(line.trim_start_matches('\u{feff}')).is_some());
        let rows = sample.lines().filter(|line| self.looks_like(line)).count();
        if headed { rows.max(sample.lines().count()) } else { rows }
    }

    fn moment(&self, line: &str, _: &Options) -> Option<Timestamp> {
        Timestamp::parse(line.split(',').next()?.trim_matches(['\u{feff}', '"']))
    }

    fn is_whole(&self, _: &str) -> bool {
        false
    }

    fn reader(&self) -> Reader {
        Reader::Joined(table::start::<Exchange>)
    }

    fn blind_to(&self) -> &'static [&'static str] {
        &["recipients refused before the mail's text: they never reach this log"]
    }
}

impl Table for Exchange {
    fn columns(line: &str) -> Option<Vec<String>> {
        let names = line.strip_prefix("#Fields:").or(line.starts_with("date-time,").then_some(line))?;
        let columns: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
        let has = |name: &str| columns.iter().any(|column| column == name);
        (has("event-id") && has("recipient-address")).then_some(columns)
    }

    fn usual(fields: &[Cow<'_, str>]) -> Option<Vec<String>> {
        if !(26..=32).contains(&fields.len()) || Timestamp::parse(&fields[0]).is_none() {
            return None;
        }
        let source = fields[7].as_ref();
        let upper = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !upper(source) || !upper(&fields[8]) {
            return None;
        }
        let mut columns: Vec<String> = OF_2010.split(',').map(str::to_owned).collect();
        if fields.len() > 26 {
            columns.insert(11, "network-message-id".to_owned());
        }
        Some(columns)
    }

    fn events(row: &Row<'_>, _: &Options, tell: &mut dyn FnMut(Event<'_>)) -> Result<(), &'static str> {
        let kind = row.field(&["event-id"]);
        if kind.is_empty() {
            return Err("no event-id");
        }
        let what = match kind {
            "RECEIVE" => What::Begun,
            "SEND" | "SENDEXTERNAL" | "DELIVER" => What::Delivered,
            "FAIL" => What::Bounced,
            "DEFER" => What::Deferred,
            _ => return Ok(()),
        };
        let at = Timestamp::parse(row.field(&["date-time"])).ok_or("no date and time")?;
        let sender = bare(row.field(&["return-path", "sender-address"]));
        let network = row.field(&["network-message-id"]);
        let message = if network.is_empty() {
            format!("{}\0{}", row.field(&["message-id"]), row.field(&["internal-message-id"]))
        } else {
            network.to_owned()
        };
        let recipients: Vec<&str> = row.field(&["recipient-address"]).split(';').map(bare).collect();
        let states = apart(row.field(&["recipient-status"]), recipients.len());
        // Behind a front end, the client is the front end.
        let proxied =
            || row.field(&["custom-data"]).split(';').find_map(|part| part.split_once("ProxiedClientIPAddress="));
        let client = match (row.field(&["original-client-ip"]), proxied().map_or("", |(_, ip)| ip_in(ip))) {
            (original, ip) if !ip.is_empty() && (original.is_empty() || original == row.field(&["client-ip"])) => ip,
            ("", _) => row.field(&["client-ip"]),
            (original, _) => original,
        };
        // Of what was sent, the other server; of all else, one of our own.
        let sent = kind.starts_with("SEND");
        for (n, to) in recipients.iter().enumerate() {
            if to.is_empty() || to.starts_with("HealthMailbox") || sender.starts_with("HealthMailbox") {
                continue;
            }
            let state = states.get(n).copied().unwrap_or("");
            let state = if state.is_empty() { row.field(&["source-context"]) } else { state };
            let (text, server) = detail(state);
            tell(Event {
                what,
                message: message.as_str().into(),
                at,
                sender: if sender == "<>" { "" } else { sender }.into(),
                recipient: (*to).into(),
                client: if what == What::Begun { client } else { "" }.into(),
                inward: row.field(&["directionality"]).eq_ignore_ascii_case("Incoming"),
                to_ip: if server.is_empty() && sent { row.field(&["server-ip"]) } else { server }.into(),
                reply: if what == What::Begun { "".into() } else { said(None, "", text) },
                ..Event::default()
            });
        }
        Ok(())
    }
}

/// One status a recipient. Statuses hold semicolons of their own, but each begins with a code or a bracket.
fn apart(states: &str, count: usize) -> Vec<&str> {
    if count <= 1 {
        return vec![states];
    }
    let mut depth = 0usize;
    let mut cuts = vec![0];
    for (at, c) in states.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => cuts.push(at + 1),
            _ => {}
        }
    }
    let all: Vec<&str> = pieces(states, &cuts);
    if all.len() == count {
        return all;
    }
    cuts.retain(|&at| at == 0 || states[at..].starts_with(|c: char| c.is_ascii_digit() || matches!(c, '[' | '\'')));
    let coded = pieces(states, &cuts);
    // What cannot be told apart is said of all of them.
    if coded.len() == count { coded } else { vec![states; count] }
}

fn pieces<'s>(text: &'s str, cuts: &[usize]) -> Vec<&'s str> {
    let ends = cuts.iter().skip(1).map(|at| at - 1).chain([text.len()]);
    cuts.iter().zip(ends).map(|(from, to)| text[*from..to].trim()).collect()
}

/// The reply and the server's address in `[{LED=550 5.1.10 …};{MSG=…};{FQDN=…};{IP=…};{LRT=…}]`.
fn detail(state: &str) -> (&str, &str) {
    let part = |name: &str| {
        let (_, rest) = state.split_once(name)?;
        let (text, _) = rest.split_once('}')?;
        Some(text.trim()).filter(|text| !text.is_empty())
    };
    let text = part("{LED=").or_else(|| part("{MSG=")).unwrap_or(state);
    (text.trim_matches('\''), part("{IP=").map_or("", ip_in))
}
