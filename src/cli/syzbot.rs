//! `kanalyze syzbot`: which bug next, is somebody on it, where is a title known?

use super::logs::{Reading, sources_of, tell};
use super::network::Network;
use super::output::{Format, Output, Reader};
use super::pager::Page;
use super::progress::Progress;
use super::records::write_records;
use super::stderr::say;
use super::thread::{Places, of_bug};
use super::tree::{TreeArguments, told};
use crate::bisect;
use crate::grammar::Grammar;
use crate::intake;
use crate::net::{Client, Site};
use crate::render::{bugs_text, known_text, picks_text, work_text};
use crate::source::{Query, fixed};
use crate::syzbot::bug;
use crate::syzbot::dashboard::{BugName, DASHBOARD};
use crate::syzbot::listing::{self, Listed, Repro, Shelf, bare_title};
use crate::syzbot::rank::{Ranked, rank};
use crate::thread::Mailbox;
use crate::thread::lore::{self, ALL_LISTS, LORE};
use crate::thread::work::{Cause, Work, work};
use anyhow::Context as _;
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Which bug next, is somebody on it, where is this title known?
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Pick(Pick),
    Show(Show),
    Find(Find),
}

/// Where bugs and mails are.
#[derive(Debug, clap::Args)]
pub(super) struct Servers {
    /// The dashboard, or a mirror of it; https, or http to this machine.
    #[arg(long, value_name = "URL", default_value = DASHBOARD)]
    pub base_url: Site,

    /// The archive of mails, or a mirror of it.
    #[arg(long, value_name = "URL", default_value = LORE)]
    pub archive_url: Site,

    #[command(flatten)]
    pub network: Network,
}

/// Who is asked, and how the answer looks.
#[derive(Debug, clap::Args)]
struct Asking {
    #[command(flatten)]
    servers: Servers,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    reader: Reader,
}

/// Which bugs.
#[derive(Debug, clap::Args)]
struct Filter {
    /// The dashboard's namespace: upstream, linux-6.1, android-… as in its address.
    #[arg(long, short = 'n', value_name = "NAME", default_value = "upstream")]
    namespace: String,

    /// Only open bugs of this subsystem.
    #[arg(long, short = 's', value_name = "NAME")]
    subsystem: Option<String>,

    /// Only bugs that something reproduces: a C program, a syz program, either, or nothing.
    #[arg(long, value_enum, value_name = "WHAT")]
    repro: Option<Wanted>,

    /// Only bugs whose title holds these words, in any case.
    #[arg(long, value_name = "WORDS")]
    title: Option<String>,

    /// Only bugs of this type of syzbot's, such as HANG or KASAN.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,

    /// Only bugs that were seen within so many days.
    #[arg(long, value_name = "DAYS")]
    seen_within: Option<f64>,

    /// Only bugs that were reported within so many days.
    #[arg(long, value_name = "DAYS")]
    reported_within: Option<f64>,

    /// Only bugs for which no patch is known.
    #[arg(long)]
    no_patch: bool,

    /// Only bugs for which no fix is known.
    #[arg(long)]
    not_fixed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    C,
    Syz,
    Any,
    None,
}

/// List the bugs of a namespace or subsystem
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot list                        open bugs of upstream
  kanalyze syzbot list -s net --repro c       those of net with a C reproducer
  kanalyze syzbot list --fixed --title vhost  fixed ones
  kanalyze syzbot list --format jsonl         one record per bug, for scripts

Exit status: 0, or 2 if the dashboard does not answer.")]
struct List {
    #[command(flatten)]
    filter: Filter,

    /// Fixed bugs instead of open ones.
    #[arg(long, conflicts_with_all = ["invalid", "subsystem"])]
    fixed: bool,

    /// Bugs that were closed without a fix instead of open ones.
    #[arg(long, conflicts_with = "subsystem")]
    invalid: bool,

    #[command(flatten)]
    asking: Asking,
}

/// Rank open bugs by how worthwhile they are to take; the points are printed with their reasons
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot pick -s net  the ten best of net
  # hangs for which no patch is known
  kanalyze syzbot pick --type HANG --no-patch

What the dashboard's list does not say counts nothing. Exit status: 0
something found, 1 nothing, 2 error.")]
struct Pick {
    #[command(flatten)]
    filter: Filter,

    /// How many.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,

    #[command(flatten)]
    asking: Asking,
}

/// Say whether a bug is being worked on: status, fixes, cause bisection and how far to trust it, threads
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot show 0123456789abcdef0123
  kanalyze syzbot show \\
      'https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123'

Exit status: 0, or 2 if the dashboard does not know the bug.")]
struct Show {
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

/// Find the known bugs and threads that carry a title, or the titles of a log
///
/// Every title and alternative title of the log is sought among open, fixed and invalid bugs; a recurrence, ` (2)`, counts as
/// the same title.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze syzbot find 'INFO: task hung in vhost_worker_killed'
  kanalyze syzbot find console.log

Exit status: 0 something is known, 1 nothing, 2 error.")]
struct Find {
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

/// Runs the command.
///
/// # Errors
/// A server does not answer, or what it answers cannot be read.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.verb {
        Verb::List(arguments) => run_list(&arguments),
        Verb::Pick(arguments) => run_pick(&arguments),
        Verb::Show(arguments) => run_show(&arguments),
        Verb::Find(arguments) => run_find(&arguments),
    }
}

