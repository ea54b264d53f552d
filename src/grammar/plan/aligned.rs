//! Where long texts are looked for by what stands at every fourth byte.
//!
//! Of eight bytes (a run) that stand in a block, five in a row begin at an offset that is a multiple of four, wherever the eight
//! begin. So a text of eight bytes or more is found by looking at a quarter of all places, for four words of five bytes: one
//! for each way in which it can lie. However many texts there are, this is one pass. Five bytes, since four are in too many
//! ordinary lines, and longer ones leave more texts to the other searches.

use super::rarity::{Rarity, windows};

/// Bytes of a word.
pub(crate) const WORD: usize = 5;
/// A word is looked for at every so many bytes.
pub(crate) const STEP: usize = 4;
/// So many bytes hold a whole word at every way to lie.
pub(crate) const RUN: usize = WORD + STEP - 1;

/// Where the rarest run of a text begins, bytes: the one whose words ordinary lines hold least. Nothing for a text that is too
/// short.
pub(crate) fn rarest_run(text: &str, rarity: Rarity<'_>) -> Option<usize> {
    if text.len() < RUN {
        return None;
    }
    let shares: Vec<f64> = windows(text.as_bytes()).map(|four| rarity.share(four)).collect();
    // A word is as rare as the rarer one of the two windows in it.
    let words: Vec<f64> = shares.windows(2).map(|pair| pair[0].min(pair[1])).collect();
    let sums = words.windows(STEP).map(|run| run.iter().sum::<f64>());
    sums.enumerate().min_by(|one, other| one.1.total_cmp(&other.1)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::super::rarity::slot;
    use super::*;

    #[test]
    fn a_run_lies_in_its_text() {
        let levels = [0; 1 << 16];
        for (text, run) in [("abcdefg", None), ("abcdefgh", Some(0)), ("abcdefghi", Some(0)), ("", None)] {
            assert_eq!(rarest_run(text, Rarity(&levels)), run, "{text}");
            assert!(run.is_none_or(|run| run + RUN <= text.len()));
        }
    }

    #[test]
    fn the_rarest_run_is_taken() {
        let mut levels = [0; 1 << 16];
        // What every line holds.
        for four in windows(b"timeout") {
            levels[slot(four)] = 17;
        }
        assert_eq!(rarest_run("timeout walrus", Rarity(&levels)), Some(3));
    }
}
