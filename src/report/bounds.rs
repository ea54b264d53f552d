//! Which facts are the report's own: where it ends, which `CPU:` line is its, what its header settles.

use super::access::AccessKind;
use super::context::CpuLine;
use super::describe::{Open, Walk, fill};
use super::role::StackRole;
use super::scan::{after, leading_number};
use super::{Frame, Stack};

impl Walk<'_> {
    /// Whether the report has ended, so that the line is of others: behind the end mark only a panic that says so belongs
    /// to it.
    pub(super) fn is_over(&mut self, line: &[u8]) -> bool {
        if !self.ended || self.panicked {
            return false;
        }
        let output = &self.grammar.output;
        self.panicked = line.starts_with(b"Kernel panic - not syncing")
            && (output.follows.is_match(line) || output.follows_init.is_match(line));
        !self.panicked
    }

    /// The `CPU:` line: its facts are the report's unless it contradicts the header.
    pub(super) fn of_cpu(&mut self, found: CpuLine) {
        let other = self.header.contradicts(&found);
        // Behind the report's own stack, the line of another task on another CPU that nothing announced begins a report of
        // which the header is not here.
        let (own_task, own_cpu) = &self.first_cpu;
        let differs = own_task.is_some() && own_cpu.is_some() && *own_task != found.task && *own_cpu != found.cpu;
        if differs && self.crashed && self.pending.is_none() && found.cpu.is_some() {
            self.ended = true;
            return;
        }
        if own_task.is_none() {
            self.first_cpu = (found.task.clone(), found.cpu);
        }
        self.near = (found.task.clone(), found.cpu);
        if !other {
            self.out.cpu = self.out.cpu.or(found.cpu);
            fill(&mut self.out.task, found.task);
        }
        // The stack of another CPU that was announced is printed by the same kernel.
        if !other || self.pending.is_some() {
            fill(&mut self.out.taint, found.taint);
            fill(&mut self.out.kernel_version, found.kernel_version);
            fill(&mut self.out.kernel_build, found.kernel_build);
        }
    }

    /// The kind of an access of which only the address was known.
    pub(super) fn kind_of_access(&mut self, kind: AccessKind) {
        if let Some(access) = self.out.access.as_mut().filter(|access| access.kind == AccessKind::Fault) {
            access.kind = kind;
        }
    }

    /// Rows of a stall's report: `rcu:     1-...!: (1 GPs behind) idle=…` lists a CPU that does not get on.
    pub(super) fn stall(&mut self, trimmed: &[u8]) {
        let row = after(trimmed, "rcu:").unwrap_or(trimmed).trim_ascii_start();
        let Some((cpu, rest)) = leading_number(row) else { return };
        let marks = rest.iter().take_while(|byte| b"-.!?OoNDd".contains(byte)).count();
        if rest.starts_with(b"-")
            && marks > 3
            && rest[marks..].starts_with(b": (")
            && let Ok(cpu) = u32::try_from(cpu)
        {
            self.stalled.push(cpu);
        }
    }

    /// Whether a stack begins with this instruction already: old oopses of x86 name it twice, `IP:` and `RIP:`.
    pub(super) fn is_known_instruction(&self, frame: &Frame) -> bool {
        let mut known =
            self.out.stacks.iter().filter(|stack| stack.role == StackRole::Pc).flat_map(|stack| &stack.frames);
        !matches!(self.open, Open::Stack(_))
            && known.any(|known| known.function == frame.function && known.offset == frame.offset)
    }

    /// What header and lists say once all lines are read: CPU and task that no line of their own names, a jump to NULL.
    pub(super) fn settle(&mut self) {
        let out = &mut self.out;
        out.cpu = out.cpu.or(self.header.cpu);
        if out.cpu.is_none()
            && let [cpu] = self.stalled[..]
        {
            out.cpu = Some(cpu);
            let stack = out.stacks.iter().find(|stack| stack.cpu == Some(cpu));
            fill(&mut out.task, stack.and_then(|stack| stack.task.clone()));
        }
        fill(&mut out.task, self.header.task.take());
        // Old oopses name the instruction before the task.
        for stack in out.stacks.iter_mut().filter(|stack| stack.role == StackRole::Pc && stack.task.is_none()) {
            if stack.cpu.is_none() || stack.cpu == out.cpu {
                (stack.task, stack.cpu) = (out.task.clone(), out.cpu);
            }
        }
        let jumped = |stack: &Stack| {
            let first = stack.frames.first().and_then(|frame| frame.address.as_deref());
            stack.role == StackRole::Pc
                && first.is_some_and(|address| address == "(null)" || address.bytes().all(|byte| b"0x".contains(&byte)))
        };
        if let Some(access) = out.access.as_mut().filter(|access| access.kind == AccessKind::Fault)
            && out.stacks.iter().any(jumped)
        {
            access.kind = AccessKind::Execute;
        }
    }
}
