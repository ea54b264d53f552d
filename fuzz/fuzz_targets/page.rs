//! libFuzzer's door to `targets::page`.
#![no_main]

use kanalyze_fuzz::{mutated, targets::page};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutated(data, size, most, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| page::check(data));
