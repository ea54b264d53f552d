//! Every setting of a run, as plain data, and the checks that turn a wrong one into one sentence.

use super::board::{BOARDS, Board};
use super::hit::{PatternError, Patterns};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// How a disk image is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// The bytes of the disk as they are.
    Raw,
    /// QEMU's own format.
    Qcow2,
}

impl DiskFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Raw, Self::Qcow2];

    /// QEMU's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }

    /// What the first bytes of an image say.
    #[must_use]
    pub fn of_magic(magic: &[u8]) -> Self {
        if magic.starts_with(b"QFI\xfb") { Self::Qcow2 } else { Self::Raw }
    }
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

impl Settings {
    /// Checks what can be checked without starting anything.
    ///
    /// # Errors
    /// One sentence: which setting, what is wrong, what would be right.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.kernel.is_none() && self.disk.is_none() {
            return Err(SettingsError::Nothing);
        }
        if self.kernel.is_none() && (!self.append.is_empty() || self.initrd.is_some()) {
            return Err(SettingsError::NoKernel);
        }
        if !(64..=1 << 20).contains(&self.memory) {
            return Err(wrong("--memory", self.memory, "MiB, between 64 and 1048576"));
        }
        if !(1..=512).contains(&self.cpus) {
            return Err(wrong("--cpus", self.cpus, "between 1 and 512"));
        }
        let disk = self.disk.as_ref().map(|disk| &disk.path);
        for (option, path) in [("--kernel", self.kernel.as_ref()), ("--initrd", self.initrd.as_ref()), ("--disk", disk)]
        {
            if let Some(path) = path {
                readable(option, path)?;
            }
        }
        if let Some(image) = &self.image {
            readable("--vmlinux", &image.vmlinux)?;
            if let Some(folder) = image.modules.iter().find(|folder| !folder.is_dir()) {
                return Err(wrong("--modules", folder.display(), "not a folder"));
            }
        }
        for (option, path) in self.files() {
            readable(option, path)?;
        }
        if let Some(share) = &self.share
            && !share.is_dir()
        {
            return Err(wrong("--share", share.display(), "not a folder"));
        }
        for sysctl in &self.sysctls {
            let fits = sysctl.split_once('=').is_some_and(|(name, value)| {
                !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
                    && !value.contains(['\n', '\''])
            });
            if !fits {
                return Err(wrong("--sysctl", format!("{sysctl:?}"), "write it as kernel.name=value"));
            }
        }
        for event in &self.ftrace {
            if event.is_empty() || !event.chars().all(|c| c.is_ascii_alphanumeric() || "_:*-".contains(c)) {
                return Err(wrong("--ftrace", format!("{event:?}"), "an event such as sched:sched_switch or block:*"));
            }
        }
        if !(1..=1 << 22).contains(&self.ftrace_buffer) {
            return Err(wrong("--ftrace-buffer", self.ftrace_buffer, "KiB for each processor, between 1 and 4194304"));
        }
        for word in &self.append {
            if word.contains(['\n', '\0']) {
                return Err(wrong("--append", format!("{word:?}"), "one line"));
            }
        }
        if self.login.user.is_empty()
            || !self.login.user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            || self.login.user.starts_with('-')
        {
            return Err(wrong("--user", format!("{:?}", self.login.user), "a login name"));
        }
        let limits = self.limits;
        for (option, seconds, least) in [
            ("--max-time", limits.max_time, 1.0),
            ("--boot-timeout", limits.boot, 1.0),
            ("--no-output", limits.no_output, 0.0),
            ("--settle", limits.settle, 0.5),
        ] {
            if !(least..=86_400.0 * 365.0).contains(&seconds) {
                return Err(wrong(option, seconds, format!("seconds, at least {least}")));
            }
        }
        if self.transport == TransportChoice::None && self.workload != Workload::BootOnly {
            return Err(SettingsError::NoTransport);
        }
        Ok(Patterns::new(&self.hits, &self.hit_lines).map(drop)?)
    }

    /// Files of the host that the workload and the login need, with the option that named them.
    fn files(&self) -> Vec<(&'static str, &PathBuf)> {
        let mut files = Vec::new();
        match &self.workload {
            Workload::BootOnly | Workload::Command { .. } => {}
            Workload::Script { path } => files.push(("--script", path)),
            Workload::Program { path } => files.push(("--program", path)),
            Workload::CSource { path } => files.push(("--c-repro", path)),
            Workload::Syz { program, execprog, executor, .. } => {
                files.push(("--repro", program));
                files.extend(execprog.iter().chain(executor).map(|path| ("--syz-bin", path)));
            }
        }
        files.extend(self.login.key.iter().map(|path| ("--key", path)));
        files
    }

    /// What a run keeps a copy of, since its owner goes on editing it: the name of the copy and the file.
    #[must_use]
    pub fn keepsakes(&self) -> Vec<(String, PathBuf)> {
        let program = match &self.workload {
            Workload::BootOnly | Workload::Command { .. } => None,
            Workload::Script { path } => Some(("script", path)),
            Workload::Program { path } => Some(("program", path)),
            Workload::CSource { path } => Some(("repro.c", path)),
            Workload::Syz { program, .. } => Some(("repro.syz", program)),
        };
        let config = self.config.as_ref().map(|path| ("kernel.config", path));
        program.into_iter().chain(config).map(|(name, path)| (name.to_owned(), path.clone())).collect()
    }

    /// All files that the run uses: role and path.
    #[must_use]
    pub fn inputs(&self) -> Vec<(&'static str, PathBuf)> {
        let mut inputs: Vec<(&'static str, PathBuf)> = Vec::new();
        inputs.extend(self.kernel.iter().map(|path| ("kernel", path.clone())));
        inputs.extend(self.initrd.iter().map(|path| ("initrd", path.clone())));
        inputs.extend(self.disk.iter().map(|disk| ("disk", disk.path.clone())));
        for (option, path) in self.files() {
            if option != "--key" {
                inputs.push((option.trim_start_matches("--"), path.clone()));
            }
        }
        inputs
    }
}

