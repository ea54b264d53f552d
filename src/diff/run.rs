//! One log reduced to what can be compared: crashes, hangs, locks, messages, settings, milestones.

use super::cause::{Cause, cause_of};
use super::lines::{LineFacts, read_lines};
use super::noise::{comm, template};
use super::seen::{Area, Seen};
use crate::locks::{self, Dump};
use crate::report::{Event, Report, Speaker, Stack};
use std::collections::{BTreeMap, BTreeSet};

/// A crash of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Crash {
    /// syzbot's title.
    pub title: String,
    /// Other titles of the same bug.
    pub alternatives: Vec<String>,
    /// printk time, seconds since boot.
    pub time: Option<f64>,
    /// 1-based line.
    pub line: u64,
    /// What it is about, for reports of one title.
    pub cause: Cause,
}

/// One log, reduced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The log's name.
    pub log: String,
    /// Things that a run has or has not.
    pub traits: BTreeMap<(Area, String), Seen>,
    /// Values that are no matter of luck.
    pub settings: BTreeMap<(Area, String), String>,
    /// Modules that a report lists; absent when no report lists any.
    pub modules: Option<BTreeSet<String>>,
    /// Stations of the boot and when they were reached, seconds since boot.
    pub milestones: BTreeMap<&'static str, f64>,
    /// The same stations, with or without a time, by line.
    pub stations: Vec<(&'static str, u64)>,
    /// Times of the first and the last message, seconds since boot; nothing if the log has no such times, or holds several boots.
    pub span: Option<(f64, f64)>,
    /// What is printed without a stamp in a log with stamps, by short names of the messages' templates.
    pub unstamped: BTreeSet<u64>,
    /// Crashes in the order of the log, consequences and suppressed ones left out.
    pub crashes: Vec<Crash>,
}

/// One group of runs and its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// As the user named it.
    pub name: String,
    /// The runs.
    pub runs: Vec<Run>,
}

/// Reduces a log: its bytes (decompressed) and what the engine found in them.
#[must_use]
pub fn reduce(log: &str, text: &[u8], reports: &[Report], events: &[Event]) -> Run {
    let mut run = Run { log: log.to_owned(), ..Run::default() };
    for report in reports {
        take_report(&mut run, report);
    }
    let records: Vec<locks::Record<'_>> =
        reports.iter().map(locks::Record::Report).chain(events.iter().map(locks::Record::Event)).collect();
    for dump in locks::dumps(log, &records) {
        take_dump(&mut run, &dump);
    }
    for event in events {
        blocked(&mut run, event.time, &event.hung_tasks, &event.stacks);
    }
    let LineFacts { settings, modules, listed, milestones, span, messages, taints, unstamped, lost } =
        read_lines(text, reports, events);
    // Taint has an area of its own.
    let tainting: BTreeSet<u64> = taints.iter().map(|(_, line, _)| *line).collect();
    for event in events.iter().filter(|event| is_plain(event) && !tainting.contains(&event.line)) {
        run.see(Area::Event, template(&event.title), event.time, event.line);
    }
    run.settings.extend(settings);
    (run.span, run.unstamped) = (span, unstamped);
    run.stations = milestones.iter().map(|(name, seen)| (*name, seen.line)).collect();
    run.stations.sort_by_key(|(_, line)| *line);
    for (name, seen) in milestones {
        run.milestones.extend(seen.first.map(|time| (name, time)));
        run.see(Area::Milestone, name.to_owned(), seen.first, seen.line);
    }
    for (letter, line, first) in taints {
        let seen = run.traits.entry((Area::Taint, letter)).or_insert(Seen { times: 1, first, line });
        // A report may tell of it before the line at which it was set.
        if line < seen.line {
            *seen = Seen { first, line, ..*seen };
        }
    }
    for (name, line, time) in modules {
        run.see(Area::Module, name, time, line);
    }
    run.modules = listed;
    run.traits.extend(messages.into_iter().map(|(name, seen)| ((Area::Message, name), seen)));
    run.traits.extend(lost.into_iter().map(|(name, seen)| ((Area::Counter, name.to_owned()), seen)));
    run
}

