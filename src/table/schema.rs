//! The columns of a table: names, types, meanings.

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

/// Whole numbers have one type: Spark, Iceberg and Delta know no unsigned ones.
const fn column(name: &'static str, r#type: &'static str, meaning: &'static str) -> ColumnInfo {
    ColumnInfo { name, r#type, meaning }
}

/// The schema `kanalyze.events/2`. In CSV, lists and structs are JSON in a field.
pub const COLUMNS: [ColumnInfo; 56] = [
    column("schema", "text", "kanalyze.events/2"),
    column("kanalyze_version", "text", "the release that read the log"),
    column(
        "grammar_hash",
        "text",
        "32 hexadecimal digits: equal for rows that were read with the same grammars, your own among them",
    ),
    column("record", "text", "log, report or event; each log has one row of its own"),
    column("log", "text", "the path as it was given"),
    column(
        "index",
        "i64",
        "number of the report or event in its log, from 0; 0 for a log. (log, record, index) is a key",
    ),
    column("kind", "text", "the grammar entry that named it"),
    column("title", "text", "syzbot's title of a report, a line for people of an event"),
    column("alt_titles", "list<text>", "other titles under which the bug may be known, sorted"),
    column("type", "text", "syzbot's type of a report"),
    column("frame", "text", "the function that the title names"),
    column("subject", "text", "the function that a person would name where the title names none"),
    column("message", "list<text>", "the report's own sentences"),
    column("guilty_file", "text", "the source file to blame, when the log names files"),
    column("corrupted", "text", "why the report is damaged"),
    column("suppressed", "bool", "whether the report is a side effect of the surroundings"),
    column("panicked", "bool", "whether the kernel panicked in the surrounding output"),
    column("severity", "text", "panic, crash, hang, leak, error or note"),
    column("speaker", "text", "who wrote the first line: kernel, firmware, program or person"),
    column("cause", "i64", "index of the report whose consequence this one is"),
    column("cause_id", "text", "32 hexadecimal digits: equal for reports with equal title, type, stack and locks"),
    column("cause_stack", "list<text>", "functions of the blamed stack, from the blamed one outwards, 16 at most"),
    column("cause_locks", "list<text>", "classes of the locks that a lockdep report is about, sorted"),
    column("executor_proc", "i64", "syz-executor's process number"),
    column("executor_id", "i64", "syz-executor's program number"),
    column("start", "i64", "offset of the first line, bytes; 0 for a log"),
    column("end", "i64", "offset of the end of a report, bytes; size of a log"),
    column("line", "i64", "number of the first line in the log, from 1"),
    column("time", "f64", "printk time of the first line, seconds since boot"),
    column("wall", "text", "wall-clock time of the first line, as written"),
    column("caller", "text", "printk caller: T123 or C0"),
    column("comm", "text", "the task that it is about"),
    column("pid", "i64", "its pid"),
    column("cpu", "i64", "the CPU that it is about"),
    column("boot", "i64", "which boot of the log, from 0"),
    column("oops", "i64", "number of the oops in its boot, from 1"),
    column("taint", "text", "taint letters"),
    column("kernel_version", "text", "kernel release as printed in the report"),
    column("hardware", "text", "the Hardware name: line"),
    column("source_file", "text", "the source file that the report's first line names"),
    column("source_line", "i64", "and the line"),
    column("access_kind", "text", "read, write, free …"),
    column("access_size", "i64", "bytes"),
    column("access_address", "text", "address as printed"),
    column("object_cache", "text", "slab cache of the object"),
    column("object_size", "i64", "its size, bytes"),
    column("object_offset", "i64", "where in the object the access was, bytes; negative before it"),
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
