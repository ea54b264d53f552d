//! Kernel text out of mails: separators, headers, encodings and quoting taken off, wrapped lines joined again.

mod cut;
mod mime;
mod printable;
mod stamp;
mod terminal;
mod wrap;

use super::Inside;

/// A line of a body.
#[derive(Debug, Clone)]
struct Line {
    /// Without the line's end.
    text: Vec<u8>,
    /// Where `text` stood, bytes.
    origin: usize,
    /// Levels of quoting that were taken off.
    depth: usize,
    /// Length before that, bytes: what the mailer counted when it wrapped.
    width: usize,
    /// Whether format=flowed says that the next line belongs to it.
    flows: bool,
}

/// The text of a mail without quoting, encodings and wrapping; `None` if the text is not mail: it has neither an mbox
/// separator nor a mail's header, it is not encoded as mails are, and fewer than a third of its lines are quoted.
#[must_use]
pub fn unquote_mail(text: &[u8]) -> Option<Vec<u8>> {
    read_mail(text).map(|mail| mail.text)
}

/// As [`unquote_mail`], with the place of every line.
#[must_use]
pub fn read_mail(text: &[u8]) -> Option<Inside> {
    let mut lines = Vec::new();
    let first = split(text).find(|line| !line.0.trim_ascii().is_empty());
    let mbox = first.is_some_and(|(line, _)| is_separator(line));
    if mbox {
        let mut message = Vec::new();
        let mut blank = true;
        for (line, origin) in split(text) {
            if blank && is_separator(line) {
                read_message(&std::mem::take(&mut message), &mut lines);
            } else {
                // mboxrd: a body line that looked like a separator was given one more `>`.
                let escaped = line.strip_prefix(b">").filter(|rest| is_from(rest));
                message.push(escaped.map_or((line, origin), |rest| (rest, origin + 1)));
            }
            blank = line.trim_ascii().is_empty();
        }
        read_message(&message, &mut lines);
    } else {
        // Most texts are not mails, and their first lines say so.
        if mime::header_length(split(text)).is_some() {
            read_message(&split(text).collect::<Vec<_>>(), &mut lines);
        } else if printable::may_be_encoded(text) && printable::is_encoded(split(text)) {
            let plain = |text, origin| unquoted(text, origin, mime::Flowed::No);
            printable::decode(&split(text).collect::<Vec<_>>(), &plain, &mut lines);
        } else if is_quoted(text) {
            let flowed = mime::Flowed::No;
            lines.extend(split(text).map(|(line, origin)| unquoted(line.to_vec(), origin, flowed)));
        } else {
            return None;
        }
    }
    Some(wrap::joined(lines, text.len()))
}

/// So much of a text is looked at for being wrapped, bytes, and so many signs must say it.
const WRAPPED_SAMPLE: usize = 64 << 10;
const WRAPPED: usize = 2;
/// A log whose first so many lines have stamps was not wrapped.
const FIRST: usize = 12;
/// So many lines may be too long all the same: a mailer leaves what was pasted as it is.
const SPARED: usize = 2;

/// The text of a log that somebody copied out of a mail whose lines were wrapped, with the place of every line; `None` if nothing says
/// that it was wrapped. Nearly every log has a line among its first that no mailer leaves so long.
#[must_use]
pub fn read_wrapped(text: &[u8]) -> Option<Inside> {
    let near = || split(text).take_while(|(_, origin)| *origin < WRAPPED_SAMPLE);
    let first = near().filter(|(line, _)| !line.trim_ascii().is_empty()).take(FIRST);
    let margin = first.map(|(line, _)| blanks(line)).min().unwrap_or(0);
    let sample = || near().map(|line| behind(margin, line));
    let full = || sample().filter(|(line, _)| !line.trim_ascii().is_empty());
    if full().take(FIRST).all(|(line, _)| stamp::is_stamped(line))
        || sample().filter(|(line, _)| wrap::is_too_long(line, line.len())).nth(SPARED).is_some()
    {
        return None;
    }
    let below = || sample().zip(sample().skip(1)).filter(|(_, (next, _))| !next.trim_ascii().is_empty());
    let mut signs = 0;
    below().find(|((line, _), (next, _))| {
        signs += wrap::signs_of_cut(line, next);
        signs >= WRAPPED
    })?;
    let plain = |(line, origin): (&[u8], usize)| Line {
        text: line.to_vec(),
        origin,
        depth: 0,
        width: margin + line.len(),
        flows: false,
    };
    let lines: Vec<Line> = split(text).map(|line| plain(behind(margin, line))).collect();
    let cut = below().filter(|((line, _), (next, _))| wrap::signs_of_cut(line, next) > 0);
    let widest = sample().map(|(line, _)| line.len()).max()?;
    if terminal::is_terminals(widest, cut.map(|((line, _), _)| line.len())) {
        return terminal::joined_at(widest, &lines, text.len());
    }
    Some(wrap::joined_by_words(lines, text.len()))
}

