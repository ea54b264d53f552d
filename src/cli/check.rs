//! `kanalyze check`: a gate for CI: does any log hold a crash that is not known?

use super::logs::{Logs, tell};
use super::manners::why;
use super::output::Reader;
use super::pager::Page;
use super::progress::Progress;
use crate::calendar::today;
use crate::diff::Area;
use crate::diff::baseline::{Baseline, Excuse};
use crate::files::Draft;
use crate::intake::{Containers, silence, wholes};
use crate::render::{self, Checked, CheckedLog};
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Fail if a log holds a crash that the baseline does not know
///
/// Meant as the last step of a CI job, an xfstests or blktests run: name the folder with the results, and the logs in it
/// (*.log, *.dmesg, *.txt, packed or not, serial logs of run folders) are read. Consequences of a crash and reports that
/// syzbot would suppress do not count.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze check results/  no baseline: every crash fails
  # known issues pass
  kanalyze check results/ --baseline known.toml
  kanalyze check results/ --baseline known.toml --format junit > junit.xml
  # annotations, in a step of a workflow
  kanalyze check results/ --format github
  # what is there now is known from then on
  kanalyze check old-results/ --write-baseline new.toml

`kanalyze diff --help` shows the form of a baseline.

Exit status: 0 nothing new, 1 a crash that is not known, 2 error (a log that
is empty, is not a log or cannot be read never passes). A text without a line
of the kernel's beside logs is not judged, and the answer says so. Of logs that
pass and have hardly a line in all, the text asks whether they are whole.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    /// Known issues, with expiry.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write what is found as known issues into a new file, and pass.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,

    /// The day with which expiry dates are compared, for repeatable results [default: today].
    #[arg(long, value_name = "YYYY-MM-DD", hide_short_help = true)]
    today: Option<String>,

    /// Form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: super::output::Colour,

    /// Print nothing but what went wrong; the exit status is the answer.
    #[arg(long, short = 'q')]
    quiet: bool,

    /// Do not use a pager ($PAGER, or `less -FRX`), which otherwise shows text on a terminal.
    #[arg(long)]
    no_pager: bool,
}

/// Form of a check's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One JSON array, one record per log.
    Json,
    /// One record per line.
    Jsonl,
    /// JUnit's XML: one case per log.
    Junit,
    /// SARIF 2.1.0: one result per crash.
    Sarif,
    /// Annotations of GitHub's workflows: one error per crash that is not known.
    Github,
    /// `file:line: title` for each crash that is not known, as editors read it.
    Quickfix,
}

/// Runs the command.
///
/// # Errors
/// No log, a grammar or baseline that is not valid.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let baseline = arguments.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let day = arguments.today.clone().unwrap_or_else(today);
    let (logs, fatal) = judged(&arguments.logs, &baseline, &day)?;
    if let Some(path) = &arguments.write_baseline {
        write_baseline(path, &logs)?;
        return Ok(ExitCode::from(if fatal { 2 } else { 0 }));
    }
    let reader = Reader { quiet: arguments.quiet, no_pager: arguments.no_pager, ..Reader::default() };
    let mut out = Page::open(reader, arguments.format == Form::Text);
    let containers = || containers_of(&logs);
    match arguments.format {
        Form::Text => out.write_all(render::check_text(&logs, &super::output::palette(arguments.colour)).as_bytes())?,
        Form::Junit => out.write_all(render::check_junit(&logs).as_bytes())?,
        Form::Github => out.write_all(render::check_github(&logs, &containers()).as_bytes())?,
        Form::Quickfix => out.write_all(render::check_quickfix(&logs, &containers()).as_bytes())?,
        Form::Sarif => out.write_all(&render::json_pretty(&render::check_sarif(&logs, &containers()))?)?,
        Form::Json => out.write_all(&render::json_line(&logs)?)?,
        Form::Jsonl => {
            for log in &logs {
                out.write_all(&render::json_line(log)?)?;
            }
        }
    }
    out.close()?;
    let crashed = logs.iter().any(|log| log.crashes.iter().any(|crash| crash.known.is_none()));
    // What could be read only in part may hold a crash where it could not be read.
    let unread = fatal || !crashed && logs.iter().any(|log| !log.passes && log.silence.is_none());
    Ok(ExitCode::from(if unread { 2 } else { u8::from(crashed) }))
}

