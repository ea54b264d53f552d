//! `kanalyze corpus`: a folder of logs, each with what kanalyze is known to say about it.

use super::logs::{Reading, tell};
use crate::engine::{Item, Options, in_order};
use crate::input::Source;
use crate::intake::{Outcome, each_log, files_below, read_log};
use crate::render::snapshot;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keep a collection of logs with snapshots of what kanalyze says about each
///
/// Every `NAME.log` (also compressed: `NAME.log.gz` …) below the folder has its snapshot beside it, `NAME.snap`: all
/// reports and events as text. Read a snapshot before you accept it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze corpus check my-logs      compare; exit 1 and a diff where something changed
  kanalyze corpus accept my-logs     write the snapshots anew")]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compare every log with its snapshot
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
/// A folder that cannot be read, a snapshot that cannot be written, a grammar that is no good.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (folder, accept) = match &arguments.verb {
        Verb::Check(folder) => (folder, false),
        Verb::Accept(folder) => (folder, true),
    };
    let options = folder.reading.options()?.with_events();
    let logs = files_below(&folder.folder, |name| stem(Path::new(name)).is_some())
        .map_err(|cause| anyhow::anyhow!("{}: cannot list this folder: {cause}", folder.folder.display()))?;
    if logs.is_empty() {
        anyhow::bail!("{}: no logs here; a corpus holds files named NAME.log", folder.folder.display());
    }
    one_snapshot_each(&logs)?;
    let said = in_order(options.threads, &logs, |log| said_of(log, &options));
    let mut out = std::io::stdout().lock();
    let (mut changed, mut fatal) = (0, false);
    for (log, (text, outcome)) in logs.iter().zip(said) {
        if tell(outcome.trouble.as_ref()) {
            fatal = true;
            continue;
        }
        let path = snapshot_path(log);
        let known = std::fs::read_to_string(&path).ok();
        if known.as_deref() == Some(text.as_str()) {
            continue;
        }
        changed += 1;
        if accept {
            write_whole(&path, &text)?;
            writeln!(out, "{}: {}", path.display(), if known.is_some() { "changed" } else { "new" })?;
        } else {
            tell_difference(&mut out, log, known.as_deref(), &text)?;
        }
    }
    writeln!(
        out,
        "{} logs, {changed} {}",
        logs.len(),
        if accept { "snapshots written" } else { "differ from their snapshots" }
    )?;
    if !accept && changed > 0 {
        writeln!(out, "where the new text is right, accept it: kanalyze corpus accept {}", folder.folder.display())?;
    }
    Ok(ExitCode::from(if fatal { 2 } else { u8::from(!accept && changed > 0) }))
}

/// `a.log` and `a.log.gz` would overwrite each other's snapshot.
fn one_snapshot_each(logs: &[PathBuf]) -> anyhow::Result<()> {
    let mut of: BTreeMap<PathBuf, &PathBuf> = BTreeMap::new();
    for log in logs {
        if let Some(other) = of.insert(snapshot_path(log), log) {
            anyhow::bail!("{} and {} have one snapshot: rename one of them", other.display(), log.display());
        }
    }
    Ok(())
}

/// `NAME` of `NAME.log`, `NAME.log.gz` …
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let bare = ["", ".gz", ".xz", ".zst", ".bz2", ".lz4"]
        .iter()
        .find_map(|ending| name.strip_suffix(&format!(".log{ending}")));
    bare.map(str::to_owned)
}

fn snapshot_path(log: &Path) -> PathBuf {
    log.with_file_name(format!("{}.snap", stem(log).unwrap_or_default()))
}

/// All that is said about a log, as text.
fn said_of(log: &Path, options: &Options) -> (String, Outcome) {
    let mut records = Vec::new();
    let mut outcome = Outcome::default();
    let options = Options { threads: 1, ..options.clone() };
    each_log(&Source::Path(log.to_owned()), &mut |log| {
        outcome = read_log(log, &options, |items| {
            records.extend(items.into_iter().filter_map(|item| match item {
                Item::Closed(report) => serde_json::to_value(report).ok(),
                Item::Event(event) => serde_json::to_value(event).ok(),
                Item::Opened { .. } => None,
            }));
            ControlFlow::Continue(())
        });
        ControlFlow::Continue(())
    });
    (snapshot(&records), outcome)
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
