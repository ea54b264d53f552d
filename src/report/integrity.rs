//! Whether a report is whole: what syzbot calls corrupted.

use super::excerpt::holds;
use super::naming::{MARKERS, STATUS_LINE, frame_names, is_marker, marker};
use super::title::{Origin, Title};

/// How many lines below a stack's marker may pass before its first frame.
const PATIENCE: usize = 15;

/// Why the report is damaged, if it is. `text` is the whole report text, `disconnected` tells that the console was cut.
#[must_use]
pub fn corruption(title: &Title, text: &[u8], disconnected: bool) -> Option<&'static str> {
    of_title(title)
        .or_else(|| match title.origin {
            Origin::Raw | Origin::GateOnly | Origin::Kind { stackless: true, .. } => None,
            Origin::Kind { .. } => of_stacks(text),
        })
        .or_else(|| disconnected.then_some("the console was disconnected"))
}

fn of_title(title: &Title) -> Option<&'static str> {
    match title.origin {
        Origin::GateOnly => Some("matched title but not report regexp"),
        _ if title.failed => Some("extracted no frames"),
        Origin::Kind { damaged: true, .. } => Some("report format is marked as corrupted"),
        _ if has_time_stamp(&title.raw) => Some("title matches corrupted regexp"),
        _ => None,
    }
}

/// Whether a `[  12.345]` got into the text.
fn has_time_stamp(text: &[u8]) -> bool {
    memchr::memchr_iter(b'[', text).any(|at| {
        let rest = &text[at + 1..];
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let number = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = number(blanks);
        let dot = blanks + whole;
        whole > 0 && rest.get(dot) == Some(&b'.') && {
            let part = number(dot + 1);
            part > 0 && rest.get(dot + 1 + part) == Some(&b']')
        }
    })
}

/// Every stack that begins must have a frame.
fn of_stacks(text: &[u8]) -> Option<&'static str> {
    let lines: Vec<&[u8]> = complete_lines(text).collect();
    let mut first = [None; MARKERS];
    for (at, line) in lines.iter().enumerate() {
        if marker(line).is_some() {
            for (which, first) in first.iter_mut().enumerate() {
                if first.is_none() && is_marker(line, which) {
                    *first = Some(at);
                }
            }
        }
    }
    let mut any = false;
    for (which, at) in first.iter().enumerate().filter_map(|(which, at)| Some((which, (*at)?))) {
        if lines.len() - at < 3 {
            return Some("call trace is missed");
        }
        let found = lines[at + 1..]
            .iter()
            .take(PATIENCE)
            .take_while(|line| marker(line).is_none())
            .any(|line| !frame_names(line).is_empty() || holds(line, "(stack is not available)"));
        any |= found;
        if !found && which != STATUS_LINE {
            return Some("no frames in a stack trace");
        }
    }
    (!any).then_some("no stack trace in report")
}

/// The lines of a text; what follows the last line break is none.
fn complete_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', text).map(move |end| {
        let line = &text[from..end];
        from = end + 1;
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_in_a_title_is_told() {
        assert!(has_time_stamp(b"panic [  387.811073] audit"));
        assert!(!has_time_stamp(b"panic [387] [a.b] [1.x]"));
    }

    #[test]
    fn a_stack_needs_frames() {
        assert_eq!(of_stacks(b"BUG: x\nCall Trace:\n do_it+0x1/0x2\n more+0x1/0x2\n"), None);
        assert_eq!(of_stacks(b"BUG: x\nCall Trace:\n do_it+0x1/0x2\n"), Some("call trace is missed"));
        assert_eq!(of_stacks(b"BUG: x\nCall Trace:\n <TASK>\n </TASK>\n"), Some("no frames in a stack trace"));
        assert_eq!(of_stacks(b"BUG: x\n"), Some("no stack trace in report"));
    }
}
