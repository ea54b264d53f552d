//! Lines that a mailer cut, joined again: where the format says so, or where kernel text cannot end like that.

use super::stamp::{behind_stamp, is_dated, is_place, is_stamped};
use super::{Line, cut};
use crate::input::{Inside, Landmark, landmark, part};

/// No mailer makes lines longer than this when it wraps, the marks of quoting included.
const WIDEST: usize = 84;

/// Mailers wrap at 72 at least.
const NARROWEST: usize = 72;

/// Of so many lines it is asked whether they were wrapped, where the mail as a whole was not.
const PART: usize = 32;

/// What is put together is no longer than this, bytes: each next line is compared with all of it.
const LONGEST: usize = 16 << 10;

/// The narrowest line that is taken for cut where the lines around have stamps.
const STAMPED_WIDTH: usize = 62;

/// Whether a mailer that wraps would have cut a line: it is longer than any it makes, and has a blank.
pub(super) fn is_too_long(text: &[u8], width: usize) -> bool {
    width > WIDEST && text.trim_ascii().contains(&b' ')
}

/// At which width a message was wrapped; `None` if it was not: then lines that could have been cut are longer than any
/// mailer makes them. One in fifty may be (a mailer leaves what was pasted as it is).
fn wrapped_at(lines: &[Line]) -> Option<usize> {
    let over = lines.iter().filter(|line| is_too_long(&line.text, line.width)).count();
    let widest = lines.iter().map(|line| line.width).filter(|&width| width <= WIDEST).max()?;
    (over * 50 <= lines.len()).then_some(widest.max(NARROWEST))
}

/// Puts the lines of a mail together.
pub(super) fn joined(lines: Vec<Line>, length: usize) -> Inside {
    let width = wrapped_at(&lines);
    // Of a long mail only a part may be wrapped: the log between lists that are as wide as they were.
    let parts: Vec<Option<usize>> = match width {
        Some(_) => Vec::new(),
        None => lines.chunks(PART).map(wrapped_at).collect(),
    };
    joined_at(lines, length, width, &parts)
}

/// Puts the lines of a log together that is not a mail: how wide they were counts only where those that were cut have stamps.
pub(super) fn joined_by_words(lines: Vec<Line>, length: usize) -> Inside {
    let parts = vec![wrapped_at(&lines); lines.len().div_ceil(PART)];
    joined_at(lines, length, None, &parts)
}

/// Puts lines together that were wrapped at a width, or each part of them at its own.
fn joined_at(lines: Vec<Line>, length: usize, width: Option<usize>, parts: &[Option<usize>]) -> Inside {
    let mut mail = Inside::of(length);
    let depths: Vec<usize> = lines.iter().map(|line| line.depth).collect();
    let mut lines = lines.into_iter().peekable();
    let (mut after, mut last) = (None, None);
    let mut number = 0;
    while let Some(line) = lines.next() {
        let near = parts.get(number / PART).copied().flatten();
        number += 1;
        // The line as it stands so far, for what follows a cut.
        let whole = after.take().unwrap_or_else(|| {
            mail.begin(line.origin);
            mail.text.len()
        });
        mail.text.extend_from_slice(&line.text);
        if let Some(next) = lines.peek()
            && let Some(glue) = glue(&mail.text[whole..], &line, next, (width, near))
                .or_else(|| pushed_out(&mail.text[whole..], next, &depths[number..]))
        {
            mail.text.extend_from_slice(glue);
            mail.begin(next.origin);
            after = Some(whole);
        } else {
            unglue_stamped(&mut mail.text[whole..], &mut last);
            unglue(&mut mail.text[whole..]);
            mail.text.push(b'\n');
        }
    }
    mail
}

/// What a mailer pushes out of the quoting is no more than so many lines.
const PUSHED: usize = 2;

/// What belongs between a line with a stamp and the next one, if a mailer that wrapped a reply left the rest of the line less deep in
/// the quoting: the lines below stand as deep as the first again. `depths` are those of the next line and below it.
fn pushed_out(whole: &[u8], next: &Line, depths: &[usize]) -> Option<&'static [u8]> {
    let text = next.text.trim_ascii();
    let pushed = depths.iter().take(PUSHED + 1).take_while(|depth| **depth == next.depth).count();
    let again = depths.get(pushed).is_some_and(|depth| *depth > next.depth);
    let one = pushed <= PUSHED
        && again
        && whole.len() <= LONGEST
        && is_stamped(whole)
        && !text.is_empty()
        && !is_stamped(text)
        && part(text).is_none();
    let hyphen = whole.trim_ascii_end().ends_with(b"-");
    one.then_some(if hyphen || whole.ends_with(b" ") { b"" } else { b" " })
}

