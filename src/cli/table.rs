//! `kanalyze table`: a thousand logs as one table, or as groups of one cause.

use super::logs::{Logs, tell};
use super::output::{Format, JsonArray, Output};
use super::records::write_records;
use crate::diff::cluster::{Cluster, clusters, sample};
use crate::engine::Options;
use crate::input::Source;
use crate::intake::wholes;
use crate::render;
use crate::table::COLUMNS;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Turn logs into a table of events, or into clusters of one cause
///
/// With -o, every report and event becomes a row of a Parquet, Arrow or CSV file. With --cluster, reports of one cause
/// are grouped: by title family, likeness of the blamed stack and lock classes; the same logs give the same groups in
/// whatever order they are named, each with the report that is most like the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze table logs/ --cluster                    which reports are one bug
  kanalyze table logs/ --cluster --format jsonl     one record per cluster
  kanalyze table logs/ -o events.parquet            one row per report or event
  kanalyze table logs/ -o events --partition-by kind
  kanalyze table --columns                          what the columns are

Exit status: 0, or 2 if a log could not be read.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    /// Group reports by cause.
    #[arg(long, required_unless_present_any = ["output_file", "columns"], conflicts_with = "output_file")]
    cluster: bool,

    /// Print the columns of a table, their types and meanings (the schema kanalyze.events/1).
    #[arg(long, conflicts_with_all = ["output_file", "cluster"])]
    columns: bool,

    /// Write a table: NAME.parquet, NAME.arrow, NAME.csv (replaced as a whole), or a folder with --partition-by.
    #[arg(short = 'o', long = "output", id = "output_file", value_name = "FILE")]
    output_file: Option<PathBuf>,

    /// Add Parquet files to the folder given with -o, in folders COLUMN=value; may be given several times.
    #[arg(long, value_name = "COLUMN", requires = "output_file")]
    partition_by: Vec<String>,

    #[command(flatten)]
    output: Output,
}

