//! Symbols: addresses and function offsets of a log → files and lines, with every inlined function.
//!
//! # Our reader of DWARF and the crate `addr2line`
//!
//! `addr2line` 0.27 (`Context` over the mapped file) and ours were measured on the vmlinux of a lab kernel (6.12, 214 MB) and of
//! Debian (6.1 cloud, 590 MB), with addresses drawn from all functions: CPU seconds and peak memory, the best of four runs on a
//! busy machine with two processors. Cold is without an index cache, warm with one. A `Context` belongs to one thread, so that two
//! threads read everything twice.
//!
//! | addresses | threads | `addr2line` | ours, cold | ours, warm |
//! |---|---|---|---|---|
//! | lab, 1 | 1 | 0.09 s, 155 MB | 0.10 s, 88 MB | 0.01 s, 16 MB |
//! | lab, 1 | 2 | 0.09 s, 155 MB | 0.09 s, 88 MB | 0.01 s, 16 MB |
//! | lab, 100 | 1 | 0.14 s, 177 MB | 0.17 s, 114 MB | 0.01 s, 21 MB |
//! | lab, 100 | 2 | 0.22 s, 246 MB | 0.16 s, 116 MB | 0.01 s, 21 MB |
//! | lab, 10,000 | 1 | 0.56 s, 279 MB | 0.50 s, 177 MB | 0.03 s, 42 MB |
//! | lab, 10,000 | 2 | 0.97 s, 410 MB | 0.49 s, 179 MB | 0.03 s, 42 MB |
//! | Debian, 1 | 1 | 0.14 s, 232 MB | 0.15 s, 131 MB | 0.01 s, 20 MB |
//! | Debian, 1 | 2 | 0.15 s, 232 MB | 0.15 s, 130 MB | 0.01 s, 20 MB |
//! | Debian, 100 | 1 | 0.18 s, 249 MB | 0.20 s, 153 MB | 0.01 s, 23 MB |
//! | Debian, 100 | 2 | 0.32 s, 357 MB | 0.20 s, 155 MB | 0.01 s, 23 MB |
//! | Debian, 10,000 | 1 | 0.68 s, 367 MB | 0.61 s, 233 MB | 0.03 s, 47 MB |
//! | Debian, 10,000 | 2 | 1.18 s, 532 MB | 0.59 s, 236 MB | 0.03 s, 47 MB |
//! | ten modules, 1 | 1 | 0.01 s, 24 MB | 0.01 s, 24 MB | no index |
//! | ten modules, 100 | 1 | 0.02 s, 25 MB | 0.02 s, 24 MB | no index |
//! | ten modules, 10,000 | 1 | 0.05 s, 26 MB | 0.05 s, 24 MB | no index |
//!
//! The rows of modules are the whole program (`symbolize`, ours by `--compat`) over lines that name functions of ten modules of the
//! lab, 0.1 to 1.3 MB each, the best of twelve runs.
//!
//! Cold they take about the same on one thread; on two, and in memory, ours takes a half to two thirds; warm, a tenth. So ours reads
//! whole images, whose tables an index keeps, and every file where discriminators are wanted, as `decode_stacktrace.sh` prints them:
//! `addr2line` gives none. `addr2line` reads what the index does not serve (`direct`): modules, and files of up to 32 MiB of debug
//! information without a cache. Where it finds nothing, ours is asked. `tests/commands/oracle.rs` holds both against each other on
//! every row of a line table (`KANALYZE_ORACLE=VMLINUX` for a whole kernel).

mod annotate;
mod answer;
mod binary;
mod cache;
pub mod debuginfod;
#[cfg(feature = "cli")]
mod direct;
mod dwarf;
mod elf;
mod entry;
mod identity;
mod kernel;
mod lines;
mod locate;
mod log;
mod map;
mod module;
mod modules;
mod names;
mod offset;
mod place;
mod placed;
mod relocate;
mod script;
mod search;
mod spot;
mod table;
mod unit;

pub use annotate::{Paths, annotate};
pub use answer::{Answer, Confidence, Named, SymbolSource};
pub use binary::Binary;
pub use cache::{Cache, Kind};
pub use elf::{Elf, ElfError, Section, find_banner, hexadecimal};
pub use identity::stated_release;
pub use kernel::{Kernel, release_of};
pub use lines::SourceLines;
pub use locate::{OtherKernel, locate_event, locate_report};
pub use log::{Decoded, LogDecoder, LogOptions};
pub use map::{View, cut_files};
pub use names::{Symbol, SymbolTable};
pub use offset::LoadOffset;
pub use place::{Place, demangled};
pub use script::as_script;
pub use search::{find_build_id, find_in_build_tree, find_release, places_of_release};
pub use spot::{Spot, What, spots};
