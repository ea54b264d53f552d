//! A transcript without what a terminal or a page put around all of it: colours, titles of windows, a margin.

use crate::line::without_colours;
use std::borrow::Cow;

/// The text without control sequences of terminals, and without the blanks that all its lines begin with. Lines stay what they are.
#[must_use]
pub(super) fn bare(bytes: &[u8]) -> Cow<'_, [u8]> {
    let plain = if memchr::memchr(0x1b, bytes).is_some() {
        Cow::Owned(without_colours(&without_titles(bytes)))
    } else {
        Cow::Borrowed(bytes)
    };
    match margin(&plain) {
        0 => plain,
        margin => Cow::Owned(moved(&plain, margin)),
    }
}

/// How many blanks or tabs begin each line that is not empty.
fn margin(text: &[u8]) -> usize {
    let blanks = |line: &[u8]| line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut widths = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).map(blanks);
    let Some(mut least) = widths.next() else { return 0 };
    for width in widths {
        if least == 0 {
            return 0;
        }
        least = least.min(width);
    }
    least
}

fn moved(text: &[u8], margin: usize) -> Vec<u8> {
    let lines: Vec<&[u8]> =
        text.split(|byte| *byte == b'\n').map(|line| line.get(margin..).unwrap_or_default()).collect();
    lines.join(&b'\n')
}

/// Shells set the window's title in their prompts: `ESC ]0;ann@host: ~ BEL`.
fn without_titles(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&text[at..], b"\x1b]") {
        out.extend_from_slice(&text[at..at + found]);
        let rest = &text[at + found..];
        let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let end = memchr::memchr(0x07, &rest[..line]).map(|end| end + 1);
        let end = end.or_else(|| memchr::memmem::find(&rest[..line], b"\x1b\\").map(|end| end + 2));
        let length = end.unwrap_or(2);
        if end.is_none() {
            out.extend_from_slice(&rest[..length]);
        }
        at += found + length;
    }
    out.extend_from_slice(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn colours_titles_and_a_margin_are_taken_off() {
        for (text, plain) in [
            ("\x1b[32mann\x1b[0m$ git bisect bad\n", "ann$ git bisect bad\n"),
            ("\x1b[?2004h\x1b]0;ann@host: ~\x07ann$ git bisect bad\x1b[?2004l\r\n", "ann$ git bisect bad\r\n"),
            ("\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\\n", "a\n"),
            ("    a\n\n      b\n    c", "a\n\n  b\nc"),
            ("    a\n\n  b\n \n", "  a\n\nb\n\n"),
            ("  a\nb\n", "  a\nb\n"),
            ("\n \n", "\n \n"),
            ("\x1b]0;no end\n", "\x1b]0;no end\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&bare(text.as_bytes())), plain, "{text:?}");
        }
    }
}
