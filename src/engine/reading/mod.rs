//! The state of one log's reading: what was scanned, what is open, how far lines were counted.

mod ending;
mod kernels;
mod opening;
mod parts;

use super::analyse::Found;
use super::causes::Causes;
use super::window::Spot;
use super::worded::take_words;
use super::{Item, Options, Summary, in_order, thread_count};
use crate::grammar::{Anchor, Gaps, PIECE, Room, Scanner, line_breaks};
use crate::line::{BootMark, begins_boot, lex, same_boot, unwrap};
use crate::report::{Event, Report, Speaker, WINDOW};
use kernels::Kernels;
use parts::{Due, PART, Scanned, ScannedPart};
use std::sync::{Arc, Mutex};

/// Below twice this size scanning is not worth a second thread, bytes.
const SEGMENT: usize = 4 << 20;
/// How many reports and events are worked out before they are handed on: what is held in memory depends on this, not on the
/// log.
const BATCH: usize = 1024;
/// Fewer are worked out before another thread would have woken up.
const FEW: usize = 8;
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
    /// Where searches gather their hits, one for each thread at work; kept, so that a search allocates nothing.
    rooms: Mutex<Vec<Room>>,
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
    kernels: Kernels,
    /// Whether any line looks like the first of a report.
    headed: bool,
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

impl Reading {
    pub(super) fn new(options: Options) -> Self {
        let scanner = options.grammar.scanner(options.sought(), options.gaps, options.as_syzbot);
        Self {
            options,
            scanner,
            base: 0,
            scanned: 0,
            counted: (0, 0),
            rooms: Mutex::default(),
            anchors: Vec::new(),
            boots: Vec::new(),
            announced: 0,
            closed: 0,
            last_boot: None,
            last_boot_end: 0,
            boot: 0,
            kernels: Kernels::default(),
            headed: false,
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
        let (known, before) = (&text[..end], self.anchors.len());
        if threads < 2 {
            let part = self.scan(known, self.scanned..end);
            self.take_part(text, part);
        } else {
            let parts = in_order(threads, &self.starts(end), |start| self.scan_part(known, *start));
            parts.into_iter().for_each(|part| self.take_part(text, part));
        }
        self.go_on(text, before, end, finished);
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

    /// Takes in what was found in the text.
    pub(super) fn take(&mut self, text: &[u8], Scanned { parts, end, finished }: Scanned) {
        let before = self.anchors.len();
        parts.into_iter().for_each(|part| self.take_part(text, part));
        self.go_on(text, before, end, finished);
    }

    fn take_part(&mut self, text: &[u8], ScannedPart { from, mut anchors, counted, gaps }: ScannedPart) {
        let known = self.anchors.len();
        self.anchors.append(&mut anchors);
        add(&mut self.gaps, gaps);
        self.number_lines(text, from, known, counted);
    }

    /// The text is scanned up to `end`, and has new anchors from `before` on.
    fn go_on(&mut self, text: &[u8], before: usize, end: usize, finished: bool) {
        self.headed |= self.anchors[before..].iter().any(|anchor| anchor.header.is_some());
        // Where a report is told, that another may have begun says nothing new.
        if finished
            && !self.headed
            && let Some(last) = ending::mark_at_end(&self.options, text)
        {
            let (counted, lines) = self.counted;
            // Lines may have been counted up to the end.
            let lines = match text.get(counted..last.start) {
                Some(further) => lines + self.line_breaks(further),
                None => lines.saturating_sub(line_breaks(&text[last.start..counted])),
            };
            self.anchors.push(Anchor { lines, ..last });
        }
        self.number_boots(text, before);
        if !self.options.as_syzbot {
            take_words(&self.options.grammar, text, &mut self.anchors, before);
        }
        (self.scanned, self.finished) = (end, finished);
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
                let now = || lex(&text[anchor.start..anchor.end]).time;
                if begins_boot(self.last_boot, mark, quiet)
                    && (!first || !same_boot(last_stamp(&text[..anchor.start]), now()))
                {
                    self.boot += 1;
                }
                self.last_boot = Some(mark);
                self.last_boot_end = anchor.end;
            }
            self.boots.push(self.boot);
        }
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
                let header = &self.options.grammar.headers[header];
                // What stands around the message in a record of the journal is none of it, nor are its other lines.
                let whole = unwrap(line);
                let lines = || whole.split(|byte| *byte == b'\n');
                let line =
                    lines().find(|line| header.text_in(line).is_some()).or_else(|| lines().next()).unwrap_or(line);
                items.push(Item::Opened {
                    header: header.id.clone(),
                    start: self.base + anchor.start as u64,
                    text: String::from_utf8_lossy(lex(line).text(line)).trim_end().to_owned(),
                });
            }
        }
        self.announced = self.anchors.len();
        items
    }

    /// Works out some of the reports and events whose windows are known, or of `all` that were announced; `None` when there
    /// is no further one.
    pub(super) fn close(&mut self, text: &[u8], all: bool) -> Option<Vec<Item>> {
        let due = self.due(text, all);
        if due.until == self.closed {
            return None;
        }
        let threads = if due.spots.len() < FEW { 1 } else { self.options.threads };
        let (found, _, ()) = self.work_out(threads, text, &due, None, || ());
        Some(self.settle(text, &due, found))
    }

    /// What [`Reading::close`] works out next.
    pub(super) fn due(&mut self, text: &[u8], all: bool) -> Due {
        let known = if self.finished || all { usize::MAX } else { (text.len() + 1).saturating_sub(WINDOW + PIECE) };
        let (spots, until) = self.spots(text, known);
        Due { spots, until }
    }

    /// Numbers what was found of what was due.
    pub(super) fn settle(&mut self, text: &[u8], due: &Due, found: Vec<Found>) -> Vec<Item> {
        self.closed = due.until;
        let mut items = Vec::with_capacity(due.spots.len());
        for (found, spot) in found.into_iter().zip(&due.spots) {
            match found {
                Found::Report(mut report) => {
                    if !self.options.as_syzbot {
                        report.boot = self.kernels.boot_of(spot.boot, report.kernel_version.as_deref());
                    }
                    self.number(text, &mut report, spot);
                    items.push(Item::Closed(report));
                }
                Found::Event(event) => self.count_event(event, &mut items),
                Found::Other(event) => {
                    self.others += u64::from(event.speaker != Speaker::Kernel);
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
        event.boot = self.kernels.boot(event.boot);
        self.events += 1;
        items.push(Item::Event(event));
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
            boots: self.boot + 1 + self.kernels.further(),
            gaps: self.gaps.clone(),
            cut: crate::line::ends_cut(text),
            // Where there is no report it does not matter, and of a small log's work it is a fifth.
            reversed: self.reports > 0 && crate::line::is_reversed(text),
            turned: false,
        }
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
    last_stamp(text).is_some()
}

/// The stamp of the last kernel line in the text that has one, as far up as is looked.
fn last_stamp(text: &[u8]) -> Option<f64> {
    let tail = &text[text.len().saturating_sub(WINDOW)..];
    tail.rsplit(|byte| *byte == b'\n').find_map(|line| lex(line).time)
}
