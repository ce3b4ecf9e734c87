use proptest::prelude::*;

use super::*;

fn add(miner: &mut Miner, text: &str, kind: BounceType, at: i64) {
    miner.add(TemplateId(stable_hash(text.as_bytes())), kind, text, Timestamp(at), || text.into());
}

const FORMS: [(&str, BounceType); 6] = [
    ("550 5.1.1 <{addr}>: User unknown in local table", BounceType::UserUnknown),
    ("550 5.1.1 <{addr}>: User unknown in virtual table", BounceType::UserUnknown),
    ("550 5.1.1 <{addr}>: User full in virtual table", BounceType::MailboxFull),
    ("550 5.1.1 <{addr}>: User unknown in relay table", BounceType::UserUnknown),
    ("451 try later", BounceType::Other),
    ("550 5.1.0 <{addr}>: User unknown in local table", BounceType::UserUnknown),
];

fn mined(said: &[(usize, i64)]) -> Miner {
    let mut miner = Miner::default();
    for (form, at) in said {
        add(&mut miner, FORMS[*form].0, FORMS[*form].1, *at);
    }
    miner
}

#[test]
fn like_forms_of_one_type_are_one_template() {
    let templates = mined(&[(0, 0), (1, 1), (2, 2), (4, 3), (0, 4), (1, 5), (5, 6)]).freeze();
    let top = &templates[0];
    assert_eq!((top.text.as_str(), top.count, top.forms), ("550 5.1.1 <{addr}>: User unknown in <*> table", 4, 2));
    assert_eq!(top.id.0, stable_hash(FORMS[0].0.as_bytes()), "the founder's");
    assert_eq!((top.first, top.last), (Timestamp(0), Timestamp(5)));
    assert_eq!(templates.len(), 4, "another type or another code is another template: {templates:?}");
    let mut ids: Vec<_> = templates.iter().map(|t| t.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), templates.len());
}

#[test]
fn a_known_template_keeps_its_id_whatever_comes() {
    let mut night = mined(&[(1, 100), (3, 101)]);
    night.settle();
    let id = night.freeze()[0].id;
    assert_eq!(night.freeze().len(), 1);
    // A younger form, an older one of an older log, and the founder forgotten.
    for more in [&[(0, 102)][..], &[(0, 5)], &[(3, 6), (0, 7)]] {
        let mut later = night.clone();
        later.merge(mined(more));
        assert_eq!(later.freeze().iter().map(|t| t.id).collect::<Vec<_>>(), [id], "{more:?}");
        later.settle();
        later.retain(|form| form.text.contains("relay"));
        assert_eq!(later.freeze()[0].id, id);
        let first = later.freeze()[0].first;
        assert!(first <= Timestamp(100), "still not new: {first:?}");
    }
}

#[test]
fn a_form_judged_anew_is_another_template() {
    let mut miner = mined(&[(0, 1)]);
    miner.settle();
    add(&mut miner, FORMS[0].0, BounceType::MailboxFull, 9);
    let templates = miner.freeze();
    assert_eq!((templates.len(), templates[0].kind, templates[0].count), (1, BounceType::MailboxFull, 2));
    assert!(!miner.known().contains_key(&templates[0].id), "the id of the old type stays the old type's");
}

#[test]
fn a_flood_of_different_replies_stays_bounded_and_counted() {
    let text = |i: u64| format!("55{} word{} is {} and {}", i % 10, stable_hash(&i.to_le_bytes()), i / 3, i % 97);
    let budget = 64 * (OVERHEAD + 48);
    let mut all = Miner::with_budget(budget);
    let (mut a, mut b) = (Miner::with_budget(budget), Miner::with_budget(budget));
    for i in 0..5000 {
        add(&mut all, &text(i), BounceType::Other, i as i64);
        assert!(all.len() <= 2 * 70 + 11 * 2, "{}", all.len());
    }
    for i in (0..5000).rev() {
        let half = if i % 3 == 0 { &mut a } else { &mut b };
        add(half, &text(i), BounceType::Other, i as i64);
    }
    b.merge(a);
    assert_eq!(all.freeze(), b.freeze());
    assert_eq!(all.freeze().iter().map(|t| t.count).sum::<u64>(), 5000);
    assert!(all.generalised() > 4000, "{}", all.generalised());
}

proptest! {
    /// Two miners over two files are one over both, in whatever order, also where memory is short.
    #[test]
    fn merging_is_mining_both(
        one in prop::collection::vec((0usize..40, 0usize..3, 0i64..50), 0..60),
        two in prop::collection::vec((0usize..40, 0usize..3, 0i64..50), 0..60),
        budget in prop::sample::select(vec![3 * OVERHEAD, 20 * OVERHEAD, 1 << 20]),
    ) {
        const KINDS: [BounceType; 3] = [BounceType::UserUnknown, BounceType::MailboxFull, BounceType::Other];
        // A form has one verdict, so the type hangs on the text.
        let take = |miner: &mut Miner, said: &[(usize, usize, i64)]| for (word, tail, at) in said {
            let text = format!("55{} user w{} said thing number {} here w{tail}", tail, word % 7, word / 7);
            add(miner, &text, KINDS[(word + tail) % 3], *at);
        };
        let mut whole = Miner::with_budget(budget);
        take(&mut whole, &one);
        take(&mut whole, &two);
        let (mut left, mut right) = (Miner::with_budget(budget), Miner::with_budget(budget));
        take(&mut left, &one);
        take(&mut right, &two);
        let mut back = right.clone();
        back.merge(left.clone());
        left.merge(right);
        prop_assert_eq!(left.freeze(), whole.freeze());
        prop_assert_eq!(back.freeze(), whole.freeze());
    }

    /// Nights read one by one, each settled, give the templates of all at once.
    #[test]
    fn nights_one_by_one_are_all_at_once(said in prop::collection::vec((0usize..40, 0usize..3), 1..80), cut in 0usize..80) {
        let text = |(word, tail): &(usize, usize)| format!("550 user w{} said thing number {} here w{tail}", word % 7, word / 7);
        let mut whole = Miner::default();
        let mut nightly = Miner::default();
        for (at, form) in said.iter().enumerate() {
            add(&mut whole, &text(form), BounceType::Other, at as i64);
            add(&mut nightly, &text(form), BounceType::Other, at as i64);
            if at == cut {
                nightly.settle();
            }
        }
        prop_assert_eq!(nightly.freeze(), whole.freeze());
    }
}
