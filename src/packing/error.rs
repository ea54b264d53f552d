//! Why packed bytes stay packed.

use super::Packing;

/// Why bytes could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Damaged or cut data.
    #[error("damaged {0:?} data: {1}")]
    Damaged(Packing, String),
    /// This build of kanalyze has no unpackers.
    #[error("{0} data, and this build of kanalyze does not unpack (cargo feature `unpack`)")]
    NotBuilt(Packing),
    /// More than the caller allowed.
    #[error("{0:?} data unpacks to more than {1} bytes, which is refused")]
    TooLarge(Packing, usize),
}
