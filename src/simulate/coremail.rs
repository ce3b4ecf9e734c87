//! One mail as one JSON line of the Coremail form.

use super::traffic::Mail;
use crate::moment::Timestamp;

/// The record, without its newline.
pub(super) fn line(mail: &Mail) -> String {
    let mut out = String::with_capacity(320 + mail.tries.len() * 160);
    let (first, last) = (mail.tries.first(), mail.tries.last());
    let start = first.map_or(0, |t| t.at);
    let end = last.map_or(0, |t| t.at + t.latency_ms / 1000);
    for (name, text) in [
        ("{\"from\":", mail.from.as_str()),
        (",\"to\":", &mail.to),
        (",\"start_time\":", &civil(start)),
        (",\"end_time\":", &civil(end)),
    ] {
        out.push_str(name);
        quoted(&mut out, text);
    }
    list(&mut out, "from_ip", mail.tries.iter().map(|t| t.proxy.as_str()));
    list(&mut out, "to_ip", mail.tries.iter().map(|t| t.mx_ip.as_str()));
    list(&mut out, "delivery_result", mail.tries.iter().map(|t| t.reply.as_str()));
    out.push_str(",\"delivery_latency\":[");
    for (i, t) in mail.tries.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&t.latency_ms.to_string());
    }
    out.push_str("],\"email_flag\":");
    quoted(&mut out, if mail.spam { "Spam" } else { "Normal" });
    out.push_str(",\"client_ip\":");
    quoted(&mut out, &mail.client);
    out.push_str(",\"message_id\":");
    quoted(&mut out, &super::postfix::message_id(mail.id, &mail.from));
    out.push('}');
    out
}

/// `2022-06-08 09:10:11`
fn civil(at: i64) -> String {
    let mut text = Timestamp(at).to_string().replace('T', " ");
    text.truncate(19);
    text
}

fn list<'a>(out: &mut String, name: &str, of: impl Iterator<Item = &'a str>) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":[");
    for (i, text) in of.enumerate() {
        if i > 0 {
            out.push(',');
        }
        quoted(out, text);
    }
    out.push(']');
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
