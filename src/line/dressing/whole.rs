//! What was done to the lines as a whole: nothing, doubled, spaced, cut.

use super::super::landmarks::{begins_report_line, is_body};
use super::super::plain::plain;
use super::super::stamp::{USUAL_STAMP, core, is_usual_stamp};
use super::super::{Wrapper, lex};
use super::layer::touching;
use super::marks::{self, Marks};
use super::sample::{SUFFIX_LINES, SUFFIX_SHARE};
use super::stamp_at;
use super::tag::begins_with_level;
use std::borrow::Cow;

/// Whether nothing needs to be taken off the lines, decided quickly: this is the usual case, and every report passes here.
///
/// Either the first line has its stamp in front, and so have most of those below, or it begins as lines of reports do and
/// those below have no stamp.
pub(super) fn is_plain<'line>(raw: impl Iterator<Item = &'line [u8]> + Clone) -> bool {
    let Some(first) = raw.clone().next() else { return true };
    let stamped = matches!(first.first(), Some(b'[' | b'<')) && stamp_at(first) == Some(0);
    if !stamped && !begins_report_line(first)
        || stamped && (touching(first).is_some() || core(first).is_some())
        || raw.clone().take(2).any(|line| lex(line).wrapper != Wrapper::None)
    {
        return false;
    }
    let (mut with, mut without, mut empty, mut tags, mut copies, mut longest) = (0, 0, 0, 0, 0, 0);
    let (mut levels, mut ends, mut begins) = (0, 0, 0);
    let mut above = None;
    for line in raw {
        let copied = above.replace(line) == Some(line);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if is_touched(line) {
            return false;
        }
        copies += usize::from(copied);
        longest = longest.max(line.len());
        ends += usize::from(line.last() == first.last());
        begins += usize::from(line.get(..WORD) == first.get(..WORD));
        match stamp_at(line) {
            Some(0) => {
                with += 1;
                tags += usize::from(may_have_tag(line));
            }
            // A stamp further in, or a line that may continue a message.
            Some(_) => return false,
            None if stamped && line.starts_with(b"        ") => return false,
            None => {
                without += 1;
                levels += usize::from(begins_with_level(line));
            }
        }
    }
    let all = with + without;
    let agrees = match stamped {
        // What was cut off a line has no stamp, and no line is long then.
        true => with * 2 >= all && (tags * 2 < with || with < 3) && (without == 0 || longest > WIDEST),
        // A program's word may be one with which reports begin.
        false => with == 0 && levels < LEVELS && (begins * 100 < all * SUFFIX_SHARE || all < SUFFIX_LINES),
    };
    let ends_alike = ends * 100 >= all * SUFFIX_SHARE && all >= SUFFIX_LINES && has_odd_end(first);
    agrees && !ends_alike && empty * 3 <= all && copies * 4 < all.max(2)
}

/// Whether a line ends as the kernel's do not: with a table's bar, a quote, a mark of an editor or of a terminal, a line break that is written.
#[must_use]
pub fn has_odd_end(line: &[u8]) -> bool {
    match line {
        [.., b'\x1b', b'[', b'K'] | [.., b'\\', b'n'] => true,
        [.., last] => matches!(last, b'|' | b'\\' | b'$' | b'~' | b'"' | b'\'' | 0x80..) || last.is_ascii_control(),
        [] => false,
    }
}

/// Lines that begin with the same so many bytes have a word in front of them.
const WORD: usize = 5;
/// So many lines that begin with a level's word show that the word stands before the messages.
const LEVELS: usize = 3;

