//! The head of a log with more than one heading: what it is, then one line per heading.

use super::super::{Look, Width, safe, wrap_into};
use super::group::Group;
use crate::engine::Summary;
use crate::grammar::bare_function;
use crate::report::{Report, StackRole};
use std::fmt::Write as _;

/// What all reports of a log have in common; it is said once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::render) struct Common {
    pub(in crate::render) kernel_version: Option<String>,
    pub(in crate::render) hardware: Option<String>,
    pub(in crate::render) taint: Option<String>,
}

impl Common {
    pub(in crate::render) fn of(reports: &[&Report]) -> Self {
        let same = |field: &dyn Fn(&Report) -> Option<String>| {
            let mut values = reports.iter().filter_map(|report| field(report));
            let first = values.next()?;
            values.all(|value| value == first).then_some(first)
        };
        Self {
            kernel_version: same(&|report| report.kernel_version.clone()),
            hardware: same(&|report| report.hardware.clone()),
            taint: same(&|report| report.taint.clone()),
        }
    }
}

/// Writes the head.
pub(super) fn write(
    out: &mut String,
    log: &str,
    summary: &Summary,
    groups: &[Group<'_>],
    common: &Common,
    count: &str,
    look: &Look,
) {
    let mut parts = vec![count.to_owned()];
    if summary.boots > 1 {
        parts.push(format!("{} boots", summary.boots));
    }
    parts.extend(common.kernel_version.as_ref().map(|version| safe(version).into_owned()));
    parts.extend(common.taint.as_ref().map(|taint| tainted(taint)));
    parts.extend(common.hardware.as_ref().map(|machine| safe(machine).into_owned()));
    // A brief answer in a file or a pipe is searched line by line.
    let whole = look.width == Width::UNBOUNDED;
    let columns = if whole && look.is_brief() { usize::MAX } else { look.wrap() };
    wrap_into(out, "", 2, &format!("{}: {}", safe(log), parts.join(" · ")), columns);
    let several = groups.iter().any(|group| group.reports[0].severity != groups[0].reports[0].severity);
    let rows: Vec<[String; 4]> = groups
        .iter()
        .map(|group| {
            let first = group.reports[0];
            let when = first
                .time
                .map(|time| format!("{time:.3} s"))
                .or_else(|| first.wall.as_deref().map(|wall| safe(wall).into_owned()));
            let severity = if several { first.severity.word() } else { "" };
            let count = group.count();
            [
                format!(":{}", first.line),
                when.unwrap_or_default(),
                severity.to_owned(),
                if count > 1 { format!("{count}×") } else { String::new() },
            ]
        })
        .collect();
    let widths: [usize; 4] =
        std::array::from_fn(|column| rows.iter().map(|row| crate::render::columns(&row[column])).max().unwrap_or(0));
    for (group, row) in groups.iter().zip(&rows) {
        let mut first = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate().filter(|(_, (_, width))| *width > 0) {
            // Words stand to the left, numbers to the right.
            let _ = if at == 2 { write!(first, "  {cell:<width$}") } else { write!(first, "  {cell:>width$}") };
        }
        first.push_str("  ");
        let indent = crate::render::columns(&first);
        let own = if group.reports[0].syzbot || !look.is_brief() { "" } else { " (not a title of syzbot)" };
        let columns = if whole { usize::MAX } else { look.wrap() };
        wrap_into(out, &first, indent, &format!("{}{own}", heading(group)), columns);
    }
    if !look.is_brief() {
        out.push('\n');
    }
}

/// The title, and the function that a person would name: the one that was interrupted by the fault, or else a guess; of a hang the
/// number of its tasks.
pub(in crate::render) fn heading(group: &Group<'_>) -> String {
    let first = group.reports[0];
    let subject = first.subject.as_ref().map_or(String::new(), |name| {
        let how = if first.stated || faults_in(first, name) { "at" } else { "probably" };
        format!("; {how} {}", safe(name))
    });
    let more = match group.reports.len() - 1 {
        0 => String::new(),
        _ if group.hang.is_none() => String::new(),
        1 => " (and 1 more hung task)".to_owned(),
        count => format!(" (and {count} more hung tasks)"),
    };
    format!("{}{subject}{more}", safe(&first.title))
}

/// Whether the faulting instruction is one of that function.
fn faults_in(report: &Report, name: &str) -> bool {
    let mut at =
        report.stacks.iter().filter(|stack| stack.role == StackRole::Pc).filter_map(|stack| stack.frames.first());
    at.any(|frame| frame.function.as_deref().is_some_and(|function| bare_function(function) == name))
}

/// `tainted G W`.
pub(in crate::render) fn tainted(taint: &str) -> String {
    if taint.is_empty() { "not tainted".into() } else { format!("tainted {}", safe(taint)) }
}
