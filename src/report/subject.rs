//! The function that a person names where syzbot's title names none, or one by which others assert.

use super::frames::frame_after;
use super::leftovers::without_leftovers;
use super::naming::{NOBODY, demangle, without_prefix};
use super::role::StackRole;
use super::scan::{find, split, split_last, text, word};
use super::{Frame, Stack, Structure, Title};
use crate::grammar::{Choice, Grammar, Kind, List, NameSet, Severity, bare_function};
use std::ops::Range;

/// Roles of stacks that are the report's own, in the order in which they are asked.
const OWN: [&[StackRole]; 2] =
    [&[StackRole::Crash, StackRole::Hung, StackRole::Panic, StackRole::Leak], &[StackRole::Trace]];

/// The function behind a title that ends "in corrupted", names none, or names one by which its caller asserts: the faulting instruction, the first named frame,
/// the first that the unwinder doubts, the function of the work item, whichever is there. Machinery is passed over by the
/// same names as in titles; if nothing else is there, by those only that are machinery as a whole, and the faulting instruction
/// is where it is. `frame` is the function that the title names, `header` the index of the report's header.
#[must_use]
pub fn subject(grammar: &Grammar, header: usize, title: &Title, frame: &str, found: &Structure) -> Option<String> {
    let meaning = grammar.vocabulary.function(List::Finders, frame);
    // Who prints a stack is on top of it where the place is not known, and did nothing.
    let prints = || meaning == Some(PRINTER) && frames_of(&found.stacks, &[StackRole::Pc]).next().is_none();
    let asserts = meaning == Some(ASSERTION) || prints();
    if !frame.is_empty() && frame != NOBODY && !is_masked(frame, found) && !asserts {
        return None;
    }
    let kind = grammar.kinds.get(header).and_then(|kinds| kinds.iter().find(|kind| kind.id == title.kind));
    let pc = frames_of(&found.stacks, &[StackRole::Pc]);
    let pcs = pc.clone().count();
    let hung = found.hung_tasks.iter().any(|task| task.seconds.is_some()) || pcs == 0 && sleeps(grammar, &found.stacks);
    let search = Search { grammar, kind, hung, loosely: false };
    if title.interrupted {
        return search
            .first_of_cpu(found)
            .or_else(|| search.first(pc))
            .or_else(|| search.interrupted(&found.stacks))
            .or_else(|| search.blocking(&found.stacks))
            .or_else(|| search.on_cpu(found));
    }
    let own = |roles: &'static [StackRole]| search.shown(&found.stacks, roles);
    // A WARN() stands where it traps, whatever an unwinder that doubts all frames has on its stack.
    let is = |id| grammar.headers.get(header).is_some_and(|header| header.id == id);
    let panics = grammar.severity_of(header, &title.kind) == Severity::Panic;
    let trapped = || frames_of(&found.stacks, &[StackRole::Pc]).next().filter(|_| is("warning"));
    let work = || {
        let work = found.hung_tasks.iter().find_map(|task| task.work_function.as_ref());
        // The log says that this is what ran, so a word of machinery in its name (`blk_mq_requeue_work`) tells nothing.
        work.or(found.work_function.as_ref()).and_then(|name| Search { loosely: true, ..search }.plain(name))
    };
    // A CPU that does not get on is where the timer broke into it, whichever functions of the timer an unwinder shows.
    let broken_into = || if search.stalls() { search.interrupted(&found.stacks) } else { None };
    // A worker's own loop says nothing; what it ran does.
    let told = |name: String| if WORKER.contains(&name.as_str()) { work().or(Some(name)) } else { Some(name) };
    // Who jumped to where no code is called it from there.
    let nowhere = || frames_of(&found.stacks, &[StackRole::Pc]).all(|frame| frame.function.is_none());
    let caller = || search.first(frames_of(&found.stacks, &[StackRole::Lr]));
    search
        .first(pc)
        .or_else(|| if pcs > 0 && nowhere() { caller() } else { None })
        .or_else(broken_into)
        .or_else(|| trapped().and_then(|frame| Search { loosely: true, ..search }.plain(frame.function.as_deref()?)))
        .or_else(|| if search.looks_without_entry(&found.stacks) { search.interrupted(&found.stacks) } else { None })
        .or_else(|| OWN.iter().find_map(|roles| search.first(own(roles).filter(|frame| frame.reliable))))
        .or_else(|| OWN.iter().find_map(|roles| search.first(behind_wait(grammar, hung, own(roles)).into_iter())))
        .and_then(told)
        .or_else(work)
        // On the way to a panic there is machinery only.
        .or_else(|| if panics { None } else { search.last_resort(&found.stacks) })
        // Of what lockdep says, often only the two locks are pasted.
        .or_else(|| {
            search.plain(found.lockdep.as_ref()?.acquiring.as_ref()?.acquired_at.as_ref()?.function.as_deref()?)
        })
}

