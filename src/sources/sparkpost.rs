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

/// Bounce classes: SparkPost's own refusals; no deliveries at all but replies to them.
const STOPPED: [i64; 2] = [25, 26];
const ANSWERS: [i64; 4] = [60, 80, 90, 100];

/// What a class means, as a server would say it: the class of its status, the rest of it, words. Of the others it is not
/// known why.
const MEANINGS: [(i64, u8, &str, &str); 10] = [
    (10, 5, "1.1", "invalid recipient"),
    (21, 4, "4.4", "DNS failure: the domain could not be resolved"),
    (22, 4, "2.2", "mailbox full"),
    (23, 5, "3.4", "message too large for the recipient"),
    (24, 4, "4.7", "message timed out"),
    (50, 5, "7.1", "blocked by the receiver"),
    (51, 5, "7.1", "blocked by the receiver as coming from a known spam source"),
    (52, 5, "7.1", "blocked by the receiver as spam"),
    (53, 5, "7.1", "blocked by the receiver for its attachment"),
    (54, 5, "7.1", "relaying denied"),
];

fn event(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let class = value.int("bounce_class");
    let what = match value.text("type") {
        "" => return false,
        "injection" | "reception" => What::Begun,
        "delivery" => What::Delivered,
        "delay" => What::Deferred,
        "bounce" | "out_of_band" => match class {
            Some(class) if STOPPED.contains(&class) => What::Suppressed,
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
    let code = value.int("error_code");
    let meant = MEANINGS.iter().find(|(known, ..)| reason.trim().is_empty() && class == Some(*known));
    let reply = match meant {
        Some((_, kind, detail, words)) => {
            let kind = code.filter(|code| (400..600).contains(code)).map_or(i64::from(*kind), |code| code / 100);
            said(code, &format!("{kind}.{detail}"), words)
        }
        None => said(code, "", reason),
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
        reply,
        ..Event::default()
    });
    true
}
