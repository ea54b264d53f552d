//! A tested commit: why it was tested, its runs, and what git was told.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// One tested commit, or one verdict that was given without a test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Step {
    /// Why it was tested.
    pub role: Role,
    /// What was tested, or what the verdict is about.
    pub commit: String,
    /// Its subject, where git printed it.
    pub subject: Option<String>,
    /// The release tag.
    pub release: Option<String>,
    /// 1-based line of the log.
    pub line: u64,
    /// The compiler that built it, as printed.
    pub compiler: Option<String>,
    /// The compiler family that the manager was configured for (`gcc`, `clang`); need not be the compiler's.
    pub family: Option<String>,
    /// Hash of the kernel binary without its volatile parts.
    pub signature: Option<String>,
    /// One entry per line: a line `all runs:` is one entry with `number` null.
    pub runs: Vec<Run>,
    /// How many machines ran: counted, or for `all runs:` what the rules of that date say.
    pub run_count: Option<u32>,
    /// Whether `run_count` was counted in the log.
    pub counted: bool,
    /// Runs that crashed.
    pub crashed: u32,
    /// Runs that survived.
    pub survived: u32,
    /// What the log then told git.
    pub verdict: Option<Verdict>,
    /// The verdict that the rules of that date give for these runs; null when they are unknown or the rules of the possible dates differ.
    pub rules_verdict: Option<Verdict>,
    /// Why the verdict contradicts the runs under every rule set that can have been in force.
    pub contradiction: Option<String>,
    /// Revisions left to test after this, as git said before it.
    pub left: Option<u64>,
    /// Why there are no runs or no verdict, in words of the log.
    pub failure: Option<String>,
    /// The job's representative crash.
    pub representative: Option<String>,
    /// Its types.
    pub types: Vec<String>,
    /// Lines that belong to it but say nothing that is modelled.
    pub notes: Vec<String>,
}

/// Why a commit was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The commit on which the bug was seen.
    Original,
    /// The same again with a smaller kernel config.
    Config,
    /// A release, looking for a good one.
    Release,
    /// The current head, looking for a fix.
    Head,
    /// A merge base.
    MergeBase,
    /// git asked for it.
    Bisect,
    /// An end point or a verdict that people gave by hand.
    Given,
    /// The culprit's parent, built only to compare binaries.
    Parent,
    /// A test after the answer, to check it.
    Check,
}

impl Role {
    /// Whether such a step says something about the bug: the culprit's parent and checks after the answer do not.
    #[must_use]
    pub fn is_walked(self) -> bool {
        !matches!(self, Self::Parent | Self::Check)
    }
}

/// One test run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Run {
    /// Its number; null for `all runs:`.
    pub number: Option<u32>,
    /// What came of it.
    pub result: RunResult,
    /// Title or error text; absent for a run that survived.
    pub title: Option<String>,
    /// Continuation lines (of several, the first few).
    pub detail: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunResult {
    /// Survived.
    Ok,
    /// Crashed, whatever the title.
    Crashed,
    /// The machine did not boot.
    BootFailed,
    /// A trivial program failed already.
    BasicFailed,
    /// The test could not be run.
    Failed,
    /// Infrastructure.
    Infra,
    /// A crash of a type that the job ignores.
    Ignored,
}

/// What git was told. For a fix bisection a crash is `good`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The earlier side.
    Good,
    /// The later side.
    Bad,
    /// Could not be judged.
    Skip,
}
