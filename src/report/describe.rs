//! One pass over the lines of a report that gathers everything its structure says.

use super::context::{CpuLine, access, by_task, cpu_line, fault_kind, kernel_build, process_line, taint};
use super::damage::Damage;
use super::frames::frame_line;
use super::header::{Header, header, oops_number};
use super::lines::Line;
use super::role::StackRole;
use super::scan::{after, is_hex, text, word};
use super::stacks::{Announcement, announcement, begins};
use super::symbolized::{is_code_dump, is_inlined_copy};
use super::{Access, Blocker, Frame, HeldLock, HeldLocks, HungTask, Lockdep, Stack, Task};
use super::{exception, fault, held, registers};
use crate::grammar::Grammar;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the text of one report or event says besides its title.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Structure {
    /// Stacks in the order of the log; each has its [`StackRole`].
    pub stacks: Vec<Stack>,
    /// Lists of held locks.
    pub held_locks: Vec<HeldLocks>,
    /// What lockdep says.
    pub lockdep: Option<Lockdep>,
    /// Tasks that are blocked or listed with their state.
    pub hung_tasks: Vec<HungTask>,
    /// The kernel's word on holders, also of waiters that `hung_tasks` does not hold.
    pub blockers: Vec<Blocker>,
    /// Registers as printed; those of user space have names that begin with `user.`.
    pub registers: BTreeMap<String, String>,
    /// The `Code:` line.
    pub code: Option<String>,
    /// The task that the text is about; `comm` is empty where only a pid is printed.
    pub task: Option<Task>,
    /// The CPU that it is about.
    pub cpu: Option<u32>,
    /// Taint letters.
    pub taint: Option<String>,
    /// Kernel release.
    pub kernel_version: Option<String>,
    /// What follows the release, from the number of the build on.
    pub kernel_build: Option<String>,
    /// The `Hardware name:` line.
    pub hardware: Option<String>,
    /// The memory access that went wrong.
    pub access: Option<Access>,
    /// The N of `[#N]`.
    pub oops: Option<u32>,
    /// The function of the work item that the report's task runs.
    pub work_function: Option<String>,
    /// What is visibly missing or mixed up.
    pub damage: Vec<String>,
}

impl Structure {
    /// Leaves the frames of these log lines, which a careful unwinder would not have printed, out of every stack that has
    /// others.
    pub fn without_doubtful(&mut self, lines: &BTreeSet<u64>) {
        let chain = self.lockdep.iter_mut().flat_map(|report| &mut report.chain).map(|entry| &mut entry.frames);
        for frames in self.stacks.iter_mut().map(|stack| &mut stack.frames).chain(chain) {
            if frames.iter().any(|frame| !lines.contains(&frame.log_line)) {
                frames.retain(|frame| !lines.contains(&frame.log_line));
            }
        }
    }
}

/// What the next lines belong to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Open {
    Nothing,
    Stack(usize),
    Chain,
    /// A context of a DEPT report; frames that come are those of its wait, or of something else.
    Context {
        at: usize,
        waits: bool,
    },
    Held(usize),
    Acquiring,
    Holding,
    ChainText,
    Scenario(Option<usize>),
}

/// Most stacks have no more frames.
const USUAL_FRAMES: usize = 24;

