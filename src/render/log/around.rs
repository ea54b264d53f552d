//! What stands around a report: the last severe events before it, what followed from it, where it came again.

use super::group::Group;
use super::{LogView, is_severe};
use crate::line::Speaker;
use crate::report::{Event, Frame, Report, StackRole};
use std::collections::BTreeMap;

/// How many further places of a title, and titles of consequences, are named.
const PLACES: usize = 6;
/// How many events before a report are named.
const EVENTS: usize = 3;
/// How many lines before a report an event may stand.
const LINES: u64 = 200;
/// How long before a report an event may stand, seconds of printk time.
const SECONDS: f64 = 120.0;

/// The stacks that are a report's own.
const OWN: [StackRole; 3] = [StackRole::Crash, StackRole::Trace, StackRole::Hung];
/// What begins the names of the tasks and functions that run KUnit's tests.
const TEST: &str = "kunit_try_";

/// How many lines before a panic a task may have said how it ended.
const NEXT: u64 = 8;

/// How many lines two events of one kind may stand apart to be reported as one.
const APART: u64 = 4;
/// And how long, seconds.
const PAUSE: f64 = 10.0;

/// Events of one kind that follow each other.
pub(in crate::render) struct Run<'a> {
    pub(in crate::render) first: &'a Event,
    last: &'a Event,
    count: usize,
}

impl Run<'_> {
    /// What it was, and how long before the report.
    pub(in crate::render) fn words(&self, report: &Report) -> String {
        let earlier = self.last.time.zip(report.time).map(|(event, report)| report - event);
        let about = match (self.count, earlier) {
            (1, None) => String::new(),
            (1, Some(seconds)) => format!(" ({seconds:.3} s earlier)"),
            (count, None) => format!(" (the first of {count} such lines)"),
            (count, Some(seconds)) => {
                format!(" (the first of {count} such lines, the last {seconds:.3} s earlier)")
            }
        };
        format!("{}{about}", self.first.title)
    }
}

/// Whether an event is how the task ended by whose end the kernel panics: the fault of init.
fn is_end_of(event: &Event, report: &Report) -> bool {
    let pid = event.fields.get("pid").and_then(|pid| pid.parse().ok());
    let same = report.task.as_ref().is_some_and(|task| task.pid == 1 && Some(task.pid) == pid);
    let close = report.line - event.line.min(report.line) <= NEXT;
    same && close && event.speaker == Speaker::Kernel && report.panicked
}

/// The last severe events before a report that belong to no report, the earliest first.
pub(in crate::render) fn runs_before<'a>(reports: &[Report], events: &'a [Event], report: &Report) -> Vec<Run<'a>> {
    let said = |event: &Event| report.message.iter().any(|sentence| sentence.contains(&event.title));
    let inside = |event: &Event| reports.iter().any(|one| one.line <= event.line && event.line <= last_line(one));
    // What a task waits for began before it was found to wait, and that is looked for as seldom.
    let waited = report.hung_tasks.iter().filter_map(|hung| hung.seconds).max().unwrap_or(0);
    let hung = 2.0 * f64::from(u32::try_from(waited).unwrap_or(u32::MAX));
    let near = |event: &&Event| {
        let in_time = || match (event.time, report.time) {
            (Some(event), Some(report)) => (0.0..=SECONDS + hung).contains(&(report - event)),
            _ => true,
        };
        event.line < report.line
            && report.line - event.line <= LINES
            && (is_severe(event) || is_end_of(event, report))
            && event.boot == report.boot
            && in_time()
    };
    // Lines of one kind that follow each other are one event; it begins with the first of them.
    let mut runs: Vec<Run<'a>> = Vec::new();
    let severe = events.iter().rev().filter(near);
    for event in severe.filter(|event| !said(event) && !inside(event)) {
        let full = runs.len() == EVENTS;
        let paused = |run: &Run<'_>| run.first.time.zip(event.time).is_some_and(|(later, time)| later - time > PAUSE);
        let close = |run: &&mut Run<'_>| {
            run.first.kind == event.kind && run.first.line.saturating_sub(event.line) <= APART && !paused(run)
        };
        match runs.last_mut().filter(close) {
            Some(run) => {
                run.first = event;
                run.count += 1;
            }
            None if full => break,
            None => runs.push(Run { first: event, last: event, count: 1 }),
        }
    }
    runs.reverse();
    runs
}

