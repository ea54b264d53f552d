//! `kanalyze table`: a thousand logs as one table, as a stream of Arrow batches, or as groups of one cause.

mod clusters;
#[cfg(feature = "arrow")]
mod filter;
mod listed;
mod write;

#[cfg(feature = "tables")]
pub(super) use {
    listed::Listed,
    write::{Telling, fill, origin},
};

use super::logs::Logs;
use super::output::{Format, Output};
use super::records::write_records;
use crate::table::{COLUMNS, ColumnInfo};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// What comes in through standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum From {
    /// A stream of Arrow batches (IPC): the column path (or log) names a log, content holds its bytes, packed or not; without
    /// content the file of that name is read. Further columns stand behind the columns of each row.
    Arrow,
    /// Names of logs, one per line; the same as --files-from -.
    Paths,
}

/// What goes out through standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum To {
    /// A stream of Arrow batches (IPC).
    Arrow,
}

/// Turn logs into a table of events, or into clusters of one cause
///
/// With -o, every log, report and event becomes a row of a CSV, Parquet or Arrow file; with --to arrow, of a stream of Arrow
/// batches. Parquet and Arrow need a build with the cargo feature `arrow`, as the packages and the wheel are. With --cluster,
/// reports of one cause are grouped: by title family, likeness of the blamed stack and lock classes; the same logs give the
/// same groups in whatever order they are named, each with the report that is most like the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze table logs/ --cluster                 which reports are one bug
  kanalyze table logs/ --cluster --format jsonl  one record per cluster
  kanalyze table logs/ -o events.parquet         a row per log, report, event
  # the same of the reports in a table
  kanalyze table events.parquet --cluster
  # which of them are new since yesterday
  kanalyze table today/ --cluster --into bugs.parquet
  kanalyze table logs/ -o events --partition-by kind
  find /logs -name '*.log' -mtime -1 | \\
      kanalyze table --files-from - -o today.parquet
  # a filter for Spark, Ray and their like
  kanalyze table --from arrow --to arrow -j 1
  kanalyze table --columns                       what the columns are

Exit status: 0, or 2 if a log could not be read. With --to arrow a log that
cannot be read is a row with words in the column damage, and the exit status
says whether the stream is whole: 0, or 2 if it is not.")]
pub(super) struct Arguments {
    #[command(flatten)]
    logs: Logs,

    /// Read the names of the logs from a file, one per line (or NUL behind each, as `find -print0` writes them); `-` is
    /// standard input. Each name stands for the file of that name.
    #[arg(long, value_name = "FILE", conflicts_with = "logs")]
    files_from: Option<PathBuf>,

    /// What comes in through standard input, if it is not a log.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["logs", "files_from"])]
    from: Option<From>,

    /// Write the table to standard output as it comes.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["output_file", "cluster", "columns"])]
    to: Option<To>,

    /// Group reports by cause: those of logs, and those of tables (Parquet, Arrow, folders of Parquet files). A table may have one
    /// row per cause, with its count: SELECT cause_id, count(*) AS count, any_value(title) AS title, … GROUP BY cause_id.
    #[arg(long, conflicts_with = "output_file")]
    cluster: bool,

    /// Put the reports to the clusters in this file (NAME.parquet), and keep all clusters there for the next time. Clusters keep
    /// their ids; the answer says which are new (`new` in JSON). Give each log once: its reports are counted again.
    #[arg(long, value_name = "FILE", requires = "cluster")]
    into: Option<PathBuf>,

    /// Print the columns of a table, their types and meanings (the schema kanalyze.events/2).
    #[arg(long, conflicts_with_all = ["output_file", "cluster"])]
    columns: bool,

    /// Write a table: NAME.csv, NAME.parquet, NAME.arrow (replaced as a whole), or a folder with --partition-by.
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
/// No log, a grammar that cannot be used, a table or stream that cannot be read or written.
pub(super) fn run(mut arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.columns {
        return print_columns(&arguments.output);
    }
    if !arguments.cluster && arguments.output_file.is_none() && arguments.to.is_none() {
        anyhow::bail!(
            "what is wanted? -o FILE writes a table, --cluster groups reports by cause, --columns says what a table holds"
        );
    }
    if arguments.from == Some(From::Paths) {
        arguments.files_from = Some(PathBuf::from("-"));
    }
    let options = arguments.logs.reading.options()?.with_events();
    if arguments.from == Some(From::Arrow) {
        return filter::run(&arguments, &options);
    }
    if arguments.to == Some(To::Arrow) || arguments.output_file.is_some() {
        return write::run(&arguments, &options);
    }
    clusters::run(arguments, &options)
}

/// The schema name of [`ColumnRecord`].
pub(super) const COLUMN_SCHEMA: &str = "kanalyze.column/1";

/// A column of a table, of `--columns`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ColumnRecord<'a> {
    /// [`COLUMN_SCHEMA`].
    pub schema: &'static str,
    /// Its name; the same as in the JSON records where those have the field.
    pub name: &'a str,
    /// Its type, in Arrow's terms.
    pub r#type: &'a str,
    /// What it holds, and in which unit.
    pub meaning: &'a str,
}

fn print_columns(output: &Output) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if output.format == Format::Text {
        let name = output.palette().blame;
        for column in COLUMNS {
            writeln!(out, "{name}{:16}{name:#}  {}\n{:18}{}", column.name, column.meaning, "", column.r#type)?;
        }
    } else {
        let record = |column: &ColumnInfo| ColumnRecord {
            schema: COLUMN_SCHEMA,
            name: column.name,
            r#type: column.r#type,
            meaning: column.meaning,
        };
        write_records(&mut out, output.format, &COLUMNS.iter().map(record).collect::<Vec<_>>())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What stands for the filter in a build without Arrow.
#[cfg(not(feature = "arrow"))]
mod filter {
    pub(super) fn run(_: &super::Arguments, _: &crate::engine::Options) -> anyhow::Result<std::process::ExitCode> {
        Err(crate::table::TableError::LeftOut("--from arrow".to_owned()).into())
    }
}

/// Whether this stands for standard input.
fn is_standard_input(path: &std::path::Path) -> bool {
    path.as_os_str() == "-"
}
