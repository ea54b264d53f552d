//! `kanalyze blame`: which line is it, who wrote it, is it fixed, whom to tell?

use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, Output, Reader};
use super::pager::Page;
use super::stderr::say;
use super::symbolize::open_image;
use super::tree::{TreeArguments, chosen, told};
use crate::engine::Item;
use crate::files::cache_home;
use crate::render::{blame_text, safe};
use crate::report::Report;
use crate::source::{PageOptions, blame_page};
use crate::symbols::SourceLines;
use crate::syzbot::dashboard::BugName;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show the blamed line, who wrote it, whether it is fixed and whom to tell
///
/// The page for a mail: the title, the first frames, the code at the commit that the kernel was built from, who wrote the line
/// and who touched its function, what the tree's newest history says of a fix, and the Cc: lines. Nothing in the tree is
/// changed, nothing is fetched, and what cannot be determined is said. The first search for fixes reads the whole history once; what
/// was found is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze blame --tree ~/linux crash.log                the page
  kanalyze blame --tree ~/linux -k vmlinux console.log   lines from the image
  # every frame, all commits, all people
  kanalyze blame --tree ~/linux --full crash.log
  # which commits between them touched the function
  kanalyze blame --tree ~/linux --range v6.12..v6.13 x.log
  kanalyze blame --tree ~/linux --format json crash.log  kanalyze.blame/1

Exit status: 0 a page, 1 no crash in the log, 2 error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    reader: Reader,

    #[command(flatten)]
    tree: TreeArguments,

    /// The report, by its number in the log, from 0 [default: the first that is not a consequence of another].
    #[arg(long, value_name = "N")]
    index: Option<usize>,

    /// The last good and the first bad kernel: commits between them that touched the function are named.
    #[arg(long, value_name = "GOOD..BAD", value_parser = range)]
    range: Option<(String, String)>,

    /// The bug at syzbot: its extid, or a link to its page.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse)]
    extid: Option<BugName>,

    /// The kernel that printed the logs: its frames get source lines.
    #[arg(short = 'k', long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// A folder with that kernel's modules; may be given several times.
    #[arg(long, value_name = "DIR", requires = "vmlinux")]
    modules: Vec<PathBuf>,
}

/// `GOOD..BAD`.
fn range(text: &str) -> Result<(String, String), String> {
    match text.split_once("..") {
        Some((good, bad)) if !good.is_empty() && !bad.is_empty() && !bad.starts_with('.') => {
            Ok((good.into(), bad.into()))
        }
        _ => Err("two commits with two dots between them, as v6.12..v6.13".into()),
    }
}

/// Runs the command.
///
/// # Errors
/// No tree, no input, a commit that is not in the tree.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let tree = arguments.tree.needed()?;
    let options = arguments.logs.reading.options()?;
    let image = arguments.vmlinux.as_deref().map(|path| open_image(path, cache_home().as_deref())).transpose()?;
    let release = image.as_ref().and_then(|image| image.release().map(str::to_owned));
    let lines = image.map(|image| SourceLines::new(image, &arguments.modules));
    let text = arguments.output.format == Format::Text;
    let look = arguments.output.look(arguments.reader);
    let mut out = Page::open(arguments.reader, text);
    let mut array = JsonArray::new();
    let (mut pages, mut fatal) = (0_usize, false);
    let named = arguments.logs.views(
        &options,
        |reports: &mut Vec<Report>, items| {
            reports.extend(items.into_iter().filter_map(|item| match item {
                Item::Closed(report) => Some(*report),
                _ => None,
            }));
        },
        |log, mut reports, outcome| {
            fatal |= tell(outcome.trouble.as_ref());
            if let Some(words) = outcome.silence() {
                say(&format!("{log}: {words}"));
                return Ok(());
            }
            if let Some(lines) = &lines {
                reports.iter_mut().for_each(|report| lines.report(report));
            }
            let Some(report) = chosen(&reports, arguments.index) else {
                if let Some(index) = arguments.index {
                    anyhow::bail!("{log}: there is no report {index}; there are {}, from 0", reports.len());
                }
                say(&format!("{log}: no crash"));
                return Ok(());
            };
            let mut hints = arguments.tree.hints(log, release.as_deref());
            hints.range.clone_from(&arguments.range);
            let page = blame_page(
                &tree,
                report,
                &PageOptions {
                    hints,
                    all_frames: look.is_full(),
                    fixed: true,
                    extid: arguments.extid.as_ref().map(|bug| bug.key().to_owned()),
                    people: true,
                },
            )?;
            told();
            if text {
                out.write_all(if pages > 0 { b"\n" } else { b"" })?;
                out.write_all(blame_text(&page, &look).as_bytes())?;
                let others = reports.iter().filter(|other| other.cause.is_none() && other.index != report.index);
                let others: Vec<String> =
                    others.map(|other| format!("--index {} {}", other.index, safe(&other.title))).take(3).collect();
                if !others.is_empty() && arguments.index.is_none() {
                    say(&format!("{log}: other reports: {}", others.join(", ")));
                }
            } else {
                let mut line = serde_json::to_vec(&page)?;
                line.push(b'\n');
                if arguments.output.format == Format::Json {
                    array.write(&mut out, &line)?
                } else {
                    out.write_all(&line)?
                }
            }
            pages += 1;
            Ok(())
        },
    )?;
    if arguments.output.format == Format::Json {
        array.end(&mut out)?;
    }
    out.close()?;
    if let Some(lines) = &lines {
        lines.save();
        lines.refusals().iter().for_each(|refusal| say(refusal));
    }
    Ok(ExitCode::from(if fatal || !named { 2 } else { u8::from(pages == 0) }))
}
