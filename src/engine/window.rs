//! The part of a log that one report or event is worked out from, and the way back from its offsets to the log's.

use super::dress::Undressed;
use crate::grammar::{Anchor, Grammar, Scanner};
use crate::line::{lex, wall_clock};
use crate::report::{Context, Excerpt, KeptLine, Line, Structure, describe};
use std::collections::BTreeSet;

/// A report's window in a flooded log, bytes to either side.
pub(super) const FLOODED_WINDOW: usize = 4 << 10;

/// What all reports of one step share. Offsets are those of `text`, which begins `base` bytes into the log.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) text: &'a [u8],
    pub(super) base: u64,
    pub(super) grammar: &'a Grammar,
    pub(super) scanner: &'a Scanner,
    pub(super) anchors: &'a [Anchor],
    pub(super) log: &'a str,
    /// Whether `text` begins with the log's first byte.
    pub(super) begins_log: bool,
    /// [`super::Options::as_syzbot`].
    pub(super) as_syzbot: bool,
    /// [`super::Options::prose`].
    pub(super) prose: bool,
}

/// One thing to work out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Index of its anchor.
    pub(super) at: usize,
    /// 1-based number of its line.
    pub(super) line: u64,
    /// Which boot.
    pub(super) boot: usize,
    /// Index of the event; a report if there is none.
    pub(super) event: Option<usize>,
    /// Whether the log is so full of reports that this one's window is small.
    pub(super) flooded: bool,
}

/// A window as the rules see it.
pub(super) struct View<'a> {
    pub(super) text: &'a [u8],
    pub(super) anchors: &'a [Anchor],
    pub(super) at: usize,
}

impl<'a> View<'a> {
    /// The undressed window if there is one, else the window as it is.
    pub(super) fn of(undressed: Option<&'a Undressed>, window: &'a [u8], anchors: &'a [Anchor], at: usize) -> Self {
        match undressed {
            Some(undressed) => Self { text: &undressed.text, anchors: &undressed.anchors, at: undressed.at },
            None => Self { text: window, anchors, at },
        }
    }
}

/// The window around an anchor: where it begins in the text, its bytes, the anchors in it (offsets of the window) and
/// which of them it is about.
pub(super) fn window<'a>(
    job: &Job<'a>,
    at: usize,
    (above, below): (usize, usize),
) -> (usize, &'a [u8], Vec<Anchor>, usize) {
    let anchor = &job.anchors[at];
    let mut from = anchor.start.saturating_sub(above);
    if from > 0 || !job.begins_log {
        // The line that the window cuts is left out. One that ends right before it is not cut.
        let before = from.saturating_sub(1);
        from =
            memchr::memchr(b'\n', &job.text[before..anchor.start]).map_or(anchor.start, |length| before + length + 1);
    }
    let mut to = job.text.len().min(anchor.start + below);
    if to < job.text.len() {
        to = memchr::memrchr(b'\n', &job.text[anchor.end.min(to)..to])
            .map_or(anchor.end.min(to), |back| anchor.end + back + 1);
    }
    let first = job.anchors[..at].partition_point(|other| other.start < from);
    let last = at + 1 + job.anchors[at + 1..].partition_point(|other| other.start < to);
    let anchors = job.anchors[first..last]
        .iter()
        .map(|other| Anchor { start: other.start - from, end: other.end.min(to) - from, ..other.clone() })
        .collect();
    (from, &job.text[from..to], anchors, at - first)
}

/// From offsets of a window to offsets and lines of the log.
pub(super) struct Place<'a> {
    /// Where the window begins in the log.
    pub(super) from: u64,
    /// Its bytes.
    pub(super) window: &'a [u8],
    /// 1-based log line of the report's first line.
    pub(super) line: u64,
    pub(super) undressed: Option<&'a Undressed>,
    /// Offset of that line in the window (undressed, if it is).
    pub(super) first: usize,
}

impl Place<'_> {
    pub(super) fn offset(&self, offset: usize) -> u64 {
        self.from + self.undressed.map_or(offset, |undressed| undressed.original(offset)) as u64
    }

    /// The end of a line; of an undressed one, where the line that it came from ends.
    pub(super) fn offset_of_end(&self, offset: usize) -> u64 {
        match self.undressed {
            Some(undressed) => self.from + line_end(self.window, undressed.original(offset.saturating_sub(1))) as u64,
            None => self.from + offset as u64,
        }
    }

    pub(super) fn log_line(&self, offset: usize, below: usize) -> u64 {
        match self.undressed {
            Some(undressed) => {
                self.line + (undressed.lines_above(offset).saturating_sub(undressed.lines_above(self.first))) as u64
            }
            None => self.line + below as u64,
        }
    }
}

/// The structure of the first `own` lines. Where the exact rule knows no printer, a prefix may still tell one (`[   T57] `
/// without a stamp): it is taken off and lines of others are left out.
pub(super) fn structure(grammar: &Grammar, excerpt: &Excerpt<'_>, own: usize, place: &Place<'_>) -> Structure {
    let printer = match excerpt.context {
        Context::Unknown => excerpt.lines.first().and_then(|line| lex(&line.text).caller),
        Context::Console | Context::Caller(_) => None,
    };
    let end = excerpt.lines[..own].last().map_or(0, |line| line.offset);
    let mut kept: Vec<&KeptLine<'_>> = excerpt.lines[..own].iter().collect();
    let doubtful = excerpt.doubtful.iter().take_while(|line| line.offset < end || own == excerpt.lines.len());
    let certain = kept.len();
    kept.extend(doubtful);
    kept.sort_by_key(|line| line.offset);
    let lines: Vec<Line<'_>> = kept
        .iter()
        .filter_map(|line| {
            let text = match printer {
                Some(_) => {
                    let prefix = lex(&line.text);
                    let mine = prefix.caller.is_none() || prefix.caller == printer;
                    mine.then(|| &line.text[prefix.message.min(line.text.len())..])?
                }
                None => &line.text,
            };
            let (log_line, offset) = (place.log_line(line.offset, line.below), place.offset(line.offset));
            Some(Line { text, log_line, offset })
        })
        .collect();
    let mut found = describe(grammar, &lines);
    if kept.len() > certain {
        let doubtful: BTreeSet<u64> =
            excerpt.doubtful.iter().map(|line| place.log_line(line.offset, line.below)).collect();
        found.without_doubtful(&doubtful);
    }
    found
}

/// The wall-clock time that stands before the message.
pub(super) fn wall(raw: &[u8], message: &str) -> Option<String> {
    // Most lines have no clock, and only there is the message worth a search.
    memchr::memchr_iter(b':', raw).find(|colon| raw.get(colon + 3) == Some(&b':'))?;
    let end = memchr::memmem::find(raw, message.as_bytes()).unwrap_or(0);
    wall_clock(&raw[..end]).map(|text| String::from_utf8_lossy(text).into_owned())
}

pub(super) fn line_end(text: &[u8], start: usize) -> usize {
    crate::grammar::piece_end(text, start)
}
