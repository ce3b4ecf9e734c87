//! Which suffixes exist at all (the public suffix list): a name under one that does not is nobody's.

use std::sync::OnceLock;

use hashbrown::HashSet;

/// Whether the last label of `tail` is a top-level domain.
pub(super) fn exists(tail: &str) -> bool {
    static TOPS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let tops = TOPS.get_or_init(|| {
        let list =
            include_str!("../../data/public_suffix_list.dat").lines().take_while(|l| !l.contains("BEGIN PRIVATE"));
        list.filter(|l| !l.starts_with("//") && !l.is_empty()).filter_map(|l| l.rsplit('.').next()).collect()
    });
    tops.contains(tail.rsplit('.').next().unwrap_or(""))
}

/// Whether `name` is a suffix under which strangers get names of their own (`kiev.ua`, `github.io`).
pub(super) fn is_suffix(name: &str) -> bool {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let lines = include_str!("../../data/public_suffix_list.dat").lines();
        lines.filter(|l| !l.starts_with("//") && !l.is_empty()).map(|l| l.trim_start_matches("*.")).collect()
    });
    all.contains(name)
}

/// Where the name that a stranger chose ends under a suffix that a house shares out (`github.io`): the place of the
/// suffix, where there is one longer than the last label.
pub(super) fn shared_tail(name: &str) -> Option<usize> {
    let dots = name.bytes().enumerate().filter(|(_, b)| *b == b'.').map(|(i, _)| i + 1);
    dots.into_iter().find(|at| name[*at..].contains('.') && is_suffix(&name[*at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_root_zone() {
        for (tail, yes) in
            [("com", true), ("co.uk", true), ("om", true), ("con", false), ("comm", false), ("", false), ("рф", true)]
        {
            assert_eq!(exists(tail), yes, "{tail}");
        }
        assert!(is_suffix("kiev.ua") && is_suffix("github.io") && !is_suffix("gmial.com"));
        assert_eq!(shared_tail("some.github.io").map(|at| &"some.github.io"[at..]), Some("github.io"));
        assert_eq!((shared_tail("gmial.com"), shared_tail("github.io"), shared_tail("a.b.c")), (None, None, None));
    }
}
