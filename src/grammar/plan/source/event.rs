//! Notable lines that are not crashes, as they are written.

use super::super::texts;
use super::{Samples, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A notable line that is not a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique name.
    pub id: String,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
    /// What to do about it.
    #[serde(default)]
    pub advice: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Text that its lines contain; of several, any. Without one, the longest text that the pattern demands.
    #[serde(default, deserialize_with = "texts::one_or_several")]
    pub trigger: Vec<String>,
    /// Pattern of the line; named groups become fields.
    #[serde(default)]
    pub pattern: String,
    /// Title template.
    pub title: String,
    /// Pattern of the lines below that belong to it as rows (OOM tables, trace lines).
    pub rows: Option<String>,
    /// Whether stacks and lock lists below belong to it.
    #[serde(default)]
    pub structure: bool,
    /// Whether what is below it says nothing of other tasks and of locks, so that of many the number is enough.
    #[serde(default)]
    pub countable: bool,
    /// Whether a warning says it: `WARN(…, "…")`. Other events between a warning's mark and its place are others' lines.
    #[serde(default)]
    pub warns: bool,
    /// What the analysis of locks makes of it.
    pub role: Option<Role>,
    /// Makes it a crash, as the built-in kinds are.
    #[serde(default)]
    pub crash: bool,
    /// Values of a named group and what they mean: `{meaning}` in the title.
    #[serde(default)]
    pub meanings: Meanings,
    /// Lines that hit it, with their title.
    #[serde(default)]
    pub samples: Samples,
}

impl Event {
    /// Whether the analysis of locks may have a use for it: for itself, or for what is below it.
    pub(crate) fn tells_of_locks(&self) -> bool {
        self.structure || self.rows.is_some() || self.role.is_some() || traces_locks(&self.pattern)
    }
}

/// Whether a line with this pattern says that a task takes or releases a lock.
pub(crate) fn traces_locks(pattern: &str) -> bool {
    pattern.contains("(?P<lock>") && pattern.contains("(?P<action>")
}

/// What an event is to the analysis of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// From here on the kernel reports no hung task.
    HungTasksSuppressed,
    /// From here on there are no lists of held locks.
    LockdepOff,
    /// A list of the locks of all tasks begins.
    LockList,
    /// Somebody asked for a dump; the field `name` says which.
    Sysrq,
}

/// What the values of a group mean.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meanings {
    /// The group.
    pub of: String,
    /// Value → meaning.
    pub values: BTreeMap<String, String>,
    /// Meaning of a value that the list does not have.
    pub other: String,
}

impl Meanings {
    /// What a value means.
    #[must_use]
    pub fn tell(&self, value: &str) -> &str {
        self.values.get(value).unwrap_or(&self.other)
    }
}
