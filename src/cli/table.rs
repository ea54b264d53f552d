//! `kanalyze table` and `kanalyze query`: what do a thousand runs say together?

use super::output::{Format, JsonArray, Output};
use super::sides::{Read, read, sources};
use crate::diff::cluster::{Cluster, clusters, sample};
use crate::engine::{Options, in_order};
use crate::grammar::Grammar;
use crate::input::Source;
use crate::render;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Turn logs into a table of events, or into clusters of one cause
///
/// With -o, every report and event becomes a row of a Parquet, Arrow or CSV file. With --cluster, reports of one cause
/// are grouped: by title family, likeness of the blamed stack and lock classes; the same logs give the same groups in
/// whatever order they are named, each with the report that is most like the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze table logs/ --cluster                    which reports are one bug
  kanalyze table logs/ --cluster --format jsonl     one record a cluster
  kanalyze table logs/ -o events.parquet            one row a report or event
  kanalyze table logs/ -o events --partition-by kind

Exit status: 0, or 2 if a log could not be read.")]
pub struct Arguments {
    /// Logs, run folders, folders of logs or globs.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<OsString>,

    /// Group reports by cause.
    #[arg(long, required_unless_present = "output_file", conflicts_with = "output_file")]
    cluster: bool,

    /// Write a table: NAME.parquet, NAME.arrow, NAME.csv, or a folder with --partition-by.
    #[arg(short = 'o', long = "output", id = "output_file", value_name = "FILE")]
    output_file: Option<PathBuf>,

    /// Write into folders `COLUMN=value/`, one file each; a table that is there already is added to.
    #[arg(long, value_name = "COLUMN", requires = "output_file")]
    partition_by: Vec<String>,

    #[command(flatten)]
    output: Output,

    /// A grammar file of your own, besides the built-in ones; may be given several times.
    #[arg(long, value_name = "FILE")]
    grammar: Vec<PathBuf>,

    /// Threads; 0 takes as many as the machine has.
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// Ask SQL of tables, or of logs directly
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze query 'SELECT title, count(*) AS n FROM events GROUP BY title ORDER BY n DESC' events.parquet
  kanalyze query top events.parquet
  kanalyze query top logs/

Views: top (titles by number of logs), flaky (titles that some logs have), locks (classes that were listed as held),
timeline (what came when).")]
pub struct Query {
    /// An SQL sentence over the table `events`, or the name of a view: top, flaky, locks, timeline.
    #[arg(value_name = "SQL|VIEW")]
    sql: String,

    /// Tables (Parquet, Arrow) or folders of them, or logs.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,

    #[command(flatten)]
    output: Output,

    /// Threads; 0 takes as many as the machine has.
    #[arg(short = 'j', long = "threads", value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// Runs `kanalyze table`.
///
/// # Errors
/// No log, a grammar that is no good, a build without tables.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let options = Options { grammar: Grammar::with_files(&arguments.grammar)?, ..Options::named("") };
    let mut all: Vec<Source> = Vec::new();
    for name in &arguments.logs {
        all.extend(sources(name)?);
    }
    if !arguments.cluster {
        return write_table(&arguments, &options, &all);
    }
    let results = in_order(arguments.threads, &all, |source| {
        read(source, &options, |_, reports, _| {
            reports.iter().filter(|report| report.cause.is_none() && !report.suppressed).map(sample).collect::<Vec<_>>()
        })
    });
    let (mut samples, mut fatal) = (Vec::new(), false);
    for result in results {
        let words = match result {
            Read::Done(found, damage) => {
                samples.extend(found);
                damage
            }
            Read::Failed(words) => {
                fatal = true;
                Some(words)
            }
        };
        if let Some(words) = words {
            let _ = writeln!(std::io::stderr(), "kanalyze: {}", render::safe(&words));
        }
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
        let mut line = serde_json::to_vec(cluster)?;
        line.push(b'\n');
        if output.format == Format::Json { array.write(&mut out, &line)? } else { out.write_all(&line)? }
    }
    if output.format == Format::Json {
        array.end(&mut out)?;
    }
    out.flush()?;
    Ok(())
}

/// What a build without the feature says.
#[cfg(not(feature = "tables"))]
const NO_TABLES: &str =
    "this build has no tables; get them with `cargo install kanalyze --features tables` (or build with that feature)";

#[cfg(not(feature = "tables"))]
fn write_table(_: &Arguments, _: &Options, _: &[Source]) -> anyhow::Result<ExitCode> {
    anyhow::bail!(NO_TABLES)
}

/// Runs `kanalyze query`.
///
/// # Errors
/// This build has no tables.
#[cfg(not(feature = "tables"))]
pub fn query(_: Query) -> anyhow::Result<ExitCode> {
    anyhow::bail!(NO_TABLES)
}
