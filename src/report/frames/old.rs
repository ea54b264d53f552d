//! The frames of kernels 2.4 and of x86_64 until Linux 2.6.25, several of which may stand on one line.

use super::super::Frame;
use super::super::scan::{hex, is_hex, leading_number, number, split, text, word};
use super::address::bracketed_address;
use super::name::{is_name, with_offset};
use super::usual::is_module_byte;

/// The frames of such a line behind its first: x86_64 until Linux 2.6.17 and kernels 2.4 printed several on each.
pub(in crate::report) fn frames_behind(line: &[u8], log_line: u64) -> Vec<Frame> {
    let marks = Frame { reliable: true, log_line, ..Frame::default() };
    let mut all = Vec::new();
    let mut rest = line;
    let next = |rest| braced(rest, &marks).or_else(|| counted(rest, &marks)).or_else(|| addressed(rest, &marks));
    while let Some((frame, tail)) = next(rest) {
        all.push(frame);
        rest = tail;
    }
    all.drain(..all.len().min(1));
    all
}

/// `<ffffffff80130b13>{__wake_up+67}` and `<ffffffff8802d56a>{:tg3:tg3_poll+294}`, and what follows; the offset is decimal.
pub(super) fn braced<'a>(bytes: &'a [u8], marks: &Frame) -> Option<(Frame, &'a [u8])> {
    let (address, rest) = split(bytes.trim_ascii_start().strip_prefix(b"<")?, ">{")?;
    let (inside, rest) = split(rest, "}")?;
    if address.len() != 16 || !is_hex(address) {
        return None;
    }
    let (module, inside) = module_before(inside).map_or((None, inside), |(module, tail)| (Some(text(module)), tail));
    let (name, offset) = split(inside, "+")?;
    let (offset, behind) = leading_number(offset)?;
    if !is_name(name) || !behind.is_empty() {
        return None;
    }
    let (address, function) = (Some(text(address)), Some(text(name)));
    Some((Frame { address, function, module, offset: Some(offset), ..marks.clone() }, rest))
}

/// `[nfs_update_request+447/768]` and `[usbcore:usb_submit+12/40]`, as klogd wrote them in the days of Linux 2.4, and what
/// follows; the numbers are decimal.
pub(super) fn counted<'a>(bytes: &'a [u8], marks: &Frame) -> Option<(Frame, &'a [u8])> {
    let (inside, rest) = split(bytes.trim_ascii_start().strip_prefix(b"[")?, "]")?;
    let (place, size) = split(inside, "/")?;
    let (name, offset) = split(place, "+")?;
    let (module, name) = split(name, ":").map_or((None, name), |(module, name)| (Some(text(module)), name));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if name.is_empty() || !name.iter().all(plain) || name[0].is_ascii_digit() {
        return None;
    }
    let (offset, size, function) = (Some(number(offset)?), Some(number(size)?), Some(text(name)));
    Some((Frame { function, module, offset, size, ..marks.clone() }, rest))
}

/// `[<c012d4e6>] f+0x1/0x2` where more of them follow, and those.
fn addressed<'a>(bytes: &'a [u8], marks: &Frame) -> Option<(Frame, &'a [u8])> {
    let (address, rest) = bracketed_address(bytes.trim_ascii_start())?;
    let rest = rest.trim_ascii_start();
    let (reliable, rest) = rest.strip_prefix(b"? ").map_or((true, rest), |rest| (false, rest.trim_ascii_start()));
    let (name, offset, size, rest) = with_offset(rest)?;
    let mut frame = Frame { address: Some(text(address)), function: Some(text(name)), ..marks.clone() };
    (frame.offset, frame.size, frame.reliable) = (Some(offset), size, reliable);
    let inside = rest.trim_ascii_start().strip_prefix(b"[").filter(|inside| !inside.starts_with(b"<"));
    let Some((module, tail)) = inside.and_then(|inside| split(inside, "]")) else { return Some((frame, rest)) };
    frame.module = Some(text(module));
    Some((frame, tail))
}

/// The module of `:tg3:tg3_poll`, and what follows.
pub(super) fn module_before(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (module, rest) = split(bytes.strip_prefix(b":")?, ":")?;
    (!module.is_empty() && module.iter().all(is_module_byte)).then_some((module, rest))
}

/// `__run_timers [kernel] 0xc8 (0xc0303f54)`, as Linux 2.4 of Red Hat prints a place.
pub(in crate::report) fn of_red_hat(name: &[u8], rest: &[u8], marks: &Frame) -> Option<Frame> {
    let (module, offset) = split(rest.strip_prefix(b"[")?, "] 0x")?;
    let offset = Some(hex(word(offset).0)?);
    let module = Some(text(module)).filter(|module| module != "kernel");
    Some(Frame { function: Some(text(name)), module, offset, ..marks.clone() })
}
