//! The stage as others use it.

use super::*;
use crate::ledger::Ledger;

/// What went wrong, if anything.
fn check_domain(explainer: &Explainer<'_>, typed: &str, want: Option<(&str, &[&str])>) -> Option<String> {
    let told = explainer.explain_domain(typed);
    let best = told.first().filter(|c| c.probability >= THRESHOLD);
    let found = best.map(|c| (c.intended.as_str(), c.edits.iter().map(|e| e.name()).collect::<Vec<_>>()));
    (found.as_ref().map(|(i, e)| (*i, &e[..])) != want).then(|| format!("{typed}: {want:?}, got {told:?}"))
}

#[test]
fn cases() {
    let ledger = Ledger::default();
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/typos.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut n, mut wrong) = (0, Vec::new());
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells[..] {
            [typed, "-", _] => wrong.extend(check_domain(&explainer, typed, None)),
            [typed, intended, edits] => wrong.extend(check_domain(&explainer, typed, Some((intended, &edits.split(',').collect::<Vec<_>>())))),
            _ => panic!("{line}"),
        }
        n += 1;
    }
    assert!(n >= 60, "{n} cases");
    assert!(wrong.is_empty(), "{} of {n}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn any_text_is_an_address() {
    let ledger = Ledger::default();
    let census = Census::from_ledger(&ledger);
    let explainer = Explainer::new(&census, &Popular::shipped()).unwrap();
    let check = |address: &str, want: Option<&str>| {
        let told = explainer.explain_address(address, None);
        assert_eq!(told.first().filter(|c| c.probability >= THRESHOLD).map(|c| c.intended.as_str()), want, "{address}: {told:?}");
    };
    check("bob@gmial.com", Some("bob@gmail.com"));
    check("<Bob@GMIAL.Com.>", Some("bob@gmail.com"));
    check("bob@gmial.com..", Some("bob@gmail.com"));
    check("gmial.com", Some("gmail.com"));
    check("\"a b@c\"@gmial.com", Some("\"a b@c\"@gmail.com"));
    check("bob@xn--gmil-63d.com", Some("bob@gmail.com"));
    check("bob@mail.hotmial.com", Some("bob@mail.hotmail.com"));
    check("bob@gmail.com", None);
    check("", None);
    check("@", None);
    check("@gmial.com", None);
    check("bob@", None);
    check("bob@...", None);
    check(&format!("{}@gmial.com", "x".repeat(309)), Some(&format!("{}@gmail.com", "x".repeat(309))));
    check(&format!("bob@{}.com", "x".repeat(400)), None);
    check(&format!("bob@{}", "a.".repeat(400)), None);
    check(&String::from_utf8_lossy(b"b\xff\xfeob@gmial.com"), Some("b\u{fffd}\u{fffd}ob@gmail.com"));
    explainer.explain_address(&String::from_utf8_lossy(b"bob@gm\xffial.com"), None);
    let best = explainer.explain_address("bob@gmial.com", None).remove(0);
    assert!(best.probability > 0.98, "{best:?}");
    assert_eq!(best.words, "gmial.com: ai→ia transposed, transposition of gmail.com");
}
