//! The engine: bytes pushed in, finished reports and events out.

use crate::report::{Event, Report};

/// What the engine yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A report's first line is complete. Its `closed` twin follows with the same `start`.
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

/// How to read a log.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name to put into `log`.
    pub log: String,
    /// Whether to look for events too.
    pub events: bool,
    /// Whether to yield [`Item::Opened`].
    pub opened: bool,
    /// Threads for large pushes; 0 means as many as the machine has.
    pub threads: usize,
}

impl Options {
    /// Reports only, one thread.
    #[must_use]
    pub fn named(log: impl Into<String>) -> Self {
        Self { log: log.into(), events: false, opened: false, threads: 1 }
    }
}

/// Reads one log. Feed it with [`Engine::push`], end with [`Engine::finish`].
#[derive(Debug)]
pub struct Engine {
    options: Options,
}

impl Engine {
    /// An engine with the built-in grammars.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Takes more bytes; yields what they completed, in the order of the log.
    pub fn push(&mut self, _bytes: &[u8]) -> Vec<Item> {
        let _ = &self.options;
        Vec::new()
    }

    /// Closes what is open as if the log ended here, for a live feeder whose guest fell silent. Reading may go on.
    pub fn flush(&mut self) -> Vec<Item> {
        Vec::new()
    }

    /// Ends the log.
    pub fn finish(self) -> Vec<Item> {
        Vec::new()
    }
}

/// All reports of a log that is in memory.
#[must_use]
pub fn read_reports(log: &str, bytes: &[u8]) -> Vec<Report> {
    let mut engine = Engine::new(Options::named(log));
    let mut items = engine.push(bytes);
    items.extend(engine.finish());
    items.into_iter().filter_map(|item| if let Item::Closed(report) = item { Some(*report) } else { None }).collect()
}
