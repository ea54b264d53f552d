//! The one memory map: large logs and symbol files are mapped, not read.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// A file's bytes, read-only, as they lie in memory.
#[derive(Debug)]
pub struct Map(Bytes);

#[cfg(feature = "map")]
type Bytes = memmap2::Mmap;
#[cfg(not(feature = "map"))]
type Bytes = std::convert::Infallible;

impl Map {
    /// Maps a file as a whole. Whoever truncates it meanwhile ends this process with SIGBUS, and whoever writes into it changes what
    /// is read: callers map only files that are replaced by renaming, or that nobody has touched for a while.
    ///
    /// # Errors
    /// What the system says; some file systems cannot map, and a library without the cargo feature `map` never does.
    #[cfg(feature = "map")]
    pub fn of(file: &File) -> io::Result<Self> {
        #[expect(
            unsafe_code,
            reason = "a memory map: files of gigabytes are searched at memory speed and by several threads"
        )]
        // SAFETY: the map is private and read-only, and only `&[u8]` no longer than it lives is given out. That nobody changes the
        // file meanwhile cannot be proved; see above for what callers do about it.
        let map = unsafe { memmap2::Mmap::map(file) };
        map.map(Self)
    }

    /// Refuses: built without maps.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "map"))]
    pub fn of(_: &File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Deref for Map {
    type Target = [u8];

    #[cfg(feature = "map")]
    fn deref(&self) -> &[u8] {
        &self.0
    }

    #[cfg(not(feature = "map"))]
    fn deref(&self) -> &[u8] {
        match self.0 {}
    }
}
