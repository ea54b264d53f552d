//! Whether the lines around one that says no more than a common word, `WARNING: …`, speak for a kernel.

use super::beside::{EVIDENCE, Header, is_kernels, is_marked, lines_above, lines_below};
use super::landmarks::{begins_report_line, is_body};
use super::mention::ends_in_name;
use super::{find, unwrap};
use crate::input::{Landmark, landmark};

/// Whether other lines stand around a line without a mark of the kernel's, and none of them can be a kernel's or goes on with a report.
#[must_use]
pub fn is_unsupported(line: &Header<'_>) -> bool {
    let below = || lines_below(line).take(EVIDENCE);
    let near = || lines_above(line).take(EVIDENCE).chain(below());
    let speaks = begins_line(line) || is_drivers(&unwrap(raw(line)));
    let supports = |near: &[u8]| match landmark(near.trim_ascii_start()) {
        // It is asked about itself.
        Some(Landmark::Header) => false,
        Some(Landmark::Program) => true,
        _ => is_kernels(near) || speaks && is_drivers(&unwrap(near)),
    };
    // A list of first lines is what `grep` leaves of a log.
    let beside = below().next().or_else(|| lines_above(line).next());
    let is_listed = || beside.is_some_and(|line| begins_report_line(line.trim_ascii_start()));
    let dies = || line.programs && below().any(is_of_program);
    beside.is_some() && !is_kernels_by_itself(line) && !near().any(supports) && !is_listed() && !dies()
}

/// Whether nothing stands before the header but what stands around all lines.
#[must_use]
pub fn begins_line(line: &Header<'_>) -> bool {
    unwrap(raw(line)).starts_with(line.header.as_bytes())
}

/// Whether it ends as titles of reports do: the kernel names the place, too.
#[must_use]
pub fn ends_as_title(line: &Header<'_>) -> bool {
    ends_in_name(raw(line))
}

fn raw<'a>(line: &Header<'a>) -> &'a [u8] {
    &line.text[line.start..line.end]
}

/// Whether the line says more than a word that others write, too: its place, an address.
fn is_kernels_by_itself(line: &Header<'_>) -> bool {
    let raw = raw(line);
    match find(raw, line.header).filter(|_| line.header.ends_with(':')) {
        Some(at) => {
            let rest = &raw[at + line.header.len()..];
            is_marked(raw) || find(&raw[..at], "kernel").is_some() || is_body(rest) || names_source(rest)
        }
        None => is_kernels(raw),
    }
}

/// Whether a line of a source file is named: `drivers/widget/widget.c:88`.
fn names_source(text: &[u8]) -> bool {
    let is_line =
        |ending: &str| find(text, ending).is_some_and(|at| text.get(at + ending.len()).is_some_and(u8::is_ascii_digit));
    [".c:", ".h:", ".rs:"].into_iter().any(is_line)
}

/// Whether a driver says first who it is, or of which device it speaks, as in `usb 1-1: `.
fn is_drivers(line: &[u8]) -> bool {
    let is_name = |word: &[u8]| {
        word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.:".contains(byte))
    };
    let mut words = line.split(|byte| *byte == b' ');
    let mut name = words.next().unwrap_or_default();
    if !name.ends_with(b":") {
        let device = words.next().filter(|device| is_name(name) && device.iter().any(u8::is_ascii_digit));
        name = device.unwrap_or_default();
    }
    name.len() > 1 && name.ends_with(b":") && is_name(name) && words.next().is_some()
}

/// Whether it is a line of what a Go program prints when it dies.
fn is_of_program(line: &[u8]) -> bool {
    line.starts_with(b"goroutine ") || line.starts_with(b"runtime stack:") || find(line, "+0x").is_some()
}

#[cfg(test)]
mod tests {
    use super::{Header, is_unsupported};

    fn is(text: &str, header: &str) -> bool {
        let at = text.find(header).expect("the header");
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        is_unsupported(&Header {
            text: text.as_bytes(),
            start,
            end,
            header,
            programs: header == "panic:",
            prose: false,
        })
    }

    #[test]
    fn words_of_a_document_have_no_support() {
        for (text, header) in [
            ("* lamps\n* WARNING: dark rooms\n* more\n", "WARNING:"),
            ("rooms\n41 panic: is an option\nlamps\n", "panic:"),
            ("compiler: gcc 12\nrun #1: crashed: WARNING in lamp_dim\nall runs: OK\n", "WARNING"),
        ] {
            assert!(is(text, header), "{text}");
        }
    }

    #[test]
    fn a_kernel_or_a_dying_program_supports_its_line() {
        for (text, header) in [
            ("WARNING: dark\n", "WARNING:"),
            ("<6>rooms\n<4>WARNING: dark\nlamps\n", "WARNING:"),
            ("kern  :info  : rooms\nkern  :warn  : WARNING: dark\n", "WARNING:"),
            ("6,1,2,-;rooms\n4,2,3,-;WARNING: dark\n", "WARNING:"),
            ("I/kernel  (  0): rooms\nW/kernel  (  0): WARNING: dark\n", "WARNING:"),
            ("2026-01-01T00:00:00 usb 1-1: rooms\n2026-01-01T00:00:01 WARNING: dark\n", "WARNING:"),
            ("usb 1-1: rooms\nWARNING: dark\nlamps\n", "WARNING:"),
            ("rooms\nUBSAN: shift in drivers/lamp.c:12:3\nlamps\n", "UBSAN:"),
            ("rooms\npanic: dark\n\ngoroutine 1 [running]:\n", "panic:"),
            ("rooms\nWARNING: dark\nBUG: bright\n", "WARNING:"),
        ] {
            assert!(!is(text, header), "{text}");
        }
    }
}
