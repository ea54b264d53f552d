//! One heading of a log: the kernel's own words, where it happened, the stack, what followed and what came again.

use super::super::{Look, hang_text, lockdep_text, safe, wrap_into};
use super::overview::{Common, heading, tainted};
use super::stack::{frame_text, stack_lines};
use super::{Group, LogView};
use crate::report::{Access, HeldLocks, Report, SlabObject, Stack, Task};
use std::fmt::Write as _;

/// How many further places of a title are named.
const PLACES: usize = 6;
/// How many held locks of a list are shown.
const LOCKS: usize = 8;
/// How many stacks are shown.
const STACKS: usize = 6;

/// One heading and what stands around it.
pub(super) struct Card<'a> {
    pub(super) log: &'a str,
    pub(super) view: &'a LogView,
    pub(super) group: &'a Group<'a>,
    /// What the overview says already; absent where there is none.
    pub(super) common: Option<&'a Common>,
    pub(super) look: &'a Look,
}

impl Card<'_> {
    /// Writes it, an empty line behind.
    pub(super) fn write(&self, out: &mut String) {
        let title = self.look.palette.title;
        let _ = writeln!(out, "{title}{}{}", heading(self.group), title.render_reset());
        let report = self.group.reports[0];
        self.place(out, report);
        self.words(out, report);
        self.doubts(out, report);
        match self.group.hang {
            Some(dump) => {
                self.victims(out);
                out.push_str(&hang_text(dump, &self.look.palette));
                if self.look.is_full() {
                    self.group.reports.iter().for_each(|report| self.stacks(out, report));
                }
            }
            None => {
                // Lockdep's many stacks come down to the places that take locks.
                match self.group.explanation.filter(|one| !self.look.is_full() && !one.paths.is_empty()) {
                    Some(explanation) => {
                        out.push_str(&lockdep_text(explanation, &self.look.palette));
                        let crash =
                            report.stacks.iter().find(|stack| stack.name == "crash" && !stack.frames.is_empty());
                        crash.into_iter().for_each(|stack| self.stack(out, stack, report));
                    }
                    None => self.stacks(out, report),
                }
                report.held_locks.iter().for_each(|list| self.locks(out, list));
            }
        }
        if self.look.is_full() {
            self.registers(out, report);
        }
        self.then(out, report);
        self.again(out);
        out.push('\n');
    }

    /// Where and when: what the overview says is not said again.
    fn place(&self, out: &mut String, report: &Report) {
        let path = if self.common.is_some() { String::new() } else { safe(self.log).into_owned() };
        let mut about = vec![format!("{path}:{}", report.line)];
        about.extend(report.time.map(|time| format!("{time:.6} s")));
        about.extend(report.wall.as_ref().map(|wall| safe(wall).into_owned()));
        about.extend(report.task.as_ref().map(task_text));
        about.extend(report.cpu.map(|cpu| format!("CPU {cpu}")));
        about.extend(report.caller.as_ref().map(|caller| safe(caller).into_owned()));
        let own = |value: &Option<String>, common: Option<&Option<String>>| {
            value.clone().filter(|value| common.and_then(Option::as_ref) != Some(value))
        };
        let kernel = own(&report.kernel_version, self.common.map(|common| &common.kernel_version));
        about.extend(kernel.map(|kernel| safe(&kernel).into_owned()));
        about.extend(own(&report.taint, self.common.map(|common| &common.taint)).map(|taint| tainted(&taint)));
        about.extend(report.executor.as_ref().map(|one| format!("executor {} program {}", one.proc, one.id)));
        let start = out.len();
        wrap_into(out, "  ", 4, &about.join(" · "), self.look.wrap());
        let text = out.split_off(start);
        let quiet = self.look.palette.quiet;
        let _ = writeln!(out, "{quiet}{}{}", text.trim_end_matches('\n'), quiet.render_reset());
    }

    /// What the kernel says of it in its own words.
    fn words(&self, out: &mut String, report: &Report) {
        for sentence in &report.message {
            self.field(out, "says", sentence);
        }
        if let Some(source) = &report.source {
            self.field(out, "at", &format!("{}:{}", source.file, source.line));
        }
        if let Some(number) = report.oops.filter(|number| *number > 1) {
            let first = self.view.reports.iter().any(|other| other.boot == report.boot && other.oops == Some(1));
            let missing = if first { "" } else { "; the first is not in this log" };
            self.field(out, "oops", &format!("number {number} of this boot{missing}"));
        }
        if let Some(access) = &report.access {
            self.field(out, "access", &access_text(access));
        }
        if let Some(object) = &report.object {
            self.field(out, "object", &object_text(object));
        }
        if let Some(file) = &report.guilty_file {
            self.field(out, "file", file);
        }
        if !report.alt_titles.is_empty() && (self.look.is_full() || report.alt_titles.len() == 1) {
            self.field(out, "also", &report.alt_titles.join(" · "));
        }
    }

    fn field(&self, out: &mut String, name: &str, text: &str) {
        wrap_into(out, &format!("  {name:<7} "), 10, text, self.look.wrap());
    }

    fn doubts(&self, out: &mut String, report: &Report) {
        let doubt = self.look.palette.doubt;
        let reasons = [
            report.corrupted.as_ref().map(|reason| format!("corrupted by syzbot's rules: {reason}")),
            report.suppressed.then(|| "suppressed: the output says that this is a side effect".to_owned()),
        ];
        let damage = report.damage.iter().map(|words| format!("damaged: {words}"));
        for line in reasons.into_iter().flatten().chain(damage) {
            let _ = writeln!(out, "  {doubt}{}{}", safe(&line), doubt.render_reset());
        }
    }

    /// The hung tasks of one dump.
    fn victims(&self, out: &mut String) {
        for report in self.group.reports.iter().skip(1) {
            let hung = report.hung_tasks.iter().find(|hung| hung.seconds.is_some());
            let who = hung.map_or(String::new(), |hung| {
                let time = hung.seconds.map_or(String::new(), |seconds| format!(" for {seconds} s"));
                format!("{}{time}: ", task_text(&hung.task))
            });
            self.field(out, "hung", &format!("{who}{} :{}", report.title, report.line));
        }
    }

    /// The stacks that every reader wants: the one that crashed with its pc as frame 0, then the others.
    fn stacks(&self, out: &mut String, report: &Report) {
        let most = if self.look.is_full() { usize::MAX } else { STACKS };
        let mut stacks = report.stacks.iter().filter(|stack| !stack.frames.is_empty()).take(most).peekable();
        while let Some(stack) = stacks.next() {
            let joined = (stack.name == "pc")
                .then(|| stacks.next_if(|next| next.name == "crash" && next.task == stack.task))
                .flatten()
                .map(|crash| with_pc(stack, crash));
            self.stack(out, joined.as_ref().unwrap_or(stack), report);
        }
    }

    fn stack(&self, out: &mut String, stack: &Stack, report: &Report) {
        let own = stack.task == report.task;
        let whose =
            stack.task.as_ref().filter(|_| !own).map_or(String::new(), |task| format!(" ({})", task_text(task)));
        let _ = writeln!(out, "  {}{whose}", safe(&stack.name));
        let blamed = report.subject.as_deref().unwrap_or(&report.frame);
        for line in stack_lines(stack, blamed, self.look) {
            let style = if line.blamed { self.look.palette.blame } else { anstyle::Style::new() };
            let mark = if line.blamed { ">" } else { " " };
            let _ = writeln!(out, "  {mark} {style}{}{}", line.text, style.render_reset());
        }
    }

    fn locks(&self, out: &mut String, list: &HeldLocks) {
        if list.locks.is_empty() {
            return;
        }
        let whose = list.task.as_ref().map_or(String::new(), |task| format!(" by {}", task_text(task)));
        let _ = writeln!(out, "  locks listed{whose} (held, or the last one awaited)");
        let most = if self.look.is_full() { usize::MAX } else { LOCKS };
        for lock in list.locks.iter().take(most) {
            let site = lock.acquired_at.as_ref().map_or(String::new(), |frame| format!(" at {}", frame_text(frame)));
            let _ = writeln!(out, "    #{} {}{site}", lock.number.unwrap_or(0), safe(&lock.class));
        }
        if list.locks.len() > most {
            let _ = writeln!(out, "    … {} more", list.locks.len() - most);
        }
    }

    fn registers(&self, out: &mut String, report: &Report) {
        let all: Vec<String> = report.registers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !all.is_empty() {
            self.field(out, "regs", &all.join(" "));
        }
        if let Some(code) = &report.code {
            self.field(out, "code", code);
        }
    }

    fn then(&self, out: &mut String, report: &Report) {
        for other in self.view.reports.iter().filter(|other| other.cause == Some(report.index)) {
            self.field(out, "then", &format!("{} :{}", other.title, other.line));
        }
    }

    fn again(&self, out: &mut String) {
        let same: Vec<&&Report> = self.group.reports.iter().skip(1).collect();
        if self.group.hang.is_some() || same.is_empty() {
            return;
        }
        let most = if self.look.is_full() { usize::MAX } else { PLACES };
        let places: Vec<String> = same.iter().take(most).map(|other| format!(":{}", other.line)).collect();
        let more = if same.len() > most { " …" } else { "" };
        self.field(out, "again", &format!("{}×: {}{more}", same.len(), places.join(" ")));
    }
}