/// The state between two lines.
pub(super) struct Walk<'g> {
    /// What the words of a line stand for.
    pub(super) grammar: &'g Grammar,
    pub(super) out: Structure,
    pub(super) open: Open,
    /// The role of the stack that the next `Call Trace:` or first frame begins.
    pub(super) pending: Option<Announcement>,
    /// Task and CPU of the first `CPU:` line.
    pub(super) first_cpu: (Option<Task>, Option<u32>),
    /// Task and CPU of the last `CPU:` line.
    pub(super) near: (Option<Task>, Option<u32>),
    /// Locks of `is trying to acquire` and `already holding`, still being gathered.
    pub(super) gathered: Vec<HeldLock>,
    /// A line of a lock list that other messages broke into pieces, as far as it has come.
    pub(super) piece: Vec<u8>,
    /// The first half of a task row that two messages hold, and its log line.
    pub(super) half_row: Option<(Vec<u8>, u64)>,
    /// What the first line says of CPU and task.
    pub(super) header: Header,
    /// After `---[ end trace`: what follows is of others, or a copy.
    pub(super) ended: bool,
    /// Whether a panic follows that says it is a consequence.
    pub(super) panicked: bool,
    /// Whether the code dump of `decode_stacktrace.sh` is being passed over.
    pub(super) dumping: bool,
    /// Whether the fault's header was x86's.
    pub(super) x86: bool,
    /// CPUs that a stall's report lists.
    pub(super) stalled: Vec<u32>,
    /// Whether the registers that follow are those of user space.
    pub(super) user: bool,
    pub(super) races: u32,
    /// Whether the report's own stack is there.
    pub(super) crashed: bool,
    /// Whether any stack is there but those of the faulting instruction.
    pub(super) traced: bool,
    /// Index of the stack that the last line added an exception frame to.
    pub(super) exception: Option<usize>,
    pub(super) damage: Damage,
}

