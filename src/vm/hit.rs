//! What a run looks for: kinds, syzbot's types, patterns of titles and of console lines.

use crate::report::Report;
use regex::RegexBuilder;
use regex::bytes::{Regex as BytesRegex, RegexBuilder as BytesRegexBuilder};

/// The word that stands for "the guest makes no progress".
pub const NO_OUTPUT: &str = "no-output";

/// Memory that one pattern may take, bytes: patterns come from users, not from logs.
const PATTERN_LIMIT: usize = 1 << 20;

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Of titles.
    #[error("--hit {pattern:?}: neither a kind nor a title pattern: {reason}")]
    Hit {
        /// As it was given.
        pattern: String,
        /// What the compiler of patterns says.
        reason: String,
    },
    /// Of console lines.
    #[error("--hit-line {pattern:?}: not a pattern: {reason}")]
    Line {
        /// As it was given.
        pattern: String,
        /// What the compiler of patterns says.
        reason: String,
    },
}

/// Compiled patterns.
#[derive(Debug, Clone)]
pub struct Patterns {
    words: Vec<String>,
    titles: Vec<regex::Regex>,
    lines: Vec<BytesRegex>,
}

impl Patterns {
    /// Compiles `--hit` (a kind, a type, `no-output` or a title pattern) and `--hit-line`.
    ///
    /// # Errors
    /// One sentence on the pattern that is none.
    pub fn new(hits: &[String], lines: &[String]) -> Result<Self, PatternError> {
        let reason = |error: regex::Error| error.to_string().lines().last().unwrap_or("no pattern").trim().to_owned();
        let titles = hits
            .iter()
            .map(|hit| {
                RegexBuilder::new(hit)
                    .size_limit(PATTERN_LIMIT)
                    .build()
                    .map_err(|error| PatternError::Hit { pattern: hit.clone(), reason: reason(error) })
            })
            .collect::<Result<_, _>>()?;
        let lines = lines
            .iter()
            .map(|line| {
                BytesRegexBuilder::new(line)
                    .size_limit(PATTERN_LIMIT)
                    .build()
                    .map_err(|error| PatternError::Line { pattern: line.clone(), reason: reason(error) })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { words: hits.to_vec(), titles, lines })
    }

    /// Whether this crash is sought. Without patterns any is; what the surrounding output calls a side effect is none.
    #[must_use]
    pub fn seeks(&self, report: &Report) -> bool {
        if self.words.is_empty() {
            return self.lines.is_empty() && !report.suppressed;
        }
        self.words.iter().any(|word| *word == report.kind || (!word.is_empty() && *word == report.r#type))
            || self.titles.iter().any(|pattern| {
                pattern.is_match(&report.title) || report.alt_titles.iter().any(|title| pattern.is_match(title))
            })
    }

    /// Whether a guest without progress is sought.
    #[must_use]
    pub fn seeks_no_output(&self) -> bool {
        self.words.iter().any(|word| word == NO_OUTPUT)
    }

    /// Whether this console line is sought.
    #[must_use]
    pub fn seeks_line(&self, line: &[u8]) -> bool {
        self.lines.iter().any(|pattern| pattern.is_match(line))
    }

    /// Whether any line is sought at all.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }
}
