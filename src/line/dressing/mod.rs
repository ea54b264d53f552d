//! What stands around messages, inferred from the lines themselves: a form that nobody has seen is read, too.
//!
//! [`Dressing::of`] looks at some lines around a report and finds, layer by layer, what they share in front of their
//! messages: a wrapper that [`lex`] knows, a printk stamp behind anything, a prefix of one shape, a vendor's tag behind the
//! stamp, a common indentation; and what was done to the lines as a whole: doubled, spaced, wrapped, messages of several
//! lines. [`Dressing::undress`] takes all of it off again. Each layer needs most of the lines to agree, so that one foreign
//! line neither hides a dressing nor invents one.

mod shape;
mod tag;
mod undress;

use super::plain::plain;
use super::{Wrapper, lex, unwrap};
use crate::line::landmarks::{begins_report_line, is_body};
use shape::Shape;
use std::borrow::Cow;
use tag::Tag;
pub use undress::{Shown, Undressed};

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Layer {
    /// Characters that a page or a mail program changed.
    Plain,
    /// A wrapper that the lexer knows.
    Known(Wrapper),
    /// Anything before the printk stamp.
    BeforeStamp,
    /// A prefix of one shape.
    Shape(Shape),
    /// What a vendor prints behind the stamp.
    Tag(Tag),
    /// So many blanks, or tabs.
    Indent(usize),
}

/// What to take off the lines of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dressing {
    layers: Vec<Layer>,
    /// Each line stands there twice.
    doubled: bool,
    /// An empty line follows each line.
    spaced: bool,
    /// Lines were cut at this width, bytes.
    wrapped: Option<usize>,
    /// Most messages have a printk stamp.
    stamped: bool,
    /// Whether the line that matters has what the others have.
    first_fits: bool,
}

/// How many lines below the one that matters are looked at, and how many above it.
const BELOW: usize = 40;
const ABOVE: usize = 12;
/// No line says more about its dressing than its first bytes.
const LONGEST: usize = 512;
/// Where a stamp may begin, bytes from the start of the line.
pub(super) const STAMP_REACH: usize = 160;
/// How many layers are looked for.
const LAYERS: usize = 6;
/// How many of a hundred lines must agree on a wrapper that is known.
const KNOWN_SHARE: usize = 80;
/// How many of a hundred lines must have a stamp for the log to be stamped.
const STAMPED_SHARE: usize = 60;
/// Lines that begin with so many blanks are taken for continuations.
const DEEP: usize = 12;
/// Continuation lines stand below a prefix at least this wide, bytes.
const NARROWEST: usize = 8;

/// The lines of which a dressing is inferred.
#[derive(Debug)]
struct Sample<'a> {
    /// Not empty; the one that matters first, then those below it, then those above it.
    lines: Vec<Cow<'a, [u8]>>,
    /// How many of them are the first and those below it.
    below: usize,
}

impl Dressing {
    /// The dressing of the lines around the one that begins at `start` of `text`; `None` if there is nothing to take off.
    #[must_use]
    pub fn of(text: &[u8], start: usize) -> Option<Self> {
        let raw = lines_from(text, start, BELOW);
        if raw.is_empty() || is_console_log(&raw) {
            return None;
        }
        // What stands far in continues a message, and says nothing about prefixes, unless the log as a whole does.
        let deep = |line: &[u8]| line.iter().take_while(|byte| **byte == b' ').count() >= DEEP;
        let all_deep = deep(raw[0]);
        let filled = || raw.iter().copied().filter(|line| !line.trim_ascii().is_empty() && (all_deep || !deep(line)));
        let below = filled().count();
        let mut lines: Vec<Cow<'_, [u8]>> = filled().map(Cow::Borrowed).collect();
        lines.extend(lines_above(text, start, ABOVE).map(Cow::Borrowed));
        let mut sample = Sample { lines, below };
        let mut dressing = Self {
            layers: Vec::new(),
            doubled: is_doubled(&raw),
            spaced: is_spaced(&raw),
            wrapped: None,
            stamped: false,
            first_fits: true,
        };
        for _ in 0..LAYERS {
            let Some(layer) = sample.layer(&dressing.layers) else { break };
            sample.take_off(&layer);
            dressing.layers.push(layer);
        }
        dressing.stamped = sample.is_stamped();
        dressing.first_fits = dressing.fits(raw[0]);
        if dressing.stamped {
            dressing.wrapped = wrapped_at(&raw, &dressing);
        }
        let continued = dressing.is_continued(&raw);
        let nothing = dressing.layers.is_empty()
            && !dressing.doubled
            && !dressing.spaced
            && dressing.wrapped.is_none()
            && !continued
            && dressing.first_fits;
        (!nothing).then_some(dressing)
    }

