//! Postmark: webhooks and lists of its bounce API.

use super::{
    event::{Event, What, bare, diagnostic, said},
    json::Json,
    webhook::{Provider, moment},
};
use crate::reply::Reply;

/// The provider.
pub(crate) struct Postmark;

impl Provider for Postmark {
    fn knows(text: &str) -> bool {
        text.contains("\"RecordType\"")
            || text.contains("\"BouncedAt\"") && (text.contains("\"TypeCode\"") || text.contains("\"Type\""))
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if value.has("Bounces") {
            return value.each("Bounces").iter().fold(false, |known, bounce| event(bounce, tell) | known);
        }
        event(value, tell)
    }
}

/// Whether `details` hold a server's refusal.
fn refuses(details: &str) -> bool {
    let reply = Reply::parse(diagnostic(details));
    reply.code.is_some_and(|code| code >= 400) || reply.enhanced.is_some_and(|status| status.class > 2)
}

fn event(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let (record, sort) = (value.text("RecordType"), value.text("Type"));
    let bounce = record == "Bounce" || record.is_empty() && value.has("BouncedAt");
    let what = match sort {
        _ if record == "Delivery" => What::Delivered,
        _ if !bounce => return !record.is_empty(),
        "HardBounce" | "SoftBounce" | "DnsError" | "Blocked" | "DMARCPolicy" | "Unknown" | "AddressChange" => {
            What::Bounced
        }
        "Transient" => What::Deferred,
        // Delivered and filtered, or refused: then there is a reply.
        "SpamNotification" if refuses(value.text("Details")) => What::Bounced,
        // Refused by Postmark itself: an address switched off before, or none at all.
        "ManuallyDeactivated" | "SMTPApiError" | "BadEmailAddress" | "Unconfirmed" | "TemplateRenderingFailed" => {
            What::Suppressed
        }
        _ => return true,
    };
    let (email, at) = if bounce { ("Email", "BouncedAt") } else { ("Recipient", "DeliveredAt") };
    let details = diagnostic(value.text("Details"));
    tell(Event {
        what,
        message: value.text("MessageID").into(),
        id: value.word("ID"),
        at: moment(value, at),
        sender: bare(value.text("From")).into(),
        recipient: bare(value.text(email)).into(),
        reply: said(None, "", if details.is_empty() { value.text("Description") } else { details }),
        ..Event::default()
    });
    true
}