/// Whether the title shows a part of its function as a number or an address, `ADDR_validate` for `dce110_validate`.
fn is_masked(frame: &str, found: &Structure) -> bool {
    let masks = ["ADDR", "NUM"].iter().any(|mask| frame.contains(mask));
    let is = |known: &Frame| known.function.as_deref().is_some_and(|name| bare_function(name) == frame);
    masks && !found.stacks.iter().flat_map(|stack| &stack.frames).any(is)
}

/// The function that the report's first line says it is at, `WARNING: … at a/b.c:12 widget_put+0x1/0x2`, or in, as sanitizers say it; `loosely` also one
/// that is machinery to titles, for a report of which hardly more is there.
#[must_use]
pub fn stated(grammar: &Grammar, title: &Title, frame: &str, first: &[u8], loosely: bool) -> Option<String> {
    if !frame.is_empty() && frame != NOBODY || title.interrupted {
        return None;
    }
    let search = Search { grammar, kind: None, hung: false, loosely };
    let place = match split(first, " at ") {
        // Since Linux 6.18 the file stands in front: `WARNING: a/b.c:12 at widget_put+0x1/0x2, CPU#7: widgetd/154`.
        Some((_, place)) if find(word(place).0, "+0x").is_some() => {
            let place = word(place).0;
            place.strip_suffix(b",").unwrap_or(place)
        }
        Some((_, place)) => word(place).1,
        None => split_last(first, " in ")?.1,
    };
    // Until Linux 2.6.26 a name stood there: `WARNING: at a/b.c:12 widget_put()`
    if let Some(name) = word(place).0.strip_suffix(b"()").filter(|name| !name.contains(&b'+')) {
        return search.plain(&text(name));
    }
    let found = frame_after(place.trim_ascii_end(), 0)?;
    found.offset?;
    search.plain(found.function.as_deref()?)
}

/// The frames of the stacks with these roles.
fn frames_of<'s>(stacks: &'s [Stack], roles: &'static [StackRole]) -> impl Iterator<Item = &'s Frame> + Clone {
    stacks.iter().filter(move |stack| roles.contains(&stack.role)).flat_map(|stack| &stack.frames)
}

/// Whether the report's own stack is that of a task that sleeps, whatever the line above it says: it begins in the scheduler.
fn sleeps(grammar: &Grammar, stacks: &[Stack]) -> bool {
    let first = OWN.iter().find_map(|roles| frames_of(stacks, roles).find(|frame| frame.reliable && !frame.inline));
    let name = first.and_then(|frame| frame.function.as_deref());
    name.is_some_and(|name| grammar.vocabulary.function(List::Scheduler, name).is_some())
}

/// Frames that the unwinder doubts; of a task that waits, without what earlier calls left above the outermost function of its wait.
fn behind_wait<'f>(grammar: &Grammar, hung: bool, frames: impl Iterator<Item = &'f Frame>) -> Vec<&'f Frame> {
    let frames: Vec<&Frame> = frames.collect();
    if !hung {
        return frames;
    }
    let own: Vec<Frame> = frames.iter().map(|frame| (*frame).clone()).collect();
    without_leftovers(&grammar.vocabulary, &own).into_iter().map(|at| frames[at]).collect()
}

/// What a function of [`List::Finders`] stands for that looks for the lockup of another CPU.
const OTHER_CPU: &str = "other-cpu";
/// The loops in which workers run what is queued.
const WORKER: [&str; 2] = ["worker_thread", "rescuer_thread"];
/// What one stands for that only prints a stack.
const PRINTER: &str = "printer";
/// What one stands for that finds memory damaged.
const CHECKER: &str = "checker";
/// What one stands for that only says that an assertion of its caller does not hold.
const ASSERTION: &str = "assertion";

#[derive(Clone, Copy)]
struct Search<'a> {
    grammar: &'a Grammar,
    kind: Option<&'a Kind>,
    hung: bool,
    /// Whether a name that only holds a word of machinery counts.
    loosely: bool,
}

