//! The commit that a bisection names: how git shows it, what is odd about it, and what is said of it reverted.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// A start commit that was found again by its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Rewritten {
    /// The commit that everything afterwards is about.
    pub commit: String,
    /// The title by which it was found.
    pub title: Option<String>,
}

/// The answer as git shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Culprit {
    /// 40 hex digits, fewer if the log has no more.
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// `Name <address>`.
    pub author: Option<String>,
    /// As printed.
    pub date: Option<String>,
    /// Abbreviated parents of a merge.
    pub parents: Vec<String>,
    /// Files with their share of the diffstat.
    pub files: Vec<Changed>,
    /// Lines added, when the diffstat says.
    pub insertions: Option<u64>,
    /// Lines removed.
    pub deletions: Option<u64>,
    /// Commits that its message names after `Fixes:`, as abbreviated there.
    pub fixes: Vec<String>,
}

/// A file of the diffstat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Changed {
    /// As printed; a leading `...` is git's own shortening.
    pub path: String,
    /// Lines changed; absent for binary files and raw listings.
    pub lines: Option<u64>,
}

/// Oddities of the culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Flags {
    /// More than one parent.
    pub merge: bool,
    /// The binary is that of its parent.
    pub no_op: bool,
    /// A version bump.
    pub release: bool,
}

/// Kernel signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Signatures {
    /// Of the named commit.
    pub culprit: Option<String>,
    /// Of its parent (before December 2019: of the commit tested before).
    pub parent: Option<String>,
}

/// What is said of the answer reverted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Revert {
    /// 1-based line of the log.
    pub line: u64,
    /// How it ended.
    pub result: RevertResult,
    /// The sentence as written, or the kind of test.
    pub words: String,
}

/// How a test of the answer reverted ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RevertResult {
    /// The bug was gone: a reason for the answer.
    Passed,
    /// The bug was still there: a reason against it.
    Failed,
    /// A person's sentence, or a test that was not judged.
    Unknown,
}
