//! Stacks of which the unwinder is sure of no frame: what earlier calls left on them stands between the frames.

use super::Frame;
use crate::grammar::{List, Vocabulary, bare_function};

/// The functions in which tasks wait.
const WAITS: [List; 4] = [List::Scheduler, List::LockWaits, List::Waits, List::Completions];
/// What an assembler's switch of tasks leaves is no caller.
const SWITCH: &str = "__switch_to_asm";
/// So many others may stand between two functions of the same wait.
const BETWEEN: usize = 3;

/// The indices of the frames that say what a task waits for, in a stack that the unwinder doubts as a whole: the functions of
/// waiting up to the outermost one, and all below it. An address at the beginning or the end of its function is no return address.
#[must_use]
pub fn without_leftovers(words: &Vocabulary, frames: &[Frame]) -> Vec<usize> {
    let waits = |frame: &Frame| {
        let name = bare_function(frame.function.as_deref().unwrap_or_default());
        WAITS.into_iter().any(|list| words.function(list, name).is_some())
    };
    let kept: Vec<usize> = (0..frames.len()).filter(|at| !is_no_return(&frames[*at])).collect();
    let (mut outermost, mut between) = (None, 0);
    for (place, at) in kept.iter().enumerate() {
        if waits(&frames[*at]) {
            (outermost, between) = (Some(place), 0);
        } else if frames[*at].function.as_deref() != Some(SWITCH) {
            between += 1;
        }
        if between > BETWEEN {
            break;
        }
    }
    let inside = outermost.map_or(0, |place| place + 1);
    let (wait, below) = kept.split_at(inside);
    wait.iter().filter(|at| waits(&frames[**at])).chain(below).copied().collect()
}

/// Whether nothing returns there: a call ends before its function does, and not where it begins.
fn is_no_return(frame: &Frame) -> bool {
    !frame.reliable && (frame.offset == Some(0) || frame.size.is_some() && frame.offset == frame.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;
    use crate::report::frame_line;

    #[test]
    fn leftovers_between_the_functions_of_a_wait_are_left_out() {
        let stack = "__schedule+0x239/0x6f0 bit_wait+0x50/0x50 schedule+0x32/0x80 schedule_timeout+0x1dd/0x380 \
                     __switch_to_asm+0x35/0x70 __switch_to_asm+0x41/0x70 widget_clock+0x3e/0xb0 io_schedule_timeout+0x9d/0x100 \
                     widget_prepare+0x57/0x80 bit_wait_io+0x17/0x60 __wait_on_bit+0x55/0x80 widget_commit+0xf59/0x17c0 \
                     widget_unused+0x10/0x10 widget_thread+0xd9/0xf0";
        let frames: Vec<Frame> = stack
            .split_ascii_whitespace()
            .filter_map(|name| frame_line(format!(" ? {name}").as_bytes(), 0))
            .map(|line| line.frame)
            .collect();
        assert_eq!(frames.len(), 14);
        let kept = without_leftovers(&Grammar::built_in().vocabulary, &frames);
        let names: Vec<&str> = kept.iter().filter_map(|at| frames[*at].function.as_deref()).collect();
        let wait =
            ["__schedule", "schedule", "schedule_timeout", "io_schedule_timeout", "bit_wait_io", "__wait_on_bit"];
        assert_eq!(names, [&wait[..], &["widget_commit", "widget_thread"]].concat());
    }

    #[test]
    fn a_stack_without_a_wait_keeps_its_frames() {
        let frames: Vec<Frame> =
            ["a+0x1/0x9", "b+0x2/0x9"].iter().filter_map(|name| Some(frame_line(name.as_bytes(), 0)?.frame)).collect();
        assert_eq!(without_leftovers(&Grammar::built_in().vocabulary, &frames), [0, 1]);
    }
}
