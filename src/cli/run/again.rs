//! `run --again RUN`: the settings of a run, out of its manifest.

use super::Arguments;
use super::job::Job;
use super::settings::overlay;
use super::workload::edit_program;
use crate::calendar;
use crate::cli::config;
use crate::cli::run::settings::runs_folder;
use crate::runs::folder;
use crate::runs::manifest::{InputFile, MANIFEST, Manifest};
use crate::vm::Settings;
use crate::vm::disk::leads_to;
use crate::vm::facts::describe_input;
use crate::vm::settings::{DiskFormat, Workload};
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};

/// The folder of the run that is to be repeated.
///
/// # Errors
/// Nothing or several have this name.
pub(super) fn find(arguments: &Arguments, name: &str) -> anyhow::Result<PathBuf> {
    Ok(folder::find(&runs_folder(arguments), name)?)
}

/// The job of that run, changed by what else the command line says.
///
/// # Errors
/// The manifest cannot be read; a change makes no sense.
pub(super) fn job(arguments: &Arguments, name: &str) -> anyhow::Result<Job> {
    let run = find(arguments, name)?;
    let manifest = Manifest::read(&run).with_context(|| run.display().to_string())?;
    ensure!(
        !manifest.settings.is_null(),
        "{}: its log was watched or replayed, so that there is no machine to start again: name a run of `kanalyze run`",
        run.display()
    );
    let mut settings: Settings = serde_json::from_value(manifest.settings.clone())
        .with_context(|| format!("{}: the settings of this run cannot be read", run.display()))?;
    take_copies(&mut settings, &run)?;
    let far = reaching(&settings, arguments, &run)?;
    let mut job = Job::new(settings);
    job.local_kernel = manifest.local_kernel;
    job.tag = manifest.tag;
    job.warnings.extend(manifest.inputs.iter().filter_map(|input| changed(input, &job.settings)));
    overlay(&mut job, arguments)?;
    edit_program(&mut job, arguments)?;
    if let Some(words) = far {
        ensure!(arguments.keep.dry_run, words);
        job.warnings.push(words);
    }
    Ok(job)
}

/// What the manifest says and a file of a folder cannot say, be it a `kanalyze.toml` or the manifest of a run that a stranger made,
/// in a sentence; nothing where the command line says it, too, or the user trusts the folder.
fn reaching(settings: &Settings, arguments: &Arguments, run: &Path) -> anyhow::Result<Option<String>> {
    let (machine, disk) = (&arguments.machine, settings.disk.as_ref());
    let said = [
        ("qemu", settings.qemu.is_some(), machine.qemu.is_some()),
        ("qemu-arg", !settings.qemu_arguments.is_empty(), !machine.qemu_arg.is_empty()),
        ("machine", settings.machine.is_some(), machine.machine.is_some()),
        ("share", settings.share.is_some(), machine.share.is_some()),
        ("open-network", settings.open_network, machine.open_network),
        ("persist", settings.persist, machine.persist),
        // qcow2 by its first bytes is refused where it leads to other files; only --disk-format allows that.
        (
            "disk-format",
            disk.is_some_and(|disk| {
                disk.format == DiskFormat::Qcow2 && leads_to(&disk.path).is_ok_and(|to| to.is_some())
            }),
            arguments.source.disk_format.is_some() || arguments.source.disk.is_some(),
        ),
    ];
    let beyond = said.into_iter().find(|(_, there, given)| *there && !given);
    let Some((name, ..)) = beyond else { return Ok(None) };
    if config::trusts(run)? {
        return Ok(None);
    }
    Ok(Some(format!(
        "{}: the manifest says '{name}', which {}: say --{name} here, too, or, if the folder is yours, trusted = [\"{}\"] at the \
         top of {}",
        run.join(MANIFEST).display(),
        config::far("run", name),
        run.parent().unwrap_or(run).display(),
        config::own_file_name(),
    )))
}

/// The program and the configuration as they were lie beside the manifest; their owner may have edited his since.
fn take_copies(settings: &mut Settings, run: &Path) -> anyhow::Result<()> {
    let run = std::path::absolute(run)?;
    for (name, _) in settings.keepsakes() {
        let copy = run.join(&name);
        if !copy.is_file() {
            continue;
        }
        match &mut settings.workload {
            _ if settings.config.is_some() && name == "kernel.config" => settings.config = Some(copy),
            Workload::Script { path } | Workload::Program { path } | Workload::CSource { path } => *path = copy,
            Workload::Syz { program, .. } => *program = copy,
            Workload::BootOnly | Workload::Command { .. } => {}
        }
    }
    Ok(())
}

/// What is another file now than the run had.
fn changed(input: &InputFile, settings: &Settings) -> Option<String> {
    let (_, path) = settings.inputs().into_iter().find(|(role, path)| *role == input.role && path.exists())?;
    let now = describe_input(&input.role, &path)?;
    let same = match (&now.sha256, &input.sha256) {
        (Some(now), Some(then)) => now == then,
        _ => now.size == input.size && now.modified == input.modified,
    };
    let modified = now.modified.unwrap_or_else(|| calendar::utc(std::time::SystemTime::now()));
    (!same).then(|| format!("{} {} is another file than the run had (changed {modified})", input.role, path.display()))
}
