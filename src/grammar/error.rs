//! Why a grammar could not be loaded.

use super::plan::Fault;

/// Why a grammar could not be loaded. Every message names the file and, where it can, the line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrammarError {
    /// The file cannot be read.
    #[error("{path}: cannot read this grammar file: {cause}")]
    Unreadable {
        /// Path as given.
        path: String,
        /// The system's word.
        cause: std::io::Error,
    },
    /// The file is not a grammar.
    #[error("{path}:{line}: {message}")]
    Invalid {
        /// Path as given.
        path: String,
        /// 1-based line.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl From<Fault> for GrammarError {
    fn from(fault: Fault) -> Self {
        Self::Invalid { path: fault.place.file, line: fault.place.line, message: fault.message }
    }
}
