//! SendGrid: event webhooks, and lists of its bounce API.

use super::{
    event::{Event, What, said},
    json::Json,
    webhook::{Provider, moment},
};

/// The provider.
pub(crate) struct SendGrid;

impl Provider for SendGrid {
    const BLIND: &'static [&'static str] = &["senders", "clients"];

    fn knows(text: &str) -> bool {
        let has = |name: &str| text.contains(name);
        has("\"sg_event_id\"")
            || has("\"sg_message_id\"")
            || has("\"email\"")
                && (has("\"reason\"") && has("\"created\"") && has("\"status\"")
                    || has("\"event\"") && has("\"timestamp\"") && !has("\"message-id\""))
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        let kind = value.text("event");
        let listed = kind.is_empty() && value.has("created") && value.has("email");
        let what = match kind {
            "processed" => What::Begun,
            "dropped" => What::Suppressed,
            "deferred" => What::Deferred,
            "delivered" => What::Delivered,
            "bounce" | "blocked" => What::Bounced,
            "" if listed => What::Bounced,
            _ => return !kind.is_empty() && value.has("email"),
        };
        // The part before is the id the sender was given; what follows is of the machines it went through.
        let whole = value.text("sg_message_id");
        let message = [".filter", ".recvd"].iter().find_map(|mark| whole.split_once(mark)).map_or(whole, |(id, _)| id);
        let message = if message.is_empty() { value.text("smtp-id") } else { message };
        let status = value.word("status");
        let text = if value.has("reason") { value.text("reason") } else { value.text("response") };
        tell(Event {
            what,
            message: message.into(),
            id: value.text("sg_event_id").into(),
            at: moment(value, if listed { "created" } else { "timestamp" }),
            recipient: value.text("email").into(),
            from_ip: value.text("ip").into(),
            reply: said(status.parse().ok(), &status, text),
            ..Event::default()
        });
        true
    }
}
