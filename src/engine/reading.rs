//! The state of one log's reading: what was scanned, what is open, how far lines were counted.

use super::analyse::{Found, report};
use super::causes::Causes;
use super::event::event;
use super::window::{Job, Spot};
use super::threads::in_order_beside;
use super::{Item, Options, Summary, in_order, thread_count};
use crate::grammar::{Anchor, CLOSE, Gaps, PIECE, Room, Scanner, line_breaks};
use crate::line::{BootMark, Header, Speaker, begins_boot, speaker};
use crate::report::{Event, Printers, Report, WINDOW, is_inlined_copy};
use std::ops::Range;
use std::sync::Arc;

/// Below twice this size scanning is not worth a second thread, bytes.
const SEGMENT: usize = 4 << 20;
/// What a thread scans before it asks for more, bytes: so little that none waits long for another at the end.
const PART: usize = 256 << 10;
/// How many reports may begin within one window before the log counts as flooded: from then on each one's window is
/// [`FLOODED_WINDOW`], so that a hostile log costs no more than an honest one.
const FLOOD: usize = 512;
/// How many reports and events are worked out before they are handed on: what is held in memory depends on this, not on the
/// log.
const BATCH: usize = 1024;
/// Fewer are worked out before another thread would have woken up.
const FEW: usize = 8;
/// Into so many parts for each thread they are divided.
const NEIGHBOURS: usize = 8;

/// Offsets in here are those of the text at hand, which begins `base` bytes into the log.
#[derive(Debug)]
pub(super) struct Reading {
    options: Options,
    scanner: Arc<Scanner>,
    base: u64,
    /// Lines that begin before this were scanned. The beginning of a line or of a piece of one.
    scanned: usize,
    /// Up to where lines were counted, and how many.
    counted: (usize, u64),
    room: Room,
    /// In order.
    anchors: Vec<Anchor>,
    /// Boot number of each anchor.
    boots: Vec<usize>,
    /// The first anchor that is not announced.
    announced: usize,
    /// The first anchor that is not closed.
    closed: usize,
    last_boot: Option<BootMark>,
    last_boot_end: usize,
    boot: usize,
    reports: usize,
    events: usize,
    /// Severe events so far, worked out or not, and lesser ones.
    severe: usize,
    lesser: usize,
    /// Those of them that were only counted.
    further: u64,
    causes: Causes,
    others: u64,
    gaps: Gaps,
    /// Whether anything at all came before the first boot mark.
    finished: bool,
}

/// What was found in a text that was scanned.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    parts: Vec<ScannedPart>,
    /// Where what was scanned ends.
    end: usize,
    /// Whether the log ends there.
    finished: bool,
}

/// What was found in a part of it.
#[derive(Debug)]
struct ScannedPart {
    /// Where the part begins.
    from: usize,
    anchors: Vec<Anchor>,
    /// Up to where lines were counted, and how many there are from the part's beginning on.
    counted: (usize, u64),
    gaps: Gaps,
}

