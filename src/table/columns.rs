//! Rows as Arrow arrays: one pass over the rows for each column, nested ones flattened first.

use super::schema::COLUMNS;
use super::{LIST_ELEMENT, Origin, ROW_SCHEMA, Row, TableError};
use crate::diff::cause::Cause;
use crate::diff::cluster::{Sample, sample};
use crate::report::{ChainEntry, Frame, HeldLock, HeldLocks, HungTask, Lockdep, Report, Stack, Task};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, Fields, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

fn text<'r>(values: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// Whole numbers are signed, since Spark and the formats of lakes know no others. What does not fit is missing.
fn number<N: TryInto<i64>>(values: impl Iterator<Item = Option<N>>) -> ArrayRef {
    Arc::new(values.map(|value| value?.try_into().ok()).collect::<Int64Array>())
}

fn fraction(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn flag(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

fn record(fields: Vec<(&str, ArrayRef)>) -> Result<ArrayRef, TableError> {
    let (names, values): (Vec<Field>, Vec<ArrayRef>) =
        fields.into_iter().map(|(name, values)| (Field::new(name, values.data_type().clone(), true), values)).unzip();
    let array = StructArray::try_new(Fields::from(names), values, None).map_err(|error| internal(&error))?;
    Ok(Arc::new(array))
}

/// Lists over values that stand one after the other; offsets of 32 bits, which every reader of Arrow knows.
fn list(lengths: impl Iterator<Item = usize>, values: ArrayRef) -> Result<ArrayRef, TableError> {
    if i32::try_from(values.len()).is_err() {
        return Err(internal(&"one log gives more than 2^31 values of a column"));
    }
    let field = Arc::new(Field::new(LIST_ELEMENT, values.data_type().clone(), true));
    let array = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None);
    Ok(Arc::new(array.map_err(|error| internal(&error))?))
}

fn texts<'r>(rows: &[&'r Row], of: impl Fn(&'r Row) -> &'r [String]) -> Result<ArrayRef, TableError> {
    let values = text(rows.iter().flat_map(|row| of(row)).map(|value| Some(value.as_str())));
    list(rows.iter().map(|row| of(row).len()), values)
}

