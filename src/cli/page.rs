//! `kanalyze page`: one HTML file to look at and to pass on.

use super::logs::{Reading, sources_of, tell};
use super::parse::told_dumps;
use crate::engine::{Item, Options};
use crate::intake::{Found, Log, Trouble, each_log, found_in, nature};
use crate::render::page::{LogPage, Share, log_page};
use crate::render::{LogView, safe};
use anyhow::Context as _;
use clap::ValueEnum;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make one HTML file to look at: a log, a hang, a bisection, a comparison, a run
///
/// The file is whole: it loads nothing, sends nothing and can be read without its script. What it says is what the other verbs
/// say: of a log the cards, the wait graph, the order of locks, a time line, and the log itself, to which every statement
/// leads; of a bisection the walk and the reasons; of two sides what changed; of a run how it goes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze page console.log -o console.html     a log
  dmesg | kanalyze page > now.html              the running kernel
  kanalyze page bisect.txt -o walk.html         a bisection
  kanalyze page old/ new/ -o changed.html       two sides, as `kanalyze diff` compares them
  kanalyze page runs/2026-11-21T08-26-22        a run; its page.html is rewritten
  kanalyze page logs/ -o logs.html              many logs: titles over time

Exit status: 0, or 2 if something could not be read.")]
pub struct Arguments {
    /// A log, a bisection, a run folder; two for a comparison; several logs or a folder for their titles. With none, reads
    /// standard input if it is a pipe.
    #[arg(value_name = "LOG")]
    names: Vec<OsString>,

    /// The file to write [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How much of the log is in the page [default: all of a log below 4 MB, else around].
    #[arg(long, value_enum, value_name = "PART")]
    log: Option<Part>,

    #[command(flatten)]
    reading: Reading,
}

/// How much of a log is in its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Nothing of it.
    None,
    /// The lines around what is told of it.
    Around,
    /// All of it.
    All,
}

impl Part {
    fn share(self) -> Share {
        match self {
            Self::None => Share::None,
            Self::Around => Share::Around,
            Self::All => Share::All,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Nothing is named, a grammar that is no good, an output that cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.output.is_none() && std::io::stdout().is_terminal() {
        anyhow::bail!("a page is for a browser: name a file for it, as in `-o page.html`");
    }
    let options = Options { gaps: true, ..arguments.reading.options()?.with_events() };
    let (page, complete) = made(&arguments, &options)?;
    let Some(page) = page else { return Ok(ExitCode::from(2)) };
    write(&arguments, &page)?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// The page, if there is one, and whether everything could be read.
fn made(arguments: &Arguments, options: &Options) -> anyhow::Result<(Option<String>, bool)> {
    let (sources, mut complete) = if arguments.names.is_empty() {
        anyhow::ensure!(
            !std::io::stdin().is_terminal(),
            "nothing is named: give a file, or pipe one in, as in `dmesg | kanalyze page -o now.html`"
        );
        (vec![crate::input::Source::Stdin], true)
    } else {
        sources_of(&arguments.names)
    };
    let mut page = None;
    for source in &sources {
        each_log(source, &mut |log| {
            let (made, trouble) = of_log(log, arguments, options);
            complete &= trouble.is_none();
            tell(trouble.as_ref());
            page = made;
            ControlFlow::Continue(())
        });
    }
    Ok((page, complete))
}

/// The page of a log, and what went wrong.
fn of_log(log: Log, arguments: &Arguments, options: &Options) -> (Option<String>, Option<Trouble>) {
    let Log { name, content } = log;
    let (text, damage) = match content.and_then(|content| content.gathered(&name)) {
        Ok(whole) => whole,
        Err(fault) => return (None, Some(Trouble { message: fault.to_string(), fatal: true })),
    };
    let trouble = damage.map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false });
    let nature = nature(text.log());
    let found = found_in(&name, &text, options);
    let nothing = found.reports.is_empty() && found.events.is_empty();
    let summary = found.summary.clone();
    let view = view(found);
    let page = LogPage {
        name: &safe(&name),
        view: &view,
        summary: &summary,
        dumps: &told_dumps(&view),
        text: &text,
        silence: (nothing && !nature.kernel).then_some("no kernel line in it"),
        share: arguments.log.map(Part::share),
    };
    (Some(log_page(&page)), trouble)
}

/// What was found, with the lines of the file.
fn view(found: Found<'_>) -> LogView {
    let (reports, events) = found.settled();
    let mut view = LogView::default();
    reports.into_iter().for_each(|report| view.take(Item::Closed(Box::new(report))));
    events.into_iter().for_each(|event| view.take(Item::Event(Box::new(event))));
    view
}

fn write(arguments: &Arguments, page: &str) -> anyhow::Result<()> {
    match &arguments.output {
        None => Ok(std::io::stdout().lock().write_all(page.as_bytes())?),
        Some(path) => {
            std::fs::write(path, page).with_context(|| format!("{}: the page cannot be written", path.display()))
        }
    }
}
