//! `kanalyze fixed`: is this bug fixed in a kernel tree, since when, where?

use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, Output, Reader};
use super::pager::Page;
use super::stderr::say;
use super::tree::{TreeArguments, chosen, told};
use crate::engine::Item;
use crate::render::fixed_text;
use crate::report::Report;
use crate::source::{Fixed, PageOptions, Query, base_of, blame_page, fixed};
use crate::syzbot::dashboard::BugName;
use std::io::Write;
use std::process::ExitCode;

/// Search a kernel tree for what fixes a bug
///
/// All branches, remotes and tags are searched: for the bug's id in `Reported-by:` and `Closes:` (stated), the title in a
/// subject and `Fixes:` of the commit that wrote the blamed line (likely), later commits that touch the function (possible). Each
/// answer has its reason, whether it was reverted, the first release that has it, its copies in stable kernels, and whether the
/// kernel that crashed had it already. The first search reads the history once and keeps an index; later ones are quick.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze fixed --tree ~/linux --extid 0123456789abcdef0123
  kanalyze fixed --tree ~/linux \\
      --title 'KASAN: slab-use-after-free Read in foo'
  kanalyze fixed --tree ~/linux --introduced-by 1da177e4c3f4
  kanalyze fixed --tree ~/linux crash.log  the bug of a log

Exit status: 0 fixed, 1 no fix found, 2 error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    /// The bug at syzbot: its extid, or a link to its page.
    #[arg(long, value_name = "BUG", value_parser = BugName::parse)]
    extid: Option<BugName>,

    /// A title of the bug; may be given several times.
    #[arg(long, value_name = "TITLE")]
    title: Vec<String>,

    /// The commit that introduced the bug: commits that say they fix it are searched for.
    #[arg(long, value_name = "REVISION")]
    introduced_by: Option<String>,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    reader: Reader,

    #[command(flatten)]
    tree: TreeArguments,
}

/// Runs the command.
///
/// # Errors
/// No tree, nothing to look for, a commit that is not in the tree.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let tree = arguments.tree.needed()?;
    let extid = arguments.extid.as_ref().map(|bug| bug.key().to_owned());
    let mut found: Vec<Fixed> = Vec::new();
    let (mut failed, mut missing) = (false, false);
    let by_hand = extid.is_some() || !arguments.title.is_empty() || arguments.introduced_by.is_some();
    if by_hand && arguments.logs.logs.is_empty() {
        let introduced = arguments.introduced_by.as_deref().map(|name| tree.commit(name)).transpose()?;
        let base = match &arguments.tree.commit {
            Some(_) => Some(base_of(&tree, None, &arguments.tree.hints("", None))?),
            None => None,
        };
        let titles = arguments.title.clone();
        let query = Query { extid, titles, blamed: introduced.into_iter().collect(), function: None, base };
        found.push(fixed(&tree, &query)?);
    } else {
        let options = arguments.logs.reading.options()?;
        failed = !arguments.logs.views(
            &options,
            |reports: &mut Vec<Report>, items| {
                reports.extend(items.into_iter().filter_map(|item| match item {
                    Item::Closed(report) => Some(*report),
                    _ => None,
                }));
            },
            |log, reports, outcome| {
                missing |= tell(outcome.trouble.as_ref());
                let Some(report) = chosen(&reports, None) else {
                    say(&format!("{log}: no crash, and so nothing to look for"));
                    missing = true;
                    return Ok(());
                };
                let mut report = report.clone();
                report.alt_titles.extend(arguments.title.iter().cloned());
                let hints = arguments.tree.hints(log, None);
                let extid = extid.clone();
                let page =
                    blame_page(&tree, &report, &PageOptions { hints, fixed: true, extid, ..PageOptions::default() })?;
                if let Some(mut one) = page.fixed {
                    one.unknown.extend(page.base.doubts);
                    found.push(one);
                }
                Ok(())
            },
        )?;
    }
    told();
    let mut out = Page::open(arguments.reader, arguments.output.format == Format::Text);
    let look = arguments.output.look(arguments.reader);
    let mut array = JsonArray::new();
    for one in &found {
        if arguments.output.format == Format::Text {
            out.write_all(fixed_text(one, &look).as_bytes())?;
            continue;
        }
        let mut line = serde_json::to_vec(one)?;
        line.push(b'\n');
        if arguments.output.format == Format::Json { array.write(&mut out, &line)? } else { out.write_all(&line)? }
    }
    if arguments.output.format == Format::Json {
        array.end(&mut out)?;
    }
    out.close()?;
    let all = !found.is_empty() && found.iter().all(|one| one.fixed);
    Ok(ExitCode::from(if failed || missing { 2 } else { u8::from(!all) }))
}
