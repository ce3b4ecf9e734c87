//! How guessed names were made.

use std::collections::{BTreeMap, BTreeSet};

use super::Pattern;
use crate::address::{domain_of, local_of};

/// Names everybody tries: roles, test accounts, the commonest given names. Written for this project.
const WORDS: &str = "abuse accounting accounts admin administrator alert alerts backup billing bob board booking books \
career careers ceo cfo chris claims clients compliance contact contacts customer customerservice dan daniel data david \
demo design dev director editor email emma enquiries enquiry events fax feedback finance frank ftp general george guest \
hello help helpdesk hr human info inquiry invoice invoices it jack james jane jason jennifer jim job jobs joe john jose \
karen kevin lab laura legal library linda lisa list mail mailer manager maria marketing mark martin mary media member \
members michael mike news newsletter nick noreply office operations order orders parts paul payroll personnel peter \
phil postmaster pr press privacy purchase purchasing qa reception recruitment registrar research richard robert root \
sales sam sarah scan school secretary security server service services shop spam staff steve studio subscribe support \
susan tech team test tester tom training user users web webadmin webmaster welcome william work www zhang wang li liu \
chen yang wei lei min jing";

/// What the names say about how they were made.
pub(super) fn of(addresses: &[&str]) -> Pattern {
    let locals: BTreeSet<&str> = addresses.iter().map(|a| local_of(a)).collect();
    let domains: BTreeSet<&str> = addresses.iter().map(|a| domain_of(a)).collect();
    let share = |n: usize| n as f64 / locals.len().max(1) as f64;
    if locals.len() >= 4 && share(permuted(&locals)) >= 0.5 || one_person(&locals) {
        Pattern::NameVariants
    } else if share(counted(&locals)) >= 0.5 && locals.len() >= 5 {
        Pattern::Sequence
    } else if domains.len() >= 3 && addresses.len() >= 2 * locals.len() {
        Pattern::Wide
    } else if share(locals.iter().filter(|l| is_word(l)).count()) >= 0.3 {
        Pattern::Dictionary
    } else {
        Pattern::Unclear
    }
}

/// How many names are made of the same letters as another: `to.p`, `p_to`, `pto`.
fn permuted(locals: &BTreeSet<&str>) -> usize {
    // Numbers stay as they are: `a12` and `a21` are two people, not two spellings.
    let mut letters: BTreeMap<(Vec<char>, String), usize> = BTreeMap::new();
    for local in locals {
        let mut sorted: Vec<char> = local.chars().filter(|c| c.is_alphabetic()).collect();
        sorted.sort_unstable();
        if sorted.len() >= 3 {
            *letters.entry((sorted, local.chars().filter(char::is_ascii_digit).collect())).or_default() += 1;
        }
    }
    letters.values().filter(|n| **n >= 2).sum()
}

/// Whether most names are {full, prefix} × {order} × {nothing, dot, underscore, hyphen} of two words.
fn one_person(locals: &BTreeSet<&str>) -> bool {
    if !(5..=60).contains(&locals.len()) {
        return false;
    }
    let mut words: Vec<&str> =
        locals.iter().flat_map(|l| l.split(['.', '_', '-'])).filter(|w| w.chars().count() >= 2).collect();
    words.sort_unstable_by_key(|w| (std::cmp::Reverse(w.len()), *w));
    words.dedup();
    words.truncate(8);
    let fits = |local: &str, a: &str, b: &str| {
        let bare: String = local.chars().filter(|c| !matches!(c, '.' | '_' | '-')).collect();
        bare.char_indices().skip(1).any(|(at, _)| {
            let (x, y) = bare.split_at(at);
            a.starts_with(x) && b.starts_with(y) || b.starts_with(x) && a.starts_with(y)
        }) || bare == a
            || bare == b
    };
    let most = locals.len() * 7 / 10;
    words
        .iter()
        .enumerate()
        .any(|(i, a)| words[i + 1..].iter().any(|b| locals.iter().filter(|l| fits(l, a, b)).count() > most))
}

/// How many names are one stem with different numbers.
fn counted(locals: &BTreeSet<&str>) -> usize {
    let mut stems: BTreeMap<&str, usize> = BTreeMap::new();
    for local in locals {
        let stem = local.trim_end_matches(|c: char| c.is_ascii_digit());
        if stem.len() < local.len() {
            *stems.entry(stem).or_default() += 1;
        }
    }
    stems.values().copied().max().unwrap_or(0)
}

fn is_word(local: &str) -> bool {
    let stem = local.trim_end_matches(|c: char| c.is_ascii_digit());
    WORDS.split_ascii_whitespace().any(|word| word == stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(locals: &str, pattern: Pattern) {
        let addresses: Vec<String> =
            locals.split(' ').map(|l| if l.contains('@') { l.to_owned() } else { format!("{l}@x.example") }).collect();
        assert_eq!(of(&addresses.iter().map(String::as_str).collect::<Vec<_>>()), pattern, "{locals}");
    }

    #[test]
    fn tells_how_names_were_made() {
        check("to_p to.p p_to p.to pto p-to to pr p_to pr-to prto", Pattern::NameVariants);
        check("wei.zhang zhang.wei weizhang zhangwei w.zhang wzhang zhang_w", Pattern::NameVariants);
        check("user001 user002 user003 user004 user007 user010", Pattern::Sequence);
        check("info admin sales support xk contact office zwei", Pattern::Dictionary);
        check("qx7@a.x qx7@b.x qx7@c.x kob@a.x kob@b.x kob@c.x", Pattern::Wide);
        check("anneliese.kramer bo.lindqvist hsu dmitriev okafor teresa.r", Pattern::Unclear);
    }
}
