#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly")]
use super::*;
use crate::hash::stable_hash;

fn classifier() -> Classifier {
    Classifier::shipped().unwrap()
}

fn check(kind: BounceType, replies: &[&str]) {
    let c = classifier();
    let mut cached = Cached::new(&c);
    for text in replies {
        let v = c.classify(text);
        assert_eq!(v.kind, kind, "{:.2} {text}\n{}", v.confidence, c.mask(text).text());
        assert_eq!(*cached.classify(text), v, "{text}");
    }
}

#[test]
fn a_sender_who_is_unknown_is_no_unknown_user() {
    let c = classifier();
    for text in [
        "550 Sender verify failed: 550 user unknown",
        "550 From address user unknown",
        "550 5.1.0 <a@example.com>: Sender address rejected: User unknown in virtual mailbox table",
        "450 4.1.7 <a@example.com>: Sender address rejected: undeliverable address: host mx.example.com[192.0.2.1] said: 550 5.1.1 <a@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command)",
        "550 The sender does not exist",
        "550-Verification failed for <a@example.com>\r\n550-No Such User Here\r\n550 Sender verify failed",
        "553 5.1.7 sender mailbox does not exist",
    ] {
        assert_ne!(c.classify(text).kind, BounceType::UserUnknown, "{text}");
    }
}

#[test]
fn text_outweighs_the_enhanced_code() {
    check(
        BounceType::MailboxFull,
        &[
            "452 4.1.1 <a@example.net> user over quota",
            "552 5.1.1 mailbox is full",
            "550 5.1.1 recipient's storage quota exceeded",
        ],
    );
    check(
        BounceType::UserUnknown,
        &[
            "550 5.4.1 Recipient address rejected: Access denied. [BN8NAM12FT055.eop-nam12.prod.protection.outlook.com]",
            "550 5.4.1 [someone@example.org]: Recipient address rejected: Access denied [AM7EUR03FT011.eop-EUR03.prod.protection.outlook.com]",
            "550 5.7.1 <a@example.com>: Recipient address rejected: User unknown",
            "550 5.7.1 No such user",
            "550 5.2.1 <a@example.com>... User unknown",
        ],
    );
    check(BounceType::Blocklisted, &["550 5.1.1 Your IP 192.0.2.5 is listed in zen.spamhaus.org"]);
}

#[test]
fn several_lines_are_one_reply() {
    let c = classifier();
    let lines = "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550-5.1.1 double-checking the recipient's email address for typos or\r\n550 5.1.1 unnecessary spaces. Learn more at https://support.example.com/?p=NoSuchUser x12si345abc.77 - gsmtp";
    let joined = lines.replace("\r\n", " ");
    let wrapped = format!("host mx.example.com[192.0.2.1] said: {joined} (in reply to RCPT TO command)");
    for text in [lines, &joined, &wrapped] {
        let v = c.classify(text);
        assert_eq!(
            (v.kind, v.code, v.enhanced.map(|e| e.to_string()).as_deref()),
            (BounceType::UserUnknown, Some(550), Some("5.1.1"))
        );
    }
    assert_eq!(c.classify(lines).template, c.classify(&joined).template);
}

#[test]
fn what_an_attacker_writes_does_not_decide() {
    let c = classifier();
    for text in [
        "554 5.7.1 <user-unknown@no-such-user.example>: Relay access denied",
        "554 5.7.1 <user unknown>: Helo command rejected: Access denied",
        "554 5.7.1 <no-such-user.example.com>: Helo command rejected: Host not found",
        "550 5.7.1 <\"550 user unknown\"@example.com>: Sender address rejected: Access denied",
        "554 5.7.1 mail from 'user.unknown' rejected for policy reasons",
        "550 message with subject \"mailbox does not exist user unknown\" rejected by policy",
    ] {
        assert_ne!(c.classify(text).kind, BounceType::UserUnknown, "{text}\n{}", c.mask(text).text());
    }
    check(
        BounceType::Blocklisted,
        &["554 5.7.1 Service unavailable; Client host [user-unknown.example.com] blocked using zen.spamhaus.org"],
    );
    check(
        BounceType::UserUnknown,
        &["550 5.1.1 <mailbox-full-quota@example.com>: Recipient address rejected: User unknown"],
    );
}

