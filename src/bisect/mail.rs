//! Undoes what mail does to a transcript: encodings, `> ` prefixes, wrapped lines.

use super::line::{self, Line};
use crate::input::read_mail;
use std::borrow::Cow;

/// How much of a text is looked at to see whether it is a mail.
const PROBE: usize = 256 << 10;
/// The column at which mail programs wrap, with some slack: `format=flowed` and `fmt` stop a little earlier.
const WRAP: usize = 64;

/// A text as lines, each with its 1-based number in the file.
#[derive(Debug)]
pub struct Text<'a> {
    bytes: Cow<'a, [u8]>,
    numbers: Vec<u64>,
    /// Whether anything had to be undone.
    pub mailed: bool,
}

impl<'a> Text<'a> {
    /// Looks whether `bytes` is a mail or quoted, and undoes that; other texts are borrowed.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut signs = probe(&bytes[..bytes.len().min(PROBE)]);
        if !signs.quoted && !signs.headers && !signs.printable {
            return Self { bytes: Cow::Borrowed(bytes), numbers: Vec::new(), mailed: false };
        }
        // The joining of wrapped lines that reading a mail includes knows consoles, not transcripts: only what cannot be read
        // otherwise goes that way.
        match signs.encoded.then(|| read_mail(bytes)).flatten() {
            Some(mail) => {
                signs.quoted = probe(&mail.text[..mail.text.len().min(PROBE)]).quoted;
                let (mut line, mut counted) = (1, 0);
                let mut number = |offset: usize| {
                    let origin = mail.origin(offset).min(bytes.len());
                    if origin > counted {
                        line += memchr::memchr_iter(b'\n', &bytes[counted..origin]).count() as u64;
                        counted = origin;
                    }
                    line
                };
                let mut at = 0;
                let lines = mail.text.split(|byte| *byte == b'\n').map(|content| {
                    let numbered = (number(at), Cow::Borrowed(content));
                    at += content.len() + 1;
                    numbered
                });
                Self::joined(lines, signs.quoted)
            }
            None => Self::joined(decoded(bytes, signs.printable), signs.quoted),
        }
    }

    /// Takes the quoting off and puts lines together that a mail program broke.
    fn joined<'b>(lines: impl Iterator<Item = (u64, Cow<'b, [u8]>)>, quoted: bool) -> Self {
        let mut plain = Vec::new();
        let mut numbers = Vec::new();
        for (number, content) in lines {
            let content = if quoted { unquoted(&content) } else { &content };
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            let previous = plain.strip_suffix(b"\n").unwrap_or(&plain);
            let start = memchr::memrchr(b'\n', previous).map_or(0, |at| at + 1);
            if !plain.is_empty() && continues(&previous[start..], content) {
                plain.pop();
                if plain.last() != Some(&b' ') {
                    plain.push(b' ');
                }
            } else {
                numbers.push(number);
            }
            plain.extend_from_slice(content);
            plain.push(b'\n');
        }
        Self { bytes: Cow::Owned(plain), numbers, mailed: true }
    }

    /// The lines without their ends: number in the file, offset behind the line in [`Text::bytes`], content.
    pub fn lines(&self) -> impl Iterator<Item = (u64, usize, &[u8])> {
        let mut at = 0;
        let mut index = 0;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let end = memchr::memchr(b'\n', rest);
            let content = &rest[..end.unwrap_or(rest.len())];
            at += end.map_or(rest.len(), |end| end + 1);
            index += 1;
            let number = self.numbers.get(index - 1).copied().unwrap_or(index as u64);
            Some((number, at, content.strip_suffix(b"\r").unwrap_or(content)))
        })
    }

    /// The text as [`Text::lines`] sees it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the beginning of a text tells about its wrapping.
#[derive(Debug, Default)]
struct Signs {
    quoted: bool,
    headers: bool,
    printable: bool,
    encoded: bool,
}

