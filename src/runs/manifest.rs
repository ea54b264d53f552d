//! `manifest.json` of a run folder: all settings, versions, hashes, times, processes and the outcome.

use super::process::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The manifest's name inside the folder.
pub const MANIFEST: &str = "manifest.json";

/// The schema name of [`Manifest`].
pub const RUN_SCHEMA: &str = "kanalyze.run/1";

/// What a run was, is and came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// The folder's name.
    pub name: String,
    /// What the user called it.
    pub tag: Option<String>,
    /// How far it came.
    pub phase: Phase,
    /// What came out; absent while it runs, and for good if it was ended by force.
    pub outcome: Option<Outcome>,
    /// When it began, UTC, `2026-11-21T08:26:22Z`.
    pub started: String,
    /// When it ended, UTC.
    pub ended: Option<String>,
    /// How long it took, seconds.
    pub seconds: Option<f64>,
    /// How long the guest needed until it took commands, seconds.
    pub boot_seconds: Option<f64>,
    /// kanalyze's own arguments.
    pub arguments: Vec<String>,
    /// Every setting, given or defaulted.
    pub settings: serde_json::Value,
    /// The command line of QEMU.
    pub command: Vec<String>,
    /// `kvm` or `tcg`, and why.
    pub accelerator: Option<String>,
    /// What the programs and the guest's kernel say of their versions.
    pub versions: BTreeMap<String, String>,
    /// Facts of the host: `cpus`, `memory_mib`, `kernel`, `load` …
    pub host: BTreeMap<String, String>,
    /// The files that the run used. They are not copied.
    pub inputs: Vec<InputFile>,
    /// Of a kernel that was built here: `head`, `uncommitted` (path of the diff), `patches`, `build_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub local_kernel: BTreeMap<String, String>,
    /// Whether the guest began as an earlier run of the series had saved it, after boot and staging.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_snapshot: bool,
    /// Who writes this folder.
    pub supervisor: Option<Identity>,
    /// What the supervisor started and has not seen end.
    pub processes: Vec<Process>,
    /// A folder outside of this one with the run's sockets, to be removed with it.
    pub sockets: Option<String>,
    /// Crashes that the run was looking for.
    pub hits: Vec<Hit>,
    /// Titles of all reports and how often each came.
    pub titles: BTreeMap<String, usize>,
    /// What went wrong around the run: ssh lost, host suspended, disk full …
    pub troubles: Vec<String>,
    /// Known obstacles that were recognised, with their remedies.
    pub blockers: Vec<String>,
    /// Programs that syz-execprog says it started.
    pub executed: Option<u64>,
    /// Whether the folder is to be kept: set at the first hit.
    pub archived: bool,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The folder exists, QEMU does not run yet.
    Preparing,
    /// QEMU runs, the guest takes no commands yet.
    Booting,
    /// Files are copied and settings made.
    Staging,
    /// The workload runs.
    Running,
    /// The outcome is known.
    Ended,
}

impl Phase {
    /// What it is called in texts.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Booting => "booting",
            Self::Staging => "copying files",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// In one word.
    pub verdict: Verdict,
    /// The crash's title, when there is one.
    pub title: Option<String>,
    /// One sentence for people.
    pub reason: String,
}

/// An outcome in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The workload ended, or its time was up, and nothing happened.
    Clean,
    /// As [`Verdict::Clean`], but the workload was out of sight at the end (ssh was lost).
    Unseen,
    /// The crash that was sought.
    Hit,
    /// A crash, but not the one that was sought.
    OtherCrash,
    /// The guest made no progress any more.
    Hang,
    /// The guest did not come up.
    BootFailure,
    /// QEMU ended before the run did.
    MachineLost,
    /// The workload could not be started, failed, or executed nothing: this says nothing about the kernel.
    WorkloadFailure,
    /// Somebody stopped the run.
    Stopped,
    /// The host failed: disk full, files unreadable …
    Trouble,
}

impl Outcome {
    /// The exit status of `kanalyze run`: 0 no crash, 1 crash, 2 error.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.verdict {
            Verdict::Clean | Verdict::Unseen => 0,
            Verdict::Hit | Verdict::OtherCrash | Verdict::Hang => 1,
            Verdict::BootFailure
            | Verdict::MachineLost
            | Verdict::WorkloadFailure
            | Verdict::Stopped
            | Verdict::Trouble => 2,
        }
    }

    /// The exit status for `git bisect run`: 0 good, 1 bad, 125 cannot tell; 130 stops the bisection as an interrupt
    /// does.
    #[must_use]
    pub fn bisect_status(&self) -> u8 {
        match self.verdict {
            Verdict::Clean => 0,
            Verdict::Hit => 1,
            Verdict::Stopped => 130,
            _ => 125,
        }
    }
}

