//! The graphs of a log's page: who waits for whom with every task below, and the order of locks that lockdep saw.

use super::words::story;
use super::{line_link, stack};
use crate::locks::{Dump, DumpTask, Explanation, Wait};
use crate::render::svg::{Setting, crowded, orders_svg, waits_svg};
use crate::render::{Look, hang_text, lockdep_text};
use crate::report::{Event, Report, Stack};
use maud::{Markup, PreEscaped, html};

/// Tasks that are reported one by one.
const TASKS: usize = 600;

/// What was found in a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    /// Its reports.
    pub(super) reports: &'a [Report],
    /// Its events.
    pub(super) events: &'a [Event],
}

/// The picture of a dump, the story, and each of its tasks, with their stacks as far as the records have them.
pub(super) fn waits(records: Records<'_>, dump: &Dump) -> Markup {
    let anchor = format!("dump-{}-", dump.index);
    let picture = |open: bool| {
        let id = if open { format!("{anchor}open-") } else { anchor.clone() };
        PreEscaped(waits_svg(dump, Setting::Page { anchor: &anchor, id: &id }, open))
    };
    let drawn = !dump.waits.is_empty();
    let tasks = in_order(dump);
    html! {
        div.beside {
            @if drawn {
                div.graph {
                    div.wide tabindex="0" role="region" aria-label="wait graph" { (picture(false)) }
                    @if crowded(dump) {
                        details.opened {
                            summary { "with every task of the crowds" }
                            div.wide tabindex="0" role="region" aria-label="wait graph, every task" { (picture(true)) }
                        }
                    }
                }
            }
            div {
                @if !tasks.is_empty() {
                    h3 { "tasks" }
                    div.tasks {
                        @for task in tasks.iter().take(TASKS) { (one_task(records, dump, task, &anchor)) }
                        @if tasks.len() > TASKS { p.soft { (tasks.len() - TASKS) " further tasks are in the log" } }
                    }
                }
                details { summary { "in words" } (story(&hang_text(dump, &Look::default()))) }
            }
        }
    }
}

/// The tasks of a dump: cycles, roots, those that wait, the others.
fn in_order(dump: &Dump) -> Vec<&DumpTask> {
    let mut tasks: Vec<&DumpTask> = dump.tasks.iter().collect();
    tasks.sort_by_key(|task| {
        let root = dump.roots.iter().position(|root| root.pid == task.pid && root.blocked_tasks > 0);
        if dump.cycles.iter().any(|cycle| cycle.contains(&task.pid)) {
            0
        } else if let Some(at) = root {
            1 + at
        } else if dump.waits.iter().any(|wait| wait.waiter.pid == task.pid) {
            usize::MAX - 1
        } else {
            usize::MAX
        }
    });
    tasks
}

fn one_task(records: Records<'_>, dump: &Dump, task: &DumpTask, anchor: &str) -> Markup {
    let waits: Vec<&Wait> = dump.waits.iter().filter(|wait| wait.waiter.pid == task.pid).collect();
    let root = dump.roots.iter().find(|root| root.pid == task.pid && root.blocked_tasks > 0);
    html! {
        details #{ (anchor) "task-" (task.pid) } {
            summary {
                strong { (task.comm) "/" (task.pid) }
                @if let Some(state) = &task.state { " " (state) }
                @if let Some(seconds) = task.seconds { " blocked for " (seconds) " s" }
                @if let Some(root) = root { " · root, blocks " (root.blocked_tasks) }
                @if dump.cycles.iter().any(|cycle| cycle.contains(&task.pid)) { " · deadlocked" }
                @if let Some(wait) = waits.first() {
                    span.soft {
                        " waits for " (wait.lock.class.as_deref().unwrap_or(wait.kind.word()))
                        @if let Some(holder) = &wait.holder { " of " (holder.comm) "/" (holder.pid) }
                    }
                }
            }
            p.soft { "first spoken of in " (line_link(task.line)) }
            @for wait in waits {
                p {
                    "waits for " (wait.lock.class.as_deref().unwrap_or(wait.kind.word()))
                    @if wait.lock.class.is_some() { " (" (wait.kind.word()) ")" }
                    @if let Some(at) = &wait.lock.acquired_at { " in " code { (at) } }
                    @if let Some(holder) = &wait.holder {
                        ", held by " a href={ "#" (anchor) "task-" (holder.pid) } { (holder.comm) "/" (holder.pid) }
                    }
                    "; " strong { (wait.grade.word()) } ": " (wait.because)
                    @for line in &wait.evidence { " " (line_link(*line)) }
                }
            }
            @if !task.holds.is_empty() {
                p {
                    "holds"
                    @for (at, lock) in task.holds.iter().enumerate() {
                        @if at > 0 { "," }
                        " " (lock.class.as_deref().unwrap_or("a lock without a name"))
                        @if let Some(place) = &lock.acquired_at { " taken in " code { (place) } }
                        @if let Some(line) = lock.line { " " (line_link(line)) }
                    }
                }
            }
            @if let Some(work) = &task.work { p { "work: " (work) } }
            @if task.inherited { p.soft { "its stack is that of an earlier dump, still valid" } }
            @if let Some(found) = stack_of(records, dump, task.pid) { (stack::stack(found, "")) }
        }
    }
}

/// The stack of a task in a dump: the first from the dump on, else the last one before it.
fn stack_of<'a>(records: Records<'a>, dump: &Dump, pid: i64) -> Option<&'a Stack> {
    let of = |stack: &&Stack| !stack.frames.is_empty() && stack.task.as_ref().is_some_and(|task| task.pid == pid);
    let reports = records.reports.iter().filter(|report| report.boot == dump.boot);
    let events = records.events.iter().filter(|event| event.boot == dump.boot);
    let stacks = reports.flat_map(|report| &report.stacks).chain(events.flat_map(|event| &event.stacks));
    let mut all: Vec<&Stack> = stacks.filter(of).collect();
    all.sort_by_key(|stack| stack.line);
    all.iter().find(|stack| stack.line >= dump.line).or(all.last()).copied()
}

/// One of lockdep's reports: the order graph and the story.
pub(super) fn orders(explanation: &Explanation) -> Markup {
    let anchor = format!("order-{}-", explanation.line);
    let picture = orders_svg(explanation, Setting::Page { anchor: &anchor, id: &anchor });
    html! {
        p { (explanation.summary) " " (line_link(explanation.line)) }
        @if let Some(picture) = picture {
            div.graph { div.wide tabindex="0" role="region" aria-label="lock order" { (PreEscaped(picture)) } }
        }
        details open[explanation.steps.is_empty()] { summary { "in words" } (story(&lockdep_text(explanation, &Look::default()))) }
    }
}
