//! Records of a log that was taken out of its file get the lines and offsets of the file.

use crate::engine::Item;
use crate::report::{Event, Report, renumber_event, renumber_report};

/// Gives every line and offset of a record through `line` and `offset`.
pub(in crate::intake) fn renumber(item: &mut Item, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    match item {
        Item::Opened { start, .. } => *start = offset(*start),
        Item::Closed(report) => settle_report(report, line, offset),
        Item::Event(event) => settle_event(event, line, offset),
    }
}

/// The same of a report.
pub(super) fn settle_report(report: &mut Report, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    renumber_report(report, line);
    (report.start, report.end) = (offset(report.start), offset(report.end));
    report.text_end = offset(report.text_end);
}

/// The same of an event.
pub(super) fn settle_event(event: &mut Event, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    renumber_event(event, line);
    event.start = offset(event.start);
}