/// How many blanks a line begins with.
fn blanks(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

/// A line without the blanks by which a text was set in as a whole.
fn behind(margin: usize, (line, origin): (&[u8], usize)) -> (&[u8], usize) {
    let margin = margin.min(blanks(line));
    (&line[margin..], origin + margin)
}

/// Adds the body's lines, and an empty one before them if there are others.
fn read_message(message: &[(&[u8], usize)], lines: &mut Vec<Line>) {
    let before = lines.len();
    mime::read_part(message, 0, false, lines);
    if before > 0 && lines.len() > before {
        let origin = lines[before].origin;
        lines.insert(before, Line { text: Vec::new(), origin, depth: 0, width: 0, flows: false });
    }
}

/// The lines of a text, without their ends, and where they begin.
fn split(text: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    super::lines(text).map(|(line, origin)| (line.strip_suffix(b"\r").unwrap_or(line), origin))
}

/// Whether a line separates two mails: `From somebody@somewhere Thu Jan  1 00:00:00 1970`.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let words: Vec<&[u8]> = rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).take(8).collect();
    let address = words.first().is_some_and(|word| word.contains(&b'@') || word.len() == 40);
    let clock = |word: &&&[u8]| word.len() >= 5 && word.iter().all(|&byte| byte.is_ascii_digit() || byte == b':');
    let year = |word: &&&[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    address
        && words.iter().skip(1).any(|word| clock(&word) && word.contains(&b':'))
        && words.iter().any(|word| year(&word))
}

/// Whether at least a third of the lines, and three, are quoted; judged by the first thousand.
fn is_quoted(text: &[u8]) -> bool {
    // Hardly any short text has a line that begins with a mark of quoting.
    const SHORT: usize = 64 << 10;
    let begins = |at: &usize| *at == 0 || text[at - 1] == b'\n';
    if text.len() <= SHORT && memchr::memchr2_iter(b'>', b'|', text).filter(begins).nth(2).is_none() {
        return false;
    }
    let (mut quoted, mut all) = (0, 0);
    for (line, _) in split(text).filter(|(line, _)| !line.iter().all(u8::is_ascii_whitespace)).take(1000) {
        all += 1;
        quoted += usize::from(quoting(line).0 > 0);
    }
    quoted >= 3 && quoted * 3 >= all
}

/// How many levels of quoting a line has, and how long they are. `>ffff88810…: fb fb`, the guilty row of a KASAN dump,
/// is not quoted.
fn quoting(line: &[u8]) -> (usize, usize) {
    let (mut depth, mut at) = (0, 0);
    loop {
        match line[at..] {
            [b'>', b' ', ..] => at += 2,
            [b'|', b' ', ..] if depth == 0 => at += 2,
            [b'>'] | [b'>', b'>' | b'[' | b'<', ..] => at += 1,
            _ => return (depth, at),
        }
        depth += 1;
    }
}

fn unquoted(text: Vec<u8>, origin: usize, flowed: mime::Flowed) -> Line {
    let width = text.len();
    let mut text = text;
    // A blank that must not break, as Latin-1 has it.
    if std::str::from_utf8(&text).is_err() {
        text.iter_mut().filter(|byte| **byte == 0xa0).for_each(|byte| *byte = b' ');
    }
    let (depth, marks) = quoting(&text);
    text.drain(..marks);
    let mut origin = origin + marks;
    let mut flows = false;
    if flowed != mime::Flowed::No {
        // RFC 3676: a blank was put before lines that begin with one, or with `>` or `From `.
        if depth == 0 && text.first() == Some(&b' ') {
            text.remove(0);
            origin += 1;
        }
        flows = text.last() == Some(&b' ') && text != b"-- ";
        if flows && flowed == mime::Flowed::DeleteSpace {
            text.pop();
        }
    }
    Line { text, origin, depth, width, flows }
}

/// `From ` after any number of `>`.
fn is_from(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|&&byte| byte == b'>').count();
    line[marks..].starts_with(b"From ")
}
