//! A line that matters: where it stands, and what it may be the beginning, a part or the end of.

use crate::line::BootMark;

/// A line that matters, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchor {
    /// Offset of the line, bytes.
    pub start: usize,
    /// Offset of its end, line break excluded.
    pub end: usize,
    /// How many lines are above it: of what was scanned, or of the log, for whoever knows what came before. Counted where the line
    /// may be a report or an event.
    pub lines: u64,
    /// Index of the header that it holds.
    pub header: Option<usize>,
    /// It belongs to the report above, if there is one.
    pub part: bool,
    /// Its header carries on reports of other headers.
    pub carries_on: bool,
    /// It ends the report above, if it comes later in one.
    pub second: bool,
    /// The kernel panicked.
    pub panicked: bool,
    /// Reports around it are side effects.
    pub suppressed: bool,
    /// The console was cut off.
    pub disconnected: bool,
    /// The line before it will be printed again.
    pub replay: bool,
    /// A boot passes one of its marks.
    pub boot: Option<BootMark>,
    /// It names the program of a test executor (`Comm: syz.0.17`).
    pub executor: bool,
    /// It is what a warning says in words, by which the warning is named.
    pub worded: bool,
    /// The events that it may be.
    pub events: Candidates,
}

impl Anchor {
    /// Whether the line may be the first of a report or an event.
    #[must_use]
    pub fn is_record(&self) -> bool {
        self.header.is_some() || !self.events.is_empty()
    }
}

/// Events that a line may be, in order. Nearly always it is one, which is kept in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    first: Option<Candidate>,
    others: Vec<Candidate>,
}

impl Candidates {
    pub(super) fn new(all: &[Candidate]) -> Self {
        let (first, others) = all.split_first().map_or((None, &[][..]), |(first, others)| (Some(*first), others));
        Self { first, others: others.to_vec() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.first.iter().chain(&self.others)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// An event that a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Index of the event.
    pub event: usize,
    /// Whether the line by itself shows that it is one, of the kernel's: the message fits the event's pattern.
    pub sure: bool,
}
