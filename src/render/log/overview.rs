//! The head of a log with more than one heading: what it is, then one line per heading.

use super::super::{Look, safe, wrap_into};
use super::Group;
use crate::engine::Summary;
use crate::report::Report;
use std::fmt::Write as _;

/// What all reports of a log have in common; it is said once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) kernel_version: Option<String>,
    pub(super) hardware: Option<String>,
    pub(super) taint: Option<String>,
}

impl Common {
    pub(super) fn of(reports: &[&Report]) -> Self {
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
    look: &Look,
) {
    let reports: usize = groups.iter().map(|group| group.reports.len()).sum();
    let mut parts = vec![format!("{} in {reports} reports", headings(groups.len()))];
    if summary.boots > 1 {
        parts.push(format!("{} boots", summary.boots));
    }
    parts.extend(common.kernel_version.as_ref().map(|version| safe(version).into_owned()));
    parts.extend(common.taint.as_ref().map(|taint| tainted(taint)));
    parts.extend(common.hardware.as_ref().map(|machine| safe(machine).into_owned()));
    wrap_into(out, "", 2, &format!("{}: {}", safe(log), parts.join(" · ")), look.wrap());
    let rows: Vec<[String; 3]> = groups
        .iter()
        .map(|group| {
            let first = group.reports[0];
            let when = first.time.map(|time| format!("{time:.3} s")).or_else(|| first.wall.clone());
            let count = group.reports.len();
            [
                format!(":{}", first.line),
                when.unwrap_or_default(),
                if count > 1 { format!("{count}×") } else { String::new() },
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    for (group, [line, when, count]) in groups.iter().zip(&rows) {
        let row = format!("  {line:>first$}  {when:>second$}  {count:>third$}  {}", heading(group));
        let _ = writeln!(out, "{}", look.fitted(row.trim_end()));
    }
    out.push('\n');
}

/// The title, and the function that a person would name; of a hang the number of its tasks.
pub(super) fn heading(group: &Group<'_>) -> String {
    let first = group.reports[0];
    let subject = first.subject.as_ref().map_or(String::new(), |name| format!("; probably {}", safe(name)));
    let others = group.reports.iter().filter(|report| report.title != first.title).count();
    let more = if others > 0 { format!(" (and {others} more hung tasks)") } else { String::new() };
    format!("{}{subject}{more}", safe(&first.title))
}

/// `tainted G W`.
pub(super) fn tainted(taint: &str) -> String {
    if taint.is_empty() { "not tainted".into() } else { format!("tainted {}", safe(taint)) }
}

fn headings(count: usize) -> String {
    if count == 1 { "1 title".into() } else { format!("{count} titles") }
}
