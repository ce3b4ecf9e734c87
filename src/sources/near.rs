//! Where a byte first stands in what is mostly short.

/// Words looked at before a vector unit is set to work: for less than that, it takes longer.
const WORDS: usize = 4;
const ONES: u64 = u64::MAX / 255;

/// Where the first `wanted` stands in `text`, near its beginning.
#[inline]
pub(super) fn near(text: &[u8], wanted: u8) -> Option<usize> {
    let (words, _) = text.as_chunks();
    for (n, word) in words.iter().take(WORDS).enumerate() {
        let zero_where_equal = u64::from_le_bytes(*word) ^ (ONES * u64::from(wanted));
        // The lowest byte marked is one that is `wanted`; those above may be others.
        let found = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES << 7);
        if found != 0 {
            return Some(8 * n + found.trailing_zeros() as usize / 8);
        }
    }
    let looked = 8 * words.len().min(WORDS);
    memchr::memchr(wanted, &text[looked..]).map(|at| looked + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first() {
        for len in 0..40 {
            for fill in ["a", "!", "#", "[", "]", "\u{7f}"] {
                let text = fill.repeat(len);
                assert_eq!(near(text.as_bytes(), b'"'), None, "{text}");
                for at in 0..len {
                    let cut = format!("{}\"{}", &text[at..], &text[..at]) + "\"";
                    assert_eq!(near(cut.as_bytes(), b'"'), Some(len - at), "{cut}");
                }
            }
        }
    }
}
