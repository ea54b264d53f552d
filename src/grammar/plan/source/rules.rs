//! Rules for function names, for the output around a report, for source files and for types, as they are written.

use serde::{Deserialize, Serialize};

/// Function names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Skip {
    /// Patterns; a match anywhere in the name counts.
    pub patterns: Vec<String>,
}

/// How the function of a hung task is chosen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hung {
    /// Names that are passed over; a match anywhere in the name counts.
    pub patterns: Vec<String>,
    /// Names that are taken before any other.
    pub at_once: Vec<AtOnce>,
}

/// A name that is taken before any other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtOnce {
    /// A text that the name contains.
    pub part: String,
    /// What the title says instead of the name.
    pub r#as: Option<String>,
}

/// System calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syscalls {
    /// What the kernel puts before the name of a call.
    pub prefixes: Vec<String>,
}

/// Rules about the output around a report.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Patterns of lines which say that a report is a side effect.
    pub suppressed: Vec<String>,
    /// Texts that say that the kernel panicked.
    pub panicked: Vec<String>,
    /// Texts that say that the console was cut off.
    pub disconnected: Vec<String>,
    /// Texts on the line after a line that will be printed again.
    pub replayed: Vec<String>,
    /// A line with one of these continues a report although it has a header.
    pub never_second: Vec<String>,
    /// A line with one of these ends a report although it has no header.
    pub always_second: Vec<String>,
    /// Patterns of panics that follow from the report before them, by their own words.
    pub follows: Vec<String>,
    /// The same, if the report before them is an oops.
    pub follows_oops: Vec<String>,
    /// The same, if the report before them is init's.
    pub follows_init: Vec<String>,
    /// Lines that end a long report (see `grammars/output.toml`).
    pub ends: Vec<String>,
    /// Lines of no interest inside a report.
    pub noise: Vec<String>,
    /// What a report's first line says, and the header below that only goes on with it.
    pub goes_on: Vec<[String; 2]>,
    /// What a first line says of a fault: drivers speak of their devices below.
    pub faults: Vec<String>,
    /// What a failed check says of what it found, in small letters; a neighbour seldom does just then.
    pub findings: Vec<String>,
    /// What a first line says of a table that is full.
    pub limits: Vec<String>,
}

/// Rules about source files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blame {
    /// Globs of files that are never to blame: `*` any text, `?` one character, matched at the beginning of the path.
    pub ignored_files: Vec<String>,
    /// Patterns of lines whose files do not count.
    pub ignored_lines: Vec<String>,
}

/// A type of the vocabulary.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRow {
    /// The type; may be empty.
    pub name: String,
    /// Beginnings of titles; of several that fit, the longest decides.
    pub titles: Vec<String>,
}
