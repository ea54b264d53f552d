//! How disk images are laid out.

use serde::{Deserialize, Serialize};

/// How a disk image is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// The bytes of the disk as they are.
    Raw,
    /// QEMU's own format.
    Qcow2,
}

impl DiskFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Raw, Self::Qcow2];

    /// QEMU's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }

    /// What the first bytes of an image say.
    #[must_use]
    pub fn of_magic(magic: &[u8]) -> Self {
        if magic.starts_with(b"QFI\xfb") { Self::Qcow2 } else { Self::Raw }
    }
}
