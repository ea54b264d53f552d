//! The records that others script against: `kanalyze.report/1` and `kanalyze.event/1`.

use super::access::AccessKind;
use super::role::StackRole;
use crate::grammar::{Role, Severity, bare_function};
pub use crate::line::Speaker;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema name of [`Report`].
pub const REPORT_SCHEMA: &str = "kanalyze.report/1";
/// The schema name of [`Event`].
pub const EVENT_SCHEMA: &str = "kanalyze.event/1";

/// One line at which syzbot's rules would open a report, with everything that the log says about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    pub log: String,
    /// Number of the report in its log, from 0.
    pub index: usize,
    /// The grammar entry that named it, such as `kasan-bad-access`; a header's id when no entry did.
    pub kind: String,
    /// syzbot's title, byte for byte; kanalyze's own where `syzbot` is false.
    pub title: String,
    /// Other titles under which the same bug may be known, sorted.
    pub alt_titles: Vec<String>,
    /// syzbot's vocabulary of types (`KASAN-READ`, `HANG`, …); empty when syzbot has none.
    pub r#type: String,
    /// The function that the title names; empty when it names none.
    pub frame: String,
    /// The source file to blame, when the log names files.
    pub guilty_file: Option<String>,
    /// Why the report is damaged; never an empty string.
    pub corrupted: Option<String>,
    /// Whether the surrounding output says that the report is a side effect (out of memory, test tool died …).
    pub suppressed: bool,
    /// Whether the kernel panicked in the surrounding output.
    pub panicked: bool,
    /// syz-executor's process and program number.
    pub executor: Option<Executor>,
    /// Offset of the first line in the (decompressed) log, bytes.
    pub start: u64,
    /// Offset of the end of the last line that belongs to it, bytes.
    pub end: u64,
    /// 1-based number of the first line in the log.
    pub line: u64,
    /// printk time of the first line, seconds since boot.
    pub time: Option<f64>,
    /// printk caller of the first line: `T123` (task) or `C0` (CPU).
    pub caller: Option<String>,
    /// The task that the report is about.
    pub task: Option<Task>,
    /// The CPU that the report is about.
    pub cpu: Option<u32>,
    /// `index` of the report whose consequence this one is.
    pub cause: Option<usize>,
    /// Offset where the text that was looked at ends, bytes.
    pub text_end: u64,
    /// Which boot of the log, from 0.
    pub boot: usize,
    /// Taint letters (`G W`), `not tainted` → empty; absent when the log does not say.
    pub taint: Option<String>,
    /// Kernel release as printed in the report.
    pub kernel_version: Option<String>,
    /// What the report prints behind the release: the number of the build and, where the kernel prints them, more words
    /// and a build id (`#2 PREEMPT(full) 0123…`). For telling images apart; not part of the JSON record.
    #[serde(skip)]
    pub kernel_build: Option<String>,
    /// The `Hardware name:` line.
    pub hardware: Option<String>,
    /// The memory access that went wrong.
    pub access: Option<Access>,
    /// Stacks by role, in the order of the log.
    pub stacks: Vec<Stack>,
    /// Lists of held locks, in the order of the log.
    pub held_locks: Vec<HeldLocks>,
    /// What lockdep says.
    pub lockdep: Option<Box<Lockdep>>,
    /// Tasks that the report says are blocked.
    pub hung_tasks: Vec<HungTask>,
    /// CPU registers as printed, by name.
    pub registers: BTreeMap<String, String>,
    /// The bytes of the `Code:` line, `<..>` or `(..)` around the faulting one.
    pub code: Option<String>,
    /// What is missing or mixed up in the text, in words.
    pub damage: Vec<String>,
    /// Who wrote the first line. Only reports of the kernel are counted, titled and can be causes.
    pub speaker: Speaker,
    /// The function that a person would name where the title ends "in corrupted" or names none; absent when the title
    /// names it or nothing does.
    pub subject: Option<String>,
    /// Whether the report's own first line states the subject. Not part of the JSON record.
    #[serde(skip)]
    pub stated: bool,
    /// The report's own sentences, without prefixes: what WARN, refcount, list, UBSAN or a lockup printed.
    pub message: Vec<String>,
    /// The source line that the report's header names (`kernel BUG at mm/slub.c:310!`).
    pub source: Option<SourceLine>,
    /// The object of a slab that a memory error is about.
    pub object: Option<SlabObject>,
    /// The wall-clock time of the first line as written (`Nov 21 07:55:11`), when the log has it.
    pub wall: Option<String>,
    /// The number of `[#7]` at the end of an oops header, from 1. Above 1 it is not the first oops of its boot.
    pub oops: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether syzbot opens a report here; where it does not, the title is kanalyze's own.
    pub syzbot: bool,
    /// What the grammar's named captures took that the title does not say.
    pub fields: BTreeMap<String, String>,
}

