//! The tasks of a report that are blocked or listed, as their lines come.

use super::account::{Account, Answer};
use super::frames::vmcore;
use super::hung::{blocker, hung, listed, old_row, state, workqueue};
use super::role::StackRole;
use super::scan::{after, split, word};
use super::stacks::Announcement;
use super::traces::Traces;
use super::{HungTask, Shown};

/// What the reader of tasks remembers between two lines.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// The first half of a task row that two messages hold, and its log line.
    half_row: Option<(Vec<u8>, u64)>,
}

impl Tasks {
    /// A line about a task that waits.
    pub(super) fn line(
        &mut self,
        trimmed: &[u8],
        log_line: u64,
        account: &mut Account<'_>,
        traces: &mut Traces,
    ) -> Answer {
        // `INFO: task …`, of which the console may have eaten the beginning.
        let headline = matches!(trimmed[0], b'I' | b'N' | b'F' | b'O' | b':' | b't' | b'T');
        if headline && hung_or_blocked(trimmed, log_line, account, traces).is_taken() {
            return Answer::Taken;
        }
        if trimmed.starts_with(b"Future hung task reports are suppressed") {
            if let Some(last) = account.out.hung_tasks.last_mut() {
                last.last = true;
            }
            return Answer::Taken;
        }
        let row = match trimmed[0] {
            b't' => state(trimmed, log_line).or_else(|| self.split_row(trimmed, log_line, account)),
            b's' => self.second_half(trimmed),
            _ => None,
        };
        if trimmed[0] == b't' && row.is_none() && self.half_row.is_some() {
            return Answer::Taken;
        }
        if let Some(row) = row.or_else(|| old_row_here(trimmed, log_line, account, traces)) {
            account.close();
            task_row(row, account, traces);
            return Answer::Taken;
        }
        if let Some((queue, function)) = workqueue(trimmed) {
            if let Some(last) = account.out.hung_tasks.last_mut().filter(|last| last.stack.is_none()) {
                last.workqueue = Some(queue);
                last.work_function = function;
            }
            return Answer::Taken;
        }
        Answer::NotMine
    }

    /// The first line of what `crash` shows of one task of a dump.
    pub(super) fn of_dump(&self, first: &Shown<'_>, account: &mut Account<'_>, traces: &mut Traces) {
        if let Some(task) = vmcore::task(first.text.trim_ascii()).and_then(|found| found.task) {
            task_row(listed(task, first.log_line), account, traces);
        }
    }

    /// `task:NAME state:D`, whose other half comes with the next line.
    fn split_row(&mut self, trimmed: &[u8], log_line: u64, account: &mut Account<'_>) -> Option<HungTask> {
        let (_, rest) = split(after(trimmed, "task:")?, " state:")?;
        if word(rest).1.is_empty() {
            account.close();
            self.half_row = Some((trimmed.to_vec(), log_line));
        }
        None
    }

    /// `stack:0 pid:58 ppid:2 flags:0x…` below the first half.
    fn second_half(&mut self, trimmed: &[u8]) -> Option<HungTask> {
        let (mut row, log_line) = self.half_row.take_if(|_| trimmed.starts_with(b"stack:"))?;
        row.push(b' ');
        row.extend_from_slice(trimmed);
        state(&row, log_line)
    }
}

/// A row of kernels before 5.11, which has no word of its own: only where a task's row may stand.
fn old_row_here(trimmed: &[u8], log_line: u64, account: &Account<'_>, traces: &Traces) -> Option<HungTask> {
    let of_cpu = traces.announced.as_ref().is_some_and(|announced| announced.role.is_task_dump());
    let out = &account.out;
    let awaited = out.hung_tasks.last().is_some_and(|last| last.state.is_none() && last.stack.is_none());
    let first = out.stacks.is_empty() && out.hung_tasks.is_empty();
    (awaited || first || of_cpu).then(|| old_row(trimmed, log_line)).flatten()
}

/// The headline of a hung task, or the kernel's word on who holds the lock of one.
fn hung_or_blocked(trimmed: &[u8], log_line: u64, account: &mut Account<'_>, traces: &mut Traces) -> Answer {
    if let Some(task) = hung(trimmed, log_line) {
        account.close();
        traces.announced = Some(own_stack(&task, StackRole::Hung));
        account.out.hung_tasks.push(task);
        return Answer::Taken;
    }
    let Some(blocker) = blocker(trimmed, log_line) else { return Answer::NotMine };
    account.close();
    let out = &mut account.out;
    let known = out.hung_tasks.iter_mut().rev().take(64).find(|hung| hung.task.pid == blocker.waiter.pid);
    match known {
        Some(waiter) => waiter.blocker = Some(blocker.clone()),
        None => {
            let waiter = listed(blocker.waiter.clone(), log_line);
            out.hung_tasks.push(HungTask { blocker: Some(blocker.clone()), ..waiter });
        }
    }
    out.blockers.push(blocker);
    Answer::Taken
}

/// A row of task state completes the hung task above it or lists another task.
fn task_row(row: HungTask, account: &mut Account<'_>, traces: &mut Traces) {
    let holder = account.out.blockers.last().and_then(|blocker| blocker.holder.as_ref());
    let named = holder.is_some_and(|holder| holder.pid == row.task.pid);
    match account.out.hung_tasks.last_mut() {
        Some(last) if last.task.pid == row.task.pid && last.state.is_none() && last.stack.is_none() => {
            last.state = row.state;
            last.tgid = row.tgid;
            last.ppid = row.ppid;
        }
        _ => {
            let announced = traces.announced.take().filter(|announced| announced.role.is_task_dump());
            traces.announced = Some(match announced {
                Some(announced) => Announcement { task: Some(row.task.clone()), ..announced },
                None => own_stack(&row, if named { StackRole::Holder } else { StackRole::Task }),
            });
            traces.near = (Some(row.task.clone()), None);
            account.out.hung_tasks.push(row);
        }
    }
}

/// The announcement of a task's own stack.
fn own_stack(task: &HungTask, role: StackRole) -> Announcement {
    Announcement { role, task: Some(task.task.clone()), cpu: None, opens: false }
}
