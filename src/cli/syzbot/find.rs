//! `kanalyze syzbot find`: where the titles of a log are known.

use super::super::logs::{Reading, sources_of, tell};
use super::super::progress::Progress;
use super::super::stderr::say;
use super::{Asking, show};
use crate::intake;
use crate::render::known_text;
use crate::syzbot::listing::{self, Shelf, bare_title};
use crate::thread::Mailbox;
use crate::thread::lore::{self, ALL_LISTS};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// Find the known bugs and threads that carry a title, or the titles of a log
///
/// Every title and alternative title of the log is sought among open, fixed and invalid bugs; a recurrence, ` (2)`, counts as
/// the same title.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot find 'INFO: task hung in vhost_worker_killed'
  kanalyze syzbot find console.log

Exit status: 0 something is known, 1 nothing, 2 error.")]
pub(super) struct Find {
    /// A title, or a log.
    #[arg(value_name = "TITLE|LOG")]
    what: OsString,

    /// The dashboard's namespace.
    #[arg(long, short = 'n', value_name = "NAME", default_value = "upstream")]
    namespace: String,

    /// Do not ask the archive of mails.
    #[arg(long)]
    no_threads: bool,

    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    asking: Asking,
}

/// The schema name of [`Known`].
pub(in crate::cli) const KNOWN_SCHEMA: &str = "kanalyze.known/1";

/// A place where a title is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::cli) struct Known {
    /// [`KNOWN_SCHEMA`].
    pub schema: &'static str,
    /// `open`, `fixed`, `invalid` (a bug on the dashboard) or `thread`.
    pub place: String,
    /// The bug's key, or the id of the thread's first message.
    pub key: String,
    /// The title there.
    pub title: String,
    /// The title that was sought.
    pub sought: String,
}

/// Runs the command.
///
/// # Errors
/// A server does not answer, or the log cannot be read.
pub(super) fn run(arguments: &Find) -> anyhow::Result<ExitCode> {
    let Some(titles) = titles(arguments)? else { return Ok(ExitCode::from(2)) };
    let client = arguments.asking.servers.network.client();
    let site = &arguments.asking.servers.base_url;
    let mut known = Vec::new();
    for (place, shelf) in [("open", Shelf::Open), ("fixed", Shelf::Fixed), ("invalid", Shelf::Invalid)] {
        for bug in listing::titles(&client, site, &arguments.namespace, shelf)? {
            let Some(sought) = titles.iter().find(|title| bare_title(title) == bare_title(&bug.title)) else {
                continue;
            };
            let (place, sought) = (place.to_owned(), sought.clone());
            known.push(Known { schema: KNOWN_SCHEMA, place, key: bug.key, title: bug.title, sought });
        }
    }
    for sought in titles.iter().filter(|_| !arguments.no_threads) {
        let query = lore::title_query(bare_title(sought));
        let Some(bytes) = lore::search(&client, &arguments.asking.servers.archive_url, ALL_LISTS, &query)? else {
            continue;
        };
        for thread in Mailbox::read("", &bytes, arguments.reading.threads).threads(arguments.reading.threads) {
            let key = thread.messages.first().map(|first| first.id.clone()).unwrap_or_default();
            known.push(Known {
                schema: KNOWN_SCHEMA,
                place: "thread".to_owned(),
                key,
                title: thread.subject,
                sought: sought.clone(),
            });
        }
    }
    if known.is_empty() {
        say(&format!("none of these is known: {}", titles.iter().cloned().collect::<Vec<_>>().join("; ")));
    }
    show(arguments.asking.output, arguments.asking.reader, &known, |look| {
        let rows: Vec<(String, String, String)> =
            known.iter().map(|one| (one.place.clone(), one.key.clone(), one.title.clone())).collect();
        known_text(&rows, look)
    })?;
    Ok(ExitCode::from(u8::from(known.is_empty())))
}

/// Whether a log is named: a file that is here, or a name that no title is, so that somebody mistyped it.
fn is_log(what: &OsStr) -> bool {
    let is_name = || intake::is_log(what) && !what.as_encoded_bytes().contains(&b' ');
    what == "-" || std::path::Path::new(what).exists() || is_name()
}

/// The titles to look for: those of a log if one is named, else the title itself. `None` if the log has none.
fn titles(arguments: &Find) -> anyhow::Result<Option<BTreeSet<String>>> {
    if !is_log(&arguments.what) {
        let title = arguments.what.to_string_lossy().trim().to_owned();
        anyhow::ensure!(!title.is_empty(), "no title and no log is named");
        return Ok(Some(BTreeSet::from([title])));
    }
    let (sources, fine) = sources_of(std::slice::from_ref(&arguments.what), 1);
    let mut options = arguments.reading.options()?;
    let mut titles = BTreeSet::new();
    let mut fatal = !fine;
    let progress = Progress::of(&sources, &mut options);
    let logs = intake::wholes(&sources, &options, |found| found.settled().0);
    drop(progress);
    for log in logs {
        fatal |= tell(log.trouble.as_ref());
        for report in log.found.unwrap_or_default().into_iter().filter(|report| report.cause.is_none()) {
            titles.insert(report.title);
            titles.extend(report.alt_titles);
        }
    }
    if titles.is_empty() && !fatal {
        say(&format!("{}: there is no report in it whose title could be determined", arguments.what.to_string_lossy()));
    }
    Ok((!titles.is_empty()).then_some(titles))
}