fn wrong(option: &'static str, given: impl std::fmt::Display, wanted: impl Into<String>) -> SettingsError {
    SettingsError::Wrong { option, given: given.to_string(), wanted: wanted.into() }
}

fn readable(option: &'static str, path: &Path) -> Result<(), SettingsError> {
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(meta) if meta.is_dir() => Err(wrong(option, path.display(), "a folder, a file is wanted")),
        Ok(meta) if meta.is_file() && meta.len() == 0 => Err(wrong(option, path.display(), "the file is empty")),
        Ok(_) => Ok(()),
        Err(error) => Err(wrong(option, path.display(), error.to_string())),
    }
}

/// Reads `90`, `90s`, `1.5m`, `2h`, `1d` into seconds.
///
/// # Errors
/// [`TimeError`], which names the forms.
pub fn parse_seconds(text: &str) -> Result<f64, TimeError> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(TimeError(text.to_owned())),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value * factor),
        _ => Err(TimeError(text.to_owned())),
    }
}

/// A text that is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: write a time as 90, 90s, 10m, 2h or 1d")]
pub struct TimeError(String);

/// Seconds as a duration; what is not a time becomes none.
#[must_use]
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_units() {
        assert_eq!(parse_seconds("90"), Ok(90.0));
        assert_eq!(parse_seconds("1.5m"), Ok(90.0));
        assert_eq!(parse_seconds("2h"), Ok(7_200.0));
        assert_eq!(parse_seconds("250ms"), Ok(0.25));
        for bad in ["", "m", "-1", "10 parsecs", "nan", "inf", "1e400"] {
            assert!(parse_seconds(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_wrong_setting_is_told_in_one_sentence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kernel = folder.path().join("bzImage");
        std::fs::write(&kernel, "kernel").expect("written");
        let good = Settings { kernel: Some(kernel), ..Settings::default() };
        assert_eq!(good.check(), Ok(()));
        type Break = fn(&mut Settings);
        let cases: [(Break, &str); 14] = [
            (|s| s.kernel = None, "nothing to boot"),
            (|s| s.kernel = Some("/nonexistent/bzImage".into()), "--kernel /nonexistent/bzImage"),
            (|s| s.kernel = Some("/".into()), "a folder"),
            (|s| s.memory = 1, "--memory 1"),
            (|s| s.cpus = 0, "--cpus 0"),
            (|s| s.sysctls = vec!["panic_on_oops".into()], "--sysctl"),
            (|s| s.sysctls = vec!["a=b'; reboot".into()], "--sysctl"),
            (|s| s.ftrace = vec!["a;b".into()], "--ftrace"),
            (|s| s.login.user = "-oProxyCommand=x".into(), "--user"),
            (|s| s.limits.max_time = 0.0, "--max-time"),
            (|s| s.limits.settle = f64::NAN, "--settle"),
            (|s| s.hits = vec!["(".into()], "--hit"),
            (|s| s.share = Some("/nonexistent".into()), "--share"),
            (
                |s| {
                    s.transport = TransportChoice::None;
                    s.workload = Workload::Command { command: "true".into() };
                },
                "--transport none",
            ),
        ];
        for (break_it, expected) in cases {
            let mut settings = good.clone();
            break_it(&mut settings);
            let sentence = settings.check().expect_err(expected).to_string();
            assert!(sentence.contains(expected) && !sentence.contains('\n'), "{sentence}");
        }
    }
}