/// Seconds of `[   12.345678] ` at the start, and how long that is.
fn stamp(text: &[u8]) -> Option<(f64, usize)> {
    let inner = text.strip_prefix(b"[")?;
    let end = memchr::memchr(b']', &inner[..inner.len().min(20)])?;
    let number = inner[..end].trim_ascii();
    let decimals = number.len() - memchr::memchr(b'.', number)? - 1;
    let time = std::str::from_utf8(number).ok()?.parse().ok().filter(|_| decimals == 6)?;
    Some((time, end + 2))
}

/// The lines that a mailer set as one paragraph were printed within so many seconds.
const PARAGRAPH: f64 = 120.0;

/// Breaks a line where a mailer set several as one paragraph: before each stamp that is not older than the one before it, `last`.
fn unglue_stamped(line: &mut [u8], last: &mut Option<f64>) {
    let mut from = 0;
    if let Some((time, length)) = stamp(line) {
        (*last, from) = (Some(time), length);
    }
    let Some(mut before) = *last else { return };
    while let Some(at) = line.get(from..).and_then(|rest| memchr::memmem::find(rest, b" [")).map(|at| from + at) {
        let said = !line[from..at].trim_ascii().is_empty();
        if let Some((time, length)) = stamp(&line[at + 1..])
            && said
            && (0.0..=PARAGRAPH).contains(&(time - before))
        {
            line[at] = b'\n';
            (before, from) = (time, at + 1 + length);
        } else {
            from = at + 1;
        }
    }
    *last = Some(before);
}

/// Breaks a line of syslog where a mailer set several of them as one paragraph: before each date with the same host and tag.
fn unglue(line: &mut [u8]) {
    const DATE: usize = "Mmm 00 00:00:00 ".len();
    const HOST: usize = 80;
    const TAG: &[u8] = b" kernel: ";
    if line.len() < DATE || !is_dated(line) {
        return;
    }
    let near = &line[DATE..line.len().min(DATE + HOST)];
    let Some(end) = memchr::memmem::find(near, TAG).map(|at| DATE + at + TAG.len()) else { return };
    let tag = line[DATE..end].to_vec();
    let again: Vec<usize> = memchr::memmem::find_iter(&line[end..], &tag).map(|at| end + at - DATE).collect();
    for start in again {
        if line[start - 1] == b' ' && is_dated(&line[start..]) {
            line[start - 1] = b'\n';
        }
    }
}

/// What belongs between two physical lines if they are one. The message was wrapped at the first width, or at the second near these
/// lines: there a line without a stamp must follow one with a stamp.
fn glue(
    whole: &[u8],
    line: &Line,
    next: &Line,
    (width, near): (Option<usize>, Option<usize>),
) -> Option<&'static [u8]> {
    if line.flows {
        return (line.depth == next.depth && !next.text.is_empty()).then_some(b"");
    }
    // A reply's wrapping may push a line's rest out of the quoting, never into it.
    if whole.len() > LONGEST
        || next.depth > line.depth
        || next.text.trim_ascii().is_empty()
        || line.text.trim_ascii().is_empty()
        || part(&next.text).is_some()
    {
        return None;
    }
    let whole = whole.trim_ascii_end();
    let one = cuts_commit(whole, &next.text)
        || (next.depth == line.depth && is_unfinished(whole, line.width, &next.text))
        || (!is_prose(line, next) && cut::goes_on(whole, &next.text))
        || width.is_some_and(|width| continues(whole, line, next, width))
        || near.is_some_and(|near| has_stamp(whole) && continues(whole, line, next, near));
    one.then(|| if line.text.ends_with(b" ") || breaks_name(whole, &next.text) { &b""[..] } else { b" " })
}

/// Whether a line begins with a stamp, however far in somebody set the lines of his log.
fn has_stamp(text: &[u8]) -> bool {
    is_stamped(text.trim_ascii_start())
}

/// Whether the cut is within a name: some terminals break there.
fn breaks_name(whole: &[u8], next: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    whole.ends_with(b"_") && next.first().is_some_and(is_part)
}

