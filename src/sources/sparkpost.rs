//! SparkPost: webhook batches, events of its API and of its ingest files.

use super::{
    event::{Event, What, bare, said},
    json::Json,
    webhook::{Provider, moment},
};

/// The provider.
pub(crate) struct SparkPost;

impl Provider for SparkPost {
    fn knows(text: &str) -> bool {
        text.contains("\"msys\"")
            || text.contains("\"type\"")
                && (text.contains("\"rcpt_to\"") || text.contains("\"raw_rcpt_to\""))
                && !text.contains("\"event-data\"")
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if value.has("results") {
            return value.each("results").iter().fold(false, |known, one| event(one, tell) | known);
        }
        match value.at("msys") {
            // An empty batch is a ping.
            Json::Object(kinds) => kinds.iter().fold(true, |known, (_, one)| event(one, tell) & known),
            _ => event(value, tell),
        }
    }
}

/// Bounce classes: 25 is SparkPost's own refusal; the others are no delivery at all but replies to it.
const STOPPED: i64 = 25;
const ANSWERS: [i64; 4] = [60, 80, 90, 100];

fn event(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let class = value.int("bounce_class");
    let what = match value.text("type") {
        "" => return false,
        "injection" | "reception" => What::Begun,
        "delivery" => What::Delivered,
        "delay" => What::Deferred,
        "bounce" | "out_of_band" => match class {
            Some(STOPPED) => What::Suppressed,
            Some(class) if ANSWERS.contains(&class) => return true,
            _ => What::Bounced,
        },
        "policy_rejection" | "generation_failure" | "generation_rejection" => What::Suppressed,
        _ => return true,
    };
    let recipient = match value.text("raw_rcpt_to") {
        "" => value.text("rcpt_to"),
        to => to,
    };
    let reason = match value.text("raw_reason") {
        "" => value.text("reason"),
        text => text,
    };
    let message = match value.word("message_id") {
        id if id.is_empty() => value.word("transmission_id"),
        id => id,
    };
    tell(Event {
        what,
        message,
        id: value.word("event_id"),
        at: moment(value, "timestamp"),
        sender: bare(value.text("msg_from")).into(),
        recipient: bare(recipient).into(),
        from_ip: value.text("sending_ip").into(),
        to_ip: if what == What::Begun { "" } else { value.text("ip_address") }.into(),
        reply: said(value.int("error_code"), "", reason),
        ..Event::default()
    });
    true
}
