//! Files that are replaced whole or mapped, locks that end with their process, formats of disk images, and the folder of caches.

mod disk;
#[cfg(feature = "map")]
mod faults;
mod lock;
mod map;
mod whole;

pub use disk::DiskFormat;
#[cfg(feature = "map")]
pub use faults::outlive_faults;
pub use lock::{Lock, LockError};
pub use map::Map;
pub use whole::{Draft, place, replace, write_whole};

use std::path::PathBuf;

/// The folder of caches: `$XDG_CACHE_HOME/kanalyze`, else `~/.cache/kanalyze`; `None` if neither variable holds an absolute path.
#[must_use]
pub fn cache_home() -> Option<PathBuf> {
    Some(user_caches()?.join("kanalyze"))
}

/// The folder below which each program keeps its caches: `$XDG_CACHE_HOME`, else `~/.cache`.
#[must_use]
pub fn user_caches() -> Option<PathBuf> {
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

/// An absolute path that an environment variable holds: the XDG specification ignores relative ones.
#[must_use]
pub fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
