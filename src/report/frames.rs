//! One stack-frame line of any architecture, age and symbolizer.

use super::Frame;
use super::misprint::{lost_address, misread};
use super::scan::{after, hex, is_hex, leading_number, number, split, text, word};
use super::symbolized::places;
use super::usual_frame::{UsualFrame, is_module_byte};
use super::vmcore;

/// What one frame line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLine {
    /// The frame.
    pub frame: Frame,
    /// 32-bit ARM prints `callee from caller+offset`: the callee; its line begins a stack.
    pub callee: Option<String>,
}

/// Reads one stack-frame line; `None` when the line is none.
///
/// Of a line that lists several places (`f (a.c:1 b.c:2)`), the last is the place in `f` itself.
pub fn frame_line(line: &[u8], log_line: u64) -> Option<FrameLine> {
    match UsualFrame::read(line) {
        Some(usual) => Some(FrameLine { frame: usual.frame(log_line), callee: None }),
        None => unusual(line, log_line),
    }
}

/// Whether a line is a stack-frame line.
pub(super) fn is_frame_line(line: &[u8]) -> bool {
    UsualFrame::read(line).is_some() || unusual(line, 0).is_some()
}

/// Reads any stack-frame line, step by step.
pub(super) fn unusual(line: &[u8], log_line: u64) -> Option<FrameLine> {
    if line.trim_ascii_start().starts_with(b"#") {
        return vmcore::frame(line, log_line).map(|frame| FrameLine { frame, callee: None });
    }
    if let Some(inside) = dumped(line) {
        return frame_line(inside, log_line);
    }
    if let Some(read) = misread(line) {
        return frame_line(&read, log_line);
    }
    let mut rest = line.trim_ascii_start();
    let mut frame = Frame { reliable: true, log_line, ..Frame::default() };
    let mut bracketed = false;
    loop {
        if let Some(tail) = after(rest, "? ") {
            frame.reliable = false;
            rest = tail.trim_ascii_start();
        } else if let Some((address, tail)) = bracketed_address(rest) {
            frame.address = Some(text(address));
            bracketed = true;
            rest = tail.trim_ascii_start();
        } else if let Some(tail) = lost_address(rest) {
            rest = tail;
        } else if let Some(tail) = after(rest, "(inlined by)") {
            frame.inline = true;
            rest = tail.trim_ascii_start();
        } else {
            break;
        }
    }
    // PowerPC's xmon: the stack's address in brackets, the instruction's without.
    if bracketed && let Some((address, tail)) = bare_address(rest) {
        frame.address = Some(text(address));
        rest = tail;
    }
    if let Some(found) = arm(rest, &frame) {
        return Some(found);
    }
    if let Some((found, _)) = braced(rest, &frame).or_else(|| counted(rest, &frame)) {
        return Some(FrameLine { frame: found, callee: None });
    }
    // x86_64 until Linux 2.6.25: `[<ffffffff8802d56a>] :tg3:tg3_poll+0x126/0x200`.
    if bracketed && let Some((module, tail)) = module_before(rest) {
        frame.module = Some(text(module));
        rest = tail;
    }
    if let Some(address) = nameless(rest) {
        return Some(FrameLine { frame: Frame { address: Some(text(address)), ..frame }, callee: None });
    }
    if rest.is_empty() {
        return bracketed.then_some(FrameLine { frame, callee: None });
    }
    if let Some((raw, behind)) = raw_address(rest) {
        frame.address.get_or_insert_with(|| text(raw));
        place(behind, &mut frame);
        return Some(FrameLine { frame, callee: None });
    }
    named(rest, frame, bracketed).map(|frame| FrameLine { frame, callee: None })
}

