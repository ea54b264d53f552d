//! `kanalyze run`: reproduce it here, watch it live, keep everything on the first hit.

mod again;
mod arguments;
mod boot;
mod detach;
mod job;
mod jobs;
pub(super) mod minimize;
mod series;
mod settings;
mod workload;

use super::config::{self, Laid};
use super::live::{ImageArguments, Speaker, interrupt, with_voice};
use super::output::Output;
use super::tree::TreeArguments;
use crate::input::Source;
use crate::runs::{RunFolder, Verdict};
use crate::vm::foreign::{Feed, Options, watch};
use crate::vm::session;
use crate::vm::settings::Settings;
use arguments::{GuestArguments, KeepArguments, MachineArguments, SeekArguments, SourceArguments};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Reproduce a crash in a virtual machine and watch it live
///
/// Boots a kernel in QEMU, copies the reproducer into the guest, runs it, reads the serial port as it prints, asks a
/// hanging guest for its locks, and keeps everything in a folder runs/TIME[-TAG]/. The disk is not changed, the guest
/// has no network but the way for ssh from this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # a recorded log the same way, no QEMU needed
  kanalyze run --replay console.log
  # fetch the bug's bundle and reproduce it
  kanalyze run --extid 0123456789abcdef0123
  # until it crashes, twenty runs at most
  kanalyze run --bundle ppp --stop-on-hit --times 20
  # syzbot's kernel and your own in turn: does the patch help?
  kanalyze run --bundle ppp --ab --times 10
  # with the settings of [run.profile.stress] in kanalyze.toml
  kanalyze run --bundle ppp --profile stress
  # how often does it crash?
  kanalyze run --bundle ppp --jobs 4 --times 100 --keep-going --snapshot
  # the last run once more, with one option of its program changed
  kanalyze run --again last --set wifi=false
  kanalyze run --kernel bzImage --initrd i.cpio --transport console \\
      --exec 'echo c > /proc/sysrq-trigger'
  kanalyze run --bundle ppp --dry-run  only print QEMU's command line
  git bisect run sh -c 'make -j8 && kanalyze run --git-bisect \\
      --bundle ppp --kernel arch/x86/boot/bzImage'

kanalyze.toml in the bundle's folder (without one, in this folder) or above
holds what you would type each time; the nearest file wins, the command line
wins over all, lists are replaced as a whole. Keys are the options below,
paths are relative to the file:
  [run]
  memory = 4096
  append = [\"slub_debug=FZ\", \"nokaslr\"]
  sysctl = [\"kernel.hung_task_timeout_secs=30\"]
  ftrace = [\"sched:sched_switch\"]
  ftrace-buffer = 16384
  [run.profile.stress]
  procs = 16
  max-time = \"4h\"
  jobs = 2

Exit status: 0 no crash, 1 a crash, 2 error: the guest did not come up, the
workload failed (its status is not 0, or no program was executed), the host
fails. With --git-bisect: 0 good, 1 the crash that is sought, 125 cannot tell
(boot failure, workload failure, another crash, ssh lost, infrastructure), 130
interrupted.")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) source: SourceArguments,
    #[command(flatten)]
    pub(super) machine: MachineArguments,
    #[command(flatten)]
    pub(super) guest: GuestArguments,
    #[command(flatten)]
    pub(super) seek: SeekArguments,
    #[command(flatten)]
    pub(super) keep: KeepArguments,
    #[command(flatten)]
    pub(super) image: ImageArguments,
    #[command(flatten)]
    pub(super) tree: TreeArguments,
    #[command(flatten)]
    pub(super) output: Output,
    /// The whole command line, with what configuration files say; not an argument.
    #[arg(skip)]
    pub(super) words: Vec<String>,
    /// What configuration files say; not an argument.
    #[arg(skip)]
    pub(super) laid: Vec<Laid>,
}

/// What a configuration file cannot say: which bug or run it is about, and what is done with one command only.
const NOT_CONFIGURED: [&str; 12] = [
    "extid",
    "bundle",
    "again",
    "replay",
    "speed",
    "profile",
    "no-config",
    "dry-run",
    "detach",
    "detached",
    "git-bisect",
    "password",
];

impl Arguments {
    /// The arguments of the runs that the verb makes: these.
    pub(super) fn run(&mut self) -> Option<&mut Self> {
        Some(self)
    }

    /// The command line with what `kanalyze.toml` of the bundle, of this folder or above says of `run`; none if there is
    /// nothing to add.
    ///
    /// # Errors
    /// The file is wrong: its name, the line, what would be right.
    pub(super) fn configured(&self, path: &[&str], words: &[OsString]) -> anyhow::Result<Option<config::Completed>> {
        if self.source.no_config || self.source.again.is_some() || self.source.replay.is_some() {
            return Ok(None);
        }
        let folder = settings::bundle_folder(&self.source).unwrap_or_else(|| ".".into());
        let verb = config::Verb { path, table: "run", refused: &NOT_CONFIGURED };
        config::complete(&verb, words, &folder, self.source.profile.as_deref())
    }
}

/// Runs the command.
///
/// # Errors
/// Settings that make no sense, files that are not there.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.keep.git_bisect {
        return run_any(&arguments);
    }
    // To git every status from 1 to 127 but 125 means bad: an error, or even a bug of this program, must not.
    match std::panic::catch_unwind(|| run_any(&arguments)) {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(error)) => {
            super::stderr::fail(&error);
            Ok(ExitCode::from(125))
        }
        Err(_) => Ok(ExitCode::from(125)),
    }
}

