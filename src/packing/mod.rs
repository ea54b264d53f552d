//! Ways of packing: recognised by their first bytes, undone within bounds.
//!
//! One table of magics ([`Packing`]) and three ways to undo them, by how the bytes are at hand: [`unpack`] (all in memory: kernel
//! images, modules, debug sections), [`reader`] (asked for: logs, archives), `Pushed` (as they arrive: downloads). Without the cargo
//! feature `unpack` packed bytes are recognised and refused.

mod error;
mod magic;
#[cfg(feature = "unpack")]
mod push;
#[cfg(feature = "unpack")]
mod read;
#[cfg(not(feature = "unpack"))]
mod refused;
#[cfg(feature = "unpack")]
mod whole;
#[cfg(feature = "unpack")]
mod zstandard;

pub use error::UnpackError;
pub use magic::Packing;
#[cfg(feature = "unpack")]
pub use push::Pushed;
#[cfg(feature = "unpack")]
pub use read::{Packed, reader, wants_memory};
#[cfg(not(feature = "unpack"))]
pub use refused::{Packed, reader, unpack, wants_memory, zlib};
#[cfg(feature = "unpack")]
pub use whole::{unpack, zlib};

/// Memory that xz may ask for, bytes: `xz -9` needs 65 MiB.
#[cfg(feature = "unpack")]
const XZ_MEMORY: u64 = 192 << 20;

/// The largest window of zstd, as a power of two: `zstd --long`, and what kernels are packed with.
#[cfg(feature = "unpack")]
const ZSTD_WINDOW: u32 = 27;