impl Search<'_> {
    fn first<'f>(&self, mut frames: impl Iterator<Item = &'f Frame>) -> Option<String> {
        // A word of the stack that the unwinder doubts and that is the beginning or the end of a function is no return address.
        let stale = |frame: &Frame| {
            !frame.reliable && (frame.offset == Some(0) || frame.size.is_some() && frame.offset == frame.size)
        };
        frames
            .find_map(|frame| if frame.inline || stale(frame) { None } else { self.plain(frame.function.as_deref()?) })
    }

    /// Where nothing but machinery is there: not for a task that waits, which always stands in the machinery of waiting.
    fn last_resort(self, stacks: &[Stack]) -> Option<String> {
        if self.hung {
            return None;
        }
        // What is machinery for this kind only says more than what is for all.
        let own = || OWN.iter().flat_map(|roles| self.shown(stacks, roles)).filter(|frame| frame.reliable);
        if let Some(name) = (Self { kind: None, ..self }).first(own()) {
            return Some(name);
        }
        let search = Self { loosely: true, ..self };
        let pc = || frames_of(stacks, &[StackRole::Pc]);
        let found = search.first(pc().chain(OWN.iter().flat_map(|roles| search.shown(stacks, roles))));
        let stands = || pc().find_map(|frame| frame.function.clone().filter(|_| !frame.inline));
        found.or_else(|| stands().map(|name| demangle(bare_function(&name))))
    }

    /// What an interrupt broke into: the frames below it. A stack without one is that of who reports.
    fn interrupted(&self, stacks: &[Stack]) -> Option<String> {
        if let Some(name) = self
            .first(stacks.iter().filter(|stack| stack.role == StackRole::Interrupted).flat_map(|stack| &stack.frames))
        {
            return Some(name);
        }
        stacks.iter().find_map(|stack| {
            let entry = self.entry(&stack.frames, 0)?;
            self.first(stack.frames[entry.end..].iter())
        })
    }

    /// The frames by which the first interrupt entered that stands below the first `above` frames: one may have broken into another's handler.
    fn entry(&self, frames: &[Frame], above: usize) -> Option<Range<usize>> {
        let doubted = frames.iter().all(|frame| !frame.reliable);
        let enters = |frame: &Frame| (doubted || frame.reliable) && self.is(List::Interrupts, frame);
        let first = above + frames[above..].iter().position(enters)?;
        // The switch to another stack may stand between two of them.
        let mut end = first + 1;
        while let Some(next) = frames[end..].iter().take(2).rposition(enters) {
            end += next + 1;
        }
        Some(first..end)
    }

    /// Where the first of the tasks stands that hold up a grace period of RCU, preempted or asleep in a lock of PREEMPT_RT, if no CPU
    /// is shown that might.
    fn blocking(self, stacks: &[Stack]) -> Option<String> {
        let first = stacks.first().filter(|_| stacks.iter().all(|stack| stack.role == StackRole::Task))?;
        Self { hung: true, ..self }.first(first.frames.iter().filter(|frame| frame.reliable))
    }

    /// The same where several CPUs show where they are: the report's own, whatever the others do.
    fn first_of_cpu(&self, found: &Structure) -> Option<String> {
        let own = |stack: &&Stack| stack.cpu == found.cpu;
        let mut pcs = found.stacks.iter().filter(|stack| stack.role == StackRole::Pc);
        if found.cpu.is_none() || !pcs.clone().any(|stack| own(&stack)) || pcs.all(|stack| own(&stack)) {
            return None;
        }
        let shown = |stack: &&Stack| stack.role == StackRole::Pc || matches!(stack.role, StackRole::Cpu(_));
        let stacks = found.stacks.iter().filter(own).filter(shown);
        if stacks.clone().flat_map(|stack| &stack.frames).any(|frame| self.is(List::Finders, frame)) {
            return None;
        }
        self.first(stacks.flat_map(|stack| &stack.frames))
    }

    /// What the CPU does that does not get on, where a dump of all CPUs has it: not the stack of who prints, nor that of a task
    /// that gave the CPU away.
    fn on_cpu(&self, found: &Structure) -> Option<String> {
        let own = |stack: &&Stack| {
            matches!(stack.role, StackRole::Cpu(cpu) if Some(cpu) == found.cpu)
                && !stack.frames.first().is_some_and(|first| self.is(List::Scheduler, first))
                && !stack.frames.iter().any(|frame| self.is(List::Finders, frame))
        };
        self.first(found.stacks.iter().filter(own).flat_map(|stack| &stack.frames))
    }

    /// The frames of the stacks with these roles: of one on which a lockup was looked for in an interrupt, those of what the
    /// interrupt broke into; none if it was another CPU's that was looked for.
    fn shown<'s>(self, stacks: &'s [Stack], roles: &'static [StackRole]) -> impl Iterator<Item = &'s Frame> {
        stacks.iter().filter(move |stack| roles.contains(&stack.role)).flat_map(move |stack| {
            let frames = &stack.frames;
            let finder = frames.iter().position(|frame| self.looks(frame)).or_else(|| self.stalls().then_some(0));
            match finder.and_then(|finder| self.entry(frames, finder)) {
                Some(entry)
                    if frames[..entry.start]
                        .iter()
                        .any(|frame| self.meaning(List::Finders, frame) == Some(OTHER_CPU)) =>
                {
                    &frames[..0]
                }
                Some(entry) => &frames[entry.end..],
                None => &frames[..],
            }
            .iter()
            .filter(move |frame| !self.is_next_door(stack, frame))
        })
    }

    /// Whether the report is of a CPU that does not get on: what a timer does there is not what the CPU is busy with.
    fn stalls(self) -> bool {
        self.kind.is_some_and(|kind| kind.choose == Choice::Stall && kind.severity == Severity::Hang)
    }

    /// Whether it is a function that looks for lockups.
    fn looks(self, frame: &Frame) -> bool {
        self.meaning(List::Finders, frame).is_some_and(|meaning| ![PRINTER, CHECKER, ASSERTION].contains(&meaning))
    }

    /// Whether a stack shows who looked for a lockup of its own CPU, but not where his interrupt came in, which somebody cut out.
    fn looks_without_entry(self, stacks: &[Stack]) -> bool {
        stacks.iter().filter(|stack| OWN[0].contains(&stack.role)).any(|stack| {
            let mut finders = stack.frames.iter().filter(|frame| self.looks(frame)).peekable();
            finders.peek().is_some()
                && finders.all(|frame| self.meaning(List::Finders, frame) != Some(OTHER_CPU))
                && !stack.frames.iter().any(|frame| self.is(List::Interrupts, frame))
        })
    }

    /// Whether it is the function behind the one that called: a call that never returns is the last of its function, and where it
    /// would return to, the next begins. Only where something broke in, a frame can stand at the beginning of its own.
    fn is_next_door(self, stack: &Stack, frame: &Frame) -> bool {
        if frame.offset != Some(0) || frame.inline {
            return false;
        }
        let above = stack.frames.iter().take_while(|other| !std::ptr::eq(*other, frame)).filter(|other| !other.inline);
        // Who panics is called; the call to panic() itself may not be shown.
        above.last().map_or(stack.role == StackRole::Panic, |above| {
            !self.is(List::Interrupts, above) && self.meaning(List::Finders, above) != Some(PRINTER)
        })
    }

    /// Whether the function of the frame is in the list.
    fn is(&self, list: List, frame: &Frame) -> bool {
        self.meaning(list, frame).is_some()
    }

    /// What it stands for there.
    fn meaning(&self, list: List, frame: &Frame) -> Option<&str> {
        self.grammar.vocabulary.function(list, frame.function.as_deref()?)
    }

    /// The name in its final form, if it is not machinery.
    fn plain(&self, name: &str) -> Option<String> {
        // Kernels before 2.6.20 had the slow paths of locks in sections of their own; a kernel without symbols prints addresses.
        if name.starts_with(".text.") || name.starts_with("0x") {
            return None;
        }
        let name = demangle(if name.starts_with('<') { name } else { bare_function(name) });
        let holds = |names: &NameSet| {
            if self.loosely { names.is_named(name.as_bytes()) } else { names.contains(name.as_bytes()) }
        };
        let names = &self.grammar.names;
        // Who finds a lockup is not what is locked up; below an anchor is what calls everything.
        let machinery = holds(&names.skip)
            || holds(&names.anchors)
            || self.grammar.vocabulary.function(List::Finders, &name).is_some()
            || !self.loosely && self.grammar.vocabulary.text(List::Allocators, name.trim_start_matches('_')).is_some()
            || self.kind.and_then(|kind| kind.skip.as_ref()).is_some_and(holds)
            || (self.hung && holds(&names.hung));
        (!machinery && !name.is_empty()).then(|| without_prefix(names, &name).to_owned())
    }
}
