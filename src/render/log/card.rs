//! One heading of a log: where it happened, what came before, the kernel's own words, the stack, what followed.

use super::super::{Look, guilty_file, hang_text, lockdep_text, safe, source_text, wrap_into};
use super::group::Group;
use super::order::in_order;
use super::overview::{Common, heading, tainted};
use super::stack::{frame_text, stack_lines};
use super::words::{access_text, cpu_text, object_text, one_each, task_text};
use super::{LogView, around};
use crate::grammar::Flavour;
use crate::locks::{Dump, Explanation};
use crate::report::{HeldLocks, Report, Stack, StackRole, Task};
use std::fmt::Write as _;

/// How many further titles of a hang are named.
const TITLES: usize = 6;
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
        self.fields(out, "before", around::before(self.view, report));
        self.words(out, report);
        self.doubts(out, report);
        match (self.group.hang, self.group.explanation) {
            (Some(dump), _) => {
                self.victims(out, dump);
                out.push_str(&hang_text(dump, self.look));
                if self.look.is_full() {
                    out.push('\n');
                    self.group.reports.iter().for_each(|report| self.stacks(out, report));
                } else {
                    self.hung_stacks(out, dump);
                }
            }
            (None, Some(explanation)) if !self.look.is_full() && says_more(explanation) => {
                out.push_str(&lockdep_text(explanation, self.look));
                // Lockdep's many stacks come down to the places that take locks.
                let crash =
                    report.stacks.iter().find(|stack| stack.role == StackRole::Crash && !stack.frames.is_empty());
                if explanation.paths.is_empty() {
                    self.stacks(out, report);
                } else if let Some(stack) = crash {
                    self.stack(out, stack, report, true);
                }
                self.lock_lists(out, report);
            }
            _ => {
                self.stacks(out, report);
                self.lock_lists(out, report);
            }
        }
        if let Some(page) = self.view.pages.get(&report.index) {
            out.push_str(&source_text(page, self.look));
        }
        if self.look.is_full() {
            self.registers(out, report);
        }
        self.fields(out, "then", around::then(self.view, report, self.look.is_full()));
        self.fields(out, "again", around::again(self.group, self.look.is_full()));
        out.push('\n');
    }

    /// Where and when: what the overview says is not said again.
    fn place(&self, out: &mut String, report: &Report) {
        let path = if self.common.is_some() { String::new() } else { safe(self.log).into_owned() };
        let mut about = vec![format!("{path}:{}", report.line)];
        about.extend(report.time.map(|time| format!("{time:.6} s")));
        about.extend(report.wall.as_ref().map(|wall| safe(wall).into_owned()));
        about.extend(report.task.as_ref().map(task_text));
        about.extend(cpu_text(report));
        about.extend(report.caller.as_ref().map(|caller| safe(caller).into_owned()));
        let own = |value: &Option<String>, common: Option<&Option<String>>| {
            value.clone().filter(|value| common.and_then(Option::as_ref) != Some(value))
        };
        let kernel = own(&report.kernel_version, self.common.map(|common| &common.kernel_version));
        about.extend(kernel.map(|kernel| safe(&kernel).into_owned()));
        about.extend(own(&report.taint, self.common.map(|common| &common.taint)).map(|taint| tainted(&taint)));
        about.extend((!report.syzbot).then(|| "not a title of syzbot".to_owned()));
        about.extend(report.executor.as_ref().map(|one| format!("executor {} program {}", one.proc, one.id)));
        let start = out.len();
        wrap_into(out, "  ", 4, &about.join(" · "), self.look.wrap());
        let text = out.split_off(start);
        let quiet = self.look.palette.quiet;
        let _ = writeln!(out, "{quiet}{}{}", text.trim_end_matches('\n'), quiet.render_reset());
    }

    /// What the kernel says of it in its own words.
    fn words(&self, out: &mut String, report: &Report) {
        // A sentence that only announces a table, which is not shown, says nothing.
        let announces = |sentence: &String| sentence.ends_with(':') && report.message.len() > 1;
        let sentences = report.message.iter().filter(|sentence| self.look.is_full() || !announces(sentence));
        self.fields(out, "says", sentences.cloned());
        if let Some(source) = &report.source {
            self.field(out, "at", &format!("{}:{}", source.file, source.line));
        }
        if let Some(number) = report.oops.filter(|number| *number > 1) {
            let first = self.view.reports.iter().any(|other| other.boot == report.boot && other.oops == Some(1));
            let missing = if first { "" } else { "; the first is not in this log" };
            self.field(out, "oops", &format!("number {number} of this boot{missing}"));
        }
        // A sanitizer's sentence says all of it.
        let address = report.access.as_ref().filter(|access| access.size.is_some());
        let address = address.and_then(|access| access.address.as_deref());
        let told = address.is_some_and(|address| report.message.iter().any(|sentence| sentence.contains(address)));
        if let Some(access) = report.access.as_ref().filter(|_| self.look.is_full() || !told) {
            self.field(out, "access", &access_text(access));
        }
        if let Some(object) = &report.object {
            self.field(out, "object", &object_text(object));
        }
        // The file that the header names is shown already.
        let told = report.source.as_ref().map(|source| source.file.as_str());
        if let Some(file) = guilty_file(report).filter(|file| self.look.is_full() || Some(*file) != told) {
            self.field(out, "blame", file);
        }
        if self.look.is_full() {
            self.fields(out, "alias", report.alt_titles.iter().cloned());
        }
    }

    /// `  name    text`.
    pub(super) fn field(&self, out: &mut String, name: &str, text: &str) {
        wrap_into(out, &format!("  {name:<7} "), 10, text, self.look.wrap());
    }

    /// Several of one name, which is said once.
    pub(super) fn fields(&self, out: &mut String, name: &str, texts: impl IntoIterator<Item = String>) {
        for (at, text) in texts.into_iter().enumerate() {
            self.field(out, if at == 0 { name } else { "" }, &text);
        }
    }

    fn doubts(&self, out: &mut String, report: &Report) {
        let doubt = self.look.palette.doubt;
        let reasons = [
            report.corrupted.as_ref().map(|reason| format!("corrupted by syzbot's rules: {reason}")),
            report.suppressed.then(|| "suppressed: the output says that this is a side effect".to_owned()),
        ];
        let damage = one_each(&report.damage).into_iter().map(|words| format!("incomplete: {words}"));
        let test =
            around::is_test(report).then(|| "a KUnit test ran here and may have provoked it on purpose".to_owned());
        for line in reasons.into_iter().flatten().chain(damage).chain(test) {
            let start = out.len();
            wrap_into(out, "  ", 4, &line, self.look.wrap());
            let text = out.split_off(start);
            let _ = writeln!(out, "{doubt}{}{}", text.trim_end_matches('\n'), doubt.render_reset());
        }
    }

    /// The hung tasks of one dump: the further titles, and who waits for what nobody knows.
    fn victims(&self, out: &mut String, dump: &Dump) {
        let first = self.group.reports[0];
        let mut titles: Vec<&Report> = Vec::new();
        for report in self.group.reports.iter().filter(|report| self.look.is_full() || !report.frame.is_empty()) {
            if report.title != first.title && titles.iter().all(|other| other.title != report.title) {
                titles.push(report);
            }
        }
        let most = if self.look.is_full() { usize::MAX } else { TITLES };
        let more = titles.len().saturating_sub(most);
        let lines = titles.iter().take(most).map(|report| format!("{} :{}", report.title, report.line));
        self.fields(out, "titles", lines.chain((more > 0).then(|| format!("{more} more titles: --full"))));
        let told = |pid: i64| dump.waits.iter().any(|wait| wait.waiter.pid == pid);
        let hung = self.group.reports.iter().filter_map(|report| {
            let hung = report.hung_tasks.iter().find(|hung| hung.seconds.is_some() && !told(hung.task.pid))?;
            let time = hung.seconds.map_or(String::new(), |seconds| format!(" for {seconds} s"));
            Some(format!("{}{time} :{}", task_text(&hung.task), report.line))
        });
        self.fields(out, "hung", hung);
    }

    /// Of a hang the stack of the task that everybody waits for, and that of the first that was reported.
    fn hung_stacks(&self, out: &mut String, dump: &Dump) {
        let root = dump.roots.iter().find(|root| root.blocked_tasks > 0).map(|root| root.pid);
        let first = self.group.reports[0];
        let pids = [root, first.task.as_ref().map(|task| task.pid)];
        let mut shown: Vec<i64> = Vec::new();
        out.push('\n');
        for pid in pids.into_iter().flatten() {
            let of =
                |stack: &&Stack| !stack.frames.is_empty() && stack.task.as_ref().is_some_and(|task| task.pid == pid);
            let stacks = self.group.reports.iter().filter_map(|report| Some((*report, report.stacks.iter().find(of)?)));
            if let Some((report, stack)) = stacks.take(1).find(|_| !shown.contains(&pid)) {
                shown.push(pid);
                let of = stack.task.as_ref().map_or(String::new(), |task| format!(" of {}", task_text(task)));
                if let Some(line) = self.seen(stack, report, pid) {
                    let _ = writeln!(out, "  stack{of}: as at :{line}");
                    continue;
                }
                self.frames(out, &format!("stack{of}"), stack, report, true);
            }
        }
        if shown.is_empty() {
            out.pop();
        }
    }

    /// The line of an earlier report in which a task stands as it does in this one.
    fn seen(&self, stack: &Stack, report: &Report, pid: i64) -> Option<u64> {
        let earlier = self.view.reports.iter().take_while(|one| one.index < report.index);
        let mut earlier = earlier.filter(|one| one.boot == report.boot && one.cause.is_none());
        let same = |one: &Stack| {
            one.task.as_ref().is_some_and(|task| task.pid == pid)
                && !one.frames.is_empty()
                && one.frames == stack.frames
        };
        earlier.find(|one| one.stacks.iter().any(same)).map(|one| one.line)
    }

    /// The stacks that every reader wants: the one that crashed with its pc as frame 0, then the others.
    fn stacks(&self, out: &mut String, report: &Report) {
        let most = if self.look.is_full() { usize::MAX } else { STACKS };
        let stacks = in_order(report, self.look.is_full());
        let mut marks = true;
        for stack in stacks.iter().take(most) {
            marks &= !self.stack(out, stack, report, marks);
        }
        if stacks.len() > most {
            let _ = writeln!(out, "  … {} more stacks: --full", stacks.len() - most);
        }
    }

    /// Writes a stack, marking the blamed frame if asked; returns whether one was marked.
    fn stack(&self, out: &mut String, stack: &Stack, report: &Report, marks: bool) -> bool {
        // The tasks of a hang are many.
        let own = self.group.hang.is_none() && stack.task == report.task;
        let whose =
            stack.task.as_ref().filter(|_| !own).map_or(String::new(), |task| format!(" ({})", task_text(task)));
        self.frames(out, &format!("{}{whose}", safe(&stack.role.word())), stack, report, marks)
    }

    fn frames(&self, out: &mut String, name: &str, stack: &Stack, report: &Report, marks: bool) -> bool {
        let _ = writeln!(out, "  {name}");
        let blamed = report.subject.as_deref().unwrap_or(&report.frame);
        let mut marked = false;
        for line in stack_lines(stack, blamed, self.look) {
            let mark = marks && line.blamed;
            marked |= mark;
            let style = if mark { self.look.palette.blame } else { anstyle::Style::new() };
            let _ = writeln!(out, "  {} {style}{}{}", if mark { ">" } else { " " }, line.text, style.render_reset());
        }
        marked
    }

    /// The locks of the task that the report is about; of others only how many lists there are.
    fn lock_lists(&self, out: &mut String, report: &Report) {
        let lists: Vec<&HeldLocks> = report.held_locks.iter().filter(|list| !list.locks.is_empty()).collect();
        let own = |list: &HeldLocks| {
            let pid = |task: &Option<Task>| task.as_ref().map(|task| task.pid);
            list.task.is_none() || report.task.is_none() || pid(&list.task) == pid(&report.task)
        };
        let (mine, others): (Vec<_>, Vec<_>) = lists.into_iter().partition(|list| self.look.is_full() || own(list));
        mine.iter().for_each(|list| self.locks(out, list));
        match others.len() {
            0 => {}
            1 => out.push_str("  the locks of 1 more task: --full\n"),
            count => {
                let _ = writeln!(out, "  the locks of {count} more tasks: --full");
            }
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
}

/// Whether lockdep's report in plain order says more than its stacks and lists: what suspicious uses of RCU are is said already.
fn says_more(explanation: &Explanation) -> bool {
    let rcu = Flavour::of(&explanation.flavour) == Some(Flavour::Rcu);
    !explanation.paths.is_empty() || !rcu && !explanation.summary.starts_with(&explanation.flavour)
}
