//! The record `kanalyze.diff/1`: what changed between two groups of runs.

use super::cause::Cause;
use super::seen::Area;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema name of [`Difference`].
pub const DIFF_SCHEMA: &str = "kanalyze.diff/1";

/// What changed between two groups of runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Difference {
    /// [`DIFF_SCHEMA`].
    pub schema: &'static str,
    /// The first group.
    pub a: Side,
    /// The second group.
    pub b: Side,
    /// Whether anything is claimed to differ that the baseline does not know.
    pub differs: bool,
    /// The level at which a difference of rates is claimed, after Holm's correction within an area.
    pub alpha: f64,
    /// How the intervals are made: Clopper–Pearson, and their confidence.
    pub interval: &'static str,
    /// What is not the same, claimed differences first.
    pub findings: Vec<Finding>,
    /// How many things of each area were compared and are the same.
    pub same: BTreeMap<&'static str, usize>,
}

/// One group of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Side {
    /// As the user named it.
    pub name: String,
    /// The logs, one per run.
    pub logs: Vec<String>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Only in B.
    New,
    /// Only in A.
    Gone,
    /// Another value, or the same title with another cause.
    Changed,
    /// In more runs of B, or more often in each.
    More,
    /// In fewer runs of B, or less often in each.
    Less,
    /// Later in B.
    Slower,
    /// Earlier in B.
    Faster,
    /// The numbers differ, but not beyond luck.
    Unclear,
    /// Worth knowing, no difference: seen first at another time, in another order.
    Note,
}

impl Verdict {
    /// Whether a difference is claimed.
    #[must_use]
    pub fn is_claim(self) -> bool {
        !matches!(self, Self::Unclear | Self::Note)
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::More => "more",
            Self::Less => "less",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Unclear => "cannot tell",
            Self::Note => "note",
        }
    }
}

/// One thing that is not the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// What: a title, a message's template, a lock pair, a parameter …
    pub name: String,
    /// Other titles of the same bug, sorted.
    pub alt_titles: Vec<String>,
    /// What it comes to.
    pub verdict: Verdict,
    /// The comparison in one sentence.
    pub words: String,
    /// In how many runs of A; absent for values.
    pub a: Option<Rate>,
    /// In how many runs of B; absent for values.
    pub b: Option<Rate>,
    /// The value in A, for settings and times.
    pub a_value: Option<String>,
    /// The value in B.
    pub b_value: Option<String>,
    /// Of Fisher's exact test, or the rank-sum test for times and counts, two-sided.
    pub p: Option<f64>,
    /// `p` after Holm's correction within the area.
    pub p_corrected: Option<f64>,
    /// How many runs more a side needs to tell such rates apart (level 0.05, power 0.8).
    pub runs_more: Option<usize>,
    /// Where B (or A, if B has none) shows it.
    pub place: Option<Place>,
    /// The causes, where one title has different ones.
    pub causes: Option<Causes>,
    /// Why the baseline expects it; then it does not count.
    pub known: Option<String>,
}

impl Finding {
    /// A finding without numbers.
    #[must_use]
    pub fn plain(area: Area, name: &str, verdict: Verdict, words: String) -> Self {
        Self {
            area,
            name: name.to_owned(),
            alt_titles: Vec::new(),
            verdict,
            words,
            a: None,
            b: None,
            a_value: None,
            b_value: None,
            p: None,
            p_corrected: None,
            runs_more: None,
            place: None,
            causes: None,
            known: None,
        }
    }
}

/// k of n runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Rate {
    /// Runs that have it.
    pub runs: usize,
    /// Runs in all.
    pub of: usize,
    /// Lower end of the exact 95 % interval of the rate.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How often over all runs.
    pub times: usize,
    /// Median of the time when it was first seen, seconds since boot.
    pub first_seen: Option<f64>,
}

/// Where a log shows something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Place {
    /// The log.
    pub log: String,
    /// 1-based line.
    pub line: u64,
}

/// Two causes of one title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Causes {
    /// Why they are not one.
    pub because: String,
    /// A's.
    pub a: Cause,
    /// B's.
    pub b: Cause,
}
