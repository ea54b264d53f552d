//! Arguments and bundle → the settings of one run, or of two for `--ab`.

use super::{Arguments, SourceArguments};
use crate::syzbot::architecture::Architecture as BundleArchitecture;
use crate::syzbot::bundle::{Bundle, MANIFEST};
use crate::syzbot::repro::{FlagSettings, Program, flags_for};
use crate::vm::Settings;
use crate::vm::doctor::{in_build, in_path};
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
/// A sentence on what does not fit together; the bundle cannot be opened or fetched.
pub(super) fn jobs(arguments: &Arguments) -> anyhow::Result<Vec<Job>> {
    let given = &arguments.source.kernel;
    let bundle = bundle(arguments)?;
    let kernels: Vec<Option<&str>> = match (arguments.keep.ab, given.len()) {
        (true, 2) => given.iter().map(|kernel| Some(kernel.as_str())).collect(),
        (true, 0) if bundle.is_some() => vec![Some("bundle"), Some("local")],
        (true, _) => bail!("--ab: give --kernel twice, or a bundle with a kernel built by `kanalyze kernel build`"),
        (false, 0) => vec![None],
        (false, 1) => vec![Some(given[0].as_str())],
        (false, _) => bail!("--kernel twice: say --ab to run both in turn"),
    };
    kernels.into_iter().map(|kernel| job(arguments, bundle.as_ref(), kernel)).collect()
}

/// The bundle's folder, if one is meant.
fn bundle_folder(source: &SourceArguments) -> Option<PathBuf> {
    source.bundle.clone().or_else(|| source.extid.as_ref().map(|bug| PathBuf::from(bug.key())))
}

/// Opens the bundle; one that is not there yet is fetched.
fn bundle(arguments: &Arguments) -> anyhow::Result<Option<Bundle>> {
    let source = &arguments.source;
    let Some(folder) = bundle_folder(source) else { return Ok(None) };
    if let Some(bug) = &source.extid
        && !folder.join(MANIFEST).is_file()
    {
        ensure!(!arguments.keep.dry_run, "{}: no bundle yet, and --dry-run fetches nothing", folder.display());
        crate::cli::bundle::fetch_into(bug, &folder, &source.choice)?;
    } else if source.choice.is_made() {
        crate::cli::stderr::line(&format!(
            "{}: the bundle is there, --base-url, --crash and --without change nothing in it (kanalyze bundle fetch does)",
            folder.display()
        ));
    }
    Ok(Some(Bundle::open(&folder)?))
}

fn job(arguments: &Arguments, bundle: Option<&Bundle>, kernel: Option<&str>) -> anyhow::Result<Job> {
    let (source, machine, guest, seek) = (&arguments.source, &arguments.machine, &arguments.guest, &arguments.seek);
    let mut warnings = Vec::new();
    let mut local_kernel = BTreeMap::new();
    let (kernel, kernel_name) = choose_kernel(bundle, kernel, &mut local_kernel)?;
    let config = bundle.and_then(|bundle| match kernel_name.as_str() {
        "bundle" => bundle.config.clone(),
        "local" => bundle.local.as_ref()?.config.clone(),
        _ => None,
    });
    let image = arguments.image.of(usual_image(bundle, kernel.as_deref(), &kernel_name).as_deref())?;
    let disk = match (&source.disk, bundle.and_then(|bundle| Some((bundle, bundle.disk.as_ref()?)))) {
        (Some(path), _) => Some(disk(path, source.disk_format.as_deref())?),
        (None, Some((bundle, path))) => Some(disk(path, source.disk_format.as_deref().or(Some(bundle.disk_format)))?),
        (None, None) => None,
    };
    let initrd = source.initrd.as_ref().or(bundle.and_then(|bundle| bundle.initrd.as_ref()));
    let settings = Settings {
        architecture: architecture(machine.arch.as_deref(), bundle)?,
        kernel,
        kernel_name,
        image,
        disk,
        initrd: initrd.map(|path| absolute(path)).transpose()?,
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
        workload: workload(source, bundle, &mut warnings)?,
        config,
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
        expected_title: bundle.and_then(|bundle| bundle.crash_title.clone().or_else(|| bundle.title.clone())),
        stop_on_hit: seek.stop_on_hit,
    };
    if settings.share.is_some() {
        warnings.push("--share: the guest can change the folder, and 9p itself may be what crashes".to_owned());
    }
    if settings.architecture == Architecture::Arm64 && settings.kernel.is_some() {
        warnings.push(
            "arm64 kernels since v5.11 take the boot loader's command line instead of their built-in one: what syzbot built in (panic_on_warn, watchdogs) is off unless --append says it again"
                .to_owned(),
        );
    }
    Ok(Job { settings, warnings, local_kernel })
}

/// The kernel's path and what to call it. Without a word it is the bundle's; a disk that boots by itself needs none.
fn choose_kernel(
    bundle: Option<&Bundle>,
    word: Option<&str>,
    local_kernel: &mut BTreeMap<String, String>,
) -> anyhow::Result<(Option<PathBuf>, String)> {
    let named = |path: &Path, name: &str| anyhow::Ok((Some(absolute(path)?), name.to_owned()));
    match (word, bundle) {
        (Some("bundle" | "local"), None) => bail!("--kernel bundle and --kernel local need --bundle or --extid"),
        (Some("bundle"), Some(bundle)) => match &bundle.kernel {
            Some(path) => named(path, "bundle"),
            None => {
                bail!("{}: the bundle has no kernel image (see `kanalyze bundle show`)", bundle.directory.display())
            }
        },
        (Some("local"), Some(bundle)) => {
            let Some(local) = &bundle.local else {
                bail!("{}: no local kernel: build one with `kanalyze kernel build`", bundle.directory.display())
            };
            local_kernel.extend(local.head.iter().map(|head| ("head".to_owned(), head.clone())));
            let diff = local.uncommitted.iter().map(|path| ("uncommitted".to_owned(), path.display().to_string()));
            local_kernel.extend(diff);
            named(&local.image, "local")
        }
        (Some(path), _) => named(Path::new(path), path),
        (None, Some(Bundle { kernel: Some(path), .. })) => named(path, "bundle"),
        (None, _) => Ok((None, "the disk's own".to_owned())),
    }
}