impl Run {
    fn see(&mut self, area: Area, name: String, time: Option<f64>, line: u64) {
        self.traits.entry((area, name)).and_modify(|seen| seen.times += 1).or_insert(Seen {
            times: 1,
            first: time,
            line,
        });
    }
}

fn take_report(run: &mut Run, report: &Report) {
    for letter in report.taint.iter().flat_map(|taint| taint.chars()) {
        // G is the absence of P; W and D say that there was a warning or an oops, which are compared themselves.
        if letter.is_ascii_uppercase() && !['G', 'W', 'D'].contains(&letter) {
            let letter = letter.to_string();
            run.traits.entry((Area::Taint, letter)).or_insert(Seen { times: 1, first: report.time, line: report.line });
        }
    }
    if report.cause.is_some() || report.suppressed {
        return;
    }
    run.crashes.push(Crash {
        title: report.title.clone(),
        alternatives: report.alt_titles.clone(),
        time: report.time,
        line: report.line,
        cause: cause_of(report),
    });
    for task in report.hung_tasks.iter().filter(|task| task.seconds.is_some()) {
        run.see(Area::Hang, comm(&task.task.comm), report.time, task.line);
    }
    blocked(run, report.time, &report.hung_tasks, &report.stacks);
}

/// The caller of the functions that every sleeper sleeps in is where a task is blocked.
fn blocked(run: &mut Run, time: Option<f64>, tasks: &[crate::report::HungTask], stacks: &[Stack]) {
    for task in tasks.iter().filter(|task| task.seconds.is_some()) {
        let frames = task.stack.and_then(|at| stacks.get(at)).map_or(&[][..], |stack| &stack.frames[..]);
        let function = frames
            .iter()
            .filter(|frame| frame.reliable)
            .filter_map(|frame| frame.function.as_deref())
            .find(|name| !locks::is_primitive(name));
        if let Some(function) = function {
            run.see(Area::BlockedFunction, super::cause::bare(function).to_owned(), time, task.line);
        }
    }
}

/// Events of the kernel that stand for themselves; lock lists and the tasks of a task dump are compared as locks and hangs.
fn is_plain(event: &Event) -> bool {
    let one_of_a_dump = event.task.is_some() && event.stacks.len() == 1 && event.rows.is_empty();
    event.speaker == Speaker::Kernel && event.held_locks.is_empty() && event.hung_tasks.is_empty() && !one_of_a_dump
}

fn take_dump(run: &mut Run, dump: &Dump) {
    for root in &dump.roots {
        let waits =
            root.waits_for.as_ref().map_or(String::new(), |words| format!(", itself waiting for {}", template(words)));
        let through =
            if root.through.is_empty() { String::new() } else { format!(" through {}", root.through.join(", ")) };
        run.see(Area::HangRoot, format!("{}{through}{waits}", comm(&root.comm)), dump.at, dump.line);
    }
    for wait in dump.waits.iter().filter(|wait| wait.grade.is_strong()) {
        let Some(holder) = &wait.holder else { continue };
        let class = wait.lock.class.as_deref().unwrap_or(wait.kind.word());
        let name = format!("{} waits for {class}, held by {}", comm(&wait.waiter.comm), comm(&holder.comm));
        run.see(Area::LockEdge, name, dump.at, wait.evidence.first().copied().unwrap_or(dump.line));
    }
    for step in dump.lockdep.iter().flat_map(|explanation| &explanation.steps) {
        let Some(first) = &step.first else { continue };
        run.traits.entry((Area::LockOrder, format!("{first} -> {}", step.then))).or_insert(Seen {
            times: 1,
            first: dump.at,
            line: step.line,
        });
    }
}
