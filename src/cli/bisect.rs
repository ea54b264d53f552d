//! `kanalyze bisect`: what did this bisection find, and should I believe it?

use super::findings::reports;
use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, Reader, ShownOutput};
use super::page::Sought;
use super::pager::Page;
use super::tree::{TreeArguments, told};
use crate::bisect::record::Verdict;
use crate::bisect::{Bisection, Sign, judged};
use crate::engine::{Options, in_order};
use crate::input::Source;
use crate::intake::{Log, Trouble, each_log, nature};
use crate::render;
use crate::source::{Hints, PageOptions, SourceError, Tree, blame_page, commit_page};
use anyhow::Context as _;
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say what a bisection found, and how much to trust it
///
/// Reads syzbot's transcripts of any year (cause and fix), `git bisect log` files, what `git bisect visualize` shows, 0-day's
/// annotated logs, and any of them quoted in a mail. The first line is the answer; what speaks for it and against it
/// follows, then the walk step by step. The confidence is the probability that the named commit is right, by a model
/// that was fitted on bisections whose truth is known; every reason shown is one term of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze bisect bisect.txt  one log: the answer, the reasons, the walk
  # several logs: a table, the most certain first
  kanalyze bisect walks/*.txt --sort confidence
  # also: is it fixed, whom to tell
  kanalyze bisect --tree ~/linux bisect.txt
  # verdicts that contradict their runs
  kanalyze bisect --check-steps bisect.txt
  # a picture of the walk
  kanalyze bisect --svg walk.svg bisect.txt
  # the walk and the reasons to look at
  kanalyze bisect --format html bisect.txt > b.html
  # one record per log, for scripts
  kanalyze bisect --format jsonl walks/*.txt

In the walk, `git` is what git was told (in brackets: what the runs say of a
test that git was not told about), `crashed` counts runs, titles are letters
that the legend explains, * marks a step where all titles changed.

A text with several bisections gives all of them, in their order.

Exit status: 0, or 2 if a log could not be read or holds no bisection.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    #[command(flatten)]
    output: ShownOutput,

    #[command(flatten)]
    reader: Reader,

    /// Order of the table of several logs.
    #[arg(long, value_enum, value_name = "BY")]
    sort: Option<Sort>,

    /// Replay the steps through the rules of their time and list those whose verdict contradicts their runs.
    #[arg(long)]
    check_steps: bool,

    /// Draw the walk of one log into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    tree: TreeArguments,

    /// Print the model's signs, one object a log; this is what benches/fit_bisect.py reads.
    #[arg(long, hide = true)]
    features: bool,
}

/// What several logs are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Most certain first, those without a commit last.
    Confidence,
    /// Least certain first.
    Doubt,
    /// By outcome, then by name.
    Outcome,
    /// By name.
    Log,
}

/// The schema name of [`Contradiction`].
pub(super) const STEP_SCHEMA: &str = "kanalyze.bisect-check/1";

/// A step whose verdict contradicts its runs, of `--check-steps`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Contradiction<'a> {
    /// [`STEP_SCHEMA`].
    pub schema: &'static str,
    /// The log, as it was named.
    pub log: &'a str,
    /// Which step of the walk, from 0.
    pub step: usize,
    /// The line at which it begins, from 1.
    pub line: u64,
    /// The commit that was tested.
    pub commit: &'a str,
    /// What git was told.
    pub told: Option<Verdict>,
    /// What the rules of that time say of the runs.
    pub rules: Option<Verdict>,
    /// The same in words.
    pub words: &'a str,
}

/// How many logs are read before their results are written.
const BATCH: usize = 128;

/// Runs the command.
///
/// # Errors
/// No input, a grammar that is not valid, several logs for one picture, an output that cannot be written.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(output) = arguments.output.plain(arguments.reader) else {
        return super::page::of_logs(&arguments.logs, &arguments.tree, Sought::Bisection);
    };
    let (sources, named) = arguments.logs.sources()?;
    if arguments.svg.is_some() && sources.len() != 1 {
        anyhow::bail!("--svg draws one log, but {} are named; name one", sources.len());
    }
    let options = arguments.logs.reading.options()?;
    let mut writer = Writer {
        out: Page::open(arguments.reader, output.format == Format::Text && !arguments.features),
        format: output.format,
        array: JsonArray::new(),
    };
    let gathers = arguments.sort.is_some() || arguments.svg.is_some() || writer.format == Format::Text;
    let (mut kept, mut failed, mut count) = (Vec::new(), !named, 0);
    for batch in sources.chunks(BATCH) {
        let results = in_order(options.threads, batch, |source| read(source, &options));
        for (found, trouble) in results.into_iter().flatten() {
            count += 1;
            failed |= tell(trouble.as_ref());
            for (found, signs) in found {
                match found {
                    found if arguments.features => writer.signs(&found, &signs)?,
                    found if gathers => kept.push(found),
                    found => writer.records(&found, arguments.check_steps)?,
                }
            }
        }
    }
    sort(&mut kept, arguments.sort);
    if let (Some(path), Some(found)) = (&arguments.svg, kept.last()) {
        if let [_, _, ..] = &kept[..] {
            let message = format!("{}: {} bisections are in it; the last one is drawn", found.log, found.sessions);
            tell(Some(&Trouble { message, fatal: false }));
        }
        crate::files::replace(path, render::svg::walk_svg(found, render::svg::Setting::Alone).as_bytes())
            .with_context(|| format!("{}: the picture cannot be written", path.display()))?;
    }
    let look = output.look(arguments.reader);
    let tree = if writer.format == Format::Text { arguments.tree.open()? } else { None };
    match (arguments.features, writer.format) {
        (true, _) => {}
        (false, Format::Text) if arguments.check_steps => render::bisect_table::write_checks(&kept, &mut writer.out)?,
        (false, Format::Text) => match &kept[..] {
            [] => {}
            sessions if count == 1 || look.is_brief() => {
                render::bisect::write_all(sessions, &look, &mut writer.out)?;
                if let Some(tree) = tree.filter(|_| !look.is_brief() && !arguments.reader.quiet) {
                    for found in sessions {
                        let told = told_by(&tree, &arguments.tree, found, &look);
                        writer.out.write_all(told?.as_bytes())?;
                    }
                }
            }
            several => render::bisect_table::write_table(several, &look, &mut writer.out)?,
        },
        (false, _) => kept.iter().try_for_each(|found| writer.records(found, arguments.check_steps))?,
    }
    if writer.format == Format::Json && !arguments.features {
        writer.array.end(&mut writer.out)?;
    }
    writer.out.close()?;
    Ok(if failed { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// What a kernel tree says about a bisection: the commits that it names, whether they are fixed, whom to tell; the line that
/// crashed, and which commits between the last good and the first bad kernel touched its function.
fn told_by(tree: &Tree, arguments: &TreeArguments, found: &Bisection, look: &render::Look) -> anyhow::Result<String> {
    let mut out = String::new();
    if let [commit] = &found.commits[..] {
        out.push('\n');
        match commit_page(tree, &found.log, commit, found.crash_title.as_deref()) {
            Ok((commit, page)) => out.push_str(&render::commit_text(&commit, &page, look)),
            Err(SourceError::NoCommit { .. }) => {
                out.push_str(&format!("{} is not in the tree {}\n", render::safe(commit), tree.state().path));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(crash) = &found.crash {
        let last = |verdict: Verdict| {
            found.steps.iter().rfind(|step| step.verdict == Some(verdict)).map(|step| step.commit.clone())
        };
        let known = |name: &String| tree.commit(name).is_ok();
        let range = last(Verdict::Good).zip(last(Verdict::Bad)).filter(|(good, bad)| known(good) && known(bad));
        let hints = Hints { range, ..arguments.hints(&found.log, None) };
        let page = blame_page(tree, crash, &PageOptions { hints, ..PageOptions::default() })?;
        out.push('\n');
        out.push_str(&render::source_text(&page, look));
    }
    told();
    Ok(out)
}

/// What one log gave, and what went wrong.
pub(super) type Judged = (Vec<(Bisection, Vec<Sign>)>, Option<Trouble>);

/// Reads the bisections of one source.
fn read(source: &Source, options: &Options) -> Vec<Judged> {
    let mut all = Vec::new();
    each_log(source, &mut |log| {
        all.push(judge(log, options));
        ControlFlow::Continue(())
    });
    all
}

/// The bisections of one log.
pub(super) fn judge(log: Log, options: &Options) -> Judged {
    let Log { name, content } = log;
    let fatal = |message: String| (Vec::new(), Some(Trouble { message, fatal: true }));
    let (text, damage) = match content.and_then(|content| content.gathered(&name)) {
        Ok(whole) => whole,
        Err(fault) => return fatal(fault.to_string()),
    };
    // Transcripts are mailed in ways of their own, which their reader undoes itself.
    let found = judged(&name, &text.transcript(), &|crash| reports(&name, crash, options));
    if let Some(damage) = damage.as_ref().filter(|_| found.is_empty()) {
        return fatal(format!("{name}: {damage}; there is no bisection in what was read"));
    }
    if found.is_empty() {
        let nature = nature(text.log());
        if let Some((who, words)) = crate::thread::Mailbox::read(&name, text.plain(), 1).culprits().first() {
            return fatal(format!("{name}: no bisection in this text; {who} {words}, which no step here verifies"));
        }
        let words = match nature.kin {
            Some(kin) => kin.replace("not a log", "not a bisection"),
            None if nature.kernel => {
                "no bisection in this text, but the kernel's log: give it to `kanalyze parse`".to_owned()
            }
            None => {
                "no bisection in this text: give what syzbot links as \"bisection log\", or `git bisect log`".to_owned()
            }
        };
        return fatal(format!("{name}: {words}"));
    }
    (found, damage.map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false }))
}

fn sort(found: &mut [Bisection], by: Option<Sort>) {
    let confidence = |found: &Bisection, without: f64| found.confidence.unwrap_or(without);
    match by {
        None => {}
        Some(Sort::Confidence) => found.sort_by(|one, other| confidence(other, -1.0).total_cmp(&confidence(one, -1.0))),
        Some(Sort::Doubt) => found.sort_by(|one, other| confidence(one, 2.0).total_cmp(&confidence(other, 2.0))),
        Some(Sort::Outcome) => {
            found.sort_by(|one, other| one.outcome.cmp(&other.outcome).then_with(|| one.log.cmp(&other.log)))
        }
        Some(Sort::Log) => found.sort_by(|one, other| one.log.cmp(&other.log)),
    }
}

/// Where records go.
struct Writer<W: Write> {
    out: W,
    format: Format,
    array: JsonArray,
}

impl<W: Write> Writer<W> {
    fn record(&mut self, record: &impl serde::Serialize) -> anyhow::Result<()> {
        let line = render::json_line(record)?;
        if self.format == Format::Json {
            self.array.write(&mut self.out, &line)?
        } else {
            self.out.write_all(&line)?
        }
        Ok(())
    }

    /// The record of a log, or those of its contradictory steps.
    fn records(&mut self, found: &Bisection, check_steps: bool) -> anyhow::Result<()> {
        if !check_steps {
            return self.record(found);
        }
        for (at, step) in found.steps.iter().enumerate().filter(|(_, step)| step.contradiction.is_some()) {
            self.record(&Contradiction {
                schema: STEP_SCHEMA,
                log: &found.log,
                step: at,
                line: step.line,
                commit: &step.commit,
                told: step.verdict,
                rules: step.rules_verdict,
                words: step.contradiction.as_deref().unwrap_or_default(),
            })?;
        }
        Ok(())
    }

    fn signs(&mut self, found: &Bisection, signs: &[Sign]) -> anyhow::Result<()> {
        let values: serde_json::Map<String, serde_json::Value> =
            signs.iter().map(|sign| (sign.id.to_owned(), sign.value.into())).collect();
        let drift = found.title_drift.as_ref().map_or("kept", |drift| if drift.near { "near" } else { "far" });
        self.record(&serde_json::json!({"log": found.log, "signs": values, "title_drift": drift}))
    }
}