/// Words with which no line of the kernel ends: something follows them.
const OPEN_ENDS: [&[u8]; 13] =
    [b"NULL", b"in", b"at", b"for", b"by", b"from", b"of", b"to", b"than", b"on", b"the", b"address", b"non-canonical"];
/// What a mailer cuts is longer than this, bytes.
const SHORTEST_CUT: usize = 30;

/// Whether a header of a report was cut before its last words; `width` is how wide it was in the mail.
fn is_unfinished(whole: &[u8], width: usize, next: &[u8]) -> bool {
    let opens = |text: &[u8]| matches!(landmark(text), Some(Landmark::Opener | Landmark::Header | Landmark::Panic));
    let whole = whole.trim_ascii_start();
    let text = if is_stamped(whole) { behind_stamp(whole) } else { whole };
    // Some leave the kernel's tag out behind a date.
    let text = if text.len() < whole.len() { text } else { behind_words(whole) };
    let text = text.strip_prefix(b"kernel: ").unwrap_or(text);
    let header = opens(text) || (text.len() < whole.len() && opens(behind_tags(text)));
    let last = text.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    // A WARN() names its function behind the place.
    let rest = next.trim_ascii_start();
    let nameless = || text.starts_with(b"WARNING: ") && is_place(last) && names_place(rest);
    let first = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
    header
        && (width >= SHORTEST_CUT || width + first.len() >= NARROWEST)
        && !is_stamped(rest)
        && (OPEN_ENDS.contains(&last) && !next.first().is_some_and(u8::is_ascii_whitespace) || nameless())
}

/// How many signs it gives of a wrapped text that a line without marks of quoting cannot end where it does, and goes on in the next
/// one: nobody but who wraps cuts a header. Some leave the blank at which they cut.
pub(super) fn signs_of_cut(line: &[u8], next: &[u8]) -> usize {
    let whole = line.trim_ascii_end();
    if is_unfinished(whole, line.len(), next) {
        return 2;
    }
    let margin = next.first().is_some_and(|first| !first.is_ascii_whitespace());
    let blank = || line.ends_with(b" ") && margin && is_stamped(line) && !is_stamped(next) && part(next).is_none();
    usize::from(cut::goes_on(whole, next) || blank())
}

/// Whether it begins with `name+0x1/0x2` or `name (a/b.c:12`.
fn names_place(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let name = first.split(|byte| *byte == b'+').next().unwrap_or_default();
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    is_name && (first[name.len()..].starts_with(b"+0x") || text[first.len()..].starts_with(b" ("))
}

/// What follows a stamp that others' words stand before, as those of a program on the same console: `Creating journal: [   12.345678] `.
fn behind_words(text: &[u8]) -> &[u8] {
    let starts = memchr::memchr_iter(b'[', text).find(|at| is_stamped(&text[*at..]));
    starts.map_or(text, |at| behind_stamp(&text[at..]))
}

/// Whether a shell's prompt stands before a stamp: `root@bench:~# [   12.345678] `.
fn is_prompt(text: &[u8]) -> bool {
    let behind = behind_words(text);
    let before = &text[..text.len() - behind.len()];
    let prompt = memchr::memrchr(b'[', before).map_or(before, |at| &before[..at]);
    behind.len() < text.len() && prompt.len() > 2 && matches!(prompt.trim_ascii_end().last(), Some(b'#' | b'$'))
}

/// What follows further stamps and tags: `[12345.678901] `, `[4:     widgetd:  771] `, `watchdog: `.
fn behind_tags(mut text: &[u8]) -> &[u8] {
    while text.first() == Some(&b'[')
        && let Some(end) = memchr::memmem::find(text, b"] ")
    {
        text = &text[end + 2..];
    }
    match memchr::memmem::find(text, b": ") {
        Some(end) if text[..end].iter().all(u8::is_ascii_lowercase) => &text[end + 2..],
        _ => text,
    }
}

/// Whether a command or label lost the commit that belongs to it.
fn cuts_commit(whole: &[u8], rest: &[u8]) -> bool {
    is_hash(rest)
        && [" good", " bad", " skip", "signature:", "commit"].iter().any(|end| whole.ends_with(end.as_bytes()))
}

