//! libFuzzer's door to `targets::engine`.
#![no_main]

use kanalyze_fuzz::{mutated, targets::engine};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutated(data, size, most, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| engine::check(data));
