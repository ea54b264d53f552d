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
    let tab = tab_behind_stamp(text);
    if tab.is_none() && memchr::memchr3(b'&', 0xc2, 0xe2, text).is_none() && !text.starts_with(b"\xef\xbb\xbf") {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (byte, length) = match rest[0] {
            _ if tab == Some(at) => (Some(b' '), 1),
            b'&' => match ENTITIES.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, byte)) => (Some(*byte), name.len()),
                None => (Some(b'&'), 1),
            },
            0xc2 | 0xe2 | 0xef => {
                if let Some(blank) = BLANKS.iter().find(|blank| rest.starts_with(blank)) {
                    (Some(b' '), blank.len())
                } else if let Some((set, byte)) = SET.iter().find(|(set, _)| rest.starts_with(set)) {
                    (Some(*byte), set.len())
                } else if let Some(nothing) = INVISIBLE.iter().find(|nothing| rest.starts_with(nothing)) {
                    (None, nothing.len())
                } else {
                    (Some(rest[0]), 1)
                }
            }
            byte => (Some(byte), 1),
        };
        out.extend(byte);
        at += length;
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
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
