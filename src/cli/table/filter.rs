//! Standard input as a stream of logs, standard output as a stream of their rows: what runs inside of Spark and Ray.

use super::write::{Taken, origin, rows, taken};
use super::{Arguments, To};
use crate::engine::{Options, in_order, thread_count};
use crate::input::Source;
use crate::intake::{Whole, wholes_in, wholes_of};
use crate::table::{LogBatch, LogRow, LogStream, Row, RowStream, TableWriter, is_full, weight};
use std::path::PathBuf;
use std::process::ExitCode;

/// Reads logs out of the stream and writes their rows to wherever the command line says.
pub(super) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<ExitCode> {
    let mut logs = LogStream::open(Box::new(std::io::stdin()))?;
    let inside = Options { threads: 1, ..options.clone() };
    let threads = thread_count(options.threads);
    if arguments.to == Some(To::Arrow) {
        let mut out = RowStream::create(Box::new(std::io::stdout()), &logs.passed(), origin(options))?;
        while let Some(batch) = logs.next_batch()? {
            pass(&batch, &inside, threads, &mut out)?;
        }
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(path) = &arguments.output_file else {
        anyhow::bail!("--from arrow gives rows: say --to arrow, or name a table with -o");
    };
    let mut table = if arguments.partition_by.is_empty() {
        TableWriter::create(path, origin(options))?
    } else {
        TableWriter::append(path, &arguments.partition_by, origin(options))?
    };
    while let Some(batch) = logs.next_batch()? {
        each(&batch, &inside, threads, |_, rows| Ok(rows.into_iter().try_for_each(|row| table.push(row))?))?;
    }
    let rows = table.finish()?;
    crate::cli::manners::note(&format!("{}: {rows} rows", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// Hands on the rows of a batch of logs, as many at once as make a batch of rows, with the columns that pass through.
fn pass(batch: &LogBatch, options: &Options, threads: usize, out: &mut RowStream) -> anyhow::Result<()> {
    let (mut waiting, mut from, mut heavy) = (Vec::<Row>::new(), Vec::<u32>::new(), 0);
    each(batch, options, threads, |at, rows| {
        for row in rows {
            heavy += weight(&row);
            waiting.push(row);
            from.push(u32::try_from(at)?);
            if is_full(waiting.len(), heavy) {
                out.write(&waiting.iter().collect::<Vec<_>>(), Some((batch, &from)))?;
                waiting.clear();
                from.clear();
                heavy = 0;
            }
        }
        Ok(())
    })?;
    if !waiting.is_empty() {
        out.write(&waiting.iter().collect::<Vec<_>>(), Some((batch, &from)))?;
    }
    Ok(())
}

/// Reads the logs of a batch, as many at once as there are threads, and hands over the rows of each, in order.
fn each(
    batch: &LogBatch,
    options: &Options,
    threads: usize,
    mut take: impl FnMut(usize, Vec<Row>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let places: Vec<usize> = (0..batch.len()).collect();
    for turn in places.chunks(threads) {
        let read = in_order(threads, turn, |at| rows_of(batch, *at, options));
        for (at, rows) in turn.iter().zip(read) {
            take(*at, rows)?;
        }
    }
    Ok(())
}

/// The rows of one log.
fn rows_of(batch: &LogBatch, at: usize, options: &Options) -> Vec<Row> {
    let name = batch.name(at);
    let read: Vec<Whole<Taken>> = match batch.content(at) {
        Some(content) => wholes_in(name, content.to_vec(), options, taken),
        None if batch.has_contents() => {
            let damage = Some(format!("{name}: the stream has no content for it"));
            return vec![Row::Log(Box::new(LogRow { log: name.to_owned(), bytes: 0, damage }))];
        }
        None => wholes_of(&Source::Path(PathBuf::from(name)), options, taken),
    };
    rows(read)
}
