//! `report.md`: the same report for a ticket or a mail. What strangers wrote stands in code spans or is escaped.

use std::fmt::Write;

use super::{
    contract::{Report, blind_spots, clipped},
    words,
};
use crate::plural::grouped;

/// Rows of a table; the rest is in the CSV files.
const MAX_ROWS: usize = 100;
/// Characters of a cell.
const MAX_CELL: usize = 200;
/// Names in a line.
const MAX_NAMES: usize = 8;

/// The page.
pub(super) fn page(r: &Report) -> String {
    let mut out = format!("# Mail bounce report, {}\n\n", words::day(&r.generated_at));
    match (&r.window.from, &r.window.to) {
        (Some(from), Some(to)) => line(&mut out, &format!("Mail from {}.", words::period(from, to))),
        _ => line(&mut out, "No mail was read."),
    }
    alerts(&mut out, r);
    taken(&mut out, r);
    domains(&mut out, r);
    usernames(&mut out, r);
    campaigns(&mut out, r);
    mail(&mut out, r);
    servers(&mut out, r);
    read(&mut out, r);
    out
}

fn alerts(out: &mut String, r: &Report) {
    heading(out, "What needs you now");
    if let Some(changed) = words::changed(&r.changes) {
        line(out, &changed);
    }
    let (open, over) = (r.open_alerts(), r.over_alerts());
    if open.is_empty() {
        line(out, "No new alert.");
    }
    for a in open.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "- **{}**: {}. {}", a.severity, prose(&a.subject), words::to_do(a.kind));
    }
    more(out, open.len(), "alerts.jsonl");
    if !open.is_empty() {
        out.push('\n');
    }
    if over.is_empty() {
        return;
    }
    line(out, "Over, with nothing new for three nights:");
    for a in over.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "- {}", prose(&a.subject));
    }
    more(out, over.len(), "alerts.jsonl");
    out.push('\n');
}

/// Only where there is one: the worst that a look-alike can become.
fn taken(out: &mut String, r: &Report) {
    if r.squatting.taken.is_empty() {
        return;
    }
    heading(out, "Domains a stranger has taken");
    line(
        out,
        "These names were free when our users wrote to them, and have a holder now. Ask who it is; tell the senders.",
    );
    let day = |at: &Option<String>| at.as_deref().map_or("", words::day).to_owned();
    let rows = r.squatting.taken.iter().take(MAX_ROWS).map(|t| {
        let registrar = code(t.registrar.as_deref().unwrap_or(""));
        [code(&t.domain), words::takes_mail(t).to_owned(), day(&t.open_at), day(&t.created), registrar]
    });
    table(out, ["Domain", "Mail", "Last free", "Registered", "Through"], rows);
    more(out, r.squatting.taken.len(), "report.json");
}

fn domains(out: &mut String, r: &Report) {
    heading(out, "Domains a stranger could take");
    line(out, "Our users write to these names, and nobody answers there. Whoever registers one receives that mail.");
    if r.squatting.domains.is_empty() {
        return line(out, "No suspicious domain was found.");
    }
    let rows = r.squatting.domains.iter().take(MAX_ROWS).map(|d| {
        let meant = match d.kind {
            "expired" if d.delivered_before > 0 => "worked before".to_owned(),
            "expired" => "never took mail from here".to_owned(),
            _ => code(&d.intended),
        };
        [
            code(&d.domain),
            meant,
            prose(&d.edits.join(", ")),
            words::status(d.registrability.status).to_owned(),
            grouped(d.emails),
            grouped(d.senders),
            words::percent(d.risk),
        ]
    });
    table(out, ["Domain", "Meant", "Slip", "Can it be had?", "Mails", "Senders", "Risk"], rows);
    more(out, r.squatting.domains.len(), "squatting.csv");
}

fn usernames(out: &mut String, r: &Report) {
    heading(out, "Usernames a stranger could take");
    if r.squatting.usernames.is_empty() {
        return line(out, "No such username was found.");
    }
    let rows = r.squatting.usernames.iter().take(MAX_ROWS).map(|u| {
        let meant = if u.kind == "gone" { "worked before".to_owned() } else { code(&u.intended) };
        [
            code(&u.address),
            meant,
            words::status(u.registrability.status).to_owned(),
            prose(&u.registrability.why),
            grouped(u.emails),
            grouped(u.senders),
            words::percent(u.risk),
        ]
    });
    table(out, ["Address", "Meant", "Can it be had?", "Why", "Mails", "Senders", "Risk"], rows);
    more(out, r.squatting.usernames.len(), "squatting.csv");
}

fn campaigns(out: &mut String, r: &Report) {
    heading(out, "Who is guessing addresses");
    line(out, "Addresses that a guesser has confirmed will get spam and phishing: block the origin, warn the owners.");
    let rows = r.campaigns.iter().take(MAX_ROWS).map(|c| {
        let origins: Vec<&String> = c.senders.iter().chain(&c.ips).collect();
        let mut who: Vec<String> = origins.iter().take(MAX_NAMES).map(|o| code(o)).collect();
        if origins.len() > MAX_NAMES {
            who.push(format!("and {} more", origins.len() - MAX_NAMES));
        }
        [
            who.join(" "),
            words::period(&c.first_seen, &c.last_seen),
            grouped(c.guesses),
            grouped(c.confirmed.len() as u64),
            words::pattern(c.pattern).to_owned(),
            words::percent(c.confidence),
            c.why.iter().take(MAX_NAMES).map(|w| prose(w)).collect::<Vec<_>>().join("; "),
        ]
    });
    match r.campaigns.is_empty() {
        true => line(out, "No campaign was found."),
        false => table(out, ["Origin", "When", "Tried", "Confirmed", "Guessed by", "Sure", "Why"], rows),
    }
    more(out, r.campaigns.len(), "campaigns.csv");
    if !r.dismissed.is_empty() {
        line(out, "Looked at and let go, for an innocent explanation:");
        let rows = r
            .dismissed
            .iter()
            .take(MAX_ROWS)
            .map(|d| [code(or_null(&d.origin)), d.considered.replace('_', " "), prose(&d.why)]);
        table(out, ["Origin", "Taken for", "Why"], rows);
        more(out, r.dismissed.len(), "report.json");
    }
}