fn probe(bytes: &[u8]) -> Signs {
    let mut signs = Signs::default();
    let (mut headers, mut soft, mut escapes) = (0, 0, 0);
    for (index, content) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        if content.starts_with(b">") && line::is_marker(unquoted(content)) {
            signs.quoted = true;
        }
        if index < 200 {
            let header = [&b"from:"[..], b"subject:", b"message-id:", b"in-reply-to:", b"date: "];
            headers += u32::from(header.iter().any(|name| starts_with_ignoring_case(content, name)));
            signs.printable |= starts_with_ignoring_case(content, b"content-transfer-encoding: quoted-printable");
            signs.encoded |= starts_with_ignoring_case(content, b"content-transfer-encoding: base64");
        }
        // KASAN draws rulers of equal signs.
        soft += u32::from(content.ends_with(b"=") && !content.ends_with(b"=="));
        escapes += u32::from(
            [&b"=3D"[..], b"=20", b"=46rom", b"=3E"].iter().any(|code| memchr::memmem::find(content, code).is_some()),
        );
    }
    signs.headers = headers >= 2;
    signs.printable |= soft > 0 && escapes > 0 && (signs.headers || signs.quoted || soft + escapes > 3);
    signs
}

fn starts_with_ignoring_case(content: &[u8], prefix: &[u8]) -> bool {
    content.len() >= prefix.len() && content[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// Lines with their numbers, quoted-printable undone if it was there.
fn decoded(bytes: &[u8], printable: bool) -> impl Iterator<Item = (u64, Cow<'_, [u8]>)> {
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..).peekable();
    std::iter::from_fn(move || {
        let (first, number) = lines.next()?;
        if lines.peek().is_none() && first.is_empty() {
            return None;
        }
        if !printable {
            return Some((number, Cow::Borrowed(first)));
        }
        let mut whole = Vec::new();
        let mut part = first;
        loop {
            let trimmed = part.trim_ascii_end();
            match trimmed.strip_suffix(b"=") {
                Some(soft) if !soft.ends_with(b"=") && lines.peek().is_some() => {
                    whole.extend_from_slice(soft);
                    part = lines.next().map_or(&b""[..], |(next, _)| next);
                }
                _ => {
                    whole.extend_from_slice(part);
                    break;
                }
            }
        }
        Some((number, Cow::Owned(unescaped(&whole))))
    })
}

/// `=3D` and its likes back to bytes; anything else after an equal sign stays.
fn unescaped(content: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'=').then(|| tail.get(..2)).flatten().and_then(hex_byte);
        plain.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    plain
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let upper = digits.iter().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit));
    let text = std::str::from_utf8(digits).ok().filter(|_| upper)?;
    u8::from_str_radix(text, 16).ok()
}

/// Without any `>` and the blanks that belong to them.
fn unquoted(content: &[u8]) -> &[u8] {
    let mut rest = content;
    while let Some(tail) = rest.strip_prefix(b">") {
        rest = tail.strip_prefix(b" ").unwrap_or(tail);
    }
    rest
}

/// Whether a mail program broke `content` off the line before it.
fn continues(previous: &[u8], content: &[u8]) -> bool {
    // A line that was cut behind its key has lost the blank by which it is known.
    let is_key = content.trim_ascii_end().ends_with(b"signature:");
    if content.is_empty() || content[0].is_ascii_whitespace() || is_key || line::is_marker(content) {
        return false;
    }
    let before = previous.trim_ascii_end();
    let first = content.split(|byte| *byte == b' ').next().unwrap_or(content);
    // No line is that long; and each part would be looked at again and again.
    if previous.len() > 4096 {
        return false;
    }
    if line::is_hash(content.trim_ascii()) {
        let expects = [
            &b"signature:"[..],
            b"testing commit",
            b"bisect good",
            b"bisect bad",
            b"bisect skip",
            b"commit:",
            b"# good: [",
            b"# bad: [",
        ];
        return expects.iter().any(|end| before.ends_with(end)) || is_comment_without_command(before, content);
    }
    if before.len() + 1 + first.len() <= WRAP {
        return false;
    }
    matches!(
        line::read(before),
        Line::Position { .. }
            | Line::Testing { .. }
            | Line::Compiler(_)
            | Line::Run { .. }
            | Line::Answer { .. }
            | Line::Totals { .. }
            | Line::To(_)
            | Line::Cc(_)
            | Line::Crash(_)
            | Line::Given { .. }
            | Line::FirstComment { .. }
            | Line::CommitMessage(_)
    ) && matches!(line::read(content), Line::Unknown)
}

/// Outlook joins `git bisect good` to the comment before it and leaves the hash alone on its line.
fn is_comment_without_command(before: &[u8], hash: &[u8]) -> bool {
    before.starts_with(b"# ")
        && memchr::memmem::find(before, hash.trim_ascii()).is_some()
        && memchr::memmem::find(before, b" git bisect").is_some()
}
