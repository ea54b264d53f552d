//! Whether reports stand in reverse order, their last lines first, by what stands next to what: exports of log servers show the newest
//! line first, and all lines of a crash have one time.

use super::{Letters, Wanted};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What a line above another tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Upright,
    Inverted,
}

/// Lines of which the first stands directly above the second as the kernel prints them: rows of registers, what machine it is, what lockdep
/// says of a task that keeps locks.
const PAIRS: [[Wanted; 2]; 6] = [
    [Wanted::new("RAX: "), Wanted::new("RDX: ")],
    [Wanted::new("x29: "), Wanted::new("x26: ")],
    [Wanted::new(" Comm: "), Wanted::new("Hardware name: ")],
    [Wanted::new("task:"), Wanted::new("Call Trace:")],
    [Wanted::new("----------------"), Wanted::new(" is leaving the kernel")],
    [Wanted::new(" still held!"), Wanted::new(" held by ")],
];
/// What begins a stack, and marks around a part of it.
const TRACES: [Wanted; 4] = [
    Wanted::new("Call Trace:"),
    Wanted::new("Call trace:"),
    Wanted::new("Allocated by task "),
    Wanted::new("Freed by task "),
];
const OPENS: [Wanted; 2] = [Wanted::new("<TASK>"), Wanted::new("<IRQ>")];
const CLOSES: [Wanted; 2] = [Wanted::new("</TASK>"), Wanted::new("</IRQ>")];
/// The place of a crash, which may stand next to a stack that belongs to something else.
const PLACES: [Wanted; 3] = [Wanted::new("RIP"), Wanted::new("pc : "), Wanted::new("lr : ")];
const OFFSET: Wanted = Wanted::new("+0x");
/// Without any of these, or what begins a stack, a log holds no two things that tell it.
const NEEDED: [Wanted; 2] = [PAIRS[0][0], PAIRS[5][0]];
static ANY: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| TRACES.iter().chain(&NEEDED).map(|words| words.finder()).collect());
/// So many things must say that the lines are inverted, and none that they are not: one alone may be a line that was lost.
const TOLD: usize = 2;

/// A line, and what it is spelled with.
struct Line<'a> {
    bytes: &'a [u8],
    letters: Letters,
}

impl<'a> Line<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, letters: Letters::of(bytes) }
    }

    fn holds(&self, words: Wanted) -> bool {
        words.find(self.bytes, self.letters).is_some()
    }

    fn holds_any(&self, all: &[Wanted]) -> bool {
        all.iter().any(|words| self.holds(*words))
    }

    /// Whether it is of a stack.
    fn is_stack(&self) -> bool {
        !self.holds_any(&PLACES) && (self.holds(OFFSET) || self.holds_any(&OPENS))
    }
}

/// Whether the reports of a log are upside down.
#[must_use]
pub(super) fn is_inverted(log: &[u8]) -> bool {
    if !ANY.iter().any(|words| words.find(log).is_some()) {
        return false;
    }
    let full = log.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines: Vec<Line<'_>> = full.map(Line::of).collect();
    let pairs = lines.windows(2).filter_map(|pair| of_pair(&pair[0], &pair[1]));
    let traces = lines.windows(3).filter_map(|three| of_trace(&three[0], &three[1], &three[2]));
    let (mut upright, mut inverted) = (0, 0);
    for way in pairs.chain(traces).chain(of_marks(&lines)) {
        match way {
            Way::Upright => upright += 1,
            Way::Inverted => inverted += 1,
        }
    }
    inverted >= TOLD && upright == 0
}

/// Where the line begins that begins the first stack of a text, if its frames stand above it.
pub(super) fn first_inverted(text: &[u8]) -> Option<usize> {
    let at = ANY[..2].iter().filter_map(|words| words.find(text)).min()?;
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
    let above = text[..start].trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let mut below = text[start..].split(|byte| *byte == b'\n');
    let (line, below) = (below.next()?, below.next()?);
    let way = of_trace(&Line::of(above), &Line::of(line), &Line::of(below));
    (way == Some(Way::Inverted)).then_some(start)
}

