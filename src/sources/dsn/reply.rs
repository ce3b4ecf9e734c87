//! What a server said, found among a report's words.

use crate::reply::{Enhanced, Reply};

/// The longest reply taken from words.
const LONGEST: usize = 600;

pub(super) fn has_code(reply: &str) -> bool {
    code_at(reply).is_some() || Enhanced::find(reply).is_some()
}

/// One reply out of a status and a diagnosis: the more telling of two statuses stands first.
pub(super) fn composed(status: &str, words: &str) -> String {
    let before = Enhanced::find(words);
    let words = code_at(words).and_then(|at| words.get(at..)).unwrap_or(words);
    let said = Reply::parse(words);
    let told = said.enhanced.or(before);
    // That time ran out is the sender's word; why is the receiver's.
    let late = |e: Enhanced| (e.subject, e.detail) == (4, 7);
    let vague = |e: Enhanced| e.subject == 0 && e.detail == 0;
    let given = Enhanced::parse(status);
    let chosen = match (given, told) {
        (Some(given), Some(said)) if (vague(given) || late(given)) && !vague(said) => Some(said),
        (Some(given), Some(said)) if given.class != said.class && !vague(said) => Some(said),
        (given, said) => given.or(said),
    };
    let Some(chosen) = chosen else { return words.to_owned() };
    if said.enhanced == Some(chosen) {
        return words.to_owned();
    }
    match (said.code, words.get(..3), words.get(3..)) {
        (Some(_), Some(code), Some(rest)) => format!("{code} {chosen} {}", rest.trim_start_matches(['-', ' '])),
        _ => format!("{chosen} {words}"),
    }
    .trim_end()
    .to_owned()
}

/// Where a reply code stands in `text` as one: first, or after a blank, a colon or a bracket, and before its text.
pub(super) fn code_at(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    (0..b.len().saturating_sub(2)).find(|&i| {
        matches!(b[i], b'4' | b'5')
            && matches!(b[i + 1], b'0'..=b'7')
            && b[i + 2].is_ascii_digit()
            && (i == 0
                || matches!(b[i - 1], b' ' | b':' | b'\t' | b'(' | b'[' | b'<' | b'\'' | b'"' | b';' | b'>' | b'='))
            && match (b.get(i + 3), b.get(i + 4)) {
                (None, _) => i == 0,
                (Some(b'-'), Some(next)) => {
                    *next != b' ' && !(next.is_ascii_digit() && b.get(i + 5).is_some_and(u8::is_ascii_digit))
                }
                (Some(b' ' | b':'), Some(_)) => !counts_things(&text[i + 3..]),
                _ => false,
            }
    })
}

fn counts_things(after: &str) -> bool {
    let word = after.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("").to_ascii_lowercase();
    matches!(
        word.as_str(),
        "bytes"
            | "seconds"
            | "minutes"
            | "hours"
            | "days"
            | "kb"
            | "mb"
            | "times"
            | "octets"
            | "messages"
            | "eur"
            | "euro"
            | "euros"
            | "usd"
            | "dollars"
            | "gbp"
            | "chf"
            | "jan"
            | "feb"
            | "mar"
            | "apr"
            | "may"
            | "jun"
            | "jul"
            | "aug"
            | "sep"
            | "oct"
            | "nov"
            | "dec"
    )
}

/// The reply within a block of lines about one recipient.
pub(super) fn reply(block: &[&str]) -> Option<String> {
    let begin = block.iter().enumerate().find_map(|(n, line)| {
        let from = code_at(line)?;
        Some((n, from))
    });
    let (n, from) = begin.or_else(|| block.iter().position(|line| Enhanced::find(line).is_some()).map(|n| (n, 0)))?;
    Some(joined(&block[n..], from))
}