#[test]
fn who_passes_an_answer_on_does_not_decide() {
    let c = classifier();
    let answers = [
        (BounceType::UserUnknown, "550 5.1.1 User unknown"),
        (BounceType::MailboxFull, "552 5.2.2 mailbox full"),
        (BounceType::Authentication, "550 5.7.23 SPF validation failed for example.org"),
        (BounceType::TooManyRecipients, "452 4.5.3 Too many recipients"),
        (BounceType::ContentSpam, "554 5.7.1 Message rejected as spam"),
        (BounceType::MessageTooLarge, "552 5.3.4 Message size exceeds fixed limit"),
    ];
    for (kind, answer) in answers {
        for wrapper in [
            "450 4.1.1 <a@b.example>: Recipient address rejected: unverified address: host mx.b.example[192.0.2.1] said: %",
            "550 5.1.1 <a@b.example>: Recipient address rejected: undeliverable address: host mx.b.example[192.0.2.1] said: %",
            "451 4.4.0 Primary target IP address responded with: \"%.\" Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.",
            "[{LRT=};{LED=%};{FQDN=mx.b.example};{IP=192.0.2.1}]",
            "retry timeout exceeded; last error: host mx.b.example [192.0.2.1]: %",
        ] {
            let reply = wrapper.replace('%', answer);
            assert_eq!(c.classify(&reply).kind, kind, "{reply}");
        }
    }
    // It is the sender who is checked here, and the recipient of whom nothing is known.
    let sender = "450 4.1.7 <s@e.example>: Sender address rejected: unverified address: host mx.e.example[192.0.2.1] said: 550 5.1.1 User unknown";
    assert_ne!(c.classify(sender).kind, BounceType::UserUnknown);
}

#[test]
fn success_is_no_bounce() {
    check(BounceType::Other, &["250 2.0.0 OK user unknown", "250 OK", "250 2.1.5 Recipient OK; mailbox full soon"]);
}

#[test]
fn a_bare_code_says_little() {
    let c = classifier();
    assert_eq!(c.classify("550").kind, BounceType::Other);
    assert!(c.classify("550").confidence < 0.5);
    check(BounceType::UserUnknown, &["550 5.1.1", "5.1.1"]);
    check(BounceType::MailboxFull, &["452 4.2.2", "552 5.2.2 <a@example.com>"]);
    check(BounceType::Other, &["", " ", "\u{feff}", "550 5.0.0"]);
}

#[test]
fn every_type_is_known_in_our_own_and_others_words() {
    use BounceType::*;
    check(
        SenderDns,
        &[
            "450 4.1.8 <a@nosuch.example>: Sender address rejected: Domain not found",
            "553 5.1.8 Domain of sender address does not exist",
        ],
    );
    check(
        ReceiverDns,
        &[
            "Host or domain name not found. Name service error for name=nosuch.example type=MX: Host not found",
            "Unrouteable mail domain \"nosuch.example\"",
        ],
    );
    check(
        Authentication,
        &[
            "550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.",
            "550 SPF check failed",
        ],
    );
    check(Starttls, &["530 5.7.0 Must issue a STARTTLS command first", "403 4.7.0 TLS handshake failed"]);
    check(Blocklisted, &["554 5.7.1 Service unavailable; Client host [192.0.2.4] blocked using bl.spamcop.net"]);
    check(
        Greylisted,
        &["450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/help"],
    );
    check(SendingTooFast, &["421 4.7.0 mx.example.com Error: too many connections from 192.0.2.10"]);
    check(
        UserUnknown,
        &["550 no mailbox by that name is currently available", "550 用户不存在", "550 5.1.1 Empfänger unbekannt"],
    );
    check(MailboxFull, &["552 5.2.2 Mailbox full", "550 5.2.1 This mailbox has been disabled"]);
    check(TooManyRecipients, &["452 4.5.3 Too many recipients"]);
    check(RecipientRateLimited, &["450 4.2.1 The user you are trying to contact is receiving mail too quickly."]);
    check(MessageTooLarge, &["552 5.3.4 Message size exceeds fixed limit"]);
    check(ContentSpam, &["554 5.7.1 Message rejected as spam by content filter"]);
    check(Timeout, &["connect to mx.example.com[192.0.2.1]:25: Connection timed out"]);
    check(
        Interrupted,
        &[
            "lost connection with mx.example.com[192.0.2.1] while sending RCPT TO",
            "connect to mx.example.com[2001:db8::1]:25: Connection refused",
        ],
    );
    check(Other, &["554 5.7.1 <a@example.com>: Relay access denied", "451 4.3.0 Temporary lookup failure"]);
}

