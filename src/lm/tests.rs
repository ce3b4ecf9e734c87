#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly, and says what it measured")]
use super::*;

#[test]
fn only_what_is_near_and_nearer_than_all_else_is_proposed() {
    let near = |kinds: &[(BounceType, f32)]| {
        let mut nearest = [0.1; 16];
        for (kind, likeness) in kinds {
            nearest[usize::from(kind.number()) - 1] = *likeness;
        }
        nearest
    };
    let (full, unknown) = (BounceType::MailboxFull, BounceType::UserUnknown);
    for (text, nearest, kind) in [
        ("no room left for mail", near(&[(full, 0.9)]), full),
        ("no room left for mail", near(&[(full, 0.7)]), BounceType::Other),
        ("no room left for mail", near(&[(full, 0.9), (unknown, 0.8)]), BounceType::Other),
        ("no one of that name", near(&[(unknown, 0.99)]), BounceType::Other),
        ("full", near(&[(full, 0.99)]), BounceType::Other),
    ] {
        assert_eq!(decide(text, &nearest).kind, kind, "{text} {nearest:?}");
    }
}

#[test]
fn codes_and_placeholders_are_not_read() {
    assert_eq!(
        plain("550 5.1.1 <{addr}>: no room at {host}, {list=spamhaus} <*>"),
        "address: no room at host, blocklist spamhaus"
    );
}

#[test]
fn a_folder_without_a_model_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Proposer::open(dir.path()), Err(Error::Read { .. })));
    std::fs::write(dir.path().join("config.json"), "{}").unwrap();
    let said = Proposer::open(dir.path()).unwrap_err().to_string();
    assert!(said.contains("needs config.json"), "{said}");
}

/// With a real model: lines of the grammar it has no examples of.
#[test]
fn a_real_model_is_more_often_right_than_wrong() {
    let Some(dir) = std::env::var_os("BOUNCEWATCH_LM_MODEL") else {
        eprintln!("skipped: 1 test, BOUNCEWATCH_LM_MODEL names no model");
        return;
    };
    let examples = ndr::expand("training.tsv", ndr::TRAINING).unwrap();
    let (held, seen): (Vec<Example>, Vec<Example>) = examples.into_iter().partition(|e| e.family % 4 == 0);
    let proposer = Proposer::with_examples(Path::new(&dir), &seen).unwrap();
    let masks = Classifier::shipped().unwrap();
    let texts: Vec<(TemplateId, String)> =
        (0..).map(TemplateId).zip(held.iter().step_by(3).map(|e| masks.mask(&e.text).text().to_owned())).collect();
    let said = proposer.propose(&texts).unwrap();
    let (mut right, mut wrong) = (0, 0);
    for (example, (_, proposal)) in held.iter().step_by(3).zip(&said) {
        assert_ne!(proposal.kind, BounceType::UserUnknown);
        match proposal.kind {
            BounceType::Other => {}
            kind if kind == example.kind => right += 1,
            _ => wrong += 1,
        }
    }
    eprintln!("{} templates: {right} typed rightly, {wrong} wrongly", texts.len());
    assert!(right > 2 * wrong && right > 10, "{right} right, {wrong} wrong");
}