/// A line from `from` on, with the lines that go on with it.
fn joined(lines: &[&str], from: usize) -> String {
    let mut text = lines[0].get(from..).unwrap_or(lines[0]).trim().to_owned();
    for line in &lines[1..] {
        let t = line.trim_start_matches(['<', '>', ' ', '\t']).trim();
        if t.is_empty()
            || text.len() > LONGEST
            || line.trim_start().starts_with("---")
            || line.trim_start().starts_with(">>>")
        {
            break;
        }
        text.push(' ');
        text.push_str(t);
    }
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    // Brackets around the reply are not the server's.
    for (open, close) in [('(', ')'), ('[', ']'), ('<', '>'), ('\'', '\'')] {
        if text.ends_with(close) && (open == close || text.matches(open).count() < text.matches(close).count()) {
            text.pop();
        }
    }
    text
}

/// The line of a transcript that refuses: the one with the address, or the last that a server said.
pub(super) fn transcript(lines: &[&str], about: Option<&str>) -> Option<String> {
    let said = |n: &usize| {
        let t = lines[*n].trim_start();
        t.starts_with("<<<") && code_at(t).is_some()
    };
    let coded = |n: &usize| code_at(lines[*n]).is_some() || Enhanced::find(lines[*n]).is_some();
    let about = about.map(str::to_ascii_lowercase);
    let named =
        |n: &usize| about.as_ref().is_none_or(|address| lines[*n].to_ascii_lowercase().contains(address.as_str()));
    let all = || 0..lines.len();
    let full = |n: &usize| code_at(lines[*n]).is_some() && Enhanced::find(lines[*n]).is_some();
    let at = all()
        .find(|n| about.is_some() && full(n) && named(n))
        .or_else(|| all().find(|n| said(n) && named(n)))
        .or_else(|| all().find(|n| coded(n) && named(n)))
        .or_else(|| if about.is_none() { all().find(said) } else { None })?;
    Some(joined(&lines[at..], code_at(lines[at]).unwrap_or(0)))
}

/// What stands under an address in words without a code: the rest of its line after a colon, or the lines set off below.
pub(super) fn below(block: &[&str], address: &str) -> Option<String> {
    let (line, lines) = block.split_first()?;
    let (_, rest) = line.split_once(address)?;
    let rest = rest.trim_start_matches(['>', ')', ']', '"', '\'']).trim();
    let colon = rest.starts_with(':');
    let said = rest.trim_start_matches(':').trim_start();
    if colon && !said.is_empty() {
        return Some(joined(block, line.trim_end().len() - said.len()));
    }
    if !said.is_empty() {
        return None;
    }
    // Where the address is from, is no reason.
    let origin = |line: &str| {
        let low = line.trim_start().to_ascii_lowercase();
        ["(generated from", "(ultimately generated from", "(expanded from"].iter().any(|word| low.starts_with(word))
    };
    let lines = &lines[lines.iter().take_while(|line| origin(line)).count()..];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = lines.first().filter(|first| !first.trim().is_empty())?;
    (colon || indent(first) > indent(line)).then(|| joined(lines, 0))
}

/// The sentence that says why, where nothing has a code.
pub(super) fn gist(lines: &[&str]) -> String {
    const WHY: [&str; 24] = [
        "unknown",
        "not exist",
        "doesn't have",
        "no such",
        "not found",
        "full",
        "quota",
        "disabled",
        "discontinued",
        "rejected",
        "refused",
        "invalid",
        "timed out",
        "unable",
        "not accepted",
        "exceed",
        "too large",
        "size",
        "deferred",
        "not recognized",
        "not listed",
        "could not",
        "loop",
        "denied",
    ];
    let tells = |but: &[&str]| {
        lines.iter().position(|line| {
            let low = line.to_ascii_lowercase();
            // That a mail could not be delivered, says every report before it says why.
            let but = if low.contains("deliver") { but } else { &[][..] };
            // What a program printed that mail was piped to, is about its own files.
            let other = low.contains("subject:") || low.contains("no such file");
            WHY.iter().any(|word| low.contains(word) && !but.contains(word)) && !other
        })
    };
    let first = || lines.iter().position(|line| !line.trim().is_empty());
    let why = tells(&["could not", "unable"]).or_else(|| tells(&[])).or_else(first);
    why.map_or(String::new(), |n| joined(&lines[n..], 0))
}
