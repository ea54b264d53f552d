//! Logs into a table: turns of logs are read while another thread writes the rows of those before.

use super::listed::Listed;
use super::{Arguments, To};
use crate::cli::logs::tell;
use crate::cli::{bundle, manners};
use crate::engine::{Options, thread_count};
use crate::input::Source;
use crate::intake::{Found, Trouble, Whole, wholes};
use crate::report::{Event, Report};
use crate::table::{LogRow, Origin, Row, TableWriter};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Logs that are read before their rows are written: enough to keep every thread busy, few enough to fit into memory.
const TURN: usize = 64;
/// A turn ends early when its logs hold so many bytes: what waits in memory is bounded by as many of the largest logs as there are
/// threads, however many logs there are.
const TURN_BYTES: u64 = 4 << 20;

/// Rows are handed to the writer in portions of so many, and so many portions may wait: the rows of small logs are written
/// while the next are read, and those of a large one do not pile up.
const PORTION: usize = 256;
const WAITING: usize = 32;

/// Writes the table that the command line asks for.
pub(super) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<ExitCode> {
    let mut listed = Listed::of(arguments)?;
    let origin = origin(options);
    if arguments.to == Some(To::Arrow) {
        let writer = TableWriter::stream(Box::new(std::io::stdout()), origin)?;
        let filled = fill(writer, options, &mut listed, Telling::Rows)?;
        return Ok(if filled.complete && listed.named { ExitCode::SUCCESS } else { ExitCode::from(2) });
    }
    let Some(path) = &arguments.output_file else { anyhow::bail!("name the table with -o") };
    let writer = if arguments.partition_by.is_empty() {
        TableWriter::create(path, origin)?
    } else {
        TableWriter::append(path, &arguments.partition_by, origin)?
    };
    let filled = fill(writer, options, &mut listed, Telling::People)?;
    let many = if filled.logs == 1 { "" } else { "s" };
    manners::note(&format!("{}: {} rows of {} log{many}", path.display(), filled.rows, filled.logs));
    Ok(if filled.complete && listed.named { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// What makes the rows of this run.
pub(in crate::cli) fn origin(options: &Options) -> Origin {
    Origin::of(&options.grammar, options.as_syzbot)
}

/// Who learns of a log that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Telling {
    /// People, on standard error; the exit status says it, too.
    People,
    /// Whoever reads the rows: the log has one.
    Rows,
}

/// What became a table.
pub(in crate::cli) struct Filled {
    /// Rows.
    pub(super) rows: u64,
    /// Logs that were named.
    pub(super) logs: u64,
    /// Whether all is there that was asked for.
    pub(in crate::cli) complete: bool,
}

/// Reads the logs, turn by turn, while another thread writes their rows.
///
/// # Errors
/// The table cannot be written, or the list of logs not be read.
pub(in crate::cli) fn fill(
    mut writer: TableWriter,
    options: &Options,
    listed: &mut Listed,
    telling: Telling,
) -> anyhow::Result<Filled> {
    let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Row>>(WAITING);
    let broken = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            receive.into_iter().flatten().try_for_each(|row| writer.push(row))?;
            // A list that breaks off makes no table.
            if broken.load(Ordering::Acquire) { Ok(0) } else { writer.finish() }
        });
        let progress = counter(listed.total, "logs");
        let (mut logs, mut complete) = (0, true);
        let mut reading = || -> anyhow::Result<()> {
            loop {
                let all = listed.next_sources()?;
                if all.is_empty() {
                    return Ok(());
                }
                let mut rest = &all[..];
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(turn(rest, thread_count(options.threads)));
                    let read = wholes(now, options, taken);
                    if telling == Telling::People {
                        complete &= read.iter().filter(|log| tell(log.trouble.as_ref())).count() == 0;
                    }
                    let mut rows = rows(read).into_iter();
                    // The writer may have given up: it will say why.
                    let sent = std::iter::from_fn(|| Some(rows.by_ref().take(PORTION).collect::<Vec<Row>>()))
                        .take_while(|portion| !portion.is_empty())
                        .all(|portion| send.send(portion).is_ok());
                    if !sent {
                        return Ok(());
                    }
                    rest = later;
                    logs += now.len() as u64;
                    progress.inc(now.len() as u64);
                }
            }
        };
        let read = reading();
        broken.store(read.is_err(), Ordering::Release);
        drop(send);
        let written = writing.join().map_err(|_| anyhow::anyhow!("the table's writer failed; please report this"))?;
        progress.finish_and_clear();
        read?;
        Ok(Filled { rows: written?, logs, complete })
    })
}

/// The size of a log, its reports and its events.
pub(super) type Taken = (u64, (Vec<Report>, Vec<Event>));

/// What a table keeps of a log.
pub(super) fn taken(found: Found<'_>) -> Taken {
    (found.text.plain().len() as u64, found.settled())
}

/// The rows of some logs, in order. A log that could not be read is a row too: whoever counts logs by the table must not miss one.
pub(super) fn rows(logs: Vec<Whole<Taken>>) -> Vec<Row> {
    let mut rows = Vec::new();
    for log in logs {
        let damage = log.trouble.map(|trouble: Trouble| trouble.message);
        let (bytes, found) = log.found.map_or((0, None), |(bytes, found)| (bytes, Some(found)));
        rows.push(Row::Log(Box::new(LogRow { log: log.name, bytes, damage })));
        if let Some((reports, events)) = found {
            rows.extend(reports.into_iter().map(|report| Row::Report(Box::new(report))));
            rows.extend(events.into_iter().map(|event| Row::Event(Box::new(event))));
        }
    }
    rows
}

fn counter(total: Option<u64>, what: &str) -> indicatif::ProgressBar {
    let Some(total) = total else { return indicatif::ProgressBar::hidden() };
    let style = bundle::teller::style(&format!("{{bar:30}} {{pos}} of {{len}} {what}  {{eta}}"));
    indicatif::ProgressBar::new(total).with_style(style)
}

/// How many of the next logs make a turn; one per thread at least.
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
