//! What follows the function of a frame: its module, and where a symbolizer says it is in the source.

use super::super::Frame;
use super::super::scan::{after, is_hex, number, text, word};
use super::usual::is_module_byte;

/// What may follow the function, in any order: `[module id]`, `path:line:column`, `(path:line (discriminator 1))`,
/// `[inline]`, `(inlined by)`, `(unreliable)`, `(P)`.
pub(super) fn place(mut rest: &[u8], frame: &mut Frame) {
    loop {
        rest = rest.trim_ascii_start();
        if let Some(tail) = after(rest, "[inline]") {
            frame.inline = true;
            rest = tail;
        } else if after(rest, "(inlined by)").is_some() {
            // Who set lines as one joined the next; what has an offset was not inlined.
            frame.inline |= frame.offset.is_none();
            break;
        } else if let Some(tail) = after(rest, "(unreliable)") {
            frame.reliable = false;
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix(b"[") {
            let end = memchr::memchr(b']', tail).unwrap_or(tail.len());
            let (module, _build_id) = word(&tail[..end]);
            let module = module.split(|byte| *byte == b'@').next().unwrap_or_default();
            // A line that was joined with the next has its address there.
            let address = module.len() == 16 && is_hex(module);
            if !module.is_empty() && !address && module.iter().all(is_module_byte) {
                frame.module.get_or_insert_with(|| text(module));
            }
            rest = tail.get(end + 1..).unwrap_or_default();
        } else if let Some(tail) = rest.strip_prefix(b"(") {
            // Look inside: places, discriminators and the letters of arm64 are all in parentheses.
            rest = tail;
        } else {
            let (first, tail) = word(rest);
            if first.is_empty() {
                return;
            }
            if let Some((file, line)) = path_and_line(first) {
                frame.file = Some(text(file));
                frame.line = line;
            } else if tail.is_empty() && frame.file.is_some() && frame.module.is_none() && is_module(first) {
                frame.module = Some(text(first));
            }
            rest = tail;
        }
    }
}

/// decode_stacktrace.sh prints a bare module name at the end of the line.
pub(super) fn is_module(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && !bytes.iter().all(u8::is_ascii_digit)
}

/// `net/core/dev.c:123`, `/src/dev.c:123:4`, closing parentheses allowed.
fn path_and_line(bytes: &[u8]) -> Option<(&[u8], Option<u32>)> {
    let bytes = match bytes.iter().rposition(|byte| *byte != b')' && *byte != b',') {
        Some(last) => &bytes[..=last],
        None => return None,
    };
    let at = memchr::memrchr(b':', bytes)?;
    let last = match &bytes[at + 1..] {
        b"?" => None,
        digits => Some(number(digits)?),
    };
    let (path, line) =
        match memchr::memrchr(b':', &bytes[..at]).and_then(|colon| Some((colon, number(&bytes[colon + 1..at])?))) {
            Some((colon, line)) => (&bytes[..colon], Some(line)),
            None => (&bytes[..at], last),
        };
    let dotted =
        memchr::memrchr(b'.', path).is_some_and(|dot| dot > 0 && path.len() - dot <= 5 && dot + 1 < path.len());
    (dotted && !path.contains(&b'(')).then_some((path, line.and_then(|line| u32::try_from(line).ok())))
}

/// Whether nothing but the place `path:line` follows.
pub(super) fn ends_with_place(rest: &[u8]) -> bool {
    let (first, tail) = word(rest);
    path_and_line(first).is_some() && tail.is_empty()
}
