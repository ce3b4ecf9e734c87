use super::*;

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn item(name: &str) -> Item {
    Item {
        id: crate::findings::id("test", name),
        name: name.to_owned(),
        meant: format!("right-{name}"),
        status: "registrable".to_owned(),
        emails: 7,
        senders: 2,
        first: "2022-06-01".to_owned(),
        last: "2022-06-20".to_owned(),
        addresses: vec![format!("someone@{name}")],
    }
}

fn matter(audience: Audience, owner: &str, names: &[&str]) -> Matter {
    let contact = Some((format!("security@{}", owner.trim_start_matches("tom@")), "RFC 2142 role mailbox".to_owned()));
    Matter { audience, owner: owner.to_owned(), contact, items: names.iter().map(|n| item(n)).collect() }
}

fn night(known: &mut Vec<Disclosure>, matters: &[Matter], now: &str) -> Vec<(String, State)> {
    reconcile(known, matters.to_vec(), moment(now)).into_iter().map(|e| (e.disclosure, e.state)).collect()
}

const NIGHTS: [&str; 5] = [
    "2022-07-01T02:00:00Z",
    "2022-07-02T02:00:00Z",
    "2022-07-03T02:00:00Z",
    "2022-07-04T02:00:00Z",
    "2022-07-05T02:00:00Z",
];

#[test]
fn one_owner_gets_one_letter_and_is_told_nothing_twice() {
    let mut known = Vec::new();
    let owner = |names: &[&str]| [matter(Audience::IntendedDomain, "example.org", names)];
    assert_eq!(night(&mut known, &owner(&["a.example"]), NIGHTS[0]).len(), 1);
    assert_eq!(night(&mut known, &owner(&["a.example"]), NIGHTS[1]), []);
    // Not drafted yet: what is new joins the same letter.
    assert_eq!(night(&mut known, &owner(&["a.example", "b.example"]), NIGHTS[1]), []);
    assert_eq!((known.len(), known[0].matter.items.len()), (1, 2));
    let _ = known[0].turn(State::Sent, "", moment(NIGHTS[1]));
    // Sent: only what is new opens another.
    let opened = night(&mut known, &owner(&["a.example", "b.example", "c.example"]), NIGHTS[2]);
    assert_eq!(opened.len(), 1);
    let second = known.iter().find(|d| d.state == State::Found).unwrap();
    assert_eq!(second.matter.items.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["c.example"]);
    assert_ne!(known[0].id, known[1].id);
}

#[test]
fn what_is_gone_is_resolved_and_may_come_back() {
    let mut known = Vec::new();
    let there = [matter(Audience::Customer, "tom@example.org", &["a.example"])];
    night(&mut known, &there, NIGHTS[0]);
    assert_eq!(night(&mut known, &[], NIGHTS[1]), [(known[0].id.clone(), State::Resolved)]);
    assert!(known[0].gone);
    assert_eq!(night(&mut known, &[], NIGHTS[2]), []);
    assert_eq!(night(&mut known, &there, NIGHTS[3]).len(), 1, "found again, told again");
    // What an operator closed stays closed.
    let last = known.iter_mut().find(|d| d.state == State::Found).unwrap();
    let _ = last.turn(State::Resolved, "the customer knows", moment(NIGHTS[3]));
    assert_eq!(night(&mut known, &there, NIGHTS[4]), []);
}

fn letter(audience: Audience, language: &str, name: &str) -> String {
    let mut known = Vec::new();
    night(&mut known, &[matter(audience, "example.org", &[name])], NIGHTS[0]);
    let writer = Writer { from: "Abuse desk <abuse@operator.example>", now: moment(NIGHTS[0]) };
    let letter = Letters::load(None).unwrap().write(&known[0], language, &writer).unwrap().unwrap();
    String::from_utf8(letter).unwrap()
}

#[test]
fn every_letter_can_be_written() {
    for audience in Audience::ALL {
        for language in ["en", "zh"] {
            let text = letter(audience, language, "a.example");
            for header in ["From: ", "To: security@example.org", "Subject: ", "Date: Fri, 01 Jul 2022", "Message-ID: <"]
            {
                assert!(text.contains(header), "{language} {audience:?} lacks {header}: {text}");
            }
            assert!(text.lines().all(|line| line.len() <= 998), "{text}");
            // An operator reads and edits it: nothing is encoded away.
            assert!(text.contains("someone@a.example") || text.contains("- a.example"), "{text}");
        }
    }
}

#[test]
fn what_a_log_wrote_cannot_add_a_header_or_a_line() {
    let hostile = "x\r\nBcc: everyone@example.net\r\n\r\n<b>\u{1b}[31m{{ from }}";
    let text = letter(Audience::IntendedDomain, "en", hostile);
    assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    assert!(!text.contains('\u{1b}'));
    let mut known = Vec::new();
    let mut evil = matter(Audience::IntendedDomain, "example.org", &["a.example"]);
    evil.contact = Some(("a@b.example\r\nBcc: c@d.example".to_owned(), "x".to_owned()));
    night(&mut known, &[evil], NIGHTS[0]);
    let writer = Writer { from: "abuse@operator.example", now: moment(NIGHTS[0]) };
    assert_eq!(Letters::load(None).unwrap().write(&known[0], "en", &writer).unwrap(), None);
}

#[test]
fn an_operator_s_own_letters_come_first() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("fr")).unwrap();
    std::fs::write(dir.path().join("fr/customer.txt"), "Subject: Adresse\n\nBonjour {{ owner }}\n").unwrap();
    let mut known = Vec::new();
    night(&mut known, &[matter(Audience::Customer, "tom@example.org", &["a.example"])], NIGHTS[0]);
    let writer = Writer { from: "abuse@operator.example", now: moment(NIGHTS[0]) };
    let letters = Letters::load(Some(dir.path())).unwrap();
    let text = String::from_utf8(letters.write(&known[0], "fr", &writer).unwrap().unwrap()).unwrap();
    assert!(text.contains("Subject: Adresse") && text.contains("Bonjour tom@example.org"), "{text}");
    assert!(letters.write(&known[0], "tlh", &writer).is_err());
    std::fs::write(dir.path().join("fr/customer.txt"), "Bonjour {{ nobody }}").unwrap();
    let said = Letters::load(Some(dir.path())).unwrap().write(&known[0], "fr", &writer).unwrap_err().to_string();
    assert!(said.contains("fr/customer.txt"), "{said}");
}
