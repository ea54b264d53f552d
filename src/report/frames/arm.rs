//! The frames of 32-bit ARM, whose lines name two functions.

use super::super::Frame;
use super::super::scan::{after, text, word};
use super::address::{bracketed_address, raw_address};
use super::name::is_name;
use super::named::named;
use super::place::place;

/// `(f) from [<c000>] (g+0x1/0x2)` and the newer `f from g+0x1/0x2`: the frame of `g`.
pub(super) fn arm(bytes: &[u8], marks: &Frame) -> Option<(Frame, String)> {
    let (callee, rest) = word(bytes);
    // `(widget_open+0x80/0xe8 [widget]) from`, `widget_open [widget] from`
    let rest = if rest.starts_with(b"[") { word(rest).1 } else { rest };
    let rest = rest.strip_prefix(b"from ")?;
    let callee = callee.strip_prefix(b"(").map_or(callee, |name| name.strip_suffix(b")").unwrap_or(name));
    // Until Linux 3.10 the callee had an offset, too.
    let callee = callee.split(|byte| *byte == b'+').next().unwrap_or_default();
    if callee.is_empty() || !is_name(callee) {
        return None;
    }
    let mut frame = Frame { address: None, ..marks.clone() };
    let mut rest = rest;
    if let Some((address, tail)) = bracketed_address(rest) {
        frame.address = Some(text(address));
        rest = tail.trim_ascii_start();
    }
    let frame = match rest.strip_prefix(b"(") {
        Some(inner) => {
            let end = memchr::memchr(b')', inner).unwrap_or(inner.len());
            match raw_address(&inner[..end]) {
                Some((raw, _)) => Frame { address: Some(text(raw)), ..frame },
                None => {
                    let mut frame = named(&inner[..end], frame, true)?;
                    place(inner[end..].strip_prefix(b")").unwrap_or_default(), &mut frame);
                    frame
                }
            }
        }
        None => match raw_address(rest) {
            Some((raw, _)) => Frame { address: Some(text(raw)), ..frame },
            None => named(rest, frame, false)?,
        },
    };
    Some((frame, text(callee)))
}

/// `Function entered at [<c030f1b0>] from [<c030b5d4>]`, as ARM prints it without symbols: the address of the caller.
pub(super) fn nameless(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = bracketed_address(after(bytes, "Function entered at ")?)?;
    let (caller, _) = bracketed_address(after(rest, " from ")?)?;
    Some(caller)
}