/// Reads the structure of one report or event; `lines` starts at its first line and ends with its structure.
///
/// Linear in the text; any bytes are fine.
pub fn describe(grammar: &Grammar, lines: &[Line<'_>]) -> Structure {
    let mut walk = Walk {
        grammar,
        out: Structure::default(),
        open: Open::Nothing,
        pending: None,
        first_cpu: (None, None),
        near: (None, None),
        gathered: Vec::new(),
        piece: Vec::new(),
        half_row: None,
        header: lines.first().map(|line| header(line.text)).unwrap_or_default(),
        ended: false,
        panicked: false,
        dumping: false,
        x86: false,
        stalled: Vec::new(),
        user: false,
        races: 0,
        crashed: false,
        traced: false,
        exception: None,
        damage: Damage::default(),
    };
    for (number, line) in lines.iter().enumerate() {
        if number > 0 && walk.is_over(line.text.trim_ascii()) {
            continue;
        }
        walk.line(line);
    }
    walk.finish()
}

impl Walk<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let trimmed = line.text.trim_ascii();
        self.dumping = trimmed == b"All code" || self.dumping && (trimmed.is_empty() || is_code_dump(trimmed));
        if self.dumping {
            return;
        }
        if trimmed.is_empty() {
            return self.blank();
        }
        if let Open::Scenario(second) = self.open
            && self.scenario(line.text, trimmed, second)
        {
            return;
        }
        let indented = line.text[0].is_ascii_whitespace() || matches!(trimmed[0], b'[' | b'(');
        if indented && matches!(self.open, Open::Stack(_) | Open::Chain | Open::Context { .. }) && self.frame(line) {
            return;
        }
        let exception = self.exception.take();
        if trimmed[0] == b'<' && self.marker(trimmed, line) {
            return;
        }
        if self.keyword(trimmed, line, exception) || self.lockdep(trimmed, line) || self.hung(trimmed, line) {
            return;
        }
        if self.frame(line) {
            return;
        }
        self.unknown(trimmed, line);
    }

    fn blank(&mut self) {
        match self.open {
            Open::Stack(index) => {
                // The header of a stack may stand apart from its frames.
                if !self.out.stacks[index].frames.is_empty() {
                    self.close();
                }
            }
            Open::Scenario(_) | Open::Context { .. } => {}
            _ => self.close(),
        }
    }

    /// Ends what is open.
    pub(super) fn close(&mut self) {
        match self.open {
            Open::Stack(index) => self.damage.stack_closed(&self.out.stacks[index]),
            Open::Held(index) => self.end_piece(index),
            Open::Acquiring | Open::Holding => {
                let lock = (!self.gathered.is_empty()).then(|| self.gathered.swap_remove(0));
                self.gathered.clear();
                let report = self.out.lockdep.get_or_insert_default();
                let place = if self.open == Open::Acquiring { &mut report.acquiring } else { &mut report.holding };
                if place.is_none() {
                    *place = lock;
                }
            }
            _ => {}
        }
        self.open = Open::Nothing;
    }

    /// `<TASK>`, `</IRQ>`, and the old ` <IRQ>  [<…>] f+0x1/0x2` on one line.
    fn marker(&mut self, trimmed: &[u8], line: &Line<'_>) -> bool {
        let mut rest = trimmed;
        while let Some((name, tail)) = marker(rest) {
            if matches!(self.open, Open::Stack(_)) {
                self.damage.marker(name, line.log_line);
            }
            // The registers of user space are the last rows of a stack.
            self.user &= !name.starts_with(b"/");
            rest = tail.trim_ascii_start();
        }
        if rest.len() == trimmed.len() {
            return false;
        }
        if !rest.is_empty() {
            self.line(&Line { text: rest, ..*line });
        }
        true
    }

    /// Lines of every kind of report that begin with a fixed word.
    fn keyword(&mut self, trimmed: &[u8], line: &Line<'_>, exception: Option<usize>) -> bool {
        if let Some(row) = registers::row(trimmed) {
            row.put(if self.user { "user." } else { "" }, self.registers_or_copy());
            return true;
        }
        if begins(trimmed) {
            self.open_stack(line.log_line);
            return true;
        }
        if let Some(announced) = announcement(&self.grammar.vocabulary, trimmed) {
            // The line itself follows its copies.
            if is_inlined_copy(trimmed) {
                return true;
            }
            self.announced(announced, trimmed, line.log_line);
            return true;
        }
        if let Some(found) = exception::line(trimmed, line.log_line) {
            self.exception(found, exception, line.log_line);
            return true;
        }
        match trimmed[0] {
            b'C' | b'P' => {
                if let Some(found) = cpu_line(trimmed) {
                    self.close();
                    self.user = false;
                    self.of_cpu(found);
                    return true;
                }
                if let Some(task) = process_line(trimmed) {
                    self.of_cpu(CpuLine { task: Some(task), cpu: self.near.1, ..CpuLine::default() });
                    return true;
                }
                if let Some(code) = after(trimmed, "Code: ") {
                    let first = word(code).0;
                    if !self.ended
                        && !self.user
                        && is_hex(
                            first
                                .trim_ascii_start()
                                .strip_prefix(b"<")
                                .or(first.strip_prefix(b"("))
                                .unwrap_or(first)
                                .split(|byte| matches!(byte, b'>' | b')'))
                                .next()
                                .unwrap_or_default(),
                        )
                    {
                        self.out.code.get_or_insert_with(|| text(code));
                    }
                    return true;
                }
            }
            b'M' if trimmed.starts_with(b"Modules linked in:") => self.user = false,
            b'H' => {
                if let Some(name) = after(trimmed, "Hardware name: ") {
                    self.out.hardware.get_or_insert_with(|| text(name));
                    return true;
                }
            }
            b'N' | b'T' => {
                let (letters, version) = taint(trimmed);
                if letters.is_some() || version.is_some() {
                    fill(&mut self.out.taint, letters);
                    fill(&mut self.out.kernel_version, version);
                    fill(&mut self.out.kernel_build, kernel_build(trimmed));
                    return true;
                }
            }
            b'-' if trimmed.starts_with(b"---[ end trace") => {
                self.ended = true;
                self.close();
                return true;
            }
            b'#' => {
                if let Some(kind) = fault_kind(trimmed) {
                    self.kind_of_access(kind);
                    return true;
                }
            }
            b'W' => {
                if let Some(rest) = after(trimmed, "Workqueue: ") {
                    let function = word(word(rest).1).0;
                    if self.out.work_function.is_none() && !function.is_empty() {
                        self.out.work_function = Some(text(function));
                    }
                }
            }
            b'*' => self.damage.dropped(trimmed, line.log_line),
            _ => {}
        }
        if let Some(found) = access(trimmed) {
            self.x86 |= self.out.access.is_none() && fault::is_x86(trimmed);
            fill(&mut self.out.access, Some(found));
            fill(&mut self.out.task, by_task(trimmed));
        } else if let Some(kind) = fault::kind(trimmed, self.x86) {
            self.kind_of_access(kind);
        }
        if self.out.oops.is_none() {
            self.out.oops = oops_number(trimmed);
        }
        self.stall(trimmed);
        if registers::read(trimmed, if self.user { "user." } else { "" }, self.registers_or_copy()) {
            return true;
        }
        false
    }

    /// Where a register row goes: nowhere after the end marker.
    fn registers_or_copy(&mut self) -> &mut BTreeMap<String, String> {
        if self.ended { &mut self.damage.spare } else { &mut self.out.registers }
    }

    /// Begins the stack that was announced, or one whose role follows from where it is.
    fn open_stack(&mut self, log_line: u64) {
        self.close();
        let announced = self.pending.take();
        let (role, task, cpu) = match announced {
            Some(announced) => {
                (announced.role, announced.task.or_else(|| self.near.0.clone()), announced.cpu.or(self.near.1))
            }
            None => (if self.crashed { StackRole::Trace } else { StackRole::Crash }, self.near.0.clone(), self.near.1),
        };
        let of_row = role.is_task_dump();
        let last = self.out.hung_tasks.last().filter(|last| !of_row || Some(&last.task) == task.as_ref());
        if (last.is_some() && of_row) || matches!(role, StackRole::Hung | StackRole::Holder | StackRole::Task) {
            let index = self.out.stacks.len();
            if let Some(last) = self.out.hung_tasks.last_mut() {
                last.stack.get_or_insert(index);
            }
        }
        self.crashed |= matches!(role, StackRole::Crash | StackRole::Hung);
        self.traced = true;
        self.out.stacks.push(Stack { role, task, cpu, line: log_line, frames: Vec::with_capacity(USUAL_FRAMES) });
        self.open = Open::Stack(self.out.stacks.len() - 1);
        self.user = false;
    }

    fn announced(&mut self, mut announced: Announcement, trimmed: &[u8], log_line: u64) {
        if let StackRole::Race(number) = &mut announced.role {
            self.races += 1;
            *number = self.races;
        }
        if let Some(found) = access(trimmed) {
            fill(&mut self.out.access, Some(found));
            fill(&mut self.out.task, announced.task.clone());
        }
        let opens = announced.opens;
        // A section's stack is that of its own task and CPU, not of the crash.
        if opens {
            self.near = (None, None);
        }
        self.close();
        self.pending = Some(announced);
        if opens {
            self.open_stack(log_line);
        }
    }

    /// A line that names the faulting instruction or its caller.
    fn exception(&mut self, found: exception::Exception, before: Option<usize>, log_line: u64) {
        self.user = found.user;
        if let Some((name, value)) = found.register
            && !self.ended
        {
            let name = if found.user { format!("user.{name}") } else { name.into() };
            self.out.registers.entry(name).or_insert(value);
        }
        let Some(frame) = found.frame else { return };
        if self.ended || (found.role == StackRole::Pc && before.is_none() && self.is_known_instruction(&frame)) {
            return;
        }
        let inside = matches!(self.open, Open::Stack(index) if !self.out.stacks[index].frames.is_empty());
        let role = if inside && found.role == StackRole::Pc { StackRole::Interrupted } else { found.role };
        let index = match before {
            Some(index) if self.out.stacks[index].role == role => index,
            _ => {
                let (task, cpu) = self.near.clone();
                self.out.stacks.push(Stack { role, task, cpu, line: log_line, frames: Vec::new() });
                self.out.stacks.len() - 1
            }
        };
        self.out.stacks[index].frames.push(frame);
        self.exception = Some(index);
    }

    /// A frame, into what is open.
    fn frame(&mut self, line: &Line<'_>) -> bool {
        let Some(found) = frame_line(line.text, line.log_line) else { return false };
        if matches!(self.open, Open::Nothing | Open::Held(_)) {
            // Frames without a header are the report's own if its header is all that came before.
            let expected = self.pending.is_some() || !self.traced;
            if !expected || (self.out.lockdep.is_some() && self.pending.is_none()) {
                return false;
            }
            self.open_stack(line.log_line);
        }
        if let Open::Context { at, waits } = self.open {
            return self.dept_frame(at, waits, found.frame);
        }
        // The callee is the frame above, unless there is none or an exception stands between.
        let callee = |frames: &[Frame]| {
            found
                .callee
                .clone()
                .filter(|callee| frames.last().is_none_or(|above| above.function.as_ref() != Some(callee)))
        };
        let frames = match self.open {
            Open::Stack(index) => &mut self.out.stacks[index].frames,
            Open::Chain => match self.out.lockdep.as_mut().and_then(|report| report.chain.last_mut()) {
                Some(entry) => &mut entry.frames,
                None => return false,
            },
            _ => return false,
        };
        self.damage.frame();
        if let Some(callee) = callee(frames) {
            frames.push(Frame { function: Some(callee), reliable: true, log_line: line.log_line, ..Frame::default() });
        }
        frames.push(found.frame);
        true
    }

    fn unknown(&mut self, trimmed: &[u8], line: &Line<'_>) {
        match self.open {
            Open::Stack(index) if trimmed == b"(stack is not available)" => {
                self.open = Open::Nothing;
                if index + 1 == self.out.stacks.len() {
                    self.out.stacks.pop();
                }
            }
            Open::Stack(index) => {
                let begun = !self.out.stacks[index].frames.is_empty();
                self.damage.unknown(trimmed, line.log_line, begun);
            }
            Open::Acquiring | Open::Holding => self.close(),
            // The header promises a number of locks, and they are numbered: foreign lines come between them.
            Open::Held(index) if trimmed[0] != b'#' && !held::lacks_some(&self.out.held_locks[index]) => self.close(),
            _ => {}
        }
    }

    fn finish(mut self) -> Structure {
        self.close();
        self.settle();
        let Self { mut out, damage, .. } = self;
        if let Some(hung) = out.hung_tasks.iter().find(|hung| hung.seconds.is_some()) {
            out.task = Some(hung.task.clone());
            out.cpu = None;
        } else if out.task.is_none() {
            let starved = |hung: &HungTask| {
                hung.stack.and_then(|stack| out.stacks.get(stack)).is_some_and(|stack| stack.role == StackRole::Starved)
            };
            out.task = out.hung_tasks.iter().find(|hung| !starved(hung)).map(|hung| hung.task.clone());
        }
        if let Some(report) = &out.lockdep {
            for entry in report.chain.iter().filter(|entry| !entry.frames.is_empty()) {
                out.stacks.push(Stack {
                    role: StackRole::Chain(entry.number),
                    task: None,
                    cpu: None,
                    line: entry.line,
                    frames: entry.frames.clone(),
                });
            }
        }
        out.damage = damage.words(&out.held_locks);
        out
    }
}

/// Name and rest of a line that begins with a context's mark.
fn marker(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"<")?;
    // Linux before 2.6.33 wrote `<<EOE>>`.
    let (inner, close) = match inner.strip_prefix(b"<") {
        Some(inner) => (inner, 2),
        None => (inner, 1),
    };
    let end = memchr::memchr(b'>', &inner[..inner.len().min(24)])?;
    let name = &inner[..end];
    if !inner[end..].starts_with(&b">>"[..close]) {
        return None;
    }
    let known = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'/' | b'#' | b'_'))
        && name.iter().any(u8::is_ascii_uppercase);
    known.then(|| (name, &inner[end + close..]))
}

/// The first word on a thing counts.
pub(super) fn fill<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}
