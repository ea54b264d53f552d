//! Rows as Arrow arrays: one pass over the rows for each column, nested ones flattened first.

use super::{COLUMNS, LogRow, ROW_SCHEMA, Row, TableError};
use crate::report::{ChainEntry, Event, Frame, HeldLock, HeldLocks, HungTask, Lockdep, Report, Stack, Task};
use polars::prelude::{Column, DataFrame, PlSmallStr, Series};
use polars_arrow::array::{
    Array, BooleanArray, ListArray, MutableBinaryViewArray, PrimitiveArray, StructArray, Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType, Field};
use polars_arrow::offset::{Offsets, OffsetsBuffer};
use polars_arrow::types::NativeType;
use std::collections::BTreeMap;

type Any = Box<dyn Array>;

fn text<'r>(values: impl Iterator<Item = Option<&'r str>>) -> Any {
    let array: Utf8ViewArray = values.collect::<MutableBinaryViewArray<str>>().into();
    Box::new(array)
}

fn number<N: NativeType>(values: impl Iterator<Item = Option<N>>) -> Any {
    Box::new(values.collect::<PrimitiveArray<N>>())
}

fn flag(values: impl Iterator<Item = Option<bool>>) -> Any {
    Box::new(values.collect::<BooleanArray>())
}

fn record(length: usize, fields: Vec<(&str, Any)>) -> Any {
    let (names, values): (Vec<Field>, Vec<Any>) = fields
        .into_iter()
        .map(|(name, values)| (Field::new(PlSmallStr::from_str(name), values.dtype().clone(), true), values))
        .unzip();
    Box::new(StructArray::new(ArrowDataType::Struct(names), length, values, None))
}

/// Lists over values that stand one after the other.
fn list(lengths: impl Iterator<Item = usize>, values: Any) -> Result<Any, TableError> {
    let offsets: OffsetsBuffer<i64> = Offsets::try_from_lengths(lengths).map_err(|error| internal(&error))?.into();
    let dtype = ListArray::<i64>::default_datatype(values.dtype().clone());
    Ok(Box::new(ListArray::<i64>::new(dtype, offsets, values, None)))
}

fn texts<'r>(rows: &[&'r Row], of: impl Fn(&'r Row) -> &'r [String]) -> Result<Any, TableError> {
    let values = text(rows.iter().flat_map(|row| of(row)).map(|value| Some(value.as_str())));
    list(rows.iter().map(|row| of(row).len()), values)
}

fn pairs<'r>(
    rows: &[&'r Row],
    of: impl Fn(&'r Row) -> Option<&'r BTreeMap<String, String>>,
) -> Result<Any, TableError> {
    let all: Vec<(&String, &String)> = rows.iter().filter_map(|row| of(row)).flatten().collect();
    let names = text(all.iter().map(|(name, _)| Some(name.as_str())));
    let values = text(all.iter().map(|(_, value)| Some(value.as_str())));
    let values = record(all.len(), vec![("name", names), ("value", values)]);
    list(rows.iter().map(|row| of(row).map_or(0, BTreeMap::len)), values)
}

fn internal(error: &dyn std::fmt::Display) -> TableError {
    TableError::Request(format!("the table cannot be built: {error}"))
}

fn frames(all: &[&Frame]) -> Any {
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
    record(all.len(), fields)
}

fn stacks(rows: &[&Row]) -> Result<Any, TableError> {
    let all: Vec<&Stack> = rows.iter().flat_map(|row| row.stacks()).collect();
    let inner: Vec<&Frame> = all.iter().flat_map(|stack| &stack.frames).collect();
    let fields = vec![
        ("name", text(all.iter().map(|stack| Some(stack.name.as_str())))),
        ("comm", text(all.iter().map(|stack| comm(stack.task.as_ref())))),
        ("pid", number(all.iter().map(|stack| pid(stack.task.as_ref())))),
        ("cpu", number(all.iter().map(|stack| stack.cpu))),
        ("line", number(all.iter().map(|stack| Some(stack.line)))),
        ("frames", list(all.iter().map(|stack| stack.frames.len()), frames(&inner))?),
    ];
    list(rows.iter().map(|row| row.stacks().len()), record(all.len(), fields))
}

fn held_locks(rows: &[&Row]) -> Result<Any, TableError> {
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
        ("locks", list(all.iter().map(|held| held.locks.len()), record(inner.len(), locks))?),
    ];
    list(rows.iter().map(|row| row.held_locks().len()), record(all.len(), fields))
}

