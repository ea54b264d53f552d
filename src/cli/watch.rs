//! `kanalyze watch`: the live engine on a serial log that something else writes.

use super::live::{ImageArguments, interrupt, with_voice};
use super::output::Output;
use super::tree::TreeArguments;
use crate::input::Begin;
use crate::runs::RunFolder;
use crate::vm::foreign::{Feed, Options, watch};
use crate::vm::settings::parse_seconds;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Watch a serial log that something else writes, or this machine, and report each crash as it begins
///
/// A file is followed through rotation and truncation; a unix socket is read until it closes; - is stdin; --journal follows the
/// kernel's lines of the journal. A crash is reported when its first line is complete (`opened`) and again with its title when
/// the rest has come. In a log server's file each machine is followed separately, and named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze watch /var/log/libvirt/qemu/guest-serial0.log
  kanalyze watch --new-only --stop-on-hit --hit KASAN console.log
  kanalyze watch unix:/tmp/vm/serial.sock --format jsonl
  conserver guest | kanalyze watch -
  kanalyze watch --journal --new-only       this machine, from now on

Exit status: 0 no crash, 1 a crash, 2 error.")]
pub(super) struct Arguments {
    /// A growing file, unix:SOCKET, or - for stdin.
    #[arg(required_unless_present = "journal")]
    source: Option<OsString>,

    /// Follow the kernel's lines of this boot in the journal, or of all boots in a folder of journal files.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, conflicts_with = "source")]
    journal: Option<Option<PathBuf>>,

    /// Start with what is written from now on, not with the file's first line.
    #[arg(long)]
    new_only: bool,

    /// What to look for: a kind, a syzbot type such as HANG, or a pattern of titles; any crash without it. May be repeated.
    #[arg(long, value_name = "KIND|PATTERN")]
    hit: Vec<String>,

    /// A pattern of console lines to look for, too. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    hit_line: Vec<String>,

    /// End at the first hit, when its report is whole.
    #[arg(long)]
    stop_on_hit: bool,

    /// End after this time.
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    max_time: Option<f64>,

    /// Call it a hang when no `executed programs:` line comes for so long (syzkaller's rule; the log must hold the output
    /// of syz-execprog).
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    no_output: Option<f64>,

    /// How long to wait for the rest of a report.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_seconds)]
    settle: f64,

    /// Keep the log, the events and each hit in a run folder under DIR.
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,

    #[command(flatten)]
    image: ImageArguments,

    #[command(flatten)]
    tree: TreeArguments,

    #[command(flatten)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// The log cannot be opened.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let begin = if arguments.new_only { Begin::End } else { Begin::Start };
    let feed = match (&arguments.source, arguments.journal) {
        (_, Some(folder)) => Feed::Journal(folder, begin),
        (Some(source), None) => match source.as_bytes() {
            b"-" => Feed::Stdin,
            bytes => match bytes.strip_prefix(b"unix:") {
                Some(path) => Feed::Socket(PathBuf::from(std::ffi::OsStr::from_bytes(path))),
                None => Feed::Growing(PathBuf::from(source), begin),
            },
        },
        (None, None) => anyhow::bail!("nothing to watch: name a file, unix:SOCKET or -, or say --journal"),
    };
    let options = Options {
        hits: arguments.hit,
        hit_lines: arguments.hit_line,
        stop_on_hit: arguments.stop_on_hit,
        max_time: arguments.max_time,
        no_output: arguments.no_output,
        settle: arguments.settle,
        image: arguments.image.given()?,
    };
    let folder = match &arguments.runs {
        Some(runs) => Some(RunFolder::create(runs, Some("watch"))?),
        None => None,
    };
    let interrupt = interrupt()?;
    let outcome =
        with_voice(arguments.output, &arguments.tree, |voice| Ok(watch(feed, &options, folder, voice, &interrupt)?))?;
    // To stop watching is how this command ends.
    let stopped = outcome.verdict == crate::runs::Verdict::Stopped;
    Ok(ExitCode::from(if stopped { 0 } else { outcome.exit_status() }))
}
