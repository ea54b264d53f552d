//! Symbol files are mapped into memory, not read: most of a kernel's debug information is never looked at.

use crate::files::Map;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Read-only bytes of a symbol file, or bytes that were unpacked from one.
#[derive(Debug)]
pub struct View(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(Map, PathBuf),
    Owned(Vec<u8>),
}

/// Files that were cut while they were mapped.
static CUT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The symbol files that somebody has cut while they were read, or whose disks failed: what was taken from them is not to be
/// trusted. Each is reported once, when nobody reads it any longer.
#[must_use]
pub fn cut_files() -> Vec<PathBuf> {
    CUT.lock().map(|mut files| std::mem::take(&mut *files)).unwrap_or_default()
}

impl Drop for View {
    fn drop(&mut self) {
        if let Bytes::Mapped(map, path) = &mut self.0
            && map.is_cut()
            && let Ok(mut files) = CUT.lock()
            && !files.contains(path)
        {
            files.push(std::mem::take(path));
        }
    }
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
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder: name the file in it"));
        }
        if facts.len() == 0 {
            return Ok(Self(Bytes::Owned(Vec::new())));
        }
        // Kernels and their debug files are replaced by renaming, not rewritten in place.
        match Map::of(&file) {
            Ok(map) => Ok(Self(Bytes::Mapped(map, path.to_owned()))),
            Err(_) => std::fs::read(path).map(Self::owned),
        }
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
            Bytes::Mapped(map, _) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
