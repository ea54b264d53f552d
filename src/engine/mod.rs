//! The engine: bytes pushed in, finished reports and events out.
//!
//! [`Engine::push`] takes any chunks; [`Engine::read`] takes a log that is in memory as a whole and uses threads. Both run
//! the same stages: [`crate::grammar::Scanner`] finds the lines that matter, and each report is then worked out on its own
//! from its window (`analyse`), which is why neither chunks nor threads can change it.

mod analyse;
mod causes;
mod dress;
mod event;
mod headless;
mod reading;
mod samples;
mod threads;
mod window;
mod worded;

pub use headless::{Beheaded, LARGEST_HEADLESS, headless, left_over};
pub use samples::sample_complaints;
pub use threads::{in_order, in_order_beside, thread_count};

use crate::grammar::{Events, Gaps, Grammar};
use crate::locks::{Dump, Gathered, Record, dumps};
use crate::report::{Event, Report};
use reading::Reading;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the engine yields.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A report's first line is complete. Its `closed` twin follows with the same `start`, unless the console takes the
    /// line back (`** replaying previous printk message **`) or the lines below show that it was not the kernel's.
    Opened {
        /// Id of the header that opened it.
        header: String,
        /// Offset of its first line, bytes.
        start: u64,
        /// The first line, without its prefix.
        text: String,
    },
    /// A finished report.
    Closed(Box<Report>),
    /// A finished event; only when [`Options::events`] asks for them.
    Event(Box<Event>),
}

/// How many events somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Of those that are severe ([`crate::grammar::Severity::is_severe`]).
    pub severe: usize,
    /// Of the others.
    pub lesser: usize,
    /// Whether the stack or the rows below those that may be counted are read, too: a stack costs twenty times what a line does.
    pub below: bool,
}

impl Kept {
    /// Only what the analysis of locks reads: events of one line that say nothing of locks are not even looked for.
    pub const LOCKS: Self = Self { severe: 0, lesser: 0, below: true };
    /// All of them.
    pub const ALL: Self = Self { severe: usize::MAX, lesser: usize::MAX, below: true };
}

/// How to read a log. Made by [`Options::named`]; `..` takes the fields that a later release adds.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name to put into `log`.
    pub log: String,
    /// Whether to look for events too.
    pub events: bool,
    /// How many events are worked out. Of further ones those that are a line of the kernel's and say nothing of locks are only
    /// counted ([`Summary::further`]), which costs a tenth.
    pub kept: Kept,
    /// Whether to yield [`Item::Opened`].
    pub opened: bool,
    /// Whether to note what the log says is missing ([`Summary::gaps`]).
    pub gaps: bool,
    /// Whether to open exactly what syzbot opens: whoever speaks, and however the lines are dressed.
    pub as_syzbot: bool,
    /// Whether the text is a mail or the like, in which people write between the lines of logs.
    pub prose: bool,
    /// Threads for [`Engine::read`]; 0 means as many as the machine has.
    pub threads: usize,
    /// What to look for.
    pub grammar: Arc<Grammar>,
    /// Where the bytes that are read are counted, for whoever shows how far the work is.
    pub read: Option<Arc<AtomicU64>>,
}

impl Options {
    /// Reports only, one thread, the built-in grammar.
    #[must_use]
    pub fn named(log: impl Into<String>) -> Self {
        Self {
            log: log.into(),
            events: false,
            kept: Kept::ALL,
            opened: false,
            gaps: false,
            as_syzbot: false,
            prose: false,
            threads: 1,
            grammar: Grammar::built_in(),
            read: None,
        }
    }

    /// Which events are looked for.
    pub(crate) fn sought(&self) -> Events {
        match self.kept {
            _ if !self.events => Events::None,
            Kept::LOCKS => Events::OfLocks,
            _ => Events::All,
        }
    }

