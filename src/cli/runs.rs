//! `kanalyze runs`: what runs there are, how they stand, and how to end or forget them.

use super::manners::note;
use super::output::{Format, JsonArray, Output, Reader};
use super::pager::Page;
use super::run_page;
use super::stderr::say;
use crate::engine::Options;
use crate::files;
use crate::markup::percent_encoded;
use crate::render::page::{RunRow, runs_page};
use crate::render::{LogView, json_line, json_pretty, safe};
use crate::runs::archive::{forget, forgettable};
use crate::runs::state::{State, Stopped, state_of, stop, survivors};
use crate::runs::{Manifest, folder};
use anyhow::Context as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// List, show, stop and remove runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze runs list
  kanalyze runs status last         does it still work, and what does it say
  kanalyze runs stop last           ends exactly what that run started
  kanalyze runs show 2026-11-21T08  everything that its manifest says
  kanalyze runs page                an index of all runs to look at
  # removes all but the 5 newest runs that hit nothing
  kanalyze runs clean --keep 5

A run is named by its folder's name, a part of it that only one has, its path,
or `last`.")]
pub(super) struct Arguments {
    /// Where the runs are.
    #[arg(long, global = true, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// One line per run, oldest first.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// How a run stands: working, ended, or orphaned (its supervisor was killed).
    #[command(after_help = "Exit status: 0 ended, 1 it works, 2 it was orphaned, or error.")]
    Status {
        /// Which run.
        #[arg(default_value = "last")]
        run: String,
    },
    /// End a run: its supervisor first, then exactly the processes that its manifest names.
    Stop {
        /// Which run.
        run: String,
        /// How long the supervisor may take to write the outcome, seconds.
        #[arg(long, default_value_t = 20)]
        grace: u64,
    },
    /// The whole manifest, as JSON.
    Show {
        /// Which run.
        #[arg(default_value = "last")]
        run: String,
    },
    /// Write a page of all runs, index.html, and of each run that has none.
    ///
    /// A run writes its own page.html as it goes. The pages are files: look at them from a file share, or with
    /// `python3 -m http.server`.
    Page,
    /// Remove runs that ended and hit nothing.
    Clean {
        /// Keep the newest N of these.
        #[arg(long, default_value_t = 0, value_name = "N")]
        keep: usize,
        /// Remove runs with hits too.
        #[arg(long)]
        hits: bool,
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// A run that is not there or cannot be read, a process that does not end.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.verb {
        Verb::List { output } => output.format == Format::Text,
        Verb::Show { .. } => true,
        _ => false,
    };
    let mut out = Page::open(Reader::default(), text);
    let status = answer(arguments, &mut out)?;
    out.close()?;
    Ok(status)
}

