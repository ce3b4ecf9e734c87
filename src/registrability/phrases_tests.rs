use super::*;

#[test]
fn registries_wordings() {
    let phrases = Phrases::shipped().unwrap();
    let cases = include_str!("../../tests/cases/whois.txt");
    let (mut seen, mut tlds) = (0, std::collections::BTreeSet::new());
    // A case: `== domain want` and the answer's lines below it.
    for case in cases.split("\n== ").skip(1) {
        let (head, answer) = case.split_once('\n').unwrap_or((case, ""));
        let (domain, want) = head.split_once(' ').unwrap();
        for answer in [answer.to_owned(), answer.replace('\n', "\r\n")] {
            assert_eq!(phrases.read(answer.as_bytes(), domain).word, want, "{domain}: {answer}");
        }
        seen += 1;
        if want == "not_found" {
            tlds.insert(domain.rsplit('.').next().unwrap().to_owned());
        }
    }
    assert!(seen >= 50 && tlds.len() >= 25, "{seen} cases, not found in {} TLDs", tlds.len());
}

#[test]
fn latin_1_and_junk_are_read() {
    let phrases = Phrases::shipped().unwrap();
    let read = |bytes: &[u8], domain| phrases.read(bytes, domain).word;
    assert_eq!(read(b"% Copyright Soci\xe9t\xe9 \xa9\n\nNo match for \"YAHO.FR\".\n", "yaho.fr"), "not_found");
    assert_eq!(read(b"domain: yaho.fr\nholder-c: Soci\xe9t\xe9\nregistrar: X\n", "yaho.fr"), "registered");
    assert_eq!(read(b"\x00\xff\xfe\x01", "yaho.fr"), "not_understood");
    assert_eq!(read(b"\r\n\r\n", "yaho.fr"), "empty");
}

#[test]
fn no_cut_of_a_record_frees_the_name() {
    let phrases = Phrases::shipped().unwrap();
    let record = "% This is a notice: no match, no entries found, object does not exist\n% All rights reserved.\nDomain Name: GMIAL.COM\nRegistry Domain ID: 1_DOMAIN_COM-VRSN\nRegistrar: X\nRemarks: No match for \"GMIAL.COM\".\nStatus: free to good home\n";
    for cut in 0..record.len() {
        assert_ne!(phrases.read(&record.as_bytes()[..cut], "gmial.com").registry, Registry::NotFound, "{cut}");
    }
}

#[test]
fn details_of_a_record() {
    let phrases = Phrases::shipped().unwrap();
    let got = phrases.read(b"Domain Name: GMIAL.COM\nRegistrar: Some, Inc.\nCreation Date: 2020-01-02T03:04:05Z\nName Server: NS2.X.NET\nName Server: NS1.X.NET\nRegistrar Abuse Contact Email: abuse@some.example\n", "gmial.com").details;
    assert_eq!(got.registrar.as_deref(), Some("Some, Inc."));
    assert_eq!(got.nameservers, ["ns1.x.net", "ns2.x.net"]);
    assert_eq!(got.contacts.len(), 1);
    assert_eq!(got.created.map(|t| t.to_string()).as_deref(), Some("2020-01-02T03:04:05Z"));
}

#[test]
fn a_record_tells_when_it_was_changed() {
    let phrases = Phrases::shipped().unwrap();
    let got = phrases.read(
        b"Domain Name: GMIAL.COM\nRegistrar: X\nUpdated Date: 2022-07-01T00:00:00Z\nDomain Status: pendingDelete\n",
        "gmial.com",
    );
    assert_eq!(got.registry, Registry::PendingDelete);
    assert_eq!(got.changed.map(|t| t.to_string()).as_deref(), Some("2022-07-01T00:00:00Z"));
}

#[test]
fn no_bytes_make_it_stumble() {
    let phrases = Phrases::shipped().unwrap();
    let seed = "Domain Name: GMIAL.COM\r\n[Registrant] \u{fc}\u{4e2d}\r\nNo match for \"gmial.com\".\r\nStatus: free\r\nCreated: 2020-01-0\u{fc}2\r\nRegistrar Abuse Contact Email: a@b\r\n".as_bytes();
    for at in 0..seed.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = seed.to_vec();
            bytes[at] ^= flip;
            phrases.read(&bytes, "gmial.com");
            phrases.read(&bytes[at..], "xn--mller-kva.de");
        }
    }
}