    /// Counts what was read.
    fn count(&self, bytes: usize) {
        if let Some(read) = &self.read {
            read.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// The same with events.
    #[must_use]
    pub fn with_events(self) -> Self {
        Self { events: true, ..self }
    }
}

/// What is to be said of a log as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Bytes read.
    pub bytes: u64,
    /// Lines read; when nobody asks for gaps they are counted only as far as some line matters.
    pub lines: u64,
    /// Lines of others than the kernel that look like reports; with [`Options::events`] they are events.
    pub others: u64,
    /// Events of the kernel that were only counted ([`Options::kept`]).
    pub further: u64,
    /// Boots that the log holds; at least one if it holds anything.
    pub boots: usize,
    /// What the log says is missing.
    pub gaps: Gaps,
    /// Whether the last line has no end.
    pub cut: bool,
    /// Whether the newest line stands first; not looked at in a log without reports.
    pub reversed: bool,
    /// Whether it did, and the log was read from its end.
    pub turned: bool,
}

/// Reads one log. Feed it with [`Engine::push`], end with [`Engine::finish`].
#[derive(Debug)]
pub struct Engine {
    reading: Reading,
    buffer: Vec<u8>,
}

/// Chunks are taken in slices of this size, bytes, so that a huge push does not grow the buffer.
const SLICE: usize = 1 << 20;
/// So much of a buffer must have become useless, bytes, before the rest is moved to its beginning: each move copies what reports may
/// look back at, a quarter of a megabyte.
const GONE: usize = SLICE / 2;
/// How much of a mapped log each thread scans before the reports in it are worked out, bytes: few enough that they are still
/// in the processor's cache.
const SLAB: usize = 8 << 20;

impl Engine {
    /// An engine at the beginning of a log.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { reading: Reading::new(options), buffer: Vec::new() }
    }

    /// Takes more bytes; yields what they completed, in the order of the log.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        for slice in bytes.chunks(SLICE) {
            self.buffer.extend_from_slice(slice);
            self.reading.advance(&self.buffer, false);
            self.reading.options().count(slice.len());
            items.extend(self.told(false));
            self.forget();
        }
        items
    }

    /// Closes what is open as if the log ended here, for a live feeder whose guest fell silent. Reading may go on; what
    /// is closed stays closed.
    pub fn flush(&mut self) -> Vec<Item> {
        let items = self.told(true);
        self.forget();
        items
    }

    /// Ends the log.
    pub fn finish(mut self) -> (Vec<Item>, Summary) {
        self.reading.advance(&self.buffer, true);
        let items = self.told(false);
        let summary = self.reading.summary(&self.buffer);
        (items, summary)
    }

    /// Reads a log that is in memory as a whole, with threads, handing over each item as it is finished.
    ///
    /// # Errors
    /// What `sink` answers; reading stops there.
    pub fn read<E>(options: Options, text: &[u8], sink: impl FnMut(Item) -> Result<(), E>) -> Result<Summary, E> {
        Self::read_passing(options, text, sink, |_| ())
    }

    /// The same, telling `passed` from time to time how many bytes of the text will hardly be looked at again.
    pub(crate) fn read_passing<E>(
        options: Options,
        text: &[u8],
        sink: impl FnMut(Item) -> Result<(), E>,
        passed: impl FnMut(usize),
    ) -> Result<Summary, E> {
        Self::read_slabs(options, text, SLAB, sink, passed)
    }

    /// The same, so many bytes for each thread at once. While some items are handed over, those below are worked out, and what is below
    /// them is scanned.
    fn read_slabs<E>(
        options: Options,
        text: &[u8],
        slab: usize,
        mut sink: impl FnMut(Item) -> Result<(), E>,
        mut passed: impl FnMut(usize),
    ) -> Result<Summary, E> {
        // Asking for the number of processors takes longer than a small log does.
        let threads = if text.len() <= slab { 1 } else { thread_count(options.threads) };
        let up_to = |from: usize| {
            let end = text.len().min(from + slab * threads);
            (&text[..end], end == text.len())
        };
        let mut tell = |items: Vec<Item>| items.into_iter().try_for_each(&mut sink);
        let mut reading = Reading::new(options);
        let (mut finished, mut told_of, mut needless) = (Vec::new(), 0, 0);
        let (mut known, mut is_all) = up_to(0);
        reading.advance(known, is_all);
        loop {
            finished.extend(reading.announce(known));
            let due = reading.due(known, false);
            let (next, is_last) = up_to(known.len());
            let below = (!is_all).then_some((next, is_last));
            let (found, scanned, told) = reading.work_out(threads, known, &due, below, || {
                // One thread gains nothing by doing it on the way.
                if threads > 1 {
                    passed(needless);
                }
                tell(std::mem::take(&mut finished))
            });
            told?;
            finished = reading.settle(known, &due, found);
            // In a log that is flooded with reports.
            while let Some(more) = reading.close(known, false) {
                tell(std::mem::replace(&mut finished, more))?;
            }
            reading.forget_anchors(reading.needed_from(known.len()));
            needless = reading.needless(known.len());
            reading.options().count(known.len() - told_of);
            told_of = known.len();
            let Some(scanned) = scanned else {
                tell(finished)?;
                return Ok(reading.summary(text));
            };
            reading.take(next, scanned);
            (known, is_all) = (next, is_last);
        }
    }

    /// What the reading says about the buffer; `all` closes what is open.
    fn told(&mut self, all: bool) -> Vec<Item> {
        let mut items = self.reading.announce(&self.buffer);
        while let Some(more) = self.reading.close(&self.buffer, all) {
            items.extend(more);
        }
        items
    }

    /// Drops what no report can need any more.
    fn forget(&mut self) {
        let needed = self.reading.needed_from(self.buffer.len());
        if needed >= GONE {
            self.reading.forget(&self.buffer, needed);
            self.buffer.drain(..needed);
        }
    }
}

