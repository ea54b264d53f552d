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

/// The most bytes that so many packed ones may become before they are called a bomb: 64 MiB in any case, which is read in a fraction
/// of a second; beyond that 200 times (gzip, lz4) or 1,000 times (the others) what went in.
///
/// Logs with times in them shrink 10 to 60 times, kernels 3 to 6. Zeros shrink 1,030 times in gzip, 250 in lz4, 7,000 and more in
/// the others.
pub(crate) fn most_of(packing: Packing, packed: u64) -> u64 {
    const FREE: u64 = 64 << 20;
    let times = match packing {
        Packing::Gzip | Packing::Lz4 => 200,
        Packing::Xz | Packing::Zstd | Packing::Bzip2 | Packing::Lzma | Packing::Lzo => 1_000,
    };
    packed.saturating_mul(times).max(FREE)
}
