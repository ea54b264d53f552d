//! Finds long texts by words that stand at every fourth byte of a block: one pass for any number of texts.
//!
//! Ordinary lines hold many of the words, but at places that nobody foresees, and a processor that guesses wrong loses more time than
//! it takes to look at twenty words. So nothing is decided while the words are looked up (`filter.rs`): which of sixteen may be ours is
//! a number, and the places are gone through when all of a stretch was seen.

mod filter;

use super::plan::aligned::{RUN, STEP, WORD};
use filter::{Filter, STRETCH, hash};
use std::num::NonZeroU32;
use std::ops::Range;

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
    filter: Filter,
    /// For each number of the filter, how many of its bits are set in those before it.
    ranks: Box<[u32]>,
    /// One for each bit of the filter that is set, in order; then the further ones with such a bit.
    slots: Vec<Slot>,
    /// By their slots.
    entries: Vec<Entry>,
}

/// Texts in whose runs one word stands at one place.
#[derive(Debug)]
struct Slot {
    /// What the runs of all of them have in common: ordinary lines hold many of the words, few with what stands around.
    run: u64,
    /// Which bits of the run these are.
    mask: u64,
    /// How many bytes of the run stand before the word.
    before: u32,
    /// The next one with its bit of the filter.
    next: Option<NonZeroU32>,
    /// Its entries.
    entries: Range<u32>,
}

/// A word of a text.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The text's run.
    run: u64,
    text: u32,
    /// Where the word stands in the text, bytes.
    offset: u32,
}

impl Words {
    /// The search for some of a list of texts: their indexes, and where in each of them its run begins.
    pub(super) fn new(texts: &[String], runs: &[(usize, usize)]) -> Self {
        let mut words = Vec::with_capacity(runs.len() * STEP);
        for (text, start) in runs {
            let bytes = texts[*text].as_bytes();
            let Some(run) = bytes_at(bytes, *start).filter(|_| start + RUN <= bytes.len()) else { continue };
            for before in 0..STEP {
                let offset = start + before;
                // A whole word stands at each place of a run.
                let word = bytes_at(bytes, offset).unwrap_or(run);
                words.push(((hash(word), before), Entry { run, text: *text as u32, offset: offset as u32 }));
            }
        }
        words.sort_unstable_by_key(|(place, entry)| (*place, entry.text));
        let mut filter = Filter::new();
        words.iter().for_each(|((hash, _), _)| filter.add(*hash));
        let ranks = filter.ranks();
        let (mut slots, mut others) = (Vec::new(), Vec::new());
        let mut end = 0;
        for same in words.chunk_by(|one, other| one.0 == other.0) {
            let ((hash, before), Entry { run, .. }) = same[0];
            let differ = same.iter().fold(0, |differ, (_, other)| differ | (run ^ other.run));
            let start = end;
            end += same.len() as u32;
            let (run, mask) = (run & !differ, !differ);
            let slot = Slot { run, mask, before: before as u32, next: None, entries: start..end };
            // The hashes are in order, so those with one bit follow each other.
            let is_new = filter.rank(&ranks, hash) == slots.len();
            if is_new { slots.push(slot) } else { others.push((slots.len() - 1, slot)) }
        }
        for (first, slot) in others {
            let next = NonZeroU32::new(slots.len() as u32);
            slots.push(Slot { next: slots[first].next, ..slot });
            slots[first].next = next;
        }
        let entries = words.into_iter().map(|(_, entry)| entry).collect();
        Self { filter, ranks, slots, entries }
    }

