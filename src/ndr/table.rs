//! Fingerprint → place, one comparison each: hash and displace.
//!
//! Whether a reply's word pair is known cannot be predicted, so a table that probes costs a misprediction for nearly
//! every feature. Here each key has one place only, found when the model is loaded.

use crate::error::Error;

/// Places tried for one bucket before the table is made larger.
const TRIES: u32 = 1 << 14;
/// Doublings after which the keys are taken for crafted.
const DOUBLINGS: u32 = 4;

/// A fixed set of keys other than 0.
#[derive(Debug, Clone)]
pub(super) struct Table {
    keys: Vec<u32>,
    shift: u32,
    moves: Vec<u32>,
    moves_shift: u32,
}

impl Table {
    /// Over distinct keys.
    pub(super) fn build<T>(entries: &[(u32, T)]) -> Result<Self, Error> {
        let least = (entries.len() * 5 / 4).next_power_of_two().max(64);
        (0..DOUBLINGS).find_map(|i| Self::try_build(entries, least << i)).ok_or_else(|| Error::Data {
            name: "model.bin".into(),
            cause: "fingerprints that repeat or fit no table; the file is damaged".into(),
        })
    }

    fn try_build<T>(entries: &[(u32, T)], places: usize) -> Option<Self> {
        let buckets = places / 4;
        let mut table = Table {
            keys: vec![0; places],
            shift: 32 - places.trailing_zeros(),
            moves: vec![0; buckets],
            moves_shift: 32 - buckets.trailing_zeros(),
        };
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); buckets];
        for (key, _) in entries {
            members[table.bucket(*key)].push(*key);
        }
        let mut order: Vec<usize> = (0..buckets).filter(|b| !members[*b].is_empty()).collect();
        order.sort_by_key(|b| (std::cmp::Reverse(members[*b].len()), *b));
        let mut taken = Vec::new();
        for bucket in order {
            let fits = (0..TRIES).map(|i| i.wrapping_mul(0x9e37_79b1)).find(|step| {
                taken.clear();
                members[bucket].iter().all(|key| {
                    let at = table.place(*key, *step);
                    let free = table.keys[at] == 0 && !taken.contains(&at);
                    taken.push(at);
                    free
                })
            })?;
            table.moves[bucket] = fits;
            for key in &members[bucket] {
                let at = table.place(*key, fits);
                table.keys[at] = *key;
            }
        }
        Some(table)
    }

    /// Places, used or not.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Every place's key; 0 where there is none.
    pub(super) fn keys(&self) -> impl Iterator<Item = &u32> {
        self.keys.iter()
    }

    /// A key's place, [`Table::len`] for one that is not here.
    pub(super) fn find(&self, key: u32) -> usize {
        let at = self.place(key, self.moves[self.bucket(key)]);
        if self.keys[at] == key { at } else { self.keys.len() }
    }

    fn bucket(&self, key: u32) -> usize {
        (key.wrapping_mul(0x85eb_ca6b) >> self.moves_shift) as usize
    }

    fn place(&self, key: u32, step: u32) -> usize {
        let x = (key ^ step).wrapping_mul(0xc2b2_ae35);
        ((x ^ (x >> 15)).wrapping_mul(0x27d4_eb2f) >> self.shift) as usize
    }
}
