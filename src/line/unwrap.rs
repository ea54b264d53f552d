//! From a wrapped line to what the console would have shown.

use std::borrow::Cow;
use std::io::Write;

use super::json;
use super::{Prefix, Wrapper, lex, trim_end};

/// The console form of a line: `[   12.345678][ T123] message`, or the bare message where no boot time is known.
///
/// A line that is not wrapped comes back as it is. The line's end (LF, CR LF, none) is kept. A record of several lines
/// (JSON, kmsg escapes) gives several, each with the prefix, as the console does.
#[must_use]
pub fn unwrap(line: &[u8]) -> Cow<'_, [u8]> {
    render(line, &lex(line))
}

/// As [`unwrap`], of a line that is lexed already.
#[must_use]
pub fn render<'line>(line: &'line [u8], prefix: &Prefix<'_>) -> Cow<'line, [u8]> {
    let rest = &line[prefix.wrapper_len.min(line.len())..];
    match prefix.wrapper {
        Wrapper::None => Cow::Borrowed(line),
        wrapper if wrapper.is_slice() || wrapper == Wrapper::Coloured => {
            let octal = matches!(wrapper, Wrapper::Syslog | Wrapper::SyslogIso | Wrapper::Syslog5424);
            clean(rest, octal)
        }
        Wrapper::Kmsg | Wrapper::Netconsole => console(prefix, &hex_escapes(prefix.text(line)), line),
        Wrapper::JournalJson | Wrapper::DmesgJson | Wrapper::Lava => {
            let text = prefix.text(line);
            let message = match json::byte_array(text) {
                Some(bytes) if prefix.message > 0 && line[prefix.message - 1] != b'"' => bytes,
                _ if text == b"null" => Vec::new(),
                _ => json::unescape(text),
            };
            console(prefix, &message, line)
        }
        // The wrapper's own time is the only one: the console form has to be made.
        Wrapper::Journal if prefix.time.is_some() && prefix.message == prefix.wrapper_len => {
            console(prefix, &clean(prefix.text(line), false), line)
        }
        Wrapper::Journal => clean(rest, false),
        Wrapper::DmesgTimed => console(prefix, &clean(prefix.text(line), false), line),
        _ => Cow::Borrowed(rest),
    }
}

/// Which wrapper most lines of a log have: the start of it is enough (64 KiB). [`Wrapper::None`] unless at least half
/// of the lines that are not empty have the same one. Forms with several lines per record are known by their first line.
#[must_use]
pub fn dominant(sample: &[u8]) -> Wrapper {
    let start = sample.trim_ascii_start();
    let opens = |text: &[u8]| start.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(text));
    if start.starts_with(b"__CURSOR=") {
        return Wrapper::JournalExport;
    } else if opens(b"\"dmesg\"") {
        return Wrapper::DmesgJson;
    } else if start.starts_with(b"{\n\t\"") || start.starts_with(b"{\r\n\t\"") {
        return Wrapper::JournalJson;
    }
    let mut counts: Vec<(Wrapper, usize)> = Vec::new();
    let mut lines = 0;
    for line in sample[..sample.len().min(64 << 10)].split(|&byte| byte == b'\n') {
        if trim_end(line).is_empty() {
            continue;
        }
        lines += 1;
        let wrapper = lex(line).wrapper;
        match counts.iter_mut().find(|(known, _)| *known == wrapper) {
            Some((_, count)) => *count += 1,
            None => counts.push((wrapper, 1)),
        }
    }
    counts.retain(|&(wrapper, count)| wrapper != Wrapper::None && count * 2 >= lines);
    counts.first().map_or(Wrapper::None, |&(wrapper, _)| wrapper)
}

/// The line without colours and, if `octal`, with rsyslog's `#011` decoded.
fn clean(text: &[u8], octal: bool) -> Cow<'_, [u8]> {
    let escapes = memchr::memchr(0x1b, text).is_some();
    let octal = octal && memchr::memmem::find(text, b"#0").is_some();
    if !escapes && !octal {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if octal && let Some(&[b'#', b'0', high @ b'0'..=b'3', low @ b'0'..=b'7']) = text.get(at..at + 4) {
            out.push((high - b'0') * 8 + (low - b'0'));
            at += 4;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    if memchr::memchr(0x1b, &out).is_some() {
        out = without_colours(&out);
    }
    Cow::Owned(out)
}

/// Takes the control sequences of a terminal out; other escapes stay.
#[must_use]
pub fn without_colours(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = memchr::memchr(0x1b, &text[at..]) {
        out.extend_from_slice(&text[at..at + found]);
        at += found;
        let used = sequence_len(&text[at..]);
        if used == 0 {
            out.push(0x1b);
        }
        at += used.max(1);
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// A line without the control sequences of a terminal at its end, where a pattern may ask for the end of a message.
#[must_use]
pub fn before_colours(line: &[u8]) -> &[u8] {
    let mut shown = line.trim_ascii_end();
    while let Some(at) = memchr::memrchr(0x1b, shown).filter(|at| at + sequence_len(&shown[*at..]) == shown.len()) {
        shown = shown[..at].trim_ascii_end();
    }
    if shown.len() == line.trim_ascii_end().len() { line } else { shown }
}

/// Length of the control sequence at the start, 0 if it is none.
pub(super) fn sequence_len(text: &[u8]) -> usize {
    match text {
        [0x1b, b'[', rest @ ..] => {
            let parameters = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'?')).count();
            if rest.get(parameters).is_some_and(|byte| matches!(byte, b'@'..=b'~')) { parameters + 3 } else { 0 }
        }
        [0x1b, b'(', b'A' | b'B' | b'0', ..] => 3,
        _ => 0,
    }
}

/// `/dev/kmsg` writes bytes that are not printable as `\x0a`.
fn hex_escapes(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let digit = |offset: usize| text.get(at + offset).and_then(|&byte| char::from(byte).to_digit(16));
        if text[at..].starts_with(b"\\x")
            && let (Some(high), Some(low)) = (digit(2), digit(3))
        {
            out.push((high * 16 + low) as u8);
            at += 4;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    Cow::Owned(out)
}

/// Writes the console's prefix before every line of the message and keeps the end of the original line.
pub(super) fn console(prefix: &Prefix<'_>, message: &[u8], line: &[u8]) -> Cow<'static, [u8]> {
    let mut stamp = Vec::with_capacity(32);
    if let Some(time) = prefix.time {
        // Through microseconds, as printk does, so that rounding cannot show.
        let microseconds = (time * 1e6).round() as u64;
        let _ = write!(stamp, "[{:5}.{:06}]", microseconds / 1_000_000, microseconds % 1_000_000);
    }
    if let Some(caller) = prefix.caller {
        let _ = write!(stamp, "[{:>6}]", String::from_utf8_lossy(caller));
    }
    if !stamp.is_empty() {
        stamp.push(b' ');
    }
    let message = trim_end(message);
    let mut out = Vec::with_capacity(stamp.len() + message.len() + 2);
    for (index, part) in message.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&stamp);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&line[trim_end(line).len()..]);
    Cow::Owned(out)
}