    /// Whether most messages have a printk stamp.
    #[must_use]
    pub fn is_stamped(&self) -> bool {
        self.stamped
    }

    /// Whether the line that the dressing was inferred for has what the others have.
    #[must_use]
    pub fn first_fits(&self) -> bool {
        self.first_fits
    }

    /// A line without its layers; whether it had all that are told by more than characters.
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

    fn fits(&self, line: &[u8]) -> bool {
        self.bare(line).1
    }

    /// Whether messages have further lines, which stand below the text of the first.
    fn is_continued(&self, raw: &[&[u8]]) -> bool {
        let mut width = None;
        raw.iter().any(|line| {
            let (text, fits) = self.bare(line);
            if fits {
                width = Some(line.len() - message(&text, self.stamped).len().min(line.len()));
                return false;
            }
            continues(line, width).is_some()
        })
    }
}

/// The text of a line that continues a message whose prefix is `width` bytes wide.
fn continues(line: &[u8], width: Option<usize>) -> Option<&[u8]> {
    let width = width.filter(|width| *width >= NARROWEST)?;
    let blanks = line.iter().take_while(|byte| **byte == b' ').count();
    // A prefix with letters beyond ASCII is less wide than its bytes are many.
    (blanks + 2 >= width && blanks < line.len()).then(|| &line[blanks.min(width)..])
}

/// The message of an undressed line: behind its stamp and caller, if it is stamped.
fn message(text: &[u8], stamped: bool) -> &[u8] {
    if !stamped {
        return text;
    }
    let prefix = lex(text);
    &text[prefix.message.min(text.len())..]
}

