//! The facts of a report that stand on a line of their own: CPU, task, taint, kernel, hardware, the access that went wrong.

use super::access::AccessKind;
use super::account::{Account, Answer, fill};
use super::context::{CpuLine, access, by_task, cpu_line, fault_kind, kernel_build, oopsing, process_line, taint};
use super::fault;
use super::frames::vmcore;
use super::header::{Header, header, oops_number};
use super::hung::workqueue;
use super::role::StackRole;
use super::scan::{after, keyed, leading_number, split, text, word};
use super::structure::Structure;
use super::traces::Traces;
use super::whose::{Whose, flagged};
use super::{Shown, Stack, Task};
use crate::line::Letters;

/// What decides which facts are the report's own.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// What the first line says of CPU and task.
    header: Header,
    /// Task and CPU of the first `CPU:` line.
    first_cpu: (Option<Task>, Option<u32>),
    /// CPUs that a stall's report lists.
    stalled: Vec<u32>,
    /// Whether the fault's header was x86's.
    x86: bool,
    /// Whether it was PowerPC's of an access that is not aligned: the registers say nothing of its kind then.
    unaligned: bool,
    whose: Whose,
}

impl Facts {
    /// Of the report that begins with this line, which is spelled with `letters`.
    pub(super) fn of(first: &[u8], letters: Letters) -> Self {
        Self { header: header(first, letters), ..Self::default() }
    }

    /// A line that says such a fact. Some say another thing besides, and are not taken.
    pub(super) fn line(
        &mut self,
        trimmed: &[u8],
        line: &Shown<'_>,
        account: &mut Account<'_>,
        traces: &mut Traces,
    ) -> Answer {
        match trimmed[0] {
            b'C' | b'P' => {
                if let Some(found) = cpu_line(trimmed) {
                    account.close();
                    account.user = false;
                    self.of_cpu(found, line.log_line, account, traces);
                    return Answer::Taken;
                }
                if let Some(found) = vmcore::task(trimmed) {
                    self.of_cpu(found, line.log_line, account, traces);
                    return Answer::Taken;
                }
                if let Some(task) = process_line(trimmed) {
                    let out = &mut account.out;
                    // MIPS names the CPU first, then counts the oops: a task above that is of the oops that another CPU prints.
                    let early = self.header.cpu.is_some() && self.header.task.is_none() && self.first_cpu.0.is_none();
                    if early && out.oops.is_none() {
                        out.mixed.get_or_insert(line.log_line);
                        return Answer::Taken;
                    }
                    let found = CpuLine { task: Some(task), cpu: traces.near.1, ..CpuLine::default() };
                    self.of_cpu(found, line.log_line, account, traces);
                    return Answer::Taken;
                }
            }
            b'p' if trimmed.starts_with(b"pid   = ") => {
                if let Some(task) = process_line(trimmed) {
                    let found = CpuLine { task: Some(task), cpu: traces.near.1, ..CpuLine::default() };
                    self.of_cpu(found, line.log_line, account, traces);
                    return Answer::Taken;
                }
            }
            b'M' if trimmed.starts_with(b"Modules linked in:") => account.user = false,
            b'H' => {
                if let Some(name) = after(trimmed, "Hardware name: ") {
                    account.out.hardware.get_or_insert_with(|| text(name));
                    return Answer::Taken;
                }
            }
            b'N' | b'T' => {
                let (letters, version) = taint(trimmed);
                if letters.is_some() || version.is_some() {
                    fill(&mut account.out.taint, letters);
                    fill(&mut account.out.kernel_version, version);
                    fill(&mut account.out.kernel_build, kernel_build(trimmed));
                    return Answer::Taken;
                }
            }
            b'#' => {
                if let Some(kind) = fault_kind(trimmed) {
                    refine_access(kind, &mut account.out);
                    return Answer::Taken;
                }
            }
            b'W' => {
                if let Some((_, Some(function))) = workqueue(trimmed) {
                    let stopped = traces.stopped.is_some() && traces.near.1 == traces.stopped;
                    // A kernel without symbols prints an address.
                    let named = !function.starts_with("0x");
                    if account.out.work_function.is_none() && named && !stopped {
                        account.out.work_function = Some(function);
                    }
                }
            }
            b'i' if trimmed.starts_with(b"in_atomic(): ") => {
                if let Some(task) = flagged(trimmed) {
                    if self.names_nobody() && self.whose.flags(&task) {
                        account.out.mixed.get_or_insert(line.log_line);
                    }
                    fill(&mut self.header.task, Some(task));
                }
            }
            b'E' => {
                // i386 before Linux 2.6.25: `EFLAGS: 00010202   (2.6.12-rc3 #1)`.
                if let Some((_, release)) = after(trimmed, "EFLAGS: ").and_then(|rest| split(rest, "(")) {
                    let version = word(release).0;
                    let version = version.strip_suffix(b")").unwrap_or(version);
                    let known = version.first().is_some_and(u8::is_ascii_digit) && version.contains(&b'.');
                    fill(&mut account.out.kernel_version, known.then(|| text(version)));
                    fill(&mut account.out.kernel_build, kernel_build(release.strip_suffix(b")").unwrap_or(release)));
                }
            }
            b'*' => account.damage.dropped(trimmed, line.log_line),
            _ => {}
        }
        self.fault(trimmed, line, &mut account.out);
        if matches!(trimmed[0], b'0'..=b'9' | b'r') {
            self.stalled.extend(stalled(trimmed));
        }
        Answer::NotMine
    }