/// Reports and events that are to be worked out.
#[derive(Debug, Default)]
pub(super) struct Due {
    spots: Vec<Spot>,
    /// The first anchor behind them.
    until: usize,
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
    pub(super) fn new(options: Options) -> Self {
        let scanner = options.grammar.scanner(options.events, options.gaps, options.as_syzbot);
        Self {
            options,
            scanner,
            base: 0,
            scanned: 0,
            counted: (0, 0),
            room: Room::default(),
            anchors: Vec::new(),
            boots: Vec::new(),
            announced: 0,
            closed: 0,
            last_boot: None,
            last_boot_end: 0,
            boot: 0,
            reports: 0,
            events: 0,
            severe: 0,
            lesser: 0,
            further: 0,
            causes: Causes::default(),
            others: 0,
            gaps: Gaps::default(),
            finished: false,
        }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Takes the text as far as it is known now. What it completes is reported by [`Reading::announce`], then by
    /// [`Reading::close`].
    pub(super) fn advance(&mut self, text: &[u8], finished: bool) {
        let end = self.end_of(text, finished);
        // Asking for the number of processors takes longer than a small log does.
        let threads = if end - self.scanned < 2 * SEGMENT { 1 } else { thread_count(self.options.threads) };
        let mut parts = Vec::new();
        if threads < 2 {
            let mut room = std::mem::take(&mut self.room);
            parts.push(self.scan(text, self.scanned..end, &mut room));
            self.room = room;
        } else {
            let starts = self.starts(end);
            parts = in_order(threads, &starts, |start| self.scan_part(&text[..end], *start));
        }
        self.take(text, Scanned { parts, end, finished });
    }

    /// Where the text ends that can be scanned.
    fn end_of(&self, text: &[u8], finished: bool) -> usize {
        if finished { text.len() } else { self.complete(text) }.max(self.scanned)
    }

    /// Where the last complete line, or piece of a very long one, ends.
    fn complete(&self, text: &[u8]) -> usize {
        let start = memchr::memrchr(b'\n', &text[self.scanned..]).map_or(self.scanned, |at| self.scanned + at + 1);
        start + (text.len() - start) / PIECE * PIECE
    }

    /// Where the parts begin, of what was not scanned yet, that are scanned at the same time.
    fn starts(&self, end: usize) -> Vec<usize> {
        (self.scanned..end).step_by(PART).collect()
    }

    /// Looks for the anchors of a part.
    fn scan_part(&self, text: &[u8], start: usize) -> ScannedPart {
        self.scan(text, part(text, self.scanned, start, PART), &mut Room::default())
    }

    fn scan(&self, text: &[u8], span: Range<usize>, room: &mut Room) -> ScannedPart {
        let (from, mut anchors) = (span.start, Vec::new());
        let counted = self.scanner.scan_into(&self.options.grammar, &text[..span.end], span, room, &mut anchors);
        ScannedPart { from, anchors, counted, gaps: room.take_gaps() }
    }

    /// Takes in what was found in the text.
    pub(super) fn take(&mut self, text: &[u8], scanned: Scanned) {
        self.finished = scanned.finished;
        let before = self.anchors.len();
        for ScannedPart { from, mut anchors, counted, gaps } in scanned.parts {
            let known = self.anchors.len();
            self.anchors.append(&mut anchors);
            add(&mut self.gaps, gaps);
            self.number_lines(text, from, known, counted);
        }
        self.number_boots(text, before);
        self.scanned = scanned.end;
    }

    /// Gives the anchors from `known` on, which were found from `from` on, their lines in the log. `counted` is how far lines
    /// were counted there.
    fn number_lines(&mut self, text: &[u8], from: usize, known: usize, counted: (usize, u64)) {
        if !self.anchors[known..].iter().any(Anchor::is_record) {
            return;
        }
        let above = self.counted.1 + self.line_breaks(&text[self.counted.0..from]);
        self.anchors[known..].iter_mut().for_each(|anchor| anchor.lines += above);
        self.counted = (counted.0, above + counted.1);
    }

    /// How many lines end in a text; where it is long, threads count.
    fn line_breaks(&self, text: &[u8]) -> u64 {
        if text.len() < 2 * SEGMENT {
            return line_breaks(text);
        }
        let parts: Vec<&[u8]> = text.chunks(PART).collect();
        in_order(thread_count(self.options.threads), &parts, |part| line_breaks(part)).into_iter().sum()
    }

    /// Numbers the boots of the anchors from `known` on.
    fn number_boots(&mut self, text: &[u8], known: usize) {
        for anchor in &self.anchors[known..] {
            if let Some(mark) = anchor.boot {
                let quiet = self.last_boot_end <= anchor.start && !has_stamp(&text[self.last_boot_end..anchor.start]);
                let first = self.last_boot.is_none();
                if begins_boot(self.last_boot, mark, quiet)
                    && (!first || anchor.start > 0 && has_stamp(&text[..anchor.start]))
                {
                    self.boot += 1;
                }
                self.last_boot = Some(mark);
                self.last_boot_end = anchor.end;
            }
            self.boots.push(self.boot);
        }
    }

    /// A report begins here: it has a header, is not printed again, and is not a copy of the line above.
    fn opens(&self, text: &[u8], at: usize) -> Option<usize> {
        let anchor = &self.anchors[at];
        let header = anchor.header?;
        let replayed = self.anchors.get(at + 1).is_some_and(|next| next.replay && next.start == anchor.end + 1);
        let copied = at > 0
            && self.anchors[at - 1].end + 1 == anchor.start
            && self.anchors[at - 1].header == anchor.header
            && is_inlined_copy(&text[self.anchors[at - 1].start..self.anchors[at - 1].end]);
        (!replayed && !copied && !self.carries_on(at, header) && !self.introduces(at, header)).then_some(header)
    }

    /// The line is the beginning of a report whose header stands close below.
    fn introduces(&self, at: usize, header: usize) -> bool {
        let with = &self.options.grammar.headers[header].introduces;
        let start = self.anchors[at].start;
        !with.is_empty()
            && self.anchors[at + 1..]
                .iter()
                .take_while(|below| below.start <= start + CLOSE)
                .any(|below| below.header.is_some_and(|header| with.contains(&header)))
    }

    /// The line belongs to a report above: by its words, or because it stands close below a header that it goes with.
    fn carries_on(&self, at: usize, header: usize) -> bool {
        let anchor = &self.anchors[at];
        let with = &self.options.grammar.headers[header].carries_on;
        if !anchor.part && with.is_empty() {
            return false;
        }
        let reach = if anchor.part { WINDOW } else { CLOSE };
        let near =
            |above: &usize| self.anchors[*above].start + reach >= anchor.start && self.boots[*above] == self.boots[at];
        let mut headers = (0..at).rev().take_while(near).filter_map(|above| self.anchors[above].header);
        if anchor.part { headers.next().is_some() } else { headers.any(|above| with.contains(&above)) }
    }

    /// Reports of which the first line is complete.
    pub(super) fn announce(&mut self, text: &[u8]) -> Vec<Item> {
        if !self.options.opened {
            return Vec::new();
        }
        let mut items = Vec::new();
        for at in self.announced..self.anchors.len() {
            let anchor = &self.anchors[at];
            // Of a line that may belong to a report below it is not known yet what it is.
            let settled = |header: &usize| self.options.grammar.headers[*header].introduces.is_empty();
            if let Some(header) = self.opens(text, at).filter(settled) {
                let line = &text[anchor.start..anchor.end];
                if !self.may_be_kernel(line, header) {
                    continue;
                }
                let message = crate::line::lex(line).message.min(line.len());
                items.push(Item::Opened {
                    header: self.options.grammar.headers[header].id.clone(),
                    start: self.base + anchor.start as u64,
                    text: String::from_utf8_lossy(&line[message..]).trim_end().to_owned(),
                });
            }
        }
        self.announced = self.anchors.len();
        items
    }

    /// Whether nothing in the line itself says that somebody else than the kernel wrote it.
    fn may_be_kernel(&self, line: &[u8], header: usize) -> bool {
        let header = &self.options.grammar.headers[header];
        let (programs, prose) = (header.programs, false);
        let word = header.text_in(line).unwrap_or_default();
        let alone = Header { text: line, start: 0, end: line.len(), header: word, programs, prose };
        self.options.as_syzbot || speaker(&alone, None) == Speaker::Kernel
    }

    /// Works out some of the reports and events whose windows are known, or of `all` that were announced; `None` when there
    /// is no further one.
    pub(super) fn close(&mut self, text: &[u8], all: bool) -> Option<Vec<Item>> {
        let due = self.due(text, all)?;
        // Fewer are worked out before another thread would have woken up.
        let threads = if due.spots.len() < FEW { 1 } else { self.options.threads };
        let (found, _, ()) = self.work_out(threads, text, &due, None, || ());
        Some(self.settle(text, &due, found))
    }

    /// What [`Reading::close`] works out next.
    pub(super) fn due(&mut self, text: &[u8], all: bool) -> Option<Due> {
        let known = if self.finished || all { usize::MAX } else { (text.len() + 1).saturating_sub(WINDOW + PIECE) };
        self.anchors.get(self.closed).filter(|anchor| anchor.start < known)?;
        let (spots, until) = self.spots(text, known);
        Some(Due { spots, until })
    }

    /// Works out what is due in the text, scans the text that is known `below` it (and whether the log ends there), and does something
    /// `here` meanwhile. Nothing of it changes the state.
    pub(super) fn work_out<T>(
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

    /// Numbers what was found of what was due.
    pub(super) fn settle(&mut self, text: &[u8], due: &Due, found: Vec<Found>) -> Vec<Item> {
        self.closed = due.until;
        let mut items = Vec::with_capacity(due.spots.len());
        for (found, spot) in found.into_iter().zip(&due.spots) {
            match found {
                Found::Report(mut report) => {
                    self.number(text, &mut report, spot);
                    items.push(Item::Closed(report));
                }
                Found::Event(event) => self.count_event(event, &mut items),
                Found::Other(event) => {
                    self.others += 1;
                    if self.options.events {
                        self.count_event(event, &mut items);
                    }
                }
                Found::Nothing => {}
            }
        }
        items
    }

    fn count_event(&mut self, mut event: Box<Event>, items: &mut Vec<Item>) {
        event.index = self.events;
        self.events += 1;
        items.push(Item::Event(event));
    }

    /// The next places to work out among the anchors that begin before `known`, and the first anchor behind them. Beyond
    /// [`Options::kept`] events are counted.
    fn spots(&mut self, text: &[u8], known: usize) -> (Vec<Spot>, usize) {
        let mut spots = Vec::new();
        let mut next = self.closed;
        while spots.len() < BATCH
            && let Some(anchor) = self.anchors.get(next).filter(|anchor| anchor.start < known)
        {
            let at = next;
            next += 1;
            let spot = |event, flooded| Spot { at, line: anchor.lines + 1, boot: self.boots[at], event, flooded };
            if self.opens(text, at).is_some() {
                let flooded = at >= FLOOD && self.anchors[at - FLOOD].start + WINDOW > anchor.start;
                spots.push(spot(None, flooded));
                continue;
            }
            for candidate in anchor.events.iter() {
                let event = &self.options.grammar.events[candidate.event];
                let (seen, kept) = match event.severity.is_severe() {
                    true => (&mut self.severe, self.options.kept.severe),
                    false => (&mut self.lesser, self.options.kept.lesser),
                };
                *seen += 1;
                if *seen > kept && candidate.sure && event.is_countable() {
                    self.further += 1;
                    continue;
                }
                spots.push(spot(Some(candidate.event), false));
            }
        }
        (spots, next)
    }

    /// Gives a finished report its number and its cause.
    fn number(&mut self, text: &[u8], report: &mut Report, spot: &Spot) {
        report.index = self.reports;
        self.reports += 1;
        let anchor = &self.anchors[spot.at];
        let line = &text[anchor.start..anchor.end];
        let panics = anchor.panicked && !self.options.as_syzbot;
        let grammar = &self.options.grammar;
        let header = anchor.header.map(|at| &grammar.headers[at]);
        let continues = !anchor.second && header.is_none_or(|header| header.carries_on.is_empty());
        report.cause = self.causes.of(grammar, report, header, line, continues, panics);
    }

    /// From where on the text is still needed, bytes.
    pub(super) fn needed_from(&self, length: usize) -> usize {
        let open = self.anchors.get(self.closed).map_or(self.scanned, |anchor| anchor.start);
        open.min(self.scanned).min(length).saturating_sub(WINDOW + PIECE)
    }

    /// Up to where a text in memory will hardly be looked at again, bytes: its reports are worked out, its lines counted.
    pub(super) fn needless(&self, length: usize) -> usize {
        self.needed_from(length).min(self.counted.0)
    }

    /// Drops the anchors that end before `bytes` and are worked out.
    pub(super) fn forget_anchors(&mut self, bytes: usize) {
        let gone = self.anchors.iter().take_while(|anchor| anchor.end < bytes).count().min(self.closed);
        self.anchors.drain(..gone);
        self.boots.drain(..gone);
        self.closed -= gone;
        self.announced = self.announced.saturating_sub(gone);
    }

    /// The first `bytes` of the text are dropped.
    pub(super) fn forget(&mut self, text: &[u8], bytes: usize) {
        if let Some(passed) = text.get(self.counted.0..bytes) {
            self.counted = (bytes, self.counted.1 + line_breaks(passed));
        }
        self.forget_anchors(bytes);
        for anchor in &mut self.anchors {
            anchor.start = anchor.start.saturating_sub(bytes);
            anchor.end = anchor.end.saturating_sub(bytes);
        }
        self.counted.0 -= bytes;
        self.scanned -= bytes;
        self.last_boot_end = self.last_boot_end.saturating_sub(bytes);
        self.base += bytes as u64;
    }

    pub(super) fn summary(&self, text: &[u8]) -> Summary {
        Summary {
            bytes: self.base + text.len() as u64,
            lines: self.counted.1 + if self.options.gaps { self.line_breaks(&text[self.counted.0..]) } else { 0 },
            others: self.others,
            further: self.further,
            boots: self.boot + 1,
            gaps: self.gaps.clone(),
            cut: crate::line::ends_cut(text),
            // Where there is no report it does not matter, and of a small log's work it is a fifth.
            reversed: self.reports > 0 && crate::line::is_reversed(text),
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

/// Adds up what two parts of a log say is missing.
fn add(gaps: &mut Gaps, more: Gaps) {
    for (words, (times, messages)) in more {
        let entry = gaps.entry(words).or_default();
        entry.0 += times;
        entry.1 += messages;
    }
}

/// Whether a stamped kernel line stands in the text. Only its end is looked at: boots are rare, logs are long.
fn has_stamp(text: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(WINDOW)..];
    tail.split(|byte| *byte == b'\n').any(|line| crate::line::lex(line).time.is_some())
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
