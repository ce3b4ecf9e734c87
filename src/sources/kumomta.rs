//! KumoMTA's log records: JSON lines in zstd files, of which the newest may end in an unfinished frame.

use super::{
    event::{Event, What, bare, ip_in, said, turned_away},
    json::Json,
    lines::{COMES_BACK, event::is_private},
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
        // The peer is who brought the mail, where it was brought, and where it was taken otherwise; who brought it may
        // stand in the later records, too, where the server is told to write it.
        let (peer, name) = (ip_in(value.text("peer_address.addr")), value.text("peer_address.name"));
        let brought = refused || what == What::Begun;
        let (client, helo, to_ip) = match brought {
            true => (peer, name, ""),
            false => (ip_in(value.text("meta.received_from")), "", peer),
        };
        let login = value.text("meta.authn_id");
        // What one of our own users mistyped is refused on its way out; a mailbox on disk is ours.
        let inward = if refused { login.is_empty() } else { value.text("delivery_protocol") == "Maildir" };
        // So is a server of our own network, for mail that strangers brought.
        let from_outside =
            !client.is_empty() && !is_private(client) && login.is_empty() && value.text("reception_protocol") != "HTTP";
        let sender = bare(value.text("sender"));
        for to in value.each("recipient") {
            // Before the recipient is named, a refusal is of no mail.
            if refused && bare(to.as_text()).is_empty() {
                continue;
            }
            tell(Event {
                what,
                message: if refused { turned_away(client, sender).into() } else { value.text("id").into() },
                in_turn: refused.then_some(COMES_BACK),
                at: moment(value, if value.has("event_time") { "event_time" } else { "timestamp" }),
                sent: (!refused && value.has("created")).then(|| moment(value, "created")),
                sender: sender.into(),
                recipient: bare(to.as_text()).into(),
                client: client.into(),
                login: login.into(),
                helo: helo.into(),
                inward,
                from_outside,
                to_inside: !brought && is_private(to_ip),
                from_ip: ip_in(value.text("source_address.address")).into(),
                to_ip: to_ip.into(),
                reply: said(value.int("response.code"), &enhanced, value.text("response.content")),
                ..Event::default()
            });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::sources::{FormatKind, Options, read_bytes};

    fn told(log: &str) -> (Vec<String>, u64) {
        let mut told = Vec::new();
        let options = Options { settle: true, ..Options::default() };
        let count = read_bytes(FormatKind::KumoMta, log.as_bytes(), &options, &mut |d| {
            told.push(format!("{:?} {} {} {} {}", d.direction, d.recipient, d.client.unwrap_or("-"), d.login, d.helo));
        });
        (told, count.expect("read").rejected)
    }

    fn record(kind: &str, id: &str, to: &str, code: u16, more: &str) -> String {
        format!(
            r#"{{"type":"{kind}","id":"{id}","sender":"a@x.example","recipient":{to},"queue":"q","site":"","size":9,"response":{{"code":{code},"enhanced_code":null,"content":"said","command":null}},"timestamp":1656800000,"created":1656800000,"num_attempts":0,"nodeid":"n"{more}}}
"#
        )
    }

    #[test]
    fn who_brought_a_mail() {
        let from = r#","peer_address":{"name":"laptop","addr":"203.0.113.9"},"meta":{"authn_id":"ann"},"reception_protocol":"ESMTP""#;
        let to =
            r#","peer_address":{"name":"mx.y.example.","addr":"192.0.2.25"},"meta":{},"delivery_protocol":"ESMTP""#;
        let both = record("Reception", "k1", "\"b@y.example\"", 250, from)
            + &record("Bounce", "k1", "\"b@y.example\"", 550, to);
        assert_eq!(told(&both), (vec!["Out b@y.example 203.0.113.9 ann laptop".to_owned()], 0));
        // Receptions need not be logged: then the session's own words may be.
        let alone = r#","peer_address":{"name":"mx.y.example.","addr":"192.0.2.25"},"meta":{"received_from":"203.0.113.9:41002","authn_id":"ann"}"#;
        let alone = record("Bounce", "k2", "\"b@y.example\"", 550, alone);
        assert_eq!(told(&alone), (vec!["Out b@y.example 203.0.113.9 ann ".to_owned()], 0));
        // By HTTP there is no peer with a name, and one over a socket has no address.
        let http = r#","peer_address":{"name":"","addr":"/run/in.sock"},"meta":{},"reception_protocol":"HTTP""#;
        let http = record("Reception", "k3", "\"b@y.example\"", 250, http)
            + &record("Bounce", "k3", "\"b@y.example\"", 550, to);
        assert_eq!(told(&http), (vec!["Out b@y.example -  ".to_owned()], 0));
    }

    #[test]
    fn who_was_turned_away() {
        let stranger = r#","peer_address":{"name":"guess.example","addr":"198.51.100.1"},"meta":{}"#;
        let ours = r#","peer_address":{"name":"laptop","addr":"203.0.113.9"},"meta":{"authn_id":"ann"}"#;
        let log = record("Rejection", "", "\"no@x.example\"", 550, stranger)
            + &record("Rejection", "", "\"no@y.example\"", 550, ours)
            // Before RCPT TO, nobody was asked for.
            + &record("Rejection", "", "\"\"", 550, stranger)
            + &record("Rejection", "", "null", 550, stranger);
        let both = ["In no@x.example 198.51.100.1  guess.example", "Out no@y.example 203.0.113.9 ann laptop"];
        assert_eq!(told(&log), (both.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn a_mailbox_on_disk_is_ours() {
        let from = r#","peer_address":{"name":"out.x.example","addr":"198.51.100.1"},"meta":{}"#;
        let to = "[\"b@y.example\",\"c@y.example\"]";
        let log = record("Reception", "k1", to, 250, from)
            + &record("Delivery", "k1", to, 250, r#","delivery_protocol":"Maildir""#);
        let each = |name| format!("In {name}@y.example 198.51.100.1  out.x.example");
        assert_eq!(told(&log), (vec![each("b"), each("c")], 0));
    }

    #[test]
    fn a_server_of_our_own_network_is_ours() {
        let relayed = |client: &str, meta: &str, protocol: &str, to: &str| {
            let from = format!(
                r#","peer_address":{{"name":"h","addr":"{client}"}},"meta":{{{meta}}},"reception_protocol":"{protocol}""#
            );
            let to = format!(r#","peer_address":{{"name":"int","addr":"{to}"}},"meta":{{}}"#);
            let log = record("Reception", "k1", "\"b@y.example\"", 250, &from)
                + &record("Delivery", "k1", "\"b@y.example\"", 250, &to);
            told(&log).0[0].split(' ').next().unwrap_or("").to_owned()
        };
        assert_eq!(relayed("198.51.100.1", "", "ESMTP", "10.0.0.4"), "In");
        assert_eq!(relayed("198.51.100.1", "", "ESMTP", "192.0.2.25"), "Out");
        assert_eq!(relayed("198.51.100.1", r#""authn_id":"ann""#, "ESMTP", "10.0.0.4"), "Out");
        assert_eq!(relayed("198.51.100.1", "", "HTTP", "10.0.0.4"), "Out");
        assert_eq!(relayed("10.0.0.9", "", "ESMTP", "10.0.0.4"), "Out");
    }

    #[test]
    fn who_comes_back_is_one_delivery() {
        let from = |taken_from: &str, codes: &[u16], hours: i64| {
            let stranger = r#","peer_address":{"name":"out.x.example","addr":"198.51.100.1"},"meta":{}"#;
            let inside = r#","peer_address":{"name":"int","addr":"10.0.0.4"},"meta":{}"#;
            let turned: String =
                codes.iter().map(|code| record("Rejection", "", "\"b@y.example\"", *code, stranger)).collect();
            let taken =
                record("Reception", "k1", "[\"b@y.example\"]", 250, &stranger.replace("198.51.100.1", taken_from))
                    + &record("Delivery", "k1", "\"b@y.example\"", 250, inside);
            let later = (1_656_800_000 + hours * 3600).to_string();
            let mut all = Vec::new();
            let options = Options { settle: true, ..Options::default() };
            let log = turned + &taken.replace("1656800000", &later);
            read_bytes(FormatKind::KumoMta, log.as_bytes(), &options, &mut |d| {
                let tries: Vec<bool> = d.attempts.iter().map(|a| a.accepted).collect();
                all.push(format!("{:?} {} {tries:?}", d.direction, d.client.unwrap_or("-")));
            })
            .expect("read");
            all
        };
        let log = |codes: &[u16], hours: i64| from("198.51.100.1", codes, hours);
        let one = |tries: &str| format!("In 198.51.100.1 {tries}");
        // Large senders come back from a neighbour.
        assert_eq!(from("198.51.100.77", &[451], 1), [one("[false, true]")]);
        assert_eq!(from("198.51.101.1", &[451], 1).len(), 2);
        assert_eq!(log(&[451], 1), [one("[false, true]")]);
        assert_eq!(log(&[451, 451], 47), [one("[false, false, true]")]);
        assert_eq!(log(&[451], 49), [one("[false]"), one("[true]")]);
        // Refused for good, it is another.
        assert_eq!(log(&[451, 550], 1), [one("[false, false]"), one("[true]")]);
        assert_eq!(log(&[550, 550], 1), [one("[false]"), one("[false]"), one("[true]")]);
    }
}
