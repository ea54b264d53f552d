//! One heading of a log as a card: the kernel's words, the stack, registers, what came before and after, all occurrences.

use super::super::guilty_file;
use super::super::log::around::runs_before;
use super::super::log::group::Group;
use super::super::log::order::in_order;
use super::super::log::overview::{Common, heading, tainted};
use super::super::log::words::{access_text, cpu_text, object_text, task_text};
use super::super::several;
use super::LogPage;
use super::words::shell_word;
use super::{graph, line_link, source, stack};
use crate::report::{HeldLocks, Report, Stack};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// Further stacks of a report that are shown.
const STACKS: usize = 12;
/// Occurrences that are listed.
const PLACES: usize = 500;

/// A severity as a number, the worst 0.
pub(super) fn rank(report: &Report) -> u8 {
    report.severity as u8
}

/// One heading and what stands around it.
pub(super) struct Card<'a> {
    pub(super) page: &'a LogPage<'a>,
    pub(super) group: &'a Group<'a>,
    pub(super) common: &'a Common,
    pub(super) number: usize,
    pub(super) open: bool,
}

impl Card<'_> {
    pub(super) fn markup(&self) -> Markup {
        let report = self.group.reports[0];
        let callers: BTreeSet<&str> = self.group.all().filter_map(|one| one.caller.as_deref()).collect();
        let count = self.group.count();
        let heading = heading(self.group);
        html! {
            details class={ "card s" (rank(report)) } #{ "card-" (self.number) } open[self.open]
                data-rank=(rank(report)) data-callers=(callers.into_iter().collect::<Vec<_>>().join(" ")) {
                summary {
                    span.title { (heading) }
                    span.sev { (report.severity.word()) }
                    @if count > 1 { span.soft { (count) "×" } }
                }
                (self.place(report))
                div.buttons data-needs-script hidden {
                    button type="button" data-copy=(report.title) { "copy title" }
                    button type="button" data-copy-stack { "copy stack" }
                    button type="button" data-copy=(self.command()) { "copy command" }
                }
                (self.words(report))
                @if let Some(told) = self.page.sources.iter().find(|told| told.index == Some(report.index)) { (source::source(told)) }
                (self.picture())
                (self.stacks(report))
                (self.locks(report))
                (registers(report))
                (self.then(report))
                (self.again())
            }
        }
    }

    /// What gives this answer again.
    fn command(&self) -> String {
        let verb = if self.group.hang.is_some() { "locks" } else { "parse --full" };
        format!("kanalyze {verb} {}", shell_word(self.page.name))
    }

    fn place(&self, report: &Report) -> Markup {
        let mut about: Vec<String> = Vec::new();
        about.extend(report.time.map(|time| format!("{time:.6} s")));
        about.extend(report.wall.clone());
        about.extend(report.task.as_ref().map(task_text));
        about.extend(cpu_text(report));
        about.extend(report.caller.clone());
        about.extend(report.kernel_version.clone().filter(|_| self.common.kernel_version.is_none()));
        about.extend(report.taint.as_ref().filter(|_| self.common.taint.is_none()).map(|taint| tainted(taint)));
        about.extend(report.hardware.clone().filter(|_| self.common.hardware.is_none()));
        about.extend(report.executor.as_ref().map(|one| format!("executor {} program {}", one.proc, one.id)));
        about.extend((!report.syzbot).then(|| "not a title of syzbot".to_owned()));
        html! { p.soft { (line_link(report.line)) @for part in about { " · " (part) } } }
    }

    fn words(&self, report: &Report) -> Markup {
        let page = self.page;
        let announces = |sentence: &&String| !(sentence.ends_with(':') && report.message.len() > 1);
        let before = runs_before(page.view.reports(), page.view.events(), report);
        let doubts = [
            report.corrupted.as_ref().map(|reason| format!("corrupted by syzbot's rules: {reason}")),
            report.suppressed.then(|| "suppressed: the output says that this is a side effect".to_owned()),
        ];
        let doubts: Vec<String> = doubts
            .into_iter()
            .flatten()
            .chain(report.damage.iter().map(|words| format!("incomplete: {words}")))
            .collect();
        html! {
            dl.facts {
                @if !report.message.is_empty() {
                    dt { "says" }
                    dd { @for sentence in report.message.iter().filter(announces) { div { (sentence) } } }
                }
                @if let Some(source) = &report.source { dt { "at" } dd { code { (source.file) ":" (source.line) } } }
                @if let Some(access) = &report.access { dt { "access" } dd { (access_text(access)) } }
                @if let Some(object) = &report.object { dt { "object" } dd { (object_text(object)) } }
                @if let Some(file) = guilty_file(report) { dt { "blame" } dd { code { (file) } } }
                @if let Some(number) = report.oops.filter(|number| *number > 1) {
                    dt { "oops" } dd { "number " (number) " of this boot" }
                }
                @if !report.alt_titles.is_empty() {
                    dt { "also known as" }
                    dd { @for title in &report.alt_titles { div { (title) } } }
                }
                @if !before.is_empty() {
                    dt { "before" }
                    dd { @for run in &before { div { (run.words(report)) " " (line_link(run.first.line)) } } }
                }
                @for (at, doubt) in doubts.iter().enumerate() {
                    dt { @if at == 0 { "doubt" } } dd.doubt { (doubt) }
                }
            }
        }
    }

    /// Who waits for whom, or in which order locks were taken.
    fn picture(&self) -> Markup {
        let records = graph::Records { reports: self.page.view.reports(), events: self.page.view.events() };
        match (self.group.hang, self.group.explanation) {
            (Some(dump), _) => {
                let titles: BTreeSet<&str> = self.group.reports.iter().map(|report| report.title.as_str()).collect();
                html! {
                    @if titles.len() > 1 {
                        details { summary { (titles.len()) " titles" } ul { @for title in titles { li { (title) } } } }
                    }
                    (graph::waits(records, dump))
                }
            }
            (None, Some(explanation)) => graph::orders(explanation),
            (None, None) => html! {},
        }
    }

    fn stacks(&self, report: &Report) -> Markup {
        let blamed = report.subject.as_deref().unwrap_or(&report.frame);
        let stacks = in_order(report, false);
        // The tasks of a hang have theirs below the graph; lockdep's are in the order graph.
        let few = if self.group.hang.is_some() || report.lockdep.is_some() { 1 } else { 3 };
        let name = |stack: &Stack| {
            let own = stack.task == report.task;
            let whose =
                stack.task.as_ref().filter(|_| !own).map_or(String::new(), |task| format!(" ({})", task_text(task)));
            format!("{}{whose}", stack.role)
        };
        html! {
            div.side { @for one in stacks.iter().take(few) { div { h3 { "stack: " (name(one)) } (stack::stack(one, blamed)) } } }
            @if stacks.len() > few {
                details {
                    summary { (several(stacks.len() - few, "more stack")) }
                    div.side {
                        @for one in stacks.iter().skip(few).take(STACKS) { div { h3 { (name(one)) } (stack::stack(one, blamed)) } }
                    }
                    @if stacks.len() > few + STACKS { p.soft { (stacks.len() - few - STACKS) " further stacks are in the log" } }
                }
            }
        }
    }

    fn locks(&self, report: &Report) -> Markup {
        if self.group.hang.is_some() {
            return html! {};
        }
        let lists: Vec<&HeldLocks> = report.held_locks.iter().filter(|list| !list.locks.is_empty()).collect();
        html! {
            @if !lists.is_empty() {
                details {
                    summary {
                        (several(lists.iter().map(|list| list.locks.len()).sum(), "lock")) " listed (held, or the last one awaited)"
                    }
                    @for list in lists {
                        h3 { @if let Some(task) = &list.task { (task_text(task)) } @else { "a task" } " " (line_link(list.line)) }
                        @for lock in &list.locks {
                            div.mono {
                                "#" (lock.number.unwrap_or(0)) " " (lock.class)
                                @if let Some(function) = lock.acquired_at.as_ref().and_then(|frame| frame.function.as_ref()) {
                                    " at " (function)
                                }
                                " " (line_link(lock.line))
                            }
                        }
                    }
                }
            }
        }
    }

    /// Reports that are consequences of this one, by title.
    fn then(&self, report: &Report) -> Markup {
        let mut titles: Vec<(&Report, usize)> = Vec::new();
        let mut by_title: BTreeMap<&str, usize> = BTreeMap::new();
        for other in self.page.view.reports().iter().filter(|other| other.cause == Some(report.index)) {
            let at = *by_title.entry(&other.title).or_insert(titles.len());
            match titles.get_mut(at) {
                Some((_, count)) => *count += 1,
                None => titles.push((other, 1)),
            }
        }
        html! {
            @if !titles.is_empty() {
                h3 { "what followed" }
                @for (other, count) in titles {
                    div { (other.title) " " (line_link(other.line)) @if count > 1 { span.soft { " " (count) " times" } } }
                }
            }
        }
    }

    /// Where the same came again.
    fn again(&self) -> Markup {
        let dumps = &self.group.later;
        let same: Vec<&Report> = if dumps.is_empty() { self.group.reports[1..].to_vec() } else { Vec::new() };
        let titles = same.iter().any(|other| other.title != self.group.reports[0].title);
        html! {
            @for (dump, _) in dumps {
                div { "the same tasks again" @if let Some(at) = dump.at { (format!(" at {at:.1} s")) } " " (line_link(dump.line)) }
            }
            @for copy in self.group.copies.iter().take(PLACES) {
                div { "the same lines, copied " (line_link(copy.line)) }
            }
            @if !same.is_empty() {
                details {
                    summary {
                        (several(same.len(), if self.group.hang.is_some() { "more hung task" } else { "more time" }))
                    }
                    div.wide tabindex="0" {
                        table {
                            thead { tr { th { "line" } th { "time" } th { "task" } @if titles { th { "title" } } } }
                            tbody {
                                @for other in same.iter().take(PLACES) {
                                    tr {
                                        td { (line_link(other.line)) }
                                        td.num { @if let Some(time) = other.time { (format!("{time:.3} s")) } }
                                        td { @if let Some(task) = &other.task { (task_text(task)) } }
                                        @if titles { td { (other.title) } }
                                    }
                                }
                            }
                        }
                    }
                    @if same.len() > PLACES { p.soft { (same.len() - PLACES) " further times are in the log" } }
                }
            }
        }
    }
}

fn registers(report: &Report) -> Markup {
    html! {
        @if !report.registers.is_empty() || report.code.is_some() {
            details {
                summary { "registers" }
                pre { @for (name, value) in &report.registers { (name) "=" (value) "  " } }
                @if let Some(code) = &report.code { pre { "Code: " (code) } }
            }
        }
    }
}
