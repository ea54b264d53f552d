//! Where registers and code go: to the report, to user space, or nowhere behind its end.

use super::account::{Account, Answer};
use super::registers::{self, Registers};
use super::scan::{after, is_hex, text, word};

/// A row that is registers from end to end.
pub(super) fn row(trimmed: &[u8], account: &mut Account<'_>) -> Answer {
    let Some(row) = registers::row(trimmed) else { return Answer::NotMine };
    // A copy behind the end mark goes nowhere.
    if !account.ended {
        row.put(account.user, &mut account.registers);
    }
    Answer::Taken
}

/// A line that holds registers and something else.
pub(super) fn mixed_row(trimmed: &[u8], account: &mut Account<'_>) -> Answer {
    let mut nowhere = Registers::default();
    let registers = if account.ended { &mut nowhere } else { &mut account.registers };
    if registers::read(trimmed, account.user, registers) { Answer::Taken } else { Answer::NotMine }
}

/// The `Code:` line.
pub(super) fn code(trimmed: &[u8], account: &mut Account<'_>) -> Answer {
    let Some(code) = after(trimmed, "Code: ") else { return Answer::NotMine };
    if !account.ended && !account.user && is_hex(first_byte(word(code).0)) {
        account.out.code.get_or_insert_with(|| text(code));
    }
    Answer::Taken
}

/// The digits of `<0f>` and `(0f)`, which mark the instruction itself.
fn first_byte(first: &[u8]) -> &[u8] {
    let marked = first.trim_ascii_start().strip_prefix(b"<").or(first.strip_prefix(b"("));
    marked.unwrap_or(first).split(|byte| matches!(byte, b'>' | b')')).next().unwrap_or_default()
}
