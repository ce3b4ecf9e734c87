//! How many distinct strangers were let go: a sketch of 8 KiB however many they are (HyperLogLog; Flajolet et al., AofA
//! 2007), which counts to 1,500 exactly and beyond that with a standard error of 0.8 %.

use std::fmt::Write;

use datasketches::{
    common::NumStdDev,
    hll::{HllSketch, HllType, HllUnion},
};

/// Registers, as a power of two.
const REGISTERS: u8 = 14;

/// A set of which only the number of its members is known.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Option<HllUnion>);

impl Crowd {
    /// Nobody was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Counts a member by its hash, once.
    pub fn add(&mut self, hash: u64) {
        if let Some(union) = self.union() {
            union.update_value(hash);
        }
    }

    /// Counts those of `other` too, each once.
    pub fn join(&mut self, other: &Crowd) {
        if let Some(theirs) = &other.0
            && let Some(union) = self.union()
        {
            union.update(&theirs.to_sketch(HllType::Hll4));
        }
    }

    /// How many members it has: at least, about, at most; nineteen times of twenty the truth lies between.
    pub fn number(&self) -> [u64; 3] {
        let Some(union) = &self.0 else { return [0; 3] };
        // What was joined in another order may differ by a trace of rounding before this.
        [union.lower_bound(NumStdDev::Two), union.composite_estimate(), union.upper_bound(NumStdDev::Two)]
            .map(|n| n.round() as u64)
    }

    /// For a table's text column: digits of base sixteen.
    pub fn to_text(&self) -> Option<String> {
        let bytes = self.0.as_ref()?.to_sketch(HllType::Hll4).serialize();
        Some(bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// What [`Crowd::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Vec<u8> = (0..text.len()).step_by(2).map(digits).collect::<Option<_>>()?;
        let sketch = HllSketch::deserialize(&bytes).ok().filter(|sketch| sketch.lg_config_k() == REGISTERS)?;
        let mut crowd = Crowd::default();
        crowd.union()?.update(&sketch);
        Some(crowd)
    }

    fn union(&mut self) -> Option<&mut HllUnion> {
        if self.0.is_none() {
            // Refused only beyond 21.
            self.0 = HllUnion::new(REGISTERS).ok();
        }
        self.0.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::stable_hash;

    fn crowd(members: std::ops::Range<u64>) -> Crowd {
        let mut crowd = Crowd::default();
        members.for_each(|n| crowd.add(stable_hash(&n.to_le_bytes())));
        crowd
    }

    #[test]
    fn small_crowds_are_counted_exactly_and_large_ones_closely() {
        for size in [0, 1, 2, 40, 900, 1_500] {
            assert_eq!(crowd(0..size).number()[1], size);
        }
        let mut outside = 0;
        for size in [20_000, 100_000, 300_000] {
            let [least, about, most] = crowd(size..2 * size).number();
            assert!(least < about && about < most && most - least < size / 20, "{least} {about} {most}");
            outside += usize::from(!(least..=most).contains(&size));
        }
        assert!(outside < 2);
    }

    #[test]
    fn crowds_that_overlap_join_in_any_order() {
        let parts = [0..30_000, 20_000..60_000, 0..900, 59_000..90_000].map(crowd);
        let joined = |order: [usize; 4]| {
            let mut all = Crowd::default();
            order.into_iter().for_each(|part| all.join(&parts[part]));
            all.number()
        };
        let [least, _, most] = joined([0, 1, 2, 3]);
        assert!((least..=most).contains(&90_000), "{least} to {most}");
        assert_eq!(joined([3, 1, 0, 2]), joined([0, 1, 2, 3]));
        assert_eq!(joined([2, 2, 0, 1]), joined([1, 0, 2, 0]));
    }

    #[test]
    fn its_text_is_read_again_and_nothing_else_is() {
        for size in [1, 900, 50_000] {
            let crowd = crowd(0..size);
            let text = crowd.to_text().unwrap();
            assert_eq!(Crowd::from_text(&text).unwrap().number(), crowd.number());
            assert!(text.len() < 20_000, "{} for {size}", text.len());
            for end in (0..text.len()).step_by(7) {
                let _ = Crowd::from_text(&text[..end]);
            }
        }
        for wrong in ["", "0", "zz", "ü0", "00000000", "ffffffffffffffffffffffff"] {
            assert!(Crowd::from_text(wrong).is_none(), "{wrong}");
        }
        assert!(Crowd::default().to_text().is_none());
    }
}