/// The frames of such a line behind its first: x86_64 until Linux 2.6.17 and kernels 2.4 printed several on each.
pub(super) fn frames_behind(line: &[u8], log_line: u64) -> Vec<Frame> {
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
fn braced<'a>(bytes: &'a [u8], marks: &Frame) -> Option<(Frame, &'a [u8])> {
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
fn counted<'a>(bytes: &'a [u8], marks: &Frame) -> Option<(Frame, &'a [u8])> {
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
fn module_before(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (module, rest) = split(bytes.strip_prefix(b":")?, ":")?;
    (!module.is_empty() && module.iter().all(is_module_byte)).then_some((module, rest))
}

/// `c00000000004e1d4 ` before a name.
fn bare_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (address, rest) = word(bytes);
    (matches!(address.len(), 8 | 16) && is_hex(address) && with_offset(rest).is_some()).then_some((address, rest))
}

/// `TPC[name+0x1/0x2] O7[…] I7[…] RPC[…]`: what a CPU of SPARC was at when others asked.
fn dumped(line: &[u8]) -> Option<&[u8]> {
    let inside = line.trim_ascii_start().strip_prefix(b"TPC[")?;
    let end = memchr::memchr(b']', inside)?;
    memchr::memchr(b'+', &inside[..end]).map(|_| &inside[..end])
}

/// `name+0x1/0x2`, with everything that may follow, without the line's marks: for `RIP: 0010:…`, `at: …`.
pub fn frame_after(bytes: &[u8], log_line: u64) -> Option<Frame> {
    frame_line(bytes, log_line).map(|found| found.frame)
}

/// The address of `[<c000>] `, `[c000] ` or `([<c000>] `.
fn bracketed_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(b"(").unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"[")?;
    let (angled, bytes) = match bytes.strip_prefix(b"<") {
        Some(bytes) => (true, bytes),
        None => (false, bytes),
    };
    let end = bytes.iter().position(|byte| !byte.is_ascii_hexdigit() && !b"(ptrvalx_)".contains(byte))?;
    let (address, rest) = (&bytes[..end], &bytes[end..]);
    let rest = match angled {
        true => after(rest, ">]")?,
        false => after(rest, "]")?,
    };
    // A build id or a time in brackets is not an address: those are addresses of 32 or 64 bits.
    let plausible = if angled { !address.is_empty() } else { address.len() == 8 || address.len() == 16 };
    plausible.then_some((address, rest))
}

/// `(f) from [<c000>] (g+0x1/0x2)` and the newer `f from g+0x1/0x2`: the frame of `g`.
fn arm(bytes: &[u8], marks: &Frame) -> Option<FrameLine> {
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
    Some(FrameLine { frame, callee: Some(text(callee)) })
}

/// `Function entered at [<c030f1b0>] from [<c030b5d4>]`, as ARM prints it without symbols: the address of the caller.
fn nameless(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = bracketed_address(after(bytes, "Function entered at ")?)?;
    let (caller, _) = bracketed_address(after(rest, " from ")?)?;
    Some(caller)
}

/// Offsets within functions have no more digits.
const LONGEST_OFFSET: usize = 3;

/// `0xffffffff81234567`: a kernel without symbols. Behind it may be the module that lies there, `[netatop@6b7888f1+0x12000]`.
fn raw_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.trim_ascii_start().starts_with(b"0x").then_some(())?;
    let (address, rest) = word(bytes);
    let digits = after(address, "0x")?;
    let alone = rest.is_empty() || (rest.starts_with(b"[") && rest.ends_with(b"]") && rest.contains(&b'@'));
    // `0x26e` is the offset of a function on the line above; NULL is none.
    let far = digits.len() > LONGEST_OFFSET || digits.iter().all(|digit| *digit == b'0');
    (is_hex(digits) && digits.len() <= 16 && alone && far).then_some((address, rest))
}

/// Names of C, C++ and Rust with the compiler's suffixes.
fn is_name(bytes: &[u8]) -> bool {
    let start = bytes.first().copied().unwrap_or_default();
    (start.is_ascii_alphabetic() || matches!(start, b'_' | b'.' | b'<' | b'$' | b'~') || start >= 0x80)
        && bytes.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'_' | b'.'
                        | b'$'
                        | b':'
                        | b'<'
                        | b'>'
                        | b'&'
                        | b'*'
                        | b','
                        | b'~'
                        | b'@'
                        | b'-'
                        | b'{'
                        | b'}'
                        | b'#'
                        | b'['
                        | b']'
                        | b'('
                        | b')'
                        | b' '
                        | b';'
                        | b'='
                )
                || *byte >= 0x80
        })
}

