//! `kanalyze host`: what the machine one sits at says of its boots.

use super::logs::Reading;
use super::output::{Format, JsonArray, Output, Reader};
use super::pager::Page;
use crate::host::{How, Question, State, examine};
use crate::render::{host_text, json_line};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// List the boots of this machine: how each ended, what went wrong in it
///
/// Reads, and never writes: the journal (by journalctl, all boots), /dev/kmsg, /var/log/kern.log, messages and syslog with
/// their rotated ones, pstore (/sys/fs/pstore and what systemd keeps of it), and the logs beside kernel dumps (/var/crash, and
/// where kdump is configured to put them). The newest boot comes first. A boot that several sources record is one boot: known by
/// its boot id, by lines that they share, or by when it began. "Cleanly" is said where a line of the shutdown says so; a boot
/// without such a line, in a source that would have it, and with a boot after it, is a silent reset. What could not be read
/// is named with the remedy.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze host                          the machine that runs
  sudo kanalyze host                     also what only root may read
  kanalyze host --brief                  one line per boot
  kanalyze host --root /mnt              a disk of another machine
  kanalyze host --journal exported.txt   what `journalctl -o export` wrote
  kanalyze host --json > boots.json

Exit status: 0 no crash and no boot that ended badly, 1 one of them,
2 error (nothing was found, and a source could not be read).")]
pub(super) struct Arguments {
    /// The file system of the machine, for disks of others and rescue systems.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,

    /// Only this journal: what `journalctl -o export` or `-o json` wrote, `-` for standard input, a journal file, a folder of
    /// them. May be repeated.
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    journal: Vec<PathBuf>,

    /// Only the newest N boots.
    #[arg(long, value_name = "N")]
    boots: Option<usize>,

    #[command(flatten)]
    reading: Reading,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    reader: Reader,
}

/// Runs the command.
///
/// # Errors
/// No such root, a bad grammar, stdout is closed.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.root.is_dir() {
        anyhow::bail!(
            "--root {}: not a folder; name the one where the machine's / is mounted",
            arguments.root.display()
        );
    }
    let options = arguments.reading.options()?;
    let mut host = examine(&Question {
        root: &arguments.root,
        journals: &arguments.journal,
        only_journals: !arguments.journal.is_empty(),
        options: &options,
    });
    host.boots.truncate(arguments.boots.unwrap_or(usize::MAX));
    let text = arguments.output.format == Format::Text;
    let mut out = Page::open(arguments.reader, text);
    match arguments.output.format {
        Format::Text => out.write_all(host_text(&host, &arguments.output.look(arguments.reader)).as_bytes())?,
        form => {
            let mut lines = Vec::new();
            for boot in &host.boots {
                lines.extend(json_line(boot)?);
            }
            for source in &host.sources {
                lines.extend(json_line(source)?);
            }
            if form == Format::Json {
                let mut array = JsonArray::new();
                array.write(&mut out, &lines)?;
                array.end(&mut out)?;
            } else {
                out.write_all(&lines)?;
            }
        }
    }
    out.close()?;
    let bad = |how| matches!(how, How::Panic | How::Reset | How::SilentReset);
    let found = host.boots.iter().any(|boot| !boot.crashes.is_empty() || bad(boot.ending.how));
    // What could not be read may hold a crash.
    let incomplete = host.sources.iter().any(|source| matches!(source.state, State::Unreadable | State::Partly));
    Ok(ExitCode::from(match (found, incomplete || host.boots.is_empty()) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }))
}
