//! The text view of a log: each kind of crash once, its stack folded to what matters, then what is missing.

use super::{Palette, Width, fitted, safe};
use crate::engine::{Item, Summary};
use crate::report::{Event, Frame, HeldLocks, Report, Speaker, Stack, Task};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Gathers the items of one log, then writes the view.
#[derive(Debug, Default)]
pub struct LogView {
    reports: Vec<Report>,
    events: Vec<Event>,
    /// Reports beyond what is kept: title → how many.
    uncounted: BTreeMap<String, usize>,
    /// Events beyond what is kept.
    further: usize,
}

/// How many reports of a log are kept for the view; further ones are only counted.
const KEPT: usize = 2_000;
/// How many frames of a stack are shown around the blamed one.
const SHOWN: usize = 10;
/// How many further places of a title are named.
const PLACES: usize = 6;
/// So much of the first event's title stands in the closing line.
const NOTABLE: usize = 60;
/// How many held locks of a list are shown.
const LOCKS: usize = 8;

impl LogView {
    /// Takes one more item.
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Closed(report) if self.reports.len() < KEPT => self.reports.push(*report),
            Item::Closed(report) => *self.uncounted.entry(report.title).or_default() += 1,
            Item::Event(event) if self.events.len() < KEPT => self.events.push(*event),
            Item::Event(_) => self.further += 1,
            Item::Opened { .. } => {}
        }
    }

    /// Whether no report was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// The reports that were kept.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The events that were kept.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The view, ending with what the log itself says is missing. `events` shows those too; `digest` adds lines to a
    /// report (the lock graph's).
    #[must_use]
    pub fn text(
        &self,
        log: &str,
        summary: &Summary,
        events: bool,
        palette: &Palette,
        width: Width,
        digest: &dyn Fn(&Report) -> Vec<String>,
    ) -> String {
        let mut out = String::new();
        let causes: Vec<&Report> = self.reports.iter().filter(|report| report.cause.is_none()).collect();
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for report in &causes {
            let seen = shown.entry(report.title.as_str()).or_default();
            *seen += 1;
            if *seen > 1 {
                continue;
            }
            let same: Vec<&&Report> = causes.iter().filter(|other| other.title == report.title).skip(1).collect();
            let then: Vec<&Report> = self.reports.iter().filter(|other| other.cause == Some(report.index)).collect();
            self.report(&mut out, report, &then, &same, palette, width, digest);
        }
        for event in self.events.iter().filter(|_| events) {
            let line =
                format!("{}  {}", place(log, event.line, event.time, event.caller.as_deref()), safe(&event.title));
            let _ = writeln!(out, "{}{}{}", palette.quiet, fitted(&line, width.0), palette.quiet.render_reset());
            for row in event.rows.iter().take(SHOWN) {
                let _ = writeln!(out, "    {}", fitted(&safe(row), width.0.saturating_sub(4)));
            }
            if event.rows.len() > SHOWN {
                let _ = writeln!(out, "    … {} more rows", event.rows.len() - SHOWN);
            }
        }
        let _ =
            writeln!(out, "{}", fitted(&self.last_line(log, summary, causes.len(), shown.len(), events), width.0 * 3));
        out
    }

    #[expect(clippy::too_many_arguments, reason = "one report with all that stands around it")]
    fn report(
        &self,
        out: &mut String,
        report: &Report,
        then: &[&Report],
        same: &[&&Report],
        palette: &Palette,
        width: Width,
        digest: &dyn Fn(&Report) -> Vec<String>,
    ) {
        let Palette { title, blame, quiet, doubt, .. } = palette;
        let _ = writeln!(out, "{title}{}{}", safe(&report.title), title.render_reset());
        let mut about = vec![place(&report.log, report.line, report.time, report.caller.as_deref())];
        about.extend(report.task.as_ref().map(task_text));
        about.extend(report.cpu.map(|cpu| format!("CPU {cpu}")));
        about.extend(report.kernel_version.clone());
        about.extend(
            report
                .taint
                .as_ref()
                .map(|taint| if taint.is_empty() { "not tainted".into() } else { format!("tainted {taint}") }),
        );
        about.extend(executor(report));
        wrapped(out, &about.join(" · "), "  ", width, quiet);
        if let Some(access) = &report.access {
            let size = access.size.map_or(String::new(), |size| format!(" of {size} bytes"));
            let address = access.address.as_ref().map_or(String::new(), |address| format!(" at {address}"));
            let _ = writeln!(out, "  access  {}{size}{address}", safe(&access.kind));
        }
        if let Some(file) = &report.guilty_file {
            let _ = writeln!(out, "  file    {}", safe(file));
        }
        for doubtful in [
            report.corrupted.as_ref().map(|reason| format!("damaged: {reason}")),
            report.suppressed.then(|| "suppressed: the output says that this is a side effect".to_owned()),
        ]
        .into_iter()
        .flatten()
        .chain(report.damage.iter().map(|words| format!("damaged: {words}")))
        {
            let _ = writeln!(out, "  {doubt}{}{}", safe(&doubtful), doubt.render_reset());
        }
        if !report.alt_titles.is_empty() {
            wrapped(out, &format!("also    {}", report.alt_titles.join(" · ")), "  ", width, quiet);
        }
        for line in digest(report) {
            let _ = writeln!(out, "  {blame}{}{}", safe(&line), blame.render_reset());
        }
        for stack in report.stacks.iter().filter(|stack| is_worth_showing(report, stack)) {
            stack_text(out, stack, &report.frame, palette, width);
        }
        for list in &report.held_locks {
            locks(out, list, width);
        }
        for other in then {
            let line = format!("  then    line {}: {}", other.line, safe(&other.title));
            let _ = writeln!(out, "{}", fitted(&line, width.0));
        }
        if !same.is_empty() {
            let places: Vec<String> = same.iter().take(PLACES).map(|other| other.line.to_string()).collect();
            let more = if same.len() > PLACES { " …" } else { "" };
            let line = format!("  again   {}×: lines {}{more}", same.len(), places.join(", "));
            let _ = writeln!(out, "{}", fitted(&line, width.0));
        }
        out.push('\n');
    }

    /// What a log without a crash holds all the same, for those who did not ask to see it.
    fn notable(&self) -> Option<String> {
        let mut kernel = self.events.iter().filter(|event| event.speaker == Speaker::Kernel);
        let first = kernel.next()?;
        let count = 1 + kernel.count() + self.further;
        let lines = if count == 1 { "notable line" } else { "notable lines" };
        Some(format!("{count} {lines} ({}): --all", fitted(&safe(&first.title), NOTABLE)))
    }

    fn last_line(&self, log: &str, summary: &Summary, reports: usize, kinds: usize, events: bool) -> String {
        let counted: usize = self.uncounted.values().sum();
        let mut parts = vec![match (reports + counted, kinds) {
            (0, _) => "no crash".to_owned(),
            (1, _) => "1 report".to_owned(),
            (count, kinds) => format!("{count} reports under {kinds} title{}", if kinds == 1 { "" } else { "s" }),
        }];
        if reports + counted == 0 && !events {
            parts.extend(self.notable());
        }
        match summary.others {
            _ if events => {}
            0 => {}
            1 => parts.push("1 line of another program looks like a report: --all".into()),
            lines => parts.push(format!("{lines} lines of other programs look like reports: --all")),
        }
        if summary.boots > 1 {
            parts.push(format!("{} boots", summary.boots));
        }
        let mut missing: Vec<String> = summary
            .gaps
            .iter()
            .map(|(words, (lines, messages))| match messages {
                0 => format!("{words} ({lines}×)"),
                messages => format!("{messages} {words}"),
            })
            .collect();
        if summary.cut {
            missing.push("the last line is cut".into());
        }
        if !missing.is_empty() {
            parts.push(format!("missing: {}", missing.join(", ")));
        }
        format!("{}: {}", safe(log), parts.join("; "))
    }
}

