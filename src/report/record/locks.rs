//! What a record says of locks, of their orders, and of tasks that wait.

use super::{Frame, Task};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// A list `N locks held by comm/pid:`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct HeldLocks {
    /// Whose list; absent when damaged.
    pub task: Option<Task>,
    /// The number that the header announces.
    pub announced: Option<u32>,
    /// 1-based log line of the header.
    pub line: u64,
    /// The locks in the order of acquisition.
    pub locks: Vec<HeldLock>,
}

/// One line ` #0: ADDR (class){usage}-{wait:type}, at: function`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct HeldLock {
    /// The number before the colon.
    pub number: Option<u32>,
    /// Instance address as printed (of the lock's map, not of the lock).
    pub address: Option<String>,
    /// Lock class, subclass included, as printed: `&o->lock/1`.
    pub class: String,
    /// Subclass, the part after `/`.
    pub subclass: Option<u32>,
    /// Usage bits: `+.+.`.
    pub usage: Option<String>,
    /// Wait types: `4:4`.
    pub wait_type: Option<String>,
    /// Where it was taken.
    pub acquired_at: Option<Frame>,
    /// The functions inlined there, innermost first (symbolized logs).
    pub inlined: Vec<Frame>,
    /// 1-based log line.
    pub line: u64,
}

/// What a lockdep report says.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Lockdep {
    /// `circular`, `recursive`, `irq-inversion`, `inconsistent`, … (the grammar entry's word).
    pub flavour: String,
    /// The lock that the task tries to take.
    pub acquiring: Option<HeldLock>,
    /// The lock that it holds already.
    pub holding: Option<HeldLock>,
    /// The dependency chain, highest number (`-> #n`) first, as printed.
    pub chain: Vec<ChainEntry>,
    /// The chain as text: `Chain exists of:` line.
    pub chain_text: Option<String>,
    /// The scenario table: one row per step, CPU → action.
    pub scenario: Vec<ScenarioStep>,
    /// `{HARDIRQ-ON-W} -> {IN-HARDIRQ-W} usage.`, `but this lock took another, SOFTIRQ-unsafe lock in the past:`,
    /// `context-{2:2}` and their likes, as printed.
    pub usage: Option<String>,
    /// DEPT's contexts, in the order of the log; lockdep has none.
    pub contexts: Vec<WaitContext>,
}

/// One context of a DEPT report: what it waits for, and the event that does not come because of it.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct WaitContext {
    /// `A`, `B` …
    pub name: String,
    /// Class of what the context owes to others since `[S]`: a lock that it holds, an event that was asked for.
    pub owed: Option<String>,
    /// Class of what it waits for, of `[W]`.
    pub awaited: Option<String>,
    /// The event that cannot be reached, `[E]`, as printed.
    pub event: Option<String>,
    /// The stack of the wait.
    pub frames: Vec<Frame>,
    /// 1-based log line of its `[W]`; 0 if it has none.
    pub line: u64,
}

/// One `-> #n (class){usage}:` entry of a lockdep chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct ChainEntry {
    /// n.
    pub number: u32,
    /// Lock class as printed.
    pub class: String,
    /// Usage bits.
    pub usage: Option<String>,
    /// Wait types.
    pub wait_type: Option<String>,
    /// Where the dependency was established.
    pub frames: Vec<Frame>,
    /// 1-based log line.
    pub line: u64,
}

/// One step of lockdep's scenario table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct ScenarioStep {
    /// Column, from 0.
    pub cpu: u32,
    /// `lock(&a->b)`, `<Interrupt>`, `*** DEADLOCK ***` …
    pub action: String,
}

/// A task that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct HungTask {
    /// Who.
    pub task: Task,
    /// For how long, seconds, when said; a task without is only listed (a task dump, the holder of a lock …).
    pub seconds: Option<u64>,
    /// `D`, `S`, `R` … as printed.
    pub state: Option<String>,
    /// Whether the kernel said `in I/O wait`.
    pub io_wait: bool,
    /// Whether the kernel said after it that it reports no more hung tasks.
    pub last: bool,
    /// Thread group, when printed.
    pub tgid: Option<i64>,
    /// Parent, when printed.
    pub ppid: Option<i64>,
    /// Workqueue, when the line `Workqueue: name function` is there.
    pub workqueue: Option<String>,
    /// The function that the worker runs.
    pub work_function: Option<String>,
    /// Index into the record's `stacks`.
    pub stack: Option<usize>,
    /// The kernel's own word on who holds what it waits for.
    pub blocker: Option<Blocker>,
    /// 1-based log line.
    pub line: u64,
}

/// `… is blocked on a mutex likely owned by task comm:pid.`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Blocker {
    /// Who is blocked.
    pub waiter: Task,
    /// `mutex`, `semaphore`, `rw-semaphore`.
    pub lock: String,
    /// The holder; absent when the kernel says that it does not know.
    pub holder: Option<Task>,
    /// How the waiter wants the lock: `reader` or `writer`, when said.
    pub mode: Option<String>,
    /// How the holder has it.
    pub holder_mode: Option<String>,
    /// 1-based log line.
    pub line: u64,
}
