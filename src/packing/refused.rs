//! The same functions in a library without the cargo feature `unpack`: packed bytes are recognised and refused.

use super::{Packing, UnpackError};
use std::io::{self, Read};

/// How many packed bytes were taken: none.
#[derive(Debug, Clone, Default)]
pub struct Packed(());

impl Packed {
    /// Bytes taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        0
    }
}

/// Nothing is unpacked, so nothing wants memory.
#[must_use]
pub fn wants_memory(_: &io::Error) -> bool {
    false
}

/// Refuses.
///
/// # Errors
/// Always: [`UnpackError::NotBuilt`].
pub fn reader(packing: Packing, _: Box<dyn Read + Send>) -> io::Result<(Box<dyn Read + Send>, Packed)> {
    Err(io::Error::new(io::ErrorKind::Unsupported, UnpackError::NotBuilt(packing)))
}

/// Refuses.
///
/// # Errors
/// Always: [`UnpackError::NotBuilt`].
pub fn unpack(packing: Packing, _: &[u8], _: usize) -> Result<Vec<u8>, UnpackError> {
    Err(UnpackError::NotBuilt(packing))
}

/// Refuses.
///
/// # Errors
/// Always: [`UnpackError::NotBuilt`].
pub fn zlib(_: &[u8], _: usize) -> Result<Vec<u8>, UnpackError> {
    Err(UnpackError::NotBuilt(Packing::Gzip))
}
