//! What stands around messages, inferred from the lines themselves: a form that nobody has seen is read, too.
//!
//! [`Dressing::of`] looks at some lines around a report and finds, layer by layer, what they share in front of their
//! messages and behind them: a wrapper that [`lex`] knows, a printk stamp behind anything, a prefix of one shape, a vendor's
//! tag behind the stamp, a common indentation, a common end; and what was done to the lines as a whole: doubled, spaced, wrapped, messages of several
//! lines. [`Dressing::undress`] takes all of it off again. Each layer needs most of the lines to agree, so that one foreign
//! line neither hides a dressing nor invents one.

mod layer;
mod marks;
mod sample;
mod shape;
mod tag;
mod undress;
mod whole;

use super::landmarks::{LAST_WORDS, is_body};
use super::stamp::{begins_with_stamp, is_usual_stamp};
use super::unwrap::without_colours;
use super::{Wrapper, lex};
use layer::Layer;
use sample::{Sample, spreads};
use std::borrow::Cow;
pub use undress::{Shown, Undressed};
pub use whole::has_odd_end;
use whole::{Wrap, announces, is_doubled, is_plain, is_spaced, leave_announcements};

/// What to take off the lines of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dressing {
    layers: Vec<Layer>,
    /// Each line stands there twice.
    doubled: bool,
    /// An empty line follows each line.
    spaced: bool,
    /// A line of syslogd announces each one that it shows on terminals.
    announced: bool,
    /// Lines were cut so.
    wrapped: Option<Wrap>,
    /// Most messages have a printk stamp.
    stamped: bool,
    /// The first of a report's lines have a stamp, and the rest of them have not.
    bared: bool,
    /// Whether the line that matters has what the others have.
    first_fits: bool,
    /// The tag of a program that passes on what a kernel says: that of the line that matters.
    relay: Option<Vec<u8>>,
}

/// How many lines below the one that matters are looked at, and how many above it.
const BELOW: usize = 40;
const ABOVE: usize = 12;
/// No line says more about its dressing than its first bytes.
const LONGEST: usize = 512;
/// Where a stamp may begin, bytes from the start of the line.
pub(super) const STAMP_REACH: usize = 480;
/// How many layers are looked for.
const LAYERS: usize = 6;
/// How many of a hundred lines must have a stamp for the log to be stamped.
const STAMPED_SHARE: usize = 60;
/// Lines that begin with so many blanks are taken for continuations.
const DEEP: usize = 12;
/// So many lines of a report below a header, all without stamps, are a log of their own.
const OWN: usize = 2;
/// How many of a hundred lines of such a log must have the form of the first.
const OWN_SHARE: usize = 80;
/// Where lines of a report have lost their stamps, no more than these have kept theirs.
const FEW_STAMPED: usize = 8;
/// Continuation lines stand below a prefix at least this wide, bytes.
const NARROWEST: usize = 8;