#[test]
fn what_is_unknown_is_not_always_the_recipient() {
    use BounceType::*;
    check(
        Other,
        &[
            "550 sending user unknown",
            "550 5.1.0 originator unknown",
            "535 no such user or wrong password",
            "550 this list is closed to non-subscribers",
            "553 Requested action not taken: Local user only",
        ],
    );
    check(
        ReceiverDns,
        &[
            "550 recipient host not found",
            "553 5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors.",
        ],
    );
    check(UserUnknown, &["550 sender ok, recipient unknown"]);
}

#[test]
fn other_languages_say_more_than_user_unknown() {
    use BounceType::*;
    check(Blocklisted, &["550 Din IP-adress är svartlistad", "550 Uw IP-adres staat op een zwarte lijst"]);
    check(SendingTooFast, &["421 Çok fazla bağlantı, lütfen daha sonra deneyin"]);
    check(TooManyRecipients, &["452 Příliš mnoho příjemců"]);
    check(
        MessageTooLarge,
        &["552 Meddelandet är för stort", "552 Viesti on liian suuri", "552 A levél mérete túl nagy"],
    );
    check(ContentSpam, &["550 Mesajınız spam olarak algılandı", "550 Meddelandet bedömdes vara skräppost"]);
}

#[test]
fn a_number_of_winsock_tells_a_timeout_from_a_refusal() {
    let reply = |n: u32| {
        format!(
            "441 4.4.1 Error encountered while communicating with primary target IP address: \"Failed to connect. Winsock error code: {n}, Win32 error code: {n}.\""
        )
    };
    check(BounceType::Timeout, &[&reply(10060)]);
    check(BounceType::Interrupted, &[&reply(10061), &reply(10054), &reply(10065)]);
}

#[test]
fn a_bounce_mail_around_a_reply_does_not_decide() {
    use BounceType::*;
    let exim = |reply: &str| {
        format!(
            "This message was created automatically by mail delivery software. The following address(es) failed: x@y.example {reply}"
        )
    };
    check(Blocklisted, &[&exim("550 5.7.0 Your server IP address is in the SpamHaus SBL-XBL database, bye")]);
    check(SenderDns, &[&exim("553 sorry, your envelope sender is in a domain that does not exist (#5.1.8)")]);
    check(MailboxFull, &[&exim("550 Quota exceeded for <x@y.example>")]);
}

#[test]
fn lists_and_authentication_are_named() {
    let c = classifier();
    let list = |text: &str| c.classify(text).blocklist.as_deref().map(str::to_owned);
    assert_eq!(list("554 5.7.1 Service unavailable; Client host [192.0.2.4] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.4").as_deref(), Some("spamhaus"));
    assert_eq!(list("550 5.7.1 Unfortunately, messages from [192.0.2.4] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).").as_deref(), Some("microsoft"));
    assert_eq!(list("550 Rejected: IP in Barracuda RBL").as_deref(), Some("barracuda"));
    assert_eq!(list("550 blocked using rbl.nobody.example"), None);
    let auth = c.classify("550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.").auth.unwrap();
    assert_eq!(
        auth,
        Auth { spf: Some(Check::Fail), dkim: Some(Check::Fail), dmarc: None, policy: Some(Policy::Either) }
    );
    let auth = c.classify("550 5.7.1 Email rejected per DMARC policy for example.com").auth.unwrap();
    assert_eq!((auth.dmarc, auth.policy), (Some(Check::Fail), Some(Policy::Dmarc)));
}

