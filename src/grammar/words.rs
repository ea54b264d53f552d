//! Finds long texts by words that stand at every fourth byte of a block: one pass for any number of texts.

use super::plan::aligned::{STEP, WORD};
use std::ops::Range;

/// Bits of a word's hash. 2^18 bits are 32 KiB, which stay in the nearest cache; of fewer, words that are not ours fill too many.
const BITS: u32 = 18;
/// Bits that one number of the filter holds, as a power of two.
const NUMBER: u32 = u64::BITS.ilog2();
/// Numbers of the filter.
const NUMBERS: usize = 1 << (BITS - NUMBER);
/// Places that are looked at before anything is decided.
const TOGETHER: usize = 16;
/// What is read for them, bytes: a word is read with what follows it.
const READ: usize = (TOGETHER - 1) * STEP + size_of::<u64>();

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Its index in the list.
    pub(super) text: usize,
}

/// The search for texts that hold a run (see `plan/aligned.rs`).
#[derive(Debug)]
pub(super) struct Words {
    /// For each hash whether a word has it.
    filter: Box<[u64; NUMBERS]>,
    /// For each number of the filter, the first of `entries` with one of its hashes; behind the last, how many there are.
    first: Box<[u32]>,
    /// By their hashes.
    entries: Vec<Entry>,
}

/// A word of a text.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// It, and what of the text follows it in eight bytes: ordinary lines hold many of the words, few with what follows.
    bytes: u64,
    /// Which bits of these belong to the text.
    mask: u64,
    text: u32,
    /// Where it stands in the text, bytes.
    offset: u32,
}

impl Words {
    /// The search for some of a list of texts: their indexes, and where in each of them its run begins.
    pub(super) fn new(texts: &[String], runs: &[(usize, usize)]) -> Self {
        let mut entries = Vec::with_capacity(runs.len() * STEP);
        for (text, run) in runs {
            for offset in *run..*run + STEP {
                let Some(bytes) = bytes_at(texts[*text].as_bytes(), offset) else { continue };
                let known = (texts[*text].len() - offset).min(size_of::<u64>());
                let mask = u64::MAX >> (u64::BITS as usize - 8 * known);
                entries.push(Entry { bytes, mask, text: *text as u32, offset: offset as u32 });
            }
        }
        entries.sort_unstable_by_key(|entry| (hash(entry.bytes), entry.text));
        let mut filter = Box::new([0; NUMBERS]);
        for entry in &entries {
            let (number, bit) = place(entry.bytes);
            filter[number] |= 1 << bit;
        }
        let first = |number: usize| entries.partition_point(|entry| place(entry.bytes).0 < number) as u32;
        Self { filter, first: (0..=NUMBERS).map(first).collect(), entries }
    }

    /// Whether it looks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds what stands in `block` of `text` to `hits`, in no particular order.
    pub(super) fn find(&self, texts: &[String], text: &[u8], block: Range<usize>, hits: &mut Vec<Hit>) {
        if self.is_empty() {
            return;
        }
        let found = Found { words: self, texts, text: &text[block.clone()], base: block.start };
        let mut at = 0;
        while let Some(read) = found.text[at..].first_chunk::<READ>() {
            // Nearly always there is nothing at any of these places, which is one decision.
            if (0..TOGETHER).fold(0, |seen, place| seen | self.seen(read_at(read, place))) & 1 != 0 {
                found.look(at, |place| Some(read_at(read, place)), hits);
            }
            at += TOGETHER * STEP;
        }
        while at < found.text.len() {
            found.look(at, |place| bytes_at(found.text, at + place * STEP), hits);
            at += TOGETHER * STEP;
        }
    }

    /// Whether a word may be one of ours: the lowest bit says so, the others say nothing.
    fn seen(&self, word: u64) -> u64 {
        let (number, bit) = place(word);
        self.filter[number] >> bit
    }
}