    /// The CPU behind the flags of i386 since Linux 2.6.25: `EIP: 0060:[<f8d4a1f1>] EFLAGS: 00010246 CPU: 0`.
    pub(super) fn cpu_of_flags(
        &mut self,
        trimmed: &[u8],
        line: &Shown<'_>,
        account: &mut Account<'_>,
        traces: &mut Traces,
    ) {
        let cpu = after(trimmed, "EIP: ").and_then(|rest| keyed(rest, " CPU: "));
        if let Some(cpu) = cpu.and_then(|cpu| u32::try_from(cpu).ok()) {
            self.of_cpu(CpuLine { cpu: Some(cpu), ..CpuLine::default() }, line.log_line, account, traces);
        }
    }

    /// What a row of registers says of the kind of the access.
    pub(super) fn kind_of_access(&self, trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) {
        self.refine(trimmed, line.letters, &mut account.out);
    }

    fn refine(&self, trimmed: &[u8], letters: Letters, out: &mut Structure) {
        if let Some(kind) = fault::kind(trimmed, letters, self.x86).filter(|_| !self.unaligned) {
            refine_access(kind, out);
        }
    }

    /// The access that went wrong, its kind, and the number of the oops.
    fn fault(&mut self, trimmed: &[u8], line: &Shown<'_>, out: &mut Structure) {
        let letters = line.letters;
        if let Some(found) = access(trimmed, letters) {
            let whose = by_task(trimmed);
            if whose.is_some() {
                self.whose.named();
            }
            if self.header.task.is_some() && self.header.task.as_ref().zip(whose.as_ref()).is_some_and(differ) {
                // What a task did that the first line does not name is another report's.
                out.mixed.get_or_insert(line.log_line);
                return;
            }
            self.x86 |= out.access.is_none() && fault::is_x86(trimmed);
            self.unaligned |= memchr::memmem::find(trimmed, b" for unaligned access at ").is_some();
            let first = out.access.is_none();
            fill(&mut out.access, Some(found));
            if first && out.task.as_ref().zip(whose.as_ref()).is_some_and(differ) {
                // The `CPU:` line above was not the report's own.
                out.mixed.get_or_insert(line.log_line);
                (out.task, out.cpu) = (whose, None);
            } else {
                fill(&mut out.task, whose);
            }
        } else {
            self.refine(trimmed, letters, out);
        }
        if out.task.is_none() {
            out.task = oopsing(trimmed, letters);
        }
        if out.oops.is_none() {
            out.oops = oops_number(trimmed, letters);
        }
    }

