//! The stacks of a report as their lines come: announced, begun, filled with frames, left.

use super::account::{Account, Answer, Open, fill};
use super::context::access;
use super::dept;
use super::exception::{self, Exception};
use super::frames::{FrameLine, UsualFrame, frames_behind, is_frame_line, unusual};
use super::role::StackRole;
use super::scan::{after, find, split};
use super::stacks::{Announcement, announcement, begins, stopped_cpu};
use super::structure::Structure;
use super::symbolized::is_inlined_copy;
use super::{Frame, Shown, Stack, Task};
use std::collections::BTreeSet;

/// Most stacks have no more frames.
const USUAL_FRAMES: usize = 24;

/// What the reader of stacks remembers between two lines.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// The role of the stack that the next `Call Trace:` or first frame begins.
    pub(super) announced: Option<Announcement>,
    /// Task and CPU of the last `CPU:` line.
    pub(super) near: (Option<Task>, Option<u32>),
    /// The CPU that the last line about it says is stopping.
    pub(super) stopped: Option<u32>,
    /// Whether the report's own stack is there.
    pub(super) crashed: bool,
    /// Whether frames came below nothing that begins a stack.
    pub(super) headless: bool,
    /// Whether any stack is there but those of the faulting instruction.
    traced: bool,
    /// How many accesses of a race are announced.
    races: u32,
    /// Index of the stack that has only the frame its title names.
    titled: Option<usize>,
    /// Index of the stack that the last line added an exception frame to.
    exception: Option<usize>,
    /// Log lines with frames that a careful unwinder would not have printed.
    pub(super) doubted: BTreeSet<u64>,
}

impl Traces {
    /// A line that begins a stack or says whose stack comes, or names the faulting instruction. `above` is the stack of the
    /// instruction on the line above, by [`Self::leave_exception`].
    pub(super) fn line(
        &mut self,
        trimmed: &[u8],
        line: &Shown<'_>,
        above: Option<usize>,
        account: &mut Account<'_>,
    ) -> Answer {
        // m68k has the first frame on the same line, as x86_64 had.
        if let Some(text) = after(trimmed, "Call Trace:").filter(|text| !text.is_empty() && is_frame_line(text)) {
            self.begin(line.log_line, account);
            return self.frame(&Shown { text, ..*line }, account);
        }
        if begins(trimmed) {
            self.begin(line.log_line, account);
            return Answer::Taken;
        }
        if let Some(announced) = announcement(&account.grammar.vocabulary, trimmed, line.letters) {
            // The line itself follows its copies.
            if !is_inlined_copy(trimmed) {
                self.announce(announced, trimmed, line, account);
            }
            return Answer::Taken;
        }
        match exception::line(trimmed, line.log_line) {
            Some(found) => {
                if line.doubted {
                    self.doubted.insert(line.log_line);
                }
                self.instruction(found, above, line.log_line, account);
                Answer::Taken
            }
            None => Answer::NotMine,
        }
    }

    /// The index of the stack that the line above added an exception frame to; it is forgotten.
    pub(super) fn leave_exception(&mut self) -> Option<usize> {
        self.exception.take()
    }

    /// Frames below have a header, or are none of the report's.
    pub(super) fn ends_headless(&mut self) {
        self.traced = true;
    }

    /// A frame, into what is open.
    pub(super) fn frame(&mut self, line: &Shown<'_>, account: &mut Account<'_>) -> Answer {
        // Most lines are no frames or usual ones, and of those nothing is made before it is known where they go.
        let usual = UsualFrame::read(line.text);
        let found = match usual {
            Some(_) => None,
            None => match unusual(line.text, line.log_line) {
                Some(found) => Some(found),
                None => return Answer::NotMine,
            },
        };
        if matches!(account.open, Open::Nothing | Open::Held(_)) {
            // Frames without a header are the report's own if its header is all that came before.
            let expected = self.announced.is_some() || !self.traced;
            if !expected || (account.out.lockdep.is_some() && self.announced.is_none()) {
                return Answer::NotMine;
            }
            self.headless |= self.announced.is_none();
            self.begin(line.log_line, account);
        }
        let report = account.out.lockdep.as_mut();
        let frames = match account.open {
            Open::Stack(index) => {
                let frames = &mut account.out.stacks[index].frames;
                // The stack itself says more.
                if self.titled.take() == Some(index) {
                    frames.clear();
                }
                frames
            }
            Open::Chain => match report.and_then(|report| report.chain.last_mut()) {
                Some(entry) => &mut entry.frames,
                None => return Answer::NotMine,
            },
            Open::Context { at, waits } => {
                let frame = found.map(|found| found.frame).or_else(|| Some(usual?.frame(line.log_line)));
                dept::frame(at, waits, frame, report);
                return Answer::Taken;
            }
            _ => return Answer::NotMine,
        };
        account.damage.frame();
        if line.doubted {
            // Below a frame that is certain it would be left out in the end.
            if frames.last().is_some_and(|above| above.reliable && !self.doubted.contains(&above.log_line)) {
                return Answer::Taken;
            }
            self.doubted.insert(line.log_line);
        }
        if let Some(usual) = usual {
            frames.push(usual.frame(line.log_line));
        }
        if let Some(found) = found {
            push_unusual(found, line, frames);
        }
        Answer::Taken
    }

