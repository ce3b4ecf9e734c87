//! What a run of bytes looks like: a code, a host, a quotation, plain words.

/// Length of the run at the start that masking leaves as it is: whole words of ASCII letters, single spaces and plain
/// punctuation between them. Most of a reply is such text, and it is copied in one piece.
pub(super) fn plain_run(b: &[u8]) -> usize {
    // `safe`: behind the last byte that ends a word, for a word may yet turn out to be a host or an id.
    let (mut at, mut safe, mut mark) = (0, 0, true);
    loop {
        // No branch depends on where words end; that cannot be predicted and costs more than all else here.
        while let Some(c) = b.get(at) {
            let plain = PLAIN[usize::from(*c)];
            let here = plain == 2;
            if plain == 0 || (here & mark) || at - safe > 40 {
                break;
            }
            mark = here;
            at += 1;
            safe = if here { at } else { safe };
        }
        // `rejected: User`, `full. Try`: a word's end as well.
        let sentence =
            at > safe && at - safe <= 40 && matches!(b.get(at), Some(b':' | b'.')) && b.get(at + 1) == Some(&b' ');
        if !sentence || !b.get(at + 2).is_some_and(u8::is_ascii_alphabetic) {
            return safe;
        }
        at += 2;
        safe = at;
        mark = true;
    }
}

/// 1 for letters, 2 for what may stand between words, 0 for all else.
const PLAIN: [u8; 256] = {
    let mut t = [0; 256];
    let mut i = 0;
    while i < 128 {
        let c = i as u8;
        if c.is_ascii_alphabetic() {
            t[i] = 1;
        } else if matches!(c, b' ' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'!') {
            t[i] = 2;
        }
        i += 1;
    }
    t
};

pub(super) fn is_code(b: &[u8]) -> bool {
    b.len() == 3 && matches!(b[0], b'2' | b'4' | b'5') && b[1] <= b'7' && b[1..].iter().all(u8::is_ascii_digit)
}

pub(super) fn skip_after_repeat(b: &[u8], end: usize) -> usize {
    let n = b[end..].iter().take_while(|c| matches!(c, b'-' | b' ')).count();
    end + n
}

pub(super) fn word_len(b: &[u8]) -> usize {
    b.iter().take_while(|c| !matches!(KIND[usize::from(**c)], Kind::Stop)).count()
}

/// `<…>` on one line, not `<<<`, not a URL: an address, a HELO name or anything else that its sender chose.
pub(super) fn bracketed(b: &[u8], at: usize) -> Option<usize> {
    let first = *b.get(at + 1)?;
    if first == b'<' || first == b' ' || b[at + 1..].starts_with(b"http") {
        return None;
    }
    let n = b[at + 1..].iter().take(256).position(|c| matches!(c, b'>' | b'<' | b'\n'))?;
    (n > 0 && b[at + 1 + n] == b'>').then_some(at + 1 + n)
}

/// The end of a quotation whose content its sender may have chosen: one word, or behind a word that announces such.
pub(super) fn quoted(b: &[u8], at: usize, quote: u8, before: &[u8]) -> Option<usize> {
    if at > 0 && b[at - 1].is_ascii_alphanumeric() {
        return None; // an apostrophe
    }
    let n = b[at + 1..].iter().take(256).position(|c| *c == quote || *c == b'\n')?;
    let end = at + 1 + n;
    if n == 0 || b[end] != quote || (quote == b'\'' && b.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)) {
        return None;
    }
    let inside = &b[at + 1..end];
    let one_word = !inside.iter().any(|c| matches!(c, b' ' | b':' | b'/'));
    let address = b.get(end + 1) == Some(&b'@') || (inside.contains(&b'@') && one_word);
    let before = before.trim_ascii_end();
    let announced =
        [&b"subject"[..], b"helo", b"ehlo", b"name", b"user", b"from", b"containing", b"header", b"greeting"]
            .iter()
            .any(|w| {
                let before = before.strip_suffix(b":").or(before.strip_suffix(b"=")).unwrap_or(before);
                before.len() >= w.len() && before[before.len() - w.len()..].eq_ignore_ascii_case(w)
            });
    (one_word || address || announced).then_some(end)
}

/// Dotted labels of which the last is letters in one case (`RESOLVER.ADR.RecipNotFound` is none).
pub(super) fn is_host(b: &[u8]) -> bool {
    let Some(dot) = b.iter().rposition(|c| *c == b'.') else {
        return false;
    };
    let top = &b[dot + 1..];
    let one_case = top.iter().all(u8::is_ascii_lowercase) || top.iter().all(u8::is_ascii_uppercase);
    let puny = top.len() > 4 && top[..4].eq_ignore_ascii_case(b"xn--");
    ((2..=12).contains(&top.len()) && one_case || puny) && !b.windows(2).any(|w| w == b"..") && b[0] != b'.'
}

/// Names under which people run DNS blocklists of their own.
pub(super) fn looks_like_list(b: &[u8]) -> bool {
    if !b.windows(2).any(|w| w[0] | 0x20 == b'b' && w[1] | 0x20 == b'l') {
        return false;
    }
    b.split(|c| matches!(c, b'.' | b'-')).any(|l| {
        l.len() <= 12
            && [
                &b"rbl"[..],
                b"dnsbl",
                b"dnsrbl",
                b"bl",
                b"xbl",
                b"sbl",
                b"pbl",
                b"drbl",
                b"blacklist",
                b"blocklist",
                b"blacklists",
            ]
            .iter()
            .any(|n| l.eq_ignore_ascii_case(n))
    })
}

/// `OFR_506`, `LPN007_426`, `IB212`, `S3140`, `TSS04`: capitals, then two to four digits, perhaps twice.
pub(super) fn is_short_code(b: &[u8]) -> bool {
    let up = b.iter().take_while(|c| c.is_ascii_uppercase()).count();
    let rest = &b[up..];
    let rest = rest.strip_prefix(b"_").unwrap_or(rest);
    let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    let tail = &rest[digits..];
    let tail_fits = tail.is_empty() || (tail[0] == b'_' && tail.len() <= 5 && tail[1..].iter().all(u8::is_ascii_digit));
    (1..=4).contains(&up) && (2..=4).contains(&digits) && tail_fits
}

/// `x-dg-ref`, `8-bit`, `non-Latin1`: letters and at most one digit between hyphens.
pub(super) fn hyphenated_words(b: &[u8]) -> bool {
    b.contains(&b'-') && b.len() <= 24 && b.iter().filter(|c| c.is_ascii_digit()).count() <= 1
}

/// What a byte is within a word.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Lower,
    Upper,
    Digit,
    High,
    Dot,
    At,
    Colon,
    Join,
    Stop,
}

pub(super) const KIND: [Kind; 256] = {
    let mut t = [Kind::Stop; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        t[i] = match c {
            b'a'..=b'z' => Kind::Lower,
            b'A'..=b'Z' => Kind::Upper,
            b'0'..=b'9' => Kind::Digit,
            0x80.. => Kind::High,
            b'.' => Kind::Dot,
            b'@' => Kind::At,
            b':' => Kind::Colon,
            b'-' | b'_' | b'+' | b'~' => Kind::Join,
            _ => Kind::Stop,
        };
        i += 1;
    }
    t
};
