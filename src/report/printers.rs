//! The lines of a text by who printed them, looked at once for all reports of the same printer.

use super::callers::{behind_callers, behind_usual_stamps, has_caller, may_be_passed};
use super::console::{Console, Context, console, unpadded};
use super::printed::{KeptLine, Printed, printed, trim_returns};
use crate::grammar::{Anchor, Output, line_breaks};
use crate::line::{USUAL_STAMP, is_usual_stamp};
use memchr::memmem::Finder;
use std::ops::Range;

/// So many printers are remembered.
const REMEMBERED: usize = 64;
/// Most reports have no more lines.
pub(super) const USUAL_LINES: usize = 128;
/// So many lines above the report at hand are kept.
const KEPT_ABOVE: usize = 4096;

/// The printers of a text, as far as reports asked for their lines.
///
/// What is found depends on the text alone: it is kept because the windows of reports overlap, and a text full of reports would
/// else be looked at as often as it has reports.
#[derive(Debug)]
pub struct Printers<'a> {
    output: &'a Output,
    text: &'a [u8],
    known: Vec<Printer<'a>>,
    /// Which is replaced by the next new one.
    oldest: usize,
}

/// One printer.
#[derive(Debug)]
struct Printer<'a> {
    context: Context<'a>,
    /// A caller's lines hold its name, so that the others need not even be looked at.
    name: Option<Finder<'a>>,
    /// Whether lines with the names of others may be passed in blocks.
    passes: bool,
    /// Its lines, in order, without a gap up to `reached`.
    lines: Vec<Printed<'a>>,
    /// The beginning of the first line that was not looked at.
    reached: usize,
    /// The beginning of the line below the last one that was taken, and how many lines of the text are between the first of
    /// `lines` and it.
    counted: (usize, usize),
}

/// A line of a printer, found below others.
struct Next<'a> {
    span: Range<usize>,
    prefix: Console<'a>,
    /// How many lines of the text are between the last one that was taken and it.
    skipped: usize,
}

