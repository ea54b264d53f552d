//! What happens in a live run, one record each: `kanalyze.live/1`, printed with `--format jsonl` and kept in `events.jsonl`.

use super::doing::Doing;
use crate::locks::Dump;
use crate::report::{Event, Report};
use crate::runs::Outcome;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Record`].
pub const LIVE_SCHEMA: &str = "kanalyze.live/1";

/// A happening and its time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Record<'a> {
    /// [`LIVE_SCHEMA`].
    pub schema: &'static str,
    /// The folder of the run, where several speak at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<&'a str>,
    /// Seconds since the run began.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub happening: &'a Happening,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "happening")]
pub enum Happening {
    /// The run has a folder and a command line.
    Begun {
        /// The run's folder, if it keeps one.
        folder: Option<String>,
        /// What runs the guest: `kvm`, `tcg`, `replay` …
        machine: String,
    },
    /// The run came a step further.
    Step {
        /// What is done now or was done.
        text: String,
    },
    /// Something around the run is not as it should be; the run goes on.
    Warning {
        /// One sentence.
        text: String,
    },
    /// A report's first line is there.
    Opened {
        /// The header that opened it.
        header: String,
        /// Offset in the serial log, bytes.
        start: u64,
        /// The line.
        text: String,
        /// The machine, where the log holds the lines of several.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// A report is whole.
    Closed {
        /// The report.
        report: Box<Report>,
        /// Whether this crash is sought.
        sought: bool,
        /// Whether it has the title of the bundle's crash; absent without a bundle.
        expected: Option<bool>,
        /// The machine, where the log holds the lines of several.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// A notable thing that is not a crash.
    Event {
        /// It.
        event: Box<Event>,
        /// The machine, where the log holds the lines of several.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// A console line that is sought.
    Line {
        /// The line.
        text: String,
        /// Offset in the serial log, bytes.
        start: u64,
    },
    /// A known obstacle.
    Blocker {
        /// Its name.
        id: String,
        /// What has happened.
        meaning: String,
        /// What to do.
        remedy: String,
        /// The line that showed it.
        line: String,
    },
    /// A count of syz-execprog.
    Progress {
        /// Programs in the file.
        parsed: Option<u64>,
        /// Programs issued.
        executed: u64,
        /// Programs a second.
        rate: Option<f64>,
    },
    /// A line of the workload's output, reported when it is complete.
    Said {
        /// The line.
        text: String,
    },
    /// A dump was asked for.
    Dump {
        /// The sysrq keys that the guest answered.
        answered: String,
        /// How they were sent: `serial break`, `keyboard`, or what was tried instead.
        by: String,
    },
    /// Who waits for whom, as far as the serial log shows after a dump.
    Locks {
        /// The graph that is new, for people; absent where there is none.
        text: Option<String>,
        /// Files of the run that hold all of them.
        files: Vec<String>,
    },
    /// A hit was archived.
    Archived {
        /// Its folder, relative to the run's.
        folder: String,
        /// The crash's title.
        title: String,
    },
    /// The run is over.
    Ended {
        /// What came out.
        outcome: Outcome,
    },
}

/// A line of JSON, with its newline.
#[must_use]
pub fn json_line(at: f64, happening: &Happening, run: Option<&str>) -> Vec<u8> {
    let record = Record { schema: LIVE_SCHEMA, run, at, happening };
    let mut line = serde_json::to_vec(&record).expect("records hold only what JSON can say");
    line.push(b'\n');
    line
}

/// How a run stands, for a line that is written over and over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Seconds of the run.
    pub at: f64,
    /// What is done.
    pub doing: Doing,
    /// Programs issued.
    pub executed: Option<u64>,
    /// Programs a second.
    pub rate: Option<f64>,
    /// Reports so far.
    pub reports: usize,
    /// Hits so far.
    pub hits: usize,
    /// The last thing that happened, one line.
    pub last: String,
    /// Seconds since the serial port said something.
    pub silent: f64,
}

/// Lock graphs for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockPictures {
    /// The one that is new.
    pub newest: String,
    /// All of them.
    pub text: String,
    /// The new one as a picture, SVG.
    pub svg: String,
}

/// Who receives the happenings.
pub trait Audience {
    /// Something happened `at` seconds of the run.
    ///
    /// # Errors
    /// Nobody listens any more.
    fn hear(&mut self, at: f64, happening: &Happening) -> std::io::Result<()>;

    /// Lock graphs as this audience shows them, of which the one at `newest` is new; none if it shows none.
    fn lock_pictures(&self, _dumps: &[Dump], _newest: usize) -> Option<LockPictures> {
        None
    }

    /// How the run stands; called about once per second.
    fn glance(&mut self, status: &Status);
}
