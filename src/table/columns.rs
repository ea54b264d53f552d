//! Rows as columns: one pass over the rows for each, nested ones flattened first. What a column is made of is left to who asks.

use super::schema::COLUMNS;
use super::{Origin, ROW_SCHEMA, Row, TableError};
use crate::diff::cause::Cause;
use crate::diff::cluster::{Sample, sample};
use crate::report::{ChainEntry, Frame, HeldLock, HeldLocks, HungTask, Lockdep, Report, Stack, Task};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What columns are made of: Arrow's arrays, or values for a text.
pub(super) trait Maker {
    /// The values of one column; some may be missing.
    type Column;

    /// Texts.
    fn text<'r>(values: impl Iterator<Item = Option<&'r str>>) -> Self::Column;

    /// Whole numbers are signed, since Spark and the formats of lakes know no others. What does not fit is missing.
    fn number<N: TryInto<i64>>(values: impl Iterator<Item = Option<N>>) -> Self::Column;

    /// Numbers with a fraction.
    fn fraction(values: impl Iterator<Item = Option<f64>>) -> Self::Column;

    /// Yes or no.
    fn flag(values: impl Iterator<Item = Option<bool>>) -> Self::Column;

    /// Structs of these fields, each with as many values as there are structs.
    fn record(fields: Vec<(&'static str, Self::Column)>) -> Result<Self::Column, TableError>;

    /// Lists of these lengths over values that stand one after the other.
    fn list(lengths: impl Iterator<Item = usize>, values: Self::Column) -> Result<Self::Column, TableError>;
}

fn texts<'r, M: Maker>(rows: &[&'r Row], of: impl Fn(&'r Row) -> &'r [String]) -> Result<M::Column, TableError> {
    let values = M::text(rows.iter().flat_map(|row| of(row)).map(|value| Some(value.as_str())));
    M::list(rows.iter().map(|row| of(row).len()), values)
}

