//! One mail: whether it tells of a mail that did not arrive, of which, and to whom.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType, decoders::html::html_to_text};

use super::{
    super::{
        event::{Event, What, bare, ip_in},
        json::Json,
        ses::Ses,
        webhook::Provider,
    },
    reply::{code_at, composed, has_code},
    returned::{self, Head},
    status::{self, Group},
    text,
};
use crate::{
    address::fold,
    hash::stable_hash,
    moment::Timestamp,
    reply::{Enhanced, Reply},
};

/// What a mail says.
#[derive(Debug)]
pub(super) enum Said {
    /// Something happened to another mail.
    Bounced(Vec<Event<'static>>),
    /// Nothing of the kind.
    Nothing,
}

/// The parts of a report.
#[derive(Default)]
struct Parts {
    /// For people.
    words: String,
    /// For machines.
    status: String,
    /// The head of the mail it is about.
    original: String,
    /// A complaint or a receipt.
    other: bool,
    /// Mails it brings along, whole.
    inner: Vec<Vec<u8>>,
}

/// Characters of a report's words looked at.
const WORDS: usize = 100_000;

/// Bytes of a returned mail's head looked at.
const HEAD: usize = 64 << 10;

/// A `Date:` header's value.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let date = mail_parser::parsers::MessageStream::new(text.trim().as_bytes()).parse_date().into_datetime()?;
    date.is_valid().then(|| Timestamp(date.to_timestamp()))
}

/// Reads one mail; `now` stands in for a date that it lacks. `None` where there is no mail.
pub(super) fn read(raw: &[u8], now: Timestamp) -> Option<Said> {
    read_at(raw, now, 2)
}

fn read_at(raw: &[u8], now: Timestamp, depth: u8) -> Option<Said> {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    // Old Macintosh files end their lines with CR only.
    let mac: Vec<u8>;
    let raw = if !raw.contains(&b'\n') && raw.contains(&b'\r') {
        mac = raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect();
        &mac[..]
    } else {
        raw
    };
    let raw = match raw.strip_prefix(b">").unwrap_or(raw) {
        first if first.starts_with(b"From ") => &first[memchr::memchr(b'\n', first)? + 1..],
        _ => raw,
    };
    let mail = MessageParser::default().parse(raw)?;
    if mail.headers().is_empty() {
        return None;
    }
    let parts = Parts::of(&mail);
    if parts.other {
        return Some(Said::Nothing);
    }
    if let Some(events) = mailed_notice(&parts.words) {
        return Some(if events.is_empty() { Said::Nothing } else { Said::Bounced(events) });
    }
    let (sure, events) = events(&mail, raw, &parts, now);
    // A report forwarded whole says more than the one around it.
    if !sure && depth > 0 {
        for inner in &parts.inner {
            if let Some(Said::Bounced(events)) = read_at(inner, now, depth - 1) {
                return Some(Said::Bounced(events));
            }
        }
    }
    Some(if events.is_empty() { Said::Nothing } else { Said::Bounced(events) })
}

/// A provider's notice that came by mail: JSON, folded anywhere, before a signature.
fn mailed_notice(words: &str) -> Option<Vec<Event<'static>>> {
    let text = words.trim_start();
    if !text.starts_with('{') || !Ses::knows(text) {
        return None;
    }
    let text: String = text.split("\n--\n").next()?.split('\n').collect();
    let value = Json::parse(text.trim()).ok()?;
    let mut events = Vec::new();
    Ses::events(&value, &mut |event| events.push(event.into_owned())).then_some(events)
}

