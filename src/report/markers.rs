//! Lines at which a stack of a report begins, as syzbot's rules for titles and for damage know them.

use super::excerpt::holds;
use super::scan::find;
use crate::grammar::{Pattern, Texts};
use std::sync::LazyLock;

/// Lines at which a stack begins, so that the one above ends. In the order in which the stack check looks at them.
pub(super) const MARKERS: usize = 9;

/// Every marker holds one of these words, and nearly no other line does.
const MARKER_WORDS: [&str; 5] = ["race", "Allocated", "Freed", "Uninit was stored", "badaddr: "];

/// Which of them each marker holds.
const WORD_OF: [usize; MARKERS] = [0, 1, 1, 2, 2, 0, 0, 3, 4];

/// Where the lines begin that hold one of [`MARKER_WORDS`], in order.
pub(super) fn lines_with_markers(text: &[u8]) -> Vec<usize> {
    static WORDS: LazyLock<Texts> = LazyLock::new(|| Texts::new(&MARKER_WORDS.map(str::as_bytes)));
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some((_, found)) = WORDS.find_from(text, at) {
        starts.push(memchr::memrchr(b'\n', &text[at..found]).map_or(at, |end| at + end + 1));
        let Some(end) = memchr::memchr(b'\n', &text[found..]) else { break };
        at = found + end + 1;
    }
    starts
}

/// Whether the line says that a stack begins.
pub(super) fn is_trace(line: &[u8]) -> bool {
    ["Call Trace:", "Call trace:", "Backtrace:"].into_iter().any(|words| holds(line, words))
}

/// The first of the markers that a line holds.
pub(super) fn marker(line: &[u8]) -> Option<usize> {
    markers_in(line).next()
}

/// The markers that a line holds, in order.
pub(super) fn markers_in(line: &[u8]) -> impl Iterator<Item = usize> {
    let holds_word = MARKER_WORDS.map(|word| holds(line, word));
    (0..MARKERS).filter(move |which| holds_word[WORD_OF[*which]] && is_marker(line, *which))
}

/// Whether the line is the marker with that number.
fn is_marker(line: &[u8], which: usize) -> bool {
    match which {
        0 => holds(line, "Call Trace") || holds(line, "Call trace"),
        1 => holds(line, "Allocated:"),
        2 => of_task(line, "Allocated by task "),
        3 => holds(line, "Freed:"),
        4 => of_task(line, "Freed by task "),
        5 => is_leak_backtrace(line),
        6 => holds(line, "Backtrace:"),
        7 => holds(line, "Uninit was stored to memory at"),
        _ => is_status_line(line),
    }
}

/// The register line of RISC-V, the only thing in front of its stacks.
pub(super) const STATUS_LINE: usize = 8;

/// Where the words stand in a line.
fn places<'l>(line: &'l [u8], words: &'l str) -> impl Iterator<Item = usize> + 'l {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + find(&line[from..], words)?;
        from = at + words.len();
        Some(at)
    })
}

fn of_task(line: &[u8], words: &str) -> bool {
    places(line, words).any(|at| {
        let rest = &line[at + words.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && rest.get(digits) == Some(&b':')
    })
}

fn is_leak_backtrace(line: &[u8]) -> bool {
    places(line, " backtrace").any(|at| {
        if at == 0 || line[at - 1] == b'k' {
            return false;
        }
        let rest = &line[at + 10..];
        if rest.starts_with(b":") {
            return true;
        }
        rest.strip_prefix(b" (crc ").is_some_and(|rest| {
            let hex = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            rest[hex..].starts_with(b"):")
        })
    })
}

fn is_status_line(line: &[u8]) -> bool {
    if !holds(line, "badaddr: ") {
        return false;
    }
    static STATUS: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::new("status: [0-9a-f]{16} badaddr: [0-9a-f]{16} cause: [0-9a-f]{16}"));
    STATUS.is_match(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_a_word_of_a_marker_are_found() {
        let parts = [
            "Call Trace",
            "Allocated",
            " by task 7:",
            ":",
            "Freed",
            "Uninit was stored to memory at",
            "badaddr: ",
            "\n",
            " backtrace",
        ];
        for number in 0..parts.len().pow(4) {
            let text: String = (0..4).map(|at| parts[number / parts.len().pow(at) % parts.len()]).collect();
            for line in text.split('\n').map(str::as_bytes) {
                assert!(markers_in(line).eq((0..MARKERS).filter(|which| is_marker(line, *which))), "{text:?}");
            }
            let mut starts = Vec::new();
            let mut start = 0;
            for line in text.split('\n') {
                if MARKER_WORDS.into_iter().any(|word| line.contains(word)) {
                    starts.push(start);
                }
                start += line.len() + 1;
            }
            assert_eq!(lines_with_markers(text.as_bytes()), starts, "{text:?}");
        }
    }
}