fn pairs<'r, M: Maker>(
    rows: &[&'r Row],
    of: impl Fn(&'r Row) -> Option<&'r BTreeMap<String, String>>,
) -> Result<M::Column, TableError> {
    let all: Vec<(&String, &String)> = rows.iter().filter_map(|row| of(row)).flatten().collect();
    let names = M::text(all.iter().map(|(name, _)| Some(name.as_str())));
    let values = M::text(all.iter().map(|(_, value)| Some(value.as_str())));
    let values = M::record(vec![("name", names), ("value", values)])?;
    M::list(rows.iter().map(|row| of(row).map_or(0, BTreeMap::len)), values)
}

/// What should not happen, as a sentence.
pub(super) fn internal(error: &dyn std::fmt::Display) -> TableError {
    TableError::Request(format!("the table cannot be built: {error}"))
}

fn frames<M: Maker>(all: &[&Frame]) -> Result<M::Column, TableError> {
    let fields = vec![
        ("function", M::text(all.iter().map(|frame| frame.function.as_deref()))),
        ("offset", M::number(all.iter().map(|frame| frame.offset))),
        ("size", M::number(all.iter().map(|frame| frame.size))),
        ("module", M::text(all.iter().map(|frame| frame.module.as_deref()))),
        ("address", M::text(all.iter().map(|frame| frame.address.as_deref()))),
        ("file", M::text(all.iter().map(|frame| frame.file.as_deref()))),
        ("line", M::number(all.iter().map(|frame| frame.line))),
        ("inline", M::flag(all.iter().map(|frame| Some(frame.inline)))),
        ("reliable", M::flag(all.iter().map(|frame| Some(frame.reliable)))),
        ("log_line", M::number(all.iter().map(|frame| Some(frame.log_line)))),
    ];
    M::record(fields)
}

fn stacks<M: Maker>(rows: &[&Row]) -> Result<M::Column, TableError> {
    let all: Vec<&Stack> = rows.iter().flat_map(|row| row.stacks()).collect();
    let inner: Vec<&Frame> = all.iter().flat_map(|stack| &stack.frames).collect();
    let roles: Vec<Cow<'_, str>> = all.iter().map(|stack| stack.role.word()).collect();
    let fields = vec![
        ("name", M::text(roles.iter().map(|role| Some(role.as_ref())))),
        ("comm", M::text(all.iter().map(|stack| comm(stack.task.as_ref())))),
        ("pid", M::number(all.iter().map(|stack| pid(stack.task.as_ref())))),
        ("cpu", M::number(all.iter().map(|stack| stack.cpu))),
        ("line", M::number(all.iter().map(|stack| Some(stack.line)))),
        ("frames", M::list(all.iter().map(|stack| stack.frames.len()), frames::<M>(&inner)?)?),
    ];
    M::list(rows.iter().map(|row| row.stacks().len()), M::record(fields)?)
}

fn held_locks<M: Maker>(rows: &[&Row]) -> Result<M::Column, TableError> {
    let all: Vec<&HeldLocks> = rows.iter().flat_map(|row| row.held_locks()).collect();
    let inner: Vec<&HeldLock> = all.iter().flat_map(|held| &held.locks).collect();
    let locks = vec![
        ("number", M::number(inner.iter().map(|lock| lock.number))),
        ("class", M::text(inner.iter().map(|lock| Some(lock.class.as_str())))),
        ("subclass", M::number(inner.iter().map(|lock| lock.subclass))),
        ("address", M::text(inner.iter().map(|lock| lock.address.as_deref()))),
        ("usage", M::text(inner.iter().map(|lock| lock.usage.as_deref()))),
        ("wait_type", M::text(inner.iter().map(|lock| lock.wait_type.as_deref()))),
        ("acquired_at", M::text(inner.iter().map(|lock| lock.acquired_at.as_ref()?.function.as_deref()))),
        ("acquired_file", M::text(inner.iter().map(|lock| lock.acquired_at.as_ref()?.file.as_deref()))),
        ("acquired_line", M::number(inner.iter().map(|lock| lock.acquired_at.as_ref()?.line))),
        ("line", M::number(inner.iter().map(|lock| Some(lock.line)))),
    ];
    let fields = vec![
        ("comm", M::text(all.iter().map(|held| comm(held.task.as_ref())))),
        ("pid", M::number(all.iter().map(|held| pid(held.task.as_ref())))),
        ("announced", M::number(all.iter().map(|held| held.announced))),
        ("line", M::number(all.iter().map(|held| Some(held.line)))),
        ("locks", M::list(all.iter().map(|held| held.locks.len()), M::record(locks)?)?),
    ];
    M::list(rows.iter().map(|row| row.held_locks().len()), M::record(fields)?)
}

fn lockdep<M: Maker>(rows: &[&Row]) -> Result<M::Column, TableError> {
    let all: Vec<Option<&Lockdep>> = rows.iter().map(|row| row.report().and_then(|it| it.lockdep.as_deref())).collect();
    let chain = |of: &Option<&Lockdep>| -> usize { of.map_or(0, |lockdep| lockdep.chain.len()) };
    let links: Vec<&ChainEntry> = all.iter().flatten().flat_map(|lockdep| &lockdep.chain).collect();
    let fields = vec![
        ("flavour", M::text(all.iter().map(|it| Some((*it)?.flavour.as_str())))),
        ("acquiring", M::text(all.iter().map(|it| Some((*it)?.acquiring.as_ref()?.class.as_str())))),
        ("holding", M::text(all.iter().map(|it| Some((*it)?.holding.as_ref()?.class.as_str())))),
        ("chain", M::list(all.iter().map(chain), M::text(links.iter().map(|link| Some(link.class.as_str()))))?),
        ("chain_text", M::text(all.iter().map(|it| (*it)?.chain_text.as_deref()))),
        ("usage", M::text(all.iter().map(|it| (*it)?.usage.as_deref()))),
    ];
    M::record(fields)
}

fn hung_tasks<M: Maker>(rows: &[&Row]) -> Result<M::Column, TableError> {
    let all: Vec<&HungTask> = rows.iter().flat_map(|row| row.hung_tasks()).collect();
    let holders: Vec<Option<&Task>> = all.iter().map(|hung| hung.blocker.as_ref()?.holder.as_ref()).collect();
    let fields = vec![
        ("comm", M::text(all.iter().map(|hung| Some(hung.task.comm.as_str())))),
        ("pid", M::number(all.iter().map(|hung| Some(hung.task.pid)))),
        ("seconds", M::number(all.iter().map(|hung| hung.seconds))),
        ("state", M::text(all.iter().map(|hung| hung.state.as_deref()))),
        ("io_wait", M::flag(all.iter().map(|hung| Some(hung.io_wait)))),
        ("workqueue", M::text(all.iter().map(|hung| hung.workqueue.as_deref()))),
        ("work_function", M::text(all.iter().map(|hung| hung.work_function.as_deref()))),
        ("blocker_comm", M::text(holders.iter().map(|task| comm(*task)))),
        ("blocker_pid", M::number(holders.iter().map(|task| pid(*task)))),
        ("line", M::number(all.iter().map(|hung| Some(hung.line)))),
    ];
    M::list(rows.iter().map(|row| row.hung_tasks().len()), M::record(fields)?)
}

fn comm(task: Option<&Task>) -> Option<&str> {
    task.map(|task| task.comm.as_str())
}

fn pid(task: Option<&Task>) -> Option<i64> {
    task.map(|task| task.pid)
}

/// What is worked out once for the rows of a batch.
struct Batch<'r> {
    rows: &'r [&'r Row],
    /// The cause of each row that is a report.
    causes: Vec<Option<Sample>>,
    origin: &'r Origin,
}