/// All reports of a log that is in memory.
#[must_use]
pub fn read_reports(log: &str, bytes: &[u8]) -> Vec<Report> {
    read_items(Options::named(log), bytes)
        .into_iter()
        .filter_map(|item| if let Item::Closed(report) = item { Some(*report) } else { None })
        .collect()
}

/// All items of a log that is in memory.
#[must_use]
pub fn read_items(options: Options, bytes: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    let done: Result<Summary, std::convert::Infallible> = Engine::read(options, bytes, |item| {
        items.push(item);
        Ok(())
    });
    match done {
        Ok(_) => items,
    }
}

/// Keeps what an item says of tasks and locks, so that the item itself need not stay until the end of its log.
pub fn gather_locks(gathered: &mut Gathered<'static>, item: &Item) {
    match item {
        Item::Closed(report) => gathered.add_report(report),
        Item::Event(event) => gathered.add_event(event),
        Item::Opened { .. } => {}
    }
}

/// The dumps of locks and tasks in what the engine found in the log called `log`.
#[must_use]
pub fn lock_dumps(log: &str, items: &[Item]) -> Vec<Dump> {
    let records: Vec<Record<'_>> = items
        .iter()
        .filter_map(|item| match item {
            Item::Closed(report) => Some(Record::Report(report)),
            Item::Event(event) => Some(Record::Event(event)),
            Item::Opened { .. } => None,
        })
        .collect();
    dumps(log, &records)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of no interest, and reports among some of them.
    fn text() -> Vec<u8> {
        let mut text = String::new();
        for second in 0..40_000 {
            text += &format!("[{second:5}.000000] eth0: link is up for the {second}th time\n");
            if second % 9000 < 3 {
                text += &format!(
                    "[{second:5}.000001] WARNING: CPU: 0 PID: 1 at mm/page.c:{} widget_{second}+0x1/0x2\n",
                    second + 1
                );
            }
        }
        text.into_bytes()
    }

    #[test]
    fn neither_slabs_nor_threads_change_what_a_log_says() {
        let text = text();
        let mut engine = Engine::new(Options::named("log").with_events());
        let mut pushed = engine.push(&text);
        let (rest, said) = engine.finish();
        pushed.extend(rest);
        assert_eq!(pushed.len(), 15);
        for (slab, threads) in [(200 << 10, 1), (200 << 10, 2), (300_001, 3), (64 << 20, 2)] {
            let (mut items, mut last) = (Vec::new(), 0);
            let options = Options { threads, ..Options::named("log").with_events() };
            let take = |item| {
                items.push(item);
                Ok::<(), ()>(())
            };
            let summary = Engine::read_slabs(options, &text, slab, take, |bytes| {
                assert!(bytes >= last && bytes < text.len());
                last = bytes;
            });
            assert_eq!(
                (items, summary.as_ref().map(|summary| summary.bytes)),
                (pushed.clone(), Ok(said.bytes)),
                "{slab}"
            );
            assert_eq!(last > 0, threads > 1 && slab < text.len(), "{slab}");
        }
        let mut told = 0;
        let stopped = Engine::read_slabs(
            Options::named("log"),
            &text,
            200 << 10,
            |_| {
                told += 1;
                if told < 5 { Ok(()) } else { Err(told) }
            },
            |_| (),
        );
        assert_eq!(stopped, Err(5));
    }

    #[test]
    fn a_record_of_several_lines_is_opened_with_its_header() {
        let record = br#"{"MESSAGE":"------------[ cut here ]------------\nBUG: unable to handle page fault for address: ffff\nOops: 0","_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel"}
"#;
        let opened = read_items(Options { opened: true, ..Options::named("x") }, record).swap_remove(0);
        let Item::Opened { text, start: 0, .. } = opened else { panic!("{opened:?}") };
        assert_eq!(text, "BUG: unable to handle page fault for address: ffff");
    }
}