#[test]
fn details_come_from_the_reply_itself() {
    let c = classifier();
    let d = |text: &'static str| Details::read(text, &c.classify(text));
    assert_eq!(
        d("host mx.example.com[198.51.100.1] said: 554 5.7.1 Client host [192.0.2.4] blocked using zen.spamhaus.org")
            .listed_ip,
        "192.0.2.4".parse().ok()
    );
    assert_eq!(d("552 5.2.2 mailbox full").mailbox, Some(Mailbox::Full));
    assert_eq!(d("550 5.2.1 account is disabled").mailbox, Some(Mailbox::Inactive));
    assert_eq!(d("451 4.7.1 Greylisting in action, please come back in 00:05:00").wait_seconds, Some(300));
    assert_eq!(d("450 Greylisted, please try again in 4294967295 hours").wait_seconds, None);
    assert_eq!(d("551 User not local; please try <new.name@example.org>").suggested, Some("new.name@example.org"));
}

#[test]
fn masking_hides_what_varies_and_keeps_what_decides() {
    let c = classifier();
    let mask = |text: &str| c.mask(text).text().to_string();
    assert_eq!(mask("550 5.1.1 <a.b@example.com>: User unknown"), "550 5.1.1 <{addr}>: User unknown");
    assert_eq!(mask("connect to mx.example.com[192.0.2.1]:25: timed out"), "connect to {host}[{ip}]:{n}: timed out");
    assert_eq!(mask("connect to mx.example.com[2001:db8::25]:25: refused"), "connect to {host}[{ip}]:{n}: refused");
    assert_eq!(mask("x OFR_506 at 2024-04-29T23:34:45 id c18si2365148hub"), "x OFR_506 at {time} id {id}");
    assert_eq!(
        mask("see https://www.spamhaus.org/query/ip/1.2.3.4, or http://x.example/y"),
        "see {list=spamhaus}, or {url}"
    );
    assert_eq!(mask("5.1.1 RESOLVER.ADR.RecipNotFound; not found"), "5.1.1 RESOLVER.ADR.RecipNotFound; not found");
    let a = c.mask("550 5.1.1 <a@example.com> x12si3.4 at 192.0.2.1 no such user");
    let b = c.mask("550 5.1.1 <longer.name@sub.example.net> q99si8.1 at 198.51.100.200 no such user");
    assert_eq!((a.text(), a.id()), (b.text(), b.id()));
}

/// Ids are stored: they must not change from one version to the next.
#[test]
fn the_hash_is_the_same_for_ever() {
    assert_eq!(stable_hash(b""), stable_hash(b""));
    assert_ne!(stable_hash(b"550 a"), stable_hash(b"550 b"));
    assert_eq!(
        TemplateId(stable_hash(b"550 5.1.1 <{addr}>: User unknown")).to_string(),
        include_str!("pinned_id.txt").trim()
    );
}

#[test]
fn any_text_is_masked_within_bounds() {
    use proptest::prelude::*;
    let c = classifier();
    let lists = Blocklists::shipped().unwrap();
    proptest!(|(text in "(\\PC|[<>'\"@.:/ 0-9a-f-]){0,300}")| {
        let m = c.mask(&text);
        prop_assert!(m.text().len() <= mask::OUTPUT_CAP + mask::INPUT_CAP);
        let mut again = Masked::default();
        again.read("something longer that was here before 550 5.1.1", &lists);
        again.read(&text, &lists);
        prop_assert_eq!(m.text(), again.text());
        c.classify(&text);
    });
    for text in [
        "<".repeat(5000),
        "5.1.1".repeat(900),
        "é".repeat(3000),
        "\"'".repeat(2000),
        "a@".repeat(3000),
        "550-".repeat(2000),
    ] {
        assert!(c.mask(&text).text().len() <= mask::OUTPUT_CAP + mask::INPUT_CAP);
        c.classify(&text);
    }
}

