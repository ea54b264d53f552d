//! What was done to the lines as a whole: nothing, doubled, spaced, cut.

use super::super::landmarks::{begins_report_line, is_body};
use super::super::plain::plain;
use super::super::{Wrapper, lex};
use super::{Dressing, stamp_at};
use std::borrow::Cow;

/// Whether the lines are just what a console shows, with a stamp in front of every one: the usual case, told quickly.
pub(super) fn is_console_log(raw: &[&[u8]]) -> bool {
    if raw.iter().take(2).any(|line| lex(line).wrapper != Wrapper::None) {
        return false;
    }
    let (mut all, mut empty, mut tags, mut copies) = (0, 0, 0, 0);
    for (at, line) in raw.iter().enumerate() {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !matches!(line[0], b'[' | b'<') || stamp_at(line) != Some(0) || is_touched(line) {
            return false;
        }
        all += 1;
        copies += usize::from(at > 0 && raw[at - 1] == *line);
        tags += usize::from(may_have_tag(line));
    }
    (tags * 2 < all || all < 3) && empty * 3 <= all && copies * 4 < all
}

/// Whether brackets stand behind the stamp and the console's own caller, told at a glance.
fn may_have_tag(line: &[u8]) -> bool {
    let close = memchr::memchr(b']', line).unwrap_or(0);
    let mut rest = &line[close + 1..];
    if rest.first() == Some(&b'[') {
        rest = memchr::memchr(b']', rest).map_or(rest, |end| &rest[end + 1..]);
    }
    match rest.trim_ascii_start() {
        [b'[' | b'(', next, ..] => *next != b'<',
        [b'-', b'(' | b'[', ..] | [b'A'..=b'Z', b'[', ..] => true,
        _ => false,
    }
}

/// Whether a page or a mail program changed characters of the line.
fn is_touched(line: &[u8]) -> bool {
    match plain(line) {
        Cow::Borrowed(text) => text.len() < line.len(),
        Cow::Owned(_) => true,
    }
}

/// Whether nearly every line stands there twice in a row.
pub(super) fn is_doubled(raw: &[&[u8]]) -> bool {
    let filled: Vec<&&[u8]> = raw.iter().filter(|line| !line.trim_ascii().is_empty()).collect();
    // The first may be the second of its pair.
    [0, 1].into_iter().any(|skip| {
        let pairs: Vec<&[&&[u8]]> = filled.get(skip..).unwrap_or_default().chunks_exact(2).collect();
        let same = pairs.iter().filter(|pair| pair[0] == pair[1]).count();
        // One line over and over is no copy of a log.
        let changes = pairs.windows(2).filter(|two| two[0][1] != two[1][0]).count();
        pairs.len() >= 2 && same * 10 >= pairs.len() * 9 && changes * 2 >= pairs.len() - 1
    })
}

/// Whether an empty line follows nearly every line.
pub(super) fn is_spaced(raw: &[&[u8]]) -> bool {
    let is_empty = |line: &&[u8]| line.trim_ascii().is_empty();
    let pairs = raw.windows(2).filter(|pair| !is_empty(&pair[0]));
    let (mut all, mut spaced) = (0, 0);
    for pair in pairs {
        all += 1;
        spaced += usize::from(is_empty(&pair[1]));
    }
    all >= 3 && spaced * 10 >= all * 9
}

/// No mail program makes longer lines than this when it wraps, bytes.
const WIDEST: usize = 100;
/// Nor does any wrap below this width.
const NARROW: usize = 50;

/// At which width stamped lines were cut: none is longer, and what follows a cut would not have fitted.
pub(super) fn wrapped_at(raw: &[&[u8]], dressing: &Dressing) -> Option<usize> {
    let width = raw.iter().map(|line| line.len()).max().filter(|width| (NARROW..=WIDEST).contains(width))?;
    let (mut tails, mut others) = (0, 0);
    for pair in raw.windows(2) {
        if pair[1].trim_ascii().is_empty() || dressing.fits(pair[1]) {
            continue;
        }
        if is_tail(pair[0], pair[1], width) { tails += 1 } else { others += 1 }
    }
    (tails > others).then_some(width)
}

/// Whether a line without a stamp is what was cut off the one above.
pub(super) fn is_tail(above: &[u8], line: &[u8], width: usize) -> bool {
    let first = line.iter().take_while(|byte| **byte != b' ').count();
    first > 0 && above.len() <= width && above.len() + 1 + first > width && !is_body_start(line)
}

/// A line that begins a block of its own: a rule, a header.
fn is_body_start(line: &[u8]) -> bool {
    line.starts_with(b"=====") || line.starts_with(b"-----") || (begins_report_line(line) && !is_body(line))
}
