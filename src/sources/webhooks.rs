//! Webhooks of providers whose events differ only in the names of their fields: one row each.

use super::{
    event::{Event, What, bare, diagnostic, said},
    json::Json,
    ses,
    webhook::{Provider, moment},
};

/// Brevo, MailerSend, Mailjet, Mandrill, Postal, Resend, Unisender Go.
pub(crate) struct Webhooks;

/// Where a provider's events keep what.
struct Shape {
    /// Names of fields that all stand in an event of it; of each list one does.
    marks: &'static [&'static [&'static str]],
    /// Where its kind stands, and which kinds tell of deliveries.
    kind: &'static str,
    kinds: &'static [(&'static str, What)],
    /// The first of these that is there.
    at: &'static [&'static str],
    message: &'static [&'static str],
    id: &'static [&'static str],
    from: &'static [&'static str],
    to: &'static [&'static str],
    reply: &'static [&'static str],
}

const SHAPES: [Shape; 7] = [
    // Brevo, once Sendinblue.
    Shape {
        marks: &[&["event"], &["message-id"], &["ts_epoch", "ts_event", "ts", "date"]],
        kind: "event",
        kinds: &[
            ("request", What::Begun),
            ("delivered", What::Delivered),
            ("deferred", What::Deferred),
            ("soft_bounce", What::Bounced),
            ("hard_bounce", What::Bounced),
            ("blocked", What::Suppressed),
            ("invalid_email", What::Suppressed),
            ("error", What::Suppressed),
        ],
        at: &["ts_epoch", "ts_event", "ts", "date"],
        message: &["message-id"],
        id: &[],
        from: &["sender_email"],
        to: &["email"],
        reply: &["reason"],
    },
    // MailerSend.
    Shape {
        marks: &[&["type"], &["data.email.recipient", "data.email.message"]],
        kind: "type",
        kinds: &[
            ("activity.sent", What::Begun),
            ("activity.delivered", What::Delivered),
            ("activity.deferred", What::Deferred),
            ("activity.soft_bounced", What::Bounced),
            ("activity.hard_bounced", What::Bounced),
        ],
        at: &["data.created_at", "created_at"],
        message: &["data.email.message.id", "data.email.id"],
        id: &["data.id"],
        from: &["data.email.from"],
        to: &["data.email.recipient.email"],
        reply: &["data.morph.reason", "data.morph.readable_reason"],
    },
    // Mailjet: `sent` means that the other side took it.
    Shape {
        marks: &[&["event"], &["MessageID", "mj_campaign_id"]],
        kind: "event",
        kinds: &[("sent", What::Delivered), ("bounce", What::Bounced), ("blocked", What::Suppressed)],
        at: &["time"],
        message: &["Message_GUID", "MessageID"],
        id: &[],
        from: &[],
        to: &["email"],
        reply: &["smtp_reply", "comment", "error"],
    },
    // Mandrill.
    Shape {
        marks: &[&["event"], &["msg"]],
        kind: "event",
        kinds: &[
            ("send", What::Begun),
            ("delivered", What::Delivered),
            ("deferral", What::Deferred),
            ("soft_bounce", What::Bounced),
            ("hard_bounce", What::Bounced),
            ("reject", What::Suppressed),
        ],
        at: &["ts", "msg.ts"],
        message: &["msg._id", "_id"],
        id: &[],
        from: &["msg.sender"],
        to: &["msg.email"],
        reply: &["msg.diag", "msg.bounce_description", "msg.reject"],
    },
    // What Mandrill's own lists of refused addresses say.
    Shape {
        marks: &[&["type"], &["action"], &["reject", "entry"]],
        kind: "type",
        kinds: &[],
        at: &[],
        message: &[],
        id: &[],
        from: &[],
        to: &[],
        reply: &[],
    },
    // Postal.
    Shape {
        marks: &[&["event"], &["payload.message", "payload.original_message"]],
        kind: "event",
        kinds: &[
            ("MessageSent", What::Delivered),
            ("MessageDelayed", What::Deferred),
            ("MessageDeliveryFailed", What::Bounced),
            ("MessageBounced", What::Bounced),
            ("MessageHeld", What::Suppressed),
        ],
        at: &["payload.timestamp", "timestamp"],
        message: &["payload.message.id", "payload.original_message.id"],
        id: &["uuid"],
        from: &["payload.message.from", "payload.original_message.from"],
        to: &["payload.message.to", "payload.original_message.to"],
        reply: &["payload.output", "payload.details", "payload.bounce.subject"],
    },
    // Resend.
    Shape {
        marks: &[&["type"], &["data.email_id"]],
        kind: "type",
        kinds: &[
            ("email.sent", What::Begun),
            ("email.delivered", What::Delivered),
            ("email.delivery_delayed", What::Deferred),
            ("email.bounced", What::Bounced),
            ("email.failed", What::Suppressed),
            ("email.suppressed", What::Suppressed),
        ],
        at: &["created_at", "data.created_at"],
        message: &["data.email_id"],
        id: &[],
        from: &["data.from"],
        to: &["data.to"],
        reply: &["data.bounce.message", "data.failed.reason"],
    },
];

