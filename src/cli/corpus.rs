//! `kanalyze corpus`: a folder of logs, each with what kanalyze is known to say about it.

use super::collection::{Member, members, said};
use super::logs::{Reading, tell};
use super::progress::Progress;
use crate::engine::in_order;
use crate::input::Source;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keep a collection of logs with snapshots of what kanalyze says about each
///
/// Every `NAME.log` (also compressed: `NAME.log.gz` …) below the folder has its snapshot beside it, `NAME.snap`: all
/// reports and events as text. So has every `NAME.txt` that holds a bisection: `NAME.bisection.snap`. Read a snapshot
/// before you accept it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # compare; exit 1 and a diff where something changed
  kanalyze corpus check my-logs
  kanalyze corpus accept my-logs  write the snapshots anew")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compare every log with its snapshot
    #[command(after_help = "Exit status: 0 all are as their snapshots say, 1 something differs, 2 error.")]
    Check(Folder),
    /// Write every snapshot anew
    Accept(Folder),
}

#[derive(Debug, clap::Args)]
struct Folder {
    /// Folder of logs
    folder: PathBuf,

    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
///
/// # Errors
/// A folder that cannot be read, a snapshot that cannot be written, a grammar that is not valid.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (folder, accept) = match &arguments.verb {
        Verb::Check(folder) => (folder, false),
        Verb::Accept(folder) => (folder, true),
    };
    if folder.folder.is_file() {
        anyhow::bail!("{}: is a file: name the folder in which the logs are", folder.folder.display());
    }
    let mut options = folder.reading.options()?.with_events();
    let logs = members(&folder.folder)
        .map_err(|cause| anyhow::anyhow!("{}: cannot list this folder: {cause}", folder.folder.display()))?;
    one_snapshot_each(&logs)?;
    let sources: Vec<Source> = logs.iter().map(|log| Source::from(log.path.as_path())).collect();
    let progress = Progress::of(&sources, &mut options);
    let told = in_order(options.threads, &logs, |log| said(log, &options));
    drop(progress);
    let told: Vec<_> = logs.iter().zip(told).filter_map(|(log, (text, outcome))| Some((log, text?, outcome))).collect();
    if told.is_empty() {
        anyhow::bail!("{}: no logs here; a corpus holds files named NAME.log", folder.folder.display());
    }
    let count = told.len();
    let mut out = std::io::stdout().lock();
    let (mut changed, mut fatal) = (0, false);
    for (log, text, outcome) in told {
        if tell(outcome.trouble.as_ref()) {
            fatal = true;
            continue;
        }
        let path = &log.snapshot;
        let known = std::fs::read_to_string(path).ok();
        if known.as_deref() == Some(text.as_str()) {
            continue;
        }
        changed += 1;
        if accept {
            write_whole(path, &text)?;
            writeln!(out, "{}: {}", path.display(), if known.is_some() { "changed" } else { "new" })?;
        } else {
            tell_difference(&mut out, &log.path, known.as_deref(), &text)?;
        }
    }
    writeln!(
        out,
        "{count} logs, {changed} {}",
        if accept { "snapshots written" } else { "differ from their snapshots" }
    )?;
    if !accept && changed > 0 {
        writeln!(out, "where the new text is right, accept it: kanalyze corpus accept {}", folder.folder.display())?;
    }
    Ok(ExitCode::from(if fatal { 2 } else { u8::from(!accept && changed > 0) }))
}

/// `a.log` and `a.log.gz` would overwrite each other's snapshot.
fn one_snapshot_each(members: &[Member]) -> anyhow::Result<()> {
    let mut of: BTreeMap<&Path, &Path> = BTreeMap::new();
    for member in members {
        if let Some(other) = of.insert(&member.snapshot, &member.path) {
            anyhow::bail!("{} and {} have one snapshot: rename one of them", other.display(), member.path.display());
        }
    }
    Ok(())
}

fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    crate::files::replace(path, text.as_bytes())
        .map_err(|cause| anyhow::anyhow!("{}: cannot write this snapshot: {cause}", path.display()))
}

fn tell_difference(out: &mut dyn Write, log: &Path, known: Option<&str>, text: &str) -> std::io::Result<()> {
    let Some(known) = known else {
        return writeln!(out, "{}: has no snapshot yet", log.display());
    };
    writeln!(out, "{}: differs", log.display())?;
    let diff = similar::TextDiff::from_lines(known, text);
    write!(out, "{}", diff.unified_diff().context_radius(2).header("known", "now"))
}
