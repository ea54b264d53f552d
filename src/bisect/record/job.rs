//! Who wrote a log and when, and what the job says about itself.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// When a log was written, as far as its features show. Dates are `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Dialect {
    /// Who wrote it.
    pub name: Origin,
    /// The host that wrote it.
    pub host: Option<String>,
    /// The start as printed.
    pub started: Option<String>,
    /// Not before.
    pub since: Option<String>,
    /// Not after.
    pub until: Option<String>,
    /// Whether it was unquoted from a mail.
    pub mailed: bool,
}

/// Who wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// syzbot's job.
    #[default]
    Syzbot,
    /// `git bisect log`, or what a terminal showed.
    Git,
    /// `git bisect visualize` and its kin.
    GitVisualize,
    /// The kernel test robot.
    #[serde(rename = "0-day")]
    ZeroDay,
}

impl Origin {
    /// Its name as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Syzbot => "syzbot",
            Self::Git => "git",
            Self::GitVisualize => "git-visualize",
            Self::ZeroDay => "0-day",
        }
    }
}

/// What the job says about itself. Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Totals {
    /// Number of tests; from November 2020 only those whose build succeeded.
    pub revisions: u64,
    /// Altogether.
    pub total: f64,
    /// Spent building.
    pub build: f64,
    /// Spent testing.
    pub test: f64,
}

/// A thinned list of releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Picked {
    /// Tags.
    pub tags: Vec<String>,
    /// Out of so many; null where the log has it garbled.
    pub of: Option<u64>,
}

/// Something that kept tests from running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Nuisance {
    /// The title or error, shortened.
    pub title: String,
    /// In how many lines of runs.
    pub runs: u32,
    /// In how many steps.
    pub steps: u32,
}