impl<'a> Printers<'a> {
    /// Its rules.
    pub(super) fn output(&self) -> &'a Output {
        self.output
    }

    /// The printers of `text`, by the rules of `output`.
    #[must_use]
    pub fn new(output: &'a Output, text: &'a [u8]) -> Self {
        Self { output, text, known: Vec::new(), oldest: 0 }
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// How many lines of printers were read.
    #[cfg(test)]
    pub(super) fn lines_read(&self) -> usize {
        self.known.iter().map(|printer| printer.lines.len()).sum()
    }

    /// The lines up to `end` of the printer and of all CPUs.
    pub(super) fn everybody(&self, end: usize, printer: &Console<'a>) -> Everybody<'a> {
        let passes = may_be_passed(printer);
        Everybody { output: self.output, text: &self.text[..end], printer: printer.context, passes }
    }

    /// The line of the anchor, of which `prefix` is the prefix, and those that its printer printed below.
    pub(super) fn from(&mut self, first: &Anchor, prefix: &Console<'a>) -> Below<'_, 'a> {
        // What follows a piece of a very long line begins no line.
        let shared = self.text.get(first.end).is_none_or(|byte| *byte == b'\n');
        let found = self.known.iter().enumerate().filter(|_| shared).find_map(|(number, printer)| {
            let same = printer.context.is_same(prefix.context);
            Some((
                number,
                printer.lines.binary_search_by_key(&first.start, |line| line.line.offset).ok().filter(|_| same)?,
            ))
        });
        let (number, at) =
            found.unwrap_or_else(|| (self.remember(Printer::beginning(self.output, self.text, first, prefix)), 0));
        let printer = &mut self.known[number];
        let gone = if at > KEPT_ABOVE { at } else { 0 };
        printer.lines.drain(..gone);
        Below { output: self.output, text: self.text, printer, at: at - gone }
    }

    /// Remembers a printer in place of itself as it was further above, or of the oldest.
    fn remember(&mut self, printer: Printer<'a>) -> usize {
        let known = self.known.iter().position(|known| known.context.is_same(printer.context));
        let number = known.unwrap_or(if self.known.len() < REMEMBERED { self.known.len() } else { self.oldest });
        match self.known.get_mut(number) {
            Some(place) => *place = printer,
            None => self.known.push(printer),
        }
        if known.is_none() {
            self.oldest = (number + 1) % REMEMBERED;
        }
        number
    }
}

impl<'a> Printer<'a> {
    fn beginning(output: &Output, text: &'a [u8], first: &Anchor, prefix: &Console<'a>) -> Self {
        let name = if let Context::Caller(name) = prefix.context { Some(Finder::new(unpadded(name))) } else { None };
        let raw = trim_returns(&text[first.start..first.end]);
        let line = printed(output, prefix, raw, first.start..first.end, 0);
        let mut lines = Vec::with_capacity(USUAL_LINES);
        lines.push(line);
        let (passes, below) = (may_be_passed(prefix), first.end + 1);
        Self { context: prefix.context, name, passes, lines, reached: below, counted: (below, 1) }
    }

    /// Looks for its next line before `end`; false if there is none.
    fn advance(&mut self, output: &Output, text: &'a [u8], end: usize) -> bool {
        if self.reached >= end {
            return false;
        }
        let Some(Next { span, prefix, skipped }) = (match &self.name {
            Some(name) => self.named(name, text, end),
            None => self.nameless(text, end),
        }) else {
            self.reached = end;
            return false;
        };
        self.reached = span.end + 1;
        let number = self.counted.1 + skipped;
        self.counted = (self.reached, number + 1);
        let raw = trim_returns(&text[span.clone()]);
        self.lines.push(printed(output, &prefix, raw, span, number));
        true
    }

    /// How many lines are between the last one that was taken and `to`: mostly none, else lines of others, and what was looked at
    /// without success.
    fn passed(&self, text: &[u8], to: usize) -> usize {
        line_breaks(&text[self.counted.0..to]) as usize
    }

    /// The next line with the name of the caller that is its own.
    fn named(&self, name: &Finder<'_>, text: &'a [u8], end: usize) -> Option<Next<'a>> {
        let mut from = self.reached;
        loop {
            let hit = from + name.find(text.get(from..end)?)?;
            let start = memchr::memrchr(b'\n', &text[from..hit]).map_or(from, |back| from + back + 1);
            let stop = memchr::memchr(b'\n', &text[hit..end]).map_or(end, |length| hit + length);
            let raw = trim_returns(&text[start..stop]);
            let prefix = usual_prefix(raw, self.context).unwrap_or_else(|| console(raw));
            if prefix.context.is_same(self.context) {
                return Some(Next { span: start..stop, prefix, skipped: self.passed(text, start) });
            }
            from = stop + 1;
        }
    }

    /// The next line without the name of a caller.
    fn nameless(&self, text: &'a [u8], end: usize) -> Option<Next<'a>> {
        let text = &text[..end];
        let mut start = self.reached;
        loop {
            // Most lines of a log with callers are passed here.
            start = match self.context {
                Context::Unknown => behind_usual_stamps(text, start),
                _ if self.passes => behind_callers(text, start),
                _ => start,
            };
            if start >= end {
                return None;
            }
            let stop = memchr::memchr(b'\n', &text[start..]).map_or(end, |length| start + length);
            let raw = trim_returns(&text[start..stop]);
            let other = self.context == Context::Console && has_caller(raw);
            let prefix = if other { None } else { Some(console(raw)) };
            if let Some(prefix) = prefix.filter(|prefix| prefix.context.is_same(self.context)) {
                return Some(Next { span: start..stop, prefix, skipped: self.passed(text, start) });
            }
            start = stop + 1;
        }
    }
}

/// A reader of the lines of one printer.
#[derive(Debug)]
pub(super) struct Below<'p, 'a> {
    output: &'a Output,
    text: &'a [u8],
    printer: &'p mut Printer<'a>,
    /// Index of the line at which it is.
    at: usize,
}

impl<'a> Below<'_, 'a> {
    /// The line at which it is.
    pub(super) fn line(&self) -> Option<&KeptLine<'a>> {
        Some(&self.printer.lines.get(self.at)?.line)
    }

    /// The next line, if it begins before `end`, where a line ends.
    pub(super) fn next(&mut self, end: usize) -> Option<&Printed<'a>> {
        if self.at + 1 == self.printer.lines.len() && !self.printer.advance(self.output, self.text, end) {
            return None;
        }
        let next = self.printer.lines.get(self.at + 1).filter(|line| line.line.offset < end)?;
        self.at += 1;
        Some(next)
    }
}

/// The lines of a printer and of all CPUs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Everybody<'a> {
    output: &'a Output,
    text: &'a [u8],
    printer: Context<'a>,
    passes: bool,
}

impl<'a> Everybody<'a> {
    /// Those from offset `at` on, where the line with that number begins.
    pub(super) fn from(self, (at, number): (usize, usize)) -> impl Iterator<Item = Printed<'a>> {
        let (mut at, mut number) = (at, number);
        let lines = std::iter::from_fn(move || {
            if self.passes && at < self.text.len() {
                let next = behind_callers(self.text, at);
                (at, number) = (next, number + line_breaks(&self.text[at..next]) as usize);
            }
            (at < self.text.len()).then(|| {
                let stop = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |length| at + length);
                let line = (at..stop, number);
                (at, number) = (stop + 1, number + 1);
                line
            })
        });
        lines.filter_map(move |(span, number)| {
            let raw = trim_returns(&self.text[span.clone()]);
            if self.printer == Context::Console && has_caller(raw) {
                return None;
            }
            let prefix = console(raw);
            let fits = prefix.context.is_same(self.printer) || prefix.context.is_cpu();
            fits.then(|| printed(self.output, &prefix, raw, span, number))
        })
    }
}

/// The prefix of a line whose printer's name stands behind a stamp of the usual width, letter by letter.
fn usual_prefix<'a>(line: &'a [u8], printer: Context<'_>) -> Option<Console<'a>> {
    let (Context::Caller(name), true) = (printer, is_usual_stamp(line)) else { return None };
    let (stamp, behind) = line.split_at(USUAL_STAMP);
    let is_its = behind.starts_with(name) && behind.get(name.len()) == Some(&b' ');
    is_its.then(|| Console {
        context: Context::Caller(&behind[..name.len()]),
        stamp: Some(&stamp[1..USUAL_STAMP - 1]),
        message: USUAL_STAMP + name.len() + 1,
    })
}
