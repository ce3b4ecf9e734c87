//! What syslog writes into several files counts once, whatever their generations; what only looks like it counts.

use super::{inputs::gzip, *};

/// Lines of a mail server, a mail a minute from `from` on, some refused at the door.
fn mails(from: u32, to: u32) -> Vec<String> {
    let line = |n: u32, rest: String| format!("Jan  5 {:02}:{:02}:07 mx {rest}\n", n / 60, n % 60);
    let mail = |n: u32| {
        let mut all = vec![
            line(n, format!("postfix/smtpd[7]: A{n:05}: client=app.example.org[192.0.2.7]")),
            line(n, format!("postfix/qmgr[8]: A{n:05}: from=<ann@example.org>, size=9, nrcpt=1 (queue active)")),
            line(
                n,
                format!(
                    "postfix/smtp[9]: A{n:05}: to=<bob{n}@example.net>, relay=mx.example.net[198.51.100.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
                ),
            ),
            line(n, format!("postfix/qmgr[8]: A{n:05}: removed")),
        ];
        if n % 10 == 3 {
            all.push(line(n, format!(
                "postfix/smtpd[7]: NOQUEUE: reject: RCPT from h.example.com[203.0.113.{}]: 550 5.1.1 <x{n}@example.org>: Recipient address rejected: User unknown; from=<c@example.com> to=<x{n}@example.org> proto=ESMTP helo=<h>",
                n % 250
            )));
        }
        all
    };
    (from..to).flat_map(mail).collect()
}

/// The same among lines of other programs.
fn mixed(mails: &[String]) -> Vec<u8> {
    let mut all = String::new();
    for (n, line) in mails.iter().enumerate() {
        if n % 7 == 0 {
            all += &format!("{} mx CRON[{n}]: (root) CMD (true)\n", &line[..15]);
        }
        all += line;
    }
    all.into_bytes()
}

fn refused(mails: &[String]) -> Vec<u8> {
    mails.iter().filter(|line| line.contains("reject:")).map(String::as_str).collect::<String>().into_bytes()
}

fn night(folder: &Path, before: &Known) -> Reading<Vec<String>> {
    run(&[folder.to_owned()], before, &options()).expect("a night")
}

#[test]
fn one_mail_in_three_files_is_one() {
    let (folder, alone) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let put = |name: &str, mails: &[u8]| file(folder.path(), name, mails);
    let all = mails(0, 300);
    let text = |mails: &[String]| mails.concat().into_bytes();
    // The general log goes round every few hours, the mail log has done so once.
    let first = &all[..mails(0, 200).len()];
    let old = mails(0, 90).len();
    put("mail.log.1", &text(&first[..old]));
    put("mail.log", &text(&first[old..]));
    put("syslog.2.gz", &gzip(&mixed(&first[..old / 2])));
    put("syslog.1", &mixed(&first[old / 2..old + 100]));
    put("syslog", &mixed(&first[old + 100..]));
    put("mail.warn", &refused(first));
    file(alone.path(), "mail.log", &text(first));
    let (one, other) = (night(folder.path(), &Known::default()), night(alone.path(), &Known::default()));
    assert_eq!(deliveries([&one]), deliveries([&other]));
    let left: Vec<&str> = one.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.iter().all(|cause| cause.ends_with("mail.log, too: left out")), "{left:?}");

    // The night after, all have grown, and the mail log has gone round.
    put("mail.log.1", &text(&first[old..]));
    put("mail.log", &text(&all[first.len()..]));
    put("syslog", &mixed(&all[old + 100..]));
    put("mail.warn", &refused(&all));
    file(alone.path(), "mail.log", &text(&all));
    let (second, whole) = (night(folder.path(), &known(&one)), night(alone.path(), &Known::default()));
    assert_eq!(deliveries([&one, &second]), deliveries([&whole]));
    assert_eq!(deliveries([&night(folder.path(), &known(&second))]), [""; 0]);
}

#[test]
fn what_lacks_a_line_is_no_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = mails(0, 60);
    let lacks: Vec<String> = all.iter().filter(|line| !line.contains("A00033")).cloned().collect();
    file(folder.path(), "mail.log", lacks.concat().as_bytes());
    file(folder.path(), "syslog", &mixed(&all));
    let reading = night(folder.path(), &Known::default());
    assert!(reading.rejects.is_empty(), "{:?}", reading.rejects);
    assert!(deliveries([&reading]).iter().any(|mail| mail.contains("bob33@")));
    // Two servers on one host write a log each.
    let other: Vec<String> = all.iter().map(|line| line.replace(": A", ": B")).collect();
    file(folder.path(), "syslog", other.concat().as_bytes());
    file(folder.path(), "mail.log", all.concat().as_bytes());
    assert_eq!(deliveries([&night(folder.path(), &Known::default())]).len(), 2 * 60 + 2 * 6);
}
