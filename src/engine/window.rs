//! The part of a log that one report or event is worked out from, and the way back from its offsets to the log's.

use super::dress::Undressed;
use crate::grammar::{Anchor, Grammar, Scanner};
use crate::line::{lex, wall_clock};
use crate::report::{Context, Excerpt, Printers, Shown, Structure, describe_shown, is_doubted};

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
    /// [`super::Kept::below`].
    pub(super) below: bool,
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

/// The part of the text around an anchor. Offsets are those of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// The text up to where the window ends.
    pub(super) text: &'a [u8],
    /// Where the window begins.
    pub(super) from: usize,
    /// The anchors in it.
    pub(super) anchors: &'a [Anchor],
    /// Which of them it is about.
    pub(super) at: usize,
    /// Whether the text is the job's own, whose printers the reports around have in common.
    shared: bool,
}

impl<'a> Window<'a> {
    /// The window that reaches so many bytes `above` the anchor with that index and `below` it, moved to line starts.
    pub(super) fn around(job: &Job<'a>, at: usize, (above, below): (usize, usize)) -> Self {
        let anchor = &job.anchors[at];
        let mut from = anchor.start.saturating_sub(above);
        if from > 0 || !job.begins_log {
            // The line that the window cuts is left out. One that ends right before it is not cut.
            let before = from.saturating_sub(1);
            from = memchr::memchr(b'\n', &job.text[before..anchor.start])
                .map_or(anchor.start, |length| before + length + 1);
        }
        let mut to = job.text.len().min(anchor.start + below);
        if to < job.text.len() {
            // Its own line is in it, however long.
            to = memchr::memrchr(b'\n', &job.text[anchor.end.min(to)..to])
                .map_or(anchor.end, |back| anchor.end + back + 1);
        }
        let first = job.anchors[..at].partition_point(|other| other.start < from);
        let last = at + 1 + job.anchors[at + 1..].partition_point(|other| other.start < to);
        Self { text: &job.text[..to], from, anchors: &job.anchors[first..last], at: at - first, shared: true }
    }

    /// The same without its dressing, if it has one.
    pub(super) fn shown(self, undressed: Option<&'a Undressed>) -> Self {
        match undressed {
            Some(undressed) => {
                Self { text: &undressed.text, from: 0, anchors: &undressed.anchors, at: undressed.at, shared: false }
            }
            None => self,
        }
    }

    /// Its first line that matters.
    pub(super) fn first(&self) -> &'a Anchor {
        &self.anchors[self.at]
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.text[self.from..]
    }

    /// The lines of its report. `printers` are those of the job's text.
    pub(super) fn excerpt<'job: 'a>(&self, job: &Job<'job>, printers: &mut Printers<'job>) -> Excerpt<'a> {
        let end = self.text.len();
        if self.shared {
            return Excerpt::new(printers, end, self.anchors, self.at);
        }
        // Nobody else reads an undressed text.
        Excerpt::new(&mut Printers::new(&job.grammar.output, self.text), end, self.anchors, self.at)
    }
}

/// From offsets of a window to offsets and lines of the log.
pub(super) struct Place<'a> {
    /// Where the text begins in the log.
    pub(super) base: u64,
    /// The window as it is in the log.
    pub(super) window: Window<'a>,
    /// 1-based log line of the report's first line.
    pub(super) line: u64,
    pub(super) undressed: Option<&'a Undressed>,
    /// Offset of that line in the text (undressed, if it is).
    pub(super) first: usize,
}

impl Place<'_> {
    /// The offset in the text that an offset of the undressed text came from.
    fn original(&self, offset: usize, undressed: &Undressed) -> usize {
        self.window.from + undressed.original(offset)
    }

    pub(super) fn offset(&self, offset: usize) -> u64 {
        self.base + self.undressed.map_or(offset, |undressed| self.original(offset, undressed)) as u64
    }

    /// The end of a line; of an undressed one, where the line that it came from ends.
    pub(super) fn offset_of_end(&self, offset: usize) -> u64 {
        let end = match self.undressed {
            Some(undressed) => line_end(self.window.text, self.original(offset.saturating_sub(1), undressed)),
            None => offset,
        };
        self.base + end as u64
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

/// The structure of the first `own` lines. Where the exact rule knows no printer, a prefix may still name one (`[   T57] `
/// without a stamp): it is taken off and lines of others are left out.
pub(super) fn structure(grammar: &Grammar, excerpt: &Excerpt<'_>, own: usize, place: &Place<'_>) -> Structure {
    let printer = match excerpt.context {
        Context::Unknown => excerpt.lines.first().and_then(|line| lex(&line.text).caller),
        Context::Console | Context::Caller(_) => None,
    };
    // Frames that the unwinder doubts may be the last lines of a report.
    let next = excerpt.lines.get(own).map(|line| line.offset);
    let mut certain = excerpt.lines[..own].iter().peekable();
    let mut doubted = excerpt.doubtful.iter().take_while(|line| next.is_none_or(|next| line.offset < next)).peekable();
    let in_order = std::iter::from_fn(|| match (certain.peek(), doubted.peek()) {
        (Some(line), Some(other)) if other.offset < line.offset => Some((doubted.next()?, true)),
        (None, Some(_)) => Some((doubted.next()?, true)),
        _ => Some((certain.next()?, false)),
    });
    let lines = in_order.filter_map(|(line, doubted)| {
        let text = match printer {
            Some(_) => {
                let prefix = lex(&line.text);
                let mine = prefix.caller.is_none() || prefix.caller == printer;
                mine.then(|| &line.text[prefix.message.min(line.text.len())..])?
            }
            None => &line.text,
        };
        // Where no printer is known, doubted lines stand among the others.
        let doubted = doubted || excerpt.context == Context::Unknown && is_doubted(text, line.letters);
        Some(Shown { text, log_line: place.log_line(line.offset, line.below), letters: line.letters, doubted })
    });
    describe_shown(grammar, lines)
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
