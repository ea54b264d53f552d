//! Log lines of a record, rewritten: for texts that were taken out of another one (a mail).

use super::record::{Blocker, ChainEntry, Event, Frame, HeldLock, HeldLocks, HungTask, Report, Stack};

/// Gives every 1-based log line of a report through `line`.
pub fn renumber_report(report: &mut Report, line: &impl Fn(u64) -> u64) {
    report.line = line(report.line);
    report.damage.iter_mut().for_each(|sentence| *sentence = in_words(sentence, line));
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

/// A sentence with the number behind each `line ` given through `line`.
fn in_words(sentence: &str, line: &impl Fn(u64) -> u64) -> String {
    const MARK: &str = "line ";
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        out.push_str(before);
        let digits = after.len() - after.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        match after[..digits].parse() {
            Ok(number) => out.push_str(&line(number).to_string()),
            Err(_) => out.push_str(&after[..digits]),
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    out
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

#[cfg(test)]
mod tests {
    #[test]
    fn lines_in_words_are_rewritten_too() {
        let told = super::in_words("other text inside a stack at line 7, a line at line 12", &|line| line + 100);
        assert_eq!(told, "other text inside a stack at line 107, a line at line 112");
    }
}
