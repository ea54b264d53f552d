//! What runs in the guest: a command, a script, a program, a syz program with its flags.

use super::Arguments;
use super::arguments::SourceArguments;
use super::boot::absolute;
use super::job::Job;
use crate::syzbot::bundle::Bundle;
use crate::syzbot::repro::{FlagSettings, Program, flags_for};
use crate::vm::doctor::{in_build, in_path};
use crate::vm::settings::Workload;
use anyhow::{Context as _, bail, ensure};
use std::path::{Path, PathBuf};

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

pub(super) fn workload(
    source: &SourceArguments,
    bundle: Option<&Bundle>,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Workload> {
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