/// The null sender has a name for people.
fn or_null(origin: &str) -> &str {
    if origin.is_empty() { "<>" } else { origin }
}

fn mail(out: &mut String, r: &Report) {
    let d = &r.deliveries;
    heading(out, "How the mail went");
    let rows = [
        ("delivered at once", d.non_bounced),
        ("soft-bounced: delivered after a retry", d.soft_bounced),
        ("hard-bounced: never delivered", d.hard_bounced),
        ("all", d.total),
    ];
    let rows = rows.map(|(what, n)| [what.to_owned(), grouped(n), words::share(n, d.total)]);
    table(out, ["Mails", "Number", "Share"], rows.into_iter());
    let rows = r.bounce_types.iter().map(|t| {
        [t.id.to_owned(), t.meaning.to_owned(), grouped(t.attempts), grouped(t.soft_bounced), grouped(t.hard_bounced)]
    });
    table(out, ["Type", "Meaning", "Attempts", "Soft-bounced", "Hard-bounced"], rows);
    let rows = r
        .root_causes
        .iter()
        .map(|c| [words::cause(c.cause).to_owned(), grouped(c.soft_bounced), grouped(c.hard_bounced)]);
    table(out, ["Who could have prevented it", "Soft-bounced", "Hard-bounced"], rows);
    countries(out, r);
}

/// Only where there was a file of countries.
fn countries(out: &mut String, r: &Report) {
    let Some(since) = r.countries.iter().map(|c| &c.since).min() else { return };
    line(out, &format!("Timeouts by receiver country, counted since {}:", words::day(since)));
    let rows = r.countries.iter().take(MAX_ROWS).map(|c| {
        let [emails, attempts, timeouts] = [c.emails, c.attempts, c.timeouts].map(grouped);
        let (cut, share) = (grouped(c.interrupted), words::share(c.timeouts, c.attempts));
        [code(&c.country), emails, attempts, timeouts, share, cut]
    });
    table(out, ["Country", "Mails", "Attempts", "Timed out", "Share", "Cut off"], rows);
    more(out, r.countries.len(), "report.json");
}

fn servers(out: &mut String, r: &Report) {
    heading(out, "Our servers and domains");
    let rows =
        r.blocklists.iter().take(MAX_ROWS).map(|b| [code(&b.name), grouped(b.attempts), grouped(b.receiver_domains)]);
    table(out, ["Blocklist", "Attempts refused", "Receivers using it"], rows);
    let rows = r.authentication.iter().take(MAX_ROWS).map(|a| {
        let when = match (&a.first, &a.last) {
            (Some(first), Some(last)) => words::period(first, last),
            _ => String::new(),
        };
        let fixed = a.fixed_after_days.map_or("not yet".to_owned(), words::after);
        [code(&a.sender_domain), grouped(a.failures), when, fixed]
    });
    table(out, ["Fails authentication", "Mails", "When", "Fixed"], rows);
    more(out, r.authentication.len(), "report.json");
}

fn read(out: &mut String, r: &Report) {
    heading(out, "What was read");
    let rows =
        r.inputs.iter().take(MAX_ROWS).map(|i| {
            [code(&i.path), code(&i.format), grouped(i.records), grouped(i.already_seen), grouped(i.rejected)]
        });
    table(out, ["Input", "Format", "Mails", "Known before", "Lines set aside"], rows);
    more(out, r.inputs.len(), "report.json");
    for sentence in blind_spots(r) {
        line(out, &prose(&sentence));
    }
}

fn heading(out: &mut String, text: &str) {
    let _ = write!(out, "## {text}\n\n");
}

fn line(out: &mut String, text: &str) {
    let _ = write!(out, "{text}\n\n");
}

fn more(out: &mut String, all: usize, file: &str) {
    if all > MAX_ROWS {
        line(out, &format!("{} more are in `{file}`.", grouped((all - MAX_ROWS) as u64)));
    }
}

/// Cells are ready Markdown; `none` in words where there is no row.
fn table<const N: usize>(out: &mut String, header: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return line(out, &format!("{}: none.", header[0]));
    }
    let _ = writeln!(out, "| {} |", header.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(N));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

/// A name in a code span, where nothing is markup: backticks become apostrophes, and a bar, which readers of tables see
/// before code and escape in different ways, a broken one.
fn code(text: &str) -> String {
    let text = clipped(text.trim(), MAX_CELL).replace('`', "'").replace('|', "¦");
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A sentence: every character that could be markup or begin a link is escaped.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let text = clipped(text, MAX_CELL);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A colon before a blank begins no link.
            ':' if chars.peek().is_none_or(|next| next.is_whitespace()) => out.push(c),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '+' | '!' | '|' | '~' | '&' | ':'
            | '@' | '=' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    // GitHub links a bare "www." too.
    let lower = out.to_ascii_lowercase();
    if lower.contains("www.") {
        out = out.replace("www.", "www\\.").replace("WWW.", "WWW\\.").replace("Www.", "Www\\.");
    }
    out
}
