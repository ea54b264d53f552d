//! One stack, folded to what matters.

use super::super::{Look, safe};
use crate::report::{Frame, Stack};
use std::fmt::Write as _;

/// How many frames of a stack are shown around the blamed one.
const SHOWN: usize = 10;

/// One line of a folded stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackLine {
    /// The frame, or how many were left out.
    pub text: String,
    /// Whether it is the frame that the title names.
    pub blamed: bool,
}

/// Whether a frame is that of the function which a title names.
pub(in crate::render) fn is_blamed(frame: &Frame, blamed: &str) -> bool {
    !blamed.is_empty()
        && frame.function.as_deref().is_some_and(|name| {
            let bare = name.split('.').next().unwrap_or(name);
            bare == blamed || (bare.ends_with(blamed) && (bare.contains("sys_") || bare.starts_with("__se_")))
        })
}

/// A stack folded to what matters: machinery above the blamed frame goes, so does the far end. Unreliable frames are left
/// out where there are others. A frame is never cut.
#[must_use]
pub fn stack_lines(stack: &Stack, blamed: &str, look: &Look) -> Vec<StackLine> {
    let certain = stack.frames.iter().any(|frame| frame.reliable);
    let frames: Vec<&Frame> = stack.frames.iter().filter(|frame| frame.reliable || !certain).collect();
    let named = frames.iter().position(|frame| is_blamed(frame, blamed));
    let all = look.is_full();
    let first = named.map_or(0, |at| if at > 4 && !all { at - 2 } else { 0 });
    let last = if all { frames.len() } else { frames.len().min(first + SHOWN) };
    let mut lines = Vec::new();
    let folded = |count: usize| StackLine { text: format!("… {count} more"), blamed: false };
    if first > 0 {
        lines.push(folded(first));
    }
    for (at, frame) in frames.iter().enumerate().take(last).skip(first) {
        lines.push(StackLine { text: frame_text(frame), blamed: named == Some(at) });
    }
    if last < frames.len() {
        lines.push(folded(frames.len() - last));
    }
    lines
}

/// A frame on one line.
pub(super) fn frame_text(frame: &Frame) -> String {
    let mut text = match (&frame.function, &frame.address) {
        (Some(function), _) => safe(function).into_owned(),
        (None, Some(address)) => safe(address).into_owned(),
        (None, None) => "?".into(),
    };
    if let (Some(offset), Some(size)) = (frame.offset, frame.size) {
        let _ = write!(text, "+{offset:#x}/{size:#x}");
    }
    if let Some(module) = &frame.module {
        let _ = write!(text, " [{}]", safe(module));
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        let _ = write!(text, " {}:{line}", safe(file));
    }
    if frame.inline {
        text.push_str(" [inline]");
    }
    if !frame.reliable {
        text.push_str(" (?)");
    }
    text
}
