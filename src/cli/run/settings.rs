//! Arguments and bundle → the settings of one run, or of two for `--ab`.

use super::Arguments;
use super::arguments::SourceArguments;
use crate::architecture::Architecture;
use crate::syzbot::bundle::{Bundle, MANIFEST};
use crate::syzbot::repro::{FlagSettings, Program, flags_for};
use crate::vm::Settings;
use crate::vm::board::{BOARDS, Board};
use crate::vm::disk::leads_to;
use crate::vm::doctor::{in_build, in_path};
use crate::vm::settings::{Disk, DiskFormat, Image, Workload};
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One kernel's runs.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// All settings.
    pub settings: Settings,
    /// What is not as it should be.
    pub warnings: Vec<String>,
    /// `head` and `uncommitted` of a kernel that was built here.
    pub local_kernel: BTreeMap<String, String>,
    /// The tag of the run that is repeated.
    pub tag: Option<String>,
    /// The syz program, where it is another one than its file holds: each run writes it into its folder.
    pub program: Option<Vec<u8>>,
}

impl Job {
    /// Of settings about which there is nothing to say.
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, warnings: Vec::new(), local_kernel: BTreeMap::new(), tag: None, program: None }
    }
}

/// The bundle's folder, if one is meant.
pub(super) fn bundle_folder(source: &SourceArguments) -> Option<PathBuf> {
    source.bundle.clone().or_else(|| source.extid.as_ref().map(|bug| PathBuf::from(bug.key())))
}

