//! Stamps before the lines of a log, and places in the source: what the words of a mailed log are recognised by.

use crate::input::form::has_form;

/// What follows a stamp: `[   12.345678] `, or a date and the tag of the kernel behind it.
pub(super) fn behind_stamp(text: &[u8]) -> &[u8] {
    let end = if is_dated(text) { b"kernel: " } else { &b"] "[..] };
    let behind = |end: &[u8]| memchr::memmem::find(text, end).map(|at| &text[at + end.len()..]);
    behind(end).or_else(|| is_clocked(text).then(|| behind(b"] ").or_else(|| behind(b" kernel ")))?).unwrap_or(text)
}

/// What no date in numbers is longer than.
const LONGEST_CLOCK: usize = 48;

/// Whether a text begins with numbers among which a clock is, and then a word or a stamp: `13.01.2025 19:40:36:297 kernel `,
/// `1768474930143 2026-01-15T11:02:10.143Z [   12.345678] `.
fn is_clocked(text: &[u8]) -> bool {
    let number =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b',' | b'-' | b'/' | b' ' | b'T' | b'Z');
    let length = text.iter().take(LONGEST_CLOCK).take_while(|byte| number(byte)).count();
    let clock = |part: &[u8]| has_form(part, b"00:00:00");
    text.first().is_some_and(u8::is_ascii_digit)
        && text[..length].ends_with(b" ")
        && text[..length].windows(8).any(clock)
        && (text[length..].starts_with(b"kernel") || text[length..].starts_with(b"["))
}

/// What follows facility and level as dmesg decodes them: `kern  :warn  : `.
fn undecoded(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"kern")?.trim_ascii_start().strip_prefix(b":")?;
    let level = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    rest[level..].trim_ascii_start().strip_prefix(b": ").filter(|_| (3..=6).contains(&level))
}

/// What a daemon puts in front of a line in another language than English, `mai 17 10:22:54 host kernel: `, is no longer than this.
const LONGEST_ABROAD: usize = 100;

/// Whether a text begins with a date in any language, and the tag of the kernel behind it.
fn is_dated_abroad(text: &[u8]) -> bool {
    let near = &text[..text.len().min(LONGEST_ABROAD)];
    let mut words = near.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let is_number = |word: &[u8]| word.len() <= 2 && word.iter().all(u8::is_ascii_digit);
    let is_name = |word: &[u8]| {
        word.len() <= 12 && word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || *byte == b'.')
    };
    let is_clock = |word: &[u8]| word.len() == 8 && word[2] == b':' && word[5] == b':' && word[0].is_ascii_digit();
    // The Japanese write a number with their word for month.
    let month =
        words.next().is_some_and(|word| is_name(word) || word.len() <= 5 && word.iter().any(|byte| *byte >= 0x80));
    month
        && words.next().is_some_and(|day| is_number(day.strip_suffix(b".").unwrap_or(day)))
        && words.next().is_some_and(is_clock)
        && memchr::memmem::find(near, b" kernel: ").is_some()
}

/// `Mar  1 12:00:09 `, `2026-03-01T12:00:09`, `12:00:09,123 ` at the start, as daemons write it.
pub(super) fn is_dated(text: &[u8]) -> bool {
    const FORMS: [&[u8]; 6] = [
        b"Mmm 00 00:00:00 ",
        b"Mmm 00 00:00:00.000",
        b"0000-00-00T00:00:00",
        b"0000-00-00 00:00:00",
        b"00:00:00 ",
        b"00:00:00,000 ",
    ];
    let known = FORMS.iter().any(|form| {
        // The day of the month may have a blank before it.
        let day = form.first() == Some(&b'M') && text.get(4) == Some(&b' ');
        if day { has_form(text, &form[..4]) && has_form(&text[5..], &form[5..]) } else { has_form(text, form) }
    });
    known || is_dated_abroad(text) || is_clocked(text)
}

/// `[Wed Dec 19 03:36:07 2018] ` at the start, in any language, as dmesg -T writes it.
fn is_dated_by_dmesg(text: &[u8]) -> bool {
    const LONGEST: usize = 40;
    let Some(inner) = text.strip_prefix(b"[") else { return false };
    let Some(end) = memchr::memchr(b']', &inner[..inner.len().min(LONGEST)]) else { return false };
    let clock = |word: &[u8]| word.len() == 8 && word[2] == b':' && word[5] == b':' && word[0].is_ascii_digit();
    inner[..end].split(|byte| *byte == b' ').any(clock)
}

/// `[   12.345678] ` or `[   12.345678][   T57] ` at the start.
fn is_usual(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"[") else { return false };
    let blanks = inner.iter().take_while(|byte| **byte == b' ').count();
    let digits = |from: usize| inner[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let dot = blanks + digits(blanks);
    dot > blanks && inner.get(dot) == Some(&b'.') && {
        let end = dot + 1 + digits(dot + 1);
        end > dot + 1 && (inner[end..].starts_with(b"] ") || inner[end..].starts_with(b"]["))
    }
}

/// `[   12.345678]` at the start, a level before it perhaps; or, with printk.time=0, `[   T57]`; or a date.
pub(super) fn is_stamped(text: &[u8]) -> bool {
    // Nearly all are.
    if is_usual(text) {
        return true;
    }
    if is_dated(text) || is_dated_by_dmesg(text) || undecoded(text).is_some_and(is_stamped) {
        return true;
    }
    let text = match text {
        [b'<', b'0'..=b'7', b'>', rest @ ..] => rest,
        [b'*', b'*', b' ', ..] => return memchr::memmem::find(text, b" printk messages dropped **").is_some(),
        _ => text,
    };
    let Some(inner) = text.strip_prefix(b"[") else { return false };
    // Some mailers make the blanks of a stamp such that no line breaks there.
    let mut inner = inner.trim_ascii_start();
    while let Some(rest) = inner.strip_prefix(b"\xc2\xa0") {
        inner = rest.trim_ascii_start();
    }
    let caller = inner.strip_prefix(b"T").or(inner.strip_prefix(b"C"));
    if let Some(number) = caller {
        let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
        return digits > 0 && number[digits..].starts_with(b"] ");
    }
    // `dmesg -d` writes what passed, with the comma of the language: `[  +0,000039] `.
    let inner = inner.strip_prefix(b"+").unwrap_or(inner);
    let digits = inner.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
    // `[...]` is what people leave out.
    let point = inner[..digits].iter().any(|byte| matches!(byte, b'.' | b','));
    let time = inner.first().is_some_and(u8::is_ascii_digit) && point;
    time && inner.get(digits) == Some(&b']')
}

/// `path/file.c:12`.
pub(super) fn is_place(word: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', word) else { return false };
    let (path, line) = (&word[..colon], &word[colon + 1..]);
    let extension = [&b".c"[..], b".h", b".S", b".rs"].iter().any(|end| path.ends_with(end));
    extension && !line.is_empty() && line.iter().all(u8::is_ascii_digit)
}
