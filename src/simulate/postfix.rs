//! The same mails as Postfix tells them.
//!
//! A reply that ends an attempt but not the mail is told so that both forms have one truth: `deferred` where it is
//! temporary or the network's, `SOFTBOUNCE` where it is a 5yz (our first transports run with `soft_bounce = yes`, the
//! last one without: then a 5yz is `bounced`, and a temporary refusal ends with `status=expired`).

use super::{
    dialects::Stage,
    random::key,
    script::Visit,
    traffic::{Mail, Try},
};
use crate::reply::{Enhanced, Reply};

/// A line without its head (time and host): when, which daemon, what.
pub(super) type Line = (i64, &'static str, String);

/// `<…@our server>`
pub(super) fn message_id(id: u64, from: &str) -> String {
    let domain = from.rsplit('@').next().filter(|d| !d.is_empty()).unwrap_or("out.brightwater.cn");
    format!("<{id:016x}@{domain}>")
}

/// An outbound mail from submission to `removed`.
pub(super) fn outbound(mail: &Mail, lines: &mut Vec<Line>) {
    let qid = queue_id(mail.id);
    let Mail { from, to, client, login, .. } = mail;
    let start = mail.tries.first().map_or(0, |t| t.at);
    if from.is_empty() {
        lines.push((start, "smtpd", format!("{qid}: client=relay.brightwater.cn[{client}]")));
    } else {
        lines.push((
            start,
            "submission/smtpd",
            format!("{qid}: client=unknown[{client}], sasl_method=PLAIN, sasl_username={login}"),
        ));
    }
    lines.push((start, "cleanup", format!("{qid}: message-id={}", message_id(mail.id, from))));
    let active = format!("{qid}: from=<{from}>, size={}, nrcpt=1 (queue active)", mail.size);
    for (i, t) in mail.tries.iter().enumerate() {
        lines.push((t.at, "qmgr", active.clone()));
        let last = i + 1 == mail.tries.len();
        let done = t.at + t.latency_ms / 1000;
        let (status, dsn) = status(&t.reply, t.refused.is_none(), t.stage, last);
        let relay = if t.mx_ip.is_empty() { "none".into() } else { format!("{}[{}]:25", mail.mx, t.mx_ip) };
        let delay = t.at - start + t.latency_ms / 1000;
        let (whole, tenth) = (t.latency_ms / 1000, t.latency_ms / 100 % 10);
        let why = reason(t, &mail.mx, to.rsplit('@').next().unwrap_or(""));
        lines.push((
            done, "smtp",
            format!("{qid}: to=<{to}>, relay={relay}, delay={delay}.{tenth}, delays={}/0.01/{}/{whole}.{tenth}, dsn={dsn}, status={status} ({why})", t.at - start, if t.stage == Stage::Resolve { "0" } else { "0.2" }),
        ));
        if !last {
            continue;
        }
        if status == "deferred" {
            lines.push((done, "qmgr", format!("{qid}: from=<{from}>, status=expired, returned to sender")));
        }
        if t.refused.is_some() && !from.is_empty() {
            notification(mail, done, lines);
        }
        lines.push((done, "qmgr", format!("{qid}: removed")));
    }
}

/// An inbound session. A refusal after an accepted recipient carries the mail's queue id, any other `NOQUEUE`.
pub(super) fn inbound(visit: &Visit, id: u64, listed: bool, lines: &mut Vec<Line>) {
    let Visit { at, client, host, from, taken, refused } = visit;
    let peer = format!("{host}[{client}]");
    let qid = queue_id(id);
    lines.push((*at, "smtpd", format!("connect from {peer}")));
    if !taken.is_empty() {
        lines.push((*at, "smtpd", format!("{qid}: client={peer}")));
    }
    let queue = if taken.is_empty() { "NOQUEUE" } else { &qid };
    for to in refused {
        let why = if listed {
            format!(
                "554 5.7.1 Service unavailable; Client host [{client}] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/{client}"
            )
        } else {
            format!("550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table")
        };
        let helo = if host == "unknown" { "localhost" } else { host };
        lines.push((
            at + 1,
            "smtpd",
            format!("{queue}: reject: RCPT from {peer}: {why}; from=<{from}> to=<{to}> proto=ESMTP helo=<{helo}>"),
        ));
    }
    if !taken.is_empty() {
        lines.push((at + 1, "cleanup", format!("{qid}: message-id={}", message_id(id, from))));
        lines.push((
            at + 1,
            "qmgr",
            format!("{qid}: from=<{from}>, size={}, nrcpt={} (queue active)", 2_000 + id % 40_000, taken.len()),
        ));
        for to in taken {
            lines.push((
                at + 2, "lmtp",
                format!("{qid}: to=<{to}>, relay=store.brightwater.cn[private/dovecot-lmtp], delay=1.2, delays=1/0/0/0.2, dsn=2.0.0, status=sent (250 2.0.0 <{to}> {id:x} Saved)"),
            ));
        }
        lines.push((at + 2, "qmgr", format!("{qid}: removed")));
    }
    let (ok, all) = (taken.len(), taken.len() + refused.len());
    let data = u8::from(ok > 0);
    lines.push((
        at + 2,
        "smtpd",
        format!(
            "disconnect from {peer} ehlo=1 mail=1 rcpt={ok}/{all} data={data} quit=1 commands={}/{}",
            3 + ok + usize::from(data),
            3 + all + usize::from(data)
        ),
    ));
}

/// The notification goes to the mail store by another host: here it is only born and handed on.
fn notification(mail: &Mail, at: i64, lines: &mut Vec<Line>) {
    let (qid, second) = (queue_id(mail.id), queue_id(key(&mail.id.to_string())));
    lines.push((at, "bounce", format!("{qid}: sender non-delivery notification: {second}")));
    lines.push((at, "cleanup", format!("{second}: message-id=<{}@out.brightwater.cn>", second.to_lowercase())));
    lines.push((at, "qmgr", format!("{second}: from=<>, size={}, nrcpt=1 (queue active)", mail.size + 2_000)));
    lines.push((at, "qmgr", format!("{second}: removed")));
}

fn queue_id(id: u64) -> String {
    format!("{:011X}", id >> 20)
}

fn status(reply: &str, taken: bool, stage: Stage, last: bool) -> (&'static str, String) {
    let parsed = Reply::parse(reply);
    let unresolved = stage == Stage::Resolve;
    let permanent = match parsed.code {
        Some(code) => code >= 500,
        None => unresolved && !reply.ends_with("try again"),
    };
    let class = if taken {
        2
    } else if permanent {
        5
    } else {
        4
    };
    let (subject, detail) = match parsed.enhanced {
        Some(Enhanced { class: c, subject, detail }) if c == class => (subject, detail),
        _ if unresolved => (4, if permanent { 4 } else { 3 }),
        _ if stage == Stage::Connect => (4, if reply.starts_with("connect to") { 1 } else { 2 }),
        _ => (0, 0),
    };
    let status = match (taken, permanent, last) {
        (true, ..) => "sent",
        (_, true, true) => "bounced",
        (_, true, false) => "SOFTBOUNCE",
        _ => "deferred",
    };
    (status, format!("{class}.{subject}.{detail}"))
}

fn reason(t: &Try, mx: &str, domain: &str) -> String {
    if t.stage == Stage::Resolve && t.reply.starts_with("DNS query") {
        return format!("Host or domain name not found. Name service error for name={domain} type=MX: Host not found");
    }
    if t.refused.is_none() || Reply::parse(&t.reply).code.is_none() {
        return t.reply.clone();
    }
    let command = match t.stage {
        Stage::Greeting | Stage::Connect | Stage::Resolve => {
            return format!("host {mx}[{}] refused to talk to me: {}", t.mx_ip, t.reply);
        }
        Stage::Mail => "MAIL FROM command",
        Stage::Rcpt => "RCPT TO command",
        Stage::Data => "end of DATA command",
    };
    format!("host {mx}[{}] said: {} (in reply to {command})", t.mx_ip, t.reply)
}