impl Dressing {
    /// The dressing of the lines around the one that begins at `start` of `text`; `None` if there is nothing to take off.
    #[must_use]
    pub fn of(text: &[u8], start: usize) -> Option<Self> {
        let around = || lines_from(text, start, BELOW);
        // The table with which `crash` begins stands to the right, and what follows does not.
        let table = |line: &[u8]| line.trim_ascii_start().starts_with(LAST_WORDS);
        // Whether the others end so, too, those above show as well.
        let odd = around().next().is_some_and(has_odd_end);
        if is_plain(around()) && !odd || around().next().is_some_and(table) {
            return None;
        }
        let mut raw: Vec<&[u8]> = around().collect();
        let announced = leave_announcements(&mut raw);
        if let Some(block) = own_block(&raw) {
            raw.truncate(block);
            if is_plain(raw.iter().copied()) && !odd {
                return None;
            }
        }
        // The last line of a block that stands in is like those above it, not like the words below.
        if stamp_at(raw[0]).is_some_and(|at| at > 0) && raw[1..].iter().all(|line| stamp_at(line).is_none()) {
            raw.truncate(1);
        }
        // What stands far in continues a message, and says nothing about prefixes, unless the log as a whole does.
        let all_deep = is_deep(raw[0]);
        let filled =
            || raw.iter().copied().filter(|line| !line.trim_ascii().is_empty() && (all_deep || !is_deep(line)));
        let below = filled().count();
        // Blank lines have no dressing.
        if below == 0 {
            return None;
        }
        let mut lines: Vec<Cow<'_, [u8]>> = filled().map(Cow::Borrowed).collect();
        lines.extend(lines_above(text, start, ABOVE).filter(|line| !announced || !announces(line)).map(Cow::Borrowed));
        let mut sample = Sample { lines, below };
        let mut dressing = Self {
            layers: Vec::new(),
            doubled: false,
            spaced: false,
            announced,
            wrapped: None,
            stamped: false,
            bared: false,
            first_fits: true,
            relay: lex(raw[0]).tag.filter(|tag| !tag.eq_ignore_ascii_case(b"kernel")).map(<[u8]>::to_vec),
        };
        for _ in 0..LAYERS {
            let Some(layer) = sample.layer(&dressing.layers) else { break };
            sample.take_off(&layer);
            dressing.layers.push(layer);
        }
        if dressing.is_quoted(&raw) {
            dressing.layers.push(Layer::Quoted);
        }
        dressing.bared = dressing.layers.is_empty() && is_bared(&raw);
        dressing.stamped = dressing.bared || sample.is_stamped();
        let bare: Vec<(Cow<'_, [u8]>, bool)> = raw.iter().map(|line| dressing.bare(line)).collect();
        dressing.first_fits = bare[0].1;
        if dressing.layers.is_empty() && !dressing.first_fits && stands_alone(&raw) {
            return None;
        }
        // What was done to the lines as a whole may have been done before they got what stands around them now.
        let texts: Vec<&[u8]> = bare.iter().map(|(text, _)| text.as_ref()).collect();
        dressing.doubled = is_doubled(&texts);
        dressing.spaced = is_spaced(&texts);
        if dressing.stamped {
            let fits: Vec<bool> = bare.iter().map(|(_, fits)| *fits).collect();
            let cut = |hard| Wrap::of(&raw, &fits, hard, false).or_else(|| Wrap::of(&texts, &fits, hard, true));
            let marked = || Wrap::marked(&raw, &fits, false).or_else(|| Wrap::marked(&texts, &fits, true));
            dressing.wrapped = marked().or_else(|| cut(true)).or_else(|| cut(false));
        }
        let continued = dressing.is_continued(&raw, &bare);
        let nothing = dressing.layers.is_empty()
            && !dressing.doubled
            && !dressing.spaced
            && !dressing.announced
            && dressing.wrapped.is_none()
            && !continued
            && !dressing.bared
            && dressing.first_fits;
        (!nothing).then_some(dressing)
    }

    /// Whether most messages have a printk stamp.
    #[must_use]
    pub fn is_stamped(&self) -> bool {
        self.stamped
    }

    /// Whether the lines have a syslog tag.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        let tags = |layer: &Layer| matches!(layer, Layer::Known(wrapper) if wrapper.has_tag());
        self.layers.iter().any(tags)
    }

