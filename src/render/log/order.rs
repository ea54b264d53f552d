//! The stacks of a report in the order in which a reader wants them.

use crate::report::{Frame, Report, Stack, StackRole};
use std::borrow::Cow;

/// The stacks of a report for a reader: each program counter as the first frame of the stack below it, what crashed first.
pub(in crate::render) fn in_order(report: &Report, full: bool) -> Vec<Cow<'_, Stack>> {
    let all: Vec<&Stack> = report.stacks.iter().filter(|stack| !stack.frames.is_empty()).collect();
    let is_place = |stack: &Stack| matches!(stack.role, StackRole::Pc | StackRole::Lr);
    let mut joined: Vec<usize> = Vec::new();
    let mut stacks: Vec<Cow<'_, Stack>> = Vec::new();
    for (at, stack) in all.iter().enumerate() {
        if stack.role != StackRole::Pc {
            // The return address is the next frame of a stack that is there.
            let told =
                stack.role == StackRole::Lr && !full && all[at..].iter().any(|next| next.role == StackRole::Crash);
            if !told && !joined.contains(&at) {
                stacks.push(Cow::Borrowed(stack));
            }
            continue;
        }
        let below = (at + 1..all.len()).find(|next| !is_place(all[*next])).filter(|next| {
            let next = all[*next];
            next.task == stack.task && (next.role == StackRole::Crash || next.cpu.is_some() && next.cpu == stack.cpu)
        });
        match below {
            Some(below) => {
                joined.push(below);
                stacks.push(Cow::Owned(with_pc(stack, all[below])));
            }
            None => stacks.push(Cow::Borrowed(stack)),
        }
    }
    stacks.sort_by_key(|stack| !matches!(stack.role, StackRole::Crash | StackRole::Pc));
    stacks
}

/// The stack of a crash with the place where it happened as its first frame.
fn with_pc(pc: &Stack, crash: &Stack) -> Stack {
    let is_same = |one: &Frame, other: &Frame| match (&one.function, &other.function) {
        (None, None) => one.address == other.address,
        (one, other) => one == other,
    };
    let repeats = pc.frames.iter().any(|frame| crash.frames.first().is_some_and(|first| is_same(first, frame)));
    let mut whole = crash.clone();
    if !repeats {
        whole.frames.splice(0..0, pc.frames.iter().cloned());
    }
    whole
}
