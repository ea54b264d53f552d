//! `kanalyze parse`: what went wrong in these logs, and under which name does syzbot know it?

use super::check;
use super::findings::told_dumps;
use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, LogFormat, LogOutput, Output, Reader};
use super::page::Sought;
use super::pager::Page;
use super::stderr::say;
use super::symbolize::open_image;
use super::tree::{TreeArguments, told};
use crate::engine::{Item, Kept, Options};
use crate::files::cache_home;
use crate::intake::Outcome;
use crate::render::{LogView, safe, write_json};
use crate::report::Report;
use crate::source::{BlamePage, PageOptions, Tree, blame_page};
use crate::symbols::SourceLines;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Name every crash, warning and hang in console logs
///
/// Titles are identical to syzbot's, byte for byte. Each title is shown once: where and when, the last severe events
/// before it, the kernel's own sentences, the stack folded around the function that the title names, what followed, where
/// it came again. The hung tasks of one dump are one block: who waits for whom, the root first. Several titles have an
/// overview before them. What stands around the kernel's messages (time stamps, syslog, prefixes of any shape, quoting) is
/// taken off; lines of other programs, of firmware and of people are not crashes. A log of several machines, as log
/// servers keep it, is read machine by machine, each as `LOG/HOST`. The last line says what the log itself says is
/// missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze parse console.log               what went wrong
  kanalyze console.log                     the same
  dmesg | kanalyze                         the running kernel
  kanalyze parse logs.zip results/         archives and folders
  kanalyze parse --format jsonl logs/*.gz  one record per report, for scripts
  kanalyze parse --brief logs/             one line per title
  kanalyze parse --full console.log        all stacks, registers, places
  kanalyze parse -q x.log || echo crashed  only the exit status
  # also OOM kills, lock dumps, file system errors …
  kanalyze parse --all console.log
  # with source lines and inlined functions
  kanalyze parse -k vmlinux console.log
  kanalyze parse --tree ~/linux crash.log  with the code and who wrote it
  # a page to look at (see `kanalyze page --help`)
  kanalyze parse --format html x.log > x.html
  kanalyze parse --format quickfix x.log   for vim -q, emacs
  # with kinds of your own (see `kanalyze grammar --help`)
  kanalyze parse --grammar mine.toml x.log

Exit status: 0 nothing found, 1 something found, 2 error (a log that is empty,
ends too early or is something else: a program, a picture, a bisection, a web
page without a log). A text without a line of the kernel's holds nothing, and
this is said.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    output: LogOutput,

    #[command(flatten)]
    reader: Reader,

    /// Also show events: notable lines that syzbot does not call a crash.
    #[arg(long)]
    all: bool,

    /// The kernel that printed the logs: its frames get source lines (see `kanalyze symbolize` for a whole log).
    #[arg(short = 'k', long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// A folder with that kernel's modules; may be given several times.
    #[arg(long, value_name = "DIR", requires = "vmlinux")]
    modules: Vec<PathBuf>,

    #[command(flatten)]
    tree: TreeArguments,
}

/// Of so many titles of a log the source is shown.
const SOURCES: usize = 8;

/// What the user's tree says about the reports of a log.
struct Sources {
    tree: Tree,
    release: Option<String>,
    all_frames: bool,
}

impl Sources {
    /// The pages of reports, of each title the first. What cannot be determined is said once.
    fn pages(&self, arguments: &Arguments, log: &str, reports: &[Report]) -> anyhow::Result<Vec<BlamePage>> {
        let mut titles: BTreeSet<&str> = BTreeSet::new();
        let first = reports.iter().filter(|report| report.cause.is_none() && titles.insert(&report.title));
        let hints = arguments.tree.hints(log, self.release.as_deref());
        let options = PageOptions { hints, all_frames: self.all_frames, ..PageOptions::default() };
        let pages = first.take(SOURCES).map(|report| Ok(blame_page(&self.tree, report, &options)?)).collect();
        told();
        pages
    }
}

/// Source lines from the image that `-k` names.
fn open_lines(arguments: &Arguments) -> anyhow::Result<Option<SourceLines>> {
    let Some(path) = &arguments.vmlinux else { return Ok(None) };
    Ok(Some(SourceLines::new(open_image(path, cache_home().as_deref())?, &arguments.modules)))
}

/// Gives the frames of an item their lines.
fn add_lines(lines: &SourceLines, item: &mut Item) {
    match item {
        Item::Closed(report) => lines.report(report),
        Item::Event(event) => lines.event(event),
        Item::Opened { .. } => {}
    }
}

/// Runs the command.
///
/// # Errors
/// No input, or a grammar that is not valid.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(output) = arguments.output.plain(arguments.reader) else {
        return match arguments.output.format {
            LogFormat::Quickfix => check::listed(&arguments.logs, check::Form::Quickfix, arguments.reader),
            LogFormat::Github => check::listed(&arguments.logs, check::Form::Github, arguments.reader),
            _ => super::page::of_logs(&arguments.logs, &arguments.tree, Sought::Crash),
        };
    };
    let text = output.format == Format::Text;
    let options = Options {
        // The digest of a hang rests on lock lists, which are events.
        events: arguments.all || text,
        gaps: text,
        kept: if text { LogView::kept(arguments.all) } else { Kept::ALL },
        ..arguments.logs.reading.options()?
    };
    let mut out = Page::open(arguments.reader, text);
    let lines = open_lines(&arguments)?;
    // Programs get records of a tree only if they ask for them.
    let tree = if text || arguments.tree.tree.is_some() { arguments.tree.open()? } else { None };
    let sources = tree.map(|tree| Sources {
        tree,
        release: lines.as_ref().and_then(|lines| lines.release().map(str::to_owned)),
        all_frames: arguments.reader.full,
    });
    let answer = if text { views } else { records };
    let Answer { found, complete, fatal } =
        answer(&arguments, output, &options, lines.as_ref(), sources.as_ref(), &mut out)?;
    out.close()?;
    if let Some(lines) = &lines {
        lines.save();
        for refusal in lines.refusals() {
            say(&refusal);
        }
    }
    // A log that was read in part may hold a crash where it could not be read.
    Ok(ExitCode::from(if fatal || !found && !complete { 2 } else { u8::from(found) }))
}

/// What became of the logs.
struct Answer {
    /// Whether anything was found.
    found: bool,
    /// Whether every log was read to its end.
    complete: bool,
    /// Whether a log could not be read at all.
    fatal: bool,
}

/// What is shown of a log.
enum Shown {
    /// This.
    Text(String),
    /// What a kernel tree says is missing.
    View(Box<LogView>),
}

/// The text view of each log.
fn views(
    arguments: &Arguments,
    output: Output,
    options: &Options,
    lines: Option<&SourceLines>,
    sources: Option<&Sources>,
    out: &mut dyn Write,
) -> anyhow::Result<Answer> {
    let mut answer = Answer { found: false, complete: true, fatal: false };
    let look = output.look(arguments.reader);
    let sources = sources.filter(|_| !look.is_brief() && !arguments.reader.quiet);
    let reads_tree = sources.is_some();
    let text = |view: &LogView, log: &str, outcome: &Outcome| {
        view.text(log, &outcome.summary, arguments.all, &look, &told_dumps(view))
    };
    let named = arguments.logs.shown(
        options,
        |view: &mut LogView, items| {
            for mut item in items {
                if let Some(lines) = lines {
                    add_lines(lines, &mut item);
                }
                view.take(item);
            }
        },
        |log, view, outcome| {
            let found = !view.is_empty();
            let shown = if let Some(words) = outcome.silence() {
                Shown::Text(format!("{}: {words}\n", safe(log)))
            } else if outcome.is_fatal() || arguments.reader.quiet {
                Shown::Text(String::new())
            } else if reads_tree {
                Shown::View(Box::new(view))
            } else {
                Shown::Text(text(&view, log, outcome))
            };
            (found, shown)
        },
        |log, (found, shown), outcome| {
            answer.fatal |= tell(outcome.trouble.as_ref());
            // Nothing else is written that would say why nothing was found.
            if let Some(words) = outcome.silence().filter(|_| arguments.reader.quiet) {
                say(&format!("{log}: {words}"));
            }
            answer.complete &= !outcome.partial;
            answer.found |= found;
            let shown = match (shown, sources) {
                (Shown::Text(text), _) => text,
                (Shown::View(mut view), sources) => {
                    let pages = sources.map(|sources| sources.pages(arguments, log, view.reports())).transpose()?;
                    pages.into_iter().flatten().for_each(|page| view.show_source(page));
                    text(&view, log, &outcome)
                }
            };
            Ok(out.write_all(shown.as_bytes())?)
        },
    )?;
    answer.fatal |= !named;
    Ok(answer)
}

/// JSON, one record per line or as one array.
fn records(
    arguments: &Arguments,
    output: Output,
    options: &Options,
    lines: Option<&SourceLines>,
    sources: Option<&Sources>,
    out: &mut dyn Write,
) -> anyhow::Result<Answer> {
    let found = AtomicBool::new(false);
    // Reports whose source is shown when their log has ended.
    let kept: Mutex<Vec<Report>> = Mutex::default();
    let mut told_pages = Vec::new();
    let (mut complete, mut fatal) = (true, false);
    let mut array = JsonArray::new();
    let as_array = output.format == Format::Json;
    let named = arguments.logs.records(
        options,
        |bytes, item| {
            let with_lines = lines.map(|lines| {
                let mut item = item.clone();
                add_lines(lines, &mut item);
                item
            });
            let written = match with_lines.as_ref().unwrap_or(item) {
                Item::Closed(report) => {
                    found.store(true, Ordering::Relaxed);
                    if let Some(mut kept) = sources.and_then(|_| kept.lock().ok()) {
                        kept.push((**report).clone());
                    }
                    write_json(&mut *bytes, report)
                }
                Item::Event(event) => write_json(&mut *bytes, event),
                Item::Opened { .. } => return,
            };
            // Plain data in memory always has a JSON form.
            debug_assert!(written.is_ok(), "a record is plain data");
            bytes.push(b'\n');
        },
        |bytes| {
            if as_array {
                array.write(out, bytes)?
            } else {
                out.write_all(bytes)?
            }
            // Whoever reads the records of a live log wants each when it is whole.
            Ok(out.flush()?)
        },
        |name, outcome| {
            fatal |= tell(outcome.trouble.as_ref());
            complete &= !outcome.partial;
            if let Some(words) = outcome.silence() {
                say(&format!("{name}: {words}"));
            }
            let reports = kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
            if let Some(sources) = sources {
                told_pages.push(sources.pages(arguments, name, &reports));
            }
        },
    )?;
    for pages in told_pages {
        for page in pages? {
            let mut line = serde_json::to_vec(&page)?;
            line.push(b'\n');
            if as_array { array.write(out, &line)? } else { out.write_all(&line)? }
        }
    }
    if as_array {
        array.end(out)?;
    }
    Ok(Answer { found: found.load(Ordering::Relaxed), complete, fatal: fatal || !named })
}