/// The vmlinux that goes with a kernel: the bundle's, the local build's, or the one in the tree in which the kernel lies.
fn usual_image(bundle: Option<&Bundle>, kernel: Option<&Path>, name: &str) -> Option<PathBuf> {
    match (name, bundle) {
        ("bundle", Some(bundle)) => bundle.vmlinux.clone(),
        ("local", Some(bundle)) => bundle.local.as_ref()?.vmlinux.clone(),
        _ => {
            let folder = kernel?.parent()?;
            // TREE/arch/x86/boot/bzImage, or a copy beside its vmlinux.
            let tree = folder.ends_with("boot").then(|| folder.ancestors().nth(3)).flatten();
            [Some(folder), tree].into_iter().flatten().map(|folder| folder.join("vmlinux")).find(|path| path.is_file())
        }
    }
}

fn workload(source: &SourceArguments, bundle: Option<&Bundle>, warnings: &mut Vec<String>) -> anyhow::Result<Workload> {
    if let Some(command) = &source.exec {
        return Ok(Workload::Command { command: command.clone() });
    }
    if let Some(path) = &source.script {
        return Ok(Workload::Script { path: absolute(path)? });
    }
    if let Some(path) = &source.program {
        return Ok(Workload::Program { path: absolute(path)? });
    }
    if source.boot_only {
        return Ok(Workload::BootOnly);
    }
    let asked_for_c = source.c_repro.is_some();
    let c_file = source.c_repro.as_ref().filter(|path| path.as_os_str() != "bundle");
    let c_file = c_file.or(bundle.and_then(|bundle| bundle.repro_c.as_ref()));
    let program = source.repro.as_ref().or(bundle.and_then(|bundle| bundle.repro_syz.as_ref()));
    match (program, c_file) {
        (_, Some(path)) if asked_for_c => Ok(Workload::CSource { path: absolute(path)? }),
        (_, None) if asked_for_c => bail!("--c-repro: give a file, or a bundle that has one"),
        (Some(program), _) => syz(source, bundle, program, warnings),
        (None, Some(path)) => Ok(Workload::CSource { path: absolute(path)? }),
        (None, None) if bundle.is_some() => {
            bail!("the bundle has no reproducer: say what to run with --exec or --script, or --boot-only")
        }
        (None, None) => Ok(Workload::BootOnly),
    }
}

fn syz(
    source: &SourceArguments,
    bundle: Option<&Bundle>,
    program: &Path,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Workload> {
    let text = std::fs::read(program).with_context(|| format!("--repro {}", program.display()))?;
    let parsed = Program::parse(&text).with_context(|| program.display().to_string())?;
    let arch = bundle.and_then(|bundle| bundle.program_arch.or(bundle.arch));
    let told = flags_for(&parsed, &FlagSettings { arch, machine: Some("qemu".to_owned()), ..FlagSettings::default() });
    warnings.extend(told.warnings);
    let mut flags = told.flags;
    for flag in &source.syz_flag {
        // The program's own flag of this name goes; the last one would win anyway, but a reader need not know that.
        let name = |flag: &str| flag.trim_start_matches('-').split('=').next().unwrap_or_default().to_owned();
        flags.retain(|other| name(other) != name(flag));
        flags.push(flag.clone());
    }
    let (mut execprog, mut executor) = syz_binaries(source.syz_bin.as_deref())?;
    if source.syz_bin.is_none()
        && let Some(bundle) = bundle
    {
        execprog = bundle.syz_execprog.clone().or(execprog);
        executor = bundle.syz_executor.clone().or(executor);
    }
    let revision = bundle.and_then(|bundle| bundle.syzkaller_commit.clone());
    Ok(Workload::Syz { program: absolute(program)?, execprog, executor, flags, revision })
}

/// Both programs of syzkaller: of the given folder, or of the PATH; what is found nowhere is sought in the guest.
fn syz_binaries(folder: Option<&Path>) -> anyhow::Result<(Option<PathBuf>, Option<PathBuf>)> {
    let find = |name: &str| match folder {
        Some(folder) => {
            in_build(folder, name).map(Some).with_context(|| format!("--syz-bin {}: no {name} there", folder.display()))
        }
        None => Ok(in_path(name)),
    };
    Ok((find("syz-execprog")?, find("syz-executor")?))
}

fn architecture(name: Option<&str>, bundle: Option<&Bundle>) -> anyhow::Result<Architecture> {
    let of_bundle = bundle.and_then(|bundle| bundle.arch).map(BundleArchitecture::syzkaller_name);
    Ok(match name.or(of_bundle) {
        None if cfg!(target_arch = "aarch64") => Architecture::Arm64,
        None | Some("x86_64" | "amd64" | "386") => Architecture::X86_64,
        Some("arm64" | "aarch64") => Architecture::Arm64,
        Some(other) => bail!("--arch {other}: only x86_64 and arm64 guests are run"),
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
pub(super) fn runs_folder(arguments: &Arguments) -> PathBuf {
    arguments.keep.runs.clone().unwrap_or_else(|| {
        bundle_folder(&arguments.source).map_or_else(|| PathBuf::from("runs"), |folder| folder.join("runs"))
    })
}
