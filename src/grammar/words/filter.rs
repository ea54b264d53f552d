//! Which places of a text may hold a word: bits by hashes, asked for sixteen places at a time.
//!
//! Where the processor has AVX2, eight places are looked up by one instruction. Both ways give the same answer.

use super::super::plan::aligned::STEP;

/// Bits of a word's hash. 2^18 bits are 32 KiB, which stay in the nearest cache; of fewer, words that are not ours fill too many.
const BITS: u32 = 18;
/// Bits that tell the place in one number of the filter.
const PLACE: u32 = u32::BITS.ilog2();
/// Numbers of the filter.
const NUMBERS: usize = 1 << (BITS - PLACE);
/// Places that are looked at together.
pub(super) const TOGETHER: usize = 16;
/// What is read for them, bytes: a word is read with what follows it.
const READ: usize = (TOGETHER - 1) * STEP + size_of::<u64>();
/// So many times in a row places are looked at before anything is decided. What is decided needs other memory, which drives the filter
/// out of the nearest cache: it pays seldom.
pub(super) const STRETCH: usize = 1024;
/// By how many bits the last four bytes of a word are shifted onto its first four.
const FOLD: u32 = 5;
/// What spreads them over the bits of the hash: an odd number whose bits have no pattern.
const FACTOR: u32 = 0x9E37_79B9;

/// Places that may hold words: in the lower half a bit for each of [`TOGETHER`] of them, the lowest for the first, in the upper half
/// where the first one stands. In one number, which is written in one piece.
pub(super) type Open = u64;

/// A word's hash. Of the bytes from the word's first on, the lowest the first, those behind the fifth do not count.
pub(super) fn hash(word: u64) -> u32 {
    hash_of(word as u32, (word >> 8) as u32)
}

/// The hash of a word by its first four bytes and its last four.
fn hash_of(first: u32, last: u32) -> u32 {
    (first ^ last >> FOLD).wrapping_mul(FACTOR)
}

/// Which number of the filter tells of a hash.
fn number(hash: u32) -> usize {
    (hash >> (u32::BITS - (BITS - PLACE))) as usize
}

/// Which bit of the number does.
fn bit(hash: u32) -> u32 {
    hash >> (u32::BITS - BITS) & (u32::BITS - 1)
}

/// For each hash whether a word has it.
#[derive(Debug)]
pub(super) struct Filter {
    numbers: Box<[u32; NUMBERS]>,
    /// Whether the processor has what the wide way needs.
    #[cfg(target_arch = "x86_64")]
    wide: bool,
}

impl Filter {
    /// That of no words.
    pub(super) fn new() -> Self {
        Self {
            numbers: Box::new([0; NUMBERS]),
            #[cfg(target_arch = "x86_64")]
            wide: std::arch::is_x86_feature_detected!("avx2"),
        }
    }

    /// Takes up a word with this hash.
    pub(super) fn add(&mut self, hash: u32) {
        self.numbers[number(hash)] |= 1 << bit(hash);
    }

    /// Whether a word with this hash, or one with the same bit, was taken up.
    pub(super) fn holds(&self, hash: u32) -> bool {
        self.numbers[number(hash)] >> bit(hash) & 1 == 1
    }

    /// For each number, how many bits are set in those before it.
    pub(super) fn ranks(&self) -> Box<[u32]> {
        let before = |count: &mut u32, number: &u32| Some(std::mem::replace(count, *count + number.count_ones()));
        self.numbers.iter().scan(0, before).collect()
    }

    /// How many bits are set before that of a hash.
    pub(super) fn rank(&self, ranks: &[u32], hash: u32) -> usize {
        let number = number(hash);
        let before = self.numbers[number] & ((1 << bit(hash)) - 1);
        (ranks[number] + before.count_ones()) as usize
    }

    /// Looks at the places from `at` on, a stretch of them: where it ended, and how many of `open` it has filled.
    pub(super) fn look(&self, text: &[u8], at: usize, open: &mut [Open; STRETCH]) -> (usize, usize) {
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            return wide::look(&self.numbers, text, at, open);
        }
        look_by(|read| places(&self.numbers, read), text, at, open)
    }
}

/// Looks at a stretch of places, as `places` does it for those of one piece.
#[inline(always)]
fn look_by(
    places: impl Fn(&[u8; READ]) -> u32,
    text: &[u8],
    mut at: usize,
    open: &mut [Open; STRETCH],
) -> (usize, usize) {
    let mut filled = 0;
    for _ in 0..STRETCH {
        let Some(read) = text[at..].first_chunk() else { break };
        let places = places(read);
        open[filled] = (at as u64) << u32::BITS | u64::from(places);
        filled += usize::from(places != 0);
        at += TOGETHER * STEP;
    }
    (at, filled)
}

