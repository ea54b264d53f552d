//! Where a report ends: behind its end mark, lines are of others.

use super::account::{Account, Answer};
use super::traces::Traces;

/// What is remembered of the end.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Whether a panic follows that says it is a consequence.
    panicked: bool,
    /// How many lines with text are behind the end mark.
    behind: u32,
    /// Whether a panic has ended, behind which nothing is anybody's but a new report's.
    closed: bool,
}

impl Bounds {
    /// Whether the report has ended, so that the line is of others: behind the end mark only a panic that says so belongs
    /// to it, and the stack if there is none before the mark.
    pub(super) fn is_over(&mut self, line: &[u8], account: &mut Account<'_>) -> bool {
        if self.closed {
            return true;
        }
        self.closed = line.trim_ascii_start().starts_with(b"---[ end Kernel panic");
        if !account.ended || self.panicked {
            return false;
        }
        let (line, output) = (line.trim_ascii(), &account.grammar.output);
        self.behind += u32::from(!line.is_empty());
        // A WARN() of arm64 until Linux 4.14 shows its stack behind the mark.
        if self.behind == 1 && line == b"Call trace:" && !account.has_stack() {
            account.ended = false;
            return false;
        }
        self.panicked = line.starts_with(b"Kernel panic - not syncing")
            && (output.follows.is_match(line) || output.follows_init.is_match(line));
        !self.panicked
    }
}

/// Where KASAN says what the address belongs to, nothing is open any more: the symbol below is a variable or a function of which
/// the stack's layout is shown, no caller. An empty line stands before it, which mail programs and scripts take away.
pub(super) fn buggy_address(trimmed: &[u8], account: &mut Account<'_>, traces: &mut Traces) -> Answer {
    if !trimmed.starts_with(b"The buggy address belongs to ") {
        return Answer::NotMine;
    }
    account.close();
    traces.ends_headless();
    Answer::Taken
}

/// `---[ end trace 0123456789abcdef ]---`.
pub(super) fn end_mark(trimmed: &[u8], account: &mut Account<'_>) -> Answer {
    if !trimmed.starts_with(b"---[ end trace") {
        return Answer::NotMine;
    }
    account.ended = true;
    account.close();
    Answer::Taken
}
