//! `kanalyze diff`: what is new, gone or more frequent between these two runs, or groups of runs?

use super::logs::{Reading, sources_of, tell};
use super::output::Reader;
use super::pager::Page;
use super::progress::Progress;
use super::stderr::say;
use crate::calendar::today;
use crate::diff::baseline::Baseline;
use crate::diff::{Difference, Group, Run, compare, reduce, rules};
use crate::engine::Options;
use crate::intake::{Containers, Found, silence, wholes};
use crate::render::{self, Look};
use clap::ValueEnum;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say what is new, gone, changed or more frequent between two runs, or two groups of runs
///
/// Each side can be a log, a run folder, a folder of either, or a glob; several with --a and --b. Compared are crash titles,
/// hung tasks and their roots, blocked functions, lock edges and lock-order pairs, events, taint, messages, boot
/// milestones, modules, the command line, the kernel and the machine. What changes by itself (times, pids, addresses,
/// KASLR, CPU numbers, module order) is set aside; --explain lists what is ignored as noise.
///
/// One run against one is compared word for word. With two runs or more on both sides a difference of rates is claimed only where
/// Fisher's exact test, corrected by Holm within its area, stays below 5 %; else the finding says how many runs more it
/// would take. Intervals are exact (Clopper–Pearson, 95 %).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # two logs
  kanalyze diff before.log after.log
  # all runs of two folders
  kanalyze diff runs/old runs/new
  # two globs, in quotes
  kanalyze diff 'old/*.log' 'new/*.log'
  kanalyze diff --a 1.log 2.log --b 3.log 4.log
  # for a mail or an issue
  kanalyze diff old new --format markdown
  # a page to look at
  kanalyze diff old new --format html > d.html
  # what is known does not count
  kanalyze diff old new --baseline known.toml
  kanalyze diff --explain  what two runs may differ in without being different

A baseline is a TOML file:
  version = 1
  [[known]]
  title = \"WARNING in foo*\"   # * stands for anything
  area = \"crash\"              # optional; as in JSON
  until = 2026-12-31          # optional; the last day
  reason = \"https://…\"        # optional

Exit status: 0 the same, 1 different, 2 error. A difference that stays
undecided does not count.")]
pub(super) struct Arguments {
    /// The first side.
    #[arg(value_name = "A", required_unless_present_any = ["a", "explain"], conflicts_with_all = ["a", "b"])]
    first: Option<OsString>,

    /// The second side.
    #[arg(value_name = "B", required_unless_present_any = ["b", "explain"])]
    second: Option<OsString>,

    /// Logs, folders or globs of the first side; may be given several times.
    #[arg(long, num_args = 1.., value_name = "LOG", requires = "b")]
    a: Vec<OsString>,

    /// Logs, folders or globs of the second side.
    #[arg(long, num_args = 1.., value_name = "LOG", requires = "a")]
    b: Vec<OsString>,

    /// Form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: super::output::Colour,

    /// Known issues, with expiry: see below.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// The day with which expiry dates are compared, for repeatable results [default: today].
    #[arg(long, value_name = "YYYY-MM-DD", hide_short_help = true)]
    today: Option<String>,

    /// List the rules by which noise is set aside; after the comparison, if there is one.
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    reading: Reading,

    /// Print nothing but what went wrong; the exit status is the answer.
    #[arg(long, short = 'q')]
    quiet: bool,

    /// Do not use a pager ($PAGER, or `less -FRX`), which otherwise shows text on a terminal.
    #[arg(long)]
    no_pager: bool,
}

/// Form of a comparison's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For a terminal or a mail.
    Text,
    /// One JSON array of one record.
    Json,
    /// The record on one line.
    Jsonl,
    /// For an issue or a wiki.
    Markdown,
    /// JUnit's XML, for CI systems.
    Junit,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// A page to look at.
    Html,
}

