//! The record that others script against: `kanalyze.bisect/1`, one per log.

mod answer;
mod job;
mod step;
mod trust;

pub use answer::{Changed, Culprit, Flags, Revert, RevertResult, Rewritten, Signatures};
pub use job::{Dialect, Nuisance, Origin, Picked, Totals};
pub use step::{Role, Run, RunResult, Step, Verdict};
pub use trust::{Basis, Doubted, NextTest, Reason, Trust, Unreliable};

use crate::report::Report;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Bisection`].
pub const SCHEMA: &str = "kanalyze.bisect/1";

/// One bisection transcript, read whole and judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Bisection {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    pub log: String,
    /// Which of the bisections in the log, from 1.
    pub session: usize,
    /// How many the log holds.
    pub sessions: usize,
    /// What was sought, and in which kind of log.
    pub kind: Kind,
    /// Where the log came from and when; inferred, because no dialect says its version.
    pub dialect: Dialect,
    /// Whether the beginning is missing (dashboards drop the beginning of large texts).
    pub truncated: bool,
    /// The commit from which the search started, as the header names it.
    pub start_commit: Option<String>,
    /// The commit that replaced a vanished start commit; everything that follows is about this one.
    pub rewritten: Option<Rewritten>,
    /// The syzkaller revision that ran the reproducer.
    pub syzkaller: Option<String>,
    /// How the search ended.
    pub outcome: Outcome,
    /// The outcome in one sentence.
    pub answer: String,
    /// The answer's commits: one for a culprit, several for candidates, else none.
    pub commits: Vec<String>,
    /// The named commit as git shows it.
    pub culprit: Option<Culprit>,
    /// syzbot's and our own names for what is odd about the culprit.
    pub flags: Flags,
    /// Why the job ended, for [`Outcome::Error`].
    pub error: Option<String>,
    /// How many `testing commit` blocks the log holds.
    pub tested_commits: usize,
    /// The walk, in the order of the log.
    pub steps: Vec<Step>,
    /// Commits that were given at the start beyond the first of each side, which are steps.
    pub given: Vec<Given>,
    /// The end points that were given to git, as written: the bad one and the good one.
    pub range: Option<Range>,
    /// Revisions that git still had to look at when the log ended; null when it had finished.
    pub revisions_left: Option<u64>,
    /// The words that a plain git log uses for its two sides; null for good and bad.
    pub terms: Option<Terms>,
    /// Kernel signatures of the culprit and of its parent; equal ones mean that the commit changed nothing in the binary.
    pub signatures: Option<Signatures>,
    /// What the job says about itself at the end.
    pub totals: Option<Totals>,
    /// Whether the job itself called the reproducer flaky.
    pub flagged_flaky: bool,
    /// The job's estimate of how often the reproducer crashes a bad kernel, 0…1.
    pub repro_chance: Option<f64>,
    /// The job's own estimate of the probability that some good verdict was wrong, 0…1.
    pub error_probability: Option<f64>,
    /// Release tags that the job picked for the walk, and out of how many.
    pub picked: Option<Picked>,
    /// Mail addresses that the job would write to.
    pub recipients_to: Vec<String>,
    /// Mail addresses that the job would copy.
    pub recipients_cc: Vec<String>,
    /// The title in the `crash:` line.
    pub crash_title: Option<String>,
    /// The crash report that follows it, as the engine reads it; null without one, or when nothing was found in it.
    pub crash: Option<Box<Report>>,
    /// Lines about the kernel config: what was tried and what was dropped.
    pub config: Vec<String>,
    /// The probability that the named commit is right; null without a commit, and for logs that hold no test runs.
    pub confidence: Option<f64>,
    /// What `confidence` rests on.
    pub basis: Basis,
    /// Every term of the confidence, largest first: their sum is its log odds (before [`Basis::Model`]'s bounds of 1 and 97 %).
    pub reasons: Vec<Reason>,
    /// Where and how the walk went astray, if it did.
    pub unreliable_from: Option<Unreliable>,
    /// What the reliable steps alone support.
    pub trust: Option<Trust>,
    /// The test that would raise the confidence most.
    pub next_test: Option<NextTest>,
    /// Unfit hosts and infrastructure: what did not run, and how often.
    pub infrastructure: Vec<Nuisance>,
    /// Always empty: what people write around a log is not a remark on it; `reverts` has what concerns the answer.
    pub remarks: Vec<String>,
    /// What the text says of the answer reverted: extra tests, and sentences below the log as written.
    pub reverts: Vec<Revert>,
    /// From where on the titles of the first test were not seen any more.
    pub title_drift: Option<TitleDrift>,
    /// What else is to be known about the log, in words.
    pub notes: Vec<String>,
}

/// What was sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The commit that introduced a bug.
    Cause,
    /// The commit that fixed it; git then gets `good` where the kernel crashed.
    Fix,
    /// A plain git log: verdicts without test runs.
    Git,
}

/// How the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// One commit.
    Culprit,
    /// Several commits, because the tests between them could not be judged.
    Candidates,
    /// The bug is older than the oldest tested release, or still there on HEAD.
    Horizon,
    /// The job gave up.
    Error,
    /// The log ends before an answer.
    Incomplete,
}

/// A commit that was given to git at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Given {
    /// As written.
    pub commit: String,
    /// Its side.
    pub verdict: Verdict,
}

/// Where the titles of the first test were left behind. That alone proves nothing: a hang may become a deadlock report of the same bug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct TitleDrift {
    /// Index into `steps` of the first step from which on no kernel crashed with a title of the first test.
    pub step: usize,
    /// What that step crashed with (one of its titles).
    pub title: String,
    /// Whether every later title has something in common with the first: the function, or a word of it.
    pub near: bool,
    /// How often bisections with such a drift were right.
    pub drifted: Share,
    /// How often bisections without any drift were.
    pub kept: Share,
}

/// So many of so many bisections with known truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Share {
    /// Bisections that were right.
    pub right: u32,
    /// Bisections in all.
    pub of: u32,
}

/// The end points given to git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Range {
    /// As written: a commit or a tag.
    pub bad: String,
    /// As written.
    pub good: String,
    /// The release of the bad end, when the log tested it as such.
    pub bad_release: Option<String>,
    /// The release of the good end.
    pub good_release: Option<String>,
}

/// The words of a git log's two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Terms {
    /// The earlier side, git's `good`.
    pub old: String,
    /// The later side, git's `bad`.
    pub new: String,
}
