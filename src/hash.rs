//! Hashes that are the same in every run, on every machine and in every release: ids, marks and orders depend on them.

/// FNV-1a, for short texts.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_seeded(bytes, 0)
}

/// FNV-1a from another start: another `seed`, another hash.
pub fn fnv1a_seeded(bytes: &[u8], seed: u64) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325 ^ seed, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// [`fnv1a`] of nothing, of the first byte, of the first two, and so on up to all of `bytes`.
pub fn fnv1a_of_prefixes(bytes: &[u8]) -> Vec<u64> {
    let mut hash = fnv1a(b"");
    let longer = bytes.iter().map(|b| {
        hash = (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        hash
    });
    std::iter::once(fnv1a(b"")).chain(longer).collect()
}

/// Multiply-and-fold over eight bytes at a time with fixed constants: the same in every run and on every machine.
/// Not proof against somebody who looks for collisions; a collision can only give one masked form another's verdict
/// in a cache that compares texts anyway.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let mut h = 0x9e37_79b9_7f4a_7c15_u64 ^ (bytes.len() as u64);
    let mut chunks = bytes.chunks_exact(8);
    for c in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(c);
        h = fold(h ^ u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    let rest = chunks.remainder();
    word[..rest.len()].copy_from_slice(rest);
    fold(fold(h ^ u64::from_le_bytes(word)) ^ 0xd6e8_feb8_6659_fd93)
}

/// Both halves of the product, mixed.
fn fold(x: u64) -> u64 {
    let wide = u128::from(x) * 0xa076_1d64_78bd_642f_u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}