/// Runs the command.
///
/// # Errors
/// A side that is nothing, a grammar or baseline that is not valid.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let reader = Reader { quiet: arguments.quiet, no_pager: arguments.no_pager, ..Reader::default() };
    let mut out = Page::open(reader, arguments.format == Form::Text);
    if arguments.first.is_none() && arguments.a.is_empty() {
        out.write_all(rules().as_bytes())?;
        out.close()?;
        return Ok(ExitCode::SUCCESS);
    }
    let named = arguments.first.iter().chain(&arguments.second).chain(&arguments.a).chain(&arguments.b);
    if named.filter(|name| *name == "-").count() > 1 {
        anyhow::bail!("-: standard input can be read once: save one of the logs in a file and name that");
    }
    let baseline = arguments.baseline.as_deref().map(Baseline::read).transpose()?;
    let options = arguments.reading.options()?.with_events();
    let (a, fine_a) = side(arguments.first.as_ref(), &arguments.a, &options);
    let (b, fine_b) = side(arguments.second.as_ref(), &arguments.b, &options);
    if a.runs.is_empty() || b.runs.is_empty() {
        return Ok(ExitCode::from(2));
    }
    let mut difference = compare(&a, &b);
    if let Some(baseline) = baseline {
        baseline.apply(&mut difference, &arguments.today.clone().unwrap_or_else(today));
    }
    let palette = super::output::palette(arguments.colour);
    let look = Look { palette, width: super::output::width(), ..Look::default() };
    if arguments.format == Form::Html {
        out.write_all(render::page::diff_page(&difference, &a, &b).as_bytes())?;
    } else {
        write(&difference, arguments.format, &look, &mut out)?;
    }
    if arguments.explain && arguments.format == Form::Text {
        write!(out, "\nSet aside by these rules:\n{}", rules())?;
    }
    out.close()?;
    Ok(ExitCode::from(if fine_a && fine_b { u8::from(difference.differs) } else { 2 }))
}

/// Reads one side; says whether all of it could be read, to the end.
pub(super) fn side(one: Option<&OsString>, several: &[OsString], options: &Options) -> (Group, bool) {
    let names: Vec<OsString> = one.into_iter().chain(several).cloned().collect();
    let (sources, mut fine) = sources_of(&names, options.threads);
    let name = names.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let mut runs = Vec::new();
    let mut options = options.clone();
    let progress = Progress::of(&sources, &mut options);
    let logs = wholes(&sources, &options, run_of);
    drop(progress);
    let silent = silence(&logs);
    for trouble in &silent {
        fine &= !tell(Some(trouble));
    }
    for log in logs {
        fine &= log.trouble.is_none();
        tell(log.trouble.as_ref());
        // Texts that say nothing of a kernel are no runs: nothing differs from them, and nothing is the same.
        match log.silence {
            None => runs.extend(log.found),
            Some(words) if silent.is_empty() => say(&format!("{}: {words}; it is not counted as a run", log.name)),
            Some(_) => {}
        }
    }
    (Group { name, runs }, fine)
}

/// One log reduced, with the lines of its file.
pub(super) fn run_of(found: Found<'_>) -> Run {
    let mut run = reduce(found.name, found.text.log(), &found.reports, &found.events);
    for crash in &mut run.crashes {
        crash.line = found.text.line(crash.line);
    }
    for seen in run.traits.values_mut() {
        seen.line = found.text.line(seen.line);
    }
    run
}

/// Writes a comparison in the form that was asked for.
fn write(difference: &Difference, form: Form, look: &Look, out: &mut dyn Write) -> anyhow::Result<()> {
    match form {
        // It needs the runs, too.
        Form::Html => {}
        Form::Text => out.write_all(render::diff_text(difference, look).as_bytes())?,
        Form::Markdown => out.write_all(render::diff_markdown(difference).as_bytes())?,
        Form::Junit => out.write_all(render::diff_junit(difference).as_bytes())?,
        Form::Sarif => {
            let places = difference.findings.iter().filter_map(|finding| finding.place.as_ref());
            let containers = Containers::of(places.map(|place| place.log.as_str()));
            out.write_all(&render::json_pretty(&render::diff_sarif(difference, &containers))?)?;
        }
        Form::Json => out.write_all(&render::json_line(&[difference])?)?,
        Form::Jsonl => out.write_all(&render::json_line(difference)?)?,
    }
    Ok(())
}