/// The stack of a crash with the place where it happened as its first frame.
fn with_pc(pc: &Stack, crash: &Stack) -> Stack {
    let repeats =
        pc.frames.iter().any(|frame| crash.frames.first().is_some_and(|first| first.function == frame.function));
    let mut whole = crash.clone();
    if !repeats {
        whole.frames.splice(0..0, pc.frames.iter().cloned());
    }
    whole
}

fn access_text(access: &Access) -> String {
    let size = access.size.map_or(String::new(), |size| format!(" of {size} bytes"));
    let address = access.address.as_ref().map_or(String::new(), |address| format!(" at {address}"));
    let is_null = |text: &str| text == "(null)" || text.bytes().all(|byte| b"0x".contains(&byte));
    let jump = access.kind == "execute" && access.address.as_deref().is_some_and(is_null);
    format!("{}{size}{address}{}", access.kind, if jump { " (jumped to NULL)" } else { "" })
}

fn object_text(object: &SlabObject) -> String {
    let cache = object.cache.as_deref().unwrap_or("an unnamed cache");
    let size = object.size.map_or(String::new(), |size| format!(" of {size} bytes"));
    match object.offset {
        Some(offset) if offset < 0 => format!("{} bytes before an object of {cache}{size}", -offset),
        Some(offset) => format!("{offset} bytes into an object of {cache}{size}"),
        None => format!("an object of {cache}{size}"),
    }
}

/// `comm/pid`; some reports name only the number.
pub(super) fn task_text(task: &Task) -> String {
    if task.comm.is_empty() { format!("task {}", task.pid) } else { format!("{}/{}", safe(&task.comm), task.pid) }
}