    /// Whether the level of each message stands before it as a word.
    pub(in crate::line) fn takes_levels(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Tag(tag) if tag.is_level()))
    }

    /// Whether the line that the dressing was inferred for has what the others have.
    #[must_use]
    pub fn first_fits(&self) -> bool {
        self.first_fits
    }

    /// A line without its layers.
    #[must_use]
    pub fn take_off<'line>(&self, line: &'line [u8]) -> Cow<'line, [u8]> {
        self.bare(line).0
    }

    /// A line without its layers; whether it had all that are recognised by more than characters.
    pub(super) fn bare<'line>(&self, line: &'line [u8]) -> (Cow<'line, [u8]>, bool) {
        let mut text = Cow::Borrowed(line);
        let mut fits = true;
        for layer in &self.layers {
            let (next, had) = layer.off(&text);
            fits &= had;
            if let Some(next) = next {
                text = Cow::Owned(next);
            }
        }
        if self.stamped {
            fits = stamp_at(&text) == Some(0);
        }
        (text, fits)
    }

    /// Whether a quotation mark stands before the messages, and none of the forms that are known has read what is behind it.
    fn is_quoted(&self, raw: &[&[u8]]) -> bool {
        let is_read = |layer: &Layer| matches!(layer, Layer::Known(wrapper) if !wrapper.is_slice());
        if self.layers.is_empty() || self.layers.iter().any(is_read) {
            return false;
        }
        let opens = |line: &&&[u8]| {
            let text = self.bare(line).0;
            let before = memchr::memmem::rfind(line, &text[..text.len().min(NARROWEST)]);
            !text.is_empty() && before.is_some_and(|at| matches!(line[..at].last(), Some(b'"' | b'\'')))
        };
        raw.iter().filter(opens).count() * 100 >= raw.len() * OWN_SHARE
    }

    /// How much stands in front of the message of a line, bytes; `text` is the line without its layers. Colours take no room.
    fn width(&self, line: &[u8], text: &[u8]) -> usize {
        let length = if memchr::memchr(0x1b, line).is_some() { without_colours(line).len() } else { line.len() };
        length - message(text, self.stamped).len().min(length)
    }

    /// Whether messages have further lines, which stand below the text of the first; `bare` are the lines as [`Self::bare`] gives them.
    fn is_continued(&self, raw: &[&[u8]], bare: &[(Cow<'_, [u8]>, bool)]) -> bool {
        let mut last = None;
        raw.iter().zip(bare).any(|(line, (text, fits))| {
            if *fits {
                last = Some((line, text));
                return false;
            }
            continues(line, || last.map(|(line, text)| self.width(line, text))).is_some()
        })
    }
}

/// Whether a line stands so far in that it is taken for a continuation.
fn is_deep(line: &[u8]) -> bool {
    line.iter().take_while(|byte| **byte == b' ').count() >= DEEP
}

/// How many of the first lines have the form of the first one, if those below have another: somebody copied logs of several forms
/// into one text.
fn own_block(raw: &[&[u8]]) -> Option<usize> {
    let form = |line: &[u8]| {
        let prefix = lex(line);
        (prefix.wrapper, prefix.time.is_some())
    };
    let own = form(raw[0]);
    let (block, below) = raw.split_at(raw.iter().rposition(|line| form(line) == own || is_deep(line))? + 1);
    let filled = |lines: &[&[u8]]| lines.iter().filter(|line| !line.trim_ascii().is_empty()).count();
    let count = |lines: &[&[u8]], has: &dyn Fn(&[u8]) -> bool| lines.iter().filter(|line| has(line)).count();
    let most = |count: usize, lines: &[&[u8]]| count > OWN && count * 100 >= filled(lines) * OWN_SHARE;
    // Lines without any form are of a program, unless they say otherwise.
    let nothing = (Wrapper::None, false);
    let whole = most(count(block, &|line| form(line) == own), block)
        && below.len() > OWN
        && (own != nothing || stands_alone(block));
    // Of a few lines it must be sure that those below are another log, not the rest of their messages.
    let few = || own.0 != Wrapper::None && !spreads(own.0) && most(count(below, &|line| form(line) != nothing), below);
    (whole || few()).then_some(block.len())
}

/// Whether the first lines are a report without stamps: a program read it out of the kernel, as it does with kmemleak's, or
/// somebody put another log among the lines of this one. Its lines are not those around it.
fn stands_alone(raw: &[&[u8]]) -> bool {
    let below = raw[1..].iter().take_while(|line| stamp_at(line).is_none());
    !raw[0].starts_with(b" ") && stamp_at(raw[0]).is_none() && below.filter(|line| is_body(line)).count() >= OWN
}

/// Whether lines of a report without stamps stand right below its first ones, which have them: somebody took the stamps off the stack,
/// or a debugger goes on, which prints past the log, perhaps below an empty line.
fn is_bared(raw: &[&[u8]]) -> bool {
    let stamped = raw.iter().take_while(|line| stamp_at(line) == Some(0)).count();
    let empty = raw[stamped..].iter().take_while(|line| line.trim_ascii().is_empty()).count();
    let first = raw.get(stamped + empty);
    let debugged = first.is_some_and(|line| is_debugger(line));
    let below = raw[stamped + if debugged { empty } else { 0 }..].iter();
    let below = below.take_while(|line| !line.is_empty() && stamp_at(line).is_none());
    (1..=FEW_STAMPED).contains(&stamped) && (debugged || below.filter(|line| is_body(line)).count() >= OWN)
}

/// What the kernel's debuggers say first: PowerPC's xmon, kdb.
const DEBUGGERS: [&[u8]; 2] = [b": Vector: ", b"Entering kdb (current="];

/// Whether one of the kernel's debuggers begins to speak.
fn is_debugger(line: &[u8]) -> bool {
    DEBUGGERS.iter().any(|words| memchr::memmem::find(line, words).is_some())
}

/// The text of a line that continues a message whose prefix is `width` bytes wide, which is asked only of lines that stand far in.
fn continues(line: &[u8], width: impl FnOnce() -> Option<usize>) -> Option<&[u8]> {
    let blanks = line.iter().take_while(|byte| **byte == b' ').count();
    // A prefix with letters beyond ASCII is less wide than its bytes are many.
    if blanks + 2 < NARROWEST || blanks == line.len() {
        return None;
    }
    let width = width().filter(|width| (NARROWEST..=blanks + 2).contains(width))?;
    Some(&line[blanks.min(width)..])
}

/// The message of an undressed line: behind its stamp and caller, if it is stamped.
fn message(text: &[u8], stamped: bool) -> &[u8] {
    if !stamped {
        return text;
    }
    let prefix = lex(text);
    &text[prefix.message.min(text.len())..]
}

/// Where the first printk stamp of a line begins, if that is near its start; a level before it belongs to it.
pub(crate) fn stamp_at(line: &[u8]) -> Option<usize> {
    if is_usual_stamp(line) || line.first() == Some(&b'[') && begins_with_stamp(line) {
        return Some(0);
    }
    let reach = &line[..line.len().min(STAMP_REACH)];
    memchr::memchr_iter(b'[', reach).find(|at| begins_with_stamp(&line[*at..])).map(|at| match &line[..at] {
        [b'<', b'0'..=b'9', b'>'] => 0,
        [b'<', b'0'..=b'9', b'0'..=b'9', b'>'] => 0,
        [.., b'<', b'0'..=b'9', b'>'] => at - 3,
        _ => at,
    })
}

/// The lines of a text, as `split` gives them.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b'\n', text);
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// Up to `most` lines that are not empty, and the empty ones between them, from `start` on.
fn lines_from(text: &[u8], start: usize, most: usize) -> impl Iterator<Item = &[u8]> + Clone {
    let mut filled = 0;
    lines_of(&text[start..])
        .take(3 * most)
        .take_while(move |line| {
            filled += usize::from(!line.trim_ascii_start().is_empty());
            filled <= most
        })
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Up to `most` lines that are not empty above `start`, the nearest first.
fn lines_above(text: &[u8], start: usize, most: usize) -> impl Iterator<Item = &[u8]> {
    text[..start]
        .rsplit(|byte| *byte == b'\n')
        .skip(1)
        .take(3 * most)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(most)
}
