//! Symbol files are mapped into memory, not read: most of a kernel's debug information is never looked at.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// Read-only bytes of a symbol file, or bytes that were unpacked from one.
#[derive(Debug)]
pub struct View(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
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
        #[expect(
            unsafe_code,
            reason = "a memory map; kernels and their debug files are replaced by renaming, not rewritten in place"
        )]
        // SAFETY: the map is read-only and private. Somebody who truncates the file while it is mapped ends this process
        // with SIGBUS; there is no way to guard against that, and copying a gigabyte at each start is no alternative.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Bytes::Mapped(map)))
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
