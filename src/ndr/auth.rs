//! SPF, DKIM and DMARC as a refusal speaks of them.

use super::{Auth, Check, Policy};

impl Auth {
    /// From a masked reply that was judged T3.
    pub fn read(masked: &str) -> Self {
        let text = masked.to_ascii_lowercase();
        let (spf, dkim, dmarc) = (outcome(&text, "spf"), outcome(&text, "dkim"), outcome(&text, "dmarc"));
        let either =
            ["either spf or dkim", "spf or dkim", "dkim or spf", "spf and/or dkim"].iter().any(|p| text.contains(p));
        let both = ["spf and dkim", "dkim and spf", "both spf", "both dkim"].iter().any(|p| text.contains(p));
        let policy = if either {
            Some(Policy::Either)
        } else if both {
            Some(Policy::Both)
        } else if text.contains("dmarc") {
            Some(Policy::Dmarc)
        } else {
            None
        };
        // "must pass either SPF or DKIM" of a mail that is "unauthenticated": neither passed.
        let demanded = either || both;
        let said = |own: Option<Check>| {
            if demanded && own.is_none() { Some(Check::Fail) } else { own }
        };
        let mut auth = Auth { spf: said(spf), dkim: said(dkim), dmarc, policy };
        if text.contains("not signed")
            || text.contains("unsigned")
            || text.contains("no dkim")
            || text.contains("no passing dkim")
        {
            auth.dkim = Some(if text.contains("passing") { Check::Fail } else { Check::None });
        }
        auth
    }
}

fn outcome(text: &str, name: &str) -> Option<Check> {
    const PASS: [&str; 3] = ["pass", "ok", "success"];
    const NONE: [&str; 6] = ["no record", "none", "missing", "not found", "does not have", "no valid"];
    let at = text.find(name)?;
    let after = window(text, at + name.len(), 40);
    let before = window_back(text, at, 24);
    let denied = [
        "not ",
        "n't ",
        "fail",
        "did not",
        "unable",
        "no passing",
        "must",
        "bad",
        "invalid",
        "reject",
        "not permitted",
    ];
    let own = after.trim_start_matches([' ', ':', '=', '-', '(', '[']);
    if own.starts_with("pass") || own.starts_with("ok") {
        return Some(Check::Pass);
    }
    if NONE.iter().any(|w| own.starts_with(w))
        || before.ends_with("no ")
        || before.ends_with("missing ")
        || own.starts_with("record is missing")
    {
        return Some(Check::None);
    }
    let near = [before, after];
    let bad = near.iter().any(|w| denied.iter().any(|d| w.contains(d)));
    if !bad && near.iter().any(|w| PASS.iter().any(|p| w.contains(p))) {
        return Some(Check::Pass);
    }
    Some(Check::Fail)
}

fn window(text: &str, from: usize, len: usize) -> &str {
    let mut end = (from + len).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(from..end).unwrap_or("")
}

fn window_back(text: &str, to: usize, len: usize) -> &str {
    let mut from = to.saturating_sub(len);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..to).unwrap_or("")
}
