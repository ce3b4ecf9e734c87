//! Damaged and hostile replies: no panic, bounded output, and nothing said that is out of range.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::{mask::OUTPUT_CAP, random::Random, *};

const SEEDS: [&str; 10] = [
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550 5.1.1 https://support.google.com/mail/?p=NoSuchUser a1-b2si.77 - gsmtp",
    "host mx.example.com[192.0.2.1] said: 554 5.7.1 Client host [2001:db8::7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.4 (in reply to RCPT TO command)",
    "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, retry in 00:05:00",
    "551 User not local; please try <\"new name\"@example.org>",
    "421 4.7.1 Rate limit: 100 messages per 10 minutes, come back at 12:30:59 2024-02-03T04:05:06Z",
    "552 5.2.2 <a@example.net> Quota überschritten 邮箱已满 メールボックス переполнен",
    "550 5.7.26 This mail is unauthenticated: SPF did not pass, DKIM = fail, DMARC 'p=reject' (x_OFR_506)",
    "5.1.0 - Unknown address error 550-'5.1.1 <a@example.com>... User unknown' (delivery attempts: 0)",
    "SMTP error from remote mail server after RCPT TO:<x@example.com>: host mx [192.0.2.7]: 550 S3150 TSS04 RESOLVER.ADR.RecipNotFound; not found",
    "<<< 550 /var/mail/x: Quota \"exceeded while\" writing 'message=1' www.example.org a@b@c ::1 1.2.3.4.5",
];

/// What must hold of any text at all.
fn sound(c: &Classifier, text: &str) {
    let mut masked = Masked::default();
    masked.read(text, &c.lists);
    // One token may be written after the cap was nearly reached.
    assert!(masked.text().len() <= OUTPUT_CAP + mask::INPUT_CAP, "{text:?}");
    let v = c.classify(text);
    assert!((0.0..=1.0).contains(&v.confidence), "{text:?}");
    assert!(v.code.is_none_or(|code| (200..600).contains(&code)), "{text:?}");
    let d = Details::read(text, &v);
    assert!(d.wait_seconds.is_none_or(|s| s <= 7 * 86_400) && d.rate.is_none_or(|r| r.seconds <= 7 * 86_400));
    assert!(d.suggested.is_none_or(|a| a.contains('@') && a.len() <= 320), "{text:?}");
    assert!(v.blocklist.is_none() || v.kind == BounceType::Blocklisted, "{text:?}");
    assert!(v.auth.is_some() == (v.kind == BounceType::Authentication), "{text:?}");
}

#[test]
fn cut_at_every_byte() {
    let c = Classifier::shipped().unwrap();
    for seed in SEEDS {
        for at in 0..=seed.len() {
            sound(&c, &String::from_utf8_lossy(&seed.as_bytes()[..at]));
            sound(&c, &String::from_utf8_lossy(&seed.as_bytes()[at..]));
        }
    }
}

#[test]
fn flipped_spliced_repeated() {
    let c = Classifier::shipped().unwrap();
    let mut r = Random::new(7);
    for _ in 0..3000 {
        let mut bytes = SEEDS[r.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=r.below(6) {
            let at = r.below(bytes.len());
            match r.below(4) {
                0 => bytes[at] ^= 1 << r.below(8),
                1 => bytes[at] = b"<>\"'@.:;-/{}[]()|\0\r\n\t\x1b\x7f\xff5"[r.below(25)],
                2 => {
                    let other = SEEDS[r.below(SEEDS.len())].as_bytes();
                    let from = r.below(other.len());
                    bytes.truncate(at);
                    bytes.extend(&other[from..]);
                }
                _ => {
                    let piece = bytes[at..(at + 1 + r.below(40)).min(bytes.len())].to_vec();
                    for _ in 0..r.below(30) {
                        bytes.splice(at..at, piece.iter().copied());
                    }
                }
            }
            if bytes.is_empty() {
                bytes.push(b'5');
            }
        }
        sound(&c, &String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_megabyte_is_read_no_further_than_its_head() {
    let c = Classifier::shipped().unwrap();
    let fill = [
        "<",
        "a@",
        "5.1.1 ",
        "550-",
        "\"'",
        "é",
        "a.b.",
        "::",
        "{addr}",
        "http://",
        "\u{1b}[31m",
        "\0",
        "1:",
        "x-",
        " ",
        "\r\n",
    ];
    for piece in fill {
        let head = "550 5.1.1 <a@example.com>: User unknown ";
        let long = format!("{head}{}", piece.repeat((1 << 20) / piece.len()));
        sound(&c, &long);
        let mut end = mask::INPUT_CAP + 64;
        while !long.is_char_boundary(end) {
            end += 1;
        }
        assert_eq!(c.classify(&long), c.classify(&long[..end]), "{piece:?}");
    }
}

#[test]
fn control_characters_are_spaces() {
    let c = Classifier::shipped().unwrap();
    let plain = c.classify("550 5.1.1 User unknown");
    for control in ["\t", "\u{1}", "\0", "\u{7f}", "\r\n", "\u{1b}"] {
        let text = format!("550{control}5.1.1{control}User{control}unknown");
        assert_eq!(c.classify(&text).kind, plain.kind, "{control:?}");
    }
}
