//! Mails and events that say little, and those that tell of no mail of ours.

use super::super::read_bytes;
use super::*;

/// What `text` tells: way, sender, recipient, and each attempt's reply after `+` or `x`.
fn told(kind: FormatKind, text: &str) -> Vec<String> {
    let mut told = Vec::new();
    let options = Options { settle: true, ..options() };
    let count = read_bytes(kind, text.as_bytes(), &options, &mut |d| {
        let tries: Vec<String> =
            d.attempts.iter().map(|a| format!("{} {}", if a.accepted { '+' } else { 'x' }, a.reply)).collect();
        told.push(format!("{:?} {} -> {}: {}", d.direction, d.sender, d.recipient, tries.join(", ")));
    });
    assert_eq!(count.expect("read").rejected, 0, "{text}");
    told
}

/// A report of Exim's to Tom about `groups`: recipients and what stands under them.
fn exim(modern: bool, groups: &[(&str, &str)]) -> String {
    let failed: Vec<&str> = groups.iter().map(|(to, _)| *to).collect();
    let said: String = groups.iter().map(|(to, why)| format!("  {to}\n    {why}\n")).collect();
    let status: String = groups
        .iter()
        .map(|(to, _)| format!("Action: failed\nFinal-Recipient: rfc822;{to}\nStatus: 5.0.0\n\n"))
        .collect();
    let words = format!(
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be \
         delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n{said}\n"
    );
    let original = "Return-path: <tom@ours.example>\nFrom: tom@ours.example\nTo: list@far.example\nMessage-ID: <o1@ours.example>\n";
    let head = format!(
        "Return-path: <>\nX-Failed-Recipients: {}\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System \
         <Mailer-Daemon@mx.ours.example>\nTo: tom@ours.example\nSubject: Mail delivery failed: returning message to sender\n\
         Message-Id: <d1@mx.ours.example>\nDate: Sun, 03 Jul 2022 10:00:00 +0000\n",
        failed.join(",\n  ")
    );
    if !modern {
        return format!(
            "{head}\n{words}------ This is a copy of the message, including all the headers. ------\n\n{original}\nhi\n"
        );
    }
    format!(
        "{head}MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\
         Content-type: text/plain; charset=us-ascii\n\n{words}--B\nContent-type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.ours.example\n\n{status}--B\nContent-type: message/rfc822\n\n{original}\nhi\n--B--\n"
    )
}

#[test]
fn a_reason_without_a_code_stands_under_its_recipient() {
    let groups = [
        ("ann@far.example", "Unrouteable address"),
        ("bob@far.example", "mailbox is full: retry timeout exceeded"),
        ("cat@far.example", "(generated from team@far.example)\n    Unknown user"),
        ("dan@far.example", "all relevant MX records point to non-existent hosts"),
        ("eve@far.example", "unknown local-part \"eve\" in domain \"far.example\""),
        (
            "fay@far.example",
            "SMTP error from remote mail server after RCPT TO:<fay@far.example>:\n    host mx.far.example [192.0.2.1]: 550 5.1.1 no such user",
        ),
    ];
    let reasons = [
        "Unrouteable address",
        "mailbox is full: retry timeout exceeded",
        "Unknown user",
        "all relevant MX records point to non-existent hosts",
        "unknown local-part \"eve\" in domain \"far.example\"",
        "550 5.1.1 no such user",
    ];
    for modern in [false, true] {
        let lines = |n: usize| {
            let (to, why) = (groups[n].0, reasons[n]);
            let status = if modern && !why.starts_with("550") { "5.0.0 " } else { "" };
            format!("Out tom@ours.example -> {to}: x {status}{why}")
        };
        for n in 0..groups.len() {
            assert_eq!(told(FormatKind::Dsn, &exim(modern, &groups[n..=n])), [lines(n)]);
        }
        let all: Vec<String> = (0..groups.len()).map(lines).collect();
        assert_eq!(told(FormatKind::Dsn, &exim(modern, &groups)), all);
    }
}

#[test]
fn a_preamble_is_no_reason() {
    let mail = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.far.example\nTo: tom@ours.example\nSubject: failure notice\n\
                Date: Sun, 3 Jul 2022 10:00:00 +0000\nMessage-ID: <d2@mx.far.example>\n\nWe were unable to deliver your mail to \
                ann@far.example.\n\nThe mailbox is over quota.\n";
    assert_eq!(told(FormatKind::Dsn, mail), ["Out tom@ours.example -> ann@far.example: x The mailbox is over quota."]);
    let piped = mail.replace("The mailbox is over quota.", "neko: /home/ann/rules: No such file or directory");
    let unknown = "We were unable to deliver your mail to ann@far.example.";
    assert_eq!(told(FormatKind::Dsn, &piped), [format!("Out tom@ours.example -> ann@far.example: x {unknown}")]);
}

