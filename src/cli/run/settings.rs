//! Arguments and bundle → the settings of one run, or of two for `--ab`.

use super::Arguments;
use crate::vm::Settings;
use crate::vm::doctor::in_path;
use crate::vm::settings::{Architecture, Disk, Limits, Login, Workload};
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One kernel's runs.
#[derive(Debug)]
pub(super) struct Job {
    /// All settings.
    pub settings: Settings,
    /// What is not as it should be.
    pub warnings: Vec<String>,
    /// `head` and `uncommitted` of a kernel that was built here.
    pub local_kernel: BTreeMap<String, String>,
}

/// The jobs that the arguments ask for: one, or two with `--ab`.
///
/// # Errors
/// A sentence on what does not fit together.
pub(super) fn jobs(arguments: &Arguments) -> anyhow::Result<Vec<Job>> {
    let source = &arguments.source;
    ensure!(source.bundle.is_none() && source.extid.is_none(), "SEAM(bundle): bundles come with the branch syzbot");
    let kernels: Vec<Option<String>> = match (arguments.keep.ab, source.kernel.len()) {
        (true, 2) => source.kernel.iter().cloned().map(Some).collect(),
        (true, 0) => vec![Some("bundle".to_owned()), Some("local".to_owned())],
        (true, _) => bail!("--ab: give --kernel twice, or not at all for the bundle's and the local one"),
        (false, 0) => vec![None],
        (false, 1) => vec![Some(source.kernel[0].clone())],
        (false, _) => bail!("--kernel twice: say --ab to run both in turn"),
    };
    kernels.into_iter().map(|kernel| job(arguments, kernel.as_deref())).collect()
}

fn job(arguments: &Arguments, kernel: Option<&str>) -> anyhow::Result<Job> {
    let (source, machine, guest, seek) = (&arguments.source, &arguments.machine, &arguments.guest, &arguments.seek);
    let (kernel, kernel_name) = match kernel {
        None => (None, "the disk's own".to_owned()),
        Some(name @ ("bundle" | "local")) => bail!("--kernel {name}: only with --bundle or --extid"),
        Some(path) => (Some(absolute(Path::new(path))?), path.to_owned()),
    };
    let disk = source.disk.as_ref().map(|path| disk(path, source.disk_format.as_deref())).transpose()?;
    let settings = Settings {
        architecture: architecture(machine.arch.as_deref())?,
        kernel,
        kernel_name,
        disk,
        initrd: source.initrd.as_deref().map(absolute).transpose()?,
        root: machine.root.clone(),
        append: machine.append.clone(),
        memory: machine.memory,
        cpus: machine.cpus,
        machine: machine.machine.clone(),
        accelerator: machine.accel.into(),
        persist: machine.persist,
        open_network: machine.open_network,
        share: machine.share.as_deref().map(absolute).transpose()?,
        qemu: machine.qemu.clone(),
        qemu_arguments: machine.qemu_arg.clone(),
        transport: guest.transport.into(),
        login: Login { user: guest.user.clone(), key: guest.key.clone(), password: guest.password.clone() },
        workload: workload(arguments)?,
        sysctls: guest.sysctl.clone(),
        ftrace: guest.ftrace.clone(),
        limits: Limits {
            max_time: seek.max_time,
            boot: seek.boot_timeout,
            no_output: seek.no_output,
            settle: seek.settle,
        },
        hits: seek.hit.clone(),
        hit_lines: seek.hit_line.clone(),
        expected_title: None,
        stop_on_hit: seek.stop_on_hit,
    };
    let mut warnings = Vec::new();
    if settings.share.is_some() {
        warnings.push("--share: the guest can change the folder, and 9p itself may be what crashes".to_owned());
    }
    if settings.architecture == Architecture::Arm64 && settings.kernel.is_some() {
        warnings.push(
            "arm64 kernels since v5.11 take the boot loader's command line instead of their built-in one: what syzbot built in (panic_on_warn, watchdogs) is off unless --append says it again"
                .to_owned(),
        );
    }
    Ok(Job { settings, warnings, local_kernel: BTreeMap::new() })
}

fn workload(arguments: &Arguments) -> anyhow::Result<Workload> {
    let source = &arguments.source;
    Ok(if let Some(command) = &source.exec {
        Workload::Command { command: command.clone() }
    } else if let Some(path) = &source.script {
        Workload::Script { path: absolute(path)? }
    } else if let Some(path) = &source.program {
        Workload::Program { path: absolute(path)? }
    } else if let Some(path) = &source.c_repro {
        ensure!(!path.as_os_str().is_empty(), "--c-repro: give a file, or a bundle that has one");
        Workload::CSource { path: absolute(path)? }
    } else if let Some(path) = &source.repro {
        let (execprog, executor) = syz_binaries(source.syz_bin.as_deref())?;
        Workload::Syz { program: absolute(path)?, execprog, executor, flags: source.syz_flag.clone(), revision: None }
    } else {
        Workload::BootOnly
    })
}

/// Both programs of syzkaller: of the given folder, or of the PATH; what is found nowhere is sought in the guest.
fn syz_binaries(folder: Option<&Path>) -> anyhow::Result<(Option<PathBuf>, Option<PathBuf>)> {
    let find = |name: &str| match folder {
        // A syzkaller tree keeps them below bin/.
        Some(folder) => ["", "bin/", "bin/linux_amd64/", "bin/linux_arm64/"]
            .iter()
            .map(|sub| folder.join(format!("{sub}{name}")))
            .find(|path| path.is_file())
            .map(Some)
            .with_context(|| format!("--syz-bin {}: no {name} there", folder.display())),
        None => Ok(in_path(name)),
    };
    Ok((find("syz-execprog")?, find("syz-executor")?))
}

fn architecture(name: Option<&str>) -> anyhow::Result<Architecture> {
    Ok(match name {
        None if cfg!(target_arch = "aarch64") => Architecture::Arm64,
        None | Some("x86_64" | "amd64") => Architecture::X86_64,
        Some("arm64" | "aarch64") => Architecture::Arm64,
        Some(other) => bail!("--arch {other}: x86_64 or arm64"),
    })
}

fn disk(path: &Path, format: Option<&str>) -> anyhow::Result<Disk> {
    let path = absolute(path)?;
    let format = match format {
        Some(format) => format.to_owned(),
        None => {
            let mut magic = Vec::new();
            File::open(&path)
                .and_then(|file| file.take(4).read_to_end(&mut magic))
                .with_context(|| path.display().to_string())?;
            if magic == b"QFI\xfb" { "qcow2" } else { "raw" }.to_owned()
        }
    };
    Ok(Disk { path, format })
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

/// Where the runs go.
pub(super) fn runs_folder(arguments: &Arguments, _jobs: &[Job]) -> PathBuf {
    let bundle = arguments.source.bundle.as_ref();
    arguments
        .keep
        .runs
        .clone()
        .unwrap_or_else(|| bundle.map_or_else(|| PathBuf::from("runs"), |folder| folder.join("runs")))
}
