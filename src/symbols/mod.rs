//! Symbols: addresses and function offsets of a log → files and lines, with every inlined function.

mod annotate;
mod binary;
mod cache;
pub mod debuginfod;
mod dwarf;
mod elf;
mod identity;
mod kernel;
mod lines;
mod locate;
mod log;
mod map;
mod module;
mod names;
mod offset;
mod relocate;
mod script;
mod search;
mod spot;
mod table;
mod unit;

pub use annotate::{Paths, annotate};
pub use binary::{Binary, Place, demangled};
pub use cache::{Cache, Kind};
pub use elf::{Elf, ElfError, Section, find_banner, hexadecimal};
pub use identity::stated_release;
pub use kernel::{Answer, Confidence, Kernel, Named, release_of};
pub use lines::SourceLines;
pub use locate::{locate_event, locate_report};
pub use log::{Decoded, LogDecoder, LogOptions};
pub use map::View;
pub use names::{Symbol, SymbolTable};
pub use offset::LoadOffset;
pub use script::as_script;
pub use search::{find_build_id, find_in_build_tree, find_release, places_of_release};
pub use spot::{Spot, What, spots};
