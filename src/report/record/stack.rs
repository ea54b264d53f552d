//! The task of a record, what it accessed, and stacks.

use super::super::access::AccessKind;
use super::super::role::StackRole;
use crate::grammar::bare_function;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

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