#[test]
fn remembering_changes_no_answer_and_is_bounded() {
    let c = classifier();
    let mut cached = Cached::with_capacity(&c, 8);
    for round in 0..3 {
        for i in 0..100_u32 {
            let text = format!("550 5.1.1 no such user {}", char::from(b'a' + (i % 26) as u8));
            assert_eq!(*cached.classify(&text), c.classify(&text), "{round}");
            assert!(cached.forms() <= 8);
        }
    }
}

#[test]
fn a_model_reads_back_and_a_broken_one_is_told() {
    let model = Model::load(SHIPPED).unwrap();
    assert_eq!(model.save(), SHIPPED);
    assert!(SHIPPED.len() < 2 << 20);
    let mut newer = SHIPPED.to_vec();
    newer[4] = 9;
    for bad in [&b""[..], b"BWNM", b"PK\x03\x04 something", &SHIPPED[..SHIPPED.len() - 1], &newer] {
        assert!(matches!(Model::load(bad), Err(Error::Data { .. })));
    }
}

#[test]
fn training_is_repeatable_and_learns() {
    let lines: String = ["550 ", "554 ", "", "550 5.0.0 ", "551 ", "host mx.example.com[192.0.2.1] said: 550 "]
        .iter()
        .flat_map(|code| {
            [
                format!("T8\t{code}{{user|mailbox|account}} {{unknown|not found}}\n"),
                format!("T9\t{code}{{mailbox|quota|account}} {{full|exceeded}}\n"),
                format!("T16\t{code}{{system|local}} {{error|problem}}\n"),
            ]
        })
        .collect();
    let examples = expand("t", &lines).unwrap();
    let (a, b) = (train(&examples).unwrap(), train(&examples).unwrap());
    assert_eq!(a.save(), b.save());
    let c = Classifier::with_model(a).unwrap();
    assert_eq!(c.classify("550 mailbox unknown").kind, BounceType::UserUnknown);
    assert_eq!(c.classify("552 quota full").kind, BounceType::MailboxFull);
    assert!(train(&[]).is_err());
    assert!(matches!(expand("t", "T8 no tab"), Err(Error::Data { .. })));
    assert!(matches!(expand("t", "T8\t{open"), Err(Error::Data { .. })));
    assert!(matches!(expand("t", "T17\tx"), Err(Error::Data { .. })));
}

#[test]
fn the_shipped_model_is_what_the_shipped_grammar_gives() {
    let known: usize = expand("training.tsv", TRAINING).unwrap().len();
    assert!(known > 5000, "{known}");
    let c = classifier();
    let examples = expand("training.tsv", TRAINING).unwrap();
    let sample: Vec<_> = examples.iter().step_by(7).collect();
    let right = sample.iter().filter(|e| c.classify(&e.text).kind == e.kind).count();
    assert!(right as f64 / sample.len() as f64 > 0.95, "{right} of {}", sample.len());
}

#[test]
fn figures_are_counted_right() {
    let rows = read_labelled("x", "{\"text\":\"550 5.1.1 User unknown\",\"label\":\"T8\"}\n{\"text\":\"552 5.2.2 Mailbox full\",\"label\":\"T8\",\"alt\":[\"T9\"]}\n{\"text\":\"552 5.2.2 Mailbox full\",\"label\":\"T8\"}\n").unwrap();
    let e = evaluate(&classifier(), &rows);
    assert_eq!((e.rows, e.right), (3, 2));
    assert_eq!(e.recall(BounceType::UserUnknown), 2.0 / 3.0);
    assert_eq!(e.precision(BounceType::MailboxFull), 0.0);
    assert!(e.to_string().contains("accuracy 0.6667"));
    assert!(read_labelled("x", "{\"text\":1}").is_err());
}
