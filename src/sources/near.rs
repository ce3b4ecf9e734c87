//! Where a byte first stands in what is mostly short.

/// Words looked at before a vector unit is set to work: for less than that, it takes longer.
const WORDS: usize = 4;
const ONES: u64 = u64::MAX / 255;

/// Where the first of `wanted` stands in `text`, near its beginning.
#[inline]
pub(super) fn near<const N: usize>(text: &[u8], wanted: [u8; N]) -> Option<usize> {
    // The lowest byte marked is one that is `byte`; those above may be others.
    let marked = |word: u64, byte: u8| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES << 7)
    };
    let (words, _) = text.as_chunks();
    for (n, word) in words.iter().take(WORDS).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = wanted.iter().fold(0, |found, byte| found | marked(word, *byte));
        if found != 0 {
            return Some(8 * n + found.trailing_zeros() as usize / 8);
        }
    }
    let looked = 8 * words.len().min(WORDS);
    let rest = &text[looked..];
    let found = match wanted[..] {
        [byte] => memchr::memchr(byte, rest),
        [one, other] => memchr::memchr2(one, other, rest),
        _ => rest.iter().position(|byte| wanted.contains(byte)),
    };
    found.map(|at| looked + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_them() {
        for len in 0..40 {
            for fill in ["a", "!", "#", "[", "]", "\u{7f}"] {
                let text = fill.repeat(len);
                assert_eq!(near(text.as_bytes(), *b"\"\\"), None, "{text}");
                assert_eq!(near(text.as_bytes(), [b':']), None, "{text}");
                for at in 0..len {
                    for end in [r#"""#, r"\"] {
                        let cut = format!("{}{end}{}", &text[at..], &text[..at]) + end;
                        assert_eq!(near(cut.as_bytes(), *b"\"\\"), Some(len - at), "{cut}");
                        assert_eq!(near(cut.as_bytes(), [end.as_bytes()[0]]), Some(len - at), "{cut}");
                        assert_eq!(near(cut.as_bytes(), [b':', b';', end.as_bytes()[0]]), Some(len - at), "{cut}");
                    }
                }
            }
        }
    }
}