/// A block that is looked at.
struct Found<'a> {
    words: &'a Words,
    texts: &'a [String],
    text: &'a [u8],
    /// Where the block begins.
    base: usize,
}

impl Found<'_> {
    /// Looks at [`TOGETHER`] places from `at` on more closely; `word` gives what stands at each of them.
    fn look(&self, at: usize, word: impl Fn(usize) -> Option<u64>, hits: &mut Vec<Hit>) {
        let bit = |place: usize| word(place).map_or(0, |word| (self.words.seen(word) & 1) << place);
        let mut open = (0..TOGETHER).fold(0, |seen, place| seen | bit(place));
        while open != 0 {
            let place = open.trailing_zeros() as usize;
            open &= open - 1;
            if let Some(word) = word(place) {
                self.compare(word, at + place * STEP, hits);
            }
        }
    }

    /// Finds the texts that hold the word that stands at `at`, of which `bytes` are the first.
    fn compare(&self, bytes: u64, at: usize, hits: &mut Vec<Hit>) {
        let group = place(bytes).0;
        let entries = self.words.first[group] as usize..self.words.first[group + 1] as usize;
        for entry in self.words.entries[entries].iter().filter(|entry| bytes & entry.mask == entry.bytes) {
            let wanted = self.texts[entry.text as usize].as_bytes();
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            if self.text[start..].starts_with(wanted) {
                hits.push(Hit { start: self.base + start, text: entry.text as usize });
            }
        }
    }
}

/// The word at one of the places of what was read, and what follows it.
fn read_at(read: &[u8; READ], place: usize) -> u64 {
    let bytes = &read[place * STEP..];
    u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// The word that stands at an offset and what follows it in eight bytes, the first byte the lowest; zeros behind the text's end.
fn bytes_at(text: &[u8], at: usize) -> Option<u64> {
    let rest = text.get(at..).filter(|rest| rest.len() >= WORD)?;
    let mut bytes = [0; size_of::<u64>()];
    let known = rest.len().min(bytes.len());
    bytes[..known].copy_from_slice(&rest[..known]);
    Some(u64::from_le_bytes(bytes))
}

/// A word's hash. What is read behind the word does not count.
fn hash(word: u64) -> u64 {
    (word << (u64::BITS as usize - 8 * WORD)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - BITS)
}

/// Where its bit stands in the filter: the number and the place in it.
fn place(word: u64) -> (usize, u64) {
    let hash = hash(word);
    ((hash >> NUMBER) as usize, hash & u64::from(u64::BITS - 1))
}

#[cfg(test)]
mod tests {
    use super::super::plan::aligned::RUN;
    use super::*;
    use proptest::prelude::*;

    fn found(texts: &[String], text: &[u8], block: Range<usize>) -> Vec<(usize, usize)> {
        // Any run will do.
        let runs: Vec<(usize, usize)> =
            texts.iter().enumerate().map(|(at, text)| (at, (text.len() - RUN) / 2)).collect();
        let mut hits = Vec::new();
        Words::new(texts, &runs).find(texts, text, block, &mut hits);
        hits.sort_unstable();
        hits.into_iter().map(|hit| (hit.start, hit.text)).collect()
    }

    proptest! {
        #[test]
        fn every_text_is_found_once_wherever_it_lies(
            texts in proptest::collection::vec("[ab]{8,11}", 1..6),
            text in "[ab]{0,300}",
            cuts in (0_usize..300, 0_usize..300),
        ) {
            let texts: Vec<String> = texts.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let (from, to) = (cuts.0.min(cuts.1).min(text.len()), cuts.0.max(cuts.1).min(text.len()));
            let text = text.as_bytes();
            let mut expected = Vec::new();
            for start in from..to {
                for (number, wanted) in texts.iter().enumerate() {
                    if text[start..to].starts_with(wanted.as_bytes()) {
                        expected.push((start, number));
                    }
                }
            }
            prop_assert_eq!(found(&texts, text, from..to), expected);
        }
    }
}
