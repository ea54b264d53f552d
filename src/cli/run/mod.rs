//! `kanalyze run`: reproduce it here, watch it live, keep everything on the first hit.

mod detach;
mod series;
mod settings;

use super::bundle::Choice;
use super::live::{ImageArguments, Speaker, interrupt};
use super::output::Output;
use super::tree::TreeArguments;
use crate::input::Source;
use crate::runs::{RunFolder, Verdict};
use crate::syzbot::dashboard::BugName;
use crate::vm::foreign::{Feed, Options, watch};
use crate::vm::session;
use crate::vm::settings::{AcceleratorChoice, TransportChoice, parse_seconds};
use clap::ValueEnum;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Reproduce a crash in a virtual machine and watch it live
///
/// Boots a kernel in QEMU, copies the reproducer into the guest, runs it, reads the serial port as it prints, asks a
/// hanging guest for its locks, and keeps everything in a folder runs/<time>[-tag]/. The disk is not changed, the guest
/// has no network but the way for ssh from this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze run --replay console.log                     a recorded log the same way, no QEMU needed
  kanalyze run --extid 0123456789abcdef0123             fetch the bug's bundle and reproduce it
  kanalyze run --bundle ppp --stop-on-hit --times 20    until it crashes, twenty runs at most
  kanalyze run --bundle ppp --ab --times 10             syzbot's kernel and your own in turn
  kanalyze run --kernel bzImage --initrd i.cpio --transport console --exec 'echo c > /proc/sysrq-trigger'
  kanalyze run --bundle ppp --dry-run                   only print QEMU's command line
  git bisect run sh -c 'make -j8 && kanalyze run --git-bisect --bundle ppp --kernel arch/x86/boot/bzImage'

Exit status: 0 no crash, 1 a crash, 2 trouble: the guest did not come up, the workload failed (its status is not 0, or no
program was executed), the host fails. With --git-bisect: 0 good, 1 the crash that is sought, 125 cannot tell (boot failure,
workload failure, another crash, ssh lost, infrastructure), 130 interrupted.")]
pub struct Arguments {
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
}

/// What to run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to run")]
pub(super) struct SourceArguments {
    /// The bug: its extid, or a link to its page. Its bundle is fetched if it is not there.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse)]
    pub extid: Option<BugName>,
    #[command(flatten)]
    pub choice: Choice,
    /// A bundle's folder (see `kanalyze bundle --help`).
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// The kernel: a path, `bundle` (syzbot's) or `local` (built by `kanalyze kernel build`). Twice for --ab.
    #[arg(long, value_name = "KERNEL")]
    pub kernel: Vec<String>,
    /// A disk image.
    #[arg(long, value_name = "IMAGE")]
    pub disk: Option<PathBuf>,
    /// The disk's format; told from its first bytes without this.
    #[arg(long, value_name = "FORMAT", value_parser = ["raw", "qcow2"])]
    pub disk_format: Option<String>,
    /// An initramfs.
    #[arg(long, value_name = "FILE")]
    pub initrd: Option<PathBuf>,
    /// A syz program.
    #[arg(long, value_name = "FILE", group = "workload")]
    pub repro: Option<PathBuf>,
    /// A C program, compiled here; without FILE (or with the word `bundle`) the bundle's.
    #[arg(long, value_name = "FILE", group = "workload", num_args = 0..=1, default_missing_value = "bundle")]
    pub c_repro: Option<PathBuf>,
    /// A program for the guest.
    #[arg(long, value_name = "FILE", group = "workload")]
    pub program: Option<PathBuf>,
    /// A script for the guest.
    #[arg(long, value_name = "FILE", group = "workload")]
    pub script: Option<PathBuf>,
    /// A shell command for the guest.
    #[arg(long, value_name = "COMMAND", group = "workload")]
    pub exec: Option<String>,
    /// Only boot and watch.
    #[arg(long, group = "workload")]
    pub boot_only: bool,
    /// Play a recorded log instead of running a machine; - is stdin.
    #[arg(long, value_name = "LOG", conflicts_with_all = ["bundle", "extid", "kernel", "disk", "workload"])]
    pub replay: Option<OsString>,
    /// Play it so many times as fast as it was printed; as fast as it can be read without this.
    #[arg(long, value_name = "N", requires = "replay")]
    pub speed: Option<f64>,
    /// The folder with syz-execprog and syz-executor; the PATH and the guest are searched without it.
    #[arg(long, value_name = "DIR")]
    pub syz_bin: Option<PathBuf>,
    /// A further flag of syz-execprog. May be repeated; one of the same name replaces that of the program's options.
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    pub syz_flag: Vec<String>,
}

