//! Arguments and bundle → the settings of one run, or of two for `--ab`.

use super::Arguments;
use super::arguments::SourceArguments;
use super::boot::{absolute, board, choose_kernel, disk, usual_image};
use super::job::Job;
use super::workload::{edit_program, workload};
use crate::syzbot::bundle::{Bundle, MANIFEST};
use crate::vm::Settings;
use crate::vm::settings::Image;
use anyhow::ensure;
use std::path::{Path, PathBuf};

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
