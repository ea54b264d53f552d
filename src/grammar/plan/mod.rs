//! From grammar files to a plan: all entries checked and in order, and the texts by which their lines are searched for.
//!
//! This folder is compiled twice, as a part of the library and of the build script, which works out the built-in files and
//! leaves them as a blob that is quick to read. So nothing in here names anything outside of it but what the build script has, too
//! (`line::Letters`).

pub(crate) mod aligned;
mod buckets;
pub(crate) mod composed;
pub(crate) mod expression;
mod gather;
mod literal;
mod order;
pub(crate) mod rarity;
pub(super) mod samples;
pub(crate) mod shape;
pub(crate) mod sought;
pub mod source;
pub(super) mod steps;
mod texts;
pub(crate) mod windows;
pub(crate) mod words;

pub(crate) use gather::Plan;

use serde::{Deserialize, Serialize};

/// A place in a grammar file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Path as loaded.
    pub file: String,
    /// 1-based line.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// Why files do not make a plan.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where.
    pub(crate) place: Place,
    /// What is wrong and what to do.
    pub(crate) message: String,
}
