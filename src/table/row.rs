//! What a row says, whichever kind of record it is.

use super::{LogRow, Row};
use crate::report::{Event, HeldLocks, HungTask, Report, Stack};

/// What a row says, whichever kind of record it is.
impl Row {
    pub(super) fn report(&self) -> Option<&Report> {
        if let Self::Report(report) = self { Some(report) } else { None }
    }

    pub(super) fn event(&self) -> Option<&Event> {
        if let Self::Event(event) = self { Some(event) } else { None }
    }

    pub(super) fn of_log(&self) -> Option<&LogRow> {
        if let Self::Log(log) = self { Some(log) } else { None }
    }

    pub(super) fn record(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Report(_) => "report",
            Self::Event(_) => "event",
        }
    }

    pub(super) fn log(&self) -> &str {
        match self {
            Self::Log(log) => &log.log,
            Self::Report(report) => &report.log,
            Self::Event(event) => &event.log,
        }
    }

    pub(super) fn stacks(&self) -> &[Stack] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.stacks,
            Self::Event(event) => &event.stacks,
        }
    }

    pub(super) fn held_locks(&self) -> &[HeldLocks] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.held_locks,
            Self::Event(event) => &event.held_locks,
        }
    }

    pub(super) fn hung_tasks(&self) -> &[HungTask] {
        match self {
            Self::Log(_) => &[],
            Self::Report(report) => &report.hung_tasks,
            Self::Event(event) => &event.hung_tasks,
        }
    }

    /// A field that reports and events share.
    pub(super) fn shared<'r, T>(&'r self, report: fn(&'r Report) -> T, event: fn(&'r Event) -> T) -> Option<T> {
        match self {
            Self::Log(_) => None,
            Self::Report(of) => Some(report(of)),
            Self::Event(of) => Some(event(of)),
        }
    }

    pub(super) fn damage(&self) -> &[String] {
        match self {
            Self::Log(log) => log.damage.as_slice(),
            Self::Report(report) => &report.damage,
            Self::Event(_) => &[],
        }
    }
}
