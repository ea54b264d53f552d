//! What is said about a machine: its boots, and what was read.

use super::sign::Left;
use crate::grammar::Severity;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Boot`].
pub const BOOT_SCHEMA: &str = "kanalyze.boot/1";
/// The schema name of [`SourceRead`].
pub const SOURCE_SCHEMA: &str = "kanalyze.host-source/1";

/// One boot of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Boot {
    /// [`BOOT_SCHEMA`].
    pub schema: &'static str,
    /// 0 is the newest, 1 the one before it.
    pub back: usize,
    /// The boot id that Linux gave it, 32 hexadecimal digits; null where no source says.
    pub boot_id: Option<String>,
    /// When it began or the first line of it that is kept was written, UTC (`2026-11-21T08:26:22Z`); null where no line has a date.
    pub first: Option<String>,
    /// When its last line was written, UTC.
    pub last: Option<String>,
    /// When a dump of it was written, by the time of its file, UTC: soon after the end, unless the file was copied.
    pub dumped: Option<String>,
    /// Whether both were written without a zone and could not be put right: they may be hours off.
    pub zone_unknown: bool,
    /// Seconds from its start to its last stamp.
    pub uptime: Option<f64>,
    /// The kernel's release, where its banner or a report says.
    pub kernel_version: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// Which sources mention it.
    pub sources: Vec<String>,
    /// What went wrong, each title once, in the order in which they came.
    pub crashes: Vec<Trouble>,
    /// Severe events that are not crashes (OOM kills, hardware errors, file system errors), each title once.
    pub events: Vec<Trouble>,
}

/// How a boot ended, with the lines that say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ending {
    /// In which way.
    pub how: How,
    /// How the machine was left, where a line says.
    pub left: Option<Left>,
    /// The lines that say so; none where no line does.
    pub evidence: Vec<Evidence>,
    /// What it rests on besides lines, or why it is not known; one sentence.
    pub because: Option<String>,
}

/// The ways in which a boot ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It has not ended: it is the boot that runs now.
    Running,
    /// It was shut down in good order; a line says so.
    Clean,
    /// A shutdown was begun; no line says that it was finished.
    ShutdownBegun,
    /// The kernel panicked.
    Panic,
    /// Something reset the machine at once, and a line says so.
    Reset,
    /// It ended without any line: reset, power loss, or a hang that somebody ended with the switch.
    SilentReset,
    /// No source says.
    Unknown,
}

/// A line that something rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Where it stands: a path, or `journal`.
    pub source: String,
    /// 1-based line of that file, where it has lines.
    pub line: Option<u64>,
    /// What it says.
    pub text: String,
    /// When it was written, UTC.
    pub at: Option<String>,
}

/// Something that went wrong in a boot.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trouble {
    /// Its title; syzbot's, for crashes.
    pub title: String,
    /// The grammar entry.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// How often.
    pub count: usize,
    /// Seconds since the start of the boot, of the first.
    pub time: Option<f64>,
    /// When the first was written, UTC.
    pub at: Option<String>,
    /// Where the first stands: a path, or `journal`.
    pub source: String,
    /// 1-based line of that file, where it has lines.
    pub line: Option<u64>,
}

/// Something that was read, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceRead {
    /// [`SOURCE_SCHEMA`].
    pub schema: &'static str,
    /// What it is: a path, or `journal`.
    pub source: String,
    /// What came of it.
    pub state: State,
    /// How many boots it mentions.
    pub boots: usize,
    /// What is to be said of it, such as why it could not be read; one sentence.
    pub note: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

/// What came of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was read.
    Read,
    /// It was read in part.
    Partly,
    /// It is there, and could not be read.
    Unreadable,
    /// It is not there.
    Absent,
}

/// The whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// The newest first.
    pub boots: Vec<Boot>,
    /// In the order in which they were looked for.
    pub sources: Vec<SourceRead>,
}
