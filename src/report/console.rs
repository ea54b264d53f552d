//! Who printed a line: the console prefix by which syzbot's rules tell tasks and CPUs apart.

use crate::line::{USUAL_STAMP, is_stamp, is_usual_stamp};
use memchr::memmem::FinderRev;
use std::sync::LazyLock;

/// The printer of a line, as far as its prefix shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context<'a> {
    /// No time stamp: anybody.
    Unknown,
    /// A time stamp without a caller.
    Console,
    /// A caller, brackets and padding included: `[ T123]`, `[    C0]`.
    Caller(&'a [u8]),
}

impl Context<'_> {
    /// Whether both are the same printer, however wide its column is: scripts squeeze blanks.
    #[must_use]
    pub fn is_same(&self, other: Context<'_>) -> bool {
        match (self, other) {
            (Self::Caller(one), Context::Caller(other)) => *one == other || unpadded(one) == unpadded(other),
            _ => *self == other,
        }
    }

    /// Whether it is a task's.
    #[must_use]
    pub fn is_task(&self) -> bool {
        matches!(self, Self::Caller(text) if text.trim_ascii_start().contains(&b'T'))
    }

    /// Whether it is a CPU's (interrupt, boot, panic).
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        matches!(self, Self::Caller(text) if text.contains(&b'C'))
    }
}

/// `T123]` of `[ T123]`.
pub(super) fn unpadded(caller: &[u8]) -> &[u8] {
    caller.strip_prefix(b"[").unwrap_or(caller).trim_ascii_start()
}

/// The prefix of a line as the console shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Console<'a> {
    /// Who printed it.
    pub context: Context<'a>,
    /// The stamp between its brackets: `   12.345678`.
    pub stamp: Option<&'a [u8]>,
    /// Where the message begins, bytes.
    pub message: usize,
}

/// Reads the console prefix of a line: `** N printk messages dropped ** `, `… login: `, `<6>`, `[  1.5]`, `[  T1]` and a
/// blank. Anything else leaves the line whole and its printer unknown.
#[must_use]
pub fn console(line: &[u8]) -> Console<'_> {
    // Nearly every line of a console log takes this way.
    if line.first() == Some(&b'[')
        && let Some((stamp, context, message)) = stamped(line, 0)
    {
        return Console { context, stamp: Some(stamp), message };
    }
    let found = match line.first() {
        Some(b'<') => stamped(line, 0).or_else(|| behind_others(line)),
        _ => behind_others(line),
    };
    let Some((stamp, context, _)) = found else {
        return Console { context: Context::Unknown, stamp: None, message: 0 };
    };
    // Everything up to the first `] ` of the line goes, wherever that stands.
    let message = memchr::memmem::find(line, b"] ").map_or(0, |at| at + 2);
    Console { context, stamp: Some(stamp), message }
}

/// The stamp behind dropped-messages marks and login prompts.
fn behind_others(line: &[u8]) -> Option<(&[u8], Context<'_>, usize)> {
    static LOGIN: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(b" login: "));
    let start = dropped(line).unwrap_or(0);
    let rest = &line[start..];
    // A line without a bracket has no stamp.
    memchr::memchr(b'[', rest)?;
    for at in LOGIN.rfind_iter(rest) {
        if let Some(found) = stamped(line, start + at + 8) {
            return Some(found);
        }
    }
    stamped(line, start)
}

/// Length of `** N printk messages dropped ** `.
fn dropped(line: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(b"** ")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let tail = b" printk messages dropped ** ";
    (digits > 0 && rest[digits..].starts_with(tail)).then(|| 3 + digits + tail.len())
}