/// Runs `kanalyze table`.
///
/// # Errors
/// No log, a grammar that is not valid, a build without tables.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.columns {
        return print_columns(&arguments.output);
    }
    let options = arguments.logs.reading.options()?.with_events();
    let (all, named) = arguments.logs.sources()?;
    if let Some(path) = &arguments.output_file {
        return write_table(path, &arguments, &options, &all, named);
    }
    let results = wholes(&all, &options, |found| {
        let (reports, _) = found.settled();
        reports.iter().filter(|report| report.cause.is_none() && !report.suppressed).map(sample).collect::<Vec<_>>()
    });
    let (mut samples, mut fatal) = (Vec::new(), !named);
    for log in results {
        fatal |= tell(log.trouble.as_ref());
        samples.extend(log.found.unwrap_or_default());
    }
    write_clusters(&clusters(samples), &arguments.output)?;
    Ok(if fatal { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn write_clusters(found: &[Cluster], output: &Output) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut array = JsonArray::new();
    for cluster in found {
        if output.format == Format::Text {
            out.write_all(render::cluster_text(cluster, &output.palette()).as_bytes())?;
            continue;
        }
        let line = render::json_line(cluster)?;
        if output.format == Format::Json { array.write(&mut out, &line)? } else { out.write_all(&line)? }
    }
    if output.format == Format::Json {
        array.end(&mut out)?;
    }
    out.flush()?;
    Ok(())
}

fn print_columns(output: &Output) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if output.format == Format::Text {
        let name = output.palette().blame;
        for column in COLUMNS {
            writeln!(out, "{name}{:14}{name:#}  {}\n{:16}{}", column.name, column.meaning, "", column.r#type)?;
        }
    } else {
        write_records(&mut out, output.format, &COLUMNS)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What a build without the feature says.
#[cfg(not(feature = "tables"))]
pub(super) const NO_TABLES: &str =
    "this build has no tables; get them with `cargo install --path . --features tables` in kanalyze's sources";

#[cfg(not(feature = "tables"))]
fn write_table(_: &Path, _: &Arguments, _: &Options, _: &[Source], _: bool) -> anyhow::Result<ExitCode> {
    anyhow::bail!(NO_TABLES)
}

#[cfg(feature = "tables")]
fn write_table(
    path: &Path,
    arguments: &Arguments,
    options: &Options,
    all: &[Source],
    named: bool,
) -> anyhow::Result<ExitCode> {
    use crate::table::TableWriter;
    let writer = if arguments.partition_by.is_empty() {
        TableWriter::create(path)?
    } else {
        TableWriter::append(path, &arguments.partition_by)?
    };
    let (rows, fine) = fill(writer, options, all)?;
    super::stderr::say(&format!("{}: {rows} rows of {} logs", path.display(), all.len()));
    Ok(if fine && named { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Logs that are read before their rows are written: enough to keep every thread busy, few enough to fit into memory.
#[cfg(feature = "tables")]
const TURN: usize = 64;
/// A turn ends early when its logs hold so many bytes: what waits in memory is bounded by as many of the largest logs as there are
/// threads, however many logs there are.
#[cfg(feature = "tables")]
const TURN_BYTES: u64 = 4 << 20;

/// Rows are handed to the writer in portions of so many, and so many portions may wait: the rows of small logs are written
/// while the next are read, and those of a large one do not pile up.
#[cfg(feature = "tables")]
const PORTION: usize = 256;
#[cfg(feature = "tables")]
const WAITING: usize = 32;

/// Reads the logs, turn by turn, while another thread writes their rows. Says how many, and whether every log could be read.
#[cfg(feature = "tables")]
pub(super) fn fill(
    mut writer: crate::table::TableWriter,
    options: &Options,
    all: &[Source],
) -> anyhow::Result<(u64, bool)> {
    use crate::engine::thread_count;
    use crate::table::Row;
    let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Row>>(WAITING);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            receive.into_iter().flatten().try_for_each(|row| writer.push(row))?;
            writer.finish()
        });
        let mut fine = true;
        let progress = counter(all.len() as u64, "logs");
        let mut rest = all;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(turn(rest, thread_count(options.threads)));
            let mut rows = rows(now, options, &mut fine).into_iter();
            // The writer may have given up: it will say why.
            let sent = std::iter::from_fn(|| Some(rows.by_ref().take(PORTION).collect::<Vec<Row>>()))
                .take_while(|portion| !portion.is_empty())
                .all(|portion| send.send(portion).is_ok());
            if !sent {
                break;
            }
            rest = later;
            progress.inc(now.len() as u64);
        }
        drop(send);
        let written = writing.join().map_err(|_| anyhow::anyhow!("the table's writer failed; please report this"))?;
        progress.finish_and_clear();
        Ok((written?, fine))
    })
}

/// The rows of some logs, in order; what could not be read is reported.
#[cfg(feature = "tables")]
fn rows(logs: &[Source], options: &Options, fine: &mut bool) -> Vec<crate::table::Row> {
    use crate::table::{LogRow, Row};
    let mut rows = Vec::new();
    let results = wholes(logs, options, |found| (found.text.plain().len() as u64, found.settled()));
    for log in results {
        *fine &= !tell(log.trouble.as_ref());
        // A log that could not be read is a row too: whoever counts logs by the table must not miss one.
        let damage = log.trouble.map(|trouble| trouble.message);
        let (bytes, found) = log.found.map_or((0, None), |(bytes, found)| (bytes, Some(found)));
        rows.push(Row::Log(Box::new(LogRow { log: log.name, bytes, damage })));
        if let Some((reports, events)) = found {
            rows.extend(reports.into_iter().map(|report| Row::Report(Box::new(report))));
            rows.extend(events.into_iter().map(|event| Row::Event(Box::new(event))));
        }
    }
    rows
}

#[cfg(feature = "tables")]
fn counter(total: u64, what: &str) -> indicatif::ProgressBar {
    let style = super::bundle::style(&format!("{{bar:30}} {{pos}} of {{len}} {what}  {{eta}}"));
    indicatif::ProgressBar::new(total).with_style(style)
}

/// How many of the next logs make a turn; at least one per thread.
#[cfg(feature = "tables")]
fn turn(logs: &[Source], threads: usize) -> usize {
    let mut bytes = 0;
    let fits = |source: &&Source| {
        if let Source::Path(path) = source {
            bytes += std::fs::metadata(path).map_or(0, |meta| meta.len());
        }
        bytes <= TURN_BYTES
    };
    logs.iter().take(TURN).take_while(fits).count().max(threads).min(logs.len())
}