impl Verdict {
    /// In words, as tables show it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unseen => "clean, unseen",
            Self::Hit => "hit",
            Self::OtherCrash => "other crash",
            Self::Hang => "hang",
            Self::BootFailure => "boot failure",
            Self::MachineLost => "machine lost",
            Self::WorkloadFailure => "workload failure",
            Self::Stopped => "stopped",
            Self::Trouble => "trouble",
        }
    }
}

/// A crash that the run was looking for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// syzbot's title.
    pub title: String,
    /// The grammar entry.
    pub kind: String,
    /// Seconds since the run began.
    pub at: f64,
    /// Its folder, relative to the run's.
    pub folder: String,
}

/// A process of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// `qemu`, `ssh` …
    pub role: String,
    /// Which process.
    #[serde(flatten)]
    pub identity: Identity,
}

/// A file that the run used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputFile {
    /// `kernel`, `disk`, `program` …
    pub role: String,
    /// Absolute path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex; absent for files of gigabytes whose hash nobody knows yet.
    pub sha256: Option<String>,
    /// Last change, UTC.
    pub modified: Option<String>,
}

impl Manifest {
    /// Of a run that is about to begin.
    #[must_use]
    pub fn new(name: String, tag: Option<String>) -> Self {
        Self {
            schema: RUN_SCHEMA.to_owned(),
            name,
            tag,
            phase: Phase::Preparing,
            outcome: None,
            started: crate::calendar::utc(std::time::SystemTime::now()),
            ended: None,
            seconds: None,
            boot_seconds: None,
            arguments: Vec::new(),
            settings: serde_json::Value::Null,
            command: Vec::new(),
            accelerator: None,
            versions: BTreeMap::new(),
            host: BTreeMap::new(),
            inputs: Vec::new(),
            local_kernel: BTreeMap::new(),
            from_snapshot: false,
            supervisor: Identity::own(),
            processes: Vec::new(),
            sockets: None,
            hits: Vec::new(),
            titles: BTreeMap::new(),
            troubles: Vec::new(),
            blockers: Vec::new(),
            executed: None,
            archived: false,
        }
    }

    /// Replaces the manifest of `folder` as a whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// What the system says; the old manifest is then still there.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        crate::files::replace(&folder.join(MANIFEST), &bytes)
    }

    /// Reads the manifest of `folder`.
    ///
    /// # Errors
    /// No such file, or one that is not a run's manifest.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let manifest: Self = serde_json::from_slice(&fs::read(folder.join(MANIFEST))?)?;
        if manifest.schema == RUN_SCHEMA {
            Ok(manifest)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("schema is {:?}, this program reads {RUN_SCHEMA:?}", manifest.schema),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict, title: Option<&str>) -> Outcome {
        Outcome { verdict, title: title.map(str::to_owned), reason: String::new() }
    }

    #[test]
    fn exit_statuses_follow_the_contract() {
        assert_eq!(outcome(Verdict::Clean, None).exit_status(), 0);
        assert_eq!(outcome(Verdict::Hit, Some("t")).exit_status(), 1);
        assert_eq!(outcome(Verdict::OtherCrash, Some("t")).exit_status(), 1);
        assert_eq!(outcome(Verdict::Hang, None).exit_status(), 1);
        assert_eq!(outcome(Verdict::BootFailure, None).exit_status(), 2);
        assert_eq!(outcome(Verdict::BootFailure, Some("t")).exit_status(), 2, "not the crash of a workload");
        assert_eq!(outcome(Verdict::WorkloadFailure, Some("t")).exit_status(), 2);
        assert_eq!(outcome(Verdict::MachineLost, None).exit_status(), 2);
    }

    #[test]
    fn a_bisection_hears_bad_only_for_the_crash_that_was_sought() {
        assert_eq!(outcome(Verdict::Clean, None).bisect_status(), 0);
        assert_eq!(outcome(Verdict::Hit, Some("t")).bisect_status(), 1);
        for unsure in [
            Verdict::Unseen,
            Verdict::OtherCrash,
            Verdict::Hang,
            Verdict::BootFailure,
            Verdict::MachineLost,
            Verdict::WorkloadFailure,
            Verdict::Trouble,
        ] {
            assert_eq!(outcome(unsure, Some("t")).bisect_status(), 125, "{unsure:?}");
        }
        assert!(outcome(Verdict::Stopped, None).bisect_status() >= 128, "git bisect run then stops");
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut manifest = Manifest::new("2026-11-21T08-26-22".to_owned(), Some("tag".to_owned()));
        manifest.write(folder.path()).expect("written");
        manifest.outcome = Some(outcome(Verdict::Hit, Some("KASAN: …")));
        manifest.write(folder.path()).expect("replaced");
        assert_eq!(Manifest::read(folder.path()).expect("read"), manifest);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "no part stays behind");
    }
}