/// A frame that begins with its function.
fn named(bytes: &[u8], mut frame: Frame, bracketed: bool) -> Option<Frame> {
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

/// `__run_timers [kernel] 0xc8 (0xc0303f54)`, as Linux 2.4 of Red Hat prints a place.
pub(super) fn of_red_hat(name: &[u8], rest: &[u8], marks: &Frame) -> Option<Frame> {
    let (module, offset) = split(rest.strip_prefix(b"[")?, "] 0x")?;
    let offset = Some(hex(word(offset).0)?);
    let module = Some(text(module)).filter(|module| module != "kernel");
    Some(Frame { function: Some(text(name)), module, offset, ..marks.clone() })
}

/// `pgd=0000000000000000`, which arm64 prints behind an address in brackets.
fn is_assignment(word: &[u8]) -> bool {
    memchr::memchr(b'=', word).is_some_and(|at| at > 0 && is_hex(&word[at + 1..]))
}

/// Whether nothing but the place `path:line` follows.
fn ends_with_place(rest: &[u8]) -> bool {
    let (first, tail) = word(rest);
    path_and_line(first).is_some() && tail.is_empty()
}

/// Name, offset, size, rest of the line.
type Located<'a> = (&'a [u8], u64, Option<u64>, &'a [u8]);

/// Name, offset and size of `name+0x1/0x2` and what follows; a name may hold blanks if it is a demangled one.
fn with_offset(bytes: &[u8]) -> Option<Located<'_>> {
    let at = memchr::memchr_iter(b'+', bytes).find(|at| bytes[*at..].starts_with(b"+0x"))?;
    let name = &bytes[..at];
    if !is_name(name) || (name.contains(&b' ') && memchr::memmem::find(name, b"::").is_none()) {
        return None;
    }
    let rest = &bytes[at + 3..];
    let end = rest.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(rest.len());
    let offset = hex(&rest[..end])?;
    let rest = &rest[end..];
    let Some(tail) = after(rest, "/0x") else {
        let ended = rest.is_empty() || rest[0].is_ascii_whitespace() || rest[0] == b'/' || rest[0] == b')';
        return ended.then_some((name, offset, None, rest));
    };
    let end = tail.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(tail.len());
    Some((name, offset, hex(&tail[..end]), &tail[end..]))
}