/// `comm/pid`; some reports name only the number.
fn task_text(task: &Task) -> String {
    if task.comm.is_empty() { format!("task {}", task.pid) } else { format!("{}/{}", safe(&task.comm), task.pid) }
}

fn executor(report: &Report) -> Option<String> {
    report.executor.as_ref().map(|executor| format!("executor {} program {}", executor.proc, executor.id))
}

fn place(log: &str, line: u64, time: Option<f64>, caller: Option<&str>) -> String {
    let mut text = format!("{}:{line}", safe(log));
    if let Some(time) = time {
        let _ = write!(text, " · {time:.6} s");
    }
    if let Some(caller) = caller {
        let _ = write!(text, " · {}", safe(caller));
    }
    text
}

/// Words wrapped at blanks, every line indented.
fn wrapped(out: &mut String, text: &str, indent: &str, width: Width, style: &anstyle::Style) {
    let text = safe(text);
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > width.0 {
            let _ = writeln!(out, "{indent}{style}{line}{}", style.render_reset());
            line = "  ".into();
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}{style}{line}{}", style.render_reset());
}

/// Stacks that every reader wants; of the many of a lockdep or stall report the first few.
fn is_worth_showing(report: &Report, stack: &Stack) -> bool {
    let first = report.stacks.iter().position(|other| std::ptr::eq(other, stack)).unwrap_or(0);
    !stack.frames.is_empty() && first < 6
}

