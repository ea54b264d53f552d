//! What kind of memory access went wrong.

use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter};

/// The kind of a memory access. In JSON it is the word that [`Self::word`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessKind {
    /// A read.
    Read,
    /// A write.
    Write,
    /// A free.
    Free,
    /// A fetch of an instruction.
    Execute,
    /// A use of uninitialized memory (KMSAN).
    Uninit,
    /// A write that was found out later (KFENCE).
    Corrupted,
    /// One of which only the address is known.
    Fault,
    /// What the report calls it: `read-write`, `write (marked)` (KCSAN).
    Named(String),
}

impl AccessKind {
    /// The kind that the kernel's own words stand for.
    #[must_use]
    pub(super) fn of_words(words: String) -> Self {
        match words.as_str() {
            "read" => Self::Read,
            "write" => Self::Write,
            _ => Self::Named(words),
        }
    }

    /// Its word: `read`, `write`, `free`, `execute`, `uninit`, `corrupted`, `fault`, or the kernel's words.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Free => "free",
            Self::Execute => "execute",
            Self::Uninit => "uninit",
            Self::Corrupted => "corrupted",
            Self::Fault => "fault",
            Self::Named(words) => words,
        }
    }
}

impl Display for AccessKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl Serialize for AccessKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
