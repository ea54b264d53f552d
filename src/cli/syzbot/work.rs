//! `kanalyze syzbot show`: what is known of a bug, and who works on it.

use super::super::thread::{Places, of_bug};
use super::super::tree::{TreeArguments, told};
use super::{Asking, Servers, show};
use crate::bisect;
use crate::net::Client;
use crate::render::work_text;
use crate::source::{Query, fixed};
use crate::syzbot::bug;
use crate::syzbot::dashboard::BugName;
use crate::syzbot::listing::bare_title;
use crate::thread::lore::ALL_LISTS;
use crate::thread::work::{Cause, Work, work};
use anyhow::Context as _;
use std::process::ExitCode;

/// Say whether a bug is being worked on: status, fixes, cause bisection and how far to trust it, threads
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot show 0123456789abcdef0123
  kanalyze syzbot show \\
      'https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123'

Exit status: 0, or 2 if the dashboard does not know the bug.")]
pub(super) struct Show {
    /// The bug: its extid or id, a link to its page, or syzbot's mail address for it.
    #[arg(value_name = "BUG", value_parser = BugName::parse)]
    bug: BugName,

    /// Do not ask the archive of mails.
    #[arg(long)]
    no_threads: bool,

    #[command(flatten)]
    tree: TreeArguments,
    #[command(flatten)]
    asking: Asking,
}

/// Runs the command.
///
/// # Errors
/// A server does not answer, or the tree cannot be read.
pub(super) fn run(arguments: &Show) -> anyhow::Result<ExitCode> {
    let client = arguments.asking.servers.network.client();
    let mut found = ask(&client, &arguments.asking.servers, &arguments.bug, !arguments.no_threads)?.work;
    if let Some(tree) = arguments.tree.open()? {
        let query = Query {
            extid: found.bug.extid.clone(),
            titles: vec![bare_title(&found.bug.title).to_owned()],
            blamed: Vec::new(),
            function: None,
            base: None,
        };
        let in_tree = fixed(&tree, &query)?;
        told();
        found = found.in_tree(in_tree);
    }
    show(arguments.asking.output, arguments.asking.reader, std::slice::from_ref(&found), |look| {
        work_text(&found, look)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A transcript is not larger, bytes.
const TRANSCRIPT: u64 = 32 << 20;

/// What servers say of a bug.
pub(in crate::cli) struct Asked {
    /// What is known of it and of the work on it.
    pub work: Work,
    /// The link of its representative crash report.
    pub report: Option<String>,
}

/// What is known of a bug and of the work on it. What does not come is reported as unknown.
pub(in crate::cli) fn ask(client: &Client, servers: &Servers, name: &BugName, threads: bool) -> anyhow::Result<Asked> {
    let (facts, page) = bug::read(client, &servers.base_url, name)?;
    let mut unknown = Vec::new();
    let cause = page.bisect_log.as_ref().and_then(|link| {
        let read = servers
            .base_url
            .link(link)
            .context("the bisection's log")
            .and_then(|url| Ok(client.get(&url, TRANSCRIPT)?.body));
        match read {
            Ok(log) => cause(&log).or_else(|| {
                unknown.push("the bisection's log holds no bisection".to_owned());
                None
            }),
            Err(error) => {
                unknown.push(format!("the bisection's log did not come: {error:#}"));
                None
            }
        }
    });
    let named = facts.extid.clone().map_or_else(|| name.clone(), BugName::Extid);
    let places = Places { archive: &servers.archive_url, list: ALL_LISTS, dashboard: &servers.base_url };
    let talks = threads.then(|| of_bug(client, &places, &named, 0)).transpose().unwrap_or_else(|error| {
        unknown.push(format!("the mails about it did not come: {error:#}"));
        None
    });
    let report = facts
        .report
        .clone()
        .or_else(|| page.crashes.iter().map(|crash| crash.report.clone()).find(|link| !link.is_empty()));
    Ok(Asked { work: work(facts, cause, talks, unknown), report })
}

fn cause(log: &[u8]) -> Option<Cause> {
    let reports = |bytes: &[u8]| crate::engine::read_reports("", bytes);
    let found = bisect::read("bisect.txt", log, &reports).pop()?;
    Some(Cause { answer: found.answer, confidence: found.confidence, commits: found.commits })
}