impl Parts {
    fn of(mail: &Message<'_>) -> Parts {
        let mut parts = Parts::default();
        let mut html = String::new();
        for part in &mail.parts {
            let kind = part.content_type().map_or(String::new(), |kind| {
                format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("")).to_ascii_lowercase()
            });
            let bytes = || String::from_utf8_lossy(part.contents()).into_owned();
            let raw = || mail.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or(&[]);
            match (&*kind, &part.body) {
                ("message/feedback-report" | "message/disposition-notification", _) => parts.other = true,
                ("message/delivery-status" | "message/global-delivery-status", _) => {
                    let text = bytes();
                    let text = if text.trim().is_empty() { String::from_utf8_lossy(raw()).into_owned() } else { text };
                    parts.status.push_str(&text.replace("\r\n", "\n"));
                    parts.status.push_str("\n\n");
                }
                (
                    "text/rfc822-headers" | "text/rfc822-header" | "message/rfc822-headers" | "message/global-headers",
                    _,
                ) => {
                    parts.original.push_str(&bytes());
                }
                (_, PartType::Message(_)) => {
                    if parts.original.is_empty() {
                        parts.original = String::from_utf8_lossy(&raw()[..raw().len().min(HEAD)]).into_owned();
                    }
                    parts.inner.push(raw().to_vec());
                }
                (_, PartType::Text(words)) => {
                    parts.words.push_str(words);
                    parts.words.push('\n');
                }
                (_, PartType::Html(words)) => html.push_str(words),
                _ => {}
            }
        }
        if parts.words.trim().is_empty() && !html.is_empty() {
            let mut end = html.len().min(WORDS);
            while !html.is_char_boundary(end) {
                end -= 1;
            }
            parts.words = html_to_text(&html[..end]);
        }
        parts.words = parts.words.replace("\r\n", "\n").replace('\r', "\n");
        let mut end = parts.words.len().min(WORDS);
        while !parts.words.is_char_boundary(end) {
            end -= 1;
        }
        parts.words.truncate(end);
        parts
    }
}

/// The events, and whether the report named the recipients itself.
fn events(mail: &Message<'_>, raw: &[u8], parts: &Parts, now: Timestamp) -> (bool, Vec<Event<'static>>) {
    let (words, rest) = returned::split(&parts.words);
    let original = Head(if parts.original.trim().is_empty() { rest } else { &parts.original });
    let groups = status::groups(&parts.status);
    // A status part without its own heading ends up among the words.
    let groups = if groups.is_empty() && parts.words.to_ascii_lowercase().contains("final-recipient:") {
        status::groups(&parts.words)
    } else {
        groups
    };
    let header = |name: &'static str| mail.header_raw(name).unwrap_or("").trim();
    let at = mail.date().filter(|date| date.is_valid()).map_or(now, |date| Timestamp(date.to_timestamp()));
    let own_id = mail.message_id().unwrap_or("");
    let id = if own_id.is_empty() { format!("{:016x}", stable_hash(raw)) } else { own_id.to_owned() };
    let returned = bare(original.field("return-path"));
    let from = bare(original.field("from"));
    let to_header = bare(header("To"));
    let reached = reached(mail);
    let sender = [returned, from].into_iter().find(|s| reached.iter().any(|to| returned::of_one_home(s, to)));
    let sender = sender.or([returned, from, to_header].into_iter().find(|s| s.contains('@'))).unwrap_or("");
    let sent = date(original.field("date")).filter(|sent| *sent <= at && at.0 - sent.0 < 31 * 86_400);
    let written_to: Vec<String> = text::addresses(&original.field("to").replace(['\n', '\t'], " "))
        .into_iter()
        .map(|(_, a)| a.to_owned())
        .collect();
    let own = [to_header, bare(header("From")), sender, from];
    let (sure, said) = if groups.is_empty() {
        let returned = ["message-id", "return-path", "received"].iter().any(|name| !original.field(name).is_empty());
        free(mail, words, returned, &own, &written_to)
    } else {
        let found = std::cell::LazyCell::new(|| text::find(words, &own, &[]));
        (true, groups.into_iter().map(|group| with_words(group, words, &|| &*found)).collect())
    };
    let message = original.field("message-id").trim().trim_matches(['<', '>']).to_owned();
    // Who is told of a mail that he did not write, is told by mistake or by a forger: nothing is learned of it.
    let foreign = !original.is_of(&reached);
    let mut told: Vec<String> = Vec::new();
    let mut events = Vec::new();
    for group in said {
        let what = match group.what {
            What::Bounced if foreign => What::Suppressed,
            _ if foreign => continue,
            what => what,
        };
        let name = fold(&group.recipient).into_owned();
        if told.contains(&name) {
            continue;
        }
        told.push(name);
        events.push(Event {
            what,
            message: message.clone().into(),
            id: id.clone().into(),
            at,
            sent,
            sender: if foreign { "" } else { sender }.to_owned().into(),
            recipient: group.recipient.into(),
            to_ip: ip_in(&group.server).to_owned().into(),
            reply: composed(&group.status, &group.diagnostic).into(),
            ..Event::default()
        });
    }
    (sure, events)
}

