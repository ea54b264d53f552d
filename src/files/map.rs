//! The one memory map: large logs and symbol files are mapped, not read.

use std::fs::File;
use std::io;
use std::ops::Deref;
#[cfg(feature = "map")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file's bytes, read-only, as they lie in memory.
#[derive(Debug)]
pub struct Map(Bytes);

#[cfg(feature = "map")]
#[derive(Debug)]
struct Bytes {
    /// Declared first: it goes before the map does.
    guard: super::faults::Guard,
    map: memmap2::Mmap,
    /// Up to where the pages were given back.
    given_back: AtomicUsize,
}
#[cfg(not(feature = "map"))]
type Bytes = std::convert::Infallible;

impl Map {
    /// Maps a file as a whole. Where somebody cuts it meanwhile zeros are read ([`Map::is_cut`]) if the program asked for that
    /// (`outlive_faults`), else SIGBUS ends the process. Whoever writes into it changes what is read: callers map only files
    /// that are replaced by renaming, or that nobody has touched for a while.
    ///
    /// # Errors
    /// What the system says; some file systems cannot map, a library without the cargo feature `map` never does, and nobody maps
    /// more than some hundred files at once.
    #[cfg(feature = "map")]
    pub fn of(file: &File) -> io::Result<Self> {
        #[expect(
            unsafe_code,
            reason = "a memory map: files of gigabytes are searched at memory speed and by several threads"
        )]
        // SAFETY: the map is read-only, and only `&[u8]` no longer than it lives is given out. That nobody changes the file meanwhile
        // cannot be proved; see above for what callers do about it.
        let map = unsafe { memmap2::Mmap::map(file) }?;
        let guard = super::faults::Guard::of(&map).ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(Self(Bytes { guard, map, given_back: AtomicUsize::new(0) }))
    }

    /// Refuses: built without maps.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "map"))]
    pub fn of(_: &File) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives the pages of the first bytes back to the system, up to `end`: whoever looks at them again gets them from the file. Else
    /// one thread would do so at the end, for a tenth of the time that a log without reports takes.
    #[cfg(feature = "map")]
    pub fn give_back(&self, end: usize) {
        let Bytes { map, given_back, .. } = &self.0;
        let end = end.min(map.len());
        let from = given_back.fetch_max(end, Ordering::Relaxed);
        if from < end {
            #[expect(unsafe_code, reason = "giving pages of a map back: no safe interface does it")]
            // SAFETY: the map is one of a file, shared and only read: a page that was given back and is looked at again holds what
            // the file holds there, as if it had not been looked at before. What `faults` put in place of bytes that were cut are zeros
            // that become zeros. Nothing follows from a refusal.
            let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, from, end - from) };
        }
    }

    /// There is no such map.
    #[cfg(not(feature = "map"))]
    pub fn give_back(&self, _: usize) {
        match self.0 {}
    }

    /// Whether somebody has cut the file meanwhile, or its disk failed: zeros in what was read may not be bytes of the file.
    #[cfg(feature = "map")]
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.guard.is_cut()
    }

    /// There is no such map.
    #[cfg(not(feature = "map"))]
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match self.0 {}
    }
}

impl Deref for Map {
    type Target = [u8];

    #[cfg(feature = "map")]
    fn deref(&self) -> &[u8] {
        &self.0.map
    }

    #[cfg(not(feature = "map"))]
    fn deref(&self) -> &[u8] {
        match self.0 {}
    }
}
