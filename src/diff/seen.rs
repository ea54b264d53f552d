//! What can be seen in a log, by area, and how often it was.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// A crash, warning or hang, by syzbot title.
    Crash,
    /// A task that the kernel calls blocked.
    Hang,
    /// The function that a blocked task is blocked in.
    BlockedFunction,
    /// The task that others wait for in the end.
    HangRoot,
    /// Somebody who waits for a lock that somebody holds.
    LockEdge,
    /// Two lock classes in the order in which they were taken, as lockdep reports them.
    LockOrder,
    /// A notable thing that syzbot does not call a crash.
    Event,
    /// A taint flag of the kernel.
    Taint,
    /// A message of the kernel, numbers and addresses taken out.
    Message,
    /// Something that the log itself says is missing from it: messages lost, messages suppressed.
    Counter,
    /// A station of the boot.
    Milestone,
    /// A loaded module.
    Module,
    /// A parameter of the kernel's command line.
    CommandLine,
    /// Kernel release and build.
    Kernel,
    /// CPUs and memory.
    Machine,
}

impl Area {
    /// Its name as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::BlockedFunction => "blocked-function",
            Self::HangRoot => "hang-root",
            Self::LockEdge => "lock-edge",
            Self::LockOrder => "lock-order",
            Self::Event => "event",
            Self::Taint => "taint",
            Self::Message => "message",
            Self::Counter => "counter",
            Self::Milestone => "milestone",
            Self::Module => "module",
            Self::CommandLine => "command-line",
            Self::Kernel => "kernel",
            Self::Machine => "machine",
        }
    }
}

/// How often something was seen in one log, and where first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// How often.
    pub times: usize,
    /// printk time of the first, seconds since boot.
    pub first: Option<f64>,
    /// 1-based line of the first; 0 if it has none.
    pub line: u64,
}