    /// Whether it looks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds what stands in `block` of `text`, less than four gigabytes, to `hits`, in no particular order.
    pub(super) fn find(&self, texts: &[String], text: &[u8], block: Range<usize>, hits: &mut Vec<Hit>) {
        if self.is_empty() {
            return;
        }
        let found = Found { words: self, texts, text: &text[block.clone()], base: block.start };
        let mut open = [0; STRETCH];
        let mut at = 0;
        loop {
            let (next, filled) = self.filter.look(found.text, at, &mut open);
            for places in &open[..filled] {
                let (first, mut rest) = ((places >> u32::BITS) as usize, *places as u32);
                while rest != 0 {
                    let at = first + rest.trailing_zeros() as usize * STEP;
                    // It was read with as much behind it.
                    let word = found.text[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
                    found.compare(at, word, hits);
                    rest &= rest - 1;
                }
            }
            if next == at {
                break;
            }
            at = next;
        }
        // What too little follows to be looked at together.
        for at in (at..found.text.len()).step_by(STEP) {
            if let Some(word) = bytes_at(found.text, at).filter(|word| self.filter.holds(hash(*word))) {
                found.compare(at, word, hits);
            }
        }
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
    /// Finds the texts of which a word stands at `at`, where the filter says that one may.
    #[inline]
    fn compare(&self, at: usize, word: u64, hits: &mut Vec<Hit>) {
        let Words { filter, ranks, slots, .. } = self.words;
        let mut slot = &slots[filter.rank(ranks, hash(word))];
        // Nearly always one is all there is.
        loop {
            // A run that begins before the block is none of a text in it, whatever stands at the block's beginning.
            let start = at.saturating_sub(slot.before as usize);
            let run = self.text[start..].first_chunk().map(|run| u64::from_le_bytes(*run));
            if let Some(run) = run.filter(|run| run & slot.mask == slot.run) {
                self.compare_texts(at, slot, run, hits);
            }
            let Some(next) = slot.next else { break };
            slot = &slots[next.get() as usize];
        }
    }

    /// Finds the texts of which the run of a slot stands around `at`.
    #[inline(never)]
    fn compare_texts(&self, at: usize, slot: &Slot, run: u64, hits: &mut Vec<Hit>) {
        let entries = &self.words.entries[slot.entries.start as usize..slot.entries.end as usize];
        for entry in entries.iter().filter(|entry| entry.run == run) {
            let wanted = self.texts[entry.text as usize].as_bytes();
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            if self.text[start..].starts_with(wanted) {
                hits.push(Hit { start: self.base + start, text: entry.text as usize });
            }
        }
    }
}

/// The word that stands at an offset and what follows it in eight bytes, the first byte the lowest; zeros behind the text's end.
fn bytes_at(text: &[u8], at: usize) -> Option<u64> {
    let rest = text.get(at..).filter(|rest| rest.len() >= WORD)?;
    if let Some(bytes) = rest.first_chunk() {
        return Some(u64::from_le_bytes(*bytes));
    }
    let mut bytes = [0; size_of::<u64>()];
    let known = rest.len().min(bytes.len());
    bytes[..known].copy_from_slice(&rest[..known]);
    Some(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn what_lies_across_two_stretches_is_found() {
        let stretch = STRETCH * filter::TOGETHER * STEP;
        let wanted = ["walrus is at sea".to_owned(), "widget is not".to_owned()];
        for number in 0..2 {
            for start in (0..20).map(|by| stretch - by).chain((0..20).map(|by| 2 * stretch - by)) {
                let mut text = vec![b'.'; 2 * stretch + 40];
                text[start..start + wanted[number].len()].copy_from_slice(wanted[number].as_bytes());
                let whole = 0..text.len();
                assert_eq!(found(&wanted, &text, whole), [(start, number)]);
            }
        }
    }

    #[test]
    fn texts_with_the_same_words_are_told_apart() {
        let texts: Vec<String> = (0..10).map(|digit| format!("{digit} 0x0000")).chain(["b 0x00001".into()]).collect();
        let text = b"x 0x0000 5 0x00001 9 0x0001 9 0x0000 b 0x00001";
        assert_eq!(found(&texts, text, 0..text.len()), [(9, 5), (28, 9), (37, 10)]);
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