impl Sample<'_> {
    /// The next layer that the lines share.
    fn layer(&self, before: &[Layer]) -> Option<Layer> {
        if !before.contains(&Layer::Plain) && self.lines.iter().any(|line| plain(line) != *line) {
            return Some(Layer::Plain);
        }
        let known = |layer: &Layer| matches!(layer, Layer::Known(_));
        if before.iter().filter(|layer| known(layer)).count() < 3
            && let Some(wrapper) = self.known()
        {
            return Some(Layer::Known(wrapper));
        }
        let stamps: Vec<Option<usize>> = self.lines.iter().map(|line| stamp_at(line)).collect();
        let stamped = stamps.iter().flatten().count();
        if stamped * 100 >= self.lines.len() * STAMPED_SHARE {
            if stamps.iter().flatten().any(|at| *at > 0) && !before.contains(&Layer::BeforeStamp) {
                return Some(Layer::BeforeStamp);
            }
            if before.iter().any(|layer| matches!(layer, Layer::Tag(_))) {
                return None;
            }
            let messages: Vec<&[u8]> = self
                .lines
                .iter()
                .filter(|line| stamp_at(line) == Some(0))
                .map(|line| message(line, true))
                .filter(|message| !message.is_empty())
                .collect();
            return Tag::of(&messages).map(Layer::Tag);
        }
        // `[   T57] ` is the console's own without printk.time.
        let callers = self.lines.iter().filter(|line| lex(line).caller.is_some()).count();
        if callers * 2 > self.lines.len() {
            return None;
        }
        if let Some(shape) = self.shape() {
            return Some(Layer::Shape(shape));
        }
        if before.iter().any(|layer| matches!(layer, Layer::Indent(_))) {
            return None;
        }
        let indent = self.lines.iter().map(|line| line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count());
        indent.min().filter(|indent| *indent > 0 && self.lines.len() > 1).map(Layer::Indent)
    }

    /// The wrapper of most lines; records that take several lines are told by their first.
    fn known(&self) -> Option<Wrapper> {
        let wrappers: Vec<Wrapper> = self.lines.iter().map(|line| lex(line).wrapper).collect();
        let first = wrappers[0];
        if spreads(first) {
            return Some(first);
        }
        let mut counts: Vec<(Wrapper, usize)> = Vec::new();
        for wrapper in wrappers.into_iter().filter(|wrapper| *wrapper != Wrapper::None) {
            match counts.iter_mut().find(|(known, _)| *known == wrapper) {
                Some((_, count)) => *count += 1,
                None => counts.push((wrapper, 1)),
            }
        }
        let (wrapper, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        // What a report's own lines share says more than what stands above it.
        let own = self.lines[..self.below].iter().filter(|line| lex(line).wrapper == wrapper).count();
        let most = |count: usize, all: usize| count * 100 >= all * KNOWN_SHARE;
        (most(count, self.lines.len()) || (self.below > 3 && most(own, self.below))).then_some(wrapper)
    }

    /// A prefix of one shape that leaves lines which begin as lines of reports do.
    fn shape(&self) -> Option<Shape> {
        let tried = |lines: &[Cow<'_, [u8]>]| {
            let texts: Vec<&[u8]> = lines.iter().map(|line| &line[..line.len().min(LONGEST)]).collect();
            let shape = Shape::of(&texts)?;
            // Behind a part of it may stand a form that the lexer knows, and that says more than its shape.
            let known = |part: &Shape| {
                let inner = |line: &&&[u8]| part.length(line).is_some_and(|length| is_known(&line[length..]));
                texts.iter().filter(inner).count() * 100 >= texts.len() * KNOWN_SHARE
            };
            if let Some(part) = shape.beginnings().find(known) {
                return Some(part);
            }
            let right = |line: &Cow<'_, [u8]>| {
                shape.length(line).is_some_and(|length| begins_report_line(line[length..].trim_ascii_start()))
            };
            lines.iter().any(right).then_some(shape)
        };
        tried(&self.lines[..self.below]).or_else(|| tried(&self.lines))
    }

    fn take_off(&mut self, layer: &Layer) {
        for line in &mut self.lines {
            if let Some(text) = layer.off(line).0 {
                *line = Cow::Owned(text);
            }
        }
    }

    fn is_stamped(&self) -> bool {
        let stamped = self.lines.iter().filter(|line| stamp_at(line) == Some(0)).count();
        stamped * 100 >= self.lines.len() * STAMPED_SHARE
    }
}

impl Layer {
    /// The line without this layer, if that changes it; whether the line had it.
    fn off(&self, line: &[u8]) -> (Option<Vec<u8>>, bool) {
        match self {
            Self::Plain => match plain(line) {
                Cow::Owned(text) => (Some(text), true),
                Cow::Borrowed(text) => ((text.len() < line.len()).then(|| text.to_vec()), true),
            },
            Self::Known(_) => {
                let had = lex(line).wrapper != Wrapper::None;
                match unwrap(line) {
                    Cow::Owned(text) => (Some(text), had),
                    Cow::Borrowed(text) => ((text.len() < line.len()).then(|| text.to_vec()), had),
                }
            }
            Self::BeforeStamp => match stamp_at(line) {
                Some(0) => (None, true),
                Some(at) => (Some(line[at..].to_vec()), true),
                None => (None, false),
            },
            Self::Shape(shape) => match shape.length(line) {
                Some(length) => (Some(line[length..].to_vec()), true),
                None => (None, false),
            },
            Self::Tag(tag) => {
                let from = line.len() - message(line, true).len();
                match tag.length(&line[from..]) {
                    0 => (None, true),
                    length => (Some([&line[..from], &line[from + length..]].concat()), true),
                }
            }
            Self::Indent(width) => {
                let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count().min(*width);
                ((blanks > 0).then(|| line[blanks..].to_vec()), blanks == *width)
            }
        }
    }
}