fn stack_text(out: &mut String, stack: &Stack, blamed: &str, palette: &Palette, width: Width) {
    let whose = stack.task.as_ref().map_or(String::new(), |task| format!(" ({})", task_text(task)));
    let _ = writeln!(out, "  {}{whose}", safe(&stack.name));
    for line in stack_lines(stack, blamed, width) {
        let style = if line.blamed { palette.blame } else { anstyle::Style::new() };
        let _ = writeln!(out, "  {} {style}{}{}", if line.blamed { ">" } else { " " }, line.text, style.render_reset());
    }
}

/// One line of a folded stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackLine {
    /// The frame, or how many were left out.
    pub text: String,
    /// Whether it is the frame that the title names.
    pub blamed: bool,
}

/// A stack folded to what matters: machinery above the blamed frame goes, so does the far end. Unreliable frames are left out.
#[must_use]
pub fn stack_lines(stack: &Stack, blamed: &str, width: Width) -> Vec<StackLine> {
    let frames: Vec<&Frame> = stack.frames.iter().filter(|frame| frame.reliable).collect();
    let is_blamed = |frame: &Frame| {
        !blamed.is_empty()
            && frame.function.as_deref().is_some_and(|name| {
                let bare = name.split('.').next().unwrap_or(name);
                bare == blamed || (bare.ends_with(blamed) && (bare.contains("sys_") || bare.starts_with("__se_")))
            })
    };
    let named = frames.iter().position(|frame| is_blamed(frame));
    let first = named.map_or(0, |at| if at > 4 { at - 2 } else { 0 });
    let last = frames.len().min(first + SHOWN);
    let mut lines = Vec::new();
    let folded = |count: usize| StackLine { text: format!("… {count} more"), blamed: false };
    if first > 0 {
        lines.push(folded(first));
    }
    for (at, frame) in frames.iter().enumerate().take(last).skip(first) {
        let text = fitted(&frame_text(frame), width.0.saturating_sub(4)).into_owned();
        lines.push(StackLine { text, blamed: named == Some(at) });
    }
    if last < frames.len() {
        lines.push(folded(frames.len() - last));
    }
    lines
}

fn frame_text(frame: &Frame) -> String {
    let mut text = match (&frame.function, &frame.address) {
        (Some(function), _) => safe(function).into_owned(),
        (None, Some(address)) => safe(address).into_owned(),
        (None, None) => "?".into(),
    };
    if let (Some(offset), Some(size)) = (frame.offset, frame.size) {
        let _ = write!(text, "+{offset:#x}/{size:#x}");
    }
    if let Some(module) = &frame.module {
        let _ = write!(text, " [{}]", safe(module));
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        let _ = write!(text, " {}:{line}", safe(file));
    }
    if frame.inline {
        text.push_str(" [inline]");
    }
    text
}

fn locks(out: &mut String, list: &HeldLocks, width: Width) {
    if list.locks.is_empty() {
        return;
    }
    let whose = list.task.as_ref().map_or(String::new(), |task| format!(" by {}", task_text(task)));
    let _ = writeln!(out, "  locks listed{whose} (held, or the last one awaited)");
    for lock in list.locks.iter().take(LOCKS) {
        let site = lock.acquired_at.as_ref().map_or(String::new(), |frame| format!(" at {}", frame_text(frame)));
        let line = format!("    #{} {}{site}", lock.number.unwrap_or(0), safe(&lock.class));
        let _ = writeln!(out, "{}", fitted(&line, width.0));
    }
    if list.locks.len() > LOCKS {
        let _ = writeln!(out, "    … {} more", list.locks.len() - LOCKS);
    }
}
