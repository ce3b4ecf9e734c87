//! What the index finds is what a linear scan finds.

use super::{super::edit, *};

#[test]
fn finds_what_a_linear_scan_finds() {
    let names = [
        "gmail.com",
        "ymail.com",
        "hotmail.com",
        "yahoo.com",
        "yahoo.com.cn",
        "qq.com",
        "university-of-somewhere.edu",
        "a.b",
        "xxxxxxxxxxxxxx.de",
        "bücher.de",
    ];
    let indexes = [0, FEW].map(|few| Index::with(names, few));
    let mut scratch = Scratch::default();
    for typed in [
        "gmial.com",
        "gmail.com",
        "gmai.con",
        "qq.co",
        "q.com",
        "university-of-somewere.edu",
        "nuiversity-of-somewhere.edu",
        "uinversity-fo-somewhere.edu",
        "xxxxxxxxxxxx.de",
        "yaho.com.cn",
        "",
        "a",
        "gmail.comxx",
        "éa.b",
        "bcher.de",
        "bucher.de",
        "bücehr.de",
    ] {
        let mut want: Vec<Hit> = names
            .iter()
            .enumerate()
            .map(|(i, n)| Hit { distance: edit::distance(n, typed) as u8, name: i as u32 })
            .filter(|h| h.distance <= 2 && !typed.is_empty())
            .collect();
        want.sort_unstable();
        for index in &indexes {
            assert_eq!(index.near(typed, 2, &mut scratch), &want[..], "{typed}");
        }
    }
    assert!(Index::new([]).near("a", 2, &mut scratch).is_empty());
}

/// What a linear scan with `strsim` finds within two edits, in the order of [`Index::near`].
fn scanned(names: &[String], typed: &str) -> Vec<Hit> {
    let near = |a: &String| u8::try_from(strsim::osa_distance(a, typed)).ok().filter(|d| *d <= 2);
    let mut hits: Vec<Hit> = (0..).zip(names).filter_map(|(name, n)| Some(Hit { distance: near(n)?, name })).collect();
    hits.sort_unstable();
    hits
}

#[test]
fn slips_anywhere_are_found_as_by_a_linear_scan() {
    let mut state = 5u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let letters = b"abcdeilmnorst.-1";
    let mut names: Vec<String> = (0..300)
        .map(|_| (0..3 + below(20)).map(|_| char::from(letters[below(letters.len())])).collect::<String>() + ".com")
        .collect();
    names.sort();
    names.dedup();
    let [index, few] = [0, FEW].map(|few| Index::with(names.iter().map(String::as_str), few));
    let mut scratch = Scratch::default();
    let mut found = 0;
    for round in 0..2_000 {
        let mut typed: Vec<u8> = names[below(names.len())].bytes().collect();
        for _ in 0..1 + below(2) {
            // Around the end of the head most often: there an edit moves letters from head to tail.
            let at = if round % 3 == 0 { below(typed.len() - 1) } else { (6 + below(4)).min(typed.len() - 2) };
            let letter = letters[below(letters.len())];
            match below(4) {
                0 => drop(typed.remove(at)),
                1 => typed.insert(at, letter),
                2 => typed.swap(at, at + 1),
                _ => typed[at] = letter,
            }
        }
        let typed = String::from_utf8(typed).unwrap();
        let mut want = scanned(&names, &typed);
        assert_eq!(index.near(&typed, 2, &mut scratch), want, "{typed}");
        assert_eq!(few.near(&typed, 2, &mut scratch), want, "{typed}");
        found += want.len();
        want.retain(|h| h.distance < 2);
        assert_eq!(index.near(&typed, 1, &mut scratch), want, "{typed}");
        assert_eq!(few.near(&typed, 1, &mut scratch), want, "{typed}");
    }
    assert!(found > 1_900, "{found}");
}

proptest::proptest! {
    #[test]
    fn no_neighbour_is_missed(names in proptest::collection::btree_set("[ab]{1,14}\\.c[ao]", 1..30), typed in "[ab.]{1,16}") {
        let found = [0, FEW].map(|few| {
            let index = Index::with(names.iter().map(String::as_str), few);
            index.near(&typed, 2, &mut Scratch::default()).iter().map(|h| h.name).collect::<Vec<u32>>()
        });
        proptest::prop_assert_eq!(&found[0], &found[1]);
        let [found, _] = found;
        for (i, name) in names.iter().enumerate() {
            proptest::prop_assert_eq!(found.contains(&(i as u32)), edit::distance(name, &typed) <= 2, "{} {}", name, typed);
        }
    }
}
