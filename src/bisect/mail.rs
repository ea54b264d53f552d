//! The text of a transcript: out of a mail or a page, without its encoding, its quoting and its broken lines.

use super::paste::{self, Signs, probe};
use super::refill;
use crate::input::read_mail;
use std::borrow::Cow;

/// How much of a text is looked at to see whether it is a mail.
const PROBE: usize = 256 << 10;

/// A text as lines, each with its 1-based number in the file.
#[derive(Debug)]
pub(super) struct Text<'a> {
    bytes: Cow<'a, [u8]>,
    numbers: Vec<u64>,
    /// Whether anything had to be undone.
    pub mailed: bool,
}

impl<'a> Text<'a> {
    /// Looks whether `bytes` is a mail, quoted or a person's git log, and undoes that; other texts are borrowed.
    #[must_use]
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut signs = probe(&bytes[..bytes.len().min(PROBE)]);
        if !signs.is_mail() && (signs.syzbot || !signs.git) {
            return Self { bytes: Cow::Borrowed(bytes), numbers: Vec::new(), mailed: false };
        }
        // The joining of wrapped lines that reading a mail includes knows consoles, not transcripts: only what cannot be read
        // otherwise goes that way.
        match signs.encoded.then(|| read_mail(bytes)).flatten() {
            Some(mail) => {
                let inner = probe(&mail.text[..mail.text.len().min(PROBE)]);
                (signs.quoted, signs.syzbot, signs.git) = (inner.quoted, inner.syzbot, inner.git);
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
                Self::joined(lines, &signs)
            }
            None => Self::joined(decoded(bytes, signs.printable), &signs),
        }
    }

    /// Takes the quoting off and puts lines together that a mail program broke.
    fn joined<'b>(lines: impl Iterator<Item = (u64, Cow<'b, [u8]>)>, signs: &Signs) -> Self {
        let mut plain = Vec::new();
        let mut numbers = Vec::new();
        for (number, content) in paste::joined(refill::unfilled(paste::peeled(lines, signs)), signs) {
            numbers.push(number);
            plain.extend_from_slice(&content);
            plain.push(b'\n');
        }
        Self { bytes: Cow::Owned(plain), numbers, mailed: signs.is_mail() }
    }

    /// The lines without their ends: number in the file, offset behind the line in [`Text::bytes`], content.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, usize, &[u8])> {
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
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Lines with their numbers, quoted-printable undone if it was there.
fn decoded(bytes: &[u8], printable: bool) -> impl Iterator<Item = (u64, Cow<'_, [u8]>)> {
    let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..).peekable();
    // A line whose ends were encoded, too (`=0A=`), holds several.
    let mut inner: std::collections::VecDeque<(u64, Cow<'_, [u8]>)> = std::collections::VecDeque::new();
    std::iter::from_fn(move || {
        if let Some(next) = inner.pop_front() {
            return Some(next);
        }
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
        let plain = unescaped(&whole);
        let mut parts = plain.split(|byte| *byte == b'\n');
        let first = parts.next().unwrap_or_default().to_vec();
        inner.extend(parts.map(|part| (number, Cow::Owned(part.to_vec()))));
        Some((number, Cow::Owned(first)))
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
