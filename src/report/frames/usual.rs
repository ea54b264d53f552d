//! The stack-frame lines that nearly all are, read at a glance.

use super::super::Frame;
use super::super::scan::{HEX, bytes_of, hex, span, text};

/// ` name+0x1/0x2` and ` [<ffffffff81234567>] ? name+0x1/0x2 [module]` without anything else.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct UsualFrame<'a> {
    address: Option<&'a [u8]>,
    name: &'a [u8],
    offset: u64,
    size: u64,
    module: Option<&'a [u8]>,
    reliable: bool,
}

impl<'a> UsualFrame<'a> {
    /// Reads such a line; `None` when it is another, be it a frame or not.
    pub(in crate::report) fn read(line: &'a [u8]) -> Option<Self> {
        let bytes = line.trim_ascii_start();
        let (address, bytes) = match bytes.strip_prefix(b"[<") {
            Some(bytes) => {
                let (address, rest) = bytes.split_at(span(bytes, &HEX));
                (!address.is_empty()).then_some(())?;
                (Some(address), rest.strip_prefix(b">]")?.trim_ascii_start())
            }
            None => (None, bytes),
        };
        let (reliable, bytes) = match bytes.strip_prefix(b"? ") {
            Some(bytes) => (false, bytes.trim_ascii_start()),
            None => (true, bytes),
        };
        let (name, rest) = bytes.split_at(span(bytes, &IN_NAMES));
        if !name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_') {
            return None;
        }
        let (offset, rest) = hexadecimal(rest.strip_prefix(b"+0x")?)?;
        let (size, rest) = hexadecimal(rest.strip_prefix(b"/0x")?)?;
        let module = match rest {
            [] => None,
            [b' ', b'[', module @ .., b']'] if is_module(module) => Some(module),
            _ => return None,
        };
        Some(Self { address, name, offset, size, module, reliable })
    }

    /// The frame, of a line of the log.
    pub(in crate::report) fn frame(&self, log_line: u64) -> Frame {
        Frame {
            function: Some(text(self.name)),
            offset: Some(self.offset),
            size: Some(self.size),
            module: self.module.map(text),
            address: self.address.map(text),
            file: None,
            line: None,
            inline: false,
            reliable: self.reliable,
            log_line,
        }
    }
}

/// What names of functions are made of, by byte.
static IN_NAMES: [bool; 256] = bytes_of(&[(b'a', b'z'), (b'A', b'Z'), (b'0', b'9'), (b'_', b'_'), (b'.', b'.')]);

/// Up to sixteen hexadecimal digits as a number, and what follows.
fn hexadecimal(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at(span(bytes, &HEX));
    Some((hex(digits)?, rest))
}

/// Whether it is the name of a module, and not an address.
fn is_module(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(is_module_byte) && !(name.len() == 16 && span(name, &HEX) == 16)
}

/// What the name of a module is made of.
pub(in crate::report) fn is_module_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}
