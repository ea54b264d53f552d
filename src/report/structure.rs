//! What the text of one report or event says besides its title, as plain data.

use super::{Access, Blocker, HeldLocks, HungTask, Lockdep, Stack, StackRole, Task};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the text of one report or event says besides its title.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Structure {
    /// Stacks in the order of the log; each has its [`super::StackRole`].
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
    /// The line that shows that the lines of another CPU's report stand between those of this one: whose the stacks are, nobody knows.
    pub mixed: Option<u64>,
    /// What is visibly missing or mixed up.
    pub damage: Vec<String>,
}

impl Structure {
    /// Gives back what lists took to grow: most have one entry and took room for four, and a log may hold a million records.
    pub(super) fn give_back(&mut self) {
        for list in &mut self.held_locks {
            list.locks.iter_mut().for_each(|lock| lock.inlined.shrink_to_fit());
            list.locks.shrink_to_fit();
        }
        self.held_locks.shrink_to_fit();
        self.stacks.iter_mut().for_each(|stack| stack.frames.shrink_to_fit());
        self.stacks.shrink_to_fit();
        self.hung_tasks.shrink_to_fit();
    }

    /// Takes back what lines said that may be of the report with which this one is mixed.
    pub(super) fn mix(&mut self) {
        for stack in &mut self.stacks {
            if stack.role == StackRole::Crash {
                stack.role = StackRole::Trace;
            }
            if matches!(stack.role, StackRole::Trace | StackRole::Pc | StackRole::Lr | StackRole::Interrupted) {
                (stack.task, stack.cpu) = (None, None);
            }
        }
        self.registers.clear();
        (self.code, self.work_function) = (None, None);
    }

    /// Leaves the frames of these log lines, which a careful unwinder would not have printed, out of every stack that has
    /// others that the unwinder is sure of.
    pub(super) fn without_doubtful(&mut self, lines: &BTreeSet<u64>) {
        if lines.is_empty() {
            return;
        }
        let chain = self.lockdep.iter_mut().flat_map(|report| &mut report.chain).map(|entry| &mut entry.frames);
        for frames in self.stacks.iter_mut().map(|stack| &mut stack.frames).chain(chain) {
            if frames.iter().any(|frame| frame.reliable && !lines.contains(&frame.log_line)) {
                frames.retain(|frame| !lines.contains(&frame.log_line));
            }
        }
    }
}