/// Unisender Go.
const UNISENDER: Shape = Shape {
    marks: &[&["email"], &["status"]],
    kind: "status",
    kinds: &[
        ("sent", What::Begun),
        ("delivered", What::Delivered),
        ("soft_bounced", What::Bounced),
        ("hard_bounced", What::Bounced),
    ],
    at: &["event_time"],
    message: &["job_id"],
    id: &[],
    from: &[],
    to: &["email"],
    reply: &["delivery_info.destination_response", "delivery_info.delivery_status", "comment"],
};

impl Provider for Webhooks {
    const BLIND: &'static [&'static str] = &["clients"];

    fn knows(text: &str) -> bool {
        let has = |name: &str| text.contains(&format!("\"{name}\""));
        has("event") && (has("message-id") && has("email") || has("MessageID") || has("mj_campaign_id"))
            || has("event") && has("msg") && has("_id")
            || has("event") && has("payload") && (has("uuid") || has("original_message"))
            || text.contains("\"activity.") && has("data")
            || text.contains("\"email.") && has("email_id")
            || has("type") && has("action") && has("reject")
            || has("event_name") && text.contains("\"transactional_")
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if value.has("events_by_user") {
            let events = value.each("events_by_user").iter().flat_map(|user| user.each("events"));
            return events.fold(true, |known, one| unisender(one, tell) & known);
        }
        if value.has("event_name") {
            return unisender(value, tell);
        }
        SHAPES.iter().any(|shape| shape.tell(value, tell))
    }
}

fn unisender(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    let data = if value.has("event_data") { value.at("event_data") } else { value };
    UNISENDER.tell(data, tell) || value.has("event_name")
}

impl Shape {
    fn tell(&self, value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if !self.marks.iter().all(|any| any.iter().any(|name| value.has(name))) {
            return false;
        }
        let kind = value.text(self.kind);
        let Some((_, what)) = self.kinds.iter().find(|(name, _)| *name == kind) else { return true };
        let first = |paths: &[&'static str]| paths.iter().copied().find(|path| !value.word(path).is_empty());
        let word = |paths| first(paths).map(|path| value.word(path)).unwrap_or_default();
        let mut reply = word(self.reply);
        // Resend hands on what SES says: without a server's words, a sort.
        let (class, sort) = (value.text("data.bounce.type"), value.text("data.bounce.subType"));
        let what = match what {
            What::Bounced if reply.contains("suppress") || ses::is_stopped(sort) => What::Suppressed,
            what => *what,
        };
        if reply.is_empty() && !sort.is_empty() {
            if ses::is_away(class, sort) {
                return true;
            }
            reply = ses::meaning("", class, sort).into();
        }
        for to in first(self.to).map_or(&[][..], |path| value.each(path)) {
            tell(Event {
                what,
                message: word(self.message),
                id: word(self.id),
                at: first(self.at).map(|path| moment(value, path)).unwrap_or_default(),
                sender: bare(&word(self.from)).to_owned().into(),
                recipient: bare(to.as_text()).to_owned().into(),
                from_ip: value.text("sending_ip").into(),
                reply: said(None, "", diagnostic(&reply)),
                ..Event::default()
            });
        }
        true
    }
}
