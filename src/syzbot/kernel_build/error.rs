//! Why there is no kernel.

use super::super::kernel_patch::PatchError;
use super::super::manifest::BundleError;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no kernel.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing to build.
    #[error("{0}: no kernel tree: it has no Makefile and Kconfig")]
    NoTree(PathBuf),
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `make` cannot be started.
    #[error(
        "make cannot be started ({0}); the kernel's build needs make, a compiler, flex, bison, bc, libelf and openssl headers"
    )]
    NoMake(io::Error),
    /// A step failed.
    #[error("`{command}` failed ({status}); the whole log is {log}, its end:\n{tail}", log = .log.display())]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// Somebody wanted the build to end.
    #[error("stopped by signal {signal}; make and what it started are ended, the same command goes on from here")]
    Stopped {
        /// Which.
        signal: i32,
    },
    /// Options did not take, and `strict` was set.
    #[error(
        "{count} options of the fragments did not take, the first is {first}; a dependency of it is off, or this kernel has no such option"
    )]
    Refused {
        /// How many.
        count: usize,
        /// The first one.
        first: String,
    },
    /// A value that would be run.
    #[error(
        "{0}: its value holds '$' or a backtick, which the kernel's build would run: take it out of the configuration"
    )]
    Runs(String),
    /// A patch.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The manifest.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    |source| BuildError::Io { path, source }
}
