//! Log lines of a record, rewritten: for texts that were taken out of another one (a mail).

use super::record::{Blocker, ChainEntry, Event, Frame, HeldLock, HeldLocks, HungTask, Report, Stack};

/// Gives every 1-based log line of a report through `line`.
pub fn renumber_report(report: &mut Report, line: &impl Fn(u64) -> u64) {
    report.line = line(report.line);
    stacks(&mut report.stacks, line);
    lists(&mut report.held_locks, line);
    tasks(&mut report.hung_tasks, line);
    if let Some(lockdep) = &mut report.lockdep {
        lockdep.acquiring.iter_mut().chain(&mut lockdep.holding).for_each(|lock| held(lock, line));
        lockdep.chain.iter_mut().for_each(|entry| chain(entry, line));
        for context in &mut lockdep.contexts {
            context.line = line(context.line);
            frames(&mut context.frames, line);
        }
    }
}

/// Gives every 1-based log line of an event through `line`.
pub fn renumber_event(event: &mut Event, line: &impl Fn(u64) -> u64) {
    event.line = line(event.line);
    stacks(&mut event.stacks, line);
    lists(&mut event.held_locks, line);
    tasks(&mut event.hung_tasks, line);
}

fn stacks(stacks: &mut [Stack], line: &impl Fn(u64) -> u64) {
    for stack in stacks {
        stack.line = line(stack.line);
        frames(&mut stack.frames, line);
    }
}

fn frames(frames: &mut [Frame], line: &impl Fn(u64) -> u64) {
    for frame in frames {
        frame.log_line = line(frame.log_line);
    }
}

fn lists(lists: &mut [HeldLocks], line: &impl Fn(u64) -> u64) {
    for list in lists {
        list.line = line(list.line);
        list.locks.iter_mut().for_each(|lock| held(lock, line));
    }
}

fn held(lock: &mut HeldLock, line: &impl Fn(u64) -> u64) {
    lock.line = line(lock.line);
    lock.acquired_at.iter_mut().chain(&mut lock.inlined).for_each(|frame| frame.log_line = line(frame.log_line));
}

fn chain(entry: &mut ChainEntry, line: &impl Fn(u64) -> u64) {
    entry.line = line(entry.line);
    frames(&mut entry.frames, line);
}

fn tasks(tasks: &mut [HungTask], line: &impl Fn(u64) -> u64) {
    for task in tasks {
        task.line = line(task.line);
        task.blocker.iter_mut().for_each(|blocker: &mut Blocker| blocker.line = line(blocker.line));
    }
}
