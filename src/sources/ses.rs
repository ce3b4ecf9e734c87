//! Amazon SES notifications and published events, also inside SNS, SQS, Lambda and EventBridge envelopes.

use super::{
    event::{Event, What, bare, diagnostic, said},
    json::Json,
    webhook::{Provider, moment},
};

/// The provider.
pub(crate) struct Ses;

impl Provider for Ses {
    fn knows(text: &str) -> bool {
        let typed = ["notificationType\"", "eventType\"", "notificationType\\\"", "eventType\\\""]
            .iter()
            .any(|name| text.contains(name));
        typed && text.contains("mail") || text.contains("AmazonSnsSubscriptionSucceeded")
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        opened(value, "", 4, tell)
    }
}

/// Takes one envelope off after the other.
fn opened(value: &Json<'_>, id: &str, depth: u8, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let kind = match value.text("notificationType") {
        "" => value.text("eventType"),
        kind => kind,
    };
    if !kind.is_empty() {
        event(value, kind, id, tell);
        return true;
    }
    if value.has("detail.mail") {
        return opened(value.at("detail"), value.text("id"), depth, tell);
    }
    let mut known = false;
    for record in value.each("Records") {
        known |= opened(if record.has("Sns") { record.at("Sns") } else { record }, id, depth, tell);
    }
    for (inner, id) in [("Message", "MessageId"), ("body", "messageId")] {
        let text = value.text(inner);
        if let Ok(inner) = Json::parse(text.trim()) {
            known |= opened(&inner, value.text(id), depth, tell);
        }
    }
    // What SNS says of itself is no event, but nothing strange either.
    known || matches!(value.text("Type"), "SubscriptionConfirmation" | "UnsubscribeConfirmation" | "Notification")
}

/// Whether a bounce without a server's words may be the answer of somebody away: SES says no more of one than this.
pub(super) fn is_away(class: &str, sort: &str) -> bool {
    (class, sort) == ("Transient", "General")
}

/// Whether SES did not even try.
pub(super) fn is_stopped(sort: &str) -> bool {
    matches!(sort, "Suppressed" | "OnAccountSuppressionList" | "UnsubscribedRecipient")
}

/// A sort of bounce without a server's words, as a server would say it; `status` where one is known.
pub(super) fn meaning(status: &str, class: &str, sort: &str) -> String {
    let (detail, words) = match sort {
        "NoEmail" => ("1.1", "user unknown"),
        "MailboxFull" => ("2.2", "mailbox full"),
        "MessageTooLarge" => ("3.4", "message too large"),
        "ContentRejected" => ("7.1", "message content rejected"),
        "AttachmentRejected" => ("7.1", "attachment rejected"),
        _ => return said(None, status, &format!("{class} {sort}")).into_owned(),
    };
    let known = format!("{}.{detail}", if class == "Permanent" { 5 } else { 4 });
    said(None, if status.is_empty() { &known } else { status }, &format!("{sort}: {words}")).into_owned()
}

fn event(value: &Json<'_>, kind: &str, id: &str, tell: &mut dyn FnMut(Event<'_>)) {
    let mail = value.at("mail");
    let client = match mail.text("sourceIp") {
        "" => mail.at("tags").text("ses:source-ip"),
        ip => ip,
    };
    let base = |what, about: &Json<'_>, feedback: &str| Event {
        what,
        message: mail.text("messageId").to_owned().into(),
        id: if feedback.is_empty() { id.to_owned() } else { feedback.to_owned() }.into(),
        at: if about.has("timestamp") { moment(about, "timestamp") } else { moment(mail, "timestamp") },
        sent: mail.has("timestamp").then(|| moment(mail, "timestamp")),
        sender: bare(mail.text("source")).to_owned().into(),
        client: client.to_owned().into(),
        login: mail.at("tags").text("ses:caller-identity").to_owned().into(),
        to_ip: about.text("remoteMtaIp").to_owned().into(),
        ..Event::default()
    };
    match kind {
        "Bounce" => {
            let bounce = value.at("bounce");
            let (class, sort) = (bounce.text("bounceType"), bounce.text("bounceSubType"));
            for to in bounce.each("bouncedRecipients") {
                let text = to.text("diagnosticCode");
                let silent = text.is_empty() && !to.has("status") && !to.has("action");
                if silent && is_away(class, sort) {
                    continue;
                }
                let stopped = is_stopped(sort) || text.contains("suppression list");
                let what = if stopped { What::Suppressed } else { What::Bounced };
                let reply = match diagnostic(text) {
                    "" => meaning(to.text("status"), class, sort).into(),
                    text => said(None, to.text("status"), text),
                };
                tell(Event {
                    recipient: bare(to.text("emailAddress")).into(),
                    reply,
                    ..base(what, bounce, bounce.text("feedbackId"))
                });
            }
        }
        "DeliveryDelay" => {
            let delay = value.at("deliveryDelay");
            for to in delay.each("delayedRecipients") {
                let text = to.text("diagnosticCode");
                let reply = match diagnostic(text) {
                    "" => meaning(to.text("status"), "", delay.text("delayType")).into(),
                    text => said(None, to.text("status"), text),
                };
                tell(Event {
                    recipient: bare(to.text("emailAddress")).into(),
                    reply,
                    ..base(What::Deferred, delay, "")
                });
            }
        }
        "Delivery" => {
            let delivery = value.at("delivery");
            for to in delivery.each("recipients") {
                tell(Event {
                    recipient: bare(to.as_text()).into(),
                    reply: delivery.text("smtpResponse").into(),
                    ..base(What::Delivered, delivery, "")
                });
            }
        }
        "Send" | "Reject" => {
            let what = if kind == "Send" { What::Begun } else { What::Suppressed };
            for to in mail.each("destination") {
                tell(Event {
                    recipient: bare(to.as_text()).into(),
                    reply: value.text("reject.reason").into(),
                    ..base(what, mail, "")
                });
            }
        }
        _ => {}
    }
}
