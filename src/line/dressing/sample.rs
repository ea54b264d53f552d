//! The lines around a report, and what they share in front of their messages.

use super::super::landmarks::{begins_report_line, is_body};
use super::super::plain::plain;
use super::super::stamp::core;
use super::super::{Wrapper, lex};
use super::layer::{Layer, touching};
use super::shape::Shape;
use super::tag::Tag;
use super::{LONGEST, STAMPED_SHARE, message, stamp_at};
use std::borrow::Cow;

/// How many of a hundred lines must agree on a wrapper that is known.
const KNOWN_SHARE: usize = 80;
/// How many of a hundred lines must end alike, and how many lines there must be.
pub(super) const SUFFIX_SHARE: usize = 95;
pub(super) const SUFFIX_LINES: usize = 6;

/// More lines than this of a report show its dressing without those above it.
const OWN: usize = 3;

/// A line that was cut is longer than this, bytes, and its rest is no more than so many lines.
const LONG: usize = 50;
const TAIL: usize = 8;

/// What people set before the lines that they quote.
const MARKS: &[u8] = b"|>:+#";

/// So many blanks or a tab make a block of code of a paragraph.
const QUOTED: usize = 4;

/// The lines of which a dressing is inferred.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    /// Not empty; the one that matters first, then those below it, then those above it.
    pub(super) lines: Vec<Cow<'a, [u8]>>,
    /// How many of them are the first and those below it.
    pub(super) below: usize,
}

