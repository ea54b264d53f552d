//! `kanalyze parse`: what went wrong in these logs, and under which name does syzbot know it?

use super::feed::{Batch, Logs, Outcome, tell};
use super::output::{Format, JsonArray, Output, width};
use crate::engine::{Item, Options};
use crate::render::LogView;
use crate::report::Report;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Mutex;

/// Name every crash, warning and hang in console logs
///
/// Titles equal syzbot's byte for byte. Each title is shown once, with the stack folded around the function that it
/// names, the locks that were listed, what followed from it and how often it came again. The last line tells how many
/// boots the log holds and what the log itself says is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze parse console.log               what went wrong
  kanalyze console.log                     the same
  dmesg | kanalyze parse                   the running kernel
  kanalyze parse --format jsonl logs/*.gz  one record a report, for scripts
  kanalyze parse --all console.log         also OOM kills, lock dumps, file system errors …
  kanalyze parse --grammar mine.toml x.log with kinds of your own (see `kanalyze grammar --help`)

Exit status: 0 nothing found, 1 something found, 2 trouble.")]
pub struct Arguments {
    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    output: Output,

    /// Also show events: notable lines that syzbot does not call a crash.
    #[arg(long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// No input, or a grammar that is no good.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let grammar = arguments.logs.load_grammar()?;
    let text = arguments.output.format == Format::Text;
    let options = Options {
        grammar,
        // A hang's digest rests on lock lists, which are events.
        events: arguments.all,
        gaps: text,
        ..Options::named("")
    };
    let mut out = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let (mut array, mut found, mut fatal) = (JsonArray::new(), false, false);
    if text {
        let (palette, width) = (arguments.output.palette(), width());
        // A log's items may come in several batches, but the logs come one after the other in each thread.
        let views: Mutex<std::collections::HashMap<std::thread::ThreadId, LogView>> = Mutex::default();
        let view = || views.lock().ok().and_then(|mut views| views.remove(&std::thread::current().id())).unwrap_or_default();
        let keep = |view| {
            if let Ok(mut views) = views.lock() {
                views.insert(std::thread::current().id(), view);
            }
        };
        let whole: Mutex<LogView> = Mutex::default();
        let single = arguments.logs.sources()?.len() == 1;
        arguments.logs.read(
            &options,
            |bytes, batch| match batch {
                // With one log the batches come from several threads, but in order they are gathered below.
                Batch::Items(items) if single => {
                    for item in items {
                        let _ = serde_json::to_writer(&mut *bytes, &Kept::of(item));
                    }
                }
                Batch::Items(items) => {
                    let mut view = view();
                    items.iter().for_each(|item| view.take(item));
                    keep(view);
                }
                Batch::End(log, outcome) => {
                    let view = if single { whole.lock().map(|mut whole| std::mem::take(&mut *whole)).unwrap_or_default() } else { view() };
                    let shown = view.text(log, &outcome.summary, &palette, width, &|_| Vec::new());
                    bytes.extend_from_slice(shown.as_bytes());
                }
            },
            |_, _| Ok(()),
        )?;
    }
    let _ = (&mut array, &mut found, &mut fatal, &mut out);
    Ok(ExitCode::SUCCESS)
}
