//! What is to be built, and what is told meanwhile.

use crate::architecture::Architecture;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI32;

/// What to build, and how.
#[derive(Debug, Clone)]
pub struct Build<'a> {
    /// The kernel tree; nothing is written into it.
    pub source: &'a Path,
    /// The configuration to begin with.
    pub config: &'a Path,
    /// Laid over it, in this order.
    pub fragments: &'a [PathBuf],
    /// Applied to the tree's HEAD, in this order, in a tree of their own inside the bundle.
    pub patches: &'a [PathBuf],
    /// The bundle's folder, made if need be.
    pub directory: &'a Path,
    /// The processor; the configuration's own if `None`.
    pub arch: Option<Architecture>,
    /// For `make -j`.
    pub jobs: usize,
    /// Further arguments of `make`: `LLVM=1`, `CC=gcc-12`.
    pub make_arguments: &'a [String],
    /// Stop if an option of a fragment does not take, instead of reporting it and going on.
    pub strict: bool,
    /// The signal that asks for the end, 0 while there is none: `make` ends with it, and all that it started.
    pub interrupt: &'a AtomicI32,
}

/// What happens meanwhile, in words.
pub enum Step<'a> {
    /// A command begins.
    Runs(&'a str),
    /// It still works; what it does and where its log is.
    Goes(String),
    /// Something that the user should know.
    Note(String),
}
