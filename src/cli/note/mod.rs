//! `kanalyze note`: what do I write down?

mod bug;
mod kept;
mod lines;
mod log;

use crate::cli::logs::Reading;
use crate::cli::output::Format;
use crate::cli::records::write_records;
use crate::cli::syzbot::Servers;
use crate::cli::tree::TreeArguments;
use crate::input::Source;
use crate::render::{NOTE_SCHEMA, Note, Redactor, note_mail, note_markdown};
use crate::runs;
use crate::syzbot::dashboard::BugName;
use crate::syzbot::manifest::{self as bundle};
use crate::thread::rfc3339;
use bug::of_bug;
use clap::ValueEnum;
use kept::{of_bundle, of_run};
use log::of_log;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Write the day's note, or the mail for the list, about a run, a bug or a log
///
/// Settings, signature, first stack, lock graph in words, bisection verdict, commands to repeat; hypothesis and next action are
/// left open for you. What is not known is said to be unknown. Nothing is ever sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze note runs/2026-11-26T08:26:22 >> notes.md  a run
  kanalyze note console.log                           a log
  # a bug of syzbot's, from kept pages
  kanalyze note 0123456789abcdef0123 --offline
  # for the list, without names of machines
  kanalyze note runs/hang --as mail --redact

Exit status: 0, or 2 if there is nothing to write about.")]
pub(super) struct Arguments {
    /// A run folder or a run's name, a bundle, a log (`-` is standard input), or a bug of syzbot's by its key or link.
    #[arg(value_name = "RUN|BUG|LOG")]
    what: OsString,

    /// Form of the text.
    #[arg(long = "as", value_enum, default_value = "markdown", value_name = "FORM")]
    form: Form,

    /// Form of the output: text for people, json or jsonl for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Take out names of hosts and users, addresses of people, keys, MACs and serial numbers.
    #[arg(long)]
    redact: bool,

    /// The folder of runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: std::path::PathBuf,

    #[command(flatten)]
    tree: TreeArguments,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    servers: Servers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a file of notes.
    Markdown,
    /// For a mail, wrapped at 75 columns.
    Mail,
}

/// Runs the command.
///
/// # Errors
/// What is named is neither a run, a bundle, a log nor a bug, or cannot be read.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut note = made(&arguments)?;
    if arguments.redact {
        let (hosts, users) = own_names();
        note = note.redacted(&mut Redactor::new(&hosts, &users));
    }
    let mut out = std::io::stdout().lock();
    match (arguments.format, arguments.form) {
        (Format::Text, Form::Markdown) => out.write_all(note_markdown(&note).as_bytes())?,
        (Format::Text, Form::Mail) => out.write_all(note_mail(&note).as_bytes())?,
        (format, _) => write_records(&mut out, format, &[note])?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Names of this machine and of who uses it.
fn own_names() -> (Vec<String>, Vec<String>) {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let short = host.split('.').next().unwrap_or_default().to_owned();
    let users = ["USER", "LOGNAME", "SUDO_USER"].iter().filter_map(|name| std::env::var(name).ok());
    (vec![host, short], users.collect())
}

fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    rfc3339(i64::try_from(now).unwrap_or(0)).chars().take(10).collect()
}

fn made(arguments: &Arguments) -> anyhow::Result<Note> {
    let path = Path::new(&arguments.what);
    let blank = Note { schema: NOTE_SCHEMA, day: today(), ..Note::default() };
    let shown = arguments.what.to_string_lossy();
    if path.join(runs::manifest::MANIFEST).is_file() {
        return of_run(arguments, path, blank);
    }
    if path.join(bundle::MANIFEST).is_file() {
        return of_bundle(arguments, path, blank);
    }
    if arguments.what == "-" || path.exists() {
        return of_log(arguments, &Source::new(&arguments.what), None, blank);
    }
    if let Ok(bug) = BugName::parse(&shown) {
        return of_bug(arguments, &bug, blank);
    }
    match runs::folder::find(&arguments.runs, &shown) {
        Ok(folder) => of_run(arguments, &folder, blank),
        // Several runs fit: that sentence says which.
        Err(reason) if fitting(&arguments.runs, &shown) => anyhow::bail!(reason),
        Err(_) => anyhow::bail!(
            "{shown}: neither a run in {}, a bundle, a log, nor the key of a bug",
            arguments.runs.display()
        ),
    }
}

/// Whether the name of any run holds this text.
fn fitting(runs: &Path, text: &str) -> bool {
    let all = runs::folder::list(runs).unwrap_or_default();
    all.iter().any(|run| run.file_name().is_some_and(|name| name.to_string_lossy().contains(text)))
}
