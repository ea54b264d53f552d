//! The record `kanalyze.locks/1`: who waits for whom at one moment of a log.

use super::kind::{Identity, WaitKind};
use crate::report::{ScenarioStep, Task};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Dump`].
pub const LOCKS_SCHEMA: &str = "kanalyze.locks/1";

/// How sure an edge is, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Grade {
    /// The log does not say who holds it.
    Unknown,
    /// One of several, or one from an incomplete list.
    Possible,
    /// The only candidate of a complete list, or an inference with one soft step.
    Likely,
    /// Follows from the log: the waiter blocks at that acquisition, the holder is past its own.
    Certain,
    /// The kernel names the owner of the lock. (It says `likely owned by`, since it looks without taking the lock.)
    Stated,
}

impl Grade {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
            Self::Stated => "stated",
        }
    }

    /// Whether cycles and roots are built on it.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self >= Self::Likely
    }
}

/// One moment of a log: a pass of the hung-task watchdog, a sysrq dump.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Dump {
    /// [`LOCKS_SCHEMA`].
    pub schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    pub log: String,
    /// Number of the dump in its log, from 0.
    pub index: usize,
    /// Which boot of the log, from 0.
    pub boot: usize,
    /// printk time of the dump's first line, seconds since boot.
    pub at: Option<f64>,
    /// 1-based log line of the dump's first line.
    pub line: u64,
    /// Whether it shows a hang: a task that the kernel calls blocked, a wait for a named holder, a cycle.
    pub hang: bool,
    /// All tasks that the dump speaks of, by pid.
    pub tasks: Vec<DumpTask>,
    /// Who waits for what and whom; one entry for each holder that comes into question.
    pub waits: Vec<Wait>,
    /// Cycles as ascending pids.
    pub cycles: Vec<Vec<i64>>,
    /// Who everybody ends up waiting for.
    pub roots: Vec<Root>,
    /// Tasks that were running when the lists of locks were printed, so that theirs are not shown: each may hold anything.
    pub running: Vec<Task>,
    /// What is different from the dump before.
    pub changes: Option<Changes>,
    /// Lockdep's reports up to here, explained.
    pub lockdep: Vec<Explanation>,
    /// Where a lockdep report and this hang are about the same locks.
    pub joined: Vec<Joined>,
    /// What could not be determined, and why.
    pub unknown: Vec<String>,
}

/// One task of a dump.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct DumpTask {
    /// Command name.
    pub comm: String,
    /// Process id.
    pub pid: i64,
    /// `D`, `S` … when printed.
    pub state: Option<String>,
    /// For how long the kernel calls it blocked, seconds.
    pub seconds: Option<u64>,
    /// printk time since when it has been waiting as it does now, as far as the log's dumps show, seconds since boot.
    pub since: Option<f64>,
    /// Workqueue and function of a worker.
    pub work: Option<String>,
    /// What it holds.
    pub holds: Vec<LockRef>,
    /// Where its stack begins, below the scheduler and what it sleeps in: `function+0x1/0x2 file:line`.
    pub stands_in: Option<String>,
    /// 1-based log line of that frame.
    pub stands_at: Option<u64>,
    /// Whether its stack is that of an earlier dump, still valid.
    pub inherited: bool,
    /// 1-based log line that speaks of it first in this dump.
    pub line: u64,
}

/// A lock in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct LockRef {
    /// Class, or what is known of the object; absent when the log does not name it.
    pub class: Option<String>,
    /// Instance address; absent in old and in mailed logs.
    pub address: Option<String>,
    /// Where it is taken or awaited: `function+0x1/0x2 file:line`.
    pub acquired_at: Option<String>,
    /// 1-based log line.
    pub line: Option<u64>,
}

/// One edge, or half of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Wait {
    /// Who waits.
    pub waiter: Task,
    /// For what.
    pub lock: LockRef,
    /// What kind of thing it waits for.
    pub kind: WaitKind,
    /// For whom; absent when unknown.
    pub holder: Option<Task>,
    /// How many tasks list the lock and may hold it, where they are too many to be named; 0 otherwise.
    pub candidates: usize,
    /// How sure.
    pub grade: Grade,
    /// 1-based log lines that it rests on, ascending.
    pub evidence: Vec<u64>,
    /// Why this grade, in words.
    pub because: String,
    /// How the lock is distinguished from others.
    pub identity: Identity,
}

/// A task at the end of a chain of waits: others wait for it, or it is blocked itself, and the log shows nothing further.
/// A task that waits for a lock which somebody holds whom the log does not name is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Root {
    /// Process id.
    pub pid: i64,
    /// Command name.
    pub comm: String,
    /// What it waits for itself, in words; absent when it does not wait as far as the log shows.
    pub waits_for: Option<String>,
    /// How many tasks wait for it, directly or through others.
    pub blocked_tasks: usize,
    /// The longest way of waiting that ends here, edges.
    pub depth: usize,
    /// Classes of the locks through which others wait for it directly.
    pub through: Vec<String>,
    /// The strongest of the edges that lead here; absent when none does.
    pub grade: Option<Grade>,
}

/// What is different from the dump before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Changes {
    /// Tasks that did not wait before.
    pub new: Vec<Task>,
    /// Tasks that wait as before.
    pub still: Vec<Task>,
    /// Tasks that waited, and are no longer listed as waiting.
    pub gone: Vec<Task>,
}

/// A lockdep report in plain order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Explanation {
    /// 1-based log line of the report.
    pub line: u64,
    /// `circular`, `recursive`, `irq-inversion` …
    pub flavour: String,
    /// One sentence.
    pub summary: String,
    /// The classes of the cycle, in order of acquisition; the last one leads back to the first. Empty where the chain is cut.
    pub cycle: Vec<String>,
    /// Where each dependency was established.
    pub steps: Vec<Dependency>,
    /// Which function takes which two locks in which order: the two call paths of an AB-BA. For reports about
    /// interrupts: where a lock was used in which state.
    pub paths: Vec<String>,
    /// The scenario table, as printed.
    pub scenario: Vec<ScenarioStep>,
}

/// `then` was taken while `first` was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Dependency {
    /// Class held; absent where the log has lost it.
    pub first: Option<String>,
    /// Class taken.
    pub then: String,
    /// Function that took it, with its place: `function+0x1/0x2 file:line`.
    pub function: Option<String>,
    /// `read`, `write`, or what the primitive's name says.
    pub mode: Option<String>,
    /// Call path, the function that takes the lock first.
    pub path: Vec<String>,
    /// 1-based log line.
    pub line: u64,
}

/// A lockdep report and a hang on the same classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Joined {
    /// 1-based log line of the lockdep report.
    pub report_line: u64,
    /// The classes that both name.
    pub classes: Vec<String>,
    /// Pids of the waiters on these classes.
    pub waiters: Vec<i64>,
    /// In words.
    pub summary: String,
}
