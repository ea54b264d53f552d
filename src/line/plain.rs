//! Characters that mail programs, web pages and terminals put where the kernel printed a plain one.

use super::closed::unclosed;
use super::unwrap::sequence_len;
use crate::input::character;
use std::borrow::Cow;

/// What is written for characters of kernel lines outside of HTML, and the plain one; nothing for what shows nothing.
const WRITTEN: [(&[u8], Option<u8>); 21] = [
    // Dashes and quotation marks where a text was set or read by a machine, in UTF-8: U+2010 to U+2014, U+2212; U+2018, U+2019,
    // U+201C, U+201D.
    (b"\xe2\x80\x90", Some(b'-')),
    (b"\xe2\x80\x91", Some(b'-')),
    (b"\xe2\x80\x92", Some(b'-')),
    (b"\xe2\x80\x93", Some(b'-')),
    (b"\xe2\x80\x94", Some(b'-')),
    (b"\xe2\x88\x92", Some(b'-')),
    (b"\xe2\x80\x98", Some(b'\'')),
    (b"\xe2\x80\x99", Some(b'\'')),
    (b"\xe2\x80\x9c", Some(b'"')),
    (b"\xe2\x80\x9d", Some(b'"')),
    // Blanks that do not break: U+00A0, also encoded twice, U+202F, U+2007.
    (b"\xc3\x82\xc2\xa0", Some(b' ')),
    (b"\xc2\xa0", Some(b' ')),
    (b"\xe2\x80\xaf", Some(b' ')),
    (b"\xe2\x80\x87", Some(b' ')),
    // The sign of multiplication, U+00D7, which a blog sets for an x between digits.
    (b"\xc3\x97", Some(b'x')),
    // Zero-width blanks and joiners, the soft hyphen, the byte order mark.
    (b"\xe2\x80\x8b", None),
    (b"\xe2\x80\x8c", None),
    (b"\xe2\x80\x8d", None),
    (b"\xe2\x81\xa0", None),
    (b"\xc2\xad", None),
    (b"\xef\xbb\xbf", None),
];

/// Line breaks of HTML at the end of a line.
const BREAKS: [&[u8]; 4] = [b"<br>", b"<br/>", b"<br />", b"<BR>"];

/// How editors show the carriage return of a serial line.
const RETURN: &[u8] = b"^M";

/// With what a terminal's colours begin.
const ESCAPE: u8 = 0x1b;

/// No stamp ends further in, bytes.
const STAMP: usize = 40;

/// The line (without its end) in plain characters: HTML escapes, no-break blanks, invisible characters, set dashes and quotation
/// marks, `<br>` and `^M` undone, what closes bold and code spans at its end left out.
///
/// A line that needs nothing is lent as it is; to know that costs one look at its bytes.
#[must_use]
pub fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    let mut text = line;
    while let ended = text.trim_ascii_end()
        && ended.last() == Some(&b'>')
        && let Some(rest) = BREAKS.iter().find_map(|mark| ended.strip_suffix(*mark))
    {
        text = rest;
    }
    while let Some(rest) = text.strip_suffix(RETURN) {
        text = rest;
    }
    text = unclosed(text);
    // Nothing is decided byte by byte, so that many are looked at in one step.
    if !text.iter().fold(false, |any, byte| any | matches!(*byte, b'&' | b'\t' | b'\\' | ESCAPE | 0x80..)) {
        return Cow::Borrowed(text);
    }
    match tab_behind_stamp(text) {
        Some(tab) => {
            let mut out = untouched(&text[..tab]).into_owned();
            out.push(b' ');
            out.extend_from_slice(&untouched(&text[tab + 1..]));
            Cow::Owned(out)
        }
        None => untouched(text),
    }
}

/// A text without what stands for plain characters, and with these.
fn untouched(text: &[u8]) -> Cow<'_, [u8]> {
    let (mut out, mut copied, mut from) = (Vec::new(), 0, 0);
    while let Some(length) = text[from..].iter().position(|byte| may_stand_for_another(*byte)) {
        let at = from + length;
        // Most texts that hold such a byte hold it for itself: `(&dev->mutex)`.
        let Some((byte, length)) = stands_for(text, at) else {
            from = at + 1;
            continue;
        };
        out.extend_from_slice(&text[copied..at]);
        out.extend(byte);
        (copied, from) = (at + length, at + length);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[copied..]);
    Cow::Owned(out)
}

/// Whether what is written for a plain character may begin with a byte.
fn may_stand_for_another(byte: u8) -> bool {
    matches!(byte, b'&' | b'\\' | ESCAPE | 0xc2 | 0xc3 | 0xe2 | 0xef)
}

/// The plain character (or nothing) for which what begins at `at` stands, and how long that is; it begins with a byte that may.
fn stands_for(text: &[u8], at: usize) -> Option<(Option<u8>, usize)> {
    let (before, text) = text.split_at(at);
    if let [b'\\', escaped, ..] = text {
        return is_escape(before, *escaped, &text[2..]).then_some((Some(*escaped), 2));
    }
    if text[0] == ESCAPE {
        return Some((None, sequence_len(text))).filter(|(_, length)| *length > 0);
    }
    if text[0] == b'&' {
        return character(text).map(|(byte, length)| (Some(byte), length));
    }
    WRITTEN.iter().find(|(written, _)| text.starts_with(written)).map(|(written, byte)| (*byte, written.len()))
}

/// Whether Markdown wrote a backslash before a character. ACPI's names begin with one, too: `\_SB.PCI0`.
fn is_escape(before: &[u8], escaped: u8, behind: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\\');
    let rest = &behind[..behind.iter().take_while(|byte| is_word(byte)).count()];
    match escaped {
        b'[' | b']' | b'<' | b'>' | b'#' | b'*' | b'`' => true,
        b'_' => before.last().is_some_and(is_word) || memchr::memmem::find(rest, b"\\_").is_some(),
        _ => false,
    }
}

/// Where a tab stands for the blank behind `[   12.345678]`.
fn tab_behind_stamp(text: &[u8]) -> Option<usize> {
    let close = memchr::memchr(b']', &text[..text.len().min(STAMP)])?;
    let digit = close > 0 && text[close - 1].is_ascii_digit();
    (digit && text.get(close + 1) == Some(&b'\t')).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn web_pages_and_mail_programs_are_undone() {
        for (line, want) in [
            ("-&gt; #1 (&amp;a-&gt;b){+.+.}:", "-> #1 (&a->b){+.+.}:"),
            ("[    1.0]\u{a0}BUG:\u{a0}x<br>", "[    1.0] BUG: x"),
            ("\u{feff}[    1.0] x\u{200b}y <br/>", "[    1.0] xy "),
            ("EIP is at widget_add+0×83/0xd7", "EIP is at widget_add+0x83/0xd7"),
            (r"\[    1.0\] \_\_x64\_sys\_ioctl+0x1/0x2 \<TASK\>", "[    1.0] __x64_sys_ioctl+0x1/0x2 <TASK>"),
            (r"ACPI Error: \_SB.PCI0._PRW, AE\x", r"ACPI Error: \_SB.PCI0._PRW, AE\x"),
            ("über & Käse", "über & Käse"),
            ("Kernel panic — not syncing: “x” –-", "Kernel panic - not syncing: \"x\" --"),
        ] {
            assert_eq!(String::from_utf8_lossy(&plain(line.as_bytes())), want);
        }
    }
}