/// A line of a source file, as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct SourceLine {
    /// The path.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// An object of a slab cache, or the place in it that was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct SlabObject {
    /// The cache (`kmalloc-64`), when said.
    pub cache: Option<String>,
    /// Its size, bytes, when said.
    pub size: Option<u64>,
    /// How far behind the object's start the access was, bytes; negative before it.
    pub offset: Option<i64>,
}

/// A notable thing that syzbot does not call a crash: an OOM kill, a lock dump, one task of a task dump …
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Event {
    /// [`EVENT_SCHEMA`].
    pub schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    pub log: String,
    /// Number of the event in its log, from 0.
    pub index: usize,
    /// The grammar entry, such as `oom-kill` or `held-locks`.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// Offset of the first line, bytes.
    pub start: u64,
    /// 1-based number of the first line.
    pub line: u64,
    /// printk time of the first line, seconds since boot.
    pub time: Option<f64>,
    /// printk caller of the first line.
    pub caller: Option<String>,
    /// The task that the event is about.
    pub task: Option<Task>,
    /// The CPU that the event is about.
    pub cpu: Option<u32>,
    /// Which boot of the log, from 0.
    pub boot: usize,
    /// What the grammar's named captures took from the first line.
    pub fields: BTreeMap<String, String>,
    /// Stacks that belong to it.
    pub stacks: Vec<Stack>,
    /// Lists of held locks that belong to it.
    pub held_locks: Vec<HeldLocks>,
    /// Tasks that the event describes as blocked.
    pub hung_tasks: Vec<HungTask>,
    /// Rows of a table that belongs to it (the OOM killer's tasks, trace lines of an ftrace dump), as printed.
    pub rows: Vec<String>,
    /// Who wrote the first line.
    pub speaker: Speaker,
    /// The wall-clock time of the first line as written, when the log has it.
    pub wall: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What the analysis of locks makes of it.
    #[serde(skip)]
    pub role: Option<Role>,
}

/// syz-executor's process and program number, from the command name `syz.PROC.ID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Executor {
    /// Process number.
    pub proc: i64,
    /// Program number.
    pub id: i64,
}

/// A task by command name and pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Task {
    /// Command name; may hold colons and blanks.
    pub comm: String,
    /// Process id in the kernel's sense (a thread).
    pub pid: i64,
}

/// A memory access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Access {
    /// `read`, `write`, `free` or what the report calls it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub kind: AccessKind,
    /// Bytes.
    pub size: Option<u64>,
    /// Address as printed.
    pub address: Option<String>,
}

/// One stack trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Stack {
    /// Its role: `crash`, `allocated`, `freed`, `hung`, `chain #1`, `cpu 0` …
    #[serde(rename = "name")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub role: StackRole,
    /// Whose stack.
    pub task: Option<Task>,
    /// The CPU it ran on.
    pub cpu: Option<u32>,
    /// 1-based log line of its first frame or its marker.
    pub line: u64,
    /// Innermost first.
    pub frames: Vec<Frame>,
}

/// One line of a stack trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Frame {
    /// Function with its compiler suffixes, as printed; absent for a bare address.
    pub function: Option<String>,
    /// Offset in the function, bytes.
    pub offset: Option<u64>,
    /// Size of the function, bytes.
    pub size: Option<u64>,
    /// Module.
    pub module: Option<String>,
    /// Address as printed, without brackets.
    pub address: Option<String>,
    /// Source file, when the log names it.
    pub file: Option<String>,
    /// Source line.
    pub line: Option<u32>,
    /// Whether it is an inlined copy.
    pub inline: bool,
    /// False for frames that the unwinder marked with `?` or `(unreliable)`.
    pub reliable: bool,
    /// 1-based line of the log.
    pub log_line: u64,
}

impl Frame {
    /// Whether it is the function of that name, compiler suffixes aside; the wrappers of a system call are the call.
    #[must_use]
    pub fn is_function(&self, name: &str) -> bool {
        !name.is_empty()
            && self.function.as_deref().is_some_and(|function| {
                let bare = bare_function(function);
                bare == name || (bare.ends_with(name) && (bare.contains("sys_") || bare.starts_with("__se_")))
            })
    }

    /// Whether both are the same instruction, as far as the log shows: the same function and offset, or, where a tool
    /// wrote over the offsets, the same source line.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        let in_source = |frame: &Self| frame.file.is_some() && frame.line.is_some();
        self.function.is_some()
            && self.function == other.function
            && self.offset == other.offset
            && (self.offset.is_some() || in_source(self) && self.file == other.file && self.line == other.line)
    }
}

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