fn lockdep(rows: &[&Row]) -> Result<Any, TableError> {
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
    Ok(record(all.len(), fields))
}

fn hung_tasks(rows: &[&Row]) -> Result<Any, TableError> {
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
    list(rows.iter().map(|row| row.hung_tasks().len()), record(all.len(), fields))
}

fn comm(task: Option<&Task>) -> Option<&str> {
    task.map(|task| task.comm.as_str())
}

fn pid(task: Option<&Task>) -> Option<i64> {
    task.map(|task| task.pid)
}

/// What a row says, whichever kind of record it is.
impl Row {
    fn report(&self) -> Option<&Report> {
        if let Self::Report(report) = self { Some(report) } else { None }
    }

    fn event(&self) -> Option<&Event> {
        if let Self::Event(event) = self { Some(event) } else { None }
    }

    fn of_log(&self) -> Option<&LogRow> {
        if let Self::Log(log) = self { Some(log) } else { None }
    }

    fn record(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Report(_) => "report",
            Self::Event(_) => "event",
        }
    }

    fn log(&self) -> &str {
        match self {
            Self::Log(log) => &log.log,
            Self::Report(report) => &report.log,
            Self::Event(event) => &event.log,
        }
    }

    fn stacks(&self) -> &[Stack] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.stacks,
            Self::Event(event) => &event.stacks,
        }
    }

    fn held_locks(&self) -> &[HeldLocks] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.held_locks,
            Self::Event(event) => &event.held_locks,
        }
    }

    fn hung_tasks(&self) -> &[HungTask] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.hung_tasks,
            Self::Event(event) => &event.hung_tasks,
        }
    }

    /// A field that reports and events share.
    fn shared<'r, T>(&'r self, report: fn(&'r Report) -> T, event: fn(&'r Event) -> T) -> Option<T> {
        match self {
            Self::Log(_) => None,
            Self::Report(of) => Some(report(of)),
            Self::Event(of) => Some(event(of)),
        }
    }

    fn damage(&self) -> &[String] {
        match self {
            Self::Log(log) => log.damage.as_slice(),
            Self::Report(report) => &report.damage,
            Self::Event(_) => &[],
        }
    }

    /// The row's value in a column of [`super::PARTITIONS`], as text.
    pub(super) fn part(&self, column: &str) -> Option<String> {
        let owned = |value: &str| Some(value.to_owned());
        let report = self.report();
        match column {
            "record" => owned(self.record()),
            "log" => owned(self.log()),
            "kind" => self.shared(|report| report.kind.clone(), |event| event.kind.clone()),
            "title" => self.shared(|report| report.title.clone(), |event| event.title.clone()),
            "type" => report.map(|report| report.r#type.clone()).filter(|value| !value.is_empty()),
            "frame" => report.map(|report| report.frame.clone()).filter(|value| !value.is_empty()),
            "suppressed" => report.map(|report| report.suppressed.to_string()),
            "panicked" => report.map(|report| report.panicked.to_string()),
            "cpu" => Some(self.shared(|report| report.cpu, |event| event.cpu)??.to_string()),
            "boot" => self.shared(|report| report.boot.to_string(), |event| event.boot.to_string()),
            "taint" => report?.taint.clone(),
            "kernel_version" => report?.kernel_version.clone(),
            "corrupted" => report?.corrupted.clone(),
            _ => None,
        }
    }
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The values of one column of [`COLUMNS`].
fn values(name: &str, rows: &[&Row]) -> Result<Any, TableError> {
    let all = || rows.iter().copied();
    let reports = || rows.iter().map(|row| row.report());
    let words = |of: fn(&Report) -> Option<&str>| text(rows.iter().map(move |row| row.report().and_then(of)));
    let some = |value: &'static str| text(rows.iter().map(move |_| Some(value)));
    fn filled(text: &str) -> Option<&str> {
        Some(text).filter(|text| !text.is_empty())
    }
    Ok(match name {
        "schema" => some(ROW_SCHEMA),
        "record" => text(all().map(|row| Some(row.record()))),
        "log" => text(all().map(|row| Some(row.log()))),
        "index" => number(all().map(|row| row.shared(|it| narrow(it.index), |it| narrow(it.index)))),
        "kind" => text(all().map(|row| row.shared(|it| it.kind.as_str(), |it| it.kind.as_str()))),
        "title" => text(all().map(|row| row.shared(|it| it.title.as_str(), |it| it.title.as_str()))),
        "alt_titles" => texts(rows, |row| row.report().map_or(&[], |report| &report.alt_titles))?,
        "type" => words(|report| filled(&report.r#type)),
        "frame" => words(|report| filled(&report.frame)),
        "guilty_file" => words(|report| report.guilty_file.as_deref()),
        "corrupted" => words(|report| report.corrupted.as_deref()),
        "suppressed" => flag(reports().map(|report| Some(report?.suppressed))),
        "panicked" => flag(reports().map(|report| Some(report?.panicked))),
        "cause" => number(reports().map(|report| Some(narrow(report?.cause?)))),
        "executor_proc" => number(reports().map(|report| Some(report?.executor.as_ref()?.proc))),
        "executor_id" => number(reports().map(|report| Some(report?.executor.as_ref()?.id))),
        "start" => number(all().map(|row| Some(row.shared(|it| it.start, |it| it.start).unwrap_or(0)))),
        "end" => number(all().map(|row| row.of_log().map(|log| log.bytes).or_else(|| Some(row.report()?.end)))),
        "line" => number(all().map(|row| row.shared(|it| it.line, |it| it.line))),
        "time" => number(all().map(|row| row.shared(|it| it.time, |it| it.time).flatten())),
        "caller" => text(all().map(|row| row.shared(|it| it.caller.as_deref(), |it| it.caller.as_deref()).flatten())),
        "comm" => text(all().map(|row| comm(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "pid" => number(all().map(|row| pid(row.shared(|it| it.task.as_ref(), |it| it.task.as_ref()).flatten()))),
        "cpu" => number(all().map(|row| row.shared(|it| it.cpu, |it| it.cpu).flatten())),
        "boot" => number(all().map(|row| row.shared(|it| narrow(it.boot), |it| narrow(it.boot)))),
        "taint" => words(|report| report.taint.as_deref()),
        "kernel_version" => words(|report| report.kernel_version.as_deref()),
        "hardware" => words(|report| report.hardware.as_deref()),
        "access_kind" => words(|report| Some(report.access.as_ref()?.kind.as_str())),
        "access_size" => number(reports().map(|report| report?.access.as_ref()?.size)),
        "access_address" => words(|report| report.access.as_ref()?.address.as_deref()),
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

/// Rows as a data frame with the columns of [`COLUMNS`], `without` some.
pub(super) fn frame(rows: &[&Row], without: &[String]) -> Result<DataFrame, TableError> {
    let columns = COLUMNS
        .iter()
        .filter(|column| !without.iter().any(|name| name == column.name))
        .map(|column| {
            let array = values(column.name, rows)?;
            let series = Series::try_from((PlSmallStr::from_static(column.name), array));
            Ok(Column::from(series.map_err(|error| internal(&error))?))
        })
        .collect::<Result<Vec<Column>, TableError>>()?;
    DataFrame::new(rows.len(), columns).map_err(|error| internal(&error))
}
