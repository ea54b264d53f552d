//! `kanalyze syzbot list` and `pick`: the bugs of a namespace, and which is worth taking.

use super::super::stderr::say;
use super::{Asking, Servers, show};
use crate::grammar::Grammar;
use crate::net::Client;
use crate::render::{Look, bugs_text, picks_text};
use crate::syzbot::listing::{self, Listed, Repro, Shelf, bare_title};
use crate::syzbot::rank::{Ranked, rank};
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use std::process::ExitCode;

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
pub(super) struct List {
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

What the dashboard's list does not say counts nothing.

Exit status: 0 something found, 1 nothing, 2 error.")]
pub(super) struct Pick {
    #[command(flatten)]
    filter: Filter,

    /// How many.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,

    #[command(flatten)]
    asking: Asking,
}

/// The bugs of a shelf that pass the filter.
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

/// Lists bugs.
///
/// # Errors
/// The dashboard does not answer.
pub(super) fn run_list(arguments: &List) -> anyhow::Result<ExitCode> {
    let shelf = match (arguments.fixed, arguments.invalid) {
        (true, _) => Shelf::Fixed,
        (_, true) => Shelf::Invalid,
        _ => Shelf::Open,
    };
    let bugs = chosen(&arguments.asking.servers.network.client(), &arguments.asking.servers, &arguments.filter, shelf)?;
    let text = |look: &Look| bugs_text(&bugs, look);
    let records: Vec<ListedRecord<'_>> = bugs.iter().map(|bug| ListedRecord { schema: LISTED_SCHEMA, bug }).collect();
    show(arguments.asking.output, arguments.asking.reader, &records, text)?;
    Ok(ExitCode::SUCCESS)
}

/// The schema name of [`ListedRecord`].
pub(in crate::cli) const LISTED_SCHEMA: &str = "kanalyze.listed/1";

/// A bug of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct ListedRecord<'bug> {
    /// [`LISTED_SCHEMA`].
    pub schema: &'static str,
    /// The bug.
    pub bug: &'bug Listed,
}

/// Ranks open bugs.
///
/// # Errors
/// The dashboard does not answer.
pub(super) fn run_pick(arguments: &Pick) -> anyhow::Result<ExitCode> {
    let bugs =
        chosen(&arguments.asking.servers.network.client(), &arguments.asking.servers, &arguments.filter, Shelf::Open)?;
    let grammar = Grammar::built_in();
    let mut picks: Vec<Ranked> = bugs.iter().map(|bug| rank(&grammar, bug)).collect();
    picks.sort_by(|one, other| other.points.cmp(&one.points).then_with(|| one.bug.title.cmp(&other.bug.title)));
    picks.truncate(arguments.top);
    show(arguments.asking.output, arguments.asking.reader, &picks, |look| picks_text(&picks, look))?;
    Ok(ExitCode::from(u8::from(picks.is_empty())))
}