/// A mail to Tom that brings nothing back.
fn letter(head: &str, words: &str) -> String {
    format!(
        "{head}\nTo: tom@ours.example\nDate: Sun, 3 Jul 2022 10:00:00 +0000\nMessage-ID: <n@far.example>\n\n{words}\n"
    )
}

#[test]
fn answers_and_ordinary_mail_are_no_bounces() {
    for (head, words) in [
        (
            "Return-Path: <>\nFrom: Bob <bob@far.example>\nSubject: Re: hi\nX-Autoreply: yes",
            "I am on holiday until Monday. Please call carl@far.example.",
        ),
        (
            "Return-Path: <>\nFrom: Bob <bob@far.example>\nSubject: Delivery failed: your mail\nPrecedence: auto_reply\n\
             X-Auto-Response-Suppress: All",
            "My mailbox is rejected mail's home (550 5.1.1). For urgent matters: carl@far.example",
        ),
        (
            "Return-Path: <>\nFrom: Bob <bob@far.example>\nSubject: Thank you for your mail",
            "We received your request. Ticket 12. Your service desk\nhelp@far.example",
        ),
        (
            "Return-Path: <>\nFrom: postmaster@far.example\nSubject: DMARC aggregate report",
            "Report domain: ours.example Submitter: far.example\nContact: dmarc@far.example",
        ),
        (
            "Return-Path: <postmaster@far.example>\nFrom: postmaster@far.example\nSubject: Re: bounced?",
            "Mail to carl@far.example is rejected with 550 5.1.1 indeed.",
        ),
        (
            "Return-Path: <billing@shop.example>\nFrom: Shop <billing@shop.example>\nSubject: Warning: your payment failed",
            "Dear Tom, your last payment of 550 EUR was returned by the bank. Questions? Write to help@shop.example or\n\
             support@shop.example",
        ),
        (
            "Return-Path: <post@parcels.example>\nFrom: post@parcels.example\nSubject: Your parcel could not be delivered",
            "We were unable to deliver it, the address does not exist. Ask help@parcels.example",
        ),
        (
            "Return-Path: <ann@far.example>\nFrom: Ann <ann@far.example>\nSubject: Re: delivery failed?\nIn-Reply-To: <a@ours.example>",
            "Hi, carl@far.example says your mail was rejected. Try bob@far.example.",
        ),
        (
            "Return-Path: <ann@far.example>\nFrom: Ann <ann@far.example>\nSubject: Re: our mail bounced",
            "Hi Tom, the mail to bob@far.example was rejected with 550 5.1.1 user unknown. Ann",
        ),
    ] {
        assert_eq!(told(FormatKind::Dsn, &letter(head, words)), [""; 0], "{head}");
    }
}

#[test]
fn bounces_under_other_names_are_bounces() {
    for (head, words, reply) in [
        (
            "Return-Path: <>\nFrom: postmaster@far.example\nSubject: Undeliverable: hi",
            "Your message did not reach\n\n<carl@far.example>:\nNo such user.",
            "No such user.",
        ),
        (
            "Return-Path: <>\nFrom: no-reply@far.example\nSubject: Mail",
            "Your mail could not be delivered:\n\n<carl@far.example>: 550 5.1.1 unknown",
            "550 5.1.1 unknown",
        ),
        (
            "Return-Path: <tom@ours.example>\nFrom: Tom <tom@ours.example>\nSubject: Fwd: Returned mail",
            "Look what came back:\n\n<carl@far.example>: 550 5.1.1 unknown",
            "550 5.1.1 unknown",
        ),
        (
            "Return-Path: <>\nFrom: Microsoft Outlook <MicrosoftExchange329e71ec@far.example>\nX-Auto-Response-Suppress: All\n\
             Subject: Undeliverable: hi",
            "<carl@far.example>: unknown here",
            "unknown here",
        ),
        (
            "Return-Path: <>\nFrom: MAILER-DAEMON@far.example\nX-Auto-Response-Suppress: All\nSubject: Mail",
            "<carl@far.example>: unknown here",
            "unknown here",
        ),
    ] {
        let lines = told(FormatKind::Dsn, &letter(head, words));
        assert_eq!(lines, [format!("Out tom@ours.example -> carl@far.example: x {reply}")], "{head}");
    }
}

