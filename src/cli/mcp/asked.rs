//! What the tools take, each field with the words that a client reads about it.

use super::answer::Form;
use crate::render::Detail;
use schemars::JsonSchema;
use serde::Deserialize;

/// How detailed a text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Much {
    /// One line per title, dump or bisection.
    Brief,
    /// What a person needs.
    #[default]
    Usual,
    /// All stacks with all frames, registers, every place.
    Full,
}

impl From<Much> for Detail {
    fn from(much: Much) -> Self {
        match much {
            Much::Brief => Self::Brief,
            Much::Usual => Self::Usual,
            Much::Full => Self::Full,
        }
    }
}

/// What `parse` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Parse {
    /// Paths of logs (also packed, archives, mails) or of folders with logs or runs, absolute or from a root on.
    #[serde(default)]
    pub logs: Vec<String>,
    /// The text of a log, instead of `logs`.
    pub text: Option<String>,
    /// Also what is notable and not a crash: OOM kills, lock dumps, file system errors.
    #[serde(default)]
    pub events: bool,
    /// `text` for reading, `records` for JSON (kanalyze.report/1, and kanalyze.event/1 with `events`).
    #[serde(default)]
    pub form: Form,
    /// How detailed the text is.
    #[serde(default)]
    pub detail: Much,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `locks` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Locks {
    /// Paths of logs (also packed, archives, mails) or of folders with logs or runs, absolute or from a root on.
    #[serde(default)]
    pub logs: Vec<String>,
    /// The text of a log, instead of `logs`.
    pub text: Option<String>,
    /// `text` for reading, `records` for JSON (kanalyze.locks/1).
    #[serde(default)]
    pub form: Form,
    /// How detailed the text is.
    #[serde(default)]
    pub detail: Much,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `bisect` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bisect {
    /// Paths of transcripts, absolute or from a root on.
    #[serde(default)]
    pub logs: Vec<String>,
    /// The text of a transcript, instead of `logs`.
    pub text: Option<String>,
    /// `text` for reading, `records` for JSON (kanalyze.bisect/1).
    #[serde(default)]
    pub form: Form,
    /// How detailed the text is.
    #[serde(default)]
    pub detail: Much,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `symbolize` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Symbolize {
    /// Paths of logs, absolute or from a root on.
    #[serde(default)]
    pub logs: Vec<String>,
    /// The text of a log, instead of `logs`.
    pub text: Option<String>,
    /// Path of the kernel that printed it: vmlinux, a .debug file, a boot image, System.map.
    pub vmlinux: String,
    /// Paths of folders with its modules; without any, those beside the kernel.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Give all lines of the log, not only those with a place of code.
    #[serde(default)]
    pub all: bool,
    /// `text` for lines of the log with their sources, `records` for JSON (kanalyze.symbolized/1), one per place of code.
    #[serde(default)]
    pub form: Form,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `diff` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Diff {
    /// Paths of logs or folders of the first side, absolute or from a root on.
    pub a: Vec<String>,
    /// Paths of logs or folders of the second side.
    pub b: Vec<String>,
    /// `text` for reading, `records` for JSON (kanalyze.diff/1), one record.
    #[serde(default)]
    pub form: Form,
    /// The first line wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `explain` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Explain {
    /// Id of a kind of report or event (`kind` of a record), or the title of a report. Without it all kinds are listed.
    pub kind: Option<String>,
    /// The first line wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `runs` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Runs {
    /// Path of the folder of one run, or of a folder with runs; without it the roots and `runs` in them are looked at.
    pub folder: Option<String>,
    /// `text` for reading, `records` for the manifests (kanalyze.run/1).
    #[serde(default)]
    pub form: Form,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}

/// What `query` takes.
#[cfg(feature = "tables")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// An SQL statement over the table `events`, or the name of a view: top, flaky, locks, timeline.
    pub sql: String,
    /// Paths of tables (Parquet, Arrow), logs, run folders or folders of these, absolute or from a root on.
    pub paths: Vec<String>,
    /// `text` for columns, `records` for one JSON object per row.
    #[serde(default)]
    pub form: Form,
    /// The first line or record wanted: `next` of the answer before.
    #[serde(default)]
    pub from: usize,
    /// The most bytes of the answer, 1024 to 1048576; 32768 if it is not given.
    pub bytes: Option<usize>,
}
