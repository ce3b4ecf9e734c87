//! Chance that is the same on every machine: integers, and of floating point only what IEEE 754 fixes (no `ln`, no `sin`).

/// SplitMix64. Small, seedable by name, and good enough for a made-up world.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

/// FNV-1a with a final mix: a stable key for a text.
pub(super) fn key(text: &str) -> u64 {
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
}

/// A stable key for two numbers.
pub(super) fn pair(a: u64, b: u64) -> u64 {
    mix(mix(a).wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// One stream of chance a purpose, so that planting more of one thing leaves the others as they were.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Rng(pair(seed, key(purpose)))
    }

    /// From a key alone.
    pub(super) fn from_key(key: u64) -> Self {
        Rng(key)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// 0 to `n` - 1; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as u64 + 1) as i64
    }

    /// True in `n` of 1,000 cases.
    pub(super) fn permille(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }

    /// One of them; they must not be empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    /// An index, in proportion to its weight.
    pub(super) fn weighted(&mut self, weights: impl IntoIterator<Item = u64> + Clone) -> usize {
        let mut left = self.below(weights.clone().into_iter().sum());
        let mut last = 0;
        for (i, w) in weights.into_iter().enumerate() {
            if left < w {
                return i;
            }
            left -= w;
            last = i;
        }
        last
    }

    /// 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Zipf with exponent 1 over any prefix of the ranks.
#[derive(Debug)]
pub(super) struct Zipf(Vec<f64>);

impl Zipf {
    pub(super) fn new(ranks: usize) -> Self {
        let mut sum = 0.0;
        Zipf(
            (1..=ranks.max(1))
                .map(|k| {
                    sum += 1.0 / k as f64;
                    sum
                })
                .collect(),
        )
    }

    /// A rank of the first `n`, from 0.
    pub(super) fn sample(&self, rng: &mut Rng, n: u64) -> u64 {
        let n = (n as usize).clamp(1, self.0.len());
        let at = rng.unit() * self.0[n - 1];
        self.0[..n].partition_point(|&c| c <= at).min(n - 1) as u64
    }

    /// The share of rank `k` (from 0) of the first `n`, in `of` units.
    pub(super) fn expected(&self, k: u64, n: u64, of: u64) -> u64 {
        let n = (n as usize).clamp(1, self.0.len());
        (of as f64 / (k + 1) as f64 / self.0[n - 1]) as u64
    }
}