/// Opens the bundle; one that is not there yet is fetched.
pub(super) fn bundle(arguments: &Arguments) -> anyhow::Result<Option<Bundle>> {
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

pub(super) fn job(arguments: &Arguments, bundle: Option<&Bundle>, kernel: Option<&str>) -> anyhow::Result<Job> {
    let source = &arguments.source;
    let mut job = Job::new(Settings::default());
    let (kernel, kernel_name) = choose_kernel(bundle, kernel, &mut job.local_kernel)?;
    let settings = &mut job.settings;
    settings.config = bundle.and_then(|bundle| match kernel_name.as_str() {
        "bundle" => bundle.config.clone(),
        "local" => bundle.local.as_ref()?.config.clone(),
        _ => None,
    });
    settings.image = arguments.image.of(usual_image(bundle, kernel.as_deref(), &kernel_name).as_deref())?;
    (settings.kernel, settings.kernel_name) = (kernel, kernel_name);
    settings.disk = match bundle.and_then(|bundle| Some((bundle, bundle.disk.as_ref()?))) {
        Some((bundle, path)) if source.disk.is_none() => {
            Some(disk(path, source.disk_format, Some(bundle.disk_format))?)
        }
        _ => None,
    };
    let initrd = bundle.and_then(|bundle| bundle.initrd.as_ref());
    settings.initrd = initrd.map(|path| absolute(path)).transpose()?;
    settings.board = board(arguments.machine.arch, bundle)?;
    settings.expected_title = bundle.and_then(|bundle| bundle.crash_title.clone().or_else(|| bundle.title.clone()));
    settings.workload = workload(source, bundle, &mut job.warnings)?;
    overlay(&mut job, arguments)?;
    edit_program(&mut job, arguments)?;
    let settings = &job.settings;
    if let Some(caution) = settings.board.caution.filter(|_| settings.kernel.is_some()) {
        job.warnings.push(caution.to_owned());
    }
    Ok(job)
}

/// Lays over the settings what the command line says; what it does not say stays.
///
/// # Errors
/// A path cannot be made absolute, a file of a workload is not there.
pub(super) fn overlay(job: &mut Job, arguments: &Arguments) -> anyhow::Result<()> {
    let (source, machine, guest, seek) = (&arguments.source, &arguments.machine, &arguments.guest, &arguments.seek);
    let settings = &mut job.settings;
    if arguments.source.again.is_some() {
        if let [kernel] = source.kernel.as_slice() {
            (settings.kernel, settings.kernel_name) = (Some(absolute(Path::new(kernel))?), kernel.clone());
            settings.image = usual_image(None, settings.kernel.as_deref(), kernel)
                .map(|vmlinux| Image { vmlinux, modules: Vec::new() });
            job.local_kernel.clear();
        }
        if let Some(arch) = machine.arch {
            settings.board = board(Some(arch), None)?;
        }
        if let Some(image) = arguments.image.of(None)? {
            settings.image = Some(image);
        }
        if source.names_workload() {
            settings.workload = workload(source, None, &mut job.warnings)?;
        }
    }
    if let Some(path) = &source.disk {
        settings.disk = Some(disk(path, source.disk_format, None)?);
    }
    replace(&mut settings.initrd, source.initrd.as_deref().map(absolute).transpose()?);
    replace(&mut settings.root, machine.root.clone());
    replace_list(&mut settings.append, &machine.append);
    settings.memory = machine.memory.unwrap_or(settings.memory);
    settings.cpus = machine.cpus.unwrap_or(settings.cpus);
    replace(&mut settings.machine, machine.machine.clone());
    settings.accelerator = machine.accel.map_or(settings.accelerator, Into::into);
    settings.persist |= machine.persist;
    settings.open_network |= machine.open_network;
    replace(&mut settings.share, machine.share.as_deref().map(absolute).transpose()?);
    replace(&mut settings.qemu, machine.qemu.clone());
    replace_list(&mut settings.qemu_arguments, &machine.qemu_arg);
    settings.transport = guest.transport.map_or(settings.transport, Into::into);
    let login = &mut settings.login;
    login.user = guest.user.clone().unwrap_or_else(|| login.user.clone());
    replace(&mut login.key, guest.key.as_deref().map(absolute).transpose()?);
    replace(&mut login.password, guest.password.clone());
    replace_list(&mut settings.sysctls, &guest.sysctl);
    replace_list(&mut settings.ftrace, &guest.ftrace);
    settings.ftrace_buffer = guest.ftrace_buffer.unwrap_or(settings.ftrace_buffer);
    let limits = &mut settings.limits;
    for (limit, given) in [
        (&mut limits.max_time, seek.max_time),
        (&mut limits.boot, seek.boot_timeout),
        (&mut limits.no_output, seek.no_output),
        (&mut limits.settle, seek.settle),
    ] {
        *limit = given.unwrap_or(*limit);
    }
    replace_list(&mut settings.hits, &seek.hit);
    replace_list(&mut settings.hit_lines, &seek.hit_line);
    settings.stop_on_hit |= seek.stop_on_hit;
    if settings.share.is_some() {
        job.warnings.push("--share: the guest can change the folder, and 9p itself may be what crashes".to_owned());
    }
    Ok(())
}

fn replace<T>(place: &mut Option<T>, given: Option<T>) {
    if given.is_some() {
        *place = given;
    }
}

fn replace_list(place: &mut Vec<String>, given: &[String]) {
    if !given.is_empty() {
        *place = given.to_vec();
    }
}

/// Changes the options of the syz program, for this run only, and the flags with them; then lays the user's own flags over.
///
/// # Errors
/// There is no syz program, or it does not take the option.
pub(super) fn edit_program(job: &mut Job, arguments: &Arguments) -> anyhow::Result<()> {
    let Workload::Syz { program: path, .. } = &job.settings.workload else {
        ensure!(arguments.source.set.is_empty(), "--set changes the options of a syz program, and none is run");
        return Ok(());
    };
    if !arguments.source.set.is_empty() {
        let mut program = parsed(path)?;
        for (key, value) in &arguments.source.set {
            program.set(key, value).map_err(|words| anyhow::anyhow!("--set {key}={value}: {words}"))?;
        }
        set_program(job, &program, true)?;
    }
    if let Workload::Syz { flags, .. } = &mut job.settings.workload {
        add_flags(
            flags,
            &arguments.source.procs.map(|procs| format!("-procs={procs}")).into_iter().collect::<Vec<_>>(),
        );
        add_flags(flags, &arguments.source.syz_flag);
    }
    Ok(())
}

/// Runs this program instead of that of the file, with the flags that its options ask for instead of those of the file's.
/// Flags of the user's own stay, unless the options go `over_flags`.
///
/// # Errors
/// The file cannot be read any more.
pub(super) fn set_program(job: &mut Job, program: &Program, over_flags: bool) -> anyhow::Result<()> {
    let Workload::Syz { program: path, flags, .. } = &mut job.settings.workload else { return Ok(()) };
    let before = match &job.program {
        Some(text) => Program::parse(text)?,
        None => parsed(path)?,
    };
    let settings = FlagSettings { machine: Some("qemu".to_owned()), ..FlagSettings::default() };
    let (old, new) = (flags_for(&before, &settings), flags_for(program, &settings));
    // What is not of the options, the user's own flags among them, stays.
    flags.retain(|flag| !old.flags.contains(flag) || new.flags.contains(flag));
    let fits = |flag: &&String| over_flags || !flags.iter().any(|other| flag_name(other) == flag_name(flag));
    let added: Vec<String> = new.flags.iter().filter(|flag| !old.flags.contains(flag)).filter(fits).cloned().collect();
    add_flags(flags, &added);
    job.warnings.extend(new.warnings.into_iter().filter(|warning| !old.warnings.contains(warning)));
    job.program = Some(program.to_bytes());
    Ok(())
}

fn parsed(path: &Path) -> anyhow::Result<Program> {
    let text = std::fs::read(path).with_context(|| format!("--repro {}", path.display()))?;
    Program::parse(&text).with_context(|| path.display().to_string())
}

/// Adds flags; one of the same name goes: the last one would win anyway, but a reader need not know that.
fn add_flags(flags: &mut Vec<String>, more: &[String]) {
    for flag in more {
        flags.retain(|other| flag_name(other) != flag_name(flag));
        flags.push(flag.clone());
    }
}

fn flag_name(flag: &str) -> &str {
    flag.trim_start_matches('-').split('=').next().unwrap_or_default()
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
            let built = bundle.manifest.local.as_ref();
            local_kernel.extend(built.and_then(|built| Some(("build_id".to_owned(), built.build_id.clone()?))));
            let patches = built.into_iter().flat_map(|built| &built.patches).map(|patch| patch.path.as_str());
            let patches = patches.collect::<Vec<_>>().join(", ");
            if !patches.is_empty() {
                local_kernel.insert("patches".to_owned(), patches);
            }
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
    let flags = told.flags;
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

/// The board of the architecture that the user names, else the bundle's, else this machine's.
fn board(wished: Option<Architecture>, bundle: Option<&Bundle>) -> anyhow::Result<&'static Board> {
    let of_bundle = bundle.and_then(|bundle| bundle.arch);
    let Some(architecture) = wished.or(of_bundle) else { return Ok(Board::native()) };
    Board::of(architecture).with_context(|| {
        let name = architecture.syzkaller_name();
        let known: Vec<&str> = BOARDS.iter().map(|board| board.architecture.kernel_name()).collect();
        format!("--arch {name}: only {} guests are run", known.join(" and "))
    })
}

/// The disk in the format that the user says, that the bundle says, or that its first bytes say. What comes from elsewhere must
/// not show the guest another file of this machine: only a user who names the format takes an image with such a link.
fn disk(path: &Path, wished: Option<DiskFormat>, bundled: Option<DiskFormat>) -> anyhow::Result<Disk> {
    let path = absolute(path)?;
    let format = match wished.or(bundled) {
        Some(format) => format,
        None => {
            let mut magic = Vec::new();
            File::open(&path)
                .and_then(|file| file.take(4).read_to_end(&mut magic))
                .with_context(|| path.display().to_string())?;
            DiskFormat::of_magic(&magic)
        }
    };
    if format == DiskFormat::Qcow2
        && wished.is_none()
        && let Some(other) = leads_to(&path).with_context(|| path.display().to_string())?
    {
        let shown = path.display();
        bail!(
            "{shown}: this image is only a part of a disk: the guest would also see {other}; if the image is your own, \
             --disk-format qcow2 takes it, else make a whole one: qemu-img convert -O qcow2 {shown} whole.qcow2"
        );
    }
    Ok(Disk { path, format })
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

/// Where the runs go; those that repeat one go beside it.
pub(super) fn runs_folder(arguments: &Arguments) -> PathBuf {
    if let Some(runs) = &arguments.keep.runs {
        return runs.clone();
    }
    if let Some(run) = &arguments.source.again
        && let Some(parent) = Path::new(run).parent()
        && Path::new(run).join(crate::runs::manifest::MANIFEST).is_file()
    {
        return if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() };
    }
    bundle_folder(&arguments.source).map_or_else(|| PathBuf::from("runs"), |folder| folder.join("runs"))
}