fn run_any(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.source.replay {
        Some(log) => replay(arguments, log),
        None => run_machines(arguments),
    }
}

fn replay(arguments: &Arguments, log: &OsString) -> anyhow::Result<ExitCode> {
    let speed = arguments.source.speed;
    anyhow::ensure!(speed.is_none_or(|speed| speed.is_finite() && speed > 0.0), "--speed: a number above 0");
    let options = Options {
        hits: arguments.seek.hit.clone(),
        hit_lines: arguments.seek.hit_line.clone(),
        stop_on_hit: arguments.seek.stop_on_hit,
        max_time: None,
        no_output: None,
        settle: arguments.seek.settle.unwrap_or(Settings::default().limits.settle),
        image: arguments.image.given()?,
    };
    let folder = match &arguments.keep.runs {
        Some(runs) => Some(RunFolder::create(runs, arguments.keep.tag.as_deref())?),
        None => None,
    };
    let feed = Feed::Recorded(Source::new(log), speed);
    let interrupt = interrupt()?;
    let outcome =
        with_voice(arguments.output, &arguments.tree, |voice| Ok(watch(feed, &options, folder, voice, &interrupt)?))?;
    Ok(ExitCode::from(if arguments.keep.git_bisect { outcome.bisect_status() } else { outcome.exit_status() }))
}

fn run_machines(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let jobs = jobs::jobs(arguments)?;
    for job in &jobs {
        job.settings.check()?;
    }
    if arguments.keep.dry_run {
        return dry_run(arguments, &jobs);
    }
    let runs = settings::runs_folder(arguments);
    if arguments.keep.detach {
        return detach::detach(&runs);
    }
    if arguments.keep.detached {
        detach::leave_terminal();
    }
    let speaker = Mutex::new(Speaker::new(arguments.output).with_tree(&arguments.tree)?);
    let outcomes = series::run(arguments, &jobs, &runs, &speaker, &interrupt()?)?;
    speaker.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    // One run: its status. Several: a hit is a hit, and trouble anywhere is trouble.
    let status = |outcome: &crate::runs::Outcome| {
        if arguments.keep.git_bisect { outcome.bisect_status() } else { outcome.exit_status() }
    };
    let hit = outcomes.iter().find(|outcome| outcome.verdict == Verdict::Hit);
    Ok(ExitCode::from(hit.map_or_else(|| outcomes.iter().map(status).max().unwrap_or(2), status)))
}

fn dry_run(arguments: &Arguments, jobs: &[job::Job]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for job in jobs {
        for line in session::plan(&job.settings)? {
            writeln!(out, "{line}")?;
        }
        for warning in &job.warnings {
            writeln!(out, "# {warning}")?;
        }
    }
    for laid in &arguments.laid {
        writeln!(out, "# {} ({}:{})", laid.words.join(" "), laid.file.display(), laid.line)?;
    }
    Ok(ExitCode::SUCCESS)
}