/// Every log with its crashes, and whether something could not be read.
fn judged(wanted: &Logs, baseline: &Baseline, day: &str) -> anyhow::Result<(Vec<CheckedLog>, bool)> {
    let mut options = wanted.reading.options()?;
    let (sources, named) = wanted.sources()?;
    let progress = Progress::of(&sources, &mut options);
    let results = wholes(&sources, &options, |found| {
        let text = found.text.log();
        let whole = memchr::memchr_iter(b'\n', text).count() as u64;
        let lines = whole + u64::from(!text.is_empty() && !text.ends_with(b"\n"));
        let (reports, _) = found.settled();
        let counts = reports.iter().filter(|report| report.cause.is_none() && !report.suppressed);
        let crashes: Vec<Checked> = counts
            .map(|report| {
                let names = std::iter::once(report.title.as_str()).chain(report.alt_titles.iter().map(String::as_str));
                let (known, expired) = match baseline.excuse(Area::Crash, names, day) {
                    Some(Excuse::Known(reason)) => (Some(reason), None),
                    Some(Excuse::Expired(day)) => (None, Some(day)),
                    None => (None, None),
                };
                Checked { title: report.title.clone(), line: report.line, known, expired }
            })
            .collect();
        (crashes, lines)
    });
    drop(progress);
    let (mut logs, mut fatal) = (Vec::new(), !named);
    let mut silent = silence(&results).into_iter();
    for log in results {
        let trouble = log.trouble.or_else(|| silent.next());
        fatal |= tell(trouble.as_ref());
        let trouble = trouble.map(|trouble| trouble.message);
        let (crashes, lines) = log.found.unwrap_or_default();
        why(&format!("{}: read {lines} lines", log.name));
        let silence = log.silence.filter(|_| trouble.is_none()).map(str::to_owned);
        logs.push(CheckedLog::new(log.name, crashes, trouble, lines).with_silence(silence));
    }
    Ok((logs, fatal))
}

/// The files that hold logs of which they are parts.
fn containers_of(logs: &[CheckedLog]) -> Containers {
    Containers::of(logs.iter().map(|log| log.log.as_str()))
}

/// The crashes of logs as a list for an editor or a workflow; the exit status is that of `parse`.
///
/// # Errors
/// No log, a bad grammar, stdout is closed.
pub(super) fn listed(wanted: &Logs, form: Form, reader: Reader) -> anyhow::Result<ExitCode> {
    let (logs, fatal) = judged(wanted, &Baseline::default(), &today())?;
    let mut out = Page::open(reader, false);
    let containers = containers_of(&logs);
    let text = if form == Form::Github {
        render::check_github(&logs, &containers)
    } else {
        render::check_quickfix(&logs, &containers)
    };
    out.write_all(text.as_bytes())?;
    out.close()?;
    let found = logs.iter().any(|log| !log.crashes.is_empty());
    Ok(ExitCode::from(if fatal { 2 } else { u8::from(found) }))
}

/// Writes the titles that were found as a baseline; an existing file stays.
fn write_baseline(path: &Path, logs: &[CheckedLog]) -> anyhow::Result<()> {
    let titles: std::collections::BTreeSet<&str> =
        logs.iter().flat_map(|log| &log.crashes).map(|crash| crash.title.as_str()).collect();
    let mut text = "# Known issues, for kanalyze check and kanalyze diff. Add `until = YYYY-MM-DD` and `reason = \"…\"`.\nversion = 1\n".to_owned();
    for title in titles {
        // A star in a title would match more than itself, which is harmless: it matches itself too.
        text.push_str(&format!("\n[[known]]\ntitle = {}\n", toml::Value::from(title)));
    }
    let shown = path.display();
    let fault = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{shown}: this baseline cannot be written: {cause}; name a file that does not exist")
        }
        _ => anyhow::anyhow!("{shown}: this baseline cannot be written: {cause}"),
    };
    let mut draft = Draft::beside(path).map_err(fault)?;
    draft.write_all(text.as_bytes()).map_err(fault)?;
    draft.place_anew(path).map_err(|(_, cause)| fault(cause))
}