/// What may follow the function, in any order: `[module id]`, `path:line:column`, `(path:line (discriminator 1))`,
/// `[inline]`, `(inlined by)`, `(unreliable)`, `(P)`.
fn place(mut rest: &[u8], frame: &mut Frame) {
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
fn is_module(bytes: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Frame {
        frame_line(line.as_bytes(), 7).unwrap_or_else(|| panic!("no frame: {line}")).frame
    }

    fn brief(line: &str) -> String {
        let frame = read(line);
        let mut out = frame.function.clone().unwrap_or_else(|| "-".into());
        if let Some(offset) = frame.offset {
            out += &format!("+{offset:#x}/{:#x}", frame.size.unwrap_or(0));
        }
        if let Some(module) = &frame.module {
            out += &format!(" [{module}]");
        }
        if let Some(address) = &frame.address {
            out += &format!(" <{address}>");
        }
        if let (Some(file), Some(line)) = (&frame.file, frame.line) {
            out += &format!(" {file}:{line}");
        }
        if frame.inline {
            out += " inline";
        }
        if !frame.reliable {
            out += " ?";
        }
        out
    }

    #[test]
    fn a_line_may_hold_several_frames() {
        let line = b"<ffffffff80130b13>{__wake_up+67} <ffffffff803a1c45>{net_rx_action+165}";
        let behind: Vec<_> = frames_behind(line, 1).into_iter().filter_map(|frame| frame.function).collect();
        assert_eq!(behind, ["net_rx_action"]);
        let behind = |line: &[u8]| frames_behind(line, 1).into_iter().map(|frame| (frame.function, frame.module));
        let named = |name: &str, module: Option<&str>| (Some(name.into()), module.map(str::to_owned));
        let line = b"[<c012d4e6>] a+0x16/0x70 [<c0106b8c>] ? b+0x1/0x2 [nfs] [<c0106b8d>] c+0x1/0x2";
        assert!(behind(line).eq([named("b", Some("nfs")), named("c", None)]));
        assert!(behind(b"[a+155/288] [nfs:b+56/80] [c+51/56]").eq([named("b", Some("nfs")), named("c", None)]));
        assert!(frames_behind(b" foo+0x1/0x20", 1).is_empty());
    }

    #[test]
    fn every_shape_of_a_frame_line_is_read() {
        for (line, want) in [
            (" schedule+0xec/0x320", "schedule+0xec/0x320"),
            (" ? schedule+0xec/0x320", "schedule+0xec/0x320 ?"),
            (" [<ffffffff81234567>] ? foo.isra.0+0x1/0x20", "foo.isra.0+0x1/0x20 <ffffffff81234567> ?"),
            (" foo.cold+0x1/0x20 [mod]", "foo.cold+0x1/0x20 [mod]"),
            (" foo+0x1/0x20 [mod 0123456789abcdef0123456789abcdef01234567]", "foo+0x1/0x20 [mod]"),
            (" foo+0x1/0x20 (P)", "foo+0x1/0x20"),
            ("[<ffffffff8802d56a>] :tg3:tg3_poll+0x126/0x200", "tg3_poll+0x126/0x200 [tg3] <ffffffff8802d56a>"),
            ("<ffffffff8802d56a>{:tg3:tg3_poll+294}", "tg3_poll+0x126/0x0 [tg3] <ffffffff8802d56a>"),
            ("[nfs_update_request+447/768] [nfs_updatepage+155/288]", "nfs_update_request+0x1bf/0x300"),
            ("[usbcore:usb_submit+12/40]", "usb_submit+0xc/0x28 [usbcore]"),
            ("[<c0119048>] __run_timers [kernel] 0xc8 (0xc0303f54)", "__run_timers+0xc8/0x0 <c0119048>"),
            ("[<e0a4d048>] nfs_commit [nfs] 0x1c (0xc0303f54))", "nfs_commit+0x1c/0x0 [nfs] <e0a4d048>"),
            ("[<c012d4e6>] foo+0x16/0x70 [<c0106b8c>] bar+0x1/0x2", "foo+0x16/0x70 <c012d4e6>"),
            ("       <ffffffff80130b13>{__wake_up+67} <ff", "__wake_up+0x43/0x0 <ffffffff80130b13>"),
            (" foo+0x1/0x20 [mod] (PT)", "foo+0x1/0x20 [mod]"),
            ("[c000000003a0f9d0] [c000000000b0a1c4] foo+0x1/0x20 (unreliable)", "foo+0x1/0x20 <c000000000b0a1c4> ?"),
            (
                "[<80111308>] (dump_backtrace) from [<8011162c>] (show_stack+0x18/0x1c)",
                "show_stack+0x18/0x1c <8011162c>",
            ),
            (" dump_backtrace from show_stack+0x18/0x1c", "show_stack+0x18/0x1c"),
            (" foo [widget] from bar+0x18/0x1c [widget]", "bar+0x18/0x1c [widget]"),
            (" foo from bar+0x18/0x1c arch/arm/kernel/traps.c:254", "bar+0x18/0x1c arch/arm/kernel/traps.c:254"),
            ("([<000000000010a4c4>] foo+0x1/0x20)", "foo+0x1/0x20 <000000000010a4c4>"),
            (" [<000003ffe0c9c0b2>] foo+0x1/0x20 ", "foo+0x1/0x20 <000003ffe0c9c0b2>"),
            ("[<ffffffe00020383c>] walk+0x0/0xaa", "walk+0x0/0xaa <ffffffe00020383c>"),
            ("Function entered at [<c030f1b0>] from [<c030b5d4>]", "- <c030b5d4>"),
            (" 0xffffffffc0001234", "- <0xffffffffc0001234>"),
            (" [<ffffffffc0001234>] 0xffffffffc0001234", "- <ffffffffc0001234>"),
            (" 0xffffffc000c81e2c [netatop@000000006b7888f1+0x12000]", "- [netatop] <0xffffffc000c81e2c>"),
            ("[<c010a95c>] (dump+0x0/0x114) from [<c09d7e0c>] (show+0x20/0x24)", "show+0x20/0x24 <c09d7e0c>"),
            (" foo+0x1/0x20 net/core/dev.c:123", "foo+0x1/0x20 net/core/dev.c:123"),
            (" foo+0x1/0x20 [mod] net/core/dev.c:123", "foo+0x1/0x20 [mod] net/core/dev.c:123"),
            (" foo+0x1/0x20 net/core/dev.c:123 [mod]", "foo+0x1/0x20 [mod] net/core/dev.c:123"),
            (" foo+0x1/0x20 net/core/dev.c:123:9 (discriminator 3)", "foo+0x1/0x20 net/core/dev.c:123"),
            (" inlined_fn include/net/x.h:12 [inline]", "inlined_fn include/net/x.h:12 inline"),
            (
                " [<000000004fdd6c16>] inlined_fn include/net/x.h:12 [inline]",
                "inlined_fn <000000004fdd6c16> include/net/x.h:12 inline",
            ),
            (" foo (net/core/dev.c:123 (discriminator 3))", "foo net/core/dev.c:123"),
            (" ? foo (net/core/dev.c:123 net/core/dev.c:456) mod", "foo [mod] net/core/dev.c:456 ?"),
            (" foo (net/core/dev.c:?) mod", "foo [mod]"),
            ("foo (??:?) ", "foo"),
            (" (inlined by) foo net/core/dev.c:123", "foo net/core/dev.c:123 inline"),
            (" _RNvMs_0NtC4kern4page+0x1/0x20", "_RNvMs_0NtC4kern4page+0x1/0x20"),
            (" <kernel::Page as Drop>::drop+0x1/0x20", "<kernel::Page as Drop>::drop+0x1/0x20"),
            (" foo.llvm.123456+0x1/0x20", "foo.llvm.123456+0x1/0x20"),
        ] {
            assert_eq!(brief(line), want, "{line}");
        }
    }

    #[test]
    fn prose_and_registers_are_no_frames() {
        for line in [
            "",
            "RAX: 0000000000000000 RBX: ffff888012345678",
            "hardirqs last  enabled at (12): [<ffffffff81>] foo+0x1/0x2",
            " ffff8801d8f0f8a8 ffffffff81c8fcad 0000000000000000",
            "Modules linked in: a b c",
            "initcall foo+0x0/0x20 returned 0",
            "#0: ffff (x){+.+.}, at: foo+0x1/0x2",
            "[   12.345678] foo",
            "usb 1-1: new device",
            "[12+3/4] done",
            "[sda+1] 3/4",
        ] {
            assert_eq!(frame_line(line.as_bytes(), 1), None, "{line}");
        }
    }

    #[test]
    fn an_arm_line_names_callee_and_caller() {
        let found = frame_line(b"[<80111308>] (dump_backtrace) from [<8011162c>] (show_stack+0x18/0x1c)", 3);
        assert_eq!(found.and_then(|found| found.callee).as_deref(), Some("dump_backtrace"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_at_a_glance_is_what_is_read_step_by_step(
            line in r" ?(\[<[0-9a-f]{0,9}>\] )?(\? )? ?[a-f_.x0]{1,5}(\+0x[0-9a-fA-F]{1,3})?(/0x[0-9a-f]{1,17})?( ?\[[a-z_.-]{0,3}\])? ?"
        ) {
            let usual = UsualFrame::read(line.as_bytes()).map(|usual| usual.frame(7));
            if let Some(frame) = usual {
                proptest::prop_assert_eq!(unusual(line.as_bytes(), 7), Some(FrameLine { frame, callee: None }));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = frame_line(&bytes, 1);
        }

        #[test]
        fn frame_like_bytes_are_read_without_panic(line in "[ ?\\[<(a-f0-9x+/>\\])c.:]{0,60}") {
            let _ = frame_line(line.as_bytes(), 1);
        }
    }
}
