//! What an entry of the index tells of its name without a look at the text: length and letters, and whether a name so
//! long and of such letters may lie within a few edits of a typed one. Asked of every entry read, so nothing is guessed:
//! all four differences are counted at once, in four lanes of one number.

use super::{NAME_BITS, PREFIX, TAG_BITS};

/// Bits of an entry above the name's number and the tag, from the lowest: its length modulo 16, the letters of its tail,
/// all its letters. Fewer kinds of letters told apart in the tail serve less.
const LENGTH_AT: u32 = NAME_BITS + TAG_BITS;
const LETTERS_AT: u32 = LENGTH_AT + 4;
const TAIL_BITS: u32 = 14;
const LETTER_BITS: u32 = 64 - LETTERS_AT - TAIL_BITS;
const TAIL_MASK: u64 = (1 << TAIL_BITS) - 1;
/// Bits of a lane; a lane's highest bit is set where the count in it is not too high.
const LANE: u32 = 16;
const GUARD: u64 = 0x8000_8000_8000_8000;

/// Length and letters of a name, in their places in an entry. The tail begins one letter after the head: a letter of the
/// head may have changed places with the first after it.
pub(super) fn looks(name: &str) -> u64 {
    let letters = |bytes: &[u8], kinds: u32| bytes.iter().fold(0u64, |set, b| set | 1 << (u32::from(*b) % kinds));
    let tail = letters(name.as_bytes().get(PREFIX + 1..).unwrap_or(&[]), TAIL_BITS);
    let all = letters(name.as_bytes(), LETTER_BITS);
    (all << TAIL_BITS | tail) << LETTERS_AT | (name.len() as u64 & 15) << LENGTH_AT
}

/// What looks like a typed name.
pub(super) struct Like {
    /// Bit n is set where a length of n modulo 16 is near enough.
    lengths: u64,
    length: u64,
    letters: u64,
    /// By edits left for the tail, then by how much longer the name is, modulo 16: at most so many letters in each lane.
    most: [[u64; 16]; 3],
}

impl Like {
    /// A name with these looks, within `far` (at most two) edits.
    pub(super) fn new(looks: u64, far: u64) -> Self {
        let length = looks >> LENGTH_AT & 15;
        let near = (0..16u64).filter(|other| by(other.wrapping_sub(length)) <= far);
        Like {
            lengths: near.fold(0, |set, other| set | 1 << other),
            length,
            letters: lanes(looks),
            most: std::array::from_fn(|rest| {
                std::array::from_fn(|longer| most(longer as u64, far, far.min(rest as u64)))
            }),
        }
    }

    pub(super) fn fits_length(&self, entry: u64) -> bool {
        self.lengths >> (entry >> LENGTH_AT & 15) & 1 == 1
    }

    /// Whether the letters may be those of a name within reach, when `rest` edits are left for the tail.
    pub(super) fn fits(&self, entry: u64, rest: usize) -> bool {
        let longer = (entry >> LENGTH_AT).wrapping_sub(self.length) & 15;
        let letters = lanes(entry);
        let (less, more) = (self.letters & !letters, letters & !self.letters);
        self.most[rest.min(2)][longer as usize].wrapping_sub(count(less | more << (2 * LANE))) & GUARD == GUARD
    }
}

/// How far a difference of lengths, modulo 16, is from none.
fn by(longer: u64) -> u64 {
    let longer = longer & 15;
    longer.min(16 - longer)
}

/// How many letters a name may lack and have too many, in its tail and in all. An edit in the head moves a letter into the
/// tail or out of it only where it makes the name longer or shorter: with none left, the longer tail has so many
/// letters more and is the same beside.
fn most(longer: u64, far: u64, rest: u64) -> u64 {
    let by = by(longer);
    if by > far {
        return 0;
    }
    let of = |tail: u64, all: u64| tail | all << LANE;
    let (short, long) = (of(rest.min(far - by), far - by), of(far.min(by + rest), far));
    let (less, more) = if longer < 8 { (short, long) } else { (long, short) };
    GUARD | less | more << (2 * LANE)
}

/// The letters of an entry's tail and all its letters, each in a lane.
fn lanes(entry: u64) -> u64 {
    let letters = entry >> LETTERS_AT;
    letters & TAIL_MASK | (letters >> TAIL_BITS) << LANE
}

/// The number of bits in each lane.
fn count(bits: u64) -> u64 {
    let twos = bits - (bits >> 1 & 0x5555_5555_5555_5555);
    let fours = (twos & 0x3333_3333_3333_3333) + (twos >> 2 & 0x3333_3333_3333_3333);
    let eights = (fours + (fours >> 4)) & 0x0F0F_0F0F_0F0F_0F0F;
    (eights + (eights >> 8)) & 0x00FF_00FF_00FF_00FF
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn lanes_are_counted(bits in proptest::prelude::any::<u64>()) {
            for lane in 0..4 {
                let ones = (bits >> (lane * LANE) & 0xFFFF).count_ones();
                proptest::prop_assert_eq!((count(bits) >> (lane * LANE)) & 0xFFFF, u64::from(ones));
            }
        }

        #[test]
        fn near_names_fit(a in "[a-f]{1,20}", b in "[a-f]{1,20}") {
            let distance = strsim::osa_distance(&a, &b);
            for far in distance.max(1)..3 {
                let like = Like::new(looks(&b), far as u64);
                proptest::prop_assert!(like.fits_length(looks(&a)) && like.fits(looks(&a), far), "{} {}", a, b);
            }
        }
    }
}
