//! The arguments of `kanalyze run`, by what they are about; `repro minimize` takes most of them too.

use crate::architecture::Architecture;
use crate::cli::bundle::Choice;
use crate::syzbot::dashboard::BugName;
use crate::vm::settings::{AcceleratorChoice, DiskFormat, TransportChoice, parse_seconds};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// What to run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to run")]
pub(in crate::cli) struct SourceArguments {
    /// The bug: its extid, or a link to its page. Its bundle is fetched if it is not there.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse)]
    pub extid: Option<BugName>,
    #[command(flatten)]
    pub choice: Choice,
    /// A bundle's folder (see `kanalyze bundle --help`).
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// The kernel: a path, `bundle` (syzbot's) or `local` (built by `kanalyze kernel build`). Twice for --ab.
    #[arg(long, value_name = "KERNEL", value_hint = ValueHint::AnyPath)]
    pub kernel: Vec<String>,
    /// A disk image.
    #[arg(long, value_name = "IMAGE")]
    pub disk: Option<PathBuf>,
    /// The disk's format [default: recognised from its first bytes]
    #[arg(long, value_name = "FORMAT", value_parser = disk_format())]
    pub disk_format: Option<DiskFormat>,
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
    /// Processes of syz-execprog [default: what the program's options say].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub procs: Option<u32>,
    /// Set an option of the syz program for this run only, as --set wifi=false; the program's file stays. May be repeated.
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = crate::cli::assignment::assignment)]
    pub set: Vec<(String, String)>,
    /// Repeat a run: its folder, its name or a part of it, or `last`. What else is given here is changed.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["extid", "bundle", "replay", "profile"])]
    pub again: Option<String>,
    /// Take the settings of this profile of kanalyze.toml, too.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Read no kanalyze.toml.
    #[arg(long, conflicts_with = "profile")]
    pub no_config: bool,
}

impl SourceArguments {
    /// Whether one of them says what the guest is to do.
    pub(crate) fn names_workload(&self) -> bool {
        let files = [&self.repro, &self.c_repro, &self.program, &self.script];
        self.exec.is_some() || self.boot_only || files.into_iter().any(Option::is_some)
    }
}

/// The machine.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The machine")]
pub(in crate::cli) struct MachineArguments {
    /// The guest's processor: x86_64 or arm64; the bundle's, or this machine's.
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Architecture>,
    /// Memory, MiB [default: 2048].
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u32>,
    /// Processors [default: 2].
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// KVM when a tiny guest proves that it works, KVM or nothing, or emulation [default: auto].
    #[arg(long, value_name = "HOW", value_enum)]
    pub accel: Option<Accelerator>,
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
pub(in crate::cli) struct GuestArguments {
    /// How commands reach it: ssh, its serial console, or not at all [default: ssh].
    #[arg(long, value_name = "HOW", value_enum)]
    pub transport: Option<Transport>,
    /// Who logs in [default: root].
    #[arg(long)]
    pub user: Option<String>,
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
    /// The trace buffer of each processor, KiB [default: 8192].
    #[arg(long, value_name = "KIB")]
    pub ftrace_buffer: Option<u32>,
}

/// What to look for, and for how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to look for")]
pub(in crate::cli) struct SeekArguments {
    /// A kind, a syzbot type such as HANG, `no-output`, or a pattern of titles; any crash without it. May be repeated.
    #[arg(long, value_name = "KIND|PATTERN")]
    pub hit: Vec<String>,
    /// A pattern of console lines to look for, too. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub hit_line: Vec<String>,
    /// End the run at the first hit, when its report is whole.
    #[arg(long)]
    pub stop_on_hit: bool,
    /// How long the workload may run, a syz program from the first program executed; three times as long under emulation [default: 1h].
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub max_time: Option<f64>,
    /// How long the guest may take until it takes commands; three times as long under emulation [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub boot_timeout: Option<f64>,
    /// How long syz-execprog may be without an `executed programs:` line; three times as long under emulation; 0: for ever [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub no_output: Option<f64>,
    /// How long to wait for the rest of a report; three times as long under emulation [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    pub settle: Option<f64>,
}

/// What is kept, and how often to run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Runs")]
pub(in crate::cli) struct KeepArguments {
    /// Where run folders go [default: runs in the bundle, or here].
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// A word for the folder's name.
    #[arg(long, value_name = "TAG", value_parser = crate::runs::folder::checked_tag)]
    pub tag: Option<String>,
    /// Run again until a hit, so many times at most.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Do all of --times, hits or not, and report how often it hit.
    #[arg(long)]
    pub keep_going: bool,
    /// So many guests at once, each with its own folder, port and copy of the disk.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub jobs: u32,
    /// Save the first guest when it has booted and everything is staged, and start the other runs from there.
    #[arg(long, conflicts_with_all = ["persist", "replay"])]
    pub snapshot: bool,
    /// Run two kernels in turn, --times each, and say whether they differ [default: the bundle's and the local one, or
    /// --kernel twice].
    #[arg(long, value_names = ["KERNEL", "KERNEL"], num_args = 0..=2, value_hint = ValueHint::AnyPath)]
    pub ab: Option<Vec<String>>,
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
pub(in crate::cli) enum Accelerator {
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
pub(in crate::cli) enum Transport {
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

fn disk_format() -> impl TypedValueParser<Value = DiskFormat> {
    let words = DiskFormat::ALL.map(DiskFormat::word);
    PossibleValuesParser::new(words)
        .map(|word| if word == DiskFormat::Qcow2.word() { DiskFormat::Qcow2 } else { DiskFormat::Raw })
}
