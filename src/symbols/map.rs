//! Symbol files are mapped into memory, not read: most of a kernel's debug information is never looked at.

use crate::files::Map;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// Read-only bytes of a symbol file, or bytes that were unpacked from one.
#[derive(Debug)]
pub struct View(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(Map),
    Owned(Vec<u8>),
}

impl View {
    /// Maps a file.
    ///
    /// # Errors
    /// Whatever the system says: missing, not readable, a folder, too large for the address space.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let facts = file.metadata()?;
        if facts.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder"));
        }
        if facts.len() == 0 {
            return Ok(Self(Bytes::Owned(Vec::new())));
        }
        // Kernels and their debug files are replaced by renaming, not rewritten in place.
        let bytes = Map::of(&file).map(Bytes::Mapped).or_else(|_| std::fs::read(path).map(Bytes::Owned));
        bytes.map(Self)
    }

    /// Bytes that are in memory already.
    #[must_use]
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self(Bytes::Owned(bytes))
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