fn ses(class: &str, sort: &str, more: &str) -> String {
    format!(
        r#"{{"notificationType":"Bounce","bounce":{{"bounceType":"{class}","bounceSubType":"{sort}","timestamp":"2022-07-03T10:00:05.000Z","feedbackId":"f{sort}","bouncedRecipients":[{{"emailAddress":"ann@far.example"{more}}}]}},"mail":{{"timestamp":"2022-07-03T10:00:00.000Z","source":"tom@ours.example","messageId":"m{sort}"}}}}
"#
    )
}

#[test]
fn ses_tells_of_people_away_as_of_bounces() {
    assert_eq!(told(FormatKind::Ses, &ses("Transient", "General", "")), [""; 0]);
    let with_status = ses("Transient", "General", r#","action":"failed","status":"4.4.7""#);
    assert_eq!(
        told(FormatKind::Ses, &with_status),
        ["Out tom@ours.example -> ann@far.example: x 4.4.7 Transient General"]
    );
    let for_good = told(FormatKind::Ses, &ses("Permanent", "General", ""));
    assert_eq!(for_good, ["Out tom@ours.example -> ann@far.example: x Permanent General"]);
}

#[test]
fn a_status_of_mailgun_says_more_than_its_reason() {
    let event = |status: &str| {
        format!(
            r#"{{"event-data":{{"event":"failed","id":"e1","timestamp":1656842400.5,"severity":"permanent","reason":"bounce","recipient":"ann@far.example","envelope":{{"sender":"tom@ours.example"}},"delivery-status":{{"code":550,"message":"","description":""{status}}}}}}}
"#
        )
    };
    for (status, reply) in
        [(r#","enhanced-code":"5.1.1""#, "550 5.1.1"), ("", "550 bounce"), (r#","enhanced-code":"""#, "550 bounce")]
    {
        let lines = told(FormatKind::Mailgun, &event(status));
        assert_eq!(lines, [format!("Out tom@ours.example -> ann@far.example: x {reply}")]);
    }
}

#[test]
fn sorts_and_classes_without_a_reply_are_put_into_words() {
    for (class, sort, more, reply) in [
        ("Permanent", "NoEmail", "", "5.1.1 NoEmail: user unknown"),
        ("Transient", "MailboxFull", "", "4.2.2 MailboxFull: mailbox full"),
        ("Permanent", "MailboxFull", r#","status":"5.2.0""#, "5.2.0 MailboxFull: mailbox full"),
        ("Transient", "MessageTooLarge", "", "4.3.4 MessageTooLarge: message too large"),
        ("Transient", "ContentRejected", "", "4.7.1 ContentRejected: message content rejected"),
        ("Transient", "MailboxFull", r#","diagnosticCode":"smtp; 552 full""#, "552 full"),
    ] {
        let lines = told(FormatKind::Ses, &ses(class, sort, more));
        assert_eq!(lines, [format!("Out tom@ours.example -> ann@far.example: x {reply}")]);
    }
    for (sort, reply) in
        [("MailboxFull", "4.2.2 MailboxFull: mailbox full"), ("RecipientServerError", "RecipientServerError")]
    {
        let delay = format!(
            r#"{{"eventType":"DeliveryDelay","deliveryDelay":{{"delayType":"{sort}","timestamp":"2022-07-03T10:00:05Z","delayedRecipients":[{{"emailAddress":"ann@far.example"}}]}},"mail":{{"source":"tom@ours.example","messageId":"m"}}}}
"#
        );
        assert_eq!(told(FormatKind::Ses, &delay), [format!("Out tom@ours.example -> ann@far.example: x {reply}")]);
    }
    let resend = |bounce: &str| {
        let event = format!(
            r#"{{"type":"email.bounced","created_at":"2022-07-03T10:00:00.000Z","data":{{"email_id":"r1","from":"tom@ours.example","to":["ann@far.example"],"bounce":{{{bounce}}}}}}}
"#
        );
        told(FormatKind::Webhooks, &event)
    };
    for (bounce, line) in [
        (r#""message":"","subType":"MailboxFull","type":"Transient""#, "Out x 4.2.2 MailboxFull: mailbox full"),
        (r#""message":"550 5.1.1 no","subType":"General","type":"Permanent""#, "Out x 550 5.1.1 no"),
        (r#""subType":"OnAccountSuppressionList","type":"Permanent""#, "Stopped x Permanent OnAccountSuppressionList"),
    ] {
        let (way, reply) = line.split_once(' ').expect("two words");
        assert_eq!(resend(bounce), [format!("{way} tom@ours.example -> ann@far.example: {reply}")]);
    }
    assert_eq!(resend(r#""message":"","subType":"General","type":"Transient""#), [""; 0]);
    let sparkpost = |class: u8, more: &str| {
        let event = format!(
            r#"[{{"msys":{{"message_event":{{"type":"bounce","event_id":"s1","message_id":"m1","rcpt_to":"ann@far.example","msg_from":"tom@ours.example","bounce_class":"{class}","timestamp":"1656842400"{more}}}}}}}]
"#
        );
        told(FormatKind::SparkPost, &event)
    };
    for (class, more, line) in [
        (10, "", "Out x 5.1.1 invalid recipient"),
        (22, "", "Out x 4.2.2 mailbox full"),
        (22, r#","error_code":"552","reason":"""#, "Out x 552 5.2.2 mailbox full"),
        (22, r#","error_code":"552","reason":"552 no more room""#, "Out x 552 no more room"),
        (26, "", "Stopped x "),
        (40, "", "Out x "),
    ] {
        let (way, reply) = line.split_once(' ').expect("two words");
        assert_eq!(sparkpost(class, more), [format!("{way} tom@ours.example -> ann@far.example: {reply}")]);
    }
}

#[test]
fn rows_of_powermta_without_a_name_for_their_mail_are_of_the_next_that_ends() {
    let row = |kind: &str, day: u8, minute: u8, to: &str, reply: &str| {
        format!("{kind},2022-07-{day:02} 10:{minute:02}:00+0000,tom@ours.example,{to}@far.example,smtp;{reply}\n")
    };
    let log = "type,timeLogged,orig,rcpt,dsnDiag\n".to_owned()
        + &row("t", 3, 0, "ann", "450 4.2.1 later")
        + &row("t", 3, 0, "bob", "450 4.2.1 later")
        + &row("t", 3, 5, "ann", "450 4.2.1 later")
        + &row("d", 3, 9, "ann", "250 OK")
        // The same second, the same words: two mails.
        + &row("d", 3, 9, "ann", "250 OK")
        + &row("b", 3, 20, "ann", "550 5.1.1 gone")
        // A week is too long for one.
        + &row("d", 12, 0, "bob", "250 OK");
    let line = |to: &str, tries: &str| format!("Out tom@ours.example -> {to}@far.example: {tries}");
    let all = [
        line("ann", "x 450 4.2.1 later, x 450 4.2.1 later, + 250 OK"),
        line("ann", "+ 250 OK"),
        line("ann", "x 550 5.1.1 gone"),
        line("bob", "x 450 4.2.1 later"),
        line("bob", "+ 250 OK"),
    ];
    assert_eq!(told(FormatKind::PowerMta, &log), all);
}

#[test]
fn behind_a_front_end_of_exchange_the_client_is_whom_it_served() {
    let columns = "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,\
                   internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,\
                   recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,\
                   message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data";
    let client = |original: &str, custom: &str| {
        let row = |event: &str, client: &str, original: &str, custom: &str| {
            format!(
                "2022-07-03T10:00:00.000Z,{client},FE1,10.0.0.8,EX1,,,SMTP,{event},1,<1@x>,n1,ann@ours.example,,1,1,,,s,\
                 sam@x.example,sam@x.example,,Incoming,,{original},,{custom}\n"
            )
        };
        let log = format!("#Fields: {columns}\n")
            + &row("RECEIVE", "10.0.0.7", original, custom)
            + &row("DELIVER", "", "", "");
        let mut clients = Vec::new();
        let options = Options { settle: true, ..options() };
        let read = read_bytes(FormatKind::Exchange, log.as_bytes(), &options, &mut |d| {
            clients.push(d.client.unwrap_or("").to_owned())
        });
        read.expect("read");
        clients
    };
    let proxied =
        "S:ProxyHop1=FE1(10.0.0.7);S:ProxiedClientIPAddress=198.51.100.9;S:ProxiedClientHostname=mx.x.example";
    assert_eq!(client("", proxied), ["198.51.100.9"]);
    assert_eq!(client("10.0.0.7", proxied), ["198.51.100.9"]);
    assert_eq!(client("203.0.113.5", proxied), ["203.0.113.5"]);
    assert_eq!(client("", "S:ProxiedClientIPAddress="), ["10.0.0.7"]);
    assert_eq!(client("", ""), ["10.0.0.7"]);
}

#[test]
fn a_report_about_a_strangers_mail_is_not_ours() {
    let report = |head: &str, original: &str| {
        let mail = format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.far.example\n{head}\nSubject: Undelivered Mail Returned to Sender\n\
             Date: Sun, 3 Jul 2022 10:00:00 +0000\nMessage-ID: <d1@mx.far.example>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\nContent-Type: text/plain\n\n\
             <ann@far.example>: no such user\n\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.far.example\n\n\
             Final-Recipient: rfc822; ann@far.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no\n\n--B\n\
             Content-Type: text/rfc822-headers\n\n{original}To: ann@far.example\n\n--B--\n"
        );
        let lines = told(FormatKind::Dsn, &mail);
        lines.iter().filter_map(|line| line.split(" -> ").next()).collect::<String>()
    };
    let tom = "To: tom@ours.example";
    for (head, original, sender) in [
        (tom, "From: sam@evil.example\nMessage-ID: <e1@evil.example>\n", ""),
        (tom, "Return-Path: <sam@evil.example>\nFrom: Sam <sam@evil.example>\n", ""),
        (tom, "From: sam@ours.example.evil.example\n", ""),
        (tom, "From: sam@notours.example\n", ""),
        (tom, "Return-Path: <tom@ours.example>\nFrom: Tom <tom@brand.example>\n", "tom@ours.example"),
        (tom, "From: Tom <tom@mail.ours.example>\n", "tom@mail.ours.example"),
        // Nothing is said of who wrote it.
        (tom, "Subject: hi\n", "tom@ours.example"),
        ("Subject: x", "From: tom@ours.example\n", "tom@ours.example"),
        // A newsletter by way of a provider: only its server is told.
        (
            "To: bounces+17@provider.example",
            "From: News <news@brand.example>\nMessage-ID: <m1@out.provider.example>\n",
            "news@brand.example",
        ),
        // The last server it passed before was ours.
        (
            tom,
            "Received: from mx.ours.example (mx.ours.example [203.0.113.5])\n\tby mx.far.example\nFrom: news@brand.example\n",
            "news@brand.example",
        ),
        (
            "To: bounces+ann=far.example@ours.example",
            "Return-Path: <bounces+ann=far.example@ours.example>\n",
            "bounces+ann=far.example@ours.example",
        ),
        // Rewritten by whoever passed it on, and gone the way back.
        (
            tom,
            "Return-Path: <SRS0=ab=cd=ours.example=tom@forward.example>\nFrom: tom@ours.example\n",
            "tom@ours.example",
        ),
        // All bounces go to one mailbox.
        ("To: tom@ours.example\nDelivered-To: all@collector.example", "From: tom@ours.example\n", "tom@ours.example"),
        // What the postmaster gets a copy of.
        ("To: postmaster@mx.example", "Return-Path: <tom@ours.example>\n", "tom@ours.example"),
        ("To: tom@mx.ours.co.uk", "From: tom@ours.co.uk\n", "tom@ours.co.uk"),
        ("To: tom@ours.co.uk", "From: sam@evil.co.uk\n", ""),
    ] {
        let way = if sender.is_empty() { "Stopped" } else { "Out" };
        assert_eq!(report(head, original), format!("{way} {sender}"), "{head} {original}");
    }
}

#[test]
fn a_spam_notice_of_postmark_with_a_refusal_is_a_bounce() {
    let notice = |details: &str| {
        let event = format!(
            r#"{{"RecordType":"Bounce","ID":7,"Type":"SpamNotification","TypeCode":512,"MessageID":"m1","Description":"The message was delivered, but was either blocked by the user, or classified as spam.","Details":"{details}","Email":"ann@far.example","From":"tom@ours.example","BouncedAt":"2022-07-03T10:00:00.0000000Z"}}
"#
        );
        told(FormatKind::Postmark, &event)
    };
    let refused = notice("smtp;554 5.7.1 Message rejected as spam");
    assert_eq!(refused, ["Out tom@ours.example -> ann@far.example: x 554 5.7.1 Message rejected as spam"]);
    for silent in ["", "Moved to the spam folder", "smtp;250 2.0.0 quarantined"] {
        assert_eq!(notice(silent), [""; 0], "{silent}");
    }
}