/// The machine.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The machine")]
pub(super) struct MachineArguments {
    /// The guest's processor: x86_64 or arm64; the bundle's, or this machine's.
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Memory, MiB.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub memory: u32,
    /// Processors.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub cpus: u32,
    /// KVM when a tiny guest proves that it works, KVM or nothing, or emulation.
    #[arg(long, value_name = "HOW", value_enum, default_value = "auto")]
    pub accel: Accelerator,
    /// The root device, such as /dev/vda1; found by reading the disk's partition table without it.
    #[arg(long, value_name = "DEVICE")]
    pub root: Option<String>,
    /// Further words for the kernel's command line. May be repeated.
    #[arg(long, value_name = "WORDS")]
    pub append: Vec<String>,
    /// Keep what the guest writes to its disk.
    #[arg(long)]
    pub persist: bool,
    /// Let the guest reach the outside.
    #[arg(long)]
    pub open_network: bool,
    /// Share a folder of this machine by 9p (tag `host`), mounted at /mnt/host where the guest has 9p. The guest can change it, and 9p itself can be what crashes.
    #[arg(long, value_name = "DIR")]
    pub share: Option<PathBuf>,
    /// QEMU's machine: q35 (or virt) without this.
    #[arg(long, value_name = "MACHINE")]
    pub machine: Option<String>,
    /// Another QEMU.
    #[arg(long, value_name = "PROGRAM")]
    pub qemu: Option<PathBuf>,
    /// A further argument of QEMU. May be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub qemu_arg: Vec<String>,
}

/// The guest.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The guest")]
pub(super) struct GuestArguments {
    /// How commands reach it: ssh, its serial console, or not at all.
    #[arg(long, value_name = "HOW", value_enum, default_value = "ssh")]
    pub transport: Transport,
    /// Who logs in.
    #[arg(long, default_value = "root")]
    pub user: String,
    /// The private key for ssh.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The password for the console. Others can see it in the process list: use a throw-away image.
    #[arg(long, value_name = "WORD")]
    pub password: Option<String>,
    /// A sysctl to set, beside those that keep the guest alive after an oops. May be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub sysctl: Vec<String>,
    /// An ftrace event to record, dumped on an oops: sched:sched_switch, block:* … May be repeated.
    #[arg(long, value_name = "EVENT")]
    pub ftrace: Vec<String>,
}

/// What is sought, and for how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is sought")]
pub(super) struct SeekArguments {
    /// A kind, a syzbot type such as HANG, `no-output`, or a pattern of titles; any crash without it. May be repeated.
    #[arg(long, value_name = "KIND|PATTERN")]
    pub hit: Vec<String>,
    /// A pattern of console lines that is sought too. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub hit_line: Vec<String>,
    /// End the run at the first hit, when its report is whole.
    #[arg(long)]
    pub stop_on_hit: bool,
    /// How long the workload may run, a syz program from the first program executed; three times as long under emulation.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_seconds)]
    pub max_time: f64,
    /// How long the guest may take until it takes commands; three times as long under emulation.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_seconds)]
    pub boot_timeout: f64,
    /// How long syz-execprog may be without an `executed programs:` line; three times as long under emulation; 0: for ever.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_seconds)]
    pub no_output: f64,
    /// How long to wait for the rest of a report; three times as long under emulation.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_seconds)]
    pub settle: f64,
}