fn pairs<'r>(
    rows: &[&'r Row],
    of: impl Fn(&'r Row) -> Option<&'r BTreeMap<String, String>>,
) -> Result<ArrayRef, TableError> {
    let all: Vec<(&String, &String)> = rows.iter().filter_map(|row| of(row)).flatten().collect();
    let names = text(all.iter().map(|(name, _)| Some(name.as_str())));
    let values = text(all.iter().map(|(_, value)| Some(value.as_str())));
    let values = record(vec![("name", names), ("value", values)])?;
    list(rows.iter().map(|row| of(row).map_or(0, BTreeMap::len)), values)
}

fn internal(error: &dyn std::fmt::Display) -> TableError {
    TableError::Request(format!("the table cannot be built: {error}"))
}

fn frames(all: &[&Frame]) -> Result<ArrayRef, TableError> {
    let fields = vec![
        ("function", text(all.iter().map(|frame| frame.function.as_deref()))),
        ("offset", number(all.iter().map(|frame| frame.offset))),
        ("size", number(all.iter().map(|frame| frame.size))),
        ("module", text(all.iter().map(|frame| frame.module.as_deref()))),
        ("address", text(all.iter().map(|frame| frame.address.as_deref()))),
        ("file", text(all.iter().map(|frame| frame.file.as_deref()))),
        ("line", number(all.iter().map(|frame| frame.line))),
        ("inline", flag(all.iter().map(|frame| Some(frame.inline)))),
        ("reliable", flag(all.iter().map(|frame| Some(frame.reliable)))),
        ("log_line", number(all.iter().map(|frame| Some(frame.log_line)))),
    ];
    record(fields)
}

fn stacks(rows: &[&Row]) -> Result<ArrayRef, TableError> {
    let all: Vec<&Stack> = rows.iter().flat_map(|row| row.stacks()).collect();
    let inner: Vec<&Frame> = all.iter().flat_map(|stack| &stack.frames).collect();
    let fields = vec![
        ("name", text(all.iter().map(|stack| Some(stack.name.as_str())))),
        ("comm", text(all.iter().map(|stack| comm(stack.task.as_ref())))),
        ("pid", number(all.iter().map(|stack| pid(stack.task.as_ref())))),
        ("cpu", number(all.iter().map(|stack| stack.cpu))),
        ("line", number(all.iter().map(|stack| Some(stack.line)))),
        ("frames", list(all.iter().map(|stack| stack.frames.len()), frames(&inner)?)?),
    ];
    list(rows.iter().map(|row| row.stacks().len()), record(fields)?)
}

fn held_locks(rows: &[&Row]) -> Result<ArrayRef, TableError> {
    let all: Vec<&HeldLocks> = rows.iter().flat_map(|row| row.held_locks()).collect();
    let inner: Vec<&HeldLock> = all.iter().flat_map(|held| &held.locks).collect();
    let locks = vec![
        ("number", number(inner.iter().map(|lock| lock.number))),
        ("class", text(inner.iter().map(|lock| Some(lock.class.as_str())))),
        ("subclass", number(inner.iter().map(|lock| lock.subclass))),
        ("address", text(inner.iter().map(|lock| lock.address.as_deref()))),
        ("usage", text(inner.iter().map(|lock| lock.usage.as_deref()))),
        ("wait_type", text(inner.iter().map(|lock| lock.wait_type.as_deref()))),
        ("acquired_at", text(inner.iter().map(|lock| lock.acquired_at.as_ref()?.function.as_deref()))),
        ("acquired_file", text(inner.iter().map(|lock| lock.acquired_at.as_ref()?.file.as_deref()))),
        ("acquired_line", number(inner.iter().map(|lock| lock.acquired_at.as_ref()?.line))),
        ("line", number(inner.iter().map(|lock| Some(lock.line)))),
    ];
    let fields = vec![
        ("comm", text(all.iter().map(|held| comm(held.task.as_ref())))),
        ("pid", number(all.iter().map(|held| pid(held.task.as_ref())))),
        ("announced", number(all.iter().map(|held| held.announced))),
        ("line", number(all.iter().map(|held| Some(held.line)))),
        ("locks", list(all.iter().map(|held| held.locks.len()), record(locks)?)?),
    ];
    list(rows.iter().map(|row| row.held_locks().len()), record(fields)?)
}

fn lockdep(rows: &[&Row]) -> Result<ArrayRef, TableError> {
    let all: Vec<Option<&Lockdep>> = rows.iter().map(|row| row.report().and_then(|it| it.lockdep.as_ref())).collect();
    let chain = |of: &Option<&Lockdep>| -> usize { of.map_or(0, |lockdep| lockdep.chain.len()) };
    let links: Vec<&ChainEntry> = all.iter().flatten().flat_map(|lockdep| &lockdep.chain).collect();
    let fields = vec![
        ("flavour", text(all.iter().map(|it| Some((*it)?.flavour.as_str())))),
        ("acquiring", text(all.iter().map(|it| Some((*it)?.acquiring.as_ref()?.class.as_str())))),
        ("holding", text(all.iter().map(|it| Some((*it)?.holding.as_ref()?.class.as_str())))),
        ("chain", list(all.iter().map(chain), text(links.iter().map(|link| Some(link.class.as_str()))))?),
        ("chain_text", text(all.iter().map(|it| (*it)?.chain_text.as_deref()))),
        ("usage", text(all.iter().map(|it| (*it)?.usage.as_deref()))),
    ];
    record(fields)
}

fn hung_tasks(rows: &[&Row]) -> Result<ArrayRef, TableError> {
    let all: Vec<&HungTask> = rows.iter().flat_map(|row| row.hung_tasks()).collect();
    let holders: Vec<Option<&Task>> = all.iter().map(|hung| hung.blocker.as_ref()?.holder.as_ref()).collect();
    let fields = vec![
        ("comm", text(all.iter().map(|hung| Some(hung.task.comm.as_str())))),
        ("pid", number(all.iter().map(|hung| Some(hung.task.pid)))),
        ("seconds", number(all.iter().map(|hung| hung.seconds))),
        ("state", text(all.iter().map(|hung| hung.state.as_deref()))),
        ("io_wait", flag(all.iter().map(|hung| Some(hung.io_wait)))),
        ("workqueue", text(all.iter().map(|hung| hung.workqueue.as_deref()))),
        ("work_function", text(all.iter().map(|hung| hung.work_function.as_deref()))),
        ("blocker_comm", text(holders.iter().map(|task| comm(*task)))),
        ("blocker_pid", number(holders.iter().map(|task| pid(*task)))),
        ("line", number(all.iter().map(|hung| Some(hung.line)))),
    ];
    list(rows.iter().map(|row| row.hung_tasks().len()), record(fields)?)
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
fn values(name: &str, batch: &Batch<'_>) -> Result<ArrayRef, TableError> {
    let rows = batch.rows;
    let all = || rows.iter().copied();
    let reports = || rows.iter().map(|row| row.report());
    let causes = || batch.causes.iter().map(Option::as_ref);
    let words = |of: fn(&Report) -> Option<&str>| text(rows.iter().map(move |row| row.report().and_then(of)));
    let some = |value: &str| text(rows.iter().map(move |_| Some(value)));
    fn filled(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }
    Ok(match name {
        "schema" => some(ROW_SCHEMA),
        "kanalyze_version" => some(batch.origin.version),
        "grammar_hash" => some(&batch.origin.grammar),
        "record" => text(all().map(|row| Some(row.record()))),
        "log" => text(all().map(|row| Some(row.log()))),
        "index" => number(all().map(|row| Some(row.shared(|it| it.index, |it| it.index).unwrap_or(0)))),
        "kind" => text(all().map(|row| row.shared(|it| it.kind.as_str(), |it| it.kind.as_str()))),
        "title" => text(all().map(|row| row.shared(|it| it.title.as_str(), |it| it.title.as_str()))),
        "alt_titles" => texts(rows, |row| row.report().map_or(&[], |report| &report.alt_titles))?,
        "type" => words(|report| filled(&report.r#type)),
        "frame" => words(|report| filled(&report.frame)),
        "subject" => words(|report| report.subject.as_deref()),
        "message" => texts(rows, |row| row.report().map_or(&[], |report| &report.message))?,
        "guilty_file" => words(|report| report.guilty_file.as_deref()),
        "corrupted" => words(|report| report.corrupted.as_deref()),
        "suppressed" => flag(reports().map(|report| Some(report?.suppressed))),
        "panicked" => flag(reports().map(|report| Some(report?.panicked))),
        "severity" => text(all().map(|row| row.shared(|it| it.severity.word(), |it| it.severity.word()))),
        "speaker" => text(all().map(|row| row.shared(|it| it.speaker.word(), |it| it.speaker.word()))),
        "cause" => number(reports().map(|report| report?.cause)),
        "cause_id" => {
            let ids: Vec<Option<String>> = causes().map(|cause| Some(cause?.cause_id().to_string())).collect();
            text(ids.iter().map(Option::as_deref))
        }
        "cause_stack" => cause_texts(&batch.causes, |cause| &cause.stack)?,
        "cause_locks" => cause_texts(&batch.causes, |cause| &cause.locks)?,
        "executor_proc" => number(reports().map(|report| Some(report?.executor.as_ref()?.proc))),
        "executor_id" => number(reports().map(|report| Some(report?.executor.as_ref()?.id))),
        "start" => number(all().map(|row| Some(row.shared(|it| it.start, |it| it.start).unwrap_or(0)))),
        "end" => number(all().map(|row| row.of_log().map(|log| log.bytes).or_else(|| Some(row.report()?.end)))),
        "line" => number(all().map(|row| row.shared(|it| it.line, |it| it.line))),
        "time" => fraction(all().map(|row| row.shared(|it| it.time, |it| it.time).flatten())),
        "wall" => text(all().map(|row| row.shared(|it| it.wall.as_deref(), |it| it.wall.as_deref()).flatten())),
        "caller" => text(all().map(|row| row.shared(|it| it.caller.as_deref(), |it| it.caller.as_deref()).flatten())),
        "comm" => text(all().map(|row| comm(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "pid" => number(all().map(|row| pid(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "cpu" => number(all().map(|row| row.shared(|it| it.cpu, |it| it.cpu).flatten())),
        "boot" => number(all().map(|row| row.shared(|it| it.boot, |it| it.boot))),
        "oops" => number(reports().map(|report| report?.oops)),
        "taint" => words(|report| report.taint.as_deref()),
        "kernel_version" => words(|report| report.kernel_version.as_deref()),
        "hardware" => words(|report| report.hardware.as_deref()),
        "source_file" => words(|report| Some(report.source.as_ref()?.file.as_str())),
        "source_line" => number(reports().map(|report| Some(report?.source.as_ref()?.line))),
        "access_kind" => words(|report| Some(report.access.as_ref()?.kind.as_str())),
        "access_size" => number(reports().map(|report| report?.access.as_ref()?.size)),
        "access_address" => words(|report| report.access.as_ref()?.address.as_deref()),
        "object_cache" => words(|report| report.object.as_ref()?.cache.as_deref()),
        "object_size" => number(reports().map(|report| report?.object.as_ref()?.size)),
        "object_offset" => number(reports().map(|report| report?.object.as_ref()?.offset)),
        "stacks" => stacks(rows)?,
        "held_locks" => held_locks(rows)?,
        "lockdep" => lockdep(rows)?,
        "hung_tasks" => hung_tasks(rows)?,
        "registers" => pairs(rows, |row| row.report().map(|report| &report.registers))?,
        "code" => words(|report| report.code.as_deref()),
        "fields" => pairs(rows, |row| {
            row.event().map(|event| &event.fields).or_else(|| row.report().map(|report| &report.fields))
        })?,
        "rows" => texts(rows, |row| row.event().map_or(&[], |event| &event.rows))?,
        "damage" => texts(rows, |row| row.damage())?,
        other => return Err(internal(&format!("there is no column {other}"))),
    })
}

fn cause_texts(causes: &[Option<Sample>], of: fn(&Cause) -> &[String]) -> Result<ArrayRef, TableError> {
    let lists: Vec<&[String]> =
        causes.iter().map(|sample| sample.as_ref().map_or(&[][..], |sample| of(&sample.cause))).collect();
    let values = text(lists.iter().copied().flatten().map(|value| Some(value.as_str())));
    list(lists.iter().map(|texts| texts.len()), values)
}

/// Rows as a batch with the columns of [`COLUMNS`], `without` some.
pub(super) fn batch(rows: &[&Row], without: &[String], origin: &Origin) -> Result<RecordBatch, TableError> {
    let causes = rows.iter().map(|row| row.report().map(sample)).collect();
    let batch = Batch { rows, causes, origin };
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for column in COLUMNS.iter().filter(|column| !without.iter().any(|name| name == column.name)) {
        let array = values(column.name, &batch)?;
        fields.push(Field::new(column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| internal(&error))
}
