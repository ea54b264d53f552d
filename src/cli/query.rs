//! `kanalyze query`: SQL over tables, or over logs directly.

use std::ffi::OsString;

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AnswerFormat {
    /// Columns for people.
    Text,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// Run SQL on tables, or on logs directly
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze query top events.parquet
  kanalyze query 'SELECT kind, count(*) AS n FROM events GROUP BY kind' logs/
  kanalyze query 'SELECT * FROM top WHERE logs > 3' events/ --format csv
  kanalyze query flaky logs/

Views, to be named alone or in a statement:
  top       titles by the number of logs that have them
  flaky     titles that some logs have and others do not, with their share
  locks     lock classes by how often they were listed as held
  timeline  what came when, log by log

`kanalyze table --columns` lists the columns of `events`. Names that are words
of SQL stand in double quotes: \"end\".

Exit status: 0, or 2 if something could not be read or asked.")]
pub(super) struct Arguments {
    /// An SQL statement over the table `events`, or the name of a view.
    #[arg(value_name = "SQL|VIEW")]
    sql: String,

    /// Tables (Parquet, Arrow), folders of Parquet files, or logs, run folders and globs.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,

    /// Form of the answer; text on a terminal and csv elsewhere when it is not given.
    #[arg(long, value_enum)]
    format: Option<AnswerFormat>,

    /// When to colour the text.
    #[arg(long = "color", value_enum, default_value = "auto", value_name = "WHEN")]
    colour: super::output::Colour,

    #[command(flatten)]
    reading: super::logs::Reading,
}

/// Runs `kanalyze query`.
///
/// # Errors
/// This build has no SQL.
#[cfg(not(feature = "tables"))]
pub(super) fn run(_: Arguments) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("this build has no SQL: get it with `cargo install --path . --features tables` in kanalyze's sources")
}

#[cfg(feature = "tables")]
pub(super) use with_tables::run;
#[cfg(all(feature = "tables", feature = "mcp"))]
pub(super) use with_tables::{answer_as_text, answered};

#[cfg(feature = "tables")]
mod with_tables {
    use super::super::logs::{Reading, sources_of};
    use super::super::output::{JsonArray, palette, width};
    use super::super::table;
    use super::{AnswerFormat, Arguments};
    use crate::render;
    use crate::render::{Palette, Width, write_json};
    use crate::table::{Answer, Form, TableWriter, ask, is_table};
    use anyhow::Context as _;
    use serde_json::Value;
    use std::ffi::OsString;
    use std::io::{BufWriter, IsTerminal, Write};
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    /// Runs `kanalyze query`.
    ///
    /// # Errors
    /// A path that is nothing, a table that cannot be read, SQL that makes no sense.
    pub(in crate::cli) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
        let (answer, fine) = answered(&arguments.sql, &arguments.paths, &arguments.reading)?;
        let Some(answer) = answer else { return Ok(ExitCode::from(2)) };
        let mut out = BufWriter::new(std::io::stdout().lock());
        let usual = if std::io::stdout().is_terminal() { AnswerFormat::Text } else { AnswerFormat::Csv };
        match arguments.format.unwrap_or(usual) {
            AnswerFormat::Csv => answer.csv(&mut out)?,
            AnswerFormat::Text => {
                let text = answer_as_text(&answer, width(), &palette(arguments.colour), usize::MAX);
                out.write_all(text.as_bytes())?;
            }
            AnswerFormat::Jsonl => objects(&answer, |line| Ok(out.write_all(line)?))?,
            AnswerFormat::Json => {
                let mut array = JsonArray::new();
                objects(&answer, |line| Ok(array.write(&mut out, line)?))?;
                array.end(&mut out)?;
            }
        }
        out.flush()?;
        Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    /// The first `most` rows of an answer in columns.
    pub(in crate::cli) fn answer_as_text(answer: &Answer, width: Width, palette: &Palette, most: usize) -> String {
        let rows: Vec<Vec<Value>> = (0..answer.height().min(most)).map(|at| answer.row(at)).collect();
        render::answer_text(&answer.columns(), &rows, width, palette)
    }

    /// What tables and logs answer, none if nothing can be asked; and whether all of them could be read; what could not is named.
    ///
    /// # Errors
    /// A path that is nothing, a table that cannot be read, SQL that makes no sense.
    pub(in crate::cli) fn answered(
        sql: &str,
        paths: &[OsString],
        reading: &Reading,
    ) -> anyhow::Result<(Option<Answer>, bool)> {
        let (mut tables, mut logs): (Vec<PathBuf>, Vec<OsString>) = (Vec::new(), Vec::new());
        for argument in paths {
            let path: &Path = argument.as_ref();
            let shown = render::safe(&path.display().to_string()).into_owned();
            match Form::of(path) {
                Some(Form::Csv) => {
                    anyhow::bail!("{shown}: tables are read from Parquet and Arrow; write one with `kanalyze table -o`")
                }
                Some(_) if !path.exists() => anyhow::bail!("{shown}: no such table: check the name"),
                _ if is_table(path) => tables.push(path.to_owned()),
                _ => logs.push(argument.clone()),
            }
        }
        let (logs, mut fine) = sources_of(&logs, reading.threads);
        // Logs become a table for the time of the query: so they may be more than fits into memory.
        let mut kept = None;
        if !logs.is_empty() {
            let scratch = tempfile::Builder::new().prefix("kanalyze-query-").tempdir();
            let scratch = scratch.context("no room for a temporary table; set TMPDIR")?;
            let path = scratch.path().join("events.parquet");
            let options = reading.options()?.with_events();
            let writer = TableWriter::create(&path, table::origin(&options))?;
            fine &=
                table::fill(writer, &options, &mut table::Listed::known(logs, true), table::Telling::People)?.complete;
            tables.push(path);
            kept = Some(scratch);
        }
        if tables.is_empty() {
            return Ok((None, fine));
        }
        let answer = ask(sql, &tables)?;
        drop(kept);
        Ok((Some(answer), fine))
    }

    fn objects(answer: &Answer, mut take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let names: Vec<String> = answer.columns().into_iter().map(|(name, _)| name).collect();
        for at in 0..answer.height() {
            // By hand: the fields keep the order that was asked for.
            let mut line = b"{".to_vec();
            for (name, value) in names.iter().zip(answer.row(at)) {
                if line.len() > 1 {
                    line.push(b',');
                }
                write_json(&mut line, name)?;
                line.push(b':');
                write_json(&mut line, &value)?;
            }
            line.extend(b"}\n");
            take(&line)?;
        }
        Ok(())
    }
}
