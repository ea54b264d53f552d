//! `kanalyze page`: one HTML file to look at and to pass on.

use super::findings::{judged_text, told_dumps};
use super::logs::{Logs, Reading, sources_of, tell};
use super::progress::Progress;
use super::stderr::say;
use super::tree::{TreeArguments, told};
use super::{diff, run_page};
use crate::bisect::Bisection;
use crate::diff::cluster::sample;
use crate::diff::compare;
use crate::engine::{Kept, Options};
use crate::files;
use crate::input::Source;
use crate::intake::{Found, Log, Trouble, each_machine, found_in, nature, silence, wholes};
use crate::locks::{Record, dumps};
use crate::render::LogView;
use crate::render::page::{BisectPage, LogPage, LogTitles, Share, bisect_page, diff_page, log_page, titles_page};
use crate::report::{Event, Report};
use crate::source::{BlamePage, PageOptions, Tree, blame_page};
use anyhow::Context as _;
use clap::ValueEnum;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make one HTML file to look at: a log, a hang, a bisection, a comparison, a run
///
/// The file is whole: it loads nothing, sends nothing and can be read without its script. What it says is what the other verbs
/// say: of a log the cards, the wait graph, the order of locks, a time line, and the log itself, to which every statement
/// leads; of a bisection the walk and the reasons; of two sides what changed; of a run how it goes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze page console.log -o console.html        a log
  dmesg | kanalyze page > now.html                 the running kernel
  kanalyze page bisect.txt -o walk.html            a bisection
  # two sides, as `kanalyze diff` compares them
  kanalyze page old/ new/ -o changed.html
  kanalyze page runs/2026-11-21T08-26-22 > r.html  a run
  kanalyze page logs/ -o logs.html                 many logs: titles over time

Exit status: 0, or 2 if something could not be read.")]
pub(super) struct Arguments {
    /// A log, a bisection, a run folder; two for a comparison; several logs or a folder for their titles. With none, reads
    /// standard input if it is a pipe.
    #[arg(value_name = "LOG")]
    names: Vec<OsString>,

    /// The file to write; `-` is standard output [default: -].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How much of the log is in the page [default: all of a log below 4 MB, else around].
    #[arg(long, value_enum, value_name = "PART")]
    log: Option<Part>,

    /// Take two logs as logs, not as the sides of a comparison.
    #[arg(long)]
    together: bool,

    #[command(flatten)]
    reading: Reading,

    #[command(flatten)]
    tree: TreeArguments,
}

/// How much of a log is in its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Nothing of it.
    None,
    /// The lines around what is said about it.
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
/// Nothing is named, a grammar that is not valid, an output that cannot be written.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.output.is_none() && std::io::stdout().is_terminal() {
        anyhow::bail!("a page is for a browser: name a file for it, as in `-o page.html`");
    }
    let reading = arguments.reading.options()?.with_events();
    let options = Options { gaps: true, kept: LogView::kept(true), ..reading };
    let share = arguments.log.map(Part::share);
    let (page, complete) = match &arguments.names[..] {
        [one] if Path::new(one).join("manifest.json").is_file() => {
            (Some(run_page::of_folder(Path::new(one), &options, share)?), true)
        }
        [a, b] if !arguments.together => comparison(a, b, &options),
        names => {
            let made = logs(names, share, &options, &arguments.tree, None)?;
            (made.page, made.complete)
        }
    };
    let Some(page) = page else { return Ok(ExitCode::from(2)) };
    match arguments.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => std::io::stdout().lock().write_all(page.as_bytes())?,
        Some(path) => files::replace(path, page.as_bytes())
            .with_context(|| format!("{}: the page cannot be written", path.display()))?,
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// What a verb that prints a page looks for: its exit status says whether it was found, as it does without the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// Anything that went wrong.
    Crash,
    /// Tasks that wait for each other.
    Hang,
    /// A bisection; that there is one is no finding, that there is none a failure.
    Bisection,
}

/// What `--format html` of the verbs about logs prints.
///
/// # Errors
/// Standard output is a terminal, nothing is named, a grammar that is not valid.
pub(super) fn of_logs(named: &Logs, tree: &TreeArguments, sought: Sought) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !std::io::stdout().is_terminal(),
        "a page is for a browser: redirect it, as in `> page.html`, or use `kanalyze page -o page.html`"
    );
    let reading = named.reading.options()?.with_events();
    let options = Options { gaps: true, kept: LogView::kept(true), ..reading };
    let Made { page, complete, found } = logs(&named.logs, None, &options, tree, Some(sought))?;
    let Some(page) = page else { return Ok(ExitCode::from(2)) };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(match sought {
        Sought::Bisection => {
            if !found {
                say("there is no bisection in what was read: this is the page of a log");
            }
            ExitCode::from(if complete && found { 0 } else { 2 })
        }
        _ if !complete && !found => ExitCode::from(2),
        _ => ExitCode::from(u8::from(found)),
    })
}

/// What was made of logs.
struct Made {
    /// A page, if there is one.
    page: Option<String>,
    /// Whether everything could be read.
    complete: bool,
    /// Whether what was sought is in one of them.
    found: bool,
}

/// The page of two sides, if there is one, and whether everything could be read.
fn comparison(a: &OsString, b: &OsString, options: &Options) -> (Option<String>, bool) {
    // A comparison counts everything.
    let options = Options { kept: Kept::ALL, ..options.clone() };
    let (a, fine_a) = diff::side(Some(a), &[], &options);
    let (b, fine_b) = diff::side(Some(b), &[], &options);
    if a.runs.is_empty() || b.runs.is_empty() {
        return (None, false);
    }
    (Some(diff_page(&compare(&a, &b), &a, &b)), fine_a && fine_b)
}