/// The addresses that a report came to.
fn reached(mail: &Message<'_>) -> Vec<String> {
    ["To", "Delivered-To", "X-Original-To", "Envelope-To"]
        .iter()
        .flat_map(|name| {
            let field = mail.header_raw(*name).unwrap_or("").replace(['\n', '\t'], " ");
            text::addresses(&field).into_iter().map(|(_, address)| fold(address).into_owned()).collect::<Vec<_>>()
        })
        .take(20)
        .collect()
}

/// A group whose machine-readable part says little, with what the words say.
fn with_words<'f>(mut group: Group, words: &str, found: &dyn Fn() -> &'f [text::Found]) -> Group {
    let vague = |status: &str| status.is_empty() || status.ends_with(".0.0");
    if group.what == What::Delivered {
        return group;
    }
    let said = Reply::parse(&group.diagnostic);
    let coded = code_at(&group.diagnostic).is_some();
    if (vague(&group.status) && said.enhanced.is_none() && !coded) || group.diagnostic.is_empty() {
        let about = found().iter().find(|f| {
            let name = fold(&f.recipient);
            name == fold(&group.recipient) || name == fold(&group.alias)
        });
        let reply = about.map_or_else(|| text::about_all(words), |f| f.reply.clone());
        if code_at(&reply).is_some() || Enhanced::find(&reply).is_some() || group.diagnostic.is_empty() {
            group.diagnostic = reply;
        }
    }
    group
}

/// A report without a machine-readable part; `returned` is whether it brings the mail back.
fn free(mail: &Message<'_>, words: &str, returned: bool, own: &[&str], written_to: &[String]) -> (bool, Vec<Group>) {
    let header = |name: &'static str| mail.header_raw(name).unwrap_or("").trim();
    let listed: Vec<String> = text::addresses(&header("X-Failed-Recipients").replace(['\n', '\t'], " "))
        .into_iter()
        .map(|(_, address)| address.to_owned())
        .collect();
    let fails = || text::tells_failure(&format!("{} {words}", mail.subject().unwrap_or("")));
    let coded = || words.lines().take(text::LINES).any(has_code);
    let report = match origin(mail) {
        Origin::System => !text::tells_success(words) || fails(),
        Origin::Role { titled } => {
            let failed = fails() || mail.subject().is_some_and(|subject| subject.to_lowercase().contains("fail"));
            failed && (titled || returned || coded())
        }
        Origin::Title => fails() && coded(),
        Origin::Person => false,
    };
    if listed.is_empty() && !report {
        return (false, Vec::new());
    }
    let found = text::find(words, own, written_to);
    let subject = mail.subject().unwrap_or("").to_lowercase();
    let what = if ["delayed", "warning", "deferred", "delay"].iter().any(|word| subject.contains(word))
        && !["fail", "returned"].iter().any(|word| subject.contains(word))
    {
        What::Deferred
    } else {
        What::Bounced
    };
    let group = |recipient: &str, reply: String| Group {
        recipient: recipient.to_owned(),
        what,
        diagnostic: reply,
        ..Group::default()
    };
    if !listed.is_empty() {
        let about = |address: &str| found.iter().find(|f| fold(&f.recipient) == fold(address));
        let reply = |to: &str| about(to).map_or_else(|| text::about_all(words), |f| f.reply.clone());
        return (true, listed.iter().map(|to| group(to, reply(to))).collect());
    }
    if found.is_empty() {
        return (false, written_to.iter().take(1).map(|to| group(to, text::about_all(words))).collect());
    }
    (true, found.into_iter().map(|f| group(&f.recipient, f.reply)).collect())
}

