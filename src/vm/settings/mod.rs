//! Every setting of a run, as plain data.

mod check;
mod time;

pub use time::{TimeError, parse_seconds, seconds};

use super::board::{BOARDS, Board};
use super::hit::PatternError;
pub use crate::files::DiskFormat;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How the guest's instructions are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceleratorChoice {
    /// KVM when a tiny guest proves that it works, else TCG.
    Auto,
    /// KVM or nothing.
    Kvm,
    /// Emulation.
    Tcg,
}

/// How commands reach the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportChoice {
    /// The system's ssh client over a forwarded port.
    Ssh,
    /// The serial console: log in, run, watch for answers.
    Console,
    /// None: the guest's init is the workload.
    None,
}

/// What the guest is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Workload {
    /// Boot and watch.
    BootOnly,
    /// A shell command.
    Command {
        /// As for `sh -c`.
        command: String,
    },
    /// A script of the host's.
    Script {
        /// Copied into the guest and run by its `sh`, or what its `#!` says.
        path: PathBuf,
    },
    /// A program of the host's, copied and run.
    Program {
        /// An executable for the guest.
        path: PathBuf,
    },
    /// A C file, compiled on the host, copied and run.
    CSource {
        /// The file.
        path: PathBuf,
    },
    /// A syz program.
    Syz {
        /// The program.
        program: PathBuf,
        /// `syz-execprog` of the host; absent: it is sought in the guest.
        execprog: Option<PathBuf>,
        /// `syz-executor` of the host; absent: it is sought in the guest.
        executor: Option<PathBuf>,
        /// Flags without `-executor` and without the program's name.
        flags: Vec<String>,
        /// The syzkaller revision that made the program, if it is known.
        revision: Option<String>,
    },
}

/// What makes no sense in the settings of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Neither a kernel nor a disk.
    #[error("nothing to boot: give a bundle, --kernel IMAGE or --disk IMAGE")]
    Nothing,
    /// What only a kernel takes.
    #[error("--append and --initrd need --kernel: a disk that boots by itself takes neither")]
    NoKernel,
    /// Nobody can start the workload.
    #[error("--transport none cannot start a workload: use ssh or console, or leave the workload out")]
    NoTransport,
    /// An option cannot be what it is.
    #[error("{option} {given}: {wanted}")]
    Wrong {
        /// `--memory`.
        option: &'static str,
        /// As it was given.
        given: String,
        /// What it should be, or what the system says.
        wanted: String,
    },
    /// A pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The image.
    pub path: PathBuf,
    /// How it is laid out.
    pub format: DiskFormat,
}

/// Time limits, seconds. Those that depend on the machine's speed are scaled when TCG is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Of the workload.
    pub max_time: f64,
    /// Until the guest takes commands.
    pub boot: f64,
    /// Without an `executed programs:` line; 0 turns the rule off.
    pub no_output: f64,
    /// How long to wait for the rest of a report.
    pub settle: f64,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// User.
    pub user: String,
    /// Private key for ssh.
    pub key: Option<PathBuf>,
    /// Password for the serial console; never written down.
    #[serde(skip)]
    pub password: Option<String>,
}

/// The image with the debug information of the guest's kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The ELF file.
    pub vmlinux: PathBuf,
    /// Folders with its modules.
    pub modules: Vec<PathBuf>,
}

/// Every setting of a run. What an older manifest does not say has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The guest's processor, and what QEMU is asked to be for it.
    #[serde(rename = "architecture")]
    pub board: &'static Board,
    /// For `-kernel`; absent when the disk boots by itself.
    pub kernel: Option<PathBuf>,
    /// `bundle`, `local` or the path as given.
    pub kernel_name: String,
    /// Where source lines come from.
    pub image: Option<Image>,
    /// The disk.
    pub disk: Option<Disk>,
    /// The initramfs.
    pub initrd: Option<PathBuf>,
    /// `root=`; absent: found by reading the partition table.
    pub root: Option<String>,
    /// Further words of the kernel's command line.
    pub append: Vec<String>,
    /// MiB.
    pub memory: u32,
    /// Processors.
    pub cpus: u32,
    /// QEMU's `-machine`; absent: q35 or virt.
    pub machine: Option<String>,
    /// KVM or TCG.
    pub accelerator: AcceleratorChoice,
    /// Whether the disk keeps what the guest writes.
    pub persist: bool,
    /// Whether the guest may reach the outside.
    pub open_network: bool,
    /// A host folder shared by 9p under the tag `host`.
    pub share: Option<PathBuf>,
    /// Another QEMU.
    pub qemu: Option<PathBuf>,
    /// Further arguments of QEMU.
    pub qemu_arguments: Vec<String>,
    /// How commands reach the guest.
    pub transport: TransportChoice,
    /// How to log in.
    pub login: Login,
    /// What to do.
    pub workload: Workload,
    /// The configuration that the kernel was built with, kept beside what the run finds.
    pub config: Option<PathBuf>,
    /// `name=value`, beside those that keep the guest alive after an oops.
    pub sysctls: Vec<String>,
    /// ftrace events to record and to dump on an oops; empty: ftrace is left alone.
    pub ftrace: Vec<String>,
    /// Of each processor, KiB.
    pub ftrace_buffer: u32,
    /// Limits.
    pub limits: Limits,
    /// Kinds, types or title patterns that are sought; empty: any crash.
    pub hits: Vec<String>,
    /// Patterns of console lines that are sought.
    pub hit_lines: Vec<String>,
    /// The title that the bundle's crash has, to compare with.
    pub expected_title: Option<String>,
    /// End the run at the first hit.
    pub stop_on_hit: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            board: &BOARDS[0],
            kernel: None,
            kernel_name: String::new(),
            image: None,
            disk: None,
            initrd: None,
            root: None,
            append: Vec::new(),
            memory: 2048,
            cpus: 2,
            machine: None,
            accelerator: AcceleratorChoice::Auto,
            persist: false,
            open_network: false,
            share: None,
            qemu: None,
            qemu_arguments: Vec::new(),
            transport: TransportChoice::Ssh,
            login: Login { user: "root".to_owned(), key: None, password: None },
            workload: Workload::BootOnly,
            config: None,
            sysctls: Vec::new(),
            ftrace: Vec::new(),
            ftrace_buffer: 8192,
            limits: Limits { max_time: 3600.0, boot: 300.0, no_output: 300.0, settle: 10.0 },
            hits: Vec::new(),
            hit_lines: Vec::new(),
            expected_title: None,
            stop_on_hit: false,
        }
    }
}
