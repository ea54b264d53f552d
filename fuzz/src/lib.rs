//! What the fuzz targets try, as plain functions: libFuzzer calls them, and so do the project's tests, on stable Rust.
//!
//! `targets` holds one module per target, each with `check(bytes)`, which panics when a promise is broken. `mutate` is the
//! mutator that knows lines of logs. Nothing here needs more than kanalyze and the standard library.

mod door;
pub mod mutate;
pub mod targets;

pub use door::mutated;