/// Whether brackets, a core (`c0 `, `003: `) or a level's word stand behind the stamp and the console's own caller, decided at a glance.
fn may_have_tag(line: &[u8]) -> bool {
    let close = if is_usual_stamp(line) { USUAL_STAMP - 1 } else { memchr::memchr(b']', line).unwrap_or(0) };
    let mut rest = &line[close + 1..];
    if rest.first() == Some(&b'[') {
        // A caller is one word, `[  T412]`; anything else is a tag that touches the stamp.
        let end = memchr::memchr(b']', rest).unwrap_or(0);
        let inner = rest[..end].get(1..).unwrap_or_default().trim_ascii_start();
        if !matches!(inner.first(), Some(b'T' | b'C')) || !inner[1..].iter().all(u8::is_ascii_digit) {
            return true;
        }
        rest = &rest[end + 1..];
    }
    match rest.trim_ascii_start() {
        [b'[' | b'(', next, ..] => *next != b'<',
        [b'<', b'0'..=b'9', b'>' | b'0'..=b'9', ..] => true,
        [b'-', b'(' | b'[', ..] | [b'A'..=b'Z', b'[', ..] | [b'c', b'0'..=b'9', b' ', ..] => true,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b':', b' ', ..] => true,
        rest => begins_with_level(rest),
    }
}

/// Whether a page or a mail program changed characters of the line.
fn is_touched(line: &[u8]) -> bool {
    match plain(line) {
        Cow::Borrowed(text) => text.len() < line.len(),
        Cow::Owned(_) => true,
    }
}

/// Whether most lines stand there twice in a row. Two consoles that write at the same time glue some of their lines together.
pub(super) fn is_doubled(raw: &[&[u8]]) -> bool {
    let filled: Vec<&[u8]> = raw.iter().copied().filter(|line| !line.trim_ascii().is_empty()).collect();
    let (mut pairs, mut single, mut at) = (Vec::new(), 0, 0);
    while let Some(line) = filled.get(at) {
        if filled.get(at + 1) == Some(line) {
            pairs.push(line);
            at += 2;
        } else {
            // The first may be the second of its pair, the last the first of it.
            single += usize::from(at > 0 && at + 1 < filled.len());
            at += 1;
        }
    }
    // One line over and over is not a copy of a log.
    let changes = pairs.windows(2).filter(|two| two[0] != two[1]).count();
    pairs.len() >= 2 && single * 2 <= pairs.len() && changes * 2 >= pairs.len() - 1
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

/// Whether syslogd says in a line that it shows the next one to everybody who is logged in.
pub(super) fn announces(line: &[u8]) -> bool {
    line.starts_with(b"Message from syslogd@") || line.starts_with(b"Broadcast message from systemd-journald@")
}

/// What a stack is known by, and the dump of one that 32-bit ARM prints as an emergency, without its functions.
const STACK: [&[u8]; 2] = [b"+0x", b"Stack: (0x"];

/// Leaves out what syslogd wrote between the lines of a stack when it showed each on the terminals: that it does, and an empty line.
/// Whether it was so.
pub(super) fn leave_announcements(raw: &mut Vec<&[u8]>) -> bool {
    let filled = raw.iter().filter(|line| !line.trim_ascii().is_empty()).count();
    let announcing = raw.iter().filter(|line| announces(line)).count();
    // Two lines between each; the first one has its own above. Lines without a stack are of moments that have nothing in common.
    let announced = announcing > 0
        && filled - announcing <= 2 * (announcing + 1)
        && raw.iter().any(|line| STACK.iter().any(|mark| memchr::memmem::find(line, mark).is_some()));
    if announced {
        raw.retain(|line| !announces(line) && !line.trim_ascii().is_empty());
    }
    announced
}

/// No mail program makes longer lines than this when it wraps, bytes.
const WIDEST: usize = 100;
/// Nor does any wrap below this width.
const NARROW: usize = 50;

/// Terminals are as wide as this, bytes; of any other width so many lines must be full, since a line that was cut between words may
/// be full by chance.
const TERMINAL: usize = 80;
const FULL: usize = 3;

/// How lines were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrap {
    /// No line is longer, bytes.
    width: usize,
    /// Whether they were cut at this very width, as a terminal does, and not between words.
    hard: bool,
    /// Whether they were cut before they got their layers: each part has them.
    pub(super) inner: bool,
    /// What was set where they were cut.
    marks: Option<Marks>,
}

