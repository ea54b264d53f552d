//! What is visibly missing or mixed up in a report's text, in words.

use super::scan::{after, find, leading_number, text};
use super::{ChainEntry, HeldLocks, Stack};

/// More sentences than this say no more.
const MOST: usize = 16;

/// The signs of damage, gathered line by line.
#[derive(Debug, Default)]
pub(super) struct Damage {
    words: Vec<String>,
    /// First unknown line inside the open stack, not yet followed by a frame.
    foreign: Option<u64>,
    /// Line of a `<TASK>` or `<IRQ>` that is still open.
    entered: Option<u64>,
}

/// What arm prints between the frames around an exception: `Exception stack(0x82a1de60 to 0x82a1dea8)` and the rows of
/// words below it, `de60: 00000000 00000036`; old kernels also `r6:c0215cbc r5:00000009`. ia64 has both stack pointers below each
/// frame: `sp=e0000010a6f2f990 bsp=e0000010a6f29080`; PowerPC says `--- interrupt: 901 at f+0x1/0x2` and below it `LR = g+0x1/0x2`.
fn is_saved_registers(line: &[u8]) -> bool {
    line.starts_with(b"Exception stack(0x")
        || [&b"sp="[..], b"LR = ", b"--- interrupt: "].iter().any(|start| line.trim_ascii_start().starts_with(start))
        || matches!(line, [b'r', digit, b':' | b'0'..=b'9', ..] if digit.is_ascii_digit())
        || matches!(line, [a, b, c, d, b':', b' ', ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()))
}

impl Damage {
    fn say(&mut self, words: String) {
        if self.words.len() < MOST && !self.words.contains(&words) {
            self.words.push(words);
        }
    }

    /// `** 12 printk messages dropped **`.
    pub(super) fn dropped(&mut self, line: &[u8], log_line: u64) {
        if let Some((count, rest)) = after(line, "** ").and_then(leading_number)
            && find(rest, "messages dropped").is_some()
        {
            self.say(format!("{count} messages dropped at line {log_line}"));
        }
    }

    /// `<TASK>` or `</TASK>` inside a stack.
    pub(super) fn marker(&mut self, name: &[u8], log_line: u64) {
        self.entered = (name == b"TASK" || name == b"IRQ").then_some(log_line);
    }

    /// A frame came.
    pub(super) fn frame(&mut self) {
        if let Some(line) = self.foreign.take() {
            self.say(format!("other text inside a stack at line {line}"));
        }
    }

    /// A line that is nothing known came while a stack was open.
    pub(super) fn unknown(&mut self, line: &[u8], log_line: u64, begun: bool) {
        if is_saved_registers(line) {
            return;
        }
        if find(line, "+0x").is_some() && line.len() < 120 && begun && !line.contains(&b':') {
            self.say(format!("a stack frame is cut at line {log_line}"));
        } else if begun {
            self.foreign.get_or_insert(log_line);
        }
    }

    /// A stack is over.
    pub(super) fn stack_closed(&mut self, stack: &Stack) {
        self.foreign = None;
        if stack.frames.is_empty() {
            self.say(format!("the stack '{}' at line {} is empty", stack.role, stack.line));
        } else if self.entered.is_some() {
            self.say(format!("the stack '{}' at line {} has no end", stack.role, stack.line));
        }
        self.entered = None;
    }

    /// A chain's numbers go down by one.
    pub(super) fn chain(&mut self, before: Option<u32>, entry: &ChainEntry, numbered: bool) {
        if numbered && before.is_some_and(|before| before != entry.number.saturating_add(1)) {
            self.say(format!("the lock chain has a gap at line {}", entry.line));
        }
    }

    /// All of it, the lists of locks included, and the line by which two reports are known to be mixed.
    pub(super) fn words(mut self, lists: &[HeldLocks], mixed: Option<u64>) -> Vec<String> {
        if let Some(line) = mixed {
            self.words.insert(
                0,
                format!(
                    "another CPU's report stands between its lines (line {line}): place and stacks may be the other's"
                ),
            );
        }
        for list in lists {
            let shown = u32::try_from(list.locks.len()).unwrap_or(u32::MAX);
            // A running task's list may be announced and not shown at all: that is a race, not damage.
            if let Some(announced) = list.announced
                && shown > 0
                && shown != announced
            {
                let whose = list.task.as_ref().map_or_else(|| text(b"?"), |task| format!("{}/{}", task.comm, task.pid));
                self.say(format!("{announced} locks of {whose} are announced, {shown} shown (line {})", list.line));
            }
        }
        self.words
    }
}
