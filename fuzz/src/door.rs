//! libFuzzer's own changes and those by lines, in turn.

use crate::mutate::{Random, by_lines};

/// Changes `data[..size]` in place, to at most `most` bytes; the new size.
pub fn mutated(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random::new(seed);
    if random.below(2) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, most);
    }
    let changed = by_lines(&data[..size], most.min(data.len()), &mut random);
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
}
