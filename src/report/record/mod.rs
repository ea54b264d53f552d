//! The records that others script against: `kanalyze.report/1` and `kanalyze.event/1`.

mod locks;
mod stack;

use crate::grammar::{Role, Severity};
pub use crate::line::Speaker;
pub use locks::{Blocker, ChainEntry, HeldLock, HeldLocks, HungTask, Lockdep, ScenarioStep, WaitContext};
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
pub use stack::{Access, Frame, Stack, Task};
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
    /// The function that a person would name where the title ends "in corrupted", names none, or names one by which its
    /// caller asserts (`assfail`); absent when the title names it or nothing does.
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
