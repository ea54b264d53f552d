//! libFuzzer's door to `targets::thread`.
#![no_main]

use kanalyze_fuzz::{mutated, targets::thread};

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    mutated(data, size, most, seed)
});
libfuzzer_sys::fuzz_target!(|data: &[u8]| thread::check(data));
