//! A frame that begins with its function.

use super::super::Frame;
use super::super::scan::{is_hex, text, word};
use super::super::symbolized::places;
use super::name::{is_name, with_offset};
use super::old::of_red_hat;
use super::place::{ends_with_place, is_module, place};

/// A frame that begins with its function.
pub(super) fn named(bytes: &[u8], mut frame: Frame, bracketed: bool) -> Option<Frame> {
    if let Some((name, offset, size, rest)) = with_offset(bytes) {
        frame.function = Some(text(name));
        frame.offset = Some(offset);
        frame.size = size;
        place(rest, &mut frame);
        return Some(frame);
    }
    let (name, rest) = word(bytes);
    if !is_name(name) || name.ends_with(b":") || is_assignment(name) {
        return None;
    }
    if bracketed && let Some(found) = of_red_hat(name, rest, &frame) {
        return Some(found);
    }
    if let Some(found) = places(rest) {
        (frame.file, frame.line) = (found.last.0.map(text), found.last.1);
        frame.function = Some(text(name));
        let tail = rest[found.length..].trim_ascii();
        // The script prints the module without its brackets.
        if is_module(tail) {
            frame.module = Some(text(tail));
        } else {
            place(tail, &mut frame);
        }
        return Some(frame);
    }
    // Without an offset only a place distinguishes a frame from prose.
    let known = frame.inline || bracketed;
    if !known && !memchr::memchr_iter(b':', rest).any(|at| matches!(rest.get(at + 1), Some(b'0'..=b'9' | b'?'))) {
        return None;
    }
    place(rest, &mut frame);
    if frame.file.is_none() && !(known && rest.is_empty()) {
        return None;
    }
    let parenthesised = rest.starts_with(b"(");
    if frame.file.is_some() && !frame.inline && !parenthesised && !known && !ends_with_place(rest) {
        return None;
    }
    frame.function = Some(text(name));
    Some(frame)
}

/// `pgd=0000000000000000`, which arm64 prints behind an address in brackets; a comma stays where the line was broken.
fn is_assignment(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    memchr::memchr(b'=', word).is_some_and(|at| at > 0 && is_hex(&word[at + 1..]))
}
