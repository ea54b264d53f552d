//! Whether a report is whole: what syzbot calls corrupted.

use super::excerpt::holds;
use super::markers::{MARKERS, STATUS_LINE, marker, markers_in};
use super::naming::frame_names;
use super::title::{Origin, Title};
use super::wording::Wording;

/// How many lines below a stack's marker may pass before its first frame.
const PATIENCE: usize = 15;

/// Why a report of this wording is damaged, if it is. `disconnected` says that the console was cut.
#[must_use]
pub fn corruption(title: &Title, wording: &Wording, disconnected: bool) -> Option<&'static str> {
    of_title(title)
        .or_else(|| match title.origin {
            Origin::Raw | Origin::GateOnly | Origin::Kind { stackless: true, .. } => None,
            Origin::Kind { .. } => of_stacks(&wording.text, &wording.markers),
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

/// Every stack that begins must have a frame. `candidates` are the beginnings of the lines that may be markers.
fn of_stacks(text: &[u8], candidates: &[usize]) -> Option<&'static str> {
    // Where the line begins that holds each marker first.
    let mut first = [None; MARKERS];
    for &start in candidates {
        let Some((_, line)) = complete_lines(text, start).next() else { continue };
        for which in markers_in(line) {
            first[which].get_or_insert(start);
        }
    }
    let ends = |start: usize, line: &[u8]| candidates.binary_search(&start).is_ok() && marker(line).is_some();
    let mut any = false;
    for (which, start) in first.iter().enumerate().filter_map(|(which, start)| Some((which, (*start)?))) {
        let mut below = complete_lines(text, start).skip(1);
        if below.clone().nth(1).is_none() {
            return Some("call trace is missed");
        }
        let found = below
            .by_ref()
            .take(PATIENCE)
            .take_while(|(start, line)| !ends(*start, line))
            .any(|(_, line)| frame_names(line).next().is_some() || holds(line, "(stack is not available)"));
        any |= found;
        if !found && which != STATUS_LINE {
            return Some("no frames in a stack trace");
        }
    }
    (!any).then_some("no stack trace in report")
}

/// The lines of a text from the byte `from` on, each with its beginning; what follows the last line break is none.
fn complete_lines(text: &[u8], from: usize) -> impl Iterator<Item = (usize, &[u8])> + Clone {
    let mut start = from;
    memchr::memchr_iter(b'\n', &text[from..]).map(move |end| {
        let (begun, line) = (start, &text[start..from + end]);
        start = from + end + 1;
        (begun, line)
    })
}

#[cfg(test)]
mod tests {
    use super::super::markers::lines_with_markers;
    use super::*;

    fn of_stacks(text: &[u8]) -> Option<&'static str> {
        super::of_stacks(text, &lines_with_markers(text))
    }

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
