//! `kanalyze locks`: who holds the lock, who waits, where is the cycle, who is the root?

use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, Reader, ShownOutput};
use super::page::Sought;
use super::pager::Page;
use super::stderr::say;
use super::tree::{TreeArguments, told};
use crate::engine::{Item, Kept, Options, gather_locks};
use crate::locks::{Dump, Gathered, dumps_of};
use crate::render::svg::{Setting, orders_svg};
use crate::render::{json_line, locks_dot, locks_mermaid, locks_svg, locks_text, source_text};
use crate::source::{BlamePage, Tree, dump_page};
use std::io::Write;
use std::process::ExitCode;

/// Show who blocks whom in a hang: holders, waiters, cycles and the root cause
///
/// The evidence is the kernel's own blocker lines, the stacks of hung tasks, the lists of held locks, sysrq dumps and
/// lockdep reports. The kernel's list of held locks also includes the lock that a task is still waiting for. Each edge
/// says how sure it is: stated (by the kernel), certain, likely, possible, unknown. Cycles and roots rest on likely and
/// better. Every statement cites its log lines.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze locks console.log           the story, ready to paste into a mail
  kanalyze locks --format jsonl *.log  one record per dump, for scripts
  kanalyze locks --brief *.log         one line per dump
  # with the code at each lock
  kanalyze locks --tree ~/linux hang.log
  # a picture of the last dump
  kanalyze locks --svg hang.log > hang.svg
  # a page with the graph and every task
  kanalyze locks --format html hang.log > hang.html
  # the same for graphviz
  kanalyze locks --dot hang.log | dot -Tpdf
  kanalyze locks --mermaid hang.log    the same for an issue or a wiki page

Exit status: 0 no hang, 1 a hang, 2 error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    output: ShownOutput,

    #[command(flatten)]
    reader: Reader,

    /// Draw the last dump for graphviz.
    #[arg(long, conflicts_with_all = ["svg", "mermaid"])]
    dot: bool,

    /// Draw the last dump as a picture, crowds of tasks that wait alike in one box; where nobody waits, the order of locks that
    /// lockdep reports.
    #[arg(long, conflicts_with = "mermaid")]
    svg: bool,

    /// Draw the last dump for pasting where mermaid is understood.
    #[arg(long)]
    mermaid: bool,

    #[command(flatten)]
    tree: TreeArguments,
}

/// Runs the command.
///
/// # Errors
/// No input, or a grammar that is not valid.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(output) = arguments.output.plain(arguments.reader) else {
        return super::page::of_logs(&arguments.logs, &arguments.tree, Sought::Hang);
    };
    let options = Options { events: true, kept: Kept::LOCKS, ..arguments.logs.reading.options()? };
    let drawn = arguments.dot || arguments.svg || arguments.mermaid;
    let mut out = Page::open(arguments.reader, output.format == Format::Text && !drawn);
    let mut array = JsonArray::new();
    let look = output.look(arguments.reader);
    // Programs get records of a tree only if they ask for them.
    let wanted = !drawn && !look.is_brief() && !arguments.reader.quiet;
    let text = output.format == Format::Text;
    let tree = if wanted && (text || arguments.tree.tree.is_some()) { arguments.tree.open()? } else { None };
    let (mut hang, mut fatal, mut complete, mut first) = (false, false, true, true);
    let mut pictured: Option<String> = None;
    let named = arguments.logs.shown(
        &options,
        |view: &mut View, items| items.iter().for_each(|item| view.take(item)),
        |log, View { gathered, release }, _| (release, dumps_of(log, &gathered)),
        |log, (release, found), outcome| {
            fatal |= tell(outcome.trouble.as_ref());
            complete &= !outcome.partial;
            if let Some(words) = outcome.silence() {
                say(&format!("{log}: {words}"));
                return Ok(());
            }
            hang |= found.iter().any(|dump| dump.hang);
            let pages = match &tree {
                Some(tree) => pages(tree, &arguments.tree, release.as_deref(), &found)?,
                None => Vec::new(),
            };
            let picture = found.iter().rfind(|dump| !dump.waits.is_empty());
            if arguments.svg && picture.is_some() {
                // Two of them in one file are none.
                if let Some(one) = pictured.replace(log.to_owned()) {
                    anyhow::bail!("--svg draws one log: {one} is drawn, {log} has a dump, too; name one");
                }
            }
            match picture.filter(|_| drawn) {
                Some(dump) if arguments.dot => out.write_all(locks_dot(dump).as_bytes())?,
                Some(dump) if arguments.svg => out.write_all(locks_svg(dump).as_bytes())?,
                Some(dump) => out.write_all(locks_mermaid(dump).as_bytes())?,
                // Nobody waits: lockdep may have printed an order of locks.
                None if arguments.svg => {
                    let told = found.iter().rev().flat_map(|dump| &dump.lockdep);
                    if let Some(order) = { told }.find_map(|explanation| orders_svg(explanation, Setting::Alone)) {
                        out.write_all(order.as_bytes())?;
                    }
                }
                None if drawn => {}
                None => match output.format {
                    Format::Text => {
                        if !outcome.is_fatal() {
                            let text = locks_text(log, &found, &look);
                            out.write_all(if first || look.is_brief() { b"" } else { b"\n" })?;
                            out.write_all(text.as_bytes())?;
                            for page in &pages {
                                out.write_all(b"\n")?;
                                out.write_all(source_text(page, &look).as_bytes())?;
                            }
                            first = false;
                        }
                    }
                    form => {
                        let dumps = found.iter().map(json_line);
                        for line in dumps.chain(pages.iter().map(json_line)) {
                            let line = line?;
                            if form == Format::Json { array.write(&mut out, &line)? } else { out.write_all(&line)? }
                        }
                    }
                },
            }
            Ok(())
        },
    )?;
    if output.format == Format::Json && !drawn {
        array.end(&mut out)?;
    }
    out.close()?;
    Ok(ExitCode::from(if fatal || !named || !hang && !complete { 2 } else { u8::from(hang) }))
}

/// What is kept of a log until its end.
#[derive(Default)]
struct View {
    gathered: Gathered<'static>,
    /// The kernel that a report names first.
    release: Option<String>,
}

impl View {
    fn take(&mut self, item: &Item) {
        gather_locks(&mut self.gathered, item);
        if let Item::Closed(report) = item {
            self.release = self.release.take().or_else(|| report.kernel_version.clone());
        }
    }
}

/// What a tree says about the dumps in which somebody waits for a named holder: of those that show the same the first.
fn pages(
    tree: &Tree,
    arguments: &TreeArguments,
    release: Option<&str>,
    dumps: &[Dump],
) -> anyhow::Result<Vec<BlamePage>> {
    let mut pages: Vec<BlamePage> = Vec::new();
    for dump in dumps {
        let page = dump_page(tree, dump, release, &arguments.hints(&dump.log, None))?;
        let same = |one: &BlamePage| {
            let lines = |page: &BlamePage| {
                page.places
                    .iter()
                    .map(|place| (place.role, place.file.clone(), place.line, place.of.clone()))
                    .collect::<Vec<_>>()
            };
            lines(one) == lines(&page)
        };
        if !page.places.is_empty() && !pages.iter().any(same) {
            pages.push(page);
        }
    }
    told();
    Ok(pages)
}
