//! What threads do at the same time: parts of the text that they scan, reports and events that they work out.

use super::super::analyse::{Found, report};
use super::super::event::event;
use super::super::threads::in_order_beside;
use super::super::window::{Job, Spot};
use super::{BATCH, Reading, thread_count};
use crate::grammar::{Anchor, Gaps};
use crate::report::Printers;
use std::ops::Range;
use std::sync::PoisonError;

/// What a thread scans before it asks for more, bytes: so little that none waits long for another at the end.
pub(super) const PART: usize = 256 << 10;
/// Into so many parts for each thread the reports and events that are due are divided.
const NEIGHBOURS: usize = 8;

/// What was found in a text that was scanned.
#[derive(Debug)]
pub(in super::super) struct Scanned {
    pub(super) parts: Vec<ScannedPart>,
    /// Where what was scanned ends.
    pub(super) end: usize,
    /// Whether the log ends there.
    pub(super) finished: bool,
}

/// What was found in a part of it.
#[derive(Debug)]
pub(super) struct ScannedPart {
    /// Where the part begins.
    pub(super) from: usize,
    pub(super) anchors: Vec<Anchor>,
    /// Up to where lines were counted, and how many there are from the part's beginning on.
    pub(super) counted: (usize, u64),
    pub(super) gaps: Gaps,
}

/// Reports and events that are to be worked out.
#[derive(Debug)]
pub(in super::super) struct Due {
    pub(super) spots: Vec<Spot>,
    /// The first anchor behind them.
    pub(super) until: usize,
}

/// What one thread does at a time.
enum Part<'a> {
    /// Works some reports and events out.
    Due(&'a [Spot]),
    /// Scans a part of a text.
    Below(&'a [u8], usize),
}

/// What came of it.
enum Done {
    Due(Vec<Found>),
    Below(ScannedPart),
}

impl Reading {
    /// Where the parts begin, of what was not scanned yet, that are scanned at the same time.
    pub(super) fn starts(&self, end: usize) -> Vec<usize> {
        (self.scanned..end).step_by(PART).collect()
    }

    /// Looks for the anchors of a part.
    pub(super) fn scan_part(&self, text: &[u8], start: usize) -> ScannedPart {
        self.scan(text, part(text, self.scanned, start, PART))
    }

    /// Looks for the anchors of the lines that begin in the span.
    pub(super) fn scan(&self, text: &[u8], span: Range<usize>) -> ScannedPart {
        let rooms = || self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = rooms().pop().unwrap_or_default();
        let (from, mut anchors) = (span.start, Vec::new());
        let counted = self.scanner.scan_into(&self.options.grammar, text, span, &mut room, &mut anchors);
        let gaps = room.take_gaps();
        rooms().push(room);
        ScannedPart { from, anchors, counted, gaps }
    }

    /// Works out what is due in the text, scans the text that is known `below` it (and whether the log ends there), and does something
    /// `here` meanwhile. Nothing of it changes the state.
    pub(in super::super) fn work_out<T>(
        &self,
        threads: usize,
        text: &[u8],
        Due { spots, .. }: &Due,
        below: Option<(&[u8], bool)>,
        here: impl FnOnce() -> T,
    ) -> (Vec<Found>, Option<Scanned>, T) {
        let job = Job {
            text,
            base: self.base,
            grammar: &self.options.grammar,
            scanner: &self.scanner,
            anchors: &self.anchors,
            log: &self.options.log,
            begins_log: self.base == 0,
            as_syzbot: self.options.as_syzbot,
            prose: self.options.prose,
            below: self.options.kept.below,
        };
        let threads = thread_count(threads);
        // Neighbours share what is found of the printers around them.
        let share = if threads < 2 { BATCH } else { spots.len().div_ceil(NEIGHBOURS * threads).clamp(1, BATCH) };
        // What takes long comes first: nobody waits long for another at the end.
        let mut parts: Vec<Part<'_>> = spots.chunks(share).map(Part::Due).collect();
        let below = below.map(|(text, finished)| (&text[..self.end_of(text, finished)], finished));
        if let Some((text, _)) = below {
            parts.extend(self.starts(text.len()).into_iter().map(|start| Part::Below(text, start)));
        }
        let (done, told) = in_order_beside(threads, &parts, |part| self.work_on(&job, part), here);
        let (mut found, mut parts) = (Vec::with_capacity(spots.len()), Vec::new());
        for part in done {
            match part {
                Done::Due(more) => found.extend(more),
                Done::Below(part) => parts.push(part),
            }
        }
        (found, below.map(|(text, finished)| Scanned { parts, end: text.len(), finished }), told)
    }

    fn work_on(&self, job: &Job<'_>, part: &Part<'_>) -> Done {
        match *part {
            Part::Due(spots) => {
                let mut printers = Printers::new(&job.grammar.output, job.text);
                let found = |spot: &Spot| match spot.event {
                    Some(number) => event(job, spot, number, &mut printers)
                        .map_or(Found::Nothing, |event| Found::Event(Box::new(event))),
                    None => report(job, spot, &mut printers),
                };
                Done::Due(spots.iter().map(found).collect())
            }
            Part::Below(text, start) => Done::Below(self.scan_part(text, start)),
        }
    }
}

/// The lines that begin within `size` bytes from `start` on, as a part of a text that is read from the beginning of a line `from` on.
/// Whoever reads a part finds it, so that nobody passes over the whole text before.
fn part(text: &[u8], from: usize, start: usize, size: usize) -> Range<usize> {
    let next_line = |at: usize, end: usize| memchr::memchr(b'\n', &text[at - 1..end - 1]).map(|length| at + length);
    let end = start + size;
    let first = if start == from { Some(from) } else { next_line(start, end.min(text.len())) };
    match first {
        Some(first) if end < text.len() => first..next_line(end, text.len()).unwrap_or(text.len()),
        Some(first) => first..text.len(),
        // A line that begins before and ends behind.
        None => start..start,
    }
}

#[cfg(test)]
mod tests {
    use super::part;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_line_is_in_the_part_in_which_it_begins(text in "[ab\n]{0,60}", from in 0_usize..60, size in 1_usize..12) {
            let text = text.as_bytes();
            // From the beginning of a line on.
            let from = text[..from.min(text.len())].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let begins = |at: &usize| *at == from || text[at - 1] == b'\n';
            for start in (from..text.len()).step_by(size) {
                let lines: Vec<usize> = (start..text.len().min(start + size)).filter(begins).collect();
                let part = part(text, from, start, size);
                prop_assert_eq!(part.clone().filter(begins).collect::<Vec<_>>(), lines.clone());
                if !lines.is_empty() {
                    let next = (start + size..text.len()).find(begins).unwrap_or(text.len());
                    prop_assert_eq!(part, lines[0]..next);
                }
            }
        }
    }
}
