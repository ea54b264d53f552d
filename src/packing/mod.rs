//! Ways of packing: told by their first bytes, undone within bounds.
//!
//! One table of magics ([`Packing`]) and three ways to undo them, by how the bytes are at hand: [`unpack`] (all in memory: kernel
//! images, modules, debug sections), [`reader`] (asked for: logs, archives), [`Pushed`] (as they arrive: downloads).

mod magic;
mod push;
mod read;
mod whole;
mod zstandard;

pub use magic::Packing;
pub use push::Pushed;
pub use read::{Packed, reader, wants_memory};
pub use whole::{UnpackError, unpack, zlib};

/// Memory that xz may ask for, bytes: `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 192 << 20;

/// The largest window of zstd, as a power of two: `zstd --long`, and what kernels are packed with.
const ZSTD_WINDOW: u32 = 27;