fn of_pair(above: &Line<'_>, below: &Line<'_>) -> Option<Way> {
    let is = |first: &Line<'_>, second: &Line<'_>| {
        PAIRS.iter().any(|[one, other]| first.holds(*one) && second.holds(*other))
    };
    match (is(above, below), is(below, above)) {
        (true, false) => Some(Way::Upright),
        (false, true) => Some(Way::Inverted),
        _ => None,
    }
}

/// Whether the frames of a stack stand below the line that begins it, or above.
fn of_trace(above: &Line<'_>, line: &Line<'_>, below: &Line<'_>) -> Option<Way> {
    if !line.holds_any(&TRACES) {
        return None;
    }
    match (above.is_stack(), below.is_stack()) {
        (false, true) => Some(Way::Upright),
        (true, false) => Some(Way::Inverted),
        _ => None,
    }
}

/// Whether the first mark around stacks closes one and the last opens one.
fn of_marks(lines: &[Line<'_>]) -> Option<Way> {
    let mark = |line: &Line<'_>| match (line.holds_any(&OPENS), line.holds_any(&CLOSES)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    let (first, last) = (lines.iter().find_map(mark)?, lines.iter().rev().find_map(mark)?);
    match (first, last) {
        (false, true) => Some(Way::Inverted),
        (true, false) => Some(Way::Upright),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OOPS: [&str; 12] = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000050",
        "Oops: Oops: 0002 [#1] PREEMPT SMP",
        "CPU: 0 UID: 0 PID: 57 Comm: lampd Not tainted 6.12.9 #1",
        "Hardware name: Lamp Works Desk/Desk, BIOS 1.0 01/01/2025",
        "RIP: 0010:lamp_dim+0x5/0x10",
        "RAX: 0000000000000000 RBX: 0000000000000001 RCX: 0000000000000002",
        "RDX: 0000000000000003 RSI: 0000000000000004 RDI: 0000000000000005",
        "Call Trace:",
        " <TASK>",
        " lamp_store+0x33/0x40",
        " vfs_write+0x233/0x1220",
        " </TASK>",
    ];

    fn text<'a>(lines: impl Iterator<Item = &'a &'a str>) -> String {
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_report_is_inverted_if_its_parts_are() {
        let inverted = text(OOPS.iter().rev());
        assert!(is_inverted(inverted.as_bytes()));
        assert!(!is_inverted(text(OOPS.iter()).as_bytes()));
        // Two reports, one of each.
        assert!(!is_inverted((inverted.clone() + &text(OOPS.iter())).as_bytes()));
        assert!(is_inverted((inverted.clone() + &inverted).as_bytes()));
        // No more than a stack: nothing but its frames tells.
        assert!(!is_inverted(b" a+0x1/0x2\n b+0x1/0x2\nCall Trace:\nlamp: on\n"));
        assert!(!is_inverted(b""));
    }

    #[test]
    fn locks_and_registers_tell_it_without_a_stack() {
        let held = [
            "WARNING: lock held when returning to user space!",
            "6.12.9 #1 Not tainted",
            "------------------------------------------------",
            "lampd/57 is leaving the kernel with locks still held!",
            "1 lock held by lampd/57:",
            " #0: ffffffffc0003468 (lamp_lock){+.+.}-{4:4}, at: lamp_dim+0x5/0x10",
        ];
        let half = [OOPS[6], OOPS[5], "</TASK>", "RIP: 0033:0x47b7a0", OOPS[6], OOPS[5], "RIP: 0010:lamp_dim+0x5/0x10"];
        assert!(is_inverted(text(held.iter().rev()).as_bytes()) && !is_inverted(text(held.iter()).as_bytes()));
        assert!(is_inverted(text(half.iter()).as_bytes()) && !is_inverted(text(half.iter().rev()).as_bytes()));
    }

    #[test]
    fn what_is_left_of_an_upright_report_is_not_inverted() {
        for lost in 0..OOPS.len() {
            let left = OOPS.iter().enumerate().filter(|(at, _)| *at != lost).map(|(_, line)| line);
            assert!(!is_inverted(text(left).as_bytes()), "without {}", OOPS[lost]);
            assert!(!is_inverted(text(OOPS[lost..].iter()).as_bytes()), "from {}", OOPS[lost]);
            assert!(!is_inverted(text(OOPS[..lost].iter()).as_bytes()), "up to {}", OOPS[lost]);
        }
    }
}