impl Wrap {
    /// How stamped lines were cut with marks.
    pub(super) fn marked(lines: &[&[u8]], fits: &[bool], inner: bool) -> Option<Self> {
        let pairs: Vec<[&[u8]; 2]> = (lines.windows(2).zip(&fits[1..]))
            .filter(|(pair, fits)| !pair[1].trim_ascii().is_empty() && !**fits)
            .map(|(pair, _)| [pair[0], pair[1]])
            .collect();
        // Other lines without a stamp may stand there, too.
        let cut: Vec<[&[u8]; 2]> = pairs.iter().copied().filter(|pair| Marks::of(&[*pair]).is_some()).collect();
        let marks = Marks::of(&cut)?;
        let widest =
            lines.iter().map(|line| marks::width(line)).max().filter(|width| (NARROW..=WIDEST).contains(width))?;
        let hard = cut.iter().all(|[above, _]| marks::width(above) == widest);
        let found = if marks.sure { 2 * cut.len() > pairs.len() } else { hard && cut.len() == pairs.len() };
        found.then_some(Self { width: widest, hard, inner, marks: Some(marks) })
    }

    /// How stamped lines were cut: none is longer, and what follows a cut would not have fitted. `fits` says which lines have all that
    /// the dressing takes off; `inner` that `lines` are without it.
    pub(super) fn of(lines: &[&[u8]], fits: &[bool], hard: bool, inner: bool) -> Option<Self> {
        let width = lines.iter().map(|line| line.len()).max().filter(|width| (NARROW..=WIDEST).contains(width))?;
        let wrap = Self { width, hard, inner, marks: None };
        let pairs = || {
            let pairs = lines.windows(2).zip(&fits[1..]);
            pairs.filter(|(pair, fits)| !pair[1].trim_ascii().is_empty() && !**fits).map(|(pair, _)| pair)
        };
        let all = pairs().count();
        let tails = pairs().filter(|pair| wrap.is_tail(pair[0], pair[1])).count();
        let found = if hard {
            let full = pairs().filter(|pair| pair[0].len() == width).count();
            all > 0 && tails == all && (full >= FULL || width == TERMINAL)
        } else {
            2 * tails > all
        };
        found.then_some(wrap)
    }

    /// Whether a line without a stamp is what was cut off the one above.
    pub(super) fn is_tail(self, above: &[u8], line: &[u8]) -> bool {
        if let Some(marks) = self.marks {
            return marks.fit(above, line) && (!self.hard || marks::width(above) == self.width);
        }
        let first = line.iter().take_while(|byte| **byte != b' ').count();
        let cut = match self.hard {
            // A blank at the end of the line above is lost.
            true => above.len() == self.width || above.len() + 1 == self.width && first > 0,
            false => first > 0 && above.len() <= self.width && above.len() + 1 + first > self.width,
        };
        cut && !is_body_start(line)
    }

    /// What the line above and its tail are without the cut; `text` ends with the one, less its line break.
    pub(super) fn join(self, text: &mut Vec<u8>, above: &[u8], tail: &[u8]) {
        if let Some(marks) = self.marks {
            text.truncate(text.len() - marks.at_end(text));
            let blank = !self.hard && text.last() != Some(&b' ');
            text.extend(blank.then_some(b' '));
            return text.extend_from_slice(marks.bare(tail));
        }
        let blank = if self.hard { above.len() < self.width } else { text.last() != Some(&b' ') };
        text.extend(blank.then_some(b' '));
        text.extend_from_slice(if self.hard { tail } else { tail.trim_ascii_start() });
    }
}

/// A line that begins a block of its own: a rule, a header.
fn is_body_start(line: &[u8]) -> bool {
    line.starts_with(b"=====") || line.starts_with(b"-----") || (begins_report_line(line) && !is_body(line))
}
