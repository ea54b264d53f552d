//! One of the machines whose lines a log holds, with an engine that reads its own.

use super::super::text::renumber;
use crate::engine::{Engine, Item, Options};
use std::sync::Arc;

/// Places of a machine's lines that are known: a report has fewer.
const PLACES: usize = 4096;

/// What was found, and in which machine's lines if the log holds those of several.
#[derive(Debug, Clone)]
pub struct Said {
    /// The machine's name.
    pub machine: Option<Arc<str>>,
    /// What was found, with the lines and offsets of the log.
    pub item: Item,
}

/// One of several machines.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: Arc<str>,
    engine: Engine,
    /// Bytes and lines that the engine has read.
    pub(super) read: (u64, u64),
    /// How many of its reports are open.
    pub(super) open: usize,
    /// Where pieces of them stand.
    places: Vec<Place>,
}

/// Where lines of a machine that follow each other stand: offset and number of the first, among its own and in the log.
#[derive(Debug, Clone, Copy)]
struct Place {
    own: (u64, u64),
    log: (u64, u64),
}

impl Machine {
    pub(super) fn new(name: &str, options: &Options) -> Self {
        let options = Options { log: format!("{}/{name}", options.log), ..options.clone() };
        Self { name: name.into(), engine: Engine::new(options), read: (0, 0), open: 0, places: Vec::new() }
    }

    /// Takes a line that stands in the log at an offset, with this number.
    pub(super) fn take(&mut self, line: &[u8], log: (u64, u64)) -> Vec<Said> {
        let own = (self.read.0, self.read.1 + 1);
        let follows =
            |last: &Place| (own.0 - last.own.0, own.1 - last.own.1) == (log.0 - last.log.0, log.1 - last.log.1);
        if !self.places.last().is_some_and(follows) {
            if self.places.len() == PLACES {
                self.places.drain(..PLACES / 2);
            }
            self.places.push(Place { own, log });
        }
        self.read = (own.0 + line.len() as u64 + 1, own.1);
        self.said(|engine| {
            let mut items = engine.push(line);
            items.extend(engine.push(b"\n"));
            items
        })
    }

    pub(super) fn flush(&mut self) -> Vec<Said> {
        let said = self.said(Engine::flush);
        // One that the kernel took back is not closed.
        self.open = 0;
        said
    }

    /// What the engine yields, with the places of the log.
    pub(super) fn said(&mut self, yields: impl FnOnce(&mut Engine) -> Vec<Item>) -> Vec<Said> {
        let items = yields(&mut self.engine);
        for item in &items {
            match item {
                Item::Opened { .. } => self.open += 1,
                Item::Closed(_) => self.open = self.open.saturating_sub(1),
                Item::Event(_) => {}
            }
        }
        let settled = |mut item| {
            renumber(&mut item, &|line| self.place(line, |place| place.1), &|offset| {
                self.place(offset, |place| place.0)
            });
            Said { machine: Some(Arc::clone(&self.name)), item }
        };
        items.into_iter().map(settled).collect()
    }

    /// The line or the offset in the log of one among the machine's own.
    fn place(&self, own: u64, part: impl Fn((u64, u64)) -> u64) -> u64 {
        let after = self.places.partition_point(|place| part(place.own) <= own);
        let place = self.places.get(after.saturating_sub(1));
        place.map_or(own, |place| part(place.log) + own.saturating_sub(part(place.own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_not_kept_without_end() {
        let mut machine = Machine::new("alpha", &Options::named("x"));
        for number in 0..3 * PLACES as u64 {
            machine.take(b"[    1.000000] lamp: on", (48 * number, 2 * number));
        }
        assert!(machine.places.len() <= PLACES);
        assert_eq!(machine.place(2 * PLACES as u64 + 1, |place| place.1), 4 * PLACES as u64);
    }
}
