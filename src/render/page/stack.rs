//! A stack in a page: every frame with its line of the log, folded around the one that is blamed.

use super::super::several;
use super::line_link;
use crate::report::{Frame, Stack};
use maud::{Markup, html};

/// Frames above the blamed one that are not folded.
const ABOVE: usize = 2;
/// Frames from there on that are not folded.
const SHOWN: usize = 10;

/// The frames of a stack. Unreliable ones are left out where there are others.
pub(super) fn stack(stack: &Stack, blamed: &str) -> Markup {
    let certain = stack.frames.iter().any(|frame| frame.reliable);
    let frames: Vec<&Frame> = stack.frames.iter().filter(|frame| frame.reliable || !certain).collect();
    let left = stack.frames.len() - frames.len();
    let named = frames.iter().position(|frame| frame.is_function(blamed));
    let first = named.map_or(0, |at| if at > ABOVE + 2 { at - ABOVE } else { 0 });
    let last = frames.len().min(first + SHOWN);
    // One frame is shown rather than folded.
    let last = if last + 1 == frames.len() { frames.len() } else { last };
    let row = |(at, frame): (usize, &&Frame)| frame_row(frame, named == Some(at));
    html! {
        div.stack {
            @if first > 0 { (folded(&frames[..first])) }
            @for (at, frame) in frames.iter().enumerate().take(last).skip(first) { (row((at, frame))) }
            @if last < frames.len() { (folded(&frames[last..])) }
            @if left > 0 { div.frame.soft { (several(left, "frame")) " left out: the unwinder was not sure" } }
        }
    }
}

fn folded(frames: &[&Frame]) -> Markup {
    html! {
        details.fold {
            summary { (several(frames.len(), "more frame")) }
            @for frame in frames { (frame_row(frame, false)) }
        }
    }
}

fn frame_row(frame: &Frame, blamed: bool) -> Markup {
    let name = frame.function.as_deref().or(frame.address.as_deref()).unwrap_or("?");
    html! {
        div.frame.blamed[blamed].unsure[!frame.reliable] {
            span.fn {
                (name)
                @if let (Some(offset), Some(size)) = (frame.offset, frame.size) { (format!("+{offset:#x}/{size:#x}")) }
                @if let Some(module) = &frame.module { " [" (module) "]" }
                @if frame.inline { " [inline]" }
                @if !frame.reliable { " (?)" }
            }
            @if let (Some(file), Some(line)) = (&frame.file, frame.line) { span.src { (file) ":" (line) } }
            @if frame.log_line > 0 { (line_link(frame.log_line)) }
        }
    }
}
