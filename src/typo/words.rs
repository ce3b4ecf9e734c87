//! Edits told to people.

use super::{Edit, edit::Change};

/// `gmial.com: ai→ia transposed, transposition of gmail.com`.
pub(super) fn tell(typed: &str, intended: &str, changes: &[Change]) -> String {
    let what: Vec<String> = changes.iter().map(one).collect();
    let kinds: Vec<&str> = changes.iter().map(|c| c.told().name()).collect();
    let line = format!("{typed}: {}, {} of {intended}", what.join(" and "), kinds.join(" and "));
    crate::address::printable(&line).into_owned()
}

fn one(change: &Change) -> String {
    let Change { from, to, .. } = change;
    match change.told() {
        Edit::Omission => format!("{from} left out"),
        Edit::Insertion => format!("{to} put in"),
        Edit::Repetition => format!("{to} doubled"),
        Edit::Transposition => format!("{from}→{to} transposed"),
        Edit::Substitution => format!("{from}→{to} exchanged"),
        Edit::Tld => format!(".{from}→.{to} slipped"),
        Edit::MissingDot => "dot left out".to_owned(),
        Edit::Homoglyph => format!("{from}→{to} looks alike"),
        Edit::Bitflip => format!("{from}→{to} one bit flipped"),
        Edit::Hyphenation if to.is_empty() => "hyphen left out".to_owned(),
        Edit::Hyphenation => "hyphen put in".to_owned(),
    }
}