/// Whether a line begins with a form that the lexer knows.
fn is_known(line: &[u8]) -> bool {
    let prefix = lex(line);
    prefix.wrapper != Wrapper::None || prefix.time.is_some()
}

/// Whether a record of this form takes several lines, of which only some look like it.
fn spreads(wrapper: Wrapper) -> bool {
    matches!(wrapper, Wrapper::DmesgJson | Wrapper::JournalExport | Wrapper::Kmsg | Wrapper::Netconsole)
}

/// Where the first printk stamp of a line begins, if that is near its start; a level before it belongs to it.
pub(super) fn stamp_at(line: &[u8]) -> Option<usize> {
    let reach = &line[..line.len().min(STAMP_REACH)];
    memchr::memchr_iter(b'[', reach).find(|at| is_stamp(&line[*at..])).map(|at| match &line[..at] {
        [b'<', b'0'..=b'9', b'>'] => 0,
        [b'<', b'0'..=b'9', b'0'..=b'9', b'>'] => 0,
        [.., b'<', b'0'..=b'9', b'>'] => at - 3,
        _ => at,
    })
}

/// `[   12.345678]` at the start.
fn is_stamp(text: &[u8]) -> bool {
    let inner = &text[1..text.len().min(40)];
    let Some(close) = memchr::memchr(b']', inner) else { return false };
    let digits = inner[..close].trim_ascii_start();
    let Some(dot) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { return false };
    let part = &digits[dot + 1..];
    dot > 0 && digits[dot] == b'.' && !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}

/// Up to `most` lines that are not empty, and the empty ones between them, from `start` on.
fn lines_from(text: &[u8], start: usize, most: usize) -> Vec<&[u8]> {
    let mut filled = 0;
    text[start..]
        .split(|byte| *byte == b'\n')
        .take(3 * most)
        .take_while(|line| {
            filled += usize::from(!line.trim_ascii().is_empty());
            filled <= most
        })
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect()
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

/// Whether the lines are just what a console shows, with a stamp in front of every one: the usual case, told quickly.
fn is_console_log(raw: &[&[u8]]) -> bool {
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
fn is_doubled(raw: &[&[u8]]) -> bool {
    let filled: Vec<&&[u8]> = raw.iter().filter(|line| !line.trim_ascii().is_empty()).collect();
    // The first may be the second of its pair.
    [0, 1].into_iter().any(|skip| {
        let pairs = filled.get(skip..).unwrap_or_default().chunks_exact(2);
        let all = pairs.len();
        let same = pairs.filter(|pair| pair[0] == pair[1]).count();
        all >= 2 && same * 10 >= all * 9
    })
}

/// Whether an empty line follows nearly every line.
fn is_spaced(raw: &[&[u8]]) -> bool {
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
fn wrapped_at(raw: &[&[u8]], dressing: &Dressing) -> Option<usize> {
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
fn is_tail(above: &[u8], line: &[u8], width: usize) -> bool {
    let first = line.iter().take_while(|byte| **byte != b' ').count();
    first > 0 && above.len() <= width && above.len() + 1 + first > width && !is_body_start(line)
}

/// A line that begins a block of its own: a rule, a header.
fn is_body_start(line: &[u8]) -> bool {
    line.starts_with(b"=====") || line.starts_with(b"-----") || (begins_report_line(line) && !is_body(line))
}