impl Sample<'_> {
    /// The next layer that the lines share.
    pub(super) fn layer(&self, before: &[Layer]) -> Option<Layer> {
        if !before.contains(&Layer::Plain) && self.lines.iter().any(|line| plain(line) != *line) {
            return Some(Layer::Plain);
        }
        let known = |layer: &Layer| matches!(layer, Layer::Known(_));
        if before.iter().filter(|layer| known(layer)).count() < 3
            && let Some(wrapper) = self.known()
        {
            return Some(Layer::Known(wrapper));
        }
        if !before.iter().any(|layer| matches!(layer, Layer::Suffix(_)))
            && let Some(end) = self.suffix()
        {
            return Some(Layer::Suffix(end));
        }
        let stamps: Vec<Option<usize>> = self.lines.iter().map(|line| stamp_at(line)).collect();
        if self.agree(|line| stamp_at(line).is_some()) {
            if stamps.iter().flatten().any(|at| *at > 0)
                && !before.iter().any(|layer| matches!(layer, Layer::BeforeStamp(_)))
            {
                return Some(Layer::BeforeStamp(self.shared(&stamps)));
            }
            if core(&self.lines[0]).is_some() && !before.contains(&Layer::Core) {
                return Some(Layer::Core);
            }
            if touching(&self.lines[0]).is_some() && !before.contains(&Layer::Touching) {
                return Some(Layer::Touching);
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
        if !before.iter().any(|layer| matches!(layer, Layer::Tag(_)))
            && let Some(tag) = self.levels()
        {
            return Some(Layer::Tag(tag));
        }
        if let Some(shape) = self.shape() {
            return Some(self.of_kernel().map_or(Layer::Shape(shape), Layer::Known));
        }
        if before.iter().any(|layer| matches!(layer, Layer::Indent(_))) {
            return None;
        }
        let shared = self.lines.iter().map(|line| blanks(line)).min();
        shared.filter(|indent| *indent > 0 && self.lines.len() > 1).or_else(|| self.quoted()).map(Layer::Indent)
    }

    /// What stands before most stamps, letter for letter.
    fn shared(&self, stamps: &[Option<usize>]) -> Option<Vec<u8>> {
        let found = || self.lines.iter().zip(stamps).filter_map(|(line, at)| at.map(|at| &line[..at]));
        let first = found().next().filter(|first| !first.is_empty())?;
        let alike = found().filter(|before| *before == first).count();
        (alike * 100 >= found().count() * KNOWN_SHARE).then(|| first.to_vec())
    }

    /// The levels of the messages as words, which stand in front of all of the report's own lines.
    fn levels(&self) -> Option<Tag> {
        let own = self.lines[..self.below].iter().map(|line| line.as_ref());
        let own: Vec<&[u8]> = own.take_while(|line| Tag::has_level(line)).collect();
        (own.len() > OWN).then(|| Tag::of(&own))?.filter(Tag::is_level)
    }

    /// How far a block of lines stands in that somebody quotes between words of his own, as Markdown has it.
    fn quoted(&self) -> Option<usize> {
        let own = self.lines[..self.below].iter();
        let block = own.take_while(|line| line.starts_with(b"\t") || blanks(line) >= QUOTED).map(|line| blanks(line));
        (block.clone().count() > OWN).then(|| block.min())?
    }

    /// What nearly all lines end with, if that is not a part of a word.
    fn suffix(&self) -> Option<Vec<u8>> {
        let [first, second, ..] = &self.lines[..] else { return None };
        let shared = first.iter().rev().zip(second.iter().rev()).take_while(|(one, other)| one == other).count();
        let mut end = &first[first.len() - shared..];
        while end.first().is_some_and(u8::is_ascii_alphanumeric) {
            end = &end[1..];
        }
        // The shorter, the more lines of the kernel end with it by themselves.
        while !end.trim_ascii().is_empty() {
            let with = self.lines.iter().filter(|line| line.ends_with(end)).count();
            if with * 100 >= self.lines.len() * SUFFIX_SHARE && self.lines.len() >= SUFFIX_LINES {
                return Some(end.to_vec());
            }
            end = &end[1..];
            while end.first().is_some_and(u8::is_ascii_alphanumeric) {
                end = &end[1..];
            }
        }
        None
    }

    /// The wrapper of most lines; records that take several lines are recognised by their first.
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
        (most(count, self.lines.len()) || (self.below > OWN && most(own, self.below))).then_some(wrapper)
    }

    /// The wrapper of the first line, if it names the kernel: of the lines of programs only a part of it is there, the date.
    fn of_kernel(&self) -> Option<Wrapper> {
        let first = lex(&self.lines[0]);
        (first.tag == Some(b"kernel") && first.wrapper.has_tag()).then_some(first.wrapper)
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
        tried(&self.lines[..self.below])
            .or_else(|| tried(&self.lines))
            .or_else(|| self.marked().and_then(|block| tried(&self.lines[..block])))
            .or_else(|| self.run().and_then(|lines| tried(&lines)))
    }

    /// The report's own lines that begin with the word that its first one begins with, where others' words follow them. What was cut
    /// off a long line has not that word.
    fn run(&self) -> Option<Vec<Cow<'_, [u8]>>> {
        let own = &self.lines[..self.below];
        // What stands before stamps is taken off otherwise.
        let first = opening(&own[0]).filter(|first| *first != b"[" && stamp_at(&own[0]).is_none())?;
        let (mut lines, mut end) = (Vec::new(), 0);
        for (at, line) in own.iter().enumerate() {
            if opening(line) == Some(first) {
                lines.push(Cow::Borrowed(line.as_ref()));
                end = at + 1;
            } else if at - end >= TAIL || own[at - 1].len() < LONG {
                break;
            }
        }
        let goes_on = own[end..].iter().take(OWN).any(|line| is_body(line));
        (lines.len() > OWN && !goes_on).then_some(lines)
    }

    /// How many of the report's own lines begin with the mark that somebody set before each of them when he put them between
    /// words of his own. Where the report goes on without it, it was taken off some of the lines already.
    fn marked(&self) -> Option<usize> {
        let mark = |line: &[u8]| line.trim_ascii_start().first().copied().filter(|mark| MARKS.contains(mark));
        let first = mark(&self.lines[0])?;
        let own = &self.lines[..self.below];
        let block = own.iter().take_while(|line| mark(line) == Some(first)).count();
        let goes_on = own[block..].iter().take(OWN).any(|line| is_body(line));
        (block > OWN && !goes_on).then_some(block)
    }

    pub(super) fn take_off(&mut self, layer: &Layer) {
        for line in &mut self.lines {
            if let Some(text) = layer.off(line).0 {
                *line = Cow::Owned(text);
            }
        }
        // Lines that had nothing but the layer say no more; the one that matters stays.
        let own = self.lines[..self.below].iter().enumerate();
        self.below = own.filter(|(at, line)| *at == 0 || !line.trim_ascii().is_empty()).count();
        let mut at = 0;
        self.lines.retain(|line| {
            at += 1;
            at == 1 || !line.trim_ascii().is_empty()
        });
    }

    pub(super) fn is_stamped(&self) -> bool {
        self.agree(|line| stamp_at(line) == Some(0))
    }

    /// Whether most lines have a stamp as asked. A report's own lines say more than what stands above it: somebody's words,
    /// another log.
    fn agree(&self, has: impl Fn(&[u8]) -> bool) -> bool {
        let enough = |lines: &[Cow<'_, [u8]>]| {
            let having = lines.iter().filter(|line| has(line)).count();
            having * 100 >= lines.len() * STAMPED_SHARE
        };
        enough(&self.lines) || (self.below > OWN && enough(&self.lines[..self.below]))
    }
}

/// With what a line begins: a mark, or the first of several words.
fn opening(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_start();
    let length = match line.first()? {
        mark if MARKS.contains(mark) => 1,
        _ => memchr::memchr(b' ', line)?,
    };
    // Items of a list begin with a mark, too.
    (length > 1 || MARKS.contains(&line[0])).then_some(&line[..length])
}

/// How many blanks a line begins with.
fn blanks(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether a line begins with a form that the lexer knows.
fn is_known(line: &[u8]) -> bool {
    let prefix = lex(line);
    prefix.wrapper != Wrapper::None || prefix.time.is_some()
}

/// Whether a record of this form takes several lines, of which only some look like it.
pub(super) fn spreads(wrapper: Wrapper) -> bool {
    matches!(wrapper, Wrapper::DmesgJson | Wrapper::JournalExport | Wrapper::Kmsg | Wrapper::Netconsole)
}
