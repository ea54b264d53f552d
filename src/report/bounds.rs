//! Where a report ends: behind its end mark, lines are of others.

use super::account::{Account, Answer};

/// What is remembered of the end.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Whether a panic follows that says it is a consequence.
    panicked: bool,
}

impl Bounds {
    /// Whether the report has ended, so that the line is of others: behind the end mark only a panic that says so belongs
    /// to it.
    pub(super) fn is_over(&mut self, line: &[u8], account: &Account<'_>) -> bool {
        if !account.ended || self.panicked {
            return false;
        }
        let (line, output) = (line.trim_ascii(), &account.grammar.output);
        self.panicked = line.starts_with(b"Kernel panic - not syncing")
            && (output.follows.is_match(line) || output.follows_init.is_match(line));
        !self.panicked
    }
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
