//! Reports as columns: Parquet, Arrow, CSV, SQL.
//!
//! A table has a row for each log, each report and each event (`record` says which), so that rates have a denominator:
//! a log without a crash is a row, too. [`COLUMNS`] is the schema `kanalyze.events/1`. The rows of a log stay together
//! and in order. Everything that names polars stands behind the cargo feature `tables`; `Cargo.toml` says what it costs.
//!
//! `columns` turns rows into a data frame, `write` gathers rows, `draft` puts frames into files, `parts` into partitions of a
//! folder, `query` reads them again.

#[cfg(feature = "tables")]
mod columns;
#[cfg(feature = "tables")]
mod draft;
#[cfg(feature = "tables")]
mod form;
#[cfg(feature = "tables")]
mod parts;
#[cfg(feature = "tables")]
mod query;
#[cfg(feature = "tables")]
mod value;
#[cfg(feature = "tables")]
mod write;

#[cfg(feature = "tables")]
pub use form::Form;
#[cfg(feature = "tables")]
pub use query::{Answer, ask, is_table};
#[cfg(feature = "tables")]
pub use write::TableWriter;

use crate::report::{Event, Report};

/// The schema name of a row, in the column `schema`.
pub const ROW_SCHEMA: &str = "kanalyze.events/1";

/// What went wrong with a table, in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The system's word on a file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// What the user asked for cannot be.
    #[error("{0}")]
    Request(String),
}

/// One row.
#[derive(Debug)]
#[non_exhaustive]
pub enum Row {
    /// A log as a whole.
    Log(Box<LogRow>),
    /// A report.
    Report(Box<Report>),
    /// An event.
    Event(Box<Event>),
}

/// What a table says of a log as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRow {
    /// The path as the user gave it.
    pub log: String,
    /// Its (decompressed) size, bytes.
    pub bytes: u64,
    /// How it is damaged, in a sentence.
    pub damage: Option<String>,
}

/// One column: its name, its type in Arrow's terms, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// Name; the same as in the JSON records where those have the field.
    pub name: &'static str,
    /// Type.
    pub r#type: &'static str,
    /// Meaning, units.
    pub meaning: &'static str,
}

const fn column(name: &'static str, r#type: &'static str, meaning: &'static str) -> ColumnInfo {
    ColumnInfo { name, r#type, meaning }
}

/// The schema `kanalyze.events/1`. In CSV, lists and structs are JSON in a field.
pub const COLUMNS: [ColumnInfo; 40] = [
    column("schema", "text", "kanalyze.events/1"),
    column("record", "text", "log, report or event; each log has one row of its own"),
    column("log", "text", "the path as it was given"),
    column("index", "u32", "number of the report or event in its log, from 0"),
    column("kind", "text", "the grammar entry that named it"),
    column("title", "text", "syzbot's title of a report, a line for people of an event"),
    column("alt_titles", "list<text>", "other titles under which the bug may be known, sorted"),
    column("type", "text", "syzbot's type of a report"),
    column("frame", "text", "the function that the title names"),
    column("guilty_file", "text", "the source file to blame, when the log names files"),
    column("corrupted", "text", "why the report is damaged"),
    column("suppressed", "bool", "whether the report is a side effect of the surroundings"),
    column("panicked", "bool", "whether the kernel panicked in the surrounding output"),
    column("cause", "u32", "index of the report whose consequence this one is"),
    column("executor_proc", "i64", "syz-executor's process number"),
    column("executor_id", "i64", "syz-executor's program number"),
    column("start", "u64", "offset of the first line, bytes; 0 for a log"),
    column("end", "u64", "offset of the end of a report, bytes; size of a log"),
    column("line", "u64", "number of the first line in the log, from 1"),
    column("time", "f64", "printk time of the first line, seconds since boot"),
    column("caller", "text", "printk caller: T123 or C0"),
    column("comm", "text", "the task that it is about"),
    column("pid", "i64", "its pid"),
    column("cpu", "u32", "the CPU that it is about"),
    column("boot", "u32", "which boot of the log, from 0"),
    column("taint", "text", "taint letters"),
    column("kernel_version", "text", "kernel release as printed in the report"),
    column("hardware", "text", "the Hardware name: line"),
    column("access_kind", "text", "read, write, free …"),
    column("access_size", "u64", "bytes"),
    column("access_address", "text", "address as printed"),
    column(
        "stacks",
        "list<struct<name, comm, pid, cpu, line, frames: list<struct<function, offset, size, module, address, file, line, inline, reliable, log_line>>>>",
        "stacks by role, innermost frame first",
    ),
    column(
        "held_locks",
        "list<struct<comm, pid, announced, line, locks: list<struct<number, class, subclass, address, usage, wait_type, acquired_at, acquired_file, acquired_line, line>>>>",
        "lists of held locks",
    ),
    column(
        "lockdep",
        "struct<flavour, acquiring, holding, chain: list<text>, chain_text, usage>",
        "what lockdep says: lock classes",
    ),
    column(
        "hung_tasks",
        "list<struct<comm, pid, seconds, state, io_wait, workqueue, work_function, blocker_comm, blocker_pid, line>>",
        "tasks that are blocked",
    ),
    column("registers", "list<struct<name, value>>", "CPU registers as printed"),
    column("code", "text", "the bytes of the Code: line"),
    column("fields", "list<struct<name, value>>", "what the grammar's captures took from an event's first line"),
    column("rows", "list<text>", "rows of a table that belongs to an event, as printed"),
    column("damage", "list<text>", "what is missing or mixed up, in words"),
];

/// Columns by which a table may be partitioned.
pub const PARTITIONS: [&str; 13] = [
    "record",
    "log",
    "kind",
    "title",
    "type",
    "frame",
    "suppressed",
    "panicked",
    "cpu",
    "boot",
    "taint",
    "kernel_version",
    "corrupted",
];

#[cfg(all(test, feature = "tables"))]
mod tests;
