//! Where logs are, and why one cannot be read.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `-`.
    Stdin,
    /// A file, FIFO or device.
    Path(PathBuf),
}

impl Source {
    /// `-` is stdin, everything else a path (a file of that name is `./-`).
    #[must_use]
    pub fn new(argument: &OsStr) -> Self {
        if argument == "-" { Self::Stdin } else { Self::Path(PathBuf::from(argument)) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("-"),
            Self::Path(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// Why a source cannot be read at all. Each sentence names the source and a remedy; other sources are not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// There is no such file (any more).
    #[error("{0}: no such file (mistyped, or rotated away?)")]
    Missing(Source),
    /// A directory.
    #[error("{0}: is a directory: name the logs in it")]
    Directory(Source),
    /// Not allowed.
    #[error("{0}: permission denied: run as a user who may read it, or pipe it in (sudo cat {0} | kanalyze parse -)")]
    Denied(Source),
    /// Only plain files grow in a way that can be followed.
    #[error("{0}: is not a plain file: pipe it in instead of following it")]
    NotFollowable(Source),
    /// Anything else that the system says.
    #[error("{0}: cannot be opened: {1}")]
    Other(Source, #[source] io::Error),
}

impl InputError {
    /// Whether the user may not read it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied(_))
    }

    pub(super) fn new(source: &Source, error: io::Error) -> Self {
        let source = source.clone();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(source),
            io::ErrorKind::PermissionDenied => Self::Denied(source),
            io::ErrorKind::IsADirectory => Self::Directory(source),
            _ => Self::Other(source, error),
        }
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::new(path.as_os_str())
    }
}
