//! Characters that mail programs, web pages and terminals put where the kernel printed a plain one.

use std::borrow::Cow;

/// What HTML writes for characters of kernel lines.
const ENTITIES: [(&[u8], u8); 7] = [
    (b"&gt;", b'>'),
    (b"&lt;", b'<'),
    (b"&amp;", b'&'),
    (b"&quot;", b'"'),
    (b"&#39;", b'\''),
    (b"&#34;", b'"'),
    (b"&nbsp;", b' '),
];
/// Line breaks of HTML at the end of a line.
const BREAKS: [&[u8]; 4] = [b"<br>", b"<br/>", b"<br />", b"<BR>"];
/// Characters that show nothing, in UTF-8: zero-width blanks and joiners, the soft hyphen, the byte order mark.
const INVISIBLE: [&[u8]; 6] =
    [b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xe2\x81\xa0", b"\xc2\xad", b"\xef\xbb\xbf"];
/// Blanks that do not break, in UTF-8: U+00A0, U+202F, U+2007.
const BLANKS: [&[u8]; 3] = [b"\xc2\xa0", b"\xe2\x80\xaf", b"\xe2\x80\x87"];
/// What stands for a dash or a quotation mark where a text was set or read by a machine, in UTF-8: U+2010 to U+2014, U+2212;
/// U+2018, U+2019, U+201C, U+201D.
const SET: [(&[u8], u8); 10] = [
    (b"\xe2\x80\x90", b'-'),
    (b"\xe2\x80\x91", b'-'),
    (b"\xe2\x80\x92", b'-'),
    (b"\xe2\x80\x93", b'-'),
    (b"\xe2\x80\x94", b'-'),
    (b"\xe2\x88\x92", b'-'),
    (b"\xe2\x80\x98", b'\''),
    (b"\xe2\x80\x99", b'\''),
    (b"\xe2\x80\x9c", b'"'),
    (b"\xe2\x80\x9d", b'"'),
];

/// No stamp ends further in, bytes.
const STAMP: usize = 40;

/// The line (without its end) in plain characters: HTML escapes, no-break blanks, invisible characters, set dashes and quotation
/// marks, and `<br>` undone.
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
    if text.is_ascii() && memchr::memchr2(b'&', b'\t', text).is_none() {
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
    let (mut out, mut copied) = (Vec::new(), 0);
    // Most texts that hold such a byte hold it for itself: `(&dev->mutex)`.
    while let Some((at, (byte, length))) = (copied..text.len()).find_map(|at| Some((at, stands_for(&text[at..])?))) {
        out.extend_from_slice(&text[copied..at]);
        out.extend(byte);
        copied = at + length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(&text[copied..]);
    Cow::Owned(out)
}

/// The plain character (or nothing) for which the beginning of a text stands, and how long that is.
fn stands_for(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let first = text.first().filter(|byte| matches!(byte, b'&' | 0xc2 | 0xe2 | 0xef))?;
    let shown = if *first == b'&' { &ENTITIES[..] } else { &SET[..] };
    let set = || shown.iter().find(|(set, _)| text.starts_with(set)).map(|(set, byte)| (Some(*byte), set.len()));
    let blank = || BLANKS.iter().find(|blank| text.starts_with(blank)).map(|blank| (Some(b' '), blank.len()));
    let nothing = || INVISIBLE.iter().find(|nothing| text.starts_with(nothing)).map(|nothing| (None, nothing.len()));
    set().or_else(blank).or_else(nothing)
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
            ("über & Käse", "über & Käse"),
            ("Kernel panic — not syncing: “x” –-", "Kernel panic - not syncing: \"x\" --"),
        ] {
            assert_eq!(String::from_utf8_lossy(&plain(line.as_bytes())), want);
        }
    }
}