    /// The `CPU:` line: its facts are the report's unless it contradicts the header.
    fn of_cpu(&mut self, found: CpuLine, log_line: u64, account: &mut Account<'_>, traces: &mut Traces) {
        let contradicts = self.header.contradicts(&found);
        // What a stopped CPU ran did not panic, and where RCU's thread ran last is not where the stall is.
        let starved = traces.announced.as_ref().is_some_and(|announced| announced.role == StackRole::Starved);
        let other = contradicts || starved || traces.stopped.is_some_and(|cpu| found.cpu == Some(cpu));
        let announced = traces.announced.is_some();
        // Behind the report's own stack, the line of another task on another CPU that nothing announced begins a report of
        // which the header is not here.
        let (own_task, own_cpu) = &self.first_cpu;
        let differs = own_task.is_some() && own_cpu.is_some() && *own_task != found.task && *own_cpu != found.cpu;
        if differs && traces.crashed && !announced && found.cpu.is_some() && found.task.is_some() {
            account.ended = true;
            return;
        }
        // Such a line above the report's own stack, or a stack above the report's own line, is of a report that another CPU prints.
        let stack_above = || {
            let instruction = |stack: &Stack| stack.role == StackRole::Pc;
            traces.headless || account.out.stacks.iter().any(instruction)
        };
        let strays = own_task.is_none() && self.header.cpu.is_some() && stack_above();
        // A task may go on on another CPU; and a stall has the lines of several.
        let others = contradicts && self.header.is_of_another_task(&found)
            || differs && found.task.is_some() && !account.has_stack();
        if !announced && traces.stopped.is_none() && (others || strays) {
            if account.has_stack() && !strays {
                account.ended = true;
                return;
            }
            if !account.has_stack() && differs && self.names_nobody() {
                self.whose.mix();
            }
            account.out.mixed.get_or_insert(log_line);
        }
        if own_task.is_none() {
            self.first_cpu = (found.task.clone(), found.cpu);
        }
        traces.near = (found.task.clone(), found.cpu);
        let out = &mut account.out;
        if !other {
            // Where the first line was printed is where it happened.
            out.cpu = out.cpu.or(self.header.cpu).or(found.cpu);
            if own_nameless(out.task.as_ref(), found.task.as_ref()) {
                out.task = None;
            }
            fill(&mut out.task, found.task);
        }
        // The stack of another CPU that was announced is printed by the same kernel.
        if !other || announced {
            fill(&mut out.taint, found.taint);
            fill(&mut out.kernel_version, found.kernel_version);
            fill(&mut out.kernel_build, found.kernel_build);
        }
    }

    /// Whether the first line names neither task nor CPU.
    fn names_nobody(&self) -> bool {
        let Header { cpu, task, comm } = &self.header;
        cpu.is_none() && comm.is_none() && task.as_ref().is_none_or(|task| self.whose.is_flagged(task))
    }

    /// What header and lists say once all lines are read: CPU and task that no line of their own names, a jump to NULL.
    pub(super) fn settle(mut self, out: &mut Structure) {
        if self.whose.is_unknown() {
            (out.task, out.cpu) = (None, None);
            self.header = Header::default();
        }
        if out.mixed.is_some() {
            out.mix();
        }
        out.cpu = out.cpu.or(self.header.cpu);
        if out.cpu.is_none()
            && let [cpu] = self.stalled[..]
        {
            out.cpu = Some(cpu);
            let stack = out.stacks.iter().find(|stack| stack.cpu == Some(cpu));
            fill(&mut out.task, stack.and_then(|stack| stack.task.clone()));
        }
        fill(&mut out.task, self.header.task);
        // Old oopses name the instruction before the task.
        let placeless = |stack: &&mut Stack| stack.role == StackRole::Pc && stack.task.is_none();
        for stack in out.stacks.iter_mut().filter(placeless).filter(|_| out.mixed.is_none()) {
            if stack.cpu.is_none() || stack.cpu == out.cpu {
                (stack.task, stack.cpu) = (out.task.clone(), out.cpu);
            }
        }
        if out.stacks.iter().any(jumped_to_null) {
            refine_access(AccessKind::Execute, out);
        }
    }
}

/// Whether the one is only a number, and the other says its name.
fn own_nameless(known: Option<&Task>, found: Option<&Task>) -> bool {
    known.zip(found).is_some_and(|(known, found)| known.comm.is_empty() && known.pid == found.pid)
}

/// Whether two tasks are not the same.
fn differ((one, other): (&Task, &Task)) -> bool {
    one.pid != other.pid
}

/// The kind of an access of which only the address was known.
fn refine_access(kind: AccessKind, out: &mut Structure) {
    if let Some(access) = out.access.as_mut().filter(|access| access.kind == AccessKind::Fault) {
        access.kind = kind;
    }
}

/// Whether the faulting instruction is at no address.
fn jumped_to_null(stack: &Stack) -> bool {
    let first = stack.frames.first().and_then(|frame| frame.address.as_deref());
    stack.role == StackRole::Pc
        && first.is_some_and(|address| address == "(null)" || address.bytes().all(|byte| b"0x".contains(&byte)))
}

/// The CPU of a stall's row, which does not get on: `rcu:     1-...!: (1 GPs behind) idle=…`; the last mark may be a number.
fn stalled(trimmed: &[u8]) -> Option<u32> {
    let row = after(trimmed, "rcu:").unwrap_or(trimmed).trim_ascii_start();
    let (cpu, rest) = leading_number(row)?;
    let marks = rest.iter().take_while(|byte| b"-.!?OoNDd".contains(byte) || byte.is_ascii_digit()).count();
    let lists = rest.starts_with(b"-") && marks > 3 && rest[marks..].starts_with(b": (");
    u32::try_from(cpu).ok().filter(|_| lists)
}