/// Who seems to have written a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A mail system, by its name.
    System,
    /// Those who run one, by their role, or somebody by an empty sender: a report only if more than one thing says so.
    Role { titled: bool },
    /// Something whose subject is that of a report: so are many a shop's, but what servers say has codes.
    Title,
    /// A person, or his absence.
    Person,
}

fn origin(mail: &Message<'_>) -> Origin {
    let raw = |name: &'static str| mail.header_raw(name).unwrap_or("").trim().to_ascii_lowercase();
    let subject = mail.subject().unwrap_or("").to_lowercase();
    let from = raw("From");
    let away = [
        "out of office",
        "out of the office",
        "automatic reply",
        "auto reply",
        "autoreply",
        "auto-reply",
        "auto:",
        "automatische antwort",
        "réponse automatique",
        "respuesta automática",
        "risposta automatica",
        "自動応答",
        "自动回复",
        "vacation",
        "away from",
        "abwesen",
    ];
    if away.iter().any(|word| subject.contains(word)) {
        return Origin::Person;
    }
    const SYSTEMS: [&str; 10] = [
        "mailer-daemon",
        "mailer_daemon",
        "mailer daemon",
        "mail delivery",
        "delivery subsystem",
        "mail system",
        "mailerdaemon",
        "<>",
        "mail-daemon",
        "mmdf",
    ];
    const ROLES: [&str; 6] = [
        "postmaster",
        "mail administrator",
        "system administrator",
        "mailadmin",
        "delivery-",
        // Exchange, under the name of Outlook.
        "microsoftexchange",
    ];
    // Of lists, which write in their own names.
    const LISTS: [&str; 2] = ["loop alert", "server: errors"];
    const TITLES: [&str; 33] = [
        "undeliver",
        "returned mail",
        "returned to sender",
        "delivery status",
        "failure notice",
        "delivery fail",
        "mail failure",
        "failed",
        "could not be delivered",
        "couldn't be delivered",
        "non-deliver",
        "nondeliver",
        "not delivered",
        "mail system error",
        "delivery notification",
        "delivery problem",
        "delivery error",
        "permanent",
        "message status",
        "cannot be delivered",
        "error sending",
        "bounce",
        "unzustellbar",
        "warning: message",
        "warning: could not",
        "delayed",
        "can't be delivered",
        "failure",
        "message you sent",
        "rejected",
        "returning",
        "配信",
        "transcript",
    ];
    let path = raw("Return-Path");
    if SYSTEMS.iter().any(|word| from.contains(word)) || path.contains("mailer-daemon") {
        return Origin::System;
    }
    let listed = LISTS.iter().any(|word| subject.contains(word));
    let titled = listed || TITLES.iter().any(|word| subject.contains(word));
    if listed || ROLES.iter().any(|word| from.contains(word)) {
        return if answers(&subject) && path != "<>" { Origin::Person } else { Origin::Role { titled } };
    }
    let replied = ["X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"].iter().any(|name| !raw(name).is_empty())
        || raw("Precedence").replace('-', "_") == "auto_reply";
    match path.as_str() {
        _ if replied => Origin::Person,
        _ if raw("Auto-Submitted").starts_with("auto-replied") && !titled => Origin::Person,
        "<>" => Origin::Role { titled },
        _ if titled && !answers(&subject) => Origin::Title,
        _ => Origin::Person,
    }
}

/// Whether a subject is that of an answer: people quote what failed.
fn answers(subject: &str) -> bool {
    ["re:", "aw:", "sv:", "antw:", "odp:", "回复:", "答复:"].iter().any(|mark| subject.starts_with(mark))
}