fn answer(arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let runs = &arguments.runs;
    let find = |name: &str| folder::find(runs, name).map_err(anyhow::Error::msg);
    match arguments.verb {
        Verb::List { output } => list(runs, output, out)?,
        Verb::Status { run } => return status(&find(&run)?, out),
        Verb::Stop { run, grace } => {
            let path = find(&run)?;
            match stop(&path, Duration::from_secs(grace)).with_context(|| path.display().to_string())? {
                Stopped::Nothing => writeln!(out, "{}: nothing was left to stop", path.display())?,
                Stopped::BySupervisor => writeln!(out, "{}: stopped by its supervisor", path.display())?,
                Stopped::ByForce(processes) => {
                    let words: Vec<String> = processes.iter().map(|(role, pid)| format!("{role} {pid}")).collect();
                    writeln!(out, "{}: ended {}", path.display(), words.join(", "))?;
                }
            }
        }
        Verb::Show { run } => {
            let path = find(&run)?;
            let manifest = Manifest::read(&path).with_context(|| path.display().to_string())?;
            out.write_all(&json_pretty(&manifest)?)?;
        }
        Verb::Page => writeln!(out, "{}", page(runs)?.display())?,
        Verb::Clean { keep, hits, dry_run } => {
            for path in forgettable(runs, keep, hits).with_context(|| runs.display().to_string())? {
                if !dry_run && !forget(&path).with_context(|| path.display().to_string())? {
                    // Another `runs clean` was quicker, and says so.
                    continue;
                }
                writeln!(out, "{} {}", if dry_run { "would remove" } else { "removed" }, path.display())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the index and the pages that are missing; where the index is.
fn page(runs: &Path) -> anyhow::Result<PathBuf> {
    let options = Options { gaps: true, kept: LogView::kept(true), ..Options::named("").with_events() };
    let mut rows = Vec::new();
    for path in folder::list(runs).with_context(|| runs.display().to_string())? {
        let manifest = match Manifest::read(&path) {
            Ok(manifest) => manifest,
            // Forgotten since it was listed.
            Err(_) if !path.exists() => continue,
            Err(error) => {
                say(&format!("{}: cannot be read: {error}", path.display()));
                continue;
            }
        };
        let own = path.join(run_page::PAGE);
        if !own.is_file() {
            let made = run_page::of_folder(&path, &options, None)?;
            files::replace(&own, made.as_bytes()).with_context(|| own.display().to_string())?;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let page = name.map(|name| format!("{}/{}", percent_encoded(name.as_bytes(), b"-._~"), run_page::PAGE));
        rows.push(RunRow { state: state_of(&manifest).word(), manifest, page });
    }
    let index = runs.join("index.html");
    let made = runs_page(&runs.display().to_string(), &rows);
    files::replace(&index, made.as_bytes()).with_context(|| index.display().to_string())?;
    Ok(index)
}

fn list(runs: &Path, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut array = JsonArray::new();
    let found = folder::list(runs).with_context(|| runs.display().to_string())?;
    if found.is_empty() {
        note(&format!(
            "no run is in {}: `kanalyze run --runs` makes them, and --runs says where they are",
            runs.display()
        ));
    }
    for path in found {
        let manifest = match Manifest::read(&path) {
            Ok(manifest) => manifest,
            // Forgotten since it was listed.
            Err(_) if !path.exists() => continue,
            Err(error) => {
                writeln!(out, "{}: cannot be read: {error}", path.display())?;
                continue;
            }
        };
        let line = json_line(&manifest)?;
        match output.format {
            Format::Json => array.write(out, &line)?,
            Format::Jsonl => out.write_all(&line)?,
            Format::Text => writeln!(out, "{}", row(&manifest))?,
        }
    }
    if output.format == Format::Json {
        array.end(out)?;
    }
    Ok(())
}

/// A run in one line: its name, what came out, how long it took, the crash.
pub(super) fn row(manifest: &Manifest) -> String {
    let outcome = manifest.outcome.as_ref();
    let word = outcome.map_or(state_of(manifest).word(), |outcome| outcome.verdict.words());
    let title = outcome.and_then(|outcome| outcome.title.as_deref()).unwrap_or_default();
    let time = manifest.seconds.map_or(String::new(), |seconds| format!("{seconds:.0}s"));
    let line = format!("{:<32} {word:<16} {time:>7} {}", safe(&manifest.name), safe(title));
    line.trim_end().to_owned()
}

fn status(path: &Path, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let manifest = Manifest::read(path).with_context(|| path.display().to_string())?;
    let state = write_status(&path.display().to_string(), &manifest, out)?;
    Ok(ExitCode::from(match state {
        State::Ended => 0,
        State::Working => 1,
        State::Orphaned | State::Abandoned => 2,
    }))
}

/// How a run stands, in a few lines for people.
///
/// # Errors
/// What `out` answers.
pub(super) fn write_status(place: &str, manifest: &Manifest, out: &mut dyn Write) -> std::io::Result<State> {
    let state = state_of(manifest);
    let phase = manifest.phase.words();
    writeln!(out, "{place}")?;
    match state {
        State::Ended => {
            let words = manifest.outcome.as_ref().map_or(String::new(), |outcome| {
                let title = outcome.title.as_ref().map_or(String::new(), |title| format!(" {title}:"));
                format!("{}:{title} {}", outcome.verdict.words(), outcome.reason)
            });
            writeln!(out, "ended {}: {}", manifest.ended.as_deref().unwrap_or_default(), safe(&words))?;
        }
        State::Working => writeln!(out, "works ({phase}), since {}", manifest.started)?,
        State::Orphaned => {
            let left: Vec<String> =
                survivors(manifest).map(|process| format!("{} {}", process.role, process.identity.pid)).collect();
            writeln!(
                out,
                "its supervisor was killed while {phase}; still running: {}; `kanalyze runs stop {}` ends it",
                left.join(", "),
                manifest.name
            )?;
        }
        State::Abandoned => writeln!(
            out,
            "its supervisor was killed while {phase}; nothing of it runs any more; `kanalyze runs stop {}` closes it",
            manifest.name
        )?,
    }
    if let Some(executed) = manifest.executed {
        writeln!(out, "{executed} programs")?;
    }
    for (title, count) in &manifest.titles {
        writeln!(out, "{count} × {}", safe(title))?;
    }
    for words in manifest.blockers.iter().chain(&manifest.troubles) {
        writeln!(out, "! {}", safe(words))?;
    }
    Ok(state)
}