/// The last severe events before the report that belong to no report.
pub(super) fn before(view: &LogView, report: &Report) -> Vec<String> {
    let runs = runs_before(view.reports(), view.events(), report);
    runs.iter().map(|run| format!("{} :{}", run.words(report), run.first.line)).collect()
}

/// Whether one of the kernel's own tests ran there.
pub(super) fn is_test(report: &Report) -> bool {
    let runs = |frame: &Frame| frame.function.as_deref().is_some_and(|name| name.starts_with(TEST));
    report.task.as_ref().is_some_and(|task| task.comm.starts_with(TEST))
        || report.stacks.iter().filter(|stack| OWN.contains(&stack.role)).flat_map(|stack| &stack.frames).any(runs)
}

/// Reports that are consequences of this one, by title.
pub(super) fn then(view: &LogView, report: &Report, full: bool) -> Vec<String> {
    let mut titles: Vec<(&Report, usize)> = Vec::new();
    let mut by_title: BTreeMap<&str, usize> = BTreeMap::new();
    for other in view.reports.iter().filter(|other| other.cause == Some(report.index)) {
        let at = *by_title.entry(&other.title).or_insert(titles.len());
        match titles.get_mut(at) {
            Some((_, count)) => *count += 1,
            None => titles.push((other, 1)),
        }
    }
    let most = if full { usize::MAX } else { PLACES };
    let lines = titles.iter().take(most).map(|(other, count)| match count {
        1 => format!("{} :{}", spoken(other), other.line),
        count => format!("{} ({count} times, first :{})", spoken(other), other.line),
    });
    let more = titles.len().saturating_sub(most);
    lines.chain((more > 0).then(|| format!("{more} more titles: --full"))).collect()
}

/// A title; of one that is only the first line with its numbers taken out, that line.
fn spoken(report: &Report) -> &str {
    let title = &report.title;
    let mask = ["NUM", "ADDR"].iter().filter_map(|mask| title.find(mask)).min().filter(|_| report.frame.is_empty());
    let line = |mask: usize| report.message.iter().find(|sentence| mask > 0 && sentence.contains(&title[..mask]));
    mask.and_then(line).unwrap_or(title)
}

/// Where the same came again, and where its lines stand once more.
pub(super) fn again(group: &Group<'_>, full: bool) -> Vec<String> {
    let most = if full { usize::MAX } else { PLACES };
    let mut again = came_again(group, most);
    if !group.copies.is_empty() {
        again.push(format!("the same lines, copied: {}", places(&group.copies, most)));
    }
    again
}

/// `:12 :40 and 3 more`.
fn places(reports: &[&Report], most: usize) -> String {
    let places: Vec<String> = reports.iter().take(most).map(|report| format!(":{}", report.line)).collect();
    let more = reports.len().saturating_sub(most);
    if more > 0 { format!("{} and {more} more", places.join(" ")) } else { places.join(" ") }
}

fn came_again(group: &Group<'_>, most: usize) -> Vec<String> {
    if group.hang.is_some() {
        let later = group.later.iter().map(|(dump, _)| match dump.at {
            Some(at) => format!("the same tasks at {at:.1} s :{}", dump.line),
            None => format!("the same tasks :{}", dump.line),
        });
        let more = group.later.len().saturating_sub(most);
        return later.take(most).chain((more > 0).then(|| format!("{more} more times: --full"))).collect();
    }
    let same = &group.reports[1..];
    if same.is_empty() {
        return Vec::new();
    }
    let times = if same.len() == 1 { "once more".to_owned() } else { format!("{} times more", same.len()) };
    vec![format!("{times}: {}", places(same, most))]
}

/// About where the last stack or list of a report ends, 1-based line: what follows in its window is not a part of it.
pub(in crate::render) fn last_line(report: &Report) -> u64 {
    let stacks = report.stacks.iter().map(|stack| stack.line + stack.frames.len() as u64);
    let lists = report.held_locks.iter().map(|list| list.line + list.locks.len() as u64);
    stacks.chain(lists).max().unwrap_or(0).max(report.line)
}
