//! How far a bisection is to be believed, what speaks for and against it, and what to test next.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// What a confidence rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Basis {
    /// The fitted model, on the kind of log that it was fitted on.
    Model,
    /// The fitted model, on a kind of log that it was not fitted on (fix bisections).
    Extrapolated,
    /// Nothing: no commit, or no test runs to judge by.
    None,
}

/// One term of the confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Reason {
    /// Id of the sign, as in `src/bisect/weights.toml`; `intercept` is where all bisections begin.
    pub sign: String,
    /// What was seen, in words.
    pub words: String,
    /// Its share of the log odds against a log that shows the average of the sign; positive speaks for the commit.
    pub weight: f64,
}

/// Where results stopped being reliable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Unreliable {
    /// Index into `steps`.
    pub step: usize,
    /// Which kind of doubt.
    pub kind: Doubted,
    /// Why.
    pub why: String,
}

/// Kinds of doubt about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Doubted {
    /// It crashed in few runs only.
    SeldomCrashed,
    /// It crashed under titles that have nothing in common with those of the first test.
    OtherTitle,
    /// It survived too few runs.
    ShortSurvival,
    /// Its verdict contradicts its runs.
    Contradiction,
}

/// What the reliable steps support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Trust {
    /// The oldest reliably bad commit or release; null when there is none.
    pub bad: Option<String>,
    /// The newest reliably good one; null when there is none.
    pub good: Option<String>,
    /// In words: `trust only v5.3..v5.4`.
    pub words: String,
}

/// A test worth doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct NextTest {
    /// What to test.
    pub commit: Option<String>,
    /// What to do and what it would show.
    pub words: String,
}
