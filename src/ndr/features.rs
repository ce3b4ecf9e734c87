//! A masked reply as hashed features: words, their beginnings, pairs of neighbours, codes and the SMTP phase.

use super::mask::Masked;

/// Words of one reply that are looked at.
const WORDS: usize = 96;

/// Placeholders of one reply that are looked at.
const PLACEHOLDERS: u32 = 8;

/// Gives each feature's hash to `take`.
pub(super) fn features(masked: &Masked, mut take: impl FnMut(u64)) {
    let code = masked.code().map_or(0, u64::from);
    let enhanced =
        masked.enhanced().map_or(0, |e| u64::from(e.class) << 32 | u64::from(e.subject) << 16 | u64::from(e.detail));
    take(feature(1, code, 0));
    take(feature(2, enhanced, 0));
    take(feature(3, enhanced & 0xffff_ffff, 0));
    take(feature(4, code, enhanced));
    take(feature(5, code / 100, 0));
    let (mut last, mut before) = (0, 0);
    let mut seen = 0;
    words(masked.text(), |word, start| {
        // A row of placeholders says no more than one.
        if seen == WORDS || word == last {
            return;
        }
        seen += 1;
        take(feature(6, word, 0));
        if start != word {
            take(feature(7, start, 0));
        }
        take(feature(8, last, word));
        if before != 0 {
            take(feature(9, before, word));
        }
        (before, last) = (last, word);
    });
    take(feature(8, last, 0));
    if seen <= 3 {
        take(feature(10, seen as u64, 0));
    }
}

/// Words in lower case, each as its hash and the hash of its first five letters. Codes are features of their own and
/// are no words here. A letter of a script written without spaces is a word.
fn words(text: &str, mut take: impl FnMut(u64, u64)) {
    let b = text.as_bytes();
    let (mut i, mut placeholders) = (0, 0);
    while i < b.len() {
        let c = b[i];
        if c == b'{' && {
            placeholders += 1;
            placeholders > PLACEHOLDERS
        } {
            // Dumps of numbers: their count and order say nothing.
            while i < b.len() && b[i] != b'}' {
                i += 1;
            }
            i += 1;
        } else if c.is_ascii_alphabetic() || c >= 0x80 || c == b'{' {
            let (mut h, mut start, mut n) = (0xcbf2_9ce4_8422_2325_u64, 0, 0_u32);
            while i < b.len() {
                let c = b[i];
                let low = LOW[usize::from(c)];
                if low != 0 {
                    h = (h ^ u64::from(low)).wrapping_mul(0x0000_0100_0000_01b3);
                    i += 1;
                    n += 1;
                    if n == 5 {
                        start = h;
                    }
                    if c == b'}' {
                        break;
                    }
                } else if c >= 0x80 {
                    let Some(letter) = text.get(i..).and_then(|t| t.chars().next()) else {
                        break;
                    };
                    i += letter.len_utf8();
                    let unspaced = matches!(u32::from(letter), 0x0e00..=0x0eff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff);
                    if unspaced {
                        if n > 0 {
                            take(h, if n >= 5 { start } else { h });
                        }
                        h = 0xcbf2_9ce4_8422_2325 ^ u64::from(letter);
                        n = 1;
                        break;
                    }
                    if !letter.is_alphanumeric() {
                        break;
                    }
                    let low = letter.to_lowercase().next().unwrap_or(letter);
                    h = (h ^ u64::from(low)).wrapping_mul(0x0000_0100_0000_01b3);
                    n += 1;
                    if n == 5 {
                        start = h;
                    }
                } else {
                    break;
                }
            }
            if n > 0 {
                take(h, if n >= 5 { start } else { h });
            }
        } else if c.is_ascii_digit() {
            while i < b.len() && (b[i].is_ascii_alphanumeric() || b[i] == b'.') {
                i += 1;
            }
        } else {
            i += 1;
        }
    }
}

/// A word's bytes in lower case; 0 for bytes that are in no ASCII word. Placeholders are words.
const LOW: [u8; 256] = {
    let mut t = [0; 256];
    let mut i = 0;
    while i < 128 {
        let c = i as u8;
        if c.is_ascii_alphanumeric() || matches!(c, b'{' | b'}' | b'=') {
            t[i] = c | 0x20;
        }
        i += 1;
    }
    t
};

fn feature(kind: u64, a: u64, b: u64) -> u64 {
    let x = (a ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let y = (x ^ (x >> 32)).wrapping_add(b.rotate_left(29)).wrapping_mul(0xa076_1d64_78bd_642f);
    y ^ (y >> 29)
}