fn chosen(client: &Client, servers: &Servers, filter: &Filter, shelf: Shelf<'_>) -> anyhow::Result<Vec<Listed>> {
    let shelf = filter.subsystem.as_deref().map_or(shelf, Shelf::Subsystem);
    let (bugs, trouble) = listing::bugs(client, &servers.base_url, &filter.namespace, shelf)?;
    if let Some(trouble) = trouble {
        say(&trouble);
    }
    let grammar = Grammar::built_in();
    Ok(bugs.into_iter().filter(|bug| filter.wants(bug, &grammar)).collect())
}

impl Filter {
    /// Whether a bug passes. What the list does not say passes no filter about it.
    fn wants(&self, bug: &Listed, grammar: &Grammar) -> bool {
        let repro = match self.repro {
            None => true,
            Some(Wanted::C) => bug.repro == Repro::C,
            Some(Wanted::Syz) => bug.repro == Repro::Syz,
            Some(Wanted::Any) => matches!(bug.repro, Repro::C | Repro::Syz),
            Some(Wanted::None) => bug.repro == Repro::None,
        };
        let within =
            |limit: Option<f64>, days: Option<f64>| limit.is_none_or(|limit| days.is_some_and(|days| days <= limit));
        let holds = |words: &String| bug.title.to_lowercase().contains(&words.to_lowercase());
        let kind = grammar.type_of(bare_title(&bug.title)).to_uppercase();
        repro
            && self.title.as_ref().is_none_or(holds)
            && self.kind.as_ref().is_none_or(|wanted| {
                kind.split(['-', '_']).any(|part| part == wanted.to_uppercase()) || kind == wanted.to_uppercase()
            })
            && within(self.seen_within, bug.last_days)
            && within(self.reported_within, bug.reported_days)
            && (!self.no_patch || (bug.detailed && bug.patch_days.is_none() && bug.fix_commits.is_empty()))
            && (!self.not_fixed || bug.fix_commits.is_empty())
    }
}

fn run_list(arguments: &List) -> anyhow::Result<ExitCode> {
    let shelf = match (arguments.fixed, arguments.invalid) {
        (true, _) => Shelf::Fixed,
        (_, true) => Shelf::Invalid,
        _ => Shelf::Open,
    };
    let bugs = chosen(&arguments.asking.servers.network.client(), &arguments.asking.servers, &arguments.filter, shelf)?;
    let text = |look: &crate::render::Look| bugs_text(&bugs, look);
    let records: Vec<ListedRecord<'_>> = bugs.iter().map(|bug| ListedRecord { schema: LISTED_SCHEMA, bug }).collect();
    show(arguments.asking.output, arguments.asking.reader, &records, text)?;
    Ok(ExitCode::SUCCESS)
}

/// The schema name of [`ListedRecord`].
pub(super) const LISTED_SCHEMA: &str = "kanalyze.listed/1";

/// A bug of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ListedRecord<'bug> {
    /// [`LISTED_SCHEMA`].
    pub schema: &'static str,
    /// The bug.
    pub bug: &'bug Listed,
}

fn run_pick(arguments: &Pick) -> anyhow::Result<ExitCode> {
    let bugs =
        chosen(&arguments.asking.servers.network.client(), &arguments.asking.servers, &arguments.filter, Shelf::Open)?;
    let grammar = Grammar::built_in();
    let mut picks: Vec<Ranked> = bugs.iter().map(|bug| rank(&grammar, bug)).collect();
    picks.sort_by(|one, other| other.points.cmp(&one.points).then_with(|| one.bug.title.cmp(&other.bug.title)));
    picks.truncate(arguments.top);
    show(arguments.asking.output, arguments.asking.reader, &picks, |look| picks_text(&picks, look))?;
    Ok(ExitCode::from(u8::from(picks.is_empty())))
}

/// Writes records, or their text.
fn show<T: Serialize>(
    output: Output,
    reader: Reader,
    records: &[T],
    text: impl Fn(&crate::render::Look) -> String,
) -> anyhow::Result<()> {
    let people = output.format == Format::Text;
    let mut out = Page::open(reader, people);
    if people {
        out.write_all(text(&output.look(reader)).as_bytes())?;
    } else {
        write_records(&mut out, output.format, records)?;
    }
    Ok(out.close()?)
}

fn run_show(arguments: &Show) -> anyhow::Result<ExitCode> {
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
pub(super) struct Asked {
    /// What is known of it and of the work on it.
    pub work: Work,
    /// The link of its representative crash report.
    pub report: Option<String>,
}

/// What is known of a bug and of the work on it. What does not come is reported as unknown.
pub(super) fn ask(client: &Client, servers: &Servers, name: &BugName, threads: bool) -> anyhow::Result<Asked> {
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

/// The schema name of [`Known`].
pub(super) const KNOWN_SCHEMA: &str = "kanalyze.known/1";

/// A place where a title is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Known {
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

fn run_find(arguments: &Find) -> anyhow::Result<ExitCode> {
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

/// The titles to look for: those of a log if there is such a file, else the title itself. `None` if the log has none.
fn titles(arguments: &Find) -> anyhow::Result<Option<BTreeSet<String>>> {
    let is_log = arguments.what == "-" || std::path::Path::new(&arguments.what).exists();
    if !is_log {
        let title = arguments.what.to_string_lossy().trim().to_owned();
        anyhow::ensure!(!title.is_empty(), "no title and no log is named");
        return Ok(Some(BTreeSet::from([title])));
    }
    let (sources, fine) = sources_of(std::slice::from_ref(&arguments.what));
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
