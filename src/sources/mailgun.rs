//! Mailgun: webhooks and pages of its events API.

use super::{
    event::{Event, What, bare, diagnostic, said},
    json::Json,
    webhook::{Provider, moment},
};
use crate::reply::Enhanced;

/// The provider.
pub(crate) struct Mailgun;

impl Provider for Mailgun {
    fn knows(text: &str) -> bool {
        let has = |name: &str| text.contains(name);
        has("\"event-data\"")
            || has("\"event\"") && (has("\"log-level\"") || has("\"delivery-status\"") || has("\"user-variables\""))
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if value.has("event-data") {
            return event(value.at("event-data"), tell);
        }
        if value.has("items") {
            return value.each("items").iter().fold(false, |known, item| event(item, tell) | known);
        }
        event(value, tell)
    }
}

fn event(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let status = value.at("delivery-status");
    let code = status.int("code");
    let reason = value.text("reason");
    let stopped = reason.starts_with("suppress-") || matches!(code, Some(605..=607));
    let what = match value.text("event") {
        "" => return false,
        "accepted" => What::Begun,
        "delivered" => What::Delivered,
        "failed" if stopped => What::Suppressed,
        "failed" if value.text("severity") == "temporary" => What::Deferred,
        "failed" => What::Bounced,
        "rejected" => What::Suppressed,
        _ => return true,
    };
    let enhanced = if status.has("enhanced-code") { status.word("enhanced-code") } else { status.word("bounce-code") };
    let text = match (diagnostic(status.text("message")), status.text("description")) {
        ("", "") if value.has("reject.reason") => value.text("reject.reason"),
        // A status says more than Mailgun's word for all of them.
        ("", "") if Enhanced::parse(&enhanced).is_some() => "",
        ("", "") => reason,
        ("", text) => text,
        (text, _) => text,
    };
    // A bounce that came by mail has an empty envelope.
    let headers = value.at("message.headers");
    let sender = value.text("envelope.sender");
    let recipient = match value.text("recipient") {
        "" => value.text("envelope.targets"),
        to => to,
    };
    tell(Event {
        what,
        message: headers.text("message-id").into(),
        id: value.text("id").into(),
        at: moment(value, "timestamp"),
        sender: bare(if sender.is_empty() { headers.text("from") } else { sender }).into(),
        recipient: bare(if recipient.is_empty() { headers.text("to") } else { recipient }).into(),
        client: value.text("originating-ip").into(),
        from_ip: value.text("envelope.sending-ip").into(),
        reply: said(code, &enhanced, text),
        ..Event::default()
    });
    true
}