/// The values of one column of [`COLUMNS`].
fn values<M: Maker>(name: &str, batch: &Batch<'_>) -> Result<M::Column, TableError> {
    let rows = batch.rows;
    let all = || rows.iter().copied();
    let reports = || rows.iter().map(|row| row.report());
    let causes = || batch.causes.iter().map(Option::as_ref);
    let words = |of: fn(&Report) -> Option<&str>| M::text(rows.iter().map(move |row| row.report().and_then(of)));
    let some = |value: &str| M::text(rows.iter().map(move |_| Some(value)));
    fn filled(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }
    Ok(match name {
        "schema" => some(ROW_SCHEMA),
        "kanalyze_version" => some(batch.origin.version),
        "grammar_hash" => some(&batch.origin.grammar),
        "record" => M::text(all().map(|row| Some(row.record()))),
        "log" => M::text(all().map(|row| Some(row.log()))),
        "index" => M::number(all().map(|row| Some(row.shared(|it| it.index, |it| it.index).unwrap_or(0)))),
        "kind" => M::text(all().map(|row| row.shared(|it| it.kind.as_str(), |it| it.kind.as_str()))),
        "title" => M::text(all().map(|row| row.shared(|it| it.title.as_str(), |it| it.title.as_str()))),
        "alt_titles" => texts::<M>(rows, |row| row.report().map_or(&[], |report| &report.alt_titles))?,
        "type" => words(|report| filled(&report.r#type)),
        "frame" => words(|report| filled(&report.frame)),
        "subject" => words(|report| report.subject.as_deref()),
        "message" => texts::<M>(rows, |row| row.report().map_or(&[], |report| &report.message))?,
        "guilty_file" => words(|report| report.guilty_file.as_deref()),
        "corrupted" => words(|report| report.corrupted.as_deref()),
        "suppressed" => M::flag(reports().map(|report| Some(report?.suppressed))),
        "panicked" => M::flag(reports().map(|report| Some(report?.panicked))),
        "severity" => M::text(all().map(|row| row.shared(|it| it.severity.word(), |it| it.severity.word()))),
        "speaker" => M::text(all().map(|row| row.shared(|it| it.speaker.word(), |it| it.speaker.word()))),
        "cause" => M::number(reports().map(|report| report?.cause)),
        "cause_id" => {
            let ids: Vec<Option<String>> = causes().map(|cause| Some(cause?.cause_id().to_string())).collect();
            M::text(ids.iter().map(Option::as_deref))
        }
        "cause_stack" => cause_texts::<M>(&batch.causes, |cause| &cause.stack)?,
        "cause_locks" => cause_texts::<M>(&batch.causes, |cause| &cause.locks)?,
        "executor_proc" => M::number(reports().map(|report| Some(report?.executor.as_ref()?.proc))),
        "executor_id" => M::number(reports().map(|report| Some(report?.executor.as_ref()?.id))),
        "start" => M::number(all().map(|row| Some(row.shared(|it| it.start, |it| it.start).unwrap_or(0)))),
        "end" => M::number(all().map(|row| row.of_log().map(|log| log.bytes).or_else(|| Some(row.report()?.end)))),
        "line" => M::number(all().map(|row| row.shared(|it| it.line, |it| it.line))),
        "time" => M::fraction(all().map(|row| row.shared(|it| it.time, |it| it.time).flatten())),
        "wall" => M::text(all().map(|row| row.shared(|it| it.wall.as_deref(), |it| it.wall.as_deref()).flatten())),
        "caller" => {
            M::text(all().map(|row| row.shared(|it| it.caller.as_deref(), |it| it.caller.as_deref()).flatten()))
        }
        "comm" => M::text(all().map(|row| comm(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "pid" => M::number(all().map(|row| pid(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "cpu" => M::number(all().map(|row| row.shared(|it| it.cpu, |it| it.cpu).flatten())),
        "boot" => M::number(all().map(|row| row.shared(|it| it.boot, |it| it.boot))),
        "oops" => M::number(reports().map(|report| report?.oops)),
        "taint" => words(|report| report.taint.as_deref()),
        "kernel_version" => words(|report| report.kernel_version.as_deref()),
        "hardware" => words(|report| report.hardware.as_deref()),
        "source_file" => words(|report| Some(report.source.as_ref()?.file.as_str())),
        "source_line" => M::number(reports().map(|report| Some(report?.source.as_ref()?.line))),
        "access_kind" => words(|report| Some(report.access.as_ref()?.kind.word())),
        "access_size" => M::number(reports().map(|report| report?.access.as_ref()?.size)),
        "access_address" => words(|report| report.access.as_ref()?.address.as_deref()),
        "object_cache" => words(|report| report.object.as_ref()?.cache.as_deref()),
        "object_size" => M::number(reports().map(|report| report?.object.as_ref()?.size)),
        "object_offset" => M::number(reports().map(|report| report?.object.as_ref()?.offset)),
        "stacks" => stacks::<M>(rows)?,
        "held_locks" => held_locks::<M>(rows)?,
        "lockdep" => lockdep::<M>(rows)?,
        "hung_tasks" => hung_tasks::<M>(rows)?,
        "registers" => pairs::<M>(rows, |row| row.report().map(|report| &report.registers))?,
        "code" => words(|report| report.code.as_deref()),
        "fields" => pairs::<M>(rows, |row| {
            row.event().map(|event| &event.fields).or_else(|| row.report().map(|report| &report.fields))
        })?,
        "rows" => texts::<M>(rows, |row| row.event().map_or(&[], |event| &event.rows))?,
        "damage" => texts::<M>(rows, |row| row.damage())?,
        other => return Err(internal(&format!("there is no column {other}"))),
    })
}

fn cause_texts<M: Maker>(causes: &[Option<Sample>], of: fn(&Cause) -> &[String]) -> Result<M::Column, TableError> {
    let lists: Vec<&[String]> =
        causes.iter().map(|sample| sample.as_ref().map_or(&[][..], |sample| of(&sample.cause))).collect();
    let values = M::text(lists.iter().copied().flatten().map(|value| Some(value.as_str())));
    M::list(lists.iter().map(|texts| texts.len()), values)
}

/// The columns of [`COLUMNS`], `without` some, each with its name.
pub(super) fn columns<M: Maker>(
    rows: &[&Row],
    without: &[String],
    origin: &Origin,
) -> Result<Vec<(&'static str, M::Column)>, TableError> {
    let causes = rows.iter().map(|row| row.report().map(sample)).collect();
    let batch = Batch { rows, causes, origin };
    names(without).map(|name| Ok((name, values::<M>(name, &batch)?))).collect()
}

/// The names of the columns, `without` some.
pub(super) fn names(without: &[String]) -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name).filter(|name| !without.iter().any(|other| other == name))
}
