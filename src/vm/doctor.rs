//! What a reproduction needs and whether it is here, each with its remedy.

use super::board::{BOARDS, Board};
use super::command::{self, Leash};
use super::kvm;
use super::workload::revision_warning;
use rustix::fs::statvfs;
use schemars::JsonSchema;
use serde::Serialize;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It is there and works.
    Good,
    /// Runs are possible without it.
    Weak,
    /// A run needs it.
    Missing,
}

/// The schema name of [`Check`].
pub const DOCTOR_SCHEMA: &str = "kanalyze.doctor/1";

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// [`DOCTOR_SCHEMA`].
    pub schema: &'static str,
    /// What was looked at.
    pub name: String,
    /// How it went.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do, if anything.
    pub remedy: Option<String>,
}

impl Check {
    fn new(name: &str, health: Health, found: String, remedy: &str) -> Self {
        let remedy = (health != Health::Good).then(|| remedy.to_owned());
        Self { schema: DOCTOR_SCHEMA, name: name.to_owned(), health, found, remedy }
    }
}

/// Space that a bundle takes with its unpacked disk and vmlinux, bytes.
const SPACE: u64 = 6 << 30;
/// Memory for one guest of the default size and this host's own needs, MiB.
const MEMORY: u64 = 3 << 10;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Where bundles and runs go.
    pub folder: &'a Path,
    /// The bundle's, if there is one.
    pub vmlinux: Option<&'a Path>,
    /// The folder with syzkaller's programs.
    pub syz_bin: Option<&'a Path>,
    /// The syzkaller revision that made the bundle's program, if it is known.
    pub revision: Option<&'a str>,
}

/// Looks at everything.
#[must_use]
pub fn examine(question: &Question<'_>) -> Vec<Check> {
    let Question { folder, vmlinux, syz_bin, revision } = *question;
    let leash = Leash::default();
    let emulator = |(board, at): (&Board, usize)| {
        let install = format!("apt-get install {}", board.package);
        match at {
            0 => program(&leash, board.qemu, &["--version"], Health::Missing, &install),
            _ => {
                let purpose = format!("for {} guests: {install}", board.architecture.kernel_name());
                program(&leash, board.qemu, &["--version"], Health::Weak, &purpose)
            }
        }
    };
    let mut checks: Vec<Check> = BOARDS.iter().zip(0..).map(emulator).collect();
    let native = Board::native();
    if in_path(native.qemu).is_some() {
        let probe = kvm::probe(&leash, Path::new(native.qemu), native);
        let health = if probe.works { Health::Good } else { Health::Weak };
        checks.push(Check::new(
            "KVM",
            health,
            probe.reason,
            "runs use emulation, ten times slower; for KVM run on bare metal or a host with nested virtualization, as a member of the group kvm",
        ));
    }
    checks.push(program(
        &leash,
        "ssh",
        &["-V"],
        Health::Weak,
        "apt-get install openssh-client, or use --transport console",
    ));
    checks.push(program(
        &leash,
        "qemu-img",
        &["--version"],
        Health::Weak,
        "for --snapshot of a guest with a disk: apt-get install qemu-utils",
    ));
    checks.push(program(
        &leash,
        "cc",
        &["--version"],
        Health::Weak,
        "for C reproducers: apt-get install gcc libc6-dev",
    ));
    for name in ["syz-execprog", "syz-executor"] {
        let found = syz_bin.and_then(|folder| in_build(folder, name)).or_else(|| in_path(name));
        checks.push(match found {
            Some(path) => match revision.and_then(|wanted| revision_warning(&path, wanted)) {
                None => Check::new(name, Health::Good, path.display().to_string(), ""),
                Some(warning) => Check::new(name, Health::Weak, warning, "build the bundle's revision and give --syz-bin DIR"),
            },
            None => Check::new(
                name,
                Health::Weak,
                "not in the PATH".to_owned(),
                "build the crash's syzkaller-commit (make execprog executor) and give --syz-bin DIR, unless the image has it",
            ),
        });
    }
    checks.push(space(folder));
    checks.push(memory());
    checks.push(match vmlinux {
        Some(path) if path.is_file() => Check::new("vmlinux", Health::Good, path.display().to_string(), ""),
        _ => Check::new(
            "vmlinux",
            Health::Weak,
            "none here".to_owned(),
            "reports stay without source lines: kanalyze bundle fetch brings it, or give it with -k",
        ),
    });
    checks
}

fn program(leash: &Leash, name: &str, arguments: &[&str], otherwise: Health, remedy: &str) -> Check {
    match command::run(leash, Command::new(name).args(arguments), None, Duration::from_secs(10)) {
        Ok(finished) if !finished.timed_out => {
            let words = [finished.stdout, finished.stderr].concat();
            let text = String::from_utf8_lossy(&words);
            let line = text.lines().next().unwrap_or("it is there").trim().to_owned();
            Check::new(name, Health::Good, line, remedy)
        }
        Ok(_) => Check::new(name, otherwise, "does not answer".to_owned(), remedy),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::new(name, otherwise, "not installed".to_owned(), remedy)
        }
        Err(error) => Check::new(name, otherwise, error.to_string(), remedy),
    }
}

/// Where a program of syzkaller is in a folder: there, or where a syzkaller tree keeps it, below `bin/`.
#[must_use]
pub fn in_build(folder: &Path, name: &str) -> Option<PathBuf> {
    let cross = BOARDS.iter().map(|board| format!("bin/linux_{}", board.architecture.syzkaller_name()));
    let places = [String::new(), "bin".to_owned()].into_iter().chain(cross);
    places.map(|place| folder.join(place).join(name)).find(|path| path.is_file())
}

/// Where a program of the PATH is.
#[must_use]
pub fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn space(folder: &Path) -> Check {
    // The folder may not exist yet: what counts is the file system that it will be on.
    let there = folder.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let remedy = "a bundle with its disk and vmlinux takes some 6 GiB: free some space or work elsewhere";
    match statvfs(there) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let health = if free >= SPACE { Health::Good } else { Health::Weak };
            Check::new("disk space", health, format!("{} MiB free in {}", free >> 20, there.display()), remedy)
        }
        Err(error) => Check::new("disk space", Health::Weak, format!("{}: {error}", there.display()), remedy),
    }
}

fn memory() -> Check {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kib| kib >> 10);
    let health = if free >= MEMORY { Health::Good } else { Health::Weak };
    let remedy = "a guest takes 2 GiB unless --memory says less";
    Check::new("memory", health, format!("{free} MiB available"), remedy)
}