fn continues(whole: &[u8], line: &Line, next: &Line, width: usize) -> bool {
    let rest = next.text.as_slice();
    let first = rest.split(|&byte| byte == b' ').next().unwrap_or_default();
    // The next word would not have fitted; what a mailer cuts begins at the margin. Among stamped lines one without a stamp
    // says so itself, so the width need not be exact.
    let width = if has_stamp(whole) { width.min(STAMPED_WIDTH) } else { width };
    if line.width + 1 + first.len() <= width || line.width > WIDEST || first.is_empty() || is_prose(line, next) {
        return false;
    }
    if has_stamp(whole) || has_stamp(rest) {
        // In a log with times a line without one is a cut line's rest, unless a shell waits there for a command.
        return !has_stamp(rest) && !is_prompt(rest);
    }
    if is_source(rest) {
        return names_function(whole);
    }
    if rest.trim_ascii() == b"[inline]" {
        return ends_with_place(whole);
    }
    let rule = |text: &[u8]| text.starts_with(b"==") || text.starts_with(b"--");
    if rule(whole) || rule(rest) || is_complete(whole, first) || begins(whole, rest, first) {
        return false;
    }
    // A frame does not follow a complete place on its line.
    memchr::memmem::find(first, b"+0x").is_none() || memchr::memmem::find(whole, b"+0x").is_none()
}

/// Whether a line ends as lines do and cut ones do not: with `.` or `:`, unless a label's value follows (`R15:`, `at:`).
fn is_complete(whole: &[u8], first: &[u8]) -> bool {
    let value = whole.ends_with(b" at:") || first.iter().all(u8::is_ascii_hexdigit);
    whole.ends_with(b".") || (whole.ends_with(b":") && !value)
}

/// Whether the next line begins as a line of a report does: `RDX: …`, `Call Trace:`, `6.12.0-rc1 #1 Not tainted`.
fn begins(whole: &[u8], rest: &[u8], first: &[u8]) -> bool {
    let number = first.strip_prefix(b"0x").is_some_and(|digits| digits.first().is_some_and(u8::is_ascii_hexdigit));
    let release = !whole.starts_with(b"CPU:")
        && first.first().is_some_and(u8::is_ascii_digit)
        && first.contains(&b'.')
        && first.contains(&b'-');
    let task = memchr::memmem::find(rest, b" is trying to ").is_some();
    // Old arm frames: `[<8010e300>] (show_stack) from [<80b12478>] (dump_stack+0xa0/0xc0)`.
    let middle = whole.ends_with(b" from");
    let start = landmark(rest.trim_ascii_start()).is_some_and(|landmark| landmark != Landmark::Loose);
    // PowerPC: `[c0000000386436d0] [c00000000081293c] .widget_read+0x28/0x48`
    let frame = first
        .strip_prefix(b"[")
        .and_then(|inner| inner.strip_suffix(b"]"))
        .is_some_and(|address| matches!(address.len(), 8 | 16) && address.iter().all(u8::is_ascii_hexdigit));
    // Behind rows of registers that are as wide as a mail PowerPC names its instructions: `NIP [c000000001357408] f+0x1/0x2`
    let pointer = matches!(first, b"NIP" | b"LR") && rest[first.len()..].trim_ascii_start().starts_with(b"[");
    (first.ends_with(b":") && !number) || release || task || frame || pointer || (start && !middle)
}

/// Whether the next line is rather somebody's answer: it left the quoting.
fn is_prose(line: &Line, next: &Line) -> bool {
    next.depth < line.depth && next.text.len() > 40
}

/// `fs/ext4/inode.c:123`, alone or with `[inline]` or a module after it.
fn is_source(text: &[u8]) -> bool {
    let mut words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let Some(place) = words.next() else { return false };
    is_place(place) && words.all(|word| word.starts_with(b"[") && word.ends_with(b"]"))
}

fn ends_with_place(text: &[u8]) -> bool {
    text.rsplit(|&byte| byte == b' ').next().is_some_and(is_place)
}

/// Whether a line ends with a function that a place may follow: `foo+0x12/0x34`, or is one word, or says ` at` or ` in`.
fn names_function(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let last = text.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    let offset = memchr::memmem::find(last, b"+0x").is_some();
    let word = last == text && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    offset || word || last == b"at" || last == b"in"
}

/// A commit or signature alone on its line.
fn is_hash(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    (7..=64).contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit)
}