    /// Begins the stack that was announced, or one whose role follows from where it is.
    fn begin(&mut self, log_line: u64, account: &mut Account<'_>) {
        account.close();
        let (role, task, cpu) = match self.announced.take() {
            Some(announced) => {
                (announced.role, announced.task.or_else(|| self.near.0.clone()), announced.cpu.or(self.near.1))
            }
            None => (if self.crashed { StackRole::Trace } else { StackRole::Crash }, self.near.0.clone(), self.near.1),
        };
        let out = &mut account.out;
        let of_row = role.is_task_dump();
        let last = out.hung_tasks.last().filter(|last| !of_row || Some(&last.task) == task.as_ref());
        if (last.is_some() && of_row) || matches!(role, StackRole::Hung | StackRole::Holder | StackRole::Task) {
            let index = out.stacks.len();
            if let Some(last) = out.hung_tasks.last_mut() {
                last.stack.get_or_insert(index);
            }
        }
        self.crashed |= matches!(role, StackRole::Crash | StackRole::Hung);
        // Where preemption was disabled is an address, not a stack.
        self.traced |= role != StackRole::PreemptOff;
        out.stacks.push(Stack { role, task, cpu, line: log_line, frames: Vec::with_capacity(USUAL_FRAMES) });
        account.open = Open::Stack(out.stacks.len() - 1);
        account.user = false;
    }

    fn announce(&mut self, mut announced: Announcement, trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) {
        if let StackRole::Race(number) = &mut announced.role {
            self.races += 1;
            *number = self.races;
        }
        if let Some(found) = access(trimmed, line.letters) {
            fill(&mut account.out.access, Some(found));
            fill(&mut account.out.task, announced.task.clone());
        }
        let opens = announced.opens;
        // A section's stack is that of its own task and CPU, not of the crash.
        if opens {
            self.near = (None, None);
        }
        account.close();
        if let Some(cpu) = stopped_cpu(trimmed) {
            // What other CPUs did is told only where nothing else is.
            if account.has_stack() {
                account.ended = true;
                return;
            }
            self.stopped = Some(cpu);
        }
        self.announced = Some(announced);
        if opens {
            self.begin(line.log_line, account);
            // `Preemption disabled at:[<c010e30c>] widget_lock+0xc4/0x134`
            if let Some(text) = after(trimmed, "Preemption disabled at:").filter(|text| !text.is_empty()) {
                let _ = self.frame(&Shown { text, ..*line }, account);
            }
            // Until Linux 2.6.39 and without a depot of stacks, SLUB says no more than `Allocated in widget_new+0x24/0x80 [widget] age=0`.
            let named = ["Allocated in ", "Freed in "].iter().find_map(|words| split(trimmed, words));
            if let Some((_, text)) = named {
                let end = find(text, " age=").unwrap_or(text.len());
                let _ = self.frame(&Shown { text: &text[..end], ..*line }, account);
                self.titled =
                    account.out.stacks.len().checked_sub(1).filter(|last| !account.out.stacks[*last].frames.is_empty());
            }
        }
    }

    /// A line that names the faulting instruction or its caller.
    fn instruction(&mut self, found: Exception, above: Option<usize>, log_line: u64, account: &mut Account<'_>) {
        account.user = found.user;
        if let Some((name, value)) = found.register
            && !account.ended
        {
            account.registers.put(found.user, name, &value);
        }
        let out = &mut account.out;
        let Some(frame) = found.frame else { return };
        let inside = match account.open {
            Open::Stack(index) => Some(!out.stacks[index].frames.is_empty()),
            _ => None,
        };
        let repeats =
            found.role == StackRole::Pc && above.is_none() && inside.is_none() && is_known(&frame, &out.stacks);
        if account.ended || repeats || found.repeated && is_known(&frame, &out.stacks) {
            return;
        }
        let interrupts = inside == Some(true) && found.role == StackRole::Pc;
        if found.role == StackRole::Pc && inside != Some(true) && self.is_elsewhere(&frame, above, out) {
            out.mixed.get_or_insert(log_line);
        }
        let role = if interrupts { StackRole::Interrupted } else { found.role };
        let index = match above {
            Some(index) if out.stacks[index].role == role => index,
            _ => {
                let (task, cpu) = self.near.clone();
                out.stacks.push(Stack { role, task, cpu, line: log_line, frames: Vec::new() });
                out.stacks.len() - 1
            }
        };
        out.stacks[index].frames.push(frame);
        self.exception = Some(index);
    }
}

impl Traces {
    /// Whether the instruction above, of which no stack has come, is another one's: two CPUs print, since one faults at one place.
    fn is_elsewhere(&self, frame: &Frame, above: Option<usize>, out: &Structure) -> bool {
        let Some(last) = out.stacks.last().filter(|last| last.role == StackRole::Pc && self.announced.is_none()) else {
            return false;
        };
        let together = above.is_none_or(|above| above + 1 == out.stacks.len());
        let names = |frame: &Frame| frame.function.is_some() && frame.offset.is_some() && !frame.inline;
        let known = last.frames.last().filter(|known| names(known) && names(frame));
        together && known.is_some_and(|known| known.function != frame.function)
    }
}

/// Puts the frames of a line that is not a usual one below others.
fn push_unusual(found: FrameLine, line: &Shown<'_>, frames: &mut Vec<Frame>) {
    // The callee is the frame above, unless there is none or an exception stands between.
    let is_new = |callee: &String| frames.last().is_none_or(|above| above.function.as_ref() != Some(callee));
    if let Some(callee) = found.callee.filter(is_new) {
        frames.push(Frame { function: Some(callee), reliable: true, log_line: line.log_line, ..Frame::default() });
    }
    frames.push(found.frame);
    frames.extend(frames_behind(line.text, line.log_line));
}

/// Whether a stack begins with this instruction already: old oopses of x86 name it twice, `IP:` and `RIP:`.
fn is_known(frame: &Frame, stacks: &[Stack]) -> bool {
    let mut known = stacks.iter().filter(|stack| stack.role == StackRole::Pc).flat_map(|stack| &stack.frames);
    known.any(|known| known.function == frame.function && known.offset == frame.offset)
}