/// Which places may hold words, one after the other.
fn places(numbers: &[u32; NUMBERS], read: &[u8; READ]) -> u32 {
    let four = |at: usize| read[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let seen = |place: usize| {
        let hash = hash_of(four(place * STEP), four(place * STEP + 1));
        numbers[number(hash)] >> bit(hash) & 1
    };
    (0..TOGETHER).rev().fold(0, |places, place| places << 1 | seen(place))
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{BITS, FACTOR, FOLD, NUMBERS, Open, PLACE, READ, STRETCH, TOGETHER, look_by};
    use std::arch::x86_64::{
        __m256i, _mm256_andnot_si256, _mm256_castsi256_ps, _mm256_i32gather_epi32, _mm256_loadu_si256,
        _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_set1_epi32, _mm256_sllv_epi32, _mm256_srli_epi32,
        _mm256_xor_si256,
    };

    /// Looks at a stretch of places on a processor that has AVX2.
    pub(super) fn look(numbers: &[u32; NUMBERS], text: &[u8], at: usize, open: &mut [Open; STRETCH]) -> (usize, usize) {
        #[expect(unsafe_code, reason = "only the caller can know that the processor has AVX2")]
        // SAFETY: it was asked when the filter was made, and this way is gone only if it has.
        unsafe {
            look_wide(numbers, text, at, open)
        }
    }

    #[target_feature(enable = "avx2")]
    fn look_wide(numbers: &[u32; NUMBERS], text: &[u8], at: usize, open: &mut [Open; STRETCH]) -> (usize, usize) {
        look_by(|read| places(numbers, read), text, at, open)
    }

    /// Which places may hold words.
    #[target_feature(enable = "avx2")]
    fn places(numbers: &[u32; NUMBERS], read: &[u8; READ]) -> u32 {
        const { assert!(TOGETHER == 16) };
        eight(numbers, read, 0) | eight(numbers, read, 32) << 8
    }

    /// Which of the eight places from an offset on may hold words.
    #[target_feature(enable = "avx2")]
    fn eight(numbers: &[u32; NUMBERS], read: &[u8; READ], at: usize) -> u32 {
        const LOW: i32 = u32::BITS as i32;
        let last = _mm256_srli_epi32::<{ FOLD as i32 }>(bytes(read, at + 1));
        let hash = _mm256_mullo_epi32(_mm256_xor_si256(bytes(read, at), last), _mm256_set1_epi32(FACTOR as i32));
        let number = _mm256_srli_epi32::<{ LOW - (BITS - PLACE) as i32 }>(hash);
        #[expect(unsafe_code, reason = "the instruction takes an address")]
        // SAFETY: the hash is shifted down to BITS - PLACE bits, and NUMBERS, 2^(BITS - PLACE), numbers stand there.
        let seen = unsafe { _mm256_i32gather_epi32::<4>(numbers.as_ptr().cast(), number) };
        // The bit is brought to the highest place, which the mask is made of.
        let bit = _mm256_srli_epi32::<{ LOW - BITS as i32 }>(hash);
        let up = _mm256_andnot_si256(bit, _mm256_set1_epi32(LOW - 1));
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(seen, up))) as u32
    }

    /// 32 bytes from an offset on.
    #[target_feature(enable = "avx2")]
    fn bytes(read: &[u8; READ], at: usize) -> __m256i {
        let bytes = read[at..].first_chunk::<{ size_of::<__m256i>() }>().expect("two pieces and a byte are read");
        #[expect(unsafe_code, reason = "the instruction takes an address")]
        // SAFETY: so many bytes are there, and they need not be aligned.
        unsafe {
            _mm256_loadu_si256(bytes.as_ptr().cast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ways_see_the_same(
            words in proptest::collection::vec(any::<u64>(), 0..3000),
            text in proptest::collection::vec(any::<u8>(), 0..600),
            kept in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        ) {
            let (mut filter, mut text) = (Filter::new(), text);
            words.iter().for_each(|word| filter.add(hash(*word)));
            if !words.is_empty() && text.len() > 8 {
                for (word, at) in &kept {
                    let at = at.index(text.len() - 8);
                    text[at..at + 8].copy_from_slice(&word.get(&words).to_le_bytes());
                }
            }
            let (mut open, mut other) = ([0; STRETCH], [0; STRETCH]);
            let found = filter.look(&text, 0, &mut open);
            prop_assert_eq!(found, look_by(|read| places(&filter.numbers, read), &text, 0, &mut other));
            prop_assert_eq!(&open[..found.1], &other[..found.1]);
            for at in (0..found.0).step_by(STEP) {
                let hash = hash(text[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)));
                let piece = (at / (TOGETHER * STEP) * TOGETHER * STEP) as u64;
                let held = open[..found.1].iter().find(|open| *open >> u32::BITS == piece).copied().unwrap_or(0);
                prop_assert_eq!(held >> ((at as u64 - piece) / STEP as u64) & 1 == 1, filter.holds(hash));
            }
        }
    }
}
