//! KumoMTA's log records: JSON lines in zstd files, of which the newest may end in an unfinished frame.

use super::{
    event::{Event, What, bare, ip_in, said},
    json::Json,
    webhook::{Provider, moment},
};

/// The format.
pub(crate) struct KumoMta;

/// The records that tell of a mail; others (feedback, rebinding, transfers) are known and passed over.
const KINDS: [&str; 9] = [
    "Reception",
    "Delivery",
    "Bounce",
    "TransientFailure",
    "Expiration",
    "AdminBounce",
    "OOB",
    "Rejection",
    "Feedback",
];

impl Provider for KumoMta {
    fn knows(text: &str) -> bool {
        let has = |name: &str| text.contains(name);
        has("\"type\"")
            && (has("\"queue\"") || has("\"nodeid\"") || has("\"peer_address\""))
            && (has("\"response\"") || has("\"num_attempts\""))
            && KINDS.iter().any(|kind| has(&format!("\"{kind}\"")))
    }

    fn events(value: &Json<'_>, tell: &mut dyn FnMut(Event<'_>)) -> bool {
        let kind = value.text("type");
        let what = match kind {
            "Reception" => What::Begun,
            "Delivery" => What::Delivered,
            "Bounce" | "OOB" => What::Bounced,
            "TransientFailure" => What::Deferred,
            "Expiration" => What::Expired,
            "AdminBounce" => What::Suppressed,
            "Rejection" if value.int("response.code").is_some_and(|code| code < 500) => What::Deferred,
            "Rejection" => What::Bounced,
            _ => return !kind.is_empty() && value.has("id"),
        };
        let refused = kind == "Rejection";
        let enhanced = value.at("response.enhanced_code");
        let enhanced = match (enhanced.int("class"), enhanced.int("subject"), enhanced.int("detail")) {
            (Some(class), Some(subject), Some(detail)) => format!("{class}.{subject}.{detail}"),
            _ => String::new(),
        };
        // The peer is who brought the mail, where it was brought, and where it was taken otherwise.
        let peer = ip_in(value.text("peer_address.addr"));
        let brought = refused || what == What::Begun;
        for to in value.each("recipient") {
            tell(Event {
                what,
                message: if refused { "" } else { value.text("id") }.into(),
                at: moment(value, if value.has("event_time") { "event_time" } else { "timestamp" }),
                sent: (!refused && value.has("created")).then(|| moment(value, "created")),
                sender: bare(value.text("sender")).into(),
                recipient: bare(to.as_text()).into(),
                client: if brought { peer } else { "" }.into(),
                login: value.text("meta.authn_id").into(),
                inward: refused,
                from_ip: ip_in(value.text("source_address.address")).into(),
                to_ip: if brought { "" } else { peer }.into(),
                reply: said(value.int("response.code"), &enhanced, value.text("response.content")),
                ..Event::default()
            });
        }
        true
    }
}