/// What is kept, and how often to run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Runs")]
pub(super) struct KeepArguments {
    /// Where run folders go [default: runs in the bundle, or here].
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// A word for the folder's name.
    #[arg(long, value_name = "TAG", value_parser = crate::runs::folder::checked_tag)]
    pub tag: Option<String>,
    /// Run again until a hit, so many times at most.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Run two kernels in turn, --times each, and count their hits: --kernel twice, or the bundle's and the local one.
    #[arg(long)]
    pub ab: bool,
    /// Afterwards keep only the N newest runs that hit nothing; runs with hits always stay.
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Exit as `git bisect run` wants it.
    #[arg(long)]
    pub git_bisect: bool,
    /// Only print what would be run.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on in the background; `kanalyze runs` shows and stops it.
    #[arg(long, conflicts_with_all = ["replay", "dry_run", "git_bisect"])]
    pub detach: bool,
    /// Set in the supervisor of a detached run.
    #[arg(long, hide = true)]
    pub detached: bool,
}

/// KVM or TCG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Accelerator {
    Auto,
    Kvm,
    Tcg,
}

impl From<Accelerator> for AcceleratorChoice {
    fn from(choice: Accelerator) -> Self {
        match choice {
            Accelerator::Auto => Self::Auto,
            Accelerator::Kvm => Self::Kvm,
            Accelerator::Tcg => Self::Tcg,
        }
    }
}

/// How commands reach the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Transport {
    Ssh,
    Console,
    None,
}

impl From<Transport> for TransportChoice {
    fn from(choice: Transport) -> Self {
        match choice {
            Transport::Ssh => Self::Ssh,
            Transport::Console => Self::Console,
            Transport::None => Self::None,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Settings that make no sense, files that are not there.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
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
        settle: arguments.seek.settle,
        image: arguments.image.given()?,
    };
    let folder = match &arguments.keep.runs {
        Some(runs) => Some(RunFolder::create(runs, arguments.keep.tag.as_deref())?),
        None => None,
    };
    let mut speaker = Speaker::new(arguments.output).with_tree(&arguments.tree)?;
    let feed = Feed::Recorded(Source::new(log), speed);
    let outcome = watch(feed, &options, folder, &mut speaker, &interrupt()?).map_err(anyhow::Error::msg)?;
    speaker.finish()?;
    Ok(ExitCode::from(if arguments.keep.git_bisect { outcome.bisect_status() } else { outcome.exit_status() }))
}

fn run_machines(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let jobs = settings::jobs(arguments)?;
    for job in &jobs {
        job.settings.check().map_err(anyhow::Error::msg)?;
    }
    if arguments.keep.dry_run {
        let mut out = std::io::stdout().lock();
        for job in &jobs {
            for line in session::plan(&job.settings).map_err(anyhow::Error::msg)? {
                writeln!(out, "{line}")?;
            }
            for warning in &job.warnings {
                writeln!(out, "# {warning}")?;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runs = settings::runs_folder(arguments);
    if arguments.keep.detach {
        return detach::detach(&runs);
    }
    if arguments.keep.detached {
        detach::leave_terminal();
    }
    let mut speaker = Speaker::new(arguments.output).with_tree(&arguments.tree)?;
    let outcomes = series::run(arguments, &jobs, &runs, &mut speaker, &interrupt()?)?;
    speaker.finish()?;
    // One run: its status. Several: a hit is a hit, and trouble anywhere is trouble.
    let status = |outcome: &crate::runs::Outcome| {
        if arguments.keep.git_bisect { outcome.bisect_status() } else { outcome.exit_status() }
    };
    let hit = outcomes.iter().find(|outcome| outcome.verdict == Verdict::Hit);
    Ok(ExitCode::from(hit.map_or_else(|| outcomes.iter().map(status).max().unwrap_or(2), status)))
}
