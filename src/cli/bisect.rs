//! `kanalyze bisect`: what did this bisection find, and should I believe it?

use crate::bisect::record::Bisection;
use crate::bisect::{Sign, judged};
use crate::engine::read_reports;
use crate::input::{Source, open};
use crate::render;
use anyhow::Context as _;
use clap::ValueEnum;
use std::ffi::OsString;
use std::io::{BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

/// Tell what a bisection found, and how far to believe it
///
/// Reads syzbot's transcripts of any year (cause and fix), `git bisect log` files, what `git bisect visualize` shows, 0-day's
/// annotated logs, and any of them quoted in a mail. The first line is the answer; what speaks for it and against it
/// follows, then the walk step by step. The confidence is the probability that the named commit is right, by a model
/// that was fitted on bisections whose truth is known; every reason shown is one term of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze bisect bisect.txt                      one log: the answer, the reasons, the walk
  kanalyze bisect logs/*.txt --sort confidence    several logs: a table, the most certain first
  kanalyze bisect --check-steps bisect.txt        verdicts that contradict their runs
  kanalyze bisect --svg walk.svg bisect.txt       a picture of the walk
  kanalyze bisect --format jsonl logs/*.txt       one record a log, for scripts

In the walk, `git` is what git was told (in brackets: what the runs say of a test that git was not told about),
`crashed` counts runs, titles are letters that the legend explains, a star marks where they change altogether.

Exit status: 0, or 2 if a log could not be read.")]
pub struct Arguments {
    /// Logs to read (gz, xz, zst, bz2 and lz4 are unpacked) or `-` for standard input. Without any, a pipe on standard
    /// input is read.
    #[arg(value_name = "LOG")]
    logs: Vec<OsString>,

    /// Form of the output: text for people, json or jsonl (one record a line) for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: Colour,

    /// Order of the table of several logs.
    #[arg(long, value_enum, value_name = "BY")]
    sort: Option<Sort>,

    /// Replay the steps through the rules of their time and list those whose verdict contradicts their runs.
    #[arg(long)]
    check_steps: bool,

    /// Draw the walk of one log into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Print the model's signs, one object a log; this is what benches/fit_bisect.py reads.
    #[arg(long, hide = true)]
    features: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
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

/// Runs the command.
///
/// # Errors
/// No input, several logs for one picture, or an output that cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let sources = sources(&arguments)?;
    if arguments.svg.is_some() && sources.len() != 1 {
        anyhow::bail!("--svg draws one log, but {} are named; name one", sources.len());
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut kept, mut failed, mut first) = (Vec::new(), false, true);
    let gathered = arguments.sort.is_some() || arguments.check_steps || arguments.format == Format::Text;
    for source in &sources {
        let Some(bytes) = read(source) else {
            failed = true;
            continue;
        };
        let name = source.to_string();
        let (found, signs) = judged(&name, &bytes, &|crash| read_reports(&name, crash));
        if arguments.features {
            write_signs(&mut out, &found, &signs)?;
        } else if gathered {
            kept.push(found);
        } else {
            write_record(&mut out, arguments.format, &mut first, &found)?;
        }
    }
    if arguments.features {
        return Ok(ExitCode::SUCCESS);
    }
    sort(&mut kept, arguments.sort);
    if let (Some(path), [found]) = (&arguments.svg, &kept[..]) {
        std::fs::write(path, render::bisect_svg::draw(found)).with_context(|| format!("{}: the picture cannot be written", path.display()))?;
    }
    if arguments.format == Format::Text {
        write_text(&arguments, &kept, sources.len(), &mut out)?;
    } else {
        for found in &kept {
            if arguments.check_steps {
                for check in checks(found) {
                    write_record(&mut out, arguments.format, &mut first, &check)?;
                }
            } else {
                write_record(&mut out, arguments.format, &mut first, found)?;
            }
        }
        if arguments.format == Format::Json {
            out.write_all(if first { b"[]\n" } else { b"\n]\n" })?;
        }
    }
    out.flush()?;
    Ok(if failed { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn sources(arguments: &Arguments) -> anyhow::Result<Vec<Source>> {
    if !arguments.logs.is_empty() {
        return Ok(arguments.logs.iter().map(|log| Source::new(log)).collect());
    }
    if std::io::stdin().is_terminal() {
        anyhow::bail!("no log is named; give a file, or pipe one in, as in `git bisect log | kanalyze bisect`");
    }
    Ok(vec![Source::Stdin])
}

/// All bytes of a source; says on stderr what went wrong, and is nothing when nothing could be read.
fn read(source: &Source) -> Option<Vec<u8>> {
    let tell = |text: &str| {
        let _ = writeln!(std::io::stderr(), "kanalyze: {}", render::safe(text));
    };
    let input = open(source).map_err(|error| tell(&error.to_string())).ok()?;
    let mut bytes = Vec::new();
    let damage = input.feed(|chunk| {
        bytes.extend_from_slice(chunk);
        ControlFlow::Continue(())
    });
    if let Some(damage) = damage {
        tell(&format!("{source}: {damage}"));
    }
    Some(bytes)
}

fn sort(found: &mut [Bisection], by: Option<Sort>) {
    let confidence = |found: &Bisection, without: f64| found.confidence.unwrap_or(without);
    match by {
        None => {}
        Some(Sort::Confidence) => found.sort_by(|one, other| confidence(other, -1.0).total_cmp(&confidence(one, -1.0))),
        Some(Sort::Doubt) => found.sort_by(|one, other| confidence(one, 2.0).total_cmp(&confidence(other, 2.0))),
        Some(Sort::Outcome) => found.sort_by(|one, other| one.outcome.cmp(&other.outcome).then_with(|| one.log.cmp(&other.log))),
        Some(Sort::Log) => found.sort_by(|one, other| one.log.cmp(&other.log)),
    }
}

fn write_text(arguments: &Arguments, found: &[Bisection], named: usize, out: &mut dyn Write) -> std::io::Result<()> {
    let colour = match arguments.colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    if arguments.check_steps {
        return render::bisect::write_checks(found, out);
    }
    match found {
        [one] if named == 1 => render::bisect::write(one, colour, out),
        several => render::bisect::write_table(several, colour, out),
    }
}

fn write_record(out: &mut dyn Write, format: Format, first: &mut bool, record: &impl serde::Serialize) -> anyhow::Result<()> {
    if format == Format::Json {
        out.write_all(if *first { b"[\n" } else { b",\n" })?;
    }
    *first = false;
    serde_json::to_writer(&mut *out, record)?;
    if format == Format::Jsonl {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// One record for each step whose verdict contradicts its runs.
fn checks(found: &Bisection) -> Vec<serde_json::Value> {
    let wrong = found.steps.iter().enumerate().filter(|(_, step)| step.contradiction.is_some());
    wrong
        .map(|(at, step)| {
            serde_json::json!({
                "schema": "kanalyze.bisect-check/1", "log": found.log, "step": at, "line": step.line, "commit": step.commit,
                "told": step.verdict, "rules": step.rules_verdict, "words": step.contradiction,
            })
        })
        .collect()
}

fn write_signs(out: &mut dyn Write, found: &Bisection, signs: &[Sign]) -> anyhow::Result<()> {
    let values: serde_json::Map<String, serde_json::Value> = signs.iter().map(|sign| (sign.id.to_owned(), sign.value.into())).collect();
    serde_json::to_writer(&mut *out, &serde_json::json!({"log": found.log, "signs": values}))?;
    out.write_all(b"\n")?;
    Ok(())
}
