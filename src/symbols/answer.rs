//! What is asked of a kernel's symbols, and what comes back.

use super::place::Place;
use serde::Serialize;

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Confidence {
    /// The image is not the one of the log, or several functions fit: the place may be another one.
    Doubtful,
    /// It rests on an inference, such as a guessed load address.
    Likely,
    /// The function's name and size fit, or the address is known.
    Certain,
}

/// What a look-up gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The places, the innermost inlined function first; empty for a miss.
    pub places: Vec<Place>,
    /// How sure they are.
    pub confidence: Confidence,
    /// Why there are no places, or why they are not certain.
    pub reason: Option<String>,
    /// The function that covers a bare address, and how far into it: `(name, offset, size)`.
    pub within: Option<(String, u64, u64)>,
}

impl Answer {
    /// No places, for a reason.
    #[must_use]
    pub fn miss(reason: impl Into<String>) -> Self {
        Self { places: Vec::new(), confidence: Confidence::Doubtful, reason: Some(reason.into()), within: None }
    }
}

/// A function as a log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Named<'line> {
    /// Its name with the compiler's suffixes.
    pub function: &'line str,
    /// Bytes into it.
    pub offset: u64,
    /// Its size as the log has it.
    pub size: u64,
    /// Its module.
    pub module: Option<&'line str>,
    /// The build id of the module, where the log has it.
    pub build_id: Option<&'line str>,
    /// Whether it is a program counter, and not the address to which a call returns.
    pub exact: bool,
}

/// What a table of symbols was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SymbolSource {
    /// `System.map`.
    SystemMap,
    /// A saved `/proc/kallsyms`.
    Kallsyms,
    /// The table that a boot image holds of itself.
    BootImage,
}

impl SymbolSource {
    /// What it is called in messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SystemMap => "System.map",
            Self::Kallsyms => "kallsyms",
            Self::BootImage => "a boot image",
        }
    }
}