/// The page of one log or of many.
fn logs(
    names: &[OsString],
    share: Option<Share>,
    options: &Options,
    arguments: &TreeArguments,
    sought: Option<Sought>,
) -> anyhow::Result<Made> {
    let (sources, mut complete) = if names.is_empty() {
        anyhow::ensure!(
            !std::io::stdin().is_terminal(),
            "nothing is named: give a file, or pipe one in, as in `dmesg | kanalyze page -o now.html`"
        );
        (vec![Source::Stdin], true)
    } else {
        sources_of(names, options.threads)
    };
    if let [source] = &sources[..] {
        let tree = arguments.open()?;
        let ask = |log: &str, reports: &[Report]| {
            tree.as_ref().map_or(Ok(Vec::new()), |tree| asked(tree, arguments, log, reports))
        };
        let (mut page, mut found) = (None, false);
        let mut count = 0;
        each_machine(source, &mut |log| {
            count += 1;
            let (made, trouble) = of_log(log, share, options, &ask, sought);
            complete &= trouble.is_none();
            tell(trouble.as_ref());
            (page, found) = made.map_or((None, false), |(page, found)| (Some(page), found));
            // An archive of several, or the log of several machines, is reported as many logs are.
            if count > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if count < 2 {
            return Ok(Made { page, complete, found });
        }
    }
    let mut options = options.clone();
    let progress = Progress::of(&sources, &mut options);
    let read = wholes(&sources, &options, |found| {
        let is_found = is_in(sought, &found.reports, &found.events);
        (is_found, titles_of(found))
    });
    drop(progress);
    for trouble in silence(&read) {
        complete &= !tell(Some(&trouble));
    }
    let (mut logs, mut found) = (Vec::new(), false);
    for log in read {
        complete &= log.trouble.is_none();
        tell(log.trouble.as_ref());
        if let Some((is_found, titles)) = log.found {
            found |= is_found;
            logs.push(titles);
        }
    }
    let shown: Vec<String> = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let page = (!logs.is_empty()).then(|| titles_page(&shown.join(" "), logs));
    Ok(Made { page, complete, found: found || sought == Some(Sought::Bisection) })
}

/// Whether a log holds what is sought.
fn is_in(sought: Option<Sought>, reports: &[Report], events: &[Event]) -> bool {
    match sought {
        Some(Sought::Crash) => !reports.is_empty(),
        Some(Sought::Hang) => {
            let records = reports.iter().map(Record::Report).chain(events.iter().map(Record::Event));
            dumps("", &records.collect::<Vec<_>>()).iter().any(|dump| dump.hang)
        }
        Some(Sought::Bisection) | None => false,
    }
}

/// One log of many.
fn titles_of(found: Found<'_>) -> LogTitles {
    let own: Vec<&Report> =
        found.reports.iter().filter(|report| report.cause.is_none() && !report.suppressed).collect();
    LogTitles {
        name: found.name.to_owned(),
        reports: own.iter().map(|report| (report.title.clone(), found.text.line(report.line))).collect(),
        samples: own.iter().map(|report| sample(report)).collect(),
    }
}

/// What a kernel tree says about a log's reports.
type Ask<'a> = &'a dyn Fn(&str, &[Report]) -> anyhow::Result<Vec<BlamePage>>;

/// Titles of a log for which the tree is asked.
const SOURCES: usize = 8;

/// The pages of reports, of each title the first.
fn asked(tree: &Tree, arguments: &TreeArguments, log: &str, reports: &[Report]) -> anyhow::Result<Vec<BlamePage>> {
    let mut titles: BTreeSet<&str> = BTreeSet::new();
    let first = reports.iter().filter(|report| report.cause.is_none() && titles.insert(&report.title));
    let options = PageOptions { hints: arguments.hints(log, None), ..PageOptions::default() };
    let pages = first.take(SOURCES).map(|report| Ok(blame_page(tree, report, &options)?)).collect();
    told();
    pages
}

/// The page of a log or of a bisection and whether it holds what is sought; what went wrong.
fn of_log(
    log: Log,
    share: Option<Share>,
    options: &Options,
    ask: Ask<'_>,
    sought: Option<Sought>,
) -> (Option<(String, bool)>, Option<Trouble>) {
    let Log { name, content } = log;
    let (text, damage) = match content.and_then(|content| content.gathered(&name)) {
        Ok(whole) => whole,
        Err(fault) => return (None, Some(Trouble { message: fault.to_string(), fatal: true })),
    };
    let trouble = damage.map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false });
    let nature = nature(text.log());
    if nature.bisection {
        let found: Vec<Bisection> = judged_text(&name, &text.transcript(), options);
        if !found.is_empty() {
            let page = bisect_page(&BisectPage { name: &name, found: &found, text: text.plain() });
            return (Some((page, sought == Some(Sought::Bisection))), trouble);
        }
    }
    let found = found_in(&name, &text, options);
    let nothing = found.reports.is_empty() && found.events.is_empty();
    let summary = found.summary.clone();
    let view = run_page::view(found);
    let is_found = is_in(sought, view.reports(), view.events());
    let (sources, trouble) = match ask(&name, view.reports()) {
        Ok(sources) => (sources, trouble),
        // The page is as good without the tree.
        Err(error) => (Vec::new(), Some(Trouble { message: format!("{name}: {error:#}"), fatal: false })),
    };
    let page = LogPage {
        name: &name,
        sources: &sources,
        view: &view,
        summary: &summary,
        dumps: &told_dumps(&view),
        text: &text,
        silence: nature.silence().filter(|_| nothing),
        share,
    };
    (Some((log_page(&page), is_found)), trouble)
}