/// `<6>[  1.5][ T1] ` from `at`, and where it ends.
fn stamped(line: &[u8], at: usize) -> Option<(&[u8], Context<'_>, usize)> {
    let mut at = at;
    if line.get(at) == Some(&b'<') {
        let digits = digits_at(line, at + 1)?;
        (line.get(digits) == Some(&b'>')).then_some(())?;
        at = digits + 1;
    }
    let stamp = at + 1;
    if is_usual_stamp(line.get(at..)?) {
        at += USUAL_STAMP - 1;
    } else {
        (line.get(at) == Some(&b'[')).then_some(())?;
        at += 1 + memchr::memchr(b']', &line[stamp..line.len().min(stamp + 40)])?;
        is_stamp(&line[stamp..at]).then_some(())?;
    }
    let stamp = &line[stamp..at];
    at += 1;
    match line.get(at)? {
        b' ' => Some((stamp, Context::Console, at + 1)),
        b'[' => {
            let caller = at;
            at = skip_blanks(line, at + 1);
            matches!(line.get(at)?, b'C' | b'T').then_some(())?;
            at = digits_at(line, at + 1)?;
            (line.get(at..at + 2)? == b"] ").then(|| (stamp, Context::Caller(&line[caller..=at]), at + 2))
        }
        _ => None,
    }
}

fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while line.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// The end of the digits at `at`; at least one.
fn digits_at(line: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    while line.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    (end > at).then_some(end)
}

/// Whether a line is one that a careful unwinder would not have printed: `? func`, or PowerPC's `(unreliable)`.
#[must_use]
pub fn is_questionable(line: &[u8]) -> bool {
    let between_blanks = |at: usize| at > 0 && line[at - 1] == b' ' && line.get(at + 1) == Some(&b' ');
    (memchr::memchr_iter(b'?', line).any(between_blanks) || line.ends_with(b" (unreliable)"))
        && (memchr::memchr(b'<', line).is_none() || memchr::memmem::find(line, b"<EOI>").is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (Context<'_>, &str) {
        let console = console(line.as_bytes());
        (console.context, &line[console.message..])
    }

    #[test]
    fn callers_are_told_apart_with_their_padding() {
        assert_eq!(of("[   12.345678][ T1234] hi"), (Context::Caller(b"[ T1234]"), "hi"));
        assert_eq!(of("[   12.345678][    C0] hi"), (Context::Caller(b"[    C0]"), "hi"));
        assert!(Context::Caller(b"[    C0]").is_same(Context::Caller(b"[ C0]")));
        assert!(!Context::Caller(b"[    C0]").is_same(Context::Caller(b"[    C1]")));
        assert_eq!(of("[   12.345678] hi"), (Context::Console, "hi"));
        assert_eq!(of("<6>[   85.5] hi"), (Context::Console, "hi"));
    }

    #[test]
    fn prompts_and_dropped_messages_may_precede_the_stamp() {
        assert_eq!(of("my host login: [  16.3] hi"), (Context::Console, "hi"));
        assert_eq!(of("** 93 printk messages dropped ** [  322.9] hi"), (Context::Console, "hi"));
        assert_eq!(of("[  OK  ] host login: [ 12.3] BUG"), (Context::Console, "host login: [ 12.3] BUG"));
    }

    #[test]
    fn other_prefixes_are_left_alone() {
        for line in [
            "Jan 1 00:00:00 h kernel: [ 1.0] hi",
            "[ 1.0]hi",
            "[ 1.0][T1@C0] hi",
            "[ 1.0][T1][C0] hi",
            "[]",
            "",
            "[ 1.0",
        ] {
            assert_eq!(of(line), (Context::Unknown, line));
        }
    }

    #[test]
    fn questionable_frames_are_known() {
        assert!(is_questionable(b" ? func+0x1/0x2"));
        assert!(!is_questionable(b" <EOI> ? func+0x1/0x2"));
        assert!(is_questionable(b" what? ? func+0x1/0x2 <x>"));
        assert!(!is_questionable(b"? func") && !is_questionable(b"func ?") && !is_questionable(b"a? b"));
        assert!(is_questionable(b"[c0] [c1] func+0x1/0x2 (unreliable)"));
    }
}
